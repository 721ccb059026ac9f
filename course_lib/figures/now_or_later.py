"""When things happen in a program that runs at once, in a graph that runs later, and in a compiled one."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from course_lib.figures.labels import fitting
from course_lib.figures.page import add_boxes, add_page, boxes, write
from course_lib.figures.roofline import with_prefix
from course_lib.figures.style import GREEN, GREY, INK, PURPLE, SKY, VERMILLION, new_figure, style

KINDS = {"compute": GREEN, "describe": SKY, "rewrite": PURPLE, "go back": VERMILLION}
WIDTH, LEFT, RIGHT, TOP, ROW, BOX, GAP = 880, 150, 860, 34, 64, 46, 6


def draw_now_or_later(rows: Mapping[str, Sequence[tuple[str, str, float]]]) -> Figure:
    """One row for each way to run a program: what happens from left to right, coloured by its kind.

    Args:
        rows: name -> kind (one of `KINDS`), words, and seconds of each thing that happens.
    """
    figure = new_figure(WIDTH, TOP + ROW * len(rows) - 14)
    with style():
        page = add_page(figure)
        for n, (name, things) in enumerate(rows.items()):
            top = TOP + n * ROW
            write(figure, LEFT - 14, top + BOX / 2, name, ha="right", weight="bold")
            room = (RIGHT - LEFT) / max(len(things) for things in rows.values())
            for place, (kind, words, seconds) in enumerate(things):
                left = LEFT + place * room
                box = add_boxes(page, facecolor=KINDS[kind], alpha=0.22, lw=1.2, edgecolor=KINDS[kind])
                box.set_verts(boxes([left], [top], [left + room - GAP], [top + BOX]))
                middle = left + (room - GAP) / 2
                write(figure, middle, top + 15, words, ha="center", color=INK, fontsize=fitting(words, room - 16, 9))
                takes = with_prefix(seconds, "s")
                write(figure, middle, top + 32, takes, ha="center", color=INK, fontsize=8.5, weight="bold")
        write(figure, LEFT, TOP - 16, "time goes to the right; boxes are not to scale", color=GREY, fontsize=8.5)
    return figure
