"""Deep networks: how they start, what passes through them, and which remedy makes thirty layers learn."""

import math

import pytest
import torch
from torch import nn

from course_lib.foundations.choice import TRAINING
from course_lib.foundations.deep import (
    DEFAULT,
    REMEDIES,
    SCHEMES,
    DeepNetwork,
    Layer,
    accuracy,
    falling,
    journey,
    standard_digits,
    train_deep,
)


def digits(rows=32, dtype=torch.double):
    pixels, labels = standard_digits()
    return pixels[:rows].to(dtype), labels[:rows]


def passage(depth=30, seed=0, activation="ReLU", **design):
    return journey(DeepNetwork(depth, activation=activation, seed=seed, **design).double(), *digits())


# ---- the start --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "scheme, theirs",
    [
        ("Xavier", nn.init.xavier_normal_),
        ("He", lambda w: nn.init.kaiming_normal_(w, nonlinearity="relu")),
        (DEFAULT, lambda w: w.copy_(nn.Linear(w.shape[1], w.shape[0]).weight)),
    ],
)
def test_the_schemes_are_pytorchs(scheme, theirs):
    w = torch.empty(200, 700)
    with torch.no_grad():
        theirs(w)
    assert SCHEMES[scheme](700, 200) == pytest.approx(w.std().item(), rel=0.02)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_weights_have_the_schemes_spread_and_the_default_draws_biases(scheme):
    network = DeepNetwork(3, 200, scheme=scheme, gain=1.5, seed=4)
    for linear in network.linears()[:-1]:
        fan_out, fan_in = linear.weight.shape
        assert linear.weight.std().item() == pytest.approx(1.5 * SCHEMES[scheme](fan_in, fan_out), rel=0.03)
        assert linear.weight.mean().abs() < linear.weight.std() / 50
        assert linear.bias.any() == (scheme == DEFAULT) and linear.bias.abs().max() <= 1 / math.sqrt(fan_in)


def test_one_seed_draws_the_same_numbers_for_every_scheme_and_depth():
    he, xavier, deeper = (DeepNetwork(n, 32, scheme=s, seed=2) for n, s in ((4, "He"), (4, "Xavier"), (9, "He")))
    for one, other, longer in zip(he.layers, xavier.layers, deeper.layers, strict=False):
        ratio = one.linear.weight / other.linear.weight
        assert torch.allclose(ratio, ratio.mean(), rtol=1e-4) and torch.equal(one.linear.weight, longer.linear.weight)
    assert not torch.equal(he.layers[1].linear.weight, DeepNetwork(4, 32, scheme="He", seed=3).layers[1].linear.weight)
    again = DeepNetwork(4, 32, seed=7)
    again.start("He", seed=2)
    assert torch.equal(again.layers[3].linear.weight, he.layers[3].linear.weight) and not again.head.bias.any()


def test_it_leaves_randomness_as_it_was():
    before = torch.get_rng_state()
    DeepNetwork(3, 16, dropout=0.5, seed=9).start("He", seed=3)
    assert torch.equal(torch.get_rng_state(), before)


# ---- layers -----------------------------------------------------------------------------------------------------


def test_a_layer_is_its_formula():
    x = torch.randn(40, 16, generator=torch.Generator().manual_seed(0))
    layer = Layer(16, 16, "tanh", batch_norm=True, branch=0.25, dropout=0.0)
    z = x @ layer.linear.weight.T + layer.linear.bias
    normal = (z - z.mean(dim=0)) / torch.sqrt(z.var(dim=0, correction=0) + 1e-5)
    assert torch.allclose(layer(x), x + 0.25 * normal.tanh(), atol=1e-5)
    plain = Layer(16, 7, "ReLU", batch_norm=False, branch=0.0, dropout=0.0)
    assert torch.allclose(plain(x), (x @ plain.linear.weight.T + plain.linear.bias).relu(), atol=1e-6)


def test_the_jacobian_of_a_shortcut_is_one_and_that_of_its_branch():
    x = torch.randn(6, dtype=torch.double, generator=torch.Generator().manual_seed(1))
    layer = Layer(6, 6, "tanh", batch_norm=False, branch=0.5, dropout=0.0).double()
    plain = Layer(6, 6, "tanh", batch_norm=False, branch=0.0, dropout=0.0).double()
    plain.load_state_dict(layer.state_dict())
    whole, branch = (torch.autograd.functional.jacobian(f, x) for f in (layer, plain))
    assert torch.allclose(whole, torch.eye(6, dtype=torch.double) + 0.5 * branch)


def test_dropout_leaves_units_out_in_training_only():
    network = DeepNetwork(2, 400, dropout=0.4, scheme="He")
    x, _ = digits(4, torch.float32)
    torch.manual_seed(0)
    first, again = (network.every_layer(x)[0] for _ in range(2))
    bare = network.eval().every_layer(x)[0]
    assert not torch.equal(first, again) and torch.equal(bare, network.every_layer(x)[0])
    kept = first[bare > 0] != 0
    assert kept.float().mean() == pytest.approx(0.6, abs=0.06)
    assert torch.allclose(first[bare > 0][kept], bare[bare > 0][kept] / 0.6)


def test_logits_come_from_the_last_layer():
    network = DeepNetwork(3, 24, batch_norm=True, branch=0.2, inputs=5, outputs=4).eval()
    x = torch.randn(8, 5, generator=torch.Generator().manual_seed(0))
    layers = network.every_layer(x)
    assert [tuple(h.shape) for h in layers] == [(8, 24)] * 3
    assert torch.equal(network(x), network.head(layers[-1])) and network(x).shape == (8, 4)


# ---- what passes through ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("design", [{}, {"batch_norm": True}, {"branch": 0.3, "activation": "GELU"}])
def test_the_journey_is_that_of_the_signal_and_of_autograds_gradient(design):
    network = DeepNetwork(4, 20, scheme="He", seed=5, **design).double()
    x, labels = digits()
    made = journey(network, x, labels)
    h, kept = x.clone().requires_grad_(), []
    kept.append(h)
    for layer in network.layers:
        h = layer(h)
        h.retain_grad()
        kept.append(h)
    nn.functional.cross_entropy(network.head(h), labels).backward()
    gradients = [place.grad.square().mean().sqrt().item() for place in kept]
    apart = [place.detach().std(dim=0, correction=0).square().mean().sqrt().item() for place in kept]
    assert made.gradient.tolist() == pytest.approx([gradient / gradients[-1] for gradient in gradients])
    assert made.apart.tolist() == pytest.approx([each / apart[0] for each in apart])
    size = h.detach().square().mean().sqrt() / x.square().mean().sqrt()
    assert made.size[-1].item() == pytest.approx(size.item()) and len(made.size) == 5
    assert torch.equal(made.outputs[0], x) and torch.equal(made.outputs[-1], h)
    assert not x.requires_grad


@pytest.mark.parametrize("seed", range(4))
def test_scheme_and_activation_must_match(seed):
    he, xavier, default = (passage(seed=seed, scheme=scheme) for scheme in ("He", "Xavier", DEFAULT))
    assert 0.03 < he.apart[-1] < 3 and 0.1 < he.gradient[0] < 10
    assert xavier.apart[-1] < 1e-3 and xavier.gradient[0] < 1e-3
    assert default.apart[-1] < 1e-9 and default.gradient[0] < 1e-9
    assert default.size[-1] > 0.02  # of biases alone: the signal has a size, and tells nothing
    tanh = passage(seed=seed, scheme="Xavier", activation="tanh")
    assert tanh.apart[-1] > 0.03 and 0.03 < tanh.gradient[0] < 10


@pytest.mark.parametrize("seed", range(4))
def test_batch_norm_cures_vanishing_and_lets_gradients_grow(seed):
    starts = [passage(50, seed, scheme=scheme, batch_norm=True) for scheme in SCHEMES]
    for made in starts:
        assert 0.3 < made.apart[-1] < 1.5 and 1e3 < made.gradient[0] < 1e6
    assert passage(50, seed, scheme="small random").gradient[0] < 1e-50


@pytest.mark.parametrize("seed", range(4))
def test_shortcuts_carry_the_gradient_and_may_let_it_grow(seed):
    assert passage(50, seed, "tanh").gradient[0] < 1e-9
    assert 0.1 < passage(50, seed, "tanh", branch=1 / 50).gradient[0] < 10
    assert passage(seed=seed, scheme="He", branch=1.0).gradient[0] > 1e4
    assert 0.1 < passage(seed=seed, scheme="He", branch=1 / 30).gradient[0] < 10


# ---- training ---------------------------------------------------------------------------------------------------


def test_the_digits_are_standardised_by_the_training_digits():
    pixels, labels = standard_digits()
    assert pixels.shape == (1797, 64) and labels.shape == (1797,)
    assert pixels[:TRAINING].mean().abs() < 1e-5 and pixels[:TRAINING].std().item() == pytest.approx(1)


def test_the_learning_rate_falls_to_nothing():
    assert [falling(share) for share in (0, 0.25, 1)] == [1, 0.75, 0]


def reached(remedy, seed):
    network = DeepNetwork(seed=seed, **REMEDIES[remedy])
    train_deep(network, seed=seed)
    return accuracy(network)


def test_thirty_layers_do_not_train_and_do_with_a_shortcut():
    assert reached("as it is", 0) < 0.2 and reached("shortcuts", 0) > 0.8


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_each_remedy_alone_makes_thirty_layers_train(seed):
    accuracies = {remedy: reached(remedy, seed) for remedy in REMEDIES}
    assert accuracies.pop("as it is") < 0.2
    assert min(accuracies.values()) > 0.5 and accuracies["shortcuts"] == max(accuracies.values())
