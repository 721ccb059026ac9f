"""The process in which a learner's answer runs; `course_lib.grading.runner` starts it and talks to it.

It knows no expected results. What the answer prints, on whatever level, cannot get into the conversation.
"""

import ast
import dataclasses
import linecache
import os
import sys
import types
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch

from course_lib.exercises.run import Outcome, Problem, call, explain, time_limit
from course_lib.grading import wire


def main() -> None:
    """Serve a judge that started this process by itself: over its input and output, without walls."""
    requests, replies = os.dup(0), os.dup(1)
    torch.set_num_threads(1)
    serve(requests, replies, ())


def serve(requests: int, replies: int, guards: tuple[str, ...]) -> None:
    """Answer one request after another until the other side closes.

    Args:
        requests, replies: file descriptors to read from and to write to; all others are closed.
        guards: that are in force (see `sandbox`), which the judge is told.
    """
    _keep_only(requests, replies)
    requests, replies = os.fdopen(requests, "rb"), os.fdopen(replies, "wb")
    module = types.ModuleType("answer")
    wire.write(replies, {"ready": guards})
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
    via = request["via"] and _program(request["via"])
    return call(function, request["inputs"], seconds=request["seconds"], without=request["without"], via=via)


def _program(via: dict[str, Any]) -> Callable:
    """A program of the course's, from its source (see `programs`)."""
    module = types.ModuleType("program")
    sys.modules["program"] = module  # dataclasses look their module up
    for piece in via["pieces"]:
        exec(_compile(piece), module.__dict__)
    return getattr(module, via["name"])


def _to_message(outcome: Outcome) -> dict[str, Any]:
    problem = outcome.problem and dataclasses.asdict(outcome.problem)
    return {field.name: getattr(outcome, field.name) for field in dataclasses.fields(Outcome)} | {"problem": problem}


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
