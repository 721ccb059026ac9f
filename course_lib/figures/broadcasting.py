"""The picture of two shapes that are aligned from the right, and of what broadcasting makes of them."""

import numpy as np
from matplotlib.figure import Figure

from course_lib.figures.labels import Label, Labels, fitting
from course_lib.figures.page import add_boxes, add_page, boxes
from course_lib.figures.style import BLUE, GREEN, GREY, INK, ORANGE, VERMILLION

WIDTH, HEIGHT = 880, 276
MOST = 4  # axes that the table has room for
NAMES_AT, COLUMN = 96, 62  # of the table: where its rows' names end, and the width of an axis, in pixels
ROWS = {"a": 68, "b": 102, "result": 146, "a's strides": 196, "b's strides": 222}  # the middle of each row
GRIDS = (392, 556, 720)  # left edges of the three grids
GRID, GRIDS_TOP = 132, 66  # the side of a grid, and its upper edge
ERROR = 258
PALE = "#EEEEEE"
FILLS = {"there": "#FFFFFF", "stretched": "#F9E7C2", "clash": "#F6DCCB"}
EDGES = {"there": GREY, "stretched": ORANGE, "clash": VERMILLION}


def build_broadcasting(figure: Figure) -> dict:
    """Make the page; the artists that move come back by name."""
    page = add_page(figure)
    return {
        "table": add_boxes(page, lw=1.4),
        "grids": add_boxes(page, lw=0.8),
        "labels": Labels(figure),
    }


def update_broadcasting(artists: dict, data: dict) -> None:
    """Show two shapes and what comes of them.

    Args:
        artists: what `build_broadcasting` returned.
        data: `shapes`, of a and b; `fates`, for each of them and each axis of the result, from the left, "there",
            "stretched", "missing" or "clash"; `result`, its shape or None; `wanted`, for each axis the length that it
            takes, 0 where there is none; `strides`, of a and b as they are read, or None; `sheets`, the last two axes
            of a, b and the result, (rows, columns) each, the result's None where there is none; `own`, which numbers
            of the first two sheets are stored and not repeated, (rows, columns) bool each; `operation`; `error`, as
            PyTorch words it, or "".
    """
    cells, fills, edges, labels = [], [], [], _row_names(data)
    for name, shape, fates in zip("ab", data["shapes"], data["fates"], strict=True):
        lengths = [None] * (len(fates) - len(shape)) + list(shape)
        for axis, (length, fate) in enumerate(zip(lengths, fates, strict=True)):
            x, y = _column(axis, len(fates)), ROWS[name]
            shown, kind = _entry(length, fate, data["wanted"][axis])
            cells.append(boxes([x - 26], [y - 13], [x + 26], [y + 13]))
            fills.append(FILLS[kind])
            edges.append(EDGES[kind])
            labels.append(Label(x, y, shown, INK if kind == "there" else EDGES["clash"], "center", kind != "there"))
    labels += _numbers_below(data)
    artists["table"].set_verts(np.concatenate(cells) if cells else [])
    artists["table"].set_facecolors(fills)
    artists["table"].set_edgecolors(edges)
    grid_cells, grid_fills, grid_labels = _grids(data)
    artists["grids"].set_verts(grid_cells)
    artists["grids"].set_facecolors(grid_fills)
    artists["grids"].set_edgecolors(["#AAAAAA"] * len(grid_fills))
    artists["labels"].show([*labels, *grid_labels])


def _column(axis: int, axes: int) -> float:
    """The middle of an axis in the table; the last axis stands at the right, always at the same place."""
    return NAMES_AT + 40 + COLUMN * (MOST - axes + axis)


def _entry(length: int | None, fate: str, wanted: int) -> tuple[str, str]:
    """What stands in the table for one axis of one shape, and in which colours."""
    if fate == "missing":
        return f"– → {wanted}", "stretched"
    if fate == "stretched":
        return f"1 → {wanted}", fate
    return ("–" if length is None else str(length)), fate


def _row_names(data: dict) -> list[Label]:
    axes = len(data["wanted"])
    titles = [Label(30, 24, "aligned from the right", bold=True), Label(GRIDS[0], 24, data["operation"], bold=True)]
    heads = [Label(_column(axis, axes), 42, f"axis −{axes - axis}", GREY, "center", size=8.5) for axis in range(axes)]
    shown = ROWS if data["strides"] and axes else list(ROWS)[:3]
    return [*titles, *heads, *(Label(NAMES_AT, ROWS[name], name, INK, "right") for name in shown)]


def _numbers_below(data: dict) -> list[Label]:
    """The result's shape, and the strides by which a and b are read; or the error."""
    axes, labels = len(data["wanted"]), []
    if data["result"] is None:
        labels.append(Label(NAMES_AT + 14, ROWS["result"], "none", VERMILLION, bold=True))
    elif not axes:
        labels.append(Label(NAMES_AT + 14, ROWS["result"], "(), a scalar", GREEN, bold=True))
    for axis, length in enumerate(data["result"] or ()):
        labels.append(Label(_column(axis, axes), ROWS["result"], str(length), GREEN, "center", bold=True, size=11))
    for name, strides in zip("ab", data["strides"] or (), strict=False):
        for axis, stride in enumerate(strides):
            look = {"color": VERMILLION, "bold": True} if stride == 0 else {}
            labels.append(Label(_column(axis, axes), ROWS[f"{name}'s strides"], str(stride), align="center", **look))
    if data["error"]:
        size = fitting(data["error"], WIDTH - 60, 9.5)
        labels.append(Label(30, ERROR, data["error"], VERMILLION, size=size))
    elif repeated(data):
        labels.append(Label(30, ERROR, "stride 0: the same number is read again, none is copied", GREY, size=8.5))
    return labels


def repeated(data: dict) -> bool:
    """Whether any number is read more than once."""
    return any(0 in strides for strides in data["strides"] or ())


def _grids(data: dict) -> tuple[np.ndarray, list[str], list[Label]]:
    """The last two axes of a, b and the result as tables of numbers; what is repeated is pale."""
    cells, fills, labels = [], [], []
    side = min(GRID / max(max(sheet.shape) for sheet in data["sheets"] if sheet is not None), 34)
    for left, name, sheet, own in zip(GRIDS, ("a", "b", "result"), data["sheets"], data["own"], strict=True):
        labels.append(Label(left, 48, name, GREY, size=8.5))
        if sheet is None:
            labels.append(Label(left, GRIDS_TOP + 14, "no result", VERMILLION, bold=True))
            continue
        rows, columns = np.indices(sheet.shape).reshape(2, -1)
        x, y = left + columns * side, GRIDS_TOP + rows * side
        cells.append(boxes(x, y, x + side, y + side))
        colour, size = GREEN if name == "result" else BLUE, fitting(str(sheet.max()), side - 4, 8.5, bold=True)
        for where_x, where_y, value, stored in zip(x, y, sheet.flat, own.flat, strict=True):
            fills.append("#FFFFFF" if stored else PALE)
            look = {"color": colour, "bold": True} if stored else {"color": GREY}
            labels.append(Label(where_x + side / 2, where_y + side / 2, str(value), align="center", size=size, **look))
    for sign, left in zip(("+", "="), GRIDS[1:], strict=True):
        labels.append(Label(left - 16, GRIDS_TOP + 12, sign, INK, "center", bold=True, size=11))
    if len(data["wanted"]) > 2:
        labels.append(Label(GRIDS[0], GRIDS_TOP + GRID + 18, "the last two axes, at index 0 of the others", GREY,
                            size=8.5))  # fmt: skip
    elif repeated(data):
        labels.append(Label(GRIDS[0], GRIDS_TOP + GRID + 18, "grey: repeated, not stored", GREY, size=8.5))
    return np.concatenate(cells), fills, labels
