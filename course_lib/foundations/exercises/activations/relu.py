"""ReLU and its slope, at 0, at infinity and at what is no number."""

import torch
from torch import Tensor

from course_lib.exercises import Case, exercise, mistake, part, randn
from course_lib.foundations.exercises.activations.common import doubles, slope_of

INF, NAN = float("inf"), float("nan")
LIBRARY = (  # ReLU itself, and its kin that become it with one setting
    *("relu", "relu_", "relu6", "_threshold", "threshold", "threshold_", "threshold_backward", "hardtanh", "hardtanh_"),
    *("leaky_relu", "leaky_relu_", "prelu", "rrelu", "rrelu_"),
)


@exercise(
    "foundations.activation.relu",
    "relu(x) -> y",
    "drelu(x) -> slope",
    level="core",
    minutes=4,
    without=LIBRARY,
    keeps_inputs=True,
)
def relu(rng):
    """ReLU and its slope, with what happens at 0 and beyond all numbers.

    At NaN the slope is not asked for: autograd's answer there depends on how ReLU was spelled.
    """

    def forward(x: Tensor, because: str, shown: str | None = None, **tolerance: float) -> Case:
        return Case((x,), expected=torch.relu(x), because=because, shown=shown, **tolerance)

    def slope(x: Tensor, because: str, shown: str | None = None) -> Case:
        return Case((x,), call="drelu", expected=slope_of(torch.relu, x), because=because, shown=shown)

    with part("by hand, and any shape", points=1):
        kept = "what is positive stays as it is, however large; all else becomes 0"
        for numbers in ([2.0], [-1.0, 0.0, 3.0], [-0.25, 1000.0]):
            yield forward(torch.tensor(numbers), kept)
        for shape in ((), (2, 3), (3, 1, 4)):
            yield forward(randn(rng, *shape, scale=5.0), kept, f"x of shape {shape}")
        yield forward(doubles(rng, 6), "float64 comes in, float64 goes out", "x of 6 float64 numbers", rtol=0, atol=0)
    with part("infinity and NaN", points=1):
        for numbers in ([-INF], [-INF, INF]):
            yield forward(torch.tensor(numbers), "0 times infinity is no number; choosing 0 is safer than multiplying")
        for numbers in ([NAN], [NAN, -2.0]):
            yield forward(torch.tensor(numbers), "no comparison with NaN is true: x > 0 is false, and so is x <= 0")
    with part("the slope", points=1):
        for numbers in ([2.0], [-1.0, 3.0], [-0.25, 0.001, 50.0]):
            yield slope(torch.tensor(numbers), "1 where x comes through, 0 where it does not")
        for shape in ((3,), (2, 4)):
            yield slope(randn(rng, *shape, scale=5.0), "each number by itself", f"x of shape {shape}")
    with part("the slope at 0 and at infinity", points=1):
        for numbers in ([0.0], [-1.0, 0.0, 1.0], [-0.0, 2.0]):
            yield slope(torch.tensor(numbers), "at 0 there is no slope, only a convention: the case x ≤ 0 has it")
        for numbers in ([INF, -INF], [-INF, 0.0]):
            yield slope(torch.tensor(numbers), "infinity is greater than 0 too")


@mistake(
    relu,
    "x * (x > 0), which turns -inf into NaN",
    ask="What is 0 times infinity, on paper and in PyTorch?",
    look="the product with the mask: choose between x and 0, and multiply nothing.",
)
def _(x):
    return x * (x > 0)


@mistake(
    relu,
    "a choice by x > 0, which turns NaN into 0",
    ask="A NaN says that something went wrong in an earlier layer. Where would anybody see it behind your ReLU?",
    look="the condition: no comparison with NaN is true. Into which branch does NaN fall, and which should it take?",
)
def _(x):
    return torch.where(x > 0, x, 0)


@mistake(
    relu,
    "an upper clipping at 1",
    ask="How large may a ReLU's result become?",
    look="the upper limit: ReLU has none.",
)
def _(x):
    return x.clamp(0, 1)


@mistake(
    relu,
    "an upper clipping at 6, as in ReLU6",
    ask="What is your result at x = 1000?",
    look="the upper limit: ReLU has none.",
)
def _(x):
    return x.clamp(0, 6)


@mistake(
    relu,
    "min(0, x), which keeps the other half",
    ask="At x = 3, which of 0 and 3 do you take?",
    look="min and max, or the < and >.",
)
def _(x):
    return x.clamp(max=0)


@mistake(
    relu,
    "abs(x)",
    ask="What should become of -1: 0 or 1?",
    look="the negative side: it is cut off, not folded up.",
)
def _(x):
    return x.abs()


@mistake(
    relu,
    "a ReLU that writes its zeros into x",
    ask="The caller looks at x again after your function has run. Which numbers are gone?",
    look="x[...] = 0, or a name that ends in _: make a new tensor.",
)
def _(x):
    x[x < 0] = 0
    return x


@mistake(
    relu,
    "a step: 1 where x is positive",
    ask="At x = 3, how much should come through?",
    look="what you return for positive x: x itself, not whether it is positive.",
)
def _(x):
    return (x > 0).to(x.dtype)


@mistake(
    relu,
    "a slope of 1 at 0",
    call="drelu",
    ask="In which of the two cases of the formula does x = 0 stand?",
    look="the comparison: > or >= ?",
)
def _(x):
    return (x >= 0).to(x.dtype)


@mistake(
    relu,
    "a slope of one half at 0",
    call="drelu",
    ask="One half is the mean of both sides. Which of the two cases of the formula holds x = 0?",
    look="what your slope is made of: sign(x) is 0 at 0, and abs has no slope there.",
)
def _(x):
    return (x.sign() + 1) / 2


@mistake(
    relu,
    "the height of the curve in place of its slope",
    call="drelu",
    ask="From x = 3 to x = 4, by how much does ReLU rise?",
    look="what you return for positive x: how fast ReLU grows there, not how large it is.",
)
def _(x):
    return x.clamp(min=0)


@mistake(
    relu,
    "a slope of -1 on the left",
    call="drelu",
    ask="Between x = -2 and x = -1, by how much does ReLU rise or fall?",
    look="the negative side: ReLU is flat there, and what is flat has the slope 0.",
)
def _(x):
    return x.sign()


@mistake(
    relu,
    "a slope of 1 everywhere",
    call="drelu",
    ask="Between x = -2 and x = -1, by how much does ReLU rise?",
    look="the negative side: ReLU is flat there.",
)
def _(x):
    return torch.ones_like(x)


@mistake(
    relu,
    "relu(x) / x, which is 0 / 0 at 0",
    call="drelu",
    ask="What is divided by what at x = 0?",
    look="the division: whether x is positive can be asked without one.",
)
def _(x):
    return x.clamp(min=0) / x
