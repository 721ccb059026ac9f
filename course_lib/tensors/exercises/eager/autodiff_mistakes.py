"""What goes wrong with gradients by differences and with their comparison, as code that runs."""

import torch

from course_lib.exercises import mistake
from course_lib.tensors.exercises.eager.autodiff import autodiff
from course_lib.tensors.exercises.eager.differences import central, differences, exact, forward, in_place, largest

STEP, TINY = 1e-6, 1e-12


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
    "a tolerance that grows with the gradient",
    call="agree",
    ask="The gradients are 200 and 200.1, and tol is 0.01. What does your comparison make of them?",
    look="torch.allclose: its third argument is rtol, a share of the gradient; what is asked for is rtol=0, atol=tol.",
)
def _(f, x, tol):
    return torch.allclose(exact(f, x), central(f, x, STEP), tol)


@mistake(
    autodiff,
    "True and False exchanged",
    call="agree",
    ask="No difference at all: what do you return?",
    look="the direction of the comparison.",
)
def _(f, x, tol):
    return largest(f, x, central(f, x, STEP)) > tol
