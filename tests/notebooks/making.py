"""Making small notebooks, and calling the `course` command on them."""

from pathlib import Path

import nbformat
from click.testing import CliRunner, Result
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from course_lib import cli


def course(*arguments: object) -> Result:
    """What `course` does with these arguments."""
    return CliRunner().invoke(cli.main, [str(argument) for argument in arguments])


def code(source: str, *tags: str, id: str) -> NotebookNode:
    """A code cell."""
    return new_code_cell(source, id=id, metadata={"tags": list(tags)})


def save(path: Path, *cells: NotebookNode) -> Path:
    """Write a notebook of these cells."""
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=list(cells)), path)
    return path
