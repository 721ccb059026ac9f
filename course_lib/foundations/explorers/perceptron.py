"""Section 2.1: a perceptron learns from its mistakes. When does the rule settle, and when can it not?"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from course_lib.datasets.sides import load_sides
from course_lib.explorers import (
    Choice,
    Explorer,
    LearnerError,
    Points,
    Prediction,
    Quest,
    Slider,
    Steps,
    learners_code,
)
from course_lib.figures.perceptron import HEIGHT, WIDTH, build_perceptron, update_perceptron
from course_lib.foundations.perceptron import Perceptron, corrections, most_mistakes, with_ones

SIDES, NO_DATA = "two sides", "none"
TABLES = {"AND": (0, 0, 0, 1), "OR": (0, 1, 1, 1), "XOR": (0, 1, 1, 0)}
RATES = ("0.125", "0.5", "1", "2", "8")  # powers of two: to multiply by them rounds nothing
ZEROS, DRAWN = "zeros", "drawn"
LEARNED, HELD = "learned", "held at 0"
POINTS, LONGEST = 30, 300  # points on the two sides; corrections
OUTLIER = "0.55 0.2 0"
SETTLES = ("none: it finds another line", "one: that point", "more than one")


@dataclass(frozen=True)
class Setting:
    """All that decides a training.

    Args:
        data: SIDES, one of `TABLES`, or NO_DATA where only the own points count.
        gap: between the two sides.
        own: points that the learner set, as `Points` reads them; they come last.
        learning_rate: of each correction.
        start: ZEROS, or DRAWN for weights from a normal distribution.
        bias: LEARNED or HELD at 0.
        seed: draws the sides and the weights.
    """

    data: str
    gap: float
    own: str
    learning_rate: float
    start: str
    bias: str
    seed: int

    def points(self) -> tuple[Tensor, Tensor]:
        """x (n, 2) float32 and y (n,) int64."""
        x, y = map(torch.from_numpy, Points.read(self.own))
        if self.data == SIDES:
            theirs = load_sides(POINTS, self.gap, self.seed)
        elif self.data == NO_DATA:
            theirs = torch.zeros(0, 2), torch.zeros(0, dtype=torch.int64)
        else:
            theirs = torch.tensor([[0.0, 0], [0, 1], [1, 0], [1, 1]]), torch.tensor(TABLES[self.data])
        return torch.cat([theirs[0], x]), torch.cat([theirs[1], y])

    def weights(self) -> Tensor:
        """w and b to begin with, (3,)."""
        drawn = torch.randn(3, generator=torch.Generator().manual_seed(self.seed)) * (self.start == DRAWN)
        return drawn * torch.tensor([1, 1, self.bias == LEARNED])


class Training:
    """The corrections of a setting, as far as anybody has asked for them.

    Args:
        setting: what decides them.
    """

    def __init__(self, setting: Setting):
        self.x, self.y = setting.points()
        self.begin = setting.weights()
        learner = Perceptron(self.begin[:2], self.begin[2].item(), setting.learning_rate, setting.bias == LEARNED)
        self.made, self.more, self.over = [], corrections(learner, self.x, self.y), False
        self.most_with_bias = most_mistakes(with_ones(self.x), self.y)
        self.most = self.most_with_bias if setting.bias == LEARNED else most_mistakes(self.x, self.y)

    def go_to(self, step: int) -> None:
        """Find out about the first corrections, and whether there is one more."""
        while len(self.made) <= step and not self.over:
            correction = next(self.more, None)
            if correction is None:
                self.over = True
            else:
                self.made.append(correction)


@lru_cache(maxsize=8)
def training(setting: Setting) -> Training:
    """The training of a setting, where it was left."""
    return Training(setting)


class PerceptronExplorer(Explorer):
    """Which single point changed the weights, and does it ever stop? Set points of your own by a click."""

    id = "foundations.perceptron.learning"
    size = (WIDTH, HEIGHT)
    controls = {
        "data": Choice(options=(SIDES, *TABLES, NO_DATA), start=SIDES),
        "gap": Slider(low=-0.4, high=0.6, step=0.05, start=0.2),
        "bias": Choice(options=(LEARNED, HELD), start=LEARNED),
        "begin": Choice(options=(ZEROS, DRAWN), start=ZEROS, label="first weights"),
        "learning_rate": Choice(options=RATES, start="1", label="learning rate"),
        "seed": Slider(low=0, high=9, step=1, start=3),
        "own": Points(start="", tries=("0.9 0.9 0", "-0.5 0.5 1; 0 0 0"), label="your points"),
        "step": Steps(high=LONGEST, start=0, run=1, label="corrections"),
    }
    quests = (
        Quest("hard", "set points, by clicks or the gap, for which the rule needs 30 corrections or more, and settles",
              lambda data: data["settled"] and data["step"] >= 30),
        Quest("lucky", "with two points or more of each class, find a case that one single correction settles",
              lambda data: data["settled"] and data["step"] == 1 and np.bincount(data["labels"]).min() >= 2),
        Quest("tied", "hold the bias at 0, and find points that a line separates, but none through the origin: 20 "
              "corrections, and no end",
              lambda data: data["separable"] and math.isinf(data["most"]) and not data["settled"]
              and data["step"] >= 20),
    )  # fmt: skip
    presets = (
        {"step": 1},
        {"step": 60, "gap": 0.3, "own": OUTLIER},
        {"data": "XOR", "step": 40},
        {"gap": -0.4, "step": 30, "learning_rate": "8", "begin": DRAWN},
        {"data": "OR", "bias": HELD, "step": 12},
    )
    sweep_from = {"step": 9, "begin": DRAWN}

    def compute(self, data, gap, bias, begin, learning_rate, seed, own, step):
        setting = Setting(data, gap, own, float(learning_rate), begin, bias, seed)
        now = training(setting)
        now.go_to(step)
        made = now.made[:step]
        settled = now.over and len(made) == len(now.made)
        path = torch.stack([now.begin, *(torch.tensor([*c.w, c.b]) for c in made)])
        mistakes = np.bincount([c.epoch for c in made], minlength=1)[1:]
        unfinished = bool(made) and not settled and now.made[len(made)].epoch == made[-1].epoch
        mistakes = np.append(mistakes, 0) if settled else mistakes
        epochs = len(mistakes) - unfinished
        fitted = self._learners_weights(now, epochs)
        at_its_end = path[int(mistakes[:epochs].sum())] / setting.learning_rate
        comparable = fitted is not None and begin == ZEROS and bias == LEARNED
        return {
            "points": now.x.numpy(),
            "labels": now.y.numpy(),
            "wrong": ((now.x @ path[-1, :2] + path[-1, 2] >= 0) != (now.y == 1)).numpy(),
            "own": np.arange(len(now.y)) >= len(now.y) - len(Points.read(own)[1]),
            "path": path.numpy(),
            "row": made[-1].row if made else None,
            "epoch": made[-1].epoch if made else 0,
            "step": len(made),
            "mistakes": mistakes,
            "unfinished": unfinished,
            "settled": settled,
            "separable": math.isfinite(now.most_with_bias),
            "most": now.most,
            "begin": begin,
            "bias": bias,
            "yours": None if fitted is None else fitted[0].numpy(),
            "converged": None if fitted is None else fitted[1],
            "same": torch.allclose(fitted[0], at_its_end, atol=1e-3) if comparable else None,
        }

    def _learners_weights(self, now: Training, epochs: int) -> tuple[Tensor, bool] | None:
        """What the learner's `fit_perceptron(X, y, max_epochs)` makes of the points: w and b, (3,), and whether it has
        settled; None if it is not written, or no epoch is over.

        Raises:
            LearnerError: it fails, or returns something else.
        """
        if self.learner is None or not epochs or not len(now.y):
            return None
        with learners_code("Your fit_perceptron"):
            made = self.learner(now.x.clone(), now.y.clone(), epochs)
        if made is None or made is ...:
            return None
        try:
            w, b, converged = made
            fitted = torch.cat([torch.as_tensor(w).float().reshape(2), torch.as_tensor(b).float().reshape(1)])
        except (TypeError, ValueError, RuntimeError) as wrong:
            raise LearnerError("Your fit_perceptron should return w with 2 numbers, b, and converged") from wrong
        return fitted.detach(), bool(converged)

    def build(self, figure):
        return build_perceptron(figure)

    def update(self, artists, data):
        update_perceptron(artists, data | {"notes": _notes(data)})

    def describe(self, data):
        n, wrong, row = len(data["labels"]), int(data["wrong"].sum()), data["row"]
        if not n:
            return "There is nothing to learn from: click into the plane to set points, or choose data."
        if row is None:
            first = "No epoch has a mistake" if data["settled"] else "Nothing has been corrected yet"
            return f"{first}: {wrong} of {n} points are on the wrong side."
        label = data["labels"][row]
        done = f"a point of class {label} was taken for class {1 - label}, and is {('taken from', 'added to')[label]} w"
        said = f"Correction {data['step']}, in epoch {data['epoch']}: {done}. {wrong} of {n} points are wrong now."
        return f"{said} {' '.join(_notes(data))}{_about_yours(data)}"

    def clicked(self, axes, x, y, other):
        if axes is not self.canvas.artists["plane"]:
            return {}
        return {"own": Points.with_point(self.state()["own"], x, y, 0 if other else 1)}


def _notes(data: dict) -> list[str]:
    """Short sentences on the end of it: is there one, and by when?"""
    if data["settled"]:
        notes = ["It has settled."]
    elif data["separable"] and math.isinf(data["most"]):
        notes = ["A line separates them,", "but none through the origin."]
    else:
        notes = [] if data["separable"] else ["No line separates these points."]
    if math.isfinite(data["most"]) and data["begin"] == ZEROS:
        notes.append(f"At most {math.floor(data['most'] + 1e-6):,} (Novikoff's bound).")
    return notes


def _about_yours(data: dict) -> str:
    if data["yours"] is None:
        return ""
    epochs = len(data["mistakes"]) - data["unfinished"]
    same = {True: ", which are ours", False: ", which are not ours", None: ""}[data["same"]]
    says = f"converged {data['converged']}"
    return f" The dotted line is that of your fit_perceptron after {epochs} epochs: its weights{same}, and {says}."


def outlier_state() -> dict:
    """The two sides, settled."""
    return {"gap": 0.3, "step": 60}


def outlier_prediction() -> Prediction:
    """What a single point on the wrong side does to the mistakes of every epoch that follows."""

    def result(data: dict) -> str:
        mean = data["mistakes"][5 : len(data["mistakes"]) - 1].mean()
        return SETTLES[0] if mean == 0 else SETTLES[1] if mean == 1 else SETTLES[2]

    return Prediction(
        question="The rule has settled. Now a point of class 0 is set in the midst of class 1, where no line can cut "
        "it off. How many mistakes will the rule make in each epoch from then on?",
        options=SETTLES,
        then={"own": OUTLIER},
        result=result,
    )
