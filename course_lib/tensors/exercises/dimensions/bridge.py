"""From NumPy to tensors: one that shares the array's memory, and one that copies it."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from course_lib.exercises import Case, exercise, mistake, part
from course_lib.exercises.values import with_article

Pair = tuple[Tensor | None, Tensor]  # shared, None where nothing can be; copied

WRITTEN = 99  # fits every type that is drawn here
VIEWS = {  # of one memory: what travels to the answer is data, and the array is made of it there
    "as it is": lambda memory: memory,
    "of order 0": lambda memory: memory.reshape(()),
    "every other row": lambda memory: memory[::2],
    "transposed": lambda memory: memory.T,
    "backwards": lambda memory: memory[::-1],
    "mirrored": lambda memory: memory[:, ::-1],
}
REFUSED = "nothing is shared"


class Backwards(np.ndarray):
    """An array with a negative stride, which `torch.from_dlpack` is kept from: there it ends the whole process."""

    def __dlpack__(self, **options):
        if any(stride < 0 for stride in self.strides):
            raise BufferError("at a negative stride torch.from_dlpack ends the whole of Python, so it is stopped here")
        return super().__dlpack__(**options)


def after_writing(answer: Callable, memory: np.ndarray, view: str) -> dict | None:
    """Hand the answer an array, write into the array's first element, and say what both tensors hold then."""
    a = VIEWS[view](memory.copy())
    made = _pair(answer(a))
    if made is None:
        return None
    a[(0,) * a.ndim] = WRITTEN
    held = dict(zip(("shared", "copied"), made, strict=True))
    types = {f"type of {name}": str(tensor.dtype) for name, tensor in held.items() if tensor is not None}
    return types | {f"{name} after the write": _of_shape(a.shape, tensor) for name, tensor in held.items()}


def _of_shape(shape: tuple[int, ...], tensor: Tensor | None) -> Tensor | None:
    """The tensor, or zeros where its shape is another one: its numbers may be whatever lay in the memory then."""
    return tensor if tensor is None or tensor.shape == shape else torch.zeros(tensor.shape)


def what_is_shared(answer: Callable, memory: np.ndarray, view: str) -> str | None:
    """What the answer says of an array that PyTorch cannot share: `REFUSED`, or what is wrong with its claim."""
    a = VIEWS[view](memory.copy()).view(Backwards)
    try:
        made = _pair(answer(a))
    except ValueError:
        return REFUSED
    if made is None:
        return None
    shared, copied = made
    if shared is None:
        same = copied.shape == a.shape and np.array_equal(copied.numpy(), a)
        wrong = "holds other numbers than a" if not same else _another_type(copied, a)
        return f"{REFUSED}, and copied {wrong}" if wrong else REFUSED
    before = shared.clone()
    a[...] = WRITTEN
    unmoved = torch.equal(shared, before)
    return "a write into a does not show in shared" if unmoved else "a write into a shows in shared at another place"


def _another_type(copied: Tensor, a: np.ndarray) -> str:
    """Words if a tensor is not of the array's type; none if it is."""
    found, wanted = str(copied.dtype).removeprefix("torch."), str(a.dtype)
    return "" if found == wanted else f"is {found}, where a is {wanted}"


def _pair(made) -> Pair | None:
    """What the answer returned, if it is two tensors; None if it returned None.

    Raises:
        TypeError: it is something else.
    """
    if made is None:
        return None
    whole = isinstance(made, tuple | list) and len(made) == 2
    if whole and isinstance(made[1], Tensor) and isinstance(made[0], Tensor | None):
        return made[0], made[1]
    what = " and ".join(type(item).__name__ for item in made) if whole else with_article(type(made).__name__)
    raise TypeError(f"bridge should return two tensors, shared and copied, and returned {what}")


def written(a: np.ndarray) -> dict:
    """What the right answer's tensors hold after the write."""
    kind, untouched, touched = f"torch.{a.dtype}", a.copy(), a.copy()
    touched[(0,) * a.ndim] = WRITTEN
    shared, copied = (torch.from_numpy(np.asarray(held)) for held in (touched, untouched))
    types = {"type of shared": kind, "type of copied": kind}
    return types | {"shared after the write": shared, "copied after the write": copied}


def honest(said: str) -> str | None:
    """A sentence where an array that cannot be shared was said to be."""
    if said == REFUSED:
        return None
    return f"This array has a negative stride, which no tensor can have. With yours, {said}."


@exercise("tensors.framework", "bridge(a) -> shared, copied", level="core", minutes=5)
def bridge(rng):
    """Take an array over to PyTorch twice: once sharing its memory, once copying it."""

    def numbers(shape: tuple[int, ...], kind: str) -> np.ndarray:
        """Whole numbers below WRITTEN, (shape), and a half added to each where the type has halves."""
        drawn = rng.integers(1, 90, size=shape)
        return (drawn + 0.5 * kind.startswith("float")).astype(kind)

    def case(shape: tuple[int, ...], kind: str, view: str, because: str) -> Case:
        memory = numbers(shape, kind)
        a = VIEWS[view](memory)
        first = f"a[{', '.join('0' * a.ndim) or '()'}]"
        return Case(
            (memory, view),
            via=after_writing,
            expected=written(a),
            shown=f"a of shape {a.shape}, {kind}, {view}; after bridge(a), {first} = {WRITTEN}",
            because=because,
        )

    with part("shared and copied", points=1):
        for shape, kind in (((3,), "float32"), ((2,), "int64"), ((2, 2), "float64")):
            yield case(shape, kind, "as it is", "two tensors, one memory: the array's own, which only one of them uses")
    with part("any type, order and view", points=1):
        for shape, kind, view in (
            ((2, 3), "int64", "as it is"),
            ((2, 1, 2), "int32", "as it is"),
            ((4,), "uint8", "as it is"),
            ((1,), "float32", "of order 0"),
            ((1,), "int64", "of order 0"),
            ((4, 2), "float64", "every other row"),
            ((5,), "float32", "every other row"),
            ((2, 3), "float32", "transposed"),
        ):
            yield case(shape, kind, view, "print a.strides beside shared.stride(): a view needs no copy to be shared")
    with part("what cannot be shared", points=1):
        for shape, kind, view, written_as in (
            ((3,), "float32", "backwards", "[::-1]"),
            ((2, 3), "int64", "mirrored", "[:, ::-1]"),
            ((2, 2), "float64", "backwards", "[::-1]"),
        ):
            yield Case(
                (numbers(shape, kind), view),
                via=what_is_shared,
                test=honest,
                form=REFUSED,
                shown=f"a = b{written_as} for an array b of shape {shape}, {kind}",
                because="what PyTorch refuses with a ValueError may stay refused; a silent copy is worse",
            )


@mistake(
    bridge,
    "two copies, so that nothing is shared",
    ask="You write 99 into the array. In which of your two tensors do you read 99?",
    look="the function that makes `shared`: torch.tensor always copies.",
)
def _(a):
    return torch.tensor(a), torch.tensor(a)


@mistake(
    bridge,
    "the array's own memory twice, so that nothing is copied",
    ask="You write 99 into the array. Which of your two tensors still holds the old number?",
    look="the function that makes `copied`: from_numpy, as_tensor and asarray all share.",
)
def _(a):
    shared = torch.from_numpy(a)
    return shared, shared


@mistake(
    bridge,
    "the copy first and the shared one second",
    ask="In which order are the two results asked for, and which of yours follows the array?",
    look="the `return`.",
)
def _(a):
    return torch.tensor(a), torch.from_numpy(a)


@mistake(
    bridge,
    "two copies that went through Python's lists, where types are lost",
    ask="Which type has your tensor when the array is of float64? And who chose it?",
    look="tolist(): a list of Python numbers has no dtype, so PyTorch takes its own default.",
)
def _(a):
    return torch.tensor(a.tolist()), torch.tensor(a.tolist())


@mistake(
    bridge,
    "a copy that went through Python's lists, where types are lost",
    ask="Which type has `copied` when the array is of float64? And who chose it?",
    look="tolist(): a list of Python numbers has no dtype, so PyTorch takes its own default.",
)
def _(a):
    return torch.from_numpy(a), torch.tensor(a.tolist())


@mistake(
    bridge,
    "float32 whatever the array was, so that whole numbers are shared no more",
    ask="An array of int64 comes in. Can a tensor of another type lie in the same bytes?",
    look=".float(): where the type changes, new memory is made.",
)
def _(a):
    return torch.from_numpy(a).float(), torch.tensor(a).float()


@mistake(
    bridge,
    "a copy as float32 whatever the array was",
    ask="Which type has `copied` when the array holds int64?",
    look="how `copied` is made: .float() makes float32 of everything.",
)
def _(a):
    return torch.from_numpy(a), torch.from_numpy(a).clone().float()


@mistake(
    bridge,
    "torch.Tensor with a capital T, which shares an array of float32 and makes float32 of any other",
    ask="You write 99 into an array of float32, and then into one of int64. In which of your `copied` does it show?",
    look="how `copied` is made: torch.tensor, with a small t, always copies and keeps the type.",
)
def _(a):
    return torch.from_numpy(a), torch.Tensor(a)


@mistake(
    bridge,
    "torch.from_dlpack, which shares like torch.from_numpy and does not ask for the strides",
    ask="What becomes of your notebook, and of all that it has computed, when Python itself ends?",
    look="how `shared` is made: at a negative stride torch.from_numpy raises a ValueError, and from_dlpack crashes.",
)
def _(a):
    return torch.from_dlpack(a), torch.tensor(a)


@mistake(
    bridge,
    "sharing with a temporary copy of every array that runs backwards",
    ask="For a reversed array, who but your tensor uses the memory that you share?",
    look="the branch for negative strides: .copy() makes the tensor possible, and the sharing a claim without a truth.",
)
def _(a):
    backwards = any(stride < 0 for stride in a.strides)
    return torch.from_numpy(a.copy() if backwards else a), torch.tensor(a.copy())


@mistake(
    bridge,
    "sharing with a temporary copy, always",
    ask="You copy the array and then share the copy. Who else writes into that copy?",
    look="the .copy() in front of from_numpy.",
)
def _(a):
    return torch.from_numpy(a.copy()), torch.tensor(a.copy())


@mistake(
    bridge,
    "sharing only where the array's elements lie side by side",
    ask="Every other row of an array: does np.ascontiguousarray hand back the same memory, or new memory?",
    look="np.ascontiguousarray, or .contiguous(): it copies wherever it has something to do.",
)
def _(a):
    side_by_side = np.ascontiguousarray(a).reshape(a.shape)  # alone it makes a row of an array of order 0
    return torch.from_numpy(side_by_side), torch.tensor(side_by_side)


@mistake(
    bridge,
    "a row of one made of an array of order 0",
    ask="np.array(5.0).shape is (): which shape have your tensors for it?",
    look="np.atleast_1d, np.ascontiguousarray, a[None] or [a]: each adds an axis.",
)
def _(a):
    a = np.atleast_1d(a)
    return torch.from_numpy(a), torch.tensor(a)


@mistake(
    bridge,
    "torch.asarray, which shares an array and copies one of order 0",
    ask="Print shared.data_ptr() beside a.ctypes.data, array by array: which array is not shared?",
    look="the function that makes `shared`: torch.asarray takes an array of order 0 for a number.",
)
def _(a):
    return torch.asarray(a), torch.tensor(a)


@mistake(
    bridge,
    "tensors laid out in one row",
    ask="Which shape has your `shared` for an array of shape (2, 2)?",
    look="ravel, flatten or reshape(-1): the shape is to be kept.",
)
def _(a):
    return torch.from_numpy(a.ravel()), torch.tensor(a.ravel())
