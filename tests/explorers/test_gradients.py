"""The two explorers of section 4.2: gradients through time, and clipping them."""

import numpy as np
import pytest
import torch
from torch import nn

from course_lib.explorers import Explorer
from course_lib.figures.lag_gradients import HIGHEST
from course_lib.recurrent.explorers.clipping import STARTS, ClippingExplorer, cliff, clip, descend
from course_lib.recurrent.explorers.gradients import (
    BLOCKS,
    UNITS,
    GradientExplorer,
    gradient_prediction,
    network,
    recurrent_matrix,
    share,
    step_jacobian,
)
from course_lib.recurrent.gradients import gradient_by_lag, spectral_radius
from course_lib.recurrent.gru import GRU
from course_lib.recurrent.lstm import LSTMState
from course_lib.seeds import seeded


def data_of(explorer: Explorer) -> dict:
    explorer.look()
    return explorer.data


# ---- clipping ---------------------------------------------------------------------------------------------------


def loss_by_autograd(w: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    h = torch.tensor(0.5, dtype=torch.double)
    for _ in range(50):
        h = w * h.sigmoid() + b
    return (h.sigmoid() - 0.7) ** 2


@pytest.mark.parametrize("point", [*STARTS.values(), (4.4, -2.1), (5.9, -3.1), (1.0, 0.3)])
def test_the_gradient_on_the_cliff_is_the_real_one(point):
    w, b = (torch.tensor(value, dtype=torch.double, requires_grad=True) for value in point)
    loss = loss_by_autograd(w, b)
    loss.backward()
    assert cliff(*point) == pytest.approx((loss.item(), w.grad.item(), b.grad.item()), rel=1e-6, abs=1e-12)


def test_the_cliff_is_the_steepest_point_of_its_grid():
    w, b = np.meshgrid(np.linspace(4, 8, 81), np.linspace(-4, -2, 41))
    _, by_w, by_b = cliff(w, b)
    at = np.unravel_index(np.hypot(by_w, by_b).argmax(), w.shape)
    assert (w[at], b[at]) == pytest.approx(STARTS["on the cliff"])
    assert np.hypot(by_w, by_b)[at] == pytest.approx(26, abs=0.1)


def test_one_step_from_the_cliff_costs_less_with_clipping():
    """A step of rate 0.01 takes the loss from 0.00015 to 0.040, clipped to norm 1 to 0.009."""
    free, held = (data_of(ClippingExplorer(rate=0.01, steps=1, mode=mode, theta=1.0)) for mode in ("none", "by norm"))
    assert free["losses"] == pytest.approx([0.00015, 0.0405], rel=0.05)
    assert held["losses"] == pytest.approx([0.00015, 0.0095], rel=0.05)
    assert np.array_equal(held["free_losses"], free["losses"])


@pytest.mark.parametrize("gradient", [(3.0, -8.0), (0.2, 0.1), (-10.0, 0.5), (0.0, 0.0)])
@pytest.mark.parametrize("theta", [0.1, 1.0, 5.0])
def test_clipping_is_pytorchs(gradient, theta):
    for mode, utility in (("by norm", nn.utils.clip_grad_norm_), ("by value", nn.utils.clip_grad_value_)):
        weight = nn.Parameter(torch.zeros(2, dtype=torch.double))
        weight.grad = torch.tensor(gradient, dtype=torch.double)
        utility([weight], theta)
        assert clip(*gradient, mode, theta) == pytest.approx(tuple(weight.grad.tolist()), rel=1e-5)
    assert clip(*gradient, "none", theta) == gradient


def test_norm_keeps_the_direction_and_value_does_not():
    state = {"g1": 0.5, "g2": -5.0, "theta": 1.0}
    by_norm, by_value = (data_of(ClippingExplorer(mode=mode, **state)) for mode in ("by norm", "by value"))
    assert by_norm["angle"] == pytest.approx(0, abs=1e-6) and by_norm["norms"][1] == pytest.approx(1)
    one, other = by_value["gradient"], by_value["clipped"]
    cosine = one @ other / np.linalg.norm(one) / np.linalg.norm(other)
    assert by_value["angle"] == pytest.approx(np.degrees(np.arccos(cosine))) and by_value["angle"] > 20
    assert data_of(ClippingExplorer(g1=0.0, g2=0.0))["angle"] == 0


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("rate", [0.01, 0.1, 0.5])
def test_a_clipped_step_is_never_longer_than_allowed(start, rate):
    for mode, longest in (("by norm", 0.7), ("by value", 0.7 * np.sqrt(2)), ("none", np.inf)):
        path, losses = descend(STARTS[start], rate, 60, mode, 0.7)
        assert np.linalg.norm(np.diff(path, axis=0), axis=1).max() <= rate * longest * (1 + 1e-9)
        assert np.isfinite(path).all() and losses == pytest.approx(cliff(*path.T)[0], abs=1e-6)


# ---- gradients through time -------------------------------------------------------------------------------------


@pytest.mark.parametrize("cell", BLOCKS)
def test_our_cells_have_the_same_gradients_as_the_fused_ones(cell):
    theirs, ours, x = network(cell, "tanh", "random normal", 1.2, 0.5, 1.0, 3)
    norms = data_of(GradientExplorer(cell=cell, matrix="random normal", scale=1.2, bias=0.5, gate_bias=1.0, seed=3))
    assert theirs is not ours
    assert norms["norms"] == pytest.approx(gradient_by_lag(ours, x[:, :-1]).numpy(), rel=1e-6)


@pytest.mark.parametrize("cell", BLOCKS)
def test_the_jacobian_is_that_of_one_step(cell):
    _, ours, x = network(cell, "tanh", "orthogonal", 1.5, 0.3, 1.0, 0)
    size = 2 * UNITS if cell == "LSTM" else UNITS
    with seeded(1):
        whole, direction = (0.5 * torch.randn(1, size, dtype=torch.double) for _ in range(2))

    def after(whole):
        parts = ours.layers[0](x[:1, 0], LSTMState(*whole.chunk(2, dim=-1)) if cell == "LSTM" else whole)
        return torch.cat(parts, dim=-1) if cell == "LSTM" else parts

    state = LSTMState(*whole.chunk(2, dim=-1)) if cell == "LSTM" else whole
    jacobian = step_jacobian(ours.layers[0], x[:1, 0], state)
    with torch.no_grad():
        slope = (after(whole + 1e-6 * direction) - after(whole - 1e-6 * direction)) / 2e-6
    assert torch.allclose(slope[0], jacobian @ direction[0], atol=1e-8)


@pytest.mark.parametrize("cell", ["LSTM", "GRU"])
def test_a_gated_cell_has_the_rnns_matrix_and_its_biases_in_their_places(cell):
    _, plain, _ = network("RNN", "tanh", "orthogonal", 0.7, 0.5, 2.0, 4)
    _, gated, _ = network(cell, "tanh", "orthogonal", 0.7, 0.5, 2.0, 4)
    keeping, candidate = slice(UNITS, 2 * UNITS), slice(2 * UNITS, 3 * UNITS)
    layer = gated.layers[0]
    W_hh, bias = (layer.of_hidden.weight, layer.of_input.bias + layer.of_hidden.bias) if isinstance(gated, GRU) else (
        layer.gates.weight[:, UNITS:], layer.gates.bias)  # fmt: skip
    assert torch.equal(W_hh[candidate], plain.layers[0].of_hidden.weight)
    assert (bias[keeping] == 2.0).all() and (bias[candidate] == 0.5).all()
    assert bias.count_nonzero() == 2 * UNITS
    assert (plain.layers[0].of_input.bias == 0.5).all()


@pytest.mark.parametrize("kind", ["orthogonal", "non-normal"])
def test_the_scale_is_the_spectral_radius(kind):
    with seeded(0):
        assert spectral_radius(recurrent_matrix(kind, 0.6)) == pytest.approx(0.6, rel=1e-6)


def test_powers_of_the_non_normal_matrix_grow_for_a_while():
    with seeded(0):
        matrix = recurrent_matrix("non-normal", 0.6)
    norms = [torch.linalg.matrix_norm(torch.linalg.matrix_power(matrix, k), 2).item() for k in (1, 10, 400)]
    assert norms[1] > 10 * norms[0] and norms[2] < 1e-20


def test_a_linear_network_keeps_what_its_spectral_radius_says():
    for scale in (0.7, 1.0, 1.4):
        data = data_of(GradientExplorer(activation="identity", scale=scale))
        off = data["norms"] / data["of_matrix"]
        assert off.min() > 0.3 and off.max() < 3
        assert data["slope"] == 1 and data["radii"][0] == pytest.approx(data["radii"][1])


@pytest.mark.parametrize("seed", range(10))
def test_a_large_bias_makes_the_gradient_of_a_large_matrix_vanish(seed):
    prediction = gradient_prediction()
    biased = data_of(GradientExplorer(**prediction.then | {"seed": seed}))
    assert prediction.result(biased) == "it vanishes"
    assert prediction.result(data_of(GradientExplorer(scale=1.5, seed=seed))) == "neither"
    assert set(prediction.options) == {"it vanishes", "neither", "it explodes"}
    wide = data_of(GradientExplorer(scale=3.0, activation="identity", seed=seed))
    assert prediction.result(wide) == "it explodes"


@pytest.mark.parametrize(
    "state, words",
    [({"scale": 1.5}, "over 50 steps it is multiplied by 3."), ({"scale": 2.0}, "it is multiplied by 822."),
     ({"scale": 3.0}, "it is multiplied by 1e5: it explodes."), ({}, "it is multiplied by 3e-7: it vanishes.")],
)  # fmt: skip
def test_by_how_much_the_gradient_changes_is_said(state, words):
    explorer = GradientExplorer(**state)
    explorer.look()
    assert words in explorer.status


def test_lines_leave_the_axes_and_do_not_run_along_their_edge():
    wide = GradientExplorer(scale=3.0)
    norms = data_of(wide)["norms"]
    drawn = wide.canvas.artists["lines"]["norms"].get_ydata()
    assert norms.max() > HIGHEST and drawn == pytest.approx(norms)


def test_where_it_stays_level_scale_times_the_slopes_is_one():
    """Their root mean square, as lengths add up by squares."""
    assert 1.25 * data_of(GradientExplorer(scale=1.25))["slope"] == pytest.approx(1, abs=0.02)


def test_units_that_are_all_off_pass_no_gradient():
    explorer = GradientExplorer(activation="relu", bias=-3.0)
    assert share(data_of(explorer), 0) == 0
    assert "passes no gradient at all" in explorer.status


def test_looking_draws_nothing_from_the_global_random_state():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    GradientExplorer(scale=1.3, seed=7).look()
    assert torch.equal(torch.rand(3), expected)


QUESTS = {
    (ClippingExplorer, "turn"): {"g1": 5.0, "g2": 0.5, "theta": 0.5, "mode": "by value"},
    (ClippingExplorer, "come-down"): {"rate": 0.2, "theta": 0.2, "steps": 18},
    (ClippingExplorer, "fall"): {"rate": 0.1, "theta": 0.5, "steps": 10},
    (GradientExplorer, "keep"): {"scale": 1.3},
    (GradientExplorer, "large-vanishes"): {"scale": 1.5, "bias": 3.0},
    (GradientExplorer, "gate"): {"cell": "LSTM", "scale": 0.7, "gate_bias": 5.0},
}


@pytest.mark.parametrize("kind, quest", QUESTS, ids=[quest for _, quest in QUESTS])
def test_every_quest_can_be_done(kind, quest):
    explorer = kind()
    explorer.set(**QUESTS[kind, quest])
    assert quest in explorer.done


def test_every_quest_has_a_way_shown_above():
    assert set(QUESTS) == {(kind, quest.id) for kind in (ClippingExplorer, GradientExplorer) for quest in kind.quests}


def test_no_unclipped_walk_comes_down_from_the_cliff():
    (quest,) = (quest for quest in ClippingExplorer.quests if quest.id == "come-down")
    for rate in (0.05, 0.1, 0.2, 0.5):
        for steps in (10, 20, 30):
            assert not quest.test(data_of(ClippingExplorer(mode="none", rate=rate, steps=steps)))
