"""Grading a class: every work once, several at a time, and nothing lost when a process dies."""

import contextlib
import dataclasses
import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

from course_lib.device import use_threads
from course_lib.exercises.model import registry
from course_lib.grading.children import Child
from course_lib.grading.grade import Report, Row, Score, grade_notebook
from course_lib.grading.runner import ChildRunner, guards_of, starter
from course_lib.grading.store import Store
from course_lib.grading.submissions import Work
from course_lib.imports import no_collection


@dataclass(frozen=True)
class Graded:
    """A work and what came of it.

    Args:
        work: what was handed in.
        reports: one a notebook.
        guards: that were in force around its answers.
        problem: why it could not be graded; "" if it could.
    """

    work: Work
    reports: tuple[Report, ...] = ()
    guards: tuple[str, ...] = ()
    problem: str = ""

    @property
    def rows(self) -> dict[str, Row]:
        """By exercise; the better one where two notebooks answer the same."""
        best: dict[str, Row] = {}
        for row in (row for report in self.reports for row in report.rows):
            if row.exercise not in best or row.points > best[row.exercise].points:
                best[row.exercise] = row
        return best

    @property
    def score(self) -> Score:
        """Points over all exercises."""
        return Score.of(self.rows.values())


@dataclass(frozen=True)
class Terms:
    """How all works are graded.

    Args:
        seed: draws the numbers of the cases.
        core_only: leave out the exercises that are folded under More.
        only: the exercises that count, by id; all of a notebook's sections if empty.
    """

    seed: int
    core_only: bool = False
    only: Collection[str] = ()


OneRound = Callable[[Sequence[Work], bool], Generator[Graded, None, list[Work]]]


def grade_class(works: Sequence[Work], store: Store, terms: Terms, *, jobs: int) -> Iterator[Graded]:
    """Grade works, in whatever order they are done; what is known is not run again, what is new is kept at once.

    A process of the judge's that dies costs the works on it a retry. In the last round each work has the processes to
    itself, so that one that brings them down is found.

    Args:
        works: of the class.
        store: of what was graded before.
        terms: the same for all.
        jobs: works at a time.

    Raises:
        StoreError: the store cannot be written; what was kept stays.
    """

    def one_round(left: Sequence[Work], alone: bool) -> Generator[Graded, None, list[Work]]:
        return _one_round(left, store, terms, 1 if alone else jobs, alone)

    return in_rounds(works, one_round, together=2, alone=1)


def in_rounds(works: Sequence[Work], one_round: OneRound, *, together: int, alone: int) -> Iterator[Graded]:
    """Grade works round by round: in each those that the one before left, in the last ones each by itself.

    Args:
        works: of the class.
        one_round: takes works, and whether each is to have the judge's processes to itself; yields those that it
            graded, and returns those whose process died.
        together: rounds in which several works are graded at a time.
        alone: rounds after these.
    """
    waiting: list[Work] = []
    for work in works:
        if work.problem:
            yield Graded(work, problem=work.problem)
        else:
            waiting.append(work)
    for by_itself in [False] * together + [True] * alone:
        if waiting:
            waiting = yield from one_round(waiting, by_itself)
    for work in waiting:
        yield Graded(work, problem="Not graded: the judge's own process ended while it was at this work.")


def best(graded: Iterable[Graded]) -> list[Graded]:
    """Of each learner the work with the most points, the later one where they are equal."""
    chosen: dict[str, Graded] = {}
    for one in sorted(graded, key=lambda one: (one.score.points, one.work.handed_in)):
        chosen[one.work.learner] = one
    return list(chosen.values())


def _one_round(
    works: Sequence[Work], store: Store, terms: Terms, jobs: int, alone: bool
) -> Generator[Graded, None, list[Work]]:
    """Grade works; yields those done, returns those whose process died."""
    left: list[Work] = []
    if jobs == 1 and not alone:  # no processes to start
        with judge_process() as judge:
            for work in works:
                reports, new = judge.grade(work.notebooks, terms, store)
                store.put(new)
                yield Graded(work, reports, judge.guards)
        return left
    batches = [[work] for work in works] if alone else [works]
    for batch in batches:
        with _pool(min(jobs, len(batch)), dict(store.rows())) as pool:
            futures = {pool.submit(_grade, work.notebooks, terms): work for work in batch}
            for future in as_completed(futures):
                try:
                    reports, guards, new = future.result()
                except BrokenProcessPool:
                    left.append(futures[future])
                    continue
                store.put(new)
                yield Graded(futures[future], reports, guards)
    return left


@contextlib.contextmanager
def _pool(jobs: int, known: dict[str, Row]) -> Iterator[ProcessPoolExecutor]:
    """Processes of the judge's; they end with the context, also if it is left early.

    A fork of this process has PyTorch and the exercises at once. It is safe while there is no second thread; the one
    that NumPy's OpenBLAS has stops for a fork.
    """
    fork = sys.platform == "linux" and threading.active_count() == 1
    context = multiprocessing.get_context("fork" if fork else "spawn")
    pool = ProcessPoolExecutor(jobs, context, initializer=_begin, initargs=(known,))
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


# ---- in a process of the judge's


class Known(Protocol):
    """Rows that were graded before: a store, or a dict of the rows that may be wanted."""

    def get(self, key: str) -> Row | None:
        """The row of this key, if it is known."""


@dataclass(frozen=True)
class Judge:
    """What a process keeps from work to work.

    Args:
        start: starts a process for answers.
    """

    start: Callable[[str], Child]

    @cached_property
    def guards(self) -> tuple[str, ...]:
        """In force around answers."""
        return guards_of(self.start)

    def grade(
        self, notebooks: Sequence[Path], terms: Terms, known: Known
    ) -> tuple[tuple[Report, ...], list[tuple[str, Row]]]:
        """The reports of a work, and the rows that were not known, by key."""
        new = _New(known)
        with ChildRunner(self.start) as runner:  # one child a work
            settings = dataclasses.asdict(terms)
            reports = tuple(grade_notebook(notebook, runner, **settings, kept=new) for notebook in notebooks)
        return reports, new.rows


@contextlib.contextmanager
def judge_process() -> Iterator[Judge]:
    """Make this process one of the judge's; what it starts for the answers ends with the context."""
    use_threads()
    with starter() as start:  # which takes a while, in which the exercises are read
        with no_collection():
            registry()
        yield Judge(start)


@dataclass
class _New:
    """The rows that are known, and those that this work adds."""

    known: Known
    rows: list[tuple[str, Row]] = dataclasses.field(default_factory=list)

    def get(self, key: str) -> Row | None:
        return self.known.get(key)

    def add(self, key: str, row: Row) -> None:
        self.rows.append((key, row))


_held = contextlib.ExitStack()
_judge: Judge | None = None
_known: dict[str, Row] = {}


def _begin(known: dict[str, Row]) -> None:
    """Prepare this process. Its judge starts with the first work: what goes wrong with that then reaches the caller."""
    _known.update(known)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A pool's processes wait for ever for the work of one that was killed."""
    multiprocessing.parent_process().join()
    os._exit(1)


def _grade(notebooks: Sequence[Path], terms: Terms) -> tuple[tuple[Report, ...], tuple[str, ...], list]:
    global _judge
    if _judge is None:
        _judge = _held.enter_context(judge_process())
    reports, new = _judge.grade(notebooks, terms, _known)
    _known.update(new)
    return reports, _judge.guards, new
