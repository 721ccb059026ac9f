"""The chain rule along a chain of functions, and the walk back that gives the slope by every value on the way."""

import math
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import torch

from course_lib.exercises import Case, exercise, mistake, part

FUNCTIONS = {  # of a number, under the formula that a learner is shown; with lib=torch, of a tensor
    "u + 3": lambda u, lib=math: u + 3,
    "5 - u": lambda u, lib=math: 5 - u,
    "2u": lambda u, lib=math: 2 * u,
    "u²": lambda u, lib=math: u * u,
    "sin u": lambda u, lib=math: lib.sin(u),
    "cos u": lambda u, lib=math: lib.cos(u),
    "tanh u": lambda u, lib=math: lib.tanh(u),
    "ln(1 + u²)": lambda u, lib=math: lib.log1p(u * u),
    "√(1 + u²)": lambda u, lib=math: lib.sqrt(1 + u * u),
    "1 / (1 + u²)": lambda u, lib=math: 1 / (1 + u * u),
}
DERIVATIVES = {
    "1": lambda u: 1.0,
    "-1": lambda u: -1.0,
    "2": lambda u: 2.0,
    "2u": lambda u: 2 * u,
    "cos u": lambda u: math.cos(u),
    "-sin u": lambda u: -math.sin(u),
    "1 - tanh² u": lambda u: 1 - math.tanh(u) ** 2,
    "2u / (1 + u²)": lambda u: 2 * u / (1 + u * u),
    "u / √(1 + u²)": lambda u: u / math.sqrt(1 + u * u),
    "-2u / (1 + u²)²": lambda u: -2 * u / (1 + u * u) ** 2,
}
DERIVATIVE_OF = dict(zip(FUNCTIONS, DERIVATIVES, strict=True))

Chain = Sequence[Callable[[float], float]]


def slope_along(answer: Callable, fs: list[str], dfs: list[str], x: float) -> dict | None:
    """What chain_derivative says of functions named by their formulas, and whether it asked all of the derivatives."""
    calls: Counter = Counter()
    slope = answer(watched(FUNCTIONS, fs, calls), watched(DERIVATIVES, dfs, calls), x)
    never = sum((n, formula) not in calls for n, formula in enumerate(dfs))
    return None if slope is None else {"dy/dx": slope, "number of dfs never called": never}


def slopes_along(answer: Callable, fs: list[str], dfs: list[str], x: float) -> list[float] | None:
    """What chain_slopes says of functions named by their formulas."""
    slopes = answer([FUNCTIONS[f] for f in fs], [DERIVATIVES[df] for df in dfs], x)
    return slopes.tolist() if isinstance(slopes, torch.Tensor | np.ndarray) else slopes


def called_twice(answer: Callable, fs: list[str], dfs: list[str], x: float) -> dict | None:
    """Whether chain_slopes called any function more than once."""
    on_the_way, on_the_way_back = Counter(), Counter()
    slopes = answer(watched(FUNCTIONS, fs, on_the_way), watched(DERIVATIVES, dfs, on_the_way_back), x)
    most = max([*on_the_way.values(), *on_the_way_back.values()], default=0)
    return None if slopes is None else {"calls of one function": "more than one" if most > 1 else "one at most"}


def watched(functions: dict[str, Callable], formulas: list[str], calls: Counter) -> Chain:
    """The functions of these formulas, whose calls are counted by place and formula."""

    def watch(place: tuple[int, str]) -> Callable[[float], float]:
        def called(u):
            calls[place] += 1
            return functions[place[1]](u)

        return called

    return [watch(place) for place in enumerate(formulas)]


@torch.enable_grad()  # a notebook may have switched gradients off
def by_autograd(fs: list[str], x: float) -> list[float]:
    """The slope of the last value by each value of the chain, x first."""
    values = [torch.tensor(x, dtype=torch.float64, requires_grad=True)]
    for f in fs:
        values.append(FUNCTIONS[f](values[-1], torch))
    return [slope.item() for slope in torch.autograd.grad(values[-1], values)]


def drawn_chain(rng: np.random.Generator, length: int) -> tuple[list[str], float]:
    """Functions and an x at which every slope is of a size that can be compared."""
    while True:
        fs = [str(f) for f in rng.choice(list(FUNCTIONS), size=length, replace=False)]
        x = float(rng.uniform(-2, 2))
        if all(1e-3 < abs(slope) < 1e3 for slope in by_autograd(fs, x)):
            return fs, x


def case(via: Callable, fs: list[str], x: float, because: str) -> Case:
    """One chain, in the words of its formulas."""
    slopes = by_autograd(fs, x)
    expected = {
        slope_along: {"dy/dx": slopes[0], "number of dfs never called": 0},
        slopes_along: slopes,
        called_twice: {"calls of one function": "one at most"},
    }[via]
    inputs = (fs, [DERIVATIVE_OF[f] for f in fs], x)
    call = "chain_derivative" if via is slope_along else "chain_slopes"
    return Case(inputs, call=call, via=via, expected=expected, because=because, rtol=1e-6, atol=1e-9)


FLAT = [(["u²", "u + 3"], 0.0), (["u + 3", "u²", "2u"], -3.0)]  # a local slope is 0
BY_HAND = [(["u²"], 3.0), (["u + 3", "u²"], 2.0), (["u²", "2u"], 3.0), (["2u", "u²", "u + 3"], 1.0)]


@exercise(
    "foundations.backprop.chain-rule",
    "chain_derivative(fs, dfs, x) -> slope",
    "chain_slopes(fs, dfs, x) -> slopes",
    level="core",
    minutes=8,
)
def chain_rule(rng):
    """The slope of a chain of functions, and of every value on the way."""
    with part("by hand", points=1):
        for fs, x in BY_HAND:
            yield case(slope_along, fs, x, "write the values of the chain in a row, and under each arrow its slope")
    with part("chains of 1 to 10", points=1):
        for length in range(1, 11):
            because = "print each value and its local slope: the result is the product of all of these slopes"
            yield case(slope_along, *drawn_chain(rng, length), because)
    with part("every value on the way", points=1):
        for fs, x in BY_HAND[1:]:
            yield case(slopes_along, fs, x, "the last value moves with itself one for one, so begin with 1 at the end")
        for fs, x in FLAT:
            yield case(slopes_along, fs, x, "where a local slope is 0, nothing can be divided by it")
        for length in (1, 3, 6, 10):
            because = "a value's slope is that of the value behind it, times the local slope between the two"
            yield case(slopes_along, *drawn_chain(rng, length), because)
    with part("one walk there, one walk back", points=1):
        for length in (3, 5, 10):
            because = "keep the values of the walk there; the walk back multiplies once for each function"
            yield case(called_twice, *drawn_chain(rng, length), because)


def values_of(fs: Chain, x: float) -> list[float]:
    """x, and what each function makes of it in turn."""
    values = [x]
    for f in fs:
        values.append(f(values[-1]))
    return values


def local_slopes(fs: Chain, dfs: Chain, x: float) -> list[float]:
    """The slope of each function at the value that it takes in."""
    return [df(u) for df, u in zip(dfs, values_of(fs[:-1], x), strict=True)]


@mistake(
    chain_rule,
    "every derivative taken at x itself",
    ask="u + 3 and then u², at x = 2: which number is it that the square takes in?",
    look="the argument of each derivative: the outer ones never see x.",
)
def _(fs, dfs, x):
    return math.prod(df(x) for df in dfs)


@mistake(
    chain_rule,
    "local slopes that are added",
    ask="One cogwheel doubles the speed, the next one triples it. How much faster does the last one turn?",
    look="the operation between the local slopes.",
)
def _(fs, dfs, x):
    return sum(local_slopes(fs, dfs, x))


@mistake(
    chain_rule,
    "the chain walked in the wrong order",
    ask="Which of the functions is the first to get hold of x?",
    look="the loop over fs: fs[0] acts first, on x.",
)
def _(fs, dfs, x):
    return math.prod(local_slopes(fs[::-1], dfs[::-1], x))


@mistake(
    chain_rule,
    "derivatives that are paired with the wrong functions",
    ask="The first value on the way belongs to which of your derivatives?",
    look="what you reverse: a list of values and a list of derivatives go together.",
)
def _(fs, dfs, x):
    return math.prod(df(u) for df, u in zip(reversed(dfs), values_of(fs[:-1], x), strict=True))


@mistake(
    chain_rule,
    "derivatives taken at what the functions give out",
    ask="y = u² at u = 3: is its slope 2 · 3, or 2 · 9?",
    look="the order of your two lines: take the slope first, and only then move u on.",
)
def _(fs, dfs, x):
    return math.prod(df(u) for df, u in zip(dfs, values_of(fs, x)[1:], strict=True))


@mistake(
    chain_rule,
    "the last function's slope alone",
    ask="2u and then u², at x = 1: x moves by 0.01. By how much does the square's input move?",
    look="what the inner functions add: every function of the chain brings one factor.",
)
def _(fs, dfs, x):
    return dfs[-1](values_of(fs[:-1], x)[-1]) + 0 * sum(df(x) for df in dfs)  # all of them asked, one of them used


@mistake(
    chain_rule,
    "a difference quotient, with no derivative asked",
    ask="Which of your lines would notice if dfs held nonsense?",
    look="dfs: the rule multiplies the slopes that are handed to you.",
)
def _(fs, dfs, x):
    eps = 1e-6
    return (values_of(fs, x + eps)[-1] - values_of(fs, x - eps)[-1]) / (2 * eps)


def products_from_the_end(slopes: Sequence[float]) -> list[float]:
    """1, and then the product of the last slope, of the last two, and so on."""
    products = [1.0]
    for slope in reversed(slopes):
        products.append(products[-1] * slope)
    return products


@mistake(
    chain_rule,
    "slopes by x, in place of slopes of y",
    call="chain_slopes",
    ask="What is the last number of your list: how y moves with x, or how y moves with y?",
    look="the end where your product begins: with 1 at y, and from there towards x.",
)
def _(fs, dfs, x):
    return products_from_the_end(local_slopes(fs, dfs, x)[::-1])


@mistake(
    chain_rule,
    "how each value moves with x, the last one first",
    call="chain_slopes",
    ask="Asked is how y moves with each value. Which functions stand between u₁ and y, and whose slopes do you take?",
    look="the end where your product begins: the number beside the 1 at the end is the last function's slope alone.",
)
def _(fs, dfs, x):
    return products_from_the_end(local_slopes(fs, dfs, x)[::-1])[::-1]


@mistake(
    chain_rule,
    "the whole product, divided by one local slope after the other",
    call="chain_slopes",
    ask="u² at u = 0 has the slope 0. By what do you divide there?",
    look="the division: a walk back from y multiplies only, and has no trouble with a slope of 0.",
)
def _(fs, dfs, x):
    local = local_slopes(fs, dfs, x)
    slopes = [math.prod(local)]
    for slope in local:
        slopes.append(slopes[-1] / slope)
    return slopes


@mistake(
    chain_rule,
    "the right slopes from y to x",
    call="chain_slopes",
    ask="The walk back comes to y first. Which value does your list begin with, and which one is asked for first?",
    look="the order of the list that you return: dy/dx stands in front.",
)
def _(fs, dfs, x):
    return products_from_the_end(local_slopes(fs, dfs, x))


@mistake(
    chain_rule,
    "local slopes, not multiplied",
    call="chain_slopes",
    ask="Your first number: is it how y moves with x, or how the value next to x does?",
    look="the walk back: each slope is the one behind it times a local slope.",
)
def _(fs, dfs, x):
    return [*local_slopes(fs, dfs, x), 1.0]


@mistake(
    chain_rule,
    "a list without the slope of y by itself",
    call="chain_slopes",
    ask="A chain of two functions has three values. How many slopes have you?",
    look="the end of the list: y is a value too, and its slope is 1.",
)
def _(fs, dfs, x):
    return products_from_the_end(local_slopes(fs, dfs, x))[::-1][:-1]


@mistake(
    chain_rule,
    "a list without the slope by x",
    call="chain_slopes",
    ask="A chain of two functions has three values. Which one has no slope in your list?",
    look="the last turn of the walk back: it ends at x, not one before.",
)
def _(fs, dfs, x):
    return products_from_the_end(local_slopes(fs, dfs, x))[::-1][1:]


@mistake(
    chain_rule,
    "every slope worked out from the beginning",
    call="chain_slopes",
    ask="Ten functions: how often do you call the last one's derivative? And how often would you for a thousand?",
    look="the loop inside the loop: what the later slopes have in common is worked out again each time.",
)
def _(fs, dfs, x):
    values = values_of(fs, x)
    return [math.prod(local_slopes(fs[n:], dfs[n:], values[n])) for n in range(len(fs))] + [1.0]
