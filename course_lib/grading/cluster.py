"""Grading a class on a Dask cluster: the work of `cohort`, done by judges in the cluster's own processes.

Notebooks are sent as they are, for a worker need not see the folder they lie in; of what is known, each worker gets the
rows that its notebooks need. Orders and rows travel as pickles between processes of the judge's: no answer runs there.
"""

import contextlib
import dataclasses
import hashlib
import queue
import socket
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import CancelledError
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from course_lib import __version__
from course_lib.grading.children import start_early
from course_lib.grading.cohort import Graded, Judge, Terms, in_rounds, judge_process
from course_lib.grading.grade import Report, Row, grade_notebook
from course_lib.grading.sandbox import missing
from course_lib.grading.scratch import scratch_folder
from course_lib.grading.store import Store
from course_lib.grading.submissions import Work
from course_lib.notebooks.files import LARGEST
from course_lib.paths import repository

if TYPE_CHECKING:
    from distributed import Client, Future

CONNECT_SECONDS = 5.0  # until a scheduler answers
WORKERS_SECONDS = 60.0  # that a cluster may be without workers
GLANCE_SECONDS = 5.0  # between two looks at whether there are any
FEWEST_SENT = 32  # works that the scheduler holds at least; few, for all of their notebooks lie in its memory


class ClusterError(Exception):
    """The cluster cannot grade; the text says why and what to do."""


@contextlib.contextmanager
def connect(address: str) -> "Iterator[Client]":
    """A connection to a cluster, until the context ends.

    Args:
        address: of its scheduler, such as tcp://10.0.0.1:8786.

    Raises:
        ClusterError: Dask is not installed, or there is no scheduler or no worker at this address.
    """
    try:
        import dask
        from distributed import Client
        from distributed.comm import get_address_host_port, normalize_address
    except ImportError:
        why = "--scheduler needs Dask, which is not installed here. Install it: .venv/bin/pip install -e '.[cluster]'"
        raise ClusterError(why) from None
    try:
        host, port = get_address_host_port(normalize_address(address))
        socket.create_connection((host, port), timeout=CONNECT_SECONDS).close()  # a client that fails lingers
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False, name="course-grade")
    except Exception as problem:  # Dask raises many kinds, all of which mean this
        hint = "Does `dask scheduler` run there, and is this the address that it printed, such as tcp://10.0.0.1:8786?"
        raise ClusterError(f"No Dask scheduler answers at {address}: {problem}. {hint}") from problem
    with client, dask.config.set({"distributed.admin.large-graph-warning-threshold": "1GiB"}):
        try:
            client.wait_for_workers(1, timeout=WORKERS_SECONDS)
        except TimeoutError:
            raise ClusterError(_no_workers(address)) from None
        client.run(start_early, on_error="ignore")  # what is wrong with a worker is told when it is to grade
        yield client


def grade_on_cluster(
    works: Sequence[Work], store: Store, terms: Terms, *, client: "Client", untrusted: bool = False
) -> Iterator[Graded]:
    """Grade works as `grade_class` does, on a cluster.

    A worker that dies costs the works on it a retry. Those that were there several times when one died are graded at
    the end, one by one, so that one that brings them down is found.

    Args:
        works: of the class.
        store: of what was graded before; it stays here.
        terms: the same for all.
        client: a connection to the cluster.
        untrusted: no answer may run on a worker that lacks a wall.

    Raises:
        ClusterError: a worker is not fit to grade, or the cluster is gone; what was kept stays.
        StoreError: the store cannot be written; what was kept stays.
    """
    order = _Order(terms, workbook_key(), untrusted)
    run = _Run(client, store, order, fresh=not store.rows())
    # The scheduler itself tries several times, so one round together is enough; but the first work after one that has
    # brought workers down may meet another of them that is still going down.
    return in_rounds(works, run.round, together=1, alone=2)


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
class _Order:
    """How a worker grades, and what it must be to do so."""

    terms: Terms
    workbook: str
    untrusted: bool


# ---- on the judge's machine


@dataclasses.dataclass
class _Run:
    """A class on its way through the cluster.

    Args:
        fresh: nothing is known yet, so that there is nothing to look up.
    """

    client: "Client"
    store: Store
    order: _Order
    fresh: bool

    def __post_init__(self):
        self._done: queue.SimpleQueue[Future] = queue.SimpleQueue()
        self._seen = time.monotonic()  # a worker
        self._ready = self.client.submit(_guards, self.order, pure=False)

    def round(self, works: Sequence[Work], alone: bool) -> Generator[Graded, None, list[Work]]:
        """Grade works; yields those done, returns those whose workers died."""
        left: list[Work] = []
        running: dict[str, _Sent] = {}
        most = 1 if alone else max(FEWEST_SENT, 2 * sum(self._threads().values()))
        for work in works:
            sent = self._send(work)
            if sent.future is None:
                yield Graded(work, tuple(sent.known), self._guards)
                continue
            running[sent.future.key] = sent
            if len(running) >= most:
                yield from self._receive(running, left)
        while running:
            yield from self._receive(running, left)
        return left

    def _send(self, work: Work) -> "_Sent":
        """Hand over the notebooks of a work that are not wholly known."""
        needed = _Needed(self.store)
        known, files = [], []
        for path in work.notebooks:
            content = _content(path)
            report = self._look_up(path, needed) if content is None or not self.fresh else None
            known.append(report)
            if report is None:
                files.append((path.name, content))
        if not files:
            return _Sent(work, known)
        future = self.client.submit(_grade, files, needed.rows, self.order, pure=False)
        future.add_done_callback(self._done.put)
        return _Sent(work, known, future)

    def _look_up(self, path: Path, needed: "_Needed") -> Report | None:
        """The report on a notebook of which all is known, or that cannot be read; nothing is run."""
        needed.all_known = True
        report = grade_notebook(path, None, **dataclasses.asdict(self.order.terms), kept=needed)
        return report if needed.all_known else None

    def _receive(self, running: dict[str, "_Sent"], left: list[Work]) -> Iterator[Graded]:
        """Wait for one of the works on their way."""
        sent = running.pop(self._next().key)
        outcome = _result(sent.future)
        if outcome is None:
            left.append(sent.work)
            return
        reports, guards, new = outcome
        self.store.put(new)
        yield Graded(sent.work, sent.all_reports(reports), guards)

    def _next(self) -> "Future":
        while True:
            try:
                return self._done.get(timeout=GLANCE_SECONDS)
            except queue.Empty:
                self._check_workers()

    def _check_workers(self) -> None:
        self._seen = time.monotonic() if self._threads() else self._seen
        if time.monotonic() - self._seen > WORKERS_SECONDS:
            raise ClusterError(_no_workers(self.client.scheduler.address))

    def _threads(self) -> dict[str, int]:
        """How many threads each worker has."""
        try:
            return self.client.nthreads()
        except Exception as problem:  # of many kinds
            raise ClusterError(_GONE) from problem

    @cached_property
    def _guards(self) -> tuple[str, ...]:
        """Around answers on the cluster, for works of which none has to run."""
        guards = _result(self._ready)
        if guards is None:
            raise ClusterError("The cluster's workers die before they begin to grade. Their logs say why.")
        return guards


@dataclasses.dataclass(frozen=True)
class _Sent:
    """A work on its way.

    Args:
        known: a report a notebook; None for those that were sent.
        future: what comes of those.
    """

    work: Work
    known: list[Report | None]
    future: "Future | None" = None

    def all_reports(self, reports: Sequence[Report]) -> tuple[Report, ...]:
        """One a notebook, with its path here."""
        graded = iter(reports)
        return tuple(
            known or dataclasses.replace(next(graded), notebook=path)
            for path, known in zip(self.work.notebooks, self.known, strict=True)
        )


class _Needed:
    """Collects the rows that are known of a work, and whether all of them are."""

    def __init__(self, store: Store):
        self.store, self.rows, self.all_known = store, {}, True

    def get(self, key: str) -> Row:
        """The row of this key; one to go on with, where it is not known."""
        row = self.store.get(key)
        if row is None:
            self.all_known = False
            return Row("", "", 0, 0, "not judged")
        self.rows[key] = row
        return row


def _content(path: Path) -> bytes | None:
    """A notebook's bytes, if it can be read and is no larger than notebooks may be."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError:
        return None
    return content if len(content) <= LARGEST else None


def _result(future: "Future") -> Any:
    """What a worker found; None if it died of it, or seems to.

    Raises:
        ClusterError: no worker can grade, or the cluster is gone.
    """
    from distributed.scheduler import KilledWorker

    try:
        return future.result()
    except KilledWorker:
        return None
    except ClusterError:
        raise
    except (CancelledError, ConnectionError) as problem:
        raise ClusterError(_GONE) from problem
    except Exception as problem:
        why = f"{type(problem).__name__}: {problem}".rstrip(".")
        hint = "Scheduler and workers need this workbook, installed as here, and all of them the same versions"
        raise ClusterError(f"The cluster cannot grade: {why}. {hint}.") from problem


_GONE = "The cluster's scheduler is gone. What was graded is kept; the same command goes on from here."


def _no_workers(address: str) -> str:
    start = f"Start some where this workbook is installed: dask worker {address} --nthreads 1"
    return f"The cluster at {address} has had no workers for {WORKERS_SECONDS:g} s. {start}"


# ---- on a worker

_one_at_a_time = threading.Lock()  # the judge draws from PyTorch's one source of random numbers
_held = contextlib.ExitStack()
_judge: Judge | None = None  # as long as the worker's process lives


def _guards(order: _Order) -> tuple[str, ...]:
    with _one_at_a_time:
        return _fit_judge(order).guards


def _grade(
    files: Sequence[tuple[str, bytes]], known: dict[str, Row], order: _Order
) -> tuple[tuple[Report, ...], tuple[str, ...], list[tuple[str, Row]]]:
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


def _fit_judge(order: _Order) -> Judge:
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
