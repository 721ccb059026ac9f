"""Newton's square root: a loop whose length depends on the data, with a derivative through it."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from course_lib.exercises import Case, exercise, mistake, part
from course_lib.exercises.compare import show_apart
from course_lib.tensors.exercises.eager.common import tensor_from

FINE = 1e-10
FEW = 10  # operations; from x = 100,000,000 there are some twenty steps to go
HARDLY_ANY = "hardly any"


def derivative(answer: Callable, x: Tensor, tol: float) -> Tensor | None:
    """What autograd finds through the answer's loop, shaped like x; zeros where nothing leads back to x."""
    x.requires_grad_()
    root = answer(x, tol)
    if root is None:
        return None
    if not tensor_from("newton_sqrt", root).requires_grad:
        return torch.zeros_like(x)
    (gradient,) = torch.autograd.grad(root.sum(), x, allow_unused=True)
    return torch.zeros_like(x) if gradient is None else gradient


def work(answer: Callable, far: float, far_tol: float, near: float, near_tol: float) -> str | None:
    """Whether the answer does more, as many or not as many operations in the first case as in the second; or few."""
    operations = []
    for x, tol in ((far, far_tol), (near, near_tol)):
        with _Counter() as counter:
            if answer(torch.tensor(x, dtype=torch.float64), tol) is None:
                return None
        operations.append(counter.number)
    if max(operations) < FEW:
        return HARDLY_ANY
    if operations[0] == operations[1]:
        return "as many"
    return "more" if operations[0] > operations[1] else "not as many"


def not_more(word: str) -> str:
    """What the word of `work` means, where it is a wrong one."""
    if word == HARDLY_ANY:
        return "It asks PyTorch for hardly any operations: is there a loop, and is y a tensor in it?"
    return f"It does {word} operations for the first as for the second."


def not_the_derivative(got: Tensor, wanted: Tensor) -> str:
    """What came out, and what is wanted, for the few numbers that are asked for here."""
    return "The derivative came out as {}, wanted {}.".format(*show_apart(got, wanted))


class _Counter(TorchFunctionMode):
    """Counts what PyTorch is asked for."""

    def __init__(self):
        super().__init__()
        self.number = 0

    def __torch_function__(self, func, types, args=(), kwargs=None):
        self.number += 1
        return func(*args, **(kwargs or {}))


@exercise(
    "tensors.eager.control-flow",
    "newton_sqrt(x, tol) -> root",
    level="core",
    minutes=6,
    without=("sqrt", "sqrt_", "rsqrt"),
    keeps_inputs=True,
)
def newton_sqrt(rng):
    """A square root by Newton: a loop as long as it needs to be."""

    def positive(*shape: int) -> Tensor:
        """From 0.01 to 100, spread evenly over the powers of ten; float64."""
        return torch.from_numpy(10 ** rng.uniform(-2, 2, size=shape))

    def numbers(values: float | list[float]) -> Tensor:
        return torch.tensor(values, dtype=torch.float64)

    def root_of(x: Tensor, tol: float, because: str, shown: str | None = None) -> Case:
        loose = {"rtol": 0.52 * tol, "atol": 0.0} if tol > 1e-6 else {}  # y * y within tol of x: y within tol / 2
        return Case((x, tol), expected=x.sqrt(), shown=shown, because=because, **loose)

    with part("one number", points=1):
        for x in (9.0, 2.0, 0.25):
            yield root_of(numbers(x), FINE, "the mean of y and x / y, again and again, until y * y is near x")
        yield root_of(numbers(0.01), 0.02, "tol is a share of x: for x = 0.01, y * y may differ from x by 0.0002")
    with part("any shape", points=1):
        for values in ([4.0, 4.0], [0.01, 1.0, 400.0], [[9.0, 100.0], [0.04, 2.0]]):
            yield root_of(numbers(values), FINE, "go on until the last of them is good enough")
        yield root_of(numbers([0.0025, 0.04]), 0.05, "tol is a share of x, for each number of it")
        yield root_of(positive(2, 3), FINE, "go on until the last of them is good enough", "x of shape (2, 3)")
    with part("no longer than needed", points=1):
        for far, far_tol, near, near_tol, what in (
            (1e8, 1e-6, 1.0, 1e-6, "x = 100,000,000 and once for x = 1"),
            (1e-8, 1e-6, 1.0, 1e-6, "x = 0.00000001 and once for x = 1"),
            (50.0, FINE, 50.0, 0.5, "tol = 0.0000000001 and once for tol = 0.5"),
        ):
            yield Case(
                (far, far_tol, near, near_tol),
                via=work,
                expected="more",
                explain=not_more,
                shown=f"once for {what}",
                because="each turn looks at y, and decides whether there is another one",
            )
    with part("a derivative through the loop", points=1):
        given = [(numbers(value), f"the derivative at x={show}") for value, show in (
            (4.0, "4"), (1.0, "1"), ([1.0, 1.0], "[1, 1]"), ([4.0, 0.25, 100.0], "[4, 0.25, 100]")
        )]  # fmt: skip
        for x, shown in (*given, (positive(2, 2), "the derivative at x of shape (2, 2)")):
            yield Case(
                (x, FINE),
                via=derivative,
                expected=1 / (2 * x.sqrt()),
                shown=f"{shown}, tol=1e-10",
                explain=lambda got, x=x: not_the_derivative(got, 1 / (2 * x.sqrt())),
                because="follow x on its way into y: what does not pass through tensors is not followed",
                rtol=1e-3,
            )


def good(y: Tensor, x: Tensor, tol: float) -> Tensor:
    """Which numbers are good enough; of arrays, too."""
    return abs(y * y - x) <= tol * x


def newton(x: Tensor, tol: float, done: Callable[[Tensor], bool], inside: Callable = lambda x: x) -> Tensor:
    """A right answer, for the mistakes to change one thing in: at least one step, until it is done."""
    y, c = x, inside(x)
    while True:
        y = (y + c / y) / 2
        if done(y):
            return y


@mistake(
    newton_sqrt,
    "a fixed number of steps, whatever x and tol are",
    ask="How many steps does it take from y = x = 1, and how many from 100,000,000? How many does yours take?",
    look="range(…): a number of turns that somebody fixed beforehand knows neither x nor tol.",
)
def _(x, tol):
    y = x
    for _ in range(60):
        y = (y + x / y) / 2
    return y


@mistake(
    newton_sqrt,
    "a power of one half, without a loop",
    ask="Which line of yours would you have to change for tol = 0.5, and for tol = 0.0000000001?",
    look="x ** 0.5, or torch.pow: it is sqrt under another name, and what is asked for is the loop inside it.",
)
def _(x, tol):
    return x**0.5


@mistake(
    newton_sqrt,
    "a loop in NumPy's or Python's numbers, which PyTorch does not see",
    ask="Which library computes y + x / y in your loop, and what does autograd know of that?",
    look=".numpy() or float(x) in front of the loop: let y be a tensor from the first step to the last.",
)
def _(x, tol):
    given = x.detach().numpy()
    return torch.as_tensor(newton(given, tol, lambda y: good(y, given, tol).all()))


@mistake(
    newton_sqrt,
    "one step and no more",
    ask="From y = x = 9 the first step leads to 5. Which y do you return?",
    look="how far to the right the `return` stands.",
)
def _(x, tol):
    return (x + 1) / 2


@mistake(
    newton_sqrt,
    "a plain number in the update, taken from x by .item()",
    ask="Autograd follows tensors from x to the root. Where does x stop being a tensor?",
    look=".item(), float(x) or .numpy() inside the loop: in the condition they do no harm, but in the update they do.",
)
def _(x, tol):
    return newton(x, tol, lambda y: bool(good(y, x, tol)), inside=lambda x: x.item())


@mistake(
    newton_sqrt,
    "an update that autograd cannot follow back to x",
    ask="Which number do you get for the derivative at x = 4, and through which term of the update should it come?",
    look=".detach(), .data or torch.no_grad(): what comes out of them has forgotten where it comes from.",
)
def _(x, tol):
    return newton(x, tol, lambda y: bool(good(y, x, tol).all()), inside=lambda x: x.detach())


@mistake(
    newton_sqrt,
    "a condition that only a single number can answer",
    ask="Two numbers, of which one is good enough and one is not: is that True or False?",
    look="the condition: it holds one truth for each number of x, and a loop needs one truth in all.",
)
def _(x, tol):
    return newton(x, tol, lambda y: bool(good(y, x, tol)))


@mistake(
    newton_sqrt,
    "a loop that ends with the first number that is good enough",
    ask="x = [0.01, 1, 400]: which of these three is good enough first, and what about the others?",
    look="`any` and `all`: which of them ends the loop, and which goes on?",
)
def _(x, tol):
    return newton(x, tol, lambda y: bool(good(y, x, tol).any()))


@mistake(
    newton_sqrt,
    "a loop that makes no step where it begins at the root",
    ask="You begin at y = x, and at x = 1 that is the root already. What is the derivative of y = x?",
    look="the place where the loop asks: before the first step or after it? The derivative comes one step behind.",
)
def _(x, tol):
    y = x
    while not good(y, x, tol).all():
        y = (y + x / y) / 2
    return y


@mistake(
    newton_sqrt,
    "a loop that begins at 1, and makes no step where that is the root",
    ask="You begin at y = 1, and at x = 1 that is the root already. What has that 1 to do with x?",
    look="the place where the loop asks: before the first step or after it? The derivative comes one step behind.",
)
def _(x, tol):
    y = torch.ones_like(x)
    while not good(y, x, tol).all():
        y = (y + x / y) / 2
    return y


@mistake(
    newton_sqrt,
    "a tol that is the same for large x and small x",
    ask="x = 0.01 and tol = 0.02: is y = 0.01 good enough for your condition?",
    look="the right side of the condition: tol times something.",
)
def _(x, tol):
    return newton(x, tol, lambda y: bool(((y * y - x).abs() <= tol).all()))


@mistake(
    newton_sqrt,
    "steps taken in x itself",
    ask="You update y. Which numbers does x hold afterwards?",
    look="`y = x` followed by something in place: both are names of one memory.",
)
def _(x, tol):
    while not good(x, x, tol).all():
        x.copy_((x + x / x) / 2)
    return x
