"""Pictures changed at random while a network learns from them: moved, and turned by half."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.nn.functional import pad

from course_lib.batches import Batches

MOST = 2  # pixels that a picture moves, at most, in each direction


def shifted(images: Tensor, generator: torch.Generator, most: int = MOST) -> Tensor:
    """Each picture moved on its own, by -most to most pixels down and right, all alike; what comes in is 0.

    Args:
        images: (n, height, width)
        generator: draws how far.
        most: pixels.
    """
    n, height, width = images.shape
    top, left = torch.randint(2 * most + 1, (2, n, 1), generator=generator)  # of the window that is cut out
    rows = (top + torch.arange(height))[:, :, None]  # (n, height, 1)
    columns = (left + torch.arange(width))[:, None, :]  # (n, 1, width)
    return pad(images, (most,) * 4)[torch.arange(n)[:, None, None], rows, columns]


def half_turned(images: Tensor, generator: torch.Generator) -> Tensor:
    """Each picture turned by 180 degrees with a chance of one half.

    Args:
        images: (n, height, width)
        generator: draws which.
    """
    turned = torch.rand(len(images), 1, 1, generator=generator) < 0.5
    return torch.where(turned, images.flip(1, 2), images)


class Augmented(Batches):
    """Batches of pictures that are changed anew in every pass; labels stay as they are.

    Args:
        images: (n, height, width); the model is called with their pixels, (batch, height * width).
        labels: (n,)
        change: pictures and a generator → pictures, as `shifted`; None changes nothing.
        batch_size: rows in a batch.
        seed: of the order, and of what `change` draws.
    """

    def __init__(self, images: Tensor, labels: Tensor, change: Callable | None, batch_size: int, seed: int = 0):
        super().__init__(images, labels, batch_size, seed)
        self.change = change

    def __iter__(self) -> Iterator[tuple[tuple[Tensor], Tensor]]:
        for (images,), labels in super().__iter__():
            if self.change is not None:
                images = self.change(images, self.generator)
            yield (images.flatten(start_dim=1),), labels
