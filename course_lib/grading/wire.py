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


class WireError(ValueError):
    """A message that breaks the rules; nothing more can be read from this stream."""


def write(stream: BinaryIO, message: dict[str, Any]) -> None:
    """Send a message of plain values (see `course_lib.exercises.values`)."""
    stream.write(encode(message))
    stream.flush()


def encode(message: dict[str, Any]) -> bytes:
    """What `write` sends, for a message that is sent more than once."""
    buffers: list[bytes] = []
    skeleton = json.dumps(_pack(message, buffers)).encode()
    store = b"".join(buffer + bytes(-len(buffer) % ALIGNED) for buffer in buffers)
    return LENGTHS.pack(len(skeleton), len(store)) + skeleton + store


def read(stream: BinaryIO) -> dict[str, Any]:
    """Receive a message.

    Raises:
        EOFError: the other side has ended.
        WireError: the message breaks the rules.
    """
    of_skeleton, of_store = LENGTHS.unpack(_take(stream, LENGTHS.size))
    if of_skeleton > MAX_SKELETON or of_store > MAX_STORE:
        raise WireError(f"a message of {of_skeleton} and {of_store} bytes")
    skeleton, store = _take(stream, of_skeleton), _take(stream, of_store)
    try:
        unpacker = _Unpacker(store)
        message = unpacker.unpack(json.loads(skeleton), depth=0)
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as problem:
        raise WireError(f"a message that cannot be read: {problem!r:.200}") from problem
    if not isinstance(message, dict):
        raise WireError("a message that is not a dict")
    if unpacker.taken != of_store:
        raise WireError(f"a store of {of_store} bytes, of which {unpacker.taken} are used")
    return message


def _pack(value: Any, buffers: list[bytes]) -> Any:
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Tensor():
            numbers = value.view(torch.int16) if value.dtype == torch.bfloat16 else value  # NumPy has no bfloat16
            buffers.append(numbers.numpy().tobytes())
            return {"tensor": NAMES[value.dtype], "shape": list(value.shape)}
        case np.ndarray():
            buffers.append(value.tobytes())
            return {"array": value.dtype.name, "shape": list(value.shape)}
        case tuple():
            return {"tuple": [_pack(item, buffers) for item in value]}
        case list():
            return [_pack(item, buffers) for item in value]
        case dict():
            return {"dict": [[_pack(key, buffers), _pack(item, buffers)] for key, item in value.items()]}
        case Odd():
            return {"odd": value.what}
    raise TypeError(f"no plain value: {type(value).__name__}")


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
        match tuple(skeleton.items()):  # in the order in which `_pack` has them; quicker than patterns of dicts
            case (("tensor", str(dtype)), ("shape", list(shape))):
                data = self.buffer(dtype, shape)
                wanted = getattr(torch, dtype)
                return torch.frombuffer(data, dtype=wanted).reshape(shape) if data else torch.empty(shape, dtype=wanted)
            case (("array", str(dtype)), ("shape", list(shape))) if dtype != "bfloat16":
                return np.ndarray(shape, dtype, self.buffer(dtype, shape))
            case (("tuple", list(items)),):
                return tuple([self.unpack(item, depth + 1) for item in items])
            case (("dict", list(pairs)),):
                return {self.unpack(key, depth + 1): self.unpack(item, depth + 1) for key, item in pairs}
            case (("odd", str(what)),):
                return Odd(what[:200])
        raise WireError(f"an unknown kind of value: {skeleton!r:.200}")

    def buffer(self, dtype: str, shape: list) -> memoryview:
        """The numbers that come next in the store, if it holds as many as type and shape say."""
        if dtype not in DTYPES:
            raise WireError(f"a type that may not travel: {dtype!r:.50}")
        if len(shape) > MAX_DIMENSIONS or not all(type(n) is int and 0 <= n < 2**48 for n in shape):
            raise WireError(f"an impossible shape: {shape!r:.200}")
        size = math.prod(shape) * getattr(torch, dtype).itemsize
        begin, end = self.taken, self.taken + size
        if end > len(self.store):
            raise WireError(f"{len(self.store) - begin} bytes in the store for shape {shape} of {dtype}")
        self.taken = end + -size % ALIGNED
        return self.store[begin:end]


def _take(stream: BinaryIO, length: int) -> bytearray:
    data = bytearray(length)
    view = memoryview(data)
    done = 0
    while done < length:
        count = stream.readinto(view[done:])
        if not count:
            raise EOFError("the other side has ended")
        done += count
    return data
