"""The exercises of 4.2, vanishing and exploding gradients, in the order of the notebook."""

from course_lib.recurrent.exercises.gradients import (  # noqa: I001 (the notebook's order)
    vanishing,
    clipping,
    exploding,
)

__all__ = ["clipping", "exploding", "vanishing"]
