"""Section 1.1: a tensor of order 0 to 4, and where in memory each of its elements lives."""

import torch
from torch import Tensor

from course_lib.explorers import Choice, Explorer, Place, Prediction, Quest, Slider
from course_lib.figures.dimensions import HEIGHT, WIDTH, build_dimensions, update_dimensions

MOST = 4  # axes, and elements along each
AS_MADE, REVERSED, COPIED = "as made", "axes reversed", "axes reversed, contiguous()"
MOVED = ("every number", "all but the first and the last", "no number")


def tensor_of(shape: tuple[int, ...], layout: str) -> Tensor:
    """Whole numbers from 0 on, in the shape asked for.

    As made, they count the elements; with its axes reversed, the tensor is a view of one that was made the other way
    round; contiguous, it is a copy of that view.
    """
    if layout == AS_MADE:
        return torch.arange(_product(shape)).reshape(shape)
    view = tensor_of(shape[::-1], AS_MADE).permute(tuple(reversed(range(len(shape)))))
    return view.contiguous() if layout == COPIED else view


class DimensionsExplorer(Explorer):
    """Which axis is which, and where does the element t[i, j, k, l] live?"""

    id = "tensors.dimensions"
    size = (WIDTH, HEIGHT)
    controls = {
        "order": Slider(low=0, high=MOST, step=1, start=3),
        "layout": Choice(options=(AS_MADE, REVERSED, COPIED), start=AS_MADE),
        **{f"length_{axis}": Slider(low=1, high=MOST, step=1, start=start, label=f"length of axis {axis}")
           for axis, start in enumerate((2, 3, 4, 2))},
        **{f"index_{axis}": Place(start=start, label=f"index on axis {axis}", tries=(0, 1))
           for axis, start in enumerate((1, 0, 2, 0))},
    }  # fmt: skip
    quests = (
        Quest("apart", "make two neighbours along the last axis lie 12 places or more apart in memory",
              lambda data: data["order"] > 0 and data["shape"][-1] > 1 and data["strides"][-1] >= 12),
        Quest("folded", "fold 24 numbers into order 4 with no axis of length 1",
              lambda data: data["order"] == 4 and len(data["values"]) == 24 and min(data["shape"]) > 1),
        Quest("moved", "find an element that contiguous() has put somewhere else: its number is not its place",
              lambda data: data["value"] != data["offset"]),
    )  # fmt: skip
    presets = (
        {},
        {"layout": COPIED},
        {"order": 0},
        {"order": 1, "length_0": 4},
        {"order": 2, "length_0": 3, "length_1": 4, "index_1": 2},
        {"order": 4, "length_0": 3},
        {"order": 4, "layout": REVERSED, **{f"length_{axis}": 4 for axis in range(MOST)}},
    )
    sweep_from = {"order": 4, "layout": REVERSED, "length_0": 3, "length_3": 3}

    def places(self, order, **values):
        lengths = [values[f"length_{axis}"] if axis < order else 0 for axis in range(MOST)]
        return {f"index_{axis}": [str(n) for n in range(length)] or ["–"] for axis, length in enumerate(lengths)}

    def compute(self, order, layout, **values):
        shape = tuple(values[f"length_{axis}"] for axis in range(order))
        index = tuple(values[f"index_{axis}"] for axis in range(order))
        t = tensor_of(shape, layout)
        element = t[index]  # a view of one number, which knows where it begins
        lying = _lying(t)
        places = torch.arange(len(lying)).as_strided(t.shape, t.stride())  # of each element, (*shape)
        return {
            "order": t.ndim,
            "shape": tuple(t.shape),
            "strides": t.stride(),
            "index": index,
            "values": t.flatten().numpy(),
            "offsets": places.flatten().numpy(),
            "value": element.item(),
            "offset": element.storage_offset(),
            "lying": lying.numpy(),
            "contiguous": t.is_contiguous(),
            "moved": _moved(lying),
            "read": _read(t, index),
        }

    def build(self, figure):
        return build_dimensions(figure)

    def update(self, artists, data):
        update_dimensions(artists, data)

    def describe(self, data):
        kind = ("scalar", "vector", "matrix", "tensor", "tensor")[data["order"]]
        count = len(data["values"])
        laid = "contiguous" if data["contiguous"] else "not contiguous"
        return (
            f"A {kind} of order {data['order']}: shape {data['shape']}, {count} element{'s' * (count > 1)}, strides "
            f"{data['strides']}, {laid}. {data['read']}."
        )


def memory_state() -> dict:
    """The view that section 1.1's prediction opens."""
    return {"layout": AS_MADE} | _view((4, 3, 2), index=(2, 0, 1))


def memory_prediction() -> Prediction:
    """What does it move in memory to reverse the axes?"""
    return Prediction(
        question="This tensor of shape (4, 3, 2) holds the numbers 0 to 23. Now its axes are reversed, "
        "t.permute(2, 1, 0), which makes the shape (2, 3, 4). How many of the numbers move to another place in memory?",
        options=MOVED,
        then={"layout": REVERSED} | _view((2, 3, 4), index=(1, 0, 2)),  # the same element as before
        result=lambda data: data["moved"],
    )


def _view(shape: tuple[int, ...], index: tuple[int, ...]) -> dict:
    """The controls at a shape and an index."""
    axes = range(len(shape))
    lengths, places = (
        {f"{name}_{axis}": of[axis] for axis in axes} for name, of in (("length", shape), ("index", index))
    )
    return {"order": len(shape)} | lengths | places


def _lying(t: Tensor) -> Tensor:
    """The numbers in the tensor's memory, in the order in which they lie there: (numbers,)."""
    count = t.untyped_storage().nbytes() // t.element_size()
    return t.as_strided((count,), (1,), 0)


def _moved(lying: Tensor) -> str:
    """How many numbers lie elsewhere than in the tensor that was made first, which counts from 0 on."""
    stay = int((lying == torch.arange(len(lying))).sum())
    return MOVED[2] if stay == len(lying) else MOVED[1] if stay == 2 else MOVED[0]


def _read(t: Tensor, index: tuple[int, ...]) -> str:
    """Where the chosen element is found: "t[1, 0, 2] lies at 1·12 + 0·4 + 2·1 = 14 and holds 14"."""
    steps = " + ".join(f"{n}·{stride}" for n, stride in zip(index, t.stride(), strict=True)) or "0"
    name = f"t[{', '.join(map(str, index))}]" if index else "t"
    total = sum(n * stride for n, stride in zip(index, t.stride(), strict=True))
    return f"{name} lies at {steps}{f' = {total}' if index else ''} and holds {t[index].item()}"


def _product(lengths: tuple[int, ...]) -> int:
    return torch.Size(lengths).numel()
