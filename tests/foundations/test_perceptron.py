"""Rosenblatt's perceptron, and Novikoff's bound on its mistakes."""

import math
from itertools import islice, product

import numpy as np
import pytest
import torch
from sklearn.linear_model import Perceptron as Theirs

from course_lib.datasets.sides import load_sides
from course_lib.foundations.perceptron import Perceptron, corrections, margin, most_mistakes, step, with_ones

TABLE = torch.tensor([[0.0, 0], [0, 1], [1, 0], [1, 1]])
XOR, AND = torch.tensor([0, 1, 1, 0]), torch.tensor([0, 0, 0, 1])


def row_by_row(x, y, epochs):
    """The rule as the textbooks write it, without anything skipped."""
    w, b, made = torch.zeros(x.shape[1]), 0.0, []
    for epoch in range(1, epochs + 1):
        for row in range(len(x)):
            error = y[row].item() - float(x[row] @ w + b >= 0)
            if error:
                w, b = w + error * x[row], b + error
                made.append((epoch, row, error, w.tolist(), b))
    return made


def test_the_step_gives_1_at_0():
    assert step(torch.tensor([-1.0, -0.0, 0.0, 2.0])).tolist() == [0, 1, 1, 1]


def test_a_row_that_is_right_changes_nothing():
    unit = Perceptron(torch.tensor([1.0, -1.0]), 0.5)
    assert unit.learn(torch.tensor([1.0, 0.0]), 1) == 0
    assert unit.w.tolist() == [1, -1] and unit.b == 0.5
    assert unit.learn(torch.tensor([1.0, 0.25]), 0) == -1
    assert unit.w.tolist() == [0, -1.25] and unit.b == -0.5


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("gap", [0.2, -0.4])
def test_rows_that_are_passed_over_were_right(gap, seed):
    x, y = load_sides(30, gap, seed)
    ours = [(c.epoch, c.row, c.error, c.w.tolist(), c.b) for c in
            islice(corrections(Perceptron(torch.zeros(2)), x, y), 60)]  # fmt: skip
    assert ours == row_by_row(x, y, 60)[: len(ours)] and ours


@pytest.mark.parametrize("seed", range(3))
def test_it_is_scikit_learns_perceptron(seed):
    x, y = load_sides(40, 0.2, seed)
    made = list(corrections(Perceptron(torch.zeros(2)), x, y))
    theirs = Theirs(shuffle=False, max_iter=made[-1].epoch, tol=None).fit(x.double().numpy(), y.numpy())
    ours = Perceptron(made[-1].w, made[-1].b)(x)
    assert np.array_equal(theirs.predict(x.double().numpy()), ours.long().numpy()) and torch.equal(ours.long(), y)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("gap", [0.0, 0.1, 0.5])
def test_there_are_never_more_mistakes_than_novikoff_allows(gap, seed):
    x, y = load_sides(30, gap, seed)
    for rate in (0.125, 1.0, 8.0):
        made = sum(1 for _ in corrections(Perceptron(torch.zeros(2), learning_rate=rate), x, y))
        assert 0 < made <= most_mistakes(with_ones(x), y) < math.inf


def test_a_learning_rate_only_scales_what_begins_with_zeros():
    x, y = load_sides(30, 0.0, 3)
    slow, fast = (list(corrections(Perceptron(torch.zeros(2), learning_rate=rate), x, y)) for rate in (0.125, 8.0))
    assert [(c.epoch, c.row) for c in slow] == [(c.epoch, c.row) for c in fast]
    assert torch.equal(64 * slow[-1].w, fast[-1].w) and 64 * slow[-1].b == fast[-1].b


def test_a_bias_that_is_held_stays():
    made = list(islice(corrections(Perceptron(torch.zeros(2), learn_bias=False), TABLE, AND), 30))
    assert len(made) == 30 and {c.b for c in made} == {0}


def test_what_cannot_be_separated_never_ends_and_its_corrections_cancel_out():
    made = list(islice(corrections(Perceptron(torch.zeros(2)), TABLE, XOR), 400))
    assert len(made) == 400 and max(c.w.norm() for c in made) < 2
    assert abs(sum(c.error for c in made)) <= 2


def test_the_margin_of_points_that_can_be_measured_by_hand():
    assert margin(torch.tensor([[3.0, 0], [-1, 0]]), torch.tensor([1, 0])) == pytest.approx(1)
    assert margin(torch.tensor([[1.0, 1], [1, -1]]), torch.tensor([1, 1])) == pytest.approx(1)
    assert margin(with_ones(TABLE), XOR) == margin(TABLE, AND) == 0
    assert most_mistakes(with_ones(TABLE), AND) == pytest.approx(51)  # R² = 3, and u = (2, 2, -3) reaches 1: 3 · 17
    assert most_mistakes(with_ones(TABLE), XOR) == math.inf
    nothing = torch.zeros(0, 2), torch.zeros(0)
    assert margin(*nothing) == math.inf and most_mistakes(*nothing) == 0


@pytest.mark.parametrize("seed", range(5))
def test_no_direction_of_many_has_a_larger_margin(seed):
    x, y = load_sides(20, 0.1, seed)
    found = margin(with_ones(x), y)
    u = torch.randn(200_000, 3, generator=torch.Generator().manual_seed(seed))
    reached = ((with_ones(x) * (2 * y - 1)[:, None]) @ (u / u.norm(dim=1, keepdim=True)).T).amin(dim=0).max().item()
    assert reached <= found + 1e-6 and reached > 0.7 * found


def test_no_weights_on_a_grid_make_xor():
    grid = torch.tensor(list(product(torch.linspace(-3, 3, 25).tolist(), repeat=3)))
    said = step(grid[:, :2] @ TABLE.T + grid[:, 2:])
    assert not (said == XOR).all(dim=1).any() and (said == AND).all(dim=1).any()
