"""Learn a perceptron's weights from its mistakes, and say whether there was an end to them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from course_lib.exercises import Case, exercise, part
from course_lib.foundations.perceptron import step

Fitted = tuple[Tensor, float, bool]  # w (inputs,), b, converged
Correction = tuple[Tensor | float, float]  # what is added to w, (inputs,) or 0, and to b

OPERATIONS = 150  # of PyTorch's for each visit to a row; ten are plenty
LARGE = 1e12  # no weight of the right rule comes near it


class EndlessLoop(Exception):
    """An answer that goes on long after its last epoch."""


class Diverged(Exception):
    """An answer whose weights grow and grow."""


class Patience(TorchFunctionMode):
    """Counts PyTorch's operations: on every machine the same answers are too long, whatever the clock says."""

    def __init__(self, operations: int):
        super().__init__()
        self.left = operations

    def __torch_function__(self, func, types, args=(), kwargs=None):
        self.left -= 1
        if self.left < 0:
            raise EndlessLoop("it was still learning when max_epochs were long over")
        return func(*args, **(kwargs or {}))


def with_patience(answer: Callable, X: Tensor, y: Tensor, max_epochs: int) -> Fitted:
    """Let the answer learn, but not for ever, and not beyond all bounds: what comes then is another in every dtype."""
    with Patience(OPERATIONS * len(X) * (max_epochs + 1)):
        fitted = answer(X, y, max_epochs)
    w = fitted[0] if isinstance(fitted, tuple | list) and fitted else None
    if isinstance(w, Tensor | np.ndarray) and not (abs(w) < LARGE).all():
        raise Diverged(f"its weights have grown beyond {LARGE:g}")
    return fitted


def fires(z: float) -> float:
    """The step, for one sum."""
    return float(z >= 0)


def by_the_error(x: Tensor, t: float, out: float) -> Correction:
    """The rule: label minus output is -1, 0 or 1; so many times the row is added to w, and so many times 1 to b."""
    error = t - out
    return error * x, error


@dataclass(frozen=True)
class Rule:
    """How one row teaches: what the unit says of it, and what is added then; a mistake exchanges one of them."""

    output: Callable[[float], float] = fires
    correction: Callable[[Tensor, float, float], Correction] = by_the_error

    def epoch(self, X: Tensor, y: Tensor, w: Tensor, b: float) -> tuple[Tensor, float, list[bool]]:
        """The weights after every row has taught once, and which rows were mistakes."""
        wrong = []
        for x, t in zip(X, y.tolist(), strict=True):
            out = self.output(float(x @ w) + b)
            dw, db = self.correction(x, t, out)
            w, b = w + dw, b + db
            wrong.append(out != t)
        return w, b, wrong


def fit(X: Tensor, y: Tensor, max_epochs: int, rule: Rule = Rule()) -> Fitted:
    """Epoch after epoch, until one goes by without a mistake."""
    w, b = torch.zeros(X.shape[1]), 0.0
    for _ in range(max_epochs):
        w, b, wrong = rule.epoch(X, y, w, b)
        if not any(wrong):
            return w, b, True
    return w, b, False


def on_its_side(X: Tensor, y: Tensor, w: Tensor, b: float) -> Tensor:
    """Which rows the weights put on their side: (rows,) bool."""
    return step(X.double() @ w.double() + b) == y


def by_hand(X: list[list[float]], y: list[int], max_epochs: int, because: str) -> Case:
    """A few rows of small whole numbers, which every order of adding gets right to the last digit."""
    inputs = torch.tensor(X), torch.tensor(y), max_epochs
    return Case(inputs, via=with_patience, expected=fit(*inputs), because=because)


def judged(X: Tensor, y: Tensor, max_epochs: int, separable: bool, shown: str, because: str) -> Case:
    """Many rows. What counts is whether all are right in the end, and whether the answer knows it."""

    def view(fitted: Fitted) -> tuple[bool, bool]:
        w, b, converged = fitted
        return bool(on_its_side(X, y, w, b).all()), converged

    def explain(fitted: Fitted) -> str:
        w, b, converged = fitted
        right = int(on_its_side(X, y, w, b).sum())
        line = "" if separable else ", and no line gets all of them there"
        return f"Your w and b put {right} of {len(X)} rows on their side{line}; your converged is {converged}."

    return Case(
        (X, y, max_epochs),
        via=with_patience,
        expected=(separable, separable),
        view=view,
        form=(torch.zeros(X.shape[1]), 0.0, True),
        explain=explain,
        shown=f"{shown}, max_epochs={max_epochs}",
        because=because,
    )


Rows = tuple[Tensor, Tensor]  # X (rows, inputs) float32, y (rows,) int64


def eighths(rng: np.random.Generator, *shape: int, spread: int = 16) -> Tensor:
    """Multiples of 1/8 up to spread / 8 on either side, so that no sum of them is rounded: (shape) float32."""
    return torch.from_numpy(rng.integers(-spread, spread + 1, size=shape)).float() / 8


def separable(rng: np.random.Generator, rows: int, inputs: int, max_epochs: int) -> Rows:
    """Points on both sides of a random hyperplane through the origin, none close to it, that are soon learned."""
    while True:
        normal, X = eighths(rng, inputs), eighths(rng, 8 * rows, inputs)
        X = X[(X @ normal).abs() > 0.3 * normal.norm() + 0.01][:rows]
        y = (X @ normal > 0).long()
        if len(X) == rows and 1 < y.sum() < rows - 1 and learned_in_half(X, y, max_epochs):
            return X, y


def far_from_the_origin(rng: np.random.Generator, rows: int, max_epochs: int) -> Rows:
    """Points on both sides of a line that passes the origin by: no line through the origin separates them.

    For the first two lie in one direction from it, one twice as far away as the other, and have different labels.
    """
    while True:
        centre = eighths(rng, 2, spread=8) + torch.tensor([3.0, 3.0])
        X = torch.cat([torch.stack([centre / 2, centre]), 0.75 * centre + eighths(rng, 8 * rows, 2)])
        height = (X - 0.75 * centre) @ centre / centre.norm()
        kept = (height.abs() > 0.5) | (torch.arange(len(X)) < 2)
        X, y = X[kept][:rows], (height[kept][:rows] > 0).long()
        if len(X) == rows and learned_in_half(X, y, max_epochs):
            return X, y


def learned_in_half(X: Tensor, y: Tensor, max_epochs: int) -> bool:
    """Whether the rule needs no more than half of the epochs, so that another order of the rows does as well."""
    return fit(X, y, max_epochs // 2)[2]


def surrounded(rng: np.random.Generator, pairs: int, inputs: int) -> Rows:
    """One point of class 0 half-way between the two points of each pair of class 1: no hyperplane cuts it off."""
    centre, arm = eighths(rng, inputs), eighths(rng, pairs, inputs) + 3
    X = torch.cat([centre.unsqueeze(0), centre + arm, centre - arm])
    return X, torch.tensor([0] + [1] * 2 * pairs)


TABLE = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
AND, OR, XOR = [0, 0, 0, 1], [0, 1, 1, 1], [0, 1, 1, 0]


@exercise(
    "foundations.perceptron.learning",
    "fit_perceptron(X, y, max_epochs) -> w, b, converged",
    level="core",
    minutes=9,
    keeps_inputs=True,
)
def learning(rng):
    """The perceptron's learning rule (Rosenblatt 1958): learn from mistakes, and stop when there are none."""
    with part("one epoch by hand", points=1):
        for X, y in (
            ([[1.0], [2.0]], [0, 1]),
            ([[1.0, 2.0], [3.0, 2.0]], [0, 1]),
            ([[2.0], [-1.0], [1.0]], [0, 1, 1]),
            ([[2.0, 1.0], [1.0, 3.0], [3.0, 1.0], [1.0, 1.0]], [0, 1, 0, 1]),
        ):
            yield by_hand(X, y, 1, "write w and b down after each row, beginning with zeros")
    with part("to the end by hand", points=1):
        for X, y, max_epochs in (
            ([[2.0, 3.0]], [1], 5),
            ([[2.0, 3.0]], [1], 1),  # the only epoch there is has no mistake
            ([[1.0], [-1.0]], [0, 1], 5),
            ([[1.0], [2.0]], [0, 1], 2),
            ([[1.0], [2.0]], [0, 1], 6),  # and here the last one
            ([[1.0], [2.0]], [0, 1], 20),
            (TABLE, OR, 20),
            (TABLE, AND, 20),
        ):
            yield by_hand(X, y, max_epochs, "it is over when an epoch has gone by without a mistake, and not before")
    with part("where a line exists", points=1):
        for rows, inputs in ((10, 2), (8, 1), (12, 4)):
            X, y = separable(rng, rows, inputs, max_epochs=30)
            shown = f"{rows} rows of {inputs}, two classes that can be separated"
            yield judged(X, y, 30, True, shown, "with every row on its side, converged is True")
        for rows in (6, 8):
            X, y = far_from_the_origin(rng, rows, max_epochs=80)
            shown = f"{rows} rows of 2 far from the origin, two classes that can be separated"
            yield judged(X, y, 80, True, shown, "a line that passes the origin by has a bias")
    with part("where none exists", points=1):
        because = "no weights are right here, so it can only end with max_epochs"
        for scale, shown in ((1.0, "inputs 0 and 1"), (2.0, "inputs 0 and 2")):
            X, y = torch.tensor(TABLE) * scale, torch.tensor(XOR)
            yield judged(X, y, 10, False, f"XOR with {shown}", because)
        for pairs, inputs in ((2, 2), (4, 3)):
            X, y = surrounded(rng, pairs, inputs)
            yield judged(X, y, 10, False, f"1 row of {inputs} in the middle of {2 * pairs} others", because)
        yield judged(torch.tensor(TABLE), torch.tensor(AND), 10, True, "AND, for comparison", "here a line exists")
