"""What the exercises of 2.2 share: an activation as autograd sees it, and numbers to try it on."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

RESULT, SLOPE = "result", "slope found by autograd"  # in the words of a report: «Your slope found by autograd is …»


def followed(answer: Callable, x: Tensor, *settings: float) -> dict[str, Tensor] | None:
    """What the answer makes of x, and the slope that autograd finds there, number by number.

    Raises:
        TypeError: autograd finds no way from the result back to x.
    """
    with torch.enable_grad():  # a notebook may have switched gradients off
        x = x.clone().requires_grad_()
        made = answer(x, *settings)
        if made is None:
            return None
        if not (isinstance(made, Tensor) and made.requires_grad):
            raise TypeError("autograd cannot follow the result back to x: make it of x by PyTorch's operations alone")
        (slope,) = torch.autograd.grad(made.sum(), x, materialize_grads=True)
    return {RESULT: made.detach(), SLOPE: slope}


def slope_of(function: Callable, x: Tensor) -> Tensor:
    """The slope of one of PyTorch's functions at each number of x, by autograd: (shape of x)."""
    return followed(function, x)[SLOPE]


def doubles(rng: np.random.Generator, *shape: int) -> Tensor:
    """Normal random numbers as float64."""
    return torch.from_numpy(np.asarray(rng.normal(size=shape)))
