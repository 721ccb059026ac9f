"""The exercises of 4.3, the LSTM's gates, in the order of the notebook."""

from course_lib.recurrent.exercises.gates import (  # noqa: I001 (the notebook's order)
    cell_state,
    forget_gate,
    lstm_cell,
    latch,
    peephole,
)

__all__ = ["cell_state", "forget_gate", "latch", "lstm_cell", "peephole"]
