"""Many short texts that move at once, set from letters that were drawn once."""

import math
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from PIL import Image

from course_lib.figures.style import DENSITY, INK, SCREEN_DPI

SHARES = {"left": 0.0, "center": 0.5, "right": 1.0}
RISE = 1.4  # screen pixels by which the capitals of a matplotlib text of 9.5 points, centred at a place, stand above it
AROUND = 2  # pixels left free beside a letter, since some lean out of their width


class Label(NamedTuple):
    """A text at a place, in screen pixels from the figure's left and top; `y` is the middle of its capitals."""

    x: float
    y: float
    text: str
    color: str = INK
    align: str = "left"
    bold: bool = False
    size: float = 9.5  # points
    mono: bool = False  # letters of one width
    turn: float = 0.0  # degrees against the clock, about the place


class Labels(Artist):
    """Short texts of one line anywhere on a figure.

    A matplotlib `Text` is laid out and drawn anew for each new text, which costs 2 ms; a new label costs a tenth.

    Args:
        figure: that they stand on.
    """

    def __init__(self, figure: Figure):
        super().__init__()
        self.set_zorder(6)
        self.labels: Sequence[Label] = ()
        figure.add_artist(self)

    def show(self, labels: Sequence[Label]) -> None:
        """Show these texts in place of those before."""
        self.labels = labels
        self.stale = True

    def draw(self, renderer: RendererAgg) -> None:
        gc = renderer.new_gc()
        for label in self.labels:
            if label.text:
                cover, right, up = _set(label.text, label.align, label.bold, label.size, label.mono, label.turn)
                left, bottom = label.x * DENSITY - right, renderer.height - label.y * DENSITY - up
                renderer.draw_image(gc, round(left), round(bottom), inked(cover, label.color))
        gc.restore()
        self.stale = False


def inked(cover: np.ndarray, color: str) -> np.ndarray:
    """Pixels (height, width, 4) of one colour that cover so much of the paper, 0 to 255, (height, width)."""
    pixels = np.empty((*cover.shape, 4), np.uint8)
    pixels[:] = np.round(255 * np.array(to_rgba(color)))
    pixels[..., 3] = cover
    return pixels


def width_of(text: str, size: float = 9.5, bold: bool = False, mono: bool = False) -> float:
    """How many screen pixels a text is wide."""
    return sum(_letter(letter, size, bold, mono)[0] for letter in text) / DENSITY


def shortened(text: str, letters: int) -> str:
    """A text of at most so many letters, and a sign that some are left out."""
    return text if len(text) <= letters else f"{text[:letters]}…"


def fitting(text: str, room: float, size: float = 9.5, bold: bool = False) -> float:
    """The size at which a text is at most `room` screen pixels wide: `size`, or some halves of a point less."""
    while text and size > 5 and width_of(text, size, bold) > room:
        size -= 0.5
    return size


@lru_cache(maxsize=1000)  # a few kilobytes each
def _set(
    text: str, align: str, bold: bool, size: float, mono: bool, turn: float
) -> tuple[np.ndarray, float, float]:
    """How much of each pixel a text covers, 0 to 255, (height, width), rows from the bottom up; and where in it its
    place is, in pixels from the left and from the bottom."""
    letters = [_letter(letter, size, bold, mono) for letter in text]
    ends = np.cumsum([advance for advance, _ in letters])
    whole = np.zeros((len(letters[0][1]), math.ceil(ends[-1]) + 4 * AROUND), np.uint8)  # how much of a pixel is ink
    for (advance, cover), end in zip(letters, ends, strict=True):
        left = round(end - advance)
        there = whole[:, left : left + cover.shape[1]]
        np.maximum(there, cover[:, : there.shape[1]], out=there)
    height, width = whole.shape
    right, up = AROUND + SHARES[align] * ends[-1], height / 2  # the middle of the capitals is in mid-height
    if turn:
        angle, from_middle = math.radians(turn), right - width / 2
        whole = np.asarray(Image.fromarray(whole).rotate(turn, Image.Resampling.BICUBIC, expand=True))
        height, width = whole.shape
        right, up = width / 2 + from_middle * math.cos(angle), height / 2 + from_middle * math.sin(angle)
    return whole[::-1].copy(), right, up


@cache
def _letter(letter: str, size: float, bold: bool, mono: bool) -> tuple[float, np.ndarray]:
    """A letter's advance in pixels, and how much of each pixel it covers: (height, width), the same height for all."""
    font = FontProperties(
        family="DejaVu Sans Mono" if mono else "DejaVu Sans", size=size, weight="bold" if bold else "normal"
    )
    pixels = size * SCREEN_DPI * DENSITY / 72  # of the font's size
    height, capital = 2 * round(0.9 * pixels), 0.729 * pixels
    sheet = RendererAgg(math.ceil(2 * pixels), height, SCREEN_DPI * DENSITY)

    def wide(text: str) -> float:
        return sheet.get_text_width_height_descent(text, font, False)[0]

    advance = wide(f"n{letter}n") - wide("nn")
    sheet.draw_text(sheet.new_gc(), AROUND, round(height / 2 + capital / 2), letter, font, 0)
    cover = np.asarray(sheet.buffer_rgba())[..., 3]
    return advance, cover[:, : math.ceil(advance) + 2 * AROUND].copy()
