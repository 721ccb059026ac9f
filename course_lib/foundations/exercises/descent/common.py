"""What the exercises of descent in samples share: a line's gradient, and the orders that epochs come in."""

from itertools import permutations

import numpy as np
import torch
from torch import Tensor

EPOCHS = 200  # of three rows: that one of their six orders never comes has probability 6 · (5/6)²⁰⁰, about 10⁻¹⁵
AGAIN = 20  # epochs of a second run from the same seed, which shows whether the seed decides
ROWS = 3


def gradient_of(X: Tensor, y: Tensor, w: Tensor) -> Tensor:
    """Of ½ (x · w - y)², a mean over the rows: (inputs,)."""
    return X.T @ (X @ w - y) / len(X)


def generator(seed: int) -> np.random.Generator:
    """NumPy's generator, as an answer is handed it."""
    return np.random.default_rng(seed)


def after_each_order(X: Tensor, y: Tensor, w: Tensor, lr: float) -> Tensor:
    """The weights after one pass over the rows, for every order of them: (orders, inputs), float64."""
    X, y = X.double(), y.double()
    orders = torch.tensor(list(permutations(range(len(X)))))  # (orders, rows)
    ws = w.double().expand(len(orders), -1)
    for rows in orders.T:
        errors = (X[rows] * ws).sum(dim=1) - y[rows]
        ws = ws - lr * errors.unsqueeze(1) * X[rows]
    return ws
