"""Which numbers go into a network and come out of it, task by task."""

import math
from collections.abc import Callable
from operator import index

import torch
from torch import Tensor, nn

from course_lib.exercises import Case, exercise, part

Shape = tuple[int, ...]
Options = dict[str, int]

LATENT = "noise"  # how many random numbers a picture is generated from
WANTED = {  # what each task is for, in the words of a report
    "classification": "one row of scores for each picture, a score for each class",
    "detection": "for each picture some boxes, and for each box 4 numbers that place it and a score for each class",
    "segmentation": "scores for each pixel, so a channel for each class, as high and as wide as the picture",
    "style transfer": "the same picture painted anew: nothing changes its shape",
    "super-resolution": "the same picture with more pixels: height and width grow, the channels stay",
    "generation": "a picture of the wanted size, and nothing but noise goes in",
}


def shape_of(answer: Callable, *inputs) -> dict[str, str] | None:
    """The shape that the answer gives, written out.

    Raises:
        TypeError: it is no row of whole numbers.
    """
    made = answer(*inputs)
    return None if made is None else {"shape": str(tuple(index(size) for size in made))}


class Reshaped(nn.Module):
    """One dense layer from noise, or from the mean of each channel, to whatever shape is wanted."""

    def __init__(self, shape: Shape):
        super().__init__()
        self.shape = shape
        self.dense = nn.LazyLinear(math.prod(shape))

    def forward(self, x: Tensor) -> Tensor:
        """x: (batch, numbers) or (batch, channels, height, width). Returns (batch, *shape)."""
        means = x.mean(dim=(2, 3)) if x.ndim == 4 else x
        return self.dense(means).unflatten(1, self.shape)


def stub(task: str, c: int, h: int, w: int, options: Options) -> nn.Module:
    """The smallest model that could be trained for this task, of random weights."""
    match task:
        case "classification":
            return Reshaped((options["classes"],))
        case "detection":
            return Reshaped((options["boxes"], 4 + options["classes"]))
        case "segmentation":
            return nn.Conv2d(c, options["classes"], 1)
        case "style transfer":
            return nn.Conv2d(c, c, 3, padding=1)
        case "super-resolution":
            scale = options["scale"]
            return nn.Sequential(nn.Conv2d(c, c * scale**2, 1), nn.PixelShuffle(scale))
        case "generation":
            return Reshaped((c, h, w))
    raise ValueError(f"there is no task {task!r}")


def in_and_out(task: str, n: int, c: int, h: int, w: int, options: Options) -> tuple[Shape, Shape]:
    """The shapes of what the stub is given, and of what it makes of that."""
    x = torch.zeros(n, options[LATENT]) if task == "generation" else torch.zeros(n, c, h, w)
    with torch.no_grad():
        return tuple(x.shape), tuple(stub(task, c, h, w, options)(x).shape)


@exercise(
    "foundations.applications",
    "input_shape(task, n, c, h, w, options) -> shape",
    "output_shape(task, n, c, h, w, options) -> shape",
    level="more",
    minutes=6,
    keeps_inputs=True,
)
def shapes(rng):
    """Say for each task on pictures which shapes go in and come out."""

    def case(call: str, task: str, sizes: tuple[int, ...], options: Options, shown: str | None = None) -> Case:
        inputs = (task, *sizes, options)
        wanted = str(in_and_out(*inputs)[call == "output_shape"])
        return Case(
            inputs,
            via=shape_of,
            call=call,
            expected={"shape": wanted},
            explain=lambda got: f"Your shape is {got['shape']}, wanted {wanted}.",
            shown=shown,
            because=f"what is wanted is {WANTED[task]}",
        )

    def both(task: str, by_hand: Options, **ranges: tuple[int, int]):
        """Cases of both functions: by hand, and drawn; no two sizes are the same."""
        for call in ("output_shape", "input_shape"):
            yield case(call, task, (2, 3, 8, 10), by_hand)
            for _ in range(2):
                n, h, w = rng.permutation(range(16, 40))[:3].tolist()
                options = {name: int(rng.integers(*limits)) for name, limits in ranges.items()}
                given = "".join(f", {name} drawn too" for name in options)
                yield case(call, task, (n, 3, h, w), options, f"{task!r}, random n, h and w, c=3{given}")

    with part("an answer for the whole picture", points=1):
        yield from both("classification", {"classes": 5}, classes=(50, 100))
        yield from both("detection", {"boxes": 6, "classes": 5}, boxes=(100, 200), classes=(50, 100))
    with part("an answer for every pixel", points=1):
        yield from both("segmentation", {"classes": 5}, classes=(50, 100))
    with part("a picture from a picture", points=1):
        yield from both("style transfer", {})
        yield from both("super-resolution", {"scale": 2}, scale=(3, 6))
    with part("a picture from noise", points=1):
        yield from both("generation", {LATENT: 7}, noise=(50, 100))
