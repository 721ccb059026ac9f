"""The processes that train one model together: this one alone, unless `accelerate launch` started several."""

import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import cache

import torch
from torch import Tensor, nn

from course_lib.device import device

READ_EVERY = {"cpu": 1, "cuda": 20, "mps": 20}  # a look at the losses makes a graphics card wait


class Team:
    """What a training asks of the processes it runs on; alone, each question has a simple answer.

    Attributes:
        size: processes.
        rank: this one's number, from 0.
        first: whether this is the one that writes files and talks.
        device: where this process computes.
        precision: the context for the forward pass: bf16 on cuda, else nothing.
        read_every: steps between two looks at the losses.
    """

    def __init__(self):
        self._accelerator = _accelerator() if _launched() else None
        alone = self._accelerator is None
        self.size: int = 1 if alone else self._accelerator.num_processes
        self.rank: int = 0 if alone else self._accelerator.process_index
        self.first = self.rank == 0
        self.device: torch.device = device() if alone else self._accelerator.device
        self.read_every = READ_EVERY[self.device.type]
        self.precision: AbstractContextManager = nullcontext()
        if self.device.type == "cuda" and torch.cuda.is_bf16_supported():
            self.precision = torch.autocast("cuda", dtype=torch.bfloat16)

    def prepare(self, model: nn.Module) -> nn.Module:
        """The model to call in training; several processes add up its gradients. The weights are the model's own."""
        return model if self._accelerator is None else self._accelerator.prepare_model(model)

    def share(self, batches: Iterable) -> Iterator:
        """This process's batches of one pass: of every `size` batches one; what is left over at the end is dropped."""
        groups = zip(*[iter(batches)] * self.size, strict=False)
        return (group[self.rank] for group in groups)

    def moved(self, batch: tuple) -> tuple[tuple, object]:
        """Inputs, always a tuple, and targets of a batch, on this process's device.

        Raises:
            ValueError: the batch is no such pair.
        """
        if type(batch) not in (tuple, list) or len(batch) != 2:
            raise ValueError(f"each batch must be a pair (inputs, targets), not a {type(batch).__name__}")
        inputs, targets = batch
        return self._to_device(inputs if type(inputs) in (tuple, list) else (inputs,)), self._to_device(targets)

    def mean(self, losses: list[Tensor]) -> list[float]:
        """The losses of some steps, averaged over the processes."""
        if self._accelerator is not None:
            return self._accelerator.reduce(torch.stack(losses), "mean").tolist()
        return torch.stack(losses).tolist() if len(losses) > 1 else [losses[0].item()]  # one alone is the common case

    def agree(self, value: object) -> object:
        """What the first process has, on all of them."""
        if self._accelerator is None:
            return value
        from accelerate.utils import broadcast_object_list

        return broadcast_object_list([value])[0]

    def _to_device(self, thing: object) -> object:
        if isinstance(thing, Tensor) and thing.device == self.device:  # asking costs less than moving nothing
            return thing
        if hasattr(thing, "to"):
            return thing.to(self.device, non_blocking=True)
        return tuple(map(self._to_device, thing)) if type(thing) in (tuple, list) else thing

    def release(self) -> None:
        """Let go of the model that was prepared."""
        if self._accelerator is not None:
            self._accelerator.free_memory()


def _launched() -> bool:
    return "ACCELERATE_MIXED_PRECISION" in os.environ or "LOCAL_RANK" in os.environ  # accelerate launch, torchrun


@cache
def _accelerator():
    """The one accelerator of this process; it gathers the processes when it is made, so there is only one."""
    try:
        from accelerate import Accelerator
    except ImportError as error:
        raise RuntimeError("several processes need Hugging Face accelerate: pip install accelerate") from error
    return Accelerator(mixed_precision="no")  # `Team.precision` decides, with one process and with several
