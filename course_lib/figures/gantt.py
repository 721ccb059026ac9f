"""The picture of a schedule: a graph coloured by worker, who runs what when, and what more workers would gain."""

import math
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from course_lib.figures.dataflow import PALE, PAPER, WORKERS, Box, Dataflow, sign_of, tint
from course_lib.figures.labels import Label, Labels, width_of
from course_lib.figures.page import add_boxes, add_page, add_panel, boxes, write
from course_lib.figures.style import BLUE, GREEN, GREY, INK, VERMILLION

WIDTH, HEIGHT = 880, 470
MOST = 8  # workers
GRAPH = (10, 34, 560, 280)  # left, top, right, bottom
CURVE = (624, 40, 862, 248)
CHART = (78, 318, 862, 446)
NAME_AT, SAMPLE = 0.42, (3.0, 3.7)  # the place below 1 ×, where no curve comes, in times and in workers


def build_schedule(figure: Figure) -> dict:
    """Make the page; the artists that move come back by name.

    Args:
        figure: an empty one of WIDTH by HEIGHT screen pixels.
    """
    page = add_page(figure)
    write(figure, 14, 16, "the graph, by worker; thick: on the critical path; white: takes no time")
    write(figure, CURVE[0] - 36, 16, "speed-up over one worker")
    write(figure, 14, CHART[1] - 20, "who runs what, when")
    page.plot(CHART[::2], [CHART[3] + 0.5] * 2, color=GREY, lw=0.7)
    axes = add_panel(figure, *CURVE)
    axes.set(xlim=(0.7, MOST + 0.3), ylim=(0, MOST + 0.3), xlabel="workers", xticks=range(1, MOST + 1))
    axes.set_yticks(range(1, MOST + 1), [f"{n} ×" for n in range(1, MOST + 1)])
    axes.grid(True)
    axes.plot([1, MOST], [1, MOST], color=VERMILLION, lw=1.4, ls=(0, (4, 2)))
    return {"graph": (graph := Dataflow(figure, page, *GRAPH)), "moving": {
        "graph": graph.artists, "curve": _curve(axes), "bars": add_boxes(page, lw=0.7),
        "bounds": [page.plot([], [], color=color, lw=1.8, ls=(0, (4, 2)))[0] for color in (VERMILLION, GREEN)],
        "labels": Labels(figure)}}  # fmt: skip


def _curve(axes: Axes) -> list:
    """The speed-up, the number of workers now, and the most that the critical path permits, with a sample for its
    name."""
    return [axes.plot([], [], "o-", color=BLUE, ms=4, zorder=4)[0],
            axes.plot([], [], "o", color=PAPER, mec=BLUE, mew=2.2, ms=9, zorder=3)[0],
            axes.plot([], [], color=GREEN, lw=1.4, ls=(0, (4, 2)))[0]]  # fmt: skip


def update_schedule(artists: dict, data: dict) -> None:
    """Show a schedule.

    Args:
        artists: what `build_schedule` returned.
        data: for each node `inputs` (numbers of nodes), `operations`, `names`, `critical` (bool), and `slots` (worker,
            start, end; worker −1 for what takes no time); `workers`; `work`, `path`, `makespan` in `unit`, and
            `work_bound`, the work shared among the workers; `speedup` for 1 … MOST workers, or None while it is asked
            for, and the bounds with it.
    """
    moving, slots = artists["moving"], data["slots"]
    looks = [_box(kind, name, worker, critical) for kind, name, (worker, *_), critical in
             zip(data["operations"], data["names"], slots, data["critical"], strict=True)]  # fmt: skip
    ways = [[INK if data["critical"][before] and data["critical"][n] else PALE for before in taken]
            for n, taken in enumerate(data["inputs"])]  # fmt: skip
    artists["graph"].show(data["inputs"], looks, ways, lines=0)
    line, now, most = moving["curve"]
    known = data["speedup"] is not None
    line.set_data(np.arange(1, MOST + 1) if known else [], data["speedup"] if known else [])
    now.set_data([data["workers"]] if known else [], [data["speedup"][data["workers"] - 1]] if known else [])
    most.set_data([0.7, MOST + 0.3, np.nan, *SAMPLE] if known else [],
                  [data["work"] / data["path"]] * 2 + [np.nan, NAME_AT, NAME_AT] if known else [])  # fmt: skip
    labels = [*_bars(moving["bars"], data), *_ends(moving["bounds"], data)]
    moving["labels"].show([*labels, *(_names_of_curves(data) if known else ())])


def _box(kind: str, name: str, worker: int, critical: bool) -> Box:
    if worker < 0:
        return Box(name if kind != "group" else "all", ink=GREY, edge=PALE)
    return Box(sign_of(kind), fill=tint(WORKERS[worker], 0.5625), edge=INK if critical else WORKERS[worker],
               strong=critical)  # fmt: skip


def _time(data: dict):
    """Where a moment lies: the chart is as wide as all work of one worker, so that what is saved is seen."""
    left, right = CHART[0], CHART[2]
    return lambda moment: left + (right - left) * np.asarray(moment) / data["work"]


def _bars(bars, data: dict) -> list[Label]:
    """A bar for each operation; its sign where there is room beside the bounds' lines."""
    at, height = _time(data), (CHART[3] - CHART[1]) / max(data["workers"], 4)
    shown = [(n, *slot) for n, slot in enumerate(data["slots"]) if slot[0] >= 0]
    _, workers, starts, ends = np.array(shown).T
    tops = CHART[1] + height * workers + 1.5
    bars.set_verts(boxes(at(starts), tops, at(ends), tops + height - 3))
    colors = [WORKERS[worker] for _, worker, *_ in shown]
    critical = [data["critical"][n] for n, *_ in shown]
    bars.set(facecolor=[tint(color, 0.5625) for color in colors], linewidths=[1.8 if on else 0.7 for on in critical],
             edgecolor=[INK if on else color for on, color in zip(critical, colors, strict=True)])  # fmt: skip
    labels = [Label(CHART[0] - 8, CHART[1] + height * (worker + 0.5), f"worker {worker + 1}", GREY, "right", size=8.5)
              for worker in range(data["workers"])]  # fmt: skip
    bounds = sorted((data["work_bound"], data["path"])) if data["speedup"] is not None else ()
    for n, worker, start, end in shown:
        stretches = pairwise([start, *(moment for moment in bounds if start < moment < end), end])
        left, right = max((at(stretch) for stretch in stretches), key=np.ptp)
        sign, size = sign_of(data["operations"][n]), min(8.5, round(height) - 4)
        if width_of(sign, size) <= right - left - 4:
            labels.append(Label((left + right) / 2, CHART[1] + height * (worker + 0.5), sign, INK, "center", size=size))
    return labels


def _ends(lines, data: dict) -> list[Label]:
    """Both bounds as lines through the chart, and the end of the schedule on the axis."""
    at, labels = _time(data), []
    known = data["speedup"] is not None
    for line, moment in zip(lines, (data["work_bound"], data["path"]), strict=True):
        line.set_data([at(moment)] * 2 if known else [], [CHART[1] - 6, CHART[3] + 5] if known else [])
    words = [(data["work_bound"], f"work ÷ {data['workers']}", VERMILLION), (data["path"], "critical path", GREEN)]
    right = None
    for moment, text, color in sorted(words if known else ()):
        wide = width_of(text, 8.5)
        x = float(np.clip(at(moment), CHART[0] + wide / 2 + 130, CHART[2] - wide / 2))
        x = x if right is None else max(x, right + wide / 2 + 10)
        if x + wide / 2 > CHART[2]:  # no room beside the first: move both to the left
            labels[-1] = labels[-1]._replace(x=labels[-1].x - (x + wide / 2 - CHART[2]))
            x = CHART[2] - wide / 2
        labels.append(Label(x, CHART[1] - 16, text, color, "center", size=8.5))
        right = x + wide / 2
    end = f"{_number(data['makespan'])} {data['unit']}"
    x = float(np.clip(at(data["makespan"]), CHART[0] + 30, CHART[2] - width_of(end, 8.5, bold=True) / 2))
    return [*labels, Label(CHART[0], CHART[3] + 13, "0", GREY, "center", size=8.5),
            Label(x, CHART[3] + 13, end, INK, "center", bold=True, size=8.5)]  # fmt: skip


def _names_of_curves(data: dict) -> list[Label]:
    """What the bounds of the curve are: the straight one's name beside it where the level one does not cross it."""
    left, top, right, bottom = CURVE
    across, down = (right - left) / (MOST - 0.4), (bottom - top) / (MOST + 0.3)  # pixels a worker, and a time
    beside = 6.5 if data["work"] / data["path"] < 5.3 else 2.9  # the number of workers at which it stands
    return [
        Label(left + (SAMPLE[1] - 0.7 + 0.2) * across, bottom - NAME_AT * down,
              f"work ÷ path = {data['work'] / data['path']:.3g} ×", GREEN, size=8.5),
        Label(left + (beside - 0.7) * across - 10, bottom - beside * down - 12, "n workers, n ×",
              VERMILLION, "center", size=8.5, turn=math.degrees(math.atan2(down, across))),
    ]  # fmt: skip


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 or value == round(value) else f"{value:.1f}"
