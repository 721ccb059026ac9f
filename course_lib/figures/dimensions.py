"""The picture of a tensor of order 0 to 4, and of the row of memory that its elements lie in."""

from typing import NamedTuple

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from course_lib.figures.labels import Label, Labels, width_of
from course_lib.figures.page import add_boxes, add_page, boxes
from course_lib.figures.style import BLUE, GREEN, INK, ORANGE, PURPLE, SHARE, VERMILLION

WIDTH, HEIGHT = 880, 446
AXES = (BLUE, GREEN, PURPLE, ORANGE)  # a colour for each axis, axis 0 first
NAMES = ("a point", "a line", "a surface", "a volume", "a film of volumes")
ROLES = (("frame", "→"), ("sheet", "↓"), ("row", "↓"), ("column", "→"))  # of the last four axes
TOP, BOTTOM = 52, 292  # of the drawing, in pixels
GAP = 10  # between two sheets
FILM = 26  # between two frames
STRIP = (30, 850, 326, 346)  # the memory: left, right, top, bottom
JUMPS = 362  # of the first jump below it
READ = 434  # the line that reads the chosen element


class Sheet(NamedTuple):
    """How the cells of one sheet are drawn, in pixels."""

    width: float
    height: float
    skew: float  # by which a row stands left of the one before


def sheet_of(shape: tuple[int, ...]) -> Sheet:
    """The largest sheet of which all floors and frames fit: flat up to order 2, from above and aside beyond."""
    frames, floors, rows, columns = (1,) * (4 - len(shape)) + shape
    tall, wide = BOTTOM - TOP - 40 * (len(shape) == 4), WIDTH - 60
    if len(shape) <= 2:
        side = min(52, tall / rows, wide / columns)
        return Sheet(side, side, 0)
    height = min(26, (tall - GAP * (floors - 1)) / (floors * rows))
    room = (wide - FILM * frames) / frames
    squeeze = min(1, room / (height * (2.2 * columns + 0.8 * rows)))
    return Sheet(2.2 * height * squeeze, height, 0.8 * height * squeeze)


def cells_of(shape: tuple[int, ...]) -> np.ndarray:
    """The corners of every element's cell, in the order of its indices: (elements, 4, 2), in pixels."""
    frames, floors, rows, columns = (1,) * (4 - len(shape)) + shape
    sheet = sheet_of(shape)
    frame, floor, row, column = np.indices((frames, floors, rows, columns)).reshape(4, -1)
    one = columns * sheet.width + (rows - 1) * sheet.skew  # of a frame's width
    tall = floors * rows * sheet.height + GAP * (floors - 1)
    left = (WIDTH - frames * one - FILM * (frames - 1)) / 2 + frame * (one + FILM)
    left = left + column * sheet.width + (rows - 1 - row) * sheet.skew
    top = (TOP + BOTTOM - tall) / 2 + floor * (rows * sheet.height + GAP) + row * sheet.height
    corners = boxes(left, top, left + sheet.width, top + sheet.height)
    corners[:, :2, 0] += sheet.skew  # the upper edge: what lies further back stands further right
    return corners


def build_dimensions(figure: Figure) -> dict:
    """Make the page; the artists that move come back by name."""
    page = add_page(figure)
    return {
        "film": add_boxes(page, facecolors="#555555"),
        "cells": add_boxes(page, lw=0.8, edgecolors="white"),
        "along": add_boxes(page, lw=2.2, facecolors="none"),
        "memory": add_boxes(page),
        "chosen": add_boxes(page, lw=3, facecolors="none", edgecolors=VERMILLION),
        "jumps": [_jump(page, color) for color in AXES],
        "labels": Labels(figure),
    }


def _jump(page: Axes, color: str):
    return page.plot([], [], color=color, lw=2, marker="o", ms=4.5, markevery=[-1], solid_capstyle="butt")[0]


def update_dimensions(artists: dict, data: dict) -> None:
    """Show a tensor.

    Args:
        artists: what `build_dimensions` returned.
        data: `shape`, `strides` and `index` of the chosen element, one number an axis; `values` and `offsets`
            (elements,), in the order of the indices; `offset` of the chosen element; `lying` (numbers,), what lies
            in memory, place by place; `read`, the line that reads the chosen element.
    """
    shape, index, offsets, memory = data["shape"], data["index"], data["offsets"], len(data["lying"])
    cells, paint = cells_of(shape), colormaps[SHARE](_shares(memory))  # by place in memory
    artists["cells"].set_verts(cells)
    artists["cells"].set_facecolors(paint[offsets])
    artists["film"].set_verts(_film(cells, shape))
    chosen = int(np.ravel_multi_index(index, shape)) if shape else 0
    along = [_along(shape, index, axis) for axis in range(len(shape))]
    artists["along"].set_verts(cells[np.concatenate(along).astype(int)] if along else [])
    artists["along"].set_edgecolors([AXES[axis] for axis, there in enumerate(along) for _ in there])
    left, right, top, bottom = STRIP
    edges = np.linspace(left, right, memory + 1)
    strip = boxes(edges[:-1], top, edges[1:], bottom)
    artists["memory"].set_verts(strip)
    artists["memory"].set_facecolors(paint)
    artists["chosen"].set_verts([cells[chosen], strip[data["offset"]]])
    jumps = [_goal(data, axis) for axis in range(len(shape))]
    middles = (edges[:-1] + edges[1:]) / 2
    for axis, line in enumerate(artists["jumps"]):
        goal = jumps[axis] if axis < len(jumps) else None
        y = JUMPS + 16 * axis
        line.set_data(*(([], []) if goal is None else (middles[[data["offset"], goal]], [y, y])))
    artists["labels"].show(
        [
            *_axis_labels(shape),
            *_numbers(data, cells, sheet_of(shape)),
            *_memory_numbers(data["lying"], middles, (top + bottom) / 2),
            Label(left, top - 14, f"memory: {_counted(memory, 'number')} in a row"),
            *_jump_labels(data, middles, jumps),
            Label(left, READ, data["read"], bold=True, mono=True),
        ]
    )


def _along(shape: tuple[int, ...], index: tuple[int, ...], axis: int) -> np.ndarray:
    """The elements whose index differs from the chosen one's on this axis alone, counted in the order of indices."""
    others = [n for n in range(shape[axis]) if n != index[axis]]
    places = np.tile(np.array(index)[:, None], len(others))  # (axes, others)
    places[axis] = others
    return np.ravel_multi_index(tuple(places), shape).reshape(-1)


def _goal(data: dict, axis: int) -> int | None:
    """Where in memory one step further along the axis leads, or, at its end, one step back; None: it has no step."""
    if data["shape"][axis] == 1:
        return None
    forward = data["index"][axis] + 1 < data["shape"][axis]
    return data["offset"] + (1 if forward else -1) * data["strides"][axis]


def _film(cells: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The two perforated edges of a film about the frames, as dark squares: (squares, 4, 2)."""
    if len(shape) < 4:
        return []
    left, right = cells[..., 0].min() - 12, cells[..., 0].max() + 12
    top, bottom = cells[..., 1].min() - 15, cells[..., 1].max() + 15
    x = np.arange(left, right - 8, 14)
    return np.concatenate([boxes(x, y, x + 8, y + 6) for y in (top, bottom - 6)])


def _axis_labels(shape: tuple[int, ...]) -> list[Label]:
    """What the tensor is, and each axis in its colour with its length and what it counts."""
    roles = zip(shape, ROLES[4 - len(shape) :], strict=True)
    texts = [f"axis {axis}: {_counted(length, noun)} {way}" for axis, (length, (noun, way)) in enumerate(roles)]
    widths = [width_of(text, 9, bold=True) + 16 for text in texts]
    left = STRIP[1] - sum(widths) + np.cumsum([0, *widths])
    names = [Label(left[axis], 20, text, AXES[axis], bold=True, size=9) for axis, text in enumerate(texts)]
    return [Label(STRIP[0], 20, f"order {len(shape)}, {NAMES[len(shape)]}", bold=True), *names]


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _numbers(data: dict, cells: np.ndarray, sheet: Sheet) -> list[Label]:
    """The elements' numbers in their cells, where there is room for them."""
    if sheet.height < 13 or sheet.width < 22:
        return []
    shares = _shares(len(data["lying"]))[data["offsets"]]
    return [
        Label(x, y, str(value), _on(share), "center", size=8)
        for (x, y), value, share in zip(cells.mean(axis=1), data["values"], shares, strict=True)
    ]


def _memory_numbers(lying: np.ndarray, middles: np.ndarray, y: float) -> list[Label]:
    """What lies at each place of the memory, where there is room for it."""
    if len(lying) > 40:
        return []
    return [
        Label(x, y, str(value), _on(share), "center", size=8)
        for x, value, share in zip(middles, lying, _shares(len(lying)), strict=True)
    ]


def _shares(memory: int) -> np.ndarray:
    """Where on the colour map each place of the memory stands, from 0 to 1: (memory,)."""
    return np.arange(memory) / max(memory - 1, 1)


def _on(share: float) -> str:
    """The colour in which a number can be read on this share of the colour map."""
    return "white" if share < 0.55 else INK


def _jump_labels(data: dict, middles: np.ndarray, jumps: list[int | None]) -> list[Label]:
    """Beside each jump its axis and its stride."""
    labels = []
    for axis, goal in enumerate(jumps):
        text = f"axis {axis}: stride {data['strides'][axis]}"
        ends = middles[[data["offset"], data["offset"] if goal is None else goal]]
        if goal is None:
            text += ", no step to take"
        rightwards = max(ends) + 12 + width_of(text, 8.5) < STRIP[1]
        x, align = (max(ends) + 10, "left") if rightwards else (min(ends) - 10, "right")
        labels.append(Label(x, JUMPS + 16 * axis, text, AXES[axis], align, size=8.5))
    return labels
