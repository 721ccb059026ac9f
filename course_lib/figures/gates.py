"""The picture of an LSTM reading a sentence: gates, cell and output in step with the words."""

from itertools import zip_longest

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from course_lib.figures.heatmap import HeatMap
from course_lib.figures.labels import RISE, Label, Labels, shortened
from course_lib.figures.style import BLUE, GREEN, GREY, INK, SHARE, SIGNED, VERMILLION

WIDTH, HEIGHT = 880, 630
LONGEST = 24  # words that fit under the picture
PANELS = {
    "write": ("write gate", SHARE, 0, 1),
    "forget": ("forget gate", SHARE, 0, 1),
    "read": ("read gate", SHARE, 0, 1),
    "cell": ("cell", SIGNED, -2, 2),
    "hidden": ("output", SIGNED, -1, 1),
}
PRAISE, NEXT_WORD = "The answer: praise?", "The answer: the next word"  # what a model may be asked
SCALES = {PRAISE: ("blame", "", "praise"), NEXT_WORD: ("1 in 10,000", "1 in 100", "certain")}  # at 0, 0.5 and 1
LONG = 13  # letters of a next word that are shown
LEFT, RIGHT, SIDE = 0.105, 0.695, 0.725  # the words' columns from LEFT to RIGHT, the numbers from SIDE
BARS = SIDE + 0.085, 0.115  # left edge and width of the answers' bars


STEP = (  # the equation of a cell: number, name, sign, height
    ("f", "forget gate", "", 0.715),
    ("before", "cell before", "×", 0.683),
    ("i", "write gate", "+", 0.651),
    ("g", "candidate", "×", 0.619),
    ("c", "cell", "=", 0.572),
    ("o", "read gate", "", 0.515),
    ("tanh", "tanh(cell)", "×", 0.483),
    ("h", "output", "=", 0.436),
)


def build_gates(figure: Figure) -> dict:
    """Make the panels; the artists that move come back by name."""
    artists: dict = {"labels": Labels(figure)}
    width = RIGHT - LEFT
    top = answer_axes(figure, (LEFT, 0.865, width, 0.115), named=False)
    artists["chance"] = [
        top.plot([], [], color=GREY, lw=1.3, ls=(0, (4, 2)), marker="o", ms=3)[0],
        top.plot([], [], color=VERMILLION, lw=2, marker="o", ms=4.5)[0],
        top.plot([], [], color=GREEN, lw=1.4, marker="x", ms=5, ls="")[0],
    ]
    pull = figure.add_axes((LEFT, 0.722, width, 0.04))
    pull.set(ylim=(0, 1), xticks=[], yticks=[])
    pull.spines["left"].set_visible(False)
    pull.text(-0.012, 0.35, "pull of word", transform=pull.transAxes, ha="right", va="center", color=GREY, fontsize=8.5)
    artists["pull"] = pull.add_collection(PolyCollection([], color=BLUE, lw=0), autolim=False)
    artists["axes"] = [top, pull]

    height, gap = 0.122, 0.0175
    for number, (name, (title, cmap, low, high)) in enumerate(PANELS.items()):
        axes = figure.add_axes((LEFT, 0.59 - number * (height + gap), width, height))
        artists[name] = build_panel(axes, title, cmap, low, high)
    _build_numbers(figure, artists)
    return artists


def answer_axes(
    figure: Figure, box: tuple[float, float, float, float], room: float = 0.04, named: bool = True
) -> Axes:
    """Axes at `box` for the chance of praise after each word, with so much room above 1 and below 0; their ends are
    named, or not."""
    axes = figure.add_axes(box)
    names = SCALES[PRAISE] if named else [""] * 3
    axes.set(ylim=(-room, 1 + room), xticks=[], yticks=[0, 0.5, 1], yticklabels=names)
    axes.grid(axis="y")
    axes.set_axisbelow(True)
    return axes


def word_labels(words: list[str], chosen: int, left: float, right: float, foot: float) -> list[Label]:
    """The words over their columns, slanted where they are many; the chosen one is bold.

    Args:
        words: of the sentence.
        chosen: the place of one of them.
        left, right: where the columns begin and end, in pixels.
        foot: where the letters stand, in pixels from the top.
    """
    column = (right - left) / len(words)
    slanted = sum(map(len, words)) + 2 * len(words) > 62
    align, share, turn, y = ("left", 0.3, 38, foot - 7) if slanted else ("center", 0.5, 0, foot - 9)
    size = 9.5 if len(words) <= 16 else 8.5
    return [
        Label(left + (place + share) * column, y, word, INK, align, place == chosen, size, turn=turn)
        for place, word in enumerate(words)
    ]


def build_panel(axes: Axes, title: str, cmap: str, low: float, high: float) -> dict[str, Artist]:
    """A heat map of units by words, with a frame for the chosen cell and one for what is held."""
    axes.text(-0.012, 0.5, title, transform=axes.transAxes, ha="right", va="center", color=INK)
    heat = HeatMap(axes, cmap, low, high)
    focus = axes.add_patch(Rectangle((0, 0), 1, 1, fill=False, ec=INK, lw=1.6, zorder=4, clip_on=False))
    focus.set_path_effects([withStroke(linewidth=3.4, foreground="white")])  # seen on dark cells too
    held = axes.add_patch(Rectangle((0, 0), 0, 0, fill=False, ec=VERMILLION, lw=2.4, zorder=5, clip_on=False))
    return {"heat": heat, "focus": focus, "held": held}


def show_panel(panel: dict[str, Artist], values: np.ndarray, cmap: str, low: float, high: float,
               chosen: tuple[int, int], held: tuple[int, int, int, int] | None) -> None:  # fmt: skip
    """Show `values` (units, time) between `low` and `high`, the chosen (word, row), and what is held: (first row, last
    row, first word, last word) or None."""
    _show_heat(panel["heat"], values, cmap, low, high)
    panel["focus"].set_xy(chosen)
    panel["held"].set_visible(held is not None)
    if held:
        first_row, last_row, first_word, last_word = held
        panel["held"].set_bounds(first_word, first_row, last_word - first_word + 1, last_row - first_row + 1)


def _show_heat(heat: HeatMap, values: np.ndarray, cmap: str, low: float, high: float) -> None:
    if (heat.cmap.name, heat.norm.vmin, heat.norm.vmax) != (cmap, low, high):  # a map's table is costly to make
        heat.set_map(cmap, low, high)
    heat.set_data(values)


def colour_key(axes: Axes, cmap: str, low: float, high: float) -> dict[str, Artist]:
    """A strip of a colour map with its ends named below it; `show_key` turns it into that of another one."""
    style = {"transform": axes.transAxes, "va": "top", "color": GREY, "fontsize": 8.5}
    key = {
        "heat": HeatMap(axes, cmap, low, high, lines=False),
        "below": axes.text(0, -0.35, "", ha="left", **style),
        "above": axes.text(1, -0.35, "", ha="right", **style),
    }
    show_key(key, cmap, low, high)
    return key


def show_key(key: dict[str, Artist], cmap: str, low: float, high: float) -> None:
    """Show the colours from `low` to `high` in a key that `colour_key` made."""
    _show_heat(key["heat"], np.linspace(low, high, 32)[None], cmap, low, high)
    below, above = ("0 closed", "1 open") if cmap == SHARE else (f"−{high}", f"+{high}")
    key["below"].set_text(below)
    key["above"].set_text(above)


def _build_numbers(figure: Figure, artists: dict) -> None:
    """The right-hand column: the answer, the equation of the chosen cell, the keys to the colours."""

    def write(x: float, y: float, text: str, **style):
        return figure.text(x, y, text, **{"color": INK, "va": "center"} | style)

    bars = figure.add_axes((BARS[0], 0.865, BARS[1], 0.065))
    bars.set(xlim=(0, 1), ylim=(2, 0), xticks=[], yticks=[])
    for side in ("left", "bottom"):
        bars.spines[side].set_visible(False)
    bars.axvspan(0, 1, color="#EEEEEE")
    bars.axvline(0.5, color=GREY, lw=0.8, ls=":")
    artists["bars"] = [
        bars.add_patch(Rectangle((0, row + 0.12), 0, 0.76, color=color, lw=0))
        for row, color in enumerate((GREY, VERMILLION))
    ]
    for _, name, sign, y in STEP:
        write(SIDE, y, sign, color=GREY)
        write(SIDE + 0.025, y, name, weight="bold" if sign == "=" else "normal")
    for y in (0.596, 0.46):
        figure.add_artist(Line2D([SIDE, SIDE + 0.21], [y, y], color=GREY, lw=0.8))
    artists["held_note"] = write(SIDE, 0.39, "", color=VERMILLION)
    artists["difference"] = write(SIDE, 0.335, "", color=GREY)
    artists["keys"] = {}
    for y, title, name in ((0.255, "gates", "write"), (0.16, "cell", "cell"), (0.065, "output", "hidden")):
        axes = figure.add_axes((SIDE + 0.07, y, 0.16, 0.022))
        artists["keys"][name] = colour_key(axes, *PANELS[name][1:])
        write(SIDE, y + 0.011, title, color=GREY)


def update_gates(artists: dict, data: dict) -> None:
    """Show one reading of a sentence.

    Args:
        artists: what `build_gates` returned.
        data: `words` (time,); `panels`, name -> (units, time); `difference`, whether the panels show clamped minus
            unclamped; `asked`, PRAISE or NEXT_WORD; `free`, `held` and, or None, `yours`: the chance of praise after
            each word, or how probable each word was when it came, (time,); `answers`, (verdict, probability) after the
            last word, as it is and clamped; `pull`, 0 to 1, (time,); `word` and `row`, the chosen cell; `clamped`,
            (gate, first row, last row, first word, last word) or None; `where` and `numbers`, the chosen cell's name
            and its equation.
    """
    words, count = data["words"], len(data["words"])
    centres = np.arange(count) + 0.5
    for axes in artists["axes"]:
        axes.set_xlim(0, count)
    lines = (data["free"], data["held"] if data["clamped"] else [], [] if data["yours"] is None else data["yours"])
    for line, values in zip(artists["chance"], lines, strict=True):
        line.set_data(centres[: len(values)], _heights(values, data["asked"]))
    bars = ((place + 0.25, place + 0.75, pull) for place, pull in enumerate(data["pull"]))
    artists["pull"].set_verts([[(left, 0), (left, top), (right, top), (right, 0)] for left, right, top in bars])

    gate, *held = data["clamped"] or (None,)
    for name, (_title, *look) in PANELS.items():
        look = (SIGNED, -1, 1) if data["difference"] else look
        if name in artists["keys"]:
            show_key(artists["keys"][name], *look)
        here = held if name == gate else None
        show_panel(artists[name], data["panels"][name], *look, (data["word"], data["row"]), here)

    shown = data["answers"] if data["clamped"] else data["answers"][:1]
    for bar, chance in zip_longest(artists["bars"], [share for _, share in shown], fillvalue=0):
        bar.set_width(chance)
    artists["labels"].show([*_answer_labels(data["asked"], shown), *_cell_labels(data),
                            *word_labels(words, data["word"], LEFT * WIDTH, RIGHT * WIDTH, 148)])  # fmt: skip
    here = data["clamped"] and within(held, data["word"], data["row"])
    artists["held_note"].set_text(f"the {gate} gate is held here" if here else "")
    artists["difference"].set_text(
        "panels: clamped − unclamped\norange lower, purple higher" if data["difference"] else ""
    )


def _answer_labels(asked: str, shown: list[tuple[str, float]]) -> list[Label]:
    """What is asked, the scale of the trace, and the answers beside their bars: as it is and, if `shown`, clamped."""
    labels = [_label(SIDE, 0.955, asked, bold=True)]
    for share, name in zip((0, 0.5, 1), SCALES[asked], strict=True):
        labels.append(_label(LEFT - 0.01, 0.865 + 0.115 * (share + 0.04) / 1.08, name, align="right"))
    for name, y, (says, share) in zip(("as it is", "clamped"), (0.914, 0.881), shown, strict=False):
        labels += [_label(SIDE, y, name), _label(SIDE + 0.255, y, f"{share:.0%}", align="right", bold=True)]
        if asked == NEXT_WORD:
            inside = share > 0.5  # where the word would not fit beside the bar
            x = BARS[0] + (0.005 if inside else BARS[1] * share + 0.006)
            labels.append(_label(x, y, shortened(says, LONG), "white" if inside else INK))
    return labels


def _cell_labels(data: dict) -> list[Label]:
    """The chosen cell's name and the numbers of its equation."""
    word, row = data["where"]
    labels = [_label(SIDE, 0.793, word, bold=True), _label(SIDE, 0.763, row, bold=True)]
    for name, _, sign, y in STEP:
        number = f"{data['numbers'][name]:.2f}".replace("-", "−")
        labels.append(_label(SIDE + 0.205, y, number, align="right", bold=sign == "=", mono=True))
    return labels


def _label(x: float, y: float, text: str, color: str = INK, **style) -> Label:
    """A label at shares of the figure's width and height, from the left and from the bottom, in line with the texts."""
    return Label(x * WIDTH, (1 - y) * HEIGHT - RISE, text, color, **style)


def _heights(values: np.ndarray, asked: str) -> np.ndarray:
    """Probabilities as heights from 0 to 1: those of words by their size, 1 in 10,000 and less at the bottom."""
    return values if asked == PRAISE else np.maximum(1 + np.log10(values) / 4, 0)


def within(held: tuple[int, int, int, int], word: int, row: int) -> bool:
    """Whether a cell lies in (first row, last row, first word, last word)."""
    first_row, last_row, first_word, last_word = held
    return first_row <= row <= last_row and first_word <= word <= last_word


def build_answer(figure: Figure) -> dict:
    """One bar from blame to praise, and below it the chance of praise after each word."""
    bar = figure.add_axes((0.105, 0.76, 0.79, 0.17))
    bar.set(xlim=(0, 1), ylim=(0, 1), xticks=[], yticks=[], facecolor="#EEEEEE")
    for spine in bar.spines.values():
        spine.set_visible(False)
    bar.axvline(0.5, color=GREY, lw=0.9, ls=":")
    for x, text, side in ((-0.012, "blame", "right"), (1.012, "praise", "left")):
        bar.text(x, 0.5, text, transform=bar.transAxes, ha=side, va="center", color=INK, weight="bold")
    trace = answer_axes(figure, (0.105, 0.29, 0.79, 0.36), room=0.06)
    trace.set_title("if the sentence ended here", color=GREY)
    return {
        "bar": bar.add_patch(Rectangle((0, 0), 0, 1, color=BLUE)),
        "chance": bar.text(0, 0.5, "", va="center", weight="bold"),
        "line": trace.plot([], [], color=BLUE, marker="o", ms=5)[0],
        "words": [trace.text(0, -0.16, "", ha="center", va="top", color=INK, clip_on=False) for _ in range(LONGEST)],
        "trace": trace,
    }


def update_answer(artists: dict, data: dict) -> None:
    """Show one answer: `words` (time,) and `chance` (time,), of praise after each of them."""
    chance, count = data["chance"], len(data["words"])
    artists["bar"].set_width(chance[-1])
    inside = chance[-1] > 0.2
    artists["chance"].set(x=chance[-1] + (-0.01 if inside else 0.01), ha="right" if inside else "left",
                          color="white" if inside else INK, text=f"{chance[-1]:.0%} praise")  # fmt: skip
    artists["trace"].set_xlim(0, count)
    artists["line"].set_data(np.arange(count) + 0.5, chance)
    slanted = sum(map(len, data["words"])) + 2 * count > 95
    for number, text in enumerate(artists["words"]):
        text.set_text(data["words"][number] if number < count else "")
        text.set(
            x=number + 0.5, rotation=30 if slanted else 0, ha="right" if slanted else "center", rotation_mode="anchor"
        )
