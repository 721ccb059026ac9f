"""Explanations of one answer of a classifier of pictures, and a test that they can fail.

An explanation is a map: a number for each pixel, (batch, height, width) with the channels added up, the larger the more
the pixel speaks for the target. `model` takes x (batch, channels, height, width) and gives logits (batch, classes), in
evaluation mode; `target` is one class a picture, (batch,). Nothing but the result is left behind.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


def target_logit(model: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    """The logit of each picture's own target, (batch,)."""
    return model(x).gather(1, target[:, None])[:, 0]


def gradient(model: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    """How the target's logit moves with each pixel, shaped like x (Simonyan et al. 2014, section 3)."""
    x = x.detach().clone().requires_grad_()
    return torch.autograd.grad(target_logit(model, x, target).sum(), x)[0]


def size_of_gradient(model: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    """The gradient without its sign: which pixels the logit is most sensitive to."""
    return gradient(model, x, target).abs().sum(dim=1)


def gradient_times_input(model: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    """What the pixels would add to the logit if the network went on as straight as it does here."""
    return (gradient(model, x, target) * x).sum(dim=1)


@torch.no_grad()
def occluded(model: nn.Module, x: Tensor, target: Tensor, patch: int = 1) -> Tensor:
    """How far the logit falls when the square around each pixel is 0 (Zeiler and Fergus 2014, section 4.2)."""
    (batch, _, height, width), half = x.shape, patch // 2
    whole, found = target_logit(model, x, target), x.new_zeros(batch, height, width)
    for i, j in ((i, j) for i in range(height) for j in range(width)):
        covered = x.clone()
        covered[:, :, max(i - half, 0) : i + half + 1, max(j - half, 0) : j + half + 1] = 0
        found[:, i, j] = whole - target_logit(model, covered, target)
    return found


@torch.no_grad()
def surrogate(model: nn.Module, x: Tensor, target: Tensor, trials: int = 500, seed: int = 0) -> Tensor:
    """The weights of a linear model that says how the logit depends on which pixels are kept.

    After LIME (Ribeiro et al. 2016, section 3), without its weights for how near a trial is: each pixel is kept or
    set to 0 by the toss of a coin, `trials` times, and the logits are fitted by least squares with a little ridge. The
    model is only asked, never opened.
    """
    batch, _, height, width = x.shape
    coins = torch.Generator().manual_seed(seed)
    kept = (torch.rand(trials, height * width, generator=coins) < 0.5).float()  # (trials, pixels)
    masks = kept.reshape(trials, 1, height, width)
    centred = kept - kept.mean(dim=0)
    maps = []
    for picture, wanted in zip(x, target, strict=True):
        logits = target_logit(model, picture * masks, wanted.expand(trials))  # (trials,)
        right = centred.T @ (logits - logits.mean())
        maps.append(torch.linalg.solve(centred.T @ centred + torch.eye(height * width), right))
    return torch.stack(maps).reshape(batch, height, width)


def at_random(model: nn.Module, x: Tensor, target: Tensor, seed: int = 0) -> Tensor:
    """No explanation: pixels in an order that chance has drawn."""
    batch, _, height, width = x.shape
    return torch.rand(batch, height, width, generator=torch.Generator().manual_seed(seed))


METHODS = {
    "gradient × input": gradient_times_input,
    "occlusion": occluded,
    "surrogate": surrogate,
    "|gradient|": size_of_gradient,
    "at random": at_random,
}


@torch.no_grad()
def deletion(model: nn.Module, x: Tensor, target: Tensor, maps: Tensor, counts: Sequence[int]) -> Tensor:
    """The target's logit when the pixels that a map names first are 0 (after Samek et al. 2017, section III).

    Args:
        maps: (batch, height, width)
        counts: how many pixels are 0.

    Returns:
        logits (counts, batch); the faster they fall, the better the map names what the answer hangs on
    """
    rank = maps.flatten(1).argsort(dim=1, descending=True).argsort(dim=1).reshape(maps.shape)  # 0 for the first
    return torch.stack([target_logit(model, x * (rank >= count)[:, None], target) for count in counts])
