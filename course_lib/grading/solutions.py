"""`course solution` in the workbook and in its copies for students, which have no `tests/answers/`."""

import json

import click

from course_lib.notebooks import learner
from course_lib.notebooks.files import NotebookError, right_answers
from course_lib.paths import repository

KEPT = "data/solutions.json"  # in a copy: the right answers, by exercise


def as_kept() -> str:
    """The right answers as a copy keeps them."""
    return json.dumps(right_answers(), indent=1, ensure_ascii=False) + "\n"


def show(exercise: str) -> None:
    """Print the right answer of an exercise, as far as this copy of the workbook has it.

    Raises:
        NotebookError: there is no such exercise, or no right answer here.
    """
    if right_answers():
        return learner.solution.callback(exercise)
    file = repository() / KEPT
    if not file.is_file():
        raise NotebookError("This copy of the workbook has no solutions. Ask your teacher for this one.")
    solutions = json.loads(file.read_text(encoding="utf-8"))
    if exercise not in solutions:
        raise NotebookError(_missing(exercise))
    click.echo(solutions[exercise], nl=False)


def _missing(exercise: str) -> str:
    from course_lib.exercises.model import UnknownExerciseError, get  # only now: it takes seconds to import

    try:
        return f"This copy of the workbook has no solution of {get(exercise).id}."
    except UnknownExerciseError as problem:
        return str(problem)


solution = click.Command("solution", params=learner.solution.params, help=learner.solution.help, callback=show)
