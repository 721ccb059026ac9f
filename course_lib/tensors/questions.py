"""The questions that the tensor chapter asks from memory, section by section, after those of the start page."""

from course_lib.recall import Question
from course_lib.start_here.questions import QUESTIONS as START

QUESTIONS = (
    *START,
    Question("shapes.order", "1.1", "A tensor has shape (32, 3, 28, 28). What is its order, and how many elements does "
             "it have?",
             "Order 4, one for each number in the shape; 32 · 3 · 28 · 28 = 75,264 elements, their product."),
    Question("shapes.strides", "1.1", "A tensor of shape (4, 3, 2) is contiguous. Which strides does it have, and what "
             "are they after permute(2, 1, 0)?",
             "(6, 2, 1), the product of the lengths behind each axis. Reversed, (1, 2, 6): no number moves."),
    Question("shapes.broadcast", "1.1", "Predictions of shape (100, 1) minus targets of shape (100,): which shape "
             "comes out, and does PyTorch complain?",
             "(100, 100), every prediction against every target, without a word: both are stretched."),
)  # fmt: skip
