"""Write backpropagation through a network of two layers, for a whole batch."""

from collections.abc import Callable

import torch
from torch import Tensor

from course_lib.exercises import Case, exercise, mistake, part, randn
from course_lib.exercises.values import with_article
from course_lib.foundations.activations import ACTIVATIONS

FUNCTIONS = {  # of every number of a tensor; ' marks a derivative
    "u": lambda u: 1 * u,
    "1": torch.ones_like,
    "u²": torch.square,
    "2u": lambda u: 2 * u,
    "tanh": ACTIVATIONS["tanh"].f,
    "tanh'": ACTIVATIONS["tanh"].slope,
    "sigmoid": ACTIVATIONS["sigmoid"].f,
    "sigmoid'": ACTIVATIONS["sigmoid"].slope,
    "SiLU": ACTIVATIONS["SiLU"].f,
    "SiLU'": ACTIVATIONS["SiLU"].slope,
}
NAMES = "dw1", "db1", "dw2", "db2"
ENOUGH = 3  # forward passes; a difference quotient takes one for each weight

Gradients = tuple[Tensor, Tensor, Tensor, Tensor]  # by w1, b1, w2, b2


def gradients_of(answer: Callable, x: Tensor, t: Tensor, params: list[Tensor], f: str, df: str) -> dict | None:
    """The answer's four gradients, and whether f has seen more numbers than a few forward passes need."""
    seen = 0

    def watched(u):
        nonlocal seen
        seen += torch.as_tensor(u).numel()
        return FUNCTIONS[f](u)

    made = answer(x, t, params, watched, FUNCTIONS[df])
    if made is None:
        return None
    if not isinstance(made, tuple | list) or len(made) != len(NAMES):
        what = f"{len(made)} results" if isinstance(made, tuple | list) else with_article(type(made).__name__)
        raise TypeError(f"backprop_two_layer should return four gradients, {', '.join(NAMES)}, and returned {what}")
    passes = seen / (len(x) * (len(params[1]) + len(params[3])))  # hidden units and outputs, for every row
    many = f"more than {ENOUGH}" if passes > ENOUGH else f"{ENOUGH} at most"
    return dict(zip(NAMES, made, strict=True)) | {"number of forward passes": many}


@torch.enable_grad()  # a notebook may have switched gradients off
def by_autograd(x: Tensor, t: Tensor, params: list[Tensor], f: str) -> Gradients:
    """The gradients of half the squared error, summed over the outputs and averaged over the rows."""
    w1, b1, w2, b2 = params = [p.clone().requires_grad_() for p in params]
    y = FUNCTIONS[f](FUNCTIONS[f](x @ w1.T + b1) @ w2.T + b2)
    loss = 0.5 * (y - t).square().sum(dim=1).mean()
    return torch.autograd.grad(loss, params)


def case(x: Tensor, t: Tensor, params: list[Tensor], f: str, because: str) -> Case:
    """One batch, activation and set of weights."""
    expected = dict(zip(NAMES, by_autograd(x, t, params, f), strict=True))
    expected |= {"number of forward passes": f"{ENOUGH} at most"}
    df = {"u": "1", "u²": "2u"}.get(f, f"{f}'")
    return Case((x, t, params, f, df), via=gradients_of, expected=expected, because=because, rtol=1e-4, atol=1e-6)


def by_hand(x: list, t: list, w1: float, b1: float, w2: float, b2: float, f: str) -> Case:
    """One input, one hidden unit, one output."""
    params = [torch.tensor([[w1]]), torch.tensor([b1]), torch.tensor([[w2]]), torch.tensor([b2])]
    rows = torch.tensor(x).unsqueeze(1), torch.tensor(t).unsqueeze(1)
    return case(*rows, params, f, "work these numbers through on paper, from y back to w1, and print yours beside them")


@exercise(
    "foundations.backprop.gradient",
    "backprop_two_layer(x, t, params, f, df) -> dw1, db1, dw2, db2",
    level="core",
    minutes=12,
    without=["backward", "grad", "_make_dual"],
    keeps_inputs=True,
)
def backprop(rng):
    """All four gradients of a two-layer network, equal to autograd.

    Autograd itself is found out by the names of its operations («backward», «grad», and «_make_dual» of forward mode),
    a difference quotient by the number of its forward passes.

    The outputs are one, or as many as the hidden units, so that the shapes of a gradient that leaves w2 out fit: it is
    wrong in its numbers, and is recognised by them.
    """
    with part("one row by hand", points=1):
        yield by_hand([2.0], [10.0], w1=3.0, b1=-1.0, w2=2.0, b2=1.0, f="u")
        yield by_hand([1.0], [0.0], w1=1.0, b1=1.0, w2=0.5, b2=-1.0, f="u²")
        yield by_hand([2.0], [6.0], w1=1.0, b1=-1.0, w2=3.0, b2=-1.0, f="u²")
    with part("a batch by hand", points=1):
        yield by_hand([2.0, 1.0], [10.0, 1.0], w1=3.0, b1=-1.0, w2=2.0, b2=1.0, f="u")
        yield by_hand([1.0, 2.0, 3.0, 0.0], [1.0, 0.0, 9.0, -2.0], w1=1.0, b1=-1.0, w2=2.0, b2=-1.0, f="u²")
    with part("any size, any activation", points=2):
        for batch, inputs, hidden, outputs, f in (
            (1, 2, 3, 1, "tanh"),
            (5, 3, 4, 1, "sigmoid"),
            (4, 2, 3, 3, "tanh"),
            (6, 5, 2, 2, "SiLU"),
            (3, 3, 3, 3, "sigmoid"),
            (16, 4, 8, 1, "SiLU"),
        ):
            shapes = (hidden, inputs), (hidden,), (outputs, hidden), (outputs,)
            params = [randn(rng, *shape, scale=shape[-1] ** -0.5) for shape in shapes]
            because = "give the gradient of every value the shape of that value, and print both shapes line by line"
            yield case(randn(rng, batch, inputs), randn(rng, batch, outputs), params, f, because)


def back(
    x: Tensor,
    t: Tensor,
    params: list[Tensor],
    f: Callable,
    df: Callable,
    *,
    errors: Callable = lambda y, t: (y - t) / len(y),
    outer_slope: Callable | None = None,
    inner_slope: Callable | None = None,
    through: Callable = lambda du2, w2: du2 @ w2,
    read: Callable = lambda x, h: (x, h),
) -> Gradients:
    """The right gradients; a mistake exchanges one piece."""
    w1, b1, w2, b2 = params
    u1 = x @ w1.T + b1  # (batch, hidden)
    h = f(u1)
    u2 = h @ w2.T + b2  # (batch, outputs)
    y = f(u2)
    du2 = errors(y, t) * (outer_slope(u2, y) if outer_slope else df(u2))
    du1 = through(du2, w2) * (inner_slope(u1, h) if inner_slope else df(u1))
    into_w1, into_w2 = read(x, h)
    return du1.T @ into_w1, du1.sum(dim=0), du2.T @ into_w2, du2.sum(dim=0)


def scaled(gradients: Gradients, factors: tuple[float, float, float, float]) -> Gradients:
    """Each gradient times its factor."""
    return tuple(factor * gradient for factor, gradient in zip(factors, gradients, strict=True))


@mistake(
    backprop,
    "an error that reaches the hidden layer without passing w2",
    ask="A hidden unit whose weight in w2 is 0 is not heard by the output. What is the gradient of its w1 in yours?",
    look="the step from the output layer back to h: y = f(w2 · h + b2), so what is the derivative of that sum by h?",
)
def _(x, t, params, f, df):
    return back(x, t, params, f, df, through=lambda du2, w2: du2.expand(-1, w2.shape[1]))


@mistake(
    backprop,
    "an output layer whose activation has no slope",
    ask="The output stands where f is flat. Can any weight still move it, and what does your gradient say?",
    look="the first step back, from y to the sum inside its f.",
)
def _(x, t, params, f, df):
    return back(x, t, params, f, df, outer_slope=lambda u2, y: torch.ones_like(u2))


@mistake(
    backprop,
    "a hidden layer whose activation has no slope",
    ask="A hidden unit stands where f is flat. Can its weights still move it, and what does your gradient say?",
    look="the step from h to the sum inside its f: a factor belongs there.",
)
def _(x, t, params, f, df):
    return back(x, t, params, f, df, inner_slope=lambda u1, h: torch.ones_like(u1))


@mistake(
    backprop,
    "no slopes at all",
    ask="Which of your lines calls df?",
    look="each step back through f: one for the output layer, one for the hidden layer.",
)
def _(x, t, params, f, df):
    def ones(u: Tensor, value: Tensor) -> Tensor:
        return torch.ones_like(u)

    return back(x, t, params, f, df, outer_slope=ones, inner_slope=ones)


@mistake(
    backprop,
    "slopes taken at what f gives out",
    ask="With f(u) = u² and u = 3: is the slope there 2 · 3, or 2 · 9?",
    look="the argument of df: it is the sum that f takes in.",
)
def _(x, t, params, f, df):
    return back(x, t, params, f, df, outer_slope=lambda u2, y: df(y), inner_slope=lambda u1, h: df(h))


@mistake(
    backprop,
    "a mean over the batch in the weights' gradients, and a sum in the biases'",
    ask="Two equal rows in place of one: which of your gradients change, and which does the mean loss say should?",
    look="the biases: the same division by the number of rows belongs to all four.",
)
def _(x, t, params, f, df):
    return scaled(back(x, t, params, f, df), (1, len(x), 1, len(x)))


@mistake(
    backprop,
    "a mean over the batch in the biases' gradients, and a sum in the weights'",
    ask="Two equal rows in place of one: which of your gradients change, and which does the mean loss say should?",
    look="the weights: a matrix product sums over the rows; where is the division?",
)
def _(x, t, params, f, df):
    return scaled(back(x, t, params, f, df), (len(x), 1, len(x), 1))


@mistake(
    backprop,
    "a mean over the batch in the output layer, and a sum in the hidden layer",
    ask="Two equal rows in place of one: which of your gradients change, and which does the mean loss say should?",
    look="where you divide by the number of rows: at the very first step back it serves both layers.",
)
def _(x, t, params, f, df):
    return scaled(back(x, t, params, f, df), (len(x), len(x), 1, 1))


@mistake(
    backprop,
    "a sum over the batch everywhere",
    ask="A batch of a thousand rows: is your gradient a thousand times that of one row?",
    look="the loss: it is a mean over the rows, so its gradient is one too.",
)
def _(x, t, params, f, df):
    return scaled(back(x, t, params, f, df), (len(x),) * 4)


@mistake(
    backprop,
    "a batch that is averaged twice",
    ask="Two equal rows in place of one: does your gradient stay as it was?",
    look="the divisions by the number of rows: one on the way from y to each weight is enough.",
)
def _(x, t, params, f, df):
    return scaled(back(x, t, params, f, df), (1 / len(x),) * 4)


@mistake(
    backprop,
    "a mean over every number of the batch, and not over its rows",
    ask="L is a mean over rows. By what do you divide when a row has three outputs?",
    look="the number that you divide by: within a row the squares are added up, and nothing is divided.",
)
def _(x, t, params, f, df):
    return scaled(back(x, t, params, f, df), (1 / t.shape[1],) * 4)


@mistake(
    backprop,
    "a batch that is averaged twice in the biases' gradients",
    ask="Follow b2 from L back: how often do you divide by the number of rows on the way?",
    look="the mean in the biases' gradients: what comes back to them has been divided already.",
)
def _(x, t, params, f, df):
    return scaled(back(x, t, params, f, df), (1, 1 / len(x), 1, 1 / len(x)))


@mistake(
    backprop,
    "a batch that is averaged a second time in the hidden layer",
    ask="Write w1's gradient as one product, from y − t to x: how often is 1/m in it?",
    look="the division in the hidden layer: what comes back to it has been divided already.",
)
def _(x, t, params, f, df):
    return scaled(back(x, t, params, f, df), (1 / len(x), 1 / len(x), 1, 1))


@mistake(
    backprop,
    "a square whose half is forgotten",
    ask="What is the derivative of ½ · (y − t)² by y?",
    look="the factor in front of y − t.",
)
def _(x, t, params, f, df):
    return scaled(back(x, t, params, f, df), (2, 2, 2, 2))


@mistake(
    backprop,
    "gradients that point the wrong way",
    ask="An output above its target: if it grows further, does the loss grow or shrink? And what does your sign say?",
    look="the derivative of ½ · (y − t)² by y.",
)
def _(x, t, params, f, df):
    return scaled(back(x, t, params, f, df), (-1, -1, -1, -1))


@mistake(
    backprop,
    "a w2 that has read the sum before the activation",
    ask="Which number does w2 multiply on the way forward: the hidden sum, or what f makes of it?",
    look="the gradient of w2: each weight's gradient is its error times what the weight multiplied.",
)
def _(x, t, params, f, df):
    w1, b1, *_ = params
    return back(x, t, params, f, df, read=lambda x, h: (x, x @ w1.T + b1))


@mistake(
    backprop,
    "difference quotients, weight by weight",
    ask="A million weights: how many forward passes does your answer take, and how many does one walk back take?",
    look="the loop over the weights: df and the chain rule give all of them in one sweep.",
)
def _(x, t, params, f, df):
    eps = 1e-6
    x, t, params = x.double(), t.double(), [p.double() for p in params]

    def loss() -> float:
        w1, b1, w2, b2 = params
        return 0.5 * float((f(f(x @ w1.T + b1) @ w2.T + b2) - t).square().sum()) / len(x)

    def slope(flat: Tensor, place: int) -> float:
        old = flat[place].item()
        flat[place] = old + eps
        right = loss()
        flat[place] = old - eps
        left = loss()
        flat[place] = old
        return (right - left) / (2 * eps)

    return tuple(torch.tensor([slope(p.view(-1), n) for n in range(p.numel())]).reshape(p.shape) for p in params)
