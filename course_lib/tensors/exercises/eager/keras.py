"""What the exercise of the high-level interface is made of: tasks, programs that call an answer, and a right answer."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, mse_loss

from course_lib.exercises.values import with_article
from course_lib.tensors.exercises.eager.common import fill, tensor_from

Fit = tuple[int, int]  # epochs, batch_size


@dataclass(frozen=True)
class Task:
    """What a model is made of, and how it is compiled."""

    layers: list[nn.Module]
    loss: Callable[[Tensor, Tensor], Tensor]
    optimiser: Callable


def sgd(weights, momentum: float = 0.0) -> torch.optim.Optimizer:
    """Stochastic gradient descent with a learning rate of 0.1."""
    return torch.optim.SGD(weights, lr=0.1, momentum=momentum)


def two_layers() -> list[nn.Module]:
    """(rows, 3) to (rows, 2)"""
    return [nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)]


def with_dropout() -> list[nn.Module]:
    """(rows, 3) to (rows, 2); in training nothing passes the dropout, so that chance has no part in it."""
    return [nn.Linear(3, 4), nn.Dropout(1.0), nn.Linear(4, 2)]


LINE = "a line y = wx + b from w = b = 0, squared error, SGD with 0.1"
PLAIN = "Linear, Tanh, Linear, squared error, SGD"
MOMENTUM = "Linear, Tanh, Linear, squared error, SGD with momentum"
ADAM = "Linear, Tanh, Linear, cross-entropy, Adam"
DROPOUT = "Linear, Dropout(1.0), Linear, squared error, SGD"
TASKS = {
    LINE: lambda: Task([nn.Linear(1, 1)], mse_loss, sgd),
    PLAIN: lambda: Task(two_layers(), mse_loss, sgd),
    MOMENTUM: lambda: Task(two_layers(), mse_loss, lambda weights: sgd(weights, momentum=0.9)),
    ADAM: lambda: Task(two_layers(), cross_entropy, lambda weights: torch.optim.Adam(weights, lr=0.05)),
    DROPOUT: lambda: Task(with_dropout(), mse_loss, sgd),
}


def weights_after(answer: Callable, task: str, weights: list[Tensor], x: Tensor, y: Tensor, fits: list[Fit]) -> dict:
    """Every weight after these calls of fit."""
    model, network = compiled(answer, task, weights)
    for epochs, batch_size in fits:
        model.fit(x, y, epochs, batch_size)
    return by_name(network)


def in_turn(answer: Callable, task: str, weights: list[Tensor], x: Tensor, y: Tensor, fits: list[Fit]) -> dict:
    """Every weight after these calls of fit, with evaluate and predict before each."""
    model, network = compiled(answer, task, weights)
    for epochs, batch_size in fits:
        model.evaluate(x, y)
        model.predict(x)
        model.fit(x, y, epochs, batch_size)
    return by_name(network)


def history_of(
    answer: Callable, task: str, weights: list[Tensor], x: Tensor, y: Tensor, fits: list[Fit]
) -> dict | None:
    """What each call of fit returned."""
    model, _ = compiled(answer, task, weights)
    histories = {}
    for n, (epochs, batch_size) in enumerate(fits, start=1):
        history = model.fit(x, y, epochs, batch_size)
        if history is None:
            return None
        if not isinstance(history, list | tuple | Tensor | np.ndarray):
            raise TypeError(f"fit should return a list of numbers, and returned {with_article(type(history).__name__)}")
        histories["history" if len(fits) == 1 else f"history of fit {n}"] = torch.tensor([float(v) for v in history])
    return histories


def judged(answer: Callable, task: str, weights: list[Tensor], x: Tensor, y: Tensor) -> dict:
    """What evaluate and predict say of a model that was not trained."""
    model, _ = compiled(answer, task, weights)
    loss, outputs = model.evaluate(x, y), tensor_from("predict", model.predict(x))
    return {"loss of evaluate": loss, "outputs of predict": outputs, "outputs' requires_grad": outputs.requires_grad}


def predicted(answer: Callable, task: str, weights: list[Tensor], x: Tensor) -> Tensor:
    """What predict says of a model that was neither trained nor evaluated."""
    return tensor_from("predict", compiled(answer, task, weights)[0].predict(x))


def compiled(answer: Callable, task: str, weights: list[Tensor]) -> tuple:
    """The answer's model, compiled, and the network of its layers, with these weights."""
    made = TASKS[task]()
    network = fill(nn.Sequential(*made.layers), weights)
    model = answer(made.layers)
    model.compile(made.loss, made.optimiser)
    return model, network


def by_name(network: nn.Sequential) -> dict[str, Tensor]:
    """The weights, by what PyTorch calls them."""
    return {f"{name} in the end": weight for name, weight in network.named_parameters()}


class Keras:
    """A right answer, for the expected results, and for the mistakes to change one thing in."""

    def __init__(self, layers: list[nn.Module]):
        self.network = nn.Sequential(*layers)

    def compile(self, loss: Callable, optimiser: Callable) -> None:
        """Keep the loss, make the optimiser."""
        self.loss, self.make = loss, optimiser
        self.optimiser = optimiser(self.network.parameters())

    def fit(self, x: Tensor, y: Tensor, epochs: int, batch_size: int) -> list[float]:
        """Train; the mean loss of each epoch."""
        self.training_mode()
        return [self.epoch(x, y, batch_size) for _ in range(epochs)]

    def epoch(self, x: Tensor, y: Tensor, batch_size: int) -> float:
        """One pass; its mean loss."""
        losses = [(self.step(*batch), len(batch[0])) for batch in self.batches(x, y, batch_size)]
        return self.mean(*map(np.array, zip(*losses, strict=True)))

    def training_mode(self) -> None:
        """Before a training."""
        self.network.train()

    def evaluation_mode(self) -> None:
        """Before an evaluation."""
        self.network.eval()

    def batches(self, x: Tensor, y: Tensor, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """In the rows' order."""
        return zip(x.split(size), y.split(size), strict=True)

    def step(self, x: Tensor, y: Tensor) -> float:
        """One step; the loss before it."""
        loss = self.loss(self.network(x), y)
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        return loss.item()

    def mean(self, losses: np.ndarray, rows: np.ndarray) -> float:
        """The epoch's loss, from those of its batches and their rows."""
        return float((losses * rows).sum() / rows.sum())

    @torch.no_grad()
    def evaluate(self, x: Tensor, y: Tensor) -> float:
        """The mean loss."""
        self.evaluation_mode()
        return self.loss(self.network(x), y).item()

    @torch.no_grad()
    def predict(self, x: Tensor) -> Tensor:
        """The outputs."""
        self.evaluation_mode()
        return self.network(x)
