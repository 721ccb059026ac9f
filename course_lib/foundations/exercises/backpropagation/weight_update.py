"""The step of gradient descent: every parameter at once, in place, and off the graph."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from course_lib.exercises import Case, exercise, mistake, part, randn
from course_lib.foundations.exercises.backpropagation.steps import (
    after_descent,
    after_one_step,
    after_steps,
    by_formula,
    leaves,
    loss_of,
    state_of,
)


def case(via: Callable, inputs: tuple, after: list[Tensor], more: dict, shown: str | None, because: str) -> Case:
    """One call of sgd_step or descend."""
    held = leaves(after)
    expected = state_of(held, held) | more
    call = "descend" if via is after_descent else "sgd_step"
    return Case(inputs, call=call, via=via, expected=expected, shown=shown, because=because, rtol=1e-4, atol=1e-6)


def one_step(params: list[Tensor], grads: list[Tensor], lr: float, because: str) -> Case:
    """One step with given gradients."""
    after = by_formula(params, lr, 1, lambda held: grads)
    return case(after_one_step, (params, grads, lr), after, {"grads as they were": True}, None, because)


def training(
    via: Callable, params: list[Tensor], x: Tensor, t: Tensor, lr: float, steps: int, shown: str, because: str
) -> Case:
    """Several steps on a network."""
    after = by_formula(params, lr, steps, lambda held: torch.autograd.grad(loss_of(held, x, t), held))
    more = {"number of calls of gradients": steps} if via is after_descent else {}
    return case(via, (params, x, t, lr, steps), after, more, shown, because)


@exercise(
    "foundations.backprop.weight-update",
    "sgd_step(params, grads, lr)",
    "descend(params, gradients, lr, steps)",
    level="core",
    minutes=8,
)
def weight_update(rng):
    """Move every parameter against its gradient, all of them from the same point."""

    def network(batch: int, inputs: int, hidden: int, outputs: int) -> tuple[list[Tensor], Tensor, Tensor]:
        shapes = (hidden, inputs), (hidden,), (outputs, hidden), (outputs,)
        return [randn(rng, *shape) for shape in shapes], randn(rng, batch, inputs), randn(rng, batch, outputs)

    def drawn(via: Callable, sizes: tuple[int, int, int, int], lr: float, steps: int, because: str) -> Case:
        batch, *layers = sizes
        shown = f"{steps} steps of rate {lr} on a network of {'-'.join(map(str, layers))} units and {batch} rows"
        return training(via, *network(*sizes), lr, steps, shown, because)

    with part("one step by hand", points=1):
        for params, grads, lr in (
            ([[[2.0]]], [[[4.0]]], 0.5),
            ([[1.0, -1.0]], [[0.5, -2.0]], 1.0),
            ([[[1.0, 2.0], [3.0, 4.0]], [0.0, 1.0]], [[[1.0, 0.0], [0.0, -1.0]], [2.0, 2.0]], 0.5),
        ):
            numbers = [torch.tensor(p) for p in params], [torch.tensor(g) for g in grads]
            yield one_step(*numbers, lr, "every number moves by lr times its own gradient, against it")
    with part("ten steps of a network", points=1):
        for sizes, lr in (((8, 3, 4, 2), 0.1), ((1, 2, 2, 1), 0.05), ((16, 4, 8, 1), 0.2)):
            because = "print the first parameter beside that of torch.optim.SGD, step by step, and then the next one"
            yield drawn(after_steps, sizes, lr, 10, because)
    with part("all from one point", points=2):
        for (w1, w2), t, steps in (((2.0, 1.0), 1.0, 1), ((1.0, 1.0), 0.0, 1), ((2.0, 1.0), 1.0, 2)):
            params, row = [torch.tensor([[w1]]), torch.tensor([[w2]])], (torch.ones(1, 1), torch.tensor([[t]]))
            steps_in_words = "1 step" if steps == 1 else f"{steps} steps"
            shown = f"loss ½ (w2 · w1 − {t:g})², w1={w1:g}, w2={w2:g}, lr=0.5, {steps_in_words}"
            because = "write down both gradients at the start, and only then move anything"
            yield training(after_descent, params, *row, 0.5, steps, shown, because)
        for sizes, lr, steps in (((8, 3, 4, 2), 0.1, 3), ((4, 2, 3, 1), 0.2, 10)):
            yield drawn(after_descent, sizes, lr, steps, "one call of gradients gives what the whole step needs")


@mistake(
    weight_update,
    "a step that goes up the slope",
    ask="The gradient points where the loss grows. Where do you want to go?",
    look="the sign in front of lr.",
)
@torch.no_grad()
def _(params, grads, lr):
    for p, g in zip(params, grads, strict=True):
        p.add_(g, alpha=lr)


@mistake(
    weight_update,
    "biases that stay where they are",
    ask="After ten steps, which of the network's parameters still have the values that they began with?",
    look="which entries of params your loop comes to: a bias is a parameter like any other.",
)
@torch.no_grad()
def _(params, grads, lr):
    for p, g in zip(params, grads, strict=True):
        if p.ndim > 1:
            p.sub_(g, alpha=lr)


@mistake(
    weight_update,
    "a rate that is left out",
    ask="With lr = 0.5, is your step half as long as the gradient?",
    look="where lr stands in your formula.",
)
@torch.no_grad()
def _(params, grads, lr):
    for p, g in zip(params, grads, strict=True):
        p.sub_(g)


@mistake(
    weight_update,
    "new numbers in a new tensor, while the network keeps the old one",
    ask="p = p − lr · g: which tensor does p stand for afterwards, the network's own or a new one?",
    look="the left side of the step: -=, sub_ or copy_ write into the tensor that is there.",
)
def _(params, grads, lr):
    for p, g in zip(params, grads, strict=True):
        p = p - lr * g


@mistake(
    weight_update,
    "a list of new tensors, while the network keeps the old ones",
    ask="params[0] = …: the list has a new entry. Has the network heard of it?",
    look="the left side of the step: -=, sub_ or copy_ write into the tensor that is there.",
)
def _(params, grads, lr):
    for n, g in enumerate(grads):
        params[n] = params[n] - lr * g


@mistake(
    weight_update,
    "a step in place that the graph would have to record",
    ask="Who is keeping a record of what happens to a tensor that asks for a gradient, and should the step be in it?",
    look="the line above the loop: torch.no_grad() belongs around the step.",
)
def _(params, grads, lr):
    for p, g in zip(params, grads, strict=True):
        p -= lr * g


@mistake(
    weight_update,
    "parameters that ask for no gradient any more",
    ask="Your first step works. What does autograd say at the second one?",
    look="requires_grad: torch.no_grad() leaves it as it is.",
)
def _(params, grads, lr):
    for p, g in zip(params, grads, strict=True):
        p.requires_grad_(False).sub_(g, alpha=lr)


@mistake(
    weight_update,
    "a loop that ends after the first parameter",
    ask="Two parameters: how many of them have moved?",
    look="how far to the right the `return` stands.",
)
@torch.no_grad()
def _(params, grads, lr):
    params[0].sub_(grads[0], alpha=lr)


@mistake(
    weight_update,
    "gradients that are multiplied by the rate in place",
    ask="Whoever lent you the gradients looks at them again afterwards. What do they find?",
    look="*= or mul_ on a gradient: lr * g makes a tensor of its own.",
)
@torch.no_grad()
def _(params, grads, lr):
    for p, g in zip(params, grads, strict=True):
        p.sub_(g.mul_(lr))


@mistake(
    weight_update,
    "an optimiser of PyTorch's in place of a step of your own",
    ask="What does optimiser.step() do to each parameter?",
    look="p.grad, which your answer fills in: the gradients are handed to you, and the step is one line.",
)
@torch.no_grad()
def _(params, grads, lr):
    for p, g in zip(params, grads, strict=True):
        p.grad = g  # as optimiser.step() wants it; importing the optimiser takes three seconds
        p.sub_(g, alpha=lr)


@torch.no_grad()
def step(params: list[Tensor], grads: Sequence[Tensor], lr: float) -> None:
    """The right step, for the mistakes of descend."""
    for p, g in zip(params, grads, strict=True):
        p.sub_(g, alpha=lr)


def one_by_one(params: list[Tensor], gradients: Callable, lr: float, steps: int, order: Sequence[int]) -> None:
    """Each parameter moves before the gradient of the next one is asked for."""
    for _ in range(steps):
        for n in order:
            step([params[n]], [gradients(params)[n]], lr)


@mistake(
    weight_update,
    "a w2 that moves before the gradient of w1 is taken",
    call="descend",
    ask="The gradient of w1 has w2 in it. Which w2 is that in your loop: the old one, or the new one?",
    look="where gradients(params) stands: ask once a step, before anything moves.",
)
def _(params, gradients, lr, steps):
    one_by_one(params, gradients, lr, steps, range(len(params))[::-1])


@mistake(
    weight_update,
    "a w1 that moves before the gradient of w2 is taken",
    call="descend",
    ask="The gradient of w2 has w1 in it. Which w1 is that in your loop: the old one, or the new one?",
    look="where gradients(params) stands: ask once a step, before anything moves.",
)
def _(params, gradients, lr, steps):
    one_by_one(params, gradients, lr, steps, range(len(params)))


@mistake(
    weight_update,
    "gradients that are taken once and used for every step",
    call="descend",
    ask="After the first step the parameters are somewhere else. Is the slope there the same?",
    look="what stands above the loop, and what inside it.",
)
def _(params, gradients, lr, steps):
    grads = gradients(params)
    for _ in range(steps):
        step(params, grads, lr)


@mistake(
    weight_update,
    "one step too many",
    call="descend",
    ask="For steps = 1, how often do your parameters move?",
    look="the bounds of the loop.",
)
def _(params, gradients, lr, steps):
    for _ in range(steps + 1):
        step(params, gradients(params), lr)


@mistake(
    weight_update,
    "one step, whatever the number of steps",
    call="descend",
    ask="For steps = 10, how often does your loop run before it returns?",
    look="how far to the right the `return` stands.",
)
def _(params, gradients, lr, steps):
    step(params, gradients(params), lr)


@mistake(
    weight_update,
    "steps that go up the slope",
    call="descend",
    ask="Print the loss before and after. Did it fall?",
    look="the sign in front of lr.",
)
def _(params, gradients, lr, steps):
    for _ in range(steps):
        step(params, gradients(params), -lr)
