"""Folders for temporary files, which the next run removes if this one is killed."""

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import click

try:
    import fcntl
except ImportError:  # Windows, where nothing tells a folder in use from one that was left
    fcntl = None

LEFT_AFTER = 60.0  # seconds: a younger folder may not be locked yet


class ScratchError(click.ClickException):
    """No folder for temporary files can be made; the text says why and what to do."""


@contextlib.contextmanager
def scratch_folder(kind: str) -> Iterator[Path]:
    """A new folder, locked by this process; it is removed with the context.

    Args:
        kind: a word in its name: "works" or "answer".

    Raises:
        ScratchError: the disk is full, or cannot be written.
    """
    try:
        folder = Path(tempfile.mkdtemp(prefix=f"course-{kind}-"))
    except OSError as problem:
        where = f" in {Path(problem.filename).parent}" if problem.filename else ""
        todo = "Make room there, or name another folder with the environment variable TMPDIR"
        raise ScratchError(f"There is no place for temporary files{where}: {problem.strerror}. {todo}.") from problem
    lock = _lock(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _release(lock)


def remove_leftovers() -> None:
    """Remove the folders of runs that were killed: this user's, which no living process has locked."""
    with contextlib.suppress(OSError):
        for pattern in ("course-works-????????", "course-answer-????????"):
            for folder in Path(tempfile.gettempdir()).glob(pattern):
                if _is_old_and_ours(folder) and (lock := _lock(folder)) is not None:
                    shutil.rmtree(folder, ignore_errors=True)
                    _release(lock)


def _is_old_and_ours(folder: Path) -> bool:
    try:
        found = folder.lstat()
    except FileNotFoundError:  # another run was quicker
        return False
    return hasattr(os, "geteuid") and found.st_uid == os.geteuid() and time.time() - found.st_mtime > LEFT_AFTER


def _lock(folder: Path) -> int | None:
    """A lock that ends with this process, however it ends; None if another has it, or there are no locks here."""
    if fcntl is None:
        return None
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle


def _release(lock: int | None) -> None:
    if lock is not None:
        os.close(lock)
