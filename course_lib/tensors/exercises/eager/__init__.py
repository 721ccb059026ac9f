"""The exercises of 1.3, eager, compiled and differentiated, in the order of the notebook."""

from course_lib.tensors.exercises.eager import (  # noqa: I001 (the notebook's order)
    layers,
    control_flow,
    autodiff,
    autodiff_mistakes,
    high_level,
    migration,
)

__all__ = ["autodiff", "autodiff_mistakes", "control_flow", "high_level", "layers", "migration"]
