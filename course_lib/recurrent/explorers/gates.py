"""Section 4.3: what is each gate for? Clamp one, and watch the prediction change."""

import numpy as np
import torch
from torch import Tensor

from course_lib.datasets.reviews import words_of
from course_lib.explorers import Choice, Explorer, Place, Prediction, Quest, Slider, Span, Text
from course_lib.figures.gates import PANELS, build_answer, build_gates, update_answer, update_gates
from course_lib.recording import Clamp
from course_lib.recurrent.explorers.reading import (
    SORTS,
    at_words,
    beside_yours,
    lstm_numbers,
    names_of,
    never_met,
    order_of_units,
    read,
    read_with,
    unknown_words,
)
from course_lib.recurrent.lstm import GATES, LSTMCell
from course_lib.recurrent.sentiment import Reader, load_reader


class SentenceExplorer(Explorer):
    """Type a sentence; a small LSTM says whether it praises."""

    id = "recurrent.lstm"
    size = (880, 250)
    controls = {"sentence": Text(start="i would not say that the story was bad",
                                 tries=("the plot was really boring", "nobody could call the music dull"))}  # fmt: skip

    def compute(self, sentence):
        reader = load_reader()
        _, chance, _ = read(reader, sentence)
        return {"words": words_of(sentence), "chance": chance, "unknown": unknown_words(reader, sentence)}

    def build(self, figure):
        return build_answer(figure)

    def update(self, artists, data):
        update_answer(artists, data)

    def describe(self, data):
        return f"«{' '.join(data['words'])}»: {data['chance'][-1]:.0%} praise.{never_met(data['unknown'])}"


class GateExplorer(Explorer):
    """A sentiment LSTM reads your sentence: its gates, its memory, its answer, and what a clamped gate does to them.

    `learner=` takes an `lstm_cell(x, h, c, W_f, b_f, W_i, b_i, W_C, b_C, W_o, b_o) -> (h, c)` and reads the sentence
    with it beside the model, whose own weights it is given.
    """

    id = "recurrent.lstm.forget-gate"
    size = (880, 630)
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
        "model": Choice(options=("one layer", "two layers"), start="one layer"),
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
    )
    sweep_from = {"clamp": "forget", "value": 0.0, "words": (5, 5), "units": (0, 7), "model": "two layers", "layer": 0}

    def places(self, sentence, model, **_):
        shown, words = load_reader(model).model, names_of(sentence)
        layers = [f"layer {n + 1}" for n in range(len(shown.recurrent.layers))]
        rows = [f"row {n + 1}" for n in range(shown.head.in_features)]
        places = {"units": rows, "row": rows, "layer": layers}
        return places | {"words": words, "word": words} if words else places  # an empty text keeps what was chosen

    def compute(self, sentence, clamp, value, words, units, show, model, layer, sort, word, row):
        reader = load_reader(model)
        said = words_of(sentence)
        free, free_chance, pull = read(reader, sentence)
        held, held_chance = free, free_chance
        order = order_of_units(reader, sentence, layer, sort)
        rows, columns = range(units[0], units[1] + 1), range(words[0], words[1] + 1)
        if clamp != "no gate":
            held_at = Clamp(f"{layer}.{clamp}", value, steps=tuple(columns), units=tuple(order[rows]))
            held, held_chance, pull = read(reader, sentence, held_at)

        def panels(of: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
            return {name: of[f"{layer}.{name}"][:, order].T for name in PANELS}  # each (units, time)

        shown = {"unclamped run": panels(free), "clamped run": panels(held)}
        shown["difference"] = {name: shown["clamped run"][name] - shown["unclamped run"][name] for name in PANELS}
        unit = int(order[row])
        yours = self._yours(reader, sentence) if self.learner else None
        numbers = lstm_numbers(free if show == "unclamped run" else held, layer, word, unit)
        depth = len(reader.model.recurrent.layers)
        return {
            "words": said,
            "unknown": unknown_words(reader, sentence),
            "panels": shown[show],
            "difference": show == "difference",
            "free": free_chance,
            "held": held_chance,
            "yours": yours,
            "pull": pull / max(pull.max(), 1e-12),
            "word": word,
            "row": row,
            "clamped": None if clamp == "no gate" else (clamp, units[0], units[1], words[0], words[1]),
            "clamp": None if clamp == "no gate" else (clamp, value),
            "clamped_words": len(columns),
            "clamped_units": (len(rows), len(order)),
            "flips": bool((free_chance[-1] > 0.5) != (held_chance[-1] > 0.5)),
            "cell_moved": max(float(np.abs(held[f"{n}.cell"][-1] - free[f"{n}.cell"][-1]).max()) for n in range(depth)),
            "shown": float(np.abs(held[f"{depth - 1}.hidden"][-1]).max()),
            "layer": f"layer {layer + 1}" if depth > 1 else "",
            "where": f"word {word + 1} «{said[word]}»\nrow {row + 1}: unit {unit + 1}",
            "numbers": numbers,
        }

    def build(self, figure):
        return build_gates(figure)

    def update(self, artists, data):
        update_gates(artists, data)

    def describe(self, data):
        free, held = data["free"][-1], data["held"][-1]
        text = f"«{' '.join(data['words'])}»: {free:.0%} praise."
        if data["clamp"]:
            gate, value = data["clamp"]
            _, _, _, first, last = data["clamped"]
            where = at_words(data["words"], first, last)
            some, every = data["clamped_units"]
            units = "every unit" if some == every else f"{some} of {every} units"
            units += f" of {data['layer']}" if data["layer"] else ""
            outcome = "the answer flips" if data["flips"] else "the answer stays"
            text += f" With the {gate} gate of {units} held at {value:g} {where}, {held:.0%}: {outcome}."
        if self.learner:
            text += beside_yours(data["yours"], data["free"])
        return text + never_met(data["unknown"])

    def _yours(self, reader: Reader, sentence: str) -> np.ndarray | None:
        """The chance of praise after each word, by the learner's own cell, (time,); None while it is not written."""

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
        return "it fades" if abs(data["free"][-1] - data["held"][-1]) > 0.1 else "nothing"

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
