"""Let the output gate see the cell."""

import torch
from torch import Tensor

from course_lib.exercises import Case, exercise, mistake, part, randn
from course_lib.recurrent.exercises.gates.common import ARGUMENTS, QUARTERS, random_step, sums_of, torch_cell, unit_step


def halfway(x: Tensor, h: Tensor, c: Tensor, *weights: Tensor) -> tuple[Tensor, Tensor]:
    """One step up to where the peephole comes in: the sum under the output gate's sigmoid, and the new cell."""
    f, i, g, o = sums_of(torch.cat([h, x], dim=-1), *weights)
    return o, f.sigmoid() * c + i.sigmoid() * g.tanh()


def peephole(*inputs: Tensor) -> tuple[Tensor, Tensor]:
    """One step whose output gate sees the new cell (Gers & Schmidhuber 2000)."""
    *step, p_o = inputs
    under_gate, c = halfway(*step)
    return torch.sigmoid(under_gate + p_o * c) * c.tanh(), c


@exercise(
    "recurrent.lstm.output-gate",
    f"peephole_cell({ARGUMENTS}, p_o) -> h, c",
    level="more",
    minutes=8,
    keeps_inputs=True,
)
def peephole_cell(rng):
    """An output gate that sees the cell: the peephole."""
    with part("shut: the ordinary cell", points=1):
        inputs = (*unit_step(x=1.0, c=2.0, b=QUARTERS), torch.zeros(1))
        yield Case(
            inputs,
            expected=torch_cell(*inputs[:-1]),
            shown="p_o=0, x=1, h=0, c=2, weights 0, biases that make f 0.75, i 0.25, the candidate 0.5 and o 0.5",
            because="with p_o = 0 nothing is left of the peephole, so this must be the cell that you know",
        )
        for batch, input_size, hidden_size in ((1, 2, 2), (3, 2, 4)):
            inputs = (*random_step(rng, batch, input_size, hidden_size), torch.zeros(hidden_size))
            yield Case(
                inputs,
                expected=torch_cell(*inputs[:-1]),
                shown=f"p_o=0, batch {batch}, input_size {input_size}, hidden_size {hidden_size}, random numbers",
                because="with p_o = 0 nothing is left of the peephole, so this must be the cell that you know",
            )
    with part("open: the gate sees the cell", points=2):
        inputs = (*unit_step(x=1.0, c=2.0), torch.ones(1))
        yield Case(
            inputs,
            expected=peephole(*inputs),
            shown="p_o=1, x=1, h=0, c=2, all weights and biases 0 (so f and i are 0.5, and the new cell is 1)",
            because="the new cell is known before the output gate is needed: it can enter the gate's sum",
        )
        for batch, input_size, hidden_size in ((1, 1, 2), (3, 2, 3), (2, 4, 5)):
            inputs = (*random_step(rng, batch, input_size, hidden_size), randn(rng, hidden_size, scale=2))
            yield Case(
                inputs,
                expected=peephole(*inputs),
                shown=f"batch {batch}, input_size {input_size}, hidden_size {hidden_size}, random numbers",
                because="each unit's gate sees its own cell only: one weight a unit, multiplied place by place",
            )


@mistake(
    peephole_cell,
    "a cell that shows itself without tanh",
    ask="The cell may grow to 10. May h?",
    look="the line of h: what happens to the new cell before the output gate multiplies it?",
)
def _(*inputs):
    *step, p_o = inputs
    under_gate, c = halfway(*step)
    return torch.sigmoid(under_gate + p_o * c) * c, c


@mistake(
    peephole_cell,
    "an output gate computed from the new h",
    ask="You need the gate to make h_t. Which h can it have read?",
    look="the line of the output gate: it reads h_{t-1} and x_t, and through the peephole C_t.",
)
def _(x, h, *others):
    *rest, p_o = others
    new_h, c = torch_cell(x, h, *rest)
    under_gate, _ = halfway(x, new_h, *rest)
    return torch.sigmoid(under_gate + p_o * c) * c.tanh(), c


@mistake(
    peephole_cell,
    "a peephole through which the old cell is seen",
    ask="The gate decides what to show of C_t. Which cell does yours look at?",
    look="the order of your lines: is the cell updated before the gate looks at it?",
)
def _(*inputs):
    *step, p_o = inputs
    under_gate, c = halfway(*step)
    old_c = step[2]
    return torch.sigmoid(under_gate + p_o * old_c) * c.tanh(), c


@mistake(
    peephole_cell,
    "an ordinary cell, without a peephole",
    ask="Does another p_o change your result?",
    look="the sum inside the output gate's sigmoid.",
)
def _(*inputs):
    return torch_cell(*inputs[:-1])


@mistake(
    peephole_cell,
    "a peephole that looks through tanh",
    ask="For a cell of 10, how much does p_o add to the gate's sum in the equation, and how much in yours?",
    look="what p_o multiplies: C_t itself.",
)
def _(*inputs):
    *step, p_o = inputs
    under_gate, c = halfway(*step)
    return torch.sigmoid(under_gate + p_o * c.tanh()) * c.tanh(), c


@mistake(
    peephole_cell,
    "a peephole that is added after the sigmoid",
    ask="Can your output gate become larger than 1?",
    look="the brackets of the output gate's sigmoid.",
)
def _(*inputs):
    *step, p_o = inputs
    under_gate, c = halfway(*step)
    return (under_gate.sigmoid() + p_o * c) * c.tanh(), c
