"""Mini-batches: every row once an epoch, so many at a time, and the mean of their gradients."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice

import numpy as np
import torch
from torch import Tensor

from course_lib.exercises import Case, exercise, mistake, part, randn
from course_lib.foundations.exercises.descent.common import AGAIN, EPOCHS, ROWS, generator, gradient_of

FEW = 8  # numbers are listed in full


def one_epoch(answer: Callable, n: int, m: int, seed: int) -> dict | None:
    """The sizes of the batches, and which rows are missing or come again."""
    batches = batches_from(answer(n, m, generator(seed)), n)
    return None if batches is None else in_words(n, batches)


def in_words(n: int, batches: list[list[int]]) -> dict[str, str]:
    """What an epoch over n rows is made of."""
    times = Counter(chain(*batches))
    return {
        "sizes of the batches": listed(map(len, batches)),
        "rows that do not exist": listed(row for row in sorted(times) if row not in range(n)),
        "rows left out": listed(row for row in range(n) if row not in times),
        "rows that come again": listed(row for row in sorted(times) if times[row] > 1),
    }


def listed(numbers: Iterable[int]) -> str:
    """ "2, 2, 1", or "none"."""
    numbers = list(numbers)
    more = f" and {len(numbers) - FEW} more" if len(numbers) > FEW else ""
    return (", ".join(map(str, numbers[:FEW])) or "none") + more


def many_epochs(answer: Callable, n: int, m: int, seed: int) -> dict | None:
    """In how many orders the rows come in many epochs, whether in their own alone, and whether the seed decides."""

    def orders(epochs: int) -> list[tuple[int, ...] | None]:
        rng = generator(seed)
        made = [batches_from(answer(n, m, rng), n) for _ in range(epochs)]
        return [None if batches is None else tuple(chain(*batches)) for batches in made]

    first, again = orders(EPOCHS), orders(AGAIN)
    if None in first:
        return None
    return {
        f"number of orders in {EPOCHS} epochs": len(set(first)),
        "rows 0, 1, 2, … in every epoch": all(list(order) == sorted(order) for order in first),
        "second run from the same seed": first[:AGAIN] == again,
    }


def batches_from(made, n: int) -> list[list[int]] | None:
    """The batches of an epoch over n rows, as lists of row numbers; None if nothing was returned.

    Two more than there are rows show well enough that they are too many, if not endless.

    Raises:
        TypeError: what came is no row of batches.
    """
    if made is None:
        return None
    if not hasattr(made, "__iter__"):
        raise TypeError("minibatches should yield one batch after the other, and returned a single thing")
    batches = list(islice(made, n + 2))
    if not all(hasattr(batch, "__len__") for batch in batches):
        raise TypeError("minibatches should yield batches, each an array of row numbers, and yielded something else")
    return [[int(row) for row in batch] for batch in batches]


@exercise(
    "foundations.gradient-descent.mini-batch",
    "minibatches(n, m, rng)",
    "batch_gradient(X, y, w, batch) -> gradient",
    level="core",
    minutes=8,
    keeps_inputs=True,
)
def minibatches(rng):
    """Cut an epoch into mini-batches, and take the mean gradient of one."""

    def seed() -> int:
        return int(rng.integers(2**31))

    def epoch(n: int, m: int, because: str) -> Case:
        sizes = [min(m, n - start) for start in range(0, n, m)]
        expected = {"sizes of the batches": listed(sizes)}
        expected |= dict.fromkeys(("rows that do not exist", "rows left out", "rows that come again"), "none")
        return Case((n, m, seed()), via=one_epoch, expected=expected, shown=f"n={n}, m={m}", because=because)

    def gradient(X: Tensor, y: Tensor, w: Tensor, batch: np.ndarray, shown: str | None, because: str) -> Case:
        expected = gradient_of(X[batch], y[batch], w)
        return Case((X, y, w, batch), call="batch_gradient", expected=expected, shown=shown, because=because, rtol=1e-4)

    with part("every row once", points=1):
        for n, m in ((4, 2), (6, 3), (12, 4), (1, 1), (5, 5)):
            yield epoch(n, m, "rows m·k to m·k + m - 1 of the order, the end left out, make a batch of m")
    with part("the short last batch", points=1):
        for n, m in ((5, 2), (7, 3), (10, 4), (3, 8), (100, 32)):
            yield epoch(n, m, "what is left over makes a batch of its own, however small")
    with part("a new order for every epoch", points=1):
        for m in (2, 1, 3):
            expected = {
                f"number of orders in {EPOCHS} epochs": 6,
                "rows 0, 1, 2, … in every epoch": False,
                "second run from the same seed": True,
            }
            shown = f"n={ROWS}, m={m}, {EPOCHS} epochs"
            because = "three rows have six orders, and rng, which lives on from epoch to epoch, draws each of them"
            yield Case((ROWS, m, seed()), via=many_epochs, expected=expected, shown=shown, because=because)
    with part("the mean gradient", points=1):
        X, y, w = torch.tensor([[1.0], [2.0], [3.0]]), torch.tensor([0.0, 1.0, 1.0]), torch.tensor([1.0])
        for rows in ([0, 2], [1], [2, 1, 0]):
            because = "a row's gradient is its error x · w - y times x, and a batch's the mean of those of its rows"
            yield gradient(X, y, w, np.array(rows), None, because)
        for n, inputs, size in ((8, 3, 4), (5, 2, 1), (20, 4, 7)):
            numbers = randn(rng, n, inputs), randn(rng, n), randn(rng, inputs)
            shown = f"{size} of {n} random rows of {inputs} inputs"
            yield gradient(*numbers, rng.permutation(n)[:size], shown, "which rows, and divided by how many?")


def cut(order: np.ndarray, m: int) -> Iterator[np.ndarray]:
    """The right batches of an order."""
    for start in range(0, len(order), m):
        yield order[start : start + m]


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


@mistake(
    minibatches,
    "rows that are drawn anew for every batch",
    ask="In a hat with all rows: do you put a row back once it is drawn?",
    look="rng.choice or rng.integers: an epoch needs each row once.",
)
def _(n, m, rng):
    for start in range(0, n, m):
        yield rng.choice(n, size=min(m, n - start))


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
