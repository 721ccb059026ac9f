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
    Question("gru.dose", "4.4", "An LSTM forgets what lay 20 steps back. What do you set before you train it?",
             "Its forget bias, to 3 or so: the gate starts near 0.95, and 38 % of the cell is left after 20 steps. For "
             "half to be left after 100 steps it takes 5. Then test whether it helps."),
    Question("words.context", "4.5", "How many words before the next one does an n-gram model of order 3 look at?",
             "Two. Order N is the next word and the N − 1 before it."),
    Question("words.perplexity", "4.5", "A model gives every word of a text the probability 1/8. What is its "
             "perplexity, and how many bits a word is that?",
             "8, and 3 bits: exp of the mean of −log P, and its logarithm to the base 2."),
    Question("words.zero", "4.5", "Why does nobody score a text with bare counts?",
             "One n-gram that was never seen has the probability 0, and with it the whole text. Smoothing gives "
             "something to what was not seen."),
    Question("writing.rows", "4.6", "An LSTM reads 20 words. How many next-word distributions does its head give in "
             "training?",
             "Twenty: at each position one for the word that comes after it. All are compared with the true words."),
    Question("writing.close", "4.6", "Why do «true» and «false» get vectors that are close?",
             "They stand in the same places. Vectors come close when words are used alike, which opposites often are."),
    Question("writing.temperature", "4.6", "What does a temperature of 0.5 do to the logits, and what to the text?",
             "They are divided by 0.5, so doubled: the favourites gain, and the text surprises less and repeats more."),
    Question("looking.fixed", "4.7", "Without attention, what changes in the decoder from step to step, and what "
             "doesn't?",
             "Its own state and the symbol that it wrote change; the context is one vector for all steps."),
    Question("looking.sum", "4.7", "Over which axis is the softmax of attention taken, and what adds up to 1?",
             "Over the source positions: for each step of the decoder the weights of all positions add up to 1."),
    Question("looking.order", "4.7", "Shuffle the encoder's states. What happens to the context that attention makes?",
             "Nothing: it is a weighted sum, and a sum has no order. What stood where must be in the states."),
)  # fmt: skip
