"""One call of a learner's function, in whatever process it happens: fresh inputs, a time limit, everything caught."""

import contextlib
import functools
import inspect
import linecache
import os
import sysconfig
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol

from torch.overrides import TorchFunctionMode

from course_lib.exercises.apart import Apart, TimeUp
from course_lib.exercises.values import alike, plain


@dataclass(frozen=True)
class Problem:
    """Why a call gave no result.

    Args:
        kind: "raised", "arguments", "time", "stopped", "died" or "missing".
        message: what happened, without the line.
        line: of the learner's cell, counted from 1; 0 if unknown.
        text: that line.
        function: the learner's function that holds the line.
    """

    kind: str
    message: str
    line: int = 0
    text: str = ""
    function: str = ""

    @property
    def fatal(self) -> bool:
        """Whether nothing more can be asked of this answer."""
        return self.kind in ("time", "stopped", "died", "missing")


@dataclass(frozen=True, eq=False)
class Outcome:
    """What one call gave.

    Args:
        value: the plain result.
        problem: why there is none.
        printed: the beginning of what the function printed.
        changed: positions of the inputs that it changed in place.
        used: which of the operations that the exercise forbids were recorded.

    Attributes:
        assessed: what the judge has made of it, by case, for one that comes again.
    """

    value: Any = None
    problem: Problem | None = None
    printed: str = ""
    changed: tuple[int, ...] = ()
    used: tuple[str, ...] = ()
    assessed: dict = field(default_factory=dict, init=False, repr=False)


@dataclass(frozen=True, eq=False)
class Call:
    """One call that is asked of an answer.

    Args:
        function: its name.
        inputs: of which it gets copies.
        via: a function of the course's that is called in its place, with it and the inputs (see `Case`).
        copies: of the inputs, made before; each is handed over once.
    """

    function: str
    inputs: tuple
    via: Callable | None = None
    copies: list[tuple] = field(default_factory=list)

    def copy(self) -> tuple:
        """The inputs, to hand over."""
        return self.copies.pop() if self.copies else plain(self.inputs)


class Runner(Protocol):
    """Where a learner's functions run: in the notebook's own process, or in a child of the judge's."""

    def run(
        self, calls: tuple[Call, ...], *, seconds: float, whole: float, without: tuple[str, ...] = ()
    ) -> Iterator[Outcome]:
        """The outcomes of these calls, one after the other, as `outcomes` gives them."""


class HereRunner:
    """Runs functions in this process, for `check`."""

    def __init__(self, functions: dict[str, Callable]):
        self.functions = functions

    def run(
        self, calls: tuple[Call, ...], *, seconds: float, whole: float, without: tuple[str, ...] = ()
    ) -> Iterator[Outcome]:
        # all at once: what the functions are set apart from must be there again where the judge goes on
        return iter(list(outcomes(self.functions, calls, seconds=seconds, whole=whole, without=without)))


def outcomes(
    functions: Mapping[str, Callable],
    calls: Iterable[Call],
    *,
    seconds: float,
    whole: float,
    without: tuple[str, ...] = (),
) -> Iterator[Outcome]:
    """Make calls in turn; after one with a fatal problem there are no more.

    Args:
        functions: the answer's, by name.
        calls: to make.
        seconds: the limit of one call.
        whole: the limit of all together.
        without: names of operations to look out for.
    """
    ends = time.monotonic() + whole
    with Apart() as apart:
        for asked in calls:
            left = ends - time.monotonic()
            if left <= 0:
                outcome = Outcome(problem=Problem("time", f"took more than {whole:g} s for all of the cases together"))
            elif not callable(function := functions.get(asked.function)):
                outcome = Outcome(problem=Problem("missing", f"The notebook defines no function {asked.function}."))
            else:
                outcome = _call(apart, function, asked, min(seconds, left), without)
            yield outcome
            if outcome.problem and outcome.problem.fatal:
                return


def call(
    function: Callable,
    inputs: tuple,
    *,
    seconds: float,
    without: tuple[str, ...] = (),
    via: Callable | None = None,
) -> Outcome:
    """Call a function of a learner's and catch whatever comes of it.

    Args:
        function: theirs.
        inputs: plain values, handed over as copies.
        seconds: the limit, kept where the system has timers and this is the main thread; elsewhere Ctrl-C remains.
        without: names of operations to look out for.
        via: a function of the course's that is called in its place, with it and the inputs (see `Case`).
    """
    with Apart() as apart:
        return _call(apart, function, Call("", inputs, via), seconds, without)


def _call(apart: Apart, function: Callable, asked: Call, seconds: float, without: tuple[str, ...]) -> Outcome:
    way = function if asked.via is None else functools.partial(asked.via, _guarded(function))
    handed, recorder = asked.copy(), _Recorder(without)
    value, problem = None, None
    with apart.call() as printed:
        try:
            with recorder if without else _NOTHING, apart.alarm.limit(seconds):
                value = plain(way(*handed))
        except BaseException as raised:  # whatever a learner's code raises is the learner's to see
            unfit = isinstance(raised, TypeError) and asked.via is None and _misfit(function, len(handed))
            problem = unfit or explain(raised, seconds)
    pairs = zip(handed, asked.inputs, strict=True)
    changed = tuple(n for n, (now, before) in enumerate(pairs) if not alike(now, before))
    return Outcome(value, problem, printed.getvalue(), changed, recorder.used())


_NOTHING = contextlib.nullcontext()


class _Unfit(Exception):
    """A learner's function takes other arguments than it is called with."""


def _guarded(function: Callable) -> Callable:
    """The function, but called with arguments that it does not take it says so in our words."""

    @functools.wraps(function)
    def called(*inputs):
        try:
            return function(*inputs)
        except TypeError:
            if misfit := _misfit(function, len(inputs)):
                raise _Unfit(misfit.message) from None
            raise

    return called


def explain(raised: BaseException, seconds: float = 0) -> Problem:
    """An exception in the learner's words: what happened, and at which line of theirs."""
    frame = _their_frame(raised.__traceback__)
    where = (frame.lineno or 0, (frame.line or "").strip(), frame.name) if frame else (0, "", "")
    match raised:
        case TimeUp():
            return Problem("time", f"was still running after {seconds:g} s", *where)
        case KeyboardInterrupt():
            return Problem("stopped", "was stopped by Ctrl-C", *where)
        case _Unfit():
            return Problem("arguments", str(raised))
        case RecursionError():
            message = "RecursionError: it calls itself again and again, without an end"
        case _:
            message = _in_one_line(raised)
    return Problem("raised", message, *where)


def _in_one_line(raised: BaseException) -> str:
    try:
        text = " ".join(str(raised).split())[:400]
    except Exception:  # an exception class of theirs, with a mistake in its __str__
        text = ""
    return type(raised).__name__ + (f": {text}" if text else "")


class _Recorder(TorchFunctionMode):
    """Notes which of the named operations PyTorch is asked for, by whatever route: module, function, torch.ops."""

    def __init__(self, names: tuple[str, ...]):
        super().__init__()
        self.names, self.seen = set(names), set()

    def __torch_function__(self, func, types, args=(), kwargs=None):
        self.seen.add(func)
        return func(*args, **(kwargs or {}))

    def used(self) -> tuple[str, ...]:
        names = {getattr(func, "__name__", "").partition(".")[0] for func in self.seen}  # torch.ops has "lstm.input"
        return tuple(sorted(self.names & names))


def _misfit(function: Callable, count: int) -> Problem | None:
    """A sentence if the function does not take so many arguments; better than Python's, which speaks of our call."""
    try:
        return _signature_misfit(function, count)
    except (TypeError, ValueError):  # some built-in functions have no signature
        return None


def _signature_misfit(function: Callable, count: int) -> Problem | None:
    signature = inspect.signature(function)
    try:
        signature.bind(*[None] * count)
    except TypeError:
        return Problem("arguments", f"takes {signature}, but is called with {count} arguments")
    return None


_LIBRARIES = tuple(
    {
        os.path.realpath(path) + os.sep
        for path in (
            *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
            os.path.dirname(os.path.dirname(__file__)),
        )
    }
)


def _their_frame(tb: TracebackType | None) -> traceback.FrameSummary | None:
    """The innermost frame that is neither ours nor a library's."""
    frames = traceback.walk_tb(tb)
    theirs = [(frame, line) for frame, line in frames if not _is_library(frame.f_code.co_filename)]
    if not theirs:
        return None
    frame, line = theirs[-1]
    filename = frame.f_code.co_filename
    return traceback.FrameSummary(filename, line, frame.f_code.co_name, line=linecache.getline(filename, line))


@functools.lru_cache(maxsize=1024)  # an endless recursion has a thousand frames
def _is_library(filename: str) -> bool:
    sent = "<course_lib."  # a program of ours, where it came as source
    return filename.startswith(("<frozen", sent)) or os.path.realpath(filename).startswith(_LIBRARIES)
