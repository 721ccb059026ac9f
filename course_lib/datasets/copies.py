"""Rows of random symbols, to be written down again: a translation in which every symbol counts."""

import torch

from course_lib.datasets.dates import END, Pairs, moved_on

SYMBOLS = 10


def load_copies(rows: int = 2000, length: int = 10, seed: int = 0) -> Pairs:
    """Each row's target is the row itself, and then its end.

    A row is drawn from 10 symbols, so by guessing one symbol in ten is right. Source: generated here. Licence: that of
    the workbook's data (CC BY 4.0).

    Args:
        rows: how many.
        length: symbols of each row.
        seed: of all that is drawn.

    Raises:
        ValueError: no row or no symbol.
    """
    if rows < 1 or length < 1:
        raise ValueError(f"copying needs at least one row and one symbol, not {rows} and {length}")
    generator = torch.Generator().manual_seed(seed)
    source = torch.randint(END + 1, END + 1 + SYMBOLS, (rows, length), generator=generator)
    targets = torch.cat([source, torch.full((rows, 1), END)], dim=1)
    size = END + 1 + SYMBOLS
    return Pairs(source, torch.full((rows,), length), moved_on(targets), targets, size, size)
