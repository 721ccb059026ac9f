"""Gradient against lag on a log axis, one labelled curve a network."""

import numpy as np
from matplotlib.figure import Figure

from course_lib.figures.style import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, VERMILLION, new_figure, style

CURVES = (VERMILLION, BLUE, GREEN, PURPLE, ORANGE, INK)
LEAST, MOST = 1e-20, 1e10  # what the axis shows


def draw_lag_curves(curves: dict[str, np.ndarray], useful: float = 1e-3) -> Figure:
    """Draw how much the last state depends on inputs further and further back.

    Args:
        curves: name -> (lags + 1,) norms of the gradient, lag 0 first; at most six.
        useful: a dotted line below which little can be learned.

    Raises:
        ValueError: more curves than colours.
    """
    if len(curves) > len(CURVES):
        raise ValueError(f"there are colours for {len(CURVES)} curves, not for {len(curves)}")
    figure = new_figure(880, 320)
    lags = max(map(len, curves.values())) - 1
    with style():
        axes = figure.add_axes((0.1, 0.155, 0.615, 0.79))
        seen = np.concatenate([np.clip(norms, LEAST, MOST) for norms in curves.values()])
        axes.set(yscale="log", xlim=(0, lags), ylim=(seen.min() / 5, seen.max() * 5), xlabel="lag: steps back in time")
        axes.set_ylabel("gradient of the last state\nby the input there")
        axes.grid(axis="y")
        axes.set_axisbelow(True)
        axes.axhline(useful, color=GREY, lw=0.9, ls=":")
        axes.annotate("little can be learned below", (0.99, useful), xycoords=("axes fraction", "data"), xytext=(0, -3),
                      textcoords="offset points", ha="right", va="top", color=GREY, fontsize=8.5)  # fmt: skip
        ends = {name: np.log10(np.clip(norms[-1], LEAST, MOST)) for name, norms in curves.items()}
        low, high = np.log10(axes.get_ylim())
        heights = _spread({name: (end - low) / (high - low) for name, end in ends.items()}, 0.09)
        for (name, norms), color in zip(curves.items(), CURVES, strict=False):
            axes.plot(np.clip(norms, LEAST, MOST), color=color, lw=2)
            axes.text(1.02, heights[name], name, color=color, transform=axes.transAxes, va="center")
    return figure


def describe_lag_curves(curves: dict[str, np.ndarray]) -> str:
    """The curves in a sentence."""
    ends = (
        f"{name}: {norms[0]:.0e} at lag 0, {norms[-1]:.0e} at lag {len(norms) - 1}" for name, norms in curves.items()
    )
    return f"Gradient against lag. {'; '.join(ends)}."


def _spread(heights: dict[str, float], least: float) -> dict[str, float]:
    """Heights of labels at least so far apart, all within 0 to 1."""
    placed: dict[str, float] = {}
    for name in sorted(heights, key=heights.get):
        placed[name] = max(heights[name], max(placed.values()) + least if placed else 0.02)
    over = max(max(placed.values()) - 0.98, 0)
    return {name: height - over for name, height in placed.items()}
