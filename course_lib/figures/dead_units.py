"""The picture of a small network in training: what its units take in, the gradient that each gets, who is dead."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from course_lib.figures.heatmap import HeatMap
from course_lib.figures.labels import Label, Labels
from course_lib.figures.page import add_boxes, add_panel, boxes, write
from course_lib.figures.style import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, SIGNED, VERMILLION

WIDTH, HEIGHT = 880, 464
UNITS, MOST_STEPS = 16, 200
REACH = 2.0  # of the plane; the points lie within about 1
Z, BINS = 4.0, 40  # of what units take in: from -Z to Z, in so many rows
FAINTEST, STRONGEST = 1e-10, 10.0  # of the gradients' axis
PLANE = (40, 46, 266, 272)  # left, top, right, bottom of the panels, in pixels
LOSS = (40, 346, 266, 424)
INTO = ((328, 46, 588, 186), (614, 46, 874, 186))  # of each hidden layer
BARS = ((328, 194, 588, 272), (614, 194, 874, 272))
SHARE_OF_DEAD = (328, 346, 740, 424)
LAYER_COLORS = (BLUE, GREEN)
MARKS, YOURS, KEY = 280, 295, 311  # rows under the bars: crosses, what the learner found, what the marks mean


def build_dead_units(figure: Figure) -> dict:
    """Make the panels; the artists that move come back by name."""
    shade = HeatMap(add_panel(figure, *PLANE), SIGNED, -1, 1, lines=False)
    plane = add_panel(figure, *PLANE)
    plane.set(xlim=(-REACH, REACH), ylim=(-REACH, REACH), xticks=[-1, 0, 1], yticks=[-1, 0, 1], facecolor="none")
    for spine in plane.spines.values():  # the map has a frame of its own
        spine.set_visible(False)
    loss, share = add_panel(figure, *LOSS), add_panel(figure, *SHARE_OF_DEAD)
    loss.set(xlim=(-2, MOST_STEPS + 2), ylim=(0, 2.1), xticks=range(0, 201, 50), yticks=[0, 1, 2])
    share.set(xlim=(-2, MOST_STEPS + 2), ylim=(-4, 104), xticks=range(0, 201, 50), yticks=[0, 50, 100])
    for axes in (loss, share):
        axes.grid(axis="y")
    write(figure, PLANE[0], 12, "the points, and the network's answer")
    write(figure, LOSS[0], LOSS[1] - 14, "loss", color=INK)
    write(figure, SHARE_OF_DEAD[0], LOSS[1] - 14, "% of units that are dead")
    for left, right in ((LOSS[0], LOSS[2]), (SHARE_OF_DEAD[0], SHARE_OF_DEAD[2])):
        write(figure, (left + right) / 2, 454, "step", ha="center")
    write(figure, INTO[0][0] - 6, 30, "z", color=GREY, ha="right", fontsize=8.5)
    write(figure, BARS[1][2], KEY, "× dead    0 alive, but no gradient arrives", color=GREY, ha="right", fontsize=8.5)
    return {
        "shade": shade,
        "lines": [_lines(plane, BLUE, "-"), _lines(plane, VERMILLION, (0, (4, 2)))],
        "points": [
            plane.plot([], [], ls="", marker=marker, color=color, ms=3.6, mec="white", mew=0.4)[0]
            for marker, color in (("o", ORANGE), ("s", PURPLE))
        ],
        "loss": loss.plot([], [], color=INK, lw=1.6)[0],
        "shares": [share.plot([], [], color=color, drawstyle="steps-post")[0] for color in LAYER_COLORS],
        "now": [axes.plot([], [], color=GREY, lw=1)[0] for axes in (loss, share)],
        "shifted at": share.plot([], [], color=INK, lw=1.2, ls=(0, (2, 2)), zorder=3)[0],
        **_build_layers(figure),
        "labels": Labels(figure),
    }


def _lines(plane: Axes, color: str, style) -> LineCollection:
    return plane.add_collection(LineCollection([], colors=color, linewidths=1.2, linestyles=[style]), autolim=False)


def _build_layers(figure: Figure) -> dict:
    """What each unit takes in, and its gradient: two panels for each hidden layer."""
    into, zeros, bars = [], [], []
    for place, below, color in zip(INTO, BARS, LAYER_COLORS, strict=True):
        panel = add_panel(figure, *place)
        into.append(HeatMap(panel, SIGNED, -1, 1, lines=False))
        zeros += panel.plot([0, UNITS], [BINS / 2] * 2, color=INK, lw=0.9, ls=(0, (3, 2)))
        gradient = add_panel(figure, *below)
        gradient.set(yscale="log", xlim=(0, UNITS), ylim=(FAINTEST, STRONGEST), xticks=[], yticks=[1e-10, 1e-5, 1])
        gradient.minorticks_off()
        gradient.grid(axis="y")
        gradient.set_axisbelow(True)
        if place is not INTO[0]:
            gradient.tick_params(labelleft=False)
        bars.append(add_boxes(gradient, fc=color))
    write(figure, INTO[0][0] - 6, INTO[0][1] + 6, f"≥ {Z:.0f}", color=GREY, ha="right", fontsize=8.5)
    write(figure, INTO[0][0] - 6, (INTO[0][1] + INTO[0][3]) / 2, "0", color=GREY, ha="right", fontsize=8.5)
    write(figure, INTO[0][0] - 6, INTO[0][3] - 6, f"≤ −{Z:.0f}", color=GREY, ha="right", fontsize=8.5)
    return {"into": into, "zeros": zeros, "bars": bars}


def update_dead_units(artists: dict, data: dict) -> None:
    """Show a training after some steps.

    Args:
        artists: what `build_dead_units` returned.
        data: `points` (points, 2) and `classes` (points,); `answer` (rows, columns), the chance of class 1 over the
            plane, from its top left; `hinges` (units, 2, 2), for each unit of layer 1 the ends of the line where it
            takes in 0; `into`, for each layer what its units take in, as shares of the points, (bins, units), the
            largest z first; `gradients` (layers, units), the norm of each unit's; `dead` (layers, units) bool;
            `losses` (steps + 1,); `shares` (steps + 1, layers), of dead units; `step`; `shift`, None or when,
            which layer and by how much; `yours`, which units the learner's function calls dead, (layers, units) bool,
            or None.
    """
    artists["shade"].set_data(0.6 * (data["answer"] - 0.5))
    for kind, points in enumerate(artists["points"]):
        points.set_data(*data["points"][data["classes"] == kind].T)
    dead = data["dead"]
    for lines, which in zip(artists["lines"], (~dead[0], dead[0]), strict=True):
        lines.set_segments(data["hinges"][which])
    for heat, bars, into, norms in zip(artists["into"], artists["bars"], data["into"], data["gradients"], strict=True):
        heat.set_data(np.sqrt(into))  # few points in a cell are to be seen too
        left, top = np.arange(UNITS), np.clip(norms, FAINTEST, STRONGEST)
        bars.set_verts(boxes(left + 0.15, FAINTEST, left + 0.85, top))
    steps = np.arange(len(data["losses"]))
    artists["loss"].set_data(steps, data["losses"])
    for line, shares in zip(artists["shares"], data["shares"].T, strict=True):
        line.set_data(steps, 100 * shares)
    for now, top in zip(artists["now"], (2.1, 104), strict=True):
        now.set_data([data["step"]] * 2, [-4, top])
    at = [] if data["shift"] is None else [data["shift"][0]] * 2
    artists["shifted at"].set_data(at, [-4, 104][: len(at)])
    artists["labels"].show([*_plane_labels(data), *_layer_labels(data), *_share_labels(data)])


def _plane_labels(data: dict) -> list[Label]:
    return [
        Label(PLANE[0], 30, "— z = 0 of a unit of layer 1", BLUE, size=8.5),
        Label(PLANE[2], 30, "- - dead", VERMILLION, "right", size=8.5),
        Label(LOSS[2], LOSS[1] - 14, f"{data['losses'][-1]:.3g}", INK, "right", bold=True),
    ]


def _layer_labels(data: dict) -> list[Label]:
    """Titles, and a mark under each unit that gets no gradient."""
    labels = []
    for layer, (into, bars) in enumerate(zip(INTO, BARS, strict=True)):
        dead, norms = data["dead"][layer], data["gradients"][layer]
        title = f"layer {layer + 1}: {dead.sum()} of {UNITS} dead"
        labels.append(Label(into[0], 12, title, LAYER_COLORS[layer], bold=True))
        labels.append(Label(into[0], 30, "what each unit takes in, over all points", GREY, size=8.5))
        labels.append(Label(bars[2] - 4, bars[1] + 6, "gradient of its weights", GREY, "right", size=8.5))
        wide = (bars[2] - bars[0]) / UNITS
        for unit in range(UNITS):
            x = bars[0] + (unit + 0.5) * wide
            if dead[unit]:
                labels.append(Label(x, MARKS, "×", VERMILLION, "center", bold=True, size=11))
            elif norms[unit] == 0:
                labels.append(Label(x, MARKS, "0", GREY, "center"))
            if data["yours"] is not None and data["yours"][layer][unit]:
                labels.append(Label(x, YOURS, "×", PURPLE, "center", bold=True, size=11))
    if data["yours"] is not None:
        labels.append(Label(INTO[0][0] - 6, YOURS, "yours", PURPLE, "right", bold=True, size=8.5))
    return labels


def _share_labels(data: dict) -> list[Label]:
    """The layers' names beside their lines' ends, apart from each other; what was shifted."""
    bottom, high = SHARE_OF_DEAD[3], SHARE_OF_DEAD[3] - SHARE_OF_DEAD[1]
    places = [bottom - high * (4 + 100 * share) / 108 for share in data["shares"][-1]]
    middle, near = sum(places) / 2, abs(places[0] - places[1]) < 16
    if near:
        up = -8 if places[0] <= places[1] else 8
        places = [middle + up, middle - up]
    x = SHARE_OF_DEAD[2] + 10
    labels = [
        Label(x, y, f"layer {layer}: {100 * share:.0f} %", color, bold=True)
        for layer, y, share, color in zip((1, 2), places, data["shares"][-1], LAYER_COLORS, strict=True)
    ]
    if data["shift"] is not None:
        at, layer, shift = data["shift"]
        text = f"step {at}: biases of layer {layer} {shift:+.2f}".replace("-", "−")
        labels.append(Label(SHARE_OF_DEAD[2], SHARE_OF_DEAD[1] - 14, text, INK, "right", size=8.5))
    return labels
