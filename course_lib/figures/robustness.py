"""The picture of an attack: a digit, what is added to it, what comes of it, and how far every digit holds out."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from course_lib.figures.heatmap import HeatMap
from course_lib.figures.labels import Label, Labels
from course_lib.figures.page import add_boxes, add_colour_key, add_panel, boxes, write
from course_lib.figures.style import BLUE, GREEN, GREY, INK, PURPLE, SIGNED, VERMILLION

WIDTH, HEIGHT = 880, 452
FARTHEST = 0.3  # the largest eps that is shown
PAPER_TO_INK = "Greys"
TOP, SIDE = 34, 150  # of the pictures, in pixels
DIGIT, ADDED, ATTACKED = 40, 236, 432  # their left edges
BARS = (648, TOP, 858, TOP + SIDE)  # left, top, right, bottom of the panels, in pixels
PATH, CURVES = (52, 272, 410, 402), (500, 272, 858, 402)
BEFORE, AFTER = BLUE, VERMILLION
COLORS = (VERMILLION, GREY, PURPLE)  # of the attacks
YOURS = GREEN


def build_robustness(figure: Figure) -> dict:
    """Make the panels; the artists that move come back by name."""
    pictures = {
        name: HeatMap(_square(figure, left), cmap, low, 1, lines=False)
        for name, left, cmap, low in (
            ("digit", DIGIT, PAPER_TO_INK, 0),
            ("added", ADDED, SIGNED, -1),
            ("attacked", ATTACKED, PAPER_TO_INK, 0),
        )
    }
    for left, sign in ((ADDED, "+"), (ATTACKED, "=")):
        write(figure, left - (ADDED - DIGIT - SIDE) / 2, TOP + SIDE / 2, sign, ha="center", fontsize=16)
    write(figure, DIGIT, 16, "the digit", color=BEFORE)
    write(figure, ADDED, 16, "what is added, enlarged")
    write(figure, ATTACKED, 16, "attacked", color=AFTER)
    add_colour_key(figure, ADDED + 42, ADDED + SIDE - 42, TOP + SIDE + 18, SIGNED, -1, 1, ("paler", "darker"))
    bars = add_panel(figure, *BARS)
    bars.set(xlim=(-0.6, 9.6), ylim=(0, 1), xticks=range(10), yticks=[0, 0.5, 1])
    write(figure, BARS[0], 16, "probability,")
    write(figure, BARS[0] + 78, 16, "before", color=BEFORE)
    write(figure, BARS[0] + 125, 16, "and after", color=AFTER)
    path, curves = add_panel(figure, *PATH), add_panel(figure, *CURVES)
    for axes in (path, curves):
        axes.set(xlim=(0, FARTHEST), ylim=(0, 1.03), yticks=[0, 0.5, 1])
        axes.grid(axis="y")
    for left, _, right, _ in (PATH, CURVES):
        write(figure, (left + right) / 2, HEIGHT - 12, "ε, of 1 from paper to ink", ha="center")
    write(figure, PATH[0], PATH[1] - 18, "this digit: probability of its")
    write(figure, PATH[0] + 175, PATH[1] - 18, "class", color=BEFORE)
    write(figure, PATH[0] + 211, PATH[1] - 18, "and of the likeliest other", color=AFTER)
    write(figure, CURVES[0], CURVES[1] - 18, "500 test digits: share that is read right")
    return pictures | {
        "before": add_boxes(bars, color=BEFORE),
        "after": add_boxes(bars, color=AFTER),
        "own": path.plot([], [], color=BEFORE, lw=2)[0],
        "other": path.plot([], [], color=AFTER, lw=2)[0],
        "flip": path.plot([], [], color=INK, lw=1, ls=(0, (2, 2)))[0],
        "here": [axes.plot([], [], color=INK, lw=1)[0] for axes in (path, curves)],
        "curves": [curves.plot([], [], color=color)[0] for color in COLORS],
        "yours": curves.plot([], [], color=YOURS, lw=1.8, ls=(0, (5, 3)))[0],
        "reached": curves.plot([], [], ls="", marker="o", ms=7, color=INK, clip_on=False, zorder=5)[0],
        "labels": Labels(figure),
    }


def _square(figure: Figure, left: float) -> Axes:
    return add_panel(figure, left, TOP, left + SIDE, TOP + SIDE)


def update_robustness(artists: dict, data: dict) -> None:
    """Show one digit under one attack.

    Args:
        artists: what `build_robustness` returned.
        data: `digit` and `attacked`, (8, 8) from 0 to 1; `eps`; `before` and `after`, (10,) probabilities; `truth`;
            `aim`, a class or None; `sizes` (n,), and along them `own` and `other`, the probabilities of the true class
            and of the likeliest other one, (n,) each; `flips`, the smallest size that does it, or None; `curve_sizes`
            (m,) and `curves`, attack -> shares (m,), `attack` among them; `yours`, None or shares (m,); `reached`, the
            share at this eps.
    """
    eps = data["eps"]
    artists["digit"].set_data(data["digit"])
    artists["attacked"].set_data(data["attacked"])
    artists["added"].set_data((data["attacked"] - data["digit"]) / max(eps, 1e-9))
    classes = np.arange(10)
    artists["before"].set_verts(boxes(classes - 0.4, 0, classes, data["before"]))
    artists["after"].set_verts(boxes(classes, 0, classes + 0.4, data["after"]))
    artists["own"].set_data(data["sizes"], data["own"])
    artists["other"].set_data(data["sizes"], data["other"])
    artists["flip"].set_data(*([], []) if data["flips"] is None else ([data["flips"]] * 2, [0, 1.03]))
    for line in artists["here"]:
        line.set_data([eps, eps], [0, 1.03])
    for line, (name, shares) in zip(artists["curves"], data["curves"].items(), strict=True):
        line.set_data(*([], []) if shares is None else (data["curve_sizes"], shares))
        line.set_linewidth(2.6 if name == data["attack"] else 1.2)
    artists["yours"].set_data(*([], []) if data["yours"] is None else (data["curve_sizes"], data["yours"]))
    artists["reached"].set_data([eps], [data["reached"]])
    artists["labels"].show([*_readings(data), *_marks(data), *_names(data)])


def _readings(data: dict) -> list[Label]:
    """What the network says, under the two pictures."""
    rows = ((DIGIT, data["before"], BEFORE), (ATTACKED, data["after"], AFTER))
    return [
        Label(left + SIDE / 2, TOP + SIDE + 18, f"read as {shares.argmax()}, {shares.max():.0%}", color, "center", True)
        for left, shares, color in rows
    ]


def _marks(data: dict) -> list[Label]:
    """Which class is true, which one is aimed at, and where the answer flips."""

    def at(number: int) -> float:
        return BARS[0] + (number + 0.6) / 10.2 * (BARS[2] - BARS[0])

    labels = [Label(at(data["truth"]), BARS[3] + 30, "true", BEFORE, "center", size=8.5)]
    if data["aim"] is not None and data["aim"] != data["truth"]:
        near = abs(data["aim"] - data["truth"]) == 1  # the two words would touch
        labels.append(Label(at(data["aim"]), BARS[3] + (42 if near else 30), "aim", AFTER, "center", size=8.5))
    if data["flips"] is not None:
        labels.append(_flip(data["flips"], data["eps"], "flips" if data["aim"] is None else "is there"))
    return labels


def _flip(flips: float, eps: float, what: str) -> Label:
    """The smallest eps in words, beside its line and clear of that of the present eps."""
    wide, room = PATH[2] - PATH[0], 104
    x, here = PATH[0] + flips / FARTHEST * wide, PATH[0] + eps / FARTHEST * wide
    left = x - PATH[0] > room and (here > x or PATH[2] - x < room)
    if not left and x <= here < x + room:
        x = here
    side, align = (-6, "right") if left else (6, "left")
    return Label(x + side, PATH[1] + 66, f"{what} at {flips:.3f}", INK, align, True, 9)


def _names(data: dict) -> list[Label]:
    """The attacks' names, at the right of their panel, which the curves leave free."""
    shown = [pair for pair in zip(data["curves"], COLORS, strict=True) if data["curves"][pair[0]] is not None]
    if data["yours"] is not None:
        shown.append(("- - yours", YOURS))
    return [
        Label(CURVES[2] - 8, CURVES[1] + 36 + 16 * row, name, color, "right", bold=name == data["attack"], size=9)
        for row, (name, color) in enumerate(shown)
    ]
