"""Simple models and a small network, asked for the same digits from few labels and from many."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from course_lib.batches import Batches
from course_lib.datasets.digits import load_digits
from course_lib.foundations.choice import TRAINING
from course_lib.foundations.deep import falling
from course_lib.foundations.mlp import MLP
from course_lib.training import fit

Learned = Callable[[Tensor], Tensor]  # pixels (n, 64) -> digits (n,)
LINEAR, NEAR, NETWORK = "logistic regression", "3 nearest neighbours", "two hidden layers"


def _logistic_regression(x: Tensor, y: Tensor, seed: int) -> Learned:
    from sklearn.linear_model import LogisticRegression  # takes half a second

    fitted = LogisticRegression(max_iter=200).fit(x, y)
    return lambda new: torch.from_numpy(fitted.predict(new))


def _nearest_neighbours(x: Tensor, y: Tensor, seed: int) -> Learned:
    from sklearn.neighbors import KNeighborsClassifier

    fitted = KNeighborsClassifier(3).fit(x, y)
    return lambda new: torch.from_numpy(fitted.predict(new))


def _network(x: Tensor, y: Tensor, seed: int) -> Learned:
    network = MLP((64, 64, 64, 10), seed=seed)
    loss, rate = nn.functional.cross_entropy, {"learning_rate": 0.005, "schedule": falling}
    fit(network, Batches(x, y, 30, seed), loss, steps=300, seed=seed, name=f"{len(x)} digits", **rate)
    network.cpu()

    @torch.no_grad()
    def learned(new: Tensor) -> Tensor:
        return network(new).argmax(dim=1)

    return learned


LEARNERS = {LINEAR: _logistic_regression, NEAR: _nearest_neighbours, NETWORK: _network}


def scores(labelled: int, seed: int = 0) -> dict[str, float]:
    """The share of the 597 test digits that each of `LEARNERS` gets right.

    Args:
        labelled: how many of the 1,200 training digits they learn from, drawn at random.
        seed: of the draw, and of the network.
    """
    pixels, digits = load_digits()
    rows = torch.randperm(TRAINING, generator=torch.Generator().manual_seed(seed))[:labelled]
    unseen, labels = pixels[TRAINING:], digits[TRAINING:]
    learned = {name: learn(pixels[rows], digits[rows], seed) for name, learn in LEARNERS.items()}
    return {name: (says(unseen) == labels).double().mean().item() for name, says in learned.items()}
