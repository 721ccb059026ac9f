"""What the exercise of gradients is made of: functions, programs that call an answer, and differences of all kinds."""

from collections.abc import Callable

import torch
from torch import Tensor

Function = Callable[[Tensor], Tensor]


def _in_turn(x: Tensor) -> Tensor:
    """1, -1, 1, ... in the shape of x."""
    return (1 - 2 * (torch.arange(x.numel()) % 2)).reshape(x.shape).to(x.dtype)


CUBES = "x³, summed"
SQUARE_OF_SUM = "the square of the sum"
SINES = "sin(x) times the sum of x, summed"
TANH_EXP = "tanh(x) times exp(x), summed"
RELU = "relu(x), summed"
MIRRORED = "relu(-x), summed"
HALF_HIDDEN = "x times x, one of them detached, summed"
HIDDEN_MORE = "x², and 0.1 x that is detached, summed"
HIDDEN_LESS = "x², less 0.1 x that is detached, summed"
HIDDEN_IN_TURN = "x², and x that is detached, its signs in turn + and -, summed"
HIDDEN_STEEP = "100 x², and 0.1 x that is detached, summed"
FUNCTIONS: dict[str, Function] = {
    CUBES: lambda x: (x**3).sum(),
    SQUARE_OF_SUM: lambda x: x.sum() ** 2,
    SINES: lambda x: (x.sin() * x.sum()).sum(),
    TANH_EXP: lambda x: (x.tanh() * x.exp()).sum(),
    RELU: lambda x: x.relu().sum(),
    MIRRORED: lambda x: (-x).relu().sum(),
    HALF_HIDDEN: lambda x: (x * x.detach()).sum(),
    HIDDEN_MORE: lambda x: (x * x + 0.1 * x.detach()).sum(),
    HIDDEN_LESS: lambda x: (x * x - 0.1 * x.detach()).sum(),
    HIDDEN_IN_TURN: lambda x: (x * x + x.detach() * _in_turn(x)).sum(),
    HIDDEN_STEEP: lambda x: (100 * x * x + 0.1 * x.detach()).sum(),
}


def gradient_of(answer: Callable, f: str, x: Tensor, eps: float):
    """What numeric_grad says of a function of FUNCTIONS."""
    return answer(FUNCTIONS[f], x, eps)


def verdict_on(answer: Callable, f: str, x: Tensor, tol: float):
    """What agree says of a function of FUNCTIONS."""
    return answer(FUNCTIONS[f], x, tol)


def asked_twice(answer: Callable, f: str, x: Tensor, tol: float, grad: Tensor | None) -> dict | None:
    """How agree left x, which came with this grad, after it was asked twice; whatever it said."""
    if grad is not None:
        x.requires_grad_().grad = grad.clone()
    first = answer(FUNCTIONS[f], x, tol)
    second = answer(FUNCTIONS[f], x, tol)
    if first is None or second is None:
        return None
    same = x.grad is None if grad is None else x.grad is not None and torch.equal(x.grad, grad)
    return {"x asks for a gradient": x.requires_grad, "x.grad as it was": same}


def central(f: Function, x: Tensor, eps: float) -> Tensor:
    """(f(x + eps e) - f(x - eps e)) / (2 eps) for each unit vector e, in float64, shaped like x."""
    x = x.detach().double()
    return differences(lambda e: (f(x + eps * e) - f(x - eps * e)) / (2 * eps), x)


def forward(f: Function, x: Tensor, eps: float) -> Tensor:
    """(f(x + eps e) - f(x)) / eps for each unit vector e, in the type of x."""
    x = x.detach()
    return differences(lambda e: (f(x + eps * e) - f(x)) / eps, x)


def differences(quotient: Function, x: Tensor) -> Tensor:
    """A quotient for each unit vector of x's shape and type."""
    units = torch.eye(x.numel(), dtype=x.dtype).reshape(-1, *x.shape)
    return torch.stack([quotient(unit) for unit in units]).reshape(x.shape)


def exact(f: Function, x: Tensor) -> Tensor:
    """Autograd's gradient, in float64."""
    x = x.detach().double().requires_grad_()
    return torch.autograd.grad(f(x), x)[0]


def in_place(f: Function, x: Tensor, eps: float, back: bool) -> Tensor:
    """Central differences whose steps are taken in x itself, where it is float64, and back again or not."""
    moving = x.detach().double()  # the same memory
    flat = moving.view(-1)

    def quotient(place: int) -> Tensor:
        flat[place] += eps
        right = f(moving)
        flat[place] -= 2 * eps
        left = f(moving)
        if back:
            flat[place] += eps
        return (right - left) / (2 * eps)

    return torch.stack([quotient(place) for place in range(x.numel())]).reshape(x.shape)


def largest(f: Function, x: Tensor, numeric: Tensor) -> float:
    """The largest difference between autograd's gradient and this one."""
    return float((exact(f, x) - numeric).abs().max())
