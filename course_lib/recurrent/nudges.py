"""Nudging the state of the trained plain RNN: how long is it felt? And what does the state keep when left alone?"""

import copy
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from course_lib.datasets.reviews import load_reviews
from course_lib.recurrent.rnn import RNNCell
from course_lib.recurrent.sentiment import load_reader

READER = "rnn"
TELLS = 0.05  # an answer that has moved by so much can tell that there was a nudge
LIVES = ("gone within 3 words", "felt longer, not to the end", "felt to the end")


@dataclass(frozen=True)
class Nudge:
    """So much is added to the state of some units after one step.

    Attributes:
        step: counted from 0.
        units: which.
        size: what is added to each of them.
    """

    step: int
    units: tuple[int, ...]
    size: float


@lru_cache(maxsize=64)
def scaled_cell(scale: float) -> RNNCell:
    """The trained cell in double precision, in which a distance of 1e-8 is not rounding; W_hh times `scale`."""
    cell = copy.deepcopy(load_reader(READER).model.recurrent.layers[0]).double()
    cell.of_hidden.weight.mul_(scale)
    return cell


@torch.no_grad()
def states(cell: RNNCell, x: Tensor, nudge: Nudge | None = None, start: Tensor | None = None) -> Tensor:
    """The state after every step.

    Args:
        cell: the network's one cell.
        x: (time, features), or (batch, time, features) for several sequences at once
        nudge: what is added to the state after one of the steps; it is read on from there.
        start: the state before the first step, (batch, units); zeros if None.

    Returns:
        (time, units) or (batch, time, units)
    """
    if x.dim() == 2:
        return states(cell, x[None], nudge, start)[0]
    h, seen = cell.start(x) if start is None else start, []
    for step, x_t in enumerate(x.unbind(dim=1)):  # (batch, features)
        h = cell(x_t, h)
        if nudge and step == nudge.step:
            h = h.index_add(1, torch.tensor(nudge.units), torch.full((len(h), len(nudge.units)), nudge.size).to(h))
        seen.append(h)
    return torch.stack(seen, dim=1)


def answers(hidden: Tensor) -> Tensor:
    """The chance of praise that the reader gives at each state: (..., units) to (...)."""
    head = load_reader(READER).model.head
    return torch.sigmoid(hidden @ head.weight[0].to(hidden) + head.bias.to(hidden))


def life_of(distance: np.ndarray) -> str:
    """What became of a nudge, in words: `distance` (steps,) from the nudge on."""
    last = f"{distance[-1]:.2f}" if distance[-1] >= 0.005 else f"{distance[-1]:.0e}".replace("e-0", "e-")
    last = "below 1e-12" if distance[-1] < 1e-12 else last
    halved = np.flatnonzero(distance <= distance[0] / 2)
    if len(distance) == 1:
        return last
    if not len(halved):
        return f"never halved, {last} at the end"
    steps = f"{halved[0]} step{'s' if halved[0] > 1 else ''}"
    return f"halved after {steps}, {'yet ' if distance[-1] > distance[0] / 2 else ''}{last} at the end"


def steps_told(moved: np.ndarray, at: int, end: int) -> int:
    """For how many further words the answer can still tell that there was a nudge.

    Args:
        moved: how far the answer has moved after each step, (time,).
        at, end: the step of the nudge and that of the last word.
    """
    told = np.flatnonzero(np.abs(moved[at : end + 1]) >= TELLS)
    return int(told[-1]) if len(told) else 0


def life_option(told: int, further: int) -> str:
    """Which of `LIVES` a nudge had: told for so many further words, of so many that there were."""
    return LIVES[2] if told == further else LIVES[0] if told <= 3 else LIVES[1]


@lru_cache
def _reviews() -> tuple[Tensor, Tensor]:
    """200 test reviews: their words' vectors, (reviews, time, features), and their lengths."""
    reviews = load_reviews("test", 200)
    return load_reader(READER).model.embedding(reviews.tokens).double(), reviews.lengths


@lru_cache
def principal_axes() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The plane in which the states differ most, over all steps of 200 test reviews.

    Returns:
        their mean (units,); the two first principal axes (units, 2); the shares of the variance on them, (2,)
    """
    x, lengths = _reviews()
    spoken = torch.arange(x.shape[1]) < lengths[:, None]  # (reviews, time)
    seen = states(scaled_cell(1.0), x)[spoken].numpy()  # (words, units)
    middle = seen.mean(axis=0)
    _, spread, axes = np.linalg.svd(seen - middle, full_matrices=False)
    return middle, axes[:2].T, (spread**2 / (spread**2).sum())[:2]


@lru_cache
def known_states() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The states after the last words of 200 test reviews.

    Returns:
        in the plane of the principal axes, (200, 2); whether they answer praise, (200,); the axes' shares, (2,)
    """
    x, lengths = _reviews()
    ends = states(scaled_cell(1.0), x)[torch.arange(len(x)), lengths - 1]  # (200, units)
    middle, axes, shares = principal_axes()
    return (ends.numpy() - middle) @ axes, (answers(ends) > 0.5).numpy(), shares


@lru_cache
def shares_of_lives(size: float = 1.0, least: int = 6) -> dict[str, float]:
    """How long nudges of one unit are felt, at all units and words of 200 test reviews with enough words to follow.

    Args:
        size: of the nudges.
        least: so many further words, or the nudge does not count.

    Returns:
        each of `LIVES` -> the share of the nudges; `"flips"` -> the share that flips the last answer
    """
    x, lengths = _reviews()
    ends = lengths - 1  # (reviews,)
    free = answers(states(scaled_cell(1.0), x)).numpy()  # (reviews, time)
    lives, flips = [], []
    for at in range(int(ends.max()) - least + 1):
        rows = np.flatnonzero(ends.numpy() - at >= least)
        for unit in range(scaled_cell(1.0).of_hidden.in_features):
            held = answers(states(scaled_cell(1.0), x[rows], Nudge(at, (unit,), size))).numpy()
            for row, answer in zip(rows, held, strict=True):
                end = int(ends[row])
                lives.append(life_option(steps_told(answer - free[row], at, end), end - at))
                flips.append((answer[end] > 0.5) != (free[row, end] > 0.5))
    return {life: lives.count(life) / len(lives) for life in LIVES} | {"flips": float(np.mean(flips))}
