"""The picture of an LSTM reading a sentence: gates, cell and output in step with the words."""

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from matplotlib.text import Text

from course_lib.figures.heatmap import HeatMap
from course_lib.figures.labels import shortened
from course_lib.figures.style import BLUE, GREEN, GREY, INK, SHARE, SIGNED, VERMILLION

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


def build_gates(figure: Figure) -> dict:
    """Make the panels; the artists that move come back by name."""
    artists: dict = {}
    width = RIGHT - LEFT
    top = answer_axes(figure, (LEFT, 0.865, width, 0.115), named=False)
    artists["scale"] = [
        top.text(-0.012, y, "", transform=top.get_yaxis_transform(), ha="right", va="center", color=INK, fontsize=8.5)
        for y in (0, 0.5, 1)
    ]
    artists["chance"] = [
        top.plot([], [], color=GREY, lw=1.3, ls=(0, (4, 2)), marker="o", ms=3)[0],
        top.plot([], [], color=VERMILLION, lw=2, marker="o", ms=4.5)[0],
        top.plot([], [], color=GREEN, lw=1.4, marker="x", ms=5, ls="")[0],
    ]
    words = figure.add_axes((LEFT, 0.765, width, 0.085))
    artists["words"] = build_words(words)
    pull = figure.add_axes((LEFT, 0.722, width, 0.04))
    pull.set(ylim=(0, 1), xticks=[], yticks=[])
    pull.spines["left"].set_visible(False)
    pull.text(-0.012, 0.35, "pull of word", transform=pull.transAxes, ha="right", va="center", color=GREY, fontsize=8.5)
    artists["pull"] = [pull.add_patch(Rectangle((0, 0), 0.5, 0, color=BLUE, lw=0)) for _ in range(LONGEST)]
    artists["axes"] = [top, words, pull]

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


def build_words(axes: Axes) -> list[Text]:
    """Room for the words of a sentence, each over its column."""
    axes.axis("off")
    axes.set(ylim=(0, 1))
    return [axes.text(0, 0, "", ha="center", va="bottom", color=INK) for _ in range(LONGEST)]


def show_words(texts: list[Text], words: list[str], chosen: int) -> None:
    """Write the words over their columns, slanted where they are many; the chosen one is bold."""
    count = len(words)
    slanted = sum(map(len, words)) + 2 * count > 62
    for number, text in enumerate(texts):
        text.set_text(words[number] if number < count else "")
        text.set_x(number + 0.5 if not slanted else number + 0.35)
        text.set(rotation=38 if slanted else 0, ha="left" if slanted else "center", rotation_mode="anchor")
        text.set_fontsize(9.5 if count <= 16 else 8.5)
        text.set_fontweight("bold" if number == chosen else "normal")


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
    heat = panel["heat"]
    if (heat.cmap.name, heat.norm.vmin, heat.norm.vmax) != (cmap, low, high):  # a map's table is costly to make
        heat.set_map(cmap, low, high)
    heat.set_data(values)
    panel["focus"].set_xy(chosen)
    panel["held"].set_visible(held is not None)
    if held:
        first_row, last_row, first_word, last_word = held
        panel["held"].set_bounds(first_word, first_row, last_word - first_word + 1, last_row - first_row + 1)


def colour_key(axes: Axes, cmap: str, low: float, high: float) -> None:
    """A strip of a colour map with its ends named below it."""
    HeatMap(axes, cmap, low, high, lines=False).set_data(np.linspace(low, high, 32)[None])
    below, above = ("0 closed", "1 open") if cmap == SHARE else (f"−{high}", f"+{high}")
    axes.text(0, -0.35, below, transform=axes.transAxes, ha="left", va="top", color=GREY, fontsize=8.5)
    axes.text(1, -0.35, above, transform=axes.transAxes, ha="right", va="top", color=GREY, fontsize=8.5)


def _build_numbers(figure: Figure, artists: dict) -> None:
    """The right-hand column: the answer, the equation of the chosen cell, the keys to the colours."""

    def write(x: float, y: float, text: str, **style):
        return figure.text(x, y, text, **{"color": INK, "va": "center"} | style)

    artists["asked"] = write(SIDE, 0.955, "", weight="bold")
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
    artists["answers"] = [write(SIDE, y, "") for y in (0.914, 0.881)]
    artists["says"] = [write(0, y, "") for y in (0.914, 0.881)]
    artists["chances"] = [write(SIDE + 0.255, y, "", ha="right", weight="bold") for y in (0.914, 0.881)]

    artists["where"] = write(SIDE, 0.778, "", weight="bold", linespacing=1.35)
    for y, name, sign in ((0.715, "forget gate", ""), (0.683, "cell before", "×"), (0.651, "write gate", "+"),
                          (0.619, "candidate", "×"), (0.572, "cell", "="), (0.515, "read gate", ""),
                          (0.483, "tanh(cell)", "×"), (0.436, "output", "=")):  # fmt: skip
        write(SIDE, y, sign, color=GREY)
        write(SIDE + 0.025, y, name, color=INK, weight="bold" if sign == "=" else "normal")
    for y in (0.596, 0.46):
        figure.add_artist(Line2D([SIDE, SIDE + 0.21], [y, y], color=GREY, lw=0.8))
    artists["numbers"] = {
        name: write(SIDE + 0.205, y, "", ha="right", weight=weight, family="DejaVu Sans Mono")
        for name, y, weight in (
            ("f", 0.715, "normal"),
            ("before", 0.683, "normal"),
            ("i", 0.651, "normal"),
            ("g", 0.619, "normal"),
            ("c", 0.572, "bold"),
            ("o", 0.515, "normal"),
            ("tanh", 0.483, "normal"),
            ("h", 0.436, "bold"),
        )
    }
    artists["held_note"] = write(SIDE, 0.39, "", color=VERMILLION)
    artists["difference"] = write(SIDE, 0.335, "", color=GREY)
    for y, title, name in ((0.255, "gates", "write"), (0.16, "cell", "cell"), (0.065, "output", "hidden")):
        axes = figure.add_axes((SIDE + 0.07, y, 0.16, 0.022))
        colour_key(axes, *PANELS[name][1:])
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
    for text, name in zip(artists["scale"], SCALES[data["asked"]], strict=True):
        text.set_text(name)
    show_words(artists["words"], words, data["word"])
    for number, bar in enumerate(artists["pull"]):
        bar.set_bounds(number + 0.25, 0, 0.5, data["pull"][number] if number < count else 0)

    gate, *held = data["clamped"] or (None,)
    for name, (_title, *look) in PANELS.items():
        look = (SIGNED, -1, 1) if data["difference"] else look
        here = held if name == gate else None
        show_panel(artists[name], data["panels"][name], *look, (data["word"], data["row"]), here)

    artists["asked"].set_text(data["asked"])
    rows = zip(("as it is", "clamped"), data["answers"], artists["bars"], artists["answers"], artists["says"],
               artists["chances"], strict=True)  # fmt: skip
    for name, (says, chance), bar, text, verdict, number in rows:
        shown = bool(data["clamped"]) or name != "clamped"
        bar.set_width(chance if shown else 0)
        text.set_text(name if shown else "")
        verdict.set_text(shortened(says, LONG) if shown and data["asked"] == NEXT_WORD else "")
        inside = chance > 0.5  # where the word would not fit beside the bar
        verdict.set(x=BARS[0] + (0.005 if inside else BARS[1] * chance + 0.006), color="white" if inside else INK)
        number.set_text(f"{chance:.0%}" if shown else "")
    artists["where"].set_text(data["where"])
    for name, text in artists["numbers"].items():
        text.set_text(f"{data['numbers'][name]:.2f}".replace("-", "−"))
    here = data["clamped"] and within(held, data["word"], data["row"])
    artists["held_note"].set_text(f"the {gate} gate is held here" if here else "")
    artists["difference"].set_text(
        "panels: clamped − unclamped\norange lower, purple higher" if data["difference"] else ""
    )


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
    inside = chance[-1] > 0.12
    artists["chance"].set(x=chance[-1] + (-0.01 if inside else 0.01), ha="right" if inside else "left",
                          color="white" if inside else INK, text=f"{chance[-1]:.0%}")  # fmt: skip
    artists["trace"].set_xlim(0, count)
    artists["line"].set_data(np.arange(count) + 0.5, chance)
    slanted = sum(map(len, data["words"])) + 2 * count > 95
    for number, text in enumerate(artists["words"]):
        text.set_text(data["words"][number] if number < count else "")
        text.set(
            x=number + 0.5, rotation=30 if slanted else 0, ha="right" if slanted else "center", rotation_mode="anchor"
        )
