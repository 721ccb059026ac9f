"""A gradient by central differences, and the question whether autograd's agrees with it."""

import torch
from torch import Tensor

from course_lib.exercises import Case, exercise, part
from course_lib.tensors.exercises.eager.differences import (
    CUBES,
    FUNCTIONS,
    HALF_HIDDEN,
    HIDDEN_IN_TURN,
    HIDDEN_LESS,
    HIDDEN_MORE,
    HIDDEN_STEEP,
    MIRRORED,
    RELU,
    SINES,
    SQUARE_OF_SUM,
    TANH_EXP,
    asked_twice,
    central,
    gradient_of,
    verdict_on,
)


@exercise(
    "tensors.autodiff",
    "numeric_grad(f, x, eps) -> gradient",
    "agree(f, x, tol) -> agreement",
    level="core",
    minutes=8,
    keeps_inputs=True,
)
def autodiff(rng):
    """A gradient without calculus, and whether autograd agrees with it."""

    def drawn(*shape: int, kind: torch.dtype = torch.float64) -> Tensor:
        """From 0.3 to 1.3, away from kinks and flat places."""
        return torch.as_tensor(0.3 + rng.random(size=shape)).to(kind)

    def numbers(values: float | list[float]) -> Tensor:
        return torch.tensor(values, dtype=torch.float64)

    def numeric(f: str, x: Tensor, eps: float, because: str) -> Case:
        given = f"x={x.tolist()}" if x.numel() < 3 else f"x of shape {tuple(x.shape)}, {str(x.dtype)[6:]}"
        return Case(
            (f, x, eps),
            via=gradient_of,
            expected=central(FUNCTIONS[f], x, eps),
            shown=f"f: {f}; {given}, eps={eps:g}",
            because=because,
            rtol=1e-4,
        )

    def agreeing(f: str, x: Tensor, tol: float, expected: bool, where: str, because: str) -> Case:
        shown = f"f: {f}; {where}, tol={tol:g}"
        return Case(
            (f, x, tol), call="agree", via=verdict_on, expected=expected, shown=shown, because=because, rtol=0, atol=0
        )

    with part("differences by hand", points=1):
        for f, values, eps in (
            (CUBES, 1.0, 0.1),
            (CUBES, [1.0, 2.0], 0.1),
            (SQUARE_OF_SUM, [1.0, 2.0], 0.5),
            (SQUARE_OF_SUM, [3.0, 1.0], 0.1),
        ):
            yield numeric(f, numbers(values), eps, "one number moves to either side, and all others stay in place")
    with part("any shape", points=1):
        for f, shape in ((SINES, (3,)), (TANH_EXP, (2, 3)), (SINES, (2, 1, 2)), (TANH_EXP, (1, 4))):
            yield numeric(f, drawn(*shape), 1e-5, "the gradient has the shape of x: one number for each number")
    with part("float32 comes in", points=1):
        for f, shape in ((SINES, (3,)), (TANH_EXP, (2, 2))):
            x = drawn(*shape, kind=torch.float32)
            yield numeric(f, x, 1e-6, "a float32 number near 1 moves in steps of 0.0000001, and so does f")
    with part("where they agree", points=1):
        for f, shape, kind, tol in (
            (TANH_EXP, (), torch.float64, 0.1),
            (SINES, (5,), torch.float64, 1e-4),
            (SINES, (2, 3), torch.float32, 1e-4),
            (TANH_EXP, (6,), torch.float32, 1e-4),
            (HIDDEN_MORE, (3,), torch.float64, 0.5),
            (HIDDEN_LESS, (2, 2), torch.float64, 0.5),
        ):
            where = f"x of shape {shape}, {str(kind)[6:]}"
            yield agreeing(f, drawn(*shape, kind=kind), tol, True, where, "print both gradients, and their difference")
    with part("where they do not", points=1):
        for f, values in (
            (HALF_HIDDEN, 1.5),
            (RELU, 0.0),
            (MIRRORED, 0.0),
            (RELU, [1.0, 0.0]),
            (MIRRORED, [0.0, -1.0]),
        ):
            where = f"x={values}"
            yield agreeing(f, numbers(values), 1e-4, False, where, "at a kink, look at either side of x by itself")
        for f, shape in (
            (HALF_HIDDEN, (2, 2)),
            (HIDDEN_MORE, (3,)),
            (HIDDEN_LESS, (3,)),
            (HIDDEN_LESS, (2, 2)),
            (HIDDEN_MORE, (2, 2)),
            (HIDDEN_IN_TURN, (4,)),
            (HIDDEN_IN_TURN, (2, 3)),
            (HIDDEN_STEEP, (3,)),
            (HIDDEN_STEEP, (2, 2)),
        ):
            because = "the largest difference decides, whatever its sign"
            yield agreeing(f, drawn(*shape), 0.01, False, f"x of shape {shape}", because)
        x = torch.cat([drawn(2), numbers([0.0])])
        yield agreeing(RELU, x, 1e-4, False, "x of shape (3,), the last number is 0", "one number is enough")
    with part("x as it was", points=1):
        for f, length, given in ((SINES, 3, False), (TANH_EXP, 4, False), (SINES, 2, True), (TANH_EXP, 3, True)):
            grad, before = (drawn(length), ", which has a grad already") if given else (None, "")
            yield Case(
                (f, drawn(length), 1e-4, grad),
                call="agree",
                via=asked_twice,
                expected={"x asks for a gradient": given, "x.grad as it was": True},
                shown=f"asked twice, f: {f}; x of shape ({length},){before}, tol=0.0001",
                because="backward adds to what is there already",
            )
