"""Rates by group, and weights that take a label's dependence on the group away (Kamiran and Calders 2012)."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from course_lib.exercises import Case, exercise, part


def counts_of(group: Tensor, which: Tensor | None = None) -> Tensor:
    """How many of each group there are, or how many of them with True in `which`: (groups,), float64."""
    chosen = group if which is None else group[which]
    return torch.bincount(chosen, minlength=int(group.max()) + 1).double()


def gap(rates: Tensor) -> float:
    """The largest less the smallest, of the rates that there are."""
    known = rates[~rates.isnan()]
    return (known.max() - known.min()).item()


def rates_of(
    pred: Tensor,
    y: Tensor,
    group: Tensor,
    *,
    selection: Callable | None = None,
    true_positive: Callable | None = None,
    difference: Callable[[Tensor], float] = gap,
) -> tuple[Tensor, Tensor, float, float]:
    """A right answer, for the mistakes to change one thing in; a rate is told (pred, y, group), as True and False."""
    selected = (selection or selected_share)(pred == 1, y == 1, group)
    found = (true_positive or found_share)(pred == 1, y == 1, group)
    return selected, found, difference(selected), difference(found)


def selected_share(pred: Tensor, y: Tensor, group: Tensor) -> Tensor:
    """Of each group, the share that is selected: (groups,)."""
    return counts_of(group, pred) / counts_of(group)


def found_share(pred: Tensor, y: Tensor, group: Tensor) -> Tensor:
    """Of each group's positives, the share that is selected: (groups,)."""
    return counts_of(group, pred & y) / counts_of(group, y)


def cells(y: Tensor, group: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """For each sample, how many have its label, how many its group, and how many both: (n,) each, float64."""
    same_label, same_group = y[:, None] == y, group[:, None] == group
    return tuple(same.sum(dim=1).double() for same in (same_label, same_group, same_label & same_group))


def weights_of(y: Tensor, group: Tensor) -> Tensor:
    """A right answer: as many as independence would have in each cell, over as many as there are; (n,)."""
    of_label, of_group, of_both = cells(y, group)
    return of_label * of_group / (len(y) * of_both)


def tables(answer: Callable, y: Tensor, group: Tensor) -> dict | None:
    """What the weights that an answer gives add up to: for each group, for each label, and the shares of label 1.

    Raises:
        ValueError: there is not one weight for each sample.
    """
    made = answer(y, group)
    if made is None:
        return None
    weights = torch.as_tensor(made).double()
    if weights.shape != y.shape:
        raise ValueError(f"y has shape {tuple(y.shape)}, and what reweigh returns has {tuple(weights.shape)}")
    sums = torch.stack([torch.bincount(group[y == label], weights[y == label], group.max() + 1) for label in (0, 1)])
    return {
        "share of label 1 in each group": (sums[1] / sums.sum(dim=0)),
        "weight of each group": sums.sum(dim=0),
        "weight of each label": sums.sum(dim=1),
    }


@exercise(
    "foundations.challenges.fairness",
    "group_rates(pred, y, group) -> selection, true_positive, selection_gap, true_positive_gap",
    "reweigh(y, group) -> weights",
    level="core",
    minutes=9,
    keeps_inputs=True,
)
def fairness(rng):
    """Who is selected, who is overlooked, and weights for a fairer training."""

    def people(sizes: list[int], groups: int) -> tuple[Tensor, Tensor]:
        """Labels and groups of people in random order: so many of (label 0, group 0), (1, 0), (0, 1), …"""
        labels = np.repeat([label for _ in range(groups) for label in (0, 1)], sizes)
        group = np.repeat(np.arange(groups).repeat(2), sizes)
        order = rng.permutation(len(group))
        return torch.from_numpy(labels[order]), torch.from_numpy(group[order])

    def judged(sizes: list[int], groups: int) -> tuple[Tensor, Tensor, Tensor]:
        """The same with predictions, by chance, in which no group is judged all alike."""
        y, group = people(sizes, groups)
        while True:
            pred = torch.from_numpy((rng.random(len(y)) < rng.uniform(0.3, 0.8, size=groups)[group]).astype(np.int64))
            picked, found = (counts_of(group, which) for which in (pred == 1, (pred == 1) & (y == 1)))
            everybody, positive = counts_of(group), counts_of(group, y == 1)
            mixed = (found >= 2) & (picked > found) & (picked < everybody)
            if mixed[positive > 0].all() and (picked < everybody)[everybody > 0].all():
                return pred, y, group

    def rated(pred, y, group, because: str, shown: str) -> Case:
        inputs = tuple(map(torch.as_tensor, (pred, y, group)))
        return Case(inputs, expected=rates_of(*inputs), because=because, shown=shown)

    def drawn(sizes: list[int], groups: int, because: str) -> Case:
        pred, y, group = judged(sizes, groups)
        return rated(pred, y, group, because, f"{len(y)} people in {groups} groups")

    def weighed(y, group, because: str, shown: str, via: Callable | None = None) -> Case:
        inputs = tuple(map(torch.as_tensor, (y, group)))
        expected = tables(weights_of, *inputs) if via else weights_of(*inputs)
        return Case(inputs, call="reweigh", via=via, expected=expected, because=because, shown=shown, rtol=1e-4)

    def table(pred: list[int], y: list[int], group: list[int]) -> dict:
        return {"pred": pred, "y": y, "group": group, "shown": f"pred={pred}, y={y}, group={group}"}

    with part("rates and gaps", points=2):
        rate = "the selection rate is a share of the group, the true-positive rate a share of the group's positives"
        for rows in (
            table([1, 1, 0, 1, 0, 0], [1, 0, 1, 1, 1, 0], [0, 0, 0, 1, 1, 1]),
            table([0, 1, 1, 1, 0], [0, 1, 1, 0, 1], [1, 0, 1, 1, 0]),
        ):
            yield rated(**rows, because=rate)
        for sizes, groups in (([12, 9, 7, 15], 2), ([20, 10, 14, 30, 9, 8], 3), ([9, 8, 10, 12, 30, 6, 11, 7], 4)):
            yield drawn(sizes, groups, rate)
    with part("nobody there", points=1):
        nobody = "a share of nobody is NaN, and a gap is that of the rates that there are"
        for rows in (
            table([1, 0, 1, 0], [1, 1, 0, 0], [0, 0, 1, 1]),
            table([1, 0, 1, 1], [1, 1, 1, 0], [0, 0, 2, 2]),
        ):
            yield rated(**rows, because=nobody)
        for sizes, groups in (([12, 9, 0, 0, 10, 14], 3), ([8, 9, 11, 0, 7, 10], 3), ([0, 0, 8, 9, 9, 12, 10, 0], 4)):
            yield drawn(sizes, groups, nobody)
    with part("weights", points=1):
        formula = "how many there would be if label and group were independent, over how many there are"
        for y, group in (
            ([1, 1, 1, 0, 1, 0, 0, 0], [0, 0, 0, 0, 1, 1, 1, 1]),
            ([1, 0, 0, 1, 0, 1], [0, 0, 0, 1, 1, 0]),
        ):
            yield weighed(y, group, formula, f"y={y}, group={group}")
        for sizes, groups in (([12, 5, 7, 15], 2), ([20, 3, 14, 30, 9, 8], 3)):
            yield weighed(*people(sizes, groups), formula, f"{sum(sizes)} people in {groups} groups")
    with part("independent", points=1):
        sums = "under the weights each group has the same share of label 1, and groups and labels weigh what they did"
        for sizes, groups in (([30, 10, 10, 25], 2), ([6, 5, 22, 40, 11, 9], 3)):
            yield weighed(*people(sizes, groups), sums, f"sums of your weights: {sum(sizes)} people", tables)
    with part("an empty cell", points=1):
        for y, group in (([0, 0, 1, 1, 0], [0, 0, 1, 1, 1]), ([1, 0, 1, 1], [0, 0, 2, 2])):
            because = "where there is nobody, there is nobody to weigh: the others get finite weights"
            yield weighed(y, group, because, f"y={y}, group={group}")
        y, group = people([10, 0, 7, 15, 0, 4], 3)
        yield weighed(y, group, "the others get finite weights", f"{len(y)} people in 3 groups, two cells are empty")
