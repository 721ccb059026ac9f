"""The picture of the next word: what the models read, what they bet on, how they score, what they write."""

import math
import textwrap

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from course_lib.figures.generation import percent
from course_lib.figures.labels import Label, Labels, shortened, width_of
from course_lib.figures.page import add_boxes, add_page, add_panel, boxes, write
from course_lib.figures.style import BLUE, GREEN, GREY, INK, VERMILLION

WIDTH, HEIGHT = 880, 556  # screen pixels
EDGE = 24  # of the page
WORDS_Y, COUNTS_Y = 48, 73
LONG = 18  # letters of a word that are shown
COUNTED, COUNT = 4, 7  # of the last words the count stands below, which needs room for so many letters
ROWS, ROW, TABLE_Y = 13, 21, 150  # of the next-word table
TABLE_END = TABLE_Y + (ROWS + 1) * ROW
WRITTEN_Y = TABLE_END + 38
BARS, BARS_END, NGRAM_X, LSTM_X = 142, 392, 446, 500  # the bars' edges, the numbers' right edges
ENDS = (0.1, 0.25, 0.5, 1.0)  # the bars' axis ends at one of these
PANELS_X, RIGHT, RIGHT_END = 550, 590, 856  # the panels' titles from PANELS_X, their axes from RIGHT to RIGHT_END
SIZES_Y = 442
HIGHEST, INFINITE = 2200, 4000  # finite perplexities are shown up to HIGHEST; the infinite ones stand above
DASHES = {1: (0, (1, 1.6)), 2: (0, (5, 2.5)), 3: "-"}  # of the smallest, the middle and the largest training text
TOKEN, NUMBER, WORD, TEXT = 10, 8.5, 9.5, 9  # points of what is set in letters of one width
COLOR_OF = {"n-gram": BLUE, "LSTM": VERMILLION, "mixture": GREEN}


def build_next_word(figure: Figure, sizes: tuple[str, ...], orders: tuple[int, ...]) -> dict:
    """Make the page and the two panels; the artists that move come back by name.

    Args:
        figure: an empty one of WIDTH by HEIGHT screen pixels.
        sizes: names of three training texts, from the smallest to the largest.
        orders: of the n-gram models.
    """
    page = add_page(figure)
    note = "number under a word: how often the training text holds all from there to the end of what you typed"
    write(figure, EDGE, 17, "what you typed", weight="bold")
    write(figure, EDGE, 95, note, color=GREY, fontsize=8.5)
    write(figure, EDGE, WRITTEN_Y - 24, "written on", weight="bold")
    return {
        "labels": Labels(figure),
        "window": page.add_patch(Rectangle((0, WORDS_Y - 13), 0, 26, fc="#DDEFFA", ec=BLUE, lw=1.4)),
        "whole": page.plot([], [], color=VERMILLION, lw=1.6)[0],
        **_build_table(figure, page),
        **_build_panels(figure, sizes, orders),
        "samples": {
            size: page.add_line(Line2D([_size_x(rank), _size_x(rank) + 28], [SIZES_Y] * 2, ls=DASHES[rank]))
            for rank, size in enumerate(sizes, 1)
        },
    }


def _build_table(figure: Figure, page: Axes) -> dict:
    write(figure, EDGE, 124, "the next word", weight="bold")
    write(figure, BARS, 124, "■ n-gram", color=BLUE)
    for share in (0, 0.5, 1):
        x = BARS + share * (BARS_END - BARS)
        page.plot([x, x], [TABLE_Y - 8, TABLE_END - 8], color="#E4E4E4", lw=0.8, zorder=0)
    return {
        "bars": {name: add_boxes(page, fc=COLOR_OF[name]) for name in ("n-gram", "LSTM")},
        "blend": page.plot([], [], color=GREEN, marker="D", ms=3.8, ls="")[0],
    }


def _build_panels(figure: Figure, sizes: tuple[str, ...], orders: tuple[int, ...]) -> dict:
    """What the validation text holds that is new, and how it surprises the models, both over the order."""
    unseen, worth = add_panel(figure, RIGHT, 140, RIGHT_END, 228), add_panel(figure, RIGHT, 280, RIGHT_END, 398)
    panels = {"unseen": unseen, "perplexities": worth}
    for axes in panels.values():
        axes.set(xlim=(orders[0] - 0.3, orders[-1] + 0.3), xticks=orders)
        axes.grid(axis="y")
        axes.set_axisbelow(True)
    unseen.set(ylim=(-0.03, 1.03), yticks=[0, 0.5, 1], yticklabels=["0", "50 %", "100 %"], xticklabels=[])
    worth.set(yscale="log", ylim=(9, INFINITE * 1.3), xlabel="order")
    worth.set_yticks([10, 100, 1000, INFINITE], ["10", "100", "1000", "∞"])
    worth.minorticks_off()
    worth.xaxis.labelpad = 1
    write(figure, PANELS_X, 124, "n-grams of the validation text never seen", weight="bold")
    write(figure, PANELS_X, 248, "perplexity of the validation text", weight="bold")
    write(figure, PANELS_X, SIZES_Y, "training text", color=GREY, fontsize=8.5)

    def dots(axes: Axes, **look) -> Line2D:
        return axes.plot([], [], marker="o", ls="", clip_on=False, **look)[0]

    return {
        "curves": {
            panel: {size: axes.plot([], [], ls=DASHES[rank])[0] for rank, size in enumerate(sizes, 1)}
            for panel, axes in panels.items()
        },
        "dots": {panel: dots(axes, color=BLUE, ms=4, zorder=4) for panel, axes in panels.items()},
        "here": {panel: dots(axes, color=INK, ms=10, mfc="none", mew=1.6, zorder=5) for panel, axes in panels.items()},
        "level": worth.plot([], [], color=VERMILLION, lw=1.4, ls=(0, (6, 2, 1, 2)))[0],
        "mixed": worth.plot([], [], color=GREEN, lw=1.6, marker="D", ms=4)[0],
    }


def _size_x(rank: int) -> float:
    """Where the sample of a training text's line begins."""
    return RIGHT + 48 + 74 * (rank - 1)


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
    _show_curves(artists, data)
    artists["labels"].show(
        [*_show_words(artists, data), *_show_table(artists, data), *_written(data), *_scores(data), *_sizes(data)]
    )


def _mono(size: float, x: float, y: float, text: str, color: str = INK, align: str = "left") -> Label:
    return Label(x, y, text, color, align, size=size, mono=True)


def _show_words(artists: dict, data: dict) -> list[Label]:
    """What was typed, and how much of it each model reads."""
    order, tail, reads = data["order"], data["unfinished"], data["reads"]
    letter = width_of("m", TOKEN, mono=True)
    tokens = [shortened(token, LONG) + "=<unk>" * (token in data["unknown"]) for token in data["tokens"]]
    shown, widths = _last_that_fit(tokens, letter, WIDTH - 2 * EDGE - letter * (len(tail) + 2))
    edges = EDGE + np.concatenate([[0], np.cumsum(widths)])  # (shown + 1,), the last one is the end
    middles = (edges[:-1] + edges[1:]) / 2
    colors = [GREY] * (len(shown) - reads) + [INK] * reads
    start, end = edges[len(shown) - reads], edges[-1]
    artists["window"].set(x=start, width=end - start, visible=reads > 0)
    of_all = data["lstm"] is not None
    artists["whole"].set_data([edges[0] + 3, end - 3] if of_all else [], [WORDS_Y + 15] * 2 if of_all else [])
    words = f"{order - 1} word{'s' * (order > 2)}" if order > 1 else "no word"
    return [
        Label(160, 17, f"□ the n-gram of order {order} reads {words}", BLUE),
        Label(WIDTH - EDGE, 17, "▁ the LSTM reads all of it" * of_all, VERMILLION, "right"),
        *(_mono(TOKEN, x, WORDS_Y, *said, "center") for x, *said in zip(middles, shown, colors, strict=True)),
        _mono(TOKEN, end + letter, WORDS_Y, f"{tail}…" if tail else "", GREY),
        *(_mono(NUMBER, x, COUNTS_Y, f"{times:,}×", color, "center")
          for x, times, color in zip(middles[::-1], data["seen"], colors[::-1], strict=False)),
    ]  # fmt: skip


def _last_that_fit(tokens: list[str], letter: float, room: float) -> tuple[list[str], list[float]]:
    """The last tokens that fit in so many pixels, and the width of each; «…» stands for what is left out."""
    counted = range(len(tokens) - COUNTED, len(tokens))
    widths = [letter * max(len(token) + 1.2, COUNT * (place in counted)) for place, token in enumerate(tokens)]
    first = next(start for start in range(len(tokens)) if sum(widths[start:]) <= room - letter * 2 * (start > 0))
    if first == 0:
        return tokens, widths
    return ["…", *tokens[first:]], [letter * 2, *widths[first:]]


def _show_table(artists: dict, data: dict) -> list[Label]:
    """A row for each likely word: a bar and a number by each model; what the LSTM bets on more stands below a line."""
    words, only = data["words"], data["only"]
    found = {"n-gram": data["counted"], "LSTM": data["learned"] or []}
    blend, mixed = data["blend"] or [], data["blend"] is not None
    end = next(end for end in ENDS if max([*found["n-gram"], *found["LSTM"]], default=0) <= end + 1e-6)
    scale = (BARS_END - BARS) / end  # pixels
    heights = np.array([TABLE_Y + ROW * (row + (row >= only)) for row in range(len(words))], dtype=float)
    labels = [Label(BARS_END, 136, percent(end), GREY, "right", size=8)]
    labels += [_mono(WORD, BARS - 8, y, word, align="right") for y, word in zip(heights, words, strict=True)]
    for name, shift, x in (("n-gram", -4, NGRAM_X), ("LSTM", 4, LSTM_X)):
        shares, known = found[name], name == "LSTM" or data["known"]
        middles = heights[: len(shares)] + shift
        ends = BARS + scale * np.array(shares)
        artists["bars"][name].set_verts(boxes(BARS, middles - 3.5, ends, middles + 3.5))
        labels += [
            _mono(NUMBER, x, y, _share(share) if known else "–", COLOR_OF[name], "right")
            for y, share in zip(heights, shares, strict=False)
        ]
    artists["blend"].set_data([BARS + scale * share for share in blend], heights[: len(blend)])
    if data["lstm"] is not None:
        labels.append(Label(BARS + 76, 124, "■ LSTM", VERMILLION))
    if mixed:
        labels.append(Label(BARS + 142, 124, "◆ mixture", GREEN))
    elif 0 < only < len(words):
        labels.append(Label(BARS, TABLE_Y + ROW * only, "at least twice as likely for the LSTM", VERMILLION, size=8.5))
    if not mixed and not data["known"]:
        labels.append(Label(BARS + 6, TABLE_Y, "n-gram: never seen, 0 / 0, no answer", BLUE, size=9))
    return labels


def _share(share: float) -> str:
    return percent(share) if share else "0"


def _written(data: dict) -> list[Label]:
    """What the models write on, two lines each."""
    copied = f"longest run of the n-gram's words that its training text holds: {data['copied']}"
    labels = [Label(BARS, WRITTEN_Y - 24, copied, GREY, size=8.5)]
    for row, (name, said) in enumerate(data["lines"].items()):
        y = WRITTEN_Y + 34 * row
        labels.append(Label(EDGE, y, name, COLOR_OF[name]))
        parts = textwrap.wrap(f"… {said or 'nothing'}", 96)[:2]
        labels += [_mono(TEXT, EDGE + 66, y + 15 * number, part) for number, part in enumerate(parts)]
    return labels


def _show_curves(artists: dict, data: dict) -> None:
    chosen, order = data["size"], data["order"]
    orders = np.arange(1, len(data["perplexity"]) + 1)
    for panel, lines in artists["curves"].items():
        for size, line in lines.items():
            values = np.array(data[panel][size])
            line.set_data(orders, np.where(np.isinf(values), INFINITE, np.minimum(values, HIGHEST)))
            for drawn in (line, artists["samples"][size]):
                drawn.set(color=_color(size, data), lw=2.2 if size == chosen else 1)
        heights = lines[chosen].get_ydata()
        artists["dots"][panel].set_data(orders, heights)
        artists["here"][panel].set_data([order], [heights[order - 1]])
    lstm, mixed = data["lstm"], data["mixed"] or []
    artists["level"].set_data([0, 9], [np.nan if lstm is None else lstm] * 2)
    artists["mixed"].set_data(orders[: len(mixed)], mixed)


def _scores(data: dict) -> list[Label]:
    """Each model's perplexity at the chosen order."""
    place, mixed = data["order"] - 1, data["mixed"]
    values = {"n-gram": data["perplexity"][place], "LSTM": data["lstm"], "mixture": mixed and mixed[place]}
    return [
        Label(PANELS_X + x, 265, f"{name} {'∞' if math.isinf(value) else f'{value:,.1f}'}", COLOR_OF[name], size=8.5)
        for (name, value), x in zip(values.items(), (0, 108, 195), strict=True)
        if value is not None
    ]


def _sizes(data: dict) -> list[Label]:
    return [
        Label(_size_x(rank) + 34, SIZES_Y, size, _color(size, data), size=8.5)
        for rank, size in enumerate(data["unseen"], 1)
    ]


def _color(size: str, data: dict) -> str:
    return BLUE if size == data["size"] else GREY
