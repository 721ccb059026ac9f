"""The judge's side of the process in which answers run."""

import contextlib
import dataclasses
import queue
import tempfile
import threading
from collections.abc import Callable, Iterator
from typing import Any

from course_lib.exercises.run import Outcome, Problem
from course_lib.exercises.source import Answer, extract
from course_lib.exercises.values import plain
from course_lib.grading import wire
from course_lib.grading.children import START_SECONDS, Child, ForkServer, StartError, can_fork, spawn
from course_lib.grading.programs import hidden_folders, program
from course_lib.grading.sandbox import Limits

GRACE_SECONDS = 3.0  # after its limit a call may still be interrupted from inside, which tells the line


@contextlib.contextmanager
def starter(limits: Limits | None = None, hidden: tuple[str, ...] | None = None) -> Iterator[Callable[[str], Child]]:
    """How children are started here: forked by a server that ends with the context, else each by itself.

    Args:
        limits: on the processes of each; the usual ones if None.
        hidden: folders that they see empty; those with expected results and known mistakes if None.
    """
    if can_fork():
        with ForkServer(limits or Limits(), hidden_folders() if hidden is None else hidden) as server:
            yield server.start
    else:
        yield spawn


def guards_of(start: Callable[[str], Child]) -> tuple[str, ...]:
    """The guards that are in force around children that are started in this way."""
    with ChildRunner(start) as runner:
        runner.load(extract([], [], []), seconds=5)
        return runner.guards


class ChildRunner:
    """Runs answers in a child process, which it starts when needed and replaces when it dies or hangs.

    Use it as a context manager. `load` an answer, then hand the runner to the judge.

    Args:
        start: starts a child in an empty folder: `ForkServer.start`, or `spawn`.

    Attributes:
        guards: in force around the last child that was started.
    """

    def __init__(self, start: Callable[[str], Child] = spawn):
        self.start, self.guards = start, ()
        self._child: Child | None = None
        self._replies: queue.Queue = queue.Queue()
        self._scratch: tempfile.TemporaryDirectory | None = None
        self._problem: Problem | None = None

    def __enter__(self) -> "ChildRunner":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def load(self, answer: Answer, *, seconds: float) -> None:
        """Make an answer's functions callable; a problem with that is the outcome of every call."""
        pieces = [dataclasses.asdict(piece) for piece in answer.pieces]
        reply = self._ask({"pieces": pieces, "seconds": seconds}, seconds)
        problem = reply if isinstance(reply, Problem) else _problem_from(reply.get("problem"))
        if problem and problem.kind == "raised":
            problem = dataclasses.replace(problem, message=f"{problem.message} (while it was read)")
        self._problem = problem
        if problem and problem.fatal:
            self.close()

    def call(
        self, function: str, inputs: tuple, *, seconds: float, without: tuple[str, ...], via: Callable | None = None
    ) -> Outcome:
        """Call a function of the loaded answer; see `course_lib.exercises.run.Runner`."""
        if self._problem:
            return Outcome(problem=self._problem)
        request = {"call": function, "inputs": plain(inputs), "seconds": seconds, "without": without}
        request["via"] = via and {"name": via.__name__, "pieces": [dataclasses.asdict(piece) for piece in program(via)]}
        reply = self._ask(request, seconds)
        if isinstance(reply, Problem):
            self._problem = reply
            return Outcome(problem=reply)
        outcome = _outcome_from(reply)
        if outcome.problem and outcome.problem.fatal:
            self.close()  # what it left behind must not touch the next answer
            self._problem = outcome.problem
        return outcome

    def close(self) -> None:
        """End the child, if there is one."""
        if self._child:
            self._child.kill()
            self._child = None
        if self._scratch:
            self._scratch.cleanup()
            self._scratch = None

    def _ask(self, request: dict[str, Any], seconds: float) -> dict[str, Any] | Problem:
        try:
            if self._child is None:
                self._start()
            wire.write(self._child.requests, request)
            reply = self._replies.get(timeout=seconds + GRACE_SECONDS)
        except queue.Empty:
            reply = Problem("time", f"was still running after {seconds:g} s, and had to be killed")
        except (BrokenPipeError, OSError):
            reply = EOFError()
        if isinstance(reply, EOFError):
            reply = Problem("died", "ended the whole process that it ran in")
        elif isinstance(reply, wire.WireError):
            reply = Problem("died", f"sent {reply}")
        if isinstance(reply, Problem):
            self.close()
        return reply

    def _start(self) -> None:
        self._scratch = tempfile.TemporaryDirectory(prefix="course-grade-", ignore_cleanup_errors=True)
        self._child = self.start(self._scratch.name)
        self._replies = queue.Queue()
        threading.Thread(target=_listen, args=(self._child.replies, self._replies), daemon=True).start()
        try:
            started = self._replies.get(timeout=START_SECONDS)
        except queue.Empty:
            started = None
        if not isinstance(started, dict) or "ready" not in started:
            self.close()
            raise StartError
        self.guards = tuple(map(str, started["ready"]))


def _listen(stream, replies: queue.Queue) -> None:
    """Put what arrives into a queue, which can be waited for with a time limit on every system."""
    with stream:
        while True:
            try:
                replies.put(wire.read(stream))
            except (EOFError, wire.WireError, OSError, ValueError) as problem:
                replies.put(problem if isinstance(problem, wire.WireError) else EOFError())
                return


def _problem_from(fields: Any) -> Problem | None:
    """A Problem out of what a child sent; strangers' numbers and texts are cut to size."""
    if not isinstance(fields, dict):
        return None
    text = {key: str(fields.get(key, ""))[:1000] for key in ("kind", "message", "text", "function")}
    line = fields.get("line")
    return Problem(line=line if isinstance(line, int) else 0, **text)


def _outcome_from(reply: dict[str, Any]) -> Outcome:
    changed, used = (reply.get(key) if isinstance(reply.get(key), tuple) else () for key in ("changed", "used"))
    return Outcome(
        value=reply.get("value"),
        problem=_problem_from(reply.get("problem")),
        printed=str(reply.get("printed", "")),
        changed=tuple(n for n in changed if isinstance(n, int)),
        used=tuple(str(name) for name in used),
    )
