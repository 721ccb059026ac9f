"""The mistakes that `resize_bilinear` is known for: in where a pixel lies, and in what is mixed."""

from collections.abc import Callable

import torch
from torch import Tensor

from course_lib.exercises import mistake
from course_lib.foundations.exercises.pipeline.preprocessing import preprocessing


def middles(before: int, after: int) -> Tensor:
    """Where the middle of each new pixel lies, counted in old ones from the middle of the first: (after,)."""
    return (torch.arange(after) + 0.5) * before / after - 0.5


def neighbours_inside(place: Tensor, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """The old pixels on either side of each place, and the share of the second."""
    place = place.clamp(0, size - 1)
    first = place.floor()
    return first, (first + 1).clamp(max=size - 1), place - first


def resized(
    images: Tensor,
    height: int,
    width: int,
    *,
    places: Callable[[int, int], Tensor] = middles,
    neighbours: Callable[[Tensor, int], tuple[Tensor, Tensor, Tensor]] = neighbours_inside,
    share: Callable[[Tensor], Tensor] = lambda share: share,
) -> Tensor:
    """A right answer, for the mistakes to change one thing in: one axis after the other."""
    for dim, size in ((2, height), (3, width)):
        before = images.shape[dim]
        *pair, rest = neighbours(places(before, size), before)
        first, second = (images.index_select(dim, n.long()) for n in pair)
        rest = share(rest).reshape(-1, *[1] * (3 - dim))
        images = (1 - rest) * first + rest * second
    return images


def wrong_resize(name: str, *, ask: str, look: str):
    """Declare a mistake of `resize_bilinear`."""
    return mistake(preprocessing, name, call="resize_bilinear", ask=ask, look=look)


@wrong_resize(
    "pictures whose corner pixels stay in the corners",
    ask="Two pixels become four. How wide is a new pixel, and where is the middle of the first?",
    look="the places: with align_corners=True they run from 0 to the last pixel, and middles begin half a pixel in.",
)
def _(images, height, width):
    def corners(before, after):
        return torch.arange(after) * (before - 1) / max(after - 1, 1)

    return resized(images, height, width, places=corners)


@wrong_resize(
    "places without the half pixel",
    ask="Four pixels become two. Between which of the four is the middle of the first new one?",
    look="the places: the middle of pixel i is i + 0.5.",
)
def _(images, height, width):
    return resized(images, height, width, places=lambda before, after: torch.arange(after) * before / after)


@wrong_resize(
    "places that are half a pixel off on the way back",
    ask="Nothing changes its size. Does every pixel stay where it is in yours?",
    look="the places: half a pixel is added before scaling, and taken away again afterwards.",
)
def _(images, height, width):
    return resized(images, height, width, places=lambda before, after: (torch.arange(after) + 0.5) * before / after)


@wrong_resize(
    "the nearest pixel, with nothing mixed",
    ask="A new pixel lies midway between a black and a white one. What does it become?",
    look="the mixing: bilinear takes a share of either neighbour.",
)
def _(images, height, width):
    def nearest(before, after):
        return torch.arange(after) * before // after

    return resized(images, height, width, places=nearest)


@wrong_resize(
    "the nearest pixel by its middle, with nothing mixed",
    ask="A new pixel lies midway between a black and a white one. What does it become?",
    look="the mixing: bilinear takes a share of either neighbour.",
)
def _(images, height, width):
    return resized(images, height, width, share=lambda share: (share >= 0.5).float())


@wrong_resize(
    "shares that are exchanged",
    ask="A new pixel lies close to the left neighbour. Whose share should be large?",
    look="the two shares: the nearer one counts more.",
)
def _(images, height, width):
    return resized(images, height, width, share=lambda share: 1 - share)


@wrong_resize(
    "pixels beyond the edge that go on as they were going",
    ask="[0, 1] becomes four pixels wide. Is anything in the new picture darker than 0 or lighter than 1?",
    look="the places outside of the outermost middles: they take the outermost pixel as it is.",
)
def _(images, height, width):
    def onwards(place, size):
        first = place.floor().clamp(0, max(size - 2, 0))
        return first, (first + 1).clamp(max=size - 1), place - first

    return resized(images, height, width, neighbours=onwards)


@wrong_resize(
    "a picture that goes on at its other side",
    ask="Left of the first pixel there is nothing. Which pixel does the index -1 name?",
    look="the indices: clamp them, before Python counts from the end.",
)
def _(images, height, width):
    def around(place, size):
        first = place.floor()
        return first % size, (first + 1) % size, place - first

    return resized(images, height, width, neighbours=around)


@wrong_resize(
    "height and width exchanged",
    ask="Which of the four sizes of a batch of pictures is the height?",
    look="the order: batch, channels, height, width.",
)
def _(images, height, width):
    return resized(images, width, height)
