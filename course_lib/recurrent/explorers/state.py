"""Section 4.1: what does the state remember? Nudge it, and watch how long the nudge is felt."""

import numpy as np
import torch
from torch import Tensor

from course_lib.datasets.reviews import words_of
from course_lib.explorers import (
    Choice,
    Explorer,
    LearnerError,
    Place,
    Prediction,
    Quest,
    Slider,
    Text,
    learners_code,
)
from course_lib.figures.gates import LONGEST
from course_lib.figures.reading import build_reading, update_reading
from course_lib.figures.unrolled import HEIGHT, WIDTH, build_unrolled, update_unrolled
from course_lib.recurrent.explorers.reading import how_far, kind_of, never_met, tokens_of, unknown_words, written
from course_lib.recurrent.nudges import (
    LIVES,
    READER,
    TELLS,
    Nudge,
    answers,
    known_states,
    life_of,
    life_option,
    principal_axes,
    scaled_cell,
    states,
    steps_told,
)
from course_lib.recurrent.rnn import RNNCell
from course_lib.recurrent.sentiment import load_reader

ALONE = "words, then alone"
SHOWN = ("nudged run", "run as it is", "difference")  # nudged minus as it is


class ReadingExplorer(Explorer):
    """Type a sentence, and watch a trained plain RNN read it."""

    id = "recurrent.sentiment"
    size = (880, 300)
    controls = {"sentence": Text(start="i would not say that the film was good",
                                 tries=("the film was good", "the plot was dull but the songs were not"))}  # fmt: skip

    def compute(self, sentence):
        hidden = states(scaled_cell(1.0), _vectors(sentence, "word by word"))  # (time, units)
        return {
            "words": words_of(sentence),
            "states": hidden.numpy(),
            "chance": answers(hidden).numpy(),
            "unknown": unknown_words(load_reader(READER), sentence),
        }

    def build(self, figure):
        return build_reading(figure)

    def update(self, artists, data):
        update_reading(artists, data)

    def describe(self, data):
        return f"«{' '.join(data['words'])}»: {data['chance'][-1]:.0%} praise.{never_met(data['unknown'])}"


class StateExplorer(Explorer):
    """A trained plain RNN reads your sentence: its state at every step, and the wake of a nudge.

    `learner=` takes an `rnn_forward(xs, h0, W_xh, W_hh, W_hy, f, g) -> hs, ys` and runs it on the same sentence, with
    the network's own weights; the bias of the cell is one more column of W_xh, whose input is always 1, and that of the
    answer stands in g.
    """

    id = "recurrent.rnn"
    size = (WIDTH, HEIGHT)
    controls = {
        "sentence": Text(
            start="i would not say that the film was good",
            tries=("nobody could call this film good", "the plot was dull but the songs were not"),
        ),
        "run": Choice(options=("word by word", ALONE), start="word by word"),
        "show": Choice(options=SHOWN, start="nudged run"),
        "nudge_unit": Place(start=0, label="nudge", tries=(0, 3, 7, 8)),
        "nudge": Slider(low=-2.0, high=2.0, step=0.1, start=1.0, label="nudge by"),
        "nudge_at": Place(start=2, label="nudge at step", tries=(0, 2, 5, 8)),
        "step": Place(start=3, label="look at step", tries=(0, 3, 5, 8)),
        "unit": Place(start=0, label="look at unit", tries=(0, 3, 7)),
        "scale": Slider(low=0.0, high=2.0, step=0.05, start=1.0, label="W_hh times"),
    }
    quests = (
        Quest("flip", "find a sentence and a nudge of at most 1 on one unit, two words or more before the end, that "
              "flips the answer (word by word, W_hh as trained)",
              lambda data: data["alone"] == 0 and data["scale"] == 1 and data["nudged_units"] == 1
              and abs(data["size"]) <= 1 and data["further"] >= 2 and data["flips"]),
        Quest("live", "make a nudge of at most 1 on one unit at the first word live: still 0.1 apart after 15 steps",
              lambda data: data["nudged_units"] == 1 and abs(data["size"]) <= 1 and data["nudge_at"] == 0
              and data["since"] >= 15 and data["distance"][15] >= 0.1),
        Quest("die", "make a nudge of 2 on all units at the first word die: less than 0.001 apart after 8 steps",
              lambda data: data["nudged_units"] > 1 and abs(data["size"]) == 2 and data["nudge_at"] == 0
              and data["since"] >= 8 and data["distance"][8] < 1e-3),
    )  # fmt: skip
    presets = (
        {},
        {"run": ALONE, "nudge_at": 0, "nudge_unit": 4, "sentence": "the film was good"},
        {"run": ALONE, "scale": 0.3, "nudge_unit": 8, "nudge": 2.0, "show": "difference"},
        {
            "sentence": "although nobody could call the acting of this film bad i would say that the music "
            "with its many songs was really dull",
            "nudge_at": 1,
            "nudge_unit": 4,
            "step": 9,
        },
    )
    sweep_from = {"run": ALONE, "nudge": 1.0, "nudge_at": 2, "nudge_unit": 4, "step": 3, "unit": 0}

    def places(self, sentence, run, **_):
        units = [f"unit {unit + 1}" for unit in range(scaled_cell(1.0).of_hidden.in_features)]
        places = {"unit": units, "nudge_unit": [*units, "all units"]}
        said = words_of(sentence)[:LONGEST]
        if not said:  # an empty text keeps what was chosen
            return places
        steps = [f"{place + 1} {word or 'alone'}" for place, word in enumerate(_columns(said, run))]
        return places | {"step": steps, "nudge_at": steps}

    def compute(self, sentence, run, show, nudge, nudge_at, nudge_unit, step, unit, scale):
        reader, said = load_reader(READER), words_of(sentence)
        x = _vectors(sentence, run)  # (time, features)
        cell = scaled_cell(scale)
        every = tuple(range(cell.of_hidden.in_features))
        push = Nudge(nudge_at, every if nudge_unit == len(every) else (nudge_unit,), nudge)
        free, held = states(cell, x), states(cell, x, push)  # (time, units) each
        distance = (held - free).norm(dim=-1).numpy()  # (time,)
        distance[:nudge_at] = np.nan
        free_answers, held_answers = answers(free).numpy(), answers(held).numpy()  # (time,) each
        middle, axes, _ = principal_axes()
        end = len(said) - 1
        return {
            "words": _columns(said, run),
            "unknown": unknown_words(reader, sentence),
            "alone": len(x) - len(said),
            "panel": {"run as it is": free, "nudged run": held, "difference": held - free}[show].T.numpy(),
            "show": show,
            "free": free_answers,
            "held": held_answers,
            "yours": self._yours(x, cell, push) if self.learner else None,
            "nudged": (push.units[0], push.units[-1], nudge_at) if nudge else None,
            "nudged_units": len(push.units) if nudge else 0,
            "nudge_at": nudge_at,
            "size": nudge,
            "since": len(x) - 1 - nudge_at,
            "distance": distance,
            "life": life_of(distance[nudge_at:]) if nudge else "no nudge",
            "felt": steps_told(held_answers - free_answers, nudge_at, end),
            "further": end - nudge_at,
            "flips": bool((free_answers[end] > 0.5) != (held_answers[end] > 0.5)),
            "moves": float((free[-1] - free[-2]).abs().max()) if len(x) > len(said) else 0.0,
            "path": tuple((run_states.numpy() - middle) @ axes for run_states in (free, held)),  # (time, 2) each
            "step": step,
            "unit": unit,
            "scale": scale,
            "where": f"step {step + 1}{f' «{said[step]}»' if step <= end else ', alone'}, unit {unit + 1}",
        } | _equation(cell, x, *((free, None) if show == "run as it is" else (held, push)), step, unit)

    def build(self, figure):
        points, praise, shares = known_states()
        return build_unrolled(figure, scaled_cell(1.0).of_hidden.in_features, points, praise, shares)

    def update(self, artists, data):
        update_unrolled(artists, data)

    def describe(self, data):
        end = len(data["words"]) - data["alone"] - 1
        free, held = data["free"], data["held"]
        text = f"«{' '.join(data['words'][: end + 1])}»: {free[end]:.0%} praise."
        if data["scale"] != 1:
            text += f" W_hh is multiplied by {data['scale']:.2f}: this is no longer the network that was trained."
        if data["nudged"]:
            first, last, at = data["nudged"]
            which = f"unit {first + 1}" if first == last else "every unit"
            where = f"«{data['words'][at]}»" if at <= end else f"step {at + 1}"
            text += f" {which.capitalize()} is nudged by {data['size']:+.1f} after {where}".replace("-", "−")
            if at <= end:
                text += f": {held[end]:.0%}, the answer {'flips' if data['flips'] else 'stays'}"
            if data["further"] > 0:
                text += f". The answer tells of it for {data['felt'] or 'none'} of {data['further']} further words"
            text += f". The distance between the two states is {data['life']}."
        if data["alone"]:
            rest = "still moves" if data["moves"] > 1e-3 else "has come to rest"
            text += f" After {data['alone']} steps alone it {rest} and answers {free[-1]:.0%}"
            text += f", nudged {held[-1]:.0%}." if data["nudged"] else "."
        if self.learner and data["yours"] is None:
            text += " Your rnn_forward is not started: the network reads alone until it is written."
        elif self.learner:
            text += f" Your answers (green crosses) {how_far(data['yours'], held)}."
        return text + never_met(data["unknown"])

    def _yours(self, x: Tensor, cell: RNNCell, push: Nudge) -> np.ndarray | None:
        """The chance of praise after each step by the learner's own function, (time,); None while it is not written.

        It is called twice: up to the nudge, then on from the nudged state.

        Raises:
            LearnerError: the function fails, or does not return all h and all y.
        """
        head = load_reader(READER).model.head
        xs = torch.cat([x, torch.ones(len(x), 1)], dim=1).float()[None]  # (1, time, features + 1)
        W_xh = torch.cat([cell.of_input.weight, cell.of_input.bias[:, None]], dim=1).float()  # (units, features + 1)
        weights = (W_xh, cell.of_hidden.weight.float(), head.weight.clone())

        def g(total: Tensor) -> Tensor:
            return torch.sigmoid(total + head.bias)

        h, ys = torch.zeros(1, len(W_xh)), []
        for part in (xs[:, : push.step + 1], xs[:, push.step + 1 :]):
            if part.shape[1]:
                with learners_code("Your rnn_forward"):
                    made = self.learner(part, h, *weights, torch.tanh, g)
                if not written(made):
                    return None
                hs, y = _all_h_and_y(made, h, part)
                h = hs[:, -1].clone()
                if not ys:
                    h[:, list(push.units)] += push.size
                    y = torch.cat([y[:, :-1], g(h @ head.weight.T)[None]], dim=1)  # the nudged state's own answer
                ys.append(y)
        return torch.cat(ys, dim=1)[0, :, 0].detach().numpy()


def nudge_state() -> dict:
    """The view that section 4.1's prediction opens: nothing is nudged yet."""
    return {"nudge": 0.0}


def nudge_prediction() -> Prediction:
    """For how many further words can the answer tell that one unit was pushed by 1?"""
    start = {name: control.start for name, control in StateExplorer.controls.items()}
    word = words_of(start["sentence"])[start["nudge_at"]]
    return Prediction(
        question=f"After the word «{word}» the state of one unit, unit {start['nudge_unit'] + 1}, is pushed up by 1, "
        "and reading goes on. For how many further words can the answer tell, that is, differ by "
        f"{100 * TELLS:.0f} points of a hundred or more from the answer without the push?",
        options=LIVES,
        then={"nudge": 1.0},
        result=lambda data: life_option(data["felt"], data["further"]),
    )


def _all_h_and_y(made, h0: Tensor, xs: Tensor) -> tuple[Tensor, Tensor]:
    """What the learner's function returned, if it is every hidden state and every answer."""
    values = tuple(made) if isinstance(made, tuple | list) else (made,)
    wanted = [f"{h0.dtype} {(1, xs.shape[1], width)}" for width in (h0.shape[1], 1)]
    found = [kind_of(value) for value in values]
    if found != wanted:
        raise LearnerError(f"Your rnn_forward must return hs, {wanted[0]}, and ys, {wanted[1]}; "
                           f"it returned {', '.join(found)}.")  # fmt: skip
    if not all(value.isfinite().all() for value in values):
        raise LearnerError("Your rnn_forward returned NaN or an infinite number.")
    return values


def _vectors(sentence: str, run: str) -> Tensor:
    """What the network reads: the words' vectors and, alone, zeros up to the last column, (time, features)."""
    reader = load_reader(READER)
    x = reader.model.embedding(tokens_of(reader, sentence)).double()
    return torch.nn.functional.pad(x, (0, 0, 0, LONGEST - len(x))) if run == ALONE else x


def _columns(said: list[str], run: str) -> list[str]:
    return said + [""] * (LONGEST - len(said)) if run == ALONE else said


def _equation(cell: RNNCell, x: Tensor, run: Tensor, push: Nudge | None, step: int, unit: int) -> dict:
    """The equation of one unit at one step, and what each unit of the step before adds to its sum."""
    before = run[step - 1] if step else torch.zeros_like(run[0])  # (units,)
    parts = cell.of_hidden.weight[unit] * before  # (units,)
    of_input, of_hidden = (cell.of_input.weight[unit] @ x[step]).item(), parts.sum().item()
    bias = cell.of_input.bias[unit].item()
    total = of_input + of_hidden + bias
    added = push.size if push and step == push.step and unit in push.units else 0.0
    numbers = {"of_input": of_input, "of_hidden": of_hidden, "bias": bias, "sum": total, "tanh": np.tanh(total),
               "push": added, "h": run[step, unit].item()}  # fmt: skip
    return {"numbers": numbers, "parts": parts.numpy()}
