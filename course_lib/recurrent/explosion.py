"""A training whose gradients explode: left alone, clipped by value, clipped by norm.

A plain network with rectified linear units that starts from the identity matrix (Le, Jaitly & Hinton 2015), here
above it, recalls the first symbol through noise. What the gradient is multiplied with at each step back in time then
starts above one.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from course_lib.datasets.first_symbol import SYMBOLS, draw_first_symbol, load_first_symbol
from course_lib.recurrent.long_term import HELD_OUT_SEED, Fresh, ReadLast, share_right
from course_lib.seeds import seed_everything
from course_lib.training import fit

LENGTH = 15
START = 1.3  # the recurrent matrix starts as this multiple of the identity
CLIPS: dict[str, Callable | None] = {
    "none": None,
    "value": nn.utils.clip_grad_value_,  # each entry to [-limit, limit]
    "norm": nn.utils.clip_grad_norm_,  # all entries by one factor, to the length `limit`
}


@dataclass
class Explosion:
    """What happened in one training.

    Attributes:
        losses: (steps,) of each update; the last one is not finite where the training broke off.
        norms: (updates,) length of the gradient before clipping.
        cosines: (updates,) cosine of the angle between the gradient before and after clipping; nan for zeros.
        broke_off_at: the step whose loss was not finite, or None.
        accuracy: the share of held-out rows that come out right; None where the training broke off.
    """

    losses: list[float] = field(default_factory=list)
    norms: list[float] = field(default_factory=list)
    cosines: list[float] = field(default_factory=list)
    broke_off_at: int | None = None
    accuracy: float | None = None

    @property
    def largest_norm(self) -> float:
        """The length of the longest gradient before clipping."""
        return max(self.norms)

    @property
    def smallest_cosine(self) -> float:
        """The cosine of the largest angle that clipping turned the gradient by."""
        return min(cosine for cosine in self.cosines if math.isfinite(cosine))


class ClippedSGD(torch.optim.SGD):
    """Gradient descent that clips the gradient first, and takes down what this did to it.

    Args:
        weights: those that it updates.
        lr: learning rate.
        clip: called with the weights; changes their gradients in place. None leaves them as they are.
        seen: whose norms and cosines are filled.
    """

    def __init__(self, weights: list[Tensor], lr: float, clip: Callable | None, seen: Explosion):
        super().__init__(weights, lr=lr)
        self.weights, self.clip, self.seen = list(weights), clip, seen

    def step(self) -> None:
        raw = self._gradient()  # (entries,)
        if self.clip is not None:
            self.clip(self.weights)
        clipped = self._gradient()
        self.seen.norms.append(raw.norm().item())
        self.seen.cosines.append((raw / raw.norm() @ (clipped / clipped.norm())).item())  # nan for a gradient of zeros
        super().step()

    def _gradient(self) -> Tensor:
        """All entries in one row, (entries,); in double precision, where the square of a huge entry still has room."""
        return torch.cat([weight.grad.double().flatten() for weight in self.weights])


def exploding_network(seed: int, hidden_size: int = 32) -> ReadLast:
    """Rectified linear units around `START` times the identity."""
    seed_everything(seed)
    recurrent = nn.RNN(SYMBOLS, hidden_size, nonlinearity="relu", batch_first=True)
    with torch.no_grad():
        recurrent.weight_hh_l0.copy_(START * torch.eye(hidden_size))
        recurrent.bias_ih_l0.zero_()
        recurrent.bias_hh_l0.zero_()
    return ReadLast(recurrent, SYMBOLS)


def explode(clip: str, limit: float, learning_rate: float, seed: int, steps: int = 800) -> Explosion:
    """Train once.

    Args:
        clip: one of `CLIPS`.
        limit: of each entry by value, of the whole gradient's length by norm.
        learning_rate: of plain gradient descent.
        seed: of the initial weights and the rows.
        steps: updates.

    Raises:
        ValueError: there is no such way to clip.
    """
    if clip not in CLIPS:
        raise ValueError(f"clip is one of {', '.join(CLIPS)}, not {clip!r}")
    seen = Explosion()

    def loss(logits: Tensor, targets: Tensor) -> Tensor:
        value = cross_entropy(logits, targets)
        seen.losses.append(value.item())
        if not math.isfinite(seen.losses[-1]):
            raise FloatingPointError  # at once: on a GPU `fit` looks at its losses only every few steps
        return value

    clipping = CLIPS[clip] and (lambda weights: CLIPS[clip](weights, limit))
    model = exploding_network(seed)
    try:
        fit(
            model, Fresh(draw_first_symbol, LENGTH, steps, batch_size=64), loss, steps=steps,
            learning_rate=learning_rate, optimizer=partial(ClippedSGD, clip=clipping, seen=seen), seed=seed,
            name=f"{clip}, rate {learning_rate:g}, seed {seed}", cache=False,
        )  # fmt: skip
    except FloatingPointError:
        seen.broke_off_at = len(seen.losses)
    else:
        seen.accuracy = share_right(model, *load_first_symbol(1000, LENGTH, HELD_OUT_SEED))
    return seen


def at_steps(values: list[float], steps: list[int]) -> list[float | None]:
    """The values at these steps, counted from 1, as far as there are any; None where one is not finite."""
    return [values[step - 1] if math.isfinite(values[step - 1]) else None for step in steps if step <= len(values)]
