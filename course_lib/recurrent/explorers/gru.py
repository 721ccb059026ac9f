"""Section 4.4: how do two gates do the work of three? A GRU and an LSTM read the same sentence, word under word."""

from typing import NamedTuple

import numpy as np

from course_lib.datasets.reviews import NEGATORS, words_of
from course_lib.explorers import Choice, Explorer, Place, Prediction, Quest, Slider, Span, Text
from course_lib.figures.gates import PANELS
from course_lib.figures.gru import GRU_PANELS, build_gru, update_gru
from course_lib.recording import Clamp
from course_lib.recurrent.explorers.reading import (
    SORTS,
    Reading,
    at_words,
    beside_yours,
    gru_numbers,
    lstm_numbers,
    names_of,
    never_met,
    order_of_units,
    read,
    read_with,
    state_before,
    unknown_words,
)
from course_lib.recurrent.gru import GRU_GATES, GRUCell
from course_lib.recurrent.lstm import GATES
from course_lib.recurrent.sentiment import Reader, load_reader

BOTH = "forget, write at 1 − it"  # the LSTM's two gates tied as the GRU ties them
RESET_LABELS = {"after the matrix (as trained)": "after", "before it (the textbook)": "before"}
NETS = {
    "gru": ("GRU", "gru", "update", GRU_PANELS, gru_numbers),
    "lstm": ("LSTM", "one layer", "forget", PANELS, lstm_numbers),
}


class GRUExplorer(Explorer):
    """A GRU and an LSTM of equal size read your sentence; hold a gate in either, or in both at once.

    `learner=` takes a `gru_cell(x, h, W_ih, W_hh, b_ih, b_hh, reset) -> h`, its weights packed in the order r, z, n,
    and reads the sentence with it beside the GRU, whose own weights it is given.
    """

    id = "recurrent.gru.update-gate"
    size = (880, 660)
    controls = {
        "sentence": Text(
            start="i would not say that the film was good",
            tries=("nobody could call this film good", "the plot was dull but the songs were not"),
        ),
        "gru": Choice(options=("no gate", *GRU_GATES), start="no gate", label="GRU: clamp"),
        "lstm": Choice(options=("no gate", *GATES, BOTH), start="no gate", label="LSTM: clamp"),
        "value": Slider(low=0.0, high=1.0, step=0.05, start=1.0, label="hold it at"),
        "words": Span(start=(2, 2), label="at words", tries=((0, 0), (2, 2), (3, 5), (0, 8))),
        "units": Span(start=(0, 7), label="in rows", tries=((0, 7), (0, 0), (2, 5))),
        "reset": Choice(options=tuple(RESET_LABELS), start="after the matrix (as trained)", label="GRU: reset"),
        "show": Choice(options=("clamped run", "unclamped run", "difference"), start="clamped run"),
        "sort": Choice(options=SORTS, start="unit number", label="sort rows by"),
        "word": Place(start=2, label="look at word", tries=(0, 2, 5, 8)),
        "row": Place(start=0, label="look at row", tries=(0, 3, 7)),
    }
    quests = (
        Quest("carry", "find a word at which the GRU's state moves (some unit by more than 0.5), and hold one gate at "
              "that one word so that its state crosses the word unchanged to the last digit, while its answer stays "
              "within 0.05",
              lambda data: data["one_word"] and data["gru"]["gates"] != () and data["free_moved"] > 0.5
              and data["moved"] == 0 and abs(change(data["gru"])) <= 0.05),
        Quest("one-of-two", "tie the LSTM's gates as the GRU's are tied: hold update, and forget with write at 1 − it, "
              "so that one of the two answers flips and the other does not",
              lambda data: data["gru"]["gates"] == ("update",) and data["lstm"]["gates"] == ("forget", "write")
              and data["gru"]["flips"] != data["lstm"]["flips"]),
        Quest("before-after", "find a sentence on which the answers of the two ways to reset differ by more than 0.1; "
              "then hold the reset gate so that they differ by less than 0.001",
              lambda data: data["gru"]["gates"] == ("reset",) and data["apart"]["free"] > 0.1
              and data["apart"]["held"] < 0.001),
    )  # fmt: skip
    presets = (
        {},
        {"gru": "update", "lstm": BOTH, "sort": "negation"},
        {"reset": "before it (the textbook)", "gru": "reset", "words": (0, 8), "show": "difference"},
        {
            "sentence": "although nobody could call the acting of this film bad i would say that the music "
            "with its many songs was really dull",
            "gru": "update",
            "lstm": BOTH,
            "words": (1, 22),
            "value": 0.9,
        },
    )
    sweep_from = {"gru": "update", "lstm": BOTH, "value": 0.5, "words": (6, 6), "units": (0, 7)}

    def places(self, sentence, **_):
        rows = [f"row {row + 1}" for row in range(load_reader("gru").model.head.in_features)]
        places, words = {"units": rows, "row": rows}, names_of(words_of(sentence))
        return places | {"words": words, "word": words} if words else places  # an empty text keeps what was chosen

    def compute(self, sentence, gru, lstm, value, words, units, reset, show, sort, word, row):
        said, reader, reset = words_of(sentence), load_reader("gru"), RESET_LABELS[reset]
        readings = {
            "gru": read_twice("gru", sentence, Hold(gru, value, words, units), sort, reset),
            "lstm": read_twice("lstm", sentence, Hold(lstm, value, words, units), sort),
        }
        nets = {net: shown(net, reading, show, word, row) for net, reading in readings.items()}
        free, held = readings["gru"].free.taps, readings["gru"].held.taps
        other = "before" if reset == "after" else "after"
        others = {  # the answers when the reset gate acts in the other place, without and with what is held
            run: read(reader, sentence, *clamps, reset=other, pull=False).answer.share
            for run, clamps in (("free", ()), ("held", readings["gru"].clamps))
            if reset == "before" or gru == "reset"  # else nobody asks, and reading takes time
        }
        return nets | {
            "words": said,
            "unknown": unknown_words(reader, sentence),
            "value": value,
            "word": word,
            "row": row,
            "where": f"word {word + 1} «{said[word]}», row {row + 1}",
            "difference": show == "difference",
            "reset": reset,
            "every_unit": units == (0, reader.model.head.in_features - 1),
            "one_word": words[0] == words[1],
            "moved": moved(held, words),
            "free_moved": moved(free, words),
            "replaced": float(np.abs(held["0.hidden"] - held["0.candidate"])[words[0] : words[1] + 1].max()),
            "apart": {run: abs(float(nets["gru"][run][-1]) - there) for run, there in others.items()},
            "others": others,
            "yours": self._yours(reader, sentence, reset) if self.learner else None,
        }

    def build(self, figure):
        return build_gru(figure)

    def update(self, artists, data):
        update_gru(artists, data)

    def describe(self, data):
        said = ", ".join(f"the {NETS[net][0]} says {data[net]['free'][-1]:.0%} praise" for net in NETS)
        text = f"«{' '.join(data['words'])}»: {said}."
        units = "" if data["every_unit"] else " of the chosen rows"
        for net, (title, *_) in NETS.items():
            of = data[net]
            if not of["gates"]:
                continue
            where = at_words(data["words"], *of["held_at"][2:])
            outcome = "flips" if of["flips"] else "stays"
            gates = f"{of['gates'][0]} gate{units} held at {data['value']:g}"
            if len(of["gates"]) == 2:
                gates += f" and write gate at {1 - data['value']:g}"
            text += f" {title}, {gates} {where}: {of['held'][-1]:.0%}, the answer {outcome}."
            if of["without"] is not None:
                text += (
                    f" Without {'that word' if data['one_word'] else 'those words'}, it would be {of['without']:.0%}."
                )
        if data["reset"] == "before" or data["gru"]["gates"] == ("reset",):
            text += the_other_way(data)
        if self.learner:
            text += beside_yours(data["yours"], data["gru"]["free"])
        return text + never_met(data["unknown"])

    def _yours(self, reader: Reader, sentence: str, reset: str) -> np.ndarray | None:
        """The chance of praise after each word, by the learner's own cell, (time,); None while it is not written."""

        def step_of(cell: GRUCell):
            weights = [weight.clone() for linear in ("weight", "bias") for weight in
                       (getattr(cell.of_input, linear), getattr(cell.of_hidden, linear))]  # fmt: skip
            return lambda x, h: self.learner(x, h, *weights, reset)

        return read_with(reader, sentence, "gru_cell", step_of)


class Hold(NamedTuple):
    """What a learner holds in one net, as the controls have it."""

    option: str  # a gate, "no gate", or BOTH
    value: float
    words: tuple[int, int]  # the first and the last
    rows: tuple[int, int]  # likewise


class Readings(NamedTuple):
    """What one net makes of a sentence, without and with what is held."""

    free: Reading
    held: Reading
    order: np.ndarray  # the units from top to bottom, (units,)
    hold: Hold
    clamps: tuple[Clamp, ...]
    without: float | None  # the answer without the held words, where that can be told


def read_twice(net: str, sentence: str, hold: Hold, sort: str, reset: str = "after") -> Readings:
    """Read without and with what is held; `reset` says where a GRU's reset gate acts."""
    reader = load_reader(NETS[net][1])
    order = order_of_units(reader, sentence, 0, sort)
    clamps = clamps_of(hold, order)
    free = read(reader, sentence, reset=reset, pull=False)
    held = read(reader, sentence, *clamps, reset=reset, pull=False)
    rest = without(reader, words_of(sentence), hold, clamps, reset)
    return Readings(free, held, order, hold, clamps, rest)


def shown(net: str, readings: Readings, show: str, word: int, row: int) -> dict:
    """One net's part of the data: of the run that `show` names, the rows in their order."""
    _, _, keeps, panels, numbers = NETS[net]
    free, held, order = readings.free.taps, readings.held.taps, readings.order
    run = free if show == "unclamped run" else held
    drawn = {tap: held[tap] - free[tap] for tap in held} if show == "difference" else run
    unit = int(order[row])
    return {
        "panels": {tap: drawn[f"0.{tap}"][:, order].T for tap in panels},  # each (units, time)
        "free": readings.free.trace,
        "held": readings.held.trace,
        "gates": tuple(clamp.tap.removeprefix("0.") for clamp in readings.clamps),
        "held_at": (*readings.hold.rows, *readings.hold.words),  # first row, last row, first word, last word
        "kept": share_left(run[f"0.{keeps}"][word:, order]),
        "numbers": numbers(run, 0, word, unit),
        "unit": f"unit {unit + 1}",
        "flips": readings.free.answer.says != readings.held.answer.says,
        "without": readings.without,
    }


def clamps_of(hold: Hold, order: np.ndarray) -> tuple[Clamp, ...]:
    """The clamps that do it, where `order` has the units from top to bottom, (units,)."""
    (first_word, last_word), (first_row, last_row) = hold.words, hold.rows
    where = {
        "steps": tuple(range(first_word, last_word + 1)),
        "units": tuple(order[first_row : last_row + 1].tolist()),
    }
    values = {"forget": hold.value, "write": 1 - hold.value} if hold.option == BOTH else {hold.option: hold.value}
    return tuple(Clamp(f"0.{gate}", value, **where) for gate, value in values.items() if gate != "no gate")


def share_left(kept: np.ndarray) -> np.ndarray:
    """What is left of the state before the first word after 0, 1, 2, … words: the product of the shares kept.

    Args:
        kept: the gate that keeps, (time, units).

    Returns:
        (units, time + 1), beginning at 1
    """
    return np.cumprod(np.vstack([np.ones_like(kept[:1]), kept]), axis=0).T


def moved(run: dict[str, np.ndarray], words: tuple[int, int]) -> float:
    """How far the GRU's state is moved by these words, in the unit that moves most."""
    return float(np.abs(run["0.hidden"][words[1]] - state_before(run, "0.hidden", words[0])).max())


def change(net: dict) -> float:
    """How much the last answer changes by what is held."""
    return float(net["held"][-1] - net["free"][-1])


def without(reader: Reader, said: list[str], hold: Hold, clamps: tuple[Clamp, ...], reset: str) -> float | None:
    """The answer to the sentence without the held words, where the clamps carry the whole state across them."""
    first, last = hold.words
    rest = said[:first] + said[last + 1 :]
    values = {clamp.tap: clamp.value for clamp in clamps}
    carried = values in ({"0.update": 1.0}, {"0.forget": 1.0, "0.write": 0.0})
    if not rest or not carried or hold.rows != (0, reader.model.head.in_features - 1):
        return None
    return read(reader, " ".join(rest), reset=reset, pull=False).answer.share


def the_other_way(data: dict) -> str:
    """A sentence on what the GRU says when its reset gate acts in the other place, with the same gate held."""
    run = "held" if data["gru"]["gates"] else "free"
    here = " This GRU resets before the matrix." if data["reset"] == "before" else ""
    alike = "With the same gate held, the" if run == "held" else "The"
    apart = data["apart"][run]
    much = f"{apart:.3f}" if apart >= 0.001 else "less than 0.001"
    return f"{here} {alike} other way to reset says {data['others'][run]:.0%}; they differ by {much}."


def gru_state() -> dict:
    """Where section 4.4 opens: the sentence of section 4.3, at its negator."""
    sentence = load_reader().sidecar["opening"]["sentence"]
    place = next(place for place, word in enumerate(words_of(sentence)) if word in NEGATORS)
    return {"sentence": sentence, "words": (place, place), "word": place}


def gru_prediction() -> Prediction:
    """What does the GRU do with the negator when its update gate is held at 1 there?"""
    opened = gru_state()
    word = words_of(opened["sentence"])[opened["word"]]
    reads, passes, replaces = (
        f"it reads «{word}» as before",
        f"it passes over «{word}» as if it were not there",
        f"it keeps «{word}» alone and drops all that came before",
    )

    def result(data: dict) -> str:
        if data["moved"] < 1e-6:
            return passes
        return replaces if data["replaced"] < 1e-6 else reads

    return Prediction(
        question=f"At the one word «{word}», the update gate of every unit is held at 1. What does the GRU do with "
        "that word?",
        options=(reads, passes, replaces),
        then={"gru": "update", "value": 1.0, "words": opened["words"]},
        result=result,
    )
