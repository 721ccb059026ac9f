"""Starting the processes in which answers run: forked by a server that has PyTorch loaded, else each by itself."""

import contextlib
import dataclasses
import json
import os
import select
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from typing import BinaryIO

from course_lib.grading.sandbox import Limits
from course_lib.paths import repository

KEPT = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "TEMP", "TMP")  # of the environment; the last three for Windows
START_SECONDS = 120.0  # importing torch on a busy machine


class StartError(RuntimeError):
    """No process for the answers can be started here."""

    def __init__(self):
        super().__init__("The process for the answers does not start. Does `python -c 'import torch'` work here?")


@dataclass
class Child:
    """A process that an answer can run in.

    Attributes:
        requests, replies: what it reads from, and what it writes to.
        process: its number, or a handle on it, that `kill` ends it by.
    """

    requests: BinaryIO
    replies: BinaryIO
    process: int | subprocess.Popen

    def kill(self) -> None:
        """End it; with it goes all that it started, where it has a namespace of processes of its own."""
        if isinstance(self.process, subprocess.Popen):
            self.process.kill()
            self.process.wait()
        else:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.process, signal.SIGKILL)
            os.close(self.process)
        with contextlib.suppress(OSError):
            self.requests.close()


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

    def __enter__(self) -> "ForkServer":
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
        requests, replies = os.pipe(), os.pipe()
        order = {"scratch": scratch, "limits": dataclasses.asdict(self.limits), "hidden": self.hidden}
        try:
            socket.send_fds(self._control, [json.dumps(order).encode()], [requests[0], replies[1]])
            number = int(self._control.recv(64))
            handle = os.pidfd_open(number)
        except (OSError, ValueError):
            self.close()
            raise StartError from None
        finally:
            os.close(requests[0])
            os.close(replies[1])
        return Child(os.fdopen(requests[1], "wb"), os.fdopen(replies[0], "rb"), handle)

    def close(self) -> None:
        """End the server."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._control.close()
            self._process = self._control = None

    def _begin(self) -> None:
        self.close()
        self._control, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "course_lib.grading.zygote", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment(),
            )
        there, _, _ = select.select([self._control], [], [], START_SECONDS)
        if not there or self._control.recv(64) != b"ready\n":
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
    return Child(process.stdin, process.stdout, process)


def environment() -> dict[str, str]:
    """What a child may know of the environment: where Python and its libraries are, and one thread."""
    kept = {name: value for name, value in os.environ.items() if name in KEPT}
    return kept | {"PYTHONPATH": str(repository()), "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
