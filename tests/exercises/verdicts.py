"""Verdicts on answers that are right in another way, or wrong in one, for the tests of a section's exercises."""

from collections.abc import Callable

from course_lib.exercises import get
from course_lib.exercises.feedback import words
from course_lib.exercises.judge import Verdict, judge
from course_lib.exercises.run import Call, HereRunner, Outcome, Runner
from course_lib.notebooks.files import right_answer


def call_once(runner: Runner, function: str, *inputs, seconds: float = 5.0, via: Callable | None = None) -> Outcome:
    """One call of a runner's."""
    return next(runner.run((Call(function, inputs, via),), seconds=seconds, whole=seconds))


def right_functions(id: str) -> dict[str, Callable]:
    """The functions of an exercise's right answer, by name."""
    namespace: dict = {}
    exec(right_answer(id), namespace)
    return {asked.name: namespace[asked.name] for asked in get(id).asked}


def verdict_on(id: str, *, seed: int = 0, **functions: Callable) -> Verdict:
    """The verdict on these functions, the others of the exercise being right."""
    return judge(get(id), HereRunner(right_functions(id) | functions), seed=seed)


def said(id: str, **functions: Callable) -> str:
    """All that is said about them, in one line."""
    return " ".join(words(verdict_on(id, **functions), times=2).split())
