"""The picture of a perceptron that learns: points and line in the plane, the weight vector and its last correction,
mistakes per epoch. And the picture of a network of two such units, each with its own line."""

from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure

from course_lib.figures.labels import Label, Labels
from course_lib.figures.page import add_boxes, add_page, add_panel, boxes, pixels_at, write
from course_lib.figures.playground import EDGE, MARKS
from course_lib.figures.style import BLUE, GREEN, GREY, INK, SIGNED, VERMILLION, new_figure, style

WIDTH, HEIGHT = 880, 430
PLANE = (40, 34, 404, 398)  # left, top, right, bottom
WEIGHTS, RADIUS = (552, 142), 98  # the middle of the weight vector's circle, and how large that is
NUMBERS = 664  # where the numbers beside it begin
BARS = (454, 300, 866, 398)
NAMES = ("w₁", "w₂", "b ")
MANY = 40  # epochs that the bars have room for
PALE = [colormaps[SIGNED](share) for share in (0.36, 0.64)]  # of either side of the line
FIT = {"color": GREEN, "lw": 1.6, "ls": (0, (2, 1.5))}
WRONG = {"marker": "x", "ms": 10, "mec": INK, "mew": 1.4}
LAST = {"marker": "o", "ms": 15, "mfc": "none", "mec": VERMILLION, "mew": 1.8}
CORNERS = EDGE * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
SIZES = [size * 10**power for power in range(-1, 4) for size in (1, 1.5, 2, 3, 4, 5, 7)]  # of the circle


def build_perceptron(figure: Figure) -> dict:
    """Make the page; the artists that move come back by name, and `plane`, the axes that can be clicked.

    Args:
        figure: an empty one of WIDTH by HEIGHT screen pixels.
    """
    page = add_page(figure)
    page.set_zorder(1)  # its arrows lie over the plane
    plane = _add_plane(figure, PLANE)
    frame = [*plane.spines.values(), *plane.lines]  # they lie over the two sides, which move
    sides = plane.add_collection(PolyCollection([], zorder=0.5, lw=0), autolim=False)
    before, line, fit = (plane.plot([], [], zorder=3, **look)[0] for look in (
        {"color": GREY, "lw": 1.2, "ls": (0, (4, 2))}, {"color": INK, "lw": 1.8}, FIT))  # fmt: skip
    looks = MARKS | {"wrong": WRONG, "last": LAST}
    marks = {name: plane.plot([], [], ls="", zorder=4, **look)[0] for name, look in looks.items()}
    write(figure, PLANE[0], 14, "The plane", fontweight="bold")
    write(figure, PLANE[2], 14, "× wrong    ◯ last corrected    – – line before", color=GREY, ha="right", fontsize=8.5)
    write(figure, WEIGHTS[0] - RADIUS - 8, 14, "The weight vector w", fontweight="bold")
    write(figure, NUMBERS, 14, "The last correction", fontweight="bold")
    write(figure, BARS[0], 274, "Mistakes per epoch", fontweight="bold")
    turns = np.linspace(0, 2 * np.pi, 90)
    page.plot(WEIGHTS[0] + RADIUS * np.cos(turns), WEIGHTS[1] + RADIUS * np.sin(turns), color="#cccccc", lw=0.8)
    for dx, dy in ((RADIUS, 0), (0, RADIUS)):
        page.plot([WEIGHTS[0] - dx, WEIGHTS[0] + dx], [WEIGHTS[1] - dy, WEIGHTS[1] + dy], color="#e0e0e0", lw=0.8)
    page.plot([BARS[0], BARS[2]], [BARS[3]] * 2, color="#777777", lw=0.7)
    (path,) = page.plot([], [], color=GREY, lw=0.7, alpha=0.7, zorder=2)
    return {
        "plane": plane, "sides": sides, "frame": frame, "before": before, "line": line, "fit": fit, "marks": marks,
        "path": path, "shafts": page.add_collection(LineCollection([], zorder=5, capstyle="butt"), autolim=False),
        "heads": add_boxes(page, zorder=5), "bars": add_boxes(page, zorder=3), "labels": Labels(figure),
    }  # fmt: skip


def update_perceptron(artists: dict, data: dict) -> None:
    """Show a perceptron as it stands.

    Args:
        artists: what `build_perceptron` returned.
        data: `points` (n, 2), `labels`, `wrong`, `own` (n,); `path`, w and b at the start and after each correction,
            (corrections + 1, 3); `row`, the one that was last corrected, or None, and in which `epoch`; `mistakes`, one
            number an epoch; `unfinished`, whether the last of these epochs is not over; `yours`, another w and b, (3,),
            or None; `notes`, short lines of text.
    """
    now, row = data["path"][-1], data["row"]
    last = data["path"][-2] if row is not None else now
    artists["sides"].set(verts=_sides(now), facecolor=PALE)
    artists["line"].set_data(*_line(now))
    artists["before"].set_data(*(_line(last) if row is not None else ([], [])))
    artists["fit"].set_data(*([], []) if data["yours"] is None else _line(data["yours"]))
    chosen = {"class 0": data["labels"] == 0, "class 1": data["labels"] == 1, "last": [] if row is None else [row]}
    for name, which in (chosen | {"own": data["own"], "wrong": data["wrong"]}).items():
        artists["marks"][name].set_data(*data["points"][which].T)
    longest = np.hypot(*data["path"][:, :2].T).max()
    size = next((size for size in SIZES if longest <= size), SIZES[-1])
    tips = WEIGHTS + np.array([1, -1]) * RADIUS / size * data["path"][:, :2]  # of w, in screen pixels
    artists["path"].set_data(*tips[:-1].T)
    middle = np.array(WEIGHTS, float)
    arrows = [(middle, tips[-1], INK, 2.2)]
    if row is not None:
        zero, point = pixels_at(artists["plane"], np.array([[0, 0], data["points"][row]]))
        arrows = [(middle, tips[-2], GREY, 1.2), (tips[-2], tips[-1], VERMILLION, 1.8), *arrows,
                  (zero, point, VERMILLION, 1.2)]  # fmt: skip
    foot, head = _normal(now)
    _draw_arrows(artists, [*arrows, (*pixels_at(artists["plane"], np.array([foot, head])), INK, 1.8)])
    heights = _draw_bars(artists["bars"], data["mistakes"], data["unfinished"])
    x, y = np.array(WEIGHTS) + RADIUS * np.array([0.74, 0.84])
    scale = Label(x, y, f"|w| = {size:g}" if longest else "", GREY, size=8.5)
    artists["labels"].show([*_sums(now, last, data), *heights, scale])


def _draw_arrows(artists: dict, arrows: Sequence[tuple[np.ndarray, np.ndarray, str, float]]) -> None:
    """Arrows on the page, in screen pixels: from, to, colour, line width."""
    arrows = [arrow for arrow in arrows if np.hypot(*(arrow[1] - arrow[0])) > 1]
    heads, shafts = [], []
    for start, end, _, width in arrows:
        length = np.hypot(*(end - start))
        along, size = (end - start) / length, min(4 + 3 * width, 0.6 * length)
        across, foot = 0.42 * size * np.array([-along[1], along[0]]), end - size * along
        shafts.append([start, foot])
        heads.append([end, foot + across, foot - across])
    colours = [arrow[2] for arrow in arrows]
    artists["shafts"].set(segments=shafts, colors=colours, linewidths=[arrow[3] for arrow in arrows])
    artists["heads"].set(verts=heads, facecolor=colours)


def _sides(weights: np.ndarray) -> list[np.ndarray]:
    """Where the unit says 0, and where 1: what the line leaves of the square on either side."""
    if not weights[:2].any():
        return [CORNERS[:0], CORNERS] if weights[2] >= 0 else [CORNERS, CORNERS[:0]]
    return [_cut(CORNERS, sign * weights) for sign in (-1, 1)]


def _cut(corners: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The part of a polygon where w · x + b is at least 0: (corners, 2), none where it is nowhere."""
    heights = corners @ weights[:2] + weights[2]
    kept = []
    for a, b, up, down in zip(corners, np.roll(corners, -1, 0), heights, np.roll(heights, -1), strict=True):
        if up >= 0:
            kept.append(a)
        if (up >= 0) != (down >= 0):
            kept.append(a + (b - a) * up / (up - down))
    return np.array(kept).reshape(-1, 2)


def _line(weights: np.ndarray) -> np.ndarray:
    """Where w · x + b is 0, across the whole plane: x and y of its ends, (2, 2)."""
    w, b = weights[:2], weights[2]
    if not w.any():
        return np.zeros((2, 0))
    along = 4 * EDGE * np.array([-w[1], w[0]]) / np.hypot(*w)
    foot = -b * w / (w @ w)
    return np.stack([foot - along, foot + along], axis=1)


def _normal(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A short arrow from the line's point nearest to the middle, in the direction of w; of no length out of sight."""
    w, b = weights[:2], weights[2]
    foot = -b * w / (w @ w) if w.any() else np.zeros(2)
    if not w.any() or np.abs(foot).max() > EDGE:
        return np.zeros(2), np.zeros(2)
    return foot, foot + 0.28 * w / np.hypot(*w)


def _draw_bars(bars: PolyCollection, mistakes: np.ndarray, unfinished: bool) -> list[Label]:
    """The last epochs' mistakes; their numbers, where there is room, come back to be written."""
    shown = mistakes[-MANY:]
    left, top, right, bottom = BARS
    wide = min((right - left) / max(len(shown), 1), 40)
    x = left + wide * np.arange(len(shown))
    y = bottom - (bottom - top - 14) * shown / max(shown.max(initial=0), 4)
    bars.set_verts(boxes(x + 0.1 * wide, y, x + 0.9 * wide, bottom))
    colours = [BLUE] * len(shown)
    if unfinished and len(shown):
        colours[-1] = "#9cc3de"
    bars.set_facecolor(colours)
    first, small = len(mistakes) - len(shown) + 1, 8.5 if wide > 15 else 7
    every = 1 if wide > 15 else 5
    labels = [Label(at + wide / 2, high - 7, str(n), BLUE, "center", size=small)
              for at, high, n in zip(x, y, shown, strict=True)]  # fmt: skip
    labels += [Label(at + wide / 2, bottom + 11, str(first + n), GREY, "center", size=8.5)
               for n, at in enumerate(x) if (first + n) % every == 0 or len(shown) == 1]  # fmt: skip
    return labels


def _sums(now: np.ndarray, last: np.ndarray, data: dict) -> list[Label]:
    """What the last correction added to what, in numbers."""
    if data["row"] is None:
        numbers = [f"{name}{_number(value)}" for name, value in zip(NAMES, now, strict=True)]
        return [Label(NUMBERS, 40, "none so far", GREY), *_column(numbers, INK)]
    said = int(data["labels"][data["row"]])
    signed = [f"{'−' if change < 0 else '+'} {abs(change):5.2f}" for change in now - last]
    numbers = [f"{name}{_number(a)} {change} ={_number(b)}"
               for name, a, change, b in zip(NAMES, last, signed, now, strict=True)]  # fmt: skip
    return [
        Label(NUMBERS, 40, f"number {len(data['path']) - 1}, in epoch {data['epoch']}"),
        Label(NUMBERS, 58, f"class {said} was taken for class {1 - said}", VERMILLION),
        *_column(numbers, INK),
        Label(NUMBERS, 160, f"{data['wrong'].sum()} of {len(data['labels'])} points are wrong now"),
        *[Label(NUMBERS, 184 + 18 * n, line, GREY) for n, line in enumerate(data["notes"])],
    ]


def _column(lines: Sequence[str], colour: str) -> list[Label]:
    return [Label(NUMBERS, 86 + 20 * n, line, colour, mono=True, size=9) for n, line in enumerate(lines)]


def _number(value: float) -> str:
    return f"{value + 0.0:7.2f}".replace("-", "−")  # a sum, since there is a −0.0


def _add_plane(figure: Figure, place: tuple[float, float, float, float]) -> Axes:
    plane = add_panel(figure, *place)
    plane.set(xlim=(-EDGE, EDGE), ylim=(-EDGE, EDGE), xticks=[-1, 0, 1], yticks=[-1, 0, 1])
    plane.spines[:].set_visible(True)
    for line in (plane.axhline, plane.axvline):
        line(0, color="white", lw=0.8, zorder=1)
    return plane


def draw_xor_network(lines: np.ndarray, points: np.ndarray, labels: np.ndarray, hidden: np.ndarray, answer: np.ndarray,
                     one: np.ndarray) -> Figure:
    """How two hidden units take XOR apart: one line, two lines, and the plane that the output unit sees.

    Args:
        lines: weights and bias of both hidden units and of the output unit, (3, 3).
        points: the four inputs, (4, 2), each 0 or 1.
        labels: their classes, (4,).
        hidden: what both hidden units make of them, (4, 2), each from -1 to 1.
        answer: probabilities over the plane, (rows, columns), from -0.5 to 1.5 both ways, the uppermost row first.
        one: weights and bias of a perceptron, (3,).
    """
    figure = new_figure(880, 330)
    with style():
        alone, before, after = figure.subplots(1, 3)
        figure.subplots_adjust(left=0.055, right=0.985, top=0.9, bottom=0.13, wspace=0.22)
        alone.set_title("A perceptron has one line")
        before.set_title("Two hidden units have two")
        after.set_title("What the output unit sees")
        before.imshow(answer, cmap=SIGNED, vmin=-0.4, vmax=1.4, extent=(-0.5, 1.5, -0.5, 1.5), interpolation="bilinear",
                      aspect="auto")  # fmt: skip
        for axes in (alone, before):
            axes.set(xlim=(-0.5, 1.5), ylim=(-0.5, 1.5), xticks=[0, 1], yticks=[0, 1], xlabel="x₁", ylabel="x₂")
        after.set(xlim=(-1.3, 1.3), ylim=(-1.3, 1.3), xticks=[-1, 0, 1], yticks=[-1, 0, 1], xlabel="h₁", ylabel="h₂")
        alone.plot(*_line(one), color=INK, lw=1.8)
        for number, (line, dashes) in enumerate(zip(lines[:2], ("-", (0, (5, 2))), strict=True)):
            before.plot(*_line(line), color=INK, lw=1.6, ls=dashes, label=f"unit {number + 1}")
        before.legend(loc="upper right", fontsize=8, frameon=True, framealpha=0.85, edgecolor="none")
        after.plot(*_line(lines[2]), color=INK, lw=1.8)
        for axes, at in ((alone, points), (before, points), (after, hidden)):
            for label, name in ((0, "class 0"), (1, "class 1")):
                axes.plot(*at[labels == label].T, ls="", **MARKS[name] | {"ms": 9})
            for (x, y), (first, second) in zip(at, points.astype(int), strict=True):
                above = 5 if first != second or not first else -12  # 00 and 11 may lie in one place
                axes.annotate(f"{first} {second}", (x, y), xytext=(7, above), textcoords="offset points", fontsize=8)
    return figure
