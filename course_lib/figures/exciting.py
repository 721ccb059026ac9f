"""What excites the channels of a network: for each layer some channels, for each channel the pieces it answers to."""

import numpy as np
from matplotlib.figure import Figure

from course_lib.figures.style import COLORS, GREY, INK, SHARE, new_figure, style

WIDTH, TOP, BOTTOM, EDGE = 880, 34, 28, 10  # pixels
NAMES = 76  # to the right of a row, for the digits
GAP = 0.1  # between two pieces, as a share of one


def draw_exciting(layers: dict[str, tuple[np.ndarray, np.ndarray]], caption: str) -> Figure:
    """One panel a layer, one row a channel, its strongest piece first; on the right the digits that they come from.

    Args:
        layers: title of the panel -> pieces, (channels, best, side, side), from 0 for paper to 1 for ink, and the
            digits, (channels, best).
        caption: where the numbers come from.
    """
    channels, best = next(iter(layers.values()))[1].shape
    column = (WIDTH - 2 * EDGE) / len(layers)  # pixels across for a panel and its names
    size = (column - NAMES) / best  # of a piece, in pixels
    height = TOP + channels * size + BOTTOM
    figure = new_figure(WIDTH, round(height))
    with style():
        for n, ((title, (pieces, digits)), color) in enumerate(zip(layers.items(), COLORS, strict=False)):
            place = (EDGE + n * column) / WIDTH, BOTTOM / height, best * size / WIDTH, channels * size / height
            axes = figure.add_axes(place, frameon=False)
            axes.set_title(title, color=color)
            for row, (of_channel, named) in enumerate(zip(pieces, digits, strict=True)):
                for place, piece in enumerate(of_channel):
                    box = (place + GAP / 2, place + 1 - GAP / 2, row + 1 - GAP / 2, row + GAP / 2)
                    axes.imshow(piece, cmap=SHARE, vmin=0, vmax=1, extent=box, interpolation="nearest")
                axes.text(best + 0.1, row + 0.5, " ".join(map(str, named)), va="center", fontsize=8, color=INK)
            axes.set(xlim=(0, best), ylim=(channels, 0), xticks=[], yticks=[])  # imshow moves them
        figure.text(0.985, 8 / height, caption, ha="right", color=GREY, fontsize=7.5)
    return figure
