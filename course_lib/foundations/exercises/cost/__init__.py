"""The exercises of 2.9, what a network costs and whom, in the order of the notebook."""

from course_lib.foundations.exercises.cost import (  # noqa: I001 (the notebook's order)
    efficiency,
    compression_mistakes,
    distillation_mistakes,
    fairness,
    fairness_mistakes,
)

__all__ = ["compression_mistakes", "distillation_mistakes", "efficiency", "fairness", "fairness_mistakes"]
