"""Which learning rates a network stands, by method, and where its sharpest curvature goes while it learns."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from course_lib.figures.style import COLORS, GREY, new_figure, style


def draw_rates(
    rates: Sequence[float],
    losses: Mapping[str, Sequence[Sequence[float]]],
    chance: float,
    steps: Sequence[int],
    edges: Mapping[float, Sequence[float]],
) -> Figure:
    """On the left a loss against the learning rate, on the right learning rate times curvature against steps.

    Args:
        rates: the learning rates tried.
        losses: method -> one row a seed, (rates,) each.
        chance: the loss of who guesses, a dotted line.
        steps: at which the curvature was measured.
        edges: learning rate -> learning rate times the largest curvature, (steps,).
    """
    figure = new_figure(880, 330)
    with style():
        left, right = figure.subplots(1, 2, width_ratios=(1.25, 1))
        figure.subplots_adjust(left=0.07, right=0.965, top=0.88, bottom=0.16, wspace=0.24)
        for (method, rows), color in zip(losses.items(), COLORS, strict=False):
            for row in rows:
                left.plot(rates, row, color=color, lw=1.6, marker="o", ms=4)
            lowest = [min(at) for at in zip(*rows, strict=True)]
            best = min(range(len(rates)), key=lowest.__getitem__)
            left.annotate(method, (rates[best], lowest[best]), xytext=(0, -6), textcoords="offset points",
                          color=color, ha="center", va="top", fontsize=8.5)  # fmt: skip
        left.axhline(chance, color=GREY, lw=1, ls=":")
        left.annotate("chance", (rates[0], chance), xytext=(0, 3), textcoords="offset points", color=GREY, fontsize=8)
        left.set(xscale="log", xlabel="learning rate", ylabel="held-out loss", ylim=(0, 1.25 * chance))
        left.set_title("which rates work, by method")
        right.axhline(2, color=GREY, lw=1, ls=":")
        for (rate, row), color in zip(edges.items(), COLORS[3:], strict=False):
            right.plot(steps, row, color=color, lw=1.6, marker="o", ms=4)
            above = row[0] > 2  # on the side of the first dot that is away from the dotted line
            right.annotate(f"rate {rate:g}", (steps[0], row[0]), xytext=(6, 3 if above else -3), color=color,
                           textcoords="offset points", va="bottom" if above else "top", fontsize=8.5)  # fmt: skip
        right.margins(y=0.12)
        right.set(xlabel="step", ylabel="rate · largest curvature")
        right.set_ylim(bottom=0)
        right.set_title("the edge (2, dotted), on a network")
        for axes in (left, right):
            axes.minorticks_off()
            axes.grid(axis="y")
            axes.set_axisbelow(True)
    return figure
