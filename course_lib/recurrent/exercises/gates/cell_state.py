"""Trace a cell by hand, and say how long a value lasts in it."""

import math

import torch
from torch import Tensor

from course_lib.exercises import Case, exercise, mistake, part, randn


def column(*numbers: float) -> Tensor:
    """One unit over time: (time, 1)."""
    return torch.tensor(numbers).unsqueeze(-1)


def trace(f: Tensor, i: Tensor, g: Tensor, c0: Tensor) -> Tensor:
    """C_t = f_t * C_{t-1} + i_t * g_t, step by step: (time, units)."""
    cells, c = [], c0
    for f_t, i_t, g_t in zip(f, i, g, strict=True):
        c = f_t * c + i_t * g_t
        cells.append(c)
    return torch.stack(cells)


@exercise(
    "recurrent.lstm.cell-state",
    "cell_trace(f, i, g, c0) -> trace",
    "half_life(f) -> number of steps",
    level="core",
    minutes=7,
)
def cell_state(rng):
    """Trace a cell by hand: writing, holding, erasing; and how long a value lasts."""
    with part("by hand", points=1):
        for f, i, g, c0 in (
            ((0.5,), (1.0,), (0.25,), 2.0),
            ((0.5, 0.5), (1.0, 1.0), (0.25, 0.5), 2.0),
            ((0.0, 1.0, 0.5), (1.0, 0.0, 0.0), (0.75, -1.0, -1.0), 4.0),  # write, hold, erase half
        ):
            inputs = (column(*f), column(*i), column(*g), torch.tensor([c0]))
            yield Case(inputs, expected=trace(*inputs), because="each step starts from the cell that the last one left")
    with part("several units", points=1):
        for time, units in ((2, 2), (3, 3), (5, 2), (40, 4)):
            f, i = randn(rng, time, units).sigmoid(), randn(rng, time, units).sigmoid()
            inputs = (f, i, randn(rng, time, units).tanh(), randn(rng, units))
            yield Case(inputs, expected=trace(*inputs), because="every unit has its own gates and minds its own cell")
    with part("half-life", points=1):
        for f in (0.5, 0.25, 0.99, rng.uniform(0.6, 0.9), rng.uniform(0.9, 0.999)):
            yield Case(
                (f,),
                call="half_life",
                expected=math.log(0.5) / math.log(f),
                because="after n steps the share f ** n is left; for which n is that one half?",
                rtol=1e-3,
            )


@mistake(
    cell_state,
    "a matrix product where numbers should be multiplied place by place",
    ask="Two units, each with its own gate: how many numbers does your product of gate and cell give?",
    look="the products: * multiplies place by place, @ adds up over the units.",
)
def _(f, i, g, c0):
    cells, c = [], c0
    for f_t, i_t, g_t in zip(f, i, g, strict=True):
        c = f_t @ c + i_t @ g_t
        cells.append(c)
    return torch.stack(cells)


@mistake(
    cell_state,
    "a cell whose forget gate and input gate have changed places",
    ask="With f = 1 and i = 0 a cell holds what it has. What does yours do?",
    look="which gate multiplies the old cell, and which one the candidate g?",
)
def _(f, i, g, c0):
    return trace(i, f, g, c0)


@mistake(
    cell_state,
    "a cell that lets the forget gate fade what it has only just written",
    ask="With f = 0 and i = 1, should anything be left of the candidate g?",
    look="the order of the two steps: the forget gate multiplies the old cell, before anything is added to it.",
)
def _(f, i, g, c0):
    cells, c = [], c0
    for f_t, i_t, g_t in zip(f, i, g, strict=True):
        c = f_t * (c + i_t * g_t)
        cells.append(c)
    return torch.stack(cells)


@mistake(
    cell_state,
    "a cell that never sees its old value",
    ask="With f = 1 and i = 0, where does your cell get the value that it should hold?",
    look="the right-hand side: it needs the cell of the step before, not the one that is being made.",
)
def _(f, i, g, c0):
    return i * g


@mistake(
    cell_state,
    "a cell that starts from c0 again at every step",
    ask="What happens at the second step to the value that the first step wrote?",
    look="the cell on the right-hand side: is it the one that the last step made?",
)
def _(f, i, g, c0):
    return f * c0 + i * g


@mistake(
    cell_state,
    "a cell that forgets the share f, and keeps the rest",
    ask="With f = 1, what is left of your cell after one step?",
    look="the factor of the old cell: the gate's value is the share that is kept.",
)
def _(f, i, g, c0):
    return trace(1 - f, i, g, c0)


@mistake(
    cell_state,
    "a trace that begins with c0 and lacks the last cell",
    ask="Row 0 should hold the cell after the first step. What does yours hold?",
    look="the moment at which a cell is kept: before it is updated, or after?",
)
def _(f, i, g, c0):
    return torch.cat([c0.unsqueeze(0), trace(f, i, g, c0)[:-1]])


@mistake(
    cell_state,
    "a trace that holds c0 as well, and so has one row too many",
    ask="How many steps are there, and how many rows do you return?",
    look="what the list of cells holds before the first step: the trace begins with the cell after it.",
)
def _(f, i, g, c0):
    return torch.cat([c0.unsqueeze(0), trace(f, i, g, c0)])


@mistake(
    cell_state,
    "a cell that keeps c0 but forgets at once what was written",
    ask="With f = 1, is what step 1 has written still there after step 2?",
    look="the part that is written: it stays in the cell, and fades with it at every later step.",
)
def _(f, i, g, c0):
    return f.cumprod(dim=0) * c0 + i * g


@mistake(
    cell_state,
    "a cell that starts empty",
    ask="With f = 1 and i = 0 at every step, what should the trace hold, and what does yours hold?",
    look="the first step: which cell does it start from?",
)
def _(f, i, g, c0):
    return trace(f, i, g, torch.zeros_like(c0))


@mistake(
    cell_state,
    "the steps until 1/e is left",
    call="half_life",
    ask="Put your result n into f ** n. How much is left?",
    look="the share that is wanted: one half, so its logarithm belongs in the formula.",
)
def _(f):
    return -1 / math.log(f)


@mistake(
    cell_state,
    "a value that loses the same amount at every step",
    call="half_life",
    ask="At f = 0.5, one half is left after one step. What is left after the second: nothing, or a quarter?",
    look="how the share left after n steps depends on n: is it a product or a difference?",
)
def _(f):
    return 0.5 / (1 - f)


@mistake(
    cell_state,
    "a fraction of logarithms that stands on its head",
    call="half_life",
    ask="A gate of 0.99 keeps longer than one of 0.5. What does your function say?",
    look="the equation f ** n = 0.5: solved for n, which logarithm is divided by which?",
)
def _(f):
    return math.log(f) / math.log(0.5)


@mistake(
    cell_state,
    "steps counted, or rounded up, to a whole number",
    call="half_life",
    ask="Put your result n into f ** n for f = 0.25. Is one half left, or less?",
    look="the number of steps: where f ** n is one half, n need not be whole.",
)
def _(f):
    n, share = 0, 1.0
    while share > 0.5:
        n, share = n + 1, share * f
    return n


@mistake(
    cell_state,
    "one half divided by the gate's value",
    call="half_life",
    ask="Should a gate of 0.99 keep a value longer than one of 0.5? And what do you get for the two?",
    look="what is left after n steps: write it down for n = 1, 2 and 3, and see where n stands.",
)
def _(f):
    return 0.5 / f
