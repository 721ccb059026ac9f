"""Section 4.3: what is each gate for? Clamp one, and watch the prediction change."""

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from course_lib.datasets.reviews import CONTRASTS, NEGATIVE, NEGATORS, POSITIVE, encode, load_reviews, words_of
from course_lib.explorers import (
    Choice,
    Explorer,
    LearnerError,
    Place,
    Prediction,
    Quest,
    Slider,
    Span,
    Text,
    learners_code,
)
from course_lib.figures.gates import LONGEST, PANELS, build_answer, build_gates, update_answer, update_gates
from course_lib.recording import Clamp, Recording, record
from course_lib.recurrent.lstm import GATES, LSTMCell
from course_lib.recurrent.sentiment import READERS, Reader, load_reader

RESPONSES = ("negation", "praise or blame", "contrast")
SORTS = ("unit number", *RESPONSES, "this sentence")


class SentenceExplorer(Explorer):
    """Type a sentence; a small LSTM says whether it praises."""

    id = "recurrent.lstm"
    size = (880, 250)
    controls = {"sentence": Text(start="i would not say that the story was bad",
                                 tries=("the plot was really boring", "nobody could call the music dull"))}  # fmt: skip

    def compute(self, sentence):
        reader = load_reader()
        _, chance, _ = _read(reader, sentence)
        return {"words": words_of(sentence), "chance": chance, "unknown": unknown_words(reader, sentence)}

    def build(self, figure):
        return build_answer(figure)

    def update(self, artists, data):
        update_answer(artists, data)

    def describe(self, data):
        return f"«{' '.join(data['words'])}»: {data['chance'][-1]:.0%} praise.{_never_met(data['unknown'])}"


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
        "model": Choice(options=tuple(READERS), start="one layer"),
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

    def places(self, sentence, model, layer, sort, **_):
        reader = load_reader(model)
        words = [f"{place + 1} {word}" for place, word in enumerate(words_of(sentence)[:LONGEST])]
        layers = [f"layer {n + 1}" for n in range(len(reader.model.lstm.layers))]
        rows = [f"unit {unit + 1}" for unit in self._order(reader, sentence, min(layer, len(layers) - 1), sort)]
        places = {"units": rows, "row": rows, "layer": layers}
        return places | {"words": words, "word": words} if words else places  # an empty text keeps what was chosen

    def compute(self, sentence, clamp, value, words, units, show, model, layer, sort, word, row):
        reader = load_reader(model)
        said = words_of(sentence)
        free, free_chance, pull = _read(reader, sentence)
        held, held_chance = free, free_chance
        order = self._order(reader, sentence, layer, sort)
        rows, columns = range(units[0], units[1] + 1), range(words[0], words[1] + 1)
        if clamp != "no gate":
            held_at = Clamp(f"{layer}.{clamp}", value, steps=tuple(columns), units=tuple(order[rows]))
            held, held_chance, pull = _read(reader, sentence, held_at)

        def panels(of: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
            return {name: of[f"{layer}.{name}"][:, order].T for name in PANELS}  # each (units, time)

        shown = {"unclamped run": panels(free), "clamped run": panels(held)}
        shown["difference"] = {name: shown["clamped run"][name] - shown["unclamped run"][name] for name in PANELS}
        unit = int(order[row])
        yours = self._yours(reader, sentence) if self.learner else None
        numbers = self._numbers(free if show == "unclamped run" else held, layer, word, unit)
        depth = len(reader.model.lstm.layers)
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
            "where": f"word {word + 1} «{said[word]}», unit {unit + 1}",
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
            where = (
                f"at «{data['words'][first]}»"
                if first == last
                else f"from «{data['words'][first]}» to «{data['words'][last]}»"
            )
            some, every = data["clamped_units"]
            units = "every unit" if some == every else f"{some} of {every} units"
            units += f" of {data['layer']}" if data["layer"] else ""
            outcome = "the answer flips" if data["flips"] else "the answer stays"
            text += f" With the {gate} gate of {units} held at {value:g} {where}, {held:.0%}: {outcome}."
        if self.learner and data["yours"] is None:
            text += " Your cell is not started: the model reads alone until it is written."
        elif self.learner:
            apart = np.abs(data["yours"] - data["free"]).max()
            text += f" Your cell's answers (green crosses) are at most {apart:.0e} from the model's."
        return text + _never_met(data["unknown"])

    def _order(self, reader: Reader, sentence: str, layer: int, sort: str) -> np.ndarray:
        """The units from top to bottom, (units,)."""
        cells = len(reader.model.lstm.layers[layer].gates.bias) // 4
        if sort == "unit number" or not words_of(sentence):
            return np.arange(cells)
        if sort == "this sentence":
            cell = _read(reader, sentence)[0][f"{layer}.cell"]  # (time, units)
            return np.argsort(-np.ptp(cell, axis=0), kind="stable")
        return np.argsort(-np.abs(responses(reader.name, layer)[sort]), kind="stable")

    @staticmethod
    def _numbers(run: dict[str, np.ndarray], layer: int, word: int, unit: int) -> dict[str, float]:
        """The equation of one unit at one word: its gates, its cell before and after, its output."""
        at = {name: run[f"{layer}.{name}"][word, unit] for name in (*PANELS, "candidate")}
        before = run[f"{layer}.cell"][word - 1, unit] if word else 0.0
        return {"f": at["forget"], "before": before, "i": at["write"], "g": at["candidate"], "c": at["cell"],
                "o": at["read"], "tanh": np.tanh(at["cell"]), "h": at["hidden"]}  # fmt: skip

    def _yours(self, reader: Reader, sentence: str) -> np.ndarray | None:
        """The chance of praise after each word, read by the learner's own cell, (time,); None while it is not written.

        Raises:
            LearnerError: the learner's function fails, or does not return the next h and c.
        """
        tokens, _ = encode([sentence], reader.vocabulary)
        x = reader.model.embedding(tokens)[0]  # (time, features)
        with learners_code("Your lstm_cell"):
            for cell in reader.model.lstm.layers:
                weights = separate_weights(cell)
                h = c = x.new_zeros(1, len(cell.gates.bias) // 4)
                outputs = []
                for place, x_t in enumerate(x):
                    step = self.learner(x_t[None], h, c, *weights)
                    if step is None or (isinstance(step, tuple) and any(value is ... for value in step)):
                        return None
                    h, c = _next_state(step, h, place)
                    outputs.append(h[0])
                x = torch.stack(outputs)  # (time, hidden_size)
        return reader.model.head(x).sigmoid().squeeze(-1).detach().numpy()


def _next_state(step, h: Tensor, place: int) -> tuple[Tensor, Tensor]:
    """What the learner's cell returned at a word, if it is a state like the one before."""
    values = tuple(step) if isinstance(step, tuple | list) else (step,)
    if [_kind(value) for value in values] != [_kind(h)] * 2:
        found = ", ".join(map(_kind, values))
        raise LearnerError(f"Your lstm_cell must return h and c, each {_kind(h)}; it returned {found}.")
    if not all(value.isfinite().all() for value in values):
        raise LearnerError(f"Your lstm_cell returned NaN or an infinite number at word {place + 1}.")
    return values


def _kind(value) -> str:
    return f"{value.dtype} {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__


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


def unknown_words(reader: Reader, sentence: str) -> list[str]:
    """The words of the sentence that the reader was never shown."""
    return sorted(set(words_of(sentence)) - set(reader.vocabulary))


def _never_met(words: list[str]) -> str:
    named = ", ".join(f"«{word}»" for word in words)
    return f" The model never met {named}: it reads «<unknown>» there." if words else ""


def separate_weights(cell: LSTMCell) -> tuple[Tensor, ...]:
    """Copies of the weights as W_f, b_f, W_i, b_i, W_C, b_C, W_o, b_o, which act on [h, x] as the sources write it."""
    inputs = cell.gates.in_features - len(cell.gates.bias) // 4
    weight = torch.cat([cell.gates.weight[:, inputs:], cell.gates.weight[:, :inputs]], dim=1)  # on [h, x]
    (w_i, w_f, w_c, w_o), (b_i, b_f, b_c, b_o) = weight.chunk(4), cell.gates.bias.clone().chunk(4)
    return w_f, b_f, w_i, b_i, w_c, b_c, w_o, b_o


def _read(reader: Reader, sentence: str, *clamps: Clamp) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """One reading of a sentence.

    Returns:
        "layer.tap" -> (time, units); the chance of praise after each word, (time,); how hard each word pulls at the
        answer: the norm of the last logit's gradient by the word's vector, (time,)
    """
    tokens, lengths = encode([sentence], reader.vocabulary)
    if lengths[0] > LONGEST:
        raise ValueError(f"the picture has room for {LONGEST} words, and these are {lengths[0]}: shorten the sentence")
    return _read_tokens(reader.name, tuple(tokens[0].tolist()), clamps)


@lru_cache(maxsize=64)
def _read_tokens(name: str, tokens: tuple[int, ...], clamps: tuple[Clamp, ...]):
    model = load_reader(name).model
    x = model.embedding(torch.tensor([tokens])).requires_grad_()  # (1, time, features)
    run: Recording = record(model.lstm, x, clamps=clamps)
    hidden, _ = run.output  # (1, time, hidden_size)
    logits = model.head(hidden[0]).squeeze(-1)  # (time,)
    (gradient,) = torch.autograd.grad(logits[-1], x)
    taps = {tap.removeprefix("layers."): values[:, 0].detach().numpy() for tap, values in run.taps.items()}
    return taps, logits.detach().sigmoid().numpy(), gradient[0].norm(dim=-1).numpy()


@lru_cache
def responses(name: str, layer: int) -> dict[str, np.ndarray]:
    """What each unit's cell responds to, measured on 200 test reviews: how differently it moves at such words.

    Returns:
        kind of word -> (units,), signed
    """
    reader, reviews = load_reader(name), load_reviews("test", 200)
    with torch.no_grad():
        run = record(reader.model, reviews.tokens, reviews.lengths)
    cell = run[f"{layer}.cell"]  # (time, reviews, units)
    change = torch.diff(cell, dim=0, prepend=torch.zeros_like(cell[:1])).transpose(0, 1)  # (reviews, time, units)
    index = {word: number for number, word in enumerate(reader.vocabulary)}

    def mean_change(words: list[str]) -> Tensor:
        return change[torch.isin(reviews.tokens, torch.tensor([index[word] for word in words]))].mean(dim=0)  # (units,)

    others = change[reviews.tokens > 0].mean(dim=0)
    return {
        "negation": (mean_change(NEGATORS) - others).numpy(),
        "praise or blame": (mean_change(POSITIVE) - mean_change(NEGATIVE)).numpy(),
        "contrast": (mean_change(CONTRASTS) - others).numpy(),
    }
