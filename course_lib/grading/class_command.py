"""`course grade SUBMISSIONS/`: a class at once."""

import contextlib
import dataclasses
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click
from tqdm import tqdm

from course_lib.grading.assignment import Assignment
from course_lib.grading.class_report import ClassGrades, write_class
from course_lib.grading.cluster import ClusterError, connect, grade_on_cluster
from course_lib.grading.cohort import Graded, Terms, best, grade_class
from course_lib.grading.export import export_answers
from course_lib.grading.grade import Score
from course_lib.grading.roster import Roster
from course_lib.grading.runner import guards_of, starter
from course_lib.grading.sandbox import missing
from course_lib.grading.scratch import scratch_folder
from course_lib.grading.store import Store, StoreError
from course_lib.grading.submissions import Work, find_work, latest
from course_lib.paths import repository

STORE = "graded.sqlite"
GradeWorks = Callable[[Sequence[Work], Store, Terms], Iterator[Graded]]


@dataclass(frozen=True)
class Shard:
    """One of the equal parts of a class; the same on every machine, for it goes by the learners' names in order.

    Args:
        number: of this part, from 1.
        of: how many parts there are.
    """

    number: int
    of: int

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """Read "1/4".

        Raises:
            click.BadParameter: the text has another form, or there is no such part.
        """
        found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text, re.ASCII)
        if not found or not 1 <= int(found[1]) <= int(found[2]):
            raise click.BadParameter(f"{text!r} names no part. Of four parts, the first is 1/4 and the last is 4/4.")
        return cls(int(found[1]), int(found[2]))

    def part(self, works: Sequence[Work], roster: Roster | None) -> tuple[list[Work], Roster | None]:
        """The works and the roster of this part's learners; whoever handed in nothing belongs to a part too."""
        everybody = sorted({work.learner for work in works} | set(roster.rows if roster else ()))
        here = set(everybody[self.number - 1 :: self.of])
        if roster:
            rows = {learner: row for learner, row in roster.rows.items() if learner in here}
            roster = dataclasses.replace(roster, rows=rows)
        return [work for work in works if work.learner in here], roster


@dataclass(frozen=True)
class ClassOptions:
    """What the command line says of a class; see `course grade --help`."""

    roster: Path | None
    keep: str
    jobs: int
    only: tuple[str, ...]
    core_only: bool
    untrusted: bool
    seed: int | None
    folder: Path
    assignment: Assignment | None
    answers: Path | None
    scheduler: str | None = None
    shard: Shard | None = None
    parts: tuple[Path, ...] = ()


def is_class(paths: tuple[Path, ...]) -> bool:
    """Whether these paths mean a class: one folder, outside of this workbook."""
    return len(paths) == 1 and paths[0].is_dir() and not paths[0].resolve().is_relative_to(repository() / "notebooks")


def grade_submissions(place: Path, options: ClassOptions) -> None:
    """Grade what a class handed in, print a line, and write the reports.

    Raises:
        click.ClickException: what was asked for cannot be had; says why.
    """
    if options.shard and options.seed is None:
        raise click.UsageError("--shard needs --seed, the same number for all parts: they must draw the same cases.")
    try:
        roster = Roster.read(options.roster) if options.roster else None
        with _grader(options) as grade_works, scratch_folder("works") as scratch:
            works = find_work(place, scratch, roster=roster)
            works = latest(works) if options.keep == "last" else works
            if options.shard:
                works, roster = options.shard.part(works, roster)
            if options.answers:
                count = export_answers(works, options.answers)
                click.echo(f"{count} answers are in {options.answers}, a folder an exercise.")
            store = Store(options.folder / STORE)
            seed = store.seed(store.take(_stores_of(options.parts), options.seed))
            for id in options.only:
                store.forget(id)
            only = tuple(options.assignment.points) if options.assignment else ()
            terms = Terms(seed, options.core_only, only)
            graded = _with_a_bar(grade_works(works, store, terms), len(works))
            store.close()
    except (ValueError, StoreError, ClusterError) as problem:
        raise click.ClickException(str(problem)) from problem
    except OSError as problem:
        where = f": {problem.filename}" if problem.filename else ""
        raise click.ClickException(f"The works cannot be unpacked or written{where}: {problem.strerror}.") from problem
    if options.assignment:
        count = options.assignment.count
        graded = [dataclasses.replace(one, reports=tuple(map(count, one.reports))) for one in graded]
    grades = ClassGrades(tuple(best(graded) if options.keep == "best" else graded), seed, roster)
    try:
        write_class(grades, options.folder)
    except OSError as problem:
        why = f"The reports cannot be written to {options.folder}: {problem.strerror}. What was graded is kept."
        raise click.ClickException(why) from problem
    click.echo(_in_a_line(grades, options.folder))


@contextlib.contextmanager
def _grader(options: ClassOptions) -> Iterator[GradeWorks]:
    """What grades works: this machine, or a cluster that it is connected to."""
    if options.scheduler is not None:
        with connect(options.scheduler) as client:
            yield partial(grade_on_cluster, client=client, untrusted=options.untrusted)
    else:
        if options.untrusted:
            _need_all_walls()
        yield partial(grade_class, jobs=options.jobs)


def _stores_of(folders: Sequence[Path]) -> list[Path]:
    for folder in folders:
        if not (folder / STORE).is_file():
            raise ValueError(f"There is no {STORE} in {folder}. Give the folder that a part's reports went to (--out).")
    return [folder / STORE for folder in folders]


class _Bar(tqdm):
    monitor_interval = 0  # no thread that watches it: the judge's processes are forked from this one


def _with_a_bar(coming: Iterator[Graded], count: int) -> list[Graded]:
    graded: list[Graded] = []
    bar = _Bar(total=count, desc="grading", unit="work", disable=None, leave=False)
    try:
        with bar:
            for one in coming:
                graded.append(one)
                bar.update()
    except KeyboardInterrupt:
        click.echo(f"Stopped after {len(graded)} of {count}. The same command goes on from here.", err=True)
        raise click.Abort from None
    return sorted(graded, key=lambda one: one.work.name)  # whichever was done first, the reports are the same


def _need_all_walls() -> None:
    with starter() as start:
        if lacking := missing(guards_of(start)):
            raise click.ClickException(f"Not graded: {lacking}.")


def _in_a_line(grades: ClassGrades, folder: Path) -> str:
    scores = [one.score for one in grades.graded]
    whole = Score(sum(score.points for score in scores), sum(score.out_of for score in scores))
    ungraded = [one.work.learner for one in grades.graded if one.problem]
    parts = [f"{len(grades.graded)} graded, {whole.percent:.0f} % of the points on average"]
    parts += [f"not graded: {', '.join(ungraded)}"] if ungraded else []
    parts += [f"handed in nothing: {len(grades.missing)}"] if grades.missing else []
    return f"{'; '.join(parts)}. Everything is in {folder}: grades.csv, report.md, feedback/."
