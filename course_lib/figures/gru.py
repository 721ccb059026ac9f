"""The picture of a GRU and an LSTM that read the same sentence, word under word."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from course_lib.figures.gates import (
    PANELS,
    answer_axes,
    build_panel,
    colour_key,
    show_panel,
    within,
    word_labels,
)
from course_lib.figures.labels import RISE, Label, Labels
from course_lib.figures.style import BLUE, GREEN, GREY, INK, ORANGE, SHARE, SIGNED, VERMILLION

WIDTH, HEIGHT = 880, 660
GRU_PANELS = {
    "reset": ("reset gate", SHARE, 0, 1),
    "update": ("update gate", SHARE, 0, 1),
    "hidden": ("state", SIGNED, -1, 1),
}
NETS = {"gru": ("GRU", BLUE, "o", GRU_PANELS), "lstm": ("LSTM", ORANGE, "s", PANELS)}
LEFT, RIGHT, SIDE = 116, 612, 638  # pixels: the words' columns from LEFT to RIGHT, the numbers from SIDE
COLUMNS = {"gru": SIDE + 162, "lstm": SIDE + 234}  # right edges of the numbers
ANSWERS = {"gru": 47, "lstm": 73}  # pixels from the top
TABLE = (  # what is said of a unit, (sign, number) or a remark in GRU and LSTM, pixels from the top
    ("state before", ("h", "before"), ("c", "before"), 206),
    ("× share kept", ("z", "z"), ("f", "f"), 228),
    ("candidate", ("n", "n"), ("g", "g"), 258),
    ("× share added", ("1−z", "new"), ("i", "i"), 280),
    ("= state after", ("h", "h"), ("c", "c"), 310),
    ("its tanh", "–", ("", "tanh"), 340),
    ("× share shown", "–", ("o", "o"), 362),
    ("= output", "state", ("h", "h"), 392),
    ("reset, inside n", ("r", "r"), "–", 430),
)


def build_gru(figure: Figure) -> dict:
    """Make the panels; the artists that move come back by name."""

    def box(left: float, top: float, right: float, bottom: float) -> tuple[float, float, float, float]:
        return left / WIDTH, 1 - bottom / HEIGHT, (right - left) / WIDTH, (bottom - top) / HEIGHT

    artists: dict = {"labels": Labels(figure)}
    top = answer_axes(figure, box(LEFT, 10, RIGHT, 88))
    share = figure.add_axes(box(LEFT, 594, RIGHT, 648))
    share.set(ylim=(-0.04, 1.04), xticks=[], yticks=[0, 0.5, 1], yticklabels=["0", "", "1"])
    share.grid(axis="y")
    share.set_axisbelow(True)
    artists["share_title"] = share.text(0, 1.12, "", transform=share.transAxes, va="bottom", color=INK)
    artists["axes"] = [top, share]

    edge = 150
    for net, (title, color, marker, panels) in NETS.items():
        start = edge
        artists[net] = {}
        for name, (label, *look) in panels.items():
            artists[net][name] = build_panel(figure.add_axes(box(LEFT, edge, RIGHT, edge + 46)), label, *look)
            edge += 50
        middle = 1 - (start + edge - 4) / 2 / HEIGHT
        figure.text(11 / WIDTH, middle, title, color=INK, weight="bold", rotation=90, ha="center", va="center")
        ends = [1 - start / HEIGHT, 1 - (edge - 4) / HEIGHT]
        figure.add_artist(Line2D([22 / WIDTH] * 2, ends, color=color, lw=2.5))
        edge += 12
        look = {"color": color, "marker": marker}
        artists[net]["free"] = top.plot([], [], **look, lw=1.1, ls=(0, (4, 2)), ms=3, alpha=0.75)[0]
        artists[net]["chance"] = top.plot([], [], **look, lw=2, ms=4.5)[0]
        artists[net]["shares"] = share.plot([], [], color=color, lw=0.7, alpha=0.4)[0]  # of all units
        wide = {"lw": 3.6, "ms": 6} if net == "gru" else {"lw": 1.6, "ms": 3.5}  # both are seen where they are equal
        artists[net]["share"] = share.plot([], [], **look, **wide, clip_on=False)[0]
    artists["yours"] = top.plot([], [], color=GREEN, marker="x", ms=5.5, mew=1.6, ls="", zorder=5)[0]
    _build_answers(figure, artists, box)
    _build_table(figure, artists)
    for left, right, top_edge, title, look in (
        (SIDE + 94, SIDE + 234, 514, "gates", GRU_PANELS["update"]),
        (SIDE + 94, SIDE + 234, 550, "state, output", GRU_PANELS["hidden"]),
        (SIDE + 94, SIDE + 234, 586, "cell", PANELS["cell"]),
    ):
        colour_key(figure.add_axes(box(left, top_edge, right, top_edge + 12)), *look[1:])
        _write(figure, SIDE, top_edge + 6, title, color=GREY)
    return artists


def _write(figure: Figure, x: float, y: float, text: str = "", **style):
    """A text at pixels from the left and from the top."""
    return figure.text(x / WIDTH, 1 - y / HEIGHT, text, **{"color": INK, "va": "center"} | style)


def _build_answers(figure: Figure, artists: dict, box) -> None:
    """One bar from blame to praise for each net, with a mark where it stands when nothing is held."""
    _write(figure, SIDE, 18, "The answer: praise?", weight="bold")
    bars = figure.add_axes(box(SIDE + 50, 34, SIDE + 136, 86))
    bars.set(xlim=(0, 1), ylim=(2, 0), xticks=[], yticks=[])
    for side in ("left", "bottom"):
        bars.spines[side].set_visible(False)
    bars.axvspan(0, 1, color="#EEEEEE")
    bars.axvline(0.5, color=GREY, lw=0.8, ls=":")
    for row, (net, (title, color, *_)) in enumerate(NETS.items()):
        _write(figure, SIDE, ANSWERS[net], title)
        artists[net]["bar"] = bars.add_patch(Rectangle((0, row + 0.14), 0, 0.72, color=color, lw=0))
        artists[net]["was"] = bars.add_patch(Rectangle((0, row + 0.04), 0.025, 0.92, fc=INK, ec="white", lw=0.8))


def _build_table(figure: Figure, artists: dict) -> None:
    """The step of the chosen units: what the two gates of the one and the three of the other do."""
    artists["held_note"] = _write(figure, SIDE, 454, color=VERMILLION, va="top", linespacing=1.3)
    artists["difference"] = _write(figure, SIDE, 112, color=GREY, va="center")
    for place, (net, column) in enumerate(COLUMNS.items()):
        title, color, *_ = NETS[net]
        _write(figure, column, 160, title, weight="bold", ha="right")
        ends = [(column - 58) / WIDTH, column / WIDTH]
        figure.add_artist(Line2D(ends, [1 - 190 / HEIGHT] * 2, color=color, lw=2.5))
        for _, *of_nets, y in TABLE:
            if isinstance(of_nets[place], str):
                _write(figure, column, y, of_nets[place], color=GREY, ha="right")
                continue
            sign, _ = of_nets[place]
            _write(figure, column - (38 if len(sign) > 1 else 44), y, sign, color=GREY, ha="right", fontsize=8.5)
    for label, _, _, y in TABLE:
        _write(figure, SIDE, y, label, weight="bold" if label.startswith("=") else "normal", fontsize=8.5)
    for y in (295, 377, 411):
        ends = [SIDE / WIDTH, COLUMNS["lstm"] / WIDTH]
        figure.add_artist(Line2D(ends, [1 - y / HEIGHT] * 2, color=GREY, lw=0.8 if y < 400 else 0.4))


def update_gru(artists: dict, data: dict) -> None:
    """Show one reading by both nets.

    Args:
        artists: what `build_gru` returned.
        data: `words` (time,); `word` and `row`, the chosen cell; `where`, its name; `difference`, whether the panels
            show held minus free; `yours`, the learner's chance of praise (time,) or None; and for `gru` and `lstm` a
            dict each: `panels`, name -> (units, time); `free`, `held`, the chance of praise (time,); `gates`, those
            held; `kept`, the share kept from the chosen word on (units, words left); `numbers`, those of the table;
            `unit`, the chosen one's name; `held_at`, (first row, last row, first word, last word).
    """
    count, word, row = len(data["words"]), data["word"], data["row"]
    centres = np.arange(count) + 0.5
    for axes in artists["axes"]:
        axes.set_xlim(0, count)
    yours = [] if data["yours"] is None else data["yours"]
    artists["yours"].set_data(centres[: len(yours)], yours)
    artists["difference"].set_text("panels: held − free (purple: higher)" if data["difference"] else "")
    before = f"Share left of the state before «{data['words'][word]}»"
    artists["share_title"].set_text(f"{before}: product of z, of f (thin: the other rows)")
    labels = word_labels(data["words"], word, LEFT, RIGHT, 146)
    labels.append(Label(SIDE, 132 - RISE, data["where"], bold=True))
    notes = []
    for net, (title, *_, panels) in NETS.items():
        moving, of = artists[net], data[net]
        held_at = of["held_at"]
        for name, (_title, *look) in panels.items():
            look = (SIGNED, -1, 1) if data["difference"] else look
            here = held_at if name in of["gates"] else None
            show_panel(moving[name], of["panels"][name], *look, (word, row), here)
        free, now = of["free"], of["held"]
        moving["chance"].set_data(centres, now)
        moving["free"].set_data(centres if of["gates"] else [], free if of["gates"] else [])
        moving["bar"].set_width(now[-1])
        moving["was"].set_x(free[-1] - 0.0125 if of["gates"] else -1)
        moving["was"].set_visible(bool(of["gates"]))
        answer = f"{free[-1]:.0%} → {now[-1]:.0%}" if of["gates"] else f"{now[-1]:.0%}"
        labels.append(Label(SIDE + 234, ANSWERS[net] - RISE, answer, align="right", bold=True))
        steps = np.arange(word, count + 1)  # the share stands at the edges between the words
        moving["shares"].set_data(np.tile([*steps, np.nan], len(of["kept"])), _in_one_line(of["kept"]))
        moving["share"].set_data(steps, of["kept"][row])
        labels += _column(net, of["unit"], of["numbers"])
        if of["gates"] and within(held_at, word, row):
            notes.append(f"{title}: {' and '.join(of['gates'])} held here")
    artists["held_note"].set_text("\n".join(notes))
    artists["labels"].show(labels)


def _column(net: str, unit: str, numbers: dict[str, float]) -> list[Label]:
    """One net's column of the table: the chosen unit's name and its numbers."""
    x, place = COLUMNS[net], 1 + list(COLUMNS).index(net)
    labels = [Label(x, 178 - RISE, unit, GREY, "right", size=8.5)]
    for line in TABLE:
        if not isinstance(line[place], str):  # a remark
            number = f"{numbers[line[place][1]]:.2f}".replace("-", "−")
            labels.append(Label(x, line[-1] - RISE, number, align="right", bold=line[0].startswith("="), mono=True))
    return labels


def _in_one_line(values: np.ndarray) -> np.ndarray:
    """Rows (rows, columns) as one line that breaks between them, which is drawn many times faster than a line each."""
    return np.column_stack([values, np.full(len(values), np.nan)]).ravel()
