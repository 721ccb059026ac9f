"""Several tensors over one row of memory: the recap of section 1.1."""

from collections.abc import Mapping

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

from course_lib.figures.labels import fitting
from course_lib.figures.page import add_boxes, add_page, boxes, write
from course_lib.figures.style import GREY, INK, SHARE, new_figure, style

WIDTH, HEIGHT, LEFT, RIGHT = 880, 250, 30, 850
MEMORY_TOP, TABLES_TOP, CELL = 44, 150, 26


def draw_views(memory: int, views: Mapping[str, tuple[np.ndarray, tuple[int, ...], tuple[int, ...]]]) -> Figure:
    """Draw the memory as one row of numbers, and below it each tensor as the table that it makes of them.

    Args:
        memory: how many numbers lie in it, which are called by their places, 0 and on.
        views: by what is written for it: the place in memory of each element, (rows, columns); its shape; its strides.
    """
    figure = new_figure(WIDTH, HEIGHT)
    paint = colormaps[SHARE](np.arange(memory) / max(memory - 1, 1))
    with style():
        page = add_page(figure)
        cells = add_boxes(page, lw=0.8, edgecolors="white")
        edges = np.linspace(LEFT, RIGHT, memory + 1)
        corners = [boxes(edges[:-1], MEMORY_TOP, edges[1:], MEMORY_TOP + CELL)]
        places = [np.arange(memory)]
        write(figure, LEFT, MEMORY_TOP - 18, "the memory, one row of numbers", weight="bold")
        room = (RIGHT - LEFT) / len(views)
        for n, (name, (table, shape, strides)) in enumerate(views.items()):
            left = LEFT + n * room
            rows, columns = np.indices(table.shape).reshape(2, -1)
            x, y = left + CELL * columns, TABLES_TOP + 18 + 18 * rows
            corners.append(boxes(x, y, x + CELL, y + 18))
            places.append(table.ravel())
            write(figure, left, TABLES_TOP - 38, name, weight="bold", fontsize=fitting(name, room - 12, 9.5, bold=True))
            write(figure, left, TABLES_TOP - 19, f"shape {shape}", fontsize=8.5)
            write(figure, left, TABLES_TOP - 2, f"strides {strides}", color=GREY, fontsize=8.5)
        cells.set_verts(np.concatenate(corners))
        shown = np.concatenate(places)
        cells.set_facecolors(paint[shown])
        for (x, y), place in zip(np.concatenate(corners).mean(axis=1), shown, strict=True):
            colour = "white" if place < 0.55 * memory else INK
            write(figure, x, y, str(place), ha="center", color=colour, fontsize=8.5)
    return figure
