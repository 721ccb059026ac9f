"""The mistakes that mini-batches are known for: in how an epoch is cut, in its order, and in the mean of a batch."""

from collections.abc import Callable, Iterable

import numpy as np
import torch

from course_lib.exercises import mistake
from course_lib.foundations.exercises.descent.common import gradient_of
from course_lib.foundations.exercises.descent.mini_batch import cut, minibatches


@mistake(
    minibatches,
    "a slice that takes its end in",
    ask="Batches 0 to 2 and 2 to 4, ends included: how many rows has each, and which row is in both?",
    look="the slice: order[i : i + m] leaves out its end, and so has m rows.",
)
def _(n, m, rng):
    order = rng.permutation(n)
    for start in range(0, n, m):
        yield order[start : start + m + 1]


@mistake(
    minibatches,
    "slices of m + 1 rows, side by side",
    ask="How many rows has your first batch?",
    look="the slice: order[i : i + m] leaves out its end, and so has m rows.",
)
def _(n, m, rng):
    yield from cut(rng.permutation(n), m + 1)


@mistake(
    minibatches,
    "a last short batch that is dropped",
    ask="Five rows in batches of two: which rows does your epoch never see?",
    look="the bound of the loop: n // m counts the full batches only.",
)
def _(n, m, rng):
    yield from (batch for batch in cut(rng.permutation(n), m) if len(batch) == m)


@mistake(
    minibatches,
    "rows in their own order, without a shuffle",
    ask="The rows of a file are sorted by their label. What does one of your batches hold?",
    look="where the order comes from: rng.permutation(n) draws one.",
)
def _(n, m, rng):
    yield from cut(np.arange(n), m)


@mistake(
    minibatches,
    "one shuffle, the same for every epoch",
    ask="Two epochs: how do their batches differ in yours?",
    look="the generator: who makes it, and how often? A new one with the same seed begins again.",
)
def _(n, m, rng):
    yield from cut(np.random.default_rng(0).permutation(n), m)


@mistake(
    minibatches,
    "batches in a new order, and in each of them the same rows as ever",
    ask="Rows 0 and 1: can they ever be in two different batches of yours?",
    look="what you shuffle: the rows, before they are cut into batches.",
)
def _(n, m, rng):
    batches = list(cut(np.arange(n), m))
    yield from (batches[k] for k in rng.permutation(len(batches)))


@mistake(
    minibatches,
    "an order that rng does not draw",
    ask="The same seed, twice: do you get the same epochs?",
    look="np.random, random or torch.randperm: they have a state of their own, and you were handed one.",
)
def _(n, m, rng):
    yield from cut(torch.randperm(n).numpy(), m)


def drawn_anew(draw: Callable[[int, int, np.random.Generator], Iterable]) -> Callable:
    """Declare a way to put rows back once they are drawn; each draws other rows from the same seed."""
    return mistake(
        minibatches,
        "rows that are drawn anew, some of them twice and some never",
        ask="In a hat with all rows: do you put a row back once it is drawn?",
        look="rng.choice or rng.integers: an epoch needs each row once.",
    )(draw)


@drawn_anew
def _(n, m, rng):
    for start in range(0, n, m):
        yield rng.choice(n, size=min(m, n - start))


@drawn_anew
def _(n, m, rng):
    for start in range(0, n, m):
        yield rng.choice(n, size=min(m, n - start), replace=False)


@drawn_anew
def _(n, m, rng):
    for _ in range(0, n, m):
        yield rng.integers(n, size=m)


@drawn_anew
def _(n, m, rng):
    for _ in range(0, n, m):
        yield rng.choice(n, size=m, replace=False)  # no number of rows suits m > n


@mistake(
    minibatches,
    "an empty batch at the end",
    ask="Four rows in batches of two: how many batches do you yield, and what is in the last one?",
    look="the bound of the loop: n // m + 1 is one too many where m divides n.",
)
def _(n, m, rng):
    order = rng.permutation(n)
    for start in range(0, n + 1, m):
        yield order[start : start + m]


@mistake(
    minibatches,
    "m batches, in place of batches of m rows",
    ask="Twelve rows and m = 4: how many rows has your first batch?",
    look="what m counts: rows of a batch, not batches of an epoch.",
)
def _(n, m, rng):
    yield from np.array_split(rng.permutation(n), m)


@mistake(
    minibatches,
    "the first batch alone",
    ask="How many batches come before your function ends?",
    look="`return` in the loop: it ends the function, `yield` goes on.",
)
def _(n, m, rng):
    return [rng.permutation(n)[:m]]


@mistake(
    minibatches,
    "the sum of the rows' gradients",
    call="batch_gradient",
    ask="A batch that is twice as large: should its step be twice as long?",
    look="the division by the number of rows.",
)
def _(X, y, w, batch):
    return len(batch) * gradient_of(X[batch], y[batch], w)


@mistake(
    minibatches,
    "a sum over the batch that is divided by the number of all rows",
    call="batch_gradient",
    ask="The mean of 4 numbers out of 1000: by what do you divide?",
    look="the denominator: len(X), or len(batch)?",
)
def _(X, y, w, batch):
    return len(batch) / len(X) * gradient_of(X[batch], y[batch], w)


@mistake(
    minibatches,
    "the gradient of all rows",
    call="batch_gradient",
    ask="Where does `batch` stand in your function?",
    look="X and y: the rows of the batch are X[batch] and y[batch].",
)
def _(X, y, w, batch):
    return gradient_of(X, y, w)


@mistake(
    minibatches,
    "the first rows, as many as the batch has",
    call="batch_gradient",
    ask="batch holds 0 and 2. Which rows do you take?",
    look="the index: batch says which rows, not only how many.",
)
def _(X, y, w, batch):
    return gradient_of(X[: len(batch)], y[: len(batch)], w)


@mistake(
    minibatches,
    "a square whose half is forgotten",
    call="batch_gradient",
    ask="What is the derivative of ½ · (x · w − y)² by w?",
    look="the factor in front of the error.",
)
def _(X, y, w, batch):
    return 2 * gradient_of(X[batch], y[batch], w)


@mistake(
    minibatches,
    "a gradient that points the wrong way",
    call="batch_gradient",
    ask="A prediction above its y: if it grows further, does the loss grow or shrink? And what does your sign say?",
    look="the error: the derivative of ½ · (x · w − y)² begins with x · w − y.",
)
def _(X, y, w, batch):
    return -gradient_of(X[batch], y[batch], w)
