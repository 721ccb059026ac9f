"""What the exercises of this section share: the states of a plain recurrent network."""

from collections.abc import Callable

import torch
from torch import Tensor


def states(xs: Tensor, h: Tensor, W_xh: Tensor, W_hh: Tensor, f: Callable[[Tensor], Tensor]) -> Tensor:
    """h_t = f(W_xh x_t + W_hh h_{t-1}) for every step.

    Args:
        xs: (time, input_size), or (batch, time, input_size)
        h: the state before the first step, (hidden_size,), or (batch, hidden_size)
        W_xh: (hidden_size, input_size)
        W_hh: (hidden_size, hidden_size)
        f: the activation

    Returns:
        all states, (time, hidden_size), or (batch, time, hidden_size)
    """
    hs = []
    for x in xs.unbind(dim=-2):
        h = f(x @ W_xh.T + h @ W_hh.T)
        hs.append(h)
    return torch.stack(hs, dim=-2)
