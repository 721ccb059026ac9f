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
    Question("graph.fetch", "1.2", "A graph has a thousand nodes, and a run fetches one of them. Which nodes are "
             "computed, how often, and in which order?",
             "Its ancestors and itself, and no others; each once; each after all of its inputs."),
    Question("graph.values", "1.2", "Constant, placeholder, variable: where does the value of each lie?",
             "A constant's in the graph. A placeholder's comes with the run and is gone after it. A variable's lies in "
             "the session, which keeps it from run to run."),
    Question("graph.bits", "1.2", "Merging two nodes a + b, folding 2 * 3, adding numbers in another order: which of "
             "them may change the last digits of a result?",
             "The other order alone, since every step rounds something else. Merging and folding do the same "
             "arithmetic, less often or earlier."),
    Question("graph.workers", "1.2", "All operations of a graph together take 40 ms, its critical path 10 ms. How much "
             "faster than one worker can two be at most, and how much a hundred?",
             "Two: 2 times, 40 / 2 = 20 ms of work for each. A hundred: 4 times, the 10 ms of the path remain."),
    Question("eager.node", "1.3", "a and b are tensors, p and q nodes of a deferred graph. What does a * b hold, what "
             "p * q, and which of the two can an if depend on?",
             "a * b holds its numbers at once, so an if can ask it. p * q is a description without a number; only a "
             "session gives it one."),
    Question("eager.way-back", "1.3", "A value is used in two places. How does the way back find its derivative, and "
             "how often does it pass through it?",
             "What comes back from the two places is added up, then it is passed once."),
    Question("eager.nudge", "1.3", "You check a gradient by central differences with a step of 1e-12. What goes wrong, "
             "and which step is better in float64?",
             "The difference of two nearly equal numbers is mostly rounding. About 1e-5."),
    Question("eager.compile", "1.3", "torch.compile: which work gains most on a CPU, and where does it lose?",
             "Many cheap operations in a row on many numbers, which become one pass over memory. On small work the "
             "checks before each call cost more than is saved, and the first call takes seconds."),
    Question("devices.intensity", "1.4", "Two float32 vectors are added by a processor whose memory brings 24 GB/s and "
             "whose arithmetic does 80 GFLOP/s. How many FLOP/s can it reach, and what holds it back?",
             "1 FLOP for 12 bytes moved: 24 / 12 = 2 GFLOP/s. Memory; nearly all of the arithmetic lies idle."),
    Question("devices.product", "1.4", "Why can a product of large matrices keep the arithmetic busy, when an addition "
             "of large vectors cannot?",
             "2n³ FLOPs on 3n² numbers: each number is used many times once it is there, and the more so the larger n "
             "is. An addition uses each number once, whatever the size."),
    Question("devices.pays", "1.4", "A card does the arithmetic a thousand times as fast. Name two reasons why a small "
             "model may still train faster on the processor.",
             "Each call takes some microseconds however small its work; and what the card works on has to be sent over "
             "the bus and fetched again."),
)  # fmt: skip
