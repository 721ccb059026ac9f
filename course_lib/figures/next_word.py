"""The picture of the next word: what the models read, what they bet on, how they score, what they write."""

import math
import textwrap

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from course_lib.figures.labels import Label, Labels, shortened, width_of
from course_lib.figures.style import BLUE, GREEN, GREY, INK, VERMILLION

WIDTH, HEIGHT = 880, 556
EDGE = 24  # of the page
WORDS_Y, COUNTS_Y = 48, 73
LONG = 18  # letters of a word that are shown
ROWS, ROW, TABLE_Y = 13, 21, 150  # of the next-word table
WRITTEN_Y = TABLE_Y + (ROWS + 1) * ROW + 38
BARS, BARS_END, NGRAM_X, LSTM_X = 142, 392, 446, 500
RIGHT, RIGHT_END = 590, 856
HIGHEST, INFINITE = 2200, 4000  # finite perplexities are shown up to HIGHEST; the infinite ones stand above
DASHES = {1: (0, (1, 1.6)), 2: (0, (5, 2.5)), 3: "-"}  # of the smallest, the middle and the largest training text
ENDS = (0.1, 0.25, 0.5, 1.0)  # of the bars' axis
TOKEN, NUMBER, WORD, TEXT = 10, 8.5, 9.5, 9  # points of what is set in letters of one width
LOOKS = {"n-gram": BLUE, "LSTM": VERMILLION, "mixture": GREEN}


def build_next_word(figure: Figure, sizes: tuple[str, ...], orders: tuple[int, ...]) -> dict:
    """Make the page and the two panels; the artists that move come back by name.

    Args:
        figure: an empty one, 880 × 556.
        sizes: names of three training texts, from the smallest to the largest.
        orders: of the n-gram models.
    """
    page = figure.add_axes((0, 0, 1, 1))
    page.set(xlim=(0, WIDTH), ylim=(HEIGHT, 0))  # the page counts in pixels, from the top left
    page.axis("off")
    artists: dict = {}
    _build_words(page, artists)
    _build_table(page, artists)
    _build_written(page, artists)
    _build_panels(figure, page, artists, sizes, orders)
    return artists


def _write(page: Axes, x: float, y: float, text: str = "", color: str = INK, **style):
    return page.text(x, y, text, color=color, va="center", parse_math=False, **style)


def _mono(size: float, x: float, y: float, text: str, color: str = INK, align: str = "left") -> Label:
    return Label(x, y, text, color, align, size=size, mono=True)


def _build_words(page: Axes, artists: dict) -> None:
    _write(page, EDGE, 17, "what you typed", weight="bold")
    artists["window"] = page.add_patch(Rectangle((0, WORDS_Y - 13), 0, 26, fc="#DDEFFA", ec=BLUE, lw=1.4))
    artists["window_name"] = _write(page, 160, 17, color=BLUE)
    artists["all_name"] = _write(page, WIDTH - EDGE, 17, color=VERMILLION, ha="right")
    artists["all"] = page.plot([], [], color=VERMILLION, lw=1.6)[0]
    artists["tokens"], artists["counts"] = Labels(page.figure), Labels(page.figure)
    note = "number under a word: how often the training text holds all from there to the end of what you typed"
    _write(page, EDGE, 95, note, color=GREY, fontsize=8.5)


def _build_table(page: Axes, artists: dict) -> None:
    _write(page, EDGE, 124, "the next word", weight="bold")
    for x, name, sign in ((BARS, "n-gram", "■"), (BARS + 76, "LSTM", "■"), (BARS + 142, "mixture", "◆")):
        artists[f"key {name}"] = _write(page, x, 124, f"{sign} {name}", color=LOOKS[name])
    bottom = TABLE_Y + (ROWS + 1) * ROW
    for share in (0, 0.5, 1):
        page.plot([BARS + share * (BARS_END - BARS)] * 2, [TABLE_Y - 8, bottom - 8], color="#E4E4E4", lw=0.8, zorder=0)
    artists["end"] = _write(page, BARS_END, 136, color=GREY, fontsize=8, ha="right")
    for name in ("n-gram", "LSTM"):
        artists[f"bars {name}"] = PolyCollection([], fc=LOOKS[name], lw=0)
        page.add_collection(artists[f"bars {name}"], autolim=False)
    artists["blend"] = page.plot([], [], color=GREEN, marker="D", ms=3.8, ls="")[0]
    artists["words"], artists["numbers"] = Labels(page.figure), Labels(page.figure)
    artists["only"] = _write(page, BARS, 0, "at least twice as likely for the LSTM", color=VERMILLION, fontsize=8.5)
    artists["none"] = _write(page, BARS + 6, TABLE_Y, color=BLUE, fontsize=9)


def _build_written(page: Axes, artists: dict) -> None:
    _write(page, EDGE, WRITTEN_Y - 24, "written on", weight="bold")
    artists["copied"] = _write(page, BARS, WRITTEN_Y - 24, color=GREY, fontsize=8.5)
    artists["names"] = [_write(page, EDGE, WRITTEN_Y + 34 * row) for row in range(2)]
    artists["lines"] = Labels(page.figure)


def _build_panels(figure: Figure, page: Axes, artists: dict, sizes: tuple[str, ...], orders: tuple[int, ...]) -> None:
    def box(top: float, bottom: float) -> Axes:
        place = (RIGHT / WIDTH, 1 - bottom / HEIGHT, (RIGHT_END - RIGHT) / WIDTH, (bottom - top) / HEIGHT)
        axes = figure.add_axes(place)
        axes.set(xlim=(orders[0] - 0.3, orders[-1] + 0.3), xticks=orders)
        axes.grid(axis="y")
        axes.set_axisbelow(True)
        return axes

    unseen, worth = box(140, 228), box(280, 398)
    unseen.set(ylim=(-0.03, 1.03), yticks=[0, 0.5, 1], yticklabels=["0", "50 %", "100 %"], xticklabels=[])
    worth.set(yscale="log", ylim=(9, INFINITE * 1.3), xlabel="order n")
    worth.set_yticks([10, 100, 1000, INFINITE], ["10", "100", "1000", "∞"])
    worth.minorticks_off()
    worth.xaxis.labelpad = 1
    _write(page, RIGHT - 40, 124, "n-grams of the validation text never seen", weight="bold")
    _write(page, RIGHT - 40, 248, "perplexity of the validation text", weight="bold")
    artists["scores"] = {
        name: _write(page, x, 265, color=LOOKS[name], fontsize=8.5)
        for name, x in (("n-gram", RIGHT - 40), ("LSTM", RIGHT + 68), ("mixture", RIGHT + 155))
    }
    artists["curves"] = {
        panel: {size: axes.plot([], [], ls=DASHES[rank])[0] for rank, size in enumerate(sizes, 1)}
        for panel, axes in (("unseen", unseen), ("perplexities", worth))
    }
    artists["dots"] = {
        panel: axes.plot([], [], color=BLUE, marker="o", ms=4, ls="", zorder=4, clip_on=False)[0]
        for panel, axes in (("unseen", unseen), ("perplexities", worth))
    }
    artists["here"] = {
        panel: axes.plot([], [], color=INK, marker="o", ms=10, mfc="none", mew=1.6, ls="", zorder=5, clip_on=False)[0]
        for panel, axes in (("unseen", unseen), ("perplexities", worth))
    }
    artists["level"] = worth.plot([], [], color=VERMILLION, lw=1.4, ls=(0, (6, 2, 1, 2)))[0]
    artists["mixed"] = worth.plot([], [], color=GREEN, lw=1.6, marker="D", ms=4)[0]
    _write(page, RIGHT - 40, 442, "training text", color=GREY, fontsize=8.5)
    artists["samples"], artists["sizes"] = {}, {}
    for rank, size in enumerate(sizes, 1):
        x = RIGHT + 48 + 74 * (rank - 1)
        artists["samples"][size] = page.add_line(Line2D([x, x + 28], [442, 442], ls=DASHES[rank]))
        artists["sizes"][size] = _write(page, x + 34, 442, size, fontsize=8.5)


def update_next_word(artists: dict, data: dict) -> None:
    """Show what was typed and what may follow.

    Args:
        artists: what `build_next_word` returned.
        data: `tokens`, `<end>` and then the words, of which those in `unknown` are read as `<unk>`; `unfinished`, a
            word still being typed; `reads`, how many of the last tokens the n-gram looks at; `seen`, how often the
            training text holds the last token, the last two …; the table's `words`, `counted`, `learned`, `blend`
            (None where not shown) and `only`, the first row of what the LSTM bets on more; `known`, whether the n-gram
            has an answer; `lines`, name -> what was written on; `copied`, words in a row; `unseen` and
            `perplexities`, size -> one value an order; `perplexity`, those of the chosen `size`; `lstm`, its
            perplexity, and `mixed`, one an order, or None; `order`.
    """
    _move_words(artists, data)
    _move_table(artists, data)
    _move_written(artists, data)
    _move_panels(artists, data)


def _move_words(artists: dict, data: dict) -> None:
    tail, reads, letter = data["unfinished"], data["reads"], width_of("m", TOKEN, mono=True)
    tokens = [shortened(token, LONG) + "=<unk>" * (token in data["unknown"]) for token in data["tokens"]]
    shown, widths = _fitting(tokens, letter, WIDTH - 2 * EDGE - letter * (len(tail) + 2))
    starts = EDGE + np.concatenate([[0], np.cumsum(widths)])
    middles = (starts[:-1] + starts[1:]) / 2
    colors = [GREY] * (len(shown) - reads) + [INK] * reads
    lines = [_mono(TOKEN, x, WORDS_Y, *said, "center") for x, *said in zip(middles, shown, colors, strict=True)]
    artists["tokens"].show([*lines, _mono(TOKEN, starts[-1] + letter, WORDS_Y, f"{tail}…" if tail else "", GREY)])
    counts = zip(middles[::-1], data["seen"], colors[::-1], strict=False)
    artists["counts"].show([_mono(NUMBER, x, COUNTS_Y, f"{times:,}×", color, "center") for x, times, color in counts])
    first = starts[len(shown) - reads]
    artists["window"].set_bounds(first, WORDS_Y - 13, starts[-1] - first, 26)
    artists["window"].set_visible(reads > 0)
    words = f"{data['order'] - 1} word{'' if data['order'] == 2 else 's'}" if data["order"] > 1 else "no word"
    artists["window_name"].set_text(f"□ the n-gram of order {data['order']} reads {words}")
    artists["all_name"].set_text("" if data["lstm"] is None else "▁ the LSTM reads all of it")
    line = ([starts[0] + 3, starts[-1] - 3], [WORDS_Y + 15] * 2)
    artists["all"].set_data(*(([], []) if data["lstm"] is None else line))


def _fitting(tokens: list[str], letter: float, room: float) -> tuple[list[str], list[float]]:
    """The last tokens that fit in so many pixels, and the width of each; «…» stands for what is left out."""
    widths = [letter * max(len(token) + 1.2, 7 if back <= 4 else 0) for back, token in
              zip(range(len(tokens), 0, -1), tokens, strict=True)]  # fmt: skip
    first = next(start for start in range(len(tokens)) if sum(widths[start:]) <= room - letter * 2 * (start > 0))
    if first == 0:
        return tokens, widths
    return ["…", *tokens[first:]], [letter * 2, *widths[first:]]


def _move_table(artists: dict, data: dict) -> None:
    words, only = data["words"], data["only"]
    heights = [TABLE_Y + ROW * (row + (row >= only) + (only == 0)) for row in range(len(words))]
    found = {"n-gram": data["counted"], "LSTM": data["learned"]}
    largest = max((max(values) for values in found.values() if values), default=0.0)
    end = next(end for end in ENDS if largest <= end + 1e-6)
    artists["end"].set_text(f"{100 * end:.0f} %")
    artists["words"].show(
        [_mono(WORD, BARS - 8, y, word, align="right") for y, word in zip(heights, words, strict=True)]
    )
    numbers = []
    for name, shift, right in (("n-gram", -4, NGRAM_X), ("LSTM", 4, LSTM_X)):
        values, known = found[name], name == "LSTM" or data["known"]
        for y, value in zip(heights, values or [], strict=False):
            numbers.append(_mono(NUMBER, right, y, _percent(value) if known else "–", LOOKS[name], "right"))
        bars = [] if values is None else [
            _bar(BARS, y + shift, (BARS_END - BARS) * value / end, 7) for y, value in zip(heights, values, strict=True)
        ]  # fmt: skip
        artists[f"bars {name}"].set_verts(bars)
    blend = data["blend"] or []
    artists["blend"].set_data([BARS + (BARS_END - BARS) * value / end for value in blend], heights[: len(blend)])
    artists["numbers"].show(numbers)
    artists["only"].set(visible=data["blend"] is None and only < len(words), y=TABLE_Y + ROW * (only + (only == 0)))
    artists["key LSTM"].set_visible(data["lstm"] is not None)
    artists["key mixture"].set_visible(data["blend"] is not None)
    note = "" if data["known"] else "n-gram: never seen, 0 / 0, no answer"
    artists["none"].set_text(note if data["blend"] is None else "")


def _bar(left: float, middle: float, width: float, height: float) -> np.ndarray:
    low, high = middle - height / 2, middle + height / 2
    return np.array([(left, low), (left + width, low), (left + width, high), (left, high)])


def _percent(share: float) -> str:
    if share == 0:
        return "0"
    return "<0.1 %" if share < 0.001 else f"{100 * share:.1f} %" if share < 0.0995 else f"{100 * share:.0f} %"


def _move_written(artists: dict, data: dict) -> None:
    artists["copied"].set_text(f"longest run of the n-gram's words that its training text holds: {data['copied']}")
    lines = []
    for row, (name, (who, said)) in enumerate(zip(artists["names"], [*data["lines"].items(), ("", "")], strict=False)):
        name.set(text=who, color=LOOKS.get(who, INK))
        parts = textwrap.wrap(f"… {said}" if said else "… nothing" if who else "", 96)[:2]
        lines += [_mono(TEXT, EDGE + 66, WRITTEN_Y + 34 * row + 15 * number, part) for number, part in enumerate(parts)]
    artists["lines"].show(lines)


def _move_panels(artists: dict, data: dict) -> None:
    chosen, order = data["size"], data["order"]
    for panel, lines in artists["curves"].items():
        for size, line in lines.items():
            values = np.minimum(data[panel][size], HIGHEST if panel == "perplexities" else 1)
            values = np.where(np.isinf(data[panel][size]), INFINITE, values)
            line.set_data(np.arange(1, len(values) + 1), values)
            line.set(color=BLUE if size == chosen else GREY, lw=2.2 if size == chosen else 1)
            if size == chosen:
                artists["dots"][panel].set_data(np.arange(1, len(values) + 1), values)
                artists["here"][panel].set_data([order], [values[order - 1]])
    for size, sample in artists["samples"].items():
        sample.set(color=BLUE if size == chosen else GREY, lw=2.2 if size == chosen else 1)
        artists["sizes"][size].set_color(BLUE if size == chosen else GREY)
    lstm, mixed = data["lstm"], data["mixed"]
    artists["level"].set_data(*(([], []) if lstm is None else ([0, 9], [lstm, lstm])))
    artists["mixed"].set_data(*(([], []) if mixed is None else (np.arange(1, len(mixed) + 1), mixed)))
    values = {"n-gram": data["perplexity"][order - 1], "LSTM": lstm, "mixture": mixed and mixed[order - 1]}
    for name, text in artists["scores"].items():
        value = values[name]
        text.set_text("" if value is None else f"{name} {'∞' if math.isinf(value) else f'{value:,.1f}'}")
