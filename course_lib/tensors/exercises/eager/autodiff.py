"""A gradient by central differences, and the question whether autograd's agrees with it."""

import torch
from torch import Tensor

from course_lib.exercises import Case, exercise, mistake, part
from course_lib.tensors.exercises.eager.differences import (
    FUNCTIONS,
    HIDDEN_IN_TURN,
    HIDDEN_LESS,
    HIDDEN_MORE,
    asked_twice,
    central,
    differences,
    exact,
    forward,
    gradient_of,
    in_place,
    largest,
    verdict_on,
)

STEP, TINY = 1e-6, 1e-12


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
    doubled, whole, mixed, smooth, relu, mirrored, detached = list(FUNCTIONS)[:7]

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
            (doubled, 1.0, 0.1),
            (doubled, [1.0, 2.0], 0.1),
            (whole, [1.0, 2.0], 0.5),
            (whole, [3.0, 1.0], 0.1),
        ):
            yield numeric(f, numbers(values), eps, "one number moves to either side, and all others stay in place")
    with part("any shape", points=1):
        for f, shape in ((mixed, (3,)), (smooth, (2, 3)), (mixed, (2, 1, 2)), (smooth, (1, 4))):
            yield numeric(f, drawn(*shape), 1e-5, "the gradient has the shape of x: one number for each number")
    with part("float32 comes in", points=1):
        for f, shape in ((mixed, (3,)), (smooth, (2, 2))):
            x = drawn(*shape, kind=torch.float32)
            yield numeric(f, x, 1e-6, "a float32 number near 1 moves in steps of 0.0000001, and so does f")
    with part("where they agree", points=1):
        for f, shape, kind, tol in (
            (smooth, (), torch.float64, 0.1),
            (mixed, (5,), torch.float64, 1e-4),
            (mixed, (2, 3), torch.float32, 1e-4),
            (smooth, (6,), torch.float32, 1e-4),
            (HIDDEN_MORE, (3,), torch.float64, 0.5),
            (HIDDEN_LESS, (2, 2), torch.float64, 0.5),
        ):
            where = f"x of shape {shape}, {str(kind)[6:]}"
            yield agreeing(f, drawn(*shape, kind=kind), tol, True, where, "print both gradients, and their difference")
    with part("where they do not", points=1):
        for f, values in ((detached, 1.5), (relu, 0.0), (mirrored, 0.0), (relu, [1.0, 0.0]), (mirrored, [0.0, -1.0])):
            where = f"x={values}"
            yield agreeing(f, numbers(values), 1e-4, False, where, "at a kink, look at either side of x by itself")
        for f, shape in (
            (detached, (2, 2)),
            (HIDDEN_MORE, (3,)),
            (HIDDEN_LESS, (3,)),
            (HIDDEN_LESS, (2, 2)),
            (HIDDEN_MORE, (2, 2)),
            (HIDDEN_IN_TURN, (4,)),
            (HIDDEN_IN_TURN, (2, 3)),
        ):
            because = "the largest difference decides, whatever its sign"
            yield agreeing(f, drawn(*shape), 0.01, False, f"x of shape {shape}", because)
        x = torch.cat([drawn(2), numbers([0.0])])
        yield agreeing(relu, x, 1e-4, False, "x of shape (3,), the last number is 0", "one number is enough")
    with part("x as it was", points=1):
        for f, length, given in ((mixed, 3, False), (smooth, 4, False), (mixed, 2, True), (smooth, 3, True)):
            grad, before = (drawn(length), ", which has a grad already") if given else (None, "")
            yield Case(
                (f, drawn(length), 1e-4, grad),
                call="agree",
                via=asked_twice,
                expected={"x asks for a gradient": given, "x.grad as it was": True},
                shown=f"asked twice, f: {f}; x of shape ({length},){before}, tol=0.0001",
                because="backward adds to what is there already",
            )


@mistake(
    autodiff,
    "a one-sided difference",
    ask="f(x) = x³ at 1 with eps = 0.1: how far to the left of 1 do you look?",
    look="the difference: f on the right less f on the left, not less f in the middle.",
)
def _(f, x, eps):
    return forward(f, x.double(), eps)


@mistake(
    autodiff,
    "a one-sided difference in float32",
    ask="eps is 0.000001. How many digits has a float32 number, and what is left of them in f(x + eps) - f(x)?",
    look="the type of x inside the function, and the side that you do not look at.",
)
def _(f, x, eps):
    return forward(f, x.float(), eps)


@mistake(
    autodiff,
    "central differences in whatever type comes in",
    ask="x is float32 and eps is 0.000001. What is left of eps in x + eps?",
    look="the type of x inside the function: where do you make it float64?",
)
def _(f, x, eps):
    x = x.detach()
    return differences(lambda e: (f(x + eps * e) - f(x - eps * e)) / (2 * eps), x)


@mistake(
    autodiff,
    "a difference over two steps, divided by one",
    ask="How far is it from x - eps to x + eps?",
    look="the denominator.",
)
def _(f, x, eps):
    return 2 * central(f, x, eps)


@mistake(
    autodiff,
    "all numbers of x moved at once",
    ask="f(x) = x³, summed, at [1, 2]: what does the first number's derivative have to do with the 2?",
    look="x + eps: for a tensor it moves every number, and the derivative by one number moves only that one.",
)
def _(f, x, eps):
    x = x.detach().double()
    return torch.full_like(x, float((f(x + eps) - f(x - eps)) / (2 * eps)))


@mistake(
    autodiff,
    "autograd's own gradient, without a difference",
    ask="f(x) = x³ at 1 with eps = 0.1: is (1.331 - 0.729) / 0.2 equal to 3?",
    look="where eps is used: a check that asks autograd itself checks nothing.",
)
def _(f, x, eps):
    return exact(f, x)


@mistake(
    autodiff,
    "numbers of x that are moved and not moved back",
    ask="When you come to the second number, where is the first one?",
    look="the end of the loop's body, and whose tensor it is that you move: keep the old number, and put it back.",
)
def _(f, x, eps):
    return in_place(f, x, eps, back=False)


@mistake(
    autodiff,
    "numbers of x that are moved in x itself, and back by adding eps again",
    ask="Is 0.3 + 0.1 - 0.2 + 0.1 - 0.3 exactly 0? And whose tensor is it that you move?",
    look="x += …: work on a clone. Beware: x.double() makes none where x is float64 already.",
)
def _(f, x, eps):
    return in_place(f, x, eps, back=True)


@mistake(
    autodiff,
    "a gradient in one row, whatever the shape of x",
    ask="x has 2 rows and 3 columns. Which shape has your gradient?",
    look="the end of the function: the shape of x is to come back.",
)
def _(f, x, eps):
    return central(f, x, eps).reshape(-1)


@mistake(
    autodiff,
    "gradients that add up in x.grad from call to call",
    call="agree",
    ask="You are asked twice about the same x. What does x.grad hold when the second call begins?",
    look="x.requires_grad_() and backward(): the x that you were lent is not yours; a detached clone is.",
)
def _(f, x, tol):
    x.requires_grad_()
    f(x).backward()
    return bool((x.grad - central(f, x, STEP)).abs().max() <= tol)


@mistake(
    autodiff,
    "an x that is lent without requires_grad, and returned with it",
    call="agree",
    ask="Print x.requires_grad before the call and after it. Who asked for that?",
    look="x.requires_grad_(): it changes the x that you were lent; a detached clone is yours.",
)
def _(f, x, tol):
    (auto,) = torch.autograd.grad(f(x.requires_grad_()), x)
    return bool((auto - central(f, x, STEP)).abs().max() <= tol)


@mistake(
    autodiff,
    "a comparison in which a negative difference always passes",
    call="agree",
    ask="Autograd says 2 and the differences say 2.1. Is your difference above tol?",
    look="the comparison: how far apart are two numbers, whichever is larger?",
)
def _(f, x, tol):
    return bool((exact(f, x) - central(f, x, STEP)).max() <= tol)


@mistake(
    autodiff,
    "a comparison of sums, in which differences cancel",
    call="agree",
    ask="One number is too large by 1, the next too small by 1. What does your comparison make of that?",
    look="sum or mean: each number for itself has to be within tol.",
)
def _(f, x, tol):
    return bool((exact(f, x) - central(f, x, STEP)).sum().abs() <= tol)


@mistake(
    autodiff,
    "a comparison that one number in agreement settles",
    call="agree",
    ask="Of two numbers one agrees and the other does not. Do the gradients agree?",
    look="`any` and `all`.",
)
def _(f, x, tol):
    return bool(((exact(f, x) - central(f, x, STEP)).abs() <= tol).any())


@mistake(
    autodiff,
    "a gradient that is compared with itself",
    call="agree",
    ask="Which of your two gradients was found without autograd?",
    look="both sides of the comparison: one of them comes from differences.",
)
def _(f, x, tol):
    return largest(f, x, exact(f, x)) <= tol


@mistake(
    autodiff,
    "a look at the right side of x only",
    call="agree",
    ask="relu(-x) is flat to the right of 0. What is it to the left?",
    look="the difference inside agree: f(x + eps) - f(x) never sees the left side.",
)
def _(f, x, tol):
    return largest(f, x, forward(f, x.double(), STEP)) <= tol


@mistake(
    autodiff,
    "a look at the left side of x only",
    call="agree",
    ask="relu is flat to the left of 0. What is it to the right?",
    look="the difference inside agree: f(x) - f(x - eps) never sees the right side.",
)
def _(f, x, tol):
    return largest(f, x, forward(f, x.double(), -STEP)) <= tol


@mistake(
    autodiff,
    "differences in float32, where a small eps drowns",
    call="agree",
    ask="Print both gradients for a smooth f and a float32 x. Which of the two looks wrong, and in which digit?",
    look="the type of x inside the function, and the eps that you chose for it.",
)
def _(f, x, tol):
    x = x.detach()
    numeric = differences(lambda e: (f(x + STEP * e) - f(x - STEP * e)) / (2 * STEP), x)
    return largest(f, x, numeric) <= tol


@mistake(
    autodiff,
    "a step that is too small",
    call="agree",
    ask="What is left of the difference of two nearly equal numbers?",
    look="the eps that you chose: print both gradients, then try one that is a thousand times as large, and again.",
)
def _(f, x, tol):
    return largest(f, x, central(f, x, TINY)) <= tol


@mistake(
    autodiff,
    "a tolerance of its own",
    call="agree",
    ask="tol is 0.5, and the gradients differ by 0.1. What do you say?",
    look="the comparison: is tol in it? torch.allclose has one of its own, and takes yours as atol=tol, rtol=0.",
)
def _(f, x, tol):
    return torch.allclose(exact(f, x), central(f, x, STEP), rtol=1e-5, atol=1e-5)


@mistake(
    autodiff,
    "True and False exchanged",
    call="agree",
    ask="No difference at all: what do you return?",
    look="the direction of the comparison.",
)
def _(f, x, tol):
    return largest(f, x, central(f, x, STEP)) > tol
