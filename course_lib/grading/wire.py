"""What the judge and the learner's process say to each other.

A message is a JSON skeleton and a store of raw numbers: both lengths, the skeleton, the store. The numbers of each
tensor stand in the store in the skeleton's order, each from a multiple of 16 bytes on. Lengths are checked against what
is allowed before anything is allocated, kinds, shapes and sizes before anything is made of it; nothing that comes in is
ever run, as a pickle would be.
"""

import json
import math
import struct
from typing import Any, BinaryIO

import numpy as np
import torch
from torch import Tensor

from course_lib.exercises.values import DTYPES, MAX_BYTES, MAX_DEPTH, NAMES, Odd

MAX_SKELETON, MAX_STORE = 4 * 2**20, 2 * MAX_BYTES
MAX_DIMENSIONS = 16
LENGTHS = struct.Struct("<IQ")  # in bytes: of the skeleton, and of the store
ALIGNED = 16  # bytes, enough for the widest number
ENCODE, DECODE = json.JSONEncoder().encode, json.JSONDecoder().decode  # json.dumps and loads, without their options
SIZES = {name: getattr(torch, name).itemsize for name in DTYPES}  # bytes of a number


class WireError(ValueError):
    """A message that breaks the rules; nothing more can be read from this stream."""


def write(stream: BinaryIO, message: dict[str, Any]) -> None:
    """Send a message of plain values (see `course_lib.exercises.values`)."""
    stream.write(encode(message))
    stream.flush()


def encode(message: dict[str, Any]) -> bytes:
    """What `write` sends, for a message that is sent more than once."""
    buffers: list[bytes] = []
    skeleton = ENCODE(_pack(message, buffers)).encode()
    store = b"".join([buffer + bytes(-len(buffer) % ALIGNED) for buffer in buffers])
    return LENGTHS.pack(len(skeleton), len(store)) + skeleton + store


def read(stream: BinaryIO) -> dict[str, Any]:
    """Receive a message; see `receive` and `decode`."""
    return decode(*receive(stream))


def receive(stream: BinaryIO) -> tuple[bytearray, bytearray]:
    """A message's skeleton and its store, not looked into yet.

    Args:
        stream: whose `readinto` fills what it is given, as that of a buffered one does.

    Raises:
        EOFError: the other side has ended.
        WireError: the message is too long.
    """
    of_skeleton, of_store = LENGTHS.unpack(_take(stream, LENGTHS.size))
    if of_skeleton > MAX_SKELETON or of_store > MAX_STORE:
        raise WireError(f"a message of {of_skeleton} and {of_store} bytes")
    return _take(stream, of_skeleton), _take(stream, of_store)


def decode(skeleton: bytes | bytearray, store: bytearray) -> dict[str, Any]:
    """What a message says; its tensors and arrays share the memory of the store.

    Raises:
        WireError: it breaks the rules.
    """
    try:
        unpacker = _Unpacker(store)
        message = unpacker.unpack(DECODE(skeleton.decode()), depth=0)
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as problem:
        raise WireError(f"a message that cannot be read: {problem!r:.200}") from problem
    if not isinstance(message, dict):
        raise WireError("a message that is not a dict")
    if unpacker.taken != len(store):
        raise WireError(f"a store of {len(store)} bytes, of which {unpacker.taken} are used")
    return message


def _pack(value: Any, buffers: list[bytes]) -> Any:
    kind = type(value)  # plain values are of these very types, and to ask so is quicker than to match
    if kind is str or kind is float or kind is int or kind is bool or value is None:
        return value
    if kind is Tensor:
        numbers = value.view(torch.int16) if value.dtype == torch.bfloat16 else value  # NumPy has no bfloat16
        buffers.append(numbers.numpy().tobytes())
        return {"tensor": NAMES[value.dtype], "shape": list(value.shape)}
    if kind is np.ndarray:
        buffers.append(value.tobytes())
        return {"array": value.dtype.name, "shape": list(value.shape)}
    if kind is tuple:
        return {"tuple": [_pack(item, buffers) for item in value]}
    if kind is list:
        return [_pack(item, buffers) for item in value]
    if kind is dict:
        return {"dict": [[_pack(key, buffers), _pack(item, buffers)] for key, item in value.items()]}
    if kind is Odd:
        return {"odd": value.what}
    raise TypeError(f"no plain value: {kind.__name__}")


class _Unpacker:
    """Rebuilds the values of one message, which share the memory of its store.

    Attributes:
        taken: bytes of the store.
    """

    def __init__(self, store: bytearray):
        self.store, self.taken = memoryview(store), 0

    def unpack(self, skeleton: Any, depth: int) -> Any:
        kind = type(skeleton)
        if kind is str or kind is float or kind is int or kind is bool or skeleton is None:
            return skeleton
        if depth > MAX_DEPTH + 8:  # a result's own depth, and that of the message around it
            raise WireError("a message nested too deep")
        if kind is list:
            return [self.unpack(item, depth + 1) for item in skeleton]
        names, parts = tuple(skeleton), tuple(skeleton.values())  # in the order in which `_pack` has them
        if names == ("tensor", "shape"):
            (dtype, shape), data = parts, self.buffer(*parts)
            wanted = getattr(torch, dtype)
            return torch.frombuffer(data, dtype=wanted).reshape(shape) if data else torch.empty(shape, dtype=wanted)
        if names == ("array", "shape") and parts[0] != "bfloat16":
            return np.ndarray(parts[1], parts[0], self.buffer(*parts))
        if names == ("tuple",):
            return tuple(self.unpack(_list(parts[0]), depth))
        if names == ("dict",):
            return {self.unpack(key, depth + 1): self.unpack(item, depth + 1) for key, item in _list(parts[0])}
        if names == ("odd",):
            return Odd(str(parts[0])[:200])
        raise WireError(f"an unknown kind of value: {skeleton!r:.200}")

    def buffer(self, dtype: str, shape: list) -> memoryview:
        """The numbers that come next in the store, if it holds as many as type and shape say."""
        if dtype not in DTYPES:
            raise WireError(f"a type that may not travel: {dtype!r:.50}")
        if len(_list(shape)) > MAX_DIMENSIONS or not all([type(n) is int and 0 <= n < 2**48 for n in shape]):
            raise WireError(f"an impossible shape: {shape!r:.200}")
        size = math.prod(shape) * SIZES[dtype]
        begin, end = self.taken, self.taken + size
        if end > len(self.store):
            raise WireError(f"{len(self.store) - begin} bytes in the store for shape {shape} of {dtype}")
        self.taken = end + -size % ALIGNED
        return self.store[begin:end]


def _list(content: Any) -> list:
    if type(content) is not list:
        raise WireError(f"no list: {content!r:.200}")
    return content


def _take(stream: BinaryIO, length: int) -> bytearray:
    data = bytearray(length)
    if length and stream.readinto(data) < length:
        raise EOFError("the other side has ended")
    return data
