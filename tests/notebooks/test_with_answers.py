"""Each notebook with the right answers filled in: full marks, and no error in any output or widget."""

import re

import nbformat
import pytest

from course_lib.notebooks.execute import execute
from course_lib.notebooks.files import exercise_of, find_notebooks, read_notebook, right_answers

NOTEBOOKS = {path.stem: path for path in find_notebooks()}
MARKS = re.compile(r"^\S.*?   ([\d.]+) of ([\d.]+) points · ")  # gate   2 of 2 points · one step ✓ · many steps ✓


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_with_answers(name, tmp_path):
    notebook = read_notebook(NOTEBOOKS[name])
    answers = right_answers()
    exercises = {exercise_of(cell): cell for cell in notebook.cells if exercise_of(cell)}
    missing = exercises.keys() - answers.keys()
    assert not missing, f"tests/answers has no answer to {missing}"
    for exercise, cell in exercises.items():
        cell.source = answers[exercise]
    filled = tmp_path / f"{name}.ipynb"
    nbformat.write(notebook, filled)
    outcome = execute(filled, tmp_path / "build" / filled.name, timeout=120, folder=NOTEBOOKS[name].parent)
    assert outcome.problems == []
    for exercise in exercises:
        said = check_output(outcome.executed, exercise)
        marks = MARKS.match(said)
        assert marks, f"{exercise}: the check gave no points, it said: {said!r}"
        assert marks[1] == marks[2], said


def check_output(notebook, exercise):
    """What the cell that checks this exercise printed."""
    cell = next(cell for cell in notebook.cells if f"check:{exercise}" in cell.metadata.get("tags", []))
    return "".join(output.text for output in cell.outputs if output.output_type == "stream")
