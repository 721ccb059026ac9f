"""From a raw table to a model that somebody else can use: split, prepare, train, judge, hand over."""

import json
from pathlib import Path
from typing import NamedTuple

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from course_lib.batches import Batches
from course_lib.checkpoints import CheckpointError
from course_lib.datasets.wine import Table
from course_lib.paths import write_atomically
from course_lib.seeds import seeded
from course_lib.training import History, fit

UNSEEN = 60  # of the 178 wines
HIDDEN, DROPOUT = 32, 0.2
EPOCHS, LEARNING_RATE, BATCH = 15, 0.005, 20


class Split(NamedTuple):
    """Rows to learn from and rows to be judged by: x (rows, features) and y (rows,) of each."""

    x: Tensor
    y: Tensor
    unseen_x: Tensor
    unseen_y: Tensor


def split(table: Table, unseen: int = UNSEEN, *, shuffle: bool = True, seed: int = 0) -> Split:
    """Put rows aside before anything else is done with the table.

    Args:
        table: raw rows.
        unseen: how many are put aside.
        shuffle: False puts the last ones aside; otherwise rows are drawn.
        seed: draws them.
    """
    rows = len(table.y)
    order = torch.randperm(rows, generator=torch.Generator().manual_seed(seed)) if shuffle else torch.arange(rows)
    known, aside = order[: rows - unseen], order[rows - unseen :]
    return Split(table.x[known], table.y[known], table.x[aside], table.y[aside])


class Scaler(nn.Module):
    """Takes every feature to mean 0 and standard deviation 1 over the rows that it was fitted on.

    Both are buffers: no optimiser changes them, and they are saved with the weights. Until it is fitted, and without
    `fit`, it changes nothing.

    Args:
        features: columns of the table.
    """

    def __init__(self, features: int):
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("std", torch.ones(features))

    def fit(self, x: Tensor) -> None:
        """Take mean and standard deviation from rows (rows, features); a constant feature has a spread of 1."""
        std = x.std(dim=0, correction=0)
        self.mean.copy_(x.mean(dim=0))
        self.std.copy_(torch.where(std == 0, 1.0, std))

    def forward(self, x: Tensor) -> Tensor:
        """Rows (rows, features) in spreads from the mean."""
        return (x - self.mean) / self.std


class Classifier(nn.Module):
    """Raw rows in, logits out: its own scaler, one hidden layer of ReLU units, dropout.

    Args:
        features, classes: numbers of a row, and of logits.
        hidden_size: units.
        dropout: the chance of each unit to be left out, at each training step anew.
        seed: draws the starting weights, without a trace in the randomness outside.
    """

    def __init__(self, features: int, classes: int, hidden_size: int = HIDDEN, dropout: float = DROPOUT, seed: int = 0):
        super().__init__()
        self.scaler = Scaler(features)
        with seeded(seed):
            self.hidden = nn.Linear(features, hidden_size)
            self.dropout = nn.Dropout(dropout)
            self.head = nn.Linear(hidden_size, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (rows, classes) of raw rows (rows, features)."""
        return self.head(self.dropout(self.hidden(self.scaler(x)).relu()))


def train(model: Classifier, data: Split, *, fit_scaler_on: Tensor | None = None, epochs: int = EPOCHS, seed: int = 0):
    """Fit the scaler, then train on the rows that are there to learn from, 20 at a time, with Adam.

    Args:
        model: is trained in place, and stands on the CPU afterwards, in evaluation mode.
        data: only its first half is used.
        fit_scaler_on: rows for the scaler, (rows, features), where they are not those to learn from; none leave the
            raw numbers as they are.
        epochs: passes.
        seed: of the rows' order, and of dropout.

    Returns:
        the training's History
    """
    rows = data.x if fit_scaler_on is None else fit_scaler_on
    if len(rows):
        model.scaler.fit(rows)
    batches = Batches(data.x, data.y, BATCH, seed)
    history: History = fit(
        model, batches, cross_entropy, epochs=epochs, learning_rate=LEARNING_RATE, seed=seed, name="table"
    )
    model.cpu()
    return history


def predict(model: nn.Module, x: Tensor) -> Tensor:
    """Probabilities (rows, classes) of raw rows (rows, features): nothing dropped, nothing noted for a gradient."""
    model.eval()
    with torch.inference_mode():
        return model(x).softmax(dim=1)


def accuracy(model: nn.Module, x: Tensor, y: Tensor) -> float:
    """The share of rows that a model gets right."""
    return (predict(model, x).argmax(dim=1) == y).double().mean().item()


def hand_over(path: Path | str, model: Classifier, table: Table, **about: object) -> None:
    """Write one safetensors file: weights, scaler, how the model is built, what its numbers mean.

    Args:
        path: of the file.
        model: its `state_dict` is written.
        table: names features and classes.
        about: what else whoever gets it should know, plain data.

    Raises:
        OSError: it cannot be written.
    """
    config = {"hidden_size": model.hidden.out_features, "dropout": model.dropout.p}
    config |= {"features": table.features, "classes": table.classes, "about": about}
    state = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    write_atomically(Path(path), safetensors.torch.save(state, {"config": json.dumps(config)}))


def take_over(path: Path | str) -> tuple[Classifier, dict]:
    """Read what `hand_over` wrote: the model, in evaluation mode, and its configuration.

    Raises:
        CheckpointError: the file is missing, damaged, or was not written by `hand_over`.
    """
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            config = json.loads(file.metadata()["config"])
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no dict)
        sizes = len(config["features"]), len(config["classes"]), config["hidden_size"], config["dropout"]
        model = Classifier(*sizes)
        model.load_state_dict(state)
    except (OSError, safetensors.SafetensorError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise CheckpointError(f"{Path(path).name} is no model that was handed over here: {error}") from error
    return model.eval(), config
