"""The picture of an activation function: its curve between what goes in and what comes out, and what depth leaves."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from course_lib.figures.labels import Label, Labels
from course_lib.figures.page import add_boxes, add_panel, boxes, write
from course_lib.figures.style import BLUE, GREEN, GREY, INK, SKY, VERMILLION

WIDTH, HEIGHT = 880, 400
X, Y = (-6.0, 6.0), (-1.5, 2.5)  # of the curve: what goes in, what comes out
IN_BINS, OUT_BINS = 48, 48
LOWEST, HIGHEST = 1e-20, 1e20  # of what is left
DEEPEST = 30  # layers that there is room for
CURVE = (52, 46, 300, 238)  # left, top, right, bottom of the panels, in pixels
INTO, OUT = (52, 246, 300, 314), (308, 46, 376, 238)
LAYERS, STRIP = (444, 46, 620, 352), (728, 46, 830, 352)
ROOM = 8  # rows of the strip: seven functions and the learner's
FORWARD, BACKWARD, YOURS = BLUE, VERMILLION, GREEN


def build_activations(figure: Figure) -> dict:
    """Make the panels; the artists that move come back by name."""
    curve, into, out = (add_panel(figure, *place) for place in (CURVE, INTO, OUT))
    curve.set(xlim=X, ylim=Y, xticks=range(-6, 7, 2), yticks=range(-1, 3))
    curve.tick_params(labelbottom=False)
    curve.grid()
    into.set(xlim=X, ylim=(0, 1.35), xticks=range(-6, 7, 2), yticks=[])
    out.set(xlim=(0, 1.08), ylim=Y, xticks=[], yticks=range(-1, 3))
    out.tick_params(labelleft=False)
    layers = add_panel(figure, *LAYERS)
    layers.set(yscale="log", xlim=(-1, DEEPEST + 1), ylim=(LOWEST / 3, HIGHEST * 3), xticks=range(0, 31, 10))
    layers.set_yticks(10.0 ** np.arange(-20, 21, 10))
    strip = add_panel(figure, *STRIP)
    strip.set(xscale="log", xlim=(LOWEST / 10, HIGHEST * 10), ylim=(ROOM - 0.5, -0.5), yticks=[])
    strip.set_xticks([1e-20, 1, 1e20])
    for axes in (layers, strip):
        axes.minorticks_off()
        axes.grid(axis="y" if axes is layers else "x")
        (axes.axhline if axes is layers else axes.axvline)(1, color=INK, lw=0.8)
    write(figure, OUT[0], 30, "gives out", color=GREY, fontsize=8.5)
    write(figure, LAYERS[0], 30, "signal →", color=FORWARD, fontsize=8.5)
    write(figure, LAYERS[2], 30, "← gradient", color=BACKWARD, fontsize=8.5, ha="right")
    write(figure, LAYERS[0], 12, "layer by layer")
    write(figure, (LAYERS[0] + LAYERS[2]) / 2, 386, "layer", ha="center")
    write(figure, STRIP[2] + 42, 30, "● gradient", color=BACKWARD, fontsize=8.5, ha="right")
    write(figure, STRIP[0] - 8, 30, "○ signal", color=FORWARD, fontsize=8.5)
    return {
        "slope": curve.plot([], [], color=BACKWARD, lw=1.8)[0],
        "f": curve.plot([], [], color=FORWARD, lw=2.4)[0],
        "your slope": curve.plot([], [], color=YOURS, lw=1.6, ls=(0, (1, 1.5)))[0],
        "your f": curve.plot([], [], color=YOURS, lw=1.8, ls=(0, (5, 3)))[0],
        "into": add_boxes(into, fc=SKY),
        "out": add_boxes(out, fc=SKY),
        "signal": layers.plot([], [], color=FORWARD, lw=1.8, marker="o", ms=3, mfc="white")[0],
        "gradient": layers.plot([], [], color=BACKWARD, lw=2.2, marker="o", ms=3)[0],
        "your gradient": layers.plot([], [], color=YOURS, lw=1.8, ls=(0, (5, 3)))[0],
        "signals": _dots(strip, mfc="white", color=FORWARD, ms=7, mew=1.6),
        "gradients": _dots(strip, color=BACKWARD, ms=5.5, mew=0),
        "labels": Labels(figure),
    }


def _dots(strip: Axes, **look):
    return strip.plot([], [], ls="", marker="o", clip_on=False, **look)[0]


def update_activations(artists: dict, data: dict) -> None:
    """Show one function and what a deep network makes of it.

    Args:
        artists: what `build_activations` returned.
        data: `function`, `formula`, `depth`; `x`, `f`, `slope` (points,), the curve; `into` and `out`, shares of what
            the last layer takes in and gives out, (bins,) each, and `beyond`, the shares that lie below and above the
            range of each, ((2,), (2,)); `signal` and `gradient` (depth + 1,); `left`, function -> what is left of its
            signal and of its gradient after all layers; `yours`, None or the learner's `f`, `slope` and `gradient`.
    """
    yours = data["yours"]
    artists["f"].set_data(data["x"], data["f"])
    artists["slope"].set_data(data["x"], data["slope"])
    for name in ("f", "slope"):
        artists[f"your {name}"].set_data(*([], []) if yours is None else (data["x"], yours[name]))
    edges, tall = np.linspace(*X, IN_BINS + 1), _tall(data["into"])
    artists["into"].set_verts(boxes(edges[:-1], 0, edges[1:], tall))
    edges, tall = np.linspace(*Y, OUT_BINS + 1), _tall(data["out"])
    artists["out"].set_verts(boxes(0, edges[:-1], tall, edges[1:]))
    for name in ("signal", "gradient"):
        artists[name].set_data(np.arange(data["depth"] + 1), _within(data[name]))
    artists["your gradient"].set_data(*([], []) if yours is None else (range(data["depth"] + 1), yours["gradient"]))
    rows = np.arange(len(data["left"]))
    signals, gradients = np.array(list(data["left"].values())).T
    artists["signals"].set_data(np.clip(signals, LOWEST, HIGHEST), rows)
    artists["gradients"].set_data(np.clip(gradients, LOWEST, HIGHEST), rows)
    artists["labels"].show([*_curve_labels(data), *_beyond_labels(data["beyond"]), *_row_labels(data)])


def _tall(shares: np.ndarray) -> np.ndarray:
    return shares / max(shares.max(), 1e-9)


def _within(values: np.ndarray) -> np.ndarray:
    """Far outside the axis, so that the line leaves it as it runs."""
    return np.clip(values, LOWEST**2, HIGHEST**2)


def _curve_labels(data: dict) -> list[Label]:
    labels = [
        Label(CURVE[0], 12, f"{data['function']}:  f(x) = {data['formula']}", bold=True),
        Label(CURVE[0], 30, "f", FORWARD, bold=True),
        Label(CURVE[0] + 16, 30, "slope f'", BACKWARD, size=8.5),
        Label(CURVE[0], 352, f"layer {data['depth']} takes in z = W h + b", GREY, size=8.5),
    ]
    if data["yours"] is not None:
        labels.append(Label(CURVE[0] + 78, 30, "yours: - - f, ··· slope", YOURS, size=8.5))
    return labels


def _beyond_labels(beyond) -> list[Label]:
    """How much lies outside the two histograms; nothing where that is less than a hundredth."""
    (below_in, above_in), (below_out, above_out) = beyond
    spots = (
        (INTO[0] + 4, INTO[1] + 8, "◂ {}", "left", below_in),
        (INTO[2] - 4, INTO[1] + 8, "{} ▸", "right", above_in),
        (OUT[2], CURVE[3] - 9, "▾ {}", "right", below_out),
        (OUT[2], CURVE[1] + 9, "▴ {}", "right", above_out),
    )
    return [
        Label(x, y, text.format(f"{share:.0%}".replace("%", " %")), INK, align, size=8.5)
        for x, y, text, align, share in spots
        if share >= 0.01
    ]


def _row_labels(data: dict) -> list[Label]:
    plural = "" if data["depth"] == 1 else "s"
    labels = [Label(STRIP[0] - 8, 12, f"left after {data['depth']} layer{plural}")]
    high = (STRIP[3] - STRIP[1]) / ROOM
    for row, (name, (_, gradient)) in enumerate(data["left"].items()):
        y, chosen = STRIP[1] + (row + 0.5) * high, name == data["function"]
        color = YOURS if name == "yours" else INK
        labels.append(Label(STRIP[0] - 8, y, name, color, "right", chosen, 9))
        labels.append(Label(STRIP[2] + 42, y, short(gradient), BACKWARD, "right", chosen, 8.5))
    return labels


def short(value: float) -> str:
    """A multiple in two digits, or its power of ten."""
    if not np.isfinite(value):
        return "NaN" if np.isnan(value) else "∞"
    if value == 0 or 0.01 <= value < 1000:
        return f"{value:.2g}" if value < 100 else f"{value:.0f}"
    return f"{value:.0e}".replace("e-0", "e-").replace("e+0", "e").replace("e+", "e")
