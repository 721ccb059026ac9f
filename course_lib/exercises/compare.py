"""What is wrong with a result, in one sentence: its kind, its shape, a NaN, or its numbers."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from course_lib.exercises.values import Odd, alike, close, numbers

FEW = 8  # as many numbers are printed in full
CUT_OFF = "Your numbers are whole: were the decimals cut off?"
FORMS = {
    "None returned",
    "generator returned",
    "coroutine returned",
    "wrong kind",
    "wrong keys",
    "wrong number of results",
    "wrong shape",
    "decimals cut off",
}


@dataclass(frozen=True)
class Symptom:
    """What is wrong with one result.

    Args:
        kind: short, the same for all results that are wrong in this way; kept in the progress file.
        sentence: for the learner.
        property: a second sentence that names what the numbers violate, where that can be told.
    """

    kind: str
    sentence: str
    property: str = ""

    def of_form(self) -> bool:
        """Whether the result has the wrong form (kind, number, shape, type), so that its numbers say nothing yet."""
        return self.kind in FORMS


def conform(got: Any, form: Any, names: tuple[str, ...] = ()) -> tuple[Any, Symptom | None]:
    """Turn a plain result into the kinds of `form`, where nothing is lost by it.

    An array serves as a tensor and the other way round, a tensor without dimensions as a number, a list as a tuple.

    Args:
        got: a plain value.
        form: a value of the wanted kinds and shapes.
        names: what the results are called, one, or one for each item of a tuple.

    Returns:
        the result in the wanted kinds, and what is wrong with its kind, shape or finiteness, if anything
    """
    name = names[0] if len(names) == 1 else "result"
    match got, form:
        case (None, None):
            return None, None
        case (None, _):
            return got, Symptom("None returned", "Your function returned None. Does it end in `return`?")
        case (Odd(what="a generator"), _):
            hint = "A function with `yield` in it does that; `return` hands back a result"
            return got, Symptom("generator returned", f"Your function returned a generator. {hint}.")
        case (Odd(what="a coroutine"), _):
            hint = "A function with `async` in front of it does that; take the word away"
            return got, Symptom("coroutine returned", f"Your function returned a coroutine. {hint}.")
        case (Odd(), _):
            wanted = describe_kind(form, names)
            return got, Symptom("wrong kind", f"Your function returned {got.what}, wanted {wanted}.")
        case (tuple() | list(), tuple() | list()):
            return _conform_items(got, form, names)
        case (dict(), dict()):
            if got.keys() != form.keys():
                return got, Symptom("wrong keys", f"Your {name} has the keys {list(got)}, wanted {list(form)}.")
            values, symptom = _conform_items(tuple(got.values()), tuple(form[key] for key in got), tuple(map(str, got)))
            return dict(zip(got, values, strict=True)), symptom
        case (Tensor() | np.ndarray(), Tensor() | np.ndarray()):
            return _conform_array(got, form, name)
        case (Tensor() | np.ndarray() | int() | float(), bool() | int() | float()) if _is_number(got):
            return _conform_number(got.item() if isinstance(got, Tensor) else got, form, name)
        case (int() | float(), Tensor() | np.ndarray()) if form.ndim == 0 and not isinstance(got, bool):
            return _conform_array(torch.tensor(got), form, name)
        case (bool(), Tensor() | np.ndarray()) if form.ndim == 0 and str(form.dtype).endswith("bool"):
            return _conform_array(torch.tensor(got), form, name)
        case (str(), str()):
            return got, None
    wanted = describe_kind(form, names)
    comma = "Is there a comma behind what you return?" if isinstance(got, tuple) and len(got) == 1 else ""
    return got, Symptom("wrong kind", f"Your {name} is {describe_kind(got)}, wanted {wanted}.", comma)


def difference(got: Any, expected: Any, *, rtol: float, atol: float, names: tuple[str, ...] = ()) -> Symptom | None:
    """What is wrong with the numbers of a result that conforms to what is expected; None if nothing is."""
    if alike(got, expected, rtol=rtol, atol=atol):
        return None
    for name, a, b in _leaves(got, expected, names):
        if not alike(a, b, rtol=rtol, atol=atol):
            violated = _violated(got, expected, rtol, atol)
            kind = "decimals cut off" if violated == CUT_OFF else "other numbers"
            return Symptom(kind, _compare_leaf(name, a, b, rtol, atol), violated)
    raise AssertionError("two values differ, but none of their leaves does")


def describe_kind(value: Any, names: tuple[str, ...] = ()) -> str:
    """What kind of value this is, in words: "a tensor of shape (2, 3)"."""
    match value:
        case None:
            return "None"
        case Odd():
            return value.what
        case Tensor():
            return f"a tensor of shape {tuple(value.shape)}"
        case np.ndarray():
            return f"an array of shape {value.shape}"
        case bool():
            return str(value)
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case tuple() | list():
            results = "1 result in a tuple" if len(value) == 1 else f"{len(value)} results"
            what = results if isinstance(value, tuple) else f"a list of {len(value)}"
            return what + (f" ({', '.join(names)})" if len(names) == len(value) else "")
    return f"a dict with the keys {list(value)}"


def show(value: Any, digits: int = 4) -> str:
    """A value as a learner would write it down: "[[0.4621, 0]]"; a large one by its shape."""
    match value:
        case Tensor() | np.ndarray():
            if np.prod(value.shape) > FEW:
                return describe_kind(value)
            return show(value.tolist(), digits)
        case float():
            return f"{value:.{digits}g}"
        case complex():
            return f"{value:.{digits}g}"
        case tuple() | list():
            inside = ", ".join(show(item, digits) for item in value)
            return f"({inside})" if isinstance(value, tuple) else f"[{inside}]"
        case dict():
            return "{" + ", ".join(f"{key!r}: {show(item, digits)}" for key, item in value.items()) + "}"
        case Odd():
            return value.what
    return repr(value)


def show_apart(got: Any, expected: Any) -> tuple[str, str]:
    """Two values with as many digits as it takes to tell them apart."""
    for digits in (4, 7, 17):
        texts = show(got, digits), show(expected, digits)
        if texts[0] != texts[1]:
            break
    return texts


def _conform_items(got: Any, form: Any, names: tuple[str, ...]) -> tuple[Any, Symptom | None]:
    if len(got) != len(form):
        found, wanted = describe_kind(type(form)(got)), describe_kind(form, names)  # a list serves as a tuple
        whose = f"{names[0]} is" if len(names) == 1 else "function returned"
        return got, Symptom("wrong number of results", f"Your {whose} {found}, wanted {wanted}.")
    names = names if len(names) == len(form) else tuple(f"result {n + 1}" for n in range(len(form)))
    pairs = [conform(a, b, (name,)) for a, b, name in zip(got, form, names, strict=True)]
    values, symptoms = zip(*pairs, strict=True) if pairs else ((), ())
    return tuple(values), next((symptom for symptom in symptoms if symptom), None)


def _conform_array(got: Tensor | np.ndarray, form: Tensor | np.ndarray, name: str) -> tuple[Any, Symptom | None]:
    shape, wanted = tuple(got.shape), tuple(form.shape)
    if isinstance(got, np.ndarray) and isinstance(form, Tensor):
        got = torch.from_numpy(got)
    elif isinstance(got, Tensor) and isinstance(form, np.ndarray):
        got = got.float().numpy() if got.dtype == torch.bfloat16 else got.numpy()
    if shape != wanted:
        hint = "Rows and columns are exchanged." if shape == wanted[::-1] and len(shape) == 2 else ""
        return got, Symptom("wrong shape", f"Your {name} has shape {shape}, wanted {wanted}.", hint)
    return got, _not_finite(got, form, name)


def _conform_number(got: Any, form: Any, name: str) -> tuple[Any, Symptom | None]:
    if isinstance(got, bool) != isinstance(form, bool):
        wanted = "True or False" if isinstance(form, bool) else "a number"
        return got, Symptom("wrong kind", f"Your {name} is {got}, wanted {wanted}.")
    return got, _not_finite(got, form, name)


def _is_number(value: Any) -> bool:
    return not isinstance(value, (Tensor, np.ndarray)) or (value.ndim == 0 and not value.is_complex())


def _not_finite(got: Any, form: Any, name: str) -> Symptom | None:
    finite = np.isfinite(got := numbers(got))
    if finite.all():
        return None
    wrong = ~finite & np.isfinite(numbers(form))
    if not wrong.any():
        return None
    place = tuple(int(n) for n in np.argwhere(wrong)[0])
    what = "NaN, which is not a number" if np.isnan(got[place]) else "infinite"
    return Symptom("not finite", f"Your {name}{_at(place)} is {what}.", "Look for 0/0, the log of 0 or a large exp.")


def _leaves(got: Any, expected: Any, names: tuple[str, ...]) -> Iterator[tuple[str, Any, Any]]:
    """Name, got and expected of each tensor, number or text."""
    if isinstance(expected, dict):
        names, got, expected = tuple(map(str, expected)), [got[key] for key in expected], list(expected.values())
    if isinstance(expected, (tuple, list)):
        names = names if len(names) == len(expected) else tuple(f"result {n + 1}" for n in range(len(expected)))
        for name, a, b in zip(names, got, expected, strict=True):
            yield from _leaves(a, b, (name,))
    else:
        yield names[0] if len(names) == 1 else "result", got, expected


def _compare_leaf(name: str, got: Any, expected: Any, rtol: float, atol: float) -> str:
    if not isinstance(expected, (Tensor, np.ndarray)) or np.prod(expected.shape) <= FEW:
        a, b = show_apart(got, expected)
        return f"Your {name} came out as {a}, wanted {b}."
    wrong = ~close(got, expected, rtol=rtol, atol=atol)
    place = tuple(int(n) for n in np.argwhere(wrong)[0])
    a, b = show_apart(numbers(got)[place].item(), numbers(expected)[place].item())
    return f"In your {name} {wrong.sum()} of {wrong.size} numbers are off, first at {_at(place)}: {a}, wanted {b}."


def _violated(got: Any, expected: Any, rtol: float, atol: float) -> str:
    """What can be said of all numbers at once; empty if nothing."""
    if isinstance(expected, tuple) and len(expected) > 1:
        if alike(got, expected[::-1], rtol=rtol, atol=atol):
            return "The right results, in another order."
        wrong = [pair for pair in zip(got, expected, strict=True) if not alike(*pair, rtol=rtol, atol=atol)]
        return _violated(*wrong[0], rtol, atol) if len(wrong) == 1 else ""
    if not isinstance(expected, (Tensor, np.ndarray, int, float)) or isinstance(expected, bool):
        return ""
    a, b = numbers(got), numbers(expected)

    def equal(x: np.ndarray, y: np.ndarray) -> bool:
        return x.shape == y.shape and x.size > 0 and bool(close(x, y, rtol=rtol, atol=atol).all())

    if equal(-a, b):
        return "Right but for the sign."
    if a.size < 3 or equal(b, np.full_like(b, b.flat[0])):
        return ""  # too few numbers to tell a pattern from chance
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return ""  # infinity less infinity is no number, and says so on the learner's page
    if equal(a.T, b):
        return "Right but for rows and columns, which are exchanged."
    if equal(a - (a - b).mean(), b):
        return f"Every number is off by the same amount, {(a - b).mean():.4g}."
    factor = (a * b).sum() / (b * b).sum() if (b * b).sum() else 0
    if factor and equal(a / factor, b):
        return f"Every number is {factor:.4g} times what is wanted."
    if equal(np.flip(a, 0), b):
        return "Right but in reverse."
    if equal(a[1:], b[:-1]):
        return "Right but one step late."
    if equal(a[:-1], b[1:]):
        return "Right but one step early."
    if isinstance(got, Tensor) and not got.is_floating_point() and not got.is_complex() and not equal(np.round(b), b):
        return CUT_OFF
    return ""


def _at(place: tuple[int, ...]) -> str:
    return f"[{', '.join(map(str, place))}]" if place else ""
