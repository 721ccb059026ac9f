"""`course update`: a learner's answers and notes, carried over into a new version of the notebooks.

The new version is where things are written; nothing of the learner's there is ever overwritten, and the old version
stays as it is. What finds no place goes into a Markdown file beside the notebook it comes from.
"""

import copy
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import click
from nbformat import NotebookNode

from course_lib.notebooks.files import MARKER, NotebookError, exercise_of, find_notebooks, read_notebook
from course_lib.notebooks.tidy import RELEASED, as_text, is_as_released
from course_lib.paths import progress_file, repository, write_atomically


@dataclass
class Carried:
    """What became of the cells that a learner wrote.

    Attributes:
        answers: exercises whose answers stand in the new version.
        notes: how many cells that the learner added do.
        kept: cells without a place in it, each with the reason, by the notebook they come from.
    """

    answers: list[str] = field(default_factory=list)
    notes: int = 0
    kept: dict[str, list[tuple[NotebookNode, str]]] = field(default_factory=dict)


def carry_over(old: dict[str, NotebookNode], new: dict[str, NotebookNode]) -> Carried:
    """Put what a learner wrote in the old notebooks into the new ones, which are changed.

    An answer goes where its exercise now stands, in whichever notebook; a cell that the learner added goes after the
    cell that it followed.

    Args:
        old: the learner's notebooks, by their path in the folder of notebooks.
        new: those of the new version, likewise.
    """
    carried = Carried()
    places = {exercise_of(cell): cell for notebook in new.values() for cell in notebook.cells if exercise_of(cell)}
    for name, notebook in old.items():
        ours = new.get(name)
        in_new = {cell.source.strip() for cell in ours.cells} if ours else set()
        marked = any(RELEASED in cell.metadata for cell in notebook.cells)  # else an editor has stripped the marks
        after = None
        for cell in notebook.cells:
            exercise = exercise_of(cell)
            if is_as_released(cell) or not cell.source.strip() or cell.source.strip() in in_new:
                after = cell.id
                continue
            if exercise:
                reason = _place_answer(cell, places.get(exercise))
                carried.answers += [] if reason else [exercise]
                after = cell.id
            elif ours and marked and RELEASED not in cell.metadata and _insert_after(ours, after, cell):
                reason, after = None, cell.id
                carried.notes += 1
            else:
                reason = "the new version has other words here" if ours else "the new version has no such notebook"
            if reason:
                carried.kept.setdefault(name, []).append((cell, reason))
    return carried


def _place_answer(answer: NotebookNode, place: NotebookNode | None) -> str | None:
    """Write an answer into the cell of its exercise; return the reason where that cannot be."""
    if place is None:
        return "the new version has no such exercise"
    if place.source.strip() == answer.source.strip():
        return None
    if not is_as_released(place):
        return "another answer stands there already"
    first = place.source.partition("\n")[0]
    lacks_marker = MARKER.match(first) and not MARKER.match(answer.source.lstrip().partition("\n")[0])
    place.source = f"{first}\n{answer.source}" if lacks_marker else answer.source
    place.outputs, place.execution_count = [], None
    return None


def _insert_after(notebook: NotebookNode, id: str | None, cell: NotebookNode) -> bool:
    """Put a copy of a cell behind the cell of this id; False if there is none."""
    ids = [other.id for other in notebook.cells]
    if cell.id in ids or id not in ids:
        return False
    notebook.cells.insert(ids.index(id) + 1, copy.deepcopy(cell))
    return True


@click.command()
@click.argument("new_version", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--from-git", metavar="REVISION", help="Carry from a commit of this repository into the notebooks here.")
def update(new_version: Path | None, from_git: str | None) -> None:
    """Carry your answers, notes and progress over into NEW_VERSION, the folder of a newer workbook.

    This folder stays as it is; go on in the new one. What finds no place there is kept beside the notebook in a file
    that ends in .kept.md.

    With git, in your own copy, after committing your answers:

    \b
        git merge --no-commit -X theirs upstream/main
        git checkout upstream/main -- notebooks
        course update --from-git HEAD
        git add --all && git commit
    """
    if bool(new_version) == bool(from_git):
        raise click.UsageError("Name the folder of the new version, or --from-git and a revision.")
    here = repository()
    if from_git:
        with _notebooks_at(from_git, here) as old:
            click.echo(_update(old, here / "notebooks", here))
        return
    new = new_version.resolve()
    if new == here:
        raise NotebookError("This is the folder you are in. Name the one that the new version was unpacked to.")
    if not (new / "notebooks").is_dir() or not (new / "course_lib").is_dir():
        raise NotebookError(f"{new_version} is not a workbook: it has no notebooks/ and course_lib/. Unpack one there.")
    click.echo(_update(here / "notebooks", new / "notebooks", new))
    _carry_progress(new)


def _update(old: Path, new: Path, workbook: Path) -> str:
    """Carry over from folder to folder, and say what was done."""
    theirs, unreadable = _read_all(old)
    ours, broken = _read_all(new)
    if broken:
        raise NotebookError(f"The new version is damaged: {broken[0]} Get it again.")
    before = copy.deepcopy(ours)
    own = {name: notebook for name, notebook in theirs.items() if name not in ours and not _is_ours(notebook)}
    carried = carry_over({name: theirs[name] for name in theirs if name not in own}, ours)
    backup = workbook / ".progress" / "backups" / datetime.now().strftime("%Y-%m-%d-%H%M%S")
    for name, notebook in ours.items():
        if notebook != before[name]:
            (backup / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(new / name, backup / name)
            write_atomically(new / name, as_text(notebook))
    for name in own:
        write_atomically(new / name, (old / name).read_bytes())
    files = [_keep(new / name, cells) for name, cells in carried.kept.items()]
    lines = [f"{len(carried.answers)} answers and {carried.notes} added cells carried over into {new}."]
    lines += [f"Your own notebook {name} was copied." for name in own]
    lines += [f"Some cells found no place: they are kept in {file.relative_to(new)}." for file in files]
    lines += [f"{problem} It stays where it is, and nothing of it was carried over." for problem in unreadable]
    return "\n".join(lines)


def _read_all(folder: Path) -> tuple[dict[str, NotebookNode], list[str]]:
    """The notebooks of a folder by relative path, and a sentence for each that cannot be read."""
    read, problems = {}, []
    for path in find_notebooks(folder=folder):
        try:
            read[path.relative_to(folder).as_posix()] = read_notebook(path)
        except NotebookError as problem:
            problems.append(problem.message)
    return read, problems


def _is_ours(notebook: NotebookNode) -> bool:
    """Whether a notebook came with the workbook, or at least answers an exercise of it."""
    return any(RELEASED in cell.metadata or exercise_of(cell) for cell in notebook.cells)


def _keep(notebook: Path, cells: list[tuple[NotebookNode, str]]) -> Path:
    """Write cells without a place into a new file beside the notebook."""
    number, path = 1, notebook.with_suffix(".kept.md")
    while path.exists():
        number += 1
        path = notebook.with_suffix(f".kept-{number}.md")
    parts = [f"# Yours, from {notebook.name}\n\nThese cells found no place in the new version.\n"]
    for cell, reason in cells:
        what = f"exercise {exercise_of(cell)}" if exercise_of(cell) else f"a {cell.cell_type} cell"
        fence = "````" if cell.cell_type == "code" else ""
        text = f"{fence}python\n{cell.source}\n{fence}" if fence else cell.source
        parts.append(f"## {what}: {reason}\n\n{text}\n")
    write_atomically(path, "\n".join(parts))
    return path


def _carry_progress(new: Path) -> None:
    """Copy the progress file, unless one has been begun there."""
    target = new / ".progress" / "progress.json"
    if progress_file().exists() and not target.exists():
        write_atomically(target, progress_file().read_bytes())


@contextmanager
def _notebooks_at(revision: str, here: Path) -> Iterator[Path]:
    """The notebooks as they were in a commit, in a folder that is removed afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder, "notebooks.zip")
        command = ["git", "archive", "--output", str(archive), revision, "notebooks"]
        try:
            done = subprocess.run(command, cwd=here, capture_output=True, text=True)
        except OSError:
            raise NotebookError("git is not installed. Unpack the new version in a folder and name that.") from None
        if done.returncode:
            raise NotebookError(f"git has no notebooks at {revision}: {done.stderr.strip().removeprefix('fatal: ')}.")
        shutil.unpack_archive(archive, folder)
        yield Path(folder, "notebooks")
