"""The pictures of gradient descent: paths on the contours of a loss, and how the loss falls along them."""

from collections.abc import Sequence

import numpy as np
from contourpy import contour_generator
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from course_lib.figures.labels import Label, Labels, fitting
from course_lib.figures.page import add_panel, pixels_at, write
from course_lib.figures.style import BLUE, GREEN, GREY, INK, SHARE, VERMILLION

WIDTH, HEIGHT = 880, 440
Box = tuple[float, float, float, float]  # left, top, right, bottom, in pixels
REACH = 2.4  # of both weights, in the plane of the learning rate
MOST_STEPS, FASTEST = 100, 1.0  # steps, and learning rate
PLANE: Box = (50, 44, 402, 396)
FACTORS: Box = (512, 62, 842, 204)
LOSSES: Box = (512, 276, 842, 396)
ALONG = (GREEN, BLUE)  # a colour for each direction, w1 first, wider, so that it shows where both are one
BATCHES = (VERMILLION, GREEN, BLUE)  # one at a time, some, all
MAP: Box = (66, 44, 406, 396)
TRACED = 200  # updates whose path is drawn; more of a noisy one hide the map
THREE: tuple[Box, ...] = ((478, 112, 592, 390), (610, 112, 724, 390), (742, 112, 856, 390))


class Landscape:
    """The contours of a loss over two weights, and its minima; `artists` are those that move.

    Args:
        axes: with fixed limits.
    """

    def __init__(self, axes: Axes):
        self.axes = axes
        self.lines = axes.add_collection(LineCollection([], lw=0.9), autolim=False)
        self.minima = axes.plot([], [], color=INK, marker="+", ms=9, mew=1.6, ls="", zorder=3)[0]
        self.artists, self.shown = [self.lines, self.minima], None

    def show(self, name: object, x: np.ndarray, y: np.ndarray, loss: np.ndarray, levels: Sequence[float]) -> None:
        """Draw the contours.

        Args:
            name: of the surface; the lines of the one that is shown already are kept.
            x, y: (columns,) and (rows,)
            loss: (rows, columns)
            levels: of the lines, from the lowest.
        """
        if self.shown != name:
            self.shown = name
            found = [contour_generator(x, y, loss).lines(level) for level in levels]
            colors = colormaps[SHARE](np.linspace(0.1, 0.85, len(levels)))
            self.lines.set_segments([line for lines in found for line in lines])
            self.lines.set_color([color for lines, color in zip(found, colors, strict=True) for _ in lines])


class Path:
    """A path over a plane, with a star where it begins and a dot where it ends; `artists` are those that move.

    Args:
        axes: that it lies in.
        color: of the path.
        dots: with a dot at each step.
    """

    def __init__(self, axes: Axes, color: str, dots: bool = True):
        step = {"marker": "o", "ms": 3.2, "mew": 0} if dots else {}
        self.under = axes.plot([], [], color="white", lw=2.6, **step)[0] if dots else None
        self.line = axes.plot([], [], color=color, lw=1.3 if dots else 0.8, zorder=3, **step)[0]
        self.start = axes.plot([], [], color=INK, marker="*", ms=11, mec="white", mew=0.8, ls="", zorder=5)[0]
        self.end = axes.plot([], [], color=color, marker="o", ms=7.5, mec="white", ls="", zorder=4)[0]
        self.artists = [artist for artist in (self.under, self.line, self.start, self.end) if artist]

    def show(self, points: np.ndarray) -> None:
        """Draw a path, (points, 2)."""
        for line in (self.line, self.under):
            if line:
                line.set_data(*points.T)
        self.start.set_data(*points[:1].T)
        self.end.set_data(*points[-1:].T)


# ---- the learning rate


def build_rates(figure: Figure) -> dict:
    """Make the three panels; the artists that move come back by name."""
    plane, factors, losses = (add_panel(figure, *box) for box in (PLANE, FACTORS, LOSSES))
    plane.set(xlim=(-REACH, REACH), ylim=(-REACH, REACH), xticks=[-2, -1, 0, 1, 2], yticks=[])
    plane.set_xlabel("weight w₁", labelpad=2)
    write(figure, 440, 18, "each step multiplies the distance to the minimum", weight="bold")
    factors.set(xlim=(0, FASTEST), ylim=(-1.6, 1.12), xticks=np.linspace(0, FASTEST, 6))
    factors.set_yticks([0.95, 0.45, -0.5, -1.3], ["creeps", "converges", "zigzags", "blows up"])
    factors.tick_params(axis="y", length=0)
    factors.set_xlabel("learning rate", labelpad=2)
    factors.axhspan(-1.6, -1, color="#EEEEEE", lw=0, zorder=0)
    for level in (1, 0, -1):
        factors.axhline(level, color=GREY, lw=0.7, zorder=1)
        factors.text(1.01, level, f"× {level}".replace("-", "−"), transform=factors.get_yaxis_transform(), color=GREY,
                     va="center", fontsize=8)  # fmt: skip
    write(figure, 440, 258, "the loss, above the lowest minimum's", weight="bold")
    losses.set(xlim=(-2, MOST_STEPS + 2), yscale="log", ylim=(1e-6, 1e2), xticks=np.linspace(0, MOST_STEPS, 6))
    losses.set_yticks([1e-6, 1e-4, 1e-2, 1, 100], ["10⁻⁶", "10⁻⁴", "0.01", "1", "100"])
    losses.minorticks_off()
    losses.set_xlabel("step", labelpad=2)
    losses.grid(axis="y")
    losses.set_axisbelow(True)
    landscape, path = Landscape(plane), Path(plane, VERMILLION)
    return {
        "axes": {"plane": plane, "factors": factors},
        "landscape": landscape,
        "path": path,
        "moving": [*landscape.artists, *path.artists],
        "curve": plane.plot([], [], color=GREY, lw=1.4)[0],
        "along": [factors.plot([], [], color=color, lw=wide)[0] for color, wide in zip(ALONG, (2.8, 1.4), strict=True)],
        "at": factors.plot([], [], color=INK, lw=0.9)[0],
        "spots": [factors.plot([], [], color=color, marker="o", ms=size, mec="white", ls="", zorder=4)[0]
                  for color, size in zip(ALONG, (9.5, 6), strict=True)],
        "losses": losses.plot([], [], color=VERMILLION, lw=1.4, marker="o", ms=2.6, mew=0)[0],
        "labels": Labels(figure),
    }  # fmt: skip


def update_rates(artists: dict, data: dict) -> None:
    """Show one walk.

    Args:
        artists: what `build_rates` returned.
        data: `title` of the surface; `grid` (points,) of both weights, `loss` (points, points) over it and `levels`, or
            no `levels` for a parabola, whose `loss` (points,) is over w1 alone; `minima` (minima, 2); `path` (steps
            + 1, 2) and `losses` (steps + 1,); `rate` and `rates` (rates,); `factors`, of each direction at `rates`
            (directions, rates), and `here` (directions,), at the rate, nan where there is none; `names` of the
            directions that have one, and what is `said` of each; `note`, if there are none.
    """
    path, parabola = data["path"], not len(data["levels"])
    if parabola:
        scale = 2 * (REACH - 0.2) / data["loss"].max()
        artists["curve"].set_data(data["grid"], scale * data["loss"] - REACH + 0.2)
        path = np.stack([path[:, 0], scale * data["losses"] - REACH + 0.2], axis=1)
    else:
        artists["landscape"].show(data["surface"], data["grid"], data["grid"], data["loss"], data["levels"])
        artists["landscape"].minima.set_data(*data["minima"].T)
    artists["curve"].set_visible(parabola)
    for artist in artists["landscape"].artists:
        artist.set_visible(not parabola)
    artists["path"].show(path)
    artists["losses"].set_data(np.arange(len(data["losses"])), np.maximum(data["losses"], 1e-30))
    for line, factors in zip(artists["along"], data["factors"], strict=True):
        line.set_data(data["rates"], factors)
    for spot, here in zip(artists["spots"], data["here"], strict=True):
        spot.set_data([data["rate"]], [max(here, -1.55)])
    artists["at"].set_data([data["rate"]] * 2, [-1.6, 1.12])
    artists["labels"].show(_rate_labels(artists["axes"], data, parabola))


def _rate_labels(axes: dict, data: dict, parabola: bool) -> list[Label]:
    left, top, _, bottom = PLANE
    labels = [Label(left - 20, 18, data["title"], INK, bold=True, size=fitting(data["title"], 390, 9.5, bold=True))]
    middle = (top + bottom) / 2
    labels.append(Label(18, middle, "loss L" if parabola else "weight w₂", INK, "center", size=9, turn=90))
    if not parabola:
        at = pixels_at(axes["plane"], np.array([[-REACH, y] for y in (-2, -1, 0, 1, 2)]))
        labels += [Label(left - 6, y, str(tick).replace("-", "−"), GREY, "right", size=8.5)
                   for (_, y), tick in zip(at, (-2, -1, 0, 1, 2), strict=True)]  # fmt: skip
    for y, line in zip((34, 48), data["note"].replace(": ", ":\n").splitlines(), strict=False):
        labels.append(Label(440, y, line, GREY, size=8.5))
    for x, name, said, color in zip((440, 652), data["names"], data["said"], ALONG, strict=False):
        labels.append(Label(x, 40, f"{name}: {said}", color, bold=True, size=8.5))
    return labels


# ---- the batch size


def build_batches(figure: Figure, x: np.ndarray, y: np.ndarray, loss: np.ndarray, line: float) -> dict:
    """Make the four panels; the artists that move come back by name.

    Args:
        figure: empty.
        x, y: (columns,) of the weight w, (rows,) of the bias b.
        loss: above the least possible, (rows, columns); its contours are drawn once.
        line: the loss that is wanted.
    """
    plane = add_panel(figure, *MAP)
    plane.set(xlim=(x[0], x[-1]), ylim=(y[0], y[-1]), xticks=[-0.5, 0, 0.5, 1], yticks=[-0.5, 0, 0.5, 1])
    plane.set_xlabel("weight w", labelpad=2)
    plane.set_ylabel("bias b", labelpad=2)
    write(figure, 16, 18, f"the paths of w and b, up to update {TRACED}", weight="bold")
    landscape = Landscape(plane)
    landscape.show("regression", x, y, loss, (line, 0.04, 0.1, 0.2, 0.4, 0.8))
    row, column = np.unravel_index(loss.argmin(), loss.shape)
    landscape.minima.set_data([x[column]], [y[row]])
    panels = [add_panel(figure, *box) for box in THREE]
    ends = ((1, 1e3, [1, 10, 100], ["1", "10", "100"], "updates"),
            (1, 2e8, [1, 1e3, 1e6], ["1", "1,000", "10⁶"], "samples seen"),
            (1e-5, 1.0, [1e-4, 1e-2, 1], ["10⁻⁴", "0.01", "1"], "seconds, measured"))  # fmt: skip
    for axes, (low, high, ticks, names, label) in zip(panels, ends, strict=True):
        axes.set(xscale="log", yscale="log", xlim=(low, high), ylim=(1e-6, 1.0))
        axes.set_xticks(ticks, names)
        axes.set_xlabel(label, labelpad=2)
        axes.set_yticks([1e-6, 1e-4, 1e-2, 1], ["10⁻⁶", "10⁻⁴", "0.01", "1"] if axes is panels[0] else [""] * 4)
        axes.minorticks_off()
        axes.grid(axis="y")
        axes.set_axisbelow(True)
        axes.axhline(line, color=INK, lw=0.9, ls=(0, (4, 2)))
    write(figure, 430, 18, "the loss of all samples, above the least possible", weight="bold")
    write(figure, 430, 70, "first to stay below the line (ties within 5 %):", color=GREY, fontsize=8.5)
    paths = [Path(plane, color, dots=False) for color in BATCHES]
    paths[-1].line.set(lw=1.8, zorder=3.5)
    return {
        "plane": plane,
        "paths": paths,
        "moving": [artist for path in paths for artist in path.artists],
        "losses": [[axes.plot([], [], color=color, lw=1.0)[0] for color in BATCHES] for axes in panels],
        "labels": Labels(figure),
    }


def update_batches(artists: dict, data: dict) -> None:
    """Show three runs.

    Args:
        artists: what `build_batches` returned.
        data: `paths`, three of (updates + 1, 2); `losses`, three of (updates + 1,); `names` of the three, and
            `calls`, short ones; `costs`, in updates, samples and seconds, of one update of each run, (3, 3); for each
            of these `first`, the numbers of the runs that were first to stay below the line, and `took`, after what,
            in words.
    """
    for path, points in zip(artists["paths"], data["paths"], strict=True):
        path.show(_on_map(points[: TRACED + 1], artists["plane"]))
    shown = _spread(len(data["losses"][0]) - 1)
    for lines, costs in zip(artists["losses"], data["costs"], strict=True):
        for line, cost, losses in zip(lines, costs, data["losses"], strict=True):
            line.set_data(cost * shown, np.maximum(losses[shown], 1e-30))
    artists["labels"].show(_batch_labels(data))


def _on_map(points: np.ndarray, plane: Axes) -> np.ndarray:
    """A path up to where it leaves the map: (points, 2)."""
    (left, right), (bottom, top) = plane.get_xlim(), plane.get_ylim()
    inside = (points > [left, bottom]).all(axis=1) & (points < [right, top]).all(axis=1)
    return points if inside.all() else points[: inside.argmin() + 1]


def _spread(updates: int) -> np.ndarray:
    """The updates that a curve over a logarithmic axis has room for."""
    return np.unique(np.geomspace(1, max(updates, 1), 110).round().astype(int))


def _batch_labels(data: dict) -> list[Label]:
    labels = [Label(x, 44, name, color, bold=True, size=8.5)
              for x, name, color in zip((430, 540, 680), data["names"], BATCHES, strict=True)]  # fmt: skip
    for axis, (left, top, right, _) in enumerate(THREE):
        runs, text, color = data["first"][axis], "none stays below", GREY
        if runs:
            text = f"{', '.join(data['calls'][run] for run in runs)}: {data['took'][axis]}"
            color = BATCHES[runs[0]] if len(runs) == 1 else INK
        size = fitting(text, right - left + 14, 8.5)
        labels.append(Label((left + right) / 2, top - 16, text, color, "center", size=size))
    return labels
