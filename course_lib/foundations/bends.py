"""A curve with many bends, which few units could draw exactly, and networks that were trained to draw it."""

from collections.abc import Sequence
from functools import cache
from itertools import pairwise

import torch
from torch import Tensor, nn

from course_lib.checkpoints import load_model
from course_lib.foundations.deep import falling
from course_lib.foundations.mlp import MLP
from course_lib.foundations.pieces import Layer, of_the_unit_range, relu_network, tents
from course_lib.paths import data_folder
from course_lib.training import History, fit

FOLDS, SHARE = 5, 0.6  # so many tents are added up, each composed once more, and so much lower, than the one before
PIECES = 2**FOLDS
POINTS = 257  # of the curve, a bend at each 8th of them at most
STEPS, LEARNING_RATE = 4000, 0.005  # of a training
SEEDS = 5  # networks of each shape
DEPTHS, UNITS = range(1, 7), range(1, 7)
WIDTHS = {depth: list(UNITS) for depth in DEPTHS} | {1: sorted({d * n for d in DEPTHS for n in UNITS})}
CHECKPOINT = "curve_networks.safetensors"


def bends() -> tuple[Tensor, Tensor]:
    """The curve: x from 0 to 1, and the sum of 5 tents there, made to reach from 0 to 1 too; (257, 1) float64 each.

    Takagi 1903 adds up tents without end, each half as high as the one before; no stretch of that curve is straight.
    This one has 32 pieces, and `drawn_by_hand` draws them with 5 layers of 3 units.
    """
    y = sum_of_tents()
    return _points(), y / y.max()


@torch.no_grad()
def sum_of_tents() -> Tensor:
    """The tents, each 0.6 times as high as the one before, added up: (257, 1) float64."""
    return sum(SHARE**n * tents(n + 1)(_points()) for n in range(FOLDS))


def _points() -> Tensor:
    return torch.linspace(0, 1, POINTS, dtype=torch.float64).unsqueeze(1)


def drawn_by_hand() -> nn.Sequential:
    """A network of 5 hidden layers of 3 units that draws the curve: two units make the next tent, one keeps the sum.

    Each tent t is on between 0 and 1, where ReLU(t + 1) - 1 = t; a layer gives out t + 1, ReLU(t - 1/2) and the sum of
    the tents before.
    """
    tent, rest = torch.tensor([[2.0, -4.0, 0.0], [0.0, 0.0, 1.0]]).double()  # 2 (t + 1) - 4 ReLU(t - 1/2) - 2 is next
    layers = [(torch.tensor([[1.0], [1.0], [0.0]]).double(), torch.tensor([1.0, -0.5, 0.0]).double())]
    for n in range(FOLDS - 1):
        offsets = torch.tensor([-1.0, -2.5, -2 * SHARE**n], dtype=torch.float64)
        layers.append((torch.stack([tent, tent, rest + SHARE**n * tent]), offsets))
    highest, share = sum_of_tents().max(), SHARE ** (FOLDS - 1)
    weight = (rest + share * tent).unsqueeze(0) / highest
    return relu_network([*layers, (weight, -2 * share / highest.unsqueeze(0))])


@torch.no_grad()
def error_of(net: nn.Sequential) -> float:
    """Root mean square of what a network's answers, for numbers from 0 to 1, lie off the curve."""
    x, y = bends()
    return (net(x) - y).square().mean().sqrt().item()


# ---- trained networks -------------------------------------------------------------------------------------------


class SideBySide(nn.Module):
    """ReLU networks of one number, equally deep, which answer and learn at once, each as if it were alone.

    Narrow ones are filled up with units that have no weight and no bias. Such a unit gives out 0 and gets no gradient.

    Args:
        networks: whose weights are copied.
    """

    def __init__(self, networks: Sequence[MLP]):
        super().__init__()
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        for level in zip(*(network.layers for network in networks), strict=True):
            outputs, inputs = (max(getattr(layer, n) for layer in level) for n in ("out_features", "in_features"))
            weight, bias = torch.zeros(len(level), outputs, inputs), torch.zeros(len(level), outputs, 1)
            for n, layer in enumerate(level):
                weight[n, : layer.out_features, : layer.in_features] = layer.weight.detach()
                bias[n, : layer.out_features, 0] = layer.bias.detach()
            self.weights.append(weight)
            self.biases.append(bias)

    def forward(self, x: Tensor) -> Tensor:
        """What each answers, (networks, points), of (points, 1)."""
        h = x.T
        *hidden, last = zip(self.weights, self.biases, strict=True)
        for weight, bias in hidden:
            h = torch.relu(weight @ h + bias)
        weight, bias = last
        return (weight @ h + bias).squeeze(1)


def squared_errors(answers: Tensor, targets: Tensor) -> Tensor:
    """The networks' mean squared errors, (networks, points) against (points, 1), added up: each learns from its own."""
    return (answers - targets.T).square().mean(dim=1).sum()


def train_side_by_side(shapes: Sequence[tuple[int, int, int]], steps: int = STEPS) -> tuple[SideBySide, History]:
    """Train networks on the curve: Adam, all points at each step, a learning rate that falls to 0.

    Inputs go from -1 to 1, targets have mean 0 and standard deviation 1. Weights start as PyTorch starts them.

    Args:
        shapes: layers, units of each and seed, equally deep.
        steps: of the training.
    """
    networks = SideBySide([MLP((1, *[units] * depth, 1), seed=seed) for depth, units, seed in shapes])
    x, y = bends()
    batch = (2 * x - 1).float(), ((y - y.mean()) / y.std()).float()
    rate = {"learning_rate": LEARNING_RATE, "schedule": falling}
    history = fit(networks, [batch], squared_errors, steps=steps, name=f"{shapes[0][0]} layers", **rate)
    return networks, history


@cache
def trained(depth: int, units: int, seed: int = 0) -> nn.Sequential:
    """A network of 1 to 6 layers of 1 to 6 units, or of one layer of some more, that was trained on the curve.

    Shipped; `python data/checkpoints/make_curve_networks.py` makes them anew. It takes x from 0 to 1, and answers in
    the units of `bends`.

    Raises:
        ValueError: there is no such network.
        CheckpointError: its file is missing or damaged; the text says what to do.
    """
    if units not in WIDTHS.get(depth, ()) or seed not in range(SEEDS):
        raise ValueError(f"no network of {depth} × {units} units with seed {seed} was trained")
    n = WIDTHS[depth].index(units) * SEEDS + seed
    return relu_network(_in_the_curves_units(_cut_out(_shipped(), f"{depth - 1}.", n, [1, *[units] * depth, 1])))


@cache
def _shipped() -> dict[str, Tensor]:
    return load_model(data_folder() / "checkpoints" / CHECKPOINT).state_dict


def _cut_out(state: dict[str, Tensor], prefix: str, n: int, widths: Sequence[int]) -> list[Layer]:
    """The layers of one of the networks that were trained side by side."""
    return [
        (state[f"{prefix}weights.{level}"][n, :outputs, :inputs], state[f"{prefix}biases.{level}"][n, :outputs, 0])
        for level, (inputs, outputs) in enumerate(pairwise(widths))
    ]


def _in_the_curves_units(layers: list[Layer]) -> list[Layer]:
    """Layers that take inputs from -1 to 1 and answer with mean 0, as ones that take x and answer y."""
    _, y = bends()
    *hidden, (weight, bias) = of_the_unit_range(layers)
    return [*hidden, (y.std() * weight, y.std() * bias + y.mean())]
