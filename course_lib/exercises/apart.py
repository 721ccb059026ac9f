"""What a learner's functions run in, in whatever process: nothing of it outlives them, and each call finds it new."""

import contextlib
import io
import signal
import sys
import threading
import time
import warnings
from collections.abc import Iterator

import torch

from course_lib.exercises import modes

MAX_PRINTED = 2000  # characters of what a learner's function prints


class TimeUp(BaseException):
    """Raised inside the learner's code when its time is up; a BaseException, since theirs may catch Exception."""


class Alarm:
    """Interrupts what takes too long, where the system has timers and this is the main thread.

    Use it as a context manager, and `limit` within. A timer that was set before, a test runner's for example, goes on
    afterwards.
    """

    def __enter__(self) -> "Alarm":
        self._works = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
        self._inside = False
        if self._works:
            self._before, self._since = signal.getitimer(signal.ITIMER_REAL), time.monotonic()
            self._handler = signal.signal(signal.SIGALRM, self._ring)
        return self

    def __exit__(self, *_) -> None:
        if self._works:
            signal.signal(signal.SIGALRM, self._handler)
            remaining, interval = self._before
            if remaining:
                left = remaining - (time.monotonic() - self._since)
                signal.setitimer(signal.ITIMER_REAL, max(left, 0.01), interval)

    @contextlib.contextmanager
    def limit(self, seconds: float) -> Iterator[None]:
        """Raise `TimeUp` in what runs inside after so many seconds."""
        if not self._works:
            yield
            return
        self._inside = True
        signal.setitimer(signal.ITIMER_REAL, seconds, 0.2)  # again, if a bare `except` swallowed it
        try:
            try:
                yield
            finally:
                self._inside = False  # on a busy machine it may strike again before it is put away
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _ring(self, *_) -> None:
        if self._inside:
            raise TimeUp


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Interrupt what runs inside after so many seconds; see `Alarm`."""
    with Alarm() as alarm, alarm.limit(seconds):
        yield


@contextlib.contextmanager
def fixed_randomness(seed: int = 0) -> Iterator[None]:
    """What draws PyTorch's random numbers inside draws the same each time; those outside go on undisturbed."""
    state = torch.get_rng_state()
    _seed(seed)
    try:
        yield
    finally:
        torch.set_rng_state(state)


class Apart:
    """Sets calls of a learner's functions apart, from each other and from what comes after them.

    Each draws the same random numbers, is silent, and meets the global modes that there were. Use it as a context
    manager around the calls of an answer, with `call` around each: to put everything back takes as long as a call.

    Attributes:
        alarm: for a call's time limit.
    """

    def __enter__(self) -> "Apart":
        with contextlib.ExitStack() as stack:
            for outer in (fixed_randomness(), warnings.catch_warnings()):
                stack.enter_context(outer)
            for redirected in (contextlib.redirect_stdout, contextlib.redirect_stderr):
                stack.enter_context(redirected(Beginning()))
            self.alarm = stack.enter_context(Alarm())
            self._stack, self._modes = stack.pop_all(), modes.read()
        return self

    def __exit__(self, *about) -> None:
        self._stack.__exit__(*about)

    @contextlib.contextmanager
    def call(self) -> Iterator["Beginning"]:
        """Around one call; gives what it prints."""
        _seed(0)
        warnings.simplefilter("ignore")
        printed = sys.stdout = sys.stderr = Beginning()
        try:
            yield printed
        finally:
            modes.put_back(self._modes)


class Beginning(io.TextIOBase):
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


def _seed(seed: int) -> None:
    torch.default_generator.manual_seed(seed)  # torch.manual_seed takes 0.4 ms, for the sake of every accelerator
