"""The picture of a language model that writes: its text, its state, what it draws the next word from, and the trade
between repetition and nonsense."""

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from course_lib.figures.heatmap import HeatMap
from course_lib.figures.labels import Label, Labels, fitting, width_of
from course_lib.figures.page import add_boxes, add_colour_key, add_page, add_panel, boxes, pixels_at, write
from course_lib.figures.style import BLUE, GREEN, GREY, INK, ORANGE, SIGNED, VERMILLION

WIDTH, HEIGHT = 880, 574  # screen pixels
EDGE = 16  # of the text
LEFT, RIGHT, SIDE, END = 62, 564, 592, 866  # the words' columns from LEFT to RIGHT, the distribution from SIDE to END
LINE, LINES, TOP = 19, 7, 44  # of the text: a line's height, how many, where the first one stands
MOST_BITS, FULL_TINT = 16, 10
PALE_GREY = "#DDDDDD"
DARK_ORANGE = tuple(0.68 * np.array(to_rgb(ORANGE)))  # for letters
BARS, BARS_END, ROW = 704, 770, 19  # the bars from left to right, a row's height
SCALE_Y = TOP + 11 * ROW + 8  # below the bars
ENDS = (0.1, 0.2, 0.5, 1.0)  # the bars' scale ends at one of these
MARKED = (0.0, 0.6, 1.0, 1.4)  # temperatures that are written beside their points


def build_generation(figure: Figure, units: int, of_units: int) -> dict:
    """Make the panels; the artists that move come back by name.

    Args:
        figure: an empty one of WIDTH by HEIGHT screen pixels.
        units: rows of the heat map.
        of_units: that the model has.
    """
    page = add_page(figure)
    write(figure, EDGE, 18, "The text", weight="bold")
    write(figure, RIGHT, 18, "10 bits or more", color=GREY, ha="right", fontsize=8.5)
    write(figure, RIGHT - 178, 18, "a word's surprise: 0", color=GREY, ha="right", fontsize=8.5)
    steps = np.arange(FULL_TINT)
    key = add_boxes(page, fc=_tints(steps + 1))
    key.set_verts(boxes(RIGHT - 174 + 7.5 * steps, 12, RIGHT - 174 + 7.5 * (steps + 1), 24))
    write(figure, SIDE, SCALE_Y, "pale: the model", color=GREY, fontsize=8.5)
    write(figure, BARS, SCALE_Y, "0", color=GREY, ha="center", fontsize=8.5)
    return {
        "labels": Labels(figure),
        "grounds": add_boxes(page, antialiaseds=False),
        "chosen": page.add_patch(Rectangle((0, 0), 0, 0, fill=False, ec=INK, lw=1.6, zorder=4)),
        "model": add_boxes(page, antialiaseds=False),
        "drawn": add_boxes(page, antialiaseds=False),
        **_build_columns(figure, units, of_units),
        **_build_trade(figure),
    }


def _build_columns(figure: Figure, units: int, of_units: int) -> dict:
    """The words' surprise, and below it the state in step with them."""
    write(figure, LEFT, 196, "▮ surprise: −log₂ P(word)", color=DARK_ORANGE)
    write(figure, RIGHT, 196, "━ the model's entropy: the surprise it expects", color=BLUE, ha="right")
    bits = add_panel(figure, LEFT, 208, RIGHT, 314)
    bits.set(ylim=(0, MOST_BITS), xticks=[], yticks=[0, 4, 8, 12, 16], ylabel="bits")
    bits.grid(axis="y")
    bits.set_axisbelow(True)
    write(figure, LEFT, 330, "hidden state, one row a unit")
    state = add_panel(figure, LEFT, 342, RIGHT, 528)
    state.text(-0.012, 0.5, f"{units} of\n{of_units}\nunits", transform=state.transAxes, ha="right", va="center",
               color=GREY, fontsize=8.5)  # fmt: skip
    add_colour_key(figure, RIGHT - 120, RIGHT - 24, 330, SIGNED, -1, 1, ("−1", "+1"))
    write(figure, (LEFT + RIGHT) / 2, 562, "word of the text", color=GREY, ha="center", fontsize=8.5)
    focus = [
        axes.add_patch(Rectangle((0, 0), 1, rows, fill=False, ec=INK, lw=1.4, zorder=4, clip_on=False))
        for axes, rows in ((bits, MOST_BITS), (state, units))
    ]
    focus[1].set_path_effects([withStroke(linewidth=2.6, foreground="white")])  # seen on dark cells too
    return {
        "bits": bits,
        "surprise": add_boxes(bits, fc=ORANGE),
        "entropy": bits.plot([], [], color=BLUE, lw=1.6, drawstyle="steps-mid")[0],
        "heat": HeatMap(state, SIGNED, -1, 1),
        "focus": focus,
    }


def _build_trade(figure: Figure) -> dict:
    write(figure, SIDE, 350, "Repetition or nonsense?", weight="bold")
    plane = add_panel(figure, 652, 382, 858, 512)
    plane.set(
        xscale="log", xlim=(1, 20_000), ylim=(-0.06, 1.06), yticks=[0, 0.5, 1], yticklabels=["0 %", "50 %", "100 %"]
    )
    plane.set_xticks([1, 10, 100, 1000, 10_000], ["1", "10", "100", "1,000", "10,000"])
    plane.minorticks_off()
    plane.set(xlabel="perplexity of the text")
    plane.set_ylabel("repeated 4-word groups", fontsize=8)
    plane.grid()
    plane.set_axisbelow(True)
    for x, name, color in ((0, "● this text", VERMILLION), (74, "★ real text", GREEN)):
        write(figure, SIDE + x, 562, name, color=color, fontsize=8.5)
    return {
        "plane": plane,
        "curve": plane.plot([], [], color=GREY, lw=1, marker="o", ms=3.5)[0],
        "real": plane.plot([], [], color=GREEN, marker="*", ms=13, ls="", mec="white", clip_on=False)[0],
        "here": plane.plot([], [], color=VERMILLION, marker="o", ms=9, mec="white", mew=1.2, clip_on=False)[0],
    }


def _tints(bits: np.ndarray) -> np.ndarray:
    """White for no surprise, orange for a large one, (words, 3)."""
    return _paler(ORANGE, np.clip(bits / FULL_TINT, 0, 1)[:, None])


def _paler(color: str, share: float | np.ndarray) -> np.ndarray:
    """So much of a colour, the rest white: (3,), or (words, 3) for a share (words, 1)."""
    return 1 - share * (1 - np.array(to_rgb(color)))


def update_generation(artists: dict, data: dict) -> None:
    """Show one text.

    Args:
        artists: what `build_generation` returned.
        data: `prompt` and `written`, the words; `gaps` (prompt + written,) bool, whether a space stands before each;
            `place`, the chosen one of the written; `surprise` and `entropy` (written,) in bits; `states` (units,
            written); `choices`, a dict a row: `word`, `model` and `drawn`, its probabilities, `rank`, `written`;
            `reshaped`, whether the two differ; `can`, how many words may be drawn, of `words`, and `share`, what the
            model gives them; `entropies`, the model's and that of what is drawn from; `perplexity`, `repeated`, of the
            text; `curve`, (temperatures, perplexities, repeated) or None; `real`, (perplexity, repeated).
    """
    artists["labels"].show(
        [
            *_show_text(artists, data),
            *_show_columns(artists, data),
            *_show_choices(artists, data),
            *_counts(data),
            *_show_trade(artists, data),
        ]
    )


def _show_text(artists: dict, data: dict) -> list[Label]:
    """The words one after the other, each on a ground that says how much it surprises the model."""
    words, first = [*data["prompt"], *data["written"]], len(data["prompt"])
    left, right, line = _lines(words, data["gaps"])
    above = max(line[-1] - LINES + 1, 0)  # lines for which there is no room: the first ones
    middle, shown = TOP + LINE * (line - above), line >= above
    labels = [
        Label(left[place], middle[place], words[place], GREY if place < first else INK)
        for place in np.flatnonzero(shown)
    ]
    if above:
        labels.append(Label(80, 18, "…", GREY))
    tinted = first + np.flatnonzero(shown[first:])  # the written words in sight
    artists["grounds"].set_verts(boxes(left[tinted] - 1, middle[tinted] - 8.5, right[tinted] + 1, middle[tinted] + 8.5))
    artists["grounds"].set_facecolor(_tints(data["surprise"][tinted - first]))
    at = first + data["place"]
    artists["chosen"].set_bounds(left[at] - 1.5, middle[at] - 9, right[at] - left[at] + 3, 18)
    artists["chosen"].set_visible(bool(shown[at]))
    return labels


def _lines(words: list[str], gaps: list[bool]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The left and the right edge of each word and its line, counted from 0, when they are set in lines: (words,)."""
    space, x, line, places = width_of(" "), EDGE, 0, []
    for word, gap in zip(words, gaps, strict=True):
        width = width_of(word)
        x += space if gap and x > EDGE else 0
        if x + width > RIGHT and x > EDGE:
            x, line = EDGE, line + 1
        places.append((x, x + width, line))
        x += width
    return tuple(np.array(places).T)


def _show_columns(artists: dict, data: dict) -> list[Label]:
    """The surprise of each written word and the state after it; below them the chosen word and every eighth number."""
    count, place, bits = len(data["written"]), data["place"], artists["bits"]
    if bits.get_xlim() != (0, count):
        bits.set_xlim(0, count)
    numbers = np.arange(count)
    artists["surprise"].set_verts(boxes(numbers + 0.12, 0, numbers + 0.88, data["surprise"]))
    artists["entropy"].set_data([0, *numbers + 0.5, count], data["entropy"][[0, *numbers, -1]])
    artists["heat"].set_data(data["states"])
    for frame in artists["focus"]:
        frame.set_x(place)
    column = (RIGHT - LEFT) / count
    chosen = f"{place + 1} «{data['written'][place]}»"
    half = width_of(chosen, bold=True) / 2
    middle = np.clip(LEFT + (place + 0.5) * column, LEFT + half - 30, RIGHT - half)
    labels = [Label(middle, 542, chosen, align="center", bold=True)]
    for number in (1, *range(8, count + 1, 8)):
        x = LEFT + (number - 0.5) * column
        if abs(x - middle) > half + 12:
            labels.append(Label(x, 542, str(number), GREY, "center", size=8.5))
    return labels


def _show_choices(artists: dict, data: dict) -> list[Label]:
    """The model's most probable words, and what is left of them to draw from."""
    heard = [*data["prompt"], *data["written"]][: len(data["prompt"]) + data["place"]][-3:]
    after = f"after «… {' '.join(heard)}»" if heard else "which begins the paragraph"
    title = f"Word {data['place'] + 1}, {after}"
    labels = [Label(SIDE, 18, title, bold=True, size=fitting(title, END - SIDE, bold=True))]
    rows = data["choices"]
    middles = np.array([TOP + ROW * place + 6 * (row["rank"] > place + 1) for place, row in enumerate(rows)])
    model, drawn = (np.array([row[name] for row in rows]) for name in ("model", "drawn"))  # (rows,)
    end = next(end for end in ENDS if max(model.max(), drawn.max()) <= end)
    scale = (BARS_END - BARS) / end  # pixels
    artists["model"].set_verts(boxes(BARS, middles - 7.5, BARS + scale * model, middles + 7.5))
    artists["model"].set_facecolor([_paler(BLUE, 0.3) if share else PALE_GREY for share in drawn])
    artists["drawn"].set_verts(boxes(BARS, middles - 3, BARS + scale * drawn, middles + 3))
    artists["drawn"].set_facecolor([VERMILLION if row["written"] else BLUE for row in rows])
    labels.append(Label(BARS_END, SCALE_Y, percent(end), GREY, "center", size=8.5))
    for row, y in zip(rows, middles, strict=True):
        cut = row["drawn"] == 0
        color = VERMILLION if row["written"] else GREY if cut else INK
        word = f"{row['rank']}. {row['word']}"
        size = fitting(word, BARS - 6 - SIDE, bold=row["written"])
        labels.append(Label(BARS - 6, y, word, color, "right", row["written"], size))
        drawn_from = f" → {'cut' if cut else percent(row['drawn'])}" if data["reshaped"] else ""
        labels.append(Label(END, y, percent(row["model"]) + drawn_from, color, "right", size=8))
    return labels


def _counts(data: dict) -> list[Label]:
    """What may be drawn, and how much of the model's probability and of its entropy that is."""
    model, drawn = data["entropies"]
    texts = (
        f"may be drawn: {data['can']:,} of {data['words']:,} words,",
        f"which have {percent(data['share'])} of the model's probability",
        f"entropy: {model:.1f} bits, once reshaped {drawn:.1f}",
    )
    return [Label(SIDE, 284 + 18 * number, text, size=9) for number, text in enumerate(texts)]


def _show_trade(artists: dict, data: dict) -> list[Label]:
    """This text, real text and, once they may be seen, texts at each temperature, of which some are named."""
    temperatures, perplexities, repeated = data["curve"] or ((), (), ())
    artists["curve"].set_data(perplexities, repeated)
    artists["real"].set_data([[part] for part in data["real"]])
    artists["here"].set_data([data["perplexity"]], [data["repeated"]])
    points = np.stack([perplexities, repeated], axis=-1)  # (temperatures, 2)
    named = [Label(SIDE, 368, "• 8 texts at each temperature", GREY, size=8.5)] if temperatures else []
    return named + [
        Label(x + 5, y - 9, f"{temperature:g}" if temperature else "temperature 0", GREY, size=8)
        for temperature, (x, y) in zip(temperatures, pixels_at(artists["plane"], points), strict=True)
        if temperature in MARKED
    ]


def percent(share: float) -> str:
    """A probability as it is read: «31 %», «0.4 %», «< 0.1 %»."""
    if share >= 0.0995:
        return f"{share:.0%}".replace("%", " %")
    return f"{100 * share:.1f} %" if share >= 0.0005 or share == 0 else "< 0.1 %"
