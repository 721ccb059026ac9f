"""`assignment.yaml`: which exercises a class is graded on, the points they give, and how many are enough.

    title: Week 4
    minimum: 60                   # percent of the points, under which `course grade` fails; without it nothing does
    exercises:                    # without them all count
      recurrent.lstm: 4           # points for all of its parts together; the parts keep their shares
      recurrent.lstm.cell-state:  # without a number: its own points

`course release` puts it into the students' copy, and `course grade` counts by it.
"""

import dataclasses
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from course_lib.exercises.model import Exercise, UnknownExerciseError, get
from course_lib.grading.grade import Report, Row

ASSIGNMENT = "assignment.yaml"  # at the top of the workbook
KEYS = ("title", "minimum", "exercises")


@dataclass(frozen=True)
class Assignment:
    """The chosen exercises, and how many of their points are enough.

    Args:
        title: what the assignment is called; "" if it has no name.
        points: for all parts of each chosen exercise together, by its id and in the file's order; None for its own.
            Empty if none is chosen, so that all count.
        minimum: percent of the points that a learner needs; None if the assignment asks for none.
    """

    title: str
    points: dict[str, float | None] = field(default_factory=dict)
    minimum: float | None = None

    @classmethod
    def read(cls, path: Path) -> "Assignment":
        """Read the file.

        Raises:
            ValueError: it cannot be read, or something in it cannot be meant; the message says what.
        """
        try:
            root = yaml.compose(path.read_text(encoding="utf-8-sig"), Loader=yaml.SafeLoader)
            content = _checked_keys(_Once(root).value)
            return cls(_title(content), dict(_points(content)), _minimum(content))
        except OSError as problem:
            raise ValueError(f"{path} cannot be read: {problem.strerror}.") from problem
        except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as problem:
            raise ValueError(f"{path.name} is not YAML{_place(problem)}.") from problem
        except ValueError as problem:
            raise ValueError(f"{path.name}: {problem}") from problem

    def scale(self, exercise_id: str, points: float, out_of: float) -> tuple[float, float]:
        """Points of a chosen exercise, or of one of its parts, as this assignment counts them.

        Args:
            exercise_id: one of the chosen.
            points: earned, in the exercise's own points.
            out_of: to be earned, likewise.

        Raises:
            KeyError: the exercise is not among the chosen.
        """
        wanted = self.points[exercise_id]
        if wanted is None:
            return points, out_of
        own = _own_points(get(exercise_id))
        return wanted * (points / own), wanted * (out_of / own)

    def count(self, report: Report) -> Report:
        """A report in which only the chosen exercises stand, with their points as this assignment counts them."""
        if not self.points:
            return report
        rows = tuple(self._counted(row) for row in report.rows if row.exercise in self.points)
        return dataclasses.replace(report, rows=rows)

    def _counted(self, row: Row) -> Row:
        parts = tuple(part | self._scaled(row.exercise, part["points"], part["out_of"]) for part in row.parts)
        return dataclasses.replace(row, parts=parts, **self._scaled(row.exercise, row.points, row.out_of))

    def _scaled(self, exercise_id: str, points: float, out_of: float) -> dict[str, float]:
        return dict(zip(("points", "out_of"), self.scale(exercise_id, points, out_of), strict=True))


@cache
def _own_points(exercise: Exercise) -> float:
    """What the exercise gives by itself; kept, for an exercise keeps the cases of one seed only."""
    return exercise.points


class _Once:
    """A document's value, in which no key stands twice: YAML itself would keep the last of them without a word."""

    def __init__(self, root: yaml.Node | None):
        for node in _mappings(root):
            keys = [key.value for key, _ in node.value]
            twice = next((key for key in keys if keys.count(key) > 1), None)
            if twice is not None:
                line = [key for key, _ in node.value if key.value == twice][-1].start_mark.line + 1
                raise ValueError(f"{twice} stands in it twice, the second time in line {line}. Keep one of them.")
        self.value = None if root is None else yaml.SafeLoader("").construct_document(root)


def _mappings(root: yaml.Node | None) -> Iterator[yaml.MappingNode]:
    """The document's mapping, and those that are values in it."""
    if isinstance(root, yaml.MappingNode):
        yield root
        for _, value in root.value:
            if isinstance(value, yaml.MappingNode):
                yield value


def _checked_keys(content: Any) -> dict:
    """The content, if all that stands in it can be meant and is something to grade by."""
    if not isinstance(content, dict) or not {"exercises", "minimum"} & content.keys():
        raise ValueError("it names no exercises. Put their ids under `exercises:`, one a line, each with a colon.")
    if unknown := [str(key) for key in content if key not in KEYS]:
        raise ValueError(f"it says {', '.join(unknown)}, which means nothing here. Use {', '.join(KEYS)}.")
    return content


def _title(content: dict) -> str:
    title = content.get("title")
    if isinstance(title, (dict, list)):
        raise ValueError("its title is not a line of text.")
    return "" if title is None else str(title)


def _minimum(content: dict) -> float | None:
    minimum = content.get("minimum")
    if minimum is None:
        return None
    if isinstance(minimum, bool) or not isinstance(minimum, (int, float)) or not 0 <= minimum <= 100:
        raise ValueError(f"its minimum is {minimum!s:.20}. Give percent of the points, a number from 0 to 100.")
    return float(minimum)


def _points(content: dict) -> Iterator[tuple[str, float | None]]:
    if "exercises" not in content:
        return
    chosen = content["exercises"]
    if not chosen:
        raise ValueError("no exercise is chosen. Put their ids under `exercises:`, one a line, each with a colon.")
    if not isinstance(chosen, dict):
        raise ValueError("write the exercises one a line, each with a colon and, if you like, its points after it.")
    for id, points in chosen.items():
        try:
            get(str(id))
        except UnknownExerciseError as problem:
            raise ValueError(str(problem)) from None
        yield str(id), _checked(str(id), points)


def _checked(id: str, points: Any) -> float | None:
    """The points, if they can be points."""
    if points is None:
        return None
    if isinstance(points, bool) or not isinstance(points, (int, float)):
        raise ValueError(f"the points of {id} are {points!r}, which is not a number.")
    if not 0 <= points <= sys.float_info.max:  # which NaN is not either
        raise ValueError(f"the points of {id} are {points!s:.20}. Give a number from 0 on.")
    return float(points)


def _place(problem: Exception) -> str:
    mark = getattr(problem, "problem_mark", None)
    return f": line {mark.line + 1} cannot be understood" if mark else ""
