"""The mistakes that `occlusion` is known for."""

from collections.abc import Callable

import torch

from course_lib.exercises import mistake
from course_lib.foundations.exercises.limits.interpretability import centred, falls, interpretability, own_logits


def in_square(name: str, *, ask: str, look: str) -> Callable[[Callable], Callable]:
    """Declare a mistake in which rows and columns are blanked."""

    def declare(square: Callable) -> Callable:
        mistake(interpretability, name, call="occlusion", ask=ask, look=look)(
            lambda model, x, patch, target: falls(model, x, patch, target, square=square)
        )
        return square

    return declare


def in_falls(name: str, *, ask: str, look: str) -> Callable[[Callable], Callable]:
    """Declare any other mistake in `occlusion`."""
    return mistake(interpretability, name, call="occlusion", ask=ask, look=look)


@in_square(
    "a map that is shifted by half a patch",
    ask="With patch = 3, which rows do you blank for the pixel in row 2? Is it in the middle of them?",
    look="where the square begins: half a patch above the pixel, and half a patch to its left.",
)
def _(i, j, patch):
    return slice(i, i + patch), slice(j, j + patch)


@in_square(
    "a map that is shifted by half a patch, the other way",
    ask="With patch = 3, which rows do you blank for the pixel in row 2? Is it in the middle of them?",
    look="where the square ends: half a patch below the pixel, and half a patch to its right.",
)
def _(i, j, patch):
    return slice(max(i - patch + 1, 0), i + 1), slice(max(j - patch + 1, 0), j + 1)


@in_square(
    "a square that begins at a negative row or column",
    ask="What is [10, 20, 30][-1:2] in Python?",
    look="the pixels of the first rows and columns: a negative start counts from the end, and max(…, 0) does not.",
)
def _(i, j, patch):
    half = patch // 2
    return slice(i - half, i + half + 1), slice(j - half, j + half + 1)


@in_square(
    "a square without its last row and column",
    ask="With patch = 1, how many pixels do you blank?",
    look="the end of the slice: it is not part of it.",
)
def _(i, j, patch):
    rows, columns = centred(i, j, patch)
    return slice(rows.start, rows.stop - 1), slice(columns.start, columns.stop - 1)


@in_square(
    "squares side by side, not one around each pixel",
    ask="Two neighbours, and patch = 3: which square is around the one, and which around the other?",
    look="the step of your loops: the square moves on by one pixel at a time.",
)
def _(i, j, patch):
    top, left = i // patch * patch, j // patch * patch
    return slice(top, top + patch), slice(left, left + patch)


@in_square(
    "squares that are moved back into the picture where they stick out",
    ask="For the pixel in the corner, what is in the middle of your square?",
    look="the border: what sticks out is left off, and the square gets smaller.",
)
def _(i, j, patch):
    half = patch // 2
    i, j = max(i, half), max(j, half)
    return slice(i - half, i + half + 1), slice(j - half, j + half + 1)


@in_falls(
    "a map that is 0 wherever the square would stick out",
    ask="A picture of one row: can your map be anything but 0 there?",
    look="the range of your loops: every pixel has a square, if a smaller one.",
)
def _(model, x, patch, target):
    half, found = patch // 2, falls(model, x, patch, target)
    inside = torch.zeros_like(found)
    rows, columns = slice(half, found.shape[1] - half), slice(half, found.shape[2] - half)
    inside[:, rows, columns] = found[:, rows, columns]
    return inside


@in_falls(
    "a rise, where a fall is asked for",
    ask="The logit is 5 with all pixels and 2 without the square. Is that a fall of 3 or of -3?",
    look="the order of the difference.",
)
def _(model, x, patch, target):
    return -falls(model, x, patch, target)


@in_falls(
    "a fall without its sign",
    ask="Without the square the logit rises. Does your map show that?",
    look="abs: some squares speak against the target.",
)
def _(model, x, patch, target):
    return falls(model, x, patch, target).abs()


@in_falls(
    "the logit that is left, not how far it fell",
    ask="A square that the model does not look at: what does your map say there?",
    look="the difference: the logit of the whole picture is missing.",
)
def _(model, x, patch, target):
    with torch.no_grad():
        whole = own_logits(model(x), target)
    return whole[:, None, None] - falls(model, x, patch, target)


@in_falls(
    "a fall of the probability, not of the logit",
    ask="A linear model, patch = 1: is weight times pixel in your map?",
    look="softmax: it brings the other classes in.",
)
def _(model, x, patch, target):
    return falls(model, x, patch, target, score=lambda logits, target: own_logits(logits.softmax(dim=1), target))


@in_falls(
    "a fall of the largest logit, whatever the target",
    ask="The target is class 1, and class 0 has the larger logit. Whose fall do you return?",
    look="argmax or max: which class it is about, the caller says.",
)
def _(model, x, patch, target):
    return falls(model, x, patch, target, score=lambda logits, target: logits.amax(dim=1))


@in_falls(
    "squares that are filled with the mean of x",
    ask="A picture is bright all over. Is your square still blank?",
    look="what the square is filled with: here it is 0.",
)
def _(model, x, patch, target):
    return falls(model, x, patch, target, blank=x.mean())


@in_falls(
    "squares that are filled with 1",
    ask="In these pictures 0 is dark and 1 is bright. Which of them is «nothing there»?",
    look="what the square is filled with: here it is 0.",
)
def _(model, x, patch, target):
    return falls(model, x, patch, target, blank=1.0)


@in_falls(
    "a square that is blank in the first channel only",
    ask="A picture of two channels: what is left to see in your square?",
    look="the index: batch, channels, rows, columns.",
)
def _(model, x, patch, target):
    return falls(model, x, patch, target, channels=slice(0, 1))


@in_falls(
    "squares that stay blank when the next one comes",
    ask="When you come to the second pixel, what is left of the square around the first?",
    look="where the copy is made: each square needs a fresh one.",
)
@torch.no_grad()
def _(model, x, patch, target):
    without, found = x.clone(), x.new_zeros(len(x), *x.shape[2:])
    for i in range(x.shape[2]):
        for j in range(x.shape[3]):
            rows, columns = centred(i, j, patch)
            without[:, :, rows, columns] = 0
            found[:, i, j] = own_logits(model(x), target) - own_logits(model(without), target)
    return found
