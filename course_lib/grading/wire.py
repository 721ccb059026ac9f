"""What the judge and the learner's process say to each other.

A message is a JSON skeleton and raw buffers: 4 bytes with the skeleton's length, the skeleton, then each buffer with 8
bytes of length before it. Kinds, shapes and sizes are checked against what is allowed before anything is allocated, and
nothing that comes in is ever run, as a pickle would be.
"""

import json
import math
import struct
from typing import Any, BinaryIO

import numpy as np
import torch
from torch import Tensor

from course_lib.exercises.values import DTYPES, MAX_BYTES, MAX_DEPTH, NAMES, Odd

MAX_SKELETON = 4 * 2**20  # bytes
MAX_DIMENSIONS = 16


class WireError(ValueError):
    """A message that breaks the rules; nothing more can be read from this stream."""


def write(stream: BinaryIO, message: dict[str, Any]) -> None:
    """Send a message of plain values (see `course_lib.exercises.values`)."""
    stream.writelines(_parts(message))
    stream.flush()


def encode(message: dict[str, Any]) -> bytes:
    """What `write` sends, for a message that is sent more than once."""
    return b"".join(_parts(message))


def _parts(message: dict[str, Any]) -> list[bytes]:
    buffers: list[bytes] = []
    skeleton = json.dumps(_pack(message, buffers)).encode()
    parts = [struct.pack("<I", len(skeleton)), skeleton]
    for buffer in buffers:
        parts += [struct.pack("<Q", len(buffer)), buffer]
    return parts


def read(stream: BinaryIO) -> dict[str, Any]:
    """Receive a message.

    Raises:
        EOFError: the other side has ended.
        WireError: the message breaks the rules.
    """
    (length,) = struct.unpack("<I", _take(stream, 4))
    if length > MAX_SKELETON:
        raise WireError(f"a skeleton of {length} bytes")
    try:
        skeleton = json.loads(_take(stream, length))
        message = _Unpacker(stream).unpack(skeleton, depth=0)
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as problem:
        raise WireError(f"a message that cannot be read: {problem!r:.200}") from problem
    if not isinstance(message, dict):
        raise WireError("a message that is not a dict")
    return message


def _pack(value: Any, buffers: list[bytes]) -> Any:
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Tensor():
            buffers.append(value.reshape(-1).view(torch.uint8).numpy().tobytes() if value.numel() else b"")
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
    """Rebuilds the values of one message, its buffers from the stream in the order of the skeleton."""

    def __init__(self, stream: BinaryIO):
        self.stream, self.left = stream, 2 * MAX_BYTES

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

    def buffer(self, dtype: str, shape: list) -> bytearray:
        """The next buffer, if it is as long as its type and shape say and no longer than what is left."""
        if dtype not in DTYPES:
            raise WireError(f"a type that may not travel: {dtype!r:.50}")
        if len(shape) > MAX_DIMENSIONS or not all(type(n) is int and 0 <= n < 2**48 for n in shape):
            raise WireError(f"an impossible shape: {shape!r:.200}")
        size = math.prod(shape) * getattr(torch, dtype).itemsize
        if size > self.left:
            raise WireError(f"a buffer of {size} bytes")
        self.left -= size
        (length,) = struct.unpack("<Q", _take(self.stream, 8))
        if length != size:
            raise WireError(f"a buffer of {length} bytes for shape {shape} of {dtype}")
        return _take(self.stream, size)


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
