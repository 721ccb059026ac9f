"""The plain recurrent network (Elman 1990), written to be read and to be looked into."""

import torch
from torch import Tensor, nn

from course_lib.recurrent.layers import Layers, fill

ACTIVATIONS = {"tanh": torch.tanh, "relu": torch.relu, "identity": lambda x: x}


class RNNCell(nn.Module):
    """One step of the recurrent network: h_t = f(W_xh x_t + W_hh h_{t-1} + b).

    Args:
        input_size: features of one input vector.
        hidden_size: units of the hidden state.
        activation: f: "tanh", "relu" or "identity".
    """

    def __init__(self, input_size: int, hidden_size: int, activation: str = "tanh"):
        super().__init__()
        if activation not in ACTIVATIONS:
            raise ValueError(f"activation is one of {', '.join(ACTIVATIONS)}, not {activation!r}")
        self.activation = activation
        self.of_input = nn.Linear(input_size, hidden_size)
        self.of_hidden = nn.Linear(hidden_size, hidden_size, bias=False)
        self.hidden = nn.Identity()  # tap: seen and clamped here

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        """Advance one step.

        Args:
            x: (batch, input_size)
            h: (batch, hidden_size)

        Returns:
            the next hidden state, (batch, hidden_size)
        """
        f = ACTIVATIONS[self.activation]
        return self.hidden(f(self.of_input(x) + self.of_hidden(h)))

    def start(self, x: Tensor) -> Tensor:
        """The state before the first step: zeros, (batch, hidden_size)."""
        return x.new_zeros(len(x), self.of_hidden.in_features)

    def take(self, weight_ih: Tensor, weight_hh: Tensor, bias_ih: Tensor, bias_hh: Tensor) -> None:
        """Take PyTorch's weights over. Of its two biases only the sum matters."""
        fill(self.of_input.weight, weight_ih)
        fill(self.of_hidden.weight, weight_hh)
        fill(self.of_input.bias, bias_ih + bias_hh)


class RNN(Layers):
    """Layers of `RNNCell`; takes `activation=` as well."""

    cell = RNNCell
