"""Build a latch out of one unit: it writes a bit on command, and holds it otherwise."""

import math

import torch
from torch import Tensor

from course_lib.exercises import Case, exercise, mistake, part
from course_lib.recurrent.exercises.gates.common import sigmoid

Latch = tuple[Tensor, ...]  # W_f, b_f, W_i, b_i, W_C, b_C, W_o, b_o for one unit and the inputs (flag, bit)


def latch(f=(-20.0, 10.0), i=(20.0, -10.0), candidate=(0.0, 20.0), first_column=1) -> Latch:
    """Weights of a latch: the gates read the flag by (weight, bias), the candidate reads (flag, bit).

    `first_column` is where the flag's weight stands in a row [h, flag, bit].
    """

    def row(flag: float, bit: float) -> Tensor:
        return torch.tensor([0.0, flag, bit]).roll(first_column - 1).unsqueeze(0)

    def gate(weight: float, bias: float) -> tuple[Tensor, Tensor]:
        return row(weight, 0.0), torch.tensor([bias])

    return (*gate(*f), *gate(*i), row(*candidate), torch.zeros(1), *gate(0.0, 10.0))


def run_latch(weights: Latch, inputs: list[tuple[int, int]]) -> list[float]:
    """The cell after each input (flag, bit), from an empty state, in plain Python numbers."""
    rows = [weight.flatten().tolist() for weight in weights]
    gates = [(*of_inputs, bias) for of_inputs, (bias,) in zip(rows[::2], rows[1::2], strict=True)]
    h = c = 0.0
    cells = []
    for flag, bit in inputs:
        f, i, g, o = [of_h * h + of_flag * flag + of_bit * bit + bias for of_h, of_flag, of_bit, bias in gates]
        c = sigmoid(f) * c + sigmoid(i) * math.tanh(g)
        h = sigmoid(o) * math.tanh(c)
        cells.append(c)
    return cells


def what_it_lost(inputs: list[tuple[int, int]], weights: Latch) -> str | None:
    """Where the sign of the cell is not the bit written last, in a sentence; None if it always is."""
    written, at = 0, 0
    for step, (cell, (flag, bit)) in enumerate(zip(run_latch(weights, inputs), inputs, strict=True), 1):
        if flag:
            written, at = bit, step
        if written and not cell * written > 0:
            if step <= 5:
                history = "After (flag, bit) = " + ", ".join(f"({flag}, {bit:+d})" for flag, bit in inputs[:step])
            else:
                history = (
                    f"After step {step} of {len(inputs)}, in a random sequence where step {at} was the last to write,"
                )
            return f"{history} the cell is {cell:.3g}; the last bit written was {written:+d}."
    return None


def working_points(weights: Latch) -> tuple[Tensor, Tensor, Tensor]:
    """How a latch stands when it holds and when it writes, whatever the size of its weights.

    Returns:
        the signs under the forget and the input gate's sigmoid for each (flag, bit), and under the candidate's tanh for
        each bit that is written
    """
    x = torch.tensor([[0, 0, -1], [0, 0, 1], [0, 1, -1], [0, 1, 1]], dtype=torch.float64)  # [h, flag, bit], with h = 0
    pairs = zip(weights[:6:2], weights[1:6:2], strict=True)
    forget, write, candidate = (torch.sign(x @ W.double().T + b.double()) for W, b in pairs)
    return forget, write, candidate[2:]


@exercise(
    "recurrent.lstm.input-gate",
    "latch_weights() -> W_f, b_f, W_i, b_i, W_C, b_C, W_o, b_o",
    level="more",
    minutes=12,
)
def latch_weights(rng):
    """Build a latch: a cell that writes a bit on command, and holds it otherwise."""

    def case(inputs: list[tuple[int, int]], because: str) -> Case:
        return Case(
            (),
            test=lambda weights: what_it_lost(inputs, weights),
            view=working_points,
            form=latch(),
            because=because,
        )

    with part("writes on command", points=1):
        for inputs in (
            [(1, 1)],
            [(1, -1)],
            [(1, 1), (1, -1)],
            [(1, -1), (0, 1)],
            [(1, 1), (1, 1), (1, -1)],
            [(1, -1), (1, -1), (1, 1), (0, -1)],
        ):
            yield case(inputs, "say for flag 0 and for flag 1 what each gate should be, then find its weights")
    with part("holds for 200 steps", points=2):
        for _ in range(20):
            flags = rng.random(200) < rng.uniform(0.01, 0.1)
            flags[0] = True
            bits = rng.choice([-1, 1], size=200)
            inputs = list(zip(flags.astype(int).tolist(), bits.tolist(), strict=True))
            yield case(inputs, "a gate of 0.99 looks closed to a bit, and leaks for 200 steps")


@mistake(
    latch_weights,
    "a cell that adds to what it holds while it writes",
    ask="Write +1 three times, then -1 once. What has to become of the old value at the fourth step?",
    look="the forget gate when the flag is 1.",
)
def _():
    return latch(f=(0.0, 10.0))


@mistake(
    latch_weights,
    "a latch whose flag works the wrong way round",
    ask="What does your input gate do when the flag is 0?",
    look="the signs of the weights by which the gates read the flag.",
)
def _():
    return latch(f=(20.0, -10.0), i=(-20.0, 10.0))


@mistake(
    latch_weights,
    "a latch whose gates stand the right way, but are not shut tightly enough",
    ask="While it holds, which share does your forget gate keep in 200 steps, and how much does the input gate let in?",
    look="the size of the weights and biases: sigmoid(2) is 0.88, sigmoid(10) is 0.99995.",
)
def _():
    return latch(f=(-4.0, 2.0), i=(4.0, -2.0), candidate=(0.0, 2.0))


@mistake(
    latch_weights,
    "weights made for [x, h], where the cell joins [h, x]",
    ask="Which of the three columns multiplies h, and which one the flag?",
    look="the order of the columns: h first, then the flag, then the bit.",
)
def _():
    return latch(first_column=0)


@mistake(
    latch_weights,
    "a latch that writes the flag, not the bit",
    ask="Does your candidate change its sign with the bit?",
    look="the columns of W_C: which one multiplies the bit?",
)
def _():
    return latch(candidate=(20.0, 0.0))
