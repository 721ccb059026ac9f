"""A linear regression that is learnt one sample, some samples or all samples at a time: how much ink has a pixel, told
from the pixel to its left?"""

import time
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from course_lib.datasets.digits import load_digits

START = (-0.6, 1.0)  # w and b before the first update
REPEATS, AT_A_TIME = 15, 10  # timings, and updates in each


class Averages(NamedTuple):
    """What a batch's gradient is made of: averages over its samples, (batches,) each."""

    xx: np.ndarray
    x: np.ndarray
    xy: np.ndarray
    y: np.ndarray
    yy: np.ndarray


class Run(NamedTuple):
    """What became of w and b.

    Attributes:
        path: w and b after each update, the start included, (updates + 1, 2).
        losses: of all samples, above the least possible, (updates + 1,).
    """

    path: np.ndarray
    losses: np.ndarray


@cache
def pixel_pairs() -> tuple[Tensor, Tensor]:
    """Every pixel of scikit-learn's digits that has a neighbour to its left.

    Returns:
        the neighbour's ink x and the pixel's own ink y, from 0 to 1: (100632,) float32 each
    """
    pixels = load_digits()[0].reshape(-1, 8, 8)
    return pixels[:, :, :-1].flatten(), pixels[:, :, 1:].flatten()


@cache
def _arrays() -> np.ndarray:
    return torch.stack(pixel_pairs()).double().numpy()  # (2, samples)


@cache
def averages() -> Averages:
    """Over all samples, as one batch."""
    return _averages(*_arrays(), np.zeros(1, int))


def _averages(x: np.ndarray, y: np.ndarray, firsts: np.ndarray) -> Averages:
    """Of the batches that begin at these samples."""
    counts = np.diff([*firsts, len(x)])
    return Averages(*(np.add.reduceat(of, firsts) / counts for of in (x * x, x, x * y, y, y * y)))


def loss(w: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Half the mean of (w x + b − y)² over all samples: w and b of one shape, and so the loss."""
    xx, x, xy, y, yy = averages()
    return (w * w * xx + 2 * w * b * x + b * b - 2 * w * xy - 2 * b * y + yy) / 2


@cache
def best() -> tuple[float, float]:
    """The w and b of least loss: least squares (Legendre, 1805)."""
    xx, x, xy, y, _ = (of.item() for of in averages())
    w = (xy - x * y) / (xx - x**2)
    return w, y - w * x


def batches(n: int, size: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """The numbers of the samples, pass after pass without end: each once a pass, in a new order; the last batch of a
    pass may be short."""
    while True:
        order = rng.permutation(n)
        yield from (order[first : first + size] for first in range(0, n, size))


@lru_cache(maxsize=64)
def batch_averages(size: int, seed: int, updates: int) -> Averages:
    """Of the first `updates` batches: (updates,) each. The gradient at w and b needs nothing else of a batch."""
    pairs, rng = _arrays(), np.random.default_rng(seed)
    n = pairs.shape[1]
    if size >= n:
        return Averages(*(np.repeat(of, updates) for of in averages()))
    found, per_pass = [], -(-n // size)
    for done in range(0, updates, per_pass):  # as `batches`, all of a pass at once
        firsts = size * np.arange(min(per_pass, updates - done))
        order = rng.permutation(n)[: firsts[-1] + size]
        found.append(_averages(*pairs[:, order], firsts))
    return Averages(*(np.concatenate(of) for of in zip(*found, strict=True)))


@lru_cache(maxsize=64)  # a step further along a run asks for the same one again
def learn(size: int, rate: float, seed: int, updates: int) -> Run:
    """Gradient descent on batches: w ← w − rate · dL/dw and b ← b − rate · dL/db, from `START`.

    Args:
        size: samples in a batch; all of them for batch gradient descent, 1 for the stochastic kind.
        rate: the learning rate.
        seed: of the order of the samples.
        updates: how many.
    """
    w, b = START
    path = [START]
    for xx, x, xy, y, _ in zip(*(of.tolist() for of in batch_averages(size, seed, updates)), strict=True):
        w, b = w - rate * (w * xx + b * x - xy), b - rate * (w * x + b - y)
        path.append((w, b))
    path = np.array(path)
    return Run(path, loss(*path.T) - loss(*best()))


def update(w: Tensor, b: Tensor, x: Tensor, y: Tensor, rate: float) -> None:
    """One update in place, as it is timed: w and b are numbers, x and y (batch,)."""
    error = w * x + b - y
    w -= rate * (error * x).mean()
    b -= rate * error.mean()


@cache
def seconds_per_update(size: int) -> float:
    """How long an update takes here, the batch taken from memory included: measured once and kept.

    Of several timings the least counts, since what else the machine does only adds to them.
    """
    x, y = pixel_pairs()
    w, b = torch.tensor(START[0]), torch.tensor(START[1])
    rows = torch.from_numpy(next(batches(len(x), size, np.random.default_rng(0))))

    def timed() -> float:
        began = time.perf_counter()
        for _ in range(AT_A_TIME):
            update(w, b, *((x, y) if size >= len(x) else (x[rows], y[rows])), rate=0.1)
        return (time.perf_counter() - began) / AT_A_TIME

    timed()  # the first is slower
    return min(timed() for _ in range(REPEATS))
