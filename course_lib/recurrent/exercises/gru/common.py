"""What the exercises of this section share: the GRU's two gates, and its weights in small and in random numbers."""

import numpy as np
import torch
from torch import Tensor

from course_lib.exercises import randn
from course_lib.recurrent.exercises.gates.common import logit

GRU_WEIGHTS = "W_ih, W_hh, b_ih, b_hh"  # packed r, z, n, as PyTorch packs them
QUARTERS = (logit(0.25), logit(0.75), 0.0)  # biases that make r 0.25 and z 0.75, and leave the candidate to the rest


def unit_weights(on_x=(0.0, 0.0, 0.0), on_h=(0.0, 0.0, 0.0), b_x=(0.0, 0.0, 0.0), b_h=(0.0, 0.0, 0.0)) -> tuple:
    """Weights of one unit with one input, in the order of GRU_WEIGHTS; each row is given for r, z, n."""
    return torch.tensor([on_x]).T, torch.tensor([on_h]).T, torch.tensor(b_x), torch.tensor(b_h)


def random_weights(rng: np.random.Generator, input_size: int, hidden_size: int) -> tuple[Tensor, ...]:
    """W_ih (3*hidden_size, input_size), W_hh (3*hidden_size, hidden_size), b_ih and b_hh (3*hidden_size,)."""
    rows = 3 * hidden_size
    return randn(rng, rows, input_size), randn(rng, rows, hidden_size), randn(rng, rows), randn(rng, rows)


def blocks(x: Tensor, h: Tensor, W_ih: Tensor, W_hh: Tensor, b_ih: Tensor, b_hh: Tensor) -> list[tuple[Tensor, Tensor]]:
    """For r, z and n: what the input and what the old state bring, (batch, hidden_size) each."""
    of_x, of_h = x @ W_ih.T + b_ih, h @ W_hh.T + b_hh  # (batch, 3*hidden_size)
    return list(zip(of_x.chunk(3, dim=-1), of_h.chunk(3, dim=-1), strict=True))
