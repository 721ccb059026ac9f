"""The walks of section 2.4 and the network of section 2.3, against PyTorch and against what the formulas say."""

from itertools import islice

import numpy as np
import pytest
import torch

from course_lib.foundations.activations import ACTIVATIONS
from course_lib.foundations.descent import (
    ADAM,
    BETA,
    DESCENT,
    METHODS,
    MOMENTUM,
    bowl,
    contraction,
    double_well,
    largest_rate,
    walk,
)
from course_lib.foundations.regression import (
    START,
    averages,
    batch_averages,
    batches,
    best,
    learn,
    loss,
    pixel_pairs,
    seconds_per_update,
    update,
)
from course_lib.foundations.sharpness import largest_curvature
from course_lib.foundations.two_layer import INPUTS, WEIGHTS, backward, forward, local_slopes, paths

SURFACES = {"bowl": bowl(0.4), "double well": double_well(0.4)}


def numbers(seed):
    drawn = torch.randn(12, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return dict(zip((*INPUTS, "t", *WEIGHTS), drawn, strict=True))


# ---- the network of two layers


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "ReLU", "leaky ReLU"])
@pytest.mark.parametrize("seed", range(3))
def test_the_way_back_is_autograds(activation, seed):
    f = ACTIVATIONS[activation]
    leaves = {name: of.requires_grad_() for name, of in numbers(seed).items()}
    forward(leaves, f.f)["L"].backward()
    given = {name: of.detach() for name, of in leaves.items()}
    gradient = backward(local_slopes(forward(given, f.f), f.slope))
    for name in (*INPUTS, *WEIGHTS):
        assert gradient[name].item() == pytest.approx(leaves[name].grad.item(), abs=1e-14), name


@pytest.mark.parametrize("name", [*INPUTS, *WEIGHTS])
def test_a_gradient_is_the_sum_over_paths_of_products(name):
    f = ACTIVATIONS["tanh"]
    slopes = local_slopes(forward(numbers(0), f.f), f.slope)
    ways = paths(slopes, name)
    assert len(ways) == (2 if name in INPUTS else 1)
    assert all(way[0] == ("L", "y") and way[-1][1] == name for way in ways)
    total = sum(torch.stack([slopes[link] for link in way]).prod() for way in ways)
    assert torch.isclose(total, backward(slopes)[name], rtol=1e-12, atol=0)


def test_the_network_takes_many_values_of_one_weight_at_once():
    given = numbers(1) | {"w11": torch.linspace(-2, 2, 5, dtype=torch.float64)}
    f = ACTIVATIONS["sigmoid"]
    together = forward(given, f.f)["L"]
    for w11, here in zip(given["w11"], together, strict=True):
        assert torch.equal(forward(given | {"w11": w11}, f.f)["L"], here)


# ---- walks


def optimiser(method, w, rate):
    if method == ADAM:
        return torch.optim.Adam([w], lr=rate)
    return torch.optim.SGD([w], lr=rate, momentum=BETA if method == MOMENTUM else 0.0)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("surface", SURFACES.values(), ids=SURFACES)
def test_a_walk_is_torch_optims(surface, method):
    w = torch.tensor([1.3, -0.7], dtype=torch.float64, requires_grad=True)
    theirs, path = optimiser(method, w, 0.05), [w.detach().numpy().copy()]
    for _ in range(20):
        theirs.zero_grad()
        surface.loss(w[0], w[1]).backward()
        theirs.step()
        path.append(w.detach().numpy().copy())
    assert np.allclose(walk(surface.gradient, (1.3, -0.7), 0.05, 20, method), path, rtol=0, atol=1e-12)


@pytest.mark.parametrize("surface", SURFACES.values(), ids=SURFACES)
def test_minima_and_curvatures_are_those_of_the_loss(surface):
    assert np.all(np.diff(surface.loss(*surface.minima.T)) > 0)
    for minimum, curvatures in zip(surface.minima, surface.curvatures, strict=True):
        assert np.allclose(surface.gradient(minimum), 0, atol=1e-12)
        hessian = torch.autograd.functional.hessian(lambda w: surface.loss(w[0], w[1]), torch.tensor(minimum))
        assert np.allclose(hessian, np.diag(curvatures), atol=1e-9)


@pytest.mark.parametrize("method", [DESCENT, MOMENTUM])
@pytest.mark.parametrize("rate", [0.01, 0.2, 0.4, 0.49])
def test_the_contraction_is_what_becomes_of_the_distance(method, rate):
    if method == MOMENTUM:
        rate = {0.01: 0.0001, 0.2: 0.2, 0.4: 0.9, 0.49: 0.94}[rate]
    path = walk(bowl().gradient, (1.0, 0.0), rate, 4000 if method == MOMENTUM else 60, method)
    size = abs(contraction(rate, 4.0, method))
    first, last = (np.abs(path[part, 0]).max() for part in (slice(0, 20), slice(-20, None)))
    assert last / first == pytest.approx(size ** (len(path) - 20), rel=0.5)


@pytest.mark.parametrize("method", [DESCENT, MOMENTUM])
def test_beyond_the_largest_rate_it_blows_up(method):
    limit = largest_rate(4.0, method)
    below, above = (np.abs(walk(bowl().gradient, (1.0, 0.0), rate, 3000, method)[-1, 0])
                    for rate in (0.98 * limit, 1.02 * limit))  # fmt: skip
    assert below < 1e-6 and above > 1e3
    assert abs(contraction(limit, 4.0, method)) == pytest.approx(1)


def test_what_the_syllabus_says_of_the_parabola():
    def after(rate):
        return abs(walk(bowl().gradient, (1.0, 0.0), rate, 100)[-1, 0])

    assert after(0.25) == 0 and after(0.5) == 1
    assert after(0.49) == pytest.approx(0.0169, rel=0.01) and after(0.01) == pytest.approx(0.0169, rel=0.01)
    assert after(0.51) == pytest.approx(50.5, rel=0.01) and after(0.6) > 1e6


def test_small_steps_stay_in_their_well_and_larger_ones_may_leave_it_either_way():
    well = double_well()
    left, right = well.minima

    def end(start, rate):
        return walk(well.gradient, (start, 0.0), rate, 200)[-1]

    assert np.allclose(end(2.0, 0.01), right, atol=0.02) and np.allclose(end(-2.0, 0.01), left, atol=0.02)
    ends = {start: {np.sign(end(start, rate)[0]) for rate in np.arange(0.05, 0.5, 0.01)} for start in (-2.0, 2.0)}
    assert ends[2.0] == ends[-2.0] == {-1, 1}


def test_the_largest_curvature_is_the_hessians():
    x = torch.randn(20, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)

    def loss(w):
        return torch.tanh(x @ w).square().mean()

    w = torch.tensor([0.1, -0.2, 0.1], dtype=torch.float64, requires_grad=True)
    eigenvalues = torch.linalg.eigvalsh(torch.autograd.functional.hessian(loss, w.detach()))
    assert largest_curvature(loss(w), [w], rounds=200) == pytest.approx(eigenvalues.abs().max().item())


# ---- the regression


def test_a_run_is_torchs_gradient_descent():
    x, y = pixel_pairs()
    rows = list(islice(batches(len(x), 64, np.random.default_rng(3)), 30))
    model = torch.nn.Linear(1, 1).double()
    with torch.no_grad():
        model.weight.fill_(START[0]), model.bias.fill_(START[1])
    theirs = torch.optim.SGD(model.parameters(), lr=0.2)
    path = [START]
    for some in rows:
        theirs.zero_grad()
        (((model(x[some, None].double()).squeeze(1) - y[some]) ** 2).mean() / 2).backward()
        theirs.step()
        path.append((model.weight.item(), model.bias.item()))
    run = learn(64, 0.2, 3, 30)
    assert np.allclose(run.path, path, rtol=0, atol=1e-12)
    w, b = path[-1]
    whole = (((w * x.double() + b - y) ** 2).mean() / 2).item()
    assert loss(w, b).item() == pytest.approx(whole) and run.losses[-1] == pytest.approx(whole - loss(*best()).item())


@pytest.mark.parametrize("size", [1, 4096, 100_632])
def test_batches_see_every_sample_once_a_pass_and_keep_the_short_last_one(size):
    x, y = (of.double().numpy() for of in pixel_pairs())
    n, per_pass = len(x), -(-len(x) // size)
    some = min(2 * per_pass, 60)
    drawn = list(islice(batches(n, size, np.random.default_rng(1)), some))
    if some >= per_pass:
        assert np.array_equal(np.sort(np.concatenate(drawn[:per_pass])), np.arange(n))
        assert len(drawn[per_pass - 1]) == n - size * (per_pass - 1)
    found = batch_averages(size, 1, some)
    assert np.allclose(found.xy, [(x[rows] * y[rows]).mean() for rows in drawn], rtol=1e-12)
    assert np.allclose(found.x, [x[rows].mean() for rows in drawn], rtol=1e-12)


def test_the_best_is_least_squares():
    x, y = (of.double().numpy() for of in pixel_pairs())
    assert np.allclose(best(), np.polyfit(x, y, 1)) and len(x) == 100_632
    assert averages().xx.shape == (1,)


def test_a_timed_update_is_one_of_the_run_and_its_cost_is_kept():
    x, y = pixel_pairs()
    w, b = torch.tensor(START[0]), torch.tensor(START[1])
    update(w, b, x, y, rate=0.2)
    assert np.allclose([w, b], learn(len(x), 0.2, 0, 1).path[1], atol=1e-6)
    assert seconds_per_update(16) == seconds_per_update(16) > 0
