"""The exercises of 2.4, gradient descent, in the order of the notebook."""

from course_lib.foundations.exercises.descent import (  # noqa: I001 (the notebook's order)
    learning_rate,
    batch,
    stochastic,
    mini_batch,
    mini_batch_mistakes,
)

__all__ = ["batch", "learning_rate", "mini_batch", "mini_batch_mistakes", "stochastic"]
