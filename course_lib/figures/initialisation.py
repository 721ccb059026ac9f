"""The picture of a deep network before it learns: what each layer gives out, what is left of signal and gradient."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from course_lib.figures.activations import short
from course_lib.figures.heatmap import HeatMap
from course_lib.figures.labels import Label, Labels
from course_lib.figures.page import add_colour_key, add_panel, write
from course_lib.figures.style import BLUE, GREEN, GREY, INK, SHARE, VERMILLION

WIDTH, HEIGHT = 880, 420
DEEPEST = 50  # layers that there is room for
H, BINS = 3.0, 41  # the histograms reach from -H to H
LOWEST, HIGHEST = 1e-12, 1e12  # of what is left
HISTOGRAMS = (52, 40, 540, 166)  # left, top, right, bottom of the panels, in pixels
LINES, STRIP = (52, 206, 540, 380), (700, 40, 810, 380)
ROOM = 5  # rows of the strip: four schemes and the learner's
FORWARD, BACKWARD, YOURS = BLUE, VERMILLION, GREEN


def build_initialisation(figure: Figure) -> dict:
    """Make the panels; the artists that move come back by name."""
    lines = add_panel(figure, *LINES)
    lines.set(yscale="log", xlim=(-0.5, DEEPEST + 0.5), ylim=(LOWEST / 3, HIGHEST * 3))
    lines.set(xticks=range(0, DEEPEST + 1, 10), yticks=10.0 ** np.arange(-12, 13, 6))
    strip = add_panel(figure, *STRIP)
    strip.set(xscale="log", xlim=(LOWEST / 10, HIGHEST * 10), ylim=(ROOM - 0.5, -0.5), yticks=[])
    strip.set_xticks([LOWEST, 1, HIGHEST])
    for axes in (lines, strip):
        axes.minorticks_off()
        axes.grid(axis="y" if axes is lines else "x")
        (axes.axhline if axes is lines else axes.axvline)(1, color=INK, lw=0.8)
    for height, text in ((0, f"{H:.0f}"), (0.5, "0"), (1, f"−{H:.0f}")):
        y = HISTOGRAMS[1] + height * (HISTOGRAMS[3] - HISTOGRAMS[1])
        write(figure, HISTOGRAMS[0] - 6, y, text, color=GREY, ha="right", fontsize=8.5)
    write(figure, HISTOGRAMS[0], 24, "what each layer gives out", color=GREY, fontsize=8.5)
    add_colour_key(figure, HISTOGRAMS[2] - 150, HISTOGRAMS[2] - 70, 24, SHARE, 0, 1, ("no unit", "most units"))
    write(figure, LINES[0], 192, "— how far apart digits are →", color=FORWARD, fontsize=8.5)
    write(figure, LINES[0] + 182, 192, "··· size of h →", color=GREY, fontsize=8.5)
    write(figure, LINES[2], 192, "← — gradient", color=BACKWARD, fontsize=8.5, ha="right")
    write(figure, (LINES[0] + LINES[2]) / 2, HEIGHT - 10, "layer, from the pixels on", ha="center")
    write(figure, STRIP[2] + 52, 24, "● gradient", color=BACKWARD, fontsize=8.5, ha="right")
    write(figure, STRIP[0] - 120, 24, "○ how far apart", color=FORWARD, fontsize=8.5)
    return {
        "histograms": HeatMap(add_panel(figure, *HISTOGRAMS), SHARE, 0, 1, lines=False),
        "size": lines.plot([], [], color=GREY, lw=1.6, ls=(0, (1, 1.5)))[0],
        "apart": lines.plot([], [], color=FORWARD, lw=2.2)[0],
        "gradient": lines.plot([], [], color=BACKWARD, lw=2.2)[0],
        "your apart": lines.plot([], [], color=YOURS, lw=1.8, ls=(0, (5, 3)))[0],
        "your gradient": lines.plot([], [], color=YOURS, lw=1.8, ls=(0, (5, 3)))[0],
        "aparts": _dots(strip, mfc="white", color=FORWARD, ms=8, mew=1.8),
        "gradients": _dots(strip, color=BACKWARD, ms=5.5, mew=0),
        "labels": Labels(figure),
    }


def _dots(strip: Axes, **look):
    return strip.plot([], [], ls="", marker="o", clip_on=False, **look)[0]


def update_initialisation(artists: dict, data: dict) -> None:
    """Show one network and how the four schemes would start it.

    Args:
        artists: what `build_initialisation` returned.
        data: `scheme`, `title`, `depth`; `histograms`, shares of what the input and each layer gives out,
            (BINS, depth + 1), the largest values first; `size`, `apart` and `gradient` (depth + 1,); `left`, scheme ->
            how far apart the digits are at the end, and how large the gradient is at the input; `yours`, None or the
            learner's `apart` and `gradient`.
    """
    shown = np.full((BINS, DEEPEST + 1), np.nan)
    shown[:, : data["depth"] + 1] = data["histograms"] / data["histograms"].max(axis=0)
    artists["histograms"].set_data(np.sqrt(shown))
    for name in ("size", "apart", "gradient"):
        artists[name].set_data(range(data["depth"] + 1), _within(data[name]))
    for name in ("apart", "gradient"):
        yours = data["yours"] and (range(data["depth"] + 1), _within(data["yours"][name]))
        artists[f"your {name}"].set_data(*yours or ([], []))
    rows = np.arange(len(data["left"]))
    aparts, gradients = np.array(list(data["left"].values())).T
    artists["aparts"].set_data(np.clip(aparts, LOWEST, HIGHEST), rows)
    artists["gradients"].set_data(np.clip(gradients, LOWEST, HIGHEST), rows)
    labels = [Label(HISTOGRAMS[0], 8, data["title"], bold=True), *_row_labels(data)]
    if data["yours"]:
        labels.append(Label(LINES[0] + 290, 192, "- - yours, both", YOURS, size=8.5))
    artists["labels"].show(labels)


def _within(values: np.ndarray) -> np.ndarray:
    """Far outside the axis, so that the line leaves it as it runs."""
    return np.clip(values, LOWEST**2, HIGHEST**2)


def _row_labels(data: dict) -> list[Label]:
    plural = "" if data["depth"] == 1 else "s"
    labels = [Label(STRIP[0] - 120, 8, f"left after {data['depth']} layer{plural}, by start")]
    high = (STRIP[3] - STRIP[1]) / ROOM
    for row, (name, (apart, gradient)) in enumerate(data["left"].items()):
        y, chosen = STRIP[1] + (row + 0.5) * high, name == data["scheme"]
        labels.append(Label(STRIP[0] - 8, y - 7, name, YOURS if name == "yours" else INK, "right", chosen, 9))
        labels.append(Label(STRIP[0] - 8, y + 9, short(apart), FORWARD, "right", chosen, 8.5))
        labels.append(Label(STRIP[2] + 52, y, short(gradient), BACKWARD, "right", chosen, 8.5))
    return labels
