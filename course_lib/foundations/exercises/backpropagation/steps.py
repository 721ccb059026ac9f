"""What the exercise of the weight update is made of: networks to train, and programs that have an answer train them."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor


def loss_of(params: Sequence[Tensor], x: Tensor, t: Tensor) -> Tensor:
    """Half the squared error of a network: w1 and w2 alone make y = w2 w1 x; with biases, a tanh stands between."""
    if len(params) == 2:
        w1, w2 = params
        y = x @ w1.T @ w2.T
    else:
        w1, b1, w2, b2 = params
        y = torch.tanh(x @ w1.T + b1) @ w2.T + b2
    return 0.5 * (y - t).square().sum(dim=1).mean()


def leaves(params: list[Tensor]) -> list[Tensor]:
    """Parameters of these values, as a network would hold them."""
    return [p.clone().requires_grad_() for p in params]


def state_of(params: list[Tensor], held: list[Tensor]) -> dict:
    """What the network's own tensors hold; and whether they still are what they were, in the list too.

    A grad that was not there before tells of an optimiser of PyTorch's: the step is to be written.
    """
    same = len(params) == len(held) and all(p is q for p, q in zip(params, held, strict=True))
    asking = all(q.is_leaf and q.requires_grad for q in held)
    values = {f"params[{n}]": q.detach().clone() for n, q in enumerate(held)}
    return values | {
        "params as the network's own tensors": same,
        "requires_grad of params": asking,
        "number of params given a grad": sum(q.grad is not None for q in held),
    }


@torch.enable_grad()
def after_one_step(answer: Callable, params: list[Tensor], grads: list[Tensor], lr: float) -> dict:
    """What sgd_step leaves of a network's parameters, and of the gradients that it was lent."""
    held, lent = leaves(params), [g.clone() for g in grads]
    params = list(held)
    answer(params, lent, lr)
    kept = all(torch.equal(g, before) for g, before in zip(lent, grads, strict=True))
    return state_of(params, held) | {"grads as they were": kept}


@torch.enable_grad()
def after_steps(answer: Callable, params: list[Tensor], x: Tensor, t: Tensor, lr: float, steps: int) -> dict:
    """A network that is trained with sgd_step, a fresh gradient for each step."""
    held = leaves(params)
    params = list(held)
    for _ in range(steps):
        answer(params, list(torch.autograd.grad(loss_of(held, x, t), held)), lr)
    return state_of(params, held)


@torch.enable_grad()
def after_descent(answer: Callable, params: list[Tensor], x: Tensor, t: Tensor, lr: float, steps: int) -> dict:
    """A network that descend trains, and how often it asked for gradients."""
    held, asked = leaves(params), 0
    params = list(held)

    @torch.enable_grad()  # also where the answer has switched gradients off
    def gradients(params: list[Tensor]) -> list[Tensor]:
        nonlocal asked
        asked += 1
        return list(torch.autograd.grad(loss_of(params, x, t), params))

    answer(params, gradients, lr, steps)
    return state_of(params, held) | {"number of calls of gradients": asked}


@torch.enable_grad()
def by_formula(params: list[Tensor], lr: float, steps: int, gradients: Callable) -> list[Tensor]:
    """The parameters after so many steps; a test holds them equal to those of torch.optim.SGD.

    PyTorch's own optimiser would do here too, but its first step takes three seconds, for what it imports.
    """
    for _ in range(steps):
        held = leaves(params)
        params = [(p - lr * g).detach() for p, g in zip(held, gradients(held), strict=True)]
    return params
