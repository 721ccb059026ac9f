"""The picture of the balance between repetition and surprise in written text."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from course_lib.figures.style import BLUE, GREY, VERMILLION, new_figure, style


def draw_trade(
    temperatures: Sequence[float], repeated: Sequence[float], perplexities: Sequence[float], caption: str
) -> Figure:
    """Two panels over the temperature: how much of a text stood in it before, and how much its words surprise.

    Args:
        temperatures: at which texts were written.
        repeated: share of each text's groups of words that stood in it before.
        perplexities: of each text, by the model that wrote it.
        caption: where the numbers come from.
    """
    figure = new_figure(880, 280)
    with style():
        left, right = figure.subplots(1, 2)
        figure.subplots_adjust(left=0.075, right=0.985, top=0.89, bottom=0.285, wspace=0.2)
        left.plot(temperatures, repeated, "o-", color=BLUE, ms=5)
        left.set(title="said before", xlabel="temperature", ylabel="share of groups of four words", ylim=(-0.03, 1.03))
        right.plot(temperatures, perplexities, "o-", color=VERMILLION, ms=5)
        right.set(title="surprise", xlabel="temperature", ylabel="perplexity", yscale="log")
        for axes in (left, right):
            axes.grid(axis="y")
            axes.set_axisbelow(True)
        figure.text(0.985, 0.03, caption, ha="right", color=GREY, fontsize=7.5)
    return figure
