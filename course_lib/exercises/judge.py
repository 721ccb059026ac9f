"""The one judge of answers, for `check` and `grade` alike: runs the cases, compares, and recognises known mistakes."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

from course_lib.exercises.compare import Symptom, conform, difference
from course_lib.exercises.model import Case, Exercise, Mistake, Part
from course_lib.exercises.run import Call, HereRunner, Outcome, Problem, Runner
from course_lib.exercises.source import Blank
from course_lib.exercises.values import alike, identical

WHOLE = 4  # an exercise's cases may take this many times the limit of one call

Status = Literal["passed", "failed", "not run", "not started"]


@dataclass(frozen=True)
class Tried:
    """One case that was run.

    Args:
        case: what was asked.
        outcome: what the call gave.
        value: the result in the wanted kinds, as far as it can be had.
        symptom: what is wrong with it; None if nothing is.
    """

    case: Case
    outcome: Outcome
    value: Any = None
    symptom: Symptom | None = None

    @property
    def seen(self) -> Any:
        """What of the result counts, for comparing it with what a known mistake gives."""
        view = self.case.view
        return self.value if view is None or _unusable(self) else view(self.value)


@dataclass(frozen=True)
class Finding:
    """What is wrong with one function.

    Args:
        failure: the first of its cases that failed, so the smallest.
        mistake: the known mistake that it behaves like.
    """

    failure: Tried
    mistake: Mistake | None = None

    @property
    def symptom(self) -> str:
        """What went wrong, by name: the known mistake, else the kind of symptom."""
        return self.mistake.name if self.mistake else self.failure.symptom.kind


@dataclass(frozen=True)
class PartResult:
    """How one part of an exercise went."""

    name: str
    out_of: float
    status: Status

    @property
    def points(self) -> float:
        """All of the part's points, or none."""
        return self.out_of if self.status == "passed" else 0


@dataclass(frozen=True)
class Verdict:
    """What the judge found.

    Args:
        exercise: what was asked.
        seed: of the numbers that were drawn.
        parts: in order.
        findings: one for each function that failed, in the order of the cases.
        blanks: what is still to be written, by function.
    """

    exercise: Exercise
    seed: int
    parts: tuple[PartResult, ...]
    findings: tuple[Finding, ...] = ()
    blanks: Mapping[str, Blank] = field(default_factory=dict)

    @property
    def failure(self) -> Tried | None:
        """The first case that failed."""
        return self.findings[0].failure if self.findings else None

    @property
    def mistake(self) -> Mistake | None:
        """The known mistake that the first failing function behaves like."""
        return self.findings[0].mistake if self.findings else None

    @property
    def points(self) -> float:
        """Points earned."""
        return sum(part.points for part in self.parts)

    @property
    def out_of(self) -> float:
        """Points that a right answer earns."""
        return sum(part.out_of for part in self.parts)

    @property
    def status(self) -> Literal["passed", "failed", "not started", "not finished"]:
        """The verdict in a word or two."""
        if all(part.status == "passed" for part in self.parts):
            return "passed"
        if self.failure:
            return "failed"
        asked = {asked.name for asked in self.exercise.asked}
        untouched = {name for name, blank in self.blanks.items() if blank.untouched}
        return "not started" if untouched == asked else "not finished"

    @property
    def symptom(self) -> str | None:
        """What went wrong first, by name."""
        return self.findings[0].symptom if self.findings else None


def judge(exercise: Exercise, runner: Runner, *, seed: int = 0, blanks: Mapping[str, Blank] | None = None) -> Verdict:
    """Judge an answer.

    Args:
        exercise: what was asked.
        runner: where the answer's functions run.
        seed: draws the numbers of the cases.
        blanks: functions that are still to be written; they are not called.
    """
    blanks = blanks or {}
    cases = exercise.cases(seed)
    tried = _try(exercise, tuple(case for case in cases if exercise.function(case).name not in blanks), runner)
    return Verdict(
        exercise,
        seed,
        tuple(PartResult(p.name, p.points, _status(p, cases, tried, exercise, blanks)) for p in exercise.parts(cases)),
        tuple(_findings(exercise, list(tried.values()))),
        blanks,
    )


def _try(exercise: Exercise, cases: tuple[Case, ...], runner: Runner) -> dict[Case, Tried]:
    """The cases that were run: all, or up to one with a fatal problem."""
    limits = {"seconds": exercise.seconds, "whole": WHOLE * exercise.seconds}
    outcomes = runner.run(_calls(exercise, cases), **limits, without=exercise.without)
    return {case: _assess(exercise, case, outcome) for case, outcome in zip(cases, outcomes, strict=False)}


@lru_cache(maxsize=500)  # the same ones for the same cases, so that a runner can keep what it makes of them
def _calls(exercise: Exercise, cases: tuple[Case, ...]) -> tuple[Call, ...]:
    return tuple(Call(exercise.function(case).name, case.inputs, case.via) for case in cases)


def _assess(exercise: Exercise, case: Case, outcome: Outcome) -> Tried:
    """The case with what is wrong with its outcome, if anything."""
    if case not in outcome.assessed:
        outcome.assessed[case] = _value_and_symptom(exercise, case, outcome)
    return Tried(case, outcome, *outcome.assessed[case])


def _value_and_symptom(exercise: Exercise, case: Case, outcome: Outcome) -> tuple[Any, Symptom | None]:
    """The result in the wanted kinds, and what is wrong with it."""
    asked = exercise.function(case)
    if outcome.problem:
        return None, Symptom(_kind(outcome.problem), "")
    if outcome.used:
        names = " and ".join(outcome.used)
        sentence = f"Your answer uses {names}, which this exercise asks you to write yourself."
        return outcome.value, Symptom("library used", sentence)
    value, symptom = outcome.value, None
    if case.form is not None or not identical(value, case.expected):
        value, symptom = conform(value, case.expected if case.form is None else case.form, asked.results)
        symptom = symptom or _judge_value(case, value, asked.results)
    if symptom is None and exercise.keeps_inputs and outcome.changed:
        symptom = Symptom("input changed", "The result is right.")
    return value, symptom


def _kind(problem: Problem) -> str:
    """What to call a problem: an exception by its type."""
    if problem.kind == "raised":
        return re.match(r"\w{1,60}|", problem.message)[0] or "an exception"
    names = {"arguments": "other arguments", "time": "too slow", "died": "process ended", "missing": "not defined"}
    return names.get(problem.kind, "stopped")


def _judge_value(case: Case, value: Any, names: tuple[str, ...]) -> Symptom | None:
    if case.test:
        sentence = case.test(value)
        return Symptom("property violated", sentence) if sentence else None
    seen = case.view(value) if case.view else value
    symptom = difference(seen, case.expected, rtol=case.rtol, atol=case.atol, names=names)
    if symptom and case.explain:
        return Symptom(symptom.kind, case.explain(value))
    return symptom


def _status(part: Part, cases: list[Case], tried: dict[Case, Tried], exercise: Exercise, blanks: Mapping) -> Status:
    mine = [case for case in cases if case.part == part]
    ran = [tried[case] for case in mine if case in tried]
    if any(one.symptom for one in ran):
        return "failed"
    if any(exercise.function(case).name in blanks for case in mine):
        return "not started"
    return "passed" if len(ran) == len(mine) else "not run"


def _findings(exercise: Exercise, tried: list[Tried]) -> Iterator[Finding]:
    """The smallest failure of each function, with its known mistake."""
    by_function: dict[str, list[Tried]] = {}
    for one in tried:
        by_function.setdefault(exercise.function(one.case).name, []).append(one)
    for function, cases in by_function.items():
        if failure := next((one for one in cases if one.symptom), None):
            yield Finding(failure, _recognise(exercise, function, cases, failure))


def _recognise(exercise: Exercise, function: str, tried: list[Tried], failure: Tried) -> Mistake | None:
    """The known mistake that gives what this function gives: in every case, and wrongly in two at least."""
    if failure.outcome.used or (failure.outcome.problem and failure.outcome.problem.fatal):
        return None
    if sum(one.symptom is not None for one in tried) < 2:
        return None
    for known in exercise.mistakes:
        if known.call == function and _behaves_like(exercise, tried, known):
            return known
    return None


def _behaves_like(exercise: Exercise, tried: list[Tried], known: Mistake) -> bool:
    return all(_same(one, _mistaken(exercise, one.case, known)) for one in tried)


@lru_cache(maxsize=5000)
def _mistaken(exercise: Exercise, case: Case, known: Mistake) -> Tried:
    """What a known mistake makes of a case; kept, for in a class many make the same."""
    return _try(exercise, (case,), HereRunner({known.call: known.run}))[case]


def _same(a: Tried, b: Tried) -> bool:
    if a.outcome.problem or b.outcome.problem:
        problems = a.outcome.problem, b.outcome.problem
        return all(problems) and problems[0].message == problems[1].message
    tiny = 1e-12  # so that two underflows are the same where only the share counts
    return alike(a.seen, b.seen, rtol=a.case.rtol, atol=max(a.case.atol, tiny))


def _unusable(one: Tried) -> bool:
    """Whether the result has not even the wanted kind, so that nothing can be viewed in it."""
    form = one.case.expected if one.case.form is None else one.case.form
    return conform(one.value, form)[1] is not None
