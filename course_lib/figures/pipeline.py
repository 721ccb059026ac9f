"""What happens to data on their way into a model and out of it again: section 2.7."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from course_lib.figures.page import add_boxes, add_page, add_panel, boxes, write
from course_lib.figures.style import BLUE, GREY, INK, ORANGE, VERMILLION, new_figure, style

AMBER = "#B87400"  # for text, which orange is too light for
PAPER = "Greys"  # colour map of a picture: 0 is paper, 1 is ink


def draw_scaler(features: Sequence[str], before: tuple, after: tuple) -> Figure:
    """One row a feature: what was measured on the left, what a network gets on the right.

    Args:
        features: their names.
        before: raw rows, those to learn from and those put aside; (rows, features) each.
        after: the same rows scaled.
    """
    figure = new_figure(880, 330)
    rows = len(features)
    with style():
        panels = [add_panel(figure, 150, 34, 500, 286), add_panel(figure, 530, 34, 860, 286)]
        titles = ("as measured, each in units of its own", "in standard deviations from the mean")
        for axes, title, (known, unseen) in zip(panels, titles, (before, after), strict=True):
            axes.set_title(title)
            axes.set_ylim(rows - 0.4, -0.6)
            axes.set_yticks(range(rows), [])
            axes.grid(axis="y")
            axes.set_axisbelow(True)
            for data, color, up in ((known, BLUE, 0.13), (unseen, ORANGE, -0.17)):
                places = np.repeat(np.arange(rows)[None] - up, len(data), axis=0)
                axes.plot(data.ravel(), places.ravel(), "|", color=color, ms=5, mew=0.8, alpha=0.55)
        panels[0].set_yticklabels(features)
        panels[1].axvline(0, color=GREY, lw=0.8, ls=":")
        learned, aside = map(len, before)
        write(figure, 150, 317, f"▎{learned} rows to learn from", color=BLUE, fontsize=9)
        write(
            figure,
            330,
            317,
            f"▎{aside} put aside, scaled by the mean and spread of the blue ones",
            color=AMBER,
            fontsize=9,
        )
    return figure


def draw_pictures(rows: Mapping[str, Sequence[np.ndarray]], under: Mapping[str, Sequence[str]] | None = None) -> Figure:
    """Rows of pictures, all drawn equally large, so that pixels are as large as there is room.

    Args:
        rows: what is written beside a row -> its pictures, (height, width) each, 0 for paper and 1 for ink.
        under: what is written beside a row -> a word below each of its pictures.
    """
    under = under or {}
    most = max(map(len, rows.values()))
    side = min(76, 700 // most - 12)
    heights = [side + (30 if name in under else 14) for name in rows]
    figure = new_figure(880, 14 + sum(heights))
    top, frames = 12, []
    with style():
        page = add_page(figure)
        for (name, pictures), height in zip(rows.items(), heights, strict=True):
            write(figure, 20, top + side / 2, name, fontsize=9.5)
            for n, picture in enumerate(pictures):
                left = 165 + n * (side + 12)
                corners = (left, left + side, top + side, top)
                page.imshow(picture, cmap=PAPER, vmin=0, vmax=1, extent=corners, aspect="auto")
                frames.append((left, top))
                if name in under:
                    word = under[name][n]
                    write(figure, left + side / 2, top + side + 10, word, ha="center", fontsize=8.5, color=GREY)
            top += height
        page.set(xlim=(0, 880), ylim=(14 + sum(heights), 0))  # which a picture changes
        left, top = np.array(frames).T
        frame = add_boxes(page, facecolors="none", edgecolors="#BBBBBB", lw=0.7)
        frame.set_verts(boxes(left, top, left + side, top + side))
    return figure


def draw_stages(stages: Mapping[str, tuple[str, str]]) -> Figure:
    """The stages from left to right: what comes out of each, and below what spoils it.

    Args:
        stages: name -> what comes out of it and what spoils it, each in lines.
    """
    figure = new_figure(880, 190)
    with style():
        page = add_page(figure)
        edges = np.linspace(20, 868, len(stages) + 1)
        left, right = edges[:-1], edges[1:] - 14
        add_boxes(page, facecolors="#E8F1F8", edgecolors=BLUE, lw=0.8).set_verts(boxes(left, 16, right, 46))
        for x, end, (name, (out, spoils)) in zip(left, right, stages.items(), strict=True):
            write(figure, (x + end) / 2, 31, name, ha="center", weight="bold")
            look = {"va": "top", "fontsize": 8.5, "linespacing": 1.4}
            write(figure, x, 60, out, **look)
            write(figure, x, 122, spoils, **look | {"color": VERMILLION})
        for end in right[:-1]:
            page.annotate("", (end + 13, 31), (end + 1, 31), arrowprops={"arrowstyle": "->", "color": INK, "lw": 1})
    return figure
