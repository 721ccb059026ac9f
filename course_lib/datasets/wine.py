"""A table of real measurements, each column in units of its own."""

from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor


class Table(NamedTuple):
    """Rows of measurements and what each of them is.

    Attributes:
        x: (rows, features), float32, as they were measured.
        y: (rows,), int64, which class.
        features: a name for each column.
        classes: a name for each class.
    """

    x: Tensor
    y: Tensor
    features: tuple[str, ...]
    classes: tuple[str, ...]


@cache
def load_wine() -> Table:
    """The 178 wines that come with scikit-learn, in their order, which is by class: 59, 71 and 48 rows.

    Thirteen chemical measurements of wines from one region of Italy, made of three kinds of grape. Alcohol is in per
    cent; the source names no units for the others. The class is the grape: A, B or C, for the source gives numbers.
    Source: Aeberhard and Forina, Wine, UCI Machine Learning Repository, donated in 1991. Licence: CC BY 4.0.

    Returns:
        x (178, 13), y (178,), and names. Read once: to be copied before it is changed.
    """
    from sklearn.datasets import load_wine as read  # takes a second

    wine = read()
    names = (name.replace("_", " ").replace("color", "colour") for name in wine.feature_names)
    features = ("diluted wine" if "/" in name else name for name in names)
    return Table(torch.from_numpy(wine.data).float(), torch.from_numpy(wine.target).long(), (*features,), (*"ABC",))
