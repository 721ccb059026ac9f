"""A graph before and after its clean-up, and what workers make of both: the recap of section 1.2."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from course_lib.figures.dataflow import PALE, PAPER, WORKERS, Box, Dataflow, sign_of, tint
from course_lib.figures.page import add_boxes, add_page, boxes, write
from course_lib.figures.style import BLUE, GREEN, GREY, INK, PURPLE, new_figure, style

WIDTH, HEIGHT, MIDDLE = 880, 400, 462
GRAPH_TOP, GRAPH_BOTTOM, CHART_TOP, ROW = 34, 246, 286, 30
LOOKS = {"kept": BLUE, "folded": GREEN, "merged": PURPLE}  # what is not here was left out
MEANINGS = {"kept": "kept", "folded": "folded into a constant", "merged": "merged with its twin",
            "gone": "no longer needed"}  # fmt: skip


def draw_tidied(titles: Sequence[str], graphs: Sequence[dict], turn: float) -> Figure:
    """Draw two graphs side by side, and below each who computes what when.

    Args:
        titles: of the two.
        graphs: for each its nodes' `inputs` (their numbers), `signs` (an operation's name, or what stands in the box)
            and `status` (a key of MEANINGS); `links`, pairs of nodes that became one; `workers`; `slots`, of each node
            (worker, start, end), or None for what takes no time; and `note`, a line of text.
        turn: how many pixels one unit of time is wide.
    """
    figure = new_figure(WIDTH, HEIGHT)
    with style():
        page = add_page(figure)
        bars, keys = add_boxes(page, lw=1), add_boxes(page, lw=1)
        for side, (title, graph) in enumerate(zip(titles, graphs, strict=True)):
            left, right = (10, MIDDLE - 20) if side == 0 else (MIDDLE + 20, WIDTH - 10)
            write(figure, left + 4, 16, title, weight="bold")
            _draw_graph(Dataflow(figure, page, left, GRAPH_TOP, right, GRAPH_BOTTOM), graph)
            write(figure, left + 4, CHART_TOP - 18, graph["note"])
            for worker in range(graph["workers"]):
                y = CHART_TOP + ROW * (worker + 0.5)
                write(figure, left + 62, y, f"worker {worker + 1}", color=GREY, ha="right", fontsize=8.5)
        _draw_bars(figure, bars, graphs, turn)
        _draw_key(figure, keys)
    return figure


def _draw_graph(place: Dataflow, graph: dict) -> None:
    """The boxes, coloured by what became of them."""
    looks = []
    for sign, state in zip(graph["signs"], graph["status"], strict=True):
        color = LOOKS.get(state)
        looks.append(Box(sign_of(sign), fill=tint(color, 0.75) if color else PAPER, edge=color or PALE,
                         ink=INK if color else PALE, struck=not color))  # fmt: skip
    ways = [[GREY if {graph["status"][before], graph["status"][n]} <= LOOKS.keys() else PALE for before in taken]
            for n, taken in enumerate(graph["inputs"])]  # fmt: skip
    place.show(graph["inputs"], looks, ways, graph["links"], lines=0)


def _draw_bars(figure: Figure, bars, graphs: Sequence[dict], turn: float) -> None:
    """A bar for each node that takes time, with its sign."""
    edges, colors = [], []
    for left, graph in zip((78, MIDDLE + 90), graphs, strict=True):
        for sign, slot in zip(graph["signs"], graph["slots"], strict=True):
            if slot is not None:
                worker, start, end = slot
                top, color = CHART_TOP + ROW * worker, WORKERS[worker]
                edges.append((left + turn * start + 1, top + 2, left + turn * end - 1, top + ROW - 2))
                colors.append(color)
                write(figure, left + turn * (start + end) / 2, top + ROW / 2, sign_of(sign), ha="center", fontsize=9)
    bars.set_verts(boxes(*zip(*edges, strict=True)))
    bars.set(facecolor=[tint(color, 0.5625) for color in colors], edgecolor=colors)


def _draw_key(figure: Figure, keys) -> None:
    """What the colours of the boxes mean."""
    x, y, edges = 14, HEIGHT - 22, []
    for meaning in MEANINGS.values():
        edges.append((x, y - 5, x + 14, y + 5))
        write(figure, x + 20, y, meaning, color=GREY, fontsize=8.5)
        x += 46 + 6.4 * len(meaning)
    colors = [LOOKS.get(state, PALE) for state in MEANINGS]
    keys.set_verts(boxes(*zip(*edges, strict=True)))
    keys.set(facecolor=[tint(color, 0.75) if color != PALE else PAPER for color in colors], edgecolor=colors)
