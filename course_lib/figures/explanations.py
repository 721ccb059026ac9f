"""Explanations of a classifier's answers, and how its score falls as the pixels that they name are taken away."""

from itertools import pairwise

import numpy as np
from matplotlib.figure import Figure

from course_lib.figures.heatmap import HeatMap
from course_lib.figures.page import add_panel, write
from course_lib.figures.style import COLORS, GREY, SIGNED, new_figure, style

WIDTH, SIDE, GAP = 880, 80, 9
LEFT, TOP = 14, 40
CURVES_LEFT = 532


def draw_explanations(
    digits: np.ndarray,
    said: list[str],
    maps: dict[str, np.ndarray],
    counts: list[int],
    curves: dict[str, np.ndarray],
    caption: str,
) -> Figure:
    """A row a digit, a column a method; at the right the mean score by pixels taken away.

    Args:
        digits: (digits, height, width), from 0 to 1.
        said: what the classifier says of each.
        maps: method -> (digits, height, width); each is shown between its own extremes.
        counts: pixels taken away, rising.
        curves: method -> mean score, (counts,); among them those of `maps`.
        caption: where the numbers come from.
    """
    height = TOP + len(digits) * (SIDE + GAP + 14) + 34
    figure = new_figure(WIDTH, height)
    with style():
        for row, digit in enumerate(digits):
            top = TOP + row * (SIDE + GAP + 14)
            _picture(figure, 0, top, digit, "Greys", 0, 1)
            write(figure, LEFT + SIDE / 2, top + SIDE + 9, said[row], ha="center", fontsize=8)
            for column, found in enumerate(maps.values(), 1):
                largest = np.abs(found[row]).max()
                _picture(figure, column, top, found[row], SIGNED, -largest, largest)
        write(figure, LEFT + SIDE / 2, TOP - 14, "the digit", ha="center", fontsize=8)
        for column, name in enumerate(maps, 1):
            x = LEFT + column * (SIDE + GAP) + SIDE / 2
            write(figure, x, TOP - 14, name, ha="center", fontsize=8, color=COLORS[column - 1])
        axes = add_panel(figure, CURVES_LEFT, TOP, WIDTH - 122, height - 62)
        axes.set(xlabel="pixels set to 0", ylabel="the answer's logit", xlim=(0, counts[-1]))
        axes.set_xticks(counts)
        axes.grid(axis="y")
        heights = _apart([curve[-1] for curve in curves.values()], 0.075 * np.ptp(np.concatenate([*curves.values()])))
        for color, (name, curve), y in zip(COLORS, curves.items(), heights, strict=False):
            axes.plot(counts, curve, color=color, lw=1.8)
            axes.annotate(
                name, (counts[-1], y), xytext=(6, 0), textcoords="offset points", color=color, va="center",
                fontsize=8.5, annotation_clip=False,
            )  # fmt: skip
        write(figure, LEFT, height - 14, "purple speaks for the answer, orange against it", fontsize=8, color=GREY)
        write(figure, WIDTH - 14, height - 14, caption, fontsize=7.5, color=GREY, ha="right")
    return figure


def _picture(figure: Figure, column: int, top: float, values: np.ndarray, cmap: str, low: float, high: float) -> None:
    left = LEFT + column * (SIDE + GAP)
    HeatMap(add_panel(figure, left, top, left + SIDE, top + SIDE), cmap, low, high, lines=False).set_data(values)


def _apart(heights: list[float], least: float) -> np.ndarray:
    """Heights in the same order, moved so that no two are closer than this."""
    order, moved = np.argsort(heights), np.array(heights, dtype=float)
    for below, above in pairwise(order):
        moved[above] = max(moved[above], moved[below] + least)
    return moved
