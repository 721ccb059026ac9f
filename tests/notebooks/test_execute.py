"""Notebooks executed and tidied: what is left in build, what is written back, and what happens when one fails."""

import os

import nbformat
import pytest
from nbformat.v4 import new_markdown_cell

from course_lib.notebooks.files import find_notebooks, read_notebook
from course_lib.notebooks.tidy import as_text, tidy
from tests.notebooks.making import code, course, save

EXPLORER = """
from IPython.display import display
from matplotlib.figure import Figure
import base64, io, ipywidgets

class Picture:
    def _repr_mimebundle_(self, include=None, exclude=None):
        figure = Figure()
        figure.subplots().plot([1, 2, seed])
        buffer = io.BytesIO()
        figure.savefig(buffer)
        still = {"image/png": base64.b64encode(buffer.getvalue()).decode(), "text/plain": "The cell *keeps* c_t."}
        return ipywidgets.HTML("x")._repr_mimebundle_() | still

display({"text/plain": "loaded, trained yesterday"}, raw=True, metadata={"course": "transient"})
Picture()
"""
PRINTS = "import sys\nfor n in range(3):\n    print(n, flush=True)\nprint(profile, seed)"


@pytest.fixture
def small(tmp_path):
    """A small real notebook: parameters, a picture with a widget, printed lines, a heading that is folded."""
    folded = {"jp-MarkdownHeadingCollapsed": True, "vscode": {}}
    heading = new_markdown_cell("## More [of it](../00_start_here.ipynb#end)", id="more", metadata=folded)
    return save(
        tmp_path / "notebooks" / "01_small" / "1.1_small.ipynb",
        code('profile = "quick"\nseed = 0', "parameters", id="parameters"),
        code(EXPLORER, "explorer:small", id="picture"),
        heading,
        code("import ipywidgets\nipywidgets.IntSlider(3)", id="slider"),
        code(PRINTS, id="prints"),
    )


def test_run_leaves_executed_notebooks_and_pages(small, tmp_path):
    before, build = small.read_bytes(), tmp_path / "a {strange} place"
    done = course("run", small, "--profile", "study", "--seed", 3, "--build", build)
    assert done.exit_code == 0, done.output
    assert "passed" in done.output
    executed = read_notebook(build / "01_small" / "1.1_small.ipynb")
    assert executed.cells[-1].outputs[-1].text.endswith("study 3\n")
    page = (build / "01_small" / "1.1_small.html").read_text()
    assert "data:image/png;base64," in page
    assert "The cell *keeps* c_t." in page
    assert 'href="../00_start_here.html#end"' in page
    assert small.read_bytes() == before


def test_run_goes_on_after_a_failure_and_fails_at_the_end(small, tmp_path):
    folder = small.parent
    save(folder / "1.0_fails.ipynb", code("1 / 0", id="a"), code("print('never')", id="b"))
    (folder / "1.05_damaged.ipynb").write_text('{"cells": [')
    (folder / "1.06_other.ipynb").write_text('{"a": 1}')
    done = course("run", folder, "--build", tmp_path / "build")
    assert done.exit_code == 1
    assert "ZeroDivisionError: division by zero" in done.output
    assert done.output.count("is not a notebook") == 2
    assert "1.1_small" in done.output
    assert (tmp_path / "build" / "01_small" / "1.1_small.html").exists()


def test_a_kernel_that_dies_is_a_failure(small, tmp_path):
    path = save(small.parent / "1.2_dies.ipynb", code("import os\nos._exit(3)", id="a"))
    done = course("run", path, "--build", tmp_path / "build")
    assert done.exit_code == 1
    assert "1.2_dies" in done.output
    assert "failed" in done.output


def test_run_leaves_the_learners_progress_alone(small, tmp_path, progress_path):
    note = 'from course_lib import progress\nprogress.attempt("a.b", 1, 1)\nprint(progress.progress_file())'
    path = save(small.parent / "1.3_progress.ipynb", code(note, id="a"))
    done = course("run", path, "--build", tmp_path / "build")
    assert done.exit_code == 0, done.output
    assert not progress_path.exists()
    assert os.environ["COURSE_PROGRESS"] == str(progress_path)


def test_an_unknown_chapter():
    done = course("run", "99_nothing")
    assert done.exit_code == 1
    assert "There is no chapter '99_nothing'. There are: 00_start_here" in done.output


def test_chapters_by_name_number_and_path(small, tmp_path):
    alone = save(small.parent.parent / "00_alone.ipynb", code("1", id="a"))
    save(small.parent / ".ipynb_checkpoints" / "1.1_small-checkpoint.ipynb", code("1", id="a"))
    folder = small.parent.parent
    assert find_notebooks((), folder) == [alone, small]
    assert find_notebooks(("01",), folder) == find_notebooks(("01_small",), folder) == [small]
    assert find_notebooks(("00_alone", str(small), "01"), folder) == [alone, small]


def test_executing_again_gives_the_same_bytes(small, tmp_path):
    first = course("run", small, "--in-place", "--build", tmp_path / "build")
    assert first.exit_code == 0, first.output
    once = small.read_bytes()
    course("run", small, "--in-place", "--build", tmp_path / "build")
    assert small.read_bytes() == once
    notebook = read_notebook(small)
    assert as_text(tidy(notebook)).encode() == once


def test_what_is_committed_reads_without_a_kernel(small, tmp_path):
    sources = [cell.source for cell in read_notebook(small).cells]
    course("run", small, "--in-place", "--build", tmp_path / "build")
    text = small.read_text()
    for gone in ("widget-view", "widget-state", "papermill", "iopub", "vscode"):
        assert gone not in text
    notebook = read_notebook(small)
    assert [cell.source for cell in notebook.cells] == sources
    assert [cell.id for cell in notebook.cells] == ["parameters", "picture", "more", "slider", "prints"]
    assert [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"] == [1, 2, 3, 4]
    assert "version" not in notebook.metadata.language_info
    picture, sentence = notebook.cells[1].outputs
    assert set(picture.data) == {"image/png", "text/plain"}
    assert picture.metadata["image/png"]["alt"] == "The cell *keeps* c_t."
    assert sentence.data["text/markdown"] == r"*The cell \*keeps\* c\_t.*"
    assert notebook.cells[2].metadata["jp-MarkdownHeadingCollapsed"] is True
    assert notebook.cells[3].outputs == []
    assert [output.text for output in notebook.cells[4].outputs] == ["0\n1\n2\nquick 0\n"]


def test_a_notebook_that_fails_is_not_written_back(small, tmp_path):
    path = save(small.parent / "1.2_fails.ipynb", code("1 / 0", id="a"))
    before = path.read_bytes()
    assert course("run", path, "--in-place", "--build", tmp_path / "build").exit_code == 1
    assert path.read_bytes() == before


def test_answers_are_not_committed(small):
    answer = code("# exercise: a.b\ndef f():\n    return 1", "exercise:a.b", id="a")
    path = save(small.parent / "1.2_solved.ipynb", answer)
    done = course("run", path, "--in-place")
    assert done.exit_code == 1
    assert "holds an answer to a.b" in done.output


def test_tidy_changes_only_what_must_go(small):
    notebook = read_notebook(small)
    notebook.cells[0].metadata["execution"] = {"iopub.execute_input": "2026-01-01T00:00:00"}
    nbformat.write(notebook, small)
    assert "tidied 1.1_small.ipynb" in course("tidy", small).output
    assert "iopub" not in small.read_text()
    assert course("tidy", small).output == ""
