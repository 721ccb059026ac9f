"""`course grade`."""

import secrets
from collections.abc import Iterable
from pathlib import Path

import click
from joblib import cpu_count
from tqdm import tqdm

from course_lib.device import use_threads
from course_lib.grading.assignment import ASSIGNMENT, Assignment
from course_lib.grading.class_command import ClassOptions, Shard, grade_submissions, is_class
from course_lib.grading.grade import Report, grade_notebook
from course_lib.grading.report import Grades, table, write_reports
from course_lib.grading.runner import ChildRunner, guards_of, starter
from course_lib.grading.sandbox import missing
from course_lib.notebooks.files import NotebookError, find_notebooks
from course_lib.paths import repository

ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".7z", ".rar")


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--min-score", type=click.FloatRange(0, 100), help="Fail under so many percent; else the assignment's.")
@click.option("--core", "core_only", is_flag=True, help="Count the core exercises only, not those under More.")
@click.option("--untrusted", is_flag=True, help="Strangers' answers: refuse to begin where no full walls can be built.")
@click.option("--roster", type=click.Path(dir_okay=False, path_type=Path), help="A class's CSV: who belongs to it.")
@click.option(
    "--keep", type=click.Choice(["last", "best"]), default="last", show_default=True, help="Of a learner's works."
)
@click.option("--jobs", type=click.IntRange(min=1), default=cpu_count, help="Works of a class at a time; one a core.")
@click.option("--only", multiple=True, metavar="ID", help="Of a class: grade this exercise anew, though it is known.")
@click.option(
    "--export-answers",
    "answers",
    type=click.Path(file_okay=False, path_type=Path),
    help="Of a class: also write the answers there, a folder an exercise, for a plagiarism checker.",
)
@click.option("--scheduler", metavar="ADDRESS", help="Of a class: grade on the Dask cluster there, not here.")
@click.option("--shard", type=Shard.parse, metavar="I/N", help="Of a class: grade the I-th of N parts; needs --seed.")
@click.option(
    "--from",
    "parts",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Of a class: take over what was graded into this folder, such as a part's; repeat it for each.",
)
@click.option(
    "--assignment",
    "assigned",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The exercises that count, and their points; by default the workbook's assignment.yaml, if it has one.",
)
@click.option("--seed", type=click.IntRange(min=0), help="Draw the numbers of this seed; a random one by default.")
@click.option(
    "--out",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("build", "grade"),
    show_default=True,
    help="Where report.json, report.md and junit.xml go.",
)
@click.pass_context
def grade(
    context: click.Context,
    paths: tuple[Path, ...],
    min_score: float | None,
    core_only: bool,
    untrusted: bool,
    roster: Path | None,
    keep: str,
    jobs: int,
    only: tuple[str, ...],
    answers: Path | None,
    scheduler: str | None,
    shard: Shard | None,
    parts: tuple[Path, ...],
    assigned: Path | None,
    seed: int | None,
    folder: Path,
) -> None:
    """Grade the answers in notebooks; without PATHS, in the workbook's own.

    One folder outside of the workbook is a class: an entry a learner, each a notebook, a folder of them or a zip. It
    gets grades.csv and a page of feedback a learner as well, and what was graded before is not graded again.

    Each answer runs in a process of its own, apart from the judge, behind walls and limits; other cells never run.
    """
    assignment = _assignment(assigned)
    if is_class(paths):
        if min_score is not None:
            raise click.UsageError("--min-score is for a learner's own notebooks; a class has one grade a learner.")
        options = ClassOptions(
            roster=roster,
            keep=keep,
            jobs=jobs,
            only=only,
            core_only=core_only,
            untrusted=untrusted,
            seed=seed,
            folder=folder,
            assignment=assignment,
            answers=answers,
            scheduler=scheduler,
            shard=shard,
            parts=parts,
        )
        return grade_submissions(paths[0], options)
    if roster or only or answers or scheduler is not None or shard or parts:
        options = "--roster, --only, --export-answers, --scheduler, --shard and --from"
        raise click.UsageError(f"{options} are for a class: give its folder of submissions.")
    seed = secrets.randbelow(2**31) if seed is None else seed
    grades = _grade_own(_notebooks(paths), assignment, seed, core_only=core_only, untrusted=untrusted, folder=folder)
    if min_score is None and assignment:
        min_score = assignment.minimum
    if min_score is not None and not grades.reaches(min_score):
        click.echo(f"Not enough: {grades.total()}, where {min_score:g} % are asked for.", err=True)
        for report in grades.ungraded:
            click.echo(f"Not graded: {report.problem}", err=True)
        context.exit(1)


def _grade_own(
    notebooks: list[Path], assignment: Assignment | None, seed: int, *, core_only: bool, untrusted: bool, folder: Path
) -> Grades:
    """Grade a learner's notebooks, one after the other, and write the reports."""
    use_threads()
    chosen = assignment.points if assignment else ()
    reports: list[Report] = []
    with starter() as start:
        guards = guards_of(start)
        if untrusted and (lacking := missing(guards)):
            raise click.ClickException(f"Not graded: {lacking}.")
        try:
            for notebook in tqdm(notebooks, desc="grading", unit="notebook", disable=None, leave=False):
                with ChildRunner(start) as runner:
                    report = grade_notebook(notebook, runner, seed=seed, core_only=core_only, only=chosen)
                    reports.append(assignment.count(report) if assignment else report)
        except KeyboardInterrupt:
            click.echo(f"Stopped. {len(reports)} of {len(notebooks)} notebooks were graded:", err=True)
            _finish(Grades(tuple(reports), seed, guards), folder)
            raise click.Abort from None
    grades = Grades(tuple(reports), seed, guards)
    _finish(grades, folder)
    return grades


def _assignment(path: Path | None) -> Assignment | None:
    """The assignment of this file, else the workbook's own, if it has one."""
    own = repository() / ASSIGNMENT
    path = path or (own if own.is_file() else None)
    try:
        return Assignment.read(path) if path else None
    except ValueError as problem:
        raise click.ClickException(str(problem)) from problem


def _finish(grades: Grades, folder: Path) -> None:
    click.echo(table(grades))
    try:
        write_reports(grades, folder)
    except OSError as problem:
        raise click.ClickException(f"The reports cannot be written to {folder}: {problem.strerror}.") from problem
    click.echo(f"What was said about each answer: {folder / 'report.md'}. The same numbers again: --seed {grades.seed}")


def _notebooks(paths: Iterable[Path]) -> list[Path]:
    """The notebooks that are meant.

    Raises:
        NotebookError: a path that is missing, or that is no notebook and no folder of notebooks.
    """
    paths = list(paths)
    for path in paths:
        if path.suffix.lower() in ARCHIVES:
            raise NotebookError(f"{path} is an archive. Give the folder that it lies in: that is graded as a class.")
        if not path.exists():
            raise NotebookError(f"There is nothing at {path}. Give a notebook, or a folder of notebooks.")
        if path.is_file() and path.suffix != ".ipynb":
            raise NotebookError(f"{path} is no notebook: its name does not end in .ipynb.")
    return find_notebooks(tuple(str(path.resolve()) for path in paths))  # absolute, so that no path reads as a chapter
