"""A network with two layers on the digits, as a graph: what the engine's explorers and pages step through."""

from dataclasses import dataclass

import torch
from torch import Tensor

from course_lib.datasets.digits import load_digits
from course_lib.tensors.autodiff import gradients
from course_lib.tensors.graph import Graph, Node

PIXELS, CLASSES = 64, 10


@dataclass(frozen=True)
class TrainingGraph:
    """One step of training as a graph.

    Args:
        graph: that all the nodes belong to.
        x, targets: placeholders, (batch, 64) and (batch, 10).
        logits, loss: (batch, 10) and a number.
        step: takes one step of gradient descent when it is run; no value.
    """

    graph: Graph
    x: Node
    targets: Node
    logits: Node
    loss: Node
    step: Node


def two_layers(graph: Graph, x: Node, targets: Node, hidden_size: int, seed: int = 0) -> tuple[Node, Node]:
    """Add a network with two layers to a graph, and its loss.

    Args:
        graph: gets the variables W1, b1, W2 and b2, and a node for each operation.
        x: pixels, (batch, 64).
        targets: one-hot, (batch, 10).
        hidden_size: units of the first layer.
        seed: of the initial weights.

    Returns:
        logits (batch, 10), and the cross-entropy, a mean over the batch
    """
    generator = torch.Generator().manual_seed(seed)

    def weights(name: str, *shape: int) -> Node:
        return graph.variable(name, torch.randn(shape, generator=generator) / shape[0] ** 0.5)

    W1, b1 = weights("W1", PIXELS, hidden_size), graph.variable("b1", torch.zeros(hidden_size))
    hidden = (x @ W1 + b1).tanh()  # (batch, hidden)
    W2, b2 = weights("W2", hidden_size, CLASSES), graph.variable("b2", torch.zeros(CLASSES))
    logits = hidden @ W2 + b2  # (batch, 10)
    loss = -(logits.log_softmax(dim=1) * targets).sum(dim=1).mean()
    logits.name, loss.name = "logits", "loss"
    return logits, loss


def training_step(hidden_size: int = 16, rate: float = 0.5) -> TrainingGraph:
    """The network, its gradients and a step of gradient descent, W − rate · dL/dW for all four variables."""
    graph = Graph()
    x, targets = graph.placeholder("x", (None, PIXELS)), graph.placeholder("t", (None, CLASSES))
    logits, loss = two_layers(graph, x, targets, hidden_size)
    variables = graph.variables
    steps = [w.assign(w - rate * dw) for w, dw in zip(variables, gradients(loss, variables), strict=True)]
    return TrainingGraph(graph, x, targets, logits, loss, graph.group(steps, "step"))


def digits_batch(rows: int = 32) -> tuple[Tensor, Tensor]:
    """The first of the handwritten digits.

    Returns:
        pixels from 0 to 1, (rows, 64); which digit it is, one-hot, (rows, 10)
    """
    pixels, labels = load_digits()
    return pixels[:rows].clone(), torch.eye(CLASSES)[labels[:rows]]
