"""What the exercises of descent in samples share: a line's gradient, and the orders that epochs come in."""

from collections.abc import Callable
from functools import partial
from itertools import permutations

import numpy as np
import torch
from torch import Tensor

from course_lib.exercises.compare import difference

EPOCHS = 200  # of three rows: that one of their six orders never comes has probability 6 · (5/6)²⁰⁰, about 10⁻¹⁵
AGAIN = 20  # epochs of a second run from the same seed, which shows whether the seed decides
ROWS = 3
AGAIN_THE_SAME = "second run from the same seed"


def gradient_of(X: Tensor, y: Tensor, w: Tensor) -> Tensor:
    """Of ½ (x · w - y)², a mean over the rows: (inputs,)."""
    return X.T @ (X @ w - y) / len(X)


def generator(seed: int) -> np.random.Generator:
    """NumPy's generator, as an answer is handed it."""
    return np.random.default_rng(seed)


def of_many_epochs(expected: dict) -> Callable[[dict], str]:
    """What says how many epochs of three rows differ from these, in a sentence."""
    return partial(_of_many_epochs, expected)


def _of_many_epochs(expected: dict, made: dict) -> str:
    if made == expected | {AGAIN_THE_SAME: False}:
        return "The same seed gave two different epochs."
    return difference(made, expected, rtol=0, atol=0, names=()).sentence


def after_each_order(X: Tensor, y: Tensor, w: Tensor, lr: float) -> Tensor:
    """The weights after one pass over the rows, for every order of them: (orders, inputs), float64."""
    X, y = X.double(), y.double()
    orders = torch.tensor(list(permutations(range(len(X)))))  # (orders, rows)
    ws = w.double().expand(len(orders), -1)
    for rows in orders.T:
        errors = (X[rows] * ws).sum(dim=1) - y[rows]
        ws = ws - lr * errors.unsqueeze(1) * X[rows]
    return ws
