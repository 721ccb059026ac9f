"""The values that exercises compare: numbers, texts, tensors, arrays, and tuples, lists and dicts of them.

Whatever a learner's function returns is made *plain* first, in the notebook and in the grading process alike, so that
both judge the same thing.
"""

from collections import deque
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import torch
from torch import Tensor

MAX_BYTES = 64 * 2**20  # of all tensors and arrays in one result
MAX_ITEMS = 10_000  # of all other values in one result
MAX_DEPTH = 16
MAX_TEXT = 100_000

_INTEGERS = ("bool", "uint8", "int8", "int16", "int32", "int64")
DTYPES = (*_INTEGERS, "bfloat16", "float16", "float32", "float64", "complex64", "complex128")
NAMES = {getattr(torch, name): name for name in DTYPES}  # of PyTorch's types


@dataclass(frozen=True)
class Odd:
    """A value of a kind that no exercise asks for; `what` says which, in words: "a generator"."""

    what: str


def plain(value: Any) -> Any:
    """A copy of a value that holds nothing but data, and shares no memory with it.

    Tensors come without gradient, on the CPU, in C order; subclasses lose their class; all else becomes `Odd`.
    """
    try:
        return _Budget().plain(value, depth=0)
    except _TooMuch as problem:
        return Odd(str(problem))


class _TooMuch(Exception):
    """A result that is too large or too deep."""


class _Budget:
    """What one value may still hold while it is copied."""

    def __init__(self):
        self.bytes, self.items = MAX_BYTES, MAX_ITEMS

    def plain(self, value: Any, depth: int) -> Any:
        self.items -= 1
        if self.items < 0:
            raise _TooMuch(f"a result of more than {MAX_ITEMS} items")
        if depth > MAX_DEPTH:
            raise _TooMuch(f"a result nested more than {MAX_DEPTH} deep")
        kind = type(value)
        if kind is Tensor:  # as most values are, and to ask so is quicker than to match
            return self.tensor(value)
        if kind is float or kind is bool or value is None:
            return value
        if kind is tuple:
            return tuple([self.plain(item, depth + 1) for item in value])
        match value:
            case str():  # NumPy's texts too
                return str(value) if len(value) <= MAX_TEXT else Odd(f"a text of {len(value)} characters")
            case Tensor():
                return self.tensor(value)
            case np.ndarray() | np.generic():
                return self.array(np.asarray(value))
            case int():
                return int(value) if value.bit_length() < 64 else Odd("a whole number of more than 64 bits")
            case float() | Fraction():
                return float(value)
            case tuple() | list() | range() | deque():
                items = [self.plain(item, depth + 1) for item in value]
                return tuple(items) if isinstance(value, tuple) else items
            case dict():
                return {self.key(key): self.plain(item, depth + 1) for key, item in value.items()}
        return Odd(with_article(type(value).__name__))

    def tensor(self, value: Tensor) -> Any:
        with torch._C.DisableTorchFunction():  # to copy is no operation of the answer's; a recorder takes 30 µs
            if value.dtype not in NAMES or value.is_meta:
                return Odd(f"a tensor of type {value.dtype}" + (" without data" if value.is_meta else ""))
            self.spend(value.numel() * value.element_size())  # a sparse one's when it is dense
            if type(value) is not Tensor:
                value = value.as_subclass(Tensor)
            if value.layout != torch.strided:
                value = value.to_dense()
            if not value.is_cpu:
                value = value.to("cpu")
            copy = value.detach().clone(memory_format=torch.contiguous_format)
            return copy.resolve_conj().resolve_neg()

    def array(self, value: np.ndarray) -> Any:
        if value.dtype.name not in DTYPES:
            return Odd(f"an array of type {value.dtype}")
        self.spend(value.nbytes)
        value = np.array(value, dtype=value.dtype.newbyteorder("="), order="C")  # a copy, without a subclass
        return value.item() if value.ndim == 0 else value

    def spend(self, size: int) -> None:
        self.bytes -= size
        if self.bytes < 0:
            raise _TooMuch(f"a result of more than {MAX_BYTES // 2**20} MB")

    @staticmethod
    def key(key: Any) -> Any:
        if isinstance(key, np.generic):
            key = key.item()
        if isinstance(key, str):
            return str.__str__(key)  # not what an Enum says
        for kind in (bool, int, float):
            if isinstance(key, kind):
                return kind(key)
        return key if key is None else f"{key!r:.100}"


def identical(a: Any, b: Any) -> bool:
    """Whether two plain values are the same to the last bit, kinds included; most right results are, and it is quick.

    A NaN is not itself here.
    """
    kind = type(a)
    if kind is not type(b):
        return False
    if kind is Tensor:
        return a.dtype == b.dtype and torch.equal(a, b)
    if kind is np.ndarray:
        return a.dtype == b.dtype and np.array_equal(a, b)
    if kind is tuple or kind is list:
        return len(a) == len(b) and all(map(identical, a, b))
    if kind is dict:
        return a.keys() == b.keys() and all(identical(a[key], b[key]) for key in a)
    return a == b


def alike(a: Any, b: Any, *, rtol: float = 0.0, atol: float = 0.0) -> bool:
    """Whether two plain values have the same kinds, shapes and numbers; NaN equals NaN, a list equals a tuple."""
    match a, b:
        case (Tensor(), Tensor()) if a.dtype == b.dtype and torch.equal(a, b):  # most are; thirty times as fast
            return True
        case (Tensor() | np.ndarray(), Tensor() | np.ndarray()):
            return tuple(a.shape) == tuple(b.shape) and bool(close(a, b, rtol=rtol, atol=atol).all())
        case (bool() | str() | None | Odd(), _) | (_, bool() | str() | None | Odd()):
            return type(a) is type(b) and a == b
        case (int() | float(), int() | float()):
            return a == b or bool(close(a, b, rtol=rtol, atol=atol))
        case (tuple() | list(), tuple() | list()):
            return len(a) == len(b) and all(alike(*pair, rtol=rtol, atol=atol) for pair in zip(a, b, strict=True))
        case (dict(), dict()):
            return a.keys() == b.keys() and all(alike(a[key], b[key], rtol=rtol, atol=atol) for key in a)
    return False


def numbers(value: Any) -> np.ndarray:
    """A number, tensor or array as float64 (complex128 where complex)."""
    if isinstance(value, Tensor):
        value = (value.float() if value.dtype == torch.bfloat16 else value).numpy(force=True)  # NumPy has no bfloat16
    return np.asarray(value, dtype=np.complex128 if np.iscomplexobj(value) else np.float64)


def close(a: Any, b: Any, *, rtol: float, atol: float) -> np.ndarray:
    """Number by number, whether a is b: |a - b| <= atol + rtol * |b|; NaN is NaN, and an infinity is itself."""
    a, b = numbers(a), numbers(b)  # np.isclose does the same, and takes twice as long over a few numbers
    with np.errstate(invalid="ignore", over="ignore"):
        near = np.isfinite(b) & (np.abs(a - b) <= atol + rtol * np.abs(b))
    return near | (a == b) | (np.isnan(a) & np.isnan(b))


def with_article(noun: str) -> str:
    """ "generator" -> "a generator"."""
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"
