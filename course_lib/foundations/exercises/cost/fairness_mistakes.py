"""The mistakes that `group_rates` and `reweigh` are known for."""

from collections.abc import Callable

import torch

from course_lib.exercises import mistake
from course_lib.foundations.exercises.cost.fairness import (
    cells,
    counts_of,
    fairness,
    gap,
    rates_of,
    weights_of,
)


def in_rates(name: str, *, ask: str, look: str, **changed: Callable) -> None:
    """Declare a mistake in what `rates_of` lets be changed."""
    mistake(fairness, name, ask=ask, look=look)(lambda pred, y, group: rates_of(pred, y, group, **changed))


def careless_gap(rates: torch.Tensor) -> float:
    """A gap that a NaN spreads to."""
    return (rates.max() - rates.min()).item()


def in_found(name: str, *, ask: str, look: str) -> Callable[[Callable], Callable]:
    """Declare a mistake in the true-positive rate, by whoever thinks of empty groups in the gap and by who does not."""

    def declare(wrong: Callable) -> Callable:
        for difference in (gap, careless_gap):
            in_rates(name, ask=ask, look=look, true_positive=wrong, difference=difference)
        return wrong

    return declare


for difference in (gap, careless_gap):
    in_rates(
        "counts, not rates",
        ask="A group of 10 and a group of 1000: can you compare how many were selected?",
        look="the division: by how many there are.",
        selection=lambda pred, y, group: counts_of(group, pred),
        true_positive=lambda pred, y, group: counts_of(group, pred & y),
        difference=difference,
    )
    in_rates(
        "shares of all people, not of the group",
        ask="A group of 10 among 1000 people, all of them selected. What is its selection rate?",
        look="what you divide by: those of this group.",
        selection=lambda pred, y, group: counts_of(group, pred) / len(pred),
        true_positive=lambda pred, y, group: counts_of(group, pred & y) / y.sum(),
        difference=difference,
    )
    in_rates(
        "a group's share of those who were selected",
        ask="A group of 10 among 1000 people, all of them selected. What is its selection rate?",
        look="what you divide by: those of this group.",
        selection=lambda pred, y, group: counts_of(group, pred) / pred.sum(),
        difference=difference,
    )


@in_found(
    "a share of those who were predicted positive, which is the precision",
    ask="Ten are worthy, and one of them is selected, nobody else. How many of the ten did you find?",
    look="the condition: those whose true label is 1.",
)
def _(pred, y, group):
    return counts_of(group, pred & y) / counts_of(group, pred)


@in_found(
    "a true-positive rate that divides by the whole group",
    ask="Ten are in the group, two are worthy and both selected. How many of the worthy did you find?",
    look="what you divide by: those of this group whose true label is 1.",
)
def _(pred, y, group):
    return counts_of(group, pred & y) / counts_of(group)


@in_found(
    "a false-positive rate",
    ask="Among whom do you count: those with label 1, or those with label 0?",
    look="the condition on y.",
)
def _(pred, y, group):
    return counts_of(group, pred & ~y) / counts_of(group, ~y)


@in_found(
    "an accuracy",
    ask="A person with label 0 is not selected. Does that count in a true-positive rate?",
    look="the comparison of pred with y: only those with label 1 are asked about.",
)
def _(pred, y, group):
    return counts_of(group, pred == y) / counts_of(group)


in_rates(
    "a gap that is NaN as soon as one group is empty",
    ask="What is the maximum of 0.5 and NaN in PyTorch?",
    look="the gaps: leave out what is NaN before you take max and min.",
    difference=careless_gap,
)
in_rates(
    "a share of nobody that counts as 0",
    ask="Nobody of a group was worthy. Were none of its worthy found, or is there nothing to say?",
    look="the division by an empty group: the text asks for NaN.",
    selection=lambda pred, y, group: (counts_of(group, pred) / counts_of(group)).nan_to_num(0),
    true_positive=lambda pred, y, group: (counts_of(group, pred & y) / counts_of(group, y)).nan_to_num(0),
)
in_rates(
    "a share of nobody that counts as 0",
    ask="Nobody of a group was worthy. Were none of its worthy found, or is there nothing to say?",
    look="max(…, 1) in front of a count: the text asks for NaN.",
    selection=lambda pred, y, group: counts_of(group, pred) / counts_of(group).clamp(min=1),
    true_positive=lambda pred, y, group: counts_of(group, pred & y) / counts_of(group, y).clamp(min=1),
)
in_rates(
    "a gap in which NaN counts as 0",
    ask="Two groups have rates of 0.5 and 0.75, and of the third nothing is known. How far are they apart?",
    look="the gaps: leave out what is NaN before you take max and min.",
    difference=lambda rates: gap(rates.nan_to_num(0)),
)
in_rates(
    "a gap between the first group and the last, with a sign",
    ask="Three groups: between which of them is the gap? Can it be negative?",
    look="the gaps: the largest rate less the smallest.",
    difference=lambda rates: (rates[0] - rates[-1]).item(),
)
in_rates(
    "a gap between the last group and the first, with a sign",
    ask="Three groups: between which of them is the gap? Can it be negative?",
    look="the gaps: the largest rate less the smallest.",
    difference=lambda rates: (rates[-1] - rates[0]).item(),
)
in_rates(
    "a gap between the first two groups",
    ask="Three groups: between which of them is the gap?",
    look="the gaps: the largest rate less the smallest.",
    difference=lambda rates: (rates[0] - rates[1]).abs().item(),
)
in_rates(
    "a ratio, not a gap",
    ask="Rates of 0.5 and 0.25: how far are they apart?",
    look="the gaps: a difference is asked for; the ratio is in use too.",
    difference=lambda rates: (rates[~rates.isnan()].min() / rates[~rates.isnan()].max()).item(),
)


@mistake(
    fairness,
    "a division by an empty group that Python refuses",
    ask="Nobody is in group 1. What is 0 / 0 in Python, and what should your rate be?",
    look="the divisions: ask first whether there is anybody.",
)
def _(pred, y, group):
    for n in range(int(group.max()) + 1):
        1 / int((group == n).sum())
        1 / int(((group == n) & (y == 1)).sum())
    return rates_of(pred, y, group)


@mistake(
    fairness,
    "groups that are skipped because nobody is in them",
    ask="The groups are 0, 1 and 2, and nobody is in group 1. Where does group 2 stand in your result?",
    look="unique: it lists the groups that occur. Count from 0 to group.max().",
)
def _(pred, y, group):
    selection, true_positive, *gaps = rates_of(pred, y, group)
    there = counts_of(group) > 0
    return selection[there], true_positive[there], *gaps


# ----------------------------------------------------------------------------------------------------------- reweigh


def weighing(name: str, *, ask: str, look: str) -> Callable[[Callable], Callable]:
    """Declare a mistake in `reweigh`; the wrong function is told what `cells` finds."""

    def declare(wrong: Callable) -> Callable:
        mistake(fairness, name, call="reweigh", ask=ask, look=look)(lambda y, group: wrong(*cells(y, group)))
        return wrong

    return declare


@weighing(
    "the fraction upside down",
    ask="A label is rarer in a group than independence would have it. Does its weight go above 1 or below?",
    look="numerator and denominator: wanted over there is.",
)
def _(of_label, of_group, of_both):
    return len(of_label) * of_both / (of_label * of_group)


@weighing(
    "cells that all weigh the same",
    ask="A group of 10 and one of 1000: how much does each of them weigh under your weights?",
    look="the numerator: as many as independence would have, not as many as in every other cell.",
)
def _(of_label, of_group, of_both):
    number = (1 / of_both).sum()  # of cells that are not empty
    return len(of_label) / (number * of_both)


@weighing(
    "one over the number of people in the cell",
    ask="A group of 10 and one of 1000: how much does each of them weigh under your weights?",
    look="the numerator: as many as independence would have.",
)
def _(of_label, of_group, of_both):
    return 1 / of_both


@weighing(
    "weights by group alone",
    ask="Two people of one group, with different labels: can their weights be equal?",
    look="the cell: it has a label and a group.",
)
def _(of_label, of_group, of_both):
    return len(of_label) / ((1 / of_group).sum() * of_group)


@weighing(
    "weights by label alone",
    ask="Two people with one label, of different groups: can their weights be equal?",
    look="the cell: it has a label and a group.",
)
def _(of_label, of_group, of_both):
    return len(of_label) / ((1 / of_label).sum() * of_label)


@weighing(
    "weights that add up to 1",
    ask="Label and group are independent from the start. Which weight should everybody have?",
    look="the number of people: it stands in the denominator once.",
)
def _(of_label, of_group, of_both):
    return of_label * of_group / (len(of_label) ** 2 * of_both)


@weighing(
    "counts that are not divided by the number of people",
    ask="Label and group are independent from the start. Which weight should everybody have?",
    look="the number of people: it stands in the denominator once.",
)
def _(of_label, of_group, of_both):
    return of_label * of_group / of_both


@weighing(
    "a share of the label within the group, upside down",
    ask="Label and group are independent, and label 1 is rare. Which weight should everybody have?",
    look="the numerator: the label's count is missing in it.",
)
def _(of_label, of_group, of_both):
    return of_group / of_both


@weighing(
    "a share of the group within the label, upside down",
    ask="Label and group are independent, and one group is small. Which weight should everybody have?",
    look="the numerator: the group's count is missing in it.",
)
def _(of_label, of_group, of_both):
    return of_label / of_both


@mistake(
    fairness,
    "a table of weights, not one for each person",
    call="reweigh",
    ask="How many weights will the loss multiply with, for 8 people?",
    look="the end: each person takes the weight of their label and group from the table.",
)
def _(y, group):
    table = torch.zeros(2, int(group.max()) + 1, dtype=torch.float64)
    table[y, group] = weights_of(y, group)
    return table


@mistake(
    fairness,
    "a division by an empty cell that Python refuses",
    call="reweigh",
    ask="Nobody of group 0 has label 1. Whose weight is it that you divide by 0 for?",
    look="the loop over the cells: where nobody is, nothing is to be done.",
)
def _(y, group):
    for n in range(int(group.max()) + 1):
        for label in (0, 1):
            1 / int(((group == n) & (y == label)).sum())
    return weights_of(y, group)
