"""Fill weights at random, of a size that keeps a signal alive: Xavier for tanh, He for ReLU."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import prod, sqrt

import torch
from torch import nn

from course_lib.exercises import Case, exercise, part
from course_lib.foundations.exercises.deep.common import broken

Shape = tuple[int, ...]
Moments = dict[str, float]

BEFORE = 3.0  # what stands in a weight before it is filled
DEPTH = 30
OWN_WEIGHTS, OTHER_NUMBERS = "every unit has weights of its own", "the next layer gets other numbers"
ACTIVATIONS = {"no activation": lambda x: x, "ReLU": torch.relu}


@contextmanager
def without_library() -> Iterator[None]:
    """PyTorch's own initialisations all ask this one function for the fans; inside it sends them back."""

    def refused(*_):
        raise RuntimeError("this exercise asks you to write yourself what torch.nn.init has")

    name = "_calculate_fan_in_and_fan_out"
    original = getattr(nn.init, name)
    setattr(nn.init, name, refused)
    try:
        yield
    finally:
        setattr(nn.init, name, original)


def filled(answer: Callable, shape: Shape, in_a_layer: bool) -> Moments:
    """Mean and variance of a weight that the answer has filled, and whether it can be trained as before."""
    w = torch.full(shape, BEFORE)
    w = nn.Parameter(w) if in_a_layer else w
    with without_library(), torch.enable_grad():  # a notebook may have switched gradients off
        answer(w)
    return {"mean": w.mean().item(), "variance": w.var().item(), "asks for gradients": w.requires_grad}


def filled_twice(answer: Callable, shape: Shape) -> dict[str, bool]:
    """Whether two weights of the same shape, filled one after the other, and the rows of each, differ."""
    first, second = torch.full(shape, BEFORE), torch.full(shape, BEFORE)
    with without_library():
        answer(first)
        answer(second)
    rows = first.flatten(start_dim=1)
    return {
        OWN_WEIGHTS: len(rows.unique(dim=0)) == len(rows),
        OTHER_NUMBERS: not torch.equal(first, second),
    }


def power_after(answer: Callable, activation: str, width: int) -> float:
    """The power of ten of a signal's mean square after DEPTH layers; it began with 0."""
    x = torch.randn(32, width, dtype=torch.float64)
    for _ in range(DEPTH):
        w = torch.full((width, width), BEFORE)
        with without_library():
            answer(w)
        x = ACTIVATIONS[activation](x @ w.T.double())
    return x.square().mean().clamp(1e-300, 1e300).log10().item()


def fans(shape: Shape) -> tuple[int, int]:
    """How many numbers one output is made of, and how many outputs one number goes into."""
    area = prod(shape[2:])
    return shape[1] * area, shape[0] * area


def xavier_variance(shape: Shape) -> float:
    """2 / (fan_in + fan_out) (Glorot & Bengio 2010, equation 12)."""
    return 2 / sum(fans(shape))


def he_variance(shape: Shape) -> float:
    """2 / fan_in (He et al. 2015, equation 10)."""
    return 2 / fans(shape)[0]


RULES = {"xavier_": (xavier_variance, "no activation"), "he_": (he_variance, "ReLU")}


def of_size(call: str, shape: Shape, because: str, shown: str, in_a_layer: bool = False) -> Case:
    """One weight. What counts is its mean and its variance: a normal draw will do, and so will a uniform one.

    A shape holds 60 000 numbers or more: chance moves their variance by less than 1 %, and 8 % are allowed.
    """
    wanted = RULES[call][0](shape)

    def ratios(got: Moments) -> tuple[float, float, bool]:
        mean, variance = got["mean"], got["variance"]
        return mean / sqrt(max(variance, wanted)), variance / wanted, got["asks for gradients"]

    def explain(got: Moments) -> str:
        if (got["mean"], got["variance"]) == (BEFORE, 0):
            return f"This w of shape {shape} holds the same numbers as before."
        if got["asks for gradients"] != in_a_layer:
            return f"This w of shape {shape} no longer asks for gradients."
        have = f"{got['variance']:.3g} around a mean of {got['mean']:.2g}"
        return f"In this w of shape {shape} your numbers have a variance of {have}, wanted {wanted:.3g} around 0."

    return Case(
        (shape, in_a_layer),
        via=filled,
        call=call,
        expected=(0.0, 1.0, in_a_layer),
        view=ratios,
        form={"mean": 0.0, "variance": wanted, "asks for gradients": in_a_layer},
        explain=explain,
        shown=shown,
        because=because,
        rtol=0.05,
        atol=0.03,
    )


def of_signal(call: str, width: int) -> Case:
    """The signal after DEPTH layers. Chance moves it by a factor of 2 or so, and 100 is allowed either way."""
    activation = RULES[call][1]

    def explain(power: float) -> str:
        return f"After {DEPTH} layers the mean square is about 1e{power:+.0f} times what it was, wanted about 1."

    return Case(
        (activation, width),
        via=power_after,
        call=call,
        expected=0.0,
        explain=explain,
        shown=f"{DEPTH} layers of one width, {activation} behind each",
        because="the same factor thirty times over: only a factor of 1 keeps the signal alive",
        rtol=0,
        atol=2,
    )


@exercise("foundations.initialisation", "xavier_(w)", "he_(w)", level="core", minutes=7)
def initialisation(rng):
    """Fill a weight at random as Xavier and He do, so that a signal stays alive through 30 layers."""

    def about(*sizes: int) -> Shape:
        """A shape drawn near this one: no longer than a tenth off in its units and inputs."""
        units, inputs, *kernel = sizes
        return (units + int(rng.integers(units // 10)), inputs + int(rng.integers(inputs // 10)), *kernel)

    for call in RULES:
        with part(f"{call}: dense and convolution", points=1):
            dense = "a dense w has the shape (units, inputs): which of the two is fan_in?"
            yield of_size(call, (300, 200), dense, "300 units with 200 inputs each")
            yield of_size(call, (100, 700), dense, "100 units with 700 inputs each")
            yield of_size(call, about(120, 600), dense, "a dense layer with more inputs than units")
            kernel = "one output of a convolution is made of every number under the kernel, in every channel"
            yield of_size(call, (64, 48, 5, 5), kernel, "kernels of 5 × 5 from 48 channels to 64")
            yield of_size(call, about(60, 150, 2, 4), kernel, "kernels of 2 × 4")
            yield of_size(call, about(300, 80, 3), kernel, "kernels of 3, over time")
        with part(f"{call}: at work", points=1):
            layer = "a layer's weight asks for gradients, and being filled is no part of what they are taken of"
            yield of_size(call, (200, 320), layer, "the weight of a layer of 200 units", in_a_layer=True)
            yield of_size(call, about(50, 140, 3, 3), layer, "the weight of a layer of 3 × 3 kernels", in_a_layer=True)
            for shape in ((40, 60), (30, 20, 3, 3)):
                yield Case(
                    (shape,),
                    via=filled_twice,
                    call=call,
                    expected={OWN_WEIGHTS: True, OTHER_NUMBERS: True},
                    explain=broken,
                    shown=f"two weights of shape {shape}, one after the other",
                    because="units that begin alike get the same gradient, and stay alike",
                )
            yield of_signal(call, int(rng.integers(180, 220)))
