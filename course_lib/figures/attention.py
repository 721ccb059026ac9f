"""Where a decoder looks: its weights over the source, symbol by symbol, and what it writes."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from course_lib.figures.heatmap import HeatMap
from course_lib.figures.labels import Label, Labels
from course_lib.figures.page import add_boxes, add_colour_key, add_page, add_panel, boxes, write
from course_lib.figures.style import BLUE, GREEN, GREY, INK, SHARE, VERMILLION, new_figure, style

WIDTH, HEIGHT = 880, 620  # screen pixels
LEFT, RIGHT = 70, 866  # of the source's columns
ROWS, ROW, MAP_Y = 12, 20, 138  # of the map: as many as there is room for, their height, where they begin
SYMBOLS = (*"-0123456789", "end")
ANSWERS = ("the date", "as trained", "as changed", "fixed vector", "your attend")
NAMES_X, TABLE, GAP, TABLE_Y = 444, 556, 25, 452  # the answers' names, their first symbol, from one to the next
BLANK, PALE = "␣", "#AAAAAA"
BAR = {"fc": BLUE, "zorder": 3}  # over the axis, as a blitted frame has it
OUTLINE = {"fc": "none", "ec": INK, "lw": 1.1, "zorder": 3}


def build_attention(figure: Figure) -> dict:
    """Make the panels; the artists that move come back by name."""
    weights = add_panel(figure, LEFT, 30, RIGHT, 110)
    _scale(weights)
    cross = {"color": GREEN, "marker": "x", "ls": "", "mew": 1.6, "zorder": 6, "clip_on": False}
    return {
        "labels": Labels(figure),
        "axes": weights,
        "bars": add_boxes(weights, **BAR),
        "was": add_boxes(weights, **OUTLINE),
        "yours": weights.plot([], [], ms=5.5, **cross)[0],
        **_build_map(figure, cross),
        **_build_chances(figure),
        **_build_table(figure),
    }


def _scale(axes: Axes) -> None:
    """Make axes count shares, from 0 to 1."""
    axes.set(ylim=(0, 1.06), xticks=[], yticks=[0, 0.5, 1], yticklabels=["0", "", "1"])
    axes.grid(axis="y")
    axes.set_axisbelow(True)


def _build_map(figure: Figure, cross: dict) -> dict:
    """A row of weights for each symbol that is written."""
    cells = add_panel(figure, LEFT, MAP_Y, RIGHT, MAP_Y + ROWS * ROW)
    heat = HeatMap(cells, SHARE, 0, 1)
    heat.set_data(np.full((ROWS, 1), np.nan))
    for row in range(ROWS):
        write(figure, 8, _row_y(row), str(row + 1), color=GREY, fontsize=8.5)
    _weights_key(figure, RIGHT, 391)
    focus = cells.add_patch(Rectangle((0, 0), 1, 1, fill=False, ec=INK, lw=1.6, zorder=4, clip_on=False))
    focus.set_path_effects([withStroke(linewidth=3.4, foreground="white")])  # seen on dark cells too
    return {
        "heat": heat,
        "focus": focus,
        "span": cells.add_patch(Rectangle((0, 0), 0, 0, fill=False, ec=VERMILLION, lw=2.4, zorder=5, clip_on=False)),
        "crosses": cells.plot([], [], ms=6, **cross)[0],
    }


def _build_chances(figure: Figure) -> dict:
    """One bar a symbol: how probable it is that it comes next."""
    axes = add_panel(figure, LEFT, 446, 420, 590)
    _scale(axes)
    axes.set(xlim=(0, len(SYMBOLS)))
    axes.set_xticks(np.arange(len(SYMBOLS)) + 0.5, SYMBOLS)
    axes.tick_params(axis="x", length=0)
    return {"chances": add_boxes(axes, **BAR), "chances_were": add_boxes(axes, **OUTLINE)}


def _build_table(figure: Figure) -> dict:
    """What each model wrote, one symbol under the other, and how far each context vector has moved."""
    write(figure, NAMES_X, 428, "What is written", weight="bold")
    moved = add_panel(figure, TABLE - GAP / 2, 568, TABLE + GAP * (ROWS - 0.5), 601)
    moved.set(xlim=(0, ROWS), ylim=(0, 1.5), yticks=[0, 1], yticklabels=["0", "100%"])
    moved.set_xticks(np.arange(ROWS) + 0.5, np.arange(1, ROWS + 1))
    moved.tick_params(axis="x", length=0, pad=2)
    moved.grid(axis="y")
    moved.set_axisbelow(True)
    page, frame = add_page(figure), {"fill": False, "clip_on": False}
    return {
        "wrong": page.plot([], [], color=VERMILLION, lw=1.8)[0],
        "forced": page.add_patch(Rectangle((0, 0), 0, 0, ec=VERMILLION, lw=1.4, ls="--", **frame)),
        "column": page.add_patch(Rectangle((0, 0), 0, 0, ec=INK, lw=1, **frame)),
        "moved": add_boxes(moved, **BAR),
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
    artists["labels"].show(
        [
            *_show_weights(artists, data),
            *_show_map(artists, data),
            *_show_chances(artists, data),
            *_show_table(artists, data),
        ]
    )


def _show_weights(artists: dict, data: dict) -> list[Label]:
    """The weights of the row looked at, over the source."""
    text, row, yours = data["text"], data["row"], data["yours"]
    artists["axes"].set_xlim(0, len(text))
    artists["bars"].set_verts(_bars(data["weights"][row]))
    artists["was"].set_verts(_bars(_before("was", data)))
    here = [] if yours is None or row >= len(yours) else yours[row]
    artists["yours"].set_data(np.arange(len(here)) + 0.5, np.clip(here, 0, 1.03))
    symbol = _quoted(_symbol(data["written"], row))
    title = f"Where it looks to write symbol {row + 1}, {symbol}: a weight for each character"
    return [Label(LEFT, 14, title, bold=True), *source_letters(text, 125, RIGHT, data["out_of_sight"])]


def _show_map(artists: dict, data: dict) -> list[Label]:
    """All weights, with what is hidden and the learner's largest ones; what is written stands at the left."""
    written, weights, span, yours = data["written"], data["weights"], data["span"], data["yours"]
    steps, count = weights.shape
    artists["heat"].set_data(np.concatenate([weights, np.full((ROWS - steps, count), np.nan)]))
    artists["focus"].set_bounds(0, data["row"], count, 1)
    artists["span"].set_visible(span is not None)
    if span:
        left, right, top, bottom = span
        artists["span"].set_bounds(left, top, right - left + 1, bottom - top + 1)
    looking = np.flatnonzero([] if yours is None else yours.any(axis=1))  # the steps that have a largest weight
    artists["crosses"].set_data([yours[step].argmax() + 0.5 for step in looking], looking + 0.5)
    notes = ["black line: as trained"] * data["changed"] + ["green ×: your attend"] * (yours is not None)
    notes += [f"orange frame: {data['span_is']}"] * (span is not None)
    notes += ["dashed: forced"] * (data["forced"] is not None)
    labels = [Label(LEFT, 391, "   ".join(notes), GREY, size=8.5)]
    for step in range(steps):
        symbol = _symbol(written, step)
        wrong = is_wrong(symbol, data["truth"], step)
        color = VERMILLION if wrong else INK
        labels.append(Label(LEFT - 8, _row_y(step), "✗ " * wrong + symbol, color, "right", wrong))
    return labels


def _show_chances(artists: dict, data: dict) -> list[Label]:
    row, forced = data["row"], data["forced"]
    artists["chances"].set_verts(_bars(data["chances"][row]))
    artists["chances_were"].set_verts(_bars(_before("chances_were", data)))
    here = forced is not None and forced[0] == row
    title = f"Chances of symbol {row + 1}" + (f": {_quoted(_symbol(data['written'], row))} is forced" if here else "")
    return [Label(LEFT, 428, title, bold=True)]


def _show_table(artists: dict, data: dict) -> list[Label]:
    answers, row, forced, moved = data["answers"], data["row"], data["forced"], data["moved"]
    labels, under = [], []
    for line, name in enumerate(ANSWERS):
        y = TABLE_Y + ROW * line
        labels += [Label(NAMES_X, y, name)] * bool(answers[name])
        for place, symbol in enumerate(answers[name]):
            x, wrong = TABLE + GAP * place, is_wrong(symbol, data["truth"], place)
            labels.append(Label(x, y, symbol, VERMILLION if wrong else INK, "center", wrong, 11, mono=True))
            under += [(x - 6, y + 9), (x + 6, y + 9), (np.nan, np.nan)] * wrong
    artists["wrong"].set_data(np.array(under).reshape(-1, 2).T)
    end = TABLE_Y - 8 + ROW * (len(ANSWERS) if answers["your attend"] else len(ANSWERS) - 1)
    _frame_symbol(artists["column"], row, 1, TABLE_Y - 12, end)
    artists["forced"].set_visible(forced is not None)
    if forced:
        _frame_symbol(artists["forced"], forced[0], 3, TABLE_Y + 30, end - 2)
    artists["moved"].set_verts(_bars(np.minimum(moved, 1.5)))
    share = f"{moved[row]:.0%} of its length" if row < len(moved) else "nothing to compare with"
    return [*labels, Label(NAMES_X, 556, f"The context vector has moved, at symbol {row + 1}: {share}")]


def _frame_symbol(frame: Rectangle, place: int, inside: float, top: float, bottom: float) -> None:
    """Frame a symbol of the answers, so many pixels inside its column."""
    frame.set_bounds(TABLE + GAP * (place - 0.5) + inside, top, GAP - 2 * inside, bottom - top)


def source_letters(text: str, y: float, right: float, out_of_sight: np.ndarray) -> list[Label]:
    """A source character over each column, in a line `y` pixels from the top; pale is what is out of sight or a
    blank."""
    letters, size = [], 11 if len(text) <= 36 else 9.5
    for place, sign in enumerate(text):
        pale = bool(out_of_sight[place]) or sign == " "
        x = LEFT + (right - LEFT) * (place + 0.5) / len(text)
        letters.append(
            Label(x, y, sign.replace(" ", BLANK), PALE if pale else INK, "center", not pale, size, mono=True)
        )
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
    right, row, bottom = min(RIGHT, LEFT + 34 * count), 21, 32 + 21 * steps
    figure = new_figure(WIDTH, bottom + 30)
    with style():
        HeatMap(add_panel(figure, LEFT, 32, right, bottom), SHARE, 0, 1).set_data(weights)
        Labels(figure).show(source_letters(text, 19, right, np.zeros(count, bool)))
        for step in range(steps):
            write(figure, LEFT - 8, 32 + row * (step + 0.5), _symbol(written, step), ha="right")
        _weights_key(figure, LEFT + 142, bottom + 16)
    return figure


def _weights_key(figure: Figure, right: float, y: float) -> None:
    """A strip of the weights' colours that ends at `right`, pixels from the left."""
    add_colour_key(figure, right - 84, right - 14, y, SHARE, 0, 1, ("weight 0", "1"))


def _row_y(row: int) -> float:
    """The middle of a row of the map, in pixels from the top."""
    return MAP_Y + ROW * (row + 0.5)


def _bars(heights: np.ndarray) -> np.ndarray:
    """A bar in the middle of each unit, (bars, 4, 2); of what is too low to be seen, not even an outline."""
    places = np.flatnonzero(heights > 0.005)
    return boxes(places + 0.15, 0, places + 0.85, heights[places])


def _before(name: str, data: dict) -> np.ndarray:
    """The values of the row looked at as they were before the change; none if there is no such row, or no change."""
    return data[name][data["row"]] if data["changed"] and data["row"] < len(data[name]) else np.zeros(0)


def _symbol(written: str, place: int) -> str:
    return written[place] if place < len(written) else "end"


def _quoted(symbol: str) -> str:
    return f"«{symbol}»" if symbol != "end" else "the end"


def is_wrong(symbol: str, truth: str, place: int) -> bool:
    """Whether the right date, where it is known, has another symbol at this place."""
    return bool(truth) and symbol != _symbol(truth, place)
