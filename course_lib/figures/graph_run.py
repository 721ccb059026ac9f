"""The picture of a run through a dataflow graph: what ran, what was skipped, what came back, and a log."""

from matplotlib.figure import Figure

from course_lib.figures.dataflow import PALE, PAPER, WORKERS, Box, Dataflow, sign_of, tint
from course_lib.figures.labels import Label, Labels, fitting, shortened, width_of
from course_lib.figures.page import add_boxes, add_page, boxes
from course_lib.figures.style import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, VERMILLION

WIDTH, HEIGHT = 880, 446
LEGEND, GRAPH_TOP, GRAPH_BOTTOM = 15, 30, 348
LOG, ROW, ROWS = 367, 17, 5  # the log's first line, the height of a line, and how many there are
NUMBER_AT, WHAT_AT, SHAPE_AT, CAME_AT, END = 34, 44, 340, 412, 870
LONGEST = 86  # letters of what came of a step

FILLS = {"waiting": PAPER, "ran": tint(BLUE, 0.7875), "now": tint(ORANGE, 0.45), "skipped": PAPER, "pruned": PAPER,
         "empty": PAPER, "unused": PAPER, "folded": tint(GREEN, 0.675), "merged": tint(PURPLE, 0.675),
         "kept": tint(BLUE, 0.7875), "there": tint(GREY, 0.9), "back": tint(VERMILLION, 0.7875)}  # fmt: skip
EDGES = {"waiting": GREY, "ran": BLUE, "now": ORANGE, "skipped": PALE, "pruned": PALE, "unused": PALE,
         "empty": VERMILLION, "folded": GREEN, "merged": PURPLE, "kept": BLUE, "there": GREY,
         "back": VERMILLION}  # fmt: skip
LEGENDS = {
    "forward": (("now", "runs now"), ("ran", "has run"), ("waiting", "not yet"), ("skipped", "not needed")),
    "what is skipped": (("ran", "needed"), ("skipped", "skipped"), ("empty", "a hole left empty")),
    "optimised": (("kept", "kept"), ("folded", "folded: a constant from now on"), ("merged", "merged with its partner"),
                  ("pruned", "struck out: gone")),
    "backward": (("now", "derivative found now"), ("back", "found"), ("ran", "value only"), ("skipped", "not needed")),
}  # fmt: skip


def build_run(figure: Figure) -> dict:
    """Make the page; the artists that move come back by name.

    Args:
        figure: an empty one of WIDTH by HEIGHT screen pixels.
    """
    page = add_page(figure)
    page.plot([10, WIDTH - 10], [LOG - 14] * 2, color=PALE, lw=0.7)
    graph = Dataflow(figure, page, 10, GRAPH_TOP, WIDTH - 10, GRAPH_BOTTOM)
    return {"graph": graph, "moving": [*graph.artists, add_boxes(page, lw=1), Labels(figure)]}


def update_run(artists: dict, data: dict) -> None:
    """Show a step of a run.

    Args:
        artists: what `build_run` returned.
        data: for each node, in the graph's order: `inputs` (numbers of nodes), `operations`, `names`, `status` (a key
            of FILLS, or a worker counted from 0), `numbers` (its place in the order, "" for none), `shapes`, `values`
            and `derivatives` (texts in pieces; empty where nothing is known); `fetched`, the fetched node;
            `links`, pairs of nodes; `view`, a key of LEGENDS or "workers", and how many `workers` there are; `log`,
            lines of (number, what, shape, what came of it), the last is the present one; `title`, over its columns.
    """
    status = data["status"]
    nodes = []
    for n, state in enumerate(status):
        fill, edge = _look(state)
        faint = state in ("skipped", "pruned", "unused")
        lines = ((("empty",), VERMILLION) if state == "empty" else (data["values"][n], PALE if faint else INK),)
        if data["view"] == "backward":
            lines += ((data["derivatives"][n], VERMILLION),)
        kind = data["operations"][n]
        sign = data["names"][n].split(" ")[0] if kind in ("placeholder", "variable", "constant") else sign_of(kind)
        nodes.append(Box(
            sign, lines, data["numbers"][n], data["shapes"][n].replace(" ", ""), fill,
            INK if n == data["fetched"] and not faint else edge, GREY if faint else INK,
            strong=n == data["fetched"] or state == "now", struck=faint,
        ))  # fmt: skip
    ways = [[_way(data, before, n) for before in taken] for n, taken in enumerate(data["inputs"])]
    artists["graph"].show(data["inputs"], nodes, ways, data["links"], 2 if data["view"] == "backward" else 1)
    squares, labels = artists["moving"][-2:]
    legend, keys = _legend(data)
    squares.set_verts(boxes(*zip(*keys["at"], strict=True)))
    squares.set(facecolor=keys["fill"], edgecolor=keys["edge"])
    labels.show([*legend, *_log(data)])


def _look(state: str | int) -> tuple[str, str]:
    """Fill and outline."""
    if isinstance(state, int):
        return tint(WORKERS[state], 0.5625), WORKERS[state]
    return FILLS[state], EDGES[state]


def _way(data: dict, before: int, n: int) -> str:
    """The colour of an edge: pale until something has travelled along it."""
    ends = data["status"][before], data["status"][n]
    if data["view"] == "backward":
        return VERMILLION if {*ends} <= {"now", "back"} else BLUE if "skipped" not in ends else PALE
    if ends[1] == "now":
        return ORANGE
    return PALE if {*ends} & {"waiting", "skipped", "pruned", "unused", "empty"} else GREY


def _legend(data: dict) -> tuple[list[Label], dict]:
    """What the colours mean, and the squares that show them."""
    entries = LEGENDS.get(data["view"]) or (
        *((worker, f"worker {worker + 1}") for worker in range(data["workers"])), ("waiting", "not yet"),
        ("there", "there from the beginning"),
    )  # fmt: skip
    labels, keys, x = [], {"at": [], "fill": [], "edge": []}, 14
    for state, text in entries:
        fill, edge = _look(state)
        keys["at"].append((x, LEGEND - 5, x + 14, LEGEND + 5))
        keys["fill"].append(fill)
        keys["edge"].append(edge)
        labels.append(Label(x + 20, LEGEND, text, size=8.5))
        x += 20 + width_of(text, 8.5) + 18
    thick = "thick outline: fetched"
    if data["view"] == "backward":
        thick += ", L; red: dL/d(value), of many the largest (±)"
    return [*labels, Label(END, LEGEND, thick, GREY, "right", size=8.5)], keys


def _log(data: dict) -> list[Label]:
    """The last lines of the log, the present one bold; the first line is its head."""
    heads = zip((WHAT_AT, SHAPE_AT, CAME_AT), data["title"], strict=True)
    labels = [Label(x, LOG, head, GREY, size=8.5) for x, head in heads]
    lines = data["log"][-(ROWS - 1) :]
    for row, (number, what, shape, came) in enumerate(lines, start=1):
        came = shortened(came, LONGEST)
        y, last = LOG + row * ROW, row == len(lines)
        color = INK if last else GREY
        labels += [
            Label(NUMBER_AT, y, number, color, "right", bold=last, size=8.5),
            Label(WHAT_AT, y, what, color, bold=last, size=fitting(what, SHAPE_AT - WHAT_AT - 8, 8.5, bold=last)),
            Label(SHAPE_AT, y, shape, color, size=8.5),
            Label(CAME_AT, y, came, color, size=fitting(came, END - CAME_AT, 8.5)),
        ]
    return labels
