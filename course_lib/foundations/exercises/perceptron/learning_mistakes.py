"""The mistakes that `fit_perceptron` is known for: in what a row teaches, and in what ends the loop."""

from collections.abc import Callable

import torch
from torch import Tensor

from course_lib.exercises import mistake
from course_lib.foundations.exercises.perceptron.learning import Rule, fires, fit, learning
from course_lib.foundations.perceptron import step

RULE = Rule()


@mistake(
    learning,
    "an update that points the wrong way",
    ask="The label is 1 and the sum was too low. Is the same row's sum higher or lower after your update?",
    look="the sign of the update: label minus output, not output minus label.",
)
def _(X, y, max_epochs):
    return fit(X, y, max_epochs, Rule(correction=lambda x, t, out: ((out - t) * x, out - t)))


@mistake(
    learning,
    "a bias that never learns",
    ask="Your boundary is a line. Can it get away from the point where all inputs are 0?",
    look="the update: there are two of them, and the bias is a weight whose input is always 1.",
)
def _(X, y, max_epochs):
    return fit(X, y, max_epochs, Rule(correction=lambda x, t, out: ((t - out) * x, 0.0)))


@mistake(
    learning,
    "a bias that grows by 1 at every mistake",
    ask="A row of class 0 was taken for class 1. Should the next sum be higher or lower, and what does your bias do?",
    look="the update of b: it has the sign of label minus output, like that of w.",
)
def _(X, y, max_epochs):
    return fit(X, y, max_epochs, Rule(correction=lambda x, t, out: ((t - out) * x, abs(t - out))))


@mistake(
    learning,
    "the rule for labels of -1 and 1, on labels of 0 and 1",
    ask="A row of class 0 is taken for class 1. By how much do your weights change?",
    look="the update: label times row is nothing where the label is 0.",
)
def _(X, y, max_epochs):
    return fit(X, y, max_epochs, Rule(correction=lambda x, t, out: ((t != out) * t * x, (t != out) * t)))


@mistake(
    learning,
    "a unit of -1 and 1 beside labels of 0 and 1",
    ask="A row of class 0, and your unit gets it right. What is label minus output?",
    look="the output that you subtract from the label: both must speak of 0 and 1.",
)
def _(X, y, max_epochs):
    return fit(X, y, max_epochs, Rule(output=lambda z: 2 * fires(z) - 1))


@mistake(
    learning,
    "a step that gives 0 at exactly 0",
    ask="At the start every sum is 0. Which class does the perceptron of this section say then, and which does yours?",
    look="the comparison in the step: >= takes 0 in.",
)
def _(X, y, max_epochs):
    return fit(X, y, max_epochs, Rule(output=lambda z: float(z > 0)))


@mistake(
    learning,
    "an update by label minus weighted sum, without the step",
    ask="A row of class 1 has a sum of 5. Is that a mistake of the perceptron? What does your update say?",
    look="what you subtract from the label: the unit's output, not the sum inside it.",
)
def _(X, y, max_epochs):
    return fit(X, y, max_epochs, Rule(output=lambda z: z))


@mistake(
    learning,
    "an update for every row, whether it was right or wrong",
    ask="A row is on its side already. By how much do your weights change?",
    look="the update: where the output is the label, nothing is to be learned.",
)
def _(X, y, max_epochs):
    return fit(X, y, max_epochs, Rule(correction=lambda x, t, out: ((2 * t - 1) * x, 2 * t - 1)))


@mistake(
    learning,
    "the same change for every weight, whatever its input",
    ask="An input that is 0 had no part in the mistake. Does its weight change in yours?",
    look="the update of w: the row itself is a factor of it.",
)
def _(X, y, max_epochs):
    return fit(X, y, max_epochs, Rule(correction=lambda x, t, out: ((t - out) * torch.ones_like(x), t - out)))


class AllAtOnce(Rule):
    """Rows that are judged by the weights from before the epoch, and teach together."""

    def epoch(self, X: Tensor, y: Tensor, w: Tensor, b: float) -> tuple[Tensor, float, list[bool]]:
        error = y - step(X @ w + b)  # (rows,)
        return w + error @ X, b + float(error.sum()), (error != 0).tolist()


@mistake(
    learning,
    "an epoch in which all rows are judged by the weights from before it",
    ask="The first row has changed the weights. Which weights judge the second one?",
    look="where the output is computed: row by row, inside the inner loop.",
)
def _(X, y, max_epochs):
    return fit(X, y, max_epochs, AllAtOnce())


def epochs(X: Tensor, y: Tensor, max_epochs: int, over: Callable[[list[bool]], bool]) -> tuple[Tensor, float, bool]:
    """The right weights, epoch by epoch, until it is over: told by the mistakes of the epochs so far, row after row."""
    w, b, wrong = torch.zeros(X.shape[1]), 0.0, []
    for _ in range(max_epochs):
        w, b, now = RULE.epoch(X, y, w, b)
        wrong += now
        if over(wrong):
            return w, b, True
    return w, b, False


@mistake(
    learning,
    "a loop that ends only when there are no mistakes left",
    ask="How many epochs does your function run through on XOR?",
    look="what ends the outer loop: max_epochs has to.",
)
def _(X, y, max_epochs):
    w, b, wrong = torch.zeros(X.shape[1]), 0.0, [True]
    while any(wrong):
        w, b, wrong = RULE.epoch(X, y, w, b)
    return w, b, True


@mistake(
    learning,
    "mistakes that are counted over all epochs together",
    ask="The first epoch made two mistakes, the second none. What does your count say then?",
    look="where the count begins at 0: inside the outer loop.",
)
def _(X, y, max_epochs):
    return epochs(X, y, max_epochs, over=lambda wrong: not any(wrong))


@mistake(
    learning,
    "an end that the last row alone decides",
    ask="The first row is wrong and the last one is right. What does your flag say at the end of the epoch?",
    look="the flag: a row that is right must not wipe out what a row before it has said.",
)
def _(X, y, max_epochs):
    return epochs(X, y, max_epochs, over=lambda wrong: not wrong[-1])


@mistake(
    learning,
    "an end at the first row that is right",
    ask="One row is on its side. What do you know of the others?",
    look="how far to the right the `return` or the `break` stands: the epoch has to be over first.",
)
def _(X, y, max_epochs):
    w, b = torch.zeros(X.shape[1]), 0.0
    for _ in range(max_epochs):
        for x, t in zip(X, y.tolist(), strict=True):
            error = t - fires(float(x @ w) + b)
            if error == 0:
                return w, b, True
            w, b = w + error * x, b + error
    return w, b, False


@mistake(
    learning,
    "the weights of one epoch from zero, however many there were",
    ask="What does your second epoch know of the first?",
    look="the outer loop: w and b are made before it, and the last `return` stands behind it.",
)
def _(X, y, max_epochs):
    return fit(X, y, 1)


@mistake(
    learning,
    "converged whenever the epochs are over",
    ask="On XOR the last epoch still makes mistakes. What does your function say of them?",
    look="the last line: who gets there has not seen an epoch without a mistake.",
)
def _(X, y, max_epochs):
    w, b, _ = fit(X, y, max_epochs)
    return w, b, True


@mistake(
    learning,
    "an epoch without a mistake that is not told",
    ask="What is your converged when the very first epoch has no mistake?",
    look="the place where the loop ends early: which third result goes out there?",
)
def _(X, y, max_epochs):
    w, b, _ = fit(X, y, max_epochs)
    return w, b, False


@mistake(
    learning,
    "an epoch without a mistake that does not count when it is the last one allowed",
    ask="The last epoch of all goes by without a mistake. What is your converged then?",
    look="what decides converged: the mistakes of the epoch, not its number.",
)
def _(X, y, max_epochs):
    w, b, _ = fit(X, y, max_epochs)
    return w, b, fit(X, y, max_epochs - 1)[2]


@mistake(
    learning,
    "an epoch that is over at its first mistake",
    ask="The first row was wrong and has been learned from. Which row comes next in yours?",
    look="how far to the right the `break` stands: it belongs to the epochs, not to the rows.",
)
def _(X, y, max_epochs):
    w, b = torch.zeros(X.shape[1]), 0.0
    for _ in range(max_epochs):
        error = 0.0
        for x, t in zip(X, y.tolist(), strict=True):
            error = t - fires(float(x @ w) + b)
            if error:
                w, b = w + error * x, b + error
                break
        if not error:
            return w, b, True
    return w, b, False
