"""The conversation with the answers' process: what is sent arrives, and what breaks the rules is refused."""

import contextlib
import io
import json
import random

import numpy as np
import pytest
import torch

from course_lib.exercises.values import MAX_BYTES, Odd, alike
from course_lib.grading import wire

VALUES = [
    None,
    True,
    -3,
    2**62,
    0.1,
    float("inf"),
    float("nan"),
    "ein Text, 😀 \0",
    (1, [2.0, (None, "x")], {"a": (1,), 2: []}),
    Odd("a generator"),
    {"tensor": "float32", "shape": [1]},  # a dict that looks like a tensor's skeleton
    torch.arange(6).reshape(2, 3).T,
    torch.tensor(2.5),
    torch.zeros(0, 3),
    torch.tensor([True, False]),
    torch.tensor([1 + 2j, 0]),
    torch.randn(3, 2, generator=torch.Generator().manual_seed(0)).to(torch.bfloat16),
    torch.tensor([1.5, -2], dtype=torch.float16),
    torch.tensor([-1, 5], dtype=torch.int8),
    np.arange(6.0).reshape(2, 3).T,
    np.zeros((0, 2), dtype=np.int16),
]


def frame(skeleton, *buffers: bytes) -> io.BytesIO:
    text = skeleton if isinstance(skeleton, bytes) else json.dumps(skeleton).encode()
    store = b"".join(b + bytes(-len(b) % wire.ALIGNED) for b in buffers)
    return io.BytesIO(wire.LENGTHS.pack(len(text), len(store)) + text + store)


@pytest.mark.parametrize("value", VALUES, ids=str)
def test_what_is_sent_arrives(value):
    stream = io.BytesIO()
    wire.write(stream, {"value": value})
    stream.seek(0)
    arrived = wire.read(stream)["value"]
    assert type(arrived) is type(value) and alike(arrived, value)
    if isinstance(value, (torch.Tensor, np.ndarray)):
        assert arrived.dtype == value.dtype
    assert stream.read() == b""


def of(skeleton) -> dict:
    return {"dict": [["value", skeleton]]}


@pytest.mark.parametrize(
    "stream",
    [
        frame(of({"tensor": "float32", "shape": [5]}), b"\0" * 16),  # too short for its shape
        frame(of({"tensor": "float32", "shape": [4]}), b"\0" * 17),  # too long
        frame(of(1), b"\0" * 16),  # for nothing
        frame(of({"tensor": "float32", "shape": [2**40]})),
        frame(of({"tensor": "float32", "shape": [2**30, 2**30, 2**30, 2**30]})),
        frame(of({"tensor": "float32", "shape": [-1]}), b""),
        frame(of({"tensor": "float32", "shape": [True]}), b"\0" * 4),
        frame(of({"tensor": "float32", "shape": [1.0]}), b"\0" * 4),
        frame(of({"tensor": "float32", "shape": [1] * 40}), b"\0" * 4),
        frame(of({"tensor": "qint8", "shape": [1]}), b"\0"),
        frame(of({"tensor": "load", "shape": [1]}), b"\0"),
        frame(of({"array": "object", "shape": [1]}), b"\0" * 8),
        frame(of({"array": "float32", "shape": [1], "more": 1}), b"\0" * 4),
        frame(of({"pickle": "gASVAAA="})),
        frame({"dict": [[[], 1]]}),  # a list as a key
        frame({"dict": [["a", 1, 2]]}),
        frame([1, 2]),
        frame(3),
        frame(b"{not json"),
        frame(b"\xff\xfe"),
        frame(b"9" * 10_000),
        frame(b"[" * 5000 + b"]" * 5000),
        frame(b"[" * 200_000 + b"]" * 200_000),
        frame([[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]),
        io.BytesIO(wire.LENGTHS.pack(2**32 - 1, 0)),  # refused before so much is allocated
        io.BytesIO(wire.LENGTHS.pack(2, wire.MAX_STORE + 1) + b"{}"),
    ],
)
def test_a_message_that_breaks_the_rules_is_refused(stream):
    with pytest.raises(wire.WireError):
        wire.read(stream)


def test_all_tensors_together_have_a_limit():
    many = [{"tensor": "uint8", "shape": [MAX_BYTES]}] * 3
    with pytest.raises(wire.WireError, match="0 bytes in the store"):
        wire.read(frame(of(many), bytes(MAX_BYTES), bytes(MAX_BYTES)))


def test_numbers_stand_where_a_processor_can_read_them():
    message = wire.encode({"a": torch.tensor([True]), "b": np.ones(3), "c": torch.ones(1, dtype=torch.complex128)})
    arrived = wire.read(io.BytesIO(message))
    assert arrived["b"].ctypes.data % 8 == 0 and arrived["c"].data_ptr() % 8 == 0


def test_damaged_messages_end_in_an_error_of_ours_or_in_a_value():
    stream = io.BytesIO()
    wire.write(stream, {"value": (torch.arange(5), "text", [1.5, None]), "problem": None})
    whole, chance = stream.getvalue(), random.Random(0)
    for _ in range(2000):
        damaged = bytearray(whole)
        for _ in range(chance.randint(1, 3)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        end = chance.randrange(len(damaged)) if chance.random() < 0.3 else None
        with contextlib.suppress(wire.WireError, EOFError):
            wire.read(io.BytesIO(bytes(damaged[:end])))


def test_only_plain_values_are_sent():
    with pytest.raises(TypeError, match="no plain value"):
        wire.write(io.BytesIO(), {"value": object()})
