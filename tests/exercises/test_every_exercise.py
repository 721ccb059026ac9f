"""Every exercise of the registry: its declaration, its right answer and its known mistakes, in `check` and `grade`.

A new exercise is covered as soon as it is declared and its right answer stands in `tests/answers/`.
"""

import ast
import re
from copy import deepcopy

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from course_lib.exercises import Exercise, registry
from course_lib.exercises.feedback import words
from course_lib.exercises.judge import judge
from course_lib.exercises.model import Mistake
from course_lib.exercises.run import HereRunner
from course_lib.exercises.source import Cell, blank, extract
from course_lib.exercises.values import Odd, alike, plain
from course_lib.grading.grade import Row, grade_notebook
from course_lib.grading.runner import ChildRunner, starter
from course_lib.grading.sandbox import Limits
from course_lib.notebooks.files import exercise_of, find_notebooks, read_notebook, right_answers

EXERCISES = registry()
MISTAKES = [(exercise, known) for exercise in EXERCISES for known in exercise.mistakes]
SEEDS = (0, 20_000_003)  # that of `check`, and another
RIGHT = right_answers()

each_exercise = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.id)
each_mistake = pytest.mark.parametrize(
    ("exercise", "known"), MISTAKES, ids=[f"{exercise.id}: {known.name}" for exercise, known in MISTAKES]
)


@pytest.fixture(scope="module")
def child():
    """One child for all of them, which may therefore take its time; it finds the known mistakes, which are its answers,
    where other answers do not see them."""
    with starter(Limits(seconds=3600), hidden=()) as start, ChildRunner(start) as runner:
        yield runner


def right_functions(exercise: Exercise) -> dict:
    namespace: dict = {}
    exec(RIGHT[exercise.id], namespace)
    return {asked.name: namespace[asked.name] for asked in exercise.asked}


class Keeping(HereRunner):
    """Keeps the outcomes that the judge gets: it must not change them, for many learners may share one."""

    def run(self, calls, **limits):
        self.outcomes = list(super().run(calls, **limits))
        self.before = deepcopy([outcome.value for outcome in self.outcomes])
        return iter(self.outcomes)

    @property
    def are_untouched(self) -> bool:
        return alike(self.before, [outcome.value for outcome in self.outcomes])


def graded(exercise: Exercise, source: str, child: ChildRunner, folder, seed: int) -> Row:
    """The row that `grade` gives for a notebook with this answer cell."""
    path = folder / "answer.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell(f"# exercise: {exercise.id}\n{source}")]), path)
    rows = grade_notebook(path, child, seed=seed).rows
    return next(row for row in rows if row.exercise == exercise.id)


def source_of_mistake(exercise: Exercise, known: Mistake) -> str:
    """An answer cell that is right but for one function, which makes the mistake."""
    asked = next(asked for asked in exercise.asked if asked.name == known.call)
    arguments = ", ".join(asked.arguments)
    position = exercise.mistakes.index(known)
    return (
        f"{RIGHT[exercise.id]}\nfrom course_lib.exercises import get\n"
        f"def {known.call}({arguments}):\n    return get({exercise.id!r}).mistakes[{position}].run({arguments})\n"
    )


@each_exercise
def test_declaration(exercise):
    assert exercise.level in ("core", "more") and 1 <= exercise.minutes <= 30 and exercise.title
    assert len(exercise.mistakes) >= 3, "an exercise knows the likely mistakes"
    names = {asked.name for asked in exercise.asked}
    for known in exercise.mistakes:
        assert known.call in names
        assert known.ask.endswith("?") and known.look.endswith((".", "?"))
        assert not known.name.endswith(".") and known.name not in known.ask
    for case in exercise.cases(seed=0):
        assert exercise.function(case).name in names
        assert case.via or len(case.inputs) == len(exercise.function(case).arguments)
        assert "Odd(" not in repr(plain(case.inputs)), "inputs are data"


@each_exercise
def test_another_seed_draws_other_numbers_but_the_same_kinds_of_case(exercise):
    def kinds(seed: int) -> list:
        return [
            (case.part, case.call, [getattr(value, "shape", type(value)) for value in case.inputs], case.shown)
            for case in exercise.cases(seed)
        ]

    def numbers(seed: int) -> str:
        return repr([(case.inputs, case.expected) for case in exercise.cases(seed)])

    assert kinds(0) == kinds(1) == kinds(2)
    assert numbers(0) == numbers(0)
    if any(case.inputs for case in exercise.cases(0)):  # else the numbers are hidden in the tests of a property
        assert numbers(0) != numbers(1)


@each_exercise
@pytest.mark.parametrize("seed", SEEDS)
def test_the_right_answer_earns_full_marks_in_both(exercise, seed, child, tmp_path):
    verdict = judge(exercise, runner := Keeping(right_functions(exercise)), seed=seed)
    assert (verdict.status, verdict.points) == ("passed", exercise.points), words(verdict)
    assert runner.are_untouched
    row = graded(exercise, RIGHT[exercise.id], child, tmp_path, seed)
    assert (row.status, row.points, row.out_of) == ("passed", exercise.points, exercise.points), row.feedback


@each_mistake
@pytest.mark.parametrize("seed", SEEDS)
def test_a_known_mistake_fails_and_is_recognised_in_both(exercise, known, seed, child, tmp_path):
    verdict = judge(exercise, runner := Keeping(right_functions(exercise) | {known.call: known.run}), seed=seed)
    assert runner.are_untouched
    assert verdict.points < exercise.points
    assert verdict.symptom == known.name, words(verdict)
    assert verdict.failure.case.call in (None, known.call), "it fails for its own reason"

    row = graded(exercise, source_of_mistake(exercise, known), child, tmp_path, seed)
    assert (row.points, row.mistake) == (verdict.points, known.name), row.feedback
    assert without_their_line(row.feedback) == without_their_line(words(verdict))


def without_their_line(feedback: str) -> list[str]:
    """A mistake that runs here has no line in a learner's cell."""
    return [line for line in feedback.splitlines() if not re.match(r" +line \d+, in ", line)]


@each_exercise
def test_an_answer_cell_stands_untouched_in_the_notebooks(exercise):
    cells = [
        cell.source
        for path in find_notebooks()
        for cell in read_notebook(path).cells
        if exercise_of(cell) == exercise.id
    ]
    assert len(cells) == 1, "each exercise has one answer cell"
    nodes = extract([Cell.read("cell", cells[0])], [asked.name for asked in exercise.asked], homes=[0]).nodes
    for asked in exercise.asked:
        assert blank(nodes[asked.name], exercise.blanks).untouched
        assert _arguments(nodes[asked.name]) == asked.arguments


def _arguments(node: ast.FunctionDef | ast.ClassDef) -> tuple[str, ...]:
    """What a function is called with; of a class, what makes one."""
    if isinstance(node, ast.FunctionDef):
        return tuple(argument.arg for argument in node.args.args)
    init = next(item for item in node.body if getattr(item, "name", "") == "__init__")
    return _arguments(init)[1:]


def test_every_right_answer_belongs_to_an_exercise():
    assert RIGHT.keys() == {exercise.id for exercise in EXERCISES}


def test_plain_refuses_what_is_no_data():
    assert plain((1, print)) == (1, Odd("a builtin_function_or_method"))
