"""Active learning (Lewis and Gale 1994): which items should a person label next?"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from course_lib.exercises import Case, exercise, mistake, part

APART = 1e-4  # so much at least do two entropies differ that are not the same


def chosen(answer: Callable, probs: Tensor, k: int) -> Tensor | None:
    """The indices that the answer returns, as a tensor.

    Raises:
        TypeError: they are no whole numbers.
    """
    made = answer(probs, k)
    if made is None:
        return None
    indices = torch.as_tensor(made)
    if indices.is_floating_point() or indices.dtype == torch.bool:
        raise TypeError(f"indices are whole numbers, and these are {str(indices.dtype).removeprefix('torch.')}")
    return indices


def entropy(probs: Tensor) -> Tensor:
    """The entropy of each row in nats, as float64: (items,)."""
    return torch.special.entr(probs.double()).sum(dim=1)


def most_first(uncertainty: Tensor, k: int) -> Tensor:
    """The indices of the k largest, the largest first, of equal ones the lowest: (k,)."""
    return uncertainty.argsort(descending=True, stable=True)[:k]


@exercise(
    "foundations.challenges.data", "most_uncertain(probs, k) -> indices", level="core", minutes=5, keeps_inputs=True
)
def data(rng):
    """The k items about which a classifier is least sure, by entropy.

    Rows tie only where all their positive probabilities are the same power of 2: such sums are the same in whatever
    order they are added up.
    """

    def drawn(items: int, classes: int, zeros: int = 0) -> Tensor:
        """Rows of some order and some disorder, so many zeros in each, no two entropies close: (items, classes)."""
        while True:
            width = rng.uniform(0.2, 3, size=(items, 1))
            weights = rng.gamma(np.repeat(width, classes, axis=1)) + 1e-4
            weights[:, :zeros] = 0
            weights = rng.permuted(weights, axis=1)
            probs = torch.from_numpy(weights / weights.sum(axis=1, keepdims=True)).float()
            if entropy(probs).sort().values.diff().min() > APART:
                return probs

    def even(classes: int, counts: list[int]) -> Tensor:
        """Rows, each of which shares its probability evenly among so many of the classes: (items, classes)."""
        rows = np.zeros((len(counts), classes))
        for row, count in zip(rows, rng.permutation(counts), strict=True):
            row[rng.permutation(classes)[:count]] = 1 / count
        return torch.from_numpy(rows).float()

    def case(probs: Tensor | list[list[float]], k: int, because: str, **how) -> Case:
        probs = torch.as_tensor(probs)
        return Case((probs, k), via=chosen, expected=most_first(entropy(probs), k), because=because, **how)

    with part("least sure first", points=1):
        all_classes = "the entropy of a row adds up a term for each class"
        for rows, k in (
            ([[0.9, 0.1], [0.5, 0.5], [0.6, 0.4]], 2),
            ([[0.2, 0.8], [0.7, 0.3], [0.45, 0.55], [0.95, 0.05]], 3),
            ([[0.55, 0.44, 0.01], [0.6, 0.2, 0.2]], 1),
            ([[0.88, 0.118, 0.001, 0.001], [0.91, 0.03, 0.03, 0.03]], 1),
        ):
            yield case(rows, k, all_classes, shown=f"rows {rows}, k={k}")
        for items, classes, k in ((12, 4, 5), (20, 6, 1), (30, 6, 30), (40, 5, 40)):
            yield case(drawn(items, classes), k, all_classes)
    with part("probabilities of 0", points=1):
        nothing = "a class that is out of the question adds nothing: 0 log 0 counts as 0"
        for rows, k in (
            ([[1.0, 0.0], [0.5, 0.5], [0.7, 0.3]], 1),
            ([[0.5, 0.5, 0.0], [0.9, 0.05, 0.05], [1.0, 0.0, 0.0]], 3),
        ):
            yield case(rows, k, nothing, shown=f"rows {rows}, k={k}")
        for items, classes, zeros, k in ((15, 5, 1, 4), (12, 6, 3, 12)):
            mixed = torch.cat([drawn(items, classes, zeros), even(classes, [1, classes])])
            yield case(mixed, k, nothing, shown=f"probs of shape {tuple(mixed.shape)}, many of them 0; k={k}")
    with part("ties", points=1):
        lowest = "of equal ones the lowest index comes first; a sort that is stable keeps their order"
        for rows, k in (([[0.5, 0.5]] * 3, 2), ([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0], [0.5, 0.5]], 3)):
            yield case(rows, k, lowest, shown=f"rows {rows}, k={k}")
        for counts, k in (([1] * 9 + [2] * 15 + [4] * 6, 13), ([1] * 20 + [2] * 8 + [4] * 2, 25)):
            probs = even(4, counts)
            yield case(probs, k, lowest, shown=f"{len(counts)} rows of 4 classes, many with the same entropy; k={k}")


@mistake(
    data,
    "the surest items first",
    ask="One row is (0.5, 0.5), another (0.9, 0.1). About which would you ask somebody?",
    look="the direction in which you sort; and the sign of the entropy, which is never negative.",
)
def _(probs, k):
    return most_first(-entropy(probs), k)


@mistake(
    data,
    "an entropy in which 0 · log 0 is NaN",
    ask="What is torch.tensor(0.) * torch.log(torch.tensor(0.)), and where does a sort put it?",
    look="the logarithm: keep it away from 0, or set those terms to 0.",
)
def _(probs, k):
    return most_first(-(probs * probs.log()).sum(dim=1), k)


@mistake(
    data,
    "an entropy in which 0 · log 0 is NaN",
    ask="What is np.float64(0) * np.log(0), and where does a sort put it?",
    look="the logarithm: keep it away from 0, or set those terms to 0.",
)
def _(probs, k):
    p = probs.numpy()
    with np.errstate(all="ignore"):
        return np.argsort((p * np.log(p)).sum(axis=1), kind="stable")[:k]  # NumPy puts NaN last


@mistake(
    data,
    "a sort by the probability of the first class",
    ask="Rows (0.9, 0.1) and (0.1, 0.9) are equally sure. Where do they stand in your order?",
    look="what you sort by: one number for each row, and every class has its share in it.",
)
def _(probs, k):
    return most_first(probs[:, 0], k)


@mistake(
    data,
    "a sort by the probability of the first class, from below",
    ask="Rows (0.9, 0.1) and (0.1, 0.9) are equally sure. Where do they stand in your order?",
    look="what you sort by: one number for each row, and every class has its share in it.",
)
def _(probs, k):
    return most_first(-probs[:, 0], k)


@mistake(
    data,
    "a choice by the largest probability alone",
    ask="(0.55, 0.44, 0.01) and (0.6, 0.2, 0.2): between how many classes does each of them hesitate?",
    look="max: the entropy asks what the other classes have, too.",
)
def _(probs, k):
    return most_first(-probs.amax(dim=1), k)


@mistake(
    data,
    "a choice by the gap between the two likeliest classes",
    ask="(0.55, 0.44, 0.01) and (0.6, 0.2, 0.2): between how many classes does each of them hesitate?",
    look="the two largest: the entropy asks what the other classes have, too.",
)
def _(probs, k):
    first, second = probs.topk(2, dim=1).values.T
    return most_first(second - first, k)


@mistake(
    data,
    "one minus the sum of squares, the Gini impurity",
    ask="What does the formula of the entropy do with p: square it, or multiply it by something else?",
    look="the term of one class: p times its logarithm.",
)
def _(probs, k):
    return most_first(1 - probs.double().square().sum(dim=1), k)


@mistake(
    data,
    "a softmax over what are probabilities already",
    ask="What is the sum of a row before your function begins?",
    look="softmax: it belongs to logits, and there are none here.",
)
def _(probs, k):
    return most_first(entropy(probs.double().softmax(dim=1)), k)


@mistake(
    data,
    "a sum of logarithms that are not weighted",
    ask="In the entropy, how much does a class count that comes up once in a thousand times?",
    look="the term of one class: its logarithm counts as often as the class comes up.",
)
def _(probs, k):
    return most_first(-probs.clamp(min=1e-12).log().sum(dim=1), k)


@mistake(
    data,
    "the largest terms, not the rows with the largest sums",
    ask="One row has two large terms. How often can it be chosen?",
    look="the sum over the classes: it comes before the sort.",
)
def _(probs, k):
    return most_first(torch.special.entr(probs.double()).flatten(), k) // probs.shape[1]


@mistake(
    data,
    "an entropy for each class, not for each item",
    ask="probs has 3 rows and 2 columns. How many entropies do you have?",
    look="dim in the sum: a row is an item.",
)
def _(probs, k):
    return most_first(torch.special.entr(probs.double()).sum(dim=0), k)


@mistake(
    data,
    "the right items, the least uncertain of them first",
    ask="Whoever labels has time for one item only. Which of yours is it?",
    look="the order: the most uncertain comes first.",
)
def _(probs, k):
    return most_first(entropy(probs), k).flip(0)


@mistake(
    data,
    "the end of an ascending sort, turned round",
    ask="Some rows are equal. In which order does your sort leave them, and what does turning round do to it?",
    look="flip, or [::-1]: ties are turned round with the rest. Sort in descending order.",
)
def _(probs, k):
    return entropy(probs).argsort(stable=True).flip(0)[:k]


@mistake(
    data,
    "the end of an ascending sort, as it stands",
    ask="Whoever labels has time for one item only. Which of yours is it?",
    look="the slice from the end: it has the most uncertain last, and of equal ones it takes the highest indices.",
)
def _(probs, k):
    return entropy(probs).argsort(stable=True)[-k:]


@mistake(
    data,
    "topk, which promises nothing about ties",
    ask="Some rows are equal. Which of them does torch.topk have to return first?",
    look="topk: a sort can be told to be stable.",
)
def _(probs, k):
    return entropy(probs).topk(k).indices


@mistake(
    data,
    "entropies, not the indices of the items",
    ask="Somebody is to fetch the items that you name. What do you name?",
    look="what you return: a sort gives values and indices.",
)
def _(probs, k):
    return entropy(probs).sort(descending=True).values[:k]
