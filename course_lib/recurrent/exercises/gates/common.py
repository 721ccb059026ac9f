"""What the exercises of this section share: gate arithmetic, one step in small numbers, one in random ones."""

import math

import numpy as np
import torch
from torch import Tensor

from course_lib.exercises import randn

ARGUMENTS = "x, h, c, W_f, b_f, W_i, b_i, W_C, b_C, W_o, b_o"


def logit(share: float) -> float:
    """The number whose sigmoid is this share."""
    return math.log(share / (1 - share))


def sigmoid(x: float) -> float:
    """1 / (1 + exp(-x)), without the exp of a large number."""
    return 1 / (1 + math.exp(-x)) if x > 0 else math.exp(x) / (1 + math.exp(x))


def share_left(bias: float, steps: int = 1) -> float:
    """What a cell with this forget bias keeps of a value after so many steps: sigmoid(bias) ** steps."""
    return math.exp(-steps * (max(-bias, 0) + math.log1p(math.exp(-abs(bias)))))  # no exp of a large number


QUARTERS = (logit(0.75), logit(0.25), math.atanh(0.5), logit(0.5))  # make f 0.75, i 0.25, the candidate 0.5, o 0.5


def random_step(rng: np.random.Generator, batch: int, input_size: int, hidden_size: int) -> tuple[Tensor, ...]:
    """Inputs, states and weights of one step, in the order of ARGUMENTS."""
    states = randn(rng, batch, input_size), randn(rng, batch, hidden_size).tanh(), randn(rng, batch, hidden_size)
    gates = [(randn(rng, hidden_size, hidden_size + input_size), randn(rng, hidden_size)) for _ in range(4)]
    return (*states, *(tensor for gate in gates for tensor in gate))


def unit_step(x=0.0, h=0.0, c=0.0, on_h=(0.0, 0.0, 0.0, 0.0), b=(0.0, 0.0, 0.0, 0.0)) -> tuple[Tensor, ...]:
    """One unit with one input, in the order of ARGUMENTS; weights on h and biases in the order f, i, C, o."""
    gates = [(torch.tensor([[weight, 0.0]]), torch.tensor([bias])) for weight, bias in zip(on_h, b, strict=True)]
    return (*(torch.tensor([[value]]) for value in (x, h, c)), *(tensor for gate in gates for tensor in gate))


def torch_cell(x, h, c, W_f, b_f, W_i, b_i, W_C, b_C, W_o, b_o) -> tuple[Tensor, Tensor]:
    """PyTorch's own step. It packs the gates in the order i, f, g, o and splits each weight in two."""
    of_hidden, of_input = torch.cat([W_i, W_f, W_C, W_o]).split([h.shape[-1], x.shape[-1]], dim=1)
    biases = torch.cat([b_i, b_f, b_C, b_o])
    return torch.lstm_cell(x, (h, c), of_input, of_hidden, biases, torch.zeros_like(biases))


def sums_of(z: Tensor, *weights: Tensor) -> list[Tensor]:
    """What goes into forget gate, input gate, candidate and output gate for z = [h, x], each (batch, hidden_size)."""
    return [z @ W.T + b for W, b in zip(weights[::2], weights[1::2], strict=True)]


def gates_of(z: Tensor, *weights: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Forget gate, input gate, candidate and output gate for z = [h, x], each (batch, hidden_size)."""
    f, i, g, o = sums_of(z, *weights)
    return f.sigmoid(), i.sigmoid(), g.tanh(), o.sigmoid()


def plain_cell(x: Tensor, h: Tensor, c: Tensor, *weights: Tensor) -> tuple[Tensor, Tensor]:
    """The equations as they stand."""
    f, i, g, o = gates_of(torch.cat([h, x], dim=-1), *weights)
    c = f * c + i * g
    return o * c.tanh(), c
