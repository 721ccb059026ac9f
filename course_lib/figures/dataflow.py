"""The picture of a dataflow graph: boxes in columns, each to the right of those whose values it takes."""

from collections.abc import Sequence
from functools import cache, lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure

from course_lib.figures.labels import Label, Labels, fitting, width_of
from course_lib.figures.layering import Inputs, Layering, layered
from course_lib.figures.page import add_boxes
from course_lib.figures.style import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, SKY, VERMILLION

SIGNS = {"add": "+", "subtract": "−", "multiply": "×", "divide": "÷", "negative": "neg", "matmul": "@",
         "transpose": "T"}  # fmt: skip
WORKERS = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILLION, GREY, INK)
WIDEST, HIGHEST = 124, 84  # pixels from column to column and from row to row, where there is room
GAP, LEAST_GAP = 0.36, 16  # between columns, for the bends: a share of the width, and pixels where it is full
LINE, ABOVE = 13, 15  # heights of a line in a box and of what stands above the box
GENTLE = 0.4  # rows
SMALLEST = 6.5  # points, of a sign
ROUND = 5  # radius of a box's corners
PALE, PAPER = "#BBBBBB", "#FFFFFF"


class Box(NamedTuple):
    """How a node looks.

    Args:
        sign: what it does, in a letter or a word.
        lines: below the sign, each in pieces, of which as many are written as have room, and its colour.
        number, shape: above the box, on its left and on its right.
        fill, edge, ink: of the box, of its outline and of its sign.
        strong: with a thick outline.
        struck: crossed out.
    """

    sign: str
    lines: tuple[tuple[tuple[str, ...], str], ...] = ()
    number: str = ""
    shape: str = ""
    fill: str = PAPER
    edge: str = GREY
    ink: str = INK
    strong: bool = False
    struck: bool = False


class Dataflow:
    """A place on a page where a graph is drawn; `artists` are those that move.

    Args:
        figure: that the labels stand on.
        page: axes that count its pixels.
        left, top, right, bottom: of the place, in pixels.
    """

    def __init__(self, figure: Figure, page: Axes, left: float, top: float, right: float, bottom: float):
        self.left, self.top, self.right, self.bottom = left, top, right, bottom
        self.edges = page.add_collection(LineCollection([], capstyle="round"), autolim=False)
        self.heads, self.boxes = add_boxes(page), add_boxes(page)
        self.links = page.add_collection(
            LineCollection([], colors=PURPLE, lw=1.6, linestyles=[(0, (2, 1.5))]), autolim=False
        )
        self.strikes = page.add_collection(LineCollection([], colors=GREY, lw=1.4), autolim=False)
        self.labels = Labels(figure)
        for order, artist in enumerate((self.edges, self.heads, self.boxes, self.links, self.strikes)):
            artist.set_zorder(2 + order / 10)
        self.shown, self.sheet = None, None
        self.artists = [self.edges, self.heads, self.boxes, self.links, self.strikes, self.labels]

    def show(
        self,
        inputs: Inputs,
        boxes: Sequence[Box],
        ways: Sequence[Sequence[str]],
        links: Sequence[tuple[int, int]] = (),
        lines: int = 1,
    ) -> None:
        """Draw a graph.

        Args:
            inputs: of each node, which stand before it.
            boxes: of each node.
            ways: for each node and each of its inputs, the colour of the edge.
            links: pairs of nodes that a broken line joins; where the boxes are small, the last alone.
            lines: in a box, below its sign, where there is room.
        """
        if self.shown != (inputs, lines):  # what stands where takes longer to find than how it looks
            self.shown, self.sheet = (inputs, lines), _Sheet(layered(inputs), self, lines)
            self.boxes.set_verts(self.sheet.outlines())
        sheet = self.sheet
        edges = [(n, k) for n, taken in enumerate(inputs) for k in range(len(taken))]
        edges.sort(key=lambda edge: ways[edge[0]][edge[1]] != PALE)  # where edges share a way, what counts is on top
        colors, routes = [ways[n][k] for n, k in edges], [sheet.routes[edge] for edge in edges]
        self.edges.set(segments=routes, colors=colors, linewidths=1.2 if sheet.large else 0.9)
        self.heads.set_verts([_head(route[-1], sheet.head) for route in routes])
        self.heads.set_facecolor(colors)
        self.boxes.set(facecolor=[box.fill for box in boxes], edgecolor=[box.edge for box in boxes],
                       linewidths=[2.4 if box.strong else 1.0 for box in boxes])  # fmt: skip
        self.links.set_segments([sheet.link(a, b) for a, b in (links if sheet.large else links[-1:])])
        self.strikes.set_segments([sheet.strike(n) for n, box in enumerate(boxes) if box.struck])
        self.labels.show([label for n, box in enumerate(boxes) for label in sheet.words(n, box)])


class _Sheet:
    """A layering in the pixels of a place."""

    def __init__(self, layering: Layering, place: Dataflow, lines: int):
        self.layering = layering
        columns = layering.columns.max(initial=0) + 1
        self.across = min((place.right - place.left) / columns, WIDEST)
        self.down = min((place.bottom - place.top) / layering.height, HIGHEST)
        self.half = max(self.across * (1 - GAP), min(self.across - LEAST_GAP, 64)) / 2
        full = LINE * (1 + lines) + 8
        self.large = self.down >= full + 3 and self.half >= 22  # room for what stands below the sign
        self.headed = self.large and self.down >= full + ABOVE + 2  # and for what stands above the box
        self.tall = full if self.large else min(20, 0.62 * self.down)
        above = ABOVE if self.headed else 0
        left = (place.left + place.right - self.across * columns) / 2
        top = (place.top + place.bottom - self.down * layering.height) / 2
        self.x = left + self.across * (np.arange(columns) + 0.5)
        self.y = top + above / 2 + self.down * (layering.rows + 0.5)
        self._row = lambda row: top + above / 2 + self.down * (row + 0.5)
        self.head = 5 if self.large else 3.5
        routes = enumerate(layering.routes)
        self.routes = {(n, k): self.route(n, k) for n, ways in routes for k in range(len(ways))}

    def outlines(self) -> list[np.ndarray]:
        """Of each box, (points, 2)."""
        middles = zip(self.x[self.layering.columns], self.y, strict=True)
        shape = _rounded(-self.half, -self.tall / 2, self.half, self.tall / 2)
        return [shape + middle for middle in middles]

    def route(self, n: int, k: int) -> np.ndarray:
        """The points of the edge into node n from its k-th input, (points, 2)."""
        rows = self.layering.routes[n][k]
        column = self.layering.columns[n] - len(rows) + 1
        heights = [self._row(row) for row in rows]
        heights[-1] += self._port(n, k)
        points = []
        for place, (here, there) in enumerate(pairwise(heights)):
            first, last = place == 0, place == len(heights) - 2
            gentle = abs(there - here) < GENTLE * self.down  # a straight line passes clear of the nodes
            start = self.x[column + place] + (0 if gentle and not first else self.half)
            end = self.x[column + place + 1] - (0 if gentle and not last else self.half + last * self.head)
            share = np.linspace(0, 1, 9)
            bend = share if gentle and not (first or last) else (3 - 2 * share) * share**2  # level at both ends
            points.append(np.stack([start + share * (end - start), here + bend * (there - here)], axis=1))
        return np.concatenate(points)

    def _port(self, n: int, k: int) -> float:
        """How far from a box's middle an edge meets it: those that come from above, above the others."""
        routes = self.layering.routes[n]
        order = sorted(range(len(routes)), key=lambda one: (routes[one][-2], one))
        apart = min(0.6 * self.tall / len(routes), 12)
        return (order.index(k) - (len(routes) - 1) / 2) * apart

    def link(self, a: int, b: int) -> np.ndarray:
        """A bow from box to box, (points, 2)."""
        ends = np.array([(self.x[self.layering.columns[n]], self.y[n]) for n in (a, b)])
        upper, lower = ends[np.argsort(ends[:, 1], kind="stable")]
        if lower[1] - upper[1] > self.tall:
            upper[1], lower[1] = upper[1] + self.tall / 2, lower[1] - self.tall / 2
        share = np.linspace(0, 1, 15)[:, None]
        far = lower[1] - upper[1] > self.down  # past other boxes, then, beside their column
        side = np.array([self.half + 8 if far else min(0.5 * self.half, 14), 0])
        return upper + share * (lower - upper) + 4 * share * (1 - share) * side

    def strike(self, n: int) -> list[tuple[float, float]]:
        x, y = self.x[self.layering.columns[n]], self.y[n]
        return [(x - self.half - 3, y + self.tall / 2 + 1), (x + self.half + 3, y - self.tall / 2 - 1)]

    def words(self, n: int, box: Box):
        """The labels in and above a box."""
        x, y, room = self.x[self.layering.columns[n]], self.y[n], 2 * self.half - 6
        sign, size = _sign(box.sign, room, 10 if self.large else min(9.0, round(self.tall)))
        lines = [line for line in box.lines if line[0] and self.large]
        top = y - len(lines) * LINE / 2
        if self.tall >= 11 and (self.large or sign == box.sign):
            yield Label(x, top, sign, box.ink, "center", bold=True, size=size)
        for line, (pieces, color) in enumerate(lines, start=1):
            text = pieces_that_fit(pieces, room, 8.0)
            yield Label(x, top + line * LINE, text, color, "center", size=fitting(text, room, 8.0))
        if self.headed:
            above = y - self.tall / 2 - 7
            yield Label(x - self.half, above, box.number, GREY, size=7.5)
            yield Label(x + self.half, above, box.shape, GREY, "right", size=7.5)


def pieces_that_fit(pieces: Sequence[str], room: float, size: float) -> str:
    """As many pieces, joined by commas, as have room, and a sign that some are left out."""
    for count in range(len(pieces), 0, -1):
        text = ", ".join(pieces[:count]) + (" …" if count < len(pieces) else "")
        if count == 1 or width_of(text, size) <= room:
            return text
    return ""


def sign_of(operation: str) -> str:
    """What a box says of an operation."""
    return SIGNS.get(operation, operation)


@lru_cache(maxsize=200)
def _sign(sign: str, room: float, size: float) -> tuple[str, float]:
    """A sign as it fits between the sides of a box, cut short if it must be, and its size."""
    size = max(fitting(sign, room, size, bold=True), SMALLEST)
    while len(sign) > 1 and width_of(sign, size, bold=True) > room + 4:
        sign = sign.rstrip("…")[:-1] + "…"
    return sign, size


@cache
def tint(color: str, light: float) -> str:
    """A colour mixed with so much white, 0 to 1."""
    ink = np.array(to_rgb(color))
    return to_hex(ink + (1 - ink) * light)


def _rounded(left: float, top: float, right: float, bottom: float) -> np.ndarray:
    """A box's outline with round corners, (points, 2)."""
    radius = min(ROUND, (right - left) / 2, (bottom - top) / 2)
    turn = np.linspace(0, np.pi / 2, 4)
    middles = [(right, bottom, 0), (left, bottom, 1), (left, top, 2), (right, top, 3)]
    return np.concatenate([
        np.stack([x + radius * (np.cos(turn + quarter * np.pi / 2) - (1, -1, -1, 1)[quarter]),
                  y + radius * (np.sin(turn + quarter * np.pi / 2) - (1, 1, -1, -1)[quarter])], axis=1)
        for x, y, quarter in middles
    ])  # fmt: skip


def _head(tip: np.ndarray, size: float) -> np.ndarray:
    """An arrow's head that begins where an edge ends, (3, 2)."""
    return tip + size * np.array([(1, 0), (0, -0.6), (0, 0.6)])
