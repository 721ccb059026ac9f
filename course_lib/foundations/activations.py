"""The activation functions by name, each with its derivative; what depth does to signal and gradient; dead units."""

import math
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor, nn

LEAK = 0.01  # slope of the leaky ReLU below zero, PyTorch's default
WIDTH, ROWS = 64, 32  # units of each layer of the network that `signal_through` builds; inputs that it sends through
DEEPEST = 30  # layers


class Activation(NamedTuple):
    """One activation function.

    Attributes:
        formula: f(x), as it is written down.
        f: tensor -> tensor of the same shape.
        slope: f'(x) of each entry, by formula; at a corner the value that PyTorch takes.
    """

    formula: str
    f: Callable[[Tensor], Tensor]
    slope: Callable[[Tensor], Tensor]


def _sigmoid_slope(x: Tensor) -> Tensor:
    y = x.sigmoid()
    return y * (1 - y)


def _gelu_slope(x: Tensor) -> Tensor:
    """Φ(x) + x φ(x), with the distribution function and the density of the standard normal distribution."""
    below = (1 + torch.erf(x / math.sqrt(2))) / 2
    density = torch.exp(-x.square() / 2) / math.sqrt(2 * math.pi)
    return below + x * density


def _silu_slope(x: Tensor) -> Tensor:
    s = x.sigmoid()
    return s * (1 + x * (1 - s))


ACTIVATIONS = {
    "sigmoid": Activation("1 / (1 + e⁻ˣ)", torch.sigmoid, _sigmoid_slope),
    "tanh": Activation("(eˣ − e⁻ˣ) / (eˣ + e⁻ˣ)", torch.tanh, lambda x: 1 - x.tanh().square()),
    "ReLU": Activation("max(0, x)", torch.relu, lambda x: (x > 0).to(x.dtype)),
    "leaky ReLU": Activation(  # Maas, Hannun & Ng 2013
        "max(0.01 x, x)", nn.functional.leaky_relu, lambda x: (x > 0).to(x.dtype).clamp(min=LEAK)
    ),
    "ELU": Activation(  # Clevert, Unterthiner & Hochreiter 2016; e to a large x must not be computed
        "x, or eˣ − 1 below 0", nn.functional.elu, lambda x: x.clamp(max=0).exp()
    ),
    "GELU": Activation("x Φ(x)", nn.functional.gelu, _gelu_slope),  # Hendrycks & Gimpel 2016
    "SiLU": Activation("x / (1 + e⁻ˣ)", nn.functional.silu, _silu_slope),  # Elfwing, Uchibe & Doya 2018
}


class Passage(NamedTuple):
    """What went through a deep network, forward and backward.

    Attributes:
        z, h: what the last layer's units took in and gave out, (rows, width) each.
        signal: how far apart two inputs still are after each layer, as a multiple of how far apart they were:
            (depth + 1,), from 1 at the input on.
        gradient: what is left of the gradient at each layer when it comes back from the last one, as a multiple of
            what it was there: (depth + 1,), at the input first, 1 at the end.
    """

    z: Tensor
    h: Tensor
    signal: Tensor
    gradient: Tensor


def signal_through(
    depth: int,
    f: Callable[[Tensor], Tensor],
    *,
    gain: float = 1.0,
    scale: float = 1.0,
    shift: float = 0.0,
    seed: int = 0,
) -> Passage:
    """Send random inputs through a network of `depth` layers, h = f(W h + b), and a gradient back.

    Each W is 64 × 64 and normally distributed with standard deviation gain / √64. The network computes in double
    precision, so that small gradients don't become zero; the gradient is autograd's, of the sum of the last layer's
    outputs.

    Args:
        depth: from 1 to 30; the first layers of a deeper network are those of a shallower one.
        f: the activation function of every layer.
        gain: of the weights; at 1 the product W h is on average as long as h.
        scale: standard deviation of the inputs.
        shift: every bias b.
        seed: draws weights and inputs.
    """
    if not 1 <= depth <= DEEPEST:
        raise ValueError(f"the network can have 1 to {DEEPEST} layers, not {depth}")
    inputs, weights = _drawn(seed)
    layers = [(scale * inputs).requires_grad_()]
    bias = torch.full((WIDTH,), shift, dtype=torch.double)
    for W in weights[:depth]:
        z = nn.functional.linear(layers[-1], gain * W, bias)  # (rows, width)
        layers.append(f(z))
    gradients = torch.stack(torch.autograd.grad(layers[-1].sum(), layers))  # (depth + 1, rows, width)
    norms = gradients.flatten(1).norm(dim=1)
    outputs = torch.stack(layers).detach()  # (depth + 1, rows, width)
    apart = (outputs - outputs.mean(dim=1, keepdim=True)).flatten(1).norm(dim=1)  # from the mean of all rows
    return Passage(z.detach(), outputs[-1].clone(), apart / apart[0], norms / norms[-1])


@lru_cache(maxsize=16)
def _drawn(seed: int) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Standard normal inputs (rows, width), and the weights of the deepest network at gain 1, (width, width) each."""
    drawn = torch.Generator().manual_seed(seed)
    inputs = torch.randn(ROWS, WIDTH, dtype=torch.double, generator=drawn)
    weights = torch.randn(DEEPEST, WIDTH, WIDTH, dtype=torch.double, generator=drawn) / math.sqrt(WIDTH)
    return inputs, weights.unbind()


def dead_units(slopes: Tensor) -> Tensor:
    """Which units pass no gradient back, whatever the point.

    What counts is the slope, not the output: a unit that is stuck at -1 is as dead as one that is stuck at 0.

    Args:
        slopes: of the activation function at what each unit takes in, for every point of the data, (points, units).

    Returns:
        (units,) bool
    """
    return ~slopes.any(dim=0)
