"""The exercises of 2.8, the limits of deep networks, in the order of the notebook."""

from course_lib.foundations.exercises.limits import (  # noqa: I001 (the notebook's order)
    data,
    interpretability,
    saliency_mistakes,
    occlusion_mistakes,
    robustness,
)

__all__ = ["data", "interpretability", "occlusion_mistakes", "robustness", "saliency_mistakes"]
