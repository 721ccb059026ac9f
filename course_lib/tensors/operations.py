"""What the nodes of a graph can do: forwards with PyTorch's functions, backwards as nodes of the same graph.

A rule for the way back reads like the formula: `gradient` is dL/dy for the node's value y, and the rule gives dL/dx for
each input x, in nodes. An input that was stretched by broadcasting gets the sum over what it was stretched to.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class Operation:
    """What a kind of node does.

    Args:
        name: of the kind.
        forward: takes the inputs' values, and the node's options by name; returns the node's value.
        backward: takes the gradient at the node, the node and its inputs, and the options; returns the gradient at each
            input, as nodes. None where nothing can be differentiated.
        commutes: the order of the inputs makes no difference, not even in the last bit.
        pure: the same inputs give the same value, and nothing else happens. What is not pure is neither folded nor
            merged with another.
    """

    name: str
    forward: Callable[..., Tensor]
    backward: Callable[..., tuple[Any, ...]] | None = None
    commutes: bool = False
    pure: bool = True


# What has no inputs, or does something besides computing a value.
CONSTANT = Operation("constant", lambda value: value)
PLACEHOLDER = Operation("placeholder", None, pure=False)
VARIABLE = Operation("variable", lambda initial: initial, pure=False)
ASSIGN = Operation("assign", lambda value, variable: value, lambda g, y, value, variable: (g,), pure=False)
GROUP = Operation("group", lambda *values: None, pure=False)


def _along(reduce: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """A sum or a mean over all numbers, or along one axis; the rules below know no more."""

    def forward(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
        if dim is None:
            return reduce(x)
        if not isinstance(dim, int):
            raise TypeError(f"dim is one axis here, a whole number, not {dim!r}")
        return reduce(x, dim=dim, keepdim=keepdim)

    return forward


def _sum_backward(gradient, y, x, dim=None, keepdim=False):
    if dim is not None and not keepdim:
        gradient = gradient.unsqueeze(dim=dim)
    return (gradient.expand_like(x),)


def _mean_backward(gradient, y, x, dim=None, keepdim=False):
    return _sum_backward(gradient * (y.size() / x.size()), y, x, dim, keepdim)


def _where_positive(x: Tensor, of: Tensor) -> Tensor:
    """x where `of` is above 0, else 0: a choice, since a product with 0 or 1 makes no number of infinity."""
    return torch.where(of <= 0, 0.0, x)


def _matmul(a: Tensor, b: Tensor) -> Tensor:
    """The product of two matrices; of other orders PyTorch means other things, which the rule below does not know."""
    if a.ndim != 2 or b.ndim != 2:
        raise ValueError(f"@ takes two matrices here, not tensors of order {a.ndim} and {b.ndim}")
    return a @ b


def _matmul_backward(gradient, y, a, b):
    return gradient @ b.T, a.T @ gradient


def _log_softmax_backward(gradient, y, x, dim):
    return (gradient - y.exp() * gradient.sum(dim=dim, keepdim=True),)


def _random(shape: tuple[int, ...]) -> Tensor:
    return torch.randn(shape)


_ALL = (
    Operation("add", torch.add, lambda g, y, a, b: (g.sum_like(a), g.sum_like(b)), commutes=True),
    Operation("subtract", torch.sub, lambda g, y, a, b: (g.sum_like(a), (-g).sum_like(b))),
    Operation("multiply", torch.mul, lambda g, y, a, b: ((g * b).sum_like(a), (g * a).sum_like(b)), commutes=True),
    Operation("divide", torch.div, lambda g, y, a, b: ((g / b).sum_like(a), (-g * y / b).sum_like(b))),
    Operation("negative", torch.neg, lambda g, y, x: (-g,)),
    Operation("matmul", _matmul, _matmul_backward),
    Operation("transpose", torch.t, lambda g, y, x: (g.T,)),
    Operation("exp", torch.exp, lambda g, y, x: (g * y,)),
    Operation("log", torch.log, lambda g, y, x: (g / x,)),
    Operation("tanh", torch.tanh, lambda g, y, x: (g * (1 - y * y),)),
    Operation("sigmoid", torch.sigmoid, lambda g, y, x: (g * y * (1 - y),)),
    Operation("relu", torch.relu, lambda g, y, x: (g.where_positive(x),)),
    Operation("where_positive", _where_positive, lambda g, y, x, of: (g.where_positive(of), None)),
    Operation("log_softmax", torch.log_softmax, _log_softmax_backward),
    Operation("sum", _along(torch.sum), _sum_backward),
    Operation("mean", _along(torch.mean), _mean_backward),
    Operation("size", lambda x: torch.tensor(float(x.numel()))),
    Operation("unsqueeze", torch.unsqueeze, lambda g, y, x, dim: (g.sum(dim=dim),)),
    Operation("expand_like", lambda x, like: x.expand_as(like), lambda g, y, x, like: (g.sum_like(x), None)),
    Operation("sum_like", lambda x, like: x.sum_to_size(like.shape), lambda g, y, x, like: (g.expand_like(x), None)),
    Operation("ones_like", torch.ones_like),
    Operation("zeros_like", torch.zeros_like),
    Operation("random_normal", _random, pure=False),
)
OPERATIONS = {operation.name: operation for operation in _ALL}
