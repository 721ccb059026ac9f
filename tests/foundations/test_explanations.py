"""Explanations of one answer, and the test that they can fail."""

import pytest
import torch
from torch import nn

from course_lib.foundations.digit_reader import digit_reader, shuffled_digits
from course_lib.foundations.explanations import (
    METHODS,
    deletion,
    gradient,
    gradient_times_input,
    occluded,
    surrogate,
    target_logit,
)

ADDS = ("gradient × input", "occlusion", "surrogate")  # of a linear model they are what each pixel adds


def linear():
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(12, 3)).eval()


def pictures():
    drawn = torch.Generator().manual_seed(1)
    return torch.rand(4, 1, 3, 4, generator=drawn), torch.tensor([0, 2, 1, 2])


@pytest.mark.parametrize("name", ADDS)
def test_of_a_linear_model_it_is_what_each_pixel_adds(name):
    model, (x, target) = linear(), pictures()
    adds = model[1].weight[target].reshape(x.shape)[:, 0] * x[:, 0]
    tolerance = 0.02 if name == "surrogate" else 1e-5  # its ridge draws towards 0
    assert torch.allclose(METHODS[name](model, x, target), adds, atol=tolerance)


def test_the_gradient_is_the_row_of_weights_and_leaves_nothing_behind():
    model, (x, target) = linear(), pictures()
    assert torch.equal(gradient(model, x, target).flatten(1), model[1].weight[target])
    assert all(weight.grad is None for weight in model.parameters()) and not x.requires_grad


def test_a_square_covers_its_neighbours_and_ends_at_the_border():
    model = nn.Sequential(nn.Flatten(), nn.Linear(3, 1, bias=False))
    nn.init.ones_(model[1].weight)
    x, target = torch.tensor([[[[1.0, 2.0, 3.0]]]]), torch.tensor([0])
    assert occluded(model, x, target, patch=3).tolist() == [[[3, 6, 5]]]
    assert occluded(model, x, target).tolist() == [[[1, 2, 3]]]


@pytest.mark.parametrize("name", METHODS)
def test_a_map_has_a_number_for_each_pixel_and_comes_again(name):
    reader, x = digit_reader(0), shuffled_digits().test_x[:5]
    target = shuffled_digits().test_y[:5]
    state = torch.get_rng_state()
    made = METHODS[name](reader, x, target)
    assert made.shape == (5, 8, 8) and not made.requires_grad
    assert torch.equal(made, METHODS[name](reader, x, target)) and torch.equal(torch.get_rng_state(), state)


def test_deletion_takes_the_largest_first():
    model, (x, target) = linear(), pictures()
    maps = gradient_times_input(model, x, target)
    logits = deletion(model, x, target, maps, (0, 1, 12))
    assert torch.allclose(logits[0], target_logit(model, x, target))
    assert torch.allclose(logits[1], logits[0] - maps.flatten(1).amax(dim=1), atol=1e-5)
    assert torch.allclose(logits[2], model[1].bias[target], atol=1e-6)


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow), pytest.param(2, marks=pytest.mark.slow)])
def test_which_explanations_pass(seed):
    reader, x = digit_reader(seed), shuffled_digits().test_x[:200]
    with torch.no_grad():
        target = reader(x).argmax(dim=1)
    fall = {}
    for name, method in METHODS.items():
        whole, without = deletion(reader, x, target, method(reader, x, target), (0, 6)).mean(dim=1)
        fall[name] = (whole - without).item()
    assert min(fall[name] for name in ADDS) > 2 * fall["|gradient|"] > 2 * fall["at random"]
    assert fall["gradient × input"] > 4 * fall["at random"]


def test_the_surrogate_only_asks():
    """It works on what has no gradient."""

    def votes(x):
        return torch.stack([x.sum(dim=(1, 2, 3)).round(), torch.zeros(len(x))], dim=1)

    made = surrogate(votes, torch.ones(1, 1, 2, 2), torch.tensor([0]))
    assert torch.allclose(made, torch.ones(1, 2, 2), atol=0.05)
