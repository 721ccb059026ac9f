"""PyTorch's global modes, which a learner's function may set, and which what comes after it is not to meet."""

from collections.abc import Callable
from typing import Any

import torch
from torch.utils import _device

_kept: list[torch.inference_mode] = []


def _set_inference_mode(on: bool) -> None:
    """PyTorch has only the `with` for it; this one is kept, for its end would set the mode back."""
    _kept.append(torch.inference_mode(on))
    _kept[-1].__enter__()


_MODES: tuple[tuple[Callable[[], Any], Callable[[Any], Any]], ...] = (  # how to read one, and how to set it
    (torch.is_inference_mode_enabled, _set_inference_mode),  # sets the next one, too
    (torch.is_grad_enabled, torch.set_grad_enabled),
    (torch.get_default_dtype, torch.set_default_dtype),
    (lambda: _device.CURRENT_DEVICE, torch.set_default_device),  # torch.get_default_device takes 7 µs
    (torch.get_deterministic_debug_mode, torch.set_deterministic_debug_mode),
    (torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
    (torch.get_num_threads, torch.set_num_threads),
)


def read() -> list:
    """All modes as they are; takes a microsecond, for it surrounds every call that is judged."""
    return [get() for get, _ in _MODES]


def put_back(before: list) -> None:
    """Set those that have changed since they were read."""
    if read() != before:
        for (get, put), mode in zip(_MODES, before, strict=True):
            if get() != mode:
                put(mode)
