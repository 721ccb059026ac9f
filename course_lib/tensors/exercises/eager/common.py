"""What the exercises of 1.3 share: models with given weights, and a word about results that are no tensors."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from course_lib.exercises import randn
from course_lib.exercises.values import with_article


def draw_weights(rng: np.random.Generator, model: nn.Module) -> list[Tensor]:
    """Normal random numbers for every parameter of a model, in order."""
    return [randn(rng, *parameter.shape) for parameter in model.parameters()]


@torch.no_grad()
def fill(model: nn.Module, weights: Sequence[Tensor]) -> nn.Module:
    """The model, with these numbers in its parameters."""
    for parameter, values in zip(model.parameters(), weights, strict=True):
        parameter.copy_(values)
    return model


def tensor_from(name: str, made: Any) -> Tensor:
    """What the answer of this name returned.

    Raises:
        TypeError: it is no tensor.
    """
    if not isinstance(made, Tensor):
        raise TypeError(f"{name} should return a tensor, and returned {with_article(type(made).__name__)}")
    return made
