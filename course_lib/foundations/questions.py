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
             "Momentum adds up past gradients, so that steady ones grow, up to tenfold, and the walk overshoots. Adam "
             "also divides each weight's step by the size of its own gradients."),
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
    Question("depth.pieces", "2.6", "Twelve ReLU units draw a line: how many straight pieces can it have if they stand "
             "in one layer, how many do six composed tents make, and which of the two does training find?",
             "13 at most in one layer, 2⁶ = 64 from the tents. Training finds neither: it ends far below the most that "
             "a deep network could draw."),
    Question("depth.probe", "2.6", "What does a linear probe measure, on which rows, and what is it to be compared "
             "with?",
             "How much of the class can be read linearly behind a layer that stays as it is, on rows that the probe "
             "was not fitted on; compared with the input and with the same network untrained."),
    Question("depth.sharing", "2.6", "A dense network and one layer of convolution with global max pooling, a digit "
             "that may stand anywhere: which of the two forgets where it stood, and is that a matter of depth?",
             "The convolution: its kernel is the same at all places, and the maximum keeps no place. Sharing does it; "
             "neither is deep."),
    Question("pipeline.leak", "2.7", "A scaler fitted on all rows, and copies of one case on both sides of the split: "
             "what is wrong with both, and which spoils a score more?",
             "In both, rows put aside have had a say. Copies are recognised, so even labels dealt by lot look learned; "
             "a mean moves little when a few rows of the same kind join it."),
    Question("pipeline.augment", "2.7", "When does augmentation help, and which change of a digit would never do?",
             "When the test brings the same changes and the label stays true. A half-turn makes a 9 of a 6 and still "
             "calls it 6."),
    Question("pipeline.file", "2.7", "What must be in the file that you hand over, and what does a server check that a "
             "test set cannot?",
             "Weights, the scaler's mean and spread, how the model is built, what its numbers mean. The form of every "
             "request, and whether what comes in has moved away from the training rows."),
    Question("limits.signs", "2.8", "Every pixel moves by ε: once as the gradient's signs say, once as coins do. Why "
             "is the first so much worse, though both are of the same size?",
             "Near the picture the loss is nearly straight. Along the signs every pixel adds ε times the size of its "
             "slope; with coins most of the terms cancel."),
    Question("limits.deletion", "2.8", "A map says which pixels an answer hangs on. How can the map be tested, and "
             "what does it have to beat?",
             "Set the pixels that it names first to 0 and see how far the answer's logit falls. It has to fall faster "
             "than for pixels drawn at random."),
    Question("limits.labels", "2.8", "Name three ways to get by with fewer labels.",
             "Active learning asks about the items of which the model is least sure; semi-supervised learning uses "
             "items without a label; transfer begins with what was learned elsewhere."),
    Question("cost.free", "2.9", "A weight of 32 bits gets 4, and then nine of ten weights are set to 0. What does "
             "each do to the file, to the accuracy and to the time of a dense multiplication?",
             "4 bits: an eighth of the bytes, next to nothing lost. Nine of ten at 0: smaller again, but without more "
             "training much is lost. The time stays: a float that is rounded or 0 is still multiplied."),
    Question("cost.teacher", "2.9", "When does a student learn more from a teacher than from labels?",
             "Where labels are few: the teacher can judge pictures without labels, and its softened probabilities say "
             "more of each picture. With labels for every picture there may be nothing to gain."),
    Question("cost.notions", "2.9", "Two groups differ in how many are worthy. Can one selection choose the same share "
             "of both and find the same share of the worthy in both?",
             "Only one that is right or wrong in just the proportions that make it so; of a given score no threshold "
             "does in general. One has to choose which notion matters."),
)  # fmt: skip
