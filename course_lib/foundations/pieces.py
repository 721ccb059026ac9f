"""The straight pieces of a ReLU network of one number: networks that make many, and an exact count of them.

A ReLU network of one number draws a line with kinks. Up to the first ReLU all is straight, so each unit's sum crosses 0
once at most; between these hinges all is straight up to the second ReLU, and so on through the layers. Nothing is
sampled: a piece may be as short as rounding lets it be.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from course_lib.foundations.mlp import MLP

Layer = tuple[Tensor, Tensor]  # weight (units, inputs) and bias (units,), float64

CLOSE = 1e-12  # share of the range: hinges closer than this are one, but for rounding
ALIKE = 1e-9  # share of the steepest slope: slopes that differ by less are the same, but for rounding


@torch.no_grad()
def relu_network(layers: Sequence[Layer]) -> nn.Sequential:
    """Linear layers with these weights, in float64, a ReLU between each and the next."""
    modules = []
    for weight, bias in layers:
        linear = nn.Linear(*weight.shape[::-1], dtype=torch.float64)
        linear.weight.copy_(weight)
        linear.bias.copy_(bias)
        modules += [linear, nn.ReLU()]
    return nn.Sequential(*modules[:-1])


def of_the_unit_range(layers: Sequence[Layer]) -> list[Layer]:
    """Layers that take 2x - 1 made ones that take x itself, in float64.

    Inputs are brought to -1 to 1 before a training, here from 0 to 1; the first layer takes that over.
    """
    (weight, bias), *rest = [(weight.detach().double(), bias.detach().double()) for weight, bias in layers]
    return [(2 * weight, bias - weight.squeeze(1)), *rest]


# ---- counting ---------------------------------------------------------------------------------------------------


@torch.no_grad()
def hinges(net: nn.Sequential, lo: float, hi: float) -> Tensor:
    """Where any unit's sum crosses 0 between lo and hi, in order: (hinges,) float64.

    Args:
        net: `nn.Linear` and `nn.ReLU` in turn, float64, from 1 number to 1 number.
        lo, hi: the range's ends.
    """
    x = torch.tensor([lo, hi], dtype=torch.float64)
    values = x.unsqueeze(1)  # (points, units): straight from each point to the next
    for number, layer in enumerate(net, 1):
        values = layer(values)
        if isinstance(layer, nn.Linear) and number < len(net):
            x, values = _with_crossings(x, values)
    return x[1:-1]


def _with_crossings(x: Tensor, sums: Tensor) -> tuple[Tensor, Tensor]:
    """The points, and between them those where a sum crosses 0, (more points,); and the sums there."""
    left, right = sums[:-1], sums[1:]
    gap, unit = (left * right < 0).nonzero(as_tuple=True)
    share = left[gap, unit] / (left[gap, unit] - right[gap, unit])
    there = torch.lerp(left[gap], right[gap], share.unsqueeze(1))
    there[torch.arange(len(unit)), unit] = 0.0  # and not nearly
    x, order = torch.cat([x, torch.lerp(x[gap], x[gap + 1], share)]).sort(stable=True)
    close = CLOSE * (x[-1] - x[0])
    apart = torch.ones(len(x), dtype=torch.bool)  # a crossing beside another point is the same one
    apart[1:-1] = (x.diff()[:-1] > close) & (x[-1] - x[1:-1] > close)
    return x[apart], torch.cat([sums, there])[order][apart]


@torch.no_grad()
def slopes_at(net: nn.Sequential, x: Tensor) -> Tensor:
    """The slope of the net at each x: (points,) to (points,)."""
    x = x.unsqueeze(1)
    slope = torch.ones_like(x)
    for layer in net:
        slope = slope @ layer.weight.T if isinstance(layer, nn.Linear) else slope * (x > 0)
        x = layer(x)
    return slope.squeeze(1)


def kinks(net: nn.Sequential, lo: float, hi: float) -> tuple[Tensor, Tensor]:
    """The hinges at which the output's slope changes, and by how much: (kinks,) each."""
    x = hinges(net, lo, hi)
    ends = torch.cat([x.new_tensor([lo]), x, x.new_tensor([hi])])
    slopes = slopes_at(net, (ends[1:] + ends[:-1]) / 2)
    change = slopes.diff()
    real = change.abs() > ALIKE * slopes.abs().max()
    return x[real], change[real]


def pieces(net: nn.Sequential, lo: float = 0.0, hi: float = 1.0) -> int:
    """Of how many straight pieces the net's line consists between lo and hi."""
    return len(kinks(net, lo, hi)[0]) + 1


def most_pieces(widths: Sequence[int]) -> int:
    """The most pieces that hidden layers of these widths can make of one number: the product of (units + 1).

    Up to a layer the line has some pieces. On each of them, each of the layer's units switches once at most, which
    makes units + 1 of one. Serra et al. 2018 show that for one number this is exact; layers of 3 units reach it.
    """
    return math.prod(width + 1 for width in widths)


def surely_reached(widths: Sequence[int], inputs: int = 1) -> int:
    """The bound of Montúfar et al. 2014 from below: some network of these widths makes as many pieces at least.

    Each hidden layer but the last lays (units // inputs) stretches of every direction over one another; the last one
    cuts what is left as a single layer would.

    Args:
        widths: units of each hidden layer, none less than the inputs.
        inputs: numbers that go in.
    """
    *folding, last = widths
    folds = math.prod((width // inputs) ** inputs for width in folding)
    return folds * sum(math.comb(last, n) for n in range(inputs + 1))


# ---- networks ---------------------------------------------------------------------------------------------------


def one_layer(units: Sequence[tuple[float, float, float]], offset: float = 0.0) -> list[Layer]:
    """The layers of offset + the sum of out · ReLU(w · x + b), for units (w, b, out)."""
    w, b, out = torch.tensor(units, dtype=torch.float64).T
    return [(w.unsqueeze(1), b), (out.unsqueeze(0), torch.tensor([offset], dtype=torch.float64))]


def zigzag(hinges: Sequence[float], height: float = 1.0, units: int | None = None) -> list[Layer]:
    """From 0 at x = 0 straight up to the height at the first hinge, down to 0 at the second, and so on to x = 1.

    The first unit is on wherever a zigzag comes, its hinge lies at -1: one at 0 would be touched, not crossed, and
    rounding would decide.

    Args:
        hinges: between 0 and 1, in order: one a unit, but for the first.
        height: of the teeth.
        units: as many in all; those that are too many have no weight. None for as many as are needed.
    """
    places = torch.tensor([0.0, *hinges, 1.0], dtype=torch.float64)
    heights = height * (torch.arange(len(places)) % 2).double()
    slopes = heights.diff() / places.diff()
    first, *turns = [slopes[0].item(), *slopes.diff().tolist()]
    made = [(1.0, 1.0, first), *((1.0, -place, turn) for place, turn in zip(hinges, turns, strict=True))]
    idle = [(1.0, 1.0, 0.0)] * ((units or 0) - len(made))
    return one_layer([*made, *idle], offset=-first)


def tent(peak: float) -> list[Layer]:
    """From 0 at x = 0 straight up to 1 at the peak, and down to 0 at x = 1: a zigzag of 2 units."""
    return zigzag([peak])


def composed(parts: Sequence[Sequence[Layer]]) -> list[Layer]:
    """Networks of one number behind one another: the output layer of each becomes one with the next one's first."""
    layers = list(parts[0])
    for (weight, bias), *rest in parts[1:]:
        out, offset = layers.pop()
        layers += [(weight @ out, weight @ offset + bias), *rest]
    return layers


def even(units: int) -> list[float]:
    """The hinges of a zigzag of so many teeth's sides, all equally wide: (units - 1,)."""
    return [n / units for n in range(1, units)]


def tents(depth: int, units: int = 2) -> nn.Sequential:
    """Zigzags composed, one a hidden layer: each folds the line so that it has `units` times as many pieces."""
    return relu_network(composed([zigzag(even(units))] * depth))


def sawtooth(units: int) -> nn.Sequential:
    """One hidden layer that makes as many pieces as it can, units + 1: flat up to the first hinge, then up and down."""
    turns = [units + 1.0 if n == 0 else 2.0 * (-1) ** n * (units + 1) for n in range(units)]
    return relu_network(one_layer([(1.0, -(n + 1) / (units + 1), turn) for n, turn in enumerate(turns)]))


def random_start(depth: int, units: int, seed: int = 0) -> nn.Sequential:
    """A network whose weights PyTorch has drawn, none of them trained; it takes inputs as -1 to 1."""
    network = MLP((1, *[units] * depth, 1), seed=seed)
    return relu_network(of_the_unit_range([(layer.weight, layer.bias) for layer in network.layers]))
