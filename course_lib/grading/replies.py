"""What a process writes, to be read up to a point in time."""

import contextlib
import io
import os
import queue
import select
import sys
import threading
import time
from typing import BinaryIO

WINDOWS = sys.platform == "win32"
CHUNK = 2**16  # bytes that are read at a time; a pipe holds as many


class Replies(io.RawIOBase):
    """A stream that waits for what comes, but not for ever.

    Attributes:
        ends: when `readinto` gives up, by `time.monotonic`.
    """

    def __init__(self, stream: BinaryIO):
        super().__init__()
        self.ends = 0.0
        self._stream, self._chunk = stream, memoryview(b"")
        if WINDOWS:  # where nothing waits for a pipe with a limit, but a thread can wait without one
            self._chunks: queue.Queue = queue.Queue()
            threading.Thread(target=self._listen, daemon=True).start()
        else:
            self._readable = select.poll()
            self._readable.register(stream, select.POLLIN)

    def readable(self) -> bool:
        return True

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
        super().close()

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


def buffered(stream: BinaryIO) -> io.BufferedReader:
    """`Replies` with a buffer, for `wire.read`; `raw.ends` is when it gives up."""
    return io.BufferedReader(Replies(stream), CHUNK)
