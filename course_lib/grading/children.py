"""Starting the processes in which answers run: forked by a server that has PyTorch loaded, else each by itself.

This imports no PyTorch, so that the server can load it while the judge does.
"""

import atexit
import contextlib
import dataclasses
import io
import json
import os
import select
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from typing import BinaryIO

import click

from course_lib.grading.replies import WINDOWS, buffered
from course_lib.grading.sandbox import Limits
from course_lib.grading.scratch import scratch_folder
from course_lib.paths import repository

KEPT = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "TEMP", "TMP")  # of the environment; the last three for Windows
START_SECONDS = 120.0  # importing torch on a busy machine
READY, KEEP = b"ready", b"keep"  # what a server says when it is, and what it is told to do with a request
KEPT_BYTES = 2**26  # of all requests that a server keeps
ZYGOTE = """
from course_lib.imports import no_collection
with no_collection():
    from course_lib.grading import zygote
zygote.main()
"""
OPTIMISERS = "torch._dynamo"  # what the first optimiser of a process imports, for two seconds


class StartError(click.ClickException):
    """No process for the answers can be started here."""

    def __init__(self, message: str = "Answers get no process. Does `python -c 'import torch'` work here?"):
        super().__init__(message)  # given again where it comes from another process


@dataclass
class Child:
    """A process that an answer can run in.

    Attributes:
        requests: what it reads from.
        replies: what it writes, `Replies` with a buffer.
        process: its number, or a handle on it, that `kill` ends it by.
        server: that it was forked by, if any.
        kept: how many of the server's requests it knows.
    """

    requests: BinaryIO
    replies: io.BufferedReader
    process: int | subprocess.Popen
    server: "ForkServer | None" = None
    kept: int = 0

    def number_of(self, request: bytes) -> int | None:
        """What it knows a request by, if it does; its server keeps the request for those that come after it."""
        number = self.server.keep(request) if self.server else None
        return number if number is not None and number < self.kept else None

    def expect(self, answer: bytes) -> None:
        """Have what an answer like this imports loaded once, for those that come after it."""
        if self.server and b"optim" in answer:
            self.server.modules.add(OPTIMISERS)

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


class Zygote:
    """The process that has PyTorch loaded, from which servers are forked; forks of this process share it."""

    def __init__(self):
        self._process: subprocess.Popen | None = None
        self._orders: socket.socket | None = None

    @property
    def begun(self) -> bool:
        """Whether it was started."""
        return self._process is not None

    def start(self) -> None:
        """Start it, which takes seconds, of which nobody waits for any here."""
        self._orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-c", ZYGOTE, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment(),
            )
        atexit.register(self._end, os.getpid())

    def fork(self, settings: bytes, control: socket.socket) -> None:
        """Order a server; it begins when the zygote is ready.

        Args:
            settings: of its walls.
            control: where it takes its orders.
        """
        for _ in range(2):  # once more with another zygote, if this one has ended
            if self._orders:
                with contextlib.suppress(OSError):
                    socket.send_fds(self._orders, [settings], [control.fileno()])
                    return
            self.start()

    def _end(self, owner: int) -> None:
        if os.getpid() == owner:
            self._orders.close()
            self._process.kill()
            self._process.wait()


zygote = Zygote()


def start_early() -> None:
    """Have PyTorch imported where answers will run, while it is imported here."""
    if can_fork() and not zygote.begun:
        zygote.start()


class ForkServer:
    """Starts children by forking a process that has PyTorch loaded, which takes milliseconds; Linux only.

    Use it as a context manager. It may serve many runners, one after the other.

    Attributes:
        modules: that its children share, loaded once; those that were added become so with the next child.
    """

    def __init__(self, limits: Limits, hidden: tuple[str, ...] = ()):
        self.limits, self.hidden = limits, hidden
        self._control: socket.socket | None = None
        self._handle: int | None = None  # on its process
        self._scratch = contextlib.ExitStack()
        self._kept: dict[bytes, int] = {}
        self.modules: set[str] = set()
        self._loaded: set[str] = set()

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
        if self._control is None or self._has_ended() or self._loaded != self.modules:
            self._begin()
        if self._handle is None:
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
        ends = os.fdopen(requests[1], "wb"), os.fdopen(replies[0], "rb")
        return Child(ends[0], buffered(ends[1]), handle, self, len(self._kept))

    def keep(self, request: bytes) -> int | None:
        """Let all children that are started from now on know a request; returns its number, None if it is not kept."""
        if request not in self._kept and sum(map(len, self._kept)) + len(request) <= KEPT_BYTES:
            with contextlib.suppress(OSError), os.fdopen(os.memfd_create("request"), "w+b") as message:
                message.write(request)
                message.seek(0)
                socket.send_fds(self._control, [KEEP], [message.fileno()])
                self._kept[request] = len(self._kept)
        return self._kept.get(request)

    def close(self) -> None:
        """End the server."""
        if self._control:
            self._control.close()  # upon which it ends, if it has not begun yet
            self._control = None
        if self._handle is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._handle, signal.SIGKILL)
                select.select([self._handle], [], [])
            os.close(self._handle)
            self._handle = None
        self._kept = {}
        self._scratch.close()

    def _has_ended(self) -> bool:
        return self._handle is not None and bool(select.select([self._handle], [], [], 0)[0])

    def _begin(self) -> None:
        self.close()
        self._loaded = set(self.modules)
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control.settimeout(START_SECONDS)
        root = self._scratch.enter_context(scratch_folder("answer"))
        settings = {
            "scratch": str(root),
            "limits": dataclasses.asdict(self.limits),
            "hidden": self.hidden,
            "modules": sorted(self._loaded),
        }
        with theirs:
            zygote.fork(json.dumps(settings).encode(), theirs)

    def _wait(self) -> None:
        try:
            _, (self._handle,), _, _ = socket.recv_fds(self._control, 64, 1)
            ready = self._control.recv(64) == READY
        except (OSError, ValueError):  # ValueError: it has ended, and sends no handle
            ready = False
        if not ready:
            self.close()
            raise StartError


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
    return Child(process.stdin, buffered(process.stdout), process)


def environment() -> dict[str, str]:
    """What a child may know of the environment: where Python and its libraries are, and one thread."""
    kept = {name: value for name, value in os.environ.items() if name in KEPT}
    return kept | {"PYTHONPATH": str(repository()), "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
