"""The picture of a roofline: what two devices can do at most, what was measured, and what a transfer costs."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from course_lib.figures.labels import Label, Labels
from course_lib.figures.page import add_panel, pixels_at, write
from course_lib.figures.style import BLUE, GREEN, GREY, INK, VERMILLION, new_figure, style

WIDTH, HEIGHT = 880, 440
INTENSITIES, RATES = (0.03, 3000.0), (1e5, 4e15)  # what the roofline shows: FLOPs a byte, FLOP/s
TIMES = (3e-7, 300.0)  # seconds
ROWS = ("calls", "memory", "arithmetic", "transfer", "in all")
ROW_TOP, ROW = 306, 23  # of the table of times, in pixels
HERE, CARD = BLUE, VERMILLION
PREFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"))


def with_prefix(value: float, unit: str) -> str:
    """A quantity with its unit's prefix and two or three digits: 8.2e10 FLOP/s are "82 GFLOP/s"."""
    if value == 0:
        return f"0 {unit}"
    scale, prefix = next(((scale, name) for scale, name in PREFIXES if value >= 0.9995 * scale), PREFIXES[-1])
    number = value / scale
    digits = f"{number:,.0f}" if number >= 9.95 else f"{number:.1f}".removesuffix(".0")
    return f"{digits} {prefix}{unit}"


def build_roofline(figure: Figure) -> dict:
    """Make the three panels; the artists that move come back by name."""
    roofline = add_panel(figure, 62, 34, 508, 392)
    _roofline_axes(roofline)
    times = add_panel(figure, 600, 46, 862, 222)
    times.set(xscale="log", yscale="log", xlim=(2**3.5, 2**24.5), ylim=TIMES, xticks=[2**k for k in (4, 10, 16, 22)])
    times.set_xticklabels([])
    times.set_yticks([1e-6, 1e-3, 1.0], ["1 µs", "1 ms", "1 s"])
    times.minorticks_off()
    times.grid()
    write(figure, 62, 18, "what it can do at most (lines), and what it does (points)", weight="bold")
    write(figure, 600, 18, "how long it takes, over its size", weight="bold")
    write(figure, 540, ROW_TOP - 24, "where the time goes", weight="bold")
    for row, name in enumerate(ROWS):
        write(figure, 540, ROW_TOP + ROW * row, name, color=INK if name == ROWS[-1] else GREY)
    parts = add_panel(figure, 618, ROW_TOP - 12, 738, ROW_TOP + ROW * len(ROWS) - 11)
    parts.set(xscale="log", xlim=(3e-10, 1e3), ylim=(len(ROWS) - 0.5, -0.5), xticks=[1e-9, 1e-6, 1e-3, 1], yticks=[])
    parts.set_xticklabels(["", "1 µs", "", "1 s"])
    parts.minorticks_off()
    parts.grid(axis="x")
    for axes in (roofline, times, parts):
        axes.set_axisbelow(True)

    def line(axes: Axes, color: str, **look):
        return axes.plot([], [], color=color, **look)[0]

    def dots(axes: Axes, color: str, marker: str, size: float, **look):
        return line(axes, color, marker=marker, ms=size, ls="", **{"mec": "white", "mew": 0.7} | look)

    return {
        "axes": (roofline, times),
        "roofs": {"here": line(roofline, HERE, lw=2), "card": line(roofline, CARD, lw=2)},
        "cache": line(roofline, HERE, lw=1.2, ls=(0, (4, 2))),
        "others": dots(roofline, GREY, "o", 3, alpha=0.5, mew=0),
        "path": line(roofline, HERE, lw=0.9, marker="o", ms=4.5, mec="white", mew=0.6),
        "chosen": dots(roofline, HERE, "o", 10),
        "on the card": dots(roofline, CARD, "D", 8.5),
        "modelled": line(times, HERE, lw=1.2, ls=(0, (3, 2))),
        "measured": line(times, HERE, marker="o", ms=4, mec="white", mew=0.6),
        "card times": line(times, CARD),
        "at": line(times, GREY, lw=0.9),
        "pays": line(times, GREEN, lw=1.4, ls=(0, (1, 1.5))),
        "parts": {"here": dots(parts, HERE, "o", 6.5), "card": dots(parts, CARD, "D", 5.5)},
        "labels": Labels(figure),
    }


def _roofline_axes(axes: Axes) -> None:
    """FLOP/s against FLOPs a byte, both logarithmic."""
    axes.set(xscale="log", yscale="log", xlim=INTENSITIES, ylim=RATES, xlabel="arithmetic intensity: FLOPs a byte")
    axes.set_xticks([0.1, 1, 10, 100, 1000], ["0.1", "1", "10", "100", "1000"])
    axes.set_yticks([1e6, 1e9, 1e12], ["1 M", "1 G", "1 T"])
    axes.set_ylabel("FLOP/s", labelpad=-2)
    axes.minorticks_off()
    axes.grid()


def update_roofline(artists: dict, data: dict) -> None:
    """Show one operation at one size.

    Args:
        artists: what `build_roofline` returned.
        data: `limits`, of "here" and the "card", each with `bandwidth` and `peak`; `cache`, bytes a second, 0 if there
            is none to show; `others` and `points`, measured, (points, 2) each: FLOPs a byte and FLOP/s; `intensity`,
            and `rates` of "here" and the "card"; `numbers` (sizes,), of the largest tensor, `ticks`, their names, and
            `times`, seconds (sizes,) each, of "here" and the "card"; `axis`, what is below them; `measured`, how many
            of the first times were; `at`, the number of the size chosen; `pays`, that of the first from which on the
            card is faster, or None, and `pays_from`, its name; `parts`, for "here" and the "card", seconds by the
            names in ROWS. With `hidden`, only the roofs are shown.
    """
    hidden, numbers, at = data["hidden"], data["numbers"], data["at"]
    span = np.array(INTENSITIES)
    for name, limits in data["limits"].items():
        corner = limits["peak"] / limits["bandwidth"]
        x = np.array([span[0], corner, max(span[1], corner)])
        artists["roofs"][name].set_data(x, np.minimum(limits["peak"], x * limits["bandwidth"]))
    edge = data["limits"]["here"]["peak"] / data["cache"] if data["cache"] else np.nan
    artists["cache"].set_data([span[0], edge], [span[0] * data["cache"], edge * data["cache"]])

    artists["others"].set_data(*data["others"].T)
    artists["path"].set_data(*data["points"].T)
    for name, artist in (("here", "chosen"), ("card", "on the card")):
        artists[artist].set_data([data["intensity"]], [data["rates"][name]])
        artists["parts"][name].set_data([data["parts"][name][row] or np.nan for row in ROWS], np.arange(len(ROWS)))
    artists["measured"].set_data(numbers[: data["measured"]], data["times"]["here"][: data["measured"]])
    artists["modelled"].set_data(numbers[data["measured"] - 1 :], data["times"]["here"][data["measured"] - 1 :])
    artists["card times"].set_data(numbers, data["times"]["card"])
    artists["at"].set_data([numbers[at]] * 2, TIMES)
    artists["chosen"].set_markerfacecolor(HERE if at < data["measured"] else "white")
    artists["chosen"].set_markeredgecolor("white" if at < data["measured"] else HERE)
    pays = np.nan if data["pays"] is None else numbers[data["pays"]]
    artists["pays"].set_data([pays] * 2, TIMES)
    for name in ("others", "path", "chosen", "on the card", "measured", "modelled", "card times", "at", "pays"):
        artists[name].set_visible(not hidden)
    for dots in artists["parts"].values():
        dots.set_visible(not hidden)
    artists["labels"].show([*_roof_labels(artists, data), *([] if hidden else _time_labels(artists, data))])


def _roof_labels(artists: dict, data: dict) -> list[Label]:
    """The names of the roofs, along them."""
    axes, turn = artists["axes"][0], _slope(artists["axes"][0])
    heights = {name: _place(axes, INTENSITIES[1], limits["peak"])[1] for name, limits in data["limits"].items()}
    labels = []
    for name, color in (("here", HERE), ("card", CARD)):
        limits = data["limits"][name]
        crowded = name == "here" and 0 <= heights["here"] - heights["card"] < 26
        y = heights[name] + (12 if crowded else -10)
        labels.append(Label(504, y, f"{name}: {with_prefix(limits['peak'], 'FLOP/s')}", color, "right", size=8.5))
        left, bottom = _place(axes, 0.033, 0.033 * limits["bandwidth"])
        y = bottom + (12 if name == "here" else -8)
        labels.append(Label(left, y, with_prefix(limits["bandwidth"], "B/s"), color, size=8.5, turn=turn))
    if data["cache"]:
        left, bottom = _place(axes, 0.033, 0.033 * data["cache"])
        text = f"cache {with_prefix(data['cache'], 'B/s')}"
        labels.append(Label(left, bottom - 8, text, HERE, size=8.5, turn=turn))
    return labels


def _place(axes: Axes, x: float, y: float) -> tuple[float, float]:
    """Where a point of some axes lies on the figure, in screen pixels."""
    left, top = pixels_at(axes, np.array([[x, y]]))[0]
    return float(left), float(top)


def _slope(axes: Axes) -> float:
    """The angle of a line along which FLOP/s grow as FLOPs a byte, in degrees."""
    (left, low), (right, high) = _place(axes, 1.0, 1e9), _place(axes, 10.0, 1e10)
    return float(np.degrees(np.arctan2(low - high, right - left)))


def _time_labels(artists: dict, data: dict) -> list[Label]:
    """The sizes below their axis, from which on the card pays, and the table of times."""
    times, labels = artists["axes"][1], []
    for number, name in data["ticks"]:
        labels.append(Label(_place(times, number, 1.0)[0], 235, name, GREY, "center", size=8.5))
    labels.append(Label(731, 253, data["axis"], INK, "center", size=9))
    pays = "the card never pays" if data["pays"] is None else f"the card pays from {data['pays_from']} on"
    labels.append(Label(600, 36, pays, GREEN if data["pays"] is not None else GREY, bold=True, size=8.5))
    for name, x, color in (("here", 800, HERE), ("card", 862, CARD)):
        labels.append(Label(x, ROW_TOP - 24, name, color, "right", bold=True))
        for row, part in enumerate(ROWS):
            seconds = data["parts"][name][part]
            text = with_prefix(seconds, "s") if seconds else "–"
            labels.append(Label(x, ROW_TOP + ROW * row, text, color, "right", bold=part == ROWS[-1], size=9))
    return labels


def draw_against_roofs(devices: Mapping[str, dict], streaming: str, caption: str) -> Figure:
    """Draw operations over growing sizes against the roofs of one device, or of two.

    Left, the bytes a second that one of them moves, over all the bytes that it holds; right, all in the roofline.

    Args:
        devices: name -> `bandwidth` and `peak`; of a device that was measured, also `held` and `moved`, bytes and bytes
            a second, (sizes,) each, and `spots`, by the names of at most two operations, FLOPs a byte and FLOP/s,
            (sizes, 2) each.
        streaming: the operation on the left.
        caption: where the numbers come from.
    """
    figure = new_figure(WIDTH, 330)
    with style():
        moving, roofline = add_panel(figure, 72, 34, 410, 262), add_panel(figure, 492, 34, 862, 262)
        moving.set(xscale="log", yscale="log", xlabel="bytes that it holds", xlim=(20, 1e9))
        moving.set_xticks([1e3, 1e6, 1e9], ["1 kB", "1 MB", "1 GB"])
        moving.set_title(f"{streaming}: bytes a second that it moves")
        _roofline_axes(roofline)
        roofline.set_ylabel("FLOP/s", labelpad=2)
        roofline.set_title("in the roofline: one point a size")
        most = max(max([of["bandwidth"], *of.get("moved", ())]) for of in devices.values())
        moving.set_ylim(1e7, 4 * most)
        moving.set_yticks(ticks := [10.0**k for k in range(7, 14) if 10.0**k <= moving.get_ylim()[1]])
        moving.set_yticklabels([with_prefix(tick, "B/s") for tick in ticks])
        moving.minorticks_off()
        moving.grid()
        for axes in (moving, roofline):
            axes.set_axisbelow(True)
        for (name, of), color in zip(devices.items(), (HERE, CARD), strict=False):
            moving.axhline(of["bandwidth"], color=color, lw=1.6)
            memory = f"{name}: memory {with_prefix(of['bandwidth'], 'B/s')}"
            _note(moving, memory, (0.02, of["bandwidth"]), color, "left")
            if "moved" in of:
                moving.plot(of["held"], of["moved"], color=color, marker="o", ms=4, lw=1.1)
            x = np.array([INTENSITIES[0], of["peak"] / of["bandwidth"], INTENSITIES[1]])
            roofline.plot(x, np.minimum(of["peak"], x * of["bandwidth"]), color=color)
            _note(roofline, f"{name}: {with_prefix(of['peak'], 'FLOP/s')}", (0.99, of["peak"]), color, "right")
            for (operation, spots), marker in zip(of.get("spots", {}).items(), "os", strict=False):
                roofline.plot(*spots.T, color=color, marker=marker, ms=4.5, lw=0.9, mec="white", mew=0.5)
                if color == HERE:
                    below = {"xytext": (-4, -6), "textcoords": "offset points", "va": "top"}
                    roofline.annotate(operation, spots[0], color=INK, fontsize=8.5, **below)
    figure.text(0.985, 0.025, caption, ha="right", color=GREY, fontsize=7.5)
    return figure


def _note(axes: Axes, text: str, at: tuple[float, float], color: str, align: str) -> None:
    """A text above a level: where along the axes, as a share, and at which height."""
    axes.annotate(text, at, xycoords=("axes fraction", "data"), xytext=(0, 4), textcoords="offset points", color=color,
                  ha=align, va="bottom", fontsize=8.5)  # fmt: skip
