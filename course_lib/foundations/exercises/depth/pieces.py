"""Count the straight pieces of a ReLU network of one number (Montúfar et al. 2014 count those of deep networks)."""

from collections.abc import Callable

import numpy as np
import torch

from course_lib.exercises import Case, exercise, part
from course_lib.foundations.pieces import Layer, composed, hinges, kinks, one_layer, relu_network, tent

SHORTEST = 1e-4  # share of lo to hi that a piece has at least: what the exercise promises
SMALLEST = 0.01  # by which the slopes of neighbours differ at least: promised too


def pieces_of(answer: Callable, layers: list[Layer], lo: float, hi: float) -> int | None:
    """What the answer counts in the network of these layers."""
    return answer(relu_network(layers), lo, hi)


def random_network(rng: np.random.Generator, lo: float, hi: float, least: int) -> list[Layer]:
    """Two hidden layers of 6 and 4 units that keep the exercise's promises, with so many kinks at least."""
    while True:
        widths = (1, 6, 4, 1)
        weights = [torch.from_numpy(rng.normal(size=shape)) for shape in zip(widths[1:], widths, strict=False)]
        layers = [(weight, torch.from_numpy(rng.normal(size=len(weight)))) for weight in weights]
        net = relu_network(layers)
        x, change = kinks(net, lo, hi)
        lengths = torch.cat([x.new_tensor([lo]), hinges(net, lo, hi), x.new_tensor([hi])]).diff()
        if len(x) >= least and lengths.min() > 0.005 * (hi - lo) and change.abs().min() > 10 * SMALLEST:
            return layers


@exercise("foundations.deep-learning", "count_pieces(net, lo, hi) -> count", level="core", minutes=10)
def pieces(rng):
    """Count the straight pieces of a ReLU network's curve."""

    def case(layers: list[Layer], lo: float, hi: float, count: int, shown: str, because: str) -> Case:
        return Case((layers, lo, hi), via=pieces_of, expected=count, shown=shown, because=because, rtol=0, atol=0)

    def by_hand(units: list[tuple], lo: float, hi: float, count: int, formula: str, because: str, offset=0.0) -> Case:
        return case(one_layer(units, offset), lo, hi, count, f"{formula}, from {lo:g} to {hi:g}", because)

    def bumps(count: int, lo: float, hi: float, shown: str) -> Case:
        """Tents as narrow as 0.0004 of the range, between the points of a grid of 1000 cells, or their middles."""
        span, units = hi - lo, []
        for cell in rng.permutation(np.arange(100, 900, 20))[:count]:
            start, half = lo + span * (cell + 0.05) / 1000, span * 2e-4
            units += [(1, -start, 9.0), (1, -start - half, -18.0), (1, -start - 2 * half, 9.0)]
        because = f"a piece may be as short as {SHORTEST:g} of the range: which of yours is the smallest step?"
        return case(one_layer(units, offset=1.0), lo, hi, 1 + 3 * count, shown, because)

    with part("one layer, by hand", points=1):
        kink = "a piece ends where the slope changes, and nowhere else"
        relu, step = [(1, 0, 1)], [(1, 0, 1), (1, -1, -1)]
        yield by_hand(relu, -1, 2, 2, "ReLU(x)", kink)
        yield by_hand(relu, 1, 2, 1, "ReLU(x)", "a kink outside of the range does not count")
        yield by_hand([(1, 0, 1), (-1, 0, 1)], -1, 2, 2, "ReLU(x) + ReLU(-x)", "at 0 itself there is no slope")
        yield by_hand(step, -1, 2, 3, "ReLU(x) - ReLU(x - 1)", kink)
        yield by_hand([(1, 0, 1), (1, -1, 2)], -1, 2, 3, "ReLU(x) + 2 ReLU(x - 1) + 5", kink, offset=5)
        straight = [(torch.tensor([[2.0]]), torch.tensor([-1.0]))]
        yield case(straight, -1, 2, 1, "2x - 1, no ReLU, from -1 to 2", "a straight line is one piece")
    with part("hinges that change nothing", points=1):
        still = "a unit switches on here, and the slope stays as it was"
        yield by_hand([(1, 0, 1), (-1, 0, -1)], -1, 2, 1, "ReLU(x) - ReLU(-x)", still)
        yield by_hand([(1, 0, 1), (1, -1, 0)], -1, 2, 2, "ReLU(x) + 0 ReLU(x - 1)", still)
        for count in (2, 4):
            yield case(*_with_idle_units(rng, count), shown=f"{count} units that count and {count} idle", because=still)
    with part("neighbours", points=1):
        for count, lo, hi in ((1, -1.0, 2.0), (3, 0.0, 1.0)):
            yield bumps(count, lo, hi, f"{count} narrow bump{'s' * (count > 1)}, from {lo:g} to {hi:g}")
    with part("deep networks", points=1):
        fold = "every layer folds the line once more, so k layers of 2 units give 2 ** k pieces"
        for depth in (1, 2, 3, 6):
            shown = f"{depth} tents in a row, each with its peak at 1/3, from 0 to 1"
            yield case(composed([tent(1 / 3)] * depth), 0, 1, 2**depth, shown, fold)
        peaks = rng.uniform(0.35, 0.65, size=5).tolist()
        yield case(composed([tent(peak) for peak in peaks]), 0, 1, 32, "5 tents with peaks of their own", fold)
        for least in (5, 7):
            layers = random_network(rng, -3.0, 3.0, least)
            count = len(kinks(relu_network(layers), -3.0, 3.0)[0]) + 1
            because = "what is a hinge for a unit of the first layer need not be one for the output"
            shown = f"hidden layers of 6 and 4 random units, {least} kinks or more"
            yield case(layers, -3.0, 3.0, count, shown, because)


def _with_idle_units(rng: np.random.Generator, count: int) -> tuple[list[Layer], float, float, int]:
    """Units that kink the curve, and as many pairs that take each other's kink away; in random order."""
    places = (np.arange(2 * count) + rng.uniform(0.2, 0.8, size=2 * count))[rng.permutation(2 * count)]
    units = [(1, -place, float(rng.uniform(0.5, 2))) for place in places[:count]]
    for place in places[count:]:
        out = float(rng.uniform(0.5, 2))
        units += [(1, -place, out), (2, -2 * place, -out / 2)]
    return one_layer([units[n] for n in rng.permutation(len(units))], offset=1.0), 0.0, 2.0 * count, count + 1
