"""What the learner is told about a verdict: plain text, the same in the notebook and in the report."""

import re
import textwrap
from inspect import signature
from typing import Any

from course_lib.exercises.compare import show
from course_lib.exercises.judge import Finding, Tried, Verdict
from course_lib.exercises.run import Problem

WIDTH = 110
PRINTED = 10  # lines of what the learner's function printed
GLUED = 60  # characters; what is longer may be broken
_NUMBERS = re.compile(r"(?:shape )?[(\[][-+.,\deinfa\s()\[\]]*[)\]][.,:;]?")  # "shape (3, 4)", "[[0.5, nan]]"
MARKS = {"passed": " ✓", "failed": " ✗", "not run": ": not run", "not started": ": not started"}


def words(verdict: Verdict, *, times: int = 1) -> str:
    """The verdict as plain text.

    Args:
        verdict: from the judge.
        times: how many times in a row this same mistake was made. The first time brings the symptom and a question, the
            second the place to look, the third offers the solution. Where several functions fail, the first of them
            is the one whose mistakes are counted.
    """
    lines = [headline(verdict)]
    for name, blank in verdict.blanks.items():
        if not blank.untouched:
            at = "line" if len(blank.lines) == 1 else "lines"
            lines.append(f"{name}: still to be written where `...` stands, in {at} {', '.join(map(str, blank.lines))}")
    for n, finding in enumerate(verdict.findings):
        lines += _what_happened(verdict, finding.failure)
        lines += _what_to_think_of(finding, times if n == 0 else 1)
    if verdict.findings and times >= 3:
        command = f"!course solution {verdict.exercise.id}"
        lines.append(f"If you would rather see it done: `{command}` in a cell, or in a terminal without the `!`.")
    return "\n".join(map(_printable, lines))


def headline(verdict: Verdict) -> str:
    """The function's name, the points, and how each part went, in one line."""
    names = ", ".join(asked.name for asked in verdict.exercise.asked)
    if verdict.status == "not started":
        return f"{names}   not started"
    if verdict.status == "not finished" and not verdict.points:
        return f"{names}   not finished"
    parts = [part.name + MARKS[part.status] for part in verdict.parts]
    return f"{names}   {verdict.points:g} of {verdict.out_of:g} points · " + " · ".join(parts)


def wrap(sentences: str) -> str:
    """Break lines where a notebook's output and a terminal can show them, but no shape or short list of numbers."""
    filled = textwrap.fill(_NUMBERS.sub(_glue, sentences), WIDTH, break_long_words=False, break_on_hyphens=False)
    return filled.replace("\u00a0", " ")


def _glue(found: re.Match) -> str:
    return found[0].replace(" ", "\u00a0") if len(found[0]) <= GLUED else found[0]


def missing_names(missing: tuple[str, ...]) -> str:
    """The warning about names that `grade` would not find."""
    names = ", ".join(f"`{name}`" for name in missing)
    return wrap(
        f"Your answer uses {names}. `course grade` takes imports, definitions and plain values (numbers, texts, lists "
        "of them) along with an answer, and runs no other cell: it would not find this. Hand it over as an argument, "
        "or make it inside the function."
    )


def _what_happened(verdict: Verdict, failure: Tried) -> list[str]:
    outcome, asked = failure.outcome, verdict.exercise.function(failure.case)
    if problem := outcome.problem:
        lines = [_told_with(failure, verdict, _problem_sentence(problem, asked.arguments))]
        if problem.line:
            lines.append(f"    line {problem.line}, in {problem.function}:  {problem.text}")
        return lines + _printed(failure)
    lines = [_told_with(failure, verdict, failure.symptom.sentence)]
    if outcome.changed:
        via = failure.case.via  # a program has names of its own for what it was given, behind the answer's
        names = tuple(signature(via).parameters)[1:] if via else asked.arguments
        changed = " and ".join(_argument(names, n) for n in outcome.changed)
        lines.append(wrap(f"It changes {changed} in place: whoever called it still needs the old values."))
    return lines + _printed(failure)


def _what_to_think_of(finding: Finding, times: int) -> list[str]:
    lines, symptom = [], finding.failure.symptom
    if known := finding.mistake:
        lines.append(wrap(f"It behaves like {known.name}. {known.ask}"))
        look = f"Look at {known.look}"
    else:
        if symptom.property:
            lines.append(wrap(symptom.property))
        look = "" if symptom.of_form() else _sentence(finding.failure.case.because)  # which speaks of the numbers
    if times >= 2 and look:
        lines.append(wrap(look))
    return lines


def _told_with(failure: Tried, verdict: Verdict, sentence: str) -> str:
    """«steps=2, keep=0.5: your bias is …»"""
    if failure.outcome.problem and failure.outcome.problem.kind == "missing":
        return wrap(sentence)
    inputs = _show_inputs(failure, verdict)
    return wrap(f"{inputs}: {sentence[0].lower()}{sentence[1:]}" if inputs else sentence)


def _show_inputs(failure: Tried, verdict: Verdict) -> str:
    asked = verdict.exercise.function(failure.case)
    each = (_show_input(_argument(asked.arguments, n), value) for n, value in enumerate(failure.case.inputs))
    shown = failure.case.shown or ", ".join(each)
    return f"{asked.name}({shown})" if len(verdict.exercise.asked) > 1 else shown


def _show_input(name: str, value: Any) -> str:
    """ "keep=0.5", or "x of shape (3, 4)" where the numbers are many."""
    text = show(value)
    return (
        f"{name} of {text.partition(' of ')[2]}"
        if text.startswith(("a tensor of", "an array of"))
        else f"{name}={text}"
    )


def _argument(names: tuple[str, ...], n: int) -> str:
    return names[n] if n < len(names) else f"argument {n + 1}"


def _problem_sentence(problem: Problem, arguments: tuple[str, ...]) -> str:
    match problem.kind:
        case "raised":
            return f"Your code raised {problem.message}"
        case "arguments":
            return f"Your function {problem.message}" + (f": {', '.join(arguments)}." if arguments else ".")
        case "missing":
            return problem.message
    return f"Your function {problem.message}."


def _printable(text: str) -> str:
    """A learner's own words may hold anything; a terminal and a file must bear them."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() or character in "\n\t" else "?" for character in text)


def _sentence(text: str) -> str:
    return text and text[0].upper() + text[1:] + ("" if text.endswith((".", "?")) else ".")


def _printed(failure: Tried) -> list[str]:
    lines = failure.outcome.printed.rstrip().splitlines()
    if not lines:
        return []
    if len(lines) == 1:
        said = [f"It printed: {lines[0].strip()[:WIDTH]}"]
    else:
        said = ["It printed:", *(f"    {line[:WIDTH]}" for line in lines[:PRINTED])]
    if len(lines) > PRINTED:
        said.append("    and more")
    if failure.outcome.problem is None and failure.outcome.value is None:
        said.append("`print` shows a value; `return` hands it back.")
    return said
