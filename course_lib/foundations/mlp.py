"""A multilayer perceptron written out: matrices, biases, an activation between them."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from course_lib.seeds import seeded


class MLP(nn.Module):
    """Layers h = f(W h + b), the last of them without f.

    Args:
        widths: how many numbers go in, how many units each hidden layer has, how many logits come out.
        activation: f, from tensors to tensors of the same shape.
        seed: draws the starting weights, without a trace in the randomness outside.

    Raises:
        ValueError: fewer than two widths.
    """

    def __init__(self, widths: Sequence[int], activation: Callable[[Tensor], Tensor] = torch.relu, seed: int = 0):
        super().__init__()
        if len(widths) < 2:
            raise ValueError(f"widths name at least what goes in and what comes out, not {list(widths)}")
        self.activation = activation
        with seeded(seed):
            self.layers = nn.ModuleList(nn.Linear(m, n) for m, n in pairwise(widths))

    def forward(self, x: Tensor) -> Tensor:
        """Logits (n, widths[-1]) of inputs (n, widths[0])."""
        for layer in self.layers[:-1]:
            x = self.activation(layer(x))
        return self.layers[-1](x)

    def every_layer(self, x: Tensor) -> list[Tensor]:
        """What each layer gives out, hidden layers after their activation, the logits last: (n, width) each."""
        outputs = []
        for layer in self.layers[:-1]:
            x = self.activation(layer(x))
            outputs.append(x)
        return [*outputs, self.layers[-1](x)]
