"""The picture of a language model that writes: its text, its state, what it draws the next word from, and the trade
between repetition and nonsense."""

import numpy as np
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from course_lib.figures.heatmap import HeatMap
from course_lib.figures.labels import Label, Labels, fitting, width_of
from course_lib.figures.style import BLUE, GREEN, GREY, INK, ORANGE, SIGNED, VERMILLION

WIDTH, HEIGHT = 880, 574  # screen pixels
LEFT, RIGHT, SIDE, END = 62, 564, 592, 866  # the words' columns from LEFT to RIGHT, the distribution from SIDE to END
LINE, LINES, TOP = 19, 7, 44  # of the text: a line's height, how many, where the first one stands
MOST_BITS, FULL_TINT = 16, 10
PALE_GREY = "#DDDDDD"
BARS, ROW = (704, 770), 19  # the bars from left to right, a row's height
RANGES = (0.1, 0.2, 0.5, 1.0)  # the bars' scale ends at one of these
PLANE = (652, 366, 858, 512)  # the trade: left, top, right, bottom
MARKED = (0.0, 0.6, 1.0, 1.4)  # temperatures that are written beside their points


def build_generation(figure: Figure, units: int, of_units: int) -> dict:
    """Make the panels; the artists that move come back by name.

    Args:
        figure: an empty one of WIDTH by HEIGHT screen pixels.
        units: rows of the heat map.
        of_units: that the model has.
    """
    paper = figure.add_axes((0, 0, 1, 1))  # counts screen pixels from the left and from the top
    paper.set(xlim=(0, WIDTH), ylim=(HEIGHT, 0))
    paper.axis("off")
    artists: dict = {
        "labels": Labels(figure),
        "blocks": paper.add_collection(PolyCollection([], lw=0, antialiaseds=False), autolim=False),
        "chosen": paper.add_patch(Rectangle((0, 0), 0, 0, fill=False, ec=INK, lw=1.6, zorder=4)),
    }
    _build_columns(figure, artists, units, of_units)
    _build_trade(figure, artists)

    def write(x: float, y: float, text: str, **style) -> None:
        figure.text(x / WIDTH, 1 - y / HEIGHT, text, **{"color": INK, "va": "center"} | style)

    write(16, 18, "The text", weight="bold")
    write(RIGHT, 18, "10 bits or more", color=GREY, ha="right", fontsize=8.5)
    write(RIGHT - 178, 18, "a word's surprise: 0", color=GREY, ha="right", fontsize=8.5)
    steps = np.arange(FULL_TINT)
    key = _boxes(RIGHT - 174 + 7.5 * steps, 12, RIGHT - 174 + 7.5 * (steps + 1), 24)
    paper.add_collection(PolyCollection(key, facecolors=_tints(steps + 1), lw=0), autolim=False)
    write(LEFT, 196, "▮ surprise: −log₂ P(word)", color=_dark(ORANGE))
    write(RIGHT, 196, "━ the model's entropy: the surprise it expects", color=BLUE, ha="right")
    write(LEFT, 330, "hidden state, one row a unit")
    write(SIDE, 350, "Repetition or nonsense?", weight="bold")
    return artists


def _build_columns(figure: Figure, artists: dict, units: int, of_units: int) -> None:
    """The words' surprise, and below it the state in step with them."""
    bits = figure.add_axes(_box(LEFT, 208, RIGHT, 314))
    bits.set(ylim=(0, MOST_BITS), xticks=[], yticks=[0, 4, 8, 12, 16], ylabel="bits")
    bits.grid(axis="y")
    bits.set_axisbelow(True)
    artists["bits"] = bits
    artists["surprise"] = bits.add_collection(PolyCollection([], fc=ORANGE, lw=0), autolim=False)
    artists["entropy"] = bits.plot([], [], color=BLUE, lw=1.6, drawstyle="steps-mid")[0]
    state = figure.add_axes(_box(LEFT, 342, RIGHT, 528))
    artists["heat"] = HeatMap(state, SIGNED, -1, 1)
    state.text(-0.012, 0.5, f"{units} of\n{of_units}\nunits", transform=state.transAxes, ha="right", va="center",
               color=GREY, fontsize=8.5)  # fmt: skip
    halo = [withStroke(linewidth=2.6, foreground="white")]
    artists["focus"] = [
        axes.add_patch(Rectangle((0, 0), 1, rows, fill=False, ec=INK, lw=1.4, zorder=4, clip_on=False))
        for axes, rows in ((bits, MOST_BITS), (state, units))
    ]
    artists["focus"][1].set_path_effects(halo)
    key = figure.add_axes(_box(RIGHT - 120, 325, RIGHT - 24, 335))
    HeatMap(key, SIGNED, -1, 1, lines=False).set_data(np.linspace(-1, 1, 32)[None])
    for x, text, side in ((-0.05, "−1", "right"), (1.05, "+1", "left")):
        key.text(x, 0.5, text, transform=key.transAxes, ha=side, va="center", color=GREY, fontsize=8.5)


def _build_trade(figure: Figure, artists: dict) -> None:
    plane = figure.add_axes(_box(*PLANE))
    plane.set(
        xscale="log", xlim=(1, 20_000), ylim=(-0.06, 1.06), yticks=[0, 0.5, 1], yticklabels=["0 %", "50 %", "100 %"]
    )
    plane.set_xticks([1, 10, 100, 1000, 10_000], ["1", "10", "100", "1,000", "10,000"])
    plane.minorticks_off()
    plane.set(xlabel="perplexity of the text")
    plane.set_ylabel("repeated 4-word groups", fontsize=8)
    plane.grid()
    plane.set_axisbelow(True)
    artists["plane"] = plane
    artists["curve"] = plane.plot([], [], color=GREY, lw=1, marker="o", ms=3.5)[0]
    artists["real"] = plane.plot([], [], color=GREEN, marker="*", ms=13, ls="", mec="white", clip_on=False)[0]
    artists["here"] = plane.plot([], [], color=VERMILLION, marker="o", ms=9, mec="white", mew=1.2, clip_on=False)[0]
    names = ((0, "● this text", VERMILLION), (74, "★ real text", GREEN), (148, "• 8 a temperature", GREY))
    for x, text, color in names:
        figure.text((SIDE + x) / WIDTH, 1 - 562 / HEIGHT, text, color=color, va="center", fontsize=8.5)


def _box(left: float, top: float, right: float, bottom: float) -> tuple[float, float, float, float]:
    """Pixels from the left and from the top as matplotlib counts an axes' place."""
    return left / WIDTH, 1 - bottom / HEIGHT, (right - left) / WIDTH, (bottom - top) / HEIGHT


def _boxes(left, top, right, bottom) -> np.ndarray:
    """The corners of rectangles, (rectangles, 4, 2)."""
    left, top, right, bottom = np.broadcast_arrays(left, top, right, bottom)
    corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
    return np.moveaxis(np.array(corners, dtype=float), -1, 0)


def _tints(bits: np.ndarray) -> np.ndarray:
    """White for no surprise, orange for a large one, (words, 3)."""
    share = np.clip(bits / FULL_TINT, 0, 1)[:, None]
    return 1 - share * (1 - np.array(to_rgb(ORANGE)))


def _dark(color: str) -> tuple[float, ...]:
    """A colour that is pale on white, dark enough for letters."""
    return tuple(0.68 * np.array(to_rgb(color)))


def update_generation(artists: dict, data: dict) -> None:
    """Show one text.

    Args:
        artists: what `build_generation` returned.
        data: `prompt` and `written`, the words; `gaps` (prompt + written,) bool, whether a space stands before each;
            `place`, the chosen one of the written; `surprise` and `entropy` (written,) in bits; `states` (units,
            written); `choices`, a dict a row: `word`, `model` and `drawn`, its probabilities, `rank`, `written`;
            `reshaped`, whether the two differ; `can`, how many words may be drawn, of `words`, and `share`, what the
            model gives them; `entropies`, the model's and that of what is drawn from; `perplexity`, `repeated`, of the
            text; `curve`, (temperatures, perplexities, repeated); `real`, (perplexity, repeated).
    """
    labels, blocks = [], []
    _show_text(artists, data, labels, blocks)
    _show_columns(artists, data, labels)
    _show_choices(data, labels, blocks)
    _show_trade(artists, data, labels)
    artists["labels"].show(labels)
    artists["blocks"].set_verts(np.concatenate([corners for corners, _ in blocks]), closed=True)
    artists["blocks"].set_facecolor(np.concatenate([colors for _, colors in blocks]))


def _show_text(artists: dict, data: dict, labels: list[Label], blocks: list) -> None:
    """The words one after the other, each on a ground that says how much it surprises the model."""
    words, first = [*data["prompt"], *data["written"]], len(data["prompt"])
    space, x, line, places = width_of(" "), 16.0, 0, []
    for word, gap in zip(words, data["gaps"], strict=True):
        x += space if gap and x > 16 else 0
        if x + width_of(word) > RIGHT and x > 16:
            x, line = 16.0, line + 1
        places.append((x, line))
        x += width_of(word)
    above = max(line - LINES + 1, 0)  # lines for which there is no room: the first ones
    left = np.array([x for x, _ in places])
    middle = TOP + LINE * (np.array([line for _, line in places]) - above)
    right = left + [width_of(word) for word in words]
    shown = middle >= TOP
    if above:
        labels.append(Label(80, 18, "…", GREY))
    for number in np.flatnonzero(shown):
        labels.append(Label(left[number], middle[number], words[number], GREY if number < first else INK))
    ground = _boxes(left - 1, middle - 8.5, right + 1, middle + 8.5)[first:][shown[first:]]
    blocks.append((ground, _tints(data["surprise"])[shown[first:]]))
    at = first + data["place"]
    artists["chosen"].set_bounds(left[at] - 1.5, middle[at] - 9, right[at] - left[at] + 3, 18)
    artists["chosen"].set_visible(bool(shown[at]))


def _show_columns(artists: dict, data: dict, labels: list[Label]) -> None:
    count, place, bits = len(data["written"]), data["place"], artists["bits"]
    if bits.get_xlim() != (0, count):
        bits.set_xlim(0, count)
    numbers = np.arange(count)
    artists["surprise"].set_verts(_boxes(numbers + 0.12, 0, numbers + 0.88, data["surprise"]), closed=True)
    artists["entropy"].set_data([0, *numbers + 0.5, count], data["entropy"][[0, *numbers, -1]])
    artists["heat"].set_data(data["states"])
    for frame in artists["focus"]:
        frame.set_x(place)
    column = (RIGHT - LEFT) / count
    chosen = f"{place + 1} «{data['written'][place]}»"
    half = width_of(chosen, bold=True) / 2
    middle = np.clip(LEFT + (place + 0.5) * column, LEFT + half - 30, RIGHT - half)
    labels.append(Label(middle, 542, chosen, align="center", bold=True))
    for number in (1, *range(8, count + 1, 8)):
        x = LEFT + (number - 0.5) * column
        if abs(x - middle) > half + 12:
            labels.append(Label(x, 542, str(number), GREY, "center", size=8.5))
    labels.append(Label((LEFT + RIGHT) / 2, 562, "word of the text", GREY, "center", size=8.5))


def _show_choices(data: dict, labels: list[Label], blocks: list) -> None:
    """The model's most probable words, and what is left of them to draw from."""
    heard = [*data["prompt"], *data["written"]][: len(data["prompt"]) + data["place"]][-3:]
    after = f"after «… {' '.join(heard)}»" if heard else "which begins the paragraph"
    title = f"Word {data['place'] + 1}, {after}"
    labels.append(Label(SIDE, 18, title, bold=True, size=fitting(title, END - SIDE, bold=True)))
    rows = data["choices"]
    top = max(max(row["model"], row["drawn"]) for row in rows)
    scale = next(end for end in RANGES if top <= end)
    left, right = BARS
    for number, row in enumerate(rows):
        y = TOP + ROW * number + (6 if row["rank"] > number + 1 else 0)
        cut = row["drawn"] == 0
        color = VERMILLION if row["written"] else GREY if cut else INK
        word = f"{row['rank']}. {row['word']}"
        size = fitting(word, left - 6 - SIDE, bold=row["written"])
        labels.append(Label(left - 6, y, word, color, "right", row["written"], size))
        value = f"{percent(row['model'])} → {'cut' if cut else percent(row['drawn'])}"
        labels.append(Label(END, y, value if data["reshaped"] else percent(row["model"]), color, "right", size=8))
        pale = PALE_GREY if cut else tuple(1 - 0.3 * (1 - np.array(to_rgb(BLUE))))
        strong = VERMILLION if row["written"] else BLUE
        ends = left + (right - left) * np.array([row["model"], row["drawn"]]) / scale
        blocks.append((_boxes(left, y - np.array([7.5, 3]), ends, y + np.array([7.5, 3])),
                       np.array([to_rgb(pale), to_rgb(strong)])))  # fmt: skip
    for x, text in ((left, "0"), (right, f"{scale:.0%}".replace("%", " %"))):
        labels.append(Label(x, TOP + ROW * 11 + 8, text, GREY, "center", size=8.5))
    labels.append(Label(SIDE, TOP + ROW * 11 + 8, "pale: the model", GREY, size=8.5))
    model, drawn = data["entropies"]
    for number, text in enumerate((
        f"may be drawn: {data['can']:,} of {data['words']:,} words,",
        f"which have {percent(data['share'])} of the model's probability",
        f"entropy: {model:.1f} bits, once reshaped {drawn:.1f}",
    )):  # fmt: skip
        labels.append(Label(SIDE, 284 + 18 * number, text, size=9))


def _show_trade(artists: dict, data: dict, labels: list[Label]) -> None:
    temperatures, perplexities, repeated = data["curve"] or ((), (), ())
    artists["curve"].set_data(perplexities, repeated)
    artists["real"].set_data([[part] for part in data["real"]])
    artists["here"].set_data([data["perplexity"]], [data["repeated"]])
    left, top, right, bottom = PLANE
    (low, high), (floor, ceiling) = np.log(artists["plane"].get_xlim()), artists["plane"].get_ylim()
    for temperature, across, share in zip(temperatures, perplexities, repeated, strict=True):
        if temperature in MARKED:
            along, up = (np.log(across) - low) / (high - low), (share - floor) / (ceiling - floor)
            name = f"{temperature:g}" if temperature else "temperature 0"
            labels.append(
                Label(left + along * (right - left) + 5, bottom - up * (bottom - top) - 9, name, GREY, size=8)
            )


def percent(share: float) -> str:
    """A probability as it is read: «31 %», «0.4 %», «below 0.1 %»."""
    if share >= 0.0995:
        return f"{share:.0%}".replace("%", " %")
    return f"{100 * share:.1f} %" if share >= 0.0005 or share == 0 else "< 0.1 %"
