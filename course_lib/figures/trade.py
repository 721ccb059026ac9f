"""The picture of the balance between repetition and surprise in written text."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from course_lib.figures.style import BLUE, GREY, VERMILLION, new_figure, style


def draw_trade(
    temperatures: Sequence[float],
    repeated: Sequence[Sequence[float]],
    perplexities: Sequence[Sequence[float]],
    caption: str,
) -> Figure:
    """Two panels over the temperature: how much of a text stood in it before, and how much its words surprise.

    A dot is a text; the line joins the medians.

    Args:
        temperatures: at which texts were written, as many at each.
        repeated: share of each text's groups of words that stood in it before, (temperatures, texts).
        perplexities: of each text, by the model that wrote it, (temperatures, texts).
        caption: where the numbers come from.
    """
    figure = new_figure(880, 280)
    with style():
        left, right = figure.subplots(1, 2)
        figure.subplots_adjust(left=0.075, right=0.985, top=0.89, bottom=0.285, wspace=0.2)
        for axes, numbers, color in ((left, repeated, BLUE), (right, perplexities, VERMILLION)):
            axes.plot(temperatures, numbers, "o", color=color, ms=5, alpha=0.55, mew=0)
            axes.plot(temperatures, np.median(numbers, axis=1), color=color)
        left.set(title="said before", xlabel="temperature", ylabel="share of groups of four words", ylim=(-0.03, 1.03))
        right.set(title="surprise", xlabel="temperature", ylabel="perplexity", yscale="log")
        for axes in (left, right):
            axes.grid(axis="y")
            axes.set_axisbelow(True)
        figure.text(0.985, 0.03, caption, ha="right", color=GREY, fontsize=7.5)
    return figure
