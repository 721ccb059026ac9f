"""Measure how much of a gradient is left at each lag."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from course_lib.exercises import Case, exercise, mistake, part, randn
from course_lib.recurrent.exercises.common import CELLS, Weights, build_cell

BLOCKS = {"rnn": 1, "lstm": 4, "gru": 3}  # of rows in each weight


def on_a_cell(answer: Callable, kind: str, weights: Weights, xs: Tensor) -> Tensor:
    """Build PyTorch's cell with these weights, and hand it to the answer."""
    return answer(build_cell(kind, weights), xs.clone())  # the answer may call requires_grad_() on its own copy


def jacobian_norms(kind: str, weights: Weights, xs: Tensor) -> Tensor:
    """The norms of 1^T J_T J_{T-1} … J_{T-k+1} (d h_{T-k} / d x_{T-k}) for k = 0, 1, …: (time,), worked out in float64.

    J_t is the Jacobian of one step by the whole state before it; an LSTM's state is h and c, one after the other.
    """
    cell, xs = build_cell(kind, weights).double(), xs.double()

    def step(x: Tensor, state: Tensor) -> Tensor:
        return torch.cat(cell(x, state.chunk(2))) if kind == "lstm" else cell(x, state)

    units = cell.hidden_size
    state, jacobians = torch.zeros(2 * units if kind == "lstm" else units, dtype=torch.float64), []
    for x in xs:
        jacobians.append(torch.autograd.functional.jacobian(step, (x, state)))
        state = step(x, state).detach()

    row, norms = torch.zeros_like(state), []
    row[:units] = 1.0  # the sum of h_T, without c_T
    for by_input, by_state in reversed(jacobians):
        norms.append((row @ by_input).norm())
        row = row @ by_state
    return torch.stack(norms).float().detach()


def random_weights(rng: np.random.Generator, kind: str, input_size: int, units: int) -> Weights:
    """Random weights, of a size at which a gradient is felt over several steps."""
    rows = BLOCKS[kind] * units
    of_input, of_hidden = randn(rng, rows, input_size), randn(rng, rows, units, scale=1.2 / units**0.5)
    return of_input, of_hidden, randn(rng, rows, scale=0.5), randn(rng, rows, scale=0.5)


def one_unit(of_input: float, of_hidden: float) -> Weights:
    """A plain recurrent cell with one unit and one input, without biases."""
    return torch.tensor([[of_input]]), torch.tensor([[of_hidden]]), torch.zeros(1), torch.zeros(1)


def orthogonal(rng: np.random.Generator, units: int) -> Tensor:
    """A random matrix that keeps lengths."""
    return torch.from_numpy(np.linalg.qr(rng.normal(size=(units, units)))[0]).float()


@exercise("recurrent.vanishing", "lag_gradients(cell, xs) -> norms", level="core", minutes=8)
def lag_gradients(rng):
    """How much does the last hidden state feel an input of so many steps ago?"""

    def case(kind: str, weights: Weights, xs: Tensor, shown: str, because: str, **tolerance) -> Case:
        inputs, expected = (kind, weights, xs), jacobian_norms(kind, weights, xs)
        shown = f"nn.{CELLS[kind].__name__}, {shown}"
        tolerance = {"rtol": 1e-4, "atol": 1e-6} | tolerance
        return Case(inputs, via=on_a_cell, expected=expected, shown=shown, because=because, **tolerance)

    def random_case(kind: str, time: int, input_size: int, units: int, because: str) -> Case:
        weights, xs = random_weights(rng, kind, input_size, units), randn(rng, time, input_size)
        sizes = ((input_size, "input"), (units, "unit"), (time, "step"))
        shown = ", ".join(f"{n} {word}{'s' if n > 1 else ''}" for n, word in sizes)
        return case(kind, weights, xs, f"{shown}, random numbers", because)

    with part("one unit", points=1):
        factors = "one step back brings one more factor: the slope of tanh times W_hh"
        for of_input, of_hidden in ((2.0, 0.5), (2.0, -3.0)):
            numbers = f"1 unit, W_ih = {of_input:g}, W_hh = {of_hidden:g}, no biases, 3 steps"
            at_zero = f"{numbers} with x = 0 (there tanh has slope 1)"
            yield case("rnn", one_unit(of_input, of_hidden), torch.zeros(3, 1), at_zero, factors)
        xs = randn(rng, 4, 1)
        yield case("rnn", one_unit(1.5, 0.9), xs, "1 unit, W_ih = 1.5, W_hh = 0.9, no biases, 4 random inputs", factors)
    with part("RNN", points=1):
        for time, input_size, units in ((1, 2, 3), (4, 2, 3), (6, 3, 4)):
            because = "the gradient of the sum of all entries of h_T by all entries of one input is a vector: its norm"
            yield random_case("rnn", time, input_size, units, because)
        weights = randn(rng, 4, 2), 0.5 * orthogonal(rng, 4), torch.zeros(4), torch.zeros(4)
        xs = randn(rng, 20, 2, scale=0.3)  # small, since in float32 the square of a gradient below 1e-19 underflows
        faint = "2 inputs, 4 units, 20 small inputs, an orthogonal W_hh times 0.5"
        because = "the gradient is faint at large lags, but it is there, and no less exact"
        yield case("rnn", weights, xs, faint, because, rtol=1e-3, atol=0.0)
    with part("LSTM", points=1):
        for time, input_size, units in ((2, 1, 1), (4, 2, 3), (8, 3, 4)):
            because = "the gradient runs through h and c alike, but it starts from the sum of h_T alone"
            yield random_case("lstm", time, input_size, units, because)
    with part("GRU", points=1):
        for time, input_size, units in ((2, 1, 1), (4, 2, 3), (8, 3, 4)):
            yield random_case("gru", time, input_size, units, "the same loop serves: a GRU's state is h, as an RNN's")


State = Tensor | tuple[Tensor, Tensor] | None


def hidden(state: State) -> Tensor:
    """h, which an LSTM hands back together with c."""
    return state[0] if isinstance(state, tuple) else state


def unroll(cell: nn.RNNCellBase, xs: Tensor | list[Tensor], handed_on: Callable[[State], State]) -> list[State]:
    """The state after every step, if each step is given what `handed_on` makes of the last one's state."""
    states = [None]
    for x in xs:
        states.append(cell(x, handed_on(states[-1])))
    return states[1:]


def as_it_is(state: State) -> State:
    """The state, handed on as it should be."""
    return state


def sum_of_last(states: list[State]) -> Tensor:
    """The number whose gradient is wanted."""
    return hidden(states[-1]).sum()


def gradients(cell: nn.RNNCellBase, xs: Tensor, of=sum_of_last, handed_on=as_it_is) -> Tensor:
    """The gradient of a number by each input, the last input first: (time, input_size)."""
    xs.requires_grad_()
    return torch.autograd.grad(of(unroll(cell, xs, handed_on)), xs)[0].flip(0)


@mistake(
    lag_gradients,
    "a loss at every step, so that the lags mix",
    ask="Your number for k = 1: does it say how x_{T-1} moves h_T, or how it moves h_T and h_{T-1} together?",
    look="what you differentiate: the sum of the entries of the last hidden state, and of no other.",
)
def _(cell, xs):
    def of_all(states: list[State]) -> Tensor:
        return torch.cat([hidden(state) for state in states]).sum()

    return gradients(cell, xs, of=of_all).norm(dim=-1)


@mistake(
    lag_gradients,
    "a state that is detached between the steps",
    ask="Along which path does the gradient get from h_T to x_{T-1}, and is it open all the way?",
    look="what is handed to the next step: `detach`, `item` and `no_grad` cut the path that a gradient takes.",
)
def _(cell, xs):
    def detached(state: State) -> State:
        if isinstance(state, tuple):
            return tuple(half.detach() for half in state)
        return None if state is None else state.detach()

    return gradients(cell, xs, handed_on=detached).norm(dim=-1)


@mistake(
    lag_gradients,
    "a cell that starts anew at every step",
    ask="Does your h_T change when only x_1 changes?",
    look="the call of the cell: what does it need besides the input?",
)
def _(cell, xs):
    return gradients(cell, xs, handed_on=lambda state: None).norm(dim=-1)


@mistake(
    lag_gradients,
    "the gradient of a weight, measured in place of an input's",
    ask="Weights are shared by all steps. Can their gradient tell one lag from another?",
    look="the tensor whose gradient you read: how h_T reacts to x_{T-k} stands in the gradient of the input.",
)
def _(cell, xs):
    (gradient,) = torch.autograd.grad(sum_of_last(unroll(cell, xs, as_it_is)), cell.weight_hh)
    return gradient.norm().repeat(len(xs))


@mistake(
    lag_gradients,
    "a gradient that was not kept, so that .grad is None",
    ask="Is the tensor whose .grad you read the very one that was told to keep it, before the first step?",
    look="requires_grad_: a slice such as xs[t] is a new tensor, which keeps no gradient of its own.",
)
def _(cell, xs):
    steps = list(xs.requires_grad_())
    sum_of_last(unroll(cell, steps, as_it_is)).backward()
    return torch.stack([x.grad.norm() for x in reversed(steps)])


@mistake(
    lag_gradients,
    "the gradient by the hidden state of so many steps ago",
    ask="At k = 0, how does h_T depend on h_T? And how does it depend on x_T?",
    look="the tensor whose gradient you read: from h_{T-k} it is one more step to x_{T-k}.",
)
def _(cell, xs):
    states = [hidden(state) for state in unroll(cell, xs, as_it_is)]
    return torch.stack([gradient.norm() for gradient in reversed(torch.autograd.grad(states[-1].sum(), states))])


@mistake(
    lag_gradients,
    "lags in the order of the inputs",
    ask="Which input belongs to norms[0]: the first or the last?",
    look="the order of the result: k counts backwards from the last step.",
)
def _(cell, xs):
    return gradients(cell, xs).norm(dim=-1).flip(0)


@mistake(
    lag_gradients,
    "the squared norm",
    ask="How long is the vector (3, 4)?",
    look="the sum of squares: what is still to be done before it is a length?",
)
def _(cell, xs):
    return gradients(cell, xs).square().sum(dim=-1)


@mistake(
    lag_gradients,
    "the sum of a gradient's entries",
    ask="How long is the vector (1, -1)?",
    look="how the entries of a gradient become one number: those of opposite sign must not cancel.",
)
def _(cell, xs):
    return gradients(cell, xs).sum(dim=-1)


@mistake(
    lag_gradients,
    "the gradient of one unit alone",
    ask="With one unit you are right. How many units of h_T does your result take in where there are more?",
    look="what you differentiate: the sum of all entries of h_T.",
)
def _(cell, xs):
    return gradients(cell, xs, of=lambda states: hidden(states[-1])[0]).norm(dim=-1)


@mistake(
    lag_gradients,
    "the gradient of the first entry of whatever a cell hands back",
    ask="An LSTM cell hands back the pair (h, c). What do the other two hand back, and what is the [0] of that?",
    look="the [0] behind the state: of a pair it is h, but of an h it is one unit.",
)
def _(cell, xs):
    return gradients(cell, xs, of=lambda states: states[-1][0].sum()).norm(dim=-1)


@mistake(
    lag_gradients,
    "the gradient of the length of h_T",
    ask="Many numbers become one twice here: the entries of h_T, and those of a gradient. Which time by a sum?",
    look="what you differentiate: the entries of h_T are added up; the norm is for the gradient.",
)
def _(cell, xs):
    return gradients(cell, xs, of=lambda states: hidden(states[-1]).norm()).norm(dim=-1)


@mistake(
    lag_gradients,
    "the gradient of h and c together",
    ask="What does an LSTM cell hand back, and which of it do you add up?",
    look="what you differentiate: c_T is part of the state, but not of the sum of h_T.",
)
def _(cell, xs):
    def of_both(states: list[State]) -> Tensor:
        return torch.cat(states[-1]).sum() if isinstance(states[-1], tuple) else states[-1].sum()

    return gradients(cell, xs, of=of_both).norm(dim=-1)


@mistake(
    lag_gradients,
    "the gradient of the cell state c_T",
    ask="In which order does an LSTM cell hand back h and c?",
    look="what you differentiate: of the pair (h, c), the first is the hidden state.",
)
def _(cell, xs):
    def of_second(states: list[State]) -> Tensor:
        return states[-1][1].sum() if isinstance(states[-1], tuple) else states[-1].sum()

    return gradients(cell, xs, of=of_second).norm(dim=-1)
