"""`course grade SUBMISSIONS/`: a class at once."""

import dataclasses
import tempfile
from dataclasses import dataclass
from pathlib import Path

import click
from tqdm import tqdm

from course_lib.grading.assignment import Assignment
from course_lib.grading.class_report import ClassGrades, write_class
from course_lib.grading.cohort import Graded, Terms, best, grade_class
from course_lib.grading.export import export_answers
from course_lib.grading.grade import Score
from course_lib.grading.runner import guards_of, starter
from course_lib.grading.sandbox import missing
from course_lib.grading.store import Store, StoreError
from course_lib.grading.submissions import Roster, find_work, latest
from course_lib.paths import repository


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


def is_class(paths: tuple[Path, ...]) -> bool:
    """Whether these paths mean a class: one folder, outside of this workbook."""
    return len(paths) == 1 and paths[0].is_dir() and not paths[0].resolve().is_relative_to(repository() / "notebooks")


def grade_submissions(place: Path, options: ClassOptions) -> None:
    """Grade what a class handed in, print a line, and write the reports.

    Raises:
        click.ClickException: what was asked for cannot be had; says why.
    """
    if options.untrusted:
        _need_all_walls()
    try:
        roster = Roster.read(options.roster) if options.roster else None
        with tempfile.TemporaryDirectory(prefix="course-class-") as scratch:
            works = find_work(place, Path(scratch), roster=roster)
            works = latest(works) if options.keep == "last" else works
            if options.answers:
                count = export_answers(works, options.answers)
                click.echo(f"{count} answers are in {options.answers}, a folder an exercise.")
            store = Store(options.folder / "graded.sqlite")
            seed = store.seed(options.seed)
            for id in options.only:
                store.forget(id)
            only = tuple(options.assignment.points) if options.assignment else ()
            graded = _with_a_bar(works, store, Terms(seed, options.core_only, only), options)
            store.close()
    except (ValueError, StoreError) as problem:
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


def _with_a_bar(works: list, store: Store, terms: Terms, options: ClassOptions) -> list[Graded]:
    graded: list[Graded] = []
    bar = tqdm(total=len(works), desc="grading", unit="work", disable=None, leave=False)
    try:
        with bar:
            for one in grade_class(works, store, terms, jobs=options.jobs):
                graded.append(one)
                bar.update()
    except KeyboardInterrupt:
        click.echo(f"Stopped after {len(graded)} of {len(works)}. The same command goes on from here.", err=True)
        raise click.Abort from None
    return graded


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
