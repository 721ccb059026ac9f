"""Data and layers for the exercise on dead units, which are known to be dead without being run."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

Layer = tuple[Tensor, Tensor]  # weight (units, inputs) and bias (units,)
RARE = 3.0  # length of the three examples that the rare units wait for; the others are at most half as long


class Planted:
    """Data and layers whose dead, rare and healthy units are known without running them.

    Three examples stand alone at RARE times an axis of a random basis, the first in the first batch, the second in the
    middle, the third at the very end; the others are at most half as long. So a unit that looks along axis k with bias
    -2 fires on one example only, and one with bias -4 never fires.

    Args:
        rng: draws everything.
        sizes: of the batches, in order; the rare examples make up the first row of the first one, the middle row of the
            second and the last row of the last one.
        features: numbers an example has, 3 at least.
    """

    def __init__(self, rng: np.random.Generator, sizes: Sequence[int], features: int):
        self.rng = rng
        self.axes = np.linalg.qr(rng.normal(size=(features, features)))[0].T[:3]  # (3, features)
        x = rng.normal(size=(sum(sizes), features))
        x *= rng.uniform(0.5, 1.5, size=(len(x), 1)) / np.linalg.norm(x, axis=1, keepdims=True)
        x[[0, sizes[0] + sizes[1] // 2, -1]] = RARE * self.axes
        self.batches = list(torch.from_numpy(x).float().split(list(sizes)))

    def first(self) -> tuple[Layer, list[str]]:
        """A layer of eight units in random order, and what each of them is."""
        along = list(self.axes[self.rng.permutation(3)])
        units = [("rare", axis, -2.0) for axis in self.axes]
        units += [("dead", along[0], -4.0), ("dead", -along[1], -5.0), ("dead", 0 * along[2], 0.0)]
        units += [("healthy", along[1], -0.25), ("healthy", -along[2], 4.0)]
        units = [units[n] for n in self.rng.permutation(len(units))]
        weight, bias = np.stack([axis for _, axis, _ in units]), np.array([bias for *_, bias in units])
        return (torch.from_numpy(weight).float(), torch.from_numpy(bias).float()), [kind for kind, *_ in units]

    def second(self, kinds: list[str]) -> Layer:
        """A layer of five units over such a first one: each listens to one unit of it, or to none that fires."""
        rare, dead, healthy = (
            [n for n, kind in enumerate(kinds) if kind == wanted] for wanted in ("rare", "dead", "healthy")
        )
        weight, bias = torch.zeros(5, len(kinds)), torch.tensor([-0.5, -0.5, -1.0, 0.5, -0.5])
        weight[0, dead] = 5.0  # its weights are large, and what they multiply is 0: dead
        weight[1, healthy] = -1.0  # dead
        weight[2, rare[0]], weight[3, rare[1]] = 3.0, 1.0  # rare; always on
        weight[4, rare] = 2.0  # on for three examples
        order = torch.from_numpy(self.rng.permutation(5))
        return weight[order], bias[order]
