"""The first exercise: a gate, in two lines."""

import torch
from torch import Tensor

from course_lib.exercises import Case, exercise, mistake, part, randn


@exercise("start.gate", "gate(x, weight, bias) -> gate", level="core", minutes=3)
def gate(rng):
    """A gate turns any number into a share between 0 and 1."""
    with part("numbers by hand", points=1):
        for x, weight, bias, total in (([2.0], 1.0, -2.0, [0.0]), ([0.0, 1.0, 2.0], 2.0, -3.0, [-3.0, -1.0, 1.0])):
            yield Case(
                (torch.tensor(x), weight, bias),
                expected=torch.tensor(total).sigmoid(),
                because="first the sum weight * x + bias, then its sigmoid: a sum of 0 gives one half",
            )
    with part("random shapes", points=1):
        for shape in ((1,), (4,), (2, 3), (3, 1, 2)):
            x, weight, bias = randn(rng, *shape, scale=2), rng.uniform(0.5, 3), float(rng.choice([-1.5, 1.25]))
            yield Case(
                (x, weight, bias),
                expected=torch.sigmoid(weight * x + bias),
                because="the same formula holds for every number in x, whatever its shape",
            )


@mistake(
    gate,
    "a weighted sum, without the step that makes a share of it",
    ask="A gate lets a share through. Which results of yours could not be a share?",
    look="the last step: which function squeezes every number in between 0 and 1?",
)
def _(x: Tensor, weight: float, bias: float) -> Tensor:
    return weight * x + bias


@mistake(
    gate,
    "a gate whose bias comes after the sigmoid",
    ask="With bias -3, can your result still lie between 0 and 1?",
    look="the brackets of the sigmoid: what has to be added up before it is squeezed?",
)
def _(x: Tensor, weight: float, bias: float) -> Tensor:
    return torch.sigmoid(weight * x) + bias


@mistake(
    gate,
    "a sigmoid of x alone, with weight and bias applied to what comes out",
    ask="With weight 3, can your result still lie between 0 and 1?",
    look="the brackets of the sigmoid: weight * x + bias as a whole belongs inside.",
)
def _(x: Tensor, weight: float, bias: float) -> Tensor:
    return torch.sigmoid(x) * weight + bias


@mistake(
    gate,
    "a gate whose bias is multiplied by the weight as well",
    ask="For x = 0, does your result depend on the weight? Should it?",
    look="the brackets around x: what does the weight multiply in weight * x + bias?",
)
def _(x: Tensor, weight: float, bias: float) -> Tensor:
    return torch.sigmoid(weight * (x + bias))


@mistake(
    gate,
    "tanh in the place of the sigmoid",
    ask="Which numbers come out of your function when x is very negative?",
    look="the squeezing function: tanh ends at -1 and 1; where should a share end?",
)
def _(x: Tensor, weight: float, bias: float) -> Tensor:
    return torch.tanh(weight * x + bias)


@mistake(
    gate,
    "a gate that closes where it should open",
    ask="With weight 1 and bias 0, what does your function give for x = 100, and what should it?",
    look="the sign in the exponent: the sigmoid is 1 / (1 + exp(-z)).",
)
def _(x: Tensor, weight: float, bias: float) -> Tensor:
    return 1 / (1 + torch.exp(weight * x + bias))
