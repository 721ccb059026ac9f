"""The exercises of 2.6, what depth buys, in the order of the notebook."""

from course_lib.foundations.exercises.depth import (  # noqa: I001 (the notebook's order)
    pieces,
    pieces_mistakes,
    probes,
    probes_mistakes,
    parameters,
    shapes,
    shapes_mistakes,
)

__all__ = ["parameters", "pieces", "pieces_mistakes", "probes", "probes_mistakes", "shapes", "shapes_mistakes"]
