"""The questions that the recurrent chapter asks from memory, section by section, after those of the start page."""

from course_lib.recall import Question
from course_lib.start_here.questions import QUESTIONS as START

QUESTIONS = (
    *START,
    Question("gates.share", "4.3", "The forget gate stays at 0.9. What share of the cell is left after 20 steps?",
             "0.9²⁰ ≈ 0.12, about an eighth. It halves every 6.6 steps."),
    Question("gates.hide", "4.3", "Which gate hides what the cell holds without erasing it?",
             "The output gate, the notes' read gate: h = o · tanh(c) is small when o is, and c does not contain o."),
    Question("gates.update", "4.3", "Write down how c at step t comes from c at step t − 1.",
             "c_t = f_t · c_{t−1} + i_t · g_t, element by element: a share of the old, plus a share of the candidate."),
)  # fmt: skip
