"""The process in which a learner's answer runs; `course_lib.grading.runner` starts it and talks to it.

It knows no expected results. What the answer prints, on whatever level, cannot get into the conversation.
"""

import ast
import contextlib
import dataclasses
import functools
import linecache
import os
import sys
import time
import types
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Any, BinaryIO

import torch

from course_lib.exercises.apart import time_limit
from course_lib.exercises.run import Call, Outcome, Problem, explain, outcomes
from course_lib.exercises.values import plain
from course_lib.grading import wire

Piece = tuple[str, str, tuple[int, ...]]  # name, source and the positions of the statements to keep, of a cell


def main() -> None:
    """Serve a judge that started this process by itself: over its input and output, without walls."""
    requests, replies = os.dup(0), os.dup(1)
    torch.set_num_threads(1)
    serve(requests, replies, (), ())


def serve(requests: int, replies: int, guards: tuple[str, ...], kept: Sequence[dict[str, Any]]) -> None:
    """Answer one request after another until the other side closes.

    Args:
        requests, replies: file descriptors to read from and to write to; all others are closed.
        guards: that are in force (see `sandbox`), which the judge is told.
        kept: requests that are asked for by their number.
    """
    _keep_only(requests, replies)
    requests, replies = os.fdopen(requests, "rb"), os.fdopen(replies, "wb")
    module, problem = types.ModuleType("answer"), None
    wire.write(replies, {"ready": guards})
    while True:
        try:
            request = wire.read(requests)
        except EOFError:
            return
        if "pieces" in request:
            patience = request.pop("patience")
            module, problem = load(**request)
            wire.write(replies, {"problem": problem and dataclasses.asdict(problem)})
        elif problem is None:
            request = dict(kept[request["kept"]]) if "kept" in request else request
            calls = (call if isinstance(call, Call) else _prepared(**call) for call in request.pop("calls"))
            _tell(replies, map(to_message, outcomes(vars(module), calls, **request)), patience)


def _tell(replies: BinaryIO, messages: Iterable[dict[str, Any]], patience: float) -> None:
    """Send messages, several at once where they come quickly.

    Args:
        patience: seconds that one may wait for others.
    """
    waiting, sent = bytearray(), time.monotonic()  # no buffer of a file's, which a process forked by an answer has too
    for message in messages:
        waiting += wire.encode(message)
        if time.monotonic() - sent >= patience:
            replies.write(waiting)
            replies.flush()
            waiting, sent = bytearray(), time.monotonic()
    replies.write(waiting)
    replies.flush()


def prepared(request: dict[str, Any]) -> dict[str, Any]:
    """A request whose calls are ready to be made in any process that is forked from this one."""
    with contextlib.suppress(Exception):  # which will be raised again where the answer runs, and be told
        return request | {"calls": [_prepared(**call) for call in request["calls"]]}
    return request


def _prepared(function: str, inputs: tuple, via: tuple | None) -> Call:
    return Call(function, inputs, via and _program(*via), copies=[plain(inputs)])


def load(pieces: tuple[Piece, ...], seconds: float) -> tuple[types.ModuleType, Problem | None]:
    """Run the statements of an answer in a module of their own.

    Args:
        pieces: of its cells, in order.
        seconds: the limit for all of them.
    """
    module = types.ModuleType("answer")
    sys.modules["answer"] = module  # dataclasses look their module up
    try:
        with time_limit(seconds):
            for piece in pieces:
                exec(_compile(*piece), module.__dict__)
    except BaseException as raised:
        return module, explain(raised, seconds)
    return module, None


def _compile(name: str, source: str, keep: tuple[int, ...]) -> types.CodeType:
    filename = f"<{name}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    tree = ast.parse(source)
    tree.body = [tree.body[position] for position in keep]  # lines keep their numbers
    return compile(tree, filename, "exec")


@functools.cache
def _program(name: str, *pieces: Piece) -> Callable:
    """A program of the course's, from its source (see `programs`)."""
    module = types.ModuleType("program")
    sys.modules["program"] = module  # dataclasses look their module up
    for piece in pieces:
        exec(_compile(*piece), module.__dict__)
    return getattr(module, name)


def to_message(outcome: Outcome) -> dict[str, Any]:
    """An outcome as it is sent: without what is empty."""
    message = {name: item for name, item in vars(outcome).items() if name == "value" or item}
    return message | {"problem": dataclasses.asdict(outcome.problem)} if outcome.problem else message


def _keep_only(*descriptors: int) -> None:
    """Close all other files; what is written to the standard ones, or read from them, goes nowhere."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    edges = [2, *sorted(descriptors), os.sysconf("SC_OPEN_MAX") if hasattr(os, "sysconf") else 1024]
    for before, after in pairwise(edges):
        os.closerange(before + 1, after)


if __name__ == "__main__":
    main()
