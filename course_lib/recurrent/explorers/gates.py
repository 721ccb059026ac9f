"""Section 4.3: what is each gate for? Clamp one, and watch the prediction change."""

import numpy as np
import torch
from torch import Tensor

from course_lib.datasets.reviews import words_of
from course_lib.explorers import Choice, Explorer, Place, Prediction, Quest, Slider, Span, Text
from course_lib.figures.gates import (
    HEIGHT,
    NEXT_WORD,
    PANELS,
    PRAISE,
    WIDTH,
    build_answer,
    build_gates,
    update_answer,
    update_gates,
)
from course_lib.recording import Clamp
from course_lib.recurrent.explorers.reading import (
    SORTS,
    Reading,
    at_words,
    beside_yours,
    can_sort,
    lstm_numbers,
    names_of,
    never_met,
    order_of_units,
    read,
    read_with,
    reader_named,
    unknown_words,
)
from course_lib.recurrent.language_model import Writer
from course_lib.recurrent.lstm import GATES, LSTMCell
from course_lib.recurrent.sentiment import Reader, load_reader

ROWS = 8  # units in a panel: all of a sentiment model's, the first ones of the language model's


class SentenceExplorer(Explorer):
    """Type a sentence; a small LSTM says whether it praises."""

    id = "recurrent.lstm"
    size = (880, 250)
    controls = {"sentence": Text(start="i would not say that the story was bad",
                                 tries=("the plot was really boring", "nobody could call the music dull"))}  # fmt: skip

    def compute(self, sentence):
        reader = load_reader()
        chance = read(reader, sentence).trace
        return {"words": words_of(sentence), "chance": chance, "unknown": unknown_words(reader, sentence)}

    def build(self, figure):
        return build_answer(figure)

    def update(self, artists, data):
        update_answer(artists, data)

    def describe(self, data):
        return f"«{' '.join(data['words'])}»: {data['chance'][-1]:.0%} praise.{never_met(data['unknown'])}"


class GateExplorer(Explorer):
    """An LSTM reads your sentence: its gates, its memory, its answer, and what a clamped gate does to them.

    Two of the models say whether the sentence praises; the third is the language model of section 4.6, of whose many
    units eight are shown: the first ones of the order that is chosen. All rows together stand for every unit.

    `learner=` takes an `lstm_cell(x, h, c, W_f, b_f, W_i, b_i, W_C, b_C, W_o, b_o) -> (h, c)` and reads the sentence
    with it beside the model, whose own weights it is given.
    """

    id = "recurrent.lstm.forget-gate"
    size = (WIDTH, HEIGHT)
    controls = {
        "sentence": Text(
            start="i would not say that the film was good",
            tries=("nobody could call this film good", "the plot was dull but the songs were not"),
        ),
        "clamp": Choice(options=("no gate", *GATES), start="no gate", label="clamp"),
        "value": Slider(low=0.0, high=1.0, step=0.05, start=0.0, label="hold it at"),
        "words": Span(start=(5, 5), label="at words", tries=((0, 0), (2, 2), (3, 5), (0, 8))),
        "units": Span(start=(0, 7), label="in rows", tries=((0, 7), (0, 0), (2, 5))),
        "show": Choice(options=("clamped run", "unclamped run", "difference"), start="clamped run"),
        "model": Choice(options=("one layer", "two layers", Writer.name), start="one layer"),
        "layer": Place(start=0, tries=(0, 1)),
        "sort": Choice(options=SORTS, start="unit number", label="sort rows by"),
        "word": Place(start=2, label="look at word", tries=(0, 2, 5, 8)),
        "row": Place(start=0, label="look at row", tries=(0, 3, 7)),
    }
    quests = (
        Quest("write-flip", "find a sentence where closing one write gate (at 0, at one word) flips the answer",
              lambda data: data["clamped_words"] == 1 and data["clamp"] == ("write", 0.0) and data["flips"]),
        Quest("hide", "hide the memory without losing it: hold one gate so that no unit's last output is beyond 0.05, "
              "while every last cell state stays where it was, within 0.05",
              lambda data: data["clamp"] is not None and data["shown"] <= 0.05 and data["cell_moved"] <= 0.05),
    )  # fmt: skip
    presets = (
        {},
        {"clamp": "forget", "sort": "negation"},
        {"clamp": "read", "words": (0, 8), "model": "two layers", "show": "difference"},
        {
            "sentence": "although nobody could call the acting of this film bad i would say that the music "
            "with its many songs was really dull",
            "clamp": "write",
            "words": (1, 22),
        },
        {"model": Writer.name, "sort": "this sentence", "clamp": "forget"},
    )
    sweep_from = {"clamp": "forget", "value": 0.0, "words": (5, 5), "units": (0, 7), "model": "two layers", "layer": 0}

    def places(self, sentence, model, **_):
        reader = reader_named(model)
        words = names_of(reader.words(sentence))
        layers = [f"layer {n + 1}" for n in range(len(reader.model.recurrent.layers))]
        rows = [f"row {n + 1}" for n in range(ROWS)]
        places = {"units": rows, "row": rows, "layer": layers}
        return places | {"words": words, "word": words} if words else places  # an empty text keeps what was chosen

    def compute(self, sentence, clamp, value, words, units, show, model, layer, sort, word, row):
        reader = reader_named(model)
        free = held = read(reader, sentence)
        said, order = reader.words(sentence), order_of_units(reader, sentence, layer, sort)
        rows, columns = range(units[0], units[1] + 1), range(words[0], words[1] + 1)
        every_unit = len(rows) == ROWS
        if clamp != "no gate":
            at = tuple(order) if every_unit else tuple(order[rows])
            held = read(reader, sentence, Clamp(f"{layer}.{clamp}", value, steps=tuple(columns), units=at))

        def panels(of: Reading) -> dict[str, np.ndarray]:
            return {name: of.taps[f"{layer}.{name}"][:, order[:ROWS]].T for name in PANELS}  # each (rows, time)

        shown = {"unclamped run": panels(free), "clamped run": panels(held)}
        shown["difference"] = {name: shown["clamped run"][name] - shown["unclamped run"][name] for name in PANELS}
        unit = int(order[row])
        depth = len(reader.model.recurrent.layers)
        return {
            "words": said,
            "unsorted": "" if can_sort(reader, sort) else f" Its text holds no {sort}: the rows stand by unit number.",
            "unknown": never_met(unknown_words(reader, sentence), reader.unknown),
            "panels": shown[show],
            "difference": show == "difference",
            "asked": NEXT_WORD if model == Writer.name else PRAISE,
            "free": free.trace,
            "held": held.trace,
            "answers": (free.answer, held.answer),
            "yours": self._yours(reader, sentence) if self.learner else None,
            "pull": held.pull / max(held.pull.max(), 1e-12),
            "word": word,
            "row": row,
            "clamped": None if clamp == "no gate" else (clamp, units[0], units[1], words[0], words[1]),
            "clamp": None if clamp == "no gate" else (clamp, value),
            "clamped_words": len(columns),
            "clamped_units": "every unit" if every_unit else f"{len(rows)} of {len(order)} units",
            "flips": free.answer.says != held.answer.says,
            "cell_moved": max(
                float(np.abs(held.taps[f"{n}.cell"][-1] - free.taps[f"{n}.cell"][-1]).max()) for n in range(depth)
            ),
            "shown": float(np.abs(held.taps[f"{depth - 1}.hidden"][-1]).max()),
            "layer": f"layer {layer + 1}" if depth > 1 else "",
            "where": (f"word {word + 1} «{said[word]}»", f"row {row + 1}: unit {unit + 1}"),
            "numbers": lstm_numbers((free if show == "unclamped run" else held).taps, layer, word, unit),
        }

    def build(self, figure):
        return build_gates(figure)

    def update(self, artists, data):
        update_gates(artists, data)

    def describe(self, data):
        free, held = data["answers"]
        if data["asked"] == NEXT_WORD:
            text = f"After «{' '.join(data['words'])}» most likely comes «{free.says}» ({free.share:.0%})."
            then = f"«{held.says}» ({held.share:.0%})"
        else:
            text, then = f"«{' '.join(data['words'])}»: {free.share:.0%} praise.", f"{held.share:.0%}"
        if data["clamp"]:
            gate, value = data["clamp"]
            _, _, _, first, last = data["clamped"]
            where = at_words(data["words"], first, last)
            units = data["clamped_units"] + (f" of {data['layer']}" if data["layer"] else "")
            outcome = "the answer flips" if data["flips"] else "the answer stays"
            text += f" With the {gate} gate of {units} held at {value:g} {where}, {then}: {outcome}."
        if self.learner:
            text += beside_yours(data["yours"], data["free"])
        return text + data["unsorted"] + data["unknown"]

    def _yours(self, reader: Reader | Writer, sentence: str) -> np.ndarray | None:
        """The trace by the learner's own cell, (time,); None while it is not written."""

        def step_of(cell: LSTMCell):
            weights = separate_weights(cell)
            return lambda x, state: self.learner(x, *state, *weights)

        return read_with(reader, sentence, "lstm_cell", step_of)


def opening_state() -> dict:
    """The sentence and the clamp that section 4.3 opens with, as `data/checkpoints/make_sentiment.py` found them."""
    opening = load_reader().sidecar["opening"]
    place = opening["place"]
    return {"sentence": opening["sentence"], "words": (place, place), "word": place}


def opening_prediction() -> Prediction:
    """What happens to the answer when the forget gate is held at 0 at that one word?"""
    opened = opening_state()
    word = words_of(opened["sentence"])[opened["words"][0]]

    def result(data: dict) -> str:
        if data["flips"]:
            return "it flips"
        free, held = data["answers"]
        return "it fades" if abs(free.share - held.share) > 0.1 else "nothing"

    return Prediction(
        question=f"At the one word «{word}», the forget gate of every unit is held at 0: all that the cell has kept "
        "so far is dropped there, and reading goes on. What happens to the answer?",
        options=("it flips", "it fades", "nothing"),
        then={"clamp": "forget", "value": 0.0, "words": opened["words"]},
        result=result,
    )


def separate_weights(cell: LSTMCell) -> tuple[Tensor, ...]:
    """Copies of the weights as W_f, b_f, W_i, b_i, W_C, b_C, W_o, b_o, which act on [h, x] as the sources write it."""
    inputs = cell.gates.in_features - len(cell.gates.bias) // 4
    weight = torch.cat([cell.gates.weight[:, inputs:], cell.gates.weight[:, :inputs]], dim=1)  # on [h, x]
    (w_i, w_f, w_c, w_o), (b_i, b_f, b_c, b_o) = weight.chunk(4), cell.gates.bias.clone().chunk(4)
    return w_f, b_f, w_i, b_i, w_c, b_c, w_o, b_o
