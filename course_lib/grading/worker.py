"""What a Dask worker does: it grades works that are sent to it, in its own process, if it is fit to."""

import contextlib
import dataclasses
import hashlib
import socket
import threading
from collections.abc import Sequence
from functools import cache

import numpy as np
import torch

from course_lib import __version__
from course_lib.grading.cohort import Judge, Terms, judge_process
from course_lib.grading.grade import Report, Row
from course_lib.grading.sandbox import missing
from course_lib.grading.scratch import scratch_folder
from course_lib.paths import repository


class ClusterError(Exception):
    """The cluster cannot grade; the text says why and what to do."""


@cache
def workbook_key() -> str:
    """What decides all grades but the answers: this package's sources and the libraries that compute."""
    key = hashlib.sha256(f"{__version__} {torch.__version__} {np.__version__}".encode())
    folder = repository() / "course_lib"
    for path in sorted(folder.rglob("*.py")):
        source = path.read_bytes()
        key.update(f"{path.relative_to(folder).as_posix()} {len(source)} ".encode() + source)
    return key.hexdigest()


@dataclasses.dataclass(frozen=True)
class Order:
    """How a worker grades, and what it must be to do so."""

    terms: Terms
    workbook: str
    untrusted: bool


# Reports, guards and new rows of a work.
Outcome = tuple[tuple[Report, ...], tuple[str, ...], list[tuple[str, Row]]]

_one_at_a_time = threading.Lock()  # the judge draws from PyTorch's one source of random numbers
_held = contextlib.ExitStack()
_judge: Judge | None = None  # as long as the worker's process lives


def guards(order: Order) -> tuple[str, ...]:
    """In force around answers here; raises as `grade` does."""
    with _one_at_a_time:
        return _fit_judge(order).guards


def grade(works: Sequence[tuple[Sequence[tuple[str, bytes]], dict[str, Row]]], order: Order) -> list[Outcome]:
    """Grade works.

    Args:
        works: of each the notebooks, by name and content, and the rows that are known of it, by key.
        order: how.

    Raises:
        ClusterError: this worker has another workbook, or lacks a wall.
    """
    return [_grade_one(files, known, order) for files, known in works]


def _grade_one(files: Sequence[tuple[str, bytes]], known: dict[str, Row], order: Order) -> Outcome:
    """Grade notebooks, given by name and content; the paths in the reports are of no use elsewhere."""
    with _one_at_a_time, scratch_folder("works") as scratch:
        notebooks = []
        for number, (name, content) in enumerate(files):
            path = scratch / str(number) / name
            path.parent.mkdir()
            path.write_bytes(content)
            notebooks.append(path)
        judge = _fit_judge(order)
        reports, new = judge.grade(notebooks, order.terms, known)
        return reports, judge.guards, new


def _fit_judge(order: Order) -> Judge:
    """This worker's judge, if it may grade under this order.

    Raises:
        ClusterError: this worker has another workbook, or lacks a wall.
    """
    global _judge
    if workbook_key() != order.workbook:
        raise ClusterError(
            f"The worker on {socket.gethostname()} has another version of the workbook, of PyTorch or of NumPy than "
            f"this machine (there {__version__}, {torch.__version__}, {np.__version__}). Install the same, and start "
            "the worker again."
        )
    if _judge is None:
        _judge = _held.enter_context(judge_process())
    if order.untrusted and (lacking := missing(_judge.guards)):
        raise ClusterError(f"Not graded: on the worker {socket.gethostname()}, {lacking}.")
    return _judge
