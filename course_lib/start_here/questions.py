"""The questions that 00_start_here asks from memory."""

from course_lib.recall import Question

QUESTIONS = (
    Question("start.share", "0", "A gate of 0.5 is passed three times. What share of the value is left?",
             "0.5 × 0.5 × 0.5 = 0.125, one eighth: a gate multiplies each time it is passed."),
    Question("start.zero", "0", "What does a sigmoid gate give for an input of 0?",
             "One half: sigmoid(0) = 1 / (1 + e⁰) = 1 / 2."),
    Question("start.bias", "0", "To open a gate whatever its input, which number do you change, and which way?",
             "The bias, upwards: sigmoid(weight · x + bias) comes close to 1 for a large positive bias."),
)  # fmt: skip
