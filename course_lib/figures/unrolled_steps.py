"""A recurrent network unrolled over a short sentence, states one way and gradients the other: the recap of 4.1."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Rectangle

from course_lib.figures.heatmap import HeatMap
from course_lib.figures.style import BLUE, GREY, INK, SIGNED, VERMILLION, new_figure, style

WIDE, HIGH = 10.0, 3.9  # the drawing's own units


def draw_unrolled_steps(words: list[str], states: np.ndarray, pulls: np.ndarray, chance: float) -> Figure:
    """Draw one copy of the cell a word.

    Args:
        words: (time,), at most six.
        states: after each word, (time, units), between -1 and 1.
        pulls: the size of the answer's gradient by each word's vector, (time,).
        chance: the answer.
    """
    figure = new_figure(880, 345)
    with style():
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, WIDE), ylim=(0, HIGH))
        axes.axis("off")
        gap = 7.6 / len(words)

        def arrow(start, end, color):
            style_of = {"arrowstyle": "-|>", "mutation_scale": 12, "shrinkA": 0, "shrinkB": 0}
            axes.add_patch(FancyArrowPatch(start, end, color=color, lw=1.6, **style_of))

        def write(x, y, text, color=INK, **more):
            axes.text(x, y, text, color=color, **{"ha": "center", "va": "center"} | more)

        for step, word in enumerate(words):
            x = 1.45 + gap * step
            axes.add_patch(Rectangle((x - 0.3, 1.35), 0.6, 1.5, fill=False, ec=INK, lw=1.3))
            column = figure.add_axes(((x - 0.17) / WIDE, 1.45 / HIGH, 0.34 / WIDE, 1.3 / HIGH))
            HeatMap(column, SIGNED, -1, 1).set_data(states[step][:, None])
            write(x, 0.42, f"«{word}»", weight="bold")
            arrow((x, 0.62), (x, 1.33), BLUE)
            write(x + 0.08, 0.95, r"$W_{xh}$", BLUE, ha="left")
            arrow((x - gap + 0.32, 2.4), (x - 0.32, 2.4), BLUE) if step else arrow((0.55, 2.4), (1.13, 2.4), BLUE)
            if step:
                write(x - gap / 2, 2.6, r"$W_{hh}$", BLUE)
                arrow((x - 0.32, 1.75), (x - gap + 0.32, 1.75), VERMILLION)
            write(x, 3.05, rf"$h_{{{step + 1}}}$")
            write(x, 0.13, f"{pulls[step]:.2f}", VERMILLION)
        write(0.3, 2.4, r"$h_0 = 0$")
        last = 1.45 + gap * (len(words) - 1)
        arrow((last + 0.32, 2.4), (last + 0.9, 2.4), BLUE)
        arrow((last + 0.9, 1.75), (last + 0.32, 1.75), VERMILLION)
        write(last + 0.95, 2.1, f"praise\n{chance:.0%}", weight="bold", ha="left")
        write(last + 0.38, 0.2, "gradient of the\nanswer by the word", VERMILLION, ha="left", fontsize=8.5)
        write(1.15, 3.55, "the state goes on →", BLUE, ha="left")
        write(last + 0.3, 3.55, "← the error comes back", VERMILLION, ha="right")
        write((1.15 + last + 0.3) / 2, 3.55, "the same weights in every copy", GREY)
    return figure
