"""The adding problem: add two numbers that were marked somewhere in a long row of them."""

import torch
from torch import Tensor

CHANCE = 1 / 6  # mean squared error of always answering 1: the variance of a sum of two uniform numbers


def load_adding(rows: int = 1000, length: int = 100, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Rows of numbers, two of them marked, and the sum of the two.

    At each step stand a number, uniform from 0 to 1, and a marker, 1 or 0. One marker lies in the first half and one in
    the second, each at any place there. Always answering 1 has a mean squared error of 1/6 (`CHANCE`).

    Source: generated here, after Hochreiter & Schmidhuber (1997), «Long Short-Term Memory», section 5.4, with one fixed
    length and numbers from 0 to 1. Licence: that of the workbook's data (CC BY 4.0).

    Args:
        rows: how many.
        length: steps of each row, at least 2.
        seed: of all that is drawn.

    Returns:
        inputs (rows, length, 2), float32: number and marker; and targets (rows, 1), float32, from 0 to 2

    Raises:
        ValueError: no row, or too short for two markers.
    """
    if rows < 1 or length < 2:
        raise ValueError(f"the adding problem needs a row and a length of at least 2, not {rows} and {length}")
    return draw_adding(rows, length, torch.Generator().manual_seed(seed))


def draw_adding(rows: int, length: int, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
    """The next rows of the adding problem out of a generator, by default PyTorch's own: what `load_adding` returns."""
    numbers = torch.rand(rows, length, generator=generator)
    first = torch.randint(0, length // 2, (rows,), generator=generator)
    second = torch.randint(length // 2, length, (rows,), generator=generator)
    markers = torch.zeros(rows, length)
    for places in (first, second):
        markers[torch.arange(rows), places] = 1.0
    targets = (numbers * markers).sum(dim=1, keepdim=True)  # (rows, 1)
    return torch.stack([numbers, markers], dim=2), targets  # (rows, length, 2)
