"""Backpropagation in one figure: what it is checked against, what it costs, where its steps lead."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from course_lib.figures.style import COLORS, new_figure, style

Lines = Mapping[str, tuple[Sequence[float], Sequence[float]]]  # name -> what lies along, what lies up


def draw_blame(errors: Lines, costs: Lines, walks: Lines) -> Figure:
    """Three panels, each line with its name beside it.

    Args:
        errors: of a difference quotient, against the step that it takes.
        costs: multiplications for all gradients, against the number of weights.
        walks: the loss after each step of gradient descent.
    """
    figure = new_figure(880, 300)
    with style():
        panels = figure.subplots(1, 3)
        figure.subplots_adjust(left=0.075, right=0.985, top=0.88, bottom=0.18, wspace=0.32)
        for axes, lines, rising in zip(panels, (errors, costs, walks), (True, True, False), strict=True):
            _draw_lines(axes, lines, rising)
        check, cost, walk = panels
        check.set(xscale="log", yscale="log", xlabel="step of the difference", ylabel="distance from the gradient")
        check.set_title("the check")
        cost.set(xscale="log", yscale="log", xlabel="weights", ylabel="multiplications")
        cost.set_title("the price of all gradients")
        walk.set(xlabel="step", ylabel="loss")
        walk.margins(y=0.15)
        walk.set_title("the steps")
        for axes in (check, cost):
            axes.minorticks_off()
    return figure


def _draw_lines(axes: Axes, lines: Lines, rising: bool) -> None:
    axes.grid(axis="y")
    axes.set_axisbelow(True)
    for number, ((name, (along, up)), color) in enumerate(zip(lines.items(), COLORS, strict=False)):
        axes.plot(along, up, color=color, lw=2)
        at, above = len(along) // 3, number == 0  # the first line is named above it, the others below theirs
        left = above and rising  # where the line leaves room
        axes.annotate(name, (along[at], up[at]), xytext=(-4 if left else 4, 4 if above else -4),
                      textcoords="offset points", color=color, ha="right" if left else "left",
                      va="bottom" if above else "top", fontsize=8.5)  # fmt: skip
