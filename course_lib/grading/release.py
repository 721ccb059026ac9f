"""`course release`: a copy of the workbook for students, tried before it is handed out."""

import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import click

from course_lib.exercises.model import UnknownExerciseError, get, registry
from course_lib.exercises.source import Cell, blank, extract
from course_lib.grading.assignment import ASSIGNMENT, Assignment
from course_lib.grading.solutions import KEPT, as_kept
from course_lib.grading.without_mistakes import imported_names, without_mistakes
from course_lib.notebooks.files import NotebookError, exercise_of, find_notebooks, read_notebook
from course_lib.notebooks.lab import START_PAGE
from course_lib.notebooks.tidy import RELEASED, is_as_released
from course_lib.paths import repository, write_atomically

LEARNERS = (  # what a learner needs, so that nothing goes along by being forgotten
    *("course_lib", "data", "jupyter", "notebooks", "make_env.py", "Makefile", "pyproject.toml", "requirements.txt"),
    *("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE", ASSIGNMENT),
    *(".gitattributes", ".gitignore", ".gitlab-ci.yml", ".github/workflows/grade.yml"),
)
TEACHERS = ("tests", "benchmarks", ".ci", ".github/workflows/test.yml")  # tests hold answers, also beside tests/answers
TABLES = (".csv", ".zip")  # outside data/: a roster, grades or submissions
TRIAL = """
import json
from course_lib.exercises import registry
print(json.dumps({known.id: [known.points, len(known.mistakes)] for known in registry()}))
"""


@click.command()
@click.argument("out", type=click.Path(path_type=Path))
@click.option(
    "--assignment",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The exercises that are graded, and their points.",
)
@click.option("--no-solutions", is_flag=True, help="Leave out the solutions, and the mistakes that `check` recognises.")
@click.option("--chapter", "chapters", multiple=True, metavar="NAME", help="Only this chapter; may come repeatedly.")
def release(out: Path, assignment: Path | None, no_solutions: bool, chapters: tuple[str, ...]) -> None:
    """Write a copy of the workbook for students to the folder OUT, which must be empty or not yet there.

    It has all that is needed to install, run and grade it, and nothing of the tests and their answers.
    """
    root, out = repository(), out.absolute()
    _refuse(root, out)
    files, untracked = learners_files(root)
    files = _of_chapters(root, files, chapters)
    written = _check_notebooks(root, files)
    _check_assignment(root, assignment, files, written)
    partial = out.with_name(f".{out.name}.{uuid.uuid4().hex[:8]}")  # becomes OUT in one move, or goes
    try:
        copy_files(root, partial, files, _changed(root, files, assignment, no_solutions))
        _try(partial, no_solutions)
        if out.exists():
            out.rmdir()
        partial.rename(out)
    except OSError as problem:
        raise click.ClickException(f"{out} cannot be written: {problem.strerror}.") from problem
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    notebooks = sum(file.suffix == ".ipynb" for file in files)
    having = "without solutions and known mistakes" if no_solutions else "with solutions, for `course solution`"
    click.echo(f"{out} is written: notebooks {notebooks}, exercises {len(written)}, {having}.")
    for file in untracked:
        click.echo(f"Left out, for git does not track it: {file.as_posix()}", err=True)


def learners_files(root: Path) -> tuple[list[Path], list[Path]]:
    """The files that go to students, relative to the workbook, and those of theirs that git does not track.

    Raises:
        NotebookError: git cannot say which files it tracks.
    """
    tracked = _tracked(root) if (root / ".git").exists() else None
    if tracked is None:
        return [file for file in _all_files(root) if _is_learners(file)], []
    untracked = _tracked(root, "--others", "--exclude-standard") or []
    there = [file for file in tracked if _is_learners(file) and (root / file).is_file()]
    return there, [file for file in untracked if _is_learners(file)]


def copy_files(root: Path, out: Path, files: list[Path], changed: dict[Path, str]) -> None:
    """Copy files, with other contents for some, which need not be among them."""
    for file in files:
        if file not in changed:
            (out / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / file, out / file)
    for file, content in changed.items():
        write_atomically(out / file, content)


def _refuse(root: Path, out: Path) -> None:
    """NotebookError if no copy may be written there."""
    place = out.resolve()
    if place.is_relative_to(root.resolve()) and root.resolve() / "build" not in place.parents:
        raise NotebookError(f"{out} lies inside the workbook. Name a folder outside it, or one in build/.")
    if out.exists() and not out.is_dir():
        raise NotebookError(f"{out} is a file. Name a folder that is empty or not yet there.")
    if out.exists() and any(out.iterdir()):
        raise NotebookError(f"{out} is not empty. Name a folder that is empty or not yet there.")


def _tracked(root: Path, *which: str) -> list[Path] | None:
    """What git lists; None if git is not installed."""
    try:
        done = subprocess.run(["git", "ls-files", "-z", *which], cwd=root, capture_output=True)
    except FileNotFoundError:
        return None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().removeprefix("fatal: ")
        raise NotebookError(f"git cannot say which files belong to the workbook: {said}.")
    return [Path(os.fsdecode(name)) for name in done.stdout.split(b"\0") if name]


def _all_files(root: Path) -> Iterator[Path]:
    """Every file in the places of a learner's files."""
    for name in LEARNERS:
        place = root / name
        found = sorted(place.rglob("*")) if place.is_dir() else [place]
        yield from (file.relative_to(root) for file in found if file.is_file())


def _is_learners(file: Path) -> bool:
    """Whether a file goes to students: it stands where theirs do, is no cache, and no roster or submission."""
    if not any(file == Path(place) or Path(place) in file.parents for place in LEARNERS):
        return False
    inside = file.parts[1:]
    hidden = any(part.startswith(".") for part in inside)
    made = any(part in ("__pycache__", "build", "submissions") or part.endswith(".egg-info") for part in inside)
    table = file.suffix.lower() in TABLES and file.parts[0] != "data"
    return not (hidden or made or table or file.suffix == ".pyc")


def _of_chapters(root: Path, files: list[Path], chapters: tuple[str, ...]) -> list[Path]:
    """The files, less the notebooks of other chapters; the start page always stays."""
    if not chapters:
        return files
    folder = root / "notebooks"
    chosen = {path.resolve() for path in find_notebooks(chapters, folder)} | {(folder / START_PAGE).resolve()}
    kept = [file for file in files if file.suffix != ".ipynb" or (root / file).resolve() in chosen]
    if foreign := [path for path in chosen if not path.is_relative_to(folder.resolve())]:
        raise NotebookError(f"{foreign[0]} is no chapter of this workbook.")
    return kept


def _check_notebooks(root: Path, files: list[Path]) -> set[str]:
    """The exercises whose cells stand in the notebooks.

    Raises:
        NotebookError: one of them holds an answer, or asks for an exercise that does not exist.
    """
    written: set[str] = set()
    for file in files:
        if file.suffix != ".ipynb":
            continue
        for cell in read_notebook(root / file).cells:
            if id := exercise_of(cell):
                written.add(id)
                if not _is_stub(file, cell, id):
                    todo = "Put its stub back, for example with `git checkout`, and release again."
                    raise NotebookError(f"{file.as_posix()} holds an answer to {id}. {todo}")
    return written


def _is_stub(file: Path, cell, id: str) -> bool:
    """Whether an answer cell is as it was released, if that is noted in it, and nothing is written in it."""
    try:
        exercise = get(id)
    except UnknownExerciseError as problem:
        raise NotebookError(f"{file.as_posix()}: {problem}") from None
    if RELEASED in cell.metadata and not is_as_released(cell):
        return False
    names = [asked.name for asked in exercise.asked]
    nodes = extract([Cell.read("cell", cell.source)], names, [0]).nodes
    blanks = [blank(node, exercise.blanks) for node in nodes.values()]
    return len(nodes) == len(names) and all(todo and todo.untouched for todo in blanks)


def _check_assignment(root: Path, given: Path | None, files: list[Path], written: set[str]) -> None:
    """NotebookError if the assignment that goes along cannot be read, or asks for what is not in the notebooks."""
    path = given or (root / ASSIGNMENT if Path(ASSIGNMENT) in files else None)
    if path is None:
        return
    try:
        chosen = Assignment.read(path).points
    except ValueError as problem:
        raise NotebookError(str(problem)) from None
    if absent := [id for id in chosen if id not in written]:
        raise NotebookError(f"{path.name} chooses {', '.join(absent)}, which is in no notebook of this copy.")


def _changed(root: Path, files: list[Path], assignment: Path | None, no_solutions: bool) -> dict[Path, str]:
    """Files of the copy that are new, or have another content."""
    changed = {Path(ASSIGNMENT): assignment.read_text(encoding="utf-8-sig")} if assignment else {}
    return changed | (_without_mistakes(root, files) if no_solutions else {Path(KEPT): as_kept()})


def _without_mistakes(root: Path, files: list[Path]) -> dict[Path, str]:
    """The modules of exercises as they are without the known mistakes."""
    library = [file for file in files if file.suffix == ".py" and file.parts[0] == "course_lib"]
    texts = {file: (root / file).read_text(encoding="utf-8") for file in library}
    homes = {file: _module(file) for file in library if file.parts[2:3] == ("exercises",) and file.stem != "__init__"}
    wanted = {(exercise.draw.__module__, exercise.draw.__name__) for exercise in registry()}
    for file in texts.keys() - homes.keys():
        if ".exercises." in texts[file]:
            wanted |= imported_names(texts[file], homes.values())
    reduced = without_mistakes({name: texts[file] for file, name in homes.items()}, wanted)
    return {file: reduced[name] for file, name in homes.items()}


def _module(file: Path) -> str:
    return ".".join(file.with_suffix("").parts)


def _try(copy: Path, no_solutions: bool) -> None:
    """Draw the cases of every exercise in the copy.

    Raises:
        ClickException: it lacks exercises, or has mistakes where it should not.
    """
    environment = os.environ | {"PYTHONPATH": str(copy)}
    command = [sys.executable, "-B", "-c", TRIAL]
    done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise click.ClickException(f"The exercises do not run in the copy, so nothing was written: {last}")
    there = json.loads(done.stdout)
    here = {exercise.id: exercise.points for exercise in registry()}
    if lost := [id for id in here if there.get(id, [None])[0] != here[id]]:
        raise click.ClickException(f"Nothing was written: the copy would lack, or change, {', '.join(lost)}.")
    if no_solutions and (left := [id for id, (_, count) in there.items() if count]):
        raise click.ClickException(f"Nothing was written: mistakes would be left of {', '.join(left)}.")
