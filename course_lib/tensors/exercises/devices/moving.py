"""Take a batch along to another device, whatever it is packed in, and find the device to go to."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from course_lib.exercises import Case, exercise, mistake, part, randn
from course_lib.exercises.compare import show
from course_lib.exercises.values import plain, with_article
from course_lib.tensors.exercises.devices.machines import MACHINES, found_on

CONTAINERS = (dict, list, tuple)


def moved(answer: Callable, obj: Any, device: str, as_text: bool) -> dict | None:
    """What the answer makes of an object, place by place, and what it did to the object."""
    ours = plain(obj)  # for a container with tensors of another device cannot be compared by the judge
    made = answer(ours, device if as_text else torch.device(device))
    if made is None:
        return None
    return {
        "result": _described(made),
        "use of the old containers": bool(_containers(made) & _containers(ours)),
        "change of the old object": _described(ours) != _described(obj),
    }


def _described(obj: Any, place: str = "obj") -> dict[str, str]:
    """What stands at each place of an object, in words: {"obj": "a dict", "obj['x']": "a float32 tensor …"}."""
    match obj:
        case Tensor():
            kind, shape = str(obj.dtype).removeprefix("torch."), f"of shape {tuple(obj.shape)} on {obj.device.type}"
            numbers = f", {show(obj)}" if not obj.is_meta and obj.ndim < 2 else ""
            return {place: f"{with_article(kind)} tensor {shape}{numbers}"}
        case dict():
            items = {f"{place}[{key!r}]": item for key, item in obj.items()}
        case list() | tuple():
            items = {f"{place}[{n}]": item for n, item in enumerate(obj)}
        case np.ndarray():
            return {place: f"an array {obj.tolist()}"}
        case str():
            return {place: f"the text {obj!r}"}
        case _:
            return {place: repr(obj)}
    inside = {name: words for place, item in items.items() for name, words in _described(item, place).items()}
    return {place: with_article(type(obj).__name__), **inside}


def _containers(obj: Any) -> set[int]:
    """The identities of all dicts and lists in it; a tuple cannot be changed, so it may be shared."""
    if isinstance(obj, dict | list | tuple):
        items = obj.values() if isinstance(obj, dict) else obj
        own = set() if isinstance(obj, tuple) else {id(obj)}
        return own.union(*map(_containers, items))
    return set()


@exercise("tensors.devices", "to_device(obj, device) -> obj", "best_device() -> device", level="core", minutes=6)
def devices(rng):
    """Take a batch along to another device, and find the device to go to."""

    def whole(*shape: int) -> Tensor:
        return torch.from_numpy(rng.integers(10, size=shape))

    def case(obj: Any, shown: str, because: str, device: str = "meta", as_text: bool = True) -> Case:
        there = "meta" if device == "meta" else "cpu"
        return Case(
            (obj, device, as_text),
            via=moved,
            expected={
                "result": _described(right(obj, torch.device(there))),
                "use of the old containers": False,
                "change of the old object": False,
            },
            shown=f"obj={shown}, device={device!r}" if as_text else f"obj={shown}, device=torch.device({device!r})",
            because=because,
        )

    with part("tensors", points=1):
        for x, device, as_text in (
            (randn(rng, 2, 3), "meta", True),
            (whole(4), "meta", False),
            (randn(rng, 2).double(), "meta", True),
            (whole(2) > 4, "cpu", True),
            (whole(), "cpu", False),
        ):
            shown = f"{with_article(str(x.dtype)[6:])} tensor of shape {tuple(x.shape)}"
            yield case(x, shown, "x.to(device) moves a tensor and keeps its type", device, as_text)
    with part("containers", points=1):
        x, ids, label = randn(rng, 2, 3), whole(2), whole()
        for obj, shown in (
            ({"x": x, "label": label}, "a dict of two tensors"),
            ([x, ids], "a list of two tensors"),
            ((x, ids), "a tuple of two tensors"),
            ((x.double(), (ids, label)), "a tuple of a tensor and a tuple"),
            ({"in": {"x": x, 3: [ids]}, "out": (label,)}, "dicts, a list and a tuple"),
            ([[], {}, (), [[x]]], "empty containers, and a tensor in two lists"),
        ):
            yield case(obj, shown, "a container is gone through item by item, and each item may be a container again")
    with part("what is no tensor", points=1):
        name, number = "cm", int(rng.integers(2, 9))
        for obj, shown in (
            ({"x": x, "unit": name, "n": number}, "a dict of a tensor, a text and a number"),
            ([None, True, 0.5, (name, ids)], "a list of None, True, 0.5, and a tuple of a text and a tensor"),
            (({"rows": np.arange(number), "x": [x]}, name), "a tuple of a dict, with an array in it, and a text"),
            (name, "a text"),
        ):
            yield case(obj, shown, "what is no tensor and no container is handed on as it is")
    with part("the best device", points=1):
        for machine, cards in MACHINES.items():
            yield Case(
                (machine,),
                call="best_device",
                via=found_on,
                expected={"kind of device": next(iter(cards), "cpu"), "use of a card": False},
                shown=f"on a machine with {machine}",
                because="ask for the fastest first, and end with what every machine has",
            )


def rebuilt(obj: Any, move: Callable[[Tensor], Any], other: Callable = lambda obj: obj, kinds=CONTAINERS) -> Any:
    """An object with its tensors moved; what is no tensor, and no container of these kinds, by another way."""

    def again(item: Any) -> Any:
        return rebuilt(item, move, other, kinds)

    match obj:
        case Tensor():
            return move(obj)
        case dict() if dict in kinds:
            return {key: again(item) for key, item in obj.items()}
        case list() | tuple() if type(obj) in kinds:
            return type(obj)(map(again, obj))
    return other(obj)


def right(obj: Any, device: torch.device | str) -> Any:
    """A right answer, for what is expected."""
    return rebuilt(obj, lambda x: x.to(device))


@mistake(
    devices,
    "tensors inside tuples left where they are",
    ask="Which kinds of container do you look into? Which kind is missing?",
    look="the isinstance of the lists.",
)
def _(obj, device):
    return rebuilt(obj, lambda x: x.to(device), kinds=(dict, list))


@mistake(
    devices,
    "tensors inside lists left where they are",
    ask="Which kinds of container do you look into? Which kind is missing?",
    look="the isinstance of the tuples.",
)
def _(obj, device):
    return rebuilt(obj, lambda x: x.to(device), kinds=(dict, tuple))


@mistake(
    devices,
    "a look into dicts only",
    ask="Which kinds of container do you look into? Which kinds are missing?",
    look="what happens to whatever is no tensor and no dict.",
)
def _(obj, device):
    return rebuilt(obj, lambda x: x.to(device), kinds=(dict,))


@mistake(
    devices,
    "tuples that come back as lists",
    ask="A tuple goes in. What comes out?",
    look="the square brackets: they make a list of whatever you go through.",
)
def _lists(obj, device):
    match obj:
        case dict():
            return {key: _lists(item, device) for key, item in obj.items()}
        case list() | tuple():
            return [_lists(item, device) for item in obj]
    return right(obj, device)


@mistake(
    devices,
    "containers changed in place",
    ask="Whoever called you still has the old dict. Where are its tensors now?",
    look="obj[key] = …: it writes into the container that you were lent.",
)
def _in_place(obj, device):
    match obj:
        case dict() | list():
            for key, item in list(obj.items() if isinstance(obj, dict) else enumerate(obj)):
                obj[key] = _in_place(item, device)
            return obj
        case tuple():
            return tuple(_in_place(item, device) for item in obj)
    return right(obj, device)


@mistake(
    devices,
    "a look one level deep",
    ask="A dict inside a dict: who looks into the inner one?",
    look="what you do with an item: it may be a container itself, and there is a function for containers.",
)
def _(obj, device):
    def shallow(item):
        return item.to(device) if isinstance(item, Tensor) else item

    match obj:
        case dict():
            return {key: shallow(item) for key, item in obj.items()}
        case list() | tuple():
            return type(obj)(map(shallow, obj))
    return shallow(obj)


@mistake(
    devices,
    "float32 whatever the type was",
    ask="Which type has a tensor of word ids, before and after?",
    look=".float(), or a dtype handed to .to(): the journey changes no type.",
)
def _(obj, device):
    return rebuilt(obj, lambda x: x.float().to(device))


@mistake(
    devices,
    "tensors made of numbers, too",
    ask="A plain number goes in. What comes out?",
    look="torch.as_tensor or torch.tensor: only what is a tensor already has a device.",
)
def _(obj, device):
    def number(item):
        return torch.as_tensor(item).to(device) if isinstance(item, int | float | np.ndarray) else item

    return rebuilt(obj, lambda x: x.to(device), number)


@mistake(
    devices,
    "nothing in place of what is no tensor",
    ask="What does your function return for a text?",
    look="the end of the function: which branch does a text take, and what does it return?",
)
def _(obj, device):
    return rebuilt(obj, lambda x: x.to(device), lambda other: None)


@mistake(
    devices,
    "tensors that stay where they are",
    ask="Print x.device after x.to(device). Where is the tensor that moved?",
    look="x.to(device): it returns a new tensor, and leaves x alone.",
)
def _(obj, device):
    return rebuilt(obj, lambda x: x)


@mistake(
    devices,
    "cuda, whether it is there or not",
    call="best_device",
    ask="Your notebook is opened on a laptop without a graphics card. What happens at the first tensor?",
    look="the condition: is torch.cuda.is_available called, with its brackets?",
)
def _():
    return torch.device("cuda")


@mistake(
    devices,
    "cpu, whatever is there",
    call="best_device",
    ask="Four graphics cards are in the machine. How many do you use?",
    look="the order of the questions: cpu is the answer when all others are no.",
)
def _():
    return torch.device("cpu")


@mistake(
    devices,
    "the answers of yes and no exchanged",
    call="best_device",
    ask="A card is there. What do you return?",
    look="`not`, or the two branches of your `if`.",
)
def _():
    return torch.device("cpu" if torch.cuda.is_available() else "cuda")


@mistake(
    devices,
    "a trial in place of a question",
    call="best_device",
    ask="Do you ask what PyTorch says is available, or try it out?",
    look="what you put on a card: the check pretends that other machines are here, and only PyTorch's word says which.",
)
def _():
    for kind in ("cuda", "mps"):
        try:
            return torch.empty(1, device=kind).device
        except (RuntimeError, AssertionError):  # the latter where PyTorch was built without CUDA
            continue
    return torch.device("cpu")
