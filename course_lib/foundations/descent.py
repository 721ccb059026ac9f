"""Gradient descent where it can be watched: three surfaces over two weights, and three ways to walk down them."""

import cmath
import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

STEEPEST = 4.0  # the largest curvature at the minima of all three surfaces
TILT = 0.3  # by which the double well's left minimum is the deeper one
BETA, BETA_2, TINY = 0.9, 0.999, 1e-8  # of momentum and of Adam: PyTorch's usual ones
FAR = 1e6  # a walk that gets as far as this has blown up

DESCENT, MOMENTUM, ADAM = "gradient descent", "momentum", "Adam"
METHODS = (DESCENT, MOMENTUM, ADAM)
Gradient = Callable[[np.ndarray], np.ndarray]


class Surface(NamedTuple):
    """A loss over two weights.

    Attributes:
        loss: w1, w2 -> L, arrays of one shape.
        gradient: w (2,) -> (2,).
        minima: (minima, 2), the deepest first.
        curvatures: the second derivatives along w1 and along w2 at each minimum, (minima, 2); the Hessian is diagonal.
    """

    loss: Callable[[np.ndarray, np.ndarray], np.ndarray]
    gradient: Gradient
    minima: np.ndarray
    curvatures: np.ndarray


def bowl(flat: float = STEEPEST) -> Surface:
    """A quadratic: L = (4 w1² + flat · w2²) / 2, a parabola in every direction."""
    curvatures = np.array([STEEPEST, flat])
    return Surface(
        lambda w1, w2: (STEEPEST * w1**2 + flat * w2**2) / 2,
        lambda w: curvatures * w,
        np.zeros((1, 2)),
        curvatures[None],
    )


def double_well(flat: float = STEEPEST) -> Surface:
    """Two minima along w1, the left one deeper: L = (w1² − 1)² / 2 + 0.3 w1 + flat · w2² / 2."""
    left, _, right = np.sort(np.roots([2, 0, -2, TILT]).real)  # of dL/dw1 = 2 w1³ − 2 w1 + 0.3
    return Surface(
        lambda w1, w2: (w1**2 - 1) ** 2 / 2 + TILT * w1 + flat * w2**2 / 2,
        lambda w: np.array([2 * w[0] ** 3 - 2 * w[0] + TILT, flat * w[1]]),
        np.array([[left, 0.0], [right, 0.0]]),
        np.array([[6 * w1**2 - 2, flat] for w1 in (left, right)]),
    )


def steps(gradient: Gradient, start: np.ndarray, rate: float, method: str) -> Iterator[np.ndarray]:
    """The weights after each step, without end; the start comes first.

    Args:
        gradient: w (2,) -> (2,).
        start: (2,)
        rate: the learning rate.
        method: one of `METHODS`.

    Source: momentum as in Polyak, 1964, and `torch.optim.SGD`; Adam as in Kingma and Ba, 2015, algorithm 1.
    """
    w = start
    m, v = np.zeros_like(w), np.zeros_like(w)
    t = 0
    while True:
        yield w
        g, t = gradient(w), t + 1
        if method == DESCENT:
            w = w - rate * g
        elif method == MOMENTUM:
            m = BETA * m + g
            w = w - rate * m
        else:
            m = BETA * m + (1 - BETA) * g
            v = BETA_2 * v + (1 - BETA_2) * g**2
            w = w - rate * (m / (1 - BETA**t)) / (np.sqrt(v / (1 - BETA_2**t)) + TINY)


def walk(gradient: Gradient, start: tuple[float, float], rate: float, count: int, method: str = DESCENT) -> np.ndarray:
    """The first `count` steps of a walk, the start included: (count + 1, 2), fewer rows if it blows up."""
    path = []
    for w in steps(gradient, np.array(start, dtype=float), rate, method):
        path.append(w)
        if len(path) > count or not np.abs(w).max() < FAR:
            return np.array(path)


def contraction(rate: float, curvature: float, method: str = DESCENT) -> complex:
    """By what each step multiplies the distance to the minimum of a parabola; 1 or more in size: it never gets there.

    With momentum, w after a step depends on two weights before: w″ = (1 + β − rate · curvature) w′ − β w. Of the two
    roots of that recursion the larger counts in the long run; a complex one swings.

    Args:
        rate: the learning rate.
        curvature: the second derivative.
        method: gradient descent or momentum; Adam has no such number, as it divides by the gradient's own size.
    """
    if method == DESCENT:
        return 1 - rate * curvature
    along = 1 + BETA - rate * curvature
    root = cmath.sqrt(along**2 - 4 * BETA)
    return max((along + root) / 2, (along - root) / 2, key=abs)


def largest_rate(curvature: float, method: str = DESCENT) -> float:
    """Above this learning rate the walk on a parabola blows up; infinite for Adam, whose steps never grow."""
    return {DESCENT: 2 / curvature, MOMENTUM: 2 * (1 + BETA) / curvature, ADAM: math.inf}[method]
