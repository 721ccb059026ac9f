"""Clip gradients by value and by norm, and take a clipped step."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from course_lib.exercises import Case, exercise, mistake, part, randn

Tensors = list[Tensor]


def clipped_by(utility: Callable, grads: Tensors, theta: float) -> Tensors:
    """What PyTorch's `clip_grad_value_` or `clip_grad_norm_` makes of these gradients."""
    parameters = [nn.Parameter(torch.zeros_like(g)) for g in grads]
    for parameter, g in zip(parameters, grads, strict=True):
        parameter.grad = g.clone()
    utility(parameters, theta)
    return [parameter.grad for parameter in parameters]


def by_value(grads: Tensors, theta: float) -> Tensors:
    """Every entry clamped."""
    return clipped_by(nn.utils.clip_grad_value_, grads, theta)


def by_norm(grads: Tensors, theta: float) -> Tensors:
    """All of them scaled by one factor."""
    return clipped_by(nn.utils.clip_grad_norm_, grads, theta)


def step(weights: Tensors, grads: Tensors, learning_rate: float) -> Tensors:
    """One step of gradient descent: w - learning_rate * g."""
    return [w - learning_rate * g for w, g in zip(weights, grads, strict=True)]


def norm_of_all(grads: Tensors) -> Tensor:
    """The norm of all entries together, whichever tensor they stand in."""
    return torch.cat([g.flatten() for g in grads]).norm()


def vectors(*rows: tuple[float, ...]) -> Tensors:
    """A tensor a row."""
    return [torch.tensor(row) for row in rows]


SHAPES = ((5,),), ((4, 3), (4,)), ((2, 3), (3, 3), (3,))
HAND = (vectors((3.0, 0.5, -10.0)), 1.0), (vectors((3.0,), (0.25, -4.0)), 2.0)


@exercise(
    "recurrent.clipping",
    "clip_value(grads, theta) -> clipped",
    "clip_norm(grads, theta) -> clipped",
    "clipped_step(weights, grads, learning_rate, theta) -> weights",
    level="core",
    minutes=7,
    keeps_inputs=True,
)
def clipping(rng):
    """Clip gradients by value and by norm, and take a step that cannot be too long."""

    def random_case(*shapes: tuple[int, ...]) -> tuple[Tensors, str]:
        grads = [randn(rng, *shape, scale=2.0) for shape in shapes]
        return grads, f"{'a tensor' if len(shapes) == 1 else 'tensors'} of shape {' and '.join(map(str, shapes))}"

    with part("by value", points=1):
        each = "every entry is clamped for itself, on both sides of zero"
        for grads, theta in HAND:
            yield Case((grads, theta), call="clip_value", expected=by_value(grads, theta), because=each)
        for shapes, theta in zip(SHAPES, (0.5, 1.5, 2.5), strict=True):
            grads, words = random_case(*shapes)
            expected = by_value(grads, theta)
            shown = f"{words}, random numbers, theta={theta}"
            yield Case((grads, theta), call="clip_value", expected=expected, shown=shown, because=each)
    with part("by norm", points=1):
        together = "one factor for all tensors, so that the direction of the whole gradient stays"
        for grads, theta in (vectors((3.0, 4.0)), 1.0), (vectors((3.0,), (4.0,)), 2.5), *HAND:
            yield Case((grads, theta), call="clip_norm", expected=by_norm(grads, theta), because=together)
        for shapes, theta in zip(SHAPES, (0.5, 1.5, 2.5), strict=True):
            grads, words = random_case(*shapes)
            expected = by_norm(grads, theta)
            shown = f"{words}, random numbers, theta={theta}"
            yield Case((grads, theta), call="clip_norm", expected=expected, shown=shown, because=together)
    with part("small gradients, and zero", points=1):
        stays = "what is within the threshold already stays as it is"
        for rows in ((0.3, -0.4),), ((0.0, 0.0),), ((0.6,), (0.0, 0.7)), ((0.0,), (0.0, 0.0, 0.0)):
            grads = vectors(*rows)
            for call in ("clip_value", "clip_norm"):
                yield Case((grads, 1.0), call=call, expected=grads, because=stays)
    with part("the step", points=1):
        first = "the gradient is clipped first; what is left of it is multiplied by the learning rate"
        for weights, grads, rate, theta in (
            (vectors((1.0, 1.0)), vectors((3.0, 4.0)), 0.5, 1.0),
            (vectors((1.0,), (2.0,)), vectors((30.0,), (-40.0,)), 0.25, 10.0),
            (vectors((1.0, -2.0)), vectors((0.25, 0.5)), 2.0, 1.0),  # nothing to clip
        ):
            expected = step(weights, by_norm(grads, theta), rate)
            yield Case((weights, grads, rate, theta), call="clipped_step", expected=expected, because=first)
        for shapes, rate, theta in zip(SHAPES, (0.1, 0.5, 0.01), (0.5, 1.5, 2.5), strict=True):
            (weights, words), (grads, _) = random_case(*shapes), random_case(*shapes)
            yield Case(
                (weights, grads, rate, theta),
                call="clipped_step",
                expected=step(weights, by_norm(grads, theta), rate),
                shown=f"{words}, random numbers, learning_rate={rate}, theta={theta}",
                because=first,
                atol=1e-6,
            )


@mistake(
    clipping,
    "an upper limit without a lower one",
    call="clip_value",
    ask="A gradient of -10 moves a weight as far as one of 10. What does yours do with -10?",
    look="the two ends of the interval: it reaches from -theta to theta.",
)
def _(grads, theta):
    return [g.clamp(max=theta) for g in grads]


@mistake(
    clipping,
    "a clamp that takes the sign away",
    call="clip_value",
    ask="In which direction should a weight move whose gradient is -0.5, and in which does it move with yours?",
    look="what happens to negative entries: only those below -theta change.",
)
def _(grads, theta):
    return [g.abs().clamp(max=theta) for g in grads]


@mistake(
    clipping,
    "a filter that drops what is too large",
    call="clip_value",
    ask="Should the steepest direction of all be the one in which nothing moves?",
    look="what becomes of an entry beyond the threshold: it is set to the threshold itself, not to zero.",
)
def _(grads, theta):
    return [torch.where(g.abs() <= theta, g, 0.0) for g in grads]


@mistake(
    clipping,
    "one factor for all entries",
    call="clip_value",
    ask="Of 3, 0.5 and -10, which entries are within [-1, 1] already, and does yours leave them alone?",
    look="what the threshold is compared with: by value, it is each entry for itself.",
)
def _(grads, theta):
    return [g * (theta / norm_of_all(grads)).clamp(max=1.0) for g in grads]


@mistake(
    clipping,
    "each tensor scaled by its own norm",
    call="clip_norm",
    ask="Take 3 in one tensor and 4 in another. How long is the gradient of the whole network?",
    look="how many norms you compute: the network has one gradient, which happens to lie in several tensors.",
)
def _(grads, theta):
    return [g * torch.clamp(theta / g.norm(), max=1.0) for g in grads]


@mistake(
    clipping,
    "a scaling that makes small gradients larger",
    call="clip_norm",
    ask="Near a minimum the gradient is tiny. How long is it after your function has seen it?",
    look="the factor when the norm is below theta: should it ever be more than 1?",
)
def _(grads, theta):
    norm = norm_of_all(grads)
    return [g * theta / norm if norm > 0 else g for g in grads]


@mistake(
    clipping,
    "a scaling to length theta, whatever the length was, zero included",
    call="clip_norm",
    ask="How long is (0.3, -0.4) before your function, and after it? And what does it make of a gradient of zero?",
    look="the factor when the norm is below theta, or even 0.",
)
def _(grads, theta):
    norm = norm_of_all(grads)
    return [g * theta / norm for g in grads]


@mistake(
    clipping,
    "a right factor that is 0/0 for a gradient of zero",
    call="clip_norm",
    ask="What does your formula divide by when nothing at all has to change?",
    look="the division by the norm: it is needed only where the norm is above theta.",
)
def _(grads, theta):
    norm = norm_of_all(grads)
    return [g / norm * norm.clamp(max=theta) for g in grads]


@mistake(
    clipping,
    "a scaling by the largest entry",
    call="clip_norm",
    ask="How long is (3, 4)? And what do you divide by?",
    look="what is compared with theta: the length of the gradient, to which all entries add.",
)
def _(grads, theta):
    largest = torch.cat([g.flatten() for g in grads]).abs().max()
    return [g * (theta / largest).clamp(max=1.0) for g in grads]


@mistake(
    clipping,
    "a scaling by the squared norm",
    call="clip_norm",
    ask="What is the norm of your result for (3, 4) and theta = 1?",
    look="the sum of squares: what is still to be done before it is a length?",
)
def _(grads, theta):
    return [g * (theta / norm_of_all(grads) ** 2).clamp(max=1.0) for g in grads]


@mistake(
    clipping,
    "norms of the tensors that are simply added up",
    call="clip_norm",
    ask="Put 3 and 4 into one tensor, then into two. Do you find the same length both times?",
    look="how the tensors' norms become one: lengths at right angles add up as in the theorem of Pythagoras.",
)
def _(grads, theta):
    total = torch.stack([g.norm() for g in grads]).sum()
    return [g * (theta / total).clamp(max=1.0) for g in grads]


@mistake(
    clipping,
    "a clamp, entry by entry",
    call="clip_norm",
    ask="Into which direction does (3, 4) point before your function, and into which after it?",
    look="what the threshold is compared with: by norm, the entries keep their proportions.",
)
def _(grads, theta):
    return [g.clamp(-theta, theta) for g in grads]


@mistake(
    clipping,
    "a step with the gradient as it was before any clipping",
    call="clipped_step",
    ask="Make theta ten times smaller. Does your step change?",
    look="the order of the two lines: a gradient that is clipped after the step has moved the weights already.",
)
def _(weights, grads, learning_rate, theta):
    return step(weights, grads, learning_rate)


@mistake(
    clipping,
    "a step whose update is clipped, not its gradient",
    call="clipped_step",
    ask="How far can your weights move in one step at most: theta, or learning_rate times theta?",
    look="what you hand to the clipping: has the learning rate been multiplied in already?",
)
def _(weights, grads, learning_rate, theta):
    return step(weights, by_norm([learning_rate * g for g in grads], theta), 1.0)


@mistake(
    clipping,
    "a step after which the weights are clipped",
    call="clipped_step",
    ask="May weights be larger than theta after a step?",
    look="what you hand to the clipping: it is the gradient that is too large, not the weights.",
)
def _(weights, grads, learning_rate, theta):
    return by_norm(step(weights, grads, learning_rate), theta)


@mistake(
    clipping,
    "a step with the gradient clipped by value",
    call="clipped_step",
    ask="With a gradient of (3, 4) and theta = 1, which direction should the step take, and which does yours take?",
    look="which of your two ways of clipping the step uses.",
)
def _(weights, grads, learning_rate, theta):
    return step(weights, by_value(grads, theta), learning_rate)


@mistake(
    clipping,
    "a step uphill",
    call="clipped_step",
    ask="The gradient points to where the loss grows. Which way do you go?",
    look="the sign in front of the learning rate.",
)
def _(weights, grads, learning_rate, theta):
    return step(weights, by_norm(grads, theta), -learning_rate)


@mistake(
    clipping,
    "a step without a learning rate",
    call="clipped_step",
    ask="Halve the learning rate. Does your step become half as long?",
    look="the update: what multiplies the clipped gradient?",
)
def _(weights, grads, learning_rate, theta):
    return step(weights, by_norm(grads, theta), 1.0)
