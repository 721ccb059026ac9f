"""Write backpropagation through time by hand."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from course_lib.exercises import Case, exercise, mistake, part, randn
from course_lib.recurrent.exercises.state.common import states

Gradients = tuple[Tensor, Tensor, Tensor]  # of W_xh, W_hh and W_hy


@torch.enable_grad()  # a notebook may have switched gradients off
def by_autograd(xs: Tensor, targets: Tensor, *weights: Tensor) -> Gradients:
    """The gradients of the squared error, summed over all steps and halved."""
    W_xh, W_hh, W_hy = weights = [W.clone().requires_grad_() for W in weights]
    hs = states(xs, torch.zeros(len(W_hh)), W_xh, W_hh, torch.tanh)
    loss = 0.5 * (hs @ W_hy.T - targets).square().sum()
    return torch.autograd.grad(loss, weights)


def errors_of(ys: Tensor, targets: Tensor) -> Tensor:
    """The gradient of the loss by each output, (time, output_size)."""
    return ys - targets


def slope_of(h: Tensor) -> Tensor:
    """The slope of tanh where it gives h."""
    return 1 - h**2


def back_through(W_hh: Tensor, da: Tensor, dh: Tensor) -> Tensor:
    """What reaches h_{t-1} from step t: da is the gradient inside its tanh, dh that of its state."""
    return W_hh.T @ da


def read_before(h0: Tensor, hs: Tensor) -> Tensor:
    """The states that W_hh multiplied on the way forward, h_0 to h_{T-1}: (time, hidden_size)."""
    return torch.cat([h0.unsqueeze(0), hs[:-1]])


def terms(
    xs: Tensor,
    targets: Tensor,
    W_xh: Tensor,
    W_hh: Tensor,
    W_hy: Tensor,
    *,
    errors_of: Callable = errors_of,
    slope_of: Callable = slope_of,
    back_through: Callable = back_through,
    read_by_W_hh: Callable = read_before,
    order: Callable = reversed,
) -> Gradients:
    """What each step adds to the three gradients, (time, *shape of the weight) each; a mistake exchanges one piece."""
    h0 = torch.zeros(len(W_hh))
    hs = states(xs, h0, W_xh, W_hh, torch.tanh)  # (time, hidden_size)
    dys = errors_of(hs @ W_hy.T, targets)  # (time, output_size)
    das, from_next = torch.zeros_like(hs), torch.zeros_like(h0)
    for t in order(range(len(xs))):
        dh = W_hy.T @ dys[t] + from_next  # (hidden_size,)
        das[t] = slope_of(hs[t]) * dh
        from_next = back_through(W_hh, das[t], dh)
    return outer(das, xs), outer(das, read_by_W_hh(h0, hs)), outer(dys, hs)


def outer(a: Tensor, b: Tensor) -> Tensor:
    """The outer product of each step: (time, n) and (time, m) make (time, n, m)."""
    return a.unsqueeze(2) * b.unsqueeze(1)


def summed(*per_step: Tensor) -> Gradients:
    """The gradient of a weight that all steps share."""
    return tuple(term.sum(dim=0) for term in per_step)


HALF = math.atanh(0.5)  # its tanh is 0.5


def by_hand(x: list[float], targets: list[float], W_hh: float, shown: str) -> Case:
    """One unit, one input, one output; the weights are such that every state is 0.5 and every output 1."""
    inputs = (
        torch.tensor(x).unsqueeze(1),
        torch.tensor(targets).unsqueeze(1),
        *(torch.tensor([[weight]]) for weight in (HALF, W_hh, 2.0)),
    )
    return Case(
        inputs,
        expected=by_autograd(*inputs),
        shown=f"{shown}, W_xh=0.5493, W_hh={W_hh:.4g}, W_hy=2 (so every state is 0.5 and every output 1)",
        because="work these numbers through on paper, from the last step to the first, and print yours beside them",
    )


@exercise(
    "recurrent.bptt",
    "bptt(xs, targets, W_xh, W_hh, W_hy) -> dW_xh, dW_hh, dW_hy",
    level="more",
    minutes=12,
    without=["backward", "grad", "_make_dual"],
    keeps_inputs=True,
)
def bptt(rng):
    """Write backpropagation through time, equal to autograd.

    Autograd itself is found out by the names of its operations: loss.backward(), torch.autograd.grad and torch.func in
    reverse mode («backward», «grad»), and forward mode («_make_dual»). Running the answer under torch.no_grad() would
    stop only the first two, and those only until somebody writes torch.enable_grad().
    """
    with part("one step by hand", points=1):
        yield by_hand([1.0], [0.0], 0.0, "one step, x=1, target 0")
        yield by_hand([1.0], [3.0], 1.0, "one step, x=1, target 3")
    with part("through time", points=2):
        yield by_hand([1.0, 0.0], [1.0, 0.0], 2 * HALF, "two steps, x=1 and 0, targets 1 and 0")
        yield by_hand([1.0, 0.0], [0.0, 1.0], 2 * HALF, "two steps, x=1 and 0, targets 0 and 1")
        yield by_hand([1.0, 0.5, 0.5], [0.0, 0.0, 0.0], HALF, "three steps, x=1, 0.5 and 0.5, all targets 0")
        for time, input_size, hidden_size, output_size in ((1, 2, 3, 2), (2, 3, 2, 1), (4, 2, 3, 2), (12, 3, 5, 2)):
            shapes = (hidden_size, input_size), (hidden_size, hidden_size), (output_size, hidden_size)
            weights = [randn(rng, *shape, scale=shape[1] ** -0.5) for shape in shapes]
            inputs = (randn(rng, time, input_size), randn(rng, time, output_size), *weights)
            yield Case(
                inputs,
                expected=by_autograd(*inputs),
                shown=f"time {time}, input_size {input_size}, hidden_size {hidden_size}, output_size {output_size}, "
                "random numbers",
                because="a state is felt twice: in the output of its own step, and in the state of the next",
                rtol=1e-4,
            )


@mistake(
    bptt,
    "gradients of the last step's loss alone",
    ask="Two steps: if only the first output is wrong, is your gradient of W_hy 0?",
    look="the errors: every step has a target, and each of them enters the loss.",
)
def _(xs, targets, W_xh, W_hh, W_hy):
    def last_error(ys: Tensor, targets: Tensor) -> Tensor:
        return torch.cat([torch.zeros_like(ys[:-1]), (ys - targets)[-1:]])

    return summed(*terms(xs, targets, W_xh, W_hh, W_hy, errors_of=last_error))


@mistake(
    bptt,
    "gradients that each step overwrites, so that the first step's are left",
    ask="The same W_xh is used at every step. What becomes of a step's share when the loop goes on to the next?",
    look="the three lines that fill the gradients: = or += ?",
)
def _(xs, targets, W_xh, W_hh, W_hy):
    return tuple(term[0] for term in terms(xs, targets, W_xh, W_hh, W_hy))


@mistake(
    bptt,
    "a tanh that lets every error through whole",
    ask="A state of 0.999 hardly moves when the sum inside its tanh does. How much of its error do you let through?",
    look="the step from h to the sum inside the tanh: a chain rule's factor belongs there.",
)
def _(xs, targets, W_xh, W_hh, W_hy):
    return summed(*terms(xs, targets, W_xh, W_hh, W_hy, slope_of=torch.ones_like))


@mistake(
    bptt,
    "an error that goes back past the tanh, not through it",
    ask="To get from h_t to h_{t-1} the error passes a tanh and a matrix. Which of the two is in your recursion?",
    look="the line that hands the error to the step before: which vector does W_hh multiply?",
)
def _(xs, targets, W_xh, W_hh, W_hy):
    def past_the_tanh(W_hh: Tensor, da: Tensor, dh: Tensor) -> Tensor:
        return W_hh.T @ dh

    return summed(*terms(xs, targets, W_xh, W_hh, W_hy, back_through=past_the_tanh))


@mistake(
    bptt,
    "steps that hear of their own error alone, not of what their state does later",
    ask="The first state also moves the second output. By which path does that error come back in yours?",
    look="the gradient of h_t: it has two terms, one from y_t and one from h_{t+1}.",
)
def _(xs, targets, W_xh, W_hh, W_hy):
    def not_at_all(W_hh: Tensor, da: Tensor, dh: Tensor) -> Tensor:
        return torch.zeros_like(dh)

    return summed(*terms(xs, targets, W_xh, W_hh, W_hy, back_through=not_at_all))


@mistake(
    bptt,
    "an error that goes back through W_hh as it stands",
    ask="Forward, W_hh[1, 0] carries unit 0 to unit 1. Backward, from which unit to which must it carry the error?",
    look="the product with W_hh in the recursion: the way back exchanges rows and columns.",
)
def _(xs, targets, W_xh, W_hh, W_hy):
    def as_it_stands(W_hh: Tensor, da: Tensor, dh: Tensor) -> Tensor:
        return W_hh @ da

    return summed(*terms(xs, targets, W_xh, W_hh, W_hy, back_through=as_it_stands))


@mistake(
    bptt,
    "a W_hh that has read the new state",
    ask="With one step only and h_0 = 0, W_hh multiplies zeros. What is its gradient, and what is yours?",
    look="the outer product for W_hh: which state did it multiply on the way forward?",
)
def _(xs, targets, W_xh, W_hh, W_hy):
    def read_after(h0: Tensor, hs: Tensor) -> Tensor:
        return hs

    return summed(*terms(xs, targets, W_xh, W_hh, W_hy, read_by_W_hh=read_after))


@mistake(
    bptt,
    "an error that is carried forward in time",
    ask="The first state moves the second output, not the other way round. Which step must you work out first?",
    look="the direction of your loop: the last step is the only one that nothing comes after.",
)
def _(xs, targets, W_xh, W_hh, W_hy):
    return summed(*terms(xs, targets, W_xh, W_hh, W_hy, order=iter))


@mistake(
    bptt,
    "a slope taken at tanh(h), where h is a tanh already",
    ask="The slope of tanh at z is 1 - tanh(z)². Which of your variables is tanh(z)?",
    look="the slope: h has been through the tanh once, which is enough.",
)
def _(xs, targets, W_xh, W_hh, W_hy):
    return summed(*terms(xs, targets, W_xh, W_hh, W_hy, slope_of=lambda h: 1 - h.tanh() ** 2))


@mistake(
    bptt,
    "gradients that point the wrong way",
    ask="An output above its target: if it grows further, does the loss grow or shrink? And what does your sign say?",
    look="the error: the derivative of 0.5 · (y - target)² by y.",
)
def _(xs, targets, W_xh, W_hh, W_hy):
    def turned_round(ys: Tensor, targets: Tensor) -> Tensor:
        return targets - ys

    return summed(*terms(xs, targets, W_xh, W_hh, W_hy, errors_of=turned_round))


@mistake(
    bptt,
    "the right gradients with that of W_hh first",
    ask="With one step and h_0 = 0, one of the three gradients is 0. Which, and in which place do you return it?",
    look="the `return`: the gradient of W_xh comes first, then that of W_hh, then that of W_hy.",
)
def _(xs, targets, W_xh, W_hh, W_hy):
    dW_xh, dW_hh, dW_hy = summed(*terms(xs, targets, W_xh, W_hh, W_hy))
    return dW_hh, dW_xh, dW_hy
