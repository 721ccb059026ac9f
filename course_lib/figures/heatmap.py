"""Heat maps that are cheap to redraw."""

import numpy as np
from matplotlib import colormaps
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import Normalize

WHITE, FRAME = (np.array(rgba, dtype=np.uint8).view(np.uint32)[0] for rgba in ([255] * 4, [190, 190, 190, 255]))


class HeatMap(Artist):
    """A grid of coloured cells that fills its axes, row 0 at the top.

    Drawn straight into the pixels: an `AxesImage` is resampled at each draw, which costs 3 ms a panel. The axes' x then
    counts columns and y rows from the top, whatever the grid's size.

    Args:
        axes: where it lies; its ticks and limits are taken over.
        cmap: a matplotlib colour map's name.
        low, high: the values at the ends of the colour map.
        lines: with hair lines between the cells.
    """

    def __init__(self, axes: Axes, cmap: str, low: float, high: float, lines: bool = True):
        super().__init__()
        self.set_figure(axes.figure)
        self.set_map(cmap, low, high)
        self.values, self.lines = np.zeros((1, 1)), lines
        axes.add_artist(self)
        axes.set(xticks=[], yticks=[], xlim=(0, 1), ylim=(1, 0))
        for spine in axes.spines.values():
            spine.set_visible(False)

    def set_map(self, cmap: str, low: float, high: float) -> None:
        """Show with another colour map, between other ends."""
        self.cmap, self.norm = colormaps[cmap], Normalize(low, high, clip=True)

    def set_data(self, values: np.ndarray) -> None:
        """Show `values`, (rows, columns)."""
        values, before = np.asarray(values, dtype=float), self.values.shape
        self.values = values
        if values.shape != before:  # moving the limits costs more than the painting
            rows, columns = values.shape
            self.axes.set(xlim=(0, columns), ylim=(rows, 0))
        self.stale = True

    def draw(self, renderer) -> None:
        left, bottom, right, top = (round(edge) for edge in self.axes.bbox.extents)
        rows, columns = self.values.shape
        colours = self.cmap(self.norm(self.values), bytes=True)  # (rows, columns, 4)
        row = np.arange(top - bottom) * rows // (top - bottom)
        column = np.arange(right - left) * columns // (right - left)
        packed = np.ascontiguousarray(colours).view(np.uint32)[..., 0]  # a colour as one number: a quarter of the moves
        pixels = packed[row[:, None], column]  # (pixels down, pixels across)
        if self.lines:
            pixels[1:][row[1:] != row[:-1]] = WHITE
            pixels[:, 1:][:, column[1:] != column[:-1]] = WHITE
        pixels[[0, -1]] = pixels[:, [0, -1]] = FRAME
        pixels = pixels.view(np.uint8).reshape(*pixels.shape, 4)
        gc = renderer.new_gc()
        renderer.draw_image(gc, left, bottom, pixels[::-1])  # the renderer counts rows from the bottom
        gc.restore()
        self.stale = False
