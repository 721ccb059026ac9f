"""What is paid once against what is paid with every call: when has compiling paid?"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from course_lib.figures.labels import fitting
from course_lib.figures.page import write
from course_lib.figures.style import BLUE, GREY, INK, VERMILLION, new_figure, style

CALLS = np.logspace(0, 6, 200)
WIDTH, HEIGHT = 880, 280
NOISE = 0.05  # a smaller difference is none


def draw_break_even(work: Mapping[str, Sequence[float]], caption: str) -> Figure:
    """One panel for each piece of work: all seconds spent after so many calls, as it is and compiled.

    Args:
        work: name -> seconds of the first call as it is and compiled, and of a later call as it is and compiled.
        caption: where the numbers come from.
    """
    figure = new_figure(WIDTH, HEIGHT)
    with style():
        panels = figure.subplots(1, len(work), sharex=True, sharey=True, squeeze=False)[0]
        figure.subplots_adjust(left=0.07, right=0.985, top=0.83, bottom=0.26, wspace=0.1)
        size = min(fitting(name, WIDTH * 0.9 / len(work) - 22, 9.5) for name in work)
        for axes, (name, (first_eager, first_compiled, eager, compiled)) in zip(panels, work.items(), strict=True):
            spent = {
                "as it is": (BLUE, "-", first_eager, eager),
                "compiled": (VERMILLION, "--", first_compiled, compiled),
            }
            for label, (color, line, first, later) in spent.items():
                axes.loglog(CALLS, first + (CALLS - 1) * later, line, color=color, label=label)
            if compiled < (1 - NOISE) * eager:
                calls = pays_after(first_eager, first_compiled, eager, compiled)
                axes.plot(calls, first_eager + (calls - 1) * eager, "o", color=INK, ms=5, zorder=4)
                says = f"pays after {_round(calls)} calls"
            else:
                says = "never pays" if compiled > (1 + NOISE) * eager else "makes no difference"
            axes.set_title(f"{name}\n{says}", fontsize=size)
            axes.grid(axis="y")
            axes.set_xlabel("calls")
            axes.set_xticks([1, 1e2, 1e4])
            axes.minorticks_off()
        panels[0].set_xlim(1, 1e6)
        panels[0].set_ylim(1e-4, 1e4)
        panels[0].set_ylabel("seconds in all")
        panels[0].legend(loc="upper left", frameon=False, fontsize=8.5, handlelength=1.8, borderaxespad=0.1)
        write(figure, WIDTH * 0.985, HEIGHT - 14, caption, ha="right", color=GREY, fontsize=8)
    return figure


def pays_after(first_eager: float, first_compiled: float, eager: float, compiled: float) -> float:
    """Calls after which compiling has paid, the first one included; infinite where it never does.

    Args:
        first_eager, first_compiled: seconds of the first call, as it is and compiled.
        eager, compiled: seconds of each later call.
    """
    gain = eager - compiled
    return 1 + max(0.0, first_compiled - first_eager) / gain if gain > 0 else float("inf")


def _round(calls: float) -> str:
    """Two digits say enough."""
    return f"{float(f'{calls:.2g}'):,.0f}"
