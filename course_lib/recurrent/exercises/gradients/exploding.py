"""How fast a gradient grows or fades in the long run, read from the recurrent matrix alone."""

import math

import numpy as np
import torch
from torch import Tensor

from course_lib.exercises import Case, exercise, mistake, part

LAGS = (200, 400)


def log_spectral_radius(W: Tensor) -> float:
    """log max |λ| over the eigenvalues λ of W."""
    return math.log(np.abs(np.linalg.eigvals(W.double().numpy())).max())


def measured_slope(W: Tensor) -> float:
    """How much the log of the gradient's norm grows a lag in the linear network h_t = W h_{t-1} + x_t.

    The gradient of the sum of h_T by x_{T-k} is (W^T)^k 1. A line is fitted from lag 200 to 400, in float64: by then
    the start is forgotten, and a fit evens out the swing of complex eigenvalues.
    """
    g, logs = torch.ones(len(W), dtype=torch.float64), []
    for _ in range(LAGS[1]):
        g = W.double().T @ g
        logs.append(g.norm().log().item())
    lags = range(LAGS[0], LAGS[1] + 1)
    return float(np.polyfit(lags, logs[LAGS[0] - 1 :], 1)[0])


def turning(scale: float, angle: float) -> Tensor:
    """The matrix that turns the plane by this angle (in radians), and stretches it."""
    cos, sin = math.cos(angle), math.sin(angle)
    return scale * torch.tensor([[cos, -sin], [sin, cos]], dtype=torch.float64)


def random_matrix(rng: np.random.Generator, size: int, radius: float) -> Tensor:
    """Normal random numbers, scaled to this spectral radius."""
    W = torch.from_numpy(rng.normal(size=(size, size)))
    return W * (radius / math.exp(log_spectral_radius(W)))


def one_way(rng: np.random.Generator, *own: float) -> Tensor:
    """Each unit feeds itself a little, and those before it a lot: an upper triangular matrix."""
    off_diagonal = rng.uniform(2.0, 5.0, size=(len(own), len(own)))
    return torch.from_numpy(np.triu(off_diagonal, 1) + np.diag(own))


def real(*rows: tuple[float, ...]) -> Tensor:
    """A small matrix, in float64."""
    return torch.tensor(rows, dtype=torch.float64)


@exercise("recurrent.exploding", "growth_rate(W) -> rate", level="more", minutes=6)
def growth_rate(rng):
    """How fast does a gradient grow or fade, in the long run?"""

    def against_the_slope(W: Tensor, shown: str) -> Case:
        slope = measured_slope(W)

        def explain(rate: float) -> str:
            lags = f"from lag {LAGS[0]} to lag {LAGS[1]}"
            return f"Your rate is {rate:.4g}; {lags} the log of the gradient's norm changes by {slope:.4g} a step."

        because = "every step multiplies the gradient by the same matrix: which share of it wins in the end?"
        # Where two eigenvalues are nearly as large, the fit is a bit off: by 0.012 at most in 14,500 random matrices.
        return Case((W,), expected=slope, explain=explain, shown=shown, because=because, rtol=0.0, atol=0.03)

    with part("every unit for itself", points=1):
        for own in ((2.0, 0.5), (0.5, 0.9), (-3.0, 2.0), (0.25, -0.5, 0.125), rng.uniform(0.2, 3.0, size=4)):
            W = torch.diag(torch.as_tensor(own, dtype=torch.float64))
            because = "W^k has the k-th powers on its diagonal: the largest of them, by size, soon outgrows the others"
            yield Case((W,), expected=log_spectral_radius(W), because=because)
    with part("turning", points=1):
        turns = "a turn changes the direction and not the length, so the length grows by the stretch alone"
        yield Case((real((0.0, -2.0), (2.0, 0.0)),), expected=math.log(2.0), because=turns)
        for scale in (0.5, rng.uniform(1.1, 1.5)):
            W = turning(scale, rng.uniform(0.6, 2.5))
            yield Case((W,), expected=math.log(scale), because=turns)
    with part("one way", points=1):
        passes = "what is passed on once cannot grow by itself: in the long run only what comes back to a unit counts"
        yield Case((real((0.5, 8.0), (0.0, 0.5)),), expected=math.log(0.5), because=passes)
        for own in ((0.9, 0.5), (0.5, -0.8, 0.3), (0.6, 1.2, 0.8)):
            yield Case((one_way(rng, *own),), expected=math.log(np.abs(own).max()), because=passes)
    with part("against measured gradients", points=2):
        yield against_the_slope(turning(0.9, rng.uniform(0.6, 2.5)), "a turn in the plane, scaled by 0.9")
        yield against_the_slope(one_way(rng, 0.5, 0.9, 0.7), "an upper triangular matrix, 3 units")
        for size, radius in ((3, rng.uniform(0.6, 0.9)), (8, rng.uniform(1.1, 1.6)), (20, rng.uniform(0.7, 1.4))):
            yield against_the_slope(random_matrix(rng, size, radius), f"a random matrix, {size} units")


@mistake(
    growth_rate,
    "the growth factor itself, without a logarithm",
    ask="A gradient that keeps its length grows at rate 0. What does your function say of the unit matrix?",
    look="the last step: rates of growth add up over the steps, while factors multiply.",
)
def _(W):
    return torch.linalg.eigvals(W).abs().max()


@mistake(
    growth_rate,
    "the largest entry",
    ask="Ten units feed each other with weight 0.5 each. Does the signal among them fade?",
    look="what multiplying by W again and again does to a vector: no single entry decides that.",
)
def _(W):
    return W.abs().max().log()


@mistake(
    growth_rate,
    "the largest singular value, used as if every step could stretch so much",
    ask="Some direction is stretched most in one step. Does the vector still point there at the next step?",
    look="the upper triangular matrices: how large are the entries of W @ W @ W @ … there, after many steps?",
)
def _(W):
    return torch.linalg.matrix_norm(W, 2).log()


@mistake(
    growth_rate,
    "the largest real part",
    ask="How fast does a factor of -3 a step make a number grow? And a factor of 2i?",
    look="how you choose among the eigenvalues: they may be negative or complex, so how is their size measured?",
)
def _(W):
    return torch.linalg.eigvals(W).real.max().log()


@mistake(
    growth_rate,
    "the size of the real part, which forgets the imaginary one",
    ask="A quarter turn has the eigenvalues i and -i. Does it make vectors shorter?",
    look="the size of a complex number: both of its parts count.",
)
def _(W):
    return torch.linalg.eigvals(W).real.abs().max().log()


@mistake(
    growth_rate,
    "eigenvalues of a symmetric matrix, which W need not be",
    ask="Which entries of W does your routine read: all of them, or those on one side of the diagonal?",
    look="which routine finds the eigenvalues: eigvalsh and eigh read one triangle and take the other for its mirror.",
)
def _(W):
    return torch.linalg.eigvalsh(W).abs().max().log()


@mistake(
    growth_rate,
    "the determinant",
    ask="One unit doubles and another halves at each step. Does the gradient keep its length?",
    look="what is multiplied: the determinant takes in all eigenvalues, while one of them outgrows the rest.",
)
def _(W):
    return torch.linalg.det(W).abs().log()


@mistake(
    growth_rate,
    "whichever eigenvalue is listed first",
    ask="Exchange the two units of a diagonal matrix. Should the rate change, and does yours?",
    look="how one of the eigenvalues is chosen: the list comes in no particular order.",
)
def _(W):
    return torch.linalg.eigvals(W)[0].abs().log()


@mistake(
    growth_rate,
    "a logarithm to base 10",
    ask="Put your rate into exp(rate). Is that the factor by which the gradient grows a step?",
    look="the logarithm: the rate is meant in the exponent of e.",
)
def _(W):
    return torch.linalg.eigvals(W).abs().max().log10()
