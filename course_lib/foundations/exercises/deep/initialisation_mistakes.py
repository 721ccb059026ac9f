"""The mistakes that `xavier_` and `he_` are known for: in the formula, and in how a weight is written into."""

from collections.abc import Callable
from functools import partial
from math import prod, sqrt

import torch
from torch import Tensor

from course_lib.exercises import mistake
from course_lib.foundations.exercises.deep.initialisation import (
    RULES,
    fans,
    he_variance,
    initialisation,
    xavier_variance,
)

of_xavier = partial(mistake, initialisation, call="xavier_")
of_he = partial(mistake, initialisation, call="he_")


def of_both(name: str, *, ask: str, look: str) -> Callable[[Callable], Callable]:
    """Declare a mistake that either may make; what is decorated takes w and the variance for its shape."""

    def declare(run: Callable) -> Callable:
        for call, (variance, _) in RULES.items():

            def of_one(w: Tensor, variance=variance):
                return run(w, variance)

            mistake(initialisation, f"{call} {name}", call=call, ask=ask, look=look)(of_one)
        return run

    return declare


@torch.no_grad()
def normal_(w: Tensor, variance: float) -> Tensor:
    """w, filled with normal numbers around 0."""
    return w.normal_(0, sqrt(variance))


@of_both(
    "with the variance used as the standard deviation",
    ask="Print the variance of w beside the variance that you wanted. How are the two related?",
    look="the line that draws: does it want a variance, or a standard deviation?",
)
def _(w, variance):
    return normal_(w, variance(w.shape) ** 2)


@of_both(
    "with the kernel's area left out",
    ask="In a convolution with 3 × 3 kernels and 16 input channels, how many products make one output?",
    look="what you do with w.shape[2:].",
)
def _(w, variance):
    return normal_(w, variance(w.shape[:2]))


@of_both(
    "with uniform numbers that reach as far as one standard deviation, and no further",
    ask="Uniform numbers between -a and a: what is their variance?",
    look="the limits of the draw: to have a deviation, it must reach further than that deviation.",
)
@torch.no_grad()
def _(w, variance):
    limit = sqrt(variance(w.shape))
    return w.uniform_(-limit, limit)


@of_both(
    "with numbers drawn from 0 upwards",
    ask="What is the mean of your numbers, and what comes of a sum of 200 of them?",
    look="torch.rand: it draws between 0 and 1. Where should the middle be?",
)
@torch.no_grad()
def _(w, variance):
    return w.uniform_(0, 1).mul_(sqrt(variance(w.shape)))


@of_both(
    "with a tensor of its own in place of w",
    ask="The caller looks at w after your function has run. Which numbers stand there?",
    look="the line with the =: it gives a name to a new tensor. What writes into the old one?",
)
def _(w, variance):
    return torch.randn(w.shape) * sqrt(variance(w.shape))


@of_both(
    "with a product of what stood in w before",
    ask="A new tensor may hold anything. Where does chance come into yours?",
    look="what your function does with the old numbers: it should not need them.",
)
@torch.no_grad()
def _(w, variance):
    return w.mul_(sqrt(variance(w.shape)))


@of_both(
    "with writing that autograd watches",
    ask="A layer's weight asks for gradients. Should autograd remember how it was filled?",
    look="the line that writes into w: which context tells autograd to look away?",
)
def _(w, variance):
    return w.normal_(0, sqrt(variance(w.shape)))


@of_both(
    "with weights that no longer ask for gradients",
    ask="Print w.requires_grad before and after. Who needs it to be True?",
    look="requires_grad: autograd can look away for a moment without being switched off for good.",
)
def _(w, variance):
    return w.requires_grad_(False).normal_(0, sqrt(variance(w.shape)))


@of_both(
    "with a seed of its own",
    ask="Fill two weights of the same shape. What have they in common?",
    look="the line that sets the seed: that is for whoever calls you to do, once, before all layers.",
)
def _(w, variance):
    torch.manual_seed(0)
    return normal_(w, variance(w.shape))


@of_both(
    "with the same row for every unit",
    ask="Two units with the same weights: what tells their gradients apart?",
    look="how many numbers are drawn, and how many w holds.",
)
@torch.no_grad()
def _(w, variance):
    return w.copy_(torch.randn(w.shape[1:]) * sqrt(variance(w.shape)))


@of_xavier(
    "xavier_ with a variance of 1 / (fan_in + fan_out)",
    ask="1 / fan_in suits the way there and 1 / fan_out the way back. If both fans are 100, what is half-way between?",
    look="the numerator: Xavier divides by the mean of the two fans, not by their sum.",
)
def _(w):
    return normal_(w, 1 / sum(fans(w.shape)))


@of_xavier(
    "xavier_ with the limit of a uniform draw as a standard deviation",
    ask="Uniform numbers between -a and a have a variance of a² / 3. And normal ones of standard deviation a?",
    look="the 6 under the root: it belongs to a uniform draw.",
)
def _(w):
    return normal_(w, 6 / sum(fans(w.shape)))


@of_xavier(
    "xavier_ with a variance of 2 / fan_in, which is He's",
    ask="In your formula, what speaks for the gradients on their way back?",
    look="the denominator: which of the two fans is missing?",
)
def _(w):
    return normal_(w, he_variance(w.shape))


@of_xavier(
    "xavier_ with a variance of 1 / fan_in, which is for the way there alone",
    ask="In your formula, what speaks for the gradients on their way back?",
    look="the denominator: which of the two fans is missing?",
)
def _(w):
    return normal_(w, 1 / fans(w.shape)[0])


@of_xavier(
    "xavier_ with the kernel's area in fan_in, and not in fan_out",
    ask="In a convolution with 3 × 3 kernels and 8 output channels, into how many outputs does one pixel go?",
    look="fan_out: every place of the kernel comes to lie on each pixel once.",
)
def _(w):
    return normal_(w, 2 / (fans(w.shape)[0] + len(w)))


@of_he(
    "he_ with fan_out in the place of fan_in",
    ask="A dense w of shape (300, 200): of how many numbers is one output the sum?",
    look="which of the two sizes of w you divide by: PyTorch keeps one row a unit.",
)
def _(w):
    return normal_(w, 2 / fans(w.shape)[1])


@of_he(
    "he_ with a variance of 1 / fan_in, for which there is no ReLU",
    ask="ReLU cuts off the negative half of its sums. What is left of their mean square?",
    look="the numerator: what ReLU will take away has to be given beforehand.",
)
def _(w):
    return normal_(w, 1 / fans(w.shape)[0])


@of_he(
    "he_ with the 2 outside the root",
    ask="Square your standard deviation. Which variance is that?",
    look="what stands under the root.",
)
def _(w):
    return normal_(w, 4 / fans(w.shape)[0])


@of_he(
    "he_ with a variance of 2 / (fan_in + fan_out), which is Xavier's",
    ask="A unit adds up so many products. Which of the two fans counts them?",
    look="the denominator: one fan is enough here.",
)
def _(w):
    return normal_(w, xavier_variance(w.shape))


@of_he(
    "he_ with the fan of all of w's numbers",
    ask="A dense w of shape (300, 200) holds 60000 numbers. How many of them meet in one output?",
    look="numel: it counts the weights of all units together.",
)
def _(w):
    return normal_(w, 2 / prod(w.shape))
