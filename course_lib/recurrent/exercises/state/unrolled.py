"""Unroll a recurrent network over time."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from course_lib.exercises import Case, exercise, mistake, part, randn
from course_lib.exercises.compare import show
from course_lib.recurrent.exercises.state.common import states

FUNCTIONS = {"tanh": torch.tanh, "relu": torch.relu, "sigmoid": torch.sigmoid, "identity": lambda z: z}


def with_functions(answer: Callable, *inputs) -> tuple[Tensor, Tensor]:
    """Hand the two functions over as functions: they stand in the inputs by name, f before g."""
    *tensors, f, g = inputs
    return answer(*tensors, FUNCTIONS[f], FUNCTIONS[g])


@torch.no_grad()
def torch_rnn(xs, h0, W_xh, W_hh, W_hy, f: str, g: str) -> tuple[Tensor, Tensor]:
    """PyTorch's own network, f "tanh" or "relu", and the output map, which nn.RNN leaves to others."""
    rnn = nn.RNN(W_xh.shape[1], W_xh.shape[0], nonlinearity=f, bias=False, batch_first=True)
    rnn.load_state_dict({"weight_ih_l0": W_xh, "weight_hh_l0": W_hh})
    hs, _ = rnn(xs, h0.unsqueeze(0))  # (batch, time, hidden_size); nn.RNN wants (num_layers, batch, hidden_size)
    return hs, FUNCTIONS[g](hs @ W_hy.T)


def by_hand(xs: list, h0: list, W_xh: list, W_hh: list, W_hy: list, hs: list, ys: list, f: str = "identity") -> Case:
    """One sequence, g the identity: xs, hs and ys one row a step."""
    xs, h0, hs, ys = (torch.tensor([rows]) for rows in (xs, h0, hs, ys))
    numbers = {"xs": xs, "h0": h0, "W_xh": W_xh, "W_hh": W_hh, "W_hy": W_hy}
    shown = ", ".join(f"{name}={show(value)}" for name, value in numbers.items())
    return Case(
        (xs, h0, *map(torch.tensor, (W_xh, W_hh, W_hy)), f, "identity"),
        via=with_functions,
        expected=(hs, ys),
        shown=f"f {f}, g identity, {shown}",
        because="work these numbers through on paper, step by step, and print yours beside them; xs[:, t] is one step "
        "of the whole batch",
    )


@exercise(
    "recurrent.rnn",
    "rnn_forward(xs, h0, W_xh, W_hh, W_hy, f, g) -> hs, ys",
    level="core",
    minutes=8,
    without=["rnn_tanh", "rnn_relu", "rnn_tanh_cell", "rnn_relu_cell"],
    keeps_inputs=True,
)
def rnn_forward(rng):
    """Unroll a recurrent network: every state and every output, equal to PyTorch's."""
    with part("by hand", points=1):
        unit = {"W_xh": [[1.0]], "W_hh": [[0.5]], "W_hy": [[3.0]]}
        yield by_hand([[1.0], [2.0], [3.0]], [0.0], **unit, hs=[[1.0], [2.5], [4.25]], ys=[[3.0], [7.5], [12.75]])
        yield by_hand([[1.0], [2.0]], [4.0], **unit, hs=[[3.0], [3.5]], ys=[[9.0], [10.5]])
        yield by_hand([[1.0], [-3.0]], [0.0], **unit, hs=[[1.0], [0.0]], ys=[[3.0], [0.0]], f="relu")
        yield by_hand(  # the first unit hands what it has on to the second
            xs=[[1.0], [0.0]],
            h0=[0.0, 0.0],
            W_xh=[[1.0], [0.0]],
            W_hh=[[0.0, 0.0], [2.0, 0.0]],
            W_hy=[[1.0, 1.0]],
            hs=[[1.0, 0.0], [0.0, 2.0]],
            ys=[[1.0], [2.0]],
        )
    with part("equal to nn.RNN", points=2):
        for batch, time, input_size, hidden_size, output_size, f, g in (
            (1, 2, 1, 1, 1, "tanh", "sigmoid"),
            (1, 4, 2, 3, 2, "tanh", "identity"),
            (3, 1, 2, 4, 1, "relu", "sigmoid"),
            (2, 2, 3, 3, 3, "tanh", "sigmoid"),
            (3, 6, 4, 5, 2, "relu", "tanh"),
            (4, 9, 2, 6, 3, "tanh", "tanh"),
        ):
            shapes = (hidden_size, input_size), (hidden_size, hidden_size), (output_size, hidden_size)
            weights = [randn(rng, *shape, scale=shape[1] ** -0.5) for shape in shapes]
            inputs = (randn(rng, batch, time, input_size), randn(rng, batch, hidden_size), *weights, f, g)
            yield Case(
                inputs,
                via=with_functions,
                expected=torch_rnn(*inputs),
                shown=f"batch {batch}, time {time}, input_size {input_size}, hidden_size {hidden_size}, "
                f"output_size {output_size}, f {f}, g {g}, random numbers",
                because="one step of the whole batch is xs[:, t], and each of its rows is one sentence: write the "
                "shape of each product beside it",
            )


@mistake(
    rnn_forward,
    "a loop over the sentences of the batch, as if they were steps",
    ask="What does the first axis of xs count, and what does its second?",
    look="the loop and its products: one step of the whole batch is xs[:, t], and each of its rows is one sentence.",
)
def _(xs, h0, W_xh, W_hh, W_hy, f, g):
    h, hs, ys = h0, [], []
    for x in xs:
        h = f(W_hh @ h + W_xh @ x)
        hs.append(h)
        ys.append(g(W_hy @ h))
    return torch.stack(hs), torch.stack(ys)


@mistake(
    rnn_forward,
    "products that take the batch for one column",
    ask="h is (batch, hidden_size), and W_hh is (hidden_size, hidden_size). Which of them must stand on the left?",
    look="the products: each row of x and h is one sentence, and a row is multiplied from the right, by W.T.",
)
def _(xs, h0, W_xh, W_hh, W_hy, f, g):
    h, hs, ys = h0, [], []
    for x in xs.unbind(dim=1):
        h = f(W_hh @ h + W_xh @ x)
        hs.append(h)
        ys.append(g(W_hy @ h))
    return torch.stack(hs, dim=1), torch.stack(ys, dim=1)


@mistake(
    rnn_forward,
    "a network that feeds its output back in place of its state",
    ask="If only W_hy changes, may any state change? Does one of yours?",
    look="what is multiplied by W_hh: is it what the step before computed for itself, or what it showed?",
)
def _(xs, h0, W_xh, W_hh, W_hy, f, g):
    fed_back, hs, ys = h0, [], []
    for x in xs.unbind(dim=1):
        h = f(x @ W_xh.T + fed_back @ W_hh.T)
        fed_back = g(h @ W_hy.T)
        hs.append(h)
        ys.append(fed_back)
    return torch.stack(hs, dim=1), torch.stack(ys, dim=1)


@mistake(
    rnn_forward,
    "a network that starts from h0 again at every step",
    ask="Change the first input. Does your state after the second step change?",
    look="the state on the right-hand side: at step 2, which step made it?",
)
def _(xs, h0, W_xh, W_hh, W_hy, f, g):
    hs = f(xs @ W_xh.T + (h0 @ W_hh.T).unsqueeze(1))
    return hs, g(hs @ W_hy.T)


@mistake(
    rnn_forward,
    "a network without recurrence, which sees the input of its step and nothing else",
    ask="Set all inputs to 0 and h0 to something else. Is anything of h0 left in your states?",
    look="the sum inside f: it has two terms.",
)
def _(xs, h0, W_xh, W_hh, W_hy, f, g):
    hs = f(xs @ W_xh.T)
    return hs, g(hs @ W_hy.T)


@mistake(
    rnn_forward,
    "a network whose W_hh is transposed",
    ask="Row 0 of W_hh holds what unit 0 gets from each unit. For a batch, is that h @ W_hh or h @ W_hh.T?",
    look="the product of state and W_hh: it is square, so no shape will warn you.",
)
def _(xs, h0, W_xh, W_hh, W_hy, f, g):
    hs = states(xs, h0, W_xh, W_hh.T, f)
    return hs, g(hs @ W_hy.T)


@mistake(
    rnn_forward,
    "a network that always starts from an empty state",
    ask="What does your function do with h0?",
    look="the state before the loop.",
)
def _(xs, h0, W_xh, W_hh, W_hy, f, g):
    hs = states(xs, torch.zeros_like(h0), W_xh, W_hh, f)
    return hs, g(hs @ W_hy.T)


@mistake(
    rnn_forward,
    "states that begin with h0 and lack the last one",
    ask="hs[:, 0] should already know the first input. Does yours?",
    look="the moment at which a state is kept: before it is updated, or after?",
)
def _(xs, h0, W_xh, W_hh, W_hy, f, g):
    hs = torch.cat([h0.unsqueeze(1), states(xs, h0, W_xh, W_hh, f)[:, :-1]], dim=1)
    return hs, g(hs @ W_hy.T)


@mistake(
    rnn_forward,
    "states that hold h0 as well, and so are one too many",
    ask="How many steps are there, and how many states do you return?",
    look="what the list of states holds before the first step: the results begin with the state after it.",
)
def _(xs, h0, W_xh, W_hh, W_hy, f, g):
    hs = states(xs, h0, W_xh, W_hh, f)
    return torch.cat([h0.unsqueeze(1), hs], dim=1), g(hs @ W_hy.T)


@mistake(
    rnn_forward,
    "states and outputs that begin with those of h0, and so are one too many each",
    ask="How many inputs are there, and how many outputs do you return?",
    look="what the list of states holds before the first step: h0 belongs to no input, and has no output.",
)
def _(xs, h0, W_xh, W_hh, W_hy, f, g):
    hs = torch.cat([h0.unsqueeze(1), states(xs, h0, W_xh, W_hh, f)], dim=1)
    return hs, g(hs @ W_hy.T)


@mistake(
    rnn_forward,
    "outputs that did not go through g",
    ask="With the sigmoid for g, every output lies between 0 and 1. Do yours?",
    look="the line of the output: W_hy h_t is what g gets.",
)
def _(xs, h0, W_xh, W_hh, W_hy, f, g):
    hs = states(xs, h0, W_xh, W_hh, f)
    return hs, hs @ W_hy.T


@mistake(
    rnn_forward,
    "a network that uses tanh, whatever f is",
    ask="f and g are arguments. With the identity for f, may a state be larger than 1? Can yours?",
    look="the line of the state: which function squeezes it, and where does it come from?",
)
def _(xs, h0, W_xh, W_hh, W_hy, f, g):
    hs = states(xs, h0, W_xh, W_hh, torch.tanh)
    return hs, g(hs @ W_hy.T)


@mistake(
    rnn_forward,
    "a network that sends input and state through f one by one, and adds afterwards",
    ask="With tanh for f, can one of your states be larger than 1?",
    look="the brackets of f: the sum comes first.",
)
def _(xs, h0, W_xh, W_hh, W_hy, f, g):
    h, hs = h0, []
    for x in xs.unbind(dim=1):
        h = f(x @ W_xh.T) + f(h @ W_hh.T)
        hs.append(h)
    hs = torch.stack(hs, dim=1)
    return hs, g(hs @ W_hy.T)


@mistake(
    rnn_forward,
    "results stacked as (time, batch, …)",
    ask="Which is your first axis, the rows of the batch or the steps?",
    look="the line that stacks: torch.stack puts the new axis first unless it is told another place with dim.",
)
def _(xs, h0, W_xh, W_hh, W_hy, f, g):
    hs = states(xs, h0, W_xh, W_hh, f).transpose(0, 1)
    return hs, g(hs @ W_hy.T)
