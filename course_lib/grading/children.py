"""Starting the processes in which answers run: forked by a server that has PyTorch loaded, else each by itself."""

import contextlib
import dataclasses
import json
import os
import queue
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from typing import BinaryIO

import click

from course_lib.grading.sandbox import Limits
from course_lib.grading.scratch import scratch_folder
from course_lib.paths import repository

KEPT = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "TEMP", "TMP")  # of the environment; the last three for Windows
WINDOWS = sys.platform == "win32"
CHUNK = 2**16  # bytes that are read at a time; a pipe holds as many
START_SECONDS = 120.0  # importing torch on a busy machine


class StartError(click.ClickException):
    """No process for the answers can be started here."""

    def __init__(self, message: str = "Answers get no process. Does `python -c 'import torch'` work here?"):
        super().__init__(message)  # given again where it comes from another process


class Replies:
    """What a process writes, to be read up to a point in time: a stream for `wire.read`.

    Attributes:
        ends: when `readinto` gives up, by `time.monotonic`.
    """

    def __init__(self, stream: BinaryIO):
        self.ends = 0.0
        self._stream, self._chunk = stream, memoryview(b"")
        if WINDOWS:  # where nothing waits for a pipe with a limit, but a thread can wait without one
            self._chunks: queue.Queue = queue.Queue()
            threading.Thread(target=self._listen, daemon=True).start()
        else:
            self._readable = select.poll()
            self._readable.register(stream, select.POLLIN)

    def readinto(self, view: memoryview) -> int:
        """Fill the beginning of a view; returns how much of it, 0 at the end.

        Raises:
            TimeoutError: nothing has come.
        """
        if not self._chunk:
            self._chunk = memoryview(self._next(max(self.ends - time.monotonic(), 0)))
        count = min(len(view), len(self._chunk))
        view[:count], self._chunk = self._chunk[:count], self._chunk[count:]
        return count

    def close(self) -> None:
        """Let go of the stream."""
        self._stream.close()

    def _next(self, seconds: float) -> bytes:
        if WINDOWS:
            with contextlib.suppress(queue.Empty):
                return self._chunks.get(timeout=seconds)
        elif self._readable.poll(1000 * seconds):
            return os.read(self._stream.fileno(), CHUNK)
        raise TimeoutError

    def _listen(self) -> None:
        chunk = b"a first one"
        while chunk:
            try:
                chunk = os.read(self._stream.fileno(), CHUNK)
            except (OSError, ValueError):  # closed
                chunk = b""
            self._chunks.put(chunk)


@dataclass
class Child:
    """A process that an answer can run in.

    Attributes:
        requests, replies: what it reads from, and what it writes to.
        process: its number, or a handle on it, that `kill` ends it by.
    """

    requests: BinaryIO
    replies: Replies
    process: int | subprocess.Popen

    def send(self, request: bytes, seconds: float) -> None:
        """Write to it; without effect on one that does not read for so many seconds, so that nobody waits for ever.

        Raises:
            OSError: it has ended, or does not read.
        """
        if WINDOWS:  # which cannot wait for a pipe; there are no walls there either
            self.requests.write(request)
            self.requests.flush()
            return
        pipe, left = self.requests.fileno(), memoryview(request)
        os.set_blocking(pipe, False)
        writable = select.poll()
        writable.register(pipe, select.POLLOUT)
        while left:
            if not writable.poll(1000 * seconds):
                raise TimeoutError(f"a process has not read for {seconds:g} s")
            left = left[os.write(pipe, left) :]

    def kill(self) -> None:
        """End it; with it goes all that it started, where it has a namespace of processes of its own."""
        if isinstance(self.process, subprocess.Popen):
            self.process.kill()
            self.process.wait()
        else:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.process, signal.SIGKILL)
            os.close(self.process)
        for stream in (self.requests, self.replies):
            with contextlib.suppress(OSError):
                stream.close()


def can_fork() -> bool:
    """Whether children can be forked from a server here."""
    return sys.platform == "linux" and hasattr(os, "pidfd_open")


class ForkServer:
    """Starts children by forking a process that has PyTorch loaded, which takes milliseconds; Linux only.

    Use it as a context manager. It may serve many runners, one after the other.
    """

    def __init__(self, limits: Limits, hidden: tuple[str, ...] = ()):
        self.limits, self.hidden = limits, hidden
        self._process: subprocess.Popen | None = None
        self._control: socket.socket | None = None
        self._scratch = contextlib.ExitStack()
        self._ready = False

    def __enter__(self) -> "ForkServer":
        self._begin()
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def start(self, scratch: str) -> Child:
        """A new child, which begins by saying which guards are in force.

        Args:
            scratch: an empty folder of its own.

        Raises:
            StartError: the server does not start, or has ended.
        """
        if self._process is None or self._process.poll() is not None:
            self._begin()
        if not self._ready:
            self._wait()
        requests, replies = os.pipe(), os.pipe()
        try:
            socket.send_fds(self._control, [os.fsencode(scratch)], [requests[0], replies[1]])
            _, (handle,), _, _ = socket.recv_fds(self._control, 64, 1)
        except (OSError, ValueError):  # ValueError: it has ended, and sends no handle
            os.close(requests[1])
            os.close(replies[0])
            self.close()
            raise StartError from None
        finally:
            os.close(requests[0])
            os.close(replies[1])
        return Child(os.fdopen(requests[1], "wb"), Replies(os.fdopen(replies[0], "rb")), handle)

    def close(self) -> None:
        """End the server."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._control.close()
            self._process = self._control = None
            self._ready = False
        self._scratch.close()

    def _begin(self) -> None:
        self.close()
        self._control, theirs = socket.socketpair()
        root = self._scratch.enter_context(scratch_folder("answer"))
        settings = {"scratch": str(root), "limits": dataclasses.asdict(self.limits), "hidden": self.hidden}
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "course_lib.grading.zygote", str(theirs.fileno()), json.dumps(settings)],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment(),
            )

    def _wait(self) -> None:
        there, _, _ = select.select([self._control], [], [], START_SECONDS)
        if not there or self._control.recv(64) != b"ready\n":
            self.close()
            raise StartError
        self._ready = True


def spawn(scratch: str) -> Child:
    """A child that is started by itself, without walls, where there is no fork."""
    process = subprocess.Popen(
        [sys.executable, "-m", "course_lib.grading.child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=scratch,
        env=environment(),
    )
    return Child(process.stdin, Replies(process.stdout), process)


def environment() -> dict[str, str]:
    """What a child may know of the environment: where Python and its libraries are, and one thread."""
    kept = {name: value for name, value in os.environ.items() if name in KEPT}
    return kept | {"PYTHONPATH": str(repository()), "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
