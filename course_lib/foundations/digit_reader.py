"""A network that reads handwritten digits with few mistakes, for those who want to explain it, fool it or shrink it."""

from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor, nn

from course_lib.batches import Batches
from course_lib.datasets.digits import load_digits
from course_lib.foundations.deep import DeepNetwork, falling
from course_lib.training import fit

TRAINING, TESTING = 1297, 500  # of the 1,797 digits
PICTURE = (1, 8, 8)  # channels, height, width; 0 is paper, 1 is ink
PAPER, INK = 0.0, 1.0
PASSES, BATCH, RATE = 20, 50, 0.005


class Split(NamedTuple):
    """Digits to learn from and digits to be judged by.

    Attributes:
        x, y: pictures (1297, 1, 8, 8) from 0 to 1, and which digit each is, (1297,).
        test_x, test_y: (500, 1, 8, 8), (500,).
    """

    x: Tensor
    y: Tensor
    test_x: Tensor
    test_y: Tensor


@cache
def shuffled_digits(seed: int = 0) -> Split:
    """`load_digits` in an order that chance has drawn.

    In their own order the digits of the test set come from people who wrote none of the others; shuffled, everybody has
    written some of both, and the test is easier.
    """
    pixels, labels = load_digits()
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    learn, test = order[:TRAINING], order[TRAINING:]
    pictures = pixels.reshape(-1, *PICTURE)
    return Split(pictures[learn], labels[learn], pictures[test], labels[test])


def new_reader(seed: int = 0) -> nn.Module:
    """Two hidden layers of 128 ReLU units on (batch, 1, 8, 8), with dropout of 0.2; not trained yet.

    Chosen by what 297 of the training digits said, not by the test digits.
    """
    return nn.Sequential(nn.Flatten(), DeepNetwork(2, 128, scheme="He", dropout=0.2, seed=seed))


@cache
def digit_reader(seed: int) -> nn.Module:
    """The network, trained on the shuffled training digits; in evaluation mode, on the CPU. About a second."""
    digits, model = shuffled_digits(), new_reader(seed)
    fit(
        model,
        Batches(digits.x, digits.y, BATCH, seed),
        nn.functional.cross_entropy,
        epochs=PASSES,
        learning_rate=RATE,
        schedule=falling,
        seed=seed,
        name="a reader of digits",
    )
    return model.cpu().eval()


@torch.no_grad()
def share_right(model: nn.Module, x: Tensor, y: Tensor) -> float:
    """The share of pictures x (n, 1, 8, 8) that the model puts into their classes y (n,)."""
    return (model(x).argmax(dim=1) == y).float().mean().item()
