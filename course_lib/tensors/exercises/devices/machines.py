"""Machines that are pretended: what does an answer find there, and does it ask or try?"""

from collections.abc import Callable
from contextlib import ExitStack
from unittest.mock import patch

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from course_lib.exercises.values import with_article

MACHINES = {  # what PyTorch would say there: how many of each
    "no graphics card": {},
    "one NVIDIA card": {"cuda": 1},
    "an Apple GPU": {"mps": 1},
    "four NVIDIA cards": {"cuda": 4},
}


class Watching(TorchFunctionMode):
    """Sees whether anything is put on a card, which here is only pretended."""

    tried = False

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        places = (str(value) for value in (*args, *kwargs.values()) if isinstance(value, str | torch.device))
        if func is not torch.device:
            self.tried |= func is Tensor.cuda or any(place.startswith(("cuda", "mps")) for place in places)
        return func(*args, **kwargs)


def found_on(answer: Callable, machine: str) -> dict | None:
    """The kind of device that the answer finds on a machine of MACHINES, and whether it tried a card out."""
    cards = MACHINES[machine]
    cuda, mps = cards.get("cuda", 0), cards.get("mps", 0)
    best = next(iter(cards), None)
    says = (
        (torch.cuda, "is_available", cuda > 0),
        (torch.cuda, "device_count", cuda),
        (torch.backends.cuda, "is_built", mps == 0),  # the usual PyTorch is, whether there is a card or not
        (torch.backends.mps, "is_available", mps > 0),
        (torch.backends.mps, "is_built", mps > 0),
        (torch.mps, "is_available", mps > 0),
        (torch.mps, "device_count", mps),
        (torch.accelerator, "is_available", best is not None),
        (torch.accelerator, "device_count", cuda + mps),
        (torch.accelerator, "current_accelerator", best and torch.device(best)),
    )
    with ExitStack() as stack:
        for module, name, value in says:
            if hasattr(module, name):
                stack.enter_context(patch.object(module, name, lambda *_, value=value, **__: value))
        watching = stack.enter_context(Watching())
        made = answer()
    if made is None:
        return None
    if isinstance(made, str):
        raise TypeError(f"best_device should return a torch.device, and returned a text: torch.device({made!r}) is one")
    if not isinstance(made, torch.device):
        raise TypeError(f"best_device should return a torch.device, and returned {with_article(type(made).__name__)}")
    return {"kind of device": made.type, "use of a card": watching.tried}
