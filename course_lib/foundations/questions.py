"""The questions that the foundations chapter asks from memory, section by section, after those of chapter 1."""

from course_lib.recall import Question
from course_lib.tensors.questions import QUESTIONS as TENSORS

QUESTIONS = (
    *TENSORS,
    Question("perceptron.rule", "2.1", "A perceptron takes a point of class 0 for class 1. What happens to w and b, "
             "and what if the point was right?",
             "The point is taken from w, and 1 from b, each times the learning rate. A point that is right changes "
             "nothing."),
    Question("perceptron.xor", "2.1", "Four inputs, 00, 01, 10, 11: why can no w and b make XOR of them?",
             "The sums of 00 and 11 together are those of 01 and 10 together, w₁ + w₂ + 2b. The first pair would need "
             "it below 0, the second at 0 or above."),
    Question("perceptron.layers", "2.1", "A network of 4 inputs, hidden layers of 5 and 3 units, and 1 output: how "
             "many parameters? And what is left of it without its activations?",
             "5 · 5 + 6 · 3 + 4 · 1 = 47, a bias with each unit. Without activations, one matrix of 1 × 4 and one "
             "bias."),
    Question("activation.sigmoid", "2.2", "How large can the slope of a sigmoid be, and what does that mean for a "
             "gradient that passes ten of them?",
             "At most 1/4, at 0. Ten of them leave at most a millionth, unless the weights make up for it."),
    Question("activation.relu", "2.2", "ReLU passes a gradient as it is or not at all. Why can the gradient of a deep "
             "ReLU network still vanish or explode?",
             "The weights multiply it too, layer after layer; the activation is one factor of two."),
    Question("activation.dead", "2.2", "A ReLU unit is silent on all of the data. In which layer can it come back, and "
             "why not in the first?",
             "In a later layer: its own weights stand still, but its inputs move while the layers before it learn. The "
             "first layer's inputs are the data, which never move."),
    Question("backprop.product", "2.3", "Two layers, y = f(w₂ f(w₁ x + b₁) + b₂): which factors make up dL/dw₁, and "
             "what happens where two ways lead back to one value?",
             "dL/dy · f′(z) · w₂ · f′(u) · x, with each slope taken where its function stands. Of two ways, each gives "
             "a product, and the products are added."),
    Question("backprop.cost", "2.3", "A million weights, one loss: how many sweeps give all gradients forwards, how "
             "many backwards, and what is the price of the better way?",
             "A million forwards, one backwards, for about twice the work of the network itself. The values of the "
             "walk there have to be kept in memory."),
    Question("backprop.step", "2.3", "Why are all gradients computed before the first weight moves?",
             "They are slopes at one point. Once a weight has moved, the point is another, and a gradient taken there "
             "belongs to other weights than the rest."),
    Question("descent.edge", "2.4", "A parabola of curvature 4: which learning rate lands on the minimum in one step, "
             "and from which on does the loss grow?",
             "1/4 lands at once; at 2/4 the weight swings for ever, and above it the loss grows. In a valley the "
             "steepest direction sets this edge."),
    Question("descent.noise", "2.4", "Batches four times as large: what becomes of the variance of the gradient, and "
             "of its spread?",
             "A quarter of the variance, and so half the spread: four times the work for half the noise."),
    Question("descent.momentum", "2.4", "What do momentum and Adam each change about the plain step?",
             "Momentum adds up past gradients, so that steps to and fro cancel and steady ones grow. Adam also divides "
             "each weight's step by the size of its own gradients."),
    Question("deep.start", "2.5", "Thirty ReLU layers whose weights have variance 1/(3n), n being the fan-in: what "
             "does one layer do to the mean square of a signal, and what would keep it?",
             "Each multiplies it by n · 1/(3n) · 1/2 = 1/6, since ReLU takes half away. With a variance of 2/n, He's, "
             "the factor is 1."),
    Question("deep.shortcut", "2.5", "What is the Jacobian of x + F(x), what does that do for the gradient, and what "
             "may go wrong in many such layers?",
             "I + J. The gradient gets past every layer, however small J is. A product of many may grow, so the "
             "branch is scaled or starts at 0."),
    Question("deep.modes", "2.5", "What do batch normalisation and dropout each do in training that they don't do in "
             "evaluation?",
             "The norm takes mean and variance from the batch and moves its running averages; in evaluation it uses "
             "these. Dropout zeroes units at random and scales the rest; in evaluation it does nothing."),
)  # fmt: skip
