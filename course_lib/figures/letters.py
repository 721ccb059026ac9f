"""Single characters that are cheap to change."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from course_lib.figures.style import INK, SCREEN_DPI


class Letter(NamedTuple):
    """One character: its centre in screen pixels from the left and from the top, and its look; size in points."""

    x: float
    y: float
    sign: str
    size: float = 11
    color: str = INK
    bold: bool = False


class Letters(Artist):
    """Characters of one width, each at a place of its own.

    A `Text` each would be laid out anew wherever it comes to stand, which costs 2 ms; here a character is drawn once
    and then pasted.

    Args:
        figure: on which they stand.
    """

    def __init__(self, figure: Figure):
        super().__init__()
        self.letters: list[Letter] = []
        figure.add_artist(self)

    def set_letters(self, letters: list[Letter]) -> None:
        """Show these."""
        self.letters = letters
        self.stale = True

    def draw(self, renderer) -> None:
        scale = self.figure.dpi / SCREEN_DPI
        gc = renderer.new_gc()
        for x, y, sign, size, color, bold in self.letters:
            cover = _drawn(sign, size, bold, self.figure.dpi)  # (height, width)
            pixels = np.empty((*cover.shape, 4), np.uint8)
            pixels[..., :3] = np.round(255 * np.array(to_rgb(color)))
            pixels[..., 3] = cover
            left, bottom = x * scale - cover.shape[1] / 2, renderer.height - y * scale - cover.shape[0] / 2
            renderer.draw_image(gc, round(left), round(bottom), pixels)
        gc.restore()
        self.stale = False


@lru_cache(maxsize=512)
def _drawn(sign: str, size: float, bold: bool, dpi: float) -> np.ndarray:
    """How much of each pixel around its centre a character covers, 0 to 255, rows from the bottom up."""
    edge = 2 * round(1.1 * size * dpi / 72)  # pixels: more than a character needs
    figure = Figure(figsize=(edge / dpi, edge / dpi), dpi=dpi)
    FigureCanvasAgg(figure)
    look = {"fontsize": size, "fontweight": "bold" if bold else "normal", "family": "DejaVu Sans Mono"}
    text = figure.text(0.5, 0.5, sign, ha="center", va="center", **look)
    sheet = RendererAgg(edge, edge, dpi)
    text.draw(sheet)
    return np.asarray(sheet.buffer_rgba())[::-1, :, 3].copy()
