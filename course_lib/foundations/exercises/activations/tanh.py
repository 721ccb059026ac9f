"""Tanh out of the sigmoid, and its slope from its output."""

import math

import torch
from torch import Tensor

from course_lib.exercises import Case, exercise, mistake, part, randn
from course_lib.foundations.exercises.activations.common import doubles, slope_of

LN2, LN3 = math.log(2), math.log(3)  # their tanh is 0.6 and 0.8
LIBRARY = ("tanh", "tanh_", "tanhshrink")


@exercise(
    "foundations.activation.tanh",
    "tanh_from_sigmoid(x) -> y",
    "dtanh_from_output(y) -> slope",
    "dtanh(x) -> slope",
    level="core",
    minutes=5,
    without=LIBRARY,
    keeps_inputs=True,
)
def tanh(rng):
    """Tanh is a sigmoid, stretched and moved; and its slope comes from its output."""

    def forward(x: Tensor, because: str, shown: str | None = None, **tolerance: float) -> Case:
        return Case((x,), expected=torch.tanh(x), because=because, shown=shown, **tolerance)

    def from_output(y: Tensor, shown: str | None = None) -> Case:
        expected = slope_of(torch.tanh, torch.atanh(y.double()))  # infinite at -1 and at 1, where the slope is 0
        because = "y is tanh's result already; all that the slope needs is in it"
        return Case((y,), call="dtanh_from_output", expected=expected.to(y), because=because, shown=shown)

    def at(x: Tensor, shown: str | None = None) -> Case:
        because = "first tanh at x, then the slope from what it gives"
        return Case((x,), call="dtanh", expected=slope_of(torch.tanh, x), because=because, shown=shown)

    with part("by hand, and any shape", points=1):
        by_hand = "the sigmoid of ln 4 is 4/5, and tanh of ln 2 = 0.6931 is 3/5: what leads from one to the other?"
        for numbers in ([0.0], [LN2], [-LN2, 0.0, LN3]):
            yield forward(torch.tensor(numbers), by_hand)
        for shape in ((), (2, 3), (3, 1, 2)):
            yield forward(randn(rng, *shape), by_hand, f"x of shape {shape}")
        because = "float64 comes in, float64 goes out"
        yield forward(doubles(rng, 4), because, "x of 4 float64 numbers", rtol=0, atol=1e-12)
    with part("far out", points=1):
        for numbers in ([1000.0, -1000.0], [-100.0, 100.0, 0.5], [50.0, -50.0]):
            yield forward(torch.tensor(numbers), "the sigmoid of 2000 is 1, without any exp(2000) of yours")
    with part("slope from the output", points=1):
        for numbers in ([0.0], [0.6, -0.8], [-1.0, 1.0]):
            yield from_output(torch.tensor(numbers))
        for shape in ((3,), (2, 4)):
            yield from_output(torch.from_numpy(rng.uniform(-0.99, 0.99, size=shape)).float(), f"y of shape {shape}")
    with part("slope at x", points=1):
        for numbers in ([0.0], [LN2, -LN3], [-1000.0, 1000.0], [-100.0, 2.0]):
            yield at(torch.tensor(numbers))
        for shape in ((3,), (2, 4)):
            yield at(randn(rng, *shape), f"x of shape {shape}")


def safe(x: Tensor) -> Tensor:
    """A right tanh, for the mistakes to change one thing in."""
    return 2 * torch.sigmoid(2 * x) - 1


@mistake(
    tanh,
    "the quotient of the formula, where both exps overflow",
    ask="At x = 1000, what is divided by what?",
    look="the exps: torch.sigmoid is safe at any number, so let it do all of the work.",
)
def _(x):
    return (torch.exp(x) - torch.exp(-x)) / (torch.exp(x) + torch.exp(-x))


@mistake(
    tanh,
    "(exp(2x) - 1) / (exp(2x) + 1), where exp overflows for a large positive x",
    ask="At x = 1000, what is divided by what?",
    look="the exp: torch.sigmoid is safe at any number, so let it do all of the work.",
)
def _(x):
    return (torch.exp(2 * x) - 1) / (torch.exp(2 * x) + 1)


@mistake(
    tanh,
    "(1 - exp(-2x)) / (1 + exp(-2x)), where exp overflows for a large negative x",
    ask="At x = -1000, what is divided by what?",
    look="the exp: torch.sigmoid is safe at any number, so let it do all of the work.",
)
def _(x):
    return (1 - torch.exp(-2 * x)) / (1 + torch.exp(-2 * x))


@mistake(
    tanh,
    "sigmoid(x) in place of sigmoid(2x)",
    ask="The slope of tanh at 0 is 1. How steep is your curve there?",
    look="the argument of the sigmoid: your curve has the right height, and is too wide.",
)
def _(x):
    return 2 * torch.sigmoid(x) - 1


@mistake(
    tanh,
    "a curve from 0 to 2",
    ask="tanh(0) is 0. What is yours?",
    look="the height: stretched to twice its size, the sigmoid still has to move down.",
)
def _(x):
    return 2 * torch.sigmoid(2 * x)


@mistake(
    tanh,
    "a curve from -1 to 0",
    ask="tanh of a large x is nearly 1. What is yours?",
    look="the height: from -1 to 1 are two, and the sigmoid has one.",
)
def _(x):
    return torch.sigmoid(2 * x) - 1


@mistake(
    tanh,
    "a sigmoid of 2x - 1, with the 1 inside",
    ask="tanh(0) is 0. What is yours?",
    look="the brackets: is the 1 taken off x, or off the result?",
)
def _(x):
    return 2 * torch.sigmoid(2 * x - 1)


@mistake(
    tanh,
    "a curve that falls",
    ask="tanh of a large x is nearly 1. What is yours?",
    look="the order of the difference.",
)
def _(x):
    return 1 - 2 * torch.sigmoid(2 * x)


@mistake(
    tanh,
    "sigmoid(2x), neither stretched nor moved",
    ask="Between which two numbers does tanh run, and between which does yours?",
    look="the height: what leads from the range 0 to 1 to the range -1 to 1?",
)
def _(x):
    return torch.sigmoid(2 * x)


@mistake(
    tanh,
    "y (1 - y), the slope of the sigmoid",
    call="dtanh_from_output",
    ask="At y = 0 tanh is steepest. Which slope do you return there?",
    look="the formula: each of the two functions has its own.",
)
def _(y):
    return y * (1 - y)


@mistake(
    tanh,
    "1 - y, without the square",
    call="dtanh_from_output",
    ask="Far to the left y is -1 and the curve is flat. Which slope do you return there?",
    look="the square: without it the two ends of the curve have different slopes.",
)
def _(y):
    return 1 - y


@mistake(
    tanh,
    "(1 - y)², where all of the difference is squared",
    call="dtanh_from_output",
    ask="Far to the left y is -1 and the curve is flat. Which slope do you return there?",
    look="the brackets: only y is squared.",
)
def _(y):
    return (1 - y) ** 2


@mistake(
    tanh,
    "a y that goes through tanh once more",
    call="dtanh_from_output",
    ask="y = 1 is where the curve is flat. Which slope do you return there, and at which x is it the slope?",
    look="what comes in: y is tanh(x) already.",
)
def _(y):
    return 1 - safe(y) ** 2


@mistake(
    tanh,
    "the slope 1 - x²",
    call="dtanh",
    ask="At x = 1000 the curve is flat. Which slope do you return there, and what did you square?",
    look="what you hand to dtanh_from_output: an output of tanh, as its name says.",
)
def _(x):
    return 1 - x**2


@mistake(
    tanh,
    "the height of the curve in place of its slope",
    call="dtanh",
    ask="At x = 1000 the curve is flat. Which slope do you return there?",
    look="the last step: tanh's result is what the slope is made of, not the slope.",
)
def _(x):
    return safe(x)


@mistake(
    tanh,
    "1 - y² with the sigmoid's y",
    call="dtanh",
    ask="At x = 0 the y of tanh is 0. Which y do you square there?",
    look="the function that makes your y.",
)
def _(x):
    return 1 - torch.sigmoid(x) ** 2


@mistake(
    tanh,
    "half of the slope: a factor 2 of the chain rule is missing",
    call="dtanh",
    ask="In 2 · sigmoid(2x) - 1 there are two factors of 2. What does each of them do to the slope?",
    look="the slope of sigmoid(2x): the inner 2 comes out in front as well.",
)
def _(x):
    return 2 * torch.sigmoid(2 * x) * (1 - torch.sigmoid(2 * x))
