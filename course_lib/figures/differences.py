"""How wrong a numerical derivative is, for each size of the step."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from course_lib.figures.style import BLUE, VERMILLION, new_figure, style

LOOKS = ((BLUE, "-", "o"), (VERMILLION, "--", "s"))
SMALLEST = 1e-13  # an error of less, or of 0, is drawn here


def draw_difference_errors(
    panels: Mapping[str, tuple[Sequence[float], Mapping[str, Sequence[float]]]],
) -> Figure:
    """One panel for each type of number, one line for each way to take the difference.

    Args:
        panels: title -> the steps, and for each way the relative error at each step.
    """
    figure = new_figure(880, 290)
    with style():
        axes = figure.subplots(1, len(panels), sharex=True, sharey=True, squeeze=False)[0]
        figure.subplots_adjust(left=0.08, right=0.985, top=0.9, bottom=0.19, wspace=0.06)
        for panel, (title, (steps, ways)) in zip(axes, panels.items(), strict=True):
            panel.set_title(title)
            for (name, errors), (color, line, marker) in zip(ways.items(), LOOKS, strict=False):
                errors = np.maximum(np.asarray(errors, dtype=float), SMALLEST)
                panel.loglog(steps, errors, line, marker=marker, ms=3.5, color=color, label=name)
            panel.axhline(1.0, color="#999999", lw=1, ls=":")
            panel.set_xlabel("step ε")
            panel.grid(axis="y")
            panel.minorticks_off()
        axes[0].set_ylabel("relative error")
        axes[0].set_ylim(SMALLEST / 3, 30)
        axes[-1].legend(loc="lower left", frameon=False)
    return figure
