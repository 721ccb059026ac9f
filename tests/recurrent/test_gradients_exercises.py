"""The references of the exercises of 4.2 against formulas written out by hand."""

import math

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from course_lib.recurrent.exercises.gradients.exploding import measured_slope, random_matrix
from course_lib.recurrent.exercises.gradients.vanishing import jacobian_norms, one_unit, random_weights


@pytest.mark.parametrize(("of_hidden", "norms"), [(0.5, [2.0, 1.0, 0.5]), (-3.0, [2.0, 6.0, 18.0])])
def test_jacobian_norms_of_one_unit_are_powers(of_hidden, norms):
    assert_close(jacobian_norms("rnn", one_unit(2.0, of_hidden), torch.zeros(3, 1)), torch.tensor(norms))


def test_jacobian_norms_of_an_rnn_are_the_product_written_out():
    rng = np.random.default_rng(0)
    weights, xs = random_weights(rng, "rnn", 2, 3), torch.from_numpy(rng.normal(size=(3, 2))).float()
    W, U, b, d = (weight.double() for weight in weights)
    h1 = torch.tanh(W @ xs[0].double() + b + d)
    h2 = torch.tanh(W @ xs[1].double() + b + U @ h1 + d)
    h3 = torch.tanh(W @ xs[2].double() + b + U @ h2 + d)
    D1, D2, D3 = (torch.diag(1 - h**2) for h in (h1, h2, h3))
    by_inputs = D3 @ W, D3 @ U @ D2 @ W, D3 @ U @ D2 @ U @ D1 @ W  # d h_3 / d x_3, x_2, x_1
    wanted = torch.stack([jacobian.sum(dim=0).norm() for jacobian in by_inputs]).float()
    assert_close(jacobian_norms("rnn", weights, xs), wanted)


@pytest.mark.parametrize("size", [3, 8, 20])
def test_the_measured_slope_is_the_log_of_the_spectral_radius(size):
    rng = np.random.default_rng(size)
    for radius in rng.uniform(0.6, 1.6, size=20):
        assert abs(measured_slope(random_matrix(rng, size, radius)) - math.log(radius)) < 0.02
