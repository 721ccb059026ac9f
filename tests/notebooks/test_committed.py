"""Committed notebooks are as learners should get them: executed in order, tidy, small, with gaps where answers go."""

import ast
import json
import re

import pytest

from course_lib.exercises import get
from course_lib.notebooks.command import has_gap
from course_lib.notebooks.files import MARKER, exercise_of, find_notebooks, read_notebook
from course_lib.notebooks.tidy import as_text, is_as_released, tidy
from course_lib.paths import repository

TOPIC = r"[a-z][a-z0-9-]*(\.[a-z0-9-]+)*"
TAGS = re.compile(rf"(topic|exercise|check|explorer):{TOPIC}|claim:{TOPIC}#\d+|parameters|nbval-ignore-output")
LINK = re.compile(r"\]\((?!https?:|mailto:|attachment:|#)([^)#\s]+)")
SHOWS = {"settle", "show", "show_source"}  # they return what Jupyter then displays
NOTEBOOKS = {path.stem: path for path in find_notebooks()}


@pytest.fixture(params=NOTEBOOKS)
def path(request):
    return NOTEBOOKS[request.param]


@pytest.fixture
def notebook(path):
    return read_notebook(path)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_executed_in_order(notebook):
    counts = [cell.execution_count for cell in code_cells(notebook)]
    assert counts == list(range(1, len(counts) + 1)), "run `make notebooks`"


def test_executed_since_it_was_last_edited(notebook):
    edited = [cell.id for cell in notebook.cells if not is_as_released(cell)]
    assert not edited, "run `make notebooks`"


def test_tidy_and_small(path, notebook):
    text = path.read_text(encoding="utf-8")
    assert text == as_text(tidy(notebook)), "run `course tidy`"
    assert "widget-view" not in text
    assert "widget-state" not in text
    assert len(text.encode()) < 1_500_000


def test_nothing_in_it_failed(notebook):
    for cell in code_cells(notebook):
        for output in cell.outputs:
            assert output.output_type != "error"
            assert output.get("name") != "stderr", output.text


def test_opens_with_parameters_and_start(notebook):
    first, *others = code_cells(notebook)
    assert first.metadata.tags == ["parameters"]
    assert first.source == 'profile = "quick"\nseed = 0'
    assert any("start(profile, seed)" in cell.source for cell in others[:2])


def test_tags_are_known(notebook):
    tags = [tag for cell in notebook.cells for tag in cell.metadata.get("tags", [])]
    assert [tag for tag in tags if not TAGS.fullmatch(tag)] == []


def test_exercises_are_marked_unsolved_and_checked(notebook):
    cells = code_cells(notebook)
    for cell, after in zip(cells, [*cells[1:], None], strict=True):
        if exercise := exercise_of(cell):
            assert f"exercise:{exercise}" in cell.metadata.tags
            assert MARKER.match(cell.source.partition("\n")[0])[1] == exercise
            assert has_gap(cell), f"{exercise} holds an answer"
            functions = ", ".join(asked.name for asked in get(exercise).asked)
            assert f"check:{exercise}" in after.metadata.tags
            assert f'check("{exercise}", {functions})' in after.source
            assert "not started" in json.dumps(after.outputs) or "still to be written" in json.dumps(after.outputs)


def test_links_lead_somewhere(path, notebook):
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    broken = [link for link in LINK.findall(text) if not (path.parent / link).exists()]
    assert broken == []


def test_shows_no_path_of_the_machine(path):
    assert str(repository()) not in path.read_text(encoding="utf-8")


def test_what_a_cell_shows_ends_it(notebook):
    """A figure or a verdict in the middle of a cell is computed and never seen."""
    for cell in code_cells(notebook):
        called = [_called(statement) for statement in ast.parse(cell.source).body]
        inside = {_called(node) for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Expr)}
        for name in SHOWS & inside:
            assert called[-1] == name, f"{cell.id}: {name}(...) is not the last thing in its cell"


def test_a_learners_function_takes_no_name_that_the_page_uses(notebook):
    """Once an answer is called `perplexity`, the page's own `perplexity` must bear another name."""
    imported: set[str] = set()
    for cell in code_cells(notebook):
        if exercise := exercise_of(cell):
            taken = imported & {asked.name for asked in get(exercise).asked}
            assert not taken, f"import {taken} as something else: the answer to {exercise} has this name"
        else:
            nodes = [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.ImportFrom)]
            imported |= {alias.asname or alias.name for node in nodes for alias in node.names}


def test_what_is_folded_away_is_no_part_of_the_lesson(notebook):
    """A folded «And so?» hides all up to the next heading: text and pictures, but no topic, exercise or claim."""
    folded = False
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and re.match("#{1,3} ", cell.source):
            folded = cell.metadata.get("jp-MarkdownHeadingCollapsed", False) and cell.source.startswith("### ")
        kinds = {tag.partition(":")[0] for tag in cell.metadata.get("tags", [])}
        assert not (folded and kinds & {"topic", "exercise", "check", "claim"}), f"{cell.id} is folded away"


def _called(statement: ast.AST) -> str | None:
    """The name of the function that a statement calls, and keeps nothing of."""
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        return getattr(statement.value.func, "id", None)
    return None
