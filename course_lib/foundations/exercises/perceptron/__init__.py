"""The exercises of 2.1, from the perceptron to the multilayer perceptron, in the order of the notebook."""

from course_lib.foundations.exercises.perceptron import (  # noqa: I001 (the notebook's order)
    unit,
    learning,
    learning_mistakes,
    forward,
    structure,
    structure_mistakes,
)

__all__ = ["forward", "learning", "learning_mistakes", "structure", "structure_mistakes", "unit"]
