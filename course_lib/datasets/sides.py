"""Points on two sides of a line, with a gap between them or without."""

import numpy as np
import torch
from torch import Tensor

FEWEST = 4  # points of either class


def load_sides(n: int = 30, gap: float = 0.2, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Points all over the plane, and a line across it that passes the origin by: one class on each side.

    Args:
        n: how many points, at least 8.
        gap: how wide a strip along the line is left free, at most 1. Below 0, a strip of that width in which a coin
            decides the class, so that as a rule no line separates them.
        seed: draws line and points; the same seed, the same points.

    Returns:
        x: (n, 2) float32, each number between -1 and 1
        y: (n,) int64, 0 or 1

    Raises:
        ValueError: there are too few points, or the gap is too wide.

    Source: ours. Licence: as the workbook's.
    """
    if n < 2 * FEWEST:
        raise ValueError(f"two classes need at least {2 * FEWEST} points, not {n}")
    if gap > 1:
        raise ValueError(f"a gap of {gap} leaves too little of the plane; 1 at most")
    rng = np.random.default_rng(seed)
    while True:
        angle, offset, upper = rng.uniform(0, 2 * np.pi), rng.uniform(0.15, 0.35), rng.integers(2)
        x = rng.uniform(-1, 1, (20 * n, 2))
        height = x @ [np.cos(angle), np.sin(angle)] - offset  # above the line
        coin = (np.abs(height) < -gap / 2) & (rng.random(len(x)) < 0.5)
        kept = np.flatnonzero(np.abs(height) >= gap / 2)[:n]
        y = ((height > 0) ^ coin ^ upper)[kept]
        if len(y) == n and FEWEST <= y.sum() <= n - FEWEST:
            return torch.from_numpy(x[kept]).float(), torch.from_numpy(y).long()
