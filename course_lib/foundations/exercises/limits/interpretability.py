"""Saliency by the gradient (Simonyan et al. 2014) and by occlusion (Zeiler and Fergus 2014)."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from course_lib.exercises import Case, exercise, part
from course_lib.foundations.exercises.deep.common import broken
from course_lib.foundations.exercises.limits.common import (
    CLASSES,
    CONVOLUTION,
    DROPOUT,
    LINEAR,
    RELU,
    SHAPES,
    Built,
    answered,
    by_hand,
    clean_gradient,
    left_behind,
    model_of,
    row,
    weights_for,
)


def own_logits(logits: Tensor, target: Tensor) -> Tensor:
    """The logit of each picture's own class: (batch,)."""
    return logits.gather(1, target[:, None])[:, 0]


def sensitivity(model: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    """A right answer: how each picture's target logit moves with its pixels, (shape of x)."""
    return clean_gradient(lambda logits: own_logits(logits, target).sum(), model, x)


def centred(i: int, j: int, patch: int) -> tuple[slice, slice]:
    """Rows and columns of the square around a pixel, as far as it lies in the picture."""
    half = patch // 2
    return slice(max(i - half, 0), i + half + 1), slice(max(j - half, 0), j + half + 1)


@torch.no_grad()
def falls(
    model: nn.Module,
    x: Tensor,
    patch: int,
    target: Tensor,
    *,
    square: Callable[[int, int, int], tuple[slice, slice]] = centred,
    score: Callable[[Tensor, Tensor], Tensor] = own_logits,
    blank: float | Tensor = 0.0,
    channels: slice = slice(None),
) -> Tensor:
    """A right answer, for the mistakes to change one thing in: (batch, height, width)."""
    height, width = x.shape[2:]
    found = x.new_zeros(len(x), height, width)
    whole = score(model(x), target)
    for i in range(height):
        for j in range(width):
            without = x.clone()
            rows, columns = square(i, j, patch)
            without[:, channels, rows, columns] = blank
            found[:, i, j] = whole - score(model(without), target)
    return found


@exercise(
    "foundations.challenges.interpretability",
    "saliency(model, x, target) -> gradient",
    "occlusion(model, x, patch, target) -> map",
    level="core",
    minutes=10,
    keeps_inputs=True,
)
def interpretability(rng):
    """Two answers to the question which pixels a prediction hangs on."""

    def pictures(kind: str, count: int) -> tuple[Tensor, Tensor]:
        """Pictures for a model, of brightness 0.2 to 1.2, and a class for each."""
        x = torch.from_numpy(rng.uniform(0.2, 1.2, size=(count, *SHAPES[kind]))).float()
        return x, (torch.arange(count) + 1) % CLASSES

    def moved(built: Built, x: Tensor, target: Tensor, because: str, shown: str) -> Case:
        inputs = (built, x, target)
        expected = sensitivity(model_of(built), x, target)
        return Case(inputs, via=answered, expected=expected, shown=shown, because=because, atol=1e-6)

    def fallen(built: Built, x: Tensor, patch: int, target: Tensor, because: str, shown: str, **view) -> Case:
        expected = falls(model_of(built), x, patch, target)
        if view:
            view |= {"form": expected}
            expected = view["view"](expected)
        inputs = (built, x, patch, target)
        return Case(
            inputs, call="occlusion", via=answered, expected=expected, shown=shown, because=because, atol=1e-5, **view
        )

    def drawn(kind: str, count: int) -> tuple[Built, Tensor, Tensor, str]:
        x, target = pictures(kind, count)
        return (kind, weights_for(rng, kind)), x, target, f"{kind}, x of shape {tuple(x.shape)}"

    def words(weights: tuple[list[float], list[float]], pixels: tuple, target: int) -> str:
        return f"a linear model with the weights {weights[0]} and {weights[1]}, x={list(pixels)}, target {target}"

    with part("the gradient", points=1):
        weights = [1.0, 2.0, 3.0], [4.0, 0.0, -1.0]
        for pixels, target in (((1.0, 0.0, 2.0), 1), ((1.0, 0.0, 2.0), 0), ((2.0, 1.0, 0.0), 0)):
            because = "the logit of a linear model moves with a pixel as that pixel's weight says"
            yield moved(
                by_hand(*weights), row(*pixels), torch.tensor([target]), because, words(weights, pixels, target)
            )
        for kind in (RELU, DROPOUT, CONVOLUTION):
            built, x, target, shown = drawn(kind, 1)
            because = "the gradient of the target's logit, before any softmax, by the pixels"
            yield moved(built, x, target, because, shown)
    with part("one sample, one target", points=1):
        for kind, count in ((LINEAR, 3), (RELU, 5), (CONVOLUTION, 4)):
            built, x, target, shown = drawn(kind, count)
            because = "each picture's map is about its own target, and does not depend on who else is in the batch"
            yield moved(built, x, target, because, f"{shown}, targets {target.tolist()}")
    with part("nothing left behind", points=1):
        for kind, count in ((LINEAR, 2), (DROPOUT, 3)):
            built, x, target, shown = drawn(kind, count)
            because = "somebody may be in the middle of a training: what an explanation touches is theirs"
            inputs = (built, x, target)
            expected = dict.fromkeys(left_behind(sensitivity, *inputs), True)
            yield Case(
                inputs,
                via=left_behind,
                expected=expected,
                explain=broken,
                shown=f"called twice: {shown}",
                because=because,
            )
    look = [1.0, 1.0, 1.0], [2.0, 0.0, -1.0]
    with part("squares inside", points=1):
        kept = "the fall of the target's logit when this square alone is blank, in all channels"
        for pixels, target in (((1.0, 2.0, 3.0), 1), ((2.0, -1.0, 1.0), 0)):
            shown = f"{words(look, pixels, target)}, patch=1"
            yield fallen(by_hand(*look), row(*pixels), 1, torch.tensor([target]), kept, shown)
        for kind, count in ((LINEAR, 1), (RELU, 4), (CONVOLUTION, 3)):
            built, x, target, shown = drawn(kind, count)
            shown = f"{shown}, patch=3, away from the border"
            yield fallen(built, x, 3, target, kept, shown, view=lambda found: found[:, 1:-1, 1:-1])
    with part("squares at the border", points=1):
        cut = "the square sits around its pixel; what of it sticks out of the picture is left off"
        for pixels, target in (((1.0, 2.0, 3.0), 0), ((2.0, 1.0, -3.0), 1)):
            shown = f"{words(look, pixels, target)}, patch=3"
            yield fallen(by_hand(*look), row(*pixels), 3, torch.tensor([target]), cut, shown)
        for kind, count, patch in ((LINEAR, 2, 3), (RELU, 3, 5), (CONVOLUTION, 3, 3), (DROPOUT, 2, 7)):
            built, x, target, shown = drawn(kind, count)
            yield fallen(built, x, patch, target, cut, f"{shown}, patch={patch}")
