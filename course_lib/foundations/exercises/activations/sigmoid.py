"""The sigmoid without overflow, and its slope from its output."""

import math

import torch
from torch import Tensor

from course_lib.exercises import Case, exercise, mistake, part, randn
from course_lib.foundations.exercises.activations.common import doubles, followed, slope_of

LN3 = math.log(3)  # its sigmoid is 3/4, that of -LN3 is 1/4
LIBRARY = (  # whatever is a sigmoid already, or hands one over for the asking
    *("sigmoid", "sigmoid_", "special_expit", "log_sigmoid", "softplus", "silu", "glu", "tanh", "tanh_"),
    *("softmax", "special_softmax", "log_softmax", "softmin"),
)


@exercise(
    "foundations.activation.sigmoid",
    "sigmoid(x) -> y",
    "dsigmoid_from_output(y) -> slope",
    "dsigmoid(x) -> slope",
    level="core",
    minutes=7,
    without=LIBRARY,
    keeps_inputs=True,
)
def sigmoid(rng):
    """The sigmoid, safe at any number, and its slope without a second exp.

    Autograd's slope is compared to 1e-5 only: below -45 it is 0 behind the right formula with a clamp at -80, since
    autograd squares 1 / (1 + exp(-x)), and the square is too small for float32.
    """

    def forward(x: Tensor, because: str, shown: str | None = None, **tolerance: float) -> Case:
        return Case((x,), expected=torch.sigmoid(x), because=because, shown=shown, **tolerance)

    def both_ways(x: Tensor, because: str, shown: str | None = None) -> Case:
        return Case((x,), via=followed, expected=followed(torch.sigmoid, x), because=because, shown=shown)

    def from_output(y: Tensor, shown: str | None = None) -> Case:
        expected = slope_of(torch.sigmoid, torch.logit(y.double()))  # infinite at 0 and at 1, where the slope is 0
        because = "y is the sigmoid's result already; all that the slope needs is in it"
        return Case((y,), call="dsigmoid_from_output", expected=expected.to(y), because=because, shown=shown)

    def at(x: Tensor, shown: str | None = None, **tolerance: float) -> Case:
        because = "first the sigmoid at x, then the slope from what it gives"
        expected = slope_of(torch.sigmoid, x)
        return Case((x,), call="dsigmoid", expected=expected, because=because, shown=shown, **tolerance)

    with part("by hand, and any shape", points=1):
        for numbers in ([0.0], [LN3], [-LN3, 0.0, LN3]):
            yield forward(torch.tensor(numbers), "exp(-ln 3) is 1/3, so the sigmoid of ln 3 = 1.0986 is 1 / (1 + 1/3)")
        for shape in ((), (2, 3), (3, 1, 2)):
            yield forward(randn(rng, *shape, scale=3.0), "each number by itself", f"x of shape {shape}")
        because = "float64 comes in, float64 goes out"
        yield forward(doubles(rng, 4), because, "x of 4 float64 numbers", rtol=0, atol=1e-12)
    with part("far out", points=1):
        ends = "float32 has no number for exp(1000), and none is needed"
        for numbers in ([1000.0, -1000.0], [100.0, -100.0, 0.0]):
            yield forward(torch.tensor(numbers), ends)
        small = "far to the left the sigmoid is small, and never 0: it is nearly exp(x), and a loss takes its log"
        for numbers in ([-20.0], [-30.0, -20.0]):
            yield forward(torch.tensor(numbers), small, rtol=1e-3, atol=1e-18)
        below = torch.from_numpy(rng.uniform(-35, -18, size=3)).float()
        yield forward(below, small, "x of 3 numbers from -35 to -18", rtol=1e-3, atol=1e-18)
        for numbers in ([-50.0], [-79.0]):
            yield forward(torch.tensor(numbers), small, rtol=1e-3, atol=0)
        further = torch.from_numpy(rng.uniform(-79, -45, size=3)).float()
        yield forward(further, small, "x of 3 numbers from -79 to -45", rtol=1e-3, atol=0)
    with part("autograd follows", points=1):
        yield both_ways(torch.tensor([LN3, -LN3]), "two branches are both differentiated, whichever is taken")
        for numbers in ([0.0], [0.0, LN3]):
            yield both_ways(torch.tensor(numbers), "the slope is greatest at 0; PyTorch gives abs the slope 0 there")
        zero = "0 times infinity is NaN, in the branch that is not taken as well"
        for numbers in ([-1000.0, 1000.0], [-100.0, 100.0], [-200.0, 3.0]):
            yield both_ways(torch.tensor(numbers), zero)
        far = torch.from_numpy(rng.uniform(-400, -100, size=3)).float()
        yield both_ways(far, zero, "x of 3 numbers from -400 to -100")
        yield both_ways(randn(rng, 2, 3, scale=2.0), "each number by itself", "x of shape (2, 3)")
    with part("slope from the output", points=1):
        for numbers in ([0.5], [0.75, 0.25], [0.0, 1.0]):
            yield from_output(torch.tensor(numbers))
        for shape in ((3,), (2, 4)):
            yield from_output(torch.from_numpy(rng.uniform(0.01, 0.99, size=shape)).float(), f"y of shape {shape}")
    with part("slope at x", points=1):
        for numbers in ([0.0], [LN3, -LN3], [-1000.0, 1000.0], [-100.0, 2.0]):
            yield at(torch.tensor(numbers))
        for shape in ((3,), (2, 4)):
            yield at(randn(rng, *shape, scale=2.0), f"x of shape {shape}")
        for numbers in ([-50.0], [-79.0], [-65.0, -79.0]):
            yield at(torch.tensor(numbers), rtol=1e-3, atol=0)


def safe(x: Tensor) -> Tensor:
    """A right sigmoid, for the mistakes to change one thing in."""
    return 1 / (1 + torch.exp(-x.clamp(min=-80)))


@mistake(
    sigmoid,
    "1 / (1 + exp(-x)) as it stands, where exp overflows for a large negative x",
    ask="exp(1000) is infinite, and 1 divided by it is 0. What does autograd meet on the way back: 0 times what?",
    look="the exp: its argument must never be large. Print torch.exp(torch.tensor(89.)).",
)
def _(x):
    return 1 / (1 + torch.exp(-x))


@mistake(
    sigmoid,
    "exp(x) / (1 + exp(x)), where exp overflows for a large positive x",
    ask="At x = 1000, what is divided by what?",
    look="the exp: which of exp(x) and exp(-x) is safe, and for which x?",
)
def _(x):
    return torch.exp(x) / (1 + torch.exp(x))


@mistake(
    sigmoid,
    "two formulas behind one torch.where, which computes both for every x",
    ask="torch.where picks one of two results. On the way back, what comes from the one that it did not pick?",
    look="the arguments of both exps: give each only numbers that it can bear, with a clamp, or with a mask.",
)
def _(x):
    return torch.where(x >= 0, 1 / (1 + torch.exp(-x)), torch.exp(x) / (1 + torch.exp(x)))


@mistake(
    sigmoid,
    "a sigmoid of abs(x), which autograd finds flat at 0",
    ask="The sigmoid is steepest at 0. Which slope does autograd give torch.abs at 0, and what becomes of yours?",
    look="abs: what else keeps the argument of exp from growing, and has a slope at 0?",
)
def _(x):
    share = torch.exp(-x.abs())
    return torch.where(x >= 0, 1, share) / (1 + share)


@mistake(
    sigmoid,
    "a clamp at 500, which is late for float32",
    ask="Your clamp lets exp(500) happen. What is the largest number that float32 can hold?",
    look="the limit of the clamp: float32 ends at exp(88.7), float64 at exp(709).",
)
def _(x):
    return 1 / (1 + torch.exp(-x.clamp(min=-500)))


@mistake(
    sigmoid,
    "a clamp that comes early: all that lies further to the left becomes the same",
    ask="Print yours at x = -30, -50 and -79. Which of them are nearly exp(x)?",
    look="the limit of the clamp: float32 can hold exp(88), so nothing need be clamped before 80.",
)
def _(x):
    return 1 / (1 + torch.exp(-x.clamp(-40, 40)))


@mistake(
    sigmoid,
    "1 less the sigmoid of -x, which loses what is small",
    ask="The sigmoid of -20 is 0.000000002. Which float32 number lies nearest to 1 - 0.000000002?",
    look="the difference with 1: for negative x the share itself can be computed, exp(x) / (1 + exp(x)).",
)
def _(x):
    return 1 - safe(-x)


@mistake(
    sigmoid,
    "exp(+x) in the denominator",
    ask="A large x should give nearly 1. What does yours give?",
    look="the sign inside exp.",
)
def _(x):
    return safe(-x)


@mistake(
    sigmoid,
    "1 / 1 + exp(-x), where the division comes first",
    ask="At x = 0, is 1 / 1 + 1 the half that you want?",
    look="the brackets: what is the whole denominator?",
)
def _(x):
    return 1 / 1 + torch.exp(-x)


@mistake(
    sigmoid,
    "1 - y²",
    call="dsigmoid_from_output",
    ask="At y = 0.5 the slope is 0.25. What is yours?",
    look="the formula: 1 - y² is the slope of tanh.",
)
def _(y):
    return 1 - y**2


@mistake(
    sigmoid,
    "a y that goes through the sigmoid once more",
    call="dsigmoid_from_output",
    ask="y = 1 is where the curve is flat. Which slope do you return there, and at which x is it the slope?",
    look="what comes in: y is f(x) already, so nothing is left to be squeezed.",
)
def _(y):
    return safe(y) * (1 - safe(y))


@mistake(
    sigmoid,
    "1 - y, without the factor y",
    call="dsigmoid_from_output",
    ask="Far to the left y is 0 and the curve is flat. Which slope do you return there?",
    look="the product: it has two factors, and one of them is y.",
)
def _(y):
    return 1 - y


@mistake(
    sigmoid,
    "y (y - 1), which is negative",
    call="dsigmoid_from_output",
    ask="The sigmoid rises everywhere. Which sign has a slope then?",
    look="the order of the difference.",
)
def _(y):
    return y * (y - 1)


@mistake(
    sigmoid,
    "a slope formula that is fed with x in place of f(x)",
    call="dsigmoid",
    ask="At x = 0 the slope is 0.25. Which number must go into y (1 - y) to give that, and which one do you hand it?",
    look="what you hand to dsigmoid_from_output: an output of the sigmoid, as its name says.",
)
def _(x):
    return x * (1 - x)


@mistake(
    sigmoid,
    "the height of the curve in place of its slope",
    call="dsigmoid",
    ask="At x = 1000 the curve is flat. Which slope do you return there?",
    look="the last step: the sigmoid's result is what the slope is made of, not the slope.",
)
def _(x):
    return safe(x)


@mistake(
    sigmoid,
    "the slope of a sigmoid whose clamp comes early",
    call="dsigmoid",
    ask="Print yours at x = -30, -50 and -79. Which of them are nearly exp(x)?",
    look="the sigmoid that you make the slope of: is it right far to the left?",
)
def _(x):
    y = 1 / (1 + torch.exp(-x.clamp(-40, 40)))
    return y * (1 - y)


@mistake(
    sigmoid,
    "exp(-x) / (1 + exp(-x))², where exp overflows for a large negative x",
    call="dsigmoid",
    ask="At x = -1000, what is divided by what?",
    look="the exp: with f(x) at hand the slope needs none of its own.",
)
def _(x):
    return torch.exp(-x) / (1 + torch.exp(-x)) ** 2
