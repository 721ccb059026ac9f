"""`assignment.yaml`: what is chosen, how points are counted, and a sentence for whatever cannot be meant."""

import dataclasses

import pytest
from click.testing import CliRunner

from course_lib.exercises import get
from course_lib.grading import command
from course_lib.grading.assignment import ASSIGNMENT, Assignment
from course_lib.grading.grade import Report, Row
from course_lib.notebooks.files import right_answers
from tests.notebooks.making import code, save

WEEK = """
title: Week 4
exercises:
  recurrent.lstm: 4  # points for all of its parts
  recurrent.lstm.cell-state:
"""


@pytest.fixture
def read(tmp_path):
    """Read an assignment from this text."""

    def read(text: str | bytes) -> Assignment:
        path = tmp_path / "assignment.yaml"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return Assignment.read(path)

    return read


def test_title_and_points_in_the_files_order(read):
    assignment = read(WEEK)
    assert assignment == Assignment("Week 4", {"recurrent.lstm": 4.0, "recurrent.lstm.cell-state": None})
    assert list(assignment.points) == ["recurrent.lstm", "recurrent.lstm.cell-state"]


def test_a_mark_at_the_beginning_windows_line_ends_and_no_title(read):
    assert read(b"\xef\xbb\xbfexercises:\r\n  start.gate: 2\r\n") == Assignment("", {"start.gate": 2.0})


def test_parts_keep_their_shares(read):
    assignment, exercise = read(WEEK), get("recurrent.lstm")
    assert assignment.scale(exercise.id, exercise.points, exercise.points) == (4.0, 4.0)
    assert assignment.scale(exercise.id, 0, exercise.points) == (0.0, 4.0)
    parts = exercise.parts(exercise.cases(0))
    scaled = [assignment.scale(exercise.id, part.points, part.points)[1] for part in parts]
    assert sum(scaled) == pytest.approx(4)
    assert [share / scaled[0] for share in scaled] == pytest.approx([part.points / parts[0].points for part in parts])


def test_without_a_number_an_exercise_keeps_its_own_points(read):
    assert read(WEEK).scale("recurrent.lstm.cell-state", 1, 3) == (1, 3)


def test_a_minimum_stands_beside_the_exercises_or_alone(read, tmp_path):
    assert read(WEEK).minimum is None and read("minimum:\nexercises: {start.gate: 1}").minimum is None
    assert read(f"minimum: 60{WEEK}") == dataclasses.replace(read(WEEK), minimum=60.0)
    alone = read("minimum: 0.5")
    assert alone == Assignment("", {}, 0.5)
    report = Report(tmp_path / "a.ipynb", (Row("start.gate", "core", 1, 2, "failed"),))
    assert alone.count(report) is report, "without exercises all count, by their own points"


def test_an_exercise_that_is_not_chosen_has_no_points(read):
    with pytest.raises(KeyError):
        read(WEEK).scale("start.gate", 1, 3)


def test_scaling_leaves_the_cases_that_a_class_is_graded_with(read):
    assignment, exercise = read("exercises: {start.gate: 7}"), get("start.gate")
    assignment.scale(exercise.id, 1, 1)
    drawn = exercise.cases(5)
    assignment.scale(exercise.id, 1, 1)
    assert exercise.cases(5) is drawn


WRONG = {
    "exercises:\n  start.gate: [1": "assignment.yaml is not YAML: line 2 cannot be understood.",
    b"\xff\xfe\x00": "assignment.yaml is not YAML.",
    "exercises: " + "[" * 5000: "assignment.yaml is not YAML",
    "exercises: {start.gat: 1}": "There is no exercise 'start.gat'. Did you mean start.gate",
    "exercises: {4.3: 1}": "There is no exercise '4.3'.",
    "exercises: {start.gate: -1}": "the points of start.gate are -1. Give a number from 0 on.",
    "exercises: {start.gate: .nan}": "the points of start.gate are nan. Give a number from 0 on.",
    "exercises: {start.gate: .inf}": "the points of start.gate are inf. Give a number from 0 on.",
    f"exercises: {{start.gate: 1{'0' * 400}}}": "Give a number from 0 on.",
    "exercises: {start.gate: many}": "the points of start.gate are 'many', which is not a number.",
    "exercises: {start.gate: true}": "the points of start.gate are True, which is not a number.",
    "exercises:\n  start.gate: 1\n  recurrent.lstm: 2\n  start.gate: 3": (
        "start.gate stands in it twice, the second time in line 4. Keep one of them."
    ),
    "exercises: {start.gate: 1}\nexercises: {recurrent.lstm: 1}": "exercises stands in it twice",
    "exercises: {start.gate: 1}\nsede: 4": "it says sede, which means nothing here. Use title, minimum, exercises.",
    "exercises: [start.gate]": "write the exercises one a line, each with a colon",
    "title: Week 4\nexercises:": "no exercise is chosen.",
    "minimum: 60\nexercises:": "no exercise is chosen.",
    "minimum: 101": "its minimum is 101. Give percent of the points, a number from 0 to 100.",
    "minimum: -1": "its minimum is -1.",
    "minimum: 60 %": "its minimum is 60 %.",
    "minimum: true": "its minimum is True.",
    "minimum: .nan": "its minimum is nan.",
    "minimum: [60]": "its minimum is [60].",
    f"minimum: 1{'0' * 400}": "its minimum is 10000000000000000000.",
    "title: Week 4": "it names no exercises.",
    "title: [Week, 4]\nexercises: {start.gate: 1}": "its title is not a line of text.",
    "": "it names no exercises.",
    "Week 4": "it names no exercises.",
    "exercises: !!python/object/apply:os.getcwd []": "assignment.yaml is not YAML",
}


@pytest.mark.parametrize("text", WRONG, ids=range(len(WRONG)))
def test_what_cannot_be_meant_gets_a_sentence(read, text):
    with pytest.raises(ValueError) as raised:
        read(text)
    assert WRONG[text] in str(raised.value)
    assert "assignment.yaml" in str(raised.value) and str(raised.value).endswith((".", "?"))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ValueError, match=r"cannot be read: No such file or directory\."):
        Assignment.read(tmp_path / "none.yaml")


# ---- the minimum, obeyed by `course grade`


@pytest.fixture
def graded(tmp_path, monkeypatch):
    """`course grade` in a small workbook, where start.gate is solved and start.temperature is not begun."""
    notebook = tmp_path / "notebooks" / "00_start_here.ipynb"
    save(notebook, code(right_answers()["start.gate"], id="a"))
    monkeypatch.setattr(command, "repository", lambda: tmp_path)

    def graded(*options, assignment: str | None = None) -> tuple[int, str]:
        if assignment:
            (tmp_path / ASSIGNMENT).write_text(assignment)
        arguments = [str(notebook), "--out", str(tmp_path / "out"), *map(str, options)]
        done = CliRunner().invoke(command.grade, arguments)
        return done.exit_code, done.output

    return graded


def test_without_an_assignment_nothing_is_too_little(graded):
    assert graded()[0] == 0


def test_course_grade_fails_under_the_assignments_minimum(graded, tmp_path):
    wrong = save(tmp_path / "notebooks" / "wrong.ipynb", code("# exercise: start.gate\ngate = 1", id="a"))
    half = "minimum: {}\nexercises: {{start.gate: 1}}"
    assert graded(assignment=half.format(100))[0] == 0
    status, said = graded(wrong, assignment=half.format(50.5))
    assert status == 1 and "Not enough: 1 of 2 points, 50 %, where 50.5 % are asked for." in said
    assert graded(wrong, "--min-score", 50)[0] == 0, "the command line wins, also where it asks for less"
    assert graded(wrong, assignment=half.format(50))[0] == 0
    assert graded(wrong, "--min-score", 51)[0] == 1
