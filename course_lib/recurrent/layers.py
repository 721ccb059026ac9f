"""What all recurrent networks of the chapter share: cells on top of each other, walked over time.

Train with PyTorch's own networks, which are fused and fast; copy the weights over with `copy_weights` and look inside
with ours, whose values pass through *taps*: `nn.Identity` modules that `course_lib.recording` reads and clamps.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn

from course_lib.batches import whole

State = Tensor | tuple[Tensor, ...]  # a hidden state, or a pair that begins with it


class Layers(nn.Module):
    """Layers of cells over a batch of sequences; each layer reads the hidden states of the one below.

    A cell is called as `cell(x, state)` and returns the next state; `cell.start(x)` is the state before the first step.

    Args:
        input_size: features of one input vector.
        hidden_size: units of every layer.
        num_layers: cells on top of each other.
        options: what else the cells are made with.

    Raises:
        ValueError: fewer than one layer.
    """

    cell: ClassVar[type[nn.Module]]

    def __init__(self, input_size: int, hidden_size: int, num_layers: int = 1, **options):
        super().__init__()
        sizes = [input_size] + [hidden_size] * (whole("num_layers", num_layers) - 1)
        self.layers = nn.ModuleList(self.cell(size, hidden_size, **options) for size in sizes)

    def forward(self, x: Tensor, states: list[State] | None = None) -> tuple[Tensor, list[State]]:
        """Read the sequences from left to right.

        Args:
            x: (batch, time, input_size)
            states: one state a layer to start from; zeros if None.

        Returns:
            the top layer's hidden state at every step, (batch, time, hidden_size), and the last state of each layer

        Raises:
            ValueError: not one state a layer.
        """
        if states is None:
            states = [cell.start(x) for cell in self.layers]
        if len(states) != len(self.layers):
            raise ValueError(f"states holds one state a layer: there are {len(self.layers)} layers, not {len(states)}")
        last = []
        for cell, state in zip(self.layers, states, strict=True):
            hiddens = []
            for x_t in x.unbind(dim=1):  # (batch, features)
                state = cell(x_t, state)
                hiddens.append(hidden_of(state))
            x = torch.stack(hiddens, dim=1)  # (batch, time, hidden_size)
            last.append(state)
        return x, last


def hidden_of(state: State) -> Tensor:
    """What a state shows to the outside, (batch, hidden_size): all of it, but for the LSTM's cell."""
    return state if isinstance(state, Tensor) else state[0]


@torch.no_grad()
def copy_weights(theirs: nn.RNNBase | nn.RNNCellBase, ours: nn.Module) -> None:
    """Copy the weights of PyTorch's network or cell into ours, so that both compute the same.

    PyTorch keeps a weight and a bias for the input, and a weight and a bias for the hidden state, of each layer
    (https://pytorch.org/docs/stable/nn.html#recurrent-layers); each cell of ours says where they go by its `take`.

    Raises:
        ValueError: the two differ in kind, activation, layers or sizes, or ours computes something else.
    """
    kind = type(theirs).__name__
    if kind != type(ours).__name__:
        raise ValueError(f"PyTorch's {kind} does not fit our {type(ours).__name__}")
    if isinstance(theirs, nn.RNNCellBase):
        cells, suffixes = [ours], [""]
    else:
        cells, suffixes = ours.layers, [f"_l{layer}" for layer in range(theirs.num_layers)]
        if theirs.bidirectional or theirs.proj_size:
            raise ValueError(f"copy_weights takes a plain {kind}: one direction, no projection")
    if len(cells) != len(suffixes):
        raise ValueError(f"PyTorch's {kind} has {len(suffixes)} layers, ours {len(cells)}")
    activation = getattr(theirs, "nonlinearity", None)  # an RNN's: the gated cells have no choice
    if activation != getattr(cells[0], "activation", None):
        raise ValueError(f"PyTorch's {kind} has the activation {activation}, ours {cells[0].activation}")
    if getattr(cells[0], "reset_before", False):
        raise ValueError(f'PyTorch\'s {kind} resets after the matrix, ours before it: take reset="after"; '
                         'GRU.with_reset("before") then makes the other one with the same weights')  # fmt: skip
    for cell, suffix in zip(cells, suffixes, strict=True):
        weights = getattr(theirs, "weight_ih" + suffix), getattr(theirs, "weight_hh" + suffix)
        none = torch.zeros(len(weights[0]))
        biases = [getattr(theirs, name + suffix, None) for name in ("bias_ih", "bias_hh")]
        cell.take(*weights, *(none if bias is None else bias for bias in biases))


def fill(ours: Tensor, theirs: Tensor) -> None:
    """Put their numbers into ours.

    Raises:
        ValueError: the shapes differ.
    """
    if ours.shape != theirs.shape:
        raise ValueError(f"weights of shape {tuple(theirs.shape)} do not fit {tuple(ours.shape)}")
    ours.copy_(theirs)
