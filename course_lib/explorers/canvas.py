"""A picture that moves cheaply: one persistent figure, of which only what changes is drawn again.

A full `savefig` of a six-panel view costs more than 100 ms. Here the axes, titles and tick labels are drawn once and
kept as a background; each frame restores it, draws the moving artists over it, and packs the pixels with a palette of
256 colours into a lightly compressed PNG.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from io import BytesIO

import numpy as np
from matplotlib import colormaps
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from course_lib.figures.labels import inked
from course_lib.figures.style import COLORS, INK, SHARE, SIGNED, new_figure, style


class Canvas:
    """The persistent figure behind one explorer.

    Args:
        width, height: in screen pixels.
        build: makes the artists on the figure; what it returns (an artist, or lists and dicts of them) is what moves.
            Axes among them are there to be reached: what they hold moves only if it is returned too.
    """

    def __init__(self, width: int, height: int, build: Callable):
        self.figure = new_figure(width, height)
        with style():
            self.artists = build(self.figure)
        self.moving = sorted(_flat(self.artists), key=lambda artist: artist.get_zorder())
        for artist in self.moving:
            artist.set_animated(True)
        self.background, self.lettering = None, Lettering(self.figure)

    def draw(self) -> np.ndarray:
        """The pixels of the present artists by blitting, (height, width, 4) uint8."""
        canvas = self.figure.canvas
        if self.background is None:
            canvas.draw()
            self.background = canvas.copy_from_bbox(self.figure.bbox)
        canvas.restore_region(self.background)
        renderer = canvas.get_renderer()
        for artist in self.moving:
            if isinstance(artist, Text):
                self.lettering.draw(artist, renderer)
            else:
                artist.draw(renderer)
        for axes in self.figure.axes:
            if axes.images and axes.axison:  # an image lies over the frame that the background holds
                for spine in axes.spines.values():
                    spine.draw(renderer)
        return np.asarray(canvas.buffer_rgba())

    def point(self, x: float, y: float) -> tuple[Axes | None, float, float]:
        """The uppermost axes at a place, and the place in their units.

        Args:
            x, y: in shares of the picture, from its upper left corner.
        """
        across, up = self.figure.bbox.width * x, self.figure.bbox.height * (1 - y)
        for axes in reversed(self.figure.axes):
            if axes.bbox.contains(across, up):
                return axes, *map(float, axes.transData.inverted().transform((across, up)))
        return None, across, up

    def draw_fully(self) -> np.ndarray:
        """The same pixels by a full draw: slow, and what `draw` is tested against."""
        for artist in self.moving:
            artist.set_animated(False)
        self.figure.canvas.draw()
        pixels = np.asarray(self.figure.canvas.buffer_rgba()).copy()
        for artist in self.moving:
            artist.set_animated(True)
        self.background = None
        return pixels


class Lettering:
    """Texts as they were drawn before. Laying out a text costs about a millisecond, pasting it a twentieth of that.

    Args:
        figure: that the texts stand on.
    """

    MOST = 300  # kept texts, some kilobytes each: a view's own, and numbers that come again

    def __init__(self, figure: Figure):
        self.sheet = RendererAgg(*figure.canvas.get_width_height(physical=True), figure.dpi)
        self.kept: dict[tuple, tuple[int, int, np.ndarray]] = {}

    def draw(self, text: Text, renderer: RendererAgg) -> None:
        """Draw a text where it stands."""
        if not text.get_visible() or not text.get_text():
            return
        place = text.get_transform().transform(text.get_unitless_position())
        font, turn = hash(text.get_fontproperties()), (text.get_rotation(), text.get_rotation_mode())
        look = (text.get_text(), *place, font, text.get_color(), turn, text.get_ha(), text.get_va())
        drawn = self.kept.pop(look, None) or self._drawn(text)
        if len(self.kept) >= self.MOST:
            del self.kept[next(iter(self.kept))]  # the one that was not needed for longest
        self.kept[look] = drawn
        left, bottom, cover = drawn
        gc = renderer.new_gc()
        renderer.draw_image(gc, left, bottom, inked(cover, text.get_color()))
        gc.restore()

    def _drawn(self, text: Text) -> tuple[int, int, np.ndarray]:
        """Draw a text on an empty sheet and cut it out.

        Returns:
            its left and bottom edge, and how much of each pixel it covers, 0 to 255, rows from the bottom up
        """
        text.draw(self.sheet)
        sheet = np.asarray(self.sheet.buffer_rgba())  # (height, width, 4)
        height, width, _ = sheet.shape
        box, around = text.get_window_extent(self.sheet), 4
        left, right = max(int(box.x0) - around, 0), min(int(box.x1) + around, width)
        bottom, top = max(int(box.y0) - around, 0), min(int(box.y1) + around, height)
        here = sheet[height - top : height - bottom, left:right]
        cover = here[::-1, :, 3].copy()
        here[:] = (255, 255, 255, 0)  # empty again; to clear all of the sheet takes longer than to draw the text
        return left, bottom, cover


def to_png(pixels: np.ndarray) -> bytes:
    """Pixels (height, width, 4) as a PNG of 256 colours."""
    buffer = BytesIO()
    Image.fromarray(pixels).convert("RGB").quantize(palette=_palette(), dither=Image.Dither.NONE).save(
        buffer, format="PNG", compress_level=1
    )
    return buffer.getvalue()


@cache
def _palette() -> Image.Image:
    """One palette for all: what the workbook draws with. Finding the best 256 colours anew for each frame costs 20 ms
    more."""
    maps = [to_rgb(colormaps[name](share)[:3]) for name in (SHARE, SIGNED) for share in np.linspace(0, 1, 64)]
    inks = [np.array(to_rgb(color)) for color in (INK, *COLORS)]
    shades = [ink + (1 - ink) * light for ink in inks for light in np.linspace(0, 0.9, 9)]  # edges blend into the paper
    greys = [(level, level, level) for level in np.linspace(0, 1, 24)]
    colours = np.round(255 * np.array([*maps, *shades, *greys, to_rgb("#EEEEEE")])).astype(np.uint8)
    assert len(colours) <= 256
    image = Image.new("P", (1, 1))
    image.putpalette(colours.tobytes())
    return image


def _flat(artists) -> Iterable[Artist]:
    if isinstance(artists, Artist):
        if not isinstance(artists, Axes):
            yield artists
    elif isinstance(artists, Mapping):
        for value in artists.values():
            yield from _flat(value)
    elif isinstance(artists, Iterable):
        for value in artists:
            yield from _flat(value)
