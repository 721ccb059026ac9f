"""`course mutants`: does the judge refuse each known mistake of an exercise, and recognise it by its name?"""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import click
from tqdm import tqdm

from course_lib.device import use_threads
from course_lib.exercises.judge import Finding, judge
from course_lib.exercises.model import Exercise, Mistake, UnknownExerciseError, get, registry
from course_lib.exercises.run import HereRunner
from course_lib.exercises.source import Blank

SEEDS = (0, 20_000_003)  # that of `check`, and another
UNWRITTEN = Blank(lines=(), untouched=True)


@dataclass(frozen=True)
class Survivor:
    """A known mistake that the judge does not deal with as it should.

    Args:
        exercise: its id.
        mistake: its name.
        how: "accepted", "not recognised", or "not judged" where the exercise itself fails.
        seed: of the numbers with which it came to light.
        why: what was found in its place; "" if nothing was.
    """

    exercise: str
    mistake: str
    how: Literal["accepted", "not recognised", "not judged"]
    seed: int
    why: str = ""

    def __str__(self) -> str:
        return f"{self.exercise}   {self.how}: {self.mistake} (seed {self.seed}{self.why and f'; {self.why}'})"


@click.command()
@click.argument("ids", nargs=-1, metavar="[ID ...]")
@click.pass_context
def mutants(context: click.Context, ids: tuple[str, ...]) -> None:
    """Try the known mistakes of the exercises named by ID; without one, those of all exercises.

    A line for each that is accepted, or not recognised by its name. The exit status is 1 if there is any.
    """
    use_threads()
    try:
        exercises = [get(id) for id in dict.fromkeys(ids)] or registry()
    except UnknownExerciseError as problem:
        raise click.ClickException(str(problem)) from None
    found = 0
    for exercise in tqdm(exercises, desc="trying mistakes", unit="exercise", disable=None, leave=False):
        for survivor in survivors(exercise):
            found += 1
            tqdm.write(str(survivor), file=sys.stdout)
    click.echo(_summary(exercises, found))
    context.exit(1 if found else 0)


def survivors(exercise: Exercise, seeds: Iterable[int] = SEEDS) -> Iterator[Survivor]:
    """The known mistakes of an exercise that are accepted or not recognised, each once."""
    found: set[Mistake] = set()
    for seed in seeds:  # outside: an exercise keeps the cases of one seed, and the judge what the mistakes make of them
        for known in exercise.mistakes:
            if known not in found and (survivor := _try(exercise, known, seed)):
                found.add(known)
                yield survivor


def _try(exercise: Exercise, known: Mistake, seed: int) -> Survivor | None:
    """Judge a mistake by itself: the other functions of its exercise count as not written yet, and are not called."""
    blanks = {asked.name: UNWRITTEN for asked in exercise.asked if asked.name != known.call}
    try:
        verdict = judge(exercise, HereRunner({known.call: known.run}), seed=seed, blanks=blanks)
    except Exception as problem:  # the exercise's own: its cases, or its test of a result
        why = f"the exercise raised {type(problem).__name__}: {problem}"
        return Survivor(exercise.id, known.name, "not judged", seed, why)
    if not verdict.findings:
        return Survivor(exercise.id, known.name, "accepted", seed)
    if verdict.mistake is not known:
        return Survivor(exercise.id, known.name, "not recognised", seed, _instead(verdict.findings[0]))
    return None


def _instead(finding: Finding) -> str:
    """What the judge takes the mistake for."""
    if finding.mistake:
        return f"taken for: {finding.mistake.name}"
    return f"all that is seen: {finding.symptom}"


def _summary(exercises: list[Exercise], found: int) -> str:
    count = sum(len(exercise.mistakes) for exercise in exercises)
    tried = f"{_counted(count, 'known mistake')} of {_counted(len(exercises), 'exercise')} tried"
    without = [exercise.id for exercise in exercises if not exercise.mistakes]
    lines = [f"{tried}: " + (f"{found} accepted or not recognised." if found else "all refused and recognised.")]
    lines += [f"No known mistakes: {', '.join(without)}."] if without else []
    return "\n".join(lines)


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
