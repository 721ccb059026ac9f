"""`check`, which a notebook calls below each answer."""

import ast
import dis
import inspect
import linecache
import sys
import textwrap
from collections.abc import Callable, Sequence
from typing import Any

from course_lib import progress
from course_lib.exercises.compare import describe_kind
from course_lib.exercises.feedback import missing_names, words
from course_lib.exercises.judge import Verdict, judge
from course_lib.exercises.model import Exercise, get
from course_lib.exercises.run import HereRunner
from course_lib.exercises.source import Blank, Cell, blank, extract, parse
from course_lib.exercises.values import plain


def check(id: str, *answers: Callable) -> None:
    """Judge an answer and print what there is to say, in plain text; keep the points and mistakes in the progress file.

    Args:
        id: the exercise, for example "recurrent.lstm".
        answers: the functions that it asks for, in its order.

    Raises:
        UnknownExerciseError: no exercise has this id.
        TypeError: not as many functions as the exercise asks for.
    """
    exercise = get(id)
    names = [asked.name for asked in exercise.asked]
    if len(answers) != len(names):
        raise TypeError(f'call it with the functions of this exercise: check("{id}", {", ".join(names)})')
    for name, answer in zip(names, answers, strict=True):
        if not callable(answer):
            print(f"{name} is {_describe(answer)}, not a function. Hand over the function itself, without brackets.")
            return
    verdict = examine(exercise, *answers)
    print(words(verdict, times=_note(verdict)))
    if verdict.status != "not started" and (missing := _missing_names(answers)):
        print(missing_names(missing))


def examine(exercise: Exercise, *answers: Callable, seed: int = 0) -> Verdict:
    """Judge an answer in this process, without printing or keeping anything."""
    functions = {asked.name: answer for asked, answer in zip(exercise.asked, answers, strict=True)}
    blanks = {name: todo for name, answer in functions.items() if (todo := _blank(answer, exercise.blanks))}
    return judge(exercise, HereRunner(functions), seed=seed, blanks=blanks)


def _note(verdict: Verdict) -> int:
    """Keep the result; return how many times in a row this mistake was made."""
    stopped = verdict.failure and verdict.failure.outcome.problem and verdict.failure.outcome.problem.kind == "stopped"
    if stopped or verdict.status in ("not started", "not finished"):
        return 1
    return progress.attempt(verdict.exercise.id, verdict.points, verdict.out_of, verdict.symptom)


def _describe(answer: Any) -> str:
    return describe_kind(plain(answer))


def _blank(answer: Callable, blanks: int) -> Blank | None:
    node = _definition(answer)
    return _blank_code(answer) if node is None else blank(node, blanks)


def _definition(answer: Callable) -> ast.stmt | None:
    """The syntax tree of an answer, its lines counted as in its cell; None where the source can't be had."""
    try:
        if inspect.isclass(answer):
            return _class_definition(answer)
        lines, first = inspect.getsourcelines(answer)
        tree = parse(textwrap.dedent("".join(lines)))
    except (OSError, TypeError, SyntaxError):
        return None
    ast.increment_lineno(tree, first - 1)
    return tree.body[0]


def _class_definition(answer: type) -> ast.stmt | None:
    """A class's syntax tree, found by way of its methods: they know the cell that they stand in, the class does not."""
    files = {method.__code__.co_filename for method in vars(answer).values() if inspect.isfunction(method)}
    trees = (parse("".join(linecache.getlines(file))) for file in files)
    return next((node for tree in trees for node in tree.body if getattr(node, "name", "") == answer.__name__), None)


def _blank_code(answer: Callable) -> Blank | None:
    """Where there is no source: read from the byte code whether a function keeps or returns `...`, or does nothing."""
    if not inspect.isfunction(answer):
        return None
    steps = list(dis.get_instructions(answer))
    pairs = zip(steps, [*steps[1:], steps[-1]], strict=True)
    lines = [step.positions.lineno or 0 for step, then in pairs if step.argval is ... and _keeps(step, then)]
    idle = {"RESUME", "LOAD_CONST", "RETURN_VALUE", "RETURN_CONST"}
    does_nothing = all(step.opname in idle and (step.argval is None or step.opname == "RESUME") for step in steps)
    return Blank(tuple(lines), untouched=True) if lines or does_nothing else None


def _keeps(step: dis.Instruction, then: dis.Instruction) -> bool:
    """Whether a constant is stored or returned, not used as an index."""
    return step.opname == "RETURN_CONST" or then.opname.startswith(("STORE_FAST", "RETURN_VALUE"))


def _missing_names(answers: Sequence[Callable]) -> tuple[str, ...]:
    """Names that `grade` would not find; none where the cells can't be had."""
    cells = [Cell.read(f"cell {n}", source) for n, source in enumerate(_cells_run(answers[0]), 1)]
    return extract(cells, [getattr(answer, "__name__", "") for answer in answers], homes=()).missing


def _cells_run(answer: Callable) -> list[str]:
    """The cells that this notebook has run, or the file that defines the answer."""
    if (ipython := sys.modules.get("IPython")) and (shell := ipython.get_ipython()):
        return list(shell.history_manager.input_hist_parsed)
    try:
        return [inspect.getsource(inspect.getmodule(answer))]
    except (OSError, TypeError):
        return []
