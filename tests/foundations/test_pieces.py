"""Counting the pieces of ReLU networks, and networks that make many."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from course_lib.foundations.bends import (
    DEPTHS,
    PIECES,
    SEEDS,
    STEPS,
    UNITS,
    WIDTHS,
    SideBySide,
    bends,
    drawn_by_hand,
    error_of,
    squared_errors,
    train_side_by_side,
    trained,
)
from course_lib.foundations.mlp import MLP
from course_lib.foundations.pieces import (
    composed,
    even,
    hinges,
    kinks,
    most_pieces,
    one_layer,
    pieces,
    random_start,
    relu_network,
    sawtooth,
    slopes_at,
    surely_reached,
    tent,
    tents,
    zigzag,
)


def exactly(net, lo=0, hi=1):
    """The pieces, counted in fractions, so that nothing is rounded: each piece's line through all layers."""
    layers = [layer for layer in net if isinstance(layer, nn.Linear)]
    parts = [(Fraction(lo), Fraction(hi), [(Fraction(1), Fraction(0))])]  # from, to, slope and offset of each value
    for number, layer in enumerate(layers):
        weight = [[Fraction(w) for w in row] for row in layer.weight.tolist()]
        bias = [Fraction(b) for b in layer.bias.tolist()]
        after = []
        for left, right, lines in parts:
            sums = [
                (sum(w * a for w, (a, _) in zip(row, lines, strict=True)),
                 sum(w * c for w, (_, c) in zip(row, lines, strict=True)) + b)
                for row, b in zip(weight, bias, strict=True)
            ]  # fmt: skip
            if number == len(layers) - 1:
                after.append((left, right, sums))
                continue
            zeros = {-c / a for a, c in sums if a and left < -c / a < right}
            for start, end in pairwise(sorted({left, right, *zeros})):
                middle = (start + end) / 2
                on = [(a, c) if a * middle + c > 0 else (Fraction(0), Fraction(0)) for a, c in sums]
                after.append((start, end, on))
        parts = after
    slopes = [lines[0][0] for _, _, lines in parts]
    return 1 + sum(a != b for a, b in pairwise(slopes))


# ---- counting ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth, units, seed", [(1, 8, 0), (2, 6, 1), (3, 4, 2), (4, 5, 3), (6, 6, 1), (1, 36, 4)])
def test_random_networks_are_counted_as_fractions_count_them(depth, units, seed):
    net = random_start(depth, units, seed)
    assert pieces(net) == exactly(net)


@pytest.mark.parametrize("depth, units, seed", [(6, 6, 1), (6, 6, 3), (3, 6, 1), (5, 5, 4), (1, 36, 3)])
def test_trained_networks_are_counted_as_fractions_count_them(depth, units, seed):
    net = trained(depth, units, seed)
    assert pieces(net) == exactly(net)


def test_a_range_of_its_own():
    relu, step = one_layer([(1, 0, 1)]), one_layer([(1, 0, 1), (1, -1, -1)])
    assert [pieces(relu_network(relu), *ends) for ends in ((-1, 2), (1, 2), (-2, -1))] == [2, 1, 1]
    assert [pieces(relu_network(step), *ends) for ends in ((-1, 2), (0.5, 2), (0.2, 0.8))] == [3, 2, 1]


def test_hinges_that_change_nothing_are_no_kinks():
    net = relu_network(one_layer([(1, -0.5, 1), (-1, 0.5, -1), (1, -0.25, 0)]))
    assert hinges(net, 0, 1).tolist() == [0.25, 0.5] and pieces(net) == 1


def test_a_hinge_that_is_only_touched_is_none():
    """A tent of height 1/2, behind it a hinge at 1/2; and one that is touched but for rounding."""
    for height, peak in ((0.5, 0.5), (0.3, 1 / 3)):
        net = relu_network(composed([zigzag([peak], height), zigzag([height])]))
        assert pieces(net) == 2


def test_slopes_are_those_of_autograd():
    net = random_start(4, 6, seed=1)
    x = torch.rand(50, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    (wanted,) = torch.autograd.grad(net(x).sum(), x)
    assert torch.allclose(slopes_at(net, x.detach().squeeze(1)), wanted.squeeze(1))


def test_kinks_say_where_and_how_much():
    x, change = kinks(relu_network(tent(0.25)), 0, 1)
    assert x.tolist() == [0.25] and change.item() == pytest.approx(-4 - 4 / 3)


def test_counting_changes_nothing():
    net, state = random_start(2, 4), torch.get_rng_state()
    before = [weight.clone() for weight in net.parameters()]
    pieces(net)
    assert all(torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True))
    assert torch.equal(torch.get_rng_state(), state)


# ---- networks with many pieces, and bounds ----------------------------------------------------------------------


@pytest.mark.parametrize("units", [1, 2, 3, 6])
def test_tents_composed_multiply(units):
    assert [pieces(tents(depth, units)) for depth in range(1, 6)] == [units**depth for depth in range(1, 6)]


def test_what_the_syllabus_says_of_tents():
    assert [pieces(tents(depth)) for depth in range(1, 7)] == [2, 4, 8, 16, 32, 64]
    assert [most_pieces([2 * depth]) for depth in range(1, 7)] == [3, 5, 7, 9, 11, 13]


def test_a_zigzag_goes_where_it_should():
    net = relu_network(zigzag([0.2, 0.7], height=0.6, units=5))
    x = torch.tensor([[0.0], [0.1], [0.2], [0.45], [0.7], [1.0]], dtype=torch.float64)
    assert net(x).squeeze(1).tolist() == pytest.approx([0, 0.3, 0.6, 0.3, 0, 0.6])
    assert net[0].out_features == 5 and pieces(net) == 3


def test_one_layer_reaches_its_bound():
    assert [pieces(sawtooth(units)) for units in (1, 2, 5, 36)] == [most_pieces([n]) for n in (1, 2, 5, 36)]


def cutting(units):
    """Units + 1 pieces, none of them flat at an end: one unit looks back, so that folds stay folds."""
    places = [(n + 1) / (units + 1) for n in range(units)]
    return one_layer([(-1.0, places[0], 1.0), *((1.0, -place, 1.0) for place in places[1:])])


@pytest.mark.parametrize("widths", [(2, 2), (3, 3), (2, 3, 4), (4, 4, 4), (2,) * 6])
def test_the_lower_bound_is_reached_by_a_network(widths):
    """Montúfar et al. 2014: folds in all layers but the last, which cuts."""
    *folding, last = widths
    parts = [zigzag(even(units)) for units in folding]
    count = pieces(relu_network(composed([*parts, cutting(last)])))
    assert count == surely_reached(widths) <= most_pieces(widths)


def test_the_upper_bound_is_reached_by_three_units_a_layer():
    """Slopes 5, -5, 2, -10, each from 0 to 1 or back: two units that look back make the first piece rise (-7 + 12)."""
    steep = one_layer([(1.0, -0.2, -10.0), (-1.0, 0.4, 7.0), (-1.0, 0.9, -12.0)], offset=8.0)
    x = torch.tensor([[0.0], [0.2], [0.4], [0.9], [1.0]], dtype=torch.float64)
    assert relu_network(steep)(x).squeeze(1).tolist() == pytest.approx([0, 1, 0, 1, 0], abs=1e-12)
    for depth in (1, 2, 3):
        assert pieces(relu_network(composed([steep] * depth))) == most_pieces([3] * depth) == 4**depth


def test_the_bounds_are_those_of_the_papers():
    assert surely_reached([2] * 6) == 2**5 * 3 and most_pieces([2] * 6) == 3**6
    assert surely_reached([7]) == most_pieces([7]) == 8  # one layer: Zaslavsky 1975
    assert surely_reached([4, 4], inputs=2) == 2**2 * (1 + 4 + 6)


@pytest.mark.parametrize("depth", [1, 3, 6])
def test_no_network_has_more_than_the_bound(depth):
    for seed in range(5):
        assert pieces(random_start(depth, 6, seed)) <= most_pieces([6] * depth)


def test_a_random_start_is_that_of_pytorch():
    net, mlp = random_start(2, 4, seed=3), MLP((1, 4, 4, 1), seed=3)
    x = torch.linspace(0, 1, 9).unsqueeze(1)
    assert torch.allclose(net(x.double()).float(), mlp(2 * x - 1), atol=1e-6)


# ---- a curve with many bends ------------------------------------------------------------------------------------


def test_the_curve_can_be_drawn_by_few_units():
    net, (_, y) = drawn_by_hand(), bends()
    assert pieces(net) == PIECES == 32 and error_of(net) < 1e-12
    assert [layer.out_features for layer in net[:-1:2]] == [3] * 5
    assert (y.min(), y.max()) == (0, 1) and 1 + (y.diff(dim=0).diff(dim=0).abs() > 1e-9).sum() == PIECES


def test_side_by_side_each_answers_and_learns_as_if_alone():
    networks = [MLP((1, units, units, 1), seed=seed) for units, seed in ((2, 0), (5, 1), (3, 2))]
    together, (x, y) = SideBySide(networks), (part.float() for part in bends())
    answers = together(x)
    squared_errors(answers, y).backward()
    for n, network in enumerate(networks):
        assert torch.allclose(answers[n], network(x).squeeze(1), atol=1e-6)
        nn.functional.mse_loss(network(x), y).backward()
        for level, layer in enumerate(network.layers):
            outputs, inputs = layer.weight.shape
            gradient = together.weights[level].grad[n]
            assert torch.allclose(gradient[:outputs, :inputs], layer.weight.grad, atol=1e-6)
            assert gradient[outputs:].eq(0).all() and gradient[:, inputs:].eq(0).all()


def test_training_finds_fewer_pieces_than_there_could_be():
    for depth in DEPTHS:
        counts = [pieces(trained(depth, 6, seed)) for seed in range(SEEDS)]
        assert max(counts) <= min(PIECES + 8, most_pieces([6] * depth))
    best = {depth: min(error_of(trained(depth, 6, seed)) for seed in range(SEEDS)) for depth in (1, 6)}
    wide = [error_of(trained(1, 36, seed)) for seed in range(SEEDS)]
    assert best[6] < 0.04 < 0.05 < min(wide) < best[1] + 0.01


def test_every_shape_was_trained():
    for depth, widths in WIDTHS.items():
        for units in widths:
            assert [layer.out_features for layer in trained(depth, units, SEEDS - 1)[:-1:2]] == [units] * depth
    assert {d * n for d in DEPTHS for n in UNITS} == set(WIDTHS[1])
    with pytest.raises(ValueError, match="no network of 7 × 2"):
        trained(7, 2)


@pytest.mark.slow
def test_the_shipped_networks_can_be_trained_again():
    networks, history = train_side_by_side([(3, 6, seed) for seed in range(SEEDS)])
    assert len(history.losses) == STEPS
    x, y = bends()
    errors = (networks((2 * x - 1).float()).detach().double() * y.std() + y.mean() - y.T).square().mean(dim=1).sqrt()
    shipped = [error_of(trained(3, 6, seed)) for seed in range(SEEDS)]
    assert np.median(errors.numpy()) == pytest.approx(np.median(shipped), abs=0.03)
