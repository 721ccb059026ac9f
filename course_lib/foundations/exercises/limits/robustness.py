"""The fast gradient sign method (Goodfellow et al. 2015, section 4), the smallest of the attacks."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.exercises import Case, exercise, mistake, part
from course_lib.foundations.exercises.deep.common import broken
from course_lib.foundations.exercises.limits.common import (
    CLASSES,
    CONVOLUTION,
    DROPOUT,
    LINEAR,
    RELU,
    SHAPES,
    Built,
    answered,
    by_hand,
    careless_gradient,
    clean_gradient,
    clearing_gradient,
    left_behind,
    lent_gradient,
    model_of,
    piling_gradient,
    row,
    unasked_backward,
    unasked_gradient,
    weights_for,
)

HAND = [1.0, 2.0, 0.0], [-1.0, 0.0, 0.0]  # larger pixels speak for class 0, and the third one for nothing
STEEP = 1e-6  # so that every right answer finds the same sign, whatever it rounds
Gradient = Callable[[Callable[[Tensor], Tensor], nn.Module, Tensor], Tensor]


def slope(model: nn.Module, x: Tensor, y: Tensor, gradient: Gradient = clean_gradient) -> Tensor:
    """The gradient of the loss by the pixels: (shape of x)."""
    return gradient(lambda logits: F.cross_entropy(logits, y), model, x)


def attacked(model: nn.Module, x: Tensor, y: Tensor, eps: float, lo: float, hi: float) -> Tensor:
    """A right answer."""
    return (x + eps * slope(model, x, y).sign()).clamp(lo, hi)


@exercise(
    "foundations.challenges.robustness",
    "fgsm(model, x, y, eps, lo, hi) -> attacked",
    level="core",
    minutes=6,
    keeps_inputs=True,
)
def robustness(rng):
    """The small disturbance of a picture that a classifier likes least."""

    def drawn(kind: str, count: int, lo: float, hi: float) -> tuple[Built, Tensor, Tensor]:
        """A model, pictures from lo to hi (some pixels at either end), and a label for each; no slope is close to 0."""
        while True:
            share = torch.from_numpy(rng.uniform(-0.1, 1.1, size=(count, *SHAPES[kind]))).float().clamp(0, 1)
            built, x, y = (kind, weights_for(rng, kind)), lo + (hi - lo) * share, (torch.arange(count) + 1) % CLASSES
            if slope(model_of(built), x, y).abs().min() > STEEP:
                return built, x, y

    def case(built: Built, x: Tensor, y: Tensor, eps: float, limits: tuple, because: str, shown: str) -> Case:
        model, expected = model_of(built), attacked(model_of(built), x, y, eps, *limits)
        return Case(
            (built, x, y, eps, *limits),
            via=answered,
            expected=expected,
            shown=f"{shown}, eps={eps:g}, lo={limits[0]:g}, hi={limits[1]:g}",
            explain=lambda made: violated(model, x, y, eps, limits, made),
            because=because,
            atol=1e-6,
        )

    def of_kind(kind: str, count: int, eps: float, limits: tuple, because: str) -> Case:
        built, x, y = drawn(kind, count, *limits)
        return case(built, x, y, eps, limits, because, f"{kind}, x of shape {tuple(x.shape)}")

    with part("one step uphill", points=1):
        up = "every pixel goes by eps to the side where the loss of the true label grows; where it is flat, it stays"
        for pixels, y, eps in (((0.5, 0.4, 0.6), 0, 0.1), ((0.5, 0.4, 0.6), 1, 0.1), ((0.3, 0.5, 0.5), 0, 0.25)):
            words = f"a linear model with the weights {HAND[0]} and {HAND[1]}, x={list(pixels)}, y={y}"
            yield case(by_hand(*HAND), row(*pixels), torch.tensor([y]), eps, (0.0, 1.0), up, words)
        for kind, count, eps in ((LINEAR, 1, 0.02), (RELU, 4, 0.1), (CONVOLUTION, 5, 0.05), (DROPOUT, 2, 0.03)):
            built, x, y = drawn(kind, count, 0.2, 0.8)
            yield case(built, x, y, eps, (0.0, 1.0), up, f"{kind}, x of shape {tuple(x.shape)}")
    with part("between lo and hi", points=1):
        inside = "the disturbed picture has to be one that there can be: first the step, then the limits"
        for pixels, y, limits in (((0.05, 0.95, 0.5), 0, (0.0, 1.0)), ((0.95, 1.0, 0.0), 1, (0.0, 1.0))):
            words = f"a linear model with the weights {HAND[0]} and {HAND[1]}, x={list(pixels)}, y={y}"
            yield case(by_hand(*HAND), row(*pixels), torch.tensor([y]), 0.25, limits, inside, words)
        for kind, count, eps, limits in (
            (RELU, 3, 0.5, (-1.0, 1.0)),
            (CONVOLUTION, 2, 2.0, (0.0, 16.0)),
            (LINEAR, 3, 3.0, (0.0, 1.0)),
            (RELU, 3, 0.0, (0.0, 1.0)),
        ):
            yield of_kind(kind, count, eps, limits, inside)
    with part("nothing left behind", points=1):
        for kind, count in ((LINEAR, 2), (DROPOUT, 3)):
            built, x, y = drawn(kind, count, 0.0, 1.0)
            inputs = (built, x, y, 0.1, 0.0, 1.0)
            yield Case(
                inputs,
                via=left_behind,
                expected=dict.fromkeys(left_behind(attacked, *inputs), True),
                explain=broken,
                shown=f"called twice: {kind}, x of shape {tuple(x.shape)}, eps=0.1, lo=0, hi=1",
                because="whoever trains against attacks calls this between two updates: the gradients there are theirs",
            )


def violated(model: nn.Module, x: Tensor, y: Tensor, eps: float, limits: tuple, made: Tensor) -> str:
    """What is wrong with an attack, in one sentence."""
    lo, hi = limits
    made = torch.as_tensor(made).to(x)
    lowest, highest, moved = made.min().item(), made.max().item(), (made - x).abs().max().item()
    if lowest < lo - 1e-6 or highest > hi + 1e-6:
        return f"Your pixels go from {lowest:.4g} to {highest:.4g}, wanted from {lo:g} to {hi:g}."
    if moved > eps + 1e-5:
        return f"One of your pixels moves by {moved:.4g}, wanted {eps:g} at most."
    with torch.no_grad():
        before, after = (F.cross_entropy(model(pictures), y).item() for pictures in (x, made))
    if after < before - 1e-6:
        return f"The loss falls from {before:.4g} to {after:.4g}, and it should rise."
    wrong = (made - attacked(model, x, y, eps, lo, hi)).abs() > 1e-5
    return f"{wrong.sum()} of {wrong.numel()} pixels are not where one step by eps along the sign takes them."


def with_gradient(name: str, *, ask: str, look: str) -> Callable[[Callable], Callable]:
    """Declare a mistake in what is made of the gradient, by whoever leaves the model as it was and by who does not."""

    def declare(made: Callable) -> Callable:
        for gradient in (clean_gradient, careless_gradient, piling_gradient):

            def wrong(model, x, y, eps, lo, hi, gradient=gradient):
                found = slope(model, x, y, gradient)
                return made(x.detach(), found, eps, lo, hi)

            mistake(robustness, name, ask=ask, look=look)(wrong)
        return made

    return declare


def in_side_effect(name: str, gradient: Gradient, *, ask: str, look: str) -> None:
    """Declare a right attack whose gradient is had in a wrong way."""
    mistake(robustness, name, ask=ask, look=look)(
        lambda model, x, y, eps, lo, hi: (x.detach() + eps * slope(model, x, y, gradient).sign()).clamp(lo, hi)
    )


@with_gradient(
    "the raw gradient, not its sign",
    ask="The gradient is 0.001 at one pixel and 3 at another. By how much may each of them move?",
    look="what eps is multiplied by: a number that is 1, -1 or 0.",
)
def _(x, gradient, eps, lo, hi):
    return (x + eps * gradient).clamp(lo, hi)


@with_gradient(
    "the gradient divided by its length",
    ask="How many of your pixels move by eps?",
    look="what eps is multiplied by: a number that is 1, -1 or 0. A gradient of length 1 makes another attack.",
)
def _(x, gradient, eps, lo, hi):
    length = gradient.flatten(1).norm(dim=1).clamp(min=1e-12)
    return (x + eps * gradient / length[:, None, None, None]).clamp(lo, hi)


@with_gradient(
    "the gradient divided by its largest number",
    ask="How many of your pixels move by eps?",
    look="what eps is multiplied by: a number that is 1, -1 or 0.",
)
def _(x, gradient, eps, lo, hi):
    return (x + eps * gradient / gradient.abs().max().clamp(min=1e-12)).clamp(lo, hi)


@with_gradient(
    "a step downhill",
    ask="Training goes against the gradient, so that the loss falls. Where does an attack go?",
    look="the sign of the step.",
)
def _(x, gradient, eps, lo, hi):
    return (x - eps * gradient.sign()).clamp(lo, hi)


@with_gradient(
    "a step with no limits behind it: they come before, or not at all",
    ask="A pixel is at 0.05, and goes down by 0.25. Where does it end?",
    look="clamp: it is the last thing to be done.",
)
def _(x, gradient, eps, lo, hi):
    return x.clamp(lo, hi) + eps * gradient.sign()


@with_gradient(
    "limits for the step, not for the picture",
    ask="lo is 0. Can a pixel of yours get smaller?",
    look="what clamp is about: the sum of picture and step.",
)
def _(x, gradient, eps, lo, hi):
    return x + (eps * gradient.sign()).clamp(lo, hi)


@with_gradient(
    "limits of 0 and 1, whatever is given",
    ask="The pixels go from -1 to 1. What becomes of those below 0?",
    look="the limits: they are arguments.",
)
def _(x, gradient, eps, lo, hi):
    return (x + eps * gradient.sign()).clamp(0, 1)


@with_gradient(
    "a pixel that moves though the loss does not care",
    ask="The gradient at a pixel is 0. Where does that pixel go?",
    look="the condition: what does it make of a gradient of 0? torch.sign has three results.",
)
def _(x, gradient, eps, lo, hi):
    return (x + torch.where(gradient > 0, eps, -eps)).clamp(lo, hi)


@with_gradient(
    "the disturbance alone, without the picture",
    ask="eps is 0. What should come out?",
    look="the sum: the picture is missing in it.",
)
def _(x, gradient, eps, lo, hi):
    return (eps * gradient.sign()).clamp(lo, hi)


@mistake(
    robustness,
    "an attack on what the model says, not on the true label",
    ask="The model is wrong about a picture already. Which loss do you raise?",
    look="the label in the loss: y is given.",
)
def _(model, x, y, eps, lo, hi):
    with torch.no_grad():
        said = model(x).argmax(dim=1)
    return attacked(model, x, said, eps, lo, hi)


@mistake(
    robustness,
    "a step that lowers the true class's logit, whatever the other classes do",
    ask="A pixel lifts the true class by 1 and another class by 5. To which side should it go?",
    look="what you differentiate: the cross-entropy knows the other classes too.",
)
def _(model, x, y, eps, lo, hi):
    gradient = clean_gradient(lambda logits: -logits.gather(1, y[:, None]).sum(), model, x)
    return (x + eps * gradient.sign()).clamp(lo, hi)


@mistake(
    robustness,
    "random signs",
    ask="Which line of yours asks the model?",
    look="the sign: whose is it? The gradient of the loss by x has one for each pixel.",
)
def _(model, x, y, eps, lo, hi):
    return (x + eps * torch.randn(x.shape).sign()).clamp(lo, hi)


in_side_effect(
    "a gradient that piles up from call to call",
    piling_gradient,
    ask="You are asked twice about the same x. What does x.grad hold when the second call begins?",
    look="x.requires_grad_() and backward(): the x that you were lent is not yours; a clone is.",
)
in_side_effect(
    "gradients left in the model",
    careless_gradient,
    ask="Print a weight's gradient before your call, and after. What will an optimiser do with it?",
    look="backward(): it fills in every parameter. torch.autograd.grad(loss, x) asks for that of x alone.",
)
in_side_effect(
    "gradients that are cleared away, the caller's too",
    clearing_gradient,
    ask="The caller has called backward, and step comes next. What is left for it?",
    look="zero_grad: it forgets what was there before you came. torch.autograd.grad(loss, x) needs no clearing.",
)
in_side_effect(
    "an x that was lent without requires_grad, and returned with it",
    lent_gradient,
    ask="Print x.requires_grad before the call and after it. Who asked for that?",
    look="x.requires_grad_(): it changes the x that you were lent; a clone is yours.",
)
for unasked in (unasked_gradient, unasked_backward):
    in_side_effect(
        "a gradient by an x that autograd did not follow",
        unasked,
        ask="Who told autograd, before the model ran, that a gradient by x would be wanted?",
        look="requires_grad_: a clone of x needs it before it goes into the model.",
    )
