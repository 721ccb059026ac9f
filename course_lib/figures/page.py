"""A figure that is laid out in screen pixels from its left and top, the way `Label` counts them."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.text import Text

from course_lib.figures.heatmap import HeatMap
from course_lib.figures.style import DENSITY, GREY, INK, SCREEN_DPI


def add_page(figure: Figure) -> Axes:
    """Axes without a frame over the whole figure, which count screen pixels from its left and top."""
    width, height = _size(figure)
    page = figure.add_axes((0, 0, 1, 1))
    page.set(xlim=(0, width), ylim=(height, 0))
    page.axis("off")
    return page


def add_panel(figure: Figure, left: float, top: float, right: float, bottom: float) -> Axes:
    """Axes between these screen pixels."""
    width, height = _size(figure)
    return figure.add_axes((left / width, 1 - bottom / height, (right - left) / width, (bottom - top) / height))


def write(figure: Figure, x: float, y: float, text: str, **look) -> Text:
    """A text that never changes, placed like a `Label`: `y` is the middle of its capitals. What changes is a `Label`,
    which is drawn faster."""
    width, height = _size(figure)
    return figure.text(x / width, 1 - y / height, text, **{"color": INK, "va": "center_baseline"} | look)


def add_colour_key(
    figure: Figure, left: float, right: float, y: float, cmap: str, low: float, high: float, ends: tuple[str, str]
) -> None:
    """A strip of a colour map about `y`, with the names of its ends beside it."""
    strip = add_panel(figure, left, y - 5, right, y + 5)
    HeatMap(strip, cmap, low, high, lines=False).set_data(np.linspace(low, high, 32)[None])
    write(figure, left - 5, y, ends[0], color=GREY, ha="right", fontsize=8.5)
    write(figure, right + 5, y, ends[1], color=GREY, fontsize=8.5)


def pixels_at(axes: Axes, points: np.ndarray) -> np.ndarray:
    """Where points of some axes lie on the figure, in screen pixels from its left and top: both (points, 2)."""
    _, height = _size(axes.figure)
    return [0, height] + [1, -1] * axes.transData.transform(points) / DENSITY


def add_boxes(axes: Axes, **look) -> PolyCollection:
    """Room for many rectangles in one artist, which is drawn many times faster than a patch each: `set_verts(boxes)`.

    Args:
        axes: that they stand in, whose limits they leave as they are.
        look: of a `PolyCollection`.
    """
    return axes.add_collection(PolyCollection([], **{"lw": 0} | look), autolim=False)


def boxes(left, top, right, bottom) -> np.ndarray:
    """The corners of rectangles between these edges, (rectangles, 4, 2); each edge (rectangles,) or one for all."""
    left, top, right, bottom = np.broadcast_arrays(left, top, right, bottom)
    corners = [(left, top), (right, top), (right, bottom), (left, bottom)]  # (4, 2, rectangles)
    return np.moveaxis(np.array(corners, dtype=float), -1, 0)


def _size(figure: Figure) -> np.ndarray:
    """Its width and height in screen pixels."""
    return figure.get_size_inches() * SCREEN_DPI
