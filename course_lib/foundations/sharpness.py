"""How sharp a loss is where a network stands: the largest curvature over all its weights."""

from collections.abc import Sequence

import torch
from torch import Tensor


def largest_curvature(loss: Tensor, weights: Sequence[Tensor], rounds: int = 15) -> float:
    """The Hessian's eigenvalue of largest size, by power iteration.

    Whatever the Hessian is multiplied with, again and again, turns towards its steepest direction. The product of
    Hessian and vector comes of differentiating the gradient once more (Pearlmutter, 1994); no Hessian is ever built.

    Args:
        loss: with its graph.
        weights: that the loss depends on.
        rounds: products taken.
    """
    gradients = torch.autograd.grad(loss, weights, create_graph=True)
    drawn = torch.Generator().manual_seed(0)
    v = [torch.randn(w.shape, generator=drawn, dtype=w.dtype) for w in weights]
    for _ in range(rounds):
        length = sum(part.square().sum() for part in v).sqrt()
        v = torch.autograd.grad(gradients, weights, [part / length for part in v], retain_graph=True)
    return sum(part.square().sum() for part in v).sqrt().item()
