"""Attacks on a classifier of pictures, how far they must go, and a defence.

Every attack is called like `signed_gradient(model, x, y, eps, lo, hi)`: `model` takes x and gives logits (batch,
classes), in evaluation mode; x is (batch, channels, height, width), from lo to hi; no pixel moves by more than |eps|.
With eps above 0 an attack leads away from the classes y, (batch,), and with eps below 0 towards them. Nothing but the
result is left behind.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cache

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from course_lib.batches import Batches
from course_lib.foundations.deep import falling
from course_lib.foundations.digit_reader import (
    BATCH,
    INK,
    PAPER,
    PASSES,
    RATE,
    TRAINING,
    new_reader,
    share_right,
    shuffled_digits,
)
from course_lib.training import fit

STEPS = 5  # of the iterated attack
DEFENDED = 0.1  # the eps against which the defended network is trained

Attack = Callable[[nn.Module, Tensor, Tensor, float | Tensor, float, float], Tensor]


def slope(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    """The gradient of each picture's loss by its pixels, shaped like x."""
    x = x.detach().clone().requires_grad_()
    return torch.autograd.grad(cross_entropy(model(x), y.expand(len(x)), reduction="sum"), x)[0]


def signed_gradient(model: nn.Module, x: Tensor, y: Tensor, eps: float | Tensor, lo: float, hi: float) -> Tensor:
    """One step of the same size for every pixel, uphill on the loss (Goodfellow et al. 2015, section 4)."""
    return (x + eps * slope(model, x, y).sign()).clamp(lo, hi)


def random_signs(
    model: nn.Module, x: Tensor, y: Tensor, eps: float | Tensor, lo: float, hi: float, seed: int = 0
) -> Tensor:
    """A step of the same size, every pixel up or down by the toss of a coin: what the attack is to be compared with."""
    coins = torch.rand(x.shape, generator=torch.Generator().manual_seed(seed))
    return (x + eps * (coins - 0.5).sign()).clamp(lo, hi)


def iterated(model: nn.Module, x: Tensor, y: Tensor, eps: float | Tensor, lo: float, hi: float) -> Tensor:
    """Five smaller signed steps, each with a new gradient, none further than eps from x (Kurakin et al. 2017)."""
    reach, step = abs(eps), eps * 1.5 / STEPS  # half as far again as needed, so that a pixel may change its mind
    attacked = x + 0 * eps  # as many as there are pictures and sizes
    for _ in range(STEPS):
        attacked = attacked + step * slope(model, attacked, y).sign()
        attacked = torch.minimum(torch.maximum(attacked, x - reach), x + reach).clamp(lo, hi)
    return attacked


ATTACKS: dict[str, Attack] = {
    "signed gradient": signed_gradient,
    "random signs": random_signs,
    f"{STEPS} signed steps": iterated,
}


def along(attack: Attack, model: nn.Module, x: Tensor, y: Tensor, sizes: Tensor, **rest) -> tuple[Tensor, Tensor]:
    """One picture under an attack of each size.

    Args:
        attack: whose eps may be one number a picture.
        x, y: (1, channels, height, width), (1,).
        sizes: (sizes,)

    Returns:
        the attacked pictures (sizes, channels, height, width), the probabilities of the classes (sizes, classes)
    """
    attacked = attack(model, x, y, sizes.reshape(-1, 1, 1, 1), PAPER, INK, **rest)
    return attacked, probabilities(model, attacked)


@torch.no_grad()
def probabilities(model: nn.Module, x: Tensor) -> Tensor:
    """What the model says of pictures (n, channels, height, width): (n, classes)."""
    return model(x).softmax(dim=1)


def smallest(probabilities: Tensor, sizes: Tensor, y: int, towards: bool) -> float | None:
    """The smallest size, of those that were tried, that does what the attack is for; None if none does.

    Args:
        probabilities: (sizes, classes)
        sizes: (sizes,), rising.
        y: the class that the attack leads away from, or towards.
        towards: which of the two.
    """
    says = probabilities.argmax(dim=1) == y
    done = (says if towards else ~says).nonzero()
    return sizes[done[0, 0]].item() if len(done) else None


def accuracy_curve(attack: Attack, model: nn.Module, sizes: Sequence[float], towards: int | None = None) -> list[float]:
    """The share of the 500 test digits that the model gets right under an attack of each size.

    Args:
        sizes: from 0 up.
        towards: the class that all are led to; None leads each away from its own.
    """
    digits = shuffled_digits()
    y, sign = (digits.test_y, 1) if towards is None else (torch.full_like(digits.test_y, towards), -1)
    return [
        share_right(model, attack(model, digits.test_x, y, sign * size, PAPER, INK), digits.test_y) for size in sizes
    ]


@cache
def defended_reader(seed: int, eps: float = DEFENDED) -> nn.Module:
    """The same network, trained on every batch as it is and attacked (Goodfellow et al. 2015, section 6).

    The attack is made on the network as it stands at that step. Two to three seconds; in evaluation mode, on the CPU.
    """
    model = new_reader(seed)
    steps = PASSES * -(-TRAINING // BATCH)
    fit(
        model,
        _under_attack(model, eps, seed),
        cross_entropy,
        steps=steps,
        learning_rate=RATE,
        schedule=falling,
        seed=seed,
        name="a reader under attack",
    )
    return model.cpu().eval()


def _under_attack(model: nn.Module, eps: float, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches without end, each followed by its own pictures attacked."""
    digits = shuffled_digits()
    batches = Batches(digits.x, digits.y, BATCH, seed)
    while True:
        for (x,), y in batches:
            here = next(model.parameters()).device
            attacked = signed_gradient(model, x.to(here), y.to(here), eps, PAPER, INK)
            yield torch.cat([x.to(here), attacked]), torch.cat([y, y]).to(here)
