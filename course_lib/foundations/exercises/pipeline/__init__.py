"""The exercises of 2.7, from raw data to a model in use, in the order of the notebook."""

from course_lib.foundations.exercises.pipeline import (  # noqa: I001 (the notebook's order)
    preprocessing,
    scaler_mistakes,
    resize_mistakes,
    augment_mistakes,
    stages,
    stages_mistakes,
)

__all__ = [
    "augment_mistakes",
    "preprocessing",
    "resize_mistakes",
    "scaler_mistakes",
    "stages",
    "stages_mistakes",
]
