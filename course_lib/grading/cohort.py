"""Grading a class: every work once, several at a time, and nothing lost when a process dies."""

import contextlib
import dataclasses
import multiprocessing
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

from course_lib.device import use_threads
from course_lib.grading.children import Child
from course_lib.grading.grade import Report, Row, Score, grade_notebook
from course_lib.grading.runner import ChildRunner, guards_of, starter
from course_lib.grading.store import Store
from course_lib.grading.submissions import Work

TOGETHER = 2  # rounds in which several works are graded at a time; a round more takes those left one by one


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
    waiting: list[Work] = []
    for work in works:
        if work.problem:
            yield Graded(work, problem=work.problem)
        else:
            waiting.append(work)
    for round in range(TOGETHER + 1):
        if waiting:
            alone = round == TOGETHER
            waiting = yield from _one_round(waiting, store, terms, 1 if alone else jobs, alone)
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
        with _process(store.path) as here:
            for work in works:
                reports, guards, new = here.grade(work.notebooks, terms)
                store.put(new)
                yield Graded(work, reports, guards)
        return left
    batches = [[work] for work in works] if alone else [works]
    for batch in batches:
        with _pool(min(jobs, len(batch)), store.path) as pool:
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
def _pool(jobs: int, path: Path) -> Iterator[ProcessPoolExecutor]:
    """Processes of the judge's; they end with the context, also if it is left early."""
    pool = ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), initializer=_begin, initargs=(path,))
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


# ---- in a process of the judge's


@dataclass
class _Process:
    """What a process keeps from work to work."""

    start: Callable[[str], Child]
    guards: tuple[str, ...]
    store: Store

    def grade(self, notebooks: Sequence[Path], terms: Terms) -> tuple[tuple[Report, ...], tuple[str, ...], list]:
        """The reports of a work, the guards around it, and the rows that the store did not have."""
        new = _New(self.store)
        with ChildRunner(self.start) as runner:  # one child a work
            settings = dataclasses.asdict(terms)
            reports = tuple(grade_notebook(notebook, runner, **settings, kept=new) for notebook in notebooks)
        return reports, self.guards, new.rows


@contextlib.contextmanager
def _process(path: Path) -> Iterator[_Process]:
    use_threads()
    store = Store(path, writing=False)
    with contextlib.closing(store), starter() as start:
        yield _Process(start, guards_of(start), store)


@dataclass
class _New:
    """The rows known to the store, and those that this work adds."""

    store: Store
    rows: list[tuple[str, Row]] = dataclasses.field(default_factory=list)

    def get(self, key: str) -> Row | None:
        return self.store.get(key)

    def add(self, key: str, row: Row) -> None:
        self.rows.append((key, row))


_held = contextlib.ExitStack()
_here: _Process | None = None


def _begin(path: Path) -> None:
    global _here
    _here = _held.enter_context(_process(path))


def _grade(notebooks: Sequence[Path], terms: Terms) -> tuple[tuple[Report, ...], tuple[str, ...], list]:
    return _here.grade(notebooks, terms)
