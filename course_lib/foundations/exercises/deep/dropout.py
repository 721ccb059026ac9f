"""Dropout (Srivastava et al. 2014), in the form now in use: survivors grow in training, evaluation does nothing."""

from collections.abc import Callable
from math import sqrt

import torch
from torch import Tensor

from course_lib.exercises import Case, exercise, part, randn
from course_lib.foundations.exercises.deep.common import broken
from course_lib.tensors.exercises.eager.common import tensor_from

LIBRARY = ("dropout", "dropout_", "native_dropout", "_fused_dropout", "feature_dropout", "alpha_dropout")
SAME_SEED, NEXT_CALL = "the same seed brings the same mask", "the next call brings another mask"
ELSEWHERE = "all other random numbers go on as before"
CALLS = 250  # so many, where it is counted how many zeros each brings


def output_of(answer: Callable, x: Tensor, p: float, training: bool, seed: int) -> Tensor | None:
    """What comes out."""
    return answer(x, p, training, torch.Generator().manual_seed(seed))


def shares(answer: Callable, x: Tensor, p: float, training: bool, seed: int) -> dict[str, float] | None:
    """How many zeros come out, and what that does to the mean."""
    y = output_of(answer, x, p, training, seed)
    if y is None:
        return None
    y = tensor_from("dropout", y).double()
    return {"share of zeros": (y == 0).double().mean().item(), "mean of y over that of x": (y.mean() / x.mean()).item()}


def factors(answer: Callable, x: Tensor, p: float, training: bool, seed: int) -> dict[str, float] | None:
    """The smallest and the largest factor by which a number that is left has grown; 0 if none is left."""
    y = output_of(answer, x, p, training, seed)
    if y is None:
        return None
    grown = (tensor_from("dropout", y) / x)[y != 0]
    smallest, largest = (grown.min(), grown.max()) if len(grown) else (0, 0)
    return {"smallest factor of what is left": float(smallest), "largest factor of what is left": float(largest)}


def patterns(answer: Callable, x: Tensor, p: float, training: bool, seed: int) -> dict[str, int]:
    """How many rows, and how many columns, have zeros at places of their own."""
    zeros = tensor_from("dropout", output_of(answer, x, p, training, seed)) == 0
    rows, columns = len(zeros.unique(dim=0)), len(zeros.unique(dim=1).T)
    return {"different masks of rows": rows, "different masks of columns": columns}


def spread(answer: Callable, x: Tensor, p: float, training: bool, seed: int) -> float:
    """The standard deviation of the number of zeros, over CALLS calls with one generator."""
    generator = torch.Generator().manual_seed(seed)
    made = (tensor_from("dropout", answer(x, p, training, generator)) for _ in range(CALLS))
    return torch.tensor([float((y == 0).sum()) for y in made]).std().item()


def repeated(answer: Callable, x: Tensor, p: float, training: bool, seed: int) -> dict[str, bool]:
    """What the generator decides."""
    before = torch.get_rng_state()
    generator = torch.Generator().manual_seed(seed)
    first, second = (tensor_from("dropout", answer(x, p, training, generator)).clone() for _ in range(2))
    again = tensor_from("dropout", output_of(answer, x, p, training, seed))
    return {
        SAME_SEED: torch.equal(first, again),
        NEXT_CALL: not torch.equal(first, second),
        ELSEWHERE: torch.equal(before, torch.get_rng_state()),
    }


def slopes(answer: Callable, x: Tensor, p: float, training: bool, seed: int) -> dict[str, float] | None:
    """Which gradient by x autograd finds where y is 0, and elsewhere: the largest, or of the others the smallest too.

    Raises:
        TypeError: it finds no way back.
    """
    with torch.enable_grad():  # a notebook may have switched gradients off
        x = x.clone().requires_grad_()
        y = output_of(answer, x, p, training, seed)
        if y is None:
            return None
        if not tensor_from("dropout", y).requires_grad:
            raise TypeError("autograd cannot follow the result back to x: make it of x by PyTorch's operations alone")
        (slope,) = torch.autograd.grad(y.sum(), x, materialize_grads=True)
    dropped, left = slope[y == 0], slope[y != 0]
    return {
        "largest gradient of what is dropped": dropped.abs().max().item() if len(dropped) else 0.0,
        "smallest gradient of what is left": left.min().item() if len(left) else 0.0,
        "largest gradient of what is left": left.max().item() if len(left) else 0.0,
    }


@exercise(
    "foundations.dropout",
    "dropout(x, p, training, generator) -> y",
    level="core",
    minutes=6,
    without=LIBRARY,
    keeps_inputs=True,
)
def dropout(rng):
    """Drop every number with a chance of p, and let the others make up for it."""

    def seed() -> int:
        return int(rng.integers(1, 10_000))

    def positive(*shape: int) -> Tensor:
        """No zeros among them: (shape)."""
        return torch.from_numpy(rng.uniform(1, 2, size=shape)).float()

    def case(via: Callable, x: Tensor, p: float, expected, because: str, training: bool = True, **more) -> Case:
        mode = "in training" if training else "in evaluation"
        shown = f"x of shape {tuple(x.shape)}, p = {p:g}, {mode}"
        inputs = (x, p, training, seed())
        return Case(inputs, via=via, expected=expected, shown=shown, because=because, **{"rtol": 1e-4} | more)

    with part("a share goes, the rest grows", points=1):
        for p in (0.5, 0.25, 0.7):
            wanted = {"share of zeros": p, "mean of y over that of x": 1.0}
            because = "p is the chance to go, and what the others gain makes up for it: on average y is x"
            yield case(shares, positive(20, 3000), p, wanted, because, atol=0.05)
        for p in (0.5, 0.2, 0.75):
            wanted = dict.fromkeys(("smallest factor of what is left", "largest factor of what is left"), 1 / (1 - p))
            yield case(factors, positive(20, 30), p, wanted, "of 1 a share of 1 - p is left, and that has to become 1")
    with part("each on its own", points=1):
        for shape in ((30, 40), (50, 30)):
            wanted = {"different masks of rows": shape[0], "different masks of columns": shape[1]}
            because = "a row is a sample and a column is a unit: neither shares its mask with the next one"
            yield case(patterns, positive(*shape), 0.5, wanted, because)
        for size, p in ((10, 0.5), (16, 0.25)):
            because = f"of {size} numbers {size * p:g} go on average, and at times a few more or less"
            yield case(spread, positive(size), p, sqrt(size * p * (1 - p)), because, atol=0.4)
    with part("evaluation, p = 0 and p = 1", points=1):
        for shape, p in (((4,), 0.5), ((2, 3), 0.9)):
            x = randn(rng, *shape)
            yield case(output_of, x, p, x, "in evaluation nothing goes, and nothing grows", training=False)
        for shape in ((4,), (2, 3, 2)):
            x = randn(rng, *shape)
            yield case(output_of, x, 0.0, x, "with p = 0 nothing goes")
            yield case(output_of, x, 1.0, torch.zeros(shape), "with p = 1 all goes; mind the division by 0")
    with part("the generator", points=1):
        for shape in ((40,), (8, 9)):
            wanted = {SAME_SEED: True, NEXT_CALL: True, ELSEWHERE: True}
            because = "every number is drawn from the generator, and from it alone"
            yield case(repeated, positive(*shape), 0.5, wanted, because, explain=broken)
    with part("the gradient", points=1):
        for shape, p in (((60,), 0.5), ((12, 10), 0.2), ((12, 10), 0.75)):
            wanted = {
                "largest gradient of what is dropped": 0.0,
                "smallest gradient of what is left": 1 / (1 - p),
                "largest gradient of what is left": 1 / (1 - p),
            }
            yield case(slopes, positive(*shape), p, wanted, "what passes forwards passes back, times the same factor")


def mask_of(x: Tensor, p: float, generator: torch.Generator) -> Tensor:
    """1 where a number stays, 0 where it goes: shaped like x."""
    return (torch.rand(x.shape, generator=generator) >= p).to(x.dtype)


def dropped(
    x: Tensor,
    p: float,
    training: bool,
    generator: torch.Generator,
    *,
    mask: Callable[[Tensor, float, torch.Generator], Tensor] = mask_of,
    factor: Callable[[float], float] = lambda p: 1 / (1 - p),
    in_evaluation: Callable[[Tensor, float], Tensor] = lambda x, p: x,
) -> Tensor:
    """A right answer, for the mistakes to change one thing in."""
    if not training:
        return in_evaluation(x, p)
    return x * mask(x, p, generator) * factor(p) if p < 1 else torch.zeros_like(x)
