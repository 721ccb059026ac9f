"""Section 4.7: where does the decoder look, and what if its weights flatten or sharpen? Dates, symbol by symbol."""

import re
from typing import NamedTuple

import numpy as np
from torch import Tensor

from course_lib.datasets.dates import END, LONGEST, MONTHS, TARGET_ALPHABET, read_date
from course_lib.explorers import (
    Choice,
    Explorer,
    LearnerError,
    Prediction,
    Quest,
    Slider,
    Span,
    Steps,
    Text,
    learners_code,
)
from course_lib.figures.attention import ANSWERS, BLANK, HEIGHT, SYMBOLS, WIDTH, build_attention, update_attention
from course_lib.recurrent.alignment import MAX_LENGTH, UNCHANGED, Change, Translation, decode_with, encoded, translate
from course_lib.recurrent.explorers.reading import how_far, kind_of, written
from course_lib.recurrent.seq2seq import load_translator

TRAINED, UNIFORM, HIDDEN, ONLY = "as trained", "uniform", "hide positions", "only these positions"
ALWAYS, HERE = "at every symbol", "at the symbol looked at"
NOTHING = "nothing"
COLUMNS = [TARGET_ALPHABET.index(sign) for sign in SYMBOLS[:-1]] + [END]  # of the model's chances, in `SYMBOLS`' order
OPENING = "the 21st of october 2013"
LONG = "wednesday, the 30th of september, in the year 2026"


class AttentionExplorer(Explorer):
    """A translator of dates with attention at work: change where it looks or what it writes, and see what follows.

    `learner=` takes an `attend(query, keys, values, mask, score) -> (context, weights)`: query (1, size), keys
    (1, source, size), values (1, source, width), mask (1, source) bool, True where it may look, and `score(query,
    keys)`, the trained scores (1, source). The date is then written with it once more, under the same changes.
    """

    id = "recurrent.attention"
    size = (WIDTH, HEIGHT)
    controls = {
        "text": Text(start=OPENING, label="date", tries=("5.3.1998", "in the year 1998 on the 5th of march", LONG)),
        "step": Steps(low=1, high=MAX_LENGTH, start=1, label="look at symbol"),
        "attention": Choice(options=(TRAINED, UNIFORM, HIDDEN, ONLY), start=TRAINED),
        "positions": Span(start=(4, 5), tries=((0, 0), (4, 5), (12, 18), (20, 23))),
        "sharpness": Slider(low=0.0, high=8.0, step=0.05, start=1.0, label="scores ×"),
        "when": Choice(options=(ALWAYS, HERE), start=ALWAYS, label="changed"),
        "force": Choice(options=(NOTHING, *SYMBOLS[:-1]), start=NOTHING, label="force symbol"),
        "force_at": Slider(low=1, high=10, step=1, start=1, label="as symbol"),
    }
    quests = (
        Quest("one-letter", "hide, at every symbol, all letters but one of a month's name of five letters or more, so "
              "that the date is still right",
              lambda data: data["alone"] == "hiding" and data["letters_left"] == 1 and data["right"]["as changed"]),
        Quest("flat", "flatten the weights, but not to 0, so that the year and the month stay right and the day is "
              "wrong",
              lambda data: data["alone"] == "sharpness" and 0 < data["factor"] < 1 and data["right"]["as trained"]
              and set(data["wrong"]["as changed"]) in ({8}, {9}, {8, 9})),
        Quest("recover", "force one wrong symbol that stays the only wrong one with attention, while the fixed vector, "
              "which writes the date rightly when nothing is forced, makes a second mistake after it",
              lambda data: data["alone"] == "forcing" and data["wrong"]["as changed"] == (data["forced"][0],)
              and data["fixed_right"] and max(data["wrong"]["fixed vector"]) > data["forced"][0]),
    )  # fmt: skip
    presets = (
        {},
        {"attention": HIDDEN, "step": 9},
        {"sharpness": 0.3, "step": 9},
        {"force": "1", "step": 2},
        {"text": LONG, "attention": HIDDEN, "positions": (20, 27), "force": "1", "step": 7},
    )
    sweep_from = {"attention": HIDDEN, "positions": (4, 5), "step": 9, "force": "7", "force_at": 2, "sharpness": 0.5}

    def places(self, text, **_):
        names = [f"{place + 1} {signs(sign)}" for place, sign in enumerate(text[:LONGEST])]
        return {"positions": names} if text.strip() else {}  # an empty text keeps what was chosen

    def compute(self, text, step, attention, positions, sharpness, when, force, force_at):
        encoded("attention", text)  # what cannot be read is said first
        day, free = read_date(text), translate("attention", text)
        here = None if when == ALWAYS else min(step, len(free.symbols)) - 1
        hold = Hold(attention, positions, sharpness, here)
        change = change_of(hold, len(text), None if force == NOTHING else (force_at - 1, TARGET_ALPHABET.index(force)))
        run = translate("attention", text, change)
        steps = len(run.symbols)
        reached = change.forced is None or change.forced[0] < steps
        if not reached:
            change = change._replace(forced=None)
        forced = change.forced and (change.forced[0], TARGET_ALPHABET[change.forced[1]])
        row = min(step - 1 if here is None else here, steps - 1)
        changed = change != UNCHANGED
        yours = self._yours(text, change) if self.learner else None
        fixed = translate("fixed vector", text, Change(forced=change.forced))
        truth = day.isoformat() if day else ""
        written_by = (truth, free.text, run.text if changed else "", fixed.text, yours.text if yours else "")
        answers = dict(zip(ANSWERS, written_by, strict=True))
        return {
            "text": text,
            "written": run.text,
            "truth": truth,
            "row": row,
            "weights": run.weights,
            "was": free.weights,
            "yours": yours.weights if yours else None,
            "chances": run.chances[:, COLUMNS],
            "chances_were": free.chances[:, COLUMNS],
            "changed": changed,
            "change": what_is_changed(hold, change, text),
            "alone": the_only_change(hold, change),
            "factor": change.factor,
            "span": framed(hold, steps),
            "span_is": "hidden from attention" if attention == HIDDEN else "all that it may look at",
            "out_of_sight": np.isin(np.arange(len(text)), change.hidden) & change.acts(row),
            "answers": answers,
            "wrong": {name: wrong_places(answer, truth) for name, answer in answers.items()},
            "right": {name: answer == truth != "" for name, answer in answers.items()},
            "forced": forced,
            "preferred": SYMBOLS[run.chances[forced[0], COLUMNS].argmax()] if forced else "",
            "not_reached": "" if reached else f" Symbol {force_at} is never written, so nothing is forced.",
            "moved": moved(free.contexts, run.contexts),
            "fixed_right": translate("fixed vector", text).text == truth,
            "letters_left": letters_left(text, change.hidden),
        }

    def build(self, figure):
        return build_attention(figure)

    def update(self, artists, data):
        update_attention(artists, data)

    def describe(self, data):
        row, weights = data["row"], data["weights"][data["row"]]
        text = f"«{data['text']}»: as trained it writes {verdict(data, 'as trained')}."
        if data["changed"]:
            what = data["change"]
            if data["forced"]:
                place, symbol = data["forced"]
                what = [*what, f"«{symbol}» forced as symbol {place + 1} (it prefers «{data['preferred']}»)"]
            text += f" With {' and '.join(what)}, it writes {verdict(data, 'as changed')}."
        text += f"{data['not_reached']} The fixed vector writes {verdict(data, 'fixed vector')}."
        if weights.any():
            most = int(weights.argmax())
            where = f"«{signs(data['text'][most])}» (character {most + 1})"
            text += f" For symbol {row + 1} the largest weight is {weights[most]:.0%}, on {where}."
        else:
            text += f" For symbol {row + 1} there is nothing to look at: all weights are 0."
        if data["changed"] and row < len(data["moved"]):
            text += f" Its context vector has moved by {data['moved'][row]:.0%} of its length."
        if not data["truth"]:
            text += " This is none of the formats that it learned, so there is no right answer to compare with."
        return text + (beside(data) if self.learner else "")

    def _yours(self, text: str, change: Change) -> Translation | None:
        """The date written with the learner's attention; None while it is not written."""
        model, read = load_translator("attention")[0], encoded("attention", text)

        def score(query: Tensor, keys: Tensor) -> Tensor:
            """The trained scores with the change in them: (batch, size), (batch, source, size) -> (batch, source)."""
            return model.attention.scores(model.attention.score(query.unsqueeze(1), keys).squeeze(1))

        def attend(query: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
            copies = [tensor.clone() for tensor in (query, keys, values, mask)]
            with learners_code("Your attend"):
                returned = self.learner(*copies, score)
            if not written(returned):
                raise NotStarted
            return checked(returned, values, mask)

        try:
            return decode_with(model, read, change, attend)
        except NotStarted:
            return None


class Hold(NamedTuple):
    """What a learner does to the attention, as the controls have it."""

    option: str
    positions: tuple[int, int]  # the first and the last
    factor: float
    step: int | None  # the only one at which it is done; None for all


class NotStarted(Exception):
    """The learner's function is still the stub that it began as."""


def change_of(hold: Hold, count: int, forced: tuple[int, int] | None) -> Change:
    """What is to be done to the decoder of a source of `count` characters."""
    chosen = set(range(hold.positions[0], hold.positions[1] + 1))
    hidden = {HIDDEN: chosen, ONLY: set(range(count)) - chosen}.get(hold.option, set())
    factor = 0.0 if hold.option == UNIFORM else hold.factor
    if not hidden and factor == 1:
        return Change(forced=forced)  # whatever step is chosen: the same question has its answer kept
    return Change(tuple(sorted(hidden)), factor, hold.step, forced)


def the_only_change(hold: Hold, change: Change) -> str:
    """Which of "hiding", "sharpness" and "forcing" is done if it is the only one, at every symbol; "" otherwise."""
    done = {
        "hiding": bool(change.hidden),
        "sharpness": change.factor != 1,
        "forcing": change.forced is not None,
    }
    if sum(done.values()) != 1 or change.step is not None or hold.option in (UNIFORM, ONLY):
        return ""
    return next(name for name in done if done[name])


def framed(hold: Hold, steps: int) -> tuple[int, int, int, int] | None:
    """What to frame in the map: first and last position, first and last step."""
    if hold.option not in (HIDDEN, ONLY):
        return None
    here = (0, steps - 1) if hold.step is None else (min(hold.step, steps - 1),) * 2
    return (*hold.positions, *here)


def wrong_places(answer: str, truth: str) -> tuple[int, ...]:
    """The places at which an answer is not the right date; a missing or an additional symbol is one too."""
    if not answer or not truth:
        return ()
    pairs = zip(answer.ljust(MAX_LENGTH), truth.ljust(MAX_LENGTH), strict=True)
    return tuple(place for place, (ours, right) in enumerate(pairs) if ours != right)


def moved(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """How far each context vector has moved, as a share of its length before; both (steps, width), where both are."""
    steps = min(len(before), len(after))
    before, after = before[:steps], after[:steps]
    return np.linalg.norm(after - before, axis=1) / np.linalg.norm(before, axis=1)  # (steps,)


def letters_left(text: str, hidden: tuple[int, ...]) -> int | None:
    """How much is in sight of a month's whole name of five letters or more; None if the text has no such name."""
    found = re.search(r"\b(" + "|".join(month for month in MONTHS if len(month) >= 5) + r")\b", text)
    return len({*range(*found.span())} - {*hidden}) if found else None


def checked(returned, values: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """What the learner's attention returned, if it is a context and weights.

    Raises:
        LearnerError: it is something else, or not finite.
    """
    wanted = [f"{values.dtype} {tuple(shape)}" for shape in ((1, values.shape[-1]), mask.shape)]
    parts = returned if isinstance(returned, tuple | list) else (returned,)
    if [kind_of(part) for part in parts] != wanted:
        found = ", ".join(map(kind_of, parts))
        raise LearnerError(f"Your attend must return context {wanted[0]} and weights {wanted[1]}; it returned {found}.")
    if not all(part.isfinite().all() for part in parts):
        where = "" if mask.any() else ": here there is nothing that it may look at"
        raise LearnerError(f"Your attend returned NaN or an infinite number{where}.")
    return tuple(part.detach() for part in parts)


# ---- in words -------------------------------------------------------------------------------------------------------


def signs(text: str) -> str:
    """A piece of the source with its blanks seen."""
    return text.replace(" ", BLANK)


def verdict(data: dict, name: str) -> str:
    """What is written and, where the truth is known, whether it is right."""
    answer, wrong = data["answers"][name] or "nothing", data["wrong"][name]
    if not data["truth"]:
        return answer
    if data["right"][name]:
        return f"{answer}, which is right"
    return f"{answer}, wrong at symbol{'s' * (len(wrong) > 1)} {', '.join(str(place + 1) for place in wrong)}"


def what_is_changed(hold: Hold, change: Change, text: str) -> list[str]:
    """What is done to the attention; nothing in an empty list."""
    chosen = signs(text[hold.positions[0] : hold.positions[1] + 1])
    what = {HIDDEN: [f"«{chosen}» hidden"], ONLY: [f"only «{chosen}» in sight"]}.get(hold.option, [])
    if change.factor != 1:
        what.append(f"scores × {change.factor:g}" if change.factor else "uniform weights")
    if change.step is not None:
        what[-1] += f" at symbol {change.step + 1}"
    return what


def beside(data: dict) -> str:
    """How far the learner's attention is from the model's."""
    yours = data["yours"]
    if yours is None:
        return " Your attend is not started: the model looks alone until it is written."
    steps = min(len(yours), len(data["weights"]))
    text = f" With your attend (green crosses) it writes {data['answers']['your attend']};"
    return text + f" your weights {how_far(yours[:steps], data['weights'][:steps])}."


# ---- what the section asks ------------------------------------------------------------------------------------------


def attention_state() -> dict:
    """Where section 4.7 opens: a day of two digits, whose order the translation turns round."""
    return {"text": OPENING, "step": 9}


def attention_prediction() -> Prediction:
    """What does the decoder write when nearly all weight falls on one character?"""
    right, month, most = "the right date", "a wrong month, the rest right", "wrong symbols in several parts"

    def result(data: dict) -> str:
        wrong = data["wrong"]["as changed" if data["changed"] else "as trained"]
        if not wrong:
            return right
        return month if set(wrong) <= {5, 6} else most

    return Prediction(
        question=f"For «{OPENING}», each digit of the month is written with weights on several letters. Now the "
        "scores are multiplied by 8, so that the largest takes nearly all of the weight. What is written?",
        options=(right, month, most),
        then={"sharpness": 8.0, "attention": TRAINED, "when": ALWAYS, "force": NOTHING},
        result=result,
    )
