"""The picture of a network in training: a tile of the plane for each unit, weights between them, boundary and loss."""

from collections.abc import Sequence

import numpy as np
from contourpy import contour_generator
from matplotlib import colormaps
from matplotlib.artist import Artist
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from course_lib.figures.heatmap import HeatMap
from course_lib.figures.labels import Label, Labels
from course_lib.figures.page import add_boxes, add_page, add_panel, boxes, write
from course_lib.figures.style import BLUE, DENSITY, GREY, INK, SIGNED, VERMILLION

WIDTH, HEIGHT = 880, 436
TILE, PITCH = 36, 45  # screen pixels: a tile's side, and from tile to tile
FIRST, LAST, MIDDLE = 76, 492, 186  # centres of the first and of the last column; the height that columns lie about
MAP = (566, 36, 866, 336)  # left, top, right, bottom of the large map
CAPTION = 358  # where the columns' captions begin
FAINT = 0.04  # of the strongest weight: what is weaker has no line
EDGE = 1.2  # the plane is shown from -EDGE to EDGE
LOW, HIGH = colormaps[SIGNED](0.08), colormaps[SIGNED](0.92)
MARKS = {  # of points in the plane, the later over the earlier
    "class 0": {"marker": "s", "ms": 5, "mfc": LOW, "mec": "white", "mew": 0.6},
    "class 1": {"marker": "o", "ms": 5, "mfc": HIGH, "mec": "white", "mew": 0.6},
    "own": {"marker": "o", "ms": 11, "mfc": "none", "mec": INK, "mew": 1},
    "wrong": {"marker": "x", "ms": 5, "mec": INK, "mew": 1.2},
}


class Tiles(Artist):
    """Square heat maps with centres anywhere on the figure, painted straight into the pixels.

    Args:
        figure: that they lie on.
        side: of a tile, in screen pixels.
    """

    def __init__(self, figure: Figure, side: int):
        super().__init__()
        self.set_figure(figure)
        self.set_zorder(3)
        self.side, self.cmap = side * DENSITY, colormaps[SIGNED]
        self.centres, self.values = np.zeros((0, 2)), np.zeros((0, 1, 1))
        figure.add_artist(self)

    def show(self, centres: np.ndarray, values: np.ndarray) -> None:
        """Tiles about these places.

        Args:
            centres: (tiles, 2), in screen pixels from the figure's left and top.
            values: (tiles, rows, columns) from -1 to 1, the uppermost row first.
        """
        self.centres, self.values = centres, values
        self.stale = True

    def draw(self, renderer) -> None:
        pick = np.arange(self.side) * self.values.shape[1] // self.side
        colours = self.cmap((self.values + 1) / 2, bytes=True)  # (tiles, rows, columns, 4)
        gc = renderer.new_gc()
        for (x, y), tile in zip(self.centres * DENSITY, colours, strict=True):
            left, bottom = round(x - self.side / 2), round(renderer.height - y - self.side / 2)
            renderer.draw_image(gc, left, bottom, tile[pick[::-1, None], pick])
        gc.restore()
        self.stale = False


def build_playground(figure: Figure) -> dict:
    """Make the page; the artists that move come back by name, and `plane`, the axes that can be clicked.

    Args:
        figure: an empty one of WIDTH by HEIGHT screen pixels.
    """
    page = add_page(figure)
    network = page.add_collection(LineCollection([], zorder=2), autolim=False)
    tiles = Tiles(figure, TILE)
    frames = add_boxes(page, lw=1, zorder=4)
    under = add_panel(figure, *MAP)
    answer = HeatMap(under, SIGNED, -0.4, 1.4, lines=False)  # the paler middle of the map, for the points to stand out
    plane = add_panel(figure, *MAP)
    plane.set(xlim=(-EDGE, EDGE), ylim=(-EDGE, EDGE), xticks=[], yticks=[], facecolor="none")
    plane.spines[:].set_visible(False)  # the map below has a frame
    boundary = plane.add_collection(LineCollection([], colors=INK, linewidths=1.4, zorder=3), autolim=False)
    marks = {name: plane.plot([], [], ls="", zorder=4, **look)[0] for name, look in MARKS.items()}
    losses = add_panel(figure, 610, 370, 866, 414)
    losses.set(ylim=(0, 1), xlim=(0, 1), yticks=[0, 0.5, 1], xlabel="")
    losses.grid(axis="y")
    write(figure, MAP[0], 14, "What the network answers", fontweight="bold")
    (learned,) = losses.plot([], [], color=BLUE, lw=1.3)
    (tested,) = losses.plot([], [], color=VERMILLION, lw=1.5, ls=(0, (4, 1.5)))
    losses.set_xticks([])
    return {
        "plane": plane, "losses": losses, "network": network, "tiles": tiles, "frames": frames, "answer": answer,
        "boundary": boundary, "marks": marks, "learned": learned, "tested": tested, "labels": Labels(figure),
    }  # fmt: skip


def update_playground(artists: dict, data: dict) -> None:
    """Show a network as it stands.

    Args:
        artists: what `build_playground` returned.
        data: `features`, names; `maps`, for the features and each hidden layer (units, rows, columns) from -1 to 1, the
            uppermost row first; `strengths`, for each layer (outputs, inputs) from -1 to 1; `dead`, for each hidden
            layer (units,) bool; `gradient_norms`, one a layer; `answer`, probabilities (rows, columns);
            `points`, (n, 2), `labels`, `wrong` and `own` (n,); `losses` at steps `loss_steps`, `test_losses` at
            `test_steps`; `train_loss`, `test_loss` (or None) and `step`.
    """
    centres = [_column(n, len(maps), len(data["maps"])) for n, maps in enumerate(data["maps"])]
    artists["tiles"].show(np.concatenate(centres), np.concatenate(data["maps"]))
    goals = [*centres[1:], np.array([[MAP[0], MIDDLE]])]
    _draw_weights(artists["network"], centres, goals, data["strengths"])
    everything, half = np.concatenate(centres), TILE / 2
    (xs, ys), dead = everything.T, np.concatenate([np.zeros(len(data["features"]), bool), *data["dead"]])
    artists["frames"].set_verts(boxes(xs - half, ys - half, xs + half, ys + half))
    artists["frames"].set(facecolor="none", edgecolor=[VERMILLION if d else GREY for d in dead],
                          linewidth=[2.0 if d else 0.8 for d in dead])  # fmt: skip
    artists["answer"].set_data(data["answer"])
    artists["boundary"].set_segments(_boundary(data["answer"]))
    _draw_points(artists["marks"], data)
    artists["learned"].set_data(data["loss_steps"], np.minimum(data["losses"], 1))
    artists["tested"].set_data(data["test_steps"], np.minimum(data["test_losses"], 1))
    artists["losses"].set_xlim(0, max(data["step"], 1))
    artists["labels"].show([*_column_labels(centres, data), *_loss_labels(data)])


def _column(n: int, units: int, columns: int) -> np.ndarray:
    """Centres of a column's tiles, (units, 2), in screen pixels."""
    x = FIRST + (LAST - FIRST) * n / max(columns - 1, 1)
    return np.stack([np.full(units, x), MIDDLE + PITCH * (np.arange(units) - (units - 1) / 2)], axis=1)


def _draw_weights(lines: LineCollection, starts: Sequence, ends: Sequence, strengths: Sequence) -> None:
    segments, values = [], []
    for start, end, strength in zip(starts, ends, strengths, strict=True):
        outputs, inputs = strength.shape
        a = np.broadcast_to(start[None], (outputs, inputs, 2)) + np.array([TILE / 2, 0])
        b = np.broadcast_to(end[:, None], (outputs, inputs, 2)) - np.array([0 if end is ends[-1] else TILE / 2, 0])
        segments.append(np.stack([a, b], axis=2).reshape(-1, 2, 2))
        values.append(strength.ravel())
    segments, values = np.concatenate(segments), np.concatenate(values)
    seen = np.abs(values) > FAINT
    segments, values = segments[seen], values[seen]
    lines.set_segments(segments)
    lines.set(colors=np.where(values[:, None] < 0, LOW, HIGH), linewidths=0.3 + 3.5 * np.abs(values))


def _boundary(answer: np.ndarray) -> list[np.ndarray]:
    """Where the answer is 0.5: lines (points, 2) in the plane's units."""
    rows, columns = answer.shape
    x, y = (EDGE * (2 * (np.arange(count) + 0.5) / count - 1) for count in (columns, rows))
    return contour_generator(x, -y, answer).lines(0.5)


def _draw_points(marks: dict, data: dict) -> None:
    chosen = {"class 0": data["labels"] == 0, "class 1": data["labels"] == 1} | {k: data[k] for k in ("own", "wrong")}
    for name, which in chosen.items():
        marks[name].set_data(*data["points"][which].T)


def _column_labels(centres: Sequence[np.ndarray], data: dict) -> list[Label]:
    labels = [Label(centres[0][0, 0], 14, "Features", align="center", bold=True)]
    labels += [Label(x - TILE / 2 - 6, y, name, align="right") for (x, y), name in
               zip(centres[0], data["features"], strict=True)]  # fmt: skip
    for n, (column, dead) in enumerate(zip(centres[1:], data["dead"], strict=True)):
        x = column[0, 0]
        labels.append(Label(x, 14, f"Hidden layer {n + 1}", align="center", bold=True))
        labels.append(Label(x, CAPTION, f"gradient {data['gradient_norms'][n]:.2g}", align="center", size=8.5))
        colour = VERMILLION if dead.any() else GREY
        labels.append(Label(x, CAPTION + 16, f"{dead.sum()} of {len(dead)} dead", colour, "center", size=8.5))
    at_output = f"gradient {data['gradient_norms'][-1]:.2g} at the output"
    return [*labels, Label(MAP[0] - 6, CAPTION + 36, at_output, align="right", size=8.5)]


def _loss_labels(data: dict) -> list[Label]:
    return [
        Label(MAP[0], 352, "Loss", bold=True),
        Label(MAP[0] + 44, 352, f"training points {data['train_loss']:.3f}", BLUE),
        Label(866, 352, "" if data["test_loss"] is None else f"unseen {data['test_loss']:.3f}", VERMILLION, "right"),
        Label(866, 424, f"step {data['step']}", GREY, "right", size=8.5),
    ]


