"""The exercises of 2.2, activation functions, in the order of the notebook."""

from course_lib.foundations.exercises.activations import (  # noqa: I001 (the notebook's order)
    sigmoid,
    relu,
    dead_neurons,
    tanh,
    choice,
)

__all__ = ["choice", "dead_neurons", "relu", "sigmoid", "tanh"]
