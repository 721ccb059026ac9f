"""The exercises of 1.1, shapes and memory, in the order of the notebook."""

from course_lib.tensors.exercises.dimensions import (  # noqa: I001 (the notebook's order)
    orders,
    bridge,
)

__all__ = ["bridge", "orders"]
