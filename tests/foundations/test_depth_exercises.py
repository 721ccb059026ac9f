"""What the exercises of 2.6 promise beyond right answers and known mistakes."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from course_lib.exercises import get
from course_lib.foundations.exercises.depth.pieces import SHORTEST, SMALLEST, kinks, pieces, relu_network
from tests.exercises.verdicts import right_functions, said, verdict_on

PIECES, PROBE, PARAMETERS, SHAPES = (
    f"foundations.{topic}" for topic in ("deep-learning", "hierarchy", "shallow-limits", "applications")
)


def assert_passes(id: str, **functions) -> None:
    """Full marks; else what is said is the message."""
    assert verdict_on(id, **functions).status == "passed", said(id, **functions)


# ------------------------------------------------------------------------------------------------ pieces of a curve


def slopes_by_autograd(net, lo, hi):
    cells = 40_000
    x = lo + (hi - lo) * (torch.arange(cells, dtype=torch.float64) + 0.5) / cells
    x = x.unsqueeze(1).requires_grad_()
    (slopes,) = torch.autograd.grad(net(x).sum(), x, materialize_grads=True)
    return (slopes.diff(dim=0).abs() > 1e-3).sum() + 1


@torch.no_grad()
def lines_between_points(net, lo, hi):
    """A kink lies where two lines of the grid differ; neighbouring differences are one kink."""
    x = np.linspace(lo, hi, 60_001)
    y = net(torch.from_numpy(x).unsqueeze(1)).squeeze(1).numpy()
    bent = np.abs(np.diff(np.diff(y) / np.diff(x))) > 1e-3
    return 1 + int(np.sum(bent[1:] & ~bent[:-1]) + bent[0])


@pytest.mark.parametrize("count_pieces", [slopes_by_autograd, lines_between_points])
def test_a_grid_that_is_fine_enough_is_right(count_pieces):
    assert_passes(PIECES, count_pieces=count_pieces)


@pytest.mark.parametrize("seed", range(5))
def test_no_piece_is_shorter_and_no_kink_flatter_than_promised(seed):
    for case in pieces.cases(seed):
        layers, lo, hi = case.inputs
        x, change = kinks(relu_network(layers), lo, hi)
        assert len(x) + 1 == case.expected
        assert (change.abs() >= SMALLEST).all()
        assert (torch.cat([torch.tensor([lo]), x, torch.tensor([hi])]).diff() >= SHORTEST * (hi - lo)).all()


def test_a_count_of_mere_patterns_is_told_by_hand():
    known = next(known for known in get(PIECES).mistakes if "whether or not" in known.name)
    assert "ReLU(x) - ReLU(-x), from -1 to 2: your count came out as 2, wanted 1" in said(
        PIECES, count_pieces=known.run
    )


# ---------------------------------------------------------------------------------------------------- linear probes


def pooled(h):
    return h.amax(dim=(2, 3)) if h.ndim == 4 else h


def by_hooks_and_gradient_descent(model, x, y):
    model.requires_grad_(False)
    seen = [x]
    handles = [
        layer.register_forward_hook(lambda module, inputs, output: seen.append(output))
        for layer in model.modules()
        if isinstance(layer, nn.ReLU)
    ]
    model(x)
    for handle in handles:
        handle.remove()
    return np.array([descended(pooled(h), y) for h in seen])


def descended(h, y):
    fit, held = torch.arange(len(y)) % 2 == 0, torch.arange(len(y)) % 2 == 1
    h = (h - h[fit].mean(dim=0)) / (h[fit].std(dim=0) + 1e-6)
    weight = torch.zeros(h.shape[1] + 1, int(y.max()) + 1, requires_grad=True)
    h = torch.cat([h, torch.ones(len(h), 1)], dim=1)
    for _ in range(150):
        (slope,) = torch.autograd.grad(F.cross_entropy(h[fit] @ weight, y[fit]), weight)
        weight.data -= 0.5 * slope
    return ((h[held] @ weight).argmax(dim=1) == y[held]).float().mean().item()


def by_scikit_learn(model, x, y):
    from sklearn.linear_model import LogisticRegression

    half, accuracies = len(x) // 2, []
    with torch.no_grad():
        for layer in [nn.Identity(), *model]:
            x = layer(x)
            if isinstance(layer, (nn.Identity, nn.ReLU)):
                h = pooled(x).numpy()
                accuracies.append(LogisticRegression(max_iter=500).fit(h[:half], y[:half]).score(h[half:], y[half:]))
    return accuracies


@pytest.mark.parametrize("layer_probe", [by_hooks_and_gradient_descent, by_scikit_learn])
@pytest.mark.parametrize("seed", [0, 5])
def test_any_linear_probe_will_do(layer_probe, seed):
    assert verdict_on(PROBE, seed=seed, layer_probe=layer_probe).status == "passed", said(
        PROBE, layer_probe=layer_probe
    )


def test_who_changes_the_model_loses_one_point():
    right = right_functions(PROBE)["layer_probe"]

    def switched(model, x, y):
        accuracies = right(model, x, y)
        nn.init.zeros_(model[0].weight)
        return accuracies

    assert verdict_on(PROBE, layer_probe=switched).points == 4
    assert "wanted, and not so: the model's parameters and buffers are as before" in said(PROBE, layer_probe=switched)


def test_a_missing_accuracy_is_told_by_number():
    right = right_functions(PROBE)["layer_probe"]
    words = said(PROBE, layer_probe=lambda *inputs: right(*inputs)[:-1])
    assert "x and 1 ReLU make 2 accuracies, and there are 1" in words


# ------------------------------------------------------------------------------------------------ parameters, shapes


def test_parameters_may_be_counted_in_pytorchs_layers():
    def counted(layer):
        return np.sum([parameter.numel() for parameter in layer.parameters()])

    assert_passes(
        PARAMETERS,
        dense_params=lambda side, channels, hidden: counted(nn.Linear(channels * side * side, hidden, device="meta")),
        conv_params=lambda c_in, c_out, k: torch.tensor((c_in * k * k + 1) * c_out),
    )


def test_a_shape_may_be_that_of_a_tensor():
    right = right_functions(SHAPES)
    assert_passes(
        SHAPES,
        output_shape=lambda *inputs: torch.empty(right["output_shape"](*inputs), device="meta").shape,
        input_shape=lambda *inputs: list(map(np.int64, right["input_shape"](*inputs))),
    )


def test_a_shape_that_is_none_is_told():
    assert "Does it end in `return`?" in said(SHAPES, output_shape=lambda *inputs: None)
    assert "'float' object cannot be interpreted as an integer" in said(
        SHAPES, output_shape=lambda task, n, c, h, w, options: (n, c / 1, h, w)
    )
    assert "your shape is (2, 3, 8, 10), wanted (2, 5)" in said(SHAPES, output_shape=lambda task, *sizes: sizes[:4])
