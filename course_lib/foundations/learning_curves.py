"""How many labels a classifier of digits needs, and three ways to get by with fewer of them.

All learn from some of the 1,297 shuffled training digits and are judged by the 500 test digits.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from course_lib.foundations.digit_reader import shuffled_digits
from course_lib.foundations.mlp import MLP
from course_lib.training import fit

HIDDEN = 64
STEPS, RATE = 200, 0.01  # of Adam, each with all rows that have a label
FIRST, ASKED, LAST = 20, 10, 120  # labels at the start, labels that a round asks for, labels at the end
NEIGHBOURS, KEPT = 10, 0.95  # of the graph; the share of a row's answer that it takes from its neighbours


class Design(NamedTuple):
    """A classifier: its hidden layers and their activation."""

    hidden: tuple[int, ...]
    activation: Callable[[Tensor], Tensor]


DESIGNS = {
    "logistic": Design((), torch.relu),
    "ReLU network": Design((HIDDEN,), torch.relu),
    "sigmoid network": Design((HIDDEN,), torch.sigmoid),
}


def pixels() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Training pixels (1297, 64) and labels (1297,), test pixels (500, 64) and labels (500,)."""
    digits = shuffled_digits()
    return digits.x.flatten(1), digits.y, digits.test_x.flatten(1), digits.test_y


def drawn(count: int, seed: int) -> Tensor:
    """So many rows of the training digits, drawn without replacement: (count,). The same seed goes on where it was."""
    return torch.randperm(len(shuffled_digits().y), generator=torch.Generator().manual_seed(seed))[:count]


def learn(x: Tensor, y: Tensor, design: str = "ReLU network", seed: int = 0, classes: int = 10) -> MLP:
    """A classifier that has learned from x (rows, features) and y (rows,); on the CPU."""
    hidden, activation = DESIGNS[design]
    model = MLP((x.shape[1], *hidden, classes), activation, seed)
    fit(model, [(x, y)], nn.functional.cross_entropy, steps=STEPS, learning_rate=RATE, seed=seed, cache=False)
    return model.cpu()


@torch.no_grad()
def share_right(model: nn.Module, x: Tensor, y: Tensor) -> float:
    """The share of rows x (rows, features) that the model puts into their classes y (rows,)."""
    return (model(x).argmax(dim=1) == y).float().mean().item()


def with_labels(count: int, design: str, seed: int) -> float:
    """The share of test digits right, learned from so many labels."""
    x, y, test_x, test_y = pixels()
    rows = drawn(count, seed)
    return share_right(learn(x[rows], y[rows], design, seed), test_x, test_y)


# ---- whom to ask: active learning -----------------------------------------------------------------------------------


def least_sure(probabilities: Tensor) -> Tensor:
    """Items by the entropy of their probabilities (items, classes), the largest first: (items,)."""
    return torch.special.entr(probabilities).sum(dim=1).argsort(descending=True, stable=True)


def as_they_come(probabilities: Tensor) -> Tensor:
    """Items in an order that has nothing to do with them: (items,)."""
    return torch.arange(len(probabilities))


def ask_round_by_round(order: Callable[[Tensor], Tensor], seed: int) -> list[float]:
    """Learn from 20 labels, have ten more digits labelled, learn anew, up to 120.

    Args:
        order: the network's probabilities for the digits without a label, (items, classes) → in which order they
            should be asked about.
        seed: draws the first 20, and the order in which digits come.

    Returns:
        the share of test digits right with 20, 30, … 120 labels
    """
    x, y, test_x, test_y = pixels()
    pool = drawn(len(x), seed)
    labelled, pool, rights = pool[:FIRST], pool[FIRST:], []
    while True:
        model = learn(x[labelled], y[labelled], seed=seed)
        rights.append(share_right(model, test_x, test_y))
        if len(labelled) >= LAST:
            return rights
        with torch.no_grad():
            asked = order(model(x[pool]).softmax(dim=1))[:ASKED]
        labelled = torch.cat([labelled, pool[asked]])
        left = torch.ones(len(pool), dtype=torch.bool).index_fill(0, asked, False)
        pool = pool[left]


# ---- digits without labels: semi-supervised learning ----------------------------------------------------------------


def spread_labels(x: Tensor, y: Tensor, rows: Tensor) -> Tensor:
    """Let a few labels spread from neighbour to neighbour (Zhou et al. 2004): F = (I - αS)⁻¹ Y.

    S weighs how near two pictures are, among the ten nearest of each.

    Args:
        x: all pictures, (n, features).
        y: (n,), read at `rows` only.
        rows: which of them have a label.

    Returns:
        a label for every picture, (n,)
    """
    distance = torch.cdist(x, x)
    nearest = distance.topk(NEIGHBOURS + 1, largest=False)  # the nearest of all is the picture itself
    width = nearest.values[:, -1].median()
    near = torch.zeros_like(distance).scatter_(1, nearest.indices[:, 1:], 1.0)
    weight = torch.exp(-((distance / width) ** 2)) * torch.maximum(near, near.T)
    root = weight.sum(dim=1).rsqrt()
    S = root[:, None] * weight * root
    Y = torch.zeros(len(x), int(y[rows].max()) + 1)
    Y[rows, y[rows]] = 1
    return torch.linalg.solve(torch.eye(len(x)) - KEPT * S, Y).argmax(dim=1)


def with_neighbours(count: int, seed: int) -> float:
    """The share of test digits right, learned from all training digits, of which so many have a true label."""
    x, y, test_x, test_y = pixels()
    return share_right(learn(x, spread_labels(x, y, drawn(count, seed)), seed=seed), test_x, test_y)


# ---- another task first: transfer learning --------------------------------------------------------------------------


def transferred(shots: int, seed: int) -> dict[str, float]:
    """Learn 5 to 9 from `shots` digits of each: from nothing, or from what a network has learned on all 0 to 4.

    Returns:
        the share of test digits 5 to 9 right: `from nothing`, `its features` (a new last layer only), `fine-tuned` (all
        of its weights go on learning)
    """
    x, y, test_x, test_y = pixels()
    before = learn(x[y < 5], y[y < 5], seed=seed, classes=5)
    order = drawn(len(x), seed)
    rows = torch.cat([order[y[order] == digit][:shots] for digit in range(5, 10)])
    few, labels, judged = x[rows], y[rows] - 5, test_y >= 5

    def features(x: Tensor) -> Tensor:
        with torch.no_grad():
            return before.every_layer(x)[0]

    tuned = MLP((x.shape[1], HIDDEN, 5), seed=seed + 1)
    tuned.layers[0].load_state_dict(before.layers[0].state_dict())
    fit(tuned, [(few, labels)], nn.functional.cross_entropy, steps=STEPS, learning_rate=RATE, cache=False)
    seen, known = test_x[judged], test_y[judged] - 5
    return {
        "from nothing": share_right(learn(few, labels, seed=seed, classes=5), seen, known),
        "its features": share_right(learn(features(few), labels, "logistic", seed, 5), features(seen), known),
        "fine-tuned": share_right(tuned.cpu(), seen, known),
    }
