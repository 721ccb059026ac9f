"""What of the exercises' own modules reaches a learner's process: the programs that call an answer, no more."""

import ast
from dataclasses import astuple

import pytest

from course_lib.exercises import registry
from course_lib.exercises.run import call
from course_lib.grading.child import _program
from course_lib.grading.programs import hidden_folders, program

PROGRAMS = {case.via for exercise in registry() for case in exercise.cases(seed=0) if case.via}


@pytest.mark.parametrize("via", sorted(PROGRAMS, key=lambda via: via.__qualname__), ids=lambda via: via.__name__)
def test_a_program_travels_without_what_is_expected(via):
    for piece in program(via):
        body = ast.parse(piece.source).body
        for statement in (body[position] for position in piece.keep):
            decorators = map(ast.unparse, getattr(statement, "decorator_list", ()))
            assert not any(name.startswith(("exercise", "mistake")) for name in decorators)
            if isinstance(statement, ast.ImportFrom):
                assert not any(statement.module.startswith(room) for room in hidden_modules()), ast.unparse(statement)


def hidden_modules() -> list[str]:
    return [".".join(folder.rsplit("/", 3)[-3:]) for folder in hidden_folders()]


def test_the_rooms_of_exercises_are_hidden():
    rooms = ("foundations", "recurrent", "start_here", "tensors")
    assert hidden_modules() == [f"course_lib.{room}.exercises" for room in rooms]


@pytest.mark.parametrize("exercise", [e for e in registry() if any(c.via for c in e.cases(0))], ids=lambda e: e.id)
def test_a_sent_program_does_what_it_does_here(exercise):
    """With an answer that fails, both say the same; no answer is needed for that."""

    def unfinished(*inputs, **options):
        raise NotImplementedError

    for case in exercise.cases(seed=0):
        if case.via:
            sent = _program(case.via.__name__, *map(astuple, program(case.via)))
            here = call(unfinished, case.inputs, seconds=5, via=case.via)
            there = call(unfinished, case.inputs, seconds=5, via=sent)
            assert (here.problem and here.problem.message) == (there.problem and there.problem.message)
