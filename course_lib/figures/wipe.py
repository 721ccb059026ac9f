"""How often a wiped cell flips the answer: one point a network, one row a rule."""

import numpy as np
from matplotlib.figure import Figure

from course_lib.figures.style import BLUE, GREY, INK, new_figure, style


def draw_wipe(negated: dict[str, np.ndarray], plain: dict[str, np.ndarray], caption: str) -> Figure:
    """Draw the shares of held-out answers that flip.

    Args:
        negated: rule -> (networks,), where the sentence negates its adjective.
        plain: rule -> (networks,), where it does not.
        caption: where the numbers come from.
    """
    figure = new_figure(880, 230)
    with style():
        axes = figure.add_axes((0.225, 0.3, 0.755, 0.58))
        axes.set(xlim=(-0.02, 1.02), ylim=(len(negated) - 0.5, -0.5))
        axes.set_xlabel("share of held-out answers that flip when the forget gate is held at 0 there")
        axes.set_yticks(range(len(negated)), list(negated))
        axes.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
        axes.grid(axis="y")
        axes.set_axisbelow(True)
        for row, rule in enumerate(negated):
            axes.plot(plain[rule], np.full(len(plain[rule]), row), "o", mfc="white", mec=GREY, ms=7)
            axes.plot(negated[rule], np.full(len(negated[rule]), row), "o", color=BLUE, ms=7, alpha=0.8)
        axes.text(np.median(negated[next(iter(negated))]), -0.62, "negated", color=BLUE, ha="center", va="bottom")
        axes.text(0.0, -0.62, "not negated", color=GREY, ha="left", va="bottom")
        figure.text(0.985, 0.03, caption, ha="right", color=GREY, fontsize=7.5)
        figure.text(0.015, 0.03, "one point a network, five seeds", color=INK, fontsize=7.5)
    return figure
