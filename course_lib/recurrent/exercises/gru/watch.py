"""Curves to choose from, and training and measuring that remember which rows they saw."""

from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass
class Polynomial:
    """A curve through time: sum of weights * (time / 100) ** power; `number` is the place of its config in the list."""

    number: int
    weights: Tensor

    def __call__(self, X: Tensor) -> Tensor:
        """Its values for rows X (rows, 1) that hold the time: (rows,)."""
        return powers(X, len(self.weights) - 1) @ self.weights


def powers(X: Tensor, degree: int) -> Tensor:
    """(rows, degree + 1), in double precision: high powers are ill-conditioned."""
    return (X.double() / 100) ** torch.arange(degree + 1)


def fit_polynomial(number: int, config: dict, X: Tensor, y: Tensor) -> Polynomial:
    """Least squares."""
    return Polynomial(number, torch.linalg.lstsq(powers(X, config["degree"]), y.double()).solution)


def mean_squared_error(model: Polynomial, X: Tensor, y: Tensor) -> float:
    """The mean over the rows of the squared error."""
    return (model(X) - y.double()).square().mean().item()


@dataclass
class Watch:
    """Training and measuring that remember which rows they saw: times in the matrices of (configs, rows)."""

    configs: list[dict]
    X: Tensor
    y: Tensor
    fitted: Tensor = field(init=False)
    measured: Tensor = field(init=False)

    def __post_init__(self):
        self.fitted = torch.zeros(len(self.configs), len(self.X), dtype=torch.int64)
        self.measured = torch.zeros_like(self.fitted)

    def fit(self, config: dict, X: Tensor, y: Tensor) -> Polynomial:
        """Train a model."""
        if config not in self.configs:
            raise ValueError(f"fit takes one of the configs, and got {config!r:.100}")
        number = self.configs.index(config)
        self._note(self.fitted, number, X, y)
        return fit_polynomial(number, config, X, y)

    def loss(self, model: Polynomial, X: Tensor, y: Tensor) -> float:
        """Measure a model."""
        if not isinstance(model, Polynomial):
            raise TypeError(f"loss takes a model that fit has made, and got {model!r:.100}")
        self._note(self.measured, model.number, X, y)
        return mean_squared_error(model, X, y)

    def _note(self, counts: Tensor, number: int, X: Tensor, y: Tensor) -> None:
        if len(X) == 0 or len(X) != len(y):
            raise ValueError(f"X and y must be the same rows, at least one; X has {len(X)}, and y {len(y)}")
        rows = X[:, 0].long().clamp(0, len(self.X) - 1)  # the time is the row's number
        if not torch.equal(X, self.X[rows]):
            raise ValueError("fit and loss take rows of X as they are; these have been changed")
        if not torch.equal(y, self.y[rows]):
            raise ValueError("each row of X needs its own y; these belong to other rows")
        counts[number] += torch.bincount(rows, minlength=len(self.X))
