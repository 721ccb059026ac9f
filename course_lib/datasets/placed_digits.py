"""Digits that may stand anywhere on a larger canvas."""

from typing import NamedTuple

import torch
from torch import Tensor

from course_lib.datasets.digits import load_digits

DIGIT = 8  # pixels a side of a digit


class PlacedDigits(NamedTuple):
    """Digits on empty canvases.

    Attributes:
        pictures: from 0 for paper to 1 for ink, (n, 1, side, side) float32.
        labels: which digit it is, (n,) int64.
        corners: row and column of its upper left pixel, (n, 2) int64.
    """

    pictures: Tensor
    labels: Tensor
    corners: Tensor


def load_placed_digits(side: int = 16, copies: int = 1, seed: int = 0) -> PlacedDigits:
    """The 1,797 digits of scikit-learn, each at so many random places, one to a canvas.

    The digits keep their order, and the copies of one stand together: the first 1,200 · copies canvases hold the
    digits that the course trains on, the rest those that it tests on.

    Source, licence: those of `load_digits`; the places are ours.

    Args:
        side: of the square canvas, in pixels; 8 at least, which leaves one place.
        copies: of each digit, each at a place of its own.
        seed: draws the places, all of them equally likely; the same seed, the same places.

    Raises:
        ValueError: a digit does not fit on the canvas, or there is no copy.
    """
    if side < DIGIT:
        raise ValueError(f"a digit has {DIGIT} pixels a side and does not fit on a canvas of {side}")
    if copies < 1:
        raise ValueError(f"copies are 1 or more, not {copies}")
    pixels, labels = load_digits()
    digits = pixels.reshape(-1, DIGIT, DIGIT).repeat_interleave(copies, dim=0)  # (n, 8, 8)
    drawn = torch.Generator().manual_seed(seed)
    corners = torch.randint(side - DIGIT + 1, (len(digits), 2), generator=drawn)

    span = torch.arange(DIGIT)
    rows, columns = (corners[:, axis, None] + span for axis in (0, 1))  # (n, 8) each
    pictures = torch.zeros(len(digits), 1, side, side)
    which = torch.arange(len(digits))[:, None, None]
    pictures[which, 0, rows[:, :, None], columns[:, None, :]] = digits
    return PlacedDigits(pictures, labels.repeat_interleave(copies), corners)
