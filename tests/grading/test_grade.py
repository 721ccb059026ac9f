"""Grading whole notebooks: every one ends in rows, whatever it holds."""

import json
from xml.etree import ElementTree

import nbformat
import pytest
from click.testing import CliRunner
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_lib.exercises import registry
from course_lib.grading import grade as grade_module
from course_lib.grading.command import grade
from course_lib.grading.grade import Report, Row, Submission, grade_notebook
from course_lib.grading.report import Grades, as_junit, as_markdown, table
from course_lib.grading.runner import ChildRunner, starter
from course_lib.notebooks.files import find_notebooks, right_answers

RIGHT = right_answers()
GATE = RIGHT["start.gate"]
WRONG = "# exercise: start.gate\ndef gate(x, weight, bias):\n    return weight * x + bias"
HELPED = WRONG.replace("weight * x + bias", "squeeze(weight * x + bias)")
STUB = "# exercise: start.gate\ndef gate(x, weight, bias):\n    ..."


@pytest.fixture(scope="module")
def child():
    with starter() as start, ChildRunner(start) as runner:
        yield runner


@pytest.fixture
def write(tmp_path):
    """Write a notebook with these code cells."""

    def write(*sources: str, name: str = "answers.ipynb", tags: dict[int, list[str]] | None = None):
        cells = [new_markdown_cell("# Title"), *map(new_code_cell, sources)]
        for n, names in (tags or {}).items():
            cells[n + 1].metadata["tags"] = names
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(new_notebook(cells=cells), path)
        return path

    return write


def row(path, child: ChildRunner, id: str = "start.gate") -> Row:
    return next(row for row in grade_notebook(path, child, seed=1).rows if row.exercise == id)


@pytest.mark.parametrize(
    "cells",
    [
        [GATE],
        ["import torch\n%matplotlib inline\n!ls", "raise SystemExit", "1/0", GATE, 'check("start.gate", gate)'],
        [STUB, GATE],  # written in a second cell, below the untouched one
        ["import torch\ndef squeeze(z):\n    return torch.sigmoid(z)", HELPED],
        [GATE.replace("\n", "\r\n")],
        ["# exercise: start.gate", GATE.partition("\n")[2], 'check("start.gate", gate)'],  # the marker was cut off
        ["import sys\nclass Odd(:", GATE],
        [GATE.replace("def gate", "for n in range(3): print(n)\ndef gate")],
        ["from torch import *", "# exercise: start.gate\ngate = lambda x, weight, bias: sigmoid(weight * x + bias)"],
    ],
)  # fmt: skip
def test_right_answers_in_odd_notebooks_earn_their_points(write, child, cells):
    assert row(write(*cells), child).status == "passed", row(write(*cells), child).feedback


@pytest.mark.parametrize(
    ("cells", "status", "sentence"),
    [
        ([STUB], "not started", "gate   not started"),
        ([STUB.replace("...", "z = ...\n    return z")], "not started", "gate   not started"),
        (['check("start.gate", gate)'], "no answer cell", "No cell answers this exercise: the first line of its cell"),
        (["# exercise: start.gate\nimport torch"], "failed", "The answer cell does not define gate."),
        (
            ["# exercise: start.gate\ndef gate(x, weight, bias):\n    return weight *"],
            "failed",
            "The answer cell has a syntax error in line 3, invalid syntax: return weight *",
        ),
        ([WRONG], "failed", "It behaves like a weighted sum"),
        (["# exercise: start.gate\ndef gate(*a):\n    import os; os._exit(0)"], "failed", "ended the whole process"),
        (
            ["w = torch.ones(1)", "# exercise: start.gate\ndef gate(x, weight, bias):\n    return w * x"],
            "failed",
            "Your answer uses `torch`, `w`.|Your answer uses `w`.",
        ),
        (
            ["import nothing_like_it as torch\n" + GATE.partition("import torch")[2]],  # found although unmarked
            "failed",
            "No module named 'nothing_like_it' (while it was read)",
        ),
    ],
)
def test_answers_that_earn_nothing_get_a_row_with_a_sentence(write, child, cells, status, sentence):
    found = row(write(*cells, tags={len(cells) - 1: ["check:start.gate"]}), child)
    assert (found.status, found.points, found.out_of) == (status, 0, 2)
    assert any(choice in " ".join(found.feedback.split()) for choice in sentence.replace("   ", " ").split("|"))


def test_an_answer_is_found_by_its_tag_as_well(write, child):
    assert row(write(GATE.partition("\n")[2], tags={0: ["exercise:start.gate"]}), child).status == "passed"


@pytest.mark.parametrize(
    ("cells", "status", "note"),
    [
        ([GATE], "passed", ""),
        ([WRONG, "1", GATE], "passed", "in code cells 1 and 3; code cell 3 counts, the last that defines it."),
        ([GATE, WRONG], "failed", "in code cells 1 and 2; code cell 2 counts, the last that defines it."),
        ([GATE, "# exercise: start.gate"], "passed",
         "in code cells 1 and 2; code cell 1 counts, the last that defines it."),
        (2 * ["# exercise: start.gate\n1"], "failed", "in code cells 1 and 2, and none defines it."),
    ],
)  # fmt: skip
def test_an_answer_that_occurs_twice_is_named(write, child, tmp_path, cells, status, note):
    path = write(*cells)
    found = row(path, child)
    assert found.status == status and found.note == (note and f"It is answered more than once, {note}")
    code, output = course_grade(path, "--out", tmp_path / "out")
    assert code == 0 and output.count("more than once") == bool(note) and note in output
    assert note in (tmp_path / "out" / "report.md").read_text()


def test_one_broken_answer_costs_no_other(write, child):
    broken = "# exercise: recurrent.lstm\ndef lstm_cell(*a):\n    import os; os.abort()"
    others = [RIGHT[f"recurrent.lstm.{name}"] for name in ("cell-state", "forget-gate", "output-gate")]
    path = write(others[0], broken, *others[1:])
    found = {row.exercise: row.status for row in grade_notebook(path, child, seed=1).rows}
    assert found == {
        "recurrent.lstm.cell-state": "passed",
        "recurrent.lstm.forget-gate": "passed",
        "recurrent.lstm": "failed",
        "recurrent.lstm.input-gate": "no answer cell",  # taken out of the notebook, and counted all the same
        "recurrent.lstm.output-gate": "passed",
    }


def test_a_bug_of_ours_costs_one_row(write, child, monkeypatch):
    def broken(exercise, *_, **__):
        raise ZeroDivisionError("oh")

    monkeypatch.setattr(grade_module, "judge", broken)
    found = row(write(GATE), child)
    assert found.status == "not judged" and "ZeroDivisionError: oh" in found.feedback


def test_an_unknown_exercise_gets_a_row(write, child):
    found = grade_notebook(write("# exercise: start.gaet\nx = 1", GATE), child, seed=1).rows
    assert [(row.exercise, row.status) for row in found] == [("start.gate", "passed"), ("start.gaet", "unknown")]
    assert "Did you mean start.gate" in found[1].feedback


@pytest.mark.parametrize(
    "content", [b"", b"{not json", b"[]", b"{}", b"\xff\xfe\x00", b'{"cells": 3, "nbformat": 4}', b"null"]
)
def test_what_is_no_notebook_gets_a_sentence(tmp_path, child, content):
    path = tmp_path / "broken.ipynb"
    path.write_bytes(content)
    report = grade_notebook(path, child, seed=1)
    assert report.rows == () and (report.problem.startswith("broken.ipynb") or content == b"{}")


def test_an_older_notebook_format_is_read(tmp_path, child):
    cell = {"cell_type": "code", "input": GATE, "language": "python", "metadata": {}, "outputs": [], "collapsed": False}
    sheet = {"cells": [cell], "metadata": {}}
    path = tmp_path / "old.ipynb"
    path.write_text(json.dumps({"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [sheet]}))
    assert row(path, child).status == "passed"


def test_the_workbook_as_the_learner_gets_it_earns_nothing_and_fails_nothing(child):
    rows = [row for path in find_notebooks() for row in grade_notebook(path, child, seed=1).rows]
    assert {row.exercise for row in rows} == {exercise.id for exercise in registry()}
    assert {row.status for row in rows} == {"not started"}


def test_names_that_a_check_uses_are_read_without_running(write):
    submission = Submission.read(write('if True:\n    pass\ncheck("start.gate", gate)', "check(id_from_nowhere)"))
    assert submission.ids == ("start.gate",)


# --- the command ---------------------------------------------------------------------------------------------------


def course_grade(*arguments) -> tuple[int, str]:
    result = CliRunner().invoke(grade, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def test_the_command_prints_points_and_writes_three_reports(write, tmp_path):
    write(GATE, name="class/ada.ipynb")
    write(WRONG, name="class/ben.ipynb")
    write("print(1)", name="class/empty.ipynb")
    (tmp_path / "class" / "broken.ipynb").write_text("{not json")
    notebooks = sorted((tmp_path / "class").glob("*.ipynb"))
    code, output = course_grade(*notebooks, "--out", tmp_path / "out", "--seed", 5, "--min-score", 40)
    assert code == 1  # a notebook that can't be read is not enough
    assert "  start.gate   2 of 2   passed" in output
    assert "  start.gate   0 of 2   failed: a weighted sum, without the step that makes a share of it" in output
    assert "no exercises in it" in output and "broken.ipynb is not a notebook" in output
    assert "In all 2 of 4 points, 50 %" in output and "--seed 5" in output

    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert (report["points"], report["out_of"], report["seed"], report["version"]) == (2, 4, 5, "0.1.0")
    wrong = next(found for found in report["notebooks"] if "ben" in found["notebook"])["exercises"][0]
    assert wrong["mistake"].startswith("a weighted sum") and "wanted [0.5]" in wrong["feedback"]
    assert [part["status"] for part in wrong["parts"]] == ["failed", "failed"]

    text = (tmp_path / "out" / "report.md").read_text()
    assert "| start.gate | 2 of 2 | passed |" in text and "It behaves like a weighted sum" in text

    suites = ElementTree.parse(tmp_path / "out" / "junit.xml").getroot()
    failures = {suite.get("name").rpartition("/")[2]: suite.get("failures") for suite in suites}
    assert failures == {"ada.ipynb": "0", "ben.ipynb": "1", "broken.ipynb": "1"}


def test_the_score_decides_the_exit_status(write, tmp_path):
    path = write(STUB)  # no child is started for what is not started
    out = ("--out", tmp_path / "out")
    assert course_grade(path, *out)[0] == 0
    assert course_grade(path, *out, "--min-score", 0)[0] == 0
    code, output = course_grade(path, *out, "--min-score", 0.5)
    assert code == 1 and "Not enough: 0 of 2 points, 0 %, where 0.5 % are asked for." in output
    assert course_grade(path, *out, "--min-score", 101)[0] == 2


def test_core_only(write, tmp_path):
    of_gates = [exercise for exercise in registry() if exercise.section.endswith("exercises.gates")]
    stubs = [f"# exercise: {exercise.id}\nx = 1" for exercise in of_gates]
    path = write(*stubs)
    assert "In all 0 of 15 points, 0 % (core 0 of 9, more 0 of 6)" in course_grade(path, "--out", tmp_path / "out")[1]
    assert "In all 0 of 9 points, 0 %" in course_grade(path, "--core", "--out", tmp_path / "out")[1]


def test_a_random_seed_is_drawn_and_printed(write, tmp_path):
    path = write(STUB)
    seeds = {course_grade(path, "--out", tmp_path / "out")[1].rpartition("--seed ")[2] for _ in range(2)}
    assert len(seeds) == 2 and all(seed.strip().isdigit() for seed in seeds)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("nowhere.ipynb", "There is nothing at"),
        ("class.zip", "is an archive. Give the folder that it lies in: that is graded as a class."),
        ("notes.txt", "is no notebook: its name does not end in .ipynb."),
        ("folder", "here is nothing in"),
    ],
)
def test_a_path_that_holds_no_notebook(tmp_path, name, sentence):
    (tmp_path / "class.zip").write_bytes(b"PK")
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "folder").mkdir()
    code, output = course_grade(tmp_path / name)
    assert code == 1 and sentence in output


def test_reports_that_cannot_be_written(write, tmp_path):
    (tmp_path / "file").write_text("in the way")
    code, output = course_grade(write(STUB), "--out", tmp_path / "file" / "out")
    assert code == 1 and "not started" in output and "The reports cannot be written to" in output


def test_an_interrupted_run_keeps_what_was_graded(write, tmp_path, monkeypatch):
    from course_lib.grading import command

    real, done = command.grade_notebook, []

    def interrupted(path, *arguments, **keywords):
        if done:
            raise KeyboardInterrupt
        done.append(path)
        return real(path, *arguments, **keywords)

    monkeypatch.setattr(command, "grade_notebook", interrupted)
    notebooks = write(STUB, name="class/a.ipynb"), write(STUB, name="class/b.ipynb")
    code, output = course_grade(*notebooks, "--out", tmp_path / "out")
    assert code == 1 and "Stopped. 1 of 2 notebooks were graded:" in output
    assert len(json.loads((tmp_path / "out" / "report.json").read_text())["notebooks"]) == 1


def test_reports_bear_any_text(tmp_path):
    feedback = "```\n</text> \x1b[31m \ud800 ]]> |"
    rows = (Row("start|gate", "core", 0, 1, "failed", (), "a | `b` <c>", feedback),)
    grades = Grades((Report(tmp_path / "x.ipynb", rows),), seed=1)
    assert "start\\|gate" in as_markdown(grades) and "````text" in as_markdown(grades)
    ElementTree.fromstring(as_junit(grades).encode())
    assert "a | `b` <c>" in table(grades)
