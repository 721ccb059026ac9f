"""The perceptron (Rosenblatt, 1958): a weighted sum, a step, and a rule that learns from mistakes."""

import math
from collections.abc import Iterator
from itertools import count
from typing import NamedTuple

import torch
from torch import Tensor

NO_MARGIN = 1e-6  # smaller ones are rounding


def step(z: Tensor) -> Tensor:
    """1 where z is at least 0, else 0; shaped like z, and of its type."""
    return (z >= 0).to(z.dtype)


class Perceptron:
    """One unit: y = step(w · x + b).

    Args:
        w: (inputs,), to begin with.
        b: to begin with.
        learning_rate: how much of a row a mistake adds to w.
        learn_bias: whether b learns too.
    """

    def __init__(self, w: Tensor, b: float = 0.0, learning_rate: float = 1.0, learn_bias: bool = True):
        self.w, self.b = w, b
        self.learning_rate, self.learn_bias = learning_rate, learn_bias

    def __call__(self, x: Tensor) -> Tensor:
        """0 or 1 for each row: (n, inputs) gives (n,), (inputs,) a single number."""
        return step(x @ self.w + self.b)

    def learn(self, x: Tensor, t: int) -> float:
        """Be shown one row, (inputs,), and its class, 0 or 1: a mistake adds the row to w, or takes it away.

        Returns:
            the error: 1 where 0 was said of class 1, -1 where 1 was said of class 0, 0 where all was right
        """
        error = t - self(x).item()
        if error:
            self.w = self.w + self.learning_rate * error * x
            self.b = self.b + self.learning_rate * error * self.learn_bias
        return error


class Correction(NamedTuple):
    """One mistake, and what the weights were after it.

    Args:
        epoch: from 1.
        row: which was the mistake.
        error: 1 or -1, label minus output.
        w: (inputs,), after it.
        b: after it.
    """

    epoch: int
    row: int
    error: float
    w: Tensor
    b: float


def corrections(perceptron: Perceptron, x: Tensor, y: Tensor) -> Iterator[Correction]:
    """Show all rows, epoch after epoch, until an epoch goes by without a mistake; for ever where none ever does.

    Args:
        perceptron: that learns from them.
        x: (n, inputs)
        y: (n,), 0 or 1
    """
    for epoch in count(1):
        row, mistakes = 0, 0
        while len(wrong := (perceptron(x[row:]) != y[row:]).nonzero()):  # rows that are right change nothing: pass them
            row += wrong[0].item()
            error = perceptron.learn(x[row], y[row].item())
            yield Correction(epoch, row, error, perceptron.w, perceptron.b)
            row, mistakes = row + 1, mistakes + 1
        if not mistakes:
            return


def with_ones(x: Tensor) -> Tensor:
    """Rows with one input more that is always 1, whose weight is the bias: (n, inputs + 1)."""
    return torch.cat([x, torch.ones_like(x[:, :1])], dim=1)


def margin(x: Tensor, y: Tensor) -> float:
    """How far the nearest row stays from the best hyperplane through the origin with each class on its side.

    With y as signs it is the largest possible min(y · (x @ u)) over the u of length 1. The shortest u that reaches 1
    for every row is found by least distance programming (Lawson and Hanson, 1974, chapter 23). For a line that need not
    go through the origin, hand over `with_ones(x)`.

    Args:
        x: (n, inputs)
        y: (n,), 0 or 1

    Returns:
        the margin, in the units of x; 0 where no such hyperplane exists, infinity without rows
    """
    if not len(x):
        return math.inf
    from scipy.optimize import nnls  # takes a third of a second, and only the explorer asks for the bound

    sides = (2 * y.double() - 1)[:, None] * x.double()  # what u must have on its positive side
    goal = torch.zeros(x.shape[1] + 1, dtype=torch.float64)
    goal[-1] = 1
    _, rest = nnls(with_ones(sides).T.numpy(), goal.numpy())  # its square is margin² / (1 + margin²)
    found = rest / math.sqrt(max(1 - rest**2, 1e-300))
    return found if found > NO_MARGIN else 0.0


def most_mistakes(x: Tensor, y: Tensor) -> float:
    """The mistakes that a perceptron makes at most, beginning with zeros: (R / margin)², with R the length of the
    longest row (Novikoff, 1962). Infinity where no hyperplane through the origin separates the classes.
    """
    if not len(x):
        return 0.0
    gap = margin(x, y)
    return (x.double().norm(dim=1).max().item() / gap) ** 2 if gap else math.inf
