"""A small network in training on points of the plane: what the playground shows."""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor, nn

from course_lib.datasets.planes import load_plane
from course_lib.foundations.activations import ACTIVATIONS
from course_lib.foundations.mlp import MLP

FEATURES: dict[str, Callable[[Tensor], Tensor]] = {  # of points (n, 2)
    "x": lambda p: p[:, 0],
    "y": lambda p: p[:, 1],
    "x²": lambda p: p[:, 0] ** 2,
    "y²": lambda p: p[:, 1] ** 2,
    "xy": lambda p: p[:, 0] * p[:, 1],
    "sin πx": lambda p: torch.sin(math.pi * p[:, 0]),
    "sin πy": lambda p: torch.sin(math.pi * p[:, 1]),
}
METHODS = {"SGD": torch.optim.SGD, "Adam": torch.optim.Adam}
NO_ACTIVATION, NO_DATA = "none", "none"
POINTS, BATCH = 200, 20  # points to learn from, and as many to test on; points a step
LONGEST = 2000  # steps
SNAPSHOT = 100  # steps between two kept states, from which a slider that is drawn back goes on
TESTED = 10  # steps between two losses on the test points


@dataclass(frozen=True)
class Setting:
    """All that decides a training.

    Args:
        data: a plane's name, or NO_DATA where only the own points count.
        noise: of the plane.
        own: points that the learner set: x, y, class each.
        features: what the network sees of a point, of `FEATURES`.
        hidden_sizes: units of each hidden layer.
        activation: of `ACTIVATIONS`, or NO_ACTIVATION.
        method: of `METHODS`.
        learning_rate: of each step.
        weight_decay: λ, the share of the squared weights' half sum in the loss.
        seed: draws the data, the starting weights and the order of the points.
    """

    data: str
    noise: float
    own: tuple[tuple[float, float, int], ...]
    features: tuple[str, ...]
    hidden_sizes: tuple[int, ...]
    activation: str
    method: str
    learning_rate: float
    weight_decay: float
    seed: int


class Training:
    """A training as far as it has come.

    Args:
        setting: what decides it.

    Attributes:
        points, labels: to learn from, (n, 2) and (n,) float32, the own ones last.
        test_points, test_labels: of the same kind, never learned from; none without a plane.
        model: the network, from features to one logit.
        step: how many steps it has made.
        losses: of each step's batch before the step.
        test_losses: on all test points before step 0, TESTED, 2 TESTED, …
    """

    def __init__(self, setting: Setting):
        s = self.setting = setting
        (points, labels), (self.test_points, self.test_labels) = planes_of(s)
        own = torch.tensor(s.own, dtype=torch.float32).reshape(-1, 3)
        self.points, self.labels = torch.cat([points, own[:, :2]]), torch.cat([labels, own[:, 2]])
        self.inputs, self.test_inputs = features_of(self.points, s.features), features_of(self.test_points, s.features)
        self.batches = torch.zeros(LONGEST, 0, dtype=torch.int64)  # which points each step takes: (LONGEST, BATCH)
        if len(self.labels):
            generator = torch.Generator().manual_seed(s.seed)
            self.batches = torch.randint(len(self.labels), (LONGEST, BATCH), generator=generator)
        self.model = MLP([len(s.features), *s.hidden_sizes, 1], function_of(s.activation), s.seed)
        self.optimizer = optimizer_of(self.model, s)
        self.step, self.losses, self.test_losses, self.snapshots = 0, [], [], {}

    def go_to(self, step: int) -> None:
        """Train on, or go back, until so many steps are made."""
        if step < self.step:
            self.step = step - step % SNAPSHOT
            self.model, self.optimizer = copy.deepcopy(self.snapshots[self.step])
        while self.step < step:
            if self.step % SNAPSHOT == 0:
                self.snapshots[self.step] = copy.deepcopy((self.model, self.optimizer))
            if self.step % TESTED == 0:
                self._test()
            self._learn(self.batches[self.step])
            self.step += 1

    def _learn(self, batch: Tensor) -> None:
        self.optimizer.zero_grad()
        loss = loss_of(self.model(self.inputs[batch]), self.labels[batch])
        loss.backward()
        self.optimizer.step()
        del self.losses[self.step :]
        self.losses.append(loss.item())

    def _test(self) -> None:
        with torch.no_grad():
            loss = loss_of(self.model(self.test_inputs), self.test_labels).item()
        del self.test_losses[self.step // TESTED :]
        self.test_losses.append(loss)

    def gradients(self) -> list[tuple[Tensor, Tensor]]:
        """The gradient of the loss on all points to learn from, weight decay left out: (weight, bias) of each layer."""
        layers = [(layer.weight, layer.bias) for layer in self.model.layers]
        loss = loss_of(self.model(self.inputs), self.labels)
        flat = torch.autograd.grad(loss, [parameter for layer in layers for parameter in layer])
        return list(zip(flat[::2], flat[1::2], strict=True))


@lru_cache(maxsize=4)
def training(setting: Setting) -> Training:
    """The training of a setting, where it was left."""
    return Training(setting)


def planes_of(setting: Setting) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Points (n, 2) and labels (n,), both float32: to learn from and to test on."""
    if setting.data == NO_DATA:
        return ((torch.zeros(0, 2), torch.zeros(0)),) * 2
    drawn = [load_plane(setting.data, POINTS, setting.noise, 2 * setting.seed + part) for part in (0, 1)]
    return tuple((points, labels.float()) for points, labels in drawn)


def features_of(points: Tensor, names: tuple[str, ...]) -> Tensor:
    """What the network sees of points (n, 2): (n, len(names))."""
    return torch.stack([FEATURES[name](points) for name in names], dim=1)


def function_of(activation: str) -> Callable[[Tensor], Tensor]:
    return nn.Identity() if activation == NO_ACTIVATION else ACTIVATIONS[activation].f


def optimizer_of(model: MLP, setting: Setting) -> torch.optim.Optimizer:
    """Weights decay, biases do not."""
    weights, biases = ([getattr(layer, kind) for layer in model.layers] for kind in ("weight", "bias"))
    groups = [{"params": weights, "weight_decay": setting.weight_decay}, {"params": biases}]
    return METHODS[setting.method](groups, lr=setting.learning_rate)


def loss_of(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean binary cross-entropy of logits (n, 1); without points 0, so that nothing moves."""
    return nn.functional.binary_cross_entropy_with_logits(logits[:, 0], labels) if len(labels) else 0 * logits.sum()
