"""The process in which a learner's answer runs; `course_lib.grading.runner` starts it and talks to it.

It knows no expected results. What the answer prints, on whatever level, cannot get into the conversation.
"""

import ast
import dataclasses
import importlib
import linecache
import os
import sys
import types
from collections.abc import Callable
from typing import Any, BinaryIO

import torch

from course_lib.exercises.run import Outcome, Problem, call, explain, time_limit
from course_lib.grading import wire


def main() -> None:
    """Answer one request after another until the other side closes."""
    requests, replies = _private_pipes()
    torch.set_num_threads(1)
    module = types.ModuleType("answer")
    wire.write(replies, {"ready": True})
    while True:
        try:
            request = wire.read(requests)
        except EOFError:
            return
        if "pieces" in request:
            module, problem = load(request["pieces"], request["seconds"])
            wire.write(replies, {"problem": problem and dataclasses.asdict(problem)})
        else:
            wire.write(replies, _to_message(_call(module, request)))


def load(pieces: list[dict], seconds: float) -> tuple[types.ModuleType, Problem | None]:
    """Run the statements of an answer in a module of their own.

    Args:
        pieces: name, source and the positions of the statements to keep, of each cell.
        seconds: the limit for all of them.
    """
    module = types.ModuleType("answer")
    sys.modules["answer"] = module  # dataclasses look their module up
    try:
        with time_limit(seconds):
            for piece in pieces:
                exec(_compile(piece), module.__dict__)
    except BaseException as raised:
        return module, explain(raised, seconds)
    return module, None


def _compile(piece: dict) -> types.CodeType:
    source, filename = piece["source"], f"<{piece['name']}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    tree = ast.parse(source)
    tree.body = [tree.body[position] for position in piece["keep"]]  # lines keep their numbers
    return compile(tree, filename, "exec")


def _call(module: types.ModuleType, request: dict[str, Any]) -> Outcome:
    function = getattr(module, request["call"], None)
    if not callable(function):
        return Outcome(problem=Problem("missing", f"The notebook defines no function {request['call']}."))
    via = request["via"] and _by_name(request["via"])
    return call(function, request["inputs"], seconds=request["seconds"], without=request["without"], via=via)


def _by_name(name: str) -> Callable:
    """A function of the course's by "module:function"."""
    module, _, function = name.partition(":")
    return getattr(importlib.import_module(module), function)


def _to_message(outcome: Outcome) -> dict[str, Any]:
    problem = outcome.problem and dataclasses.asdict(outcome.problem)
    return {field.name: getattr(outcome, field.name) for field in dataclasses.fields(Outcome)} | {"problem": problem}


def _private_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Move the conversation to file descriptors of its own; what else writes or reads gets nothing."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    return requests, replies


if __name__ == "__main__":
    main()
