"""The questions that the recurrent chapter asks from memory, section by section, after those of the start page."""

from course_lib.recall import Question
from course_lib.start_here.questions import QUESTIONS as START

QUESTIONS = (
    *START,
    Question("state.shared", "4.1", "A recurrent network reads 30 words. How many different matrices W_hh does it use?",
             "One. The same weights serve at every step; what differs from step to step is the state."),
    Question("state.padding", "4.1", "Why not make the answer of the last column of the states, outputs[:, -1]?",
             "In the shorter rows it stands behind padding: the state has been changed by steps that say nothing. Each "
             "row has its own last step, lengths − 1."),
    Question("state.sum", "4.1", "In backpropagation through time, how do the terms of W_hh's gradient come together?",
             "They add up, one a step: the same weight acts at every step, and each use adds its part."),
    Question("gradients.product", "4.2", "A step's Jacobian shrinks every vector by 0.9. What is left of a gradient "
             "50 steps back?",
             "0.9⁵⁰ ≈ 0.005, half a percent: factors multiply, one a step."),
    Question("gradients.bias", "4.2", "W_hh has spectral radius 1.5, and still the gradient vanishes. How can that be?",
             "The units stand in the flat ends of their tanh: slopes are small, and the Jacobian is slope times W_hh."),
    Question("gradients.direction", "4.2", "Which kind of clipping keeps the direction of the gradient, and why?",
             "By norm: all entries are scaled by one factor. By value only the large entries are cut, which turns it."),
    Question("gates.share", "4.3", "The forget gate stays at 0.9. What share of the cell is left after 20 steps?",
             "0.9²⁰ ≈ 0.12, about an eighth. It halves every 6.6 steps."),
    Question("gates.hide", "4.3", "Which gate hides what the cell holds without erasing it?",
             "The output gate, the notes' read gate: h = o · tanh(c) is small when o is, and c does not contain o."),
    Question("gates.update", "4.3", "Write down how c at step t comes from c at step t − 1.",
             "c_t = f_t · c_{t−1} + i_t · g_t, element by element: a share of the old, plus a share of the candidate."),
    Question("gru.keep", "4.4", "In PyTorch's GRU, which value of which gate keeps the old state exactly?",
             "Update, z = 1: h = z · h + (1 − z) · n. Many papers give z the opposite meaning."),
    Question("gru.reset", "4.4", "Where does the reset gate act, and where does it not?",
             "Inside the candidate: it scales what the candidate sees of the old state. The old state itself goes "
             "through the update gate alone."),
    Question("gru.dose", "4.4", "An LSTM forgets what lay 100 steps back. What do you set before you train it?",
             "Its forget bias, to 3 or so: the gate then starts near 0.95, and the gradient survives the way back."),
)  # fmt: skip
