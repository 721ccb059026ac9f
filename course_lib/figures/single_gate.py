"""The picture of one gate: its sigmoid, and what it leaves of a value that it meets again and again."""

import numpy as np
from matplotlib.figure import Figure

from course_lib.figures.style import BLUE, GREY, INK, VERMILLION

INPUTS = np.linspace(-6, 6, 121)
MOST_STEPS = 50


def build_single_gate(figure: Figure) -> dict:
    """Make the two panels; the artists that move come back by name."""
    curve, left = figure.subplots(1, 2, gridspec_kw={"width_ratios": (1, 1.35)})
    figure.subplots_adjust(left=0.065, right=0.975, top=0.89, bottom=0.17, wspace=0.2)
    curve.set(title="the gate", xlabel="input x", xlim=(-6, 6), ylim=(-0.04, 1.12), yticks=[0, 0.5, 1])
    left.set(title="what it leaves of 1, step after step", xlabel="step", xlim=(-0.8, MOST_STEPS + 0.8))
    left.set(ylim=(-0.04, 1.12), yticks=[0, 0.5, 1])
    for axes in (curve, left):
        axes.grid(axis="y")
        axes.set_axisbelow(True)
    return {
        "curve": curve.plot([], [], color=BLUE)[0],
        "drop": curve.plot([], [], color=GREY, lw=0.9, ls=":")[0],
        "point": curve.plot([], [], color=VERMILLION, marker="o", ms=8, ls="")[0],
        "value": curve.text(0, 0, "", color=VERMILLION, weight="bold", va="center"),
        "shares": left.plot([], [], color=BLUE, marker="o", ms=3.5, lw=1)[0],
        "last": left.text(0, 0, "", color=INK, weight="bold", va="center"),
    }


def update_single_gate(artists: dict, data: dict) -> None:
    """Show a gate.

    Args:
        artists: what `build_single_gate` returned.
        data: `curve`, the gate at each of INPUTS; `x` and `gate`, the present point; `shares` (steps + 1,), what is
            left.
    """
    x, gate, shares = data["x"], data["gate"], data["shares"]
    artists["curve"].set_data(INPUTS, data["curve"])
    artists["drop"].set_data([x, x, -6], [0, gate, gate])
    artists["point"].set_data([x], [gate])
    leftwards = gate < 0.85 and x > -3
    beside = (x - 0.5, gate + 0.03) if leftwards else (x + 0.5, gate - 0.06)
    artists["value"].set(position=beside, text=f"{gate:.3f}", ha="right" if leftwards else "left")
    artists["shares"].set_data(np.arange(len(shares)), shares)
    step, near_end = len(shares) - 1, len(shares) > MOST_STEPS - 10
    beside = (step, shares[-1] + 0.07) if near_end else (step + 1.2, shares[-1] + 0.02)
    artists["last"].set(position=beside, text=f"{shares[-1]:.1%} left", ha="right" if near_end else "left")
