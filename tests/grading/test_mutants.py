"""`course mutants` tells which known mistakes an exercise accepts or does not recognise."""

import numpy as np
import pytest

from course_lib.exercises import Case, exercise, mistake, model, part
from course_lib.grading.mutants import SEEDS, survivors
from tests.exercises.samples import declared
from tests.notebooks.making import course

WEAK = "samples.weak"


def drawn(seed: int) -> list[int]:
    """The numbers that the exercise draws with a seed."""
    return np.random.default_rng(seed).integers(10, 1000, size=2).tolist()


MISTAKES = {  # name: the wrong function, and which of the two it stands in for
    "the right answer": (lambda x: 2 * x, "double"),
    "a square": (lambda x: x * x, "double"),
    "one more": (lambda x: x + 1, "double"),
    "more by one": (lambda x: 1 + x, "double"),
    "wrong at one number": (lambda x: 0 if x == 7 else 2 * x, "double"),
    "wrong with one seed": (lambda x: 0 if x in drawn(SEEDS[0]) else 2 * x, "double"),
    "no half": (lambda x: x, "halve"),
}


@pytest.fixture
def weak():
    """An exercise that is poor at telling mistakes apart."""

    @exercise(WEAK, "double(x) -> twice", "halve(x) -> half", level="more", minutes=1)
    def weak(rng):
        with part("doubles", points=1):
            for x in (3, 5, 7, *rng.integers(10, 1000, size=2).tolist()):
                yield Case((x,), expected=2 * x)
        with part("halves", points=1):
            for x in (2, 6):
                yield Case((x,), call="halve", expected=x // 2)

    for name, (run, call) in MISTAKES.items():
        mistake(weak, name, ask="Is it?", look="there.", call=call)(run)
    yield weak
    del model._exercises[WEAK]


def test_what_is_accepted_and_what_is_not_recognised(weak):
    found = [str(survivor).partition("   ")[2] for survivor in survivors(weak)]
    assert found == [
        "accepted: the right answer (seed 0)",
        "not recognised: more by one (seed 0; taken for: one more)",
        "not recognised: wrong at one number (seed 0; all that is seen: other numbers)",
        f"accepted: wrong with one seed (seed {SEEDS[1]})",
    ]


def test_an_exercise_that_fails_itself(weak):
    def draw(rng):
        raise ZeroDivisionError("no cases")

    weak.draw = draw
    assert {str(survivor).partition(" (")[2] for survivor in survivors(weak)} == {
        "seed 0; the exercise raised ZeroDivisionError: no cases)"
    }


def test_the_command_prints_a_line_for_each_and_fails(weak):
    done = course("mutants", WEAK, WEAK)
    assert done.exit_code == 1
    *lines, summary = done.output.splitlines()
    assert len(lines) == 4 and all(line.startswith(f"{WEAK}   ") for line in lines)
    assert summary == "7 known mistakes of 1 exercise tried: 4 accepted or not recognised."


def test_a_good_exercise_and_one_without_mistakes(weak):
    weak.mistakes.clear()
    with declared() as sample:
        done = course("mutants", sample.id, WEAK)
    assert done.exit_code == 0
    assert done.output.splitlines() == [
        "2 known mistakes of 2 exercises tried: all refused and recognised.",
        f"No known mistakes: {WEAK}.",
    ]


def test_an_exercise_that_does_not_exist():
    done = course("mutants", "start.gat")
    assert done.exit_code == 1
    assert "There is no exercise 'start.gat'. Did you mean start.gate" in done.output
