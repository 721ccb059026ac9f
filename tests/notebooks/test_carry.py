"""A learner's answers and notes, carried over into a new version: each finds its place, or is kept; nothing is lost."""

import subprocess

import nbformat
import pytest
from nbformat.v4 import new_markdown_cell, new_notebook

from course_lib.notebooks.carry import carry_over
from course_lib.notebooks.files import read_notebook
from course_lib.notebooks.tidy import as_text, mark_released
from tests.notebooks.making import code, course, save


def section(*cells):
    notebook = new_notebook(cells=list(cells))
    mark_released(notebook)
    return notebook


def answer_cell(exercise, body="...", id=None):
    source = f"# exercise: {exercise}\ndef f(x):\n    {body}"
    return code(source, f"exercise:{exercise}", id=id or exercise.replace(".", "-"))


def old_and_new():
    old = section(
        new_markdown_cell("# Old title", id="title"),
        code('profile = "quick"', "parameters", id="parameters"),
        answer_cell("a.moved"),
        answer_cell("a.stays"),
        answer_cell("a.gone"),
        answer_cell("a.untouched"),
    )
    new = section(
        new_markdown_cell("# New title", id="title"),
        code('profile = "quick"', "parameters", id="parameters"),
        answer_cell("a.stays", "...  # a better hint"),
        answer_cell("a.untouched", "...  # another hint"),
    )
    elsewhere = section(answer_cell("a.moved", "...  # new", id="other-id"))
    return old, {"1.ipynb": new, "2.ipynb": elsewhere}


def cell_of(notebook, id):
    return next(cell for cell in notebook.cells if cell.id == id)


def test_answers_and_notes_find_their_places():
    old, new = old_and_new()
    cell_of(old, "a-moved").source = "# exercise: a.moved\ndef f(x):\n    return x"
    cell_of(old, "a-stays").source = "def f(x):\n    return 2 * x"  # an editor took the marker away, the tag stayed
    cell_of(old, "a-gone").source = "# exercise: a.gone\ndef f(x):\n    return 3 * x"
    cell_of(old, "a-gone").metadata.tags = []
    cell_of(old, "parameters").source = 'profile = "study"'
    old.cells.insert(4, new_markdown_cell("my note", id="note"))
    old.cells.insert(5, new_markdown_cell("my second note", id="note-2"))

    carried = carry_over({"1.ipynb": old}, new)

    assert sorted(carried.answers) == ["a.moved", "a.stays"]
    assert cell_of(new["2.ipynb"], "other-id").source.endswith("return x")
    assert cell_of(new["1.ipynb"], "a-stays").source == "# exercise: a.stays\ndef f(x):\n    return 2 * x"
    assert cell_of(new["1.ipynb"], "a-untouched").source.endswith("another hint")
    assert [cell.id for cell in new["1.ipynb"].cells][2:5] == ["a-stays", "note", "note-2"]
    kept = {cell.id: reason for cell, reason in carried.kept["1.ipynb"]}
    assert kept == {
        "a-gone": "the new version has no such exercise",
        "parameters": "the new version has other words here",
    }


def test_nothing_is_lost_where_an_editor_stripped_all_marks():
    old, new = old_and_new()
    for cell in old.cells:
        cell.metadata = nbformat.from_dict({})
    cell_of(old, "a-stays").source = "# exercise: a.stays\ndef f(x):\n    return 2"
    old.cells.append(new_markdown_cell("my note", id="note"))
    carried = carry_over({"1.ipynb": old}, new)
    assert "a.stays" in carried.answers
    assert "my note" in [cell.source for cell, _ in carried.kept["1.ipynb"]]


@pytest.fixture
def two_versions(tmp_path, monkeypatch, progress_path):
    """A workbook with answers in it, and the folder of a newer one."""
    old, new = old_and_new()
    here, there = tmp_path / "here", tmp_path / "there"
    cell_of(old, "a-stays").source = "# exercise: a.stays\ndef f(x):\n    return 2"
    cell_of(old, "a-gone").source = "# exercise: a.gone\ndef f(x):\n    return 3"
    for folder, notebooks in ((here, {"1.ipynb": old}), (there, new)):
        for name, notebook in notebooks.items():
            save(folder / "notebooks" / name)
            (folder / "notebooks" / name).write_text(as_text(notebook))
        (folder / "course_lib").mkdir()
    monkeypatch.setattr("course_lib.notebooks.carry.repository", lambda: here)
    progress_path.write_text('{"exercises": {}}')
    return here, there


def test_update_writes_into_the_new_folder_only(two_versions):
    here, there = two_versions
    save(here / "notebooks" / "mine.ipynb", code("x = 1", id="x"))
    before = {path: path.read_bytes() for path in here.rglob("*.ipynb")}
    done = course("update", there)
    assert done.exit_code == 0, done.output
    assert "1 answers and 0 added cells" in done.output
    assert cell_of(read_notebook(there / "notebooks" / "1.ipynb"), "a-stays").source.endswith("return 2")
    assert "return 3" in (there / "notebooks" / "1.kept.md").read_text()
    assert read_notebook(there / "notebooks" / "mine.ipynb").cells[0].source == "x = 1"
    assert (there / ".progress" / "progress.json").exists()
    assert {path: path.read_bytes() for path in here.rglob("*.ipynb")} == before
    (backup,) = (there / ".progress" / "backups").rglob("1.ipynb")
    assert cell_of(read_notebook(backup), "a-stays").source.endswith("a better hint")


def test_update_twice_overwrites_nothing(two_versions):
    _, there = two_versions
    course("update", there)
    path = there / "notebooks" / "1.ipynb"
    notebook = read_notebook(path)
    cell_of(notebook, "a-stays").source = "# exercise: a.stays\ndef f(x):\n    return 22  # better"
    path.write_text(as_text(notebook))
    course("update", there)
    assert cell_of(read_notebook(path), "a-stays").source.endswith("better")
    kept = (there / "notebooks" / "1.kept-2.md").read_text()
    assert "another answer stands there already" in kept
    assert "return 2" in kept


def test_update_leaves_what_it_cannot_read(two_versions):
    here, there = two_versions
    (here / "notebooks" / "1.ipynb").write_text("{")
    done = course("update", there)
    assert "1.ipynb is not a notebook" in done.output
    assert "stays where it is" in done.output
    assert (here / "notebooks" / "1.ipynb").read_text() == "{"


def test_update_from_git(two_versions, monkeypatch):
    here, there = two_versions
    git = ["git", "-c", "user.name=learner", "-c", "user.email=learner@example.org"]
    for command in (["init", "-q"], ["add", "notebooks"], ["commit", "-qm", "my answers"]):
        subprocess.run([*git, *command], cwd=here, check=True, capture_output=True)
    for path in (there / "notebooks").glob("*.ipynb"):
        (here / "notebooks" / path.name).write_bytes(path.read_bytes())
    done = course("update", "--from-git", "HEAD")
    assert done.exit_code == 0, done.output
    assert cell_of(read_notebook(here / "notebooks" / "1.ipynb"), "a-stays").source.endswith("return 2")
    assert "git has no notebooks at nowhere" in course("update", "--from-git", "nowhere").output


def test_update_needs_a_workbook(two_versions, tmp_path):
    here, _ = two_versions
    assert "the folder you are in" in course("update", here).output
    (tmp_path / "empty").mkdir()
    assert "is not a workbook" in course("update", tmp_path / "empty").output
    assert "Name the folder" in course("update").output
