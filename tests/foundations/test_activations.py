"""The activation functions by name, the network that they are tried in, and the training in which units die."""

import pytest
import torch
from torch import nn

from course_lib.foundations.activations import ACTIVATIONS, DEEPEST, WIDTH, dead_units, signal_through
from course_lib.foundations.dead_units import LAYERS, POINTS, UNITS, Setting, Training
from course_lib.foundations.mlp import MLP

THEIRS = {"sigmoid": nn.Sigmoid(), "tanh": nn.Tanh(), "ReLU": nn.ReLU(), "leaky ReLU": nn.LeakyReLU(), "ELU": nn.ELU(),
          "GELU": nn.GELU(), "SiLU": nn.SiLU()}  # fmt: skip


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_functions_are_pytorchs_and_the_slopes_autograds(name, dtype):
    x = torch.cat([torch.linspace(-8, 8, 401), torch.tensor([-1000.0, -30.0, 30.0, 1000.0])]).to(dtype).requires_grad_()
    y = THEIRS[name](x)
    (slope,) = torch.autograd.grad(y.sum(), x)
    made, ours = ACTIVATIONS[name].f(x.detach()), ACTIVATIONS[name].slope(x.detach())
    assert torch.equal(made, y.detach()) and ours.dtype == dtype
    assert torch.allclose(ours, slope, atol=1e-6 if dtype == torch.float32 else 1e-9, rtol=0)


def test_the_slope_at_the_corner_is_pytorchs():
    zero = torch.zeros(1)
    assert {name: round(ACTIVATIONS[name].slope(zero).item(), 2) for name in ("ReLU", "leaky ReLU", "ELU")} == {
        "ReLU": 0.0, "leaky ReLU": 0.01, "ELU": 1.0}  # fmt: skip


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_gradient_in_depth_is_that_of_the_chain_rule(name):
    """Backward by the formulas' slopes, with nothing of autograd's."""
    depth, gain, shift = 5, 1.7, -0.4
    f, slope = ACTIVATIONS[name].f, ACTIVATIONS[name].slope
    made = signal_through(depth, f, gain=gain, scale=2.0, shift=shift, seed=3)
    drawn = torch.Generator().manual_seed(3)
    h = 2.0 * torch.randn(32, WIDTH, dtype=torch.double, generator=drawn)
    weights = gain * torch.randn(DEEPEST, WIDTH, WIDTH, dtype=torch.double, generator=drawn)[:depth] / WIDTH**0.5
    start, zs = h.std(dim=0).norm(), []
    for W in weights:
        zs.append(h @ W.T + shift)
        h = f(zs[-1])
    gradient = torch.ones_like(h)
    end, norms = gradient.norm(), [1.0]
    for W, z in zip(weights.flip(0), reversed(zs), strict=True):
        gradient = (gradient * slope(z)) @ W
        norms.insert(0, (gradient.norm() / end).item())
    assert torch.allclose(made.h, h) and torch.allclose(made.z, zs[-1])
    assert made.gradient.tolist() == pytest.approx(norms, rel=1e-6)
    assert made.signal[-1].item() == pytest.approx((h.std(dim=0).norm() / start).item(), rel=1e-6)


def test_what_is_kept_of_a_network_is_no_more_than_what_is_shown():
    made = signal_through(20, torch.tanh)
    assert [kept.untyped_storage().nbytes() for kept in made] == [kept.nbytes for kept in made]


@pytest.mark.parametrize("seed", range(5))
def test_what_depth_leaves(seed):
    """A sigmoid lets at most a quarter through; with ReLU the weights decide (claims of 2.2)."""
    sigmoid = signal_through(30, torch.sigmoid, seed=seed)
    assert sigmoid.gradient[0] < 1e-16 and sigmoid.signal[20] < 1e-10
    small, kept, large = (signal_through(30, torch.relu, gain=gain, seed=seed).gradient[0] for gain in (0.5, 1.41, 3))
    assert small < 1e-11 and 0.05 < kept < 50 and large > 1e8
    assert signal_through(30, torch.tanh, seed=seed).gradient[0] > 0.02


def test_a_deeper_network_continues_a_shallower_one():
    shallow, deep = signal_through(3, torch.tanh), signal_through(8, torch.tanh)
    assert torch.equal(deep.signal[:4], shallow.signal) and deep.signal.shape == deep.gradient.shape == (9,)
    assert deep.signal[0] == deep.gradient[-1] == 1
    for depth in (0, DEEPEST + 1):
        with pytest.raises(ValueError, match="1 to 30 layers"):
            signal_through(depth, torch.tanh)


def test_it_leaves_randomness_as_it_was():
    before = torch.get_rng_state()
    signal_through(4, torch.relu, seed=11)
    Training(Setting(seed=11)).upto(2)
    assert torch.equal(torch.get_rng_state(), before)


def test_dead_is_who_passes_no_gradient_at_any_point():
    z = torch.tensor([[-1.0, 2.0, -1.0, 0.0], [-3.0, 1.0, 0.5, -2.0], [-0.1, 3.0, -2.0, -1.0]])
    assert dead_units(ACTIVATIONS["ReLU"].slope(z)).tolist() == [True, False, False, True]
    assert not dead_units(ACTIVATIONS["leaky ReLU"].slope(z)).any()
    assert dead_units(ACTIVATIONS["tanh"].slope(z - 30)).all()  # in float32; its output is -1 and not 0
    assert not dead_units(ACTIVATIONS["ELU"].slope(z - 30)).any()
    assert not dead_units(torch.tensor([[-0.1], [0.1]])).any()  # slopes that cancel are no zeros


# ---- the training -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_it_trains_like_autograd_and_pytorchs_optimiser(activation):
    ours = Training(Setting(activation=activation, learning_rate=0.3, shift=-0.5, shifted=2, at=3, seed=1))
    model = MLP((2, UNITS, UNITS, 1), ACTIVATIONS[activation].f, seed=1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
    for step, made in enumerate(ours.upto(8)):
        if step == 3:
            with torch.no_grad():
                model.layers[1].bias -= 0.5
        optimizer.zero_grad()
        loss = nn.functional.binary_cross_entropy_with_logits(model(ours.x)[:, 0], ours.y)
        loss.backward()
        gradients = ours.run(made.parameters).gradients
        for parameter, kept, gradient in zip(model.parameters(), made.parameters, gradients, strict=True):
            assert torch.allclose(kept, parameter, atol=1e-5)
            assert torch.allclose(gradient, parameter.grad, atol=1e-5) and gradient.shape == parameter.shape
        assert made.loss == pytest.approx(loss.item(), abs=1e-5)
        optimizer.step()


def test_it_goes_on_where_it_stopped():
    setting = Setting(learning_rate=1.0, shift=-0.5, at=5)
    at_once, in_parts = Training(setting).upto(12), Training(setting)
    in_parts.upto(4)
    in_parts.upto(9)
    again = in_parts.upto(12)
    assert len(again) == len(in_parts.upto(12)) == 13 and len(in_parts.upto(3)) == 4
    for one, other in zip(at_once, again, strict=True):
        assert one.loss == other.loss and all(map(torch.equal, one.parameters, other.parameters))


def test_it_counts_the_units_that_are_silent_everywhere():
    training = Training(Setting(seed=2))
    last = training.upto(20)[-1]
    W1, b1, W2, b2, _, _ = last.parameters
    h1 = (training.x @ W1.T + b1).relu()
    h2 = (h1 @ W2.T + b2).relu()
    assert len(training.x) == POINTS and len(last.dead) == LAYERS
    for h, dead in zip((h1, h2), last.dead, strict=True):
        assert torch.equal((h == 0).all(dim=0), dead) and 0 < dead.sum() < UNITS


@pytest.mark.parametrize("layer, comes_back", [(1, False), (2, True)])
def test_only_units_whose_inputs_move_come_back(layer, comes_back):
    """Dead in layer 1 is dead for good: neither its weights nor its inputs move. In layer 2 the inputs do."""
    back = 0
    for seed in range(6):
        steps = Training(Setting(learning_rate=1.0, shift=-0.5, shifted=layer, at=20, seed=seed)).upto(120)
        dead = torch.stack([step.dead[layer - 1] for step in steps[20:]])  # (steps, units)
        back += (dead.any(dim=0) & ~dead[-1]).sum().item()
        if layer == 1:
            W_before, W_after = steps[20].parameters[0], steps[-1].parameters[0]
            assert dead[0].any() and torch.equal(W_before[dead[0]], W_after[dead[0]])
    assert (back > 0) == comes_back


def test_it_stops_where_the_loss_is_no_longer_finite():
    training = Training(Setting(plane="xor", activation="ELU", learning_rate=1e6))
    steps = training.upto(200)
    assert training.blew_up and len(steps) < 200 and len(training.upto(200)) == len(steps)
