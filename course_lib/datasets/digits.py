"""Handwritten digits, small enough to look at every pixel."""

from functools import cache

import torch
from torch import Tensor


@cache
def load_digits() -> tuple[Tensor, Tensor]:
    """The 1,797 digits that come with scikit-learn, in their order.

    Source: Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, 1998.
    Licence: CC BY 4.0.

    Returns:
        pixels, eight rows of eight one after another, from 0 for paper to 1 for ink, (1797, 64); which digit it is,
        (1797,). Read once: to be copied before they are changed.
    """
    from sklearn.datasets import load_digits as read  # takes a second

    pixels, labels = read(return_X_y=True)
    return torch.from_numpy(pixels).float() / 16, torch.from_numpy(labels)
