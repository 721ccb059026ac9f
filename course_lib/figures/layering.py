"""Where the nodes of a graph stand when it is drawn in layers, and where its edges run so that they pass no node."""

from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np

SWEEPS = 12
ROOM, BEND_ROOM = 1.0, 0.55  # rows that a node takes, and that an edge takes on its way past a node
Inputs = tuple[tuple[int, ...], ...]  # for each node the numbers of the nodes whose values it takes


class Layering(NamedTuple):
    """A graph's nodes in columns, each to the right of its inputs.

    Args:
        columns: of each node, (nodes,).
        rows: of each node, from 0 at the top, (nodes,); they need not be whole.
        routes: for each node and each of its inputs, the rows at which the edge passes the columns on its way, from the
            input's own column to the node's.
        height: rows in all.
    """

    columns: np.ndarray
    rows: np.ndarray
    routes: tuple[tuple[tuple[float, ...], ...], ...]
    height: float


@lru_cache(maxsize=100)
def layered(inputs: Inputs) -> Layering:
    """Lay a graph out in layers.

    An edge that is longer than one column takes a place in each column that it passes, so that no node stands there;
    edges from one node share these places. In each column, what stands there is ordered by where its neighbours stand,
    and then moved as close to them as the order permits.

    Args:
        inputs: of each node, which stand before it.

    Source: Sugiyama, Tagawa and Toda, Methods for visual understanding of hierarchical system structures, 1981.
    """
    columns = _columns(inputs)
    steps = [_path(a, b, columns) for b, nodes in enumerate(inputs) for a in nodes]
    neighbours: dict[tuple, dict[tuple, None]] = defaultdict(dict)  # a point is a node in a column: (node, column)
    for path in steps:
        for here, there in pairwise(path):
            neighbours[here][there] = neighbours[there][here] = None
    standing = [[] for _ in range(max(columns, default=-1) + 1)]
    for point in [(node, column) for node, column in enumerate(columns)] + [p for path in steps for p in path]:
        if point not in standing[point[1]]:
            standing[point[1]].append(point)
    standing = _ordered(standing, neighbours)
    rows = _rows(standing, neighbours, columns)
    routes = tuple(
        tuple(tuple(rows[point] for point in _path(a, b, columns)) for a in nodes) for b, nodes in enumerate(inputs)
    )
    return Layering(
        np.array(columns, dtype=int),
        np.array([rows[node, column] for node, column in enumerate(columns)]),
        routes,
        max(rows.values(), default=0.0) + ROOM,
    )


def _columns(inputs: Inputs) -> list[int]:
    """A node stands behind the last of its inputs; one without inputs, right before the first that takes its value."""
    columns: list[int] = []
    for nodes in inputs:
        columns.append(1 + max((columns[a] for a in nodes), default=-1))
    for a, nodes in enumerate(inputs):
        users = [columns[b] for b, taken in enumerate(inputs) if a in taken]
        if not nodes and users:
            columns[a] = min(users) - 1
    return columns


def _path(a: int, b: int, columns: Sequence[int]) -> list[tuple[int, int]]:
    """The points between node a and node b, both included."""
    return [(a, column) for column in range(columns[a], columns[b])] + [(b, columns[b])]


def _ordered(standing, neighbours):
    """The order in each column with the fewest crossings that some sweeps to the right and to the left find."""
    best, fewest = standing, _crossings(standing, neighbours)
    for sweep in range(SWEEPS):
        turn = -1 if sweep % 2 else 1
        standing = [list(points) for points in standing]
        place = {point: n for points in standing for n, point in enumerate(points)}
        for points in standing[::turn]:
            wish = {p: _mean([place[q] for q in neighbours[p] if q[1] == p[1] - turn], place[p]) for p in points}
            points.sort(key=wish.get)
            place |= {point: n for n, point in enumerate(points)}
        crossings = _crossings(standing, neighbours)
        if crossings < fewest:
            best, fewest = standing, crossings
    return best


def _crossings(standing, neighbours) -> int:
    """How many pairs of edges between two columns cross."""
    total = 0
    for points, following in pairwise(standing):
        place = {point: n for n, point in enumerate(following)}
        ends = [sorted(place[q] for q in neighbours[p] if q in place) for p in points]
        seen: list[int] = []
        for some in ends:
            total += sum(end < before for end in some for before in seen)
            seen += some
    return total


def _rows(standing, neighbours, columns) -> dict[tuple[int, int], float]:
    """Rows near those of the neighbours, in the order given and with the room that each needs."""

    def room(point) -> float:
        return ROOM if columns[point[0]] == point[1] else BEND_ROOM

    def near(point) -> list[float]:  # an edge's way is straight where it can be; a node is near all its neighbours
        own = [rows[q] for q in neighbours[point] if q[0] == point[0] and columns[point[0]] != point[1]]
        return own or [rows[q] for q in neighbours[point]]

    offsets = []
    for points in standing:
        between = [(room(p) + room(q)) / 2 for p, q in pairwise(points)]
        offsets.append(np.concatenate([[0.0], np.cumsum(between)]))
    rows = {p: y - offset[-1] / 2 for points, offset in zip(standing, offsets, strict=True)
            for p, y in zip(points, offset, strict=True)}  # fmt: skip
    for sweep in range(2 * SWEEPS):
        for points, offset in list(zip(standing, offsets, strict=True))[:: -1 if sweep % 2 else 1]:
            wishes = np.array([_mean(near(p), rows[p]) for p in points])
            rows |= dict(zip(points, _rising(wishes - offset) + offset, strict=True))
    top = min(rows.values(), default=0.0)
    return {point: float(row - top) for point, row in rows.items()}


def _rising(wishes: np.ndarray) -> np.ndarray:
    """The numbers closest to the wishes, in squares, that never fall: neighbours that would, share their mean."""
    blocks: list[tuple[float, int]] = []
    for wish in wishes:
        mean, count = float(wish), 1
        while blocks and blocks[-1][0] > mean:
            before, number = blocks.pop()
            mean, count = (mean * count + before * number) / (count + number), count + number
        blocks.append((mean, count))
    return np.concatenate([np.full(count, mean) for mean, count in blocks])


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise
