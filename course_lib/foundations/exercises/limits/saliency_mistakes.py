"""The mistakes that `saliency` is known for."""

from collections.abc import Callable

import torch

from course_lib.exercises import mistake
from course_lib.foundations.exercises.limits.common import (
    careless_gradient,
    clean_gradient,
    clearing_gradient,
    lent_gradient,
    piling_gradient,
    unasked_backward,
    unasked_gradient,
)
from course_lib.foundations.exercises.limits.interpretability import interpretability, own_logits, sensitivity


def in_score(name: str, *, ask: str, look: str) -> Callable[[Callable], Callable]:
    """Declare a mistake in what is differentiated, by whoever leaves the model as it was and by who does not."""

    def declare(score: Callable) -> Callable:
        for gradient in (clean_gradient, careless_gradient, piling_gradient):

            def wrong(model, x, target, gradient=gradient):
                return gradient(lambda logits: score(logits, target), model, x)

            mistake(interpretability, name, ask=ask, look=look)(wrong)
        return score

    return declare


def in_side_effect(name: str, gradient: Callable, *, ask: str, look: str) -> None:
    """Declare a right gradient that is had in a wrong way."""
    mistake(interpretability, name, ask=ask, look=look)(
        lambda model, x, target: gradient(lambda logits: own_logits(logits, target).sum(), model, x)
    )


@in_score(
    "the gradient of the largest logit, whatever the target",
    ask="The target is class 1, and class 0 has the larger logit. Whose gradient do you return?",
    look="argmax or max: which class it is about, the caller says.",
)
def _(logits, target):
    return logits.amax(dim=1).sum()


@in_score(
    "the gradient of an index",
    ask="By how much does argmax move when a pixel gets a little larger?",
    look="what you differentiate: argmax jumps from one whole number to the next, and has no slope.",
)
def _(logits, target):
    return logits.argmax(dim=1).sum()


@in_score(
    "logits[:, target], every target's logit of every picture",
    ask="Which shape has logits[:, target] for three pictures and three targets?",
    look="the indices: row 0 with target 0, row 1 with target 1; gather does that, and logits[range(len(x)), target].",
)
def _(logits, target):
    return logits[:, target].sum()


@in_score(
    "the first picture's target for all of them",
    ask="The second picture has a target of its own. Where do you use it?",
    look="the index of the class: there is one for each picture.",
)
def _(logits, target):
    return logits[:, target[0]].sum()


@in_score(
    "all logits added up",
    ask="The target changes. What changes in your result?",
    look="the score: one logit for each picture, the target's.",
)
def _(logits, target):
    return logits.sum()


@in_score(
    "a mean over the batch",
    ask="You hand over a picture alone, and then together with three others. Why should its map shrink?",
    look="mean: the sum over the pictures leaves to each of them its own gradient.",
)
def _(logits, target):
    return own_logits(logits, target).mean()


@in_score(
    "the gradient of a probability",
    ask="A linear model's map is its row of weights for the target. What did you take the gradient of?",
    look="softmax: it brings the other classes in, and is flat where the model is sure. The logit is asked for.",
)
def _(logits, target):
    return own_logits(logits.softmax(dim=1), target).sum()


@in_score(
    "the gradient of a log-probability",
    ask="A linear model's map is its row of weights for the target. What did you take the gradient of?",
    look="log_softmax: it brings the other classes in. The logit is asked for.",
)
def _(logits, target):
    return own_logits(logits.log_softmax(dim=1), target).sum()


@in_score(
    "the gradient of the loss",
    ask="A pixel supports the target. Does the loss rise or fall when it gets larger?",
    look="cross_entropy: it is the logit that is asked for.",
)
def _(logits, target):
    return torch.nn.functional.cross_entropy(logits, target, reduction="sum")


@in_score(
    "the gradient of the mean loss",
    ask="A pixel supports the target. Does the loss rise or fall when it gets larger?",
    look="cross_entropy: it is the logit that is asked for.",
)
def _(logits, target):
    return torch.nn.functional.cross_entropy(logits, target)


@mistake(
    interpretability,
    "a gradient without its sign",
    ask="A weight of -1: does a larger pixel help the target or harm it, and what does your map say?",
    look="abs: the sign stays.",
)
def _(model, x, target):
    return sensitivity(model, x, target).abs()


@mistake(
    interpretability,
    "a gradient times the input",
    ask="A pixel is 0 and its weight is 2. What does your map say there?",
    look="the product with x: a good explanation too, but another one.",
)
def _(model, x, target):
    return sensitivity(model, x, target) * x


@mistake(
    interpretability,
    "a map that is stretched from 0 to 1",
    ask="Can you read a linear model's weights in your map?",
    look="the division by the largest: how the map is drawn is the figure's matter.",
)
def _(model, x, target):
    size = sensitivity(model, x, target).abs()
    return size / size.amax(dim=(1, 2, 3), keepdim=True).clamp(min=1e-12)


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
    look="backward(): it fills in every parameter. torch.autograd.grad(score, x) asks for that of x alone.",
)
in_side_effect(
    "gradients that are cleared away, the caller's too",
    clearing_gradient,
    ask="The caller has called backward, and step comes next. What is left for it?",
    look="zero_grad: it forgets what was there before you came. torch.autograd.grad(score, x) needs no clearing.",
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
