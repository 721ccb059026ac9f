"""Stochastic gradient descent: one sample, one step, in an order that is new for every epoch."""

from collections.abc import Callable, Iterable

import numpy as np
import torch
from torch import Tensor

from course_lib.exercises import Case, exercise, mistake, part, randn
from course_lib.exercises.values import with_article
from course_lib.foundations.exercises.descent.common import (
    AGAIN,
    AGAIN_THE_SAME,
    EPOCHS,
    ROWS,
    after_each_order,
    generator,
    gradient_of,
    of_many_epochs,
)

SAME = 1e-4  # two results this close come of the same order
NONE = -1  # what comes of no order of the rows


def after_an_epoch(answer: Callable, X: Tensor, y: Tensor, w: Tensor, lr: float, seed: int) -> Tensor | None:
    """The weights, where no order makes a difference."""
    return weights_from(answer(X, y, w, lr, generator(seed)))


def in_some_order(answer: Callable, X: Tensor, y: Tensor, w: Tensor, lr: float, seed: int) -> dict | None:
    """Whether the weights are those of a pass over the rows in some order."""
    after = weights_from(answer(X, y, w, lr, generator(seed)))
    if after is None:
        return None
    return {"w after each row once": orders_of([after], after_each_order(X, y, w, lr)) != [NONE]}


def many_epochs(answer: Callable, X: Tensor, y: Tensor, w: Tensor, lr: float, seed: int) -> dict | None:
    """In how many orders the rows come in many epochs, each from the same weights; and whether the seed decides."""
    possible = after_each_order(X, y, w, lr)

    def weights_after(epochs: int) -> list[Tensor | None]:
        rng = generator(seed)
        return [weights_from(answer(X.clone(), y.clone(), w.clone(), lr, rng)) for _ in range(epochs)]

    first, again = weights_after(EPOCHS), weights_after(AGAIN)
    if first[0] is None:
        return None
    orders = orders_of(first, possible)
    return {
        f"number of orders in {EPOCHS} epochs": len({*orders} - {NONE}),
        AGAIN_THE_SAME: orders[:AGAIN] == orders_of(again, possible),
    }


def orders_of(weights: list[Tensor], possible: Tensor) -> list[int]:
    """For each result the number of the order that it comes of, or NONE."""
    if any(after.shape != possible.shape[1:] for after in weights):
        return [NONE] * len(weights)
    differences = torch.cdist(torch.stack(weights).double(), possible)  # (results, orders)
    least, orders = differences.min(dim=1)
    return orders.where(least < SAME, NONE).tolist()


def weights_from(made) -> Tensor | None:
    """What sgd_epoch returned, as a tensor.

    Raises:
        TypeError: it is something else.
    """
    if isinstance(made, np.ndarray):
        return torch.from_numpy(made)
    if made is None or isinstance(made, Tensor):
        return None if made is None else made.detach()
    raise TypeError(f"sgd_epoch should return the weights, a tensor, and returned {with_article(type(made).__name__)}")


def one_by_one(X: Tensor, y: Tensor, w: Tensor, lr: float, rows: Iterable[int], gradient=gradient_of) -> Tensor:
    """One step for each of these rows, in this order."""
    for row in rows:
        w = w - lr * gradient(X[[row]], y[[row]], w)
    return w


@exercise(
    "foundations.gradient-descent.stochastic",
    "sgd_epoch(X, y, w, lr, rng) -> w",
    level="core",
    minutes=8,
    keeps_inputs=True,
)
def sgd_epoch(rng):
    """One pass over the samples, a step for each, in random order."""

    def seed() -> int:
        return int(rng.integers(2**31))

    def any_order(X: Tensor, y: Tensor, w: Tensor, lr: float, shown: str, because: str) -> Case:
        expected = one_by_one(X, y, w, lr, range(len(X)))
        return Case(
            (X, y, w, lr, seed()), via=after_an_epoch, expected=expected, shown=shown, because=because, rtol=1e-4
        )

    def by_hand(X: list, y: list, w: list, lr: float) -> Case:
        because = "a row's step is lr times its error x · w - y, times x"
        numbers = map(torch.tensor, (X, y, w))
        return any_order(*numbers, lr, f"X={X}, y={y}, w={w}, lr={lr}", because)

    def some_order(via: Callable, rows: int, inputs: int, expected: dict, because: str) -> Case:
        """Rows so different that every order ends somewhere else."""
        while True:
            X, y, w = randn(rng, rows, inputs), randn(rng, rows, scale=3), randn(rng, inputs)
            if torch.pdist(after_each_order(X, y, w, 0.3)).min() > 10 * SAME:
                break
        shown = f"{rows} random rows of {inputs} inputs, lr=0.3"
        explain = of_many_epochs(expected) if via is many_epochs else None
        return Case((X, y, w, 0.3, seed()), via=via, expected=expected, explain=explain, shown=shown, because=because)

    with part("by hand", points=1):
        yield by_hand([[2.0]], [3.0], [1.0], 0.1)
        yield by_hand([[1.0], [1.0]], [1.0, 1.0], [0.0], 0.5)
        yield by_hand([[1.0, 0.0], [0.0, 2.0]], [1.0, 4.0], [0.0, 0.0], 0.25)
    with part("each row once", points=1):
        for rows, inputs in ((4, 2), (7, 3)):
            X, y = randn(rng, 1, inputs).expand(rows, -1), randn(rng, 1).expand(rows)
            because = "the second row's gradient is taken where the first row's step has led"
            yield any_order(X, y, randn(rng, inputs), 0.1, f"the same random row {rows} times, lr=0.1", because)
        for rows in (3, 6):
            X = torch.from_numpy(np.linalg.qr(rng.normal(size=(rows, rows)))[0]).float()
            because = "each row moves w along itself alone, so that a row that is missed or comes twice can be seen"
            shown = f"{rows} rows at right angles to each other, lr=0.5"
            yield any_order(X, randn(rng, rows), randn(rng, rows), 0.5, shown, because)
        for rows, inputs in ((2, 2), (3, 2), (4, 3), (5, 2)):
            because = "whatever the order, each row is used once, with its own y"
            yield some_order(in_some_order, rows, inputs, {"w after each row once": True}, because)
    with part("a new order for every epoch", points=1):
        for inputs in (2, 3):
            expected = {f"number of orders in {EPOCHS} epochs": 6, AGAIN_THE_SAME: True}
            because = "three rows have six orders, and rng, which lives on from epoch to epoch, draws each of them"
            yield some_order(many_epochs, ROWS, inputs, expected, because)


@mistake(
    sgd_epoch,
    "the same order in every epoch",
    ask="The rows of a file are sorted by their label. What do the last hundred steps of each of your epochs see?",
    look="where the order comes from: rng.permutation(n) draws a new one at each call.",
)
def _(X, y, w, lr, rng):
    return one_by_one(X, y, w, lr, range(len(X)))


@mistake(
    sgd_epoch,
    "gradients that are all taken at the starting weights",
    ask="Two equal rows: is your second step as long as the first, though w is nearer to the minimum by then?",
    look="which w stands in the error: the one that was handed to you, or the one that moves?",
)
def _(X, y, w, lr, rng):
    return w - lr * len(X) * gradient_of(X, y, w)


@mistake(
    sgd_epoch,
    "one step, along the mean gradient of the whole data set",
    ask="A data set of a thousand rows: how many steps does your epoch take?",
    look="the mean over the rows: that is batch gradient descent.",
)
def _(X, y, w, lr, rng):
    return w - lr * gradient_of(X, y, w)


@mistake(
    sgd_epoch,
    "steps along the mean gradient of the whole data set, one for each row",
    ask="What does one of your steps cost: one row, or all of them?",
    look="which rows stand in the gradient of a step: X[i] and y[i] alone.",
)
def _(X, y, w, lr, rng):
    for _ in range(len(X)):
        w = w - lr * gradient_of(X, y, w)
    return w


@mistake(
    sgd_epoch,
    "a single row's gradient, divided by the number of all rows",
    ask="The formula of the batch has 1/m in it. Over how many rows do you sum in one step?",
    look="the division by the number of rows.",
)
def _(X, y, w, lr, rng):
    return one_by_one(X, y, w, lr / len(X), rng.permutation(len(X)))


@mistake(
    sgd_epoch,
    "rows that are drawn anew for each step, some of them twice and some never",
    ask="In a hat with all rows: do you put a row back once it is drawn?",
    look="rng.integers or rng.choice: a pass needs each row once.",
)
def _(X, y, w, lr, rng):
    return one_by_one(X, y, w, lr, rng.integers(len(X), size=len(X)))


@mistake(
    sgd_epoch,
    "an order that rng does not draw",
    ask="The same seed, twice: do you get the same epochs?",
    look="np.random, random or torch.randperm: they have a state of their own, and you were handed one.",
)
def _(X, y, w, lr, rng):
    return one_by_one(X, y, w, lr, torch.randperm(len(X)).tolist())


@mistake(
    sgd_epoch,
    "steps that go up the slope",
    ask="A prediction below its y: does your step raise it?",
    look="the sign in front of lr.",
)
def _(X, y, w, lr, rng):
    return one_by_one(X, y, w, -lr, rng.permutation(len(X)))


@mistake(
    sgd_epoch,
    "a square whose half is forgotten",
    ask="What is the derivative of ½ · (x · w − y)² by w?",
    look="the factor in front of the error.",
)
def _(X, y, w, lr, rng):
    return one_by_one(X, y, w, 2 * lr, rng.permutation(len(X)))


@mistake(
    sgd_epoch,
    "one row, and then the end",
    ask="Two rows: how many steps has your epoch?",
    look="how far to the right the `return` stands.",
)
def _(X, y, w, lr, rng):
    return one_by_one(X, y, w, lr, rng.permutation(len(X))[:1])


@mistake(
    sgd_epoch,
    "rows in a new order, and their y in the old one",
    ask="Once the rows are shuffled, which y belongs to the first of them?",
    look="what you shuffle: one order, for X and y both.",
)
def _(X, y, w, lr, rng):
    return one_by_one(X[rng.permutation(len(X))], y, w, lr, range(len(X)))
