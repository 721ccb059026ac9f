"""The mistakes that `augment` is known for: in what is drawn, from where, and in what becomes of a picture."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from course_lib.exercises import mistake
from course_lib.foundations.exercises.pipeline.preprocessing import moved, other_ways, preprocessing


def draw(rng: np.random.Generator, count: int) -> np.ndarray:
    """How far down and right each picture goes: (count, 2)."""
    return rng.integers(-1, 2, size=(count, 2))


def each_moved(images: Tensor, moves: np.ndarray, move: Callable[[Tensor, int, int], Tensor] = moved) -> Tensor:
    """Every picture moved by its own row of moves."""
    return torch.stack([move(image, *map(int, row)) for image, row in zip(images, moves, strict=True)])


def augmented(
    images: Tensor,
    labels: Tensor,
    training: bool,
    rng: np.random.Generator,
    *,
    draw: Callable[[np.random.Generator, int], np.ndarray] = draw,
    move: Callable[[Tensor, int, int], Tensor] = moved,
) -> tuple[Tensor, Tensor]:
    """A right answer, for the mistakes to change one thing in."""
    return (each_moved(images, draw(rng, len(images)), move) if training else images), labels


def wrong_augment(name: str, *, ask: str, look: str):
    """Declare a mistake of `augment`."""
    return mistake(preprocessing, name, call="augment", ask=ask, look=look)


NINE = "Down by -1, 0 or 1 and right by -1, 0 or 1: how many places are these, and how many do you reach?"
SEED = "Somebody else has your seed, and wants your pictures. What do they need besides?"


@wrong_augment(
    "pictures that are augmented in evaluation too",
    ask="Two people measure the same model on the same test pictures. Do they get the same accuracy?",
    look="training: where it is False, the pictures come back as they are.",
)
def _(images, labels, training, rng):
    return augmented(images, labels, True, rng)


@wrong_augment(
    "pictures that are augmented in evaluation and not in training",
    ask="When should a picture be moved: while the model learns, or while it is measured?",
    look="the condition: which of the two branches moves?",
)
def _(images, labels, training, rng):
    return augmented(images, labels, not training, rng)


@wrong_augment(
    "pictures that never move",
    ask="What does your function do in training?",
    look="the pictures that you return.",
)
def _(images, labels, training, rng):
    return images, labels


@wrong_augment(
    "one move for all pictures of the batch",
    ask="How many numbers do you draw, and how many pictures are there?",
    look="what is drawn: two numbers for each picture.",
)
def _(images, labels, training, rng):
    return augmented(images, labels, training, rng, draw=lambda rng, n: draw(rng, 1).repeat(n, axis=0))


@wrong_augment(
    "moves of -1 and 0 alone",
    ask="rng.integers(-1, 1): is 1 among its numbers?",
    look="the end of the range: rng.integers leaves it out.",
)
def _(images, labels, training, rng):
    return augmented(images, labels, training, rng, draw=lambda rng, n: rng.integers(-1, 1, size=(n, 2)))


@wrong_augment(
    "moves of 0 and 1 alone",
    ask=NINE,
    look="the range: where does it begin?",
)
def _(images, labels, training, rng):
    return augmented(images, labels, training, rng, draw=lambda rng, n: rng.integers(0, 2, size=(n, 2)))


@wrong_augment(
    "moves of -1 and 1 without the 0",
    ask=NINE,
    look="what is drawn: a picture may stay where it is, too.",
)
def _(images, labels, training, rng):
    return augmented(images, labels, training, rng, draw=lambda rng, n: rng.choice([-1, 1], size=(n, 2)))


@wrong_augment(
    "moves by up to 2 pixels",
    ask="How far may a picture move?",
    look="the range that you draw from.",
)
def _(images, labels, training, rng):
    def far(image, down, right):
        return moved(moved(image, down // 2, right // 2), down - down // 2, right - right // 2)

    return augmented(images, labels, training, rng, draw=lambda rng, n: rng.integers(-2, 3, size=(n, 2)), move=far)


@wrong_augment(
    "moves to the left and right alone",
    ask=NINE,
    look="the other axis.",
)
def _(images, labels, training, rng):
    return augmented(images, labels, training, rng, draw=lambda rng, n: draw(rng, n) * [0, 1])


@wrong_augment(
    "moves up and down alone",
    ask=NINE,
    look="the other axis.",
)
def _(images, labels, training, rng):
    return augmented(images, labels, training, rng, draw=lambda rng, n: draw(rng, n) * [1, 0])


@wrong_augment(
    "moves along a diagonal, with one number for both directions",
    ask=NINE,
    look="what is drawn: down and right are two numbers.",
)
def _(images, labels, training, rng):
    return augmented(images, labels, training, rng, draw=lambda rng, n: draw(rng, n)[:, :1].repeat(2, axis=1))


@wrong_augment(
    "pictures that come back at the other side",
    ask="A digit's foot leaves the picture below. Should it appear above its head?",
    look="roll: what leaves is gone, and 0 comes in.",
)
def _(images, labels, training, rng):
    return augmented(images, labels, training, rng, move=other_ways()["round"])


@wrong_augment(
    "pictures whose edge is repeated where nothing is known",
    ask="What lies beyond the edge of a digit's picture: ink, or paper?",
    look="what comes in from outside: 0.",
)
def _(images, labels, training, rng):
    return augmented(images, labels, training, rng, move=other_ways()["edge"])


@wrong_augment(
    "pictures that are mirrored",
    ask="A mirrored 3: is it still a 3?",
    look="flip: which label would whoever sees the picture give it?",
)
def _(images, labels, training, rng):
    def half_mirrored(images, moves):
        return torch.stack([image.flip(-1) if row[0] else image for image, row in zip(images, moves, strict=True)])

    return (half_mirrored(images, rng.integers(2, size=(len(images), 1))) if training else images), labels


@wrong_augment(
    "pictures that are moved, and mirrored at times",
    ask="A mirrored 3: is it still a 3?",
    look="flip: which label would whoever sees the picture give it?",
)
def _(images, labels, training, rng):
    made, labels = augmented(images, labels, training, rng)
    if training:
        flips = torch.from_numpy(rng.integers(2, size=len(images))).bool()
        made = torch.where(flips[:, None, None, None], made.flip(-1), made)
    return made, labels


@wrong_augment(
    "pictures with noise in place of moves",
    ask="What is asked to change: how dark a pixel is, or where it is?",
    look="what you do with the drawn numbers: they say how far a picture goes.",
)
def _(images, labels, training, rng):
    noise = torch.from_numpy(rng.normal(scale=0.1, size=tuple(images.shape))).float()
    return (images + noise if training else images), labels


@wrong_augment(
    "pictures in another order, with the labels left where they were",
    ask="Whose label stands beside the first picture now?",
    look="the shuffling: nobody asked for it here.",
)
def _(images, labels, training, rng):
    if not training:
        return images, labels
    return augmented(images, labels, training, rng)[0][torch.from_numpy(rng.permutation(len(images)))], labels


@wrong_augment(
    "pictures and labels in another order",
    ask="Whoever called you keeps a list of the pictures' names. Does it still fit?",
    look="the shuffling: nobody asked for it here.",
)
def _(images, labels, training, rng):
    if not training:
        return images, labels
    order = torch.from_numpy(rng.permutation(len(images)))
    return augmented(images, labels, training, rng)[0][order], labels[order]


@wrong_augment(
    "moves from a generator of its own",
    ask=SEED,
    look="where the numbers come from: from rng, and from nothing else.",
)
def _(images, labels, training, rng):
    return augmented(images, labels, training, np.random.default_rng())


@wrong_augment(
    "moves from PyTorch's or NumPy's common generator",
    ask=SEED,
    look="where the numbers come from: from rng, and from nothing else.",
)
def _(images, labels, training, rng):
    return augmented(images, labels, training, rng, draw=lambda rng, n: torch.randint(-1, 2, (n, 2)).numpy())


@wrong_augment(
    "the same moves at every call",
    ask="A picture is seen in twenty epochs. In how many places is it seen?",
    look="the seed: rng goes on by itself, and must not be made anew.",
)
def _(images, labels, training, rng):
    return augmented(images, labels, training, np.random.default_rng(0))
