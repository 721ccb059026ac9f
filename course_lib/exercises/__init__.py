"""Exercises: how they are declared, how an answer is judged, and what the learner is told."""

from course_lib.exercises.check import check
from course_lib.exercises.model import (
    Case,
    Exercise,
    UnknownExerciseError,
    exercise,
    get,
    mistake,
    part,
    randn,
    registry,
)

__all__ = [
    "Case",
    "Exercise",
    "UnknownExerciseError",
    "check",
    "exercise",
    "get",
    "mistake",
    "part",
    "randn",
    "registry",
]
