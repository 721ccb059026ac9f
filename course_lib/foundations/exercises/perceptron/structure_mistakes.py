"""The mistakes that `count_params` and `head_for` are known for."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from math import prod

from torch import nn

from course_lib.exercises import mistake
from course_lib.foundations.exercises.perceptron.structure import structure

Head = tuple[nn.Module, Callable, Callable]  # layer, activation, loss


@mistake(
    structure,
    "weights without biases",
    ask="A layer of 3 inputs and 2 units: which parameters has nn.Linear(3, 2)?",
    look="the sum: a layer has a bias vector beside its matrix.",
)
def _(widths):
    return sum(n * m for n, m in pairwise(widths))


@mistake(
    structure,
    "one bias for each layer, not for each unit",
    ask="A layer of 8 units: how many biases has it?",
    look="what you add for the bias: in b_j stands the number of the unit.",
)
def _(widths):
    return sum(n * m + 1 for n, m in pairwise(widths))


@mistake(
    structure,
    "a bias for the input units too",
    ask="What would a bias do at a unit that hands its feature on as it is?",
    look="which widths you add: biases begin behind the first layer of arrows.",
)
def _(widths):
    return sum(n * m for n, m in pairwise(widths)) + sum(widths)


@mistake(
    structure,
    "a bias for each input of a layer, not for each of its units",
    ask="A layer of 3 inputs and 2 units: how many sums does it compute, and how many biases do you give it?",
    look="the bias: it belongs to the unit in which the arrows end.",
)
def _(widths):
    return sum(n * m + n for n, m in pairwise(widths))


@mistake(
    structure,
    "an output layer without biases",
    ask="Does the last nn.Linear of a network have a bias?",
    look="the last layer: it has no activation, but it has a bias.",
)
def _(widths):
    return sum(n * m + m for n, m in pairwise(widths)) - widths[-1]


@mistake(
    structure,
    "units in place of parameters",
    ask="Two layers of 10 units each: how many arrows lead from one to the other?",
    look="the question: what is learned are weights and biases.",
)
def _(widths):
    return sum(widths)


@mistake(
    structure,
    "the product of all widths",
    ask="An arrow leads from one layer to the next. Does the width of a third layer change their number?",
    look="the product: only neighbours are multiplied, and then added up.",
)
def _(widths):
    return prod(widths)


@dataclass(frozen=True)
class Plan:
    """A head for one task: how many units, what predicts, what is minimised, and what stands in the layer as well."""

    units: int
    activation: Callable
    loss: Callable
    inside: nn.Module | None = None

    def head(self, in_features: int) -> Head:
        linear = nn.Linear(in_features, self.units)
        layer = nn.Sequential(linear, self.inside) if self.inside else linear
        return layer, self.activation, self.loss


SIGMOID, SOFTMAX, SAME = nn.Sigmoid(), nn.Softmax(dim=-1), nn.Identity()
LOGISTIC, CROSS_ENTROPY, SQUARED = nn.BCEWithLogitsLoss(), nn.CrossEntropyLoss(), nn.MSELoss()


def right(task: str, k: int) -> Plan:
    """The usual head."""
    return {
        "binary": Plan(1, SIGMOID, LOGISTIC),
        "multiclass": Plan(k, SOFTMAX, CROSS_ENTROPY),
        "multilabel": Plan(k, SIGMOID, LOGISTIC),
        "regression": Plan(k, SAME, SQUARED),
    }[task]


def head_but(task: str, in_features: int, k: int, **wrong: dict) -> Head:
    """The right head, but for what is given for its task."""
    return replace(right(task, k), **wrong.get(task, {})).head(in_features)


def wrong_head(declare: Callable, name: str, ask: str, look: str, **wrong: dict) -> None:
    """Declare a mistake of `head_for`: for each task that it gets wrong, what is exchanged. `declare` is `mistake`: a
    copy without mistakes drops each statement that names it."""

    @declare(structure, name, call="head_for", ask=ask, look=look)
    def _(task, in_features, k):
        return head_but(task, in_features, k, **wrong)


ONE_SHARE = "With one unit the softmax has one number to share 1 out to. What does it give, whatever the logit?"
EXCLUSIVE = "A film is a comedy and a love story. Can your predictions be above 0.5 for both?"

wrong_head(
    mistake,
    "softmax on a single unit",
    ask=ONE_SHARE,
    look="the binary head: one unit goes with a sigmoid, softmax needs two.",
    binary={"activation": SOFTMAX, "loss": CROSS_ENTROPY},
)
wrong_head(
    mistake,
    "a prediction by softmax of a single unit, beside the right loss",
    ask=ONE_SHARE,
    look="the binary activation: one unit goes with a sigmoid, softmax needs two.",
    binary={"activation": SOFTMAX},
)
wrong_head(
    mistake,
    "softmax where several labels may hold",
    ask=EXCLUSIVE,
    look="the multilabel head: each label is a question of its own, with yes or no for an answer.",
    multilabel={"activation": SOFTMAX, "loss": CROSS_ENTROPY},
)
wrong_head(
    mistake,
    "predictions by softmax where several labels may hold, beside the right loss",
    ask=EXCLUSIVE,
    look="the multilabel activation: each label is a question of its own, with yes or no for an answer.",
    multilabel={"activation": SOFTMAX},
)
wrong_head(
    mistake,
    "softmax for every task but regression",
    ask=f"{EXCLUSIVE} And what is the softmax of one number?",
    look="the binary and the multilabel head: both are made of questions with yes or no for an answer.",
    binary={"activation": SOFTMAX, "loss": CROSS_ENTROPY},
    multilabel={"activation": SOFTMAX, "loss": CROSS_ENTROPY},
)
wrong_head(
    mistake,
    "a sigmoid for each of several exclusive classes",
    ask="Four classes, one of which holds. What do your four predictions sum to?",
    look="the multiclass activation: the classes share one certainty among them.",
    multiclass={"activation": SIGMOID},
)
wrong_head(
    mistake,
    "a softmax in front of a loss that has its own",
    ask="What does nn.CrossEntropyLoss do with its input before it takes the logarithm?",
    look="the multiclass layer: it should hand over logits, and the activation comes only where somebody reads them.",
    multiclass={"inside": SOFTMAX, "activation": SAME},
)
wrong_head(
    mistake,
    "a sigmoid in front of a loss that has its own",
    ask="What does the «WithLogits» in nn.BCEWithLogitsLoss say?",
    look="the layers with a sigmoid: they should hand over logits.",
    binary={"inside": SIGMOID, "activation": SAME},
    multilabel={"inside": SIGMOID, "activation": SAME},
)
wrong_head(
    mistake,
    "an activation in front of every loss that has its own",
    ask="nn.CrossEntropyLoss and nn.BCEWithLogitsLoss: what do they do with their input first?",
    look="the layers: they should hand over logits, and the activation comes only where somebody reads them.",
    binary={"inside": SIGMOID, "activation": SAME},
    multiclass={"inside": SOFTMAX, "activation": SAME},
    multilabel={"inside": SIGMOID, "activation": SAME},
)
wrong_head(
    mistake,
    "logits given out as predictions",
    ask="Your layer says -2.3 for a class. Which probability is that?",
    look="the activation: what is left to do between a logit and a probability?",
    binary={"activation": SAME},
    multiclass={"activation": SAME},
    multilabel={"activation": SAME},
)
wrong_head(
    mistake,
    "a softmax down the batch",
    ask="Add up the predictions of one row. And then those of one column: which of the two sums is 1?",
    look="the dim of the softmax: axis 0 is the batch.",
    multiclass={"activation": nn.Softmax(dim=0)},
)
wrong_head(
    mistake,
    "nn.NLLLoss on logits",
    ask="nn.NLLLoss picks the right class's number and turns its sign. Which number does it get from you?",
    look="the multiclass loss: nn.NLLLoss wants logarithms of probabilities.",
    multiclass={"loss": nn.NLLLoss()},
)
PROBABILITIES = "nn.BCELoss takes the logarithm of its input. What if that is a negative logit?"
wrong_head(
    mistake,
    "nn.BCELoss on logits",
    ask=PROBABILITIES,
    look="the loss of the heads with a sigmoid: which of them wants probabilities, and what does it get?",
    binary={"loss": nn.BCELoss()},
    multilabel={"loss": nn.BCELoss()},
)
wrong_head(
    mistake,
    "nn.BCELoss on the logits of two classes",
    ask=PROBABILITIES,
    look="the binary loss: it wants probabilities, and gets what your layer gives.",
    binary={"loss": nn.BCELoss()},
)
wrong_head(
    mistake,
    "nn.BCELoss on the logits of several labels",
    ask=PROBABILITIES,
    look="the multilabel loss: it wants probabilities, and gets what your layer gives.",
    multilabel={"loss": nn.BCELoss()},
)
wrong_head(
    mistake,
    "a sigmoid for each of two exclusive classes",
    ask="Two classes, one of which holds. What do your two predictions for a row sum to?",
    look="the binary activation: two units share one certainty, and one unit needs no sharing.",
    binary={"units": 2, "activation": SIGMOID, "loss": CROSS_ENTROPY},
)
wrong_head(
    mistake,
    "the absolute error where the squared one is asked for",
    ask="One prediction is off by 3, and by how much does your loss grow?",
    look="the regression loss, and the table's last row.",
    regression={"loss": nn.L1Loss()},
)
wrong_head(
    mistake,
    "numbers squeezed by a sigmoid",
    ask="The target is 21.5 degrees. Can your network ever say so?",
    look="the regression activation.",
    regression={"activation": SIGMOID},
)
wrong_head(
    mistake,
    "numbers cut off below 0",
    ask="The target is -3 degrees. Can your network ever say so?",
    look="the regression activation: hidden layers have a ReLU, this one is the last.",
    regression={"activation": nn.ReLU()},
)
wrong_head(
    mistake,
    "one unit, however many numbers are wanted",
    ask="Four numbers are to be predicted. How many does your layer have to give?",
    look="the units of the regression head.",
    regression={"units": 1},
)
