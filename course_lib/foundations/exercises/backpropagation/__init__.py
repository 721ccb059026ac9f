"""The exercises of 2.3, backpropagation, in the order of the notebook."""

from course_lib.foundations.exercises.backpropagation import (
    chain_rule,
    two_layers,
    weight_update,
)

__all__ = ["chain_rule", "two_layers", "weight_update"]
