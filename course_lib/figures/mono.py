"""Monospaced words that are cheap to redraw."""

from typing import NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.colors import to_rgba
from matplotlib.font_manager import FontProperties

from course_lib.figures.style import DENSITY, INK

SHIFT = {"left": 0.0, "center": 0.5, "right": 1.0}


class Line(NamedTuple):
    """A text whose `side` stands at x, its middle at y, in data coordinates."""

    x: float
    y: float
    text: str
    color: str = INK
    side: str = "left"


class MonoText(Artist):
    """Lines of text put together from letters that were drawn once.

    Laying out a new text costs a millisecond or more. Where many words change at every move, as in a table that follows
    what is typed, this takes a twentieth of it.

    Args:
        axes: whose data coordinates count.
        fontsize: in points.
    """

    def __init__(self, axes: Axes, fontsize: float):
        super().__init__()
        self.set_figure(axes.figure)
        self.font = FontProperties(family="DejaVu Sans Mono", size=fontsize)
        height = round(2 * fontsize * axes.figure.dpi / 72)
        self.sheet = RendererAgg(2 * height, height, axes.figure.dpi)
        width, _, _ = self.sheet.get_text_width_height_descent("m" * 100, self.font, False)
        self.step, self.baseline = round(width / 100), round(0.65 * height)
        self.advance = self.step / DENSITY  # screen pixels from letter to letter
        self.letters: dict[str, np.ndarray] = {}
        self.lines: list[Line] = []
        self.set_zorder(3)
        axes.add_artist(self)

    def set_lines(self, lines: list[Line]) -> None:
        """Show these lines in place of those before."""
        self.lines = lines
        self.stale = True

    def draw(self, renderer) -> None:
        gc = renderer.new_gc()
        for x, y, text, color, side in self.lines:
            if not text:
                continue
            cover = np.hstack([self._letter(letter) for letter in text])  # (height, width), rows from the top
            height, width = cover.shape
            pixels = np.empty((height, width, 4), np.uint8)
            pixels[:] = np.round(255 * np.array(to_rgba(color)))
            pixels[..., 3] = cover
            left, middle = self.axes.transData.transform((x, y))
            renderer.draw_image(gc, round(left - SHIFT[side] * width), round(middle - height / 2), pixels[::-1])
        gc.restore()
        self.stale = False

    def _letter(self, letter: str) -> np.ndarray:
        """How much of each pixel a letter covers, (height, step), 0 to 255."""
        if letter not in self.letters:
            self.sheet.clear()
            gc = self.sheet.new_gc()
            self.sheet.draw_text(gc, 0, self.baseline, letter, self.font, 0)
            gc.restore()
            self.letters[letter] = np.asarray(self.sheet.buffer_rgba())[:, : self.step, 3].copy()
        return self.letters[letter]
