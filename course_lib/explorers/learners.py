"""The learner's own code inside an explorer: stopped when it takes too long, and told apart from ours when it fails."""

import contextlib
from collections.abc import Iterator

from course_lib.exercises.apart import time_limit
from course_lib.exercises.run import explain


class LearnerError(Exception):
    """The learner's own code failed inside an explorer; its text is shown as theirs."""


@contextlib.contextmanager
def learners_code(what: str, seconds: float = 5.0) -> Iterator[None]:
    """Run the learner's code; whatever it raises becomes a `LearnerError` that names their line.

    Args:
        what: how to call it, such as "Your lstm_cell".
        seconds: until it is stopped, where the system has a way to.
    """
    try:
        with time_limit(seconds):
            yield
    except LearnerError:
        raise
    except BaseException as raised:
        problem = explain(raised, seconds)
        said = f"raised {problem.message}" if problem.kind == "raised" else problem.message
        line = f" (line {problem.line}: {problem.text})" if problem.text else ""
        raise LearnerError(f"{what} {said}{line}") from raised
