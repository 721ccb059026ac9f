"""The mistakes that `quantise` and `prune` are known for."""

from collections.abc import Callable

import torch

from course_lib.exercises import mistake
from course_lib.foundations.exercises.cost.efficiency import efficiency, pruned, quantised


def known(call: str) -> Callable:
    """Declare mistakes in one of the functions."""

    def declare(name: str, *, ask: str, look: str) -> Callable[[Callable], Callable]:
        return mistake(efficiency, name, call=call, ask=ask, look=look)

    return declare


quantising, pruning = known("quantise"), known("prune")


@quantising(
    "a grid from the smallest to the largest number, on which 0 need not lie",
    ask="With weights of 0, 0.4 and 1 your grid is fine. And with weights of -3, 0 and 2?",
    look="where the grid begins: at 0, and from there the same steps to either side.",
)
def _(w, bits):
    low, high = w.min(), w.max()
    step = (high - low) / (2**bits - 1)
    return torch.where(step > 0, low + torch.round((w - low) / step) * step, w)


@quantising(
    "a grid from the smallest to the largest number, on which 0 need not lie",
    ask="With weights of 0, 0.4 and 1 your grid is fine. And with weights of -3, 0 and 2?",
    look="where the grid begins: at 0, and from there the same steps to either side.",
)
def _(w, bits):
    low, high = w.min(), w.max()
    step = (high - low) / (2**bits - 1)
    return low + torch.round((w - low) / step) * step


@quantising(
    "a grid from -max to max in 2^bits levels, which steps over 0",
    ask="An even number of levels, as many below 0 as above. Which of them is 0?",
    look="the number of steps: an odd number of levels has one in the middle.",
)
def _(w, bits):
    largest = w.abs().max()
    step = 2 * largest / (2**bits - 1)
    return torch.where(step > 0, torch.round((w + largest) / step) * step - largest, 0.0)


@quantising(
    "2^(bits-1) steps to either side, which are too many levels",
    ask="With 3 bits you have the codes -4 to 4. How many are they, and how many can 3 bits tell apart?",
    look="the number of steps: one less on either side.",
)
def _(w, bits):
    return quantised(w, bits, levels=lambda bits: 2 ** (bits - 1))


@quantising(
    "2^bits - 1 steps to either side, twice as many as there are bits for",
    ask="With 3 bits you have the codes -7 to 7. How many are they, and how many can 3 bits tell apart?",
    look="the number of steps: one bit goes to the sign.",
)
def _(w, bits):
    return quantised(w, bits, levels=lambda bits: 2**bits - 1)


@quantising(
    "decimals cut off, not rounded",
    ask="0.9 of a step: which multiple is nearest?",
    look="int, trunc or floor: the error must not be larger than half a step.",
)
def _(w, bits):
    return quantised(w, bits, whole=torch.trunc)


@quantising(
    "decimals rounded down",
    ask="0.9 of a step: which multiple is nearest?",
    look="int, trunc or floor: the error must not be larger than half a step.",
)
def _(w, bits):
    return quantised(w, bits, whole=torch.floor)


@quantising(
    "the largest number, not the largest in size",
    ask="The weights are -2.1 and 1.3. Which of them decides how long the grid is?",
    look="max: abs comes before it.",
)
def _(w, bits):
    return quantised(w, bits, size=lambda w: w.max())


@quantising(
    "0 / 0, where all weights are 0",
    ask="All weights are 0. How large is your step, and what do you divide by it?",
    look="the case of a step of 0: it needs a line of its own.",
)
def _(w, bits):
    step = w.abs().max() / (2 ** (bits - 1) - 1)
    return torch.round(w / step) * step


@quantising(
    "codes, not weights",
    ask="A layer is to work with what you return. How large are its weights?",
    look="the end: a code times the step is a weight again.",
)
def _(w, bits):
    step = w.abs().max() / (2 ** (bits - 1) - 1)
    return torch.where(step > 0, torch.round(w / step), 0.0)


@quantising(
    "a step for each row",
    ask="How many steps does your grid have, and how many should it?",
    look="dim: one step for all of w. One for each row is finer, and another method.",
)
def _(w, bits):
    return quantised(w, bits, size=lambda w: w.abs().amax(dim=-1, keepdim=True))


@quantising(
    "decimals that are rounded, one for each bit",
    ask="With 2 bits you have 0.37 and 0.38. How many levels are there between 0 and 1?",
    look="round: bits count levels, not decimals.",
)
def _(w, bits):
    return torch.round(w, decimals=bits)


# ------------------------------------------------------------------------------------------------------------ pruning


@pruning(
    "the lowest numbers pruned, not the smallest in size",
    ask="-3 and 0.1: which of them does a unit miss less?",
    look="what you sort by: abs.",
)
def _(w, fraction):
    return pruned(w, fraction, order=lambda w: w)


@pruning(
    "the largest in size pruned",
    ask="-3 and 0.1: which of them does a unit miss less?",
    look="the direction in which you sort, or the comparison with the threshold.",
)
def _(w, fraction):
    return pruned(w, fraction, order=lambda w: -w.abs())


@pruning(
    "a fraction kept, not pruned",
    ask="fraction = 0.75: how many of 100 numbers are left?",
    look="which side of the cut becomes 0.",
)
def _(w, fraction):
    return pruned(w, 1 - fraction)


@pruning(
    "a count that is cut off, not rounded",
    ask="What is 0.29 * 100 in Python, and int of it?",
    look="int: round brings the nearest whole number.",
)
def _(w, fraction):
    return pruned(w, fraction, whole=int)


@pruning(
    "a quantile as threshold, and what is equal to it goes too",
    ask="fraction = 0: how many of your numbers go? And if all are equal in size?",
    look="the comparison: count the numbers, do not compare them.",
)
def _(w, fraction):
    return torch.where(w.abs() > w.abs().quantile(fraction), w, 0.0)


@pruning(
    "a quantile as threshold, and what is equal to it stays",
    ask="fraction = 1: how many of your numbers stay? And if all are equal in size?",
    look="the comparison: count the numbers, do not compare them.",
)
def _(w, fraction):
    return torch.where(w.abs() >= w.abs().quantile(fraction), w, 0.0)


@pruning(
    "a threshold at the last number that goes, with all that equal it",
    ask="All numbers are equal in size. How many go?",
    look="the comparison: sort the places, and set the first ones to 0.",
)
def _(w, fraction):
    count, sizes = round(fraction * w.numel()), w.abs().flatten().sort().values
    return torch.where(w.abs() <= sizes[count - 1], w, 0.0).sub(w).neg() if count else w


@pruning(
    "a threshold at the first number that stays, where those that equal it stay too",
    ask="All numbers are equal in size. How many go?",
    look="the comparison: sort the places, and set the first ones to 0.",
)
def _(w, fraction):
    count, sizes = round(fraction * w.numel()), w.abs().flatten().sort().values
    return torch.where(w.abs() >= sizes[count], w, 0.0) if count < w.numel() else torch.zeros_like(w)


@pruning(
    "a threshold at a fraction of the largest",
    ask="Of ten numbers one is 100 and nine are 1. How many are below half of the largest?",
    look="the threshold: a fraction of the count, not of the size.",
)
def _(w, fraction):
    return torch.where(w.abs() > fraction * w.abs().max(), w, 0.0)


@pruning(
    "a fraction of each row",
    ask="One row has small numbers, another large ones. Which row loses more of them?",
    look="dim: all numbers of w are in one queue.",
)
def _(w, fraction):
    if w.dim() < 2:
        return pruned(w, fraction)
    return torch.stack([pruned(row, fraction) for row in w])


@pruning(
    "what is left, without the zeros",
    ask="A layer is to work with what you return. Which shape has its weight?",
    look="the shape: a weight that is pruned is 0, and stands where it stood.",
)
def _(w, fraction):
    left = pruned(w, fraction)
    return left[left != 0]


@pruning(
    "a mask, not the weights that are left",
    ask="A weight of 2 stays. Which number stands in its place?",
    look="what you return: the mask times w.",
)
def _(w, fraction):
    return (pruned(w, fraction) != 0).float()
