"""Learning curves of several seeds, and what each network reached: one line or one point a seed."""

from collections.abc import Sequence
from itertools import cycle

import numpy as np
from matplotlib.figure import Figure

from course_lib.figures.style import COLORS, GREY, INK, new_figure, style

Curve = tuple[Sequence[float], Sequence[float]]  # steps, and the value at each of them; nan where there is none


def draw_curves(
    curves: dict[str, list[Curve]],
    caption: str,
    *,
    ylabel: str,
    xlabel: str = "updates",
    log: str = "",
    ylim: tuple[float, float] | None = None,
    levels: dict[str, float] | None = None,
    broke_off: dict[str, list[float | None]] | None = None,
    named_in: int = -1,
    colors: Sequence[str] = COLORS,
    note: str = "one line a seed",
) -> Figure:
    """One panel a network (or a way to train it), one line a seed, all panels on the same axes.

    Args:
        curves: name -> one curve a seed.
        caption: where the numbers come from.
        ylabel, xlabel: what is plotted, with units.
        log: which axes are logarithmic: "", "x", "y" or "xy".
        ylim: the range shown; a line that leaves it is cut off there.
        levels: name -> a value marked in every panel by a dotted line, for example chance.
        broke_off: name -> for each seed the step at which the training broke off, or None; a cross at the top.
        named_in: the number of the panel in which the levels' names stand, above their lines.
        colors: one a panel, from the first again where there are more panels.
        note: what stands at the bottom left.
    """
    figure = new_figure(880, 270)
    with style():
        panels = figure.subplots(1, len(curves), sharex=True, sharey=True, squeeze=False)[0]
        figure.subplots_adjust(left=0.075, right=0.985, top=0.9, bottom=0.285, wspace=0.09)
        for axes, (name, lines), color in zip(panels, curves.items(), cycle(colors), strict=False):
            axes.set_title(name, color=color)
            axes.set_xlabel(xlabel)
            axes.grid(axis="y")
            axes.set_axisbelow(True)
            for level in (levels or {}).values():
                axes.axhline(level, color=GREY, lw=1, ls=":")
            for steps, values in lines:
                values = np.asarray(values, dtype=float)
                axes.plot(steps[: len(values)], values, color=color, lw=1.2, alpha=0.75)
            for step in (broke_off or {}).get(name, []):
                if step is not None:  # the step along the axis, shares of the panel's height up
                    axes.plot(step, 0.97, "x", color=color, ms=7, mew=2, transform=axes.get_xaxis_transform())
        panels[0].set_ylabel(ylabel)
        if "x" in log:
            panels[0].set_xscale("log")
            panels[0].set_xticks([1, 10, 100])
            panels[0].minorticks_off()
        else:
            panels[0].xaxis.get_major_locator().set_params(integer=True)  # updates, orders and lengths are whole
        if "y" in log:
            panels[0].set_yscale("log")
        if ylim:
            panels[0].set_ylim(*ylim)
        for name, level in (levels or {}).items():
            panels[named_in].annotate(
                name, (0.98, level), xycoords=("axes fraction", "data"), xytext=(0, 2), textcoords="offset points",
                ha="right", va="bottom", color=GREY, fontsize=8,
            )  # fmt: skip
        _foot(figure, note, caption)
    return figure


def draw_dots(
    groups: dict[str, dict[str, Sequence[float]]],
    caption: str,
    *,
    xlabel: str,
    levels: dict[str, float] | None = None,
    xlim: tuple[float, float] | None = None,
    colors: Sequence[str] = COLORS,
    note: str = "one point a seed",
) -> Figure:
    """One panel a group, one row a network, one point a seed; points that coincide stand beneath each other.

    Args:
        groups: title of the panel -> network -> (seeds,), nan where a seed has no value.
        caption: where the numbers come from.
        xlabel: what is plotted, with units.
        levels: name -> a value marked in every panel by a dotted line, for example chance.
        xlim: the range shown.
        colors: one a row, from the first again where there are more rows.
        note: what stands at the bottom left.
    """
    rows = list(next(iter(groups.values())))
    figure = new_figure(880, 130 + 36 * len(rows))
    height = figure.get_figheight() * 100
    with style():
        panels = figure.subplots(1, len(groups), sharex=True, sharey=True, squeeze=False)[0]
        left = (24 + 6.2 * max(map(len, rows))) / 880  # room for the longest name
        figure.subplots_adjust(left=left, right=0.985, top=1 - 42 / height, bottom=76 / height, wspace=0.14)
        for axes, (title, networks) in zip(panels, groups.items(), strict=True):
            axes.set_title(title, pad=16)
            axes.set_xlabel(xlabel)
            axes.grid(axis="y")
            axes.set_axisbelow(True)
            for name, level in (levels or {}).items():
                axes.axvline(level, color=GREY, lw=1, ls=":")
                axes.annotate(
                    name, (level, 1), xycoords=("data", "axes fraction"), xytext=(0, 2), textcoords="offset points",
                    ha="center", va="bottom", color=GREY, fontsize=8,
                )  # fmt: skip
            for row, (name, color) in enumerate(zip(rows, cycle(colors), strict=False)):
                values = np.asarray(networks[name], dtype=float)
                offsets = np.linspace(-0.26, 0.26, len(values)) if len(values) > 1 else np.zeros(1)
                axes.plot(values, row + offsets, "o", color=color, ms=5.5, alpha=0.85)
        panels[0].set_yticks(range(len(rows)), rows)
        panels[0].set_ylim(len(rows) - 0.5, -0.5)
        if xlim:
            panels[0].set_xlim(*xlim)
        panels[0].locator_params(axis="x", nbins=4 if len(groups) > 1 else 6)
        _foot(figure, note, caption)
    return figure


def describe_dots(groups: dict[str, dict[str, Sequence[float]]]) -> str:
    """The medians in a sentence; of a row without any value, «none»."""

    def median(row: Sequence[float]) -> str:
        values = np.asarray(row, dtype=float)
        return "none" if np.isnan(values).all() else f"{np.nanmedian(values):.2f}"

    panels = (
        f"{title}: {', '.join(f'{name} {median(row)}' for name, row in rows.items())}" for title, rows in groups.items()
    )
    return f"Medians. {'; '.join(panels)}."


def _foot(figure: Figure, note: str, caption: str) -> None:
    bottom = 8 / (figure.get_figheight() * 100)
    figure.text(0.015, bottom, note, color=INK, fontsize=7.5)
    figure.text(0.985, bottom, caption, ha="right", color=GREY, fontsize=7.5)
