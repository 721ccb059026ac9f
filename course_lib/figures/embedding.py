"""The picture of word vectors: a plane of all of them, a word's neighbours, and how they came together."""

import numpy as np
from matplotlib.figure import Figure

from course_lib.figures.labels import Label, Labels, width_of
from course_lib.figures.style import BLUE, GREY, INK, ORANGE, VERMILLION

WIDTH, HEIGHT = 880, 470
PLANE = (20, 46, 490, 400)  # left, top, width, height in screen pixels
BARS = (640, 46, 215, 190)
FILM = (590, 292, 265, 120)
MOST = 10  # neighbours
SIDES = [
    (align, x, y) for y in (0, -9, 9, -18, 18) for align, x in (("left", 8), ("right", -8))
]  # where a name may stand


def build_embedding(figure: Figure) -> dict:
    """Make the three panels; the artists that move come back by name."""
    plane, bars, film = (figure.add_axes(_share(*place)) for place in (PLANE, BARS, FILM))
    plane.set(xticks=[], yticks=[], xlim=(-1.08, 1.08), ylim=(-1.08, 1.08))
    bars.set(xlim=(0, 1), ylim=(MOST - 0.4, -0.6), yticks=[], xticks=[0, 0.5, 1])
    plane.spines[:].set_visible(False)
    bars.spines["left"].set_visible(False)
    film.set(ylim=(-0.35, 1.02), yticks=[0, 0.5, 1], xlabel="passes through the text", ylabel="cosine")
    film.axhline(0, color=GREY, lw=0.6)

    def dots(color: str, size: float, axes=plane, **style):
        return axes.plot([], [], "o", color=color, ms=size, ls="", **style)[0]

    return {
        "all": dots(GREY, 2.6, alpha=0.45, mew=0),
        "links": plane.plot([], [], color=BLUE, lw=0.7, alpha=0.5)[0],
        "false": dots(VERMILLION, 6.5, mfc="none", mew=1.4),
        "near": dots(BLUE, 5),
        "word": dots(INK, 8),
        "bars": bars.barh(np.arange(MOST), np.zeros(MOST), height=0.62, color=BLUE),
        "films": [film.plot([], [], color=BLUE, lw=0.9, alpha=0.6)[0] for _ in range(MOST)],
        "stayed": film.plot([], [], color=ORANGE, lw=1.6)[0],
        "now": film.axvline(0, color=INK, lw=1),
        "labels": Labels(figure),
    }


def update_embedding(artists: dict, data: dict) -> None:
    """Show one word.

    Args:
        artists: what `build_embedding` returned.
        data: `words`; `plane` (words, 2) from -1 to 1; `place` of the word; `near` and `near_in_plane`, places of the
            nearest words in all directions and in the plane, nearest first; `cosines` of the former; `film`
            (frames, near), the cosines of the word with them at each time; `stayed` (frames,), the cosine of its vector
            with the one that it began with; `frame`.
    """
    plane, near = data["plane"], data["near"]
    false = [place for place in data["near_in_plane"] if place not in near]
    artists["all"].set_data(*plane.T)
    artists["near"].set_data(*plane[near].T)
    artists["false"].set_data(*plane[false].T)
    artists["word"].set_data(*plane[[data["place"]]].T)
    ends = np.full((3 * len(near), 2), np.nan)  # from the word to each neighbour, with a gap after each
    ends[0::3], ends[1::3] = plane[data["place"]], plane[near]
    artists["links"].set_data(*ends.T)
    for number, bar in enumerate(artists["bars"]):
        shown = number < len(near)
        bar.set_width(max(data["cosines"][number], 0.0) if shown else 0.0)
        bar.set_alpha(1.0 if shown and near[number] in data["near_in_plane"] else 0.45)
    frames = np.arange(len(data["film"]))
    for number, line in enumerate(artists["films"]):
        line.set_data(frames, data["film"][:, number] if number < len(near) else np.full(len(frames), np.nan))
    artists["stayed"].set_data(frames, data["stayed"])
    artists["now"].set_xdata([data["frame"]] * 2)
    artists["stayed"].axes.set_xlim(-0.3, len(frames) - 0.7)
    artists["labels"].show([*_titles(data), *_names(data, near, false), *_rows(data, near)])


def _titles(data: dict) -> list[Label]:
    left, top = PLANE[:2]
    return [
        Label(left, top - 26, f"{len(data['words'])} words in two directions of {data['width']}", INK, bold=True),
        Label(left, top - 10, "red rings: near in this picture only", VERMILLION),
        Label(BARS[0] - 100, top - 26, f"closest in all {data['width']} directions", INK, bold=True),
        Label(BARS[0] - 100, top - 10, "cosine; pale: not near in the picture", BLUE),
        Label(FILM[0], FILM[1] - 26, "the same neighbours, pass by pass", BLUE),
        Label(FILM[0], FILM[1] - 11, "its vector, with the one it began with", ORANGE),
    ]


def _names(data: dict, near: list[int], false: list[int]) -> list[Label]:
    """The names of the word and of its neighbours in the plane, each at the first free side of its dot, or left out."""
    points = {place: _pixels(data["plane"][place]) for place in (data["place"], *near, *false)}
    labels: list[Label] = []
    for place, (x, y) in points.items():
        color = INK if place == data["place"] else BLUE if place in near else VERMILLION
        bold = color == INK
        for align, dx, dy in SIDES:
            label = Label(x + dx, y + dy, data["words"][place], color, align, bold, 9.5 if bold else 8.5)
            free = all(_apart(_box(label), _box(other)) for other in labels)
            if free and all(_apart(_box(label), (px - 5, py - 5, px + 5, py + 5)) for px, py in points.values()):
                labels.append(label)
                break
    return labels


def _box(label: Label) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of a label, in screen pixels."""
    wide = width_of(label.text, label.size, label.bold)
    left = label.x - (wide if label.align == "right" else 0)
    return left, label.y - 6, left + wide, label.y + 6


def _apart(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[2] < other[0] or other[2] < one[0] or one[3] < other[1] or other[3] < one[1]


def _rows(data: dict, near: list[int]) -> list[Label]:
    """The names and numbers of the bars."""
    labels = []
    for number, place in enumerate(near):
        y = BARS[1] + BARS[3] * (number + 0.6) / MOST
        labels.append(Label(BARS[0] - 8, y, data["words"][place], INK, "right"))
        x = BARS[0] + BARS[2] * max(data["cosines"][number], 0.0)
        labels.append(Label(x + 5, y, f"{data['cosines'][number]:.2f}".replace("-", "−"), GREY, size=8.5))
    return labels


def _pixels(point: np.ndarray) -> tuple[float, float]:
    """Where a point of the plane lies on the figure, in screen pixels from its left and top."""
    left, top, width, height = PLANE
    return left + width * (point[0] / 1.08 + 1) / 2, top + height * (1 - point[1] / 1.08) / 2


def _share(left: float, top: float, width: float, height: float) -> tuple[float, float, float, float]:
    return left / WIDTH, 1 - (top + height) / HEIGHT, width / WIDTH, height / HEIGHT
