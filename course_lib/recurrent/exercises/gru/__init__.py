"""The exercises of 4.4, the GRU and memory at work, in the order of the notebook."""

from course_lib.recurrent.exercises.gru import (  # noqa: I001 (the notebook's order)
    reset_gate,
    long_term,
    update_gate,
    stacked,
    pipeline,
)

__all__ = ["long_term", "pipeline", "reset_gate", "stacked", "update_gate"]
