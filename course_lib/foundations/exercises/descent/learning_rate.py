"""How long may a step be? The largest stable learning rate of a quadratic loss."""

from functools import partial

import numpy as np
import torch
from torch import Tensor

from course_lib.exercises import Case, exercise, mistake, part

STEPS = 100  # of the descent that shows what a rate does
FLAT = 1e4  # a rate above, or none at all, means that somebody divided by the 0 of a flat direction, up to rounding


def edge(H: Tensor) -> float:
    """2 / the largest eigenvalue."""
    return 2 / float(torch.linalg.eigvalsh(H.double())[-1])


def loss_after(H: Tensor, rate: float) -> float:
    """What gradient descent makes of the loss ½ wᵀ H w, in STEPS steps, as a multiple of what it was at the start."""
    H = H.double()
    directions = torch.linalg.eigh(H).eigenvectors
    w = start = directions.sum(dim=1)  # something of every direction
    for _ in range(STEPS):
        w = w - rate * (H @ w)
    return float(w @ H @ w / (start @ H @ start))


def what_happens(H: Tensor, rate: float) -> str:
    """A wrong rate, beside the right one, and a descent that shows the difference."""
    wanted = edge(H)
    said = f"Your rate came out as {rate:.4g}, wanted {wanted:.4g}. "
    if rate <= 0:
        return said + "A rate of 0 or less does not go down."
    if rate < wanted:
        tried = (rate + wanted) / 2
        return said + f"With {tried:.4g}, {STEPS} steps still take the loss to {loss_after(H, tried):.2g} of its start."
    grown = loss_after(H, rate)
    times = f"{grown:.2g} times its start" if np.isfinite(grown) else "more than a number can hold"
    return said + f"With yours, {STEPS} steps take the loss to {times}."


def usable(rate: float) -> float:
    """The rate itself; one for all that come of a division by 0, whose rounding no two programs share."""
    return rate if 0 < rate < FLAT else FLAT


def case(H: Tensor, shown: str | None, because: str) -> Case:
    """One Hessian."""
    return Case(
        (H,),
        expected=edge(H),
        form=1.0,
        view=usable,
        explain=partial(what_happens, H),
        shown=shown,
        because=because,
        rtol=1e-4,
        atol=0,
    )


def drawn(rng: np.random.Generator, size: int, flat: int) -> Tensor:
    """A Hessian with curvatures from 0.05 to 20 in random directions, and flat in so many others: (size, size)."""
    directions, _ = np.linalg.qr(rng.normal(size=(size, size)))
    curvatures = np.exp(rng.uniform(np.log(0.05), np.log(20), size=size))
    curvatures[:flat] = 0
    H = (directions * curvatures) @ directions.T
    return torch.from_numpy((H + H.T) / 2).float()


@exercise("foundations.learning-rate", "max_stable_lr(H) -> rate", level="core", minutes=6, keeps_inputs=True)
def learning_rate(rng):
    """The largest learning rate at which gradient descent does not blow up."""
    with part("along the axes", points=1):
        for H in ([[4.0]], [[1.0, 0.0], [0.0, 10.0]], [[2.0, 0.0, 0.0], [0.0, 0.5, 0.0], [0.0, 0.0, 1.0]]):
            because = "along an axis each step multiplies w by 1 - rate * curvature: when is that within -1 and 1?"
            yield case(torch.tensor(H), None, because)
    with part("across the axes", points=1):
        for H in ([[2.0, 1.0], [1.0, 2.0]], [[5.0, -2.0], [-2.0, 2.0]]):
            yield case(torch.tensor(H), None, "look along the diagonal: how curved is the loss there?")
        for size in (2, 3, 6):
            because = "there are directions along which H only stretches: what matters is how much, along each"
            yield case(drawn(rng, size, flat=0), f"H of shape {(size, size)}, random numbers", because)
    with part("flat directions", points=1):
        for H in ([[3.0, 0.0], [0.0, 0.0]], [[4.0, 2.0], [2.0, 1.0]]):
            yield case(torch.tensor(H), None, "where it is flat nothing moves, whatever the rate")
        for size, flat in ((3, 1), (5, 3)):
            shown = f"H of shape {(size, size)}, random numbers, flat in {flat} of its {size} directions"
            yield case(drawn(rng, size, flat), shown, "where it is flat nothing moves, whatever the rate")


def eigenvalues(H: Tensor) -> Tensor:
    """In rising order."""
    return torch.linalg.eigvalsh(H)


@mistake(
    learning_rate,
    "1 / the largest eigenvalue, where a step ends in the middle",
    ask="A step that lands beyond the minimum, but nearer to it than before: does it blow up?",
    look="the bound on 1 - rate * eigenvalue: it may be negative, down to -1.",
)
def _(H):
    return 1 / eigenvalues(H)[-1]


@mistake(
    learning_rate,
    "2 / the smallest eigenvalue",
    ask="In a narrow valley, which direction blows up first: along the valley, or across it?",
    look="which of the eigenvalues you take.",
)
def _(H):
    return 2 / eigenvalues(H)[0]


@mistake(
    learning_rate,
    "2 / the smallest eigenvalue that is not 0",
    ask="In a narrow valley, which direction blows up first: along the valley, or across it?",
    look="which of the eigenvalues you take.",
)
def _(H):
    values = eigenvalues(H)
    return 2 / values[values > 1e-4 * values[-1]][0]


@mistake(
    learning_rate,
    "the trace in place of an eigenvalue",
    ask="Curvatures 1 and 10: does a rate that suits the 10 have to leave room for the 1 as well?",
    look="the trace: it is the sum of all eigenvalues, and each direction goes its own way.",
)
def _(H):
    return 2 / H.trace()


@mistake(
    learning_rate,
    "1 / the trace",
    ask="Curvatures 1 and 10: does a rate that suits the 10 have to leave room for the 1 as well?",
    look="the trace: it is the sum of all eigenvalues, and each direction goes its own way.",
)
def _(H):
    return 1 / H.trace()


@mistake(
    learning_rate,
    "the largest entry on the diagonal in place of an eigenvalue",
    ask="For [[2, 1], [1, 2]], how curved is the loss along (1, 1), and how curved along the first axis?",
    look="the diagonal: it holds the curvatures along the axes only.",
)
def _(H):
    return 2 / H.diagonal().max()


@mistake(
    learning_rate,
    "the largest row sum in place of an eigenvalue",
    ask="For [[5, -2], [-2, 2]], your rate is safe. Is it the largest that is?",
    look="the sum of absolute values: it is a bound on the largest eigenvalue, not the eigenvalue.",
)
def _(H):
    return 2 / H.abs().sum(dim=1).max()


@mistake(
    learning_rate,
    "the Frobenius norm in place of an eigenvalue",
    ask="For the diagonal matrix of 1 and 10, what does your norm say, and how curved is the steepest direction?",
    look="norm: by default it squares and adds all entries; ord=2 is another norm.",
)
def _(H):
    return 2 / torch.linalg.norm(H)


@mistake(
    learning_rate,
    "the mean of the eigenvalues in place of the largest one",
    ask="Which of the directions are stable at your rate: all of them, or those of less curvature than the mean?",
    look="the mean: the steepest direction decides alone.",
)
def _(H):
    return 2 / eigenvalues(H).mean()


@mistake(
    learning_rate,
    "the fastest rate, 2 / (smallest + largest)",
    ask="Which question does your formula answer: how fast it can be, or how far one may go?",
    look="the denominator: at the edge of stability the smallest eigenvalue plays no part.",
)
def _(H):
    values = eigenvalues(H)
    return 2 / (values[0] + values[-1])


@mistake(
    learning_rate,
    "half the largest eigenvalue, upside down",
    ask="A loss that is twice as curved: may the step be twice as long, or half as long?",
    look="the fraction: what stands above, and what below?",
)
def _(H):
    return eigenvalues(H)[-1] / 2
