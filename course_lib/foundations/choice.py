"""One network, one way to train it, another activation: trained on the digits, and on curves with one input."""

import math

import torch
from torch import Tensor, nn

from course_lib.datasets.digits import load_digits
from course_lib.foundations.activations import ACTIVATIONS
from course_lib.foundations.mlp import MLP
from course_lib.training import fit

TRAINING = 1200  # of the 1,797 digits; the others, which other people wrote, are for testing
WIDTH, STEPS = 64, 300  # units of each hidden layer; updates, each with all the training digits
CURVES = {"with a corner, |x|": torch.abs, "smooth, sin πx": lambda x: torch.sin(math.pi * x)}
CURVE_WIDTH, CURVE_STEPS = 32, 1000


def train_on_digits(activation: str, hidden_layers: int, *, learning_rate: float = 0.1, seed: int = 0) -> float:
    """The share of test digits that a network gets right after 300 steps of plain gradient descent.

    Args:
        activation: of `ACTIVATIONS`.
        hidden_layers: of 64 units each, started as PyTorch starts them.
        learning_rate: of gradient descent on all 1,200 training digits.
        seed: draws the starting weights.
    """
    pixels, labels = load_digits()
    model = MLP((64, *[WIDTH] * hidden_layers, 10), ACTIVATIONS[activation].f, seed)
    data, name = (pixels[:TRAINING], labels[:TRAINING]), f"digits, {activation}, {hidden_layers} hidden"
    _descend(model, data, nn.functional.cross_entropy, learning_rate, STEPS, name)
    with torch.no_grad():
        return (model(pixels[TRAINING:]).argmax(dim=1) == labels[TRAINING:]).float().mean().item()


def train_on_curve(activation: str, curve: str, seed: int = 0) -> float:
    """The mean squared error that one hidden layer of 32 units is left with after 1,000 steps.

    Args:
        activation: of `ACTIVATIONS`.
        curve: of `CURVES`, at 100 places from -1 to 1.
        seed: draws the starting weights.
    """
    x = torch.linspace(-1, 1, 100)[:, None]  # (points, 1)
    y = CURVES[curve](x)
    model = MLP((1, CURVE_WIDTH, 1), ACTIVATIONS[activation].f, seed)
    _descend(model, (x, y), nn.functional.mse_loss, 0.1, CURVE_STEPS, f"{curve}, {activation}")
    with torch.no_grad():
        return nn.functional.mse_loss(model(x), y).item()


def _descend(model: nn.Module, data: tuple[Tensor, Tensor], loss, learning_rate: float, steps: int, name: str) -> None:
    """Plain gradient descent: every step sees all the data."""
    fit(model, [data], loss, steps=steps, learning_rate=learning_rate, optimizer=torch.optim.SGD, name=name)
    model.cpu()
