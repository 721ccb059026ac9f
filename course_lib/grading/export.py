"""The answers of a class as files, a folder an exercise: what plagiarism checkers take."""

import ast
from collections.abc import Iterable
from pathlib import Path

from course_lib.exercises.source import Answer
from course_lib.grading.class_report import file_names
from course_lib.grading.grade import Submission, exercises_of
from course_lib.grading.submissions import Work
from course_lib.notebooks.files import NotebookError
from course_lib.paths import write_atomically


def export_answers(works: Iterable[Work], folder: Path) -> int:
    """Write each answer, with the helpers that it names, to <folder>/<exercise>/<learner>.py.

    Nothing is run. Works that cannot be read are passed over: their row says why.

    Returns:
        how many files were written

    Raises:
        OSError: the folder cannot be written.
    """
    works, written = list(works), 0
    for work, name in zip(works, file_names([work.learner for work in works]), strict=True):
        for notebook in work.notebooks:
            try:
                submission = Submission.read(notebook)
            except NotebookError:
                continue
            for exercise in exercises_of(submission)[0]:
                if text := as_text(submission.answer(exercise)):
                    write_atomically(folder / exercise.id / f"{name}.py", text)
                    written += 1
    return written


def as_text(answer: Answer) -> str:
    """The statements of an answer, as they were written; "" if there are none."""
    statements = []
    for piece in answer.pieces:
        body = ast.parse(piece.source).body
        statements += [ast.get_source_segment(piece.source, body[position]) or "" for position in piece.keep]
    return "".join(f"{statement}\n" for statement in statements) if answer.nodes else ""
