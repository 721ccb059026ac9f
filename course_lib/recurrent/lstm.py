"""The long short-term memory, written to be read and to be looked into.

Train with `torch.nn.LSTM`, which is fused and fast; copy the weights over with `copy_weights` and look inside with the
classes here, whose gates pass through *taps*: `nn.Identity` modules that `course_lib.recording` reads and clamps.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

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


class LSTM(nn.Module):
    """Layers of `LSTMCell` over a batch of sequences; each layer reads the hidden states of the one below.

    Args:
        input_size: features of one input vector.
        hidden_size: units of every layer.
        num_layers: cells on top of each other.
    """

    def __init__(self, input_size: int, hidden_size: int, num_layers: int = 1):
        super().__init__()
        self.hidden_size = hidden_size
        self.layers = nn.ModuleList(
            LSTMCell(input_size if layer == 0 else hidden_size, hidden_size) for layer in range(num_layers)
        )

    def forward(self, x: Tensor, states: list[LSTMState] | None = None) -> tuple[Tensor, list[LSTMState]]:
        """Read the sequences from left to right.

        Args:
            x: (batch, time, input_size)
            states: one state a layer to start from; zeros if None.

        Returns:
            the top layer's hidden state at every step, (batch, time, hidden_size), and the last state of each layer
        """
        if states is None:
            zeros = x.new_zeros(x.shape[0], self.hidden_size)
            states = [LSTMState(zeros, zeros) for _ in self.layers]
        last = []
        for cell, state in zip(self.layers, states, strict=True):
            hiddens = []
            for x_t in x.unbind(dim=1):  # (batch, features)
                state = cell(x_t, state)
                hiddens.append(state.hidden)
            x = torch.stack(hiddens, dim=1)  # (batch, time, hidden_size)
            last.append(state)
        return x, last


@torch.no_grad()
def copy_weights(theirs: nn.LSTM | nn.LSTMCell, ours: LSTM | LSTMCell) -> None:
    """Copy the weights of PyTorch's LSTM into ours, so that both compute the same.

    PyTorch keeps two weight blocks and two biases, packed in the order input, forget, candidate, output gate; only the
    sum of the biases matters (https://pytorch.org/docs/stable/generated/torch.nn.LSTM.html).

    Raises:
        ValueError: the two differ in kind, layers or sizes.
    """
    if isinstance(theirs, nn.LSTMCell):
        cells, suffixes = [ours], [""]
    else:
        cells, suffixes = getattr(ours, "layers", []), [f"_l{layer}" for layer in range(theirs.num_layers)]
        if theirs.bidirectional or theirs.proj_size:
            raise ValueError("copy_weights takes a plain LSTM: one direction, no projection")
    if len(cells) != len(suffixes):
        raise ValueError(f"PyTorch's LSTM has {len(suffixes)} layers, ours {len(cells)}")
    for cell, suffix in zip(cells, suffixes, strict=True):
        of_input, of_hidden = getattr(theirs, "weight_ih" + suffix), getattr(theirs, "weight_hh" + suffix)
        weight = torch.cat([of_input, of_hidden], dim=1)  # (4 * hidden_size, input_size + hidden_size)
        if weight.shape != cell.gates.weight.shape:
            raise ValueError(f"weights of shape {tuple(weight.shape)} do not fit {tuple(cell.gates.weight.shape)}")
        cell.gates.weight.copy_(weight)
        bias = getattr(theirs, "bias_ih" + suffix, None)
        cell.gates.bias.copy_(
            torch.zeros_like(cell.gates.bias) if bias is None else bias + getattr(theirs, "bias_hh" + suffix)
        )
