"""The picture of backpropagation: a network of two layers with all its numbers, and one gradient factor by factor."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from course_lib.figures.dataflow import tint
from course_lib.figures.labels import Label, Labels, fitting
from course_lib.figures.page import add_boxes, add_page, add_panel, boxes, write
from course_lib.figures.style import BLUE, GREEN, GREY, INK, ORANGE, VERMILLION

WIDTH, HEIGHT = 880, 486
TOP, MIDDLE, BOTTOM = 86, 148, 210  # rows of the network, in pixels
HALF, TALL = 38, 21  # half of a box
NODES = {"x1": (54, TOP), "x2": (54, BOTTOM), "u1": (290, TOP), "u2": (290, BOTTOM), "h1": (438, TOP),
         "h2": (438, BOTTOM), "z": (604, MIDDLE), "y": (744, MIDDLE), "L": (838, MIDDLE)}  # fmt: skip
WIRES = {"w11": ("x1", "u1"), "w12": ("x2", "u1"), "w21": ("x1", "u2"), "w22": ("x2", "u2"),
         "v1": ("h1", "z"), "v2": ("h2", "z")}  # fmt: skip
BIASES = {"b1": (290, TOP - 42), "b2": (290, BOTTOM + 42), "c": (604, MIDDLE + 42)}
SLOPES = {"u1": (364, TOP), "u2": (364, BOTTOM), "z": (674, MIDDLE)}  # beside the edge from a sum through f
SPAN = (-5.0, 5.0)  # of the chosen number, in the panel on the right
LOWEST, HIGHEST = 1e-4, 30.0  # of a factor's size
FIRST, COLUMN, MOST = 106, 94, 6  # of the factors and their product: the first column, each one's width, how many
ROWS = (332, 351)
SHADE = "#9A9A9A"
SUBSCRIPTS = str.maketrans("12", "₁₂")


def pretty(name: str) -> str:
    """A number's name as it is printed: "w21" is "w₂₁"."""
    return name.translate(SUBSCRIPTS)


def short(value: float) -> str:
    """A number in three digits, and in one where it is very small: "0.0123", "−4e−6"."""
    if value == 0 or abs(value) < 1e-99:
        return "0"
    if abs(value) >= 999.5:
        return f"{value:,.0f}".replace("-", "−")
    text = f"{value:.3g}" if abs(value) >= 1e-3 else f"{value:.0e}"
    mantissa, _, power = text.partition("e")
    return (f"{mantissa}e{int(power)}" if power else mantissa).replace("-", "−")


def nearest(x: float, y: float) -> str | None:
    """The weight, bias or input that lies at this pixel, or close to it."""
    spots = {**BIASES, "x1": NODES["x1"], "x2": NODES["x2"]}
    far = {name: float(np.hypot(x - left, y - top)) - 20 for name, (left, top) in spots.items()}
    for name, (start, end) in WIRES.items():
        a, b = _wire(start, end)
        share = np.clip((np.array([x, y]) - a) @ (b - a) / ((b - a) @ (b - a)), 0, 1)
        far[name] = float(np.hypot(*(a + share * (b - a) - (x, y))))
    name = min(far, key=far.get)
    return name if far[name] < 16 else None


def build_backpropagation(figure: Figure) -> dict:
    """Make the page; the artists that move come back by name."""
    page = add_page(figure)
    write(figure, 16, 18, "values, from left to right", weight="bold")
    write(figure, 208, 18, "and below each the derivative of L by it, from right to left", color=VERMILLION,
          weight="bold")  # fmt: skip
    wires = LineCollection([_wire(*ends) for ends in _ends()], colors="#AAAAAA", lw=1.2, zorder=1)
    bars = add_panel(figure, FIRST - COLUMN / 2, 370, FIRST + (MOST - 0.5) * COLUMN, 468)
    bars.set(xlim=(-0.5, MOST - 0.5), yscale="log", ylim=(LOWEST, HIGHEST), xticks=[])
    bars.set_yticks([1e-4, 1e-3, 1e-2, 0.1, 1, 10], ["", "0.001", "0.01", "0.1", "1", "10"])
    bars.minorticks_off()
    bars.grid(axis="y")
    bars.axhline(1, color=GREY, lw=1)
    bars.spines["bottom"].set_visible(False)
    bars.set_axisbelow(True)
    loss = add_panel(figure, 666, 318, 862, 446)
    loss.set(xlim=SPAN, ylim=(-0.06, 1.1), yticks=[], xticks=[-4, -2, 0, 2, 4])
    loss.set_ylabel("loss L")
    return {
        "axes": (bars, loss),
        "way": page.add_collection(LineCollection([], colors=tint(ORANGE, 0.5), lw=6, capstyle="round", zorder=0.5)),
        "wires": page.add_collection(wires),  # never move, but lie over the way
        "boxes": add_boxes(page, lw=1.0, edgecolors=GREY, zorder=2),
        "bars": add_boxes(bars, zorder=3),
        "curve": loss.plot([], [], color=BLUE)[0],
        "tangent": loss.plot([], [], color=VERMILLION, lw=1.4, ls=(0, (4, 2)))[0],
        "point": loss.plot([], [], color=INK, marker="o", ms=7, ls="")[0],
        "labels": Labels(figure),
    }


def update_backpropagation(artists: dict, data: dict) -> None:
    """Show the network.

    Args:
        artists: what `build_backpropagation` returned.
        data: `values` and `gradients`, by name, as far as they are known; `slopes`, f′ at the sums, by their names,
            as far as they are known; `chosen`, the name whose gradient is taken apart; `paths`, one a way from the
            loss to it: the names along it (`names`), `factors`, pairs of a name and a number, or None while it is not
            known, and the number of the one of least size (`smallest`); `products`, one a path; `gradient`, their
            sum, None while it is not known; `moved` and `losses`, (points,) each, the loss over the chosen number;
            `activation`, its name.
    """
    chosen = data["chosen"]
    x, y = np.array(list(NODES.values())).T
    artists["boxes"].set_verts(boxes(x - HALF, y - TALL, x + HALF, y + TALL))
    on_way = {name for path in data["paths"] for name in path["names"]}
    artists["boxes"].set_facecolors([tint(ORANGE, 0.75) if name in on_way else "#FFFFFF" for name in NODES])
    artists["way"].set_segments([segment for path in data["paths"] for segment in _way(path["names"])])
    known = data["gradient"] is not None
    artists["bars"].set_verts(_bars(data["paths"]) if known else [])
    artists["bars"].set_facecolors(_paints(data["paths"]) if known else [])
    _show_loss(artists, data)
    labels = [*_node_labels(data), *_wire_labels(data), *_slope_labels(data), *_factor_labels(data)]
    labels.append(Label(764, 477, f"{pretty(chosen)}, all else as it is", INK, "center", size=9))
    artists["labels"].show(labels)


def _ends() -> Iterator[tuple[str, str]]:
    """Of every edge, from left to right."""
    yield from WIRES.values()
    yield from (("u1", "h1"), ("u2", "h2"), ("z", "y"), ("y", "L"))


def _wire(start: str, end: str) -> np.ndarray:
    """From the right side of a box to the left side of another, (2, 2)."""
    (x0, y0), (x1, y1) = NODES[start], NODES[end]
    return np.array([(x0 + HALF, y0), (x1 - HALF, y1)])


def _way(names: Sequence[str]) -> list[np.ndarray]:
    """The edges along a path from the loss back to a weight, a bias or an input."""
    boxed = [name for name in names if name in NODES]
    way = [_wire(before, after) for after, before in pairwise(boxed)]
    if (last := names[-1]) in WIRES:
        way.append(_wire(*WIRES[last]))
    elif last in BIASES:
        bias, unit = np.array([BIASES[last], NODES[boxed[-1]]])
        way.append(np.array([bias + 0.28 * (unit - bias), unit]))  # clear of the bias's own words
    return way


def _node_labels(data: dict) -> Iterator[Label]:
    for name, (x, y) in NODES.items():
        if name in data["values"]:
            text = f"{pretty(name)}  {short(data['values'][name])}"
            yield Label(x, y - 8, text, INK, "center", bold=True, size=fitting(text, 2 * HALF - 6, 9.0, bold=True))
        else:
            yield Label(x, y - 8, pretty(name), GREY, "center", size=9)
        if name in data["gradients"]:
            yield Label(x, y + 10, short(data["gradients"][name]), VERMILLION, "center", size=8.5)
    if "t" in data["values"]:
        x, y = NODES["L"]
        yield Label(x, y + TALL + 14, f"target {short(data['values']['t'])}", INK, "center", size=8.5)


def _wire_labels(data: dict) -> Iterator[Label]:
    """Each weight above its edge, its gradient below; those of the crossing edges near their ends."""
    for name, (start, end) in WIRES.items():
        (x0, y0), (x1, y1) = _wire(start, end)
        share = 0.5 if y0 == y1 or name in ("v1", "v2") else 0.71
        x, y = x0 + share * (x1 - x0), y0 + share * (y1 - y0)
        turn = float(np.degrees(np.arctan2(y0 - y1, x1 - x0)))
        across = np.array([y1 - y0, x0 - x1]) / np.hypot(x1 - x0, y1 - y0)  # upwards, a right angle to the edge
        yield from _pair(data, name, *(np.array([x, y]) + 11 * across), *(np.array([x, y]) - 11 * across), turn)
    for name, (x, y) in BIASES.items():
        yield from _pair(data, name, x - 4, y, x + 4, y, 0, ("right", "left"))


def _pair(data: dict, name: str, x: float, y: float, under_x: float, under_y: float, turn: float,
          align: tuple[str, str] = ("center", "center")) -> Iterator[Label]:  # fmt: skip
    """A weight and, where it is known, its gradient."""
    bold = name == data["chosen"]
    text = f"{pretty(name)}  {short(data['values'][name])}"
    yield Label(x, y, text, INK, align[0], bold=bold, size=8.5, turn=turn)
    if name in data["gradients"]:
        gradient = short(data["gradients"][name])
        yield Label(under_x, under_y, gradient, VERMILLION, align[1], bold=bold, size=8.5, turn=turn)


def _slope_labels(data: dict) -> Iterator[Label]:
    """The local slopes of the activations, and the name of the function."""
    for name, (x, y) in SLOPES.items():
        yield Label(x, y - 10, text := data["activation"], GREY, "center", size=fitting(text, 66, 8.5))
        if name in data["slopes"]:
            yield Label(x, y + 11, f"f′ {short(data['slopes'][name])}", GREEN, "center", size=8)


def _factor_labels(data: dict) -> Iterator[Label]:
    """The chosen gradient as a product, and as numbers."""
    chosen = pretty(data["chosen"])
    known = data["gradient"] is not None
    terms = [" · ".join(_in_product(name) for name, _ in path["factors"]) for path in data["paths"]]
    title = f"dL/d{chosen} = {'  +  '.join(terms)}"
    yield Label(16, 290, title, INK, bold=True, size=fitting(title, 590, 9.5, bold=True))
    for path, product, y in zip(data["paths"], data["products"], ROWS, strict=False):
        for column, (name, value) in enumerate(path["factors"]):
            text = f"{name} = {'?' if value is None else short(value)}".removeprefix("1 = ")
            guilty = known and column == path["smallest"]
            look = {"bold": guilty, "size": fitting(text, COLUMN - 4, 8.5, bold=guilty)}
            yield Label(FIRST + COLUMN * column, y, text, VERMILLION if guilty else INK, "center", **look)
        text = f"= {short(product) if known else '?'}"
        yield Label(FIRST + COLUMN * len(path["factors"]), y, text, INK, "center", bold=True, size=8.5)
    says = "the local factors, as the way back comes to them:"
    if known:
        says = "the local factors and their product; the bars show their sizes:"
    if known and len(data["products"]) > 1:
        says = f"two paths, two products; their sum is {short(data['gradient'])}:"
    yield Label(16, 311, says, GREY, size=8.5)
    text = f"slope of L here: {short(data['gradient']) if known else '?'}"
    yield Label(666, 290, text, VERMILLION, bold=True, size=9)


def _in_product(name: str) -> str:
    return f"({name})" if " " in name else name


def _bars(paths: Sequence[dict]) -> np.ndarray:
    """From 1 down, or up, to each factor's size, and last the product's: (bars, 4, 2)."""
    wide, apart = (0.5, 0) if len(paths) == 1 else (0.3, 0.34)
    places = [(column + apart * (row - 0.5), value) for row, path in enumerate(paths) for column, value in _sizes(path)]
    x, values = np.array(places).T
    return boxes(x - wide / 2, 1.0, x + wide / 2, np.clip(np.abs(values), LOWEST, HIGHEST))


def _sizes(path: dict) -> list[tuple[int, float]]:
    """The columns of a path's factors, and of its product, with their values."""
    values = [value for _, value in path["factors"]]
    return [*enumerate(values), (len(values), float(np.prod(values)))]


def _paints(paths: Sequence[dict]) -> list[str]:
    return [VERMILLION if column == path["smallest"] else INK if column == len(path["factors"]) else SHADE
            for path in paths for column, _ in _sizes(path)]  # fmt: skip


def _show_loss(artists: dict, data: dict) -> None:
    """The loss over the chosen number, in shares of its largest, with its tangent."""
    losses, value = data["losses"], data["values"][data["chosen"]]
    computed, known = "L" in data["values"], data["gradient"] is not None
    for name, there in (("curve", computed), ("point", computed), ("tangent", known)):
        artists[name].set_visible(there)
    if not computed:
        return
    largest = max(float(losses.max()), 1e-12)
    artists["curve"].set_data(data["moved"], losses / largest)
    here = data["values"]["L"] / largest
    artists["point"].set_data([value], [here])
    if known:
        slope = data["gradient"] / largest
        reach = 1.5 / np.hypot(1, 4 * slope)  # a tangent of about one length, whatever its slope
        ends = np.array([value - reach, value + reach])
        artists["tangent"].set_data(ends, here + slope * (ends - value))
