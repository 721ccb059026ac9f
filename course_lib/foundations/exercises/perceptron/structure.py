"""Lay a network out: count what it learns, and give it the output layer and the loss that its task needs."""

from collections.abc import Callable
from itertools import pairwise
from math import log

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_lib.exercises import Case, exercise, part, randn

TASKS = {  # k by hand, and what the predictions of a row must be
    "binary": (2, "one probability, that of class 1"),
    "multiclass": (3, "a share of 1 for each class, since one of them holds and only one"),
    "multilabel": (3, "a probability for each label by itself, since none, one or all of them may hold"),
    "regression": (2, "a number for each target, of any size and sign"),
}


def predictions(answer: Callable, task: str, k: int, h: Tensor, W: Tensor, b: Tensor) -> dict[str, Tensor]:
    """What the head predicts with these weights: (batch, k), or (batch,) the probability of class 1 for two classes."""
    outputs, activation, _ = _opened(answer, task, k, h, W, b)
    predicted = activation(outputs)
    return {"prediction": predicted[:, -1] if task == "binary" else predicted}


def loss_of(answer: Callable, task: str, k: int, h: Tensor, W: Tensor, b: Tensor, targets: Tensor) -> dict[str, Tensor]:
    """The head's loss with these weights."""
    outputs, _, loss = _opened(answer, task, k, h, W, b)
    if task == "binary" and outputs.shape[1] == 1:
        targets = targets.float().unsqueeze(1)  # (batch, 1)
    return {"loss": loss(outputs, targets)}


def _opened(answer: Callable, task: str, k: int, h: Tensor, W: Tensor, b: Tensor) -> tuple[Tensor, Callable, Callable]:
    """Make the head, give its nn.Linear these weights, and run it: its outputs, (batch, units), and its two functions.

    One unit for two classes gets the difference of the two classes' weights, which is the same classifier.

    Raises:
        TypeError: it is no head.
        ValueError: it has another number of units than the task asks for.
    """
    head = answer(task, h.shape[1], k)
    if not (isinstance(head, tuple | list) and len(head) == 3):
        raise TypeError("head_for should return three things: layer, activation, loss")
    layer, activation, loss = head
    modules = layer.modules() if isinstance(layer, nn.Module) else ()
    linear = [module for module in modules if isinstance(module, nn.Linear)]
    if len(linear) != 1:
        raise TypeError("the layer should be an nn.Linear, or a module with one nn.Linear in it")
    if not callable(activation) or not callable(loss) or isinstance(activation, type) or isinstance(loss, type):
        raise TypeError("activation and loss should be modules or functions; nn.Identity() changes nothing")
    layer(h)  # a lazy layer takes its shape only now
    if task == "binary" and linear[0].out_features == 1:
        W, b = W[1:] - W[:1], b[1:] - b[:1]
    if linear[0].out_features != len(W):
        raise ValueError(f"{linear[0].out_features} units cannot answer a {task} task of k = {k}")
    with torch.no_grad():
        linear[0].weight.copy_(W)
        if linear[0].bias is not None:
            linear[0].bias.copy_(b)
    return layer(h), activation, loss


@torch.no_grad()
def right_prediction(task: str, z: Tensor) -> Tensor:
    """From logits, (batch, k), by PyTorch's functions."""
    match task:
        case "binary":
            return z.softmax(dim=1)[:, 1]
        case "multiclass":
            return z.softmax(dim=1)
        case "multilabel":
            return z.sigmoid()
    return z


def right_loss(task: str, z: Tensor, targets: Tensor) -> Tensor:
    """From logits, (batch, k), by PyTorch's functions."""
    match task:
        case "binary" | "multiclass":
            return F.cross_entropy(z, targets)
        case "multilabel":
            return F.binary_cross_entropy_with_logits(z, targets)
    return F.mse_loss(z, targets)


def counted_by_torch(widths: list[int]) -> int:
    """The parameters of nn.Linear layers of these widths."""
    layers = [nn.Linear(*pair, device="meta") for pair in pairwise(widths)]
    return sum(weights.numel() for layer in layers for weights in layer.parameters())


@exercise(
    "foundations.network-structure",
    "count_params(widths) -> count",
    "head_for(task, in_features, k) -> layer, activation, loss",
    level="more",
    minutes=8,
)
def structure(rng):
    """Count what a network learns, and give it the head that its task needs."""

    def targets_for(task: str, batch: int, k: int) -> Tensor:
        """Class numbers (batch,) int64, or for several labels or numbers (batch, k) float32."""
        match task:
            case "binary" | "multiclass":
                return torch.from_numpy(rng.permutation(batch) % k)  # every class that there is room for
            case "multilabel":
                return torch.from_numpy(rng.integers(2, size=(batch, k))).float()
        return randn(rng, batch, k)

    def heads(task: str) -> list[tuple[str, int, tuple[Tensor, Tensor, Tensor]]]:
        """In words, k, and h, W, b: one that can be followed by hand, and two that are drawn."""
        k, _ = TASKS[task]
        W = torch.tensor([0.0] * (k - 1) + [log(3)]).unsqueeze(1)  # (k, 1)
        rows = torch.tensor([[1.0], [-1.0]])
        made = [("two rows whose logits are 0 but for the last one, log 3 and -log 3", k, (rows, W, torch.zeros(k)))]
        for batch, inputs, k in ((3, 4, 2), (5, 3, 2 if task == "binary" else 4)):
            W, h = randn(rng, k, inputs), randn(rng, batch, inputs)
            b = -(h @ W.T).mean(dim=0)  # so that every unit has logits of both signs
            made.append((f"{batch} random rows", k, (h, W, b)))
        return made

    def head_case(via: Callable, task: str, k: int, inputs: tuple, expected: dict, shown: str, because: str) -> Case:
        return Case(
            (task, k, *inputs),
            via=via,
            call="head_for",
            expected=expected,
            shown=f"{task!r}, in_features={inputs[0].shape[1]}, k={k}; then {shown}",
            because=because,
            rtol=1e-4,
        )

    with part("count by hand", points=1):
        for widths in ([1, 1], [3, 2], [2, 2, 1], [4, 8, 3]):
            because = "draw the network and count its arrows, then the units that the arrows lead to"
            yield Case((widths,), expected=counted_by_torch(widths), because=because)
    with part("count any network", points=1):
        for layers in (1, 2, 3, 6):
            widths = rng.integers(5, 800, size=layers + 1).tolist()
            yield Case(
                (widths,),
                expected=counted_by_torch(widths),
                shown=f"widths of {layers} random layers",
                because="each layer has one weight for each pair of units, and one bias for each unit that it ends in",
                rtol=0,
                atol=0,
            )
    with part("what it predicts", points=1):
        for task, (_, wanted) in TASKS.items():
            for shown, k, (h, W, b) in heads(task):
                expected = {"prediction": right_prediction(task, h @ W.T + b)}
                yield head_case(predictions, task, k, (h, W, b), expected, shown, f"what is wanted is {wanted}")
    with part("what it minimises", points=1):
        for task in TASKS:
            for shown, k, (h, W, b) in heads(task):
                targets = targets_for(task, len(h), k)
                expected = {"loss": right_loss(task, h @ W.T + b, targets)}
                because = (
                    "your loss gets the layer's outputs as they are, and returns one mean; "
                    "read in PyTorch's documentation what it expects: logits, or what became of them"
                )
                yield head_case(loss_of, task, k, (h, W, b, targets), expected, shown, because)
