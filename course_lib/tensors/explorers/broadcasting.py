"""Section 1.1: two shapes that meet. Which axes are stretched, and when does it fail?"""

import re
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from course_lib.explorers import Choice, Explorer, Quest, Text
from course_lib.figures.broadcasting import HEIGHT, MOST, WIDTH, build_broadcasting, update_broadcasting

LONGEST = 6  # elements along an axis
SUM, IN_PLACE = "a + b", "a += b"


def shape_of(text: str, name: str) -> tuple[int, ...]:
    """Read "3, 1", "(3, 1)" or "3 1"; nothing or "()" is the shape of a scalar.

    Raises:
        ValueError: it does not read like a shape, or is one that the picture has no room for.
    """
    found = re.fullmatch(r"\(?([\d,\s]*)\)?", text.strip())
    if not found:
        raise ValueError(f"Write the shape of {name} as numbers, such as 3, 1; a scalar's is ().")
    shape = tuple(map(int, re.findall(r"\d+", found[1])))
    if len(shape) > MOST or not all(1 <= length <= LONGEST for length in shape):
        raise ValueError(f"The picture has room for {MOST} axes of length 1 to {LONGEST}; {name} asks for {shape}.")
    return shape


class BroadcastingExplorer(Explorer):
    """Two tensors of different shape are added. Which axes are stretched, and when does PyTorch refuse?"""

    id = "tensors.dimensions.broadcasting"
    size = (WIDTH, HEIGHT)
    controls = {
        "a": Text(start="3, 1", label="shape of a", tries=("3, 4", "4", "()", "2, 3, 1")),
        "b": Text(start="4", label="shape of b", tries=("3, 1", "()", "3", "2, 1, 4")),
        "operation": Choice(options=(SUM, IN_PLACE), start=SUM),
    }
    quests = (
        Quest("table", "make a result of 5 rows and 3 columns out of 8 numbers in all",
              lambda data: data["result"] == (5, 3) and sum(data["stored"]) == 8),
        Quest("clash", "find two shapes of equally many numbers that do not go together, in a + b",
              lambda data: data["operation"] == SUM and data["error"] and data["stored"][0] == data["stored"][1]),
        Quest("silent", "make the mistake that no error reports: n numbers and n numbers whose sum has n × n",
              lambda data: data["result"] and data["stored"][0] == data["stored"][1] > 1
              and int(np.prod(data["result"])) == data["stored"][0] ** 2),
    )  # fmt: skip
    presets = (
        {},
        {"a": "3", "b": "4"},
        {"a": "2, 3, 4", "b": "3, 1"},
        {"a": "3, 1", "b": "3, 4", "operation": IN_PLACE},
        {"a": "5, 1, 6, 6", "b": "6, 1"},
    )

    def compute(self, a, b, operation):
        shapes = shape_of(a, "a"), shape_of(b, "b")
        first, second = torch.arange(_product(shapes[0])), 10 * torch.arange(_product(shapes[1]))
        first, second = first.reshape(shapes[0]), second.reshape(shapes[1])
        before, error, result = first.clone(), "", None
        try:
            result = first + second if operation == SUM else first.add_(second)
        except RuntimeError as refused:
            error = f"RuntimeError: {str(refused).split('.')[0].strip()}"
        wanted = _wanted(*shapes)
        summands = before, second
        if result is not None:
            summands = tuple(t.expand(result.shape) for t in summands)  # what PyTorch reads: views with strides of 0
        return {
            "shapes": shapes,
            "fates": (_fates(shapes[0], wanted, stretch=operation == SUM), _fates(shapes[1], wanted, stretch=True)),
            "wanted": wanted,
            "result": None if result is None else tuple(result.shape),
            "strides": None if result is None else tuple(t.stride() for t in summands),
            "sheets": tuple(map(_sheet, (*summands, result))),
            "own": tuple(map(_own, (*summands, result))),
            "stored": (before.numel(), second.numel()),
            "operation": operation,
            "error": error,
        }

    def build(self, figure):
        return build_broadcasting(figure)

    def update(self, artists, data):
        update_broadcasting(artists, data)

    def describe(self, data):
        (a, b), axes = data["shapes"], len(data["wanted"])
        met = f"Shapes {a} and {b}"
        if 0 in data["wanted"]:
            axis = data["wanted"].index(0)
            lengths = " and ".join(str(shape[axis - axes]) for shape in (a, b))
            where = f"axis −{axes - axis}, counted from the right,"
            return f"{met} do not go together: {where} has the lengths {lengths}, which differ, and neither is 1."
        if data["result"] is None:
            return (f"{met} make {data['wanted']}, for which a has no room: in place b may be stretched, a may not, "
                    f"and {_axes([fate == 'clash' for fate in data['fates'][0]])} would need it.")  # fmt: skip
        again = [
            (name, [fate != "there" and wanted > 1 for fate, wanted in zip(fates, data["wanted"], strict=True)])
            for name, fates in zip("ab", data["fates"], strict=True)
        ]
        said = [f"{name} is read again along {_axes(which)}" for name, which in again if any(which)]
        return f"{met} make {data['result']}: {'; '.join(said) or 'nothing is stretched'}."


def _axes(which: Sequence[bool]) -> str:
    """These axes, one or more, counted from the right: "axes −3 and −1"."""
    names = [f"−{len(which) - axis}" for axis, chosen in enumerate(which) if chosen]
    if len(names) == 1:
        return f"axis {names[0]}"
    return f"axes {', '.join(names[:-1])} and {names[-1]}"


def _wanted(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    """The length that each axis takes, from the left: that of the shape which has more than 1; 0 where they clash."""
    axes = max(len(a), len(b))
    pairs = zip((1,) * (axes - len(a)) + a, (1,) * (axes - len(b)) + b, strict=True)
    return tuple(max(m, n) if m == n or 1 in (m, n) else 0 for m, n in pairs)


def _fates(shape: tuple[int, ...], wanted: tuple[int, ...], stretch: bool) -> tuple[str, ...]:
    """What becomes of each axis of a shape; without `stretch` it cannot be lengthened."""
    fates = []
    for axis, length in enumerate((None,) * (len(wanted) - len(shape)) + shape):
        if wanted[axis] == 0 or (not stretch and length != wanted[axis]):
            fates.append("clash")
        else:
            fates.append("missing" if length is None else "there" if length == wanted[axis] else "stretched")
    return tuple(fates)


def _sheet(t: Tensor | None) -> np.ndarray | None:
    """The last two axes of a tensor, at index 0 of the others: (rows, columns)."""
    if t is None:
        return None
    return t[(0,) * max(t.ndim - 2, 0)].reshape((1,) * max(2 - t.ndim, 0) + t.shape[-2:]).numpy()


def _own(t: Tensor | None) -> np.ndarray | None:
    """Which numbers of that sheet are the first to be read from their place in memory: (rows, columns) bool."""
    if t is None:
        return None
    places = _sheet(torch.arange(max(t.numel(), 1)).as_strided(t.shape, t.stride()))
    own = np.zeros(places.size, bool)
    own[np.unique(places, return_index=True)[1]] = True
    return own.reshape(places.shape)


def _product(lengths: tuple[int, ...]) -> int:
    return torch.Size(lengths).numel()
