"""Data in batches, and what a training may be given in their place."""

import math
from collections.abc import Iterable, Iterator, Sized
from copy import copy
from itertools import count

import numpy as np
import torch
from torch import Tensor

from course_lib.processes import Team
from course_lib.seeds import seed_everything


class Batches:
    """Rows of tensors in batches; every pass reads each row once, in a new order drawn from a generator of its own.

    The last batch of a pass is smaller where the rows don't divide evenly.

    Args:
        inputs: what the model is called with: a tensor (rows, ...) or a tuple of such tensors.
        targets: (rows, ...), what the loss compares with.
        batch_size: rows in a batch.
        seed: of the order.
        shuffle: False keeps the rows as they stand.

    Raises:
        ValueError: no rows, tensors of different numbers of rows, or a batch size that is no whole number from 1.
    """

    def __init__(
        self,
        inputs: Tensor | tuple[Tensor, ...],
        targets: Tensor,
        batch_size: int,
        seed: int = 0,
        shuffle: bool = True,
    ):
        self.inputs = inputs if isinstance(inputs, tuple) else (inputs,)
        self.targets = targets
        rows = {len(tensor) for tensor in (*self.inputs, targets)}
        if len(rows) != 1 or rows == {0}:
            raise ValueError(f"inputs and targets must have the same number of rows, at least one, not {sorted(rows)}")
        self.batch_size = whole("batch_size", batch_size)
        self.seed, self.shuffle = seed, shuffle
        self.generator = torch.Generator().manual_seed(seed)

    def again(self) -> "Batches":
        """The same batches from the first pass on, and in the same order; the rows are shared."""
        other = copy(self)
        other.generator = torch.Generator().manual_seed(self.seed)
        return other

    def __len__(self) -> int:
        return math.ceil(len(self.targets) / self.batch_size)

    def __iter__(self) -> Iterator[tuple[tuple[Tensor, ...], Tensor]]:
        """Yield `(inputs, targets)`: a tuple of tensors (batch, ...) and a tensor (batch, ...)."""
        rows = len(self.targets)
        order = torch.randperm(rows, generator=self.generator) if self.shuffle else torch.arange(rows)
        for chosen in order.to(self.targets.device).split(self.batch_size):  # (batch,)
            yield tuple(tensor[chosen] for tensor in self.inputs), self.targets[chosen]


def lengths(batches: Iterable, epochs: int | None, steps: int | None, team: Team) -> tuple[int, int]:
    """Steps in all, and in one pass through this process's batches; of a generator all steps are one pass.

    Raises:
        ValueError: not one of epochs and steps is given, or there are too few batches.
    """
    if (epochs is None) == (steps is None):
        raise ValueError("say how long to train, either by epochs=... or by steps=...")
    if isinstance(batches, Sized) and len(batches) < team.size:
        raise ValueError(f"there are {len(batches)} batches, and every process needs at least one")
    pass_length = len(batches) // team.size if isinstance(batches, Sized) else None
    if steps is not None:
        return whole("steps", steps), pass_length or steps
    if pass_length is None:
        raise ValueError("a generator of batches can be read only once: give steps=..., or a list of batches")
    return whole("epochs", epochs) * pass_length, pass_length


def endless(batches: Iterable, seed: int, team: Team) -> Iterator:
    """This process's batches, one pass after another.

    Each pass begins from a seed of its own, so that a training that goes on after an interruption draws the same.
    """
    for number in count():
        seed_everything(int(np.random.SeedSequence([seed, number]).generate_state(1)[0]))
        batch = None
        for batch in team.share(batches):
            yield batch
        if batch is None or isinstance(batches, Iterator):  # empty, or read to its end for good
            raise ValueError("the batches ran out: give fewer steps, or a list of batches, which can be read again")


def from_the_start(batches: object) -> object:
    """The same training twice draws the same `Batches`, whatever was drawn from them in between."""
    return batches.again() if isinstance(batches, Batches) else batches


def whole(setting: str, value: int) -> int:
    """A setting that must be a whole number from 1.

    Raises:
        ValueError: it is not.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{setting} must be a whole number from 1, not {value!r}")
    return value
