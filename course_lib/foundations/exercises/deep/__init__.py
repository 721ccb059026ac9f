"""The exercises of 2.5, what makes deep networks train, in the order of the notebook."""

from course_lib.foundations.exercises.deep import (  # noqa: I001 (the notebook's order)
    initialisation,
    initialisation_mistakes,
    batch_norm,
    batch_norm_mistakes,
    residual,
    residual_mistakes,
    dropout,
    dropout_mistakes,
)

__all__ = [
    "batch_norm",
    "batch_norm_mistakes",
    "dropout",
    "dropout_mistakes",
    "initialisation",
    "initialisation_mistakes",
    "residual",
    "residual_mistakes",
]
