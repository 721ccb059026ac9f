"""The picture of word vectors: a plane of all of them, a word's neighbours, and how they came together."""

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from course_lib.figures.labels import Label, Labels, width_of
from course_lib.figures.page import add_boxes, add_panel, boxes, pixels_at, write
from course_lib.figures.style import BLUE, GREY, INK, ORANGE, VERMILLION

WIDTH, HEIGHT = 880, 470  # screen pixels
PLANE, BARS, FILM = (20, 46, 510, 446), (640, 46, 855, 236), (590, 292, 855, 412)  # left, top, right, bottom
MOST = 10  # neighbours
SIDES = [
    (align, x, y) for y in (0, -9, 9, -18, 18) for align, x in (("left", 8), ("right", -8))
]  # where a name may stand, in pixels from its dot


def build_embedding(figure: Figure, words: int, width: int) -> dict:
    """Make the three panels; the artists that move come back by name.

    Args:
        figure: an empty one of WIDTH by HEIGHT screen pixels.
        words: how many there are.
        width: numbers of a word's vector.
    """
    for x, y, text, look in (
        (20, 20, f"{words} words in two directions of {width}", {"weight": "bold"}),
        (20, 36, "orange rings: near in this picture only; named where there is room", {"color": VERMILLION}),
        (540, 20, f"closest in all {width} directions", {"weight": "bold"}),
        (540, 36, "cosine; pale: not near in the picture", {"color": BLUE}),
        (590, 266, "the same neighbours, pass by pass", {"color": BLUE}),
        (590, 281, "its vector, with the one it began with", {"color": ORANGE}),
    ):
        write(figure, x, y, text, **look)
    plane, bars, film = (add_panel(figure, *place) for place in (PLANE, BARS, FILM))
    plane.set(xticks=[], yticks=[], xlim=(-1.08, 1.08), ylim=(-1.08, 1.08))
    plane.spines[:].set_visible(False)
    bars.set(xlim=(0, 1), ylim=(MOST - 0.4, -0.6), yticks=[], xticks=[0, 0.5, 1])
    bars.spines["left"].set_visible(False)
    film.set(ylim=(-0.35, 1.02), yticks=[0, 0.5, 1], xlabel="passes through the text", ylabel="cosine")
    film.axhline(0, color=GREY, lw=0.6)

    def dots(color: str, size: float, **look):
        return plane.plot([], [], "o", color=color, ms=size, ls="", **look)[0]

    return {
        "all": dots(GREY, 2.6, alpha=0.45, mew=0),
        "links": plane.plot([], [], color=BLUE, lw=0.7, alpha=0.5)[0],
        "false": dots(VERMILLION, 6.5, mfc="none", mew=1.4),
        "near": dots(BLUE, 5),
        "word": dots(INK, 8),
        "bars": add_boxes(bars),
        "film": film.add_collection(LineCollection([], colors=BLUE, lw=0.9, alpha=0.6), autolim=False),
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
    names = _show_plane(artists, data)
    numbers = _show_bars(artists, data)
    _show_film(artists, data)
    artists["labels"].show([*names, *numbers])


def _show_plane(artists: dict, data: dict) -> list[Label]:
    plane, place, near = data["plane"], data["place"], data["near"]
    false = [other for other in data["near_in_plane"] if other not in near]
    for name, chosen in (("all", slice(None)), ("near", near), ("false", false), ("word", [place])):
        artists[name].set_data(*plane[chosen].T)
    links = np.full((3 * len(near), 2), np.nan)  # from the word to each neighbour, with a gap after each
    links[0::3], links[1::3] = plane[place], plane[near]
    artists["links"].set_data(*links.T)
    color_of = {place: INK} | dict.fromkeys(near, BLUE) | dict.fromkeys(false, VERMILLION)
    dots = pixels_at(artists["all"].axes, plane[list(color_of)])
    return _names([data["words"][other] for other in color_of], dots, list(color_of.values()))


def _names(words: list[str], dots: np.ndarray, colors: list[str]) -> list[Label]:
    """The words' names, each at the first free side of its dot, or left out; the first one is bold.

    Args:
        words: the most important first.
        dots: where they lie, in pixels, (words, 2).
        colors: one a word.
    """
    labels: list[Label] = []
    taken = [(x - 5, y - 5, x + 5, y + 5) for x, y in dots]
    for number, (word, (x, y), color) in enumerate(zip(words, dots, colors, strict=True)):
        for align, dx, dy in SIDES:
            label = Label(x + dx, y + dy, word, color, align, bold=number == 0, size=8.5 if number else 9.5)
            box = _box(label)
            if all(_apart(box, other) for other in taken):
                labels.append(label)
                taken.append(box)
                break
    return labels


def _box(label: Label) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of a label, in screen pixels."""
    width = width_of(label.text, label.size, label.bold)
    left = label.x - (width if label.align == "right" else 0)
    return left, label.y - 6, left + width, label.y + 6


def _apart(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[2] < other[0] or other[2] < one[0] or one[3] < other[1] or other[3] < one[1]


def _show_bars(artists: dict, data: dict) -> list[Label]:
    """A bar for each neighbour, with its name and its cosine."""
    near, rows, lengths = data["near"], np.arange(len(data["near"])), np.maximum(data["cosines"], 0)
    artists["bars"].set_verts(boxes(0, rows - 0.31, lengths, rows + 0.31))
    artists["bars"].set_facecolor([to_rgba(BLUE, 1 if other in data["near_in_plane"] else 0.45) for other in near])
    ends = pixels_at(artists["bars"].axes, np.stack([lengths, rows], axis=1))
    labels = []
    for other, cosine, (x, y) in zip(near, data["cosines"], ends, strict=True):
        labels.append(Label(BARS[0] - 8, y, data["words"][other], align="right"))
        labels.append(Label(x + 5, y, f"{cosine:.2f}".replace("-", "−"), GREY, size=8.5))
    return labels


def _show_film(artists: dict, data: dict) -> None:
    frames = np.arange(len(data["film"]))
    artists["film"].set_segments([np.stack([frames, cosines], axis=1) for cosines in data["film"].T])
    artists["stayed"].set_data(frames, data["stayed"])
    artists["stayed"].axes.set_xlim(-0.3, len(frames) - 0.7)
    artists["now"].set_xdata([data["frame"]] * 2)
