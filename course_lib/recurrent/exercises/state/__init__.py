"""The exercises of 4.1, state and time, in the order of the notebook."""

from course_lib.recurrent.exercises.state import (  # noqa: I001 (the notebook's order)
    windows,
    unrolled,
    last_states,
    bptt,
)

__all__ = ["bptt", "last_states", "unrolled", "windows"]
