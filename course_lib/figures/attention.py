"""Where a decoder looks: its weights over the source, symbol by symbol, and what it writes."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from matplotlib.text import Text

from course_lib.figures.heatmap import HeatMap
from course_lib.figures.labels import Label, Labels
from course_lib.figures.style import BLUE, GREEN, GREY, INK, SHARE, VERMILLION, new_figure, style

WIDTH, HEIGHT = 880, 620
LEFT, RIGHT = 70, 866  # pixels: the source's columns
ROWS = 12  # written symbols that there is room for
SYMBOLS = (*"-0123456789", "end")
ANSWERS = ("the date", "as trained", "as changed", "fixed vector", "your attend")
TABLE, GAP = 556, 25  # pixels: the first written symbol, and from one to the next
BLANK = "␣"
BAR = {"fill": True, "color": BLUE, "lw": 0, "zorder": 3}  # over the axis, as a blitted frame has it
OUTLINE = {"color": INK, "lw": 1.1, "zorder": 3}


def build_attention(figure: Figure) -> dict:
    """Make the panels; the artists that move come back by name."""
    bars = figure.add_axes(_box(LEFT, 30, RIGHT, 110))
    bars.set(ylim=(0, 1.06), xticks=[], yticks=[0, 0.5, 1], yticklabels=["0", "", "1"])
    bars.grid(axis="y")
    bars.set_axisbelow(True)
    cells = figure.add_axes(_box(LEFT, 138, RIGHT, 378))
    heat = HeatMap(cells, SHARE, 0, 1)
    heat.set_data(np.full((ROWS, 1), np.nan))
    for row in range(ROWS):
        _write(figure, 8, 148 + 20 * row, str(row + 1), color=GREY, fontsize=8.5)
    _colour_key(figure, RIGHT, 391, HEIGHT)
    focus = cells.add_patch(Rectangle((0, 0), 1, 1, fill=False, ec=INK, lw=1.6, zorder=4, clip_on=False))
    focus.set_path_effects([withStroke(linewidth=3.4, foreground="white")])  # seen on dark cells too
    cross = {"color": GREEN, "marker": "x", "ls": "", "mew": 1.6, "zorder": 6, "clip_on": False}
    return {
        "axes": bars,
        "title": _write(figure, LEFT, 14, weight="bold"),
        "bars": bars.stairs([0], [0, 1], **BAR),
        "was": bars.stairs([0], [0, 1], **OUTLINE),
        "yours": bars.plot([], [], ms=5.5, **cross)[0],
        "source": Labels(figure),
        "heat": heat,
        "focus": focus,
        "span": cells.add_patch(Rectangle((0, 0), 0, 0, fill=False, ec=VERMILLION, lw=2.4, zorder=5, clip_on=False)),
        "crosses": cells.plot([], [], ms=6, **cross)[0],
        "written": [_write(figure, LEFT - 8, 148 + 20 * row, ha="right") for row in range(ROWS)],
        "note": _write(figure, LEFT, 391, fontsize=8.5, color=GREY),
    } | {"chances": _build_chances(figure), "table": _build_table(figure)}


def _build_chances(figure: Figure) -> dict:
    """One bar a symbol: how probable it is that it comes next."""
    axes = figure.add_axes(_box(LEFT, 446, 420, 590))
    axes.set(xlim=(0, len(SYMBOLS)), ylim=(0, 1.06), yticks=[0, 0.5, 1], yticklabels=["0", "", "1"])
    axes.set_xticks(np.arange(len(SYMBOLS)) + 0.5, SYMBOLS)
    axes.tick_params(axis="x", length=0)
    axes.grid(axis="y")
    axes.set_axisbelow(True)
    return {
        "title": _write(figure, LEFT, 428, weight="bold"),
        "bars": axes.stairs([0], [0, 1], **BAR),
        "was": axes.stairs([0], [0, 1], **OUTLINE),
    }


def _build_table(figure: Figure) -> dict:
    """What each model wrote, one symbol under the other, and how far each context vector has moved."""
    _write(figure, 444, 428, "What is written", weight="bold")
    names = [_write(figure, 444, 452 + 20 * line, name) for line, name in enumerate(ANSWERS)]
    moved = figure.add_axes(_box(TABLE - GAP / 2, 568, TABLE + GAP * (ROWS - 0.5), 606))
    moved.set(xlim=(0, ROWS), ylim=(0, 1.5), xticks=[], yticks=[0, 1], yticklabels=["0", "100%"])
    moved.grid(axis="y")
    moved.set_axisbelow(True)
    lines = figure.add_axes((0, 0, 1, 1))
    lines.axis("off")
    lines.set(xlim=(0, WIDTH), ylim=(HEIGHT, 0))
    lines.patch.set_visible(False)
    frame = {"fill": False, "clip_on": False}
    return {
        "names": names,
        "symbols": Labels(figure),
        "wrong": lines.plot([], [], color=VERMILLION, lw=1.8)[0],
        "forced": lines.add_patch(Rectangle((0, 0), 0, 0, ec=VERMILLION, lw=1.4, ls="--", **frame)),
        "focus": lines.add_patch(Rectangle((0, 0), 0, 0, ec=INK, lw=1, **frame)),
        "moved_title": _write(figure, 444, 556),
        "moved": moved.stairs([0], [0, 1], **BAR),
    }


def update_attention(artists: dict, data: dict) -> None:
    """Show one translation.

    Args:
        artists: what `build_attention` returned.
        data: `text` and what is `written`; `row`, the step looked at, from 0; `weights`, `was` (steps, source), with
            and without the change, and `yours` (steps, source) or None; `chances` and `chances_were` (steps, symbols of
            `SYMBOLS`); `changed`, whether anything is; `span`, (first, last position, first, last step) of what is
            framed, or None, and what that is, `span_is`; `out_of_sight` (source,) bool, what attention may not look at
            in this row; `answers`, a text or "" for each of `ANSWERS`; `truth`, the right date or ""; `forced`, (step,
            symbol) or None; `moved` (steps,), how far each context vector has moved, as a share of its length.
    """
    text, row, count = data["text"], data["row"], len(data["text"])
    weights, was, yours = data["weights"], data["was"], data["yours"]
    artists["axes"].set_xlim(0, count)
    written, symbol = data["written"], _symbol(data["written"], row)
    artists["title"].set_text(
        f"Where it looks to write symbol {row + 1}, {_quoted(symbol)}: a weight for each character"
    )
    _set_bars(artists["bars"], weights[row])
    _set_bars(artists["was"], was[row] if data["changed"] and row < len(was) else [])
    artists["source"].show(source_letters(text, 125, RIGHT, data["out_of_sight"]))
    grid = np.full((ROWS, count), np.nan)
    grid[: len(weights)] = weights
    artists["heat"].set_data(grid)
    artists["focus"].set_bounds(0, row, count, 1)
    _frame(artists["span"], data["span"])
    here = [] if yours is None or row >= len(yours) else yours[row]
    artists["yours"].set_data(np.arange(len(here)) + 0.5, np.clip(here, 0, 1.03))
    looking = np.flatnonzero([] if yours is None else yours.any(axis=1))  # the steps that have a largest weight
    artists["crosses"].set_data([yours[step].argmax() + 0.5 for step in looking], looking + 0.5)
    notes = ["black line: as trained"] * data["changed"] + ["green ×: your attend"] * (yours is not None)
    notes += [f"orange frame: {data['span_is']}"] * (data["span"] is not None)
    notes += ["dashed: forced"] * (data["forced"] is not None)
    artists["note"].set_text("   ".join(notes))
    for place, label in enumerate(artists["written"]):
        mark = _symbol(written, place) if place < len(weights) else ""
        wrong = bool(mark) and is_wrong(mark, data["truth"], place)
        look = {"color": VERMILLION, "fontweight": "bold"} if wrong else {"color": INK, "fontweight": "normal"}
        label.set(text="✗ " * wrong + mark, **look)

    chances, forced = artists["chances"], data["forced"]
    pressed = forced is not None and forced[0] == row
    chances["title"].set_text(f"Chances of symbol {row + 1}" + (f": {_quoted(symbol)} is forced" if pressed else ""))
    _set_bars(chances["bars"], data["chances"][row])
    _set_bars(chances["was"], data["chances_were"][row] if data["changed"] and row < len(was) else [])
    _show_table(artists["table"], data)


def _show_table(table: dict, data: dict) -> None:
    answers, row, forced = data["answers"], data["row"], data["forced"]
    letters, under = [], []
    for line, answer in enumerate(answers.values()):
        for place, symbol in enumerate(answer):
            x, y, wrong = TABLE + GAP * place, 452 + 20 * line, is_wrong(symbol, data["truth"], place)
            letters.append(Label(x, y, symbol, VERMILLION if wrong else INK, "center", wrong, 11, mono=True))
            under += [(x - 6, y + 9), (x + 6, y + 9), (np.nan, np.nan)] * wrong
    table["symbols"].show(letters)
    table["wrong"].set_data(np.array(under).reshape(-1, 2).T)
    for name, text in zip(ANSWERS, table["names"], strict=True):
        text.set_text(name if answers[name] else "")
    below = 444 + 20 * (len(ANSWERS) if answers["your attend"] else len(ANSWERS) - 1)
    table["focus"].set_bounds(TABLE + GAP * row - GAP / 2 + 1, 440, GAP - 2, below - 440)
    table["forced"].set_visible(forced is not None)
    if forced:
        table["forced"].set_bounds(TABLE + GAP * forced[0] - GAP / 2 + 3, 482, GAP - 6, below - 484)
    moved = data["moved"]
    _set_bars(table["moved"], np.minimum(moved, 1.5))
    share = f"{moved[row]:.0%} of its length" if row < len(moved) else "nothing to compare with"
    table["moved_title"].set_text(f"The context vector has moved, at symbol {row + 1}: {share}")


def source_letters(text: str, y: float, right: float, out_of_sight: np.ndarray) -> list[Label]:
    """A source character over each column, in a line `y` pixels from the top; grey is what is out of sight or a
    blank."""
    letters, size = [], 11 if len(text) <= 36 else 9.5
    for place, sign in enumerate(text):
        pale = bool(out_of_sight[place]) or sign == " "
        x = LEFT + (right - LEFT) * (place + 0.5) / len(text)
        color = "#AAAAAA" if pale else INK
        letters.append(Label(x, y, sign.replace(" ", BLANK), color, "center", not pale, size, mono=True))
    return letters


def draw_alignment(text: str, written: str, weights: np.ndarray) -> Figure:
    """Draw where a decoder looked: a row for each written symbol, a column for each source character.

    Args:
        text: the source, at most 50 characters.
        written: what was written; the end is named if `weights` has one row more.
        weights: (steps, source)

    Raises:
        ValueError: the weights do not fit the texts.
    """
    steps, count = np.shape(weights)
    if count != len(text) or steps - len(written) not in (0, 1):
        raise ValueError(f"weights {(steps, count)} do not fit {len(text)} characters and {len(written)} symbols")
    height = 62 + 21 * steps
    figure = new_figure(WIDTH, height)
    with style():
        right = min(RIGHT, LEFT + 34 * count)
        axes = figure.add_axes(_box(LEFT, 32, right, 32 + 21 * steps, height))
        HeatMap(axes, SHARE, 0, 1).set_data(weights)
        Labels(figure).show(source_letters(text, 19, right, np.zeros(count, bool)))
        for row in range(steps):
            _write(figure, LEFT - 8, 42.5 + 21 * row, _symbol(written, row), height, ha="right")
        _colour_key(figure, LEFT + 142, height - 14, height)
    return figure


def _colour_key(figure: Figure, right: float, y: float, height: float) -> None:
    """A strip of the weights' colours with its ends named, at pixels from the left and from the top."""
    strip = figure.add_axes(_box(right - 84, y - 5, right - 14, y + 5, height))
    HeatMap(strip, SHARE, 0, 1, lines=False).set_data(np.linspace(0, 1, 32)[None])
    for x, text in ((right - 90, "weight 0"), (right, "1")):
        _write(figure, x, y, text, height, ha="right", color=GREY, fontsize=8.5)


def _box(left: float, top: float, right: float, bottom: float, height: float = HEIGHT):
    """A rectangle in pixels from the left and from the top, as axes want it."""
    return left / WIDTH, 1 - bottom / height, (right - left) / WIDTH, (bottom - top) / height


def _write(figure: Figure, x: float, y: float, text: str = "", height: float = HEIGHT, **look) -> Text:
    """A text at pixels from the left and from the top."""
    return figure.text(x / WIDTH, 1 - y / height, text, **{"color": INK, "va": "center"} | look)


def _set_bars(stairs, values) -> None:
    """A bar of width 0.7 on each unit, all in one artist, which draws many times faster than a patch each."""
    heights, edges = np.zeros(2 * len(values) + 1), np.zeros(2 * len(values) + 2)
    heights[1::2] = values
    edges[1:-1] = (np.arange(len(values))[:, None] + [0.15, 0.85]).ravel()
    edges[-1] = edges[-2]
    stairs.set_data(heights, edges)


def _frame(frame: Rectangle, span: tuple[int, int, int, int] | None) -> None:
    frame.set_visible(span is not None)
    if span:
        left, right, top, bottom = span
        frame.set_bounds(left, top, right - left + 1, bottom - top + 1)


def _symbol(written: str, place: int) -> str:
    return written[place] if place < len(written) else "end"


def _quoted(symbol: str) -> str:
    return f"«{symbol}»" if symbol != "end" else "the end"


def is_wrong(symbol: str, truth: str, place: int) -> bool:
    """Whether the right date, where it is known, has another symbol at this place."""
    return bool(truth) and symbol != _symbol(truth, place)
