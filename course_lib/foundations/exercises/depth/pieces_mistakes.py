"""The mistakes that `count_pieces` is known for: in what is counted, and in where one looks."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from course_lib.exercises import mistake
from course_lib.foundations.exercises.depth.pieces import pieces
from course_lib.foundations.pieces import hinges, kinks, slopes_at

FINE = 100_000  # cells of a grid that misses no piece
CLEAR = 1e-9  # slopes that differ by less are the same but for rounding


def middles(lo: float, hi: float, cells: int = FINE) -> Tensor:
    """The middles of so many cells: (cells,) float64."""
    return lo + (hi - lo) * (torch.arange(cells, dtype=torch.float64) + 0.5) / cells


def changes(values: Tensor) -> int:
    """How often neighbours differ, clearly."""
    return int((values.diff().abs() > CLEAR).sum())


def on_a_grid(cells: int) -> Callable[[nn.Sequential, float, float], int]:
    """Counting by the slopes at so many points."""
    return lambda net, lo, hi: changes(slopes_at(net, middles(lo, hi, cells))) + 1


for cells in (100, 1000):
    mistake(
        pieces,
        "a grid too coarse for kinks that lie close together",
        ask="How far is it from one of your points to the next, and how short may a piece be?",
        look="the number of points; or ask the units themselves where they switch, and need no grid.",
    )(on_a_grid(cells))


@mistake(
    pieces,
    "a count of the output's changes of sign",
    ask="ReLU(x) + 2 ReLU(x - 1) + 5 is above 0 everywhere. Where does its slope change?",
    look="what you compare from one point to the next: the curve itself, or its slope?",
)
@torch.no_grad()
def _(net, lo, hi):
    return changes((net(middles(lo, hi).unsqueeze(1)).squeeze(1) > 0).double()) + 1


@mistake(
    pieces,
    "a count of the places where the curve turns from up to down or back",
    ask="A curve goes up with slope 1, and then with slope 3. Is that one straight piece?",
    look="the sign: what counts is any change of the slope.",
)
def _(net, lo, hi):
    return changes(slopes_at(net, middles(lo, hi)).sign()) + 1


@mistake(
    pieces,
    "a count of hinges, whether or not the slope changes there",
    ask="In ReLU(x) - ReLU(-x) one unit switches off at 0 and another on. What does the slope do?",
    look="where a unit switches: compare the slope of the output before and after.",
)
def _(net, lo, hi):
    return len(hinges(net, lo, hi)) + 1


@mistake(
    pieces,
    "a count of kinks, not of pieces",
    ask="A stick is broken in one place. How many pieces are there?",
    look="the last step: between two ends there is one piece more than there are kinks.",
)
def _(net, lo, hi):
    return len(kinks(net, lo, hi)[0])


@mistake(
    pieces,
    "a count of different slopes",
    ask="Up, down, up, down, always equally steep: how many straight pieces are these?",
    look="set or unique: a slope that comes back later belongs to another piece.",
)
def _(net, lo, hi):
    return len(torch.unique((slopes_at(net, middles(lo, hi)) / CLEAR).round()))


@mistake(
    pieces,
    "a count in which a kink between two points of the grid counts twice",
    ask="A kink lies inside of a cell. Which slope has the line from the cell's one end to its other?",
    look="the slopes of your cells: before, across and behind a kink are three different ones.",
)
@torch.no_grad()
def _(net, lo, hi):
    x = torch.linspace(lo, hi, FINE + 1, dtype=torch.float64)
    slopes = net(x.unsqueeze(1)).squeeze(1).diff() / x.diff()
    return int((slopes.diff().abs() > 1e-6).sum()) + 1


@mistake(
    pieces,
    "a count of the hinges of the first layer alone",
    ask="Ten layers of 2 units: how many hinges has the first layer, and how many kinks may the output have?",
    look="the layers behind the first: each may fold the curve again.",
)
def _(net, lo, hi):
    if len(net) == 1:
        return 1
    x = -net[0].bias / net[0].weight.squeeze(1)
    return len(x[(lo < x) & (x < hi)].unique()) + 1


@mistake(
    pieces,
    "a count of all units, and one more",
    ask="Which of the units switch between lo and hi, and how often does a unit of the second layer switch?",
    look="the data: no weight and no place is asked for in what you count.",
)
def _(net, lo, hi):
    return sum(layer.out_features for layer in list(net)[:-1:2]) + 1


@mistake(
    pieces,
    "a count along the whole line, wherever lo and hi are",
    ask="ReLU(x) between x = 1 and x = 2: where is its kink?",
    look="lo and hi: what lies outside of them does not count.",
)
def _(net, lo, hi):
    return len(kinks(net, -1e4, 1e4)[0]) + 1
