"""The judge's side of the process in which answers run."""

import contextlib
import dataclasses
import functools
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from course_lib.exercises.run import Call, Outcome, Problem
from course_lib.exercises.source import Answer
from course_lib.grading import wire
from course_lib.grading.children import START_SECONDS, Child, ForkServer, StartError, can_fork, spawn
from course_lib.grading.programs import hidden_folders, program
from course_lib.grading.sandbox import Limits
from course_lib.grading.scratch import remove_leftovers, scratch_folder

KNOWN_BYTES = 4096  # of a reply that is kept
PATIENCE = 0.002  # seconds that a reply may wait for others: each message wakes a process up, which takes its time
GRACE_SECONDS = 3.0  # after its limit a call may still be interrupted from inside, which tells the line

T = TypeVar("T")


@contextlib.contextmanager
def starter(limits: Limits | None = None, hidden: tuple[str, ...] | None = None) -> Iterator[Callable[[str], Child]]:
    """How children are started here: forked by a server that ends with the context, else each by itself.

    Args:
        limits: on the processes of each; the usual ones if None.
        hidden: folders that they see empty; those with expected results and known mistakes if None.
    """
    remove_leftovers()
    if can_fork():
        with ForkServer(limits or Limits(), hidden_folders() if hidden is None else hidden) as server:
            yield server.start
    else:
        yield spawn


def guards_of(start: Callable[[str], Child]) -> tuple[str, ...]:
    """The guards that are in force around children that are started in this way."""
    with ChildRunner(start) as runner:
        runner.begin()
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
        self._scratch = contextlib.ExitStack()
        self._loading: dict[str, Any] = {}  # the request to load the answer
        self._loaded = False
        self._problem: Problem | None = None
        self._cut_off = False  # whether the child ended without a word, and replies of its may be lost

    def __enter__(self) -> "ChildRunner":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def load(self, answer: Answer, *, seconds: float) -> None:
        """Make an answer's functions callable; a problem with that is the outcome of every call.

        It is sent together with the first calls.
        """
        pieces = tuple((piece.name, piece.source, piece.keep) for piece in answer.pieces)
        self._load({"pieces": pieces, "seconds": seconds, "patience": PATIENCE})

    def begin(self) -> None:
        """Start a child if there is none."""
        if self._child is None:
            self._start()

    def run(
        self, calls: tuple[Call, ...], *, seconds: float, whole: float, without: tuple[str, ...] = ()
    ) -> Iterator[Outcome]:
        """Call functions of the loaded answer; see `course_lib.exercises.run.Runner`.

        The child gets all calls at once. Its replies may wait for each other a moment, so those that a child had ready
        when it died are lost; another is then asked for the same, which sends each reply as soon as it is there.
        """
        told = 0
        for outcome in self._run(calls, seconds, whole, without):
            if self._cut_off and self._loading["patience"]:
                break
            told += 1
            yield outcome
        else:
            return
        self._load(self._loading | {"patience": 0})
        for number, outcome in enumerate(self._run(calls, seconds, whole, without)):
            if number >= told or (outcome.problem and outcome.problem.fatal):
                yield outcome

    def _run(
        self, calls: tuple[Call, ...], seconds: float, whole: float, without: tuple[str, ...]
    ) -> Iterator[Outcome]:
        waiting = len(calls)
        if waiting and not self._problem:
            self._send(_request(calls, seconds, whole, without))
        ends = time.monotonic() + whole
        try:
            while waiting:
                outcome = self._outcome(min(seconds, ends - time.monotonic()))
                waiting = 0 if outcome.problem and outcome.problem.fatal else waiting - 1
                yield outcome
        finally:
            if waiting or (self._problem and self._problem.fatal):
                self.close()  # what it left behind must not touch the next answer

    def _send(self, request: bytes) -> None:
        """Send calls, and before them what is to be loaded, which is over when this returns.

        The child gets calls that it knows already by their number.
        """
        self.begin()
        known = self._child.number_of(request)
        request = request if known is None else wire.encode({"kept": known})
        answer, seconds = (b"", 0) if self._loaded else (wire.encode(self._loading), self._loading["seconds"])
        self._child.expect(answer)
        with contextlib.suppress(OSError):  # it has ended, and its replies say so
            self._child.send(answer + request, seconds + GRACE_SECONDS)
        if not self._loaded:
            self._loaded, self._problem = True, self._read(seconds)

    def _load(self, request: dict[str, Any]) -> None:
        self._loading, self._loaded, self._problem, self._cut_off = request, False, None, False

    def _read(self, seconds: float) -> Problem | None:
        """What went wrong with reading an answer."""
        reply = self._receive(seconds)
        problem = reply if isinstance(reply, Problem) else _problem_from(reply.get("problem"))
        if problem and problem.kind == "raised":
            problem = dataclasses.replace(problem, message=f"{problem.message} (while it was read)")
        return problem

    def _outcome(self, seconds: float) -> Outcome:
        """What the next call gave."""
        if self._problem:
            return Outcome(problem=self._problem)
        reply = self._receive(max(seconds, 0), _outcome_of)
        self._cut_off = isinstance(reply, Problem)
        outcome = Outcome(problem=reply) if self._cut_off else reply
        if outcome.problem and outcome.problem.fatal:
            self._problem = outcome.problem
        return outcome

    def close(self) -> None:
        """End the child, if there is one."""
        if self._child:
            self._child.kill()
            self._child = None
        self._scratch.close()

    def _receive(self, seconds: float, understood: Callable[[bytearray, bytearray], T] = wire.decode) -> T | Problem:
        """The next reply, understood; a problem if there is none, or none that can be."""
        replies = self._child.replies
        replies.raw.ends = time.monotonic() + seconds + GRACE_SECONDS
        try:
            return understood(*wire.receive(replies))
        except TimeoutError:
            problem = Problem("time", f"was still running after {seconds:g} s, and had to be killed")
        except (EOFError, OSError):
            problem = Problem("died", "ended the whole process that it ran in")
        except wire.WireError as broken:
            problem = Problem("died", f"sent {broken}")
        self.close()
        return problem

    def _start(self) -> None:
        self._child = self.start(str(self._scratch.enter_context(scratch_folder("answer"))))
        started = self._receive(START_SECONDS)
        if isinstance(started, Problem) or "ready" not in started:
            self.close()
            raise StartError
        self.guards = tuple(map(str, started["ready"]))


@functools.lru_cache(maxsize=100)  # in a class, all answers to an exercise get the same calls
def _request(calls: tuple[Call, ...], seconds: float, whole: float, without: tuple[str, ...]) -> bytes:
    asked = [{"function": call.function, "inputs": call.inputs, "via": _program(call.via)} for call in calls]
    return wire.encode({"calls": asked, "seconds": seconds, "whole": whole, "without": without})


def _program(via: Callable | None) -> tuple | None:
    return via and (via.__name__, *map(dataclasses.astuple, program(via)))


def _problem_from(fields: Any) -> Problem | None:
    """A Problem out of what a child sent; strangers' numbers and texts are cut to size."""
    if not isinstance(fields, dict):
        return None
    text = {key: str(fields.get(key, ""))[:1000] for key in ("kind", "message", "text", "function")}
    line = fields.get("line")
    return Problem(line=line if isinstance(line, int) else 0, **text)


def _outcome_of(skeleton: bytearray, store: bytearray) -> Outcome:
    """The outcome that a reply tells: in a class, most right answers to a case give the same bits, so the same one."""
    if len(skeleton) + len(store) > KNOWN_BYTES:
        return _outcome_from(wire.decode(skeleton, store))
    return known_outcome(bytes(skeleton), bytes(store))


@functools.lru_cache(maxsize=5000)
def known_outcome(skeleton: bytes, store: bytes) -> Outcome:
    """What a reply tells; the same again for the same reply."""
    return _outcome_from(wire.decode(skeleton, bytearray(store)))


def _outcome_from(reply: dict[str, Any]) -> Outcome:
    if reply.keys() == {"value"}:  # as that of most calls
        return Outcome(reply["value"])
    changed, used = (reply.get(key) if isinstance(reply.get(key), tuple) else () for key in ("changed", "used"))
    return Outcome(
        value=reply.get("value"),
        problem=_problem_from(reply.get("problem")),
        printed=str(reply.get("printed", "")),
        changed=tuple(n for n in changed if isinstance(n, int)),
        used=tuple(str(name) for name in used),
    )
