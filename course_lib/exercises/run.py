"""One call of a learner's function, in whatever process it happens: fresh inputs, a time limit, everything caught."""

import contextlib
import functools
import inspect
import io
import linecache
import os
import signal
import sysconfig
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol

import torch
from torch.overrides import TorchFunctionMode

from course_lib.exercises.modes import own_modes
from course_lib.exercises.values import alike, plain

MAX_PRINTED = 2000  # characters of what a learner's function prints


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


@dataclass(frozen=True)
class Outcome:
    """What one call gave.

    Args:
        value: the plain result.
        problem: why there is none.
        printed: the beginning of what the function printed.
        changed: positions of the inputs that it changed in place.
        used: which of the operations that the exercise forbids were recorded.
    """

    value: Any = None
    problem: Problem | None = None
    printed: str = ""
    changed: tuple[int, ...] = ()
    used: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Call:
    """One call that is asked of an answer.

    Args:
        function: its name.
        inputs: of which it gets copies.
        via: a function of the course's that is called in its place, with it and the inputs (see `Case`).
    """

    function: str
    inputs: tuple
    via: Callable | None = None


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
        return outcomes(self.functions, calls, seconds=seconds, whole=whole, without=without)


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
    for asked in calls:
        left = ends - time.monotonic()
        if left <= 0:
            outcome = Outcome(problem=Problem("time", f"took more than {whole:g} s for all of the cases together"))
        elif not callable(function := functions.get(asked.function)):
            outcome = Outcome(problem=Problem("missing", f"The notebook defines no function {asked.function}."))
        else:
            outcome = call(function, asked.inputs, seconds=min(seconds, left), without=without, via=asked.via)
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
    if via is None and (misfit := _misfit(function, len(inputs))):
        return Outcome(problem=misfit)
    way = function if via is None else functools.partial(via, _guarded(function))
    handed, printed, recorder = plain(inputs), _Beginning(), _Recorder(without)
    value, problem = None, None
    try:
        recording = recorder if without else contextlib.nullcontext()
        with fixed_randomness(), own_modes(), _quiet(printed), recording, time_limit(seconds):
            value = plain(way(*handed))
    except BaseException as raised:  # whatever a learner's code raises is the learner's to see
        problem = explain(raised, seconds)
    pairs = zip(handed, inputs, strict=True)
    changed = tuple(n for n, (now, before) in enumerate(pairs) if not alike(now, before))
    return Outcome(value, problem, printed.getvalue(), changed, recorder.used())


class _Unfit(Exception):
    """A learner's function takes other arguments than it is called with."""


def _guarded(function: Callable) -> Callable:
    """The function, but called with arguments that it does not take it says so in our words."""

    @functools.wraps(function)
    def called(*inputs):
        if misfit := _misfit(function, len(inputs)):
            raise _Unfit(misfit.message)
        return function(*inputs)

    return called


def explain(raised: BaseException, seconds: float = 0) -> Problem:
    """An exception in the learner's words: what happened, and at which line of theirs."""
    frame = _their_frame(raised.__traceback__)
    where = (frame.lineno or 0, (frame.line or "").strip(), frame.name) if frame else (0, "", "")
    match raised:
        case _TimeUp():
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


class _TimeUp(BaseException):
    """Raised inside the learner's code when its time is up; a BaseException, since theirs may catch Exception."""


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Interrupt what runs inside after so many seconds, where the system has timers and this is the main thread.

    A timer that was set before, a test runner's for example, goes on afterwards.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    inside = True

    def ring(*_):
        if inside:
            raise _TimeUp

    handler = signal.signal(signal.SIGALRM, ring)
    remaining, interval = signal.setitimer(signal.ITIMER_REAL, seconds, 0.2)  # again, if a bare `except` swallowed it
    try:
        try:
            yield
        finally:
            inside = False  # on a busy machine it may strike again before it is put away
    finally:
        left, _ = signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        if remaining:
            signal.setitimer(signal.ITIMER_REAL, max(remaining - (seconds - left), 0.01), interval)


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


class _Beginning(io.TextIOBase):
    """Keeps the beginning of what is written to it."""

    def __init__(self):
        self.text = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.text += text[: MAX_PRINTED - len(self.text)]
        return len(text)

    def getvalue(self) -> str:
        return self.text


@contextlib.contextmanager
def fixed_randomness(seed: int = 0) -> Iterator[None]:
    """What draws PyTorch's random numbers inside draws the same each time; those outside go on undisturbed."""
    state = torch.get_rng_state()
    torch.default_generator.manual_seed(seed)  # torch.manual_seed takes 0.4 ms, for the sake of every accelerator
    try:
        yield
    finally:
        torch.set_rng_state(state)


@contextlib.contextmanager
def _quiet(printed: _Beginning) -> Iterator[None]:
    with warnings.catch_warnings(), contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        warnings.simplefilter("ignore")
        yield


def _misfit(function: Callable, count: int) -> Problem | None:
    """A sentence if the function does not take so many arguments; better than Python's, which speaks of our call."""
    try:
        return _signature_misfit(function, count)
    except (TypeError, ValueError):  # some built-in functions have no signature, and some callables no hash
        return None


@functools.lru_cache(maxsize=8)  # one function is called with many inputs
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
