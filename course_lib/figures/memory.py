"""The picture of one memory cell over time: its gates, what it holds and shows, what is left of its first value."""

import numpy as np
from matplotlib.figure import Figure

from course_lib.figures.style import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, SKY, VERMILLION

STEPS = 50


def build_memory(figure: Figure) -> dict:
    """Make the three panels; the artists that move come back by name."""
    gates, trace, share = figure.subplots(3, 1, sharex=True, gridspec_kw={"height_ratios": (1, 1.35, 1)})
    figure.subplots_adjust(left=0.075, right=0.8, top=0.955, bottom=0.1, hspace=0.32)
    gates.set(title="gates at each step", ylim=(-0.05, 1.05), yticks=[0, 0.5, 1], xlim=(-0.5, STEPS + 0.5))
    trace.set(title="what the cell holds and what it shows", ylim=(-2.1, 2.1), yticks=[-1, 0, 1])
    trace.axhline(0, color=GREY, lw=0.7)
    share.set(title="what is left of step 0", ylim=(-0.05, 1.05), yticks=[0, 0.5, 1], xlabel="step")
    share.axhline(0.5, color=GREY, lw=0.7, ls=":")

    def line(axes, color, **style):
        return axes.plot([], [], color=color, **style)[0]

    artists = {
        "forget": line(gates, BLUE, drawstyle="steps-mid"),
        "write": line(gates, ORANGE, drawstyle="steps-mid"),
        "read": line(gates, PURPLE, drawstyle="steps-mid"),
        "cell": line(trace, INK, lw=2.2),
        "hidden": line(trace, PURPLE, lw=1.4),
        "wanted": line(trace, GREEN, lw=1.2, ls=(0, (4, 2))),
        "candidate": line(trace, SKY, lw=0, marker="o", ms=2.5),
        "share": line(share, BLUE, lw=2.2),
        "gradient": line(share, VERMILLION, lw=1.4, ls=(0, (4, 2))),
    }
    artists["labels"] = {
        name: axes.text(STEPS + 1.5, 0, "", color=artists[name].get_color(), va="center", clip_on=False)
        for axes, names in ((gates, ("forget", "write", "read")), (trace, ("cell", "hidden", "wanted", "candidate")),
                            (share, ("share", "gradient")))
        for name in names
    }  # fmt: skip
    return artists


def update_memory(artists: dict, data: dict) -> None:
    """Show one run.

    Args:
        artists: what `build_memory` returned.
        data: (steps + 1,) each: `forget`, `write`, `read`, `cell`, `hidden`, `candidate`, `share` (of the first cell
            value left), `gradient` (of the last cell value by each one before); and `bit`, +1 or -1.
    """
    steps = np.arange(STEPS + 1)
    for name in ("forget", "write", "read", "cell", "hidden", "share", "gradient"):
        artists[name].set_data(steps, data[name])
    artists["candidate"].set_data(steps[1:], data["candidate"][1:])
    artists["wanted"].set_data(steps, np.full(STEPS + 1, data["bit"]))
    texts = {
        "forget": f"forget {data['forget'][-2]:.3f}",
        "write": f"write {data['write'][-2]:.3f}",
        "read": f"read {data['read'][-2]:.3f}",
        "cell": f"cell {data['cell'][-1]:+.2f}",
        "hidden": f"output {data['hidden'][-1]:+.2f}",
        "wanted": f"the bit {data['bit']:+d}",
        "candidate": "offered",
        "share": f"left {data['share'][-1]:.1%}",
        "gradient": "gradient of the\nlast cell by this one",
    }
    heights = {
        **_apart({name: data[name][-2] for name in ("forget", "write", "read")}, 0.19),
        **_apart(
            {"cell": data["cell"][-1], "hidden": data["hidden"][-1], "wanted": data["bit"], "candidate": -1.85}, 0.5
        ),
        **_apart({"share": data["share"][-1], "gradient": 0.62}, 0.35),
    }
    for name, text in artists["labels"].items():
        text.set_text(texts[name].replace("-", "−"))
        text.set_y(heights[name])


def _apart(heights: dict[str, float], least: float) -> dict[str, float]:
    """The heights of labels, moved up where two would overlap."""
    placed: dict[str, float] = {}
    for name in sorted(heights, key=heights.get):
        floor = max(placed.values()) + least if placed else -np.inf
        placed[name] = max(heights[name], floor)
    return placed
