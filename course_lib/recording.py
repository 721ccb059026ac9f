"""Seeing inside a model: `record` reads what passes through its taps, and can clamp it before it acts.

A tap is an `nn.Identity` inside a model (design of `course_lib.recurrent.lstm`). A hook on it sees the value and may
put another in its place, so that everything computed afterwards follows from the replaced value.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Clamp:
    """Hold a tap at a value.

    Args:
        tap: the tap's name: all of its name in the model (`lstm.layers.0.forget`) or the end of it (`forget`: every
            layer's).
        value: from 0 (closed) to 1 (open), the range of a gate.
        steps: the time steps at which it is held; None for all.
        units: the units that are held; None for all.
    """

    tap: str
    value: float
    steps: Sequence[int] | None = None
    units: Sequence[int] | None = None

    def __post_init__(self):
        if not (isinstance(self.value, int | float) and math.isfinite(self.value) and 0 <= self.value <= 1):
            raise ValueError(f"a gate can be clamped between 0 (closed) and 1 (open), not at {self.value!r}")


@dataclass
class Recording:
    """What passed through the taps in one forward pass.

    Attributes:
        output: what the model returned.
        taps: full tap name -> values of all its calls stacked, (steps, batch, units) for a recurrent cell.
    """

    output: object
    taps: dict[str, Tensor] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Tensor:
        """The values of the one tap whose name is or ends with `name`."""
        found = [tap for tap in self.taps if _matches(tap, name)]
        if len(found) != 1:
            raise KeyError(f"{name!r} names {len(found)} taps; there are: {', '.join(self.taps)}")
        return self.taps[found[0]]


def taps_of(model: nn.Module) -> dict[str, nn.Identity]:
    """The model's taps by their full names."""
    return {name: module for name, module in model.named_modules() if isinstance(module, nn.Identity)}


def record(model: nn.Module, *inputs, clamps: Iterable[Clamp] = ()) -> Recording:
    """Run the model once, read its taps, and hold those that are clamped.

    Gradients are recorded when they are on, so that the output can be differentiated afterwards.

    Args:
        model: a model with taps.
        inputs: what the model is called with.
        clamps: where to intervene; with several on one value the last one counts.

    Raises:
        ValueError: the model has no taps, or a clamp names none of them.
        IndexError: a clamp names a unit or a step that the run does not have.
    """
    with _recording(model, tuple(clamps)) as seen:
        output = model(*inputs)
    calls = {name: len(values) for name, values in seen.items()}
    for clamp in clamps:
        for step in clamp.steps or ():
            if not any(0 <= step < calls[name] for name in seen if _matches(name, clamp.tap)):
                raise IndexError(f"step {step} cannot be clamped: the run had {max(calls.values())} steps, from 0")
    return Recording(output, {name: torch.stack(values) for name, values in seen.items() if values})


@contextmanager
def _recording(model: nn.Module, clamps: tuple[Clamp, ...]) -> Iterator[dict[str, list[Tensor]]]:
    """Hooks on every tap, for as long as the context lasts; yields tap name -> value of each call."""
    taps = taps_of(model)
    if not taps:
        raise ValueError(f"{type(model).__name__} exposes no taps (nn.Identity modules), so there is nothing to record")
    for clamp in clamps:
        if not any(_matches(name, clamp.tap) for name in taps):
            raise ValueError(f"no tap is called {clamp.tap!r}; there are: {', '.join(taps)}")
    seen: dict[str, list[Tensor]] = {name: [] for name in taps}

    def hook(name: str, held: list[Clamp]):
        values = seen[name]

        def read(_module, _inputs, value: Tensor) -> Tensor:
            for clamp in held:
                if clamp.steps is None or len(values) in clamp.steps:
                    value = _held(value, clamp)
            values.append(value)
            return value

        return read

    handles = [
        tap.register_forward_hook(hook(name, [c for c in clamps if _matches(name, c.tap)]))
        for name, tap in taps.items()
    ]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


def _held(value: Tensor, clamp: Clamp) -> Tensor:
    if clamp.units is None:
        return torch.full_like(value, clamp.value)
    beyond = [unit for unit in clamp.units if not 0 <= unit < value.shape[-1]]
    if beyond:
        raise IndexError(f"unit {beyond[0]} cannot be clamped: there are {value.shape[-1]}, from 0")
    value = value.clone()
    value[..., list(clamp.units)] = clamp.value
    return value


def _matches(tap: str, name: str) -> bool:
    return tap == name or tap.endswith("." + name)
