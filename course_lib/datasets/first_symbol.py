"""Recall: which symbol stood first, before a row of noise?"""

import torch
from torch import Tensor
from torch.nn.functional import one_hot

SYMBOLS = 4
CHANCE = 1 / SYMBOLS  # share of right answers by guessing


def load_first_symbol(rows: int = 1000, length: int = 20, seed: int = 0) -> tuple[Tensor, Tensor]:
    """A symbol, then noise; asked for is the symbol.

    The first step is one of four symbols, one-hot; every later step is normal noise (mean 0, standard deviation 1) in
    all four features. A guess is right in a quarter of the rows (`CHANCE`).

    Source: generated here, after the tasks with long time lags of Hochreiter & Schmidhuber (1997), «Long Short-Term
    Memory», section 5. Licence: that of the workbook's data (CC BY 4.0).

    Args:
        rows: how many.
        length: steps of each row, the symbol's among them.
        seed: of all that is drawn.

    Returns:
        inputs (rows, length, 4), float32, and targets (rows,), int64, from 0 to 3

    Raises:
        ValueError: no row or no step.
    """
    if rows < 1 or length < 1:
        raise ValueError(f"recall needs at least one row and one step, not {rows} and {length}")
    return draw_first_symbol(rows, length, torch.Generator().manual_seed(seed))


def draw_first_symbol(rows: int, length: int, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
    """The next rows out of a generator, by default PyTorch's own: what `load_first_symbol` returns."""
    targets = torch.randint(0, SYMBOLS, (rows,), generator=generator)
    inputs = torch.randn(rows, length, SYMBOLS, generator=generator)
    inputs[:, 0] = one_hot(targets, SYMBOLS).float()
    return inputs, targets
