"""Leaky ReLU and ELU: two activations that leave a slope on the left."""

import torch
from torch import Tensor
from torch.nn import functional as F

from course_lib.exercises import Case, exercise, mistake, part, randn
from course_lib.foundations.exercises.activations.common import followed

LIBRARY = (
    *("leaky_relu", "leaky_relu_", "prelu", "rrelu", "rrelu_"),
    *("elu", "elu_", "celu", "celu_", "selu", "selu_"),
)
ORIGINAL = {"leaky_relu": F.leaky_relu, "elu": F.elu}
WEIGHT = {"leaky_relu": "slope", "elu": "alpha"}  # the second argument of each
WEIGHTS = {"leaky_relu": (0.1, 0.5, 0.3), "elu": (1.0, 2.0, 1.5)}
HAND = {"leaky_relu": [-2.0, 0.0, 3.0], "elu": [-0.6931472, 0.0, 3.0]}  # exp(-ln 2) is 1/2


@exercise(
    "foundations.activation.choice",
    "leaky_relu(x, slope) -> y",
    "elu(x, alpha) -> y",
    level="more",
    minutes=6,
    without=LIBRARY,
    keeps_inputs=True,
)
def choice(rng):
    """Leaky ReLU (Maas et al. 2013) and ELU (Clevert et al. 2016) from scratch.

    The slope at exactly 0 is not asked for: both functions have a kink there, and right spellings differ.
    """

    def words(call: str, weight: float, x: str | None) -> str | None:
        return x and f"{x}, {WEIGHT[call]}={weight}"

    def forward(call: str, x: Tensor, weight: float, because: str, shown: str | None = None, **tolerance) -> Case:
        expected = ORIGINAL[call](x, weight)
        shown = words(call, weight, shown)
        return Case((x, weight), call=call, expected=expected, because=because, shown=shown, **tolerance)

    def both_ways(call: str, x: Tensor, weight: float, because: str, shown: str | None = None) -> Case:
        expected = followed(ORIGINAL[call], x, weight)
        shown = words(call, weight, shown)
        return Case((x, weight), call=call, via=followed, expected=expected, because=because, shown=shown, atol=1e-7)

    for call, title in (("leaky_relu", "leaky ReLU"), ("elu", "ELU")):
        with part(title, points=1):
            sides = "which side is changed, and by how much?"
            for weight in WEIGHTS[call][:2]:
                yield forward(call, torch.tensor(HAND[call]), weight, sides)
            for shape, weight in zip(((), (5,), (2, 3)), WEIGHTS[call], strict=True):
                yield forward(call, randn(rng, *shape, scale=2.0), weight, sides, f"x of shape {shape}")
    with part("no jump at 0", points=1):
        for call, weights in WEIGHTS.items():
            for near, weight in ((0.001, weights[1]), (0.0005, weights[2])):
                because = "from the left and from the right, the curve must come to the same height at 0"
                yield forward(call, torch.tensor([-near, 0.0, near]), weight, because, atol=1e-6)
    with part("a slope for autograd", points=1):
        for call, weights in WEIGHTS.items():
            for numbers, weight in zip(([1000.0, -1000.0], [100.0, -2.0], [200.0]), weights, strict=True):
                because = "0 times infinity is NaN, in the branch that is not taken as well"
                yield both_ways(call, torch.tensor(numbers), weight, because)
            because = "a unit whose sums lie near -30 has slope 0 with ReLU, and can learn only by what you leave there"
            yield both_ways(call, randn(rng, 4) - 30, weights[0], because, "x of 4 numbers around -30")
            yield both_ways(call, randn(rng, 2, 3), weights[2], "each number by itself", "x of shape (2, 3)")


@mistake(
    choice,
    "a leak on the positive side",
    ask="At x = 3, how much should come through?",
    look="the condition, or the order behind it: which side does ReLU cut off?",
)
def _(x, slope):
    return torch.where(x > 0, slope * x, x)


@mistake(
    choice,
    "a leak on both sides",
    ask="At x = 3, how much should come through?",
    look="the positive side: there x stays as it is.",
)
def _(x, slope):
    return slope * x


@mistake(
    choice,
    "ReLU, without the leak",
    ask="At x = -2, how much should come through?",
    look="the negative side.",
)
def _(x, slope):
    return x.clamp(min=0)


@mistake(
    choice,
    "a leak that goes up on the left",
    ask="From x = -2 to x = -1 a leaky ReLU rises. What does yours do?",
    look="the sign on the negative side.",
)
def _(x, slope):
    return torch.where(x > 0, x, -slope * x)


@mistake(
    choice,
    "a leak of 0.01, whatever slope is given",
    ask="What changes in your result when slope changes?",
    look="the negative side: the slope is an argument.",
)
def _(x, slope):
    return torch.where(x > 0, x, 0.01 * x)


@mistake(
    choice,
    "a jump at 0: one height, -slope, for all of the left",
    ask="How steep is your curve between x = -2 and x = -1?",
    look="the negative side: a slope is a factor of x, not a height.",
)
def _(x, slope):
    return torch.where(x > 0, x, -slope)


@mistake(
    choice,
    "a floor at -slope",
    ask="How steep is your curve between x = -2 and x = -1?",
    look="the clamp, or the max: below the floor the curve is as flat as ReLU's.",
)
def _(x, slope):
    return x.clamp(min=-slope)


@mistake(
    choice,
    "an exp of large positive x, which gives NaN gradients",
    call="elu",
    ask="At x = 1000 the left branch is not taken. Is it computed, and what is 0 times its slope?",
    look="the argument of exp: torch.where computes both branches, so let exp see no positive number.",
)
def _(x, alpha):
    return torch.where(x > 0, x, alpha * (torch.exp(x) - 1))


@mistake(
    choice,
    "a jump at 0: alpha exp(x), without the - 1",
    call="elu",
    ask="A little to the left of 0, how high is your curve?",
    look="the negative side at x = 0: exp(0) is 1, and the curve must be at 0.",
)
def _(x, alpha):
    return torch.where(x > 0, x, alpha * torch.exp(x.clamp(max=0)))


@mistake(
    choice,
    "a jump at 0: alpha exp(x) - 1, where alpha misses its bracket",
    call="elu",
    ask="With alpha = 2, how high is your curve a little to the left of 0?",
    look="the brackets: alpha stretches the whole difference.",
)
def _(x, alpha):
    return torch.where(x > 0, x, alpha * torch.exp(x.clamp(max=0)) - 1)


@mistake(
    choice,
    "exp(x) - 1, without alpha",
    call="elu",
    ask="Far to the left ELU comes down to -alpha. Where does yours come to?",
    look="the negative side: alpha is the depth of the curve.",
)
def _(x, alpha):
    return torch.where(x > 0, x, torch.exp(x.clamp(max=0)) - 1)


@mistake(
    choice,
    "an alpha inside the exp",
    call="elu",
    ask="Far to the left ELU comes down to -alpha. Where does yours come to?",
    look="the place of alpha: it multiplies the height, not x.",
)
def _(x, alpha):
    return torch.where(x > 0, x, torch.exp(alpha * x.clamp(max=0)) - 1)


@mistake(
    choice,
    "alpha (exp(x / alpha) - 1), which is CELU",
    call="elu",
    ask="Coming to 0 from the left, ELU has the slope alpha. Which slope has your curve there?",
    look="the division by alpha inside the exp: ELU has none.",
)
def _(x, alpha):
    return torch.where(x > 0, x, alpha * (torch.exp(x.clamp(max=0) / alpha) - 1))


@mistake(
    choice,
    "alpha on both sides",
    call="elu",
    ask="At x = 3, how much should come through?",
    look="the positive side: there x stays as it is.",
)
def _(x, alpha):
    return alpha * torch.where(x > 0, x, torch.exp(x.clamp(max=0)) - 1)


@mistake(
    choice,
    "a left side that is turned up",
    call="elu",
    ask="For negative x, is ELU above 0 or below?",
    look="the order of the difference: exp(x) is less than 1 there.",
)
def _(x, alpha):
    return torch.where(x > 0, x, alpha * (1 - torch.exp(x.clamp(max=0))))
