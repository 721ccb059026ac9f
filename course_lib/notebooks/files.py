"""Which notebooks there are, by chapter; reading one; the ids of the exercises in it; the marked blocks of answers."""

import difflib
import re
from pathlib import Path

import click
import nbformat
from nbformat import NotebookNode

from course_lib.paths import repository

LARGEST = 64 * 2**20  # bytes of a notebook that is read
# The line that names an answer cell's exercise: it survives editors that strip tags.
MARKER = re.compile(r"#+[ \t]*exercise[ \t]*:[ \t]*(\S*\w)[.:;,]?[ \t]*(?:\(.*\))?[ \t]*$", re.IGNORECASE)
_LINE_ENDS = re.compile(r"\r\n?")


class NotebookError(click.ClickException):
    """Something about a notebook or an exercise, with what to do, for the terminal."""


def notebooks_folder() -> Path:
    """The workbook's notebooks."""
    return repository() / "notebooks"


def find_notebooks(names: tuple[str, ...] = (), folder: Path | None = None) -> list[Path]:
    """Notebooks of the named chapters, in reading order; of all chapters without names.

    Args:
        names: a chapter ("04_recurrent", or "04"), the name of a notebook that stands alone ("00_start_here"), or the
            path of a notebook or a folder.
        folder: where the chapters are, by default the workbook's notebooks.

    Raises:
        NotebookError: nothing is called so, or there is no notebook in it.
    """
    folder = folder or notebooks_folder()
    if not names:
        return _inside(folder)
    found = [path for name in names for path in _inside(_place(name, folder))]
    return list(dict.fromkeys(found))


def _place(name: str, folder: Path) -> Path:
    """The file or folder that a name means."""
    chapters = {path.stem if path.suffix else path.name: path for path in _chapters(folder)}
    matching = [path for chapter, path in chapters.items() if chapter == name or chapter.startswith(f"{name}_")]
    if len(matching) == 1:
        return matching[0]
    if Path(name).exists():
        return Path(name).resolve()
    raise NotebookError(f"There is no chapter {name!r}. There are: {', '.join(chapters) or 'none yet'}.")


def _chapters(folder: Path) -> list[Path]:
    """Folders that hold notebooks, and notebooks that stand alone."""
    here = [path for path in folder.glob("*") if not path.name.startswith(".")]
    return sorted(path for path in here if path.suffix == ".ipynb" or any(path.glob("*.ipynb")))


def _inside(place: Path) -> list[Path]:
    if place.is_file() and place.suffix == ".ipynb":
        return [place]
    found = sorted(path for path in place.rglob("*.ipynb") if not _hidden(path.relative_to(place)))
    if not found:
        raise NotebookError(f"There is no notebook in {place.name}.")
    return found


def _hidden(path: Path) -> bool:
    """Whether this is a hidden file, or in a hidden folder such as JupyterLab's .ipynb_checkpoints."""
    return any(part.startswith(".") for part in path.parts)


def read_notebook(path: Path) -> NotebookNode:
    """A notebook, in the newest format, with line ends as they are everywhere but on Windows.

    Raises:
        NotebookError: the file is missing, too large, or holds no notebook.
    """
    try:
        if (size := path.stat().st_size) > LARGEST:
            mb = f"{size // 2**20} MB, and at most {LARGEST // 2**20} are read"
            raise NotebookError(f"{path.name} has {mb}. Clear its outputs and save it again.")
        notebook = nbformat.from_dict(nbformat.reader.reads(path.read_text(encoding="utf-8-sig")))
        notebook = nbformat.convert(notebook, 4)
        for cell in notebook.cells:
            cell.source = _LINE_ENDS.sub("\n", "".join(cell.source)).removeprefix("\ufeff")
        return notebook
    except NotebookError:
        raise
    except FileNotFoundError:
        raise NotebookError(f"There is no notebook {path.name}.") from None
    except OSError as problem:
        raise NotebookError(f"{path.name} cannot be read: {problem.strerror}.") from problem
    except Exception as problem:  # nbformat raises many kinds, all of which mean this
        raise NotebookError(f"{path.name} is not a notebook: it does not hold a notebook's JSON.") from problem


def exercise_of(cell: NotebookNode) -> str | None:
    """The exercise that this cell answers, by its tag, else by the first marker in it."""
    return next(iter(exercises_in(cell)), None)


def exercises_in(cell: NotebookNode) -> list[str]:
    """All exercises that this cell answers, by its tags and the markers in it; several where cells were merged."""
    if cell.cell_type != "code":
        return []
    tagged = [tag.removeprefix("exercise:") for tag in tags_of(cell) if tag.startswith("exercise:")]
    return list(dict.fromkeys([*tagged, *marked_in(cell.source)]))


def marked_in(source: str) -> list[str]:
    """The exercises that a source names in marker lines."""
    lines = source.lstrip().removeprefix(">>> ").splitlines()
    return [found[1] for line in lines if (found := MARKER.match(line))]


def tags_of(cell: NotebookNode) -> list[str]:
    """The texts among a cell's tags, whatever else an editor has left there."""
    tags = cell.metadata.get("tags")
    return [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []


def answers_in(text: str) -> dict[str, str]:
    """The blocks of a file of answers, by exercise; each opens with its marker line and keeps it."""
    blocks: dict[str, list[str]] = {}
    current: list[str] = []
    for line in text.splitlines():
        if marker := MARKER.match(line):
            current = blocks.setdefault(marker[1], [])
        current.append(line)
    return {exercise: "\n".join(lines).strip() + "\n" for exercise, lines in blocks.items()}


def right_answers() -> dict[str, str]:
    """The right answer of every exercise, by id."""
    folder = repository() / "tests" / "answers"
    return {
        exercise: block
        for path in sorted(folder.glob("*.py"))
        for exercise, block in answers_in(path.read_text(encoding="utf-8")).items()
    }


def right_answer(exercise: str) -> str:
    """The right answer of one exercise, marker line included.

    Raises:
        NotebookError: there is none of this id.
    """
    answers = right_answers()
    if exercise not in answers:
        close = difflib.get_close_matches(exercise, answers, n=3, cutoff=0.4)
        hint = f"Did you mean {' or '.join(close)}?" if close else "Its id stands in the first line of its cell."
        raise NotebookError(f"There is no exercise {exercise!r}. {hint}")
    return answers[exercise]
