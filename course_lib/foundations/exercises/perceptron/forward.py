"""A multilayer perceptron, forward: layer after layer, with an activation between them."""

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor, nn

from course_lib.exercises import Case, exercise, mistake, part, randn
from course_lib.exercises.compare import show

Params = list[tuple[Tensor, Tensor]]  # of each layer: W (out, in), b (out,)

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "square": torch.square,
}


def with_activation(answer: Callable, x: Tensor, params: Params, act: str) -> Tensor:
    """Hand the activation over as a function: it stands in the inputs by name."""
    return answer(x, params, ACTIVATIONS[act])


@torch.no_grad()
def torch_mlp(x: Tensor, params: Params, act: str) -> Tensor:
    """PyTorch's own layers with copied weights, an activation behind each but the last."""
    for n, (W, b) in enumerate(params, 1):
        layer = nn.Linear(W.shape[1], W.shape[0])
        layer.weight.copy_(W)
        layer.bias.copy_(b)
        x = layer(x)
        x = ACTIVATIONS[act](x) if n < len(params) else x
    return x


def by_hand(x: list[list[float]], params: list[tuple[list, list]], act: str) -> Case:
    """A batch and layers of whole numbers."""
    layers = [(torch.tensor(W), torch.tensor(b)) for W, b in params]
    inputs = (torch.tensor(x), layers, act)
    written = ", ".join(f"({show(W)}, {show(b)})" for W, b in layers)
    return Case(
        inputs,
        via=with_activation,
        expected=torch_mlp(*inputs),
        shown=f"x={show(inputs[0])}, params=[{written}], act {act}",
        because="work the first row through on paper: one sum for each row of W",
    )


XOR_NET = [([[1.0, 1.0], [1.0, 1.0]], [0.0, -1.0]), ([[1.0, -2.0]], [0.0])]


@exercise(
    "foundations.mlp",
    "mlp_forward(x, params, act) -> y",
    level="core",
    minutes=5,
    without=["linear"],
    keeps_inputs=True,
)
def forward(rng):
    """A multilayer perceptron for a batch, equal to nn.Sequential with the same weights."""

    def layer(inputs: int, outputs: int) -> tuple[Tensor, Tensor]:
        return randn(rng, outputs, inputs, scale=inputs**-0.5), randn(rng, outputs)

    with part("one layer by hand", points=1):
        yield by_hand([[2.0, 1.0]], [([[1.0, -4.0]], [1.0])], "relu")
        yield by_hand([[1.0, 0.0]], [([[1.0, 2.0], [3.0, 4.0]], [0.0, 1.0])], "relu")
        yield by_hand([[1.0, 2.0], [0.0, 1.0]], [([[1.0, 2.0], [0.0, -4.0]], [10.0, 0.0])], "square")
    with part("two layers by hand", points=1):
        yield by_hand([[1.0, 1.0]], XOR_NET, "relu")
        yield by_hand([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], XOR_NET, "relu")
        yield by_hand([[-1.0, 2.0]], [([[1.0, 0.0], [2.0, 1.0]], [3.0, 1.0]), ([[1.0, 1.0]], [-5.0])], "square")
        yield by_hand([[1.0]], [([[1.0], [-1.0]], [0.0, 2.0]), ([[-3.0, 1.0], [0.0, 2.0]], [0.0, 1.0])], "relu")
    with part("equal to nn.Sequential", points=2):
        for batch, widths, act in (
            (4, (3, 3, 3), "tanh"),
            (1, (3, 5, 2), "relu"),
            (6, (2, 7, 1), "sigmoid"),
            (5, (4, 4, 4, 4), "relu"),
            (3, (5, 2, 6, 3), "tanh"),
            (2, (3, 4), "sigmoid"),
            (8, (2, 6, 5, 4, 3), "square"),
        ):
            params = [layer(*pair) for pair in pairwise(widths)]
            inputs = (randn(rng, batch, widths[0]), params, act)
            yield Case(
                inputs,
                via=with_activation,
                expected=torch_mlp(*inputs),
                shown=f"batch {batch}, widths {list(widths)}, act {act}, random numbers",
                because="write the shape of each product beside it, and what stands between the layers",
                rtol=1e-4,
                atol=1e-4,
            )


def summed(x: Tensor, W: Tensor, b: Tensor) -> Tensor:
    """The weighted sums of one layer: (batch, in) makes (batch, out)."""
    return x @ W.T + b


def through(x: Tensor, params: Params, hidden: Callable, last: Callable = summed) -> Tensor:
    """Every layer but the last by `hidden`, the last by `last`: (x, W, b) to the layer's output each."""
    for W, b in params[:-1]:
        x = hidden(x, W, b)
    return last(x, *params[-1])


@mistake(
    forward,
    "W taken the other way round, a column for each unit",
    ask="A layer with 3 inputs and 5 units: how many rows has its W? And which of its numbers belong to unit 0?",
    look="the product: y_j takes row j of W, so x @ W.T, not x @ W.",
)
def _(x, params, act):
    def turned(x: Tensor, W: Tensor, b: Tensor) -> Tensor:
        return x @ W + b

    return through(x, params, lambda *layer: act(turned(*layer)), turned)


@mistake(
    forward,
    "an activation on the output layer as well",
    ask="With ReLU as activation, can your network ever return a negative number?",
    look="the last layer: its sums go out as they are.",
)
def _(x, params, act):
    def active(*layer: Tensor) -> Tensor:
        return act(summed(*layer))

    return through(x, params, active, active)


@mistake(
    forward,
    "a bias that is added before the product",
    ask="A layer with 3 inputs and 5 units has 5 biases. To how many numbers do you add them?",
    look="the brackets: first the product, which has one number for each unit, then the bias.",
)
def _(x, params, act):
    def too_early(x: Tensor, W: Tensor, b: Tensor) -> Tensor:
        return (x + b) @ W.T

    return through(x, params, lambda *layer: act(too_early(*layer)), too_early)


@mistake(
    forward,
    "a bias that is added behind the activation",
    ask="A sum of 1 and a bias of -2, with ReLU: what should the unit give, and what does yours?",
    look="the brackets: the bias belongs to the sum, inside the activation.",
)
def _(x, params, act):
    return through(x, params, lambda x, W, b: act(x @ W.T) + b)


@mistake(
    forward,
    "layers without their biases",
    ask="What does your network give for inputs that are all 0? Do the params have a say in it?",
    look="the second item of each pair.",
)
def _(x, params, act):
    return through(x, params, lambda x, W, b: act(x @ W.T), lambda x, W, b: x @ W.T)


@mistake(
    forward,
    "layers without an activation between them",
    ask="Two matrices one after the other: could one matrix do the same? What stands between yours?",
    look="act: it is handed over and not used.",
)
def _(x, params, act):
    return through(x, params, summed)


@mistake(
    forward,
    "an activation in front of every layer, the first one too",
    ask="An input of -1, and ReLU: does the first layer of your network ever see it?",
    look="the order inside the loop: product, bias, activation; the inputs themselves come as they are.",
)
def _(x, params, act):
    return through(act(x), params, lambda *layer: act(summed(*layer)))


@mistake(
    forward,
    "an activation behind the first layer alone",
    ask="Three layers: how many activations stand between them, and how many in yours?",
    look="the loop: act is applied in every turn but the last one.",
)
def _(x, params, act):
    first, *others = params
    if not others:
        return summed(x, *first)
    return through(act(summed(x, *first)), others, summed)


@mistake(
    forward,
    "ReLU, whatever activation was asked for",
    ask="Your function takes an activation. Does the result change when you hand another one over?",
    look="the activation in your loop: it is the third argument.",
)
def _(x, params, act):
    return through(x, params, lambda *layer: summed(*layer).relu())


@mistake(
    forward,
    "a network that ends in front of its last layer",
    ask="How many pairs are in params, and how many products do you compute?",
    look="what happens behind the loop: the last layer has weights too.",
)
def _(x, params, act):
    for W, b in params[:-1]:
        x = act(summed(x, W, b))
    return x
