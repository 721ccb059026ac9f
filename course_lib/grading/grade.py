"""Grading one notebook: finding its answers, judging each in another process, and saying what there is to say."""

import ast
import dataclasses
import hashlib
import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Protocol

from course_lib import __version__
from course_lib.exercises.feedback import missing_names, words
from course_lib.exercises.judge import judge
from course_lib.exercises.model import Exercise, UnknownExerciseError, get, registry
from course_lib.exercises.source import Answer, Cell, blank, extract
from course_lib.fingerprints import fingerprint
from course_lib.grading.runner import ChildRunner
from course_lib.grading.scratch import ScratchError
from course_lib.notebooks.files import NotebookError, NotebookNode, exercises_in, marked_in, read_notebook, tags_of


@dataclass(frozen=True)
class Row:
    """One exercise of one notebook.

    Args:
        exercise: its id.
        level: "core" or "more"; "" for an id that no exercise has.
        points: earned.
        out_of: what a right answer earns.
        status: "passed", "failed", "not started", "not finished", "no answer cell", "unknown" or "not judged".
        parts: name, points, out_of and status of each part.
        mistake: the known mistake, else the kind of symptom.
        feedback: in `check`'s words.
        note: which cell counts, where several answer it.
    """

    exercise: str
    level: str
    points: float
    out_of: float
    status: str
    parts: tuple[dict, ...] = ()
    mistake: str | None = None
    feedback: str = ""
    note: str = ""


@dataclass(frozen=True)
class Report:
    """One notebook.

    Args:
        notebook: its path.
        rows: its exercises, in the workbook's order.
        problem: why it could not be graded; "" if it could.
    """

    notebook: Path
    rows: tuple[Row, ...] = ()
    problem: str = ""

    @property
    def name(self) -> str:
        """The notebook's path, from here if it lies below."""
        path, here = self.notebook.resolve(), Path.cwd()
        name = (path.relative_to(here) if path.is_relative_to(here) else path).as_posix()
        return name.encode(errors="replace").decode()  # a file's name may hold bytes that are no text


@dataclass(frozen=True)
class Score:
    """Points over some rows."""

    points: float
    out_of: float

    @classmethod
    def of(cls, rows: Iterable[Row]) -> "Score":
        """Add the rows up."""
        rows = list(rows)
        return cls(sum(row.points for row in rows), sum(row.out_of for row in rows))

    @property
    def percent(self) -> float:
        """Share of the points; 0 where there is nothing to earn."""
        return 100 * self.points / self.out_of if self.out_of else 0.0

    def __str__(self) -> str:
        return f"{self.points:g} of {self.out_of:g}"


@dataclass(frozen=True)
class Submission:
    """What a notebook holds for the grader.

    Args:
        cells: its code cells, in order.
        homes: positions of the cells that answer an exercise, by its id.
        ids: of all exercises that it answers or checks, in order.
        asleep: kind of the cell that has an exercise's marker and is no code cell, by its id.
    """

    cells: tuple[Cell, ...]
    homes: dict[str, list[int]] = field(default_factory=dict)
    ids: tuple[str, ...] = ()
    asleep: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> "Submission":
        """Read a notebook's code cells; nothing is run.

        Raises:
            NotebookError: the file holds no notebook.
        """
        notebook = read_notebook(path)
        code = [cell for cell in notebook.cells if cell.get("cell_type") == "code"]
        cells = tuple(Cell.read(f"cell {n}", cell.source) for n, cell in enumerate(code, 1))
        homes: dict[str, list[int]] = {}
        ids: dict[str, None] = {}
        for n, cell in enumerate(code):
            for id in exercises_in(cell):
                homes.setdefault(id, []).append(n)
                ids[id] = None
            ids.update(dict.fromkeys(_checked(cell, cells[n])))
        others = (cell for cell in notebook.cells if cell.get("cell_type") in ("markdown", "raw"))
        asleep = {id: cell.cell_type for cell in others for id in marked_in(cell.source) if _exists(id)}
        return cls(cells, homes, tuple(ids | dict.fromkeys(asleep)), asleep)

    def answer(self, exercise: Exercise) -> Answer:
        """The functions that an exercise asks for, with all that they name."""
        return extract(self.cells, [asked.name for asked in exercise.asked], self.homes.get(exercise.id, []))

    def note(self, exercise: Exercise, answer: Answer) -> str:
        """Which cell counts, if several answer an exercise; else empty."""
        homes = self.homes.get(exercise.id, [])
        nodes = answer.nodes.values()
        counting = [n for n, cell in enumerate(self.cells) if any(node in cell.statements for node in nodes)]
        if len(homes) < 2:
            again = [n for n in self._defining(answer.nodes) if counting and homes and n > max(homes)]
            if not again or set(again) & set(counting):
                return ""
            after = f"It is defined again in {_cells(again)}, without the line `# exercise: {exercise.id}`"
            return f"{after}; {_cells(counting)} counts."
        counting = [n for n in counting if n in homes]
        which = f"; {_cells(counting)} counts, the last that defines it" if counting else ", and none defines it"
        return f"It is answered more than once, in {_cells(homes)}{which}."

    def _defining(self, names: Collection[str]) -> list[int]:
        """Positions of the cells that no exercise claims and that define one of these functions."""
        claimed = {n for homes in self.homes.values() for n in homes}
        return [
            n
            for n, cell in enumerate(self.cells)
            if n not in claimed and any(getattr(statement, "name", "") in names for statement in cell.statements)
        ]

    def unreadable(self, exercise: Exercise) -> str:
        """What is wrong with the exercise's own cells, if they can't be read."""
        return next((self.cells[n].error for n in self.homes.get(exercise.id, []) if self.cells[n].error), "")

    def all_unreadable(self) -> str:
        """A sentence for each cell that can't be read, for what it defines is missing."""
        broken = [cell for cell in self.cells if cell.error]
        return "\n".join(f"Code {cell.name} {cell.error}. Nothing that it defines was found." for cell in broken)


class Kept(Protocol):
    """Rows that were graded before, by `row_key`."""

    def get(self, key: str) -> Row | None:
        """The row of this key, if it is known."""

    def add(self, key: str, row: Row) -> None:
        """Keep a row."""


def grade_notebook(
    path: Path,
    runner: ChildRunner,
    *,
    seed: int,
    core_only: bool = False,
    only: Collection[str] = (),
    kept: Kept | None = None,
) -> Report:
    """Grade a notebook; whatever it holds, a report comes back.

    All exercises of a section that the notebook belongs to count, also those whose cells were taken out.

    Args:
        path: of the notebook.
        runner: where its answers run.
        seed: draws the numbers of the cases.
        core_only: leave out the exercises that are folded under More.
        only: the exercises that count, by id; all of the notebook's sections if empty.
        kept: what is known already, and not run again.
    """
    try:
        submission = Submission.read(path)
    except NotebookError as problem:
        return Report(path, problem=problem.message)
    exercises, unknown = exercises_of(submission)
    exercises = [
        exercise
        for exercise in exercises
        if (exercise.level == "core" or not core_only) and (exercise.id in only or not only)
    ]
    rows = [_grade_once(submission, exercise, runner, seed, kept) for exercise in exercises]
    return Report(path, (*rows, *(Row(id, "", 0, 0, "unknown", feedback=why) for id, why in unknown.items())))


def exercises_of(submission: Submission) -> tuple[list[Exercise], dict[str, str]]:
    """The exercises of the notebook's sections, in order, and the ids that no exercise has, with a sentence each."""
    found, unknown = [], {}
    for id in submission.ids:
        try:
            found.append(get(id))
        except UnknownExerciseError as problem:
            unknown[id] = str(problem)
    sections = {exercise.section for exercise in found}
    return [exercise for exercise in registry() if exercise.section in sections], unknown


def _grade_once(submission: Submission, exercise: Exercise, runner: ChildRunner, seed: int, kept: Kept | None) -> Row:
    answer = submission.answer(exercise)
    home = submission.unreadable(exercise) or ("its cell is there" if exercise.id in submission.homes else "")
    home += submission.asleep.get(exercise.id, "") + (submission.all_unreadable() if answer.missing else "")
    key = row_key(exercise, answer, seed, home)
    row = kept.get(key) if kept else None
    if row is None:
        row = _grade(submission, exercise, answer, runner, seed)
        if kept and row.status != "not judged":
            kept.add(key, row)
    return dataclasses.replace(row, note=submission.note(exercise, answer))


def row_key(exercise: Exercise, answer: Answer, seed: int, home: str) -> str:
    """What decides a row: the exercise's own content and the judge's, the numbers drawn, the answer and its cell."""
    pieces = [(piece.name, piece.source, piece.keep) for piece in answer.pieces]
    content = [_content(exercise), seed, pieces, sorted(answer.nodes), answer.missing, home]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


@cache
def _content(exercise: Exercise) -> str:
    mistakes = [(known.name, known.call, known.ask, known.look, known.run) for known in exercise.mistakes]
    settings = exercise.id, exercise.asked, exercise.without, exercise.blanks, exercise.keeps_inputs, exercise.seconds
    return fingerprint(__version__, settings, exercise.draw, mistakes, judge, words)


def _grade(submission: Submission, exercise: Exercise, answer: Answer, runner: ChildRunner, seed: int) -> Row:
    names = [asked.name for asked in exercise.asked]
    error = submission.unreadable(exercise)
    if error and len(answer.nodes) < len(names):
        return _row_without(exercise, "failed", f"The answer cell {error}", mistake="SyntaxError")
    if not answer.nodes:
        there = exercise.id in submission.homes
        why = f"The answer cell does not define {' or '.join(names)}." if there else _NO_CELL.format(exercise.id)
        if kind := submission.asleep.get(exercise.id):
            why = f"The cell of this exercise is a {kind} cell, which does not run. Make it a code cell again."
        return _row_without(exercise, "failed" if there else "no answer cell", why)
    source = "\n".join(piece.source for piece in answer.pieces)
    blanks = {name: todo for name, node in answer.nodes.items() if (todo := blank(node, exercise.blanks, source))}
    try:
        if len(blanks) < len(names):
            runner.load(answer, seconds=exercise.seconds)
        verdict = judge(exercise, runner, seed=seed, blanks=blanks)
    except ScratchError:  # a full disk is nothing to grade on
        raise
    except Exception as problem:  # a bug of ours must not cost the other exercises their points
        return _row_without(
            exercise, "not judged", f"This answer could not be judged: {type(problem).__name__}: {problem}"
        )
    feedback = words(verdict)
    if verdict.failure and answer.missing:
        feedback += "\n" + "\n".join(filter(None, [missing_names(answer.missing), submission.all_unreadable()]))
    parts = tuple(
        {"name": part.name, "points": part.points, "out_of": part.out_of, "status": part.status}
        for part in verdict.parts
    )
    points, out_of, mistake = verdict.points, verdict.out_of, verdict.symptom
    return Row(exercise.id, exercise.level, points, out_of, verdict.status, parts, mistake, feedback)


_NO_CELL = "No cell answers this exercise: the first line of its cell reads `# exercise: {}`."


def _cells(positions: list[int]) -> str:
    """ "code cells 3 and 5"; counted from 1."""
    numbers = " and ".join(str(n + 1) for n in positions)
    return f"code cell {numbers}" if len(positions) == 1 else f"code cells {numbers}"


def _row_without(exercise: Exercise, status: str, sentence: str, mistake: str | None = None) -> Row:
    """A row for an answer that was not run."""
    feedback = f"{', '.join(asked.name for asked in exercise.asked)}   0 of {exercise.points:g}\n{sentence}"
    return Row(exercise.id, exercise.level, 0, exercise.points, status, (), mistake, feedback)


def _exists(id: str) -> bool:
    try:
        return bool(get(id))
    except UnknownExerciseError:
        return False


def _checked(cell: NotebookNode, parsed: Cell) -> Iterator[str]:
    """The exercises that a cell checks: by its tag, or by a call of `check`."""
    for tag in tags_of(cell):
        if tag.startswith("check:"):
            yield tag.removeprefix("check:")
    for statement in parsed.statements:
        match statement:
            case ast.Expr(value=ast.Call(func=ast.Name(id="check"), args=[ast.Constant(value=str(id)), *_])):
                yield id
