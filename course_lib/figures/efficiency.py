"""The picture of compressed networks: accuracy against bytes and milliseconds, and the weights before and after."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from course_lib.figures.heatmap import HeatMap
from course_lib.figures.labels import Label, Labels
from course_lib.figures.page import add_boxes, add_panel, boxes, write
from course_lib.figures.style import BLUE, GREEN, GREY, INK, SIGNED, SKY, VERMILLION

WIDTH, HEIGHT = 880, 440
BYTES, TIMES = (58, 44, 388, 388), (408, 44, 528, 388)  # left, top, right, bottom of the panels, in pixels
WEIGHTS, UNITS = (592, 44, 862, 228), (592, 284, 862, 384)
BINS, SHOWN = 81, 8  # of the histogram; hidden units whose weights are shown as pictures
MOST_WEIGHTS = 30_000  # in one bin
ACCURACIES = (0.1, 0.5, 0.8, 0.9, 0.94)
LEAST_WRONG, MOST_WRONG = 0.055, 0.95
CHOSEN, YOURS, EDGE = VERMILLION, GREEN, INK


def build_efficiency(
    figure: Figure, right: np.ndarray, sizes: np.ndarray, times: np.ndarray, columns: np.ndarray, edges: tuple
) -> dict:
    """Make the panels and all that never moves; the artists that move come back by name.

    Args:
        figure: empty.
        right: share of test digits that each network gets right, (networks,).
        sizes, times: bytes and milliseconds of each, (networks,).
        columns: the milliseconds that there are.
        edges: the places of those on the frontier by bytes and by milliseconds, the cheapest first.
    """
    panels = []
    for box, cost, edge, reach in ((BYTES, sizes, edges[0], 1.25), (TIMES, times, edges[1], 1.4)):
        axes = add_panel(figure, *box)
        axes.set(xscale="log", yscale="log", ylim=(MOST_WRONG, LEAST_WRONG))
        axes.set_xlim(cost.min() / reach, cost.max() * reach)
        axes.set_yticks([1 - share for share in ACCURACIES])
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.yaxis.set_tick_params(which="minor", length=0)
        axes.set_yticklabels([f"{share:.0%}" for share in ACCURACIES] if box is BYTES else [])
        axes.grid(axis="y")
        axes.plot(cost, 1 - right, ls="", marker="o", ms=2.6, mew=0, color=SKY, alpha=0.5)
        reached = np.append(cost[edge], axes.get_xlim()[1]), np.append(1 - right[edge], 1 - right[edge[-1]])
        axes.step(*reached, where="post", color=EDGE, lw=1.3)
        panels.append(axes)
    by_bytes, by_time = panels
    by_bytes.set_xticks([300, 1_000, 3_000, 10_000, 30_000], ["300", "1 k", "3 k", "10 k", "30 k"])
    by_bytes.minorticks_off()
    by_time.minorticks_off()
    ends = (columns.min(), columns.max())
    by_time.set_xticks(columns, [f"{time:.2f}" if time in ends else "" for time in columns])
    return _write_around(figure) | {
        "chosen": [_mark(axes, CHOSEN, 9, "o") for axes in panels],
        "yours": [_mark(axes, YOURS, 13, "s") for axes in panels],
    } | _weights(figure)  # fmt: skip


def _mark(axes: Axes, color: str, size: float, marker: str):
    """A ring round one network."""
    return axes.plot([], [], ls="", marker=marker, ms=size, mfc="none", mec=color, mew=2.2, zorder=4)[0]


def _write_around(figure: Figure) -> dict:
    left, _, right, _ = BYTES
    write(figure, left, 26, "test digits right", color=GREY, fontsize=8.5)
    write(figure, right, 26, "— the frontier", color=EDGE, fontsize=8.5, ha="right")
    write(figure, (left + right) / 2, HEIGHT - 12, "bytes of the file", ha="center")
    write(figure, (TIMES[0] + TIMES[2]) / 2, HEIGHT - 12, "ms for 597 digits", ha="center")
    write(figure, (TIMES[0] + TIMES[2]) / 2, 26, "measured here", color=GREY, fontsize=8.5, ha="center")
    write(figure, WEIGHTS[0], 26, "weights of the first layer", color=GREY, fontsize=8.5)
    write(figure, WEIGHTS[2] - 58, 26, "— before", color=INK, fontsize=8.5, ha="right")
    write(figure, WEIGHTS[2], 26, "■ after", color=BLUE, fontsize=8.5, ha="right")
    write(
        figure, WEIGHTS[0] - 6, UNITS[1] + 0.25 * (UNITS[3] - UNITS[1]), "before", color=GREY, ha="right", fontsize=8.5
    )
    write(
        figure, WEIGHTS[0] - 6, UNITS[1] + 0.75 * (UNITS[3] - UNITS[1]), "after", color=GREY, ha="right", fontsize=8.5
    )
    return {"labels": Labels(figure)}


def _weights(figure: Figure) -> dict:
    """The histogram and the pictures of single units."""
    axes = add_panel(figure, *WEIGHTS)
    axes.set(yscale="log", xlim=(-1.03, 1.03), ylim=(0.7, MOST_WEIGHTS), xticks=[-1, 0, 1])
    axes.set_yticks([1, 100, 10_000], ["1", "100", "10 k"])
    axes.minorticks_off()
    wide, high = (UNITS[2] - UNITS[0]) / SHOWN, (UNITS[3] - UNITS[1]) / 2
    pictures = []
    for row in range(2):
        for column in range(SHOWN):
            x, y = UNITS[0] + column * wide, UNITS[1] + row * high
            panel = add_panel(figure, x + 1.5, y + 8, x + wide - 1.5, y + 8 + wide - 3)
            pictures.append(HeatMap(panel, SIGNED, -1, 1, lines=False))
    return {
        "after": add_boxes(axes, color=BLUE),
        "before": axes.plot([], [], color=INK, lw=1.1, drawstyle="steps-mid")[0],
        "pictures": pictures,
    }


def update_efficiency(artists: dict, data: dict) -> None:
    """Mark one network, and show its weights.

    Args:
        artists: what `build_efficiency` returned.
        data: `title`; `right`, `bytes` and `milliseconds` of the chosen network; `before` and `after`, weights of its
            first layer as shares of the largest before, (units, 64); `yours`, None or the learner's `right` and
            `bytes`; `largest`, the largest weight.
    """
    yours = data["yours"]
    for name, made in (("chosen", data), ("yours", yours)):
        for mark, cost in zip(artists[name], ("bytes", "milliseconds"), strict=True):
            where = ([], []) if made is None else ([made.get(cost, data[cost])], [_wrong(made["right"])])
            mark.set_data(*where)
    middles = np.linspace(-1, 1, BINS)
    before, after = (histogram(data[name]) for name in ("before", "after"))
    artists["before"].set_data(middles, np.maximum(before, 0.5))
    there, half = after > 0, 1 / (BINS - 1)
    artists["after"].set_verts(boxes(middles[there] - half, 0.5, middles[there] + half, after[there]))
    for n, picture in enumerate(artists["pictures"]):
        picture.set_data(data["before" if n < SHOWN else "after"][n % SHOWN].reshape(8, 8))
    middle = (WEIGHTS[0] + WEIGHTS[2]) / 2
    labels = [
        Label(BYTES[0], 9, data["title"], bold=True),
        Label(middle, WEIGHTS[3] + 30, f"1 is the largest, {data['largest']:.2f}", GREY, "center", size=8.5),
        Label(middle, HEIGHT - 12, f"{SHOWN} of its {len(data['before'])} hidden units", INK, "center"),
    ]
    if yours:
        labels.append(Label(BYTES[2], 376, "□ yours", YOURS, "right", size=8.5))
    artists["labels"].show(labels)


def histogram(shares: np.ndarray) -> np.ndarray:
    """How many numbers between -1 and 1 lie nearest to each of `BINS` places, (BINS,)."""
    places = np.round((shares.ravel() + 1) / 2 * (BINS - 1)).astype(int)
    return np.bincount(places.clip(0, BINS - 1), minlength=BINS)


def _wrong(right: float) -> float:
    """The share of wrong ones as the axis shows it."""
    return min(max(1 - right, LEAST_WRONG), MOST_WRONG)
