"""Two notions of fairness against each other: what every threshold and every remedy makes of both."""

from collections.abc import Mapping, Sequence
from itertools import cycle

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from course_lib.figures.style import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, VERMILLION, new_figure, style

Gaps = tuple[float, float]  # of those selected, of those found
LOOKS = ((VERMILLION, "o"), (ORANGE, "s"), (BLUE, "D"), (GREEN, "^"), (PURPLE, "v"), (INK, "*"))


def draw_gaps(worlds: Mapping[str, tuple[Sequence[Gaps], Mapping[str, Gaps]]], reach: float = 0.42) -> Figure:
    """A panel a world: across, how much likelier group 0 is selected; up, how much likelier its worthy are found.

    Args:
        worlds: title -> the gaps along the line of one group's thresholds, and the gaps of each remedy by its name; the
            same names in each world.
        reach: of both axes.
    """
    figure = new_figure(880, 360)
    names = list(next(iter(worlds.values()))[1])
    with style():
        panels = figure.subplots(1, len(worlds), sharex=True, sharey=True)
        figure.subplots_adjust(left=0.085, right=0.755, top=0.9, bottom=0.15, wspace=0.08)
        for axes, (title, (line, remedies)) in zip(panels, worlds.items(), strict=True):
            axes.set(title=title, xlim=(-reach, reach), ylim=(-reach, reach), xlabel="gap of those selected")
            axes.axhline(0, color=GREY, lw=0.8)
            axes.axvline(0, color=GREY, lw=0.8)
            axes.plot(*zip(*line, strict=True), color=GREY, lw=1.4, ls=(0, (4, 2)))
            for (color, marker), name in zip(cycle(LOOKS), remedies, strict=False):
                axes.plot(*remedies[name], marker, color=color, ms=9, mew=0, label=name, clip_on=False)
        panels[0].set_ylabel("gap of the worthy that are found")
        for row, ((color, marker), name) in enumerate(zip(cycle(LOOKS), names, strict=False)):
            y = 0.84 - 0.085 * row
            figure.add_artist(Line2D([0.775], [y], color=color, marker=marker, ms=9, mew=0, ls=""))
            figure.text(0.795, y, name, va="center", color=INK, fontsize=9)
        y = 0.84 - 0.085 * len(names) - 0.02
        figure.text(0.765, y, "- -", va="center", color=GREY, fontsize=9)
        figure.text(0.795, y - 0.02, "the threshold of\ngroup 1 moves", va="center", color=GREY, fontsize=9)
    return figure
