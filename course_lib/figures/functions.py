"""Functions side by side, each with its slope and a note: one small panel each."""

import numpy as np
from matplotlib.figure import Figure

from course_lib.figures.style import BLUE, GREY, INK, VERMILLION, new_figure, style

FLAT = 1e-3  # a slope of less than this is as good as none


def draw_functions(
    x: np.ndarray,
    functions: dict[str, tuple[np.ndarray, np.ndarray]],
    notes: dict[str, str],
    behind: np.ndarray | None = None,
    ylim: tuple[float, float] = (-1.3, 2.6),
) -> Figure:
    """One panel a function, all on the same axes; where the slope is below a thousandth the panel is grey.

    Args:
        x: where they are taken, (points,).
        functions: name -> f(x) and f'(x), (points,) each.
        notes: name -> a line or two under its panel.
        behind: a function drawn in grey behind each, (points,).
        ylim: the range shown.
    """
    figure = new_figure(880, 250)
    with style():
        panels = figure.subplots(1, len(functions), sharex=True, sharey=True, squeeze=False)[0]
        figure.subplots_adjust(left=0.045, right=0.99, top=0.88, bottom=0.32, wspace=0.1)
        for axes, (name, (f, slope)) in zip(panels, functions.items(), strict=True):
            axes.set_title(name)
            axes.set(xlim=(x[0], x[-1]), ylim=ylim)
            axes.grid()
            axes.set_axisbelow(True)
            axes.fill_between(x, *ylim, where=np.abs(slope) < FLAT, color=GREY, alpha=0.18, lw=0)
            if behind is not None:
                axes.plot(x, behind, color=GREY, lw=1, ls=(0, (2, 2)))
            axes.plot(x, slope, color=VERMILLION, lw=1.5)
            axes.plot(x, f, color=BLUE, lw=2.2)
            axes.text(0.5, -0.19, notes[name], transform=axes.transAxes, ha="center", va="top", fontsize=8.5, color=INK)
        figure.text(0.99, 0.02, "grey: the slope is less than a thousandth", color=GREY, fontsize=7.5, ha="right")
        figure.text(0.045, 0.02, "f", color=BLUE, fontsize=8.5, weight="bold")
        figure.text(0.06, 0.02, "slope f'", color=VERMILLION, fontsize=8.5)
    return figure
