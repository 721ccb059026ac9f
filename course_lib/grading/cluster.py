"""Grading a class on a Dask cluster: the work of `cohort`, done by judges in the cluster's own processes.

Notebooks are sent as they are, for a worker need not see the folder they lie in; of what is known, each worker gets the
rows that its notebooks need. Orders and rows travel as pickles between processes of the judge's: no answer runs there.
"""

import contextlib
import dataclasses
import queue
import socket
import time
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import CancelledError
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_lib.grading import worker
from course_lib.grading.children import start_early
from course_lib.grading.cohort import Graded, Terms, in_rounds
from course_lib.grading.grade import Report, Row, grade_notebook
from course_lib.grading.store import Store
from course_lib.grading.submissions import Work
from course_lib.grading.worker import ClusterError, Order
from course_lib.notebooks.files import LARGEST

if TYPE_CHECKING:
    from distributed import Client, Future

CONNECT_SECONDS = 5.0  # until a scheduler answers
WORKERS_SECONDS = 60.0  # that a cluster may be without workers
GLANCE_SECONDS = 5.0  # between two looks at whether there are any
TOGETHER = 4  # works in a parcel: a parcel takes client and scheduler a third of the time that a work takes a worker
FEWEST_SENT = 32  # works that the scheduler holds at least; few, for all of their notebooks lie in its memory


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
    order = Order(terms, worker.workbook_key(), untrusted)
    run = _Run(client, store, order, fresh=not store.rows())
    # The scheduler itself tries several times, so one round together is enough; but the first work after one that has
    # brought workers down may meet another of them that is still going down.
    return in_rounds(works, run.round, together=1, alone=2)


@dataclasses.dataclass
class _Run:
    """A class on its way through the cluster.

    Args:
        fresh: nothing is known yet, so that there is nothing to look up.
    """

    client: "Client"
    store: Store
    order: Order
    fresh: bool

    def __post_init__(self):
        self._done: queue.SimpleQueue[Future] = queue.SimpleQueue()
        self._seen = time.monotonic()  # a worker
        self._ready = self.client.submit(worker.guards, self.order, pure=False)

    def round(self, works: Sequence[Work], alone: bool) -> Generator[Graded, None, list[Work]]:
        """Grade works; yields those done, returns those whose workers died."""
        left: list[Work] = []
        running: dict[str, _Parcel] = {}
        threads = sum(self._threads().values())
        together = 1 if alone else min(TOGETHER, max(1, len(works) // (4 * max(threads, 1))))  # none is idle at the end
        most = 1 if alone else max(FEWEST_SENT // together, 2 * threads)
        for start in range(0, len(works), together):
            looked_up = [self._look_up_work(work) for work in works[start : start + together]]
            for one in looked_up:
                if not one.files:
                    yield Graded(one.work, tuple(one.known), self._guards)
            if unknown := [one for one in looked_up if one.files]:
                parcel = self._send(unknown)
                running[parcel.future.key] = parcel
            if len(running) >= most:
                yield from self._receive(running, left)
        while running:
            yield from self._receive(running, left)
        return left

    def _send(self, works: "list[_Unknown]") -> "_Parcel":
        """Hand over works, to be graded by one worker, one after the other."""
        future = self.client.submit(worker.grade, [(one.files, one.rows) for one in works], self.order, pure=False)
        future.add_done_callback(self._done.put)
        return _Parcel(works, future)

    def _look_up_work(self, work: Work) -> "_Unknown":
        """What there is to send of a work: the notebooks that are not wholly known."""
        needed = _Needed(self.store)
        known, files = [], []
        for path in work.notebooks:
            content = _content(path)
            report = self._look_up(path, needed) if content is None or not self.fresh else None
            known.append(report)
            if report is None:
                files.append((path.name, content))
        return _Unknown(work, known, files, needed.rows)

    def _look_up(self, path: Path, needed: "_Needed") -> Report | None:
        """The report on a notebook of which all is known, or that cannot be read; nothing is run."""
        needed.all_known = True
        report = grade_notebook(path, None, **dataclasses.asdict(self.order.terms), kept=needed)
        return report if needed.all_known else None

    def _receive(self, running: dict[str, "_Parcel"], left: list[Work]) -> Iterator[Graded]:
        """Wait for one of the parcels on their way."""
        parcel = running.pop(self._next().key)
        outcomes = _result(parcel.future)
        if outcomes is None:
            left.extend(one.work for one in parcel.works)
            return
        for one, (reports, guards, new) in zip(parcel.works, outcomes, strict=True):
            self.store.put(new)
            yield Graded(one.work, one.all_reports(reports), guards)

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
class _Unknown:
    """A work that may have to be sent.

    Args:
        known: a report a notebook; None for those that are to be sent.
        files: these, by name and content.
        rows: that are known of them, by key.
    """

    work: Work
    known: list[Report | None]
    files: list[tuple[str, bytes]]
    rows: dict[str, Row]

    def all_reports(self, reports: Sequence[Report]) -> tuple[Report, ...]:
        """One a notebook, with its path here."""
        graded = iter(reports)
        return tuple(
            known or dataclasses.replace(next(graded), notebook=path)
            for path, known in zip(self.work.notebooks, self.known, strict=True)
        )


@dataclasses.dataclass(frozen=True)
class _Parcel:
    """Works on their way, and what comes of them."""

    works: list[_Unknown]
    future: "Future"


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
