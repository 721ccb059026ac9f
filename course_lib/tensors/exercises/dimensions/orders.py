"""Tensors of any order: tell order, axis length and number of elements apart, and raise the order by stacking."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from course_lib.exercises import Case, exercise, mistake, part, randn

Described = tuple[int, tuple[int, ...], int, str]  # order, shape, numel, name


def name_of(order: int) -> str:
    """What an array of so many axes is called."""
    return {0: "scalar", 1: "vector", 2: "matrix"}.get(order, "tensor")


def by_numpy(t: Tensor) -> Described:
    """Order, shape, number of elements and name, as NumPy counts them."""
    a = t.numpy()
    return a.ndim, a.shape, int(a.size), name_of(a.ndim)


def raised(x: Tensor, sizes: Sequence[int]) -> Tensor:
    """NumPy's copies of x, a new axis in front for each of the sizes: (*reversed sizes, *shape of x)."""
    a = x.numpy()
    for size in sizes:
        a = np.stack([a] * size)
    return torch.from_numpy(np.asarray(a))


@exercise(
    "tensors.dimensions",
    "describe(t) -> order, shape, numel, name",
    "stack_up(x, sizes) -> stacked",
    level="core",
    minutes=7,
)
def dimensions(rng):
    """Read a shape, and build a tensor of any order, one axis at a time."""

    def described(shape: tuple[int, ...], because: str) -> Case:
        t = randn(rng, *shape)
        return Case((t,), expected=by_numpy(t), shown=f"t of shape {shape}", because=because)

    def stacked(shape: tuple[int, ...], sizes: list[int], because: str) -> Case:
        x = randn(rng, *shape)
        shown = f"x of shape {shape}, random numbers, sizes={sizes}"
        return Case((x, sizes), call="stack_up", expected=raised(x, sizes), shown=shown, because=because)

    with part("scalars, vectors, matrices", points=1):
        for shape in ((), (3,), (1,), (2, 3), (1, 1), (4, 1), (0, 3)):
            yield described(shape, "the order is how many numbers stand in the shape, whatever these numbers are")
    with part("any order", points=1):
        for shape in ((2, 3, 4), (1, 1, 1), (3, 1, 2, 2), (2, 1, 3, 1, 2), (5, 2, 0)):
            yield described(shape, "the number of elements is the product of the shape, so one length of 0 empties it")
    with part("one axis", points=1):
        for shape, size in (((), 3), ((2,), 3), ((2, 3), 4), ((3, 1), 1), ((2, 1, 2), 5)):
            yield stacked(shape, [size], "ten photographs of 28 × 28 make (10, 28, 28): the new axis stands in front")
    with part("axis by axis", points=1):
        for shape, sizes in (((), [2, 3]), ((2,), [3, 4]), ((2, 3), [2, 1, 4]), ((), [2, 3, 4, 2, 3]), ((3, 2), [])):
            yield stacked(shape, sizes, "after each size there is a tensor, and the next size stacks copies of that")


def names_and_numbers(t: Tensor, *, order: int | None = None, numel: int | None = None, name: str = "") -> Described:
    """The right answer, but for what is given."""
    true = by_numpy(t)
    return true[0] if order is None else order, true[1], true[2] if numel is None else numel, name or true[3]


@mistake(
    dimensions,
    "len(t) for the order",
    ask="len(torch.zeros(10, 2)) is 10. How many axes has that tensor?",
    look="the order: len of a tensor is the length of its first axis; you want the length of its shape.",
)
def _(t):
    return names_and_numbers(t, order=len(t), name=name_of(len(t)))


@mistake(
    dimensions,
    "len(t) for the order, and 0 where len fails",
    ask="len(torch.zeros(10, 2)) is 10. How many axes has that tensor?",
    look="the order: len of a tensor is the length of its first axis; you want the length of its shape.",
)
def _(t):
    order = len(t) if t.ndim else 0
    return names_and_numbers(t, order=order, name=name_of(order))


@mistake(
    dimensions,
    "len(t) for the order, under the right name",
    ask="You call torch.zeros(10, 2) a matrix. How many axes has a matrix, and which order do you return for it?",
    look="the order: len of a tensor is the length of its first axis; you want the length of its shape.",
)
def _(t):
    return names_and_numbers(t, order=len(t) if t.ndim else 0)


@mistake(
    dimensions,
    "whatever has one element called a scalar",
    ask="torch.zeros(1)[0] works and torch.zeros(())[0] does not. Which of the two is a scalar?",
    look="the name: it follows from the number of axes alone, not from the number of elements.",
)
def _(t):
    return names_and_numbers(t, name="scalar" if t.numel() == 1 else "")


@mistake(
    dimensions,
    "axes of length 1 not counted",
    ask="How many indices does it take to reach an element of torch.zeros(4, 1)?",
    look="squeeze, or a test for lengths above 1: an axis of length 1 is an axis.",
)
def _(t):
    order = t.squeeze().ndim
    return names_and_numbers(t, order=order, name=name_of(order))


@mistake(
    dimensions,
    "the length of the last axis for the order, as in «a vector of three dimensions»",
    ask="Three numbers in a row: how many axes, and how long is each?",
    look="the order: «dimension» means an axis here, not the length of one.",
)
def _(t):
    order = t.shape[-1] if t.ndim else 0
    return names_and_numbers(t, order=order, name=name_of(order))


@mistake(
    dimensions,
    "the sum of the shape for the number of elements",
    ask="How many squares has a chessboard of 8 by 8?",
    look="the number of elements: rows times columns.",
)
def _(t):
    return names_and_numbers(t, numel=sum(t.shape))


@mistake(
    dimensions,
    "the length of the first axis for the number of elements",
    ask="How many numbers are printed when you print torch.zeros(2, 3)?",
    look="the number of elements: len counts rows, and each row may hold many.",
)
def _(t):
    return names_and_numbers(t, numel=len(t) if t.ndim else 1)


@mistake(
    dimensions,
    "a product of the shape that forgets an axis of length 0",
    ask="torch.zeros(5, 2, 0) prints as an empty list. How many elements do you count in torch.zeros(3, 0)?",
    look="the number of elements: 0 is a length too, and a product with it is 0.",
)
def _(t):
    return names_and_numbers(t, numel=int(np.prod([length for length in t.shape if length], dtype=int)))


@mistake(
    dimensions,
    "a name only up to order 3",
    ask="Which name does your function have for a film, of order 4?",
    look="the list of names: from order 3 on they are all «tensor».",
)
def _(t):
    return names_and_numbers(t, name=["scalar", "vector", "matrix", "tensor"][t.ndim])


@mistake(
    dimensions,
    "names that are one order too low",
    ask="Which order has a scalar: 0 or 1?",
    look="the names: counting axes begins at 0, with the scalar.",
)
def _(t):
    return names_and_numbers(t, name=name_of(max(t.ndim - 1, 0)))


def grown(x: Tensor, sizes: Sequence[int], stack) -> Tensor:
    """Go through the sizes with another way to stack: (tensor, size) to tensor."""
    for size in sizes:
        x = stack(x, size)
    return x


@mistake(
    dimensions,
    "each new axis behind the others",
    call="stack_up",
    ask="Which shape have 4 copies of x of shape (2, 3)? Which index of it picks the copy?",
    look="dim= or unsqueeze: the new axis is the first one, 0, not the last one, -1.",
)
def _(x, sizes):
    return grown(x, sizes, lambda x, size: torch.stack([x] * size, dim=-1))


@mistake(
    dimensions,
    "the sizes in front in the order in which they come",
    call="stack_up",
    ask="With sizes 3 and then 4, which axis is there first, and where does it stand once the other has come?",
    look="the order of the axes: the last size that is stacked is the outermost.",
)
def _(x, sizes):
    return x.expand(*sizes, *x.shape)


@mistake(
    dimensions,
    "copies put end to end, without a new axis",
    call="stack_up",
    ask="How many axes has x, and how many has your result?",
    look="torch.cat, or repeat: they lengthen an axis that is there; a new one needs torch.stack.",
)
def _(x, sizes):
    return grown(x, sizes, lambda x, size: torch.cat([x] * size))


@mistake(
    dimensions,
    "all sizes in one axis",
    call="stack_up",
    ask="Two sizes: how many axes should come in front, and how many come in yours?",
    look="the product of the sizes: each of them is an axis of its own.",
)
def _(x, sizes):
    return torch.stack([x] * int(np.prod(sizes, dtype=int)))


@mistake(
    dimensions,
    "only the first size stacked",
    call="stack_up",
    ask="With sizes 3 and 4, how often does your loop run before it returns?",
    look="how far to the right the `return` stands.",
)
def _(x, sizes):
    return grown(x, sizes[:1], lambda x, size: torch.stack([x] * size))


@mistake(
    dimensions,
    "only the last size stacked, since every turn begins with x again",
    call="stack_up",
    ask="At the second size, what do you stack copies of?",
    look="the loop: each turn goes on with the result of the one before.",
)
def _(x, sizes):
    return grown(x, sizes[-1:], lambda x, size: torch.stack([x] * size))


@mistake(
    dimensions,
    "one copy too many along every axis",
    call="stack_up",
    ask="For size 1, how many copies of x has your result along the new axis?",
    look="the list that you stack: it holds x once already.",
)
def _(x, sizes):
    return grown(x, sizes, lambda x, size: torch.stack([x] * (size + 1)))


@mistake(
    dimensions,
    "zeros in the right shape",
    call="stack_up",
    ask="Take any one copy out of your result. Does it equal x?",
    look="zeros, ones or empty: what is stacked are copies of x itself.",
)
def _(x, sizes):
    return torch.zeros(*reversed(sizes), *x.shape)
