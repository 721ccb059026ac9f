"""The mistakes that `fit_scaler` and `apply_scaler` are known for: in what the numbers are taken of, and in the 0."""

import torch

from course_lib.exercises import mistake
from course_lib.foundations.exercises.pipeline.preprocessing import preprocessing


def wrong_fit(name: str, *, ask: str, look: str):
    """Declare a mistake of `fit_scaler`."""
    return mistake(preprocessing, name, call="fit_scaler", ask=ask, look=look)


def wrong_apply(name: str, *, ask: str, look: str):
    """Declare a mistake of `apply_scaler`."""
    return mistake(preprocessing, name, call="apply_scaler", ask=ask, look=look)


def one_for_zero(std: torch.Tensor) -> torch.Tensor:
    """The spread, safe to divide by."""
    return torch.where(std == 0, 1.0, std)


for eps in (0, 1e-6, 1e-5, 1e-3):

    @wrong_fit(
        "a spread of 0, or of almost 0, that is left to be divided by",
        ask="A feature is 5 in every training row, and 5.1 in a new one. What is 0.1, divided by your spread?",
        look="the constant features: where the spread is 0, put 1. A tiny number in its place makes a huge quotient.",
    )
    def _(x, eps=eps):
        return x.mean(dim=0), x.std(dim=0, correction=0) + eps


@wrong_fit(
    "a spread that divides by n - 1",
    ask="For 1 and 3 the mean is 2, and both are 1 away from it. What is your spread?",
    look="correction: torch.std divides by n - 1, unless it is told otherwise.",
)
def _(x):
    return x.mean(dim=0), one_for_zero(x.std(dim=0))


@wrong_fit(
    "a spread that divides by n - 1 and may be 0",
    ask="For 1 and 3 the mean is 2, and both are 1 away from it. What is your spread?",
    look="correction: torch.std divides by n - 1, unless it is told otherwise; then look at the constant features.",
)
def _(x):
    return x.mean(dim=0), x.std(dim=0)


@wrong_fit(
    "a mean and a spread for each row",
    ask="A row holds an age and an income. What is their common mean?",
    look="dim: the rows are what goes, and the features stay.",
)
def _(x):
    return x.mean(dim=1), one_for_zero(x.std(dim=1, correction=0))


@wrong_fit(
    "one mean and one spread for all of x",
    ask="One feature is a length in metres, another a weight in grams. What is their common mean?",
    look="mean and std without a dim: every feature needs its own.",
)
def _(x):
    return x.mean().expand(x.shape[1]), one_for_zero(x.std(correction=0)).expand(x.shape[1])


@wrong_fit(
    "a variance in place of the spread",
    ask="Lengths in metres: in which unit is your second row?",
    look="the root: the spread is the root of the variance.",
)
def _(x):
    return x.mean(dim=0), one_for_zero(x.var(dim=0, correction=0))


@wrong_fit(
    "the smallest value and the range",
    ask="Which number has mean 0 afterwards, and which range has a spread of 1?",
    look="min and max: what is asked for is mean and standard deviation.",
)
def _(x):
    return x.amin(dim=0), one_for_zero(x.amax(dim=0) - x.amin(dim=0))


@wrong_fit(
    "the spread first, and then the mean",
    ask="Whoever unpacks your result as mean, std: what do they get?",
    look="the order behind return.",
)
def _(x):
    return one_for_zero(x.std(dim=0, correction=0)), x.mean(dim=0)


@wrong_apply(
    "a scaler fitted anew on what it is applied to",
    ask="One new row comes in, alone. What is its own spread, and what did the training rows have to say about it?",
    look="mean and std: they are handed to you, and come from the training rows.",
)
def _(x, mean, std):
    return (x - x.mean(dim=0)) / one_for_zero(x.std(dim=0, correction=0))


@wrong_apply(
    "a scaler fitted anew on what it is applied to, with n - 1",
    ask="One new row comes in, alone. What is its own spread, and what did the training rows have to say about it?",
    look="mean and std: they are handed to you, and come from the training rows.",
)
def _(x, mean, std):
    return (x - x.mean(dim=0)) / x.std(dim=0)


@wrong_apply(
    "rows that are moved and not scaled",
    ask="Which spread has a training column afterwards, and which one should it have?",
    look="the division that is missing.",
)
def _(x, mean, std):
    return x - mean


@wrong_apply(
    "rows that are scaled and not moved",
    ask="Which mean has a training column afterwards, and which one should it have?",
    look="the difference that is missing.",
)
def _(x, mean, std):
    return x / std


@wrong_apply(
    "a difference with brackets in the wrong place",
    ask="x = 5, mean = 1, std = 2: what is divided first in yours?",
    look="the brackets: the whole difference is divided.",
)
def _(x, mean, std):
    return x - mean / std


@wrong_apply(
    "a product in place of the quotient",
    ask="A column with a spread of 100: which spread has it afterwards?",
    look="the operator between the difference and the spread.",
)
def _(x, mean, std):
    return (x - mean) * std


@wrong_apply(
    "the way back, from scaled to raw",
    ask="x = 5, mean = 1, std = 2: is it 2 spreads above the mean?",
    look="the formula: first take the mean away, then divide.",
)
def _(x, mean, std):
    return x * std + mean


@wrong_apply(
    "a division by the square of the spread",
    ask="x = 5, mean = 1, std = 2: how many spreads is it above the mean?",
    look="the power: std is no variance.",
)
def _(x, mean, std):
    return (x - mean) / std**2


@wrong_apply(
    "a division by the root of the spread",
    ask="x = 5, mean = 1, std = 2: how many spreads is it above the mean?",
    look="the root: std is no variance, it has been taken already.",
)
def _(x, mean, std):
    return (x - mean) / std.sqrt()
