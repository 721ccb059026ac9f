"""A recurrent network reading a sentence: its state after every word, and its answer so far."""

import numpy as np
from matplotlib.figure import Figure

from course_lib.figures.gates import LONGEST, answer_axes
from course_lib.figures.heatmap import HeatMap
from course_lib.figures.style import GREY, INK, SIGNED, VERMILLION

LEFT, WIDTH = 0.105, 0.75


def build_reading(figure: Figure) -> dict:
    """Make the answer above, the state below it, a column a word; the artists that move come back by name."""
    answer = answer_axes(figure, (LEFT, 0.73, WIDTH, 0.2), room=0.06)
    state = figure.add_axes((LEFT, 0.27, WIDTH, 0.41))
    state.text(-0.012, 0.5, "state,\none row\na unit", transform=state.transAxes, ha="right", va="center", color=INK)
    below = figure.add_axes((LEFT, 0.02, WIDTH, 0.23))
    below.axis("off")
    below.set(ylim=(0, 1))
    key = figure.add_axes((0.88, 0.42, 0.012, 0.26))
    HeatMap(key, SIGNED, -1, 1, lines=False).set_data(np.linspace(1, -1, 32)[:, None])
    for y, text in ((1, "+1"), (0.5, "0"), (0, "−1")):
        key.text(1.5, y, text, transform=key.transAxes, va="center", color=GREY, fontsize=8.5)
    return {
        "axes": (answer, below),
        "line": answer.plot([], [], color=VERMILLION, lw=2, marker="o", ms=4.5)[0],
        "last": answer.text(1.015, 0, "", transform=answer.get_yaxis_transform(), va="center", weight="bold"),
        "heat": HeatMap(state, SIGNED, -1, 1),
        "words": [below.text(0, 0, "", va="top", color=INK) for _ in range(LONGEST)],
    }


def update_reading(artists: dict, data: dict) -> None:
    """Show one reading.

    Args:
        artists: what `build_reading` returned.
        data: `words` (time,); `states` (time, units), from -1 to 1; `chance` of praise after each word, (time,).
    """
    words, count = data["words"], len(data["words"])
    for axes in artists["axes"]:
        axes.set_xlim(0, count)
    artists["line"].set_data(np.arange(count) + 0.5, data["chance"])
    artists["last"].set(text=f"{data['chance'][-1]:.0%} praise", y=data["chance"][-1])
    artists["heat"].set_data(data["states"].T)
    slanted = sum(map(len, words)) + 2 * count > 62
    for number, text in enumerate(artists["words"]):
        text.set_text(words[number] if number < count else "")
        text.set(x=number + 0.5, y=0.95, rotation=-38 if slanted else 0, ha="left" if slanted else "center")
        text.set(rotation_mode="anchor", fontsize=9.5 if count <= 16 else 8.5)
