"""The picture of a ReLU network of one number: its units' curves, its output piece by piece, pieces against units."""

import numpy as np
from matplotlib import colormaps
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from course_lib.figures.labels import Label, Labels
from course_lib.figures.page import add_boxes, add_page, add_panel, boxes, write
from course_lib.figures.style import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, SIGNED, SKY, VERMILLION

WIDTH, HEIGHT = 880, 440
DEEPEST, WIDEST = 6, 6  # layers and units a layer that there is room for
NETWORK = (30, 552, 118)  # where the input and the output stand, and the height that layers lie about
COUNTS = 212  # where the hinges of each layer are counted
TILE, PITCH = (48, 20), 26  # screen pixels: width and height of a unit's tile, and from tile to tile
CURVE, CHART = (30, 248, 552, 412), (640, 44, 864, 256)  # left, top, right, bottom of the panels, in pixels
TABLE, COLUMNS = 304, (790, 862)  # the table's first row, and where its numbers end
COLUMNS_OF_BAND = 100
PIECES = (ORANGE, SKY, INK)  # of pieces, in turn
KINDS = {"tents": VERMILLION, "your hinges": GREEN, "random start": BLUE, "trained": PURPLE}
LOW, HIGH = colormaps[SIGNED](0.12), colormaps[SIGNED](0.88)  # of weights below and above 0
FAINT = 0.04  # of the strongest weight of a layer: what is weaker has no line
MARKED, APART = 64, 300  # kinks whose dots, and pieces whose colours can be told apart


def build_pieces(figure: Figure) -> dict:
    """Make the panels; the artists that move come back by name."""
    page = add_page(figure)
    page.set_zorder(0)
    weights = page.add_collection(LineCollection([], zorder=1), autolim=False)
    tiles = add_boxes(page, facecolor="white", edgecolor=GREY, lw=0.8, zorder=2)
    curve = add_panel(figure, *CURVE)
    curve.set(xlim=(0, 1), ylim=(-0.06, 1.06), xticks=[0, 0.25, 0.5, 0.75, 1], yticks=[])
    chart = add_panel(figure, *CHART)
    chart.set(xlim=(0, DEEPEST * WIDEST + 1), yscale="log", ylim=(0.8, 2e5))
    chart.set_yticks([1, 10, 100, 1000, 10_000, 100_000], ["1", "10", "100", "1,000", "10,000", "100,000"])
    chart.minorticks_off()
    chart.grid(axis="y")
    units = np.arange(1, DEEPEST * WIDEST + 1)
    chart.plot(units, units + 1, color=GREY, lw=1.4)
    write(figure, CHART[0] - 8, 26, "pieces", color=GREY, fontsize=8.5, ha="right")
    write(figure, CHART[2], 8, "- - at most", color=GREY, fontsize=8.5, ha="right")
    write(figure, CHART[2], 26, "— at most", color=GREY, fontsize=8.5, ha="right")
    write(figure, CHART[2], CHART[3] + 24, "hidden units spent", color=GREY, fontsize=8.5, ha="right")
    write(figure, NETWORK[0] - 12, COUNTS, "hinges", color=GREY, fontsize=8.5)
    write(figure, NETWORK[0] - 12, 30, "weights: purple above 0, orange below", color=GREY, fontsize=8.5)
    (limit,) = chart.plot([], [], color=GREY, lw=1.4, ls=(0, (2, 2)))
    (wide,) = chart.plot([], [], ls="", marker="o", ms=5, mfc="white", mew=1.4)
    (deep,) = chart.plot([], [], marker="o", ms=4.5, lw=1.8, mew=0)
    (ring,) = chart.plot([], [], ls="", marker="o", ms=11, mfc="none", mec=INK, mew=1.2, clip_on=False)
    return {
        "weights": weights,
        "tiles": tiles,
        "units": page.plot([], [], color=INK, lw=1.1, zorder=3)[0],
        "wanted": curve.plot([], [], color=INK, lw=1, ls=(0, (1, 1.5)))[0],
        "pieces": [curve.plot([], [], color=color, lw=1.9, solid_capstyle="butt")[0] for color in PIECES],
        "band": add_boxes(curve, facecolor=GREY, alpha=0.5),
        "kinks": curve.plot([], [], ls="", marker="o", ms=3.2, color=INK, mew=0, clip_on=False)[0],
        "limit": limit, "wide": wide, "deep": deep, "ring": ring,
        "labels": Labels(figure),
    }  # fmt: skip


def update_pieces(artists: dict, data: dict) -> None:
    """Show a network and what others of its shape make of as many units.

    Args:
        artists: what `build_pieces` returned.
        data: `kind`, of KINDS; `title`; `shown`, what the output is drawn as; `weights`, one array (outputs, inputs) a
            layer; `units`, for each hidden layer what its units give out on even steps from 0 to 1, (units, steps);
            `hinges`, how many up to each hidden layer; `x` and `y` (pieces + 1,), where the output's pieces end, y from
            0 to 1; `wanted`, None or the curve that was to be learned, as x and y; `path`, pieces for 1, 2, … layers;
            `wide`, pieces of one layer with as many units as each of these; `limit`, the most that there can be for
            each of these; `table`, name -> pieces of this shape, and of one layer with as many units.
    """
    depth, units = len(data["units"]), len(data["units"][0])
    _draw_network(artists, data)
    _draw_output(artists, data["x"], data["y"])
    artists["wanted"].set_data(*data["wanted"] or ([], []))
    spent, colour = units * np.arange(1, depth + 1), KINDS[data["kind"]]
    artists["limit"].set_data(spent, data["limit"])
    artists["deep"].set_data(spent, data["path"])
    artists["wide"].set_data(spent, data["wide"])
    artists["deep"].set_color(colour)
    artists["wide"].set_markeredgecolor(colour)
    artists["ring"].set_data(spent[-1:], data["path"][-1:])
    artists["labels"].show([*_network_labels(data), *_chart_labels(data, depth, units)])


def _draw_output(artists: dict, x: np.ndarray, y: np.ndarray) -> None:
    """The pieces in colours that take turns; where there are more than can be told apart, the band that they fill."""
    count, turns = len(x) - 1, len(PIECES)
    for n, line in enumerate(artists["pieces"]):
        line.set_data(*(_every(turns, n, x, y) if count <= APART else ([], [])))
        line.set(lw=1.9 if count <= MARKED else 1.2, antialiased=count <= MARKED)
    artists["kinks"].set_data(*((x[1:-1], y[1:-1]) if count <= MARKED else ([], [])))
    artists["band"].set_verts([] if count <= APART else _band(x, y))


def _band(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Boxes from the lowest to the highest of the ends of pieces in each of many columns: (boxes, 4, 2)."""
    columns = np.minimum((x * COLUMNS_OF_BAND).astype(int), COLUMNS_OF_BAND - 1)
    first = np.flatnonzero(np.diff(columns, prepend=-1))
    edges = np.append(columns[first], COLUMNS_OF_BAND) / COLUMNS_OF_BAND
    low, high = (extreme.reduceat(y, first) for extreme in (np.minimum, np.maximum))
    return boxes(edges[:-1], high, edges[1:], low)


def _draw_network(artists: dict, data: dict) -> None:
    columns = _columns([len(unit) for unit in data["units"]])
    segments, values = [], []
    for weight, start, end in zip(data["weights"], columns[:-1], columns[1:], strict=True):
        sources, goals = start + np.array([_half(start), 0]), end - np.array([_half(end), 0])
        segments += [(source, goal) for goal in goals for source in sources]
        values.append((weight / max(np.abs(weight).max(), 1e-30)).ravel())
    values = np.concatenate(values)
    seen = np.abs(values) > FAINT
    segments, values = np.array(segments)[seen], values[seen]
    artists["weights"].set_segments(segments)
    artists["weights"].set(colors=np.where(values[:, None] < 0, LOW, HIGH), linewidths=0.2 + 1.8 * np.abs(values))
    centres = np.concatenate(columns[1:-1])
    (xs, ys), (wide, high) = centres.T, TILE
    artists["tiles"].set_verts(boxes(xs - wide / 2, ys - high / 2, xs + wide / 2, ys + high / 2))
    curves = np.concatenate(data["units"])
    largest = np.maximum(curves.max(axis=1, keepdims=True), 1e-12)
    across = xs[:, None] + np.linspace(-0.5, 0.5, curves.shape[1]) * (wide - 6)
    up = ys[:, None] + (0.5 - curves / largest) * (high - 6)
    artists["units"].set_data(_joined(across), _joined(up))


def _half(column: np.ndarray) -> float:
    """Half of what a column's nodes are wide, in pixels: tiles for the units, nothing for input and output."""
    inner = NETWORK[0] < column[0, 0] < NETWORK[1]
    return TILE[0] / 2 if inner else 8


def _columns(widths: list[int]) -> list[np.ndarray]:
    """Where the nodes of the input, of each hidden layer and of the output stand: (nodes, 2) each, in pixels."""
    left, right, middle = NETWORK
    across = np.linspace(left, right, len(widths) + 2)
    return [
        np.stack([np.full(width, x), middle + PITCH * (np.arange(width) - (width - 1) / 2)], axis=1)
        for x, width in zip(across, [1, *widths, 1], strict=True)
    ]


def _joined(rows: np.ndarray) -> np.ndarray:
    """Rows as one line with gaps."""
    return np.concatenate([rows, np.full((len(rows), 1), np.nan)], axis=1).ravel()


def _every(turns: int, turn: int, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each `turns`-th piece from the `turn`-th on, as one line with gaps."""
    first = np.arange(turn, len(x) - 1, turns)
    return tuple(_joined(np.stack([along[first], along[first + 1]], axis=1)) for along in (x, y))


def _network_labels(data: dict) -> list[Label]:
    columns = _columns([len(unit) for unit in data["units"]])
    labels = [Label(NETWORK[0] - 12, 12, data["title"], bold=True)]
    labels += [Label(*columns[0][0], "x", align="center", bold=True), Label(*columns[-1][0], "y", align="center",
               bold=True)]  # fmt: skip
    for column, count in zip(columns[1:-1], data["hinges"], strict=True):
        labels.append(Label(column[0, 0], COUNTS, f"{count:,}", GREY, "center", size=8.5))
    return [*labels, Label(CURVE[0] + 6, CURVE[1] - 12, data["shown"], GREY, size=8.5)]


def _chart_labels(data: dict, depth: int, units: int) -> list[Label]:
    deep, wide = f"{depth} × {units}", f"1 × {depth * units}"
    labels = [
        Label(CHART[0] + 2, 8, "● layer after layer", KINDS[data["kind"]], size=8.5),
        Label(CHART[0] + 2, 26, "○ all in one layer", KINDS[data["kind"]], size=8.5),
        Label(CHART[0] - 36, TABLE, f"pieces of {depth * units} unit{'' if depth * units == 1 else 's'}"),
        Label(COLUMNS[0], TABLE, deep, align="right"),
        Label(COLUMNS[1], TABLE, wide, align="right"),
    ]
    for row, (name, counts) in enumerate(data["table"].items(), 1):
        y, chosen = TABLE + 22 * row, name == data["kind"]
        labels.append(Label(CHART[0] - 36, y, name, KINDS.get(name, GREY), bold=chosen))
        labels += [Label(x, y, f"{count:,}", KINDS.get(name, GREY), "right", chosen)
                   for x, count in zip(COLUMNS, counts, strict=True)]  # fmt: skip
    return labels
