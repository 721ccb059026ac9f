"""The picture of an unrolled recurrent network: its state in step with the words, and the wake of a nudge."""

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from course_lib.figures.gates import LONGEST, answer_axes
from course_lib.figures.heatmap import HeatMap
from course_lib.figures.labels import RISE, Label, Labels
from course_lib.figures.style import BLUE, GREEN, GREY, INK, SIGNED, VERMILLION

WIDTH, HEIGHT = 880, 560
WORDS_Y, SINCE_Y = 315, 530  # pixels from the top
LEFT, RIGHT, SIDE = 0.105, 0.68, 0.745  # the columns from LEFT to RIGHT, the path and the numbers from SIDE
CELL = 0.66  # of a column's width; the arrow to the next one has the rest
FLOOR, CEILING = 1e-8, 10.0  # of the distances that are shown
EQUATION = (  # of a unit: number, height, sign, name
    ("of_input", 0.455, "", "$W_{xh}\\,x_t$"),
    ("of_hidden", 0.422, "+", "$W_{hh}\\,h_{t-1}$"),
    ("bias", 0.389, "+", "$b$"),
    ("sum", 0.34, "=", "sum"),
    ("tanh", 0.307, "", "tanh of the sum"),
    ("push", 0.274, "+", "nudge"),
    ("h", 0.225, "=", "$h_t$"),
)


def build_unrolled(figure: Figure, units: int, cloud: np.ndarray, praise: np.ndarray, shares: np.ndarray) -> dict:
    """Make the panels; the artists that move come back by name.

    Args:
        figure: an empty one.
        units: of the hidden state.
        cloud: known states along two axes, (states, 2), which stand behind the path.
        praise: whether each of them answers praise, (states,) bool.
        shares: of the states' variance, which the two axes carry, (2,).
    """
    artists: dict = {"units": units, "labels": Labels(figure)}
    _build_answer(figure, artists)
    _build_columns(figure, artists, units)
    _build_wake(figure, artists)
    _build_path(figure, artists, cloud, praise, shares)
    _build_equation(figure, artists, units)
    return artists


def _build_answer(figure: Figure, artists: dict) -> None:
    axes = answer_axes(figure, (LEFT, 0.855, RIGHT - LEFT, 0.095), room=0.08)
    axes.spines["bottom"].set_visible(False)
    figure.text(LEFT, 0.978, "the answer after each step", color=INK, va="center")
    artists["answer"] = axes
    artists["chance"] = [*_pair(axes, 3), axes.plot([], [], color=GREEN, lw=1.4, marker="x", ms=6, ls="")[0]]
    for x, color, text in ((RIGHT - 0.135, GREY, "╌ as it is"), (RIGHT - 0.045, VERMILLION, "━ nudged")):
        figure.text(x, 0.978, text, color=color, va="center", ha="center")
    artists["yours"] = figure.text(RIGHT - 0.195, 0.978, "", color=GREEN, va="center", ha="right")


def _pair(axes: Axes, size: float) -> list[Line2D]:
    """The line of the run as it is, and over it that of the nudged run."""
    as_it_is = axes.plot([], [], color=GREY, lw=1.3, ls=(0, (4, 2)), marker="o", ms=size)[0]
    return [as_it_is, axes.plot([], [], color=VERMILLION, lw=1.8, marker="o", ms=size + 0.7)[0]]


def _build_columns(figure: Figure, artists: dict, units: int) -> None:
    """One column a step; rows count from the top, and the arrows of input and output stand above and below them."""
    axes = figure.add_axes((LEFT, 0.465, RIGHT - LEFT, 0.375))
    axes.set_ylim(units + 0.65, -0.65)
    axes.axis("off")
    corners = np.array([(0, 0.03), (CELL, 0.03), (CELL, 0.97), (0, 0.97)])
    cells = [corners + np.array((step, unit)) for unit in range(units) for step in range(LONGEST)]
    artists["cells"] = PolyCollection(cells, cmap=SIGNED, norm=Normalize(-1, 1), lw=0, antialiaseds=False)
    axes.add_collection(artists["cells"])
    artists["columns"] = axes
    artists["shafts"] = axes.plot([], [], color=GREY, lw=1, clip_on=False)[0]
    artists["upward"] = axes.plot([], [], color=GREY, ls="", marker="^", ms=3.2, clip_on=False)[0]
    artists["onward"] = axes.plot([], [], color=GREY, ls="", marker=">", ms=3.2, clip_on=False)[0]
    artists["nudged"] = axes.add_patch(Rectangle((0, 0), 0, 0, fill=False, ec=VERMILLION, lw=2.4, clip_on=False))
    artists["focus"] = axes.add_patch(Rectangle((0, 0), CELL, 1, fill=False, ec=INK, lw=1.6, zorder=4, clip_on=False))
    artists["focus"].set_path_effects([withStroke(linewidth=3.4, foreground="white")])  # seen on dark cells too
    margin = {"transform": axes.get_yaxis_transform(), "ha": "right", "va": "center", "color": INK}
    for unit in range(units):
        axes.text(-0.012, unit + 0.5, f"unit {unit + 1}", **margin)
    for y, name in ((-0.33, "$W_{hy}$"), (units + 0.33, "$W_{xh}$")):
        axes.text(-0.012, y, name, **margin | {"color": GREY})
    axes.text(1.004, units / 2, "$W_{hh}$", **margin | {"color": GREY, "ha": "left"})
    words = figure.add_axes((LEFT, 0.365, RIGHT - LEFT, 0.09))
    words.axis("off")
    words.set(ylim=(0, 1))
    artists["lettering"] = words
    artists["alone"] = words.text(0, 0.97, "", color=GREY, va="top")
    artists["scaled"] = figure.text(SIDE, 0.02, "", color=INK, va="center", weight="bold")
    artists["show"] = figure.text(LEFT, 0.02, "", color=GREY, va="center")
    key = figure.add_axes((RIGHT - 0.185, 0.01, 0.15, 0.02))
    HeatMap(key, SIGNED, -1, 1, lines=False).set_data(np.linspace(-1, 1, 32)[None])
    for x, text, side in ((-0.04, "−1", "right"), (1.04, "+1", "left")):
        key.text(x, 0.5, text, transform=key.transAxes, ha=side, va="center", color=GREY)


def _build_wake(figure: Figure, artists: dict) -> None:
    axes = figure.add_axes((LEFT, 0.085, RIGHT - LEFT, 0.225))
    axes.set(yscale="log", ylim=(FLOOR, CEILING), xticks=[], yticks=[1e-8, 1e-6, 1e-4, 1e-2, 1])
    axes.minorticks_off()
    axes.grid(axis="y")
    axes.set_axisbelow(True)
    axes.text(-0.012, -0.15, "since nudge", transform=axes.transAxes, ha="right", va="center", color=GREY, fontsize=8.5)
    figure.text(LEFT, 0.334, "how far apart the two states are", color=INK, va="center")
    artists["wake"] = axes
    artists["distance"] = axes.plot([], [], color=VERMILLION, lw=1.8, marker="o", ms=3.7)[0]
    artists["half"] = axes.plot([], [], color=GREY, lw=0.9, ls=":")[0]
    artists["life"] = figure.text(RIGHT, 0.334, "", color=VERMILLION, va="center", ha="right")


def _build_path(figure: Figure, artists: dict, cloud: np.ndarray, praise: np.ndarray, shares: np.ndarray) -> None:
    axes = figure.add_axes((SIDE, 0.62, 0.24, 0.33))
    reach = 1.12 * np.abs(cloud).max()
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), xticks=[], yticks=[])
    axes.set_xlabel(f"first principal axis, {shares[0]:.0%}", labelpad=3, fontsize=8.5)
    axes.set_ylabel(f"second, {shares[1]:.0%}", labelpad=3, fontsize=8.5)
    for answers, shade in ((False, 0.28), (True, 0.72)):
        axes.plot(*cloud[praise == answers].T, ls="", marker="o", ms=2.6, mew=0, color=colormaps[SIGNED](shade))
    figure.text(SIDE, 0.978, "the path of the state", color=INK, va="center")
    orange, purple = colormaps[SIGNED]((0.2, 0.8))
    for x, text, color in ((0, "● blame", orange), (0.067, "● praise", purple), (0.138, "ends of reviews", GREY)):
        figure.text(SIDE + x, 0.562, text, color=color, va="center", fontsize=8.5)
    artists["path"] = [axes.plot([], [], color=color, lw=0.9, marker="o", ms=2.2, alpha=0.5)[0]
                       for color in (GREY, VERMILLION)]  # fmt: skip
    artists["here"] = [axes.plot([], [], color=color, lw=2.2, marker="o", markevery=[-1], ms=9, mfc="none", mew=1.8)[0]
                       for color in (GREY, VERMILLION)]  # fmt: skip


def _build_equation(figure: Figure, artists: dict, units: int) -> None:
    """The equation of the chosen unit, and what each unit of the step before adds to its sum."""

    def write(x: float, y: float, text: str, **style):
        return figure.text(x, y, text, **{"color": INK, "va": "center"} | style)

    for _, y, sign, label in EQUATION:
        write(SIDE, y, sign, color=GREY)
        write(SIDE + 0.025, y, label)
    for y in (0.365, 0.25):
        figure.add_artist(Line2D([SIDE, SIDE + 0.225], [y, y], color=GREY, lw=0.8))
    write(SIDE, 0.175, "$W_{hh}\\,h_{t-1}$ comes from unit", color=GREY)
    bars = figure.add_axes((SIDE, 0.075, 0.24, 0.082))
    bars.set(xlim=(0, units), ylim=(-1, 1), xticks=np.arange(units) + 0.5, xticklabels=range(1, units + 1), yticks=[])
    bars.tick_params(axis="x", length=0, pad=1)
    for side in ("left", "bottom"):
        bars.spines[side].set_visible(False)
    bars.axhline(0, color=GREY, lw=0.8)
    artists["parts"] = [bars.add_patch(Rectangle((unit + 0.2, 0), 0.6, 0, color=BLUE, lw=0)) for unit in range(units)]


def update_unrolled(artists: dict, data: dict) -> None:
    """Show one reading with its nudge.

    Args:
        artists: what `build_unrolled` returned.
        data: `words` (time,), "" where the network runs on alone; `panel` (units, time); `show`, what the panel shows;
            `free`, `held` and, or None, `yours`: the chance of praise after each step, (time,); `distance` (time,),
            nan before the nudge, or None without one; `nudged`, (first row, last row, column) or None; `path`, two
            arrays (time, 2), of the run as it is and of the nudged one; `life`, the nudge's in words; `step`, `unit`,
            `where` and `numbers`: the chosen cell, its name and its equation; `parts` (units,), what each unit of the
            step before adds to it; `scale` of W_hh.
    """
    count = len(data["words"])
    centres = np.arange(count) + CELL / 2
    for name in ("answer", "columns", "lettering", "wake"):
        artists[name].set_xlim(0, max(count, 4))
    nudged = data["nudged"] is not None
    lines = (data["free"], data["held"] if nudged else [], [] if data["yours"] is None else data["yours"])
    for line, values in zip(artists["chance"], lines, strict=True):
        line.set_data(centres[: len(values)], values)
    artists["yours"].set_text("" if data["yours"] is None else "× yours")
    _move_columns(artists, data, count, centres)
    _move_wake(artists, data, centres)
    for line, here, path in zip(artists["path"], artists["here"], data["path"], strict=True):
        drawn = path if nudged or line is artists["path"][0] else path[:0]
        line.set_data(*drawn.T)
        here.set_data(*drawn[max(data["step"] - 1, 0) : data["step"] + 1].T)
    artists["labels"].show([*_equation_labels(data), *_word_labels(data["words"], data["step"]), *_since_labels(data)])
    reach = max(np.abs(data["parts"]).max(), 1.0)
    for bar, part in zip(artists["parts"], data["parts"], strict=True):
        bar.set_height(part / reach)


def _move_columns(artists: dict, data: dict, count: int, centres: np.ndarray) -> None:
    units, words = artists["units"], data["words"]
    cells = np.zeros((units, LONGEST))
    cells[:, :count] = data["panel"]
    artists["cells"].set_array(cells.ravel())
    middle, gap = units / 2, (np.arange(count) + CELL, np.arange(count) + 0.97)
    up = [(x, y) for x in centres for y in (0, -0.55)], [(x, y) for x in centres for y in (units + 0.6, units + 0.1)]
    across = [(x, middle) for pair in zip(*gap, strict=True) for x in pair]
    artists["shafts"].set_data(*_broken([*up[0], *up[1][: 2 * _said(words)], *across]).T)
    heads = [(x, -0.45) for x in centres] + [(x, units + 0.2) for x in centres[: _said(words)]]
    artists["upward"].set_data(*np.array(heads).T)
    artists["onward"].set_data(gap[1] - 0.02, np.full(count, middle))
    said = _said(words)
    artists["alone"].set_text("no more input" if said < count else "")
    artists["alone"].set_x(said)
    artists["focus"].set_xy((data["step"], data["unit"]))
    first, last, column = data["nudged"] or (0, -1, 0)
    artists["nudged"].set_bounds(column, first, CELL if data["nudged"] else 0, last - first + 1)
    shown = "nudged − as it is" if data["show"] == "difference" else f"the {data['show']}"
    artists["show"].set_text(f"cells: {shown}")
    artists["scaled"].set_text("" if data["scale"] == 1 else f"W_hh × {data['scale']:.2f}: not as trained")


def _said(words: list[str]) -> int:
    return sum(word != "" for word in words)


def _broken(points: list[tuple[float, float]]) -> np.ndarray:
    """Segments from each odd point to the next, with a break between them, (points, 2)."""
    return np.insert(np.array(points, dtype=float), range(2, len(points), 2), np.nan, axis=0)


def _move_wake(artists: dict, data: dict, centres: np.ndarray) -> None:
    distance = data["distance"]
    artists["life"].set_text(data["life"])
    at = data["nudged"][2] if data["nudged"] else len(centres)
    if data["nudged"]:
        artists["distance"].set_data(centres[at:], np.clip(distance[at:], FLOOR, CEILING))
        artists["half"].set_data([centres[at], centres[-1]], [distance[at] / 2] * 2)
    else:
        artists["distance"].set_data([], [])
        artists["half"].set_data([], [])


def _equation_labels(data: dict) -> list[Label]:
    """The chosen cell's name and the numbers of its equation."""
    labels = [Label(SIDE * WIDTH, 0.5 * HEIGHT - RISE, data["where"], bold=True)]
    for name, y, *_ in EQUATION:
        number = f"{data['numbers'][name]:+.2f}".replace("-", "−")
        x, y = (SIDE + 0.22) * WIDTH, (1 - y) * HEIGHT - RISE
        labels.append(Label(x, y, number, align="right", bold=name == "h", mono=True))
    return labels


def _column(step: int, steps: int) -> float:
    """The middle of a step's cells, in pixels from the left."""
    return WIDTH * (LEFT + (RIGHT - LEFT) * (step + CELL / 2) / max(steps, 4))


def _word_labels(words: list[str], chosen: int) -> list[Label]:
    """The words under their columns, slanted where they would touch; the chosen one is bold."""
    count = len(words)
    slanted = (max(map(len, words)) + 1) * max(count, 4) > 72  # letters that fit side by side
    align, turn, size = "right" if slanted else "center", 35 if slanted else 0, 9.5 if count <= 16 else 8.5
    return [
        Label(_column(step, count), WORDS_Y, word, INK, align, step == chosen, size, turn=turn)
        for step, word in enumerate(words)
    ]


def _since_labels(data: dict) -> list[Label]:
    """How many steps have passed since the nudge, under the curve."""
    count = len(data["words"])
    if not data["nudged"]:
        return []
    at, every = data["nudged"][2], 1 if count <= 12 else 5
    steps = range(at, count, every)
    return [Label(_column(step, count), SINCE_Y, f"{step - at}", GREY, "center", size=8.5) for step in steps]
