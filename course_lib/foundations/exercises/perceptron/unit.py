"""The perceptron for a batch, and weights that make a logic gate of it."""

from collections.abc import Callable
from itertools import product

import torch
from torch import Tensor

from course_lib.exercises import Case, exercise, mistake, part, randn
from course_lib.exercises.compare import show
from course_lib.foundations.perceptron import step

Weights = tuple[Tensor, float]  # w (inputs,), b

GATES: dict[str, Callable[[Tensor, int], Tensor]] = {  # from how many of the inputs are 1, out of n
    "and": lambda ones, n: ones == n,
    "or": lambda ones, n: ones > 0,
    "nand": lambda ones, n: ones < n,
    "not": lambda ones, n: ones == 0,
}


def inputs_of(n: int) -> Tensor:
    """All rows of n inputs that are 0 or 1, in counting order: (2 ** n, n)."""
    return torch.tensor(list(product((0.0, 1.0), repeat=n)))


def table_of(gate: str, n: int) -> Tensor:
    """What the gate gives for each row of `inputs_of(n)`: (2 ** n,)."""
    return GATES[gate](inputs_of(n).sum(dim=1), n).float()


def sums(x: Tensor, w: Tensor, b: float) -> Tensor:
    """The weighted sum of each row, in the type of the weights: as the learner's own perceptron would see it."""
    w = w if w.is_floating_point() else w.double()
    return x.to(w.dtype) @ w + b


def gate_case(gate: str, n: int, because: str) -> Case:
    """One gate. What counts is its table, for many weights are right."""
    x, wanted = inputs_of(n), table_of(gate, n)

    def table(weights: Weights) -> Tensor:
        return step(sums(x, *weights))

    def explain(weights: Weights) -> str:
        row = int((table(weights) != wanted).int().argmax())
        total, out = float(sums(x, *weights)[row]), int(table(weights)[row])
        inputs = show(tuple(int(number) for number in x[row])) if n > 1 else f"{x[row].item():g}"
        return f"With your w and b the inputs {inputs} sum to {total:.4g}, which gives {out}, wanted {1 - out}."

    return Case(
        (gate, n),
        call="weights_for",
        expected=wanted,
        view=table,
        form=(torch.zeros(n), 0.0),
        explain=explain,
        because=because,
    )


@exercise(
    "foundations.perceptron",
    "perceptron(x, w, b) -> y",
    "weights_for(gate, n) -> w, b",
    level="core",
    minutes=6,
    keeps_inputs=True,
)
def unit(rng):
    """A perceptron for a whole batch, and the weights that make AND, OR, NAND and NOT of it."""

    def case(x: Tensor, w: Tensor, b: float, because: str, shown: str | None = None) -> Case:
        return Case((x, w, b), expected=step(x @ w + b), because=because, shown=shown)

    def whole(*shape: int) -> Tensor:
        """Whole numbers from -4 to 4 but not 0, whose sums are exact: (shape)."""
        return torch.from_numpy(rng.integers(1, 5, size=shape) * rng.choice([-1, 1], size=shape)).float()

    with part("truth tables", points=1):
        for gate, weights, b in (("AND", [1.0, 1.0], -1.5), ("OR", [1.0, 1.0], -0.5), ("NAND", [-1.0, -1.0], 1.5)):
            shown = f"x the four rows of the {gate} table, 00 01 10 11, w={show(weights)}, b={b:g}"
            yield case(inputs_of(2), torch.tensor(weights), b, "add up each of the four rows on paper", shown)
    with part("exactly on the boundary", points=1):
        for x, w, b in (([[2.0]], [3.0], -6.0), ([[0.0, 0.0], [1.0, -1.0]], [1.0, 1.0], 0.0)):
            yield case(torch.tensor(x), torch.tensor(w), b, "the step has a value at 0 too, and the formula names it")
        shown = "x the four rows 00 01 10 11, w=[1, 1], b=-2, which is AND again"
        yield case(inputs_of(2), torch.ones(2), -2.0, "the row 11 sums to exactly 0", shown)
        for batch, m in ((4, 2), (6, 3)):
            x, w = whole(batch, m), whole(m)
            shown = f"x {batch} rows of {m} whole numbers, b such that the first row sums to exactly 0"
            yield case(x, w, -float(x[0] @ w), "print the sums before the step: which of them are 0?", shown)
    with part("any numbers", points=1):
        for batch, m in ((1, 4), (5, 3), (20, 2), (8, 1), (6, 10)):
            w, b = randn(rng, m), float(rng.normal())
            x = randn(rng, batch, m, scale=3.0)
            z = x @ w + b
            x = x + 0.1 * torch.where(z >= 0, 1, -1).unsqueeze(1) * w / (w @ w)  # rounding decides no row: |z| > 0.1
            yield case(x, w, b, "nothing in the formula asks for inputs of 0 and 1", f"{batch} random rows of {m}")
    with part("your own gates", points=1):
        for gate, n in (("and", 2), ("or", 2), ("nand", 2), ("not", 1), *product(("and", "or", "nand"), (3, 4))):
            yield gate_case(gate, n, "write the sum beside each row of the table; where must it be below 0?")


@mistake(
    unit,
    "a step that gives 0 at exactly 0",
    ask="A row sums to exactly 0. What does the formula give for it, and what does your comparison?",
    look="the comparison: > leaves 0 out, >= takes it in. A rounded sigmoid leaves it out as well.",
)
def _(x, w, b):
    return (x @ w + b > 0).float()


@mistake(
    unit,
    "the sign function, with results of -1, 0 and 1",
    ask="How many different values can the step return? And how many does yours?",
    look="torch.sign: it has three values, and none of them is what the step gives below 0.",
)
def _(x, w, b):
    return torch.sign(x @ w + b)


@mistake(
    unit,
    "a step from -1 to 1",
    ask="What does the formula give for a sum below 0?",
    look="the value below the threshold: some books use -1 there; ours is 0.",
)
def _(x, w, b):
    return 2 * step(x @ w + b) - 1


@mistake(
    unit,
    "a step that is half-way up at exactly 0",
    ask="How many different values does your function return for the sums -1, 0 and 1?",
    look="the value at 0: torch.heaviside has to be told it, and (sign + 1) / 2 makes a half of it.",
)
def _(x, w, b):
    return (torch.sign(x @ w + b) + 1) / 2


@mistake(
    unit,
    "a sigmoid in place of the step",
    ask="Can a perceptron be undecided? What does yours return for a sum of 0.3?",
    look="the last function: the perceptron's is no smooth one.",
)
def _(x, w, b):
    return torch.sigmoid(x @ w + b)


@mistake(
    unit,
    "a ReLU in place of the step",
    ask="Can a perceptron return 2? What does yours return for a sum of 2?",
    look="the last function: the step says whether the sum is large enough, not how large it is.",
)
def _(x, w, b):
    return torch.relu(x @ w + b)


@mistake(
    unit,
    "a weighted sum without the step",
    ask="A perceptron answers yes or no. Which numbers does yours answer?",
    look="what you do with the sum: f is still to come.",
)
def _(x, w, b):
    return x @ w + b


@mistake(
    unit,
    "a step turned round, 1 below and 0 above",
    ask="The larger the sum, the more the unit should fire. What does yours do at a sum of 100?",
    look="the two values of the step, or the direction of the comparison.",
)
def _(x, w, b):
    return 1 - step(x @ w + b)


@mistake(
    unit,
    "a unit whose bias was forgotten",
    ask="What does your unit give for inputs that are all 0? And can the third argument change that?",
    look="the sum: it has one term more than there are inputs.",
)
def _(x, w, b):
    return step(x @ w)


@mistake(
    unit,
    "a unit that takes its bias away",
    ask="AND has b = -1.5. What is your sum for the inputs 0 and 0?",
    look="the sign in front of b: it is a bias that is added, not a threshold to be reached.",
)
def _(x, w, b):
    return step(x @ w - b)


@mistake(
    unit,
    "a bias that is added once for every input",
    ask="Three inputs: how often does b stand in your sum?",
    look="the brackets: b comes after the sum over the inputs.",
)
def _(x, w, b):
    return step((x * w + b).sum(dim=1))


@mistake(
    unit,
    "one sum over the whole batch",
    ask="Four rows come in. How many results go out?",
    look="the sum: over the inputs of one row, not over the rows (dim=1, or x @ w).",
)
def _(x, w, b):
    return step((x * w).sum() + b)


def right_for(n: int) -> dict[str, tuple[float, float]]:
    """Weight and bias of each gate, half-way between the sums that must be told apart."""
    return {"and": (1.0, 0.5 - n), "or": (1.0, -0.5), "nand": (-1.0, n - 0.5), "not": (-1.0, 0.5)}


def gates_but(gate: str, n: int, **wrong: tuple[float, float]) -> Weights:
    """The right weights, but for the gates among the wrong ones: weight and bias."""
    w, b = (right_for(n) | wrong)[gate]
    return torch.full((n,), w), b


@mistake(
    unit,
    "a bias that is meant as the threshold to be reached",
    call="weights_for",
    ask="All inputs are 0. Which sign has the sum then, and which should it have for AND?",
    look="the sign of b: it is added to the sum, which is then held against 0.",
)
def _(gate, n):
    w, b = gates_but(gate, n)
    return w, -b


@mistake(
    unit,
    "AND for OR, and OR for AND",
    call="weights_for",
    ask="Which of your two gates fires when one input alone is 1?",
    look="the two biases: the gate that is harder to please needs the lower one.",
)
def _(gate, n):
    right = right_for(n)
    return gates_but(gate, n, **{"and": right["or"], "or": right["and"]})


@mistake(
    unit,
    "gates for a step that gives 0 at exactly 0",
    call="weights_for",
    ask="OR of inputs that are all 0: what is your sum, and what does the step make of it?",
    look="the biases: a sum of exactly 0 fires, so keep the sums of the two answers on different sides of it.",
)
def _(gate, n):
    return gates_but(gate, n, **{"and": (1.0, 1.0 - n), "or": (1.0, 0.0), "nand": (-1.0, float(n)), "not": (-1.0, 1.0)})


@mistake(
    unit,
    "NAND as AND with every sign turned, where AND sums to exactly 0",
    call="weights_for",
    ask="Turning every sign turns every sum round. Which sum stays what it was?",
    look="the row of ones: AND reaches 0 there and fires, and so does what you made of it.",
)
def _(gate, n):
    return gates_but(gate, n, **{"nand": (-1.0, float(n))})


@mistake(
    unit,
    "biases that are right for two inputs only",
    call="weights_for",
    ask="AND of three inputs, two of which are 1: what is your sum?",
    look="the bias: does n stand in it?",
)
def _(gate, n):
    return gates_but(gate, n, **right_for(2))


@mistake(
    unit,
    "NAND that fires only when every input is 0",
    call="weights_for",
    ask="NAND of 0 and 1: is it true that not both of them are 1?",
    look="the bias of NAND: it is the opposite of AND; yours is the opposite of OR.",
)
def _(gate, n):
    return gates_but(gate, n, **{"nand": (-1.0, 0.5)})
