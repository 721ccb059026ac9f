"""The exercises of 1.2, dataflow graphs, in the order of the notebook."""

from course_lib.tensors.exercises.graphs import (  # noqa: I001 (the notebook's order)
    running,
    running_mistakes,
    placeholders,
    variables,
    variables_mistakes,
    variables_owners_mistakes,
    sessions,
    sessions_mistakes,
    parallelism,
    optimisation,
    optimisation_mistakes,
)

__all__ = [
    "optimisation",
    "optimisation_mistakes",
    "parallelism",
    "placeholders",
    "running",
    "running_mistakes",
    "sessions",
    "sessions_mistakes",
    "variables",
    "variables_mistakes",
    "variables_owners_mistakes",
]
