"""Mini-batches: every row once an epoch, so many at a time, and the mean of their gradients."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain, islice

import numpy as np
import torch
from torch import Tensor

from course_lib.exercises import Case, exercise, part, randn
from course_lib.exercises.compare import difference
from course_lib.foundations.exercises.descent.common import (
    AGAIN,
    AGAIN_THE_SAME,
    EPOCHS,
    ROWS,
    generator,
    gradient_of,
    of_many_epochs,
)

FEW = 8  # numbers are listed in full
SIZES, NO_ROWS = "sizes of the batches", "rows that do not exist"
LEFT_OUT, TWICE = "rows left out", "rows that come again"


def one_epoch(answer: Callable, n: int, m: int, seed: int) -> dict | None:
    """The sizes of the batches, and which rows are missing or come again."""
    batches = batches_from(answer(n, m, generator(seed)), n)
    return None if batches is None else in_words(n, batches)


def in_words(n: int, batches: list[list[int]]) -> dict[str, str]:
    """What an epoch over n rows is made of."""
    times = Counter(chain(*batches))
    return {
        SIZES: listed(map(len, batches)),
        NO_ROWS: listed(row for row in sorted(times) if row not in range(n)),
        LEFT_OUT: listed(row for row in range(n) if row not in times),
        TWICE: listed(row for row in sorted(times) if times[row] > 1),
    }


def of_the_rows(expected: dict[str, str], made: dict[str, str]) -> str:
    """What is wrong with an epoch, in a sentence."""
    if made[SIZES] == expected[SIZES] and made[NO_ROWS] == "none" != made[LEFT_OUT]:
        several = not made[LEFT_OUT].isdigit()
        return f"Row{'s' * several} {made[LEFT_OUT]} never come{'' if several else 's'}."
    return difference(made, expected, rtol=0, atol=0, names=()).sentence


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
        AGAIN_THE_SAME: first[:AGAIN] == again,
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
        expected = {SIZES: listed(sizes)} | dict.fromkeys((NO_ROWS, LEFT_OUT, TWICE), "none")
        explain = partial(of_the_rows, expected)
        inputs, shown = (n, m, seed()), f"n={n}, m={m}"
        return Case(inputs, via=one_epoch, expected=expected, explain=explain, shown=shown, because=because)

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
                AGAIN_THE_SAME: True,
            }
            shown = f"n={ROWS}, m={m}, {EPOCHS} epochs"
            because = "three rows have six orders, and rng, which lives on from epoch to epoch, draws each of them"
            inputs, explain = (ROWS, m, seed()), of_many_epochs(expected)
            yield Case(inputs, via=many_epochs, expected=expected, explain=explain, shown=shown, because=because)
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
