"""Write one step of the LSTM."""

import torch

from course_lib.exercises import Case, exercise, mistake, part
from course_lib.recurrent.exercises.gates.common import (
    ARGUMENTS,
    QUARTERS,
    gates_of,
    plain_cell,
    random_step,
    sums_of,
    torch_cell,
    unit_step,
)


@exercise(
    "recurrent.lstm",
    f"lstm_cell({ARGUMENTS}) -> h, c",
    level="core",
    minutes=10,
    without=["lstm_cell", "lstm"],
    blanks=5,
    keeps_inputs=True,
)
def lstm_cell(rng):
    """Write one step of the LSTM, equal to PyTorch's."""
    with part("by hand", points=1):
        for inputs, shown in (
            (unit_step(x=1.0, c=2.0), "x=1, h=0, c=2, all weights and biases 0 (so f, i and o are 0.5)"),
            (
                unit_step(x=1.0, c=2.0, b=QUARTERS),
                "x=1, h=0, c=2, all weights 0, biases that make f 0.75, i 0.25, the candidate 0.5 and o 0.5",
            ),
            (
                unit_step(h=1.0, c=2.0, on_h=QUARTERS),
                "x=0, h=1, c=2, biases 0, weights on h that make f 0.75, i 0.25, the candidate 0.5 and o 0.5",
            ),
        ):
            yield Case(
                inputs,
                expected=torch_cell(*inputs),
                shown=shown,
                because="work these numbers through on paper, line by line, and print yours beside them",
            )
    with part("random shapes", points=2):
        for batch, input_size, hidden_size in ((1, 1, 2), (2, 3, 3), (3, 5, 2), (4, 2, 6)):
            inputs = random_step(rng, batch, input_size, hidden_size)
            yield Case(
                inputs,
                expected=torch_cell(*inputs),
                shown=f"batch {batch}, input_size {input_size}, hidden_size {hidden_size}, random numbers",
                because="one number may hide a wrong order or a wrong product that several show; watch the shapes",
            )


@mistake(
    lstm_cell,
    "gates packed in the order f, i, o, C and unpacked in another",
    ask="Which weights make your forget gate, and which function squeezes the output gate?",
    look="the order in which the four blocks are joined, and the order in which they are taken apart again.",
)
def _(x, h, c, W_f, b_f, W_i, b_i, W_C, b_C, W_o, b_o):
    packed = torch.cat([h, x], dim=-1) @ torch.cat([W_f, W_i, W_o, W_C]).T + torch.cat([b_f, b_i, b_o, b_C])
    i, f, g, o = packed.chunk(4, dim=-1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return o.sigmoid() * c.tanh(), c


@mistake(
    lstm_cell,
    "a cell whose forget gate and input gate have changed places",
    ask="Make f 1 and i 0: the cell should hold. What does yours do?",
    look="the lines of f and i: which weights does each use, and what does each multiply?",
)
def _(x, h, c, W_f, b_f, W_i, b_i, W_C, b_C, W_o, b_o):
    return plain_cell(x, h, c, W_i, b_i, W_f, b_f, W_C, b_C, W_o, b_o)


@mistake(
    lstm_cell,
    "[x, h] joined with weights made for [h, x]",
    ask="The first hidden_size columns of each weight matrix belong to which of the two?",
    look="the line that joins x and h.",
)
def _(x, h, c, *weights):
    f, i, g, o = gates_of(torch.cat([x, h], dim=-1), *weights)
    c = f * c + i * g
    return o * c.tanh(), c


@mistake(
    lstm_cell,
    "a cell that adds each bias twice",
    ask="How often does each b stand in the equations? PyTorch's cell has two biases a gate: must both be filled?",
    look="the biases: only their sum matters, so one of the two must be zero.",
)
def _(x, h, c, W_f, b_f, W_i, b_i, W_C, b_C, W_o, b_o):
    return plain_cell(x, h, c, W_f, 2 * b_f, W_i, 2 * b_i, W_C, 2 * b_C, W_o, 2 * b_o)


@mistake(
    lstm_cell,
    "a cell that shows itself without tanh",
    ask="The cell may grow to 10. May h?",
    look="the line of h: what happens to the new cell before the output gate multiplies it?",
)
def _(x, h, c, *weights):
    f, i, g, o = gates_of(torch.cat([h, x], dim=-1), *weights)
    c = f * c + i * g
    return o * c, c


@mistake(
    lstm_cell,
    "a candidate that went through the sigmoid",
    ask="Could your cell ever write a negative number?",
    look="the line of the candidate: it is no gate, so which function squeezes it?",
)
def _(x, h, c, *weights):
    f, i, g, o = (under.sigmoid() for under in sums_of(torch.cat([h, x], dim=-1), *weights))
    c = f * c + i * g
    return o * c.tanh(), c


@mistake(
    lstm_cell,
    "a cell that shows its old value",
    ask="Is what this step has written already visible in your h?",
    look="the line of h: which cell does it use, C_t or C_{t-1}?",
)
def _(x, h, c, *weights):
    f, i, g, o = gates_of(torch.cat([h, x], dim=-1), *weights)
    return o * c.tanh(), f * c + i * g


@mistake(
    lstm_cell,
    "a cell that returns c first and h second",
    ask="In which order does the caller expect the two?",
    look="the last line.",
)
def _(*inputs):
    h, c = plain_cell(*inputs)
    return c, h


@mistake(
    lstm_cell,
    "a cell that writes the candidate without asking the input gate",
    ask="With i = 0, what does your cell still take in?",
    look="the line of c: every gate has something to multiply.",
)
def _(x, h, c, *weights):
    f, _, g, o = gates_of(torch.cat([h, x], dim=-1), *weights)
    c = f * c + g
    return o * c.tanh(), c


@mistake(
    lstm_cell,
    "a cell that forgets the share f, and keeps the rest",
    ask="With f = 1, what is left of your old cell?",
    look="the factor of the old cell: the gate's value is the share that is kept.",
)
def _(x, h, c, *weights):
    f, i, g, o = gates_of(torch.cat([h, x], dim=-1), *weights)
    c = (1 - f) * c + i * g
    return o * c.tanh(), c


@mistake(
    lstm_cell,
    "a product with the weights as they stand",
    ask="In A @ B the columns of A meet the rows of B. How many rows has W_f?",
    look="the products with the weights: W has one row a unit, so it has to be turned before [h, x] @ W fits.",
)
def _(x, h, c, W_f, b_f, W_i, b_i, W_C, b_C, W_o, b_o):
    return torch.cat([h, x], dim=-1) @ W_f + b_f, c
