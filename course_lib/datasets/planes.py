"""Points of two classes in the plane: five shapes, from one that a line separates to two spirals."""

import numpy as np
import torch
from torch import Tensor

SHAPES = ("blobs", "xor", "circles", "moons", "spirals")


def load_plane(name: str = "moons", n: int = 200, noise: float = 0.1, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Points of two classes, as many of one as of the other, in random order.

    Args:
        name: one of `SHAPES`. A straight line separates the blobs and none of the others.
        n: how many points, at least 2; of an odd number the last is left out.
        noise: spread of what is added to both coordinates, in the plane's units; above about 0.2 the classes mix.
        seed: draws the points; the same seed, the same points.

    Returns:
        x: (n, 2) float32, most of them between -1 and 1
        y: (n,) int64, 0 or 1

    Raises:
        ValueError: the name is unknown, there are too few points, or the noise is negative.

    Source: ours; the shapes are those that classifiers are usually shown on. Licence: as the workbook's.
    """
    if name not in _MAKERS:
        raise ValueError(f"there is no plane called {name!r}; there are {', '.join(SHAPES)}")
    if n < 2:
        raise ValueError(f"two classes need at least 2 points, not {n}")
    if noise < 0:
        raise ValueError(f"noise is a spread, 0 or more, not {noise}")
    rng = np.random.default_rng(seed)
    each = n // 2
    clean = np.concatenate([_MAKERS[name](each, label, rng) for label in (0, 1)])  # (2 each, 2)
    points = clean + noise * rng.standard_normal(clean.shape)
    labels = np.repeat([0, 1], each)
    order = rng.permutation(2 * each)
    return torch.from_numpy(points[order]).float(), torch.from_numpy(labels[order])


def _blobs(n: int, label: int, rng: np.random.Generator) -> np.ndarray:
    centre = (0.55, 0.45) if label else (-0.5, -0.4)
    return np.asarray(centre) + 0.1 * rng.standard_normal((n, 2))


def _xor(n: int, label: int, rng: np.random.Generator) -> np.ndarray:
    """One class where both coordinates have one sign, the other where they differ; nothing close to the axes."""
    size = rng.uniform(0.15, 0.9, (n, 2))
    sign = rng.choice([-1, 1], n)
    return size * np.stack([sign, sign if label else -sign], axis=1)


def _circles(n: int, label: int, rng: np.random.Generator) -> np.ndarray:
    return _at(rng.uniform(0, 2 * np.pi, n), 0.35 if label else 0.85)


def _moons(n: int, label: int, rng: np.random.Generator) -> np.ndarray:
    arc = _at(rng.uniform(0, np.pi, n), 0.6)
    return np.array([0.3, 0.2]) - arc if label else arc - np.array([0.3, 0.2])


def _spirals(n: int, label: int, rng: np.random.Generator) -> np.ndarray:
    along = np.sqrt(rng.uniform(0.02, 1, n))  # the root spreads the points evenly over the length
    return _at(along * 3 * np.pi + label * np.pi, 0.95 * along)


def _at(angle: np.ndarray, radius: float | np.ndarray) -> np.ndarray:
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


_MAKERS = {"blobs": _blobs, "xor": _xor, "circles": _circles, "moons": _moons, "spirals": _spirals}
