"""A class: everybody gets a row, nothing is graded twice, and nothing is lost."""

import csv
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner
from nbformat.v4 import new_code_cell, new_notebook

from course_lib.grading.class_report import ClassGrades, as_csv, as_summary, file_names
from course_lib.grading.cohort import Graded, Terms, best, grade_class
from course_lib.grading.command import grade
from course_lib.grading.grade import Report, Row
from course_lib.grading.store import Store, StoreError
from course_lib.grading.submissions import Work
from course_lib.notebooks.files import right_answers
from course_lib.paths import repository

RIGHT = right_answers()["start.gate"]
WRONG = "# exercise: start.gate\ndef gate(x, weight, bias):\n    return weight * x + bias"
ENDLESS = "# exercise: start.gate\ndef gate(x, weight, bias):\n    while True: pass"


def notebook(path: Path, *answers: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=[new_code_cell(answer) for answer in answers]), path)
    return path


@pytest.fixture
def handed_in(tmp_path) -> Path:
    """Seven works: a notebook, a folder, two zips of one learner, wrong, hostile and broken ones."""
    place = tmp_path / "submissions"
    notebook(place / "a1.ipynb", RIGHT)
    notebook(place / "a2" / "deep" / "answers.ipynb", RIGHT)
    for n, answer in ((1, RIGHT), (2, WRONG)):
        one = notebook(tmp_path / "zipped" / f"{n}.ipynb", answer)
        with zipfile.ZipFile(place / f"a3--{n}.zip", "w") as archive:
            archive.write(one, "answers.ipynb")
        os.utime(place / f"a3--{n}.zip", (1e9 + n, 1e9 + n))
    notebook(place / "a4.ipynb", WRONG)
    notebook(place / "a5.ipynb", ENDLESS)
    (place / "a6.ipynb").write_text("{ this is no notebook")
    return place


def course_grade(*arguments) -> tuple[int, str]:
    arguments = [str(argument) for argument in arguments]
    if "--jobs" not in arguments:
        arguments += ["--jobs", "1"]  # processes take seconds to start
    result = CliRunner().invoke(grade, arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def table(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / "grades.csv").open(encoding="utf-8", newline="") as file:
        return {row["learner"]: row for row in csv.DictReader(file)}


def test_a_class_gets_a_table_pages_and_a_summary(handed_in, tmp_path):
    out = tmp_path / "out"
    roster = tmp_path / "class.csv"
    roster.write_text("id,group\na1,x\na2,x\na3,y\na4,y\na5,y\na6,z\na7,z\n")
    code, said = course_grade(handed_in, "--roster", roster, "--out", out, "--seed", 1, "--jobs", 2)
    assert code == 0, said
    assert "6 graded" in said and "handed in nothing: 1" in said
    rows = table(out)
    assert {name: row["start.gate"] for name, row in rows.items()} == {
        "a1": "2", "a2": "2", "a3": "0", "a4": "0", "a5": "0", "a6": "", "a7": ""}  # fmt: skip
    assert rows["a1"]["group"] == "x" and rows["a7"]["remark"] == "handed in nothing"
    assert "is not a notebook" in (out / "feedback" / "a6.md").read_text()
    assert "It behaves like a weighted sum" in (out / "feedback" / "a4.md").read_text()
    assert "still running" in (out / "feedback" / "a5.md").read_text()
    summary = (out / "report.md").read_text()
    assert "| start.gate | 2 of 5 | 0.80 of 2 | 2 × a weighted sum" in summary and "a7" in summary
    assert "## a2/answers.ipynb" in (out / "feedback" / "a2.md").read_text()
    assert "## a3--2.zip/answers.ipynb" in (out / "feedback" / "a3.md").read_text()
    learners = {one["learner"]: one for one in json.loads((out / "report.json").read_text())["learners"]}
    assert learners["a3"]["work"] == "a3--2.zip" and learners["a1"]["points"] == 2
    assert (out / "junit.xml").read_text().count("<testcase") >= 5


def test_of_several_works_the_best_counts_if_asked_for(handed_in, tmp_path):
    for name in ("a1.ipynb", "a4.ipynb", "a5.ipynb", "a6.ipynb"):
        (handed_in / name).unlink()
    course_grade(handed_in, "--keep", "best", "--out", tmp_path / "out")
    assert table(tmp_path / "out")["a3"]["work"] == "a3--1.zip"


def test_nothing_is_graded_twice_but_what_is_asked_for(tmp_path):
    """What the store holds is believed: a row that was changed there shows, until its exercise is graded anew."""
    place, out = tmp_path / "submissions", tmp_path / "out"
    notebook(place / "a1.ipynb", RIGHT)
    course_grade(place, "--out", out)
    with sqlite3.connect(out / "graded.sqlite") as base:
        base.execute("""UPDATE rows SET row = replace(row, '"points": 2.0', '"points": 1.5')""")
        base.execute("""UPDATE rows SET row = replace(row, '"points": 2,', '"points": 1.5,')""")
    course_grade(place, "--out", out)
    assert table(out)["a1"]["points"] == "1.5"
    course_grade(place, "--out", out, "--only", "start.gate")
    assert table(out)["a1"]["points"] == "2"
    notebook(place / "a1.ipynb", WRONG)  # an answer that was changed is graded
    course_grade(place, "--out", out)
    assert table(out)["a1"]["points"] == "0"


SLOW = "# exercise: start.gate\nimport time, torch\ndef gate(x, weight, bias):\n    time.sleep(0.1)\n    return {}"


def test_a_run_that_was_killed_goes_on_to_the_same_grades(tmp_path):
    place, out, undisturbed = tmp_path / "submissions", tmp_path / "out", tmp_path / "undisturbed"
    for n in range(12):
        answer = SLOW.format("torch.sigmoid(weight * x + bias)" if n % 3 else f"x * {n}")
        notebook(place / f"a{n:02}.ipynb", answer)
    command = [sys.executable, "-m", "course_lib.cli", "grade", str(place), "--out", str(out), "--jobs", "2"]
    run = subprocess.Popen(command, cwd=repository(), start_new_session=True, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)  # fmt: skip
    try:
        deadline = time.monotonic() + 120
        while _kept(out) < 3 and run.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
    finally:
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
    kept = _kept(out)
    assert 3 <= kept < 12, "the run was not interrupted in its middle"
    assert course_grade(place, "--out", out)[0] == 0
    seed = json.loads((out / "report.json").read_text())["seed"]
    assert course_grade(place, "--out", undisturbed, "--seed", seed)[0] == 0
    assert table(out) == table(undisturbed) and len(table(out)) == 12


def _kept(out: Path) -> int:
    try:
        with sqlite3.connect(f"{(out / 'graded.sqlite').as_uri()}?mode=ro", uri=True) as base:
            return base.execute("SELECT count(*) FROM rows").fetchone()[0]
    except sqlite3.Error:
        return 0


class Killer:
    """Ends the process that unpickles it."""

    def __reduce__(self):
        return os._exit, (3,)


def test_a_judge_that_dies_costs_its_own_work_only(tmp_path):
    paths = {name: notebook(tmp_path / f"{name}.ipynb", RIGHT) for name in ("a1", "a2", "a3")}
    works = [Work(name, f"{name}.ipynb", 0.0, (path,)) for name, path in paths.items()]
    works.insert(1, Work("bad", "bad.ipynb", 0.0, (Killer(),)))
    store = Store(tmp_path / "graded.sqlite")
    graded = {one.work.learner: one for one in grade_class(works, store, Terms(seed=1), jobs=2)}
    assert {name: one.score.points for name, one in graded.items()} == {"a1": 2, "a2": 2, "a3": 2, "bad": 0}
    assert "the judge's own process ended" in graded["bad"].problem and not graded["a1"].problem


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0 or not shutil.which("mount"), reason="needs mount")
def test_a_full_disk_is_said_and_what_was_graded_stays(tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=160k", "tmpfs", small], check=False).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        store = Store(small / "graded.sqlite")
        row = Row("start.gate", "core", 1.0, 2.0, "failed", (), None, "x" * 10_000)
        with pytest.raises(StoreError, match=r"The disk is full: make room"):
            for n in range(100):
                store.put([(f"key {n}", row)])
        assert n > 1 and store.get("key 0") == row and store.get(f"key {n - 1}") == row
        store.close()
        again = Store(small / "graded.sqlite", writing=False)
        assert again.get("key 0") == row and again.get(f"key {n}") is None
        again.close()
    finally:
        subprocess.run(["umount", "-l", small], check=False)


def test_the_seed_is_that_of_the_run_before(tmp_path):
    store = Store(tmp_path / "graded.sqlite")
    seed = store.seed(None)
    assert store.seed(None) == seed and store.seed(7) == 7 and store.seed(None) == 7


def test_a_store_that_is_none(tmp_path):
    (tmp_path / "graded.sqlite").write_text("in the way" * 100)
    with pytest.raises(StoreError, match=r"graded.sqlite cannot be used: .*Then move it away"):
        Store(tmp_path / "graded.sqlite")


def graded(learner: str, *rows: Row, name: str = "a.ipynb", handed_in: float = 0.0) -> Graded:
    return Graded(Work(learner, name, handed_in, ()), (Report(Path(name), rows),))


def row(points: float, id: str = "start.gate", **fields) -> Row:
    return Row(id, "core", points, 2, "passed" if points == 2 else "failed", **fields)


def test_the_best_of_a_learner_and_the_later_of_two_equal_ones():
    chosen = best([graded("a", row(1), name="1"), graded("a", row(2), name="2"), graded("a", row(0), name="3"),
                   graded("b", row(1), name="1", handed_in=2), graded("b", row(1), name="2", handed_in=1)])  # fmt: skip
    assert {one.work.learner: one.work.name for one in chosen} == {"a": "2", "b": "1"}


def test_two_notebooks_with_one_exercise_count_its_better_answer():
    one = Graded(Work("a", "a", 0.0, ()), (Report(Path("1"), (row(0),)), Report(Path("2"), (row(2), row(1, "x")))))
    assert {id: found.points for id, found in one.rows.items()} == {"start.gate": 2, "x": 1}


def test_a_learner_cannot_write_formulas_or_tables():
    grades = ClassGrades((graded("=1+1", row(0, mistake="a | b")),), seed=1)
    assert "'=1+1" in as_csv(grades) and "1 × a \\| b" in as_summary(grades)


def test_a_class_has_no_minimum(tmp_path):
    notebook(tmp_path / "submissions" / "a1.ipynb", RIGHT)
    code, said = course_grade(tmp_path / "submissions", "--min-score", 50)
    assert code == 2 and "--min-score is for a learner's own notebooks" in said


def test_an_assignment_chooses_and_weighs(tmp_path):
    place, out, file = tmp_path / "submissions", tmp_path / "out", tmp_path / "assignment.yaml"
    other = right_answers()["recurrent.lstm.cell-state"]
    notebook(place / "a1.ipynb", RIGHT, other)
    notebook(place / "a2.ipynb", WRONG, other)
    file.write_text("exercises:\n  start.gate: 10\n")
    assert course_grade(place, "--assignment", file, "--out", out)[0] == 0
    rows = table(out)
    assert [rows[name][column] for name in ("a1", "a2") for column in ("points", "out_of")] == ["10", "10", "0", "10"]
    assert "recurrent.lstm.cell-state" not in rows["a1"]
    assert course_grade(place / "a1.ipynb", "--assignment", file, "--out", out)[1].count("10 of 10") == 2


def test_answers_are_laid_out_for_a_plagiarism_checker(handed_in, tmp_path):
    helped = "import torch\ndef squeeze(z):\n    return torch.sigmoid(z)"
    answer = "# exercise: start.gate\ndef gate(x, weight, bias):\n    return squeeze(weight * x + bias)  # mine"
    notebook(handed_in / "a1.ipynb", helped, "print('not a part of it')", answer)
    for name in ("a5.ipynb",):
        (handed_in / name).unlink()
    answers = tmp_path / "answers"
    code, said = course_grade(handed_in, "--out", tmp_path / "out", "--export-answers", answers)
    assert code == 0 and "4 answers are in" in said
    assert sorted(path.name for path in (answers / "start.gate").iterdir()) == ["a1.py", "a2.py", "a3.py", "a4.py"]
    text = (answers / "start.gate" / "a1.py").read_text()
    assert "def squeeze" in text and "squeeze(weight * x + bias)" in text and "not a part" not in text


def test_names_of_files_are_harmless_and_no_two_the_same():
    assert file_names(["../../etc", "a b", "a_b", "A_B", "", "é"]) == [
        "_.._etc", "a_b", "a_b_", "A_B__", "learner", "_"]  # fmt: skip
