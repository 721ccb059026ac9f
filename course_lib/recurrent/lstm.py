"""The long short-term memory, written to be read and to be looked into."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from course_lib.recurrent.layers import Layers, fill

GATES = ("write", "forget", "read")


class LSTMState(NamedTuple):
    """What an LSTM carries from step to step: `hidden` is shown to the outside, `cell` is kept."""

    hidden: Tensor
    cell: Tensor


class LSTMCell(nn.Module):
    """One step of the LSTM (Hochreiter & Schmidhuber 1997; forget gate: Gers, Schmidhuber & Cummins 2000).

    The notes call the input gate *write gate* and the output gate *read gate*; the taps bear those names.

    Args:
        input_size: features of one input vector.
        hidden_size: units; the cell and the hidden state have this width.
    """

    def __init__(self, input_size: int, hidden_size: int):
        super().__init__()
        self.gates = nn.Linear(input_size + hidden_size, 4 * hidden_size)
        self.write, self.forget, self.read = nn.Identity(), nn.Identity(), nn.Identity()  # taps: seen and clamped here
        self.candidate, self.cell, self.hidden = nn.Identity(), nn.Identity(), nn.Identity()

    def forward(self, x: Tensor, state: LSTMState) -> LSTMState:
        """Advance one step.

        Args:
            x: (batch, input_size)
            state: hidden and cell, each (batch, hidden_size)

        Returns:
            the next state
        """
        h, c = state
        i, f, g, o = self.gates(torch.cat([x, h], dim=-1)).chunk(4, dim=-1)  # (batch, hidden_size) each
        i, f, o = self.write(i.sigmoid()), self.forget(f.sigmoid()), self.read(o.sigmoid())
        g = self.candidate(g.tanh())
        c = self.cell(f * c + i * g)  # keep a share, add a share
        h = self.hidden(o * c.tanh())  # show a share
        return LSTMState(h, c)

    def start(self, x: Tensor) -> LSTMState:
        """The state before the first step: zeros, (batch, hidden_size) each."""
        zeros = x.new_zeros(len(x), len(self.gates.bias) // 4)
        return LSTMState(zeros, zeros)

    def take(self, weight_ih: Tensor, weight_hh: Tensor, bias_ih: Tensor, bias_hh: Tensor) -> None:
        """Take PyTorch's weights over, packed in the same order: input, forget, candidate, output gate."""
        fill(self.gates.weight, torch.cat([weight_ih, weight_hh], dim=1))
        fill(self.gates.bias, bias_ih + bias_hh)  # only the sum of PyTorch's two biases matters


class LSTM(Layers):
    """Layers of `LSTMCell`."""

    cell = LSTMCell
