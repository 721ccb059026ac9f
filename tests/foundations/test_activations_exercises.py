"""What the exercises of 2.2 promise beyond right answers and known mistakes."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from course_lib.foundations.exercises.activations.common import SLOPE, followed
from course_lib.foundations.exercises.activations.dead_neurons import network, sums
from course_lib.foundations.exercises.activations.planted import Planted
from tests.exercises.verdicts import said, verdict_on

SIGMOID, RELU, DEAD, TANH, CHOICE = (
    f"foundations.activation.{topic}" for topic in ("sigmoid", "relu", "dead-neurons", "tanh", "choice")
)


def by_masks(x):
    y, right = torch.empty_like(x), x >= 0
    y[right] = 1 / (1 + torch.exp(-x[right]))
    share = torch.exp(x[~right])
    y[~right] = share / (1 + share)
    return y


def by_two_wheres(x):
    right = x >= 0
    share = torch.exp(torch.where(right, 0, x))
    return torch.where(right, 1 / (1 + torch.exp(torch.where(right, -x, 0))), share / (1 + share))


def by_the_larger_of_two(x):
    zero = torch.zeros_like(x)
    a, b = torch.exp(torch.minimum(x, zero)), torch.exp(torch.minimum(-x, zero))
    return a / (a + b)


RIGHT = [
    (SIGMOID, "sigmoid", by_masks),
    (SIGMOID, "sigmoid", by_two_wheres),
    (SIGMOID, "sigmoid", by_the_larger_of_two),
    (SIGMOID, "sigmoid", lambda x: 1 / (1 + torch.exp(-torch.clip(x, -80, 80)))),
    (SIGMOID, "sigmoid", lambda x: 1 / (1 + torch.exp((-x).clamp(max=88)))),
    (SIGMOID, "sigmoid", lambda x: torch.exp(-torch.logaddexp(torch.zeros_like(x), -x))),
    (SIGMOID, "dsigmoid_from_output", lambda y: y - y**2),
    (SIGMOID, "dsigmoid_from_output", lambda y: y.numpy() * (1 - y.numpy())),
    (SIGMOID, "dsigmoid", lambda x: by_masks(x) * by_masks(-x)),
    (SIGMOID, "dsigmoid", lambda x: followed(by_masks, x)[SLOPE]),
    (RELU, "relu", lambda x: x.clamp(min=0)),
    (RELU, "relu", lambda x: torch.maximum(x, torch.zeros_like(x))),
    (RELU, "relu", lambda x: x.masked_fill(x < 0, 0)),
    (RELU, "relu", lambda x: np.maximum(x.numpy(), 0)),
    (RELU, "drelu", lambda x: x > 0),
    (RELU, "drelu", lambda x: torch.where(x > 0, 1.0, 0.0)),
    (RELU, "drelu", lambda x: torch.heaviside(x, torch.zeros_like(x))),
    (RELU, "drelu", lambda x: x.sign().clamp(min=0)),
    (TANH, "tanh_from_sigmoid", lambda x: 1 - 2 * torch.sigmoid(-2 * x)),
    (TANH, "tanh_from_sigmoid", lambda x: torch.sigmoid(2 * x) - torch.sigmoid(-2 * x)),
    (TANH, "tanh_from_sigmoid", lambda x: nn.Sigmoid()(x + x) * 2 - 1),
    (TANH, "dtanh_from_output", lambda y: (1 - y) * (1 + y)),
    (TANH, "dtanh", lambda x: 4 * torch.sigmoid(2 * x) * torch.sigmoid(-2 * x)),
    (TANH, "dtanh", lambda x: 1 / x.cosh() ** 2),
    (CHOICE, "leaky_relu", lambda x, slope: torch.maximum(x, slope * x)),
    (CHOICE, "leaky_relu", lambda x, slope: x.clamp(min=0) + slope * x.clamp(max=0)),
    (CHOICE, "leaky_relu", lambda x, slope: torch.relu(x) - slope * torch.relu(-x)),
    (CHOICE, "leaky_relu", lambda x, slope: x * torch.where(x > 0, 1.0, slope)),
    (CHOICE, "elu", lambda x, alpha: x.clamp(min=0) + alpha * torch.expm1(x.clamp(max=0))),
    (CHOICE, "elu", lambda x, alpha: torch.where(x > 0, x, alpha * torch.expm1(torch.where(x > 0, 0, x)))),
]


@pytest.mark.parametrize(("id", "function", "answer"), RIGHT)
def test_right_in_another_way(id, function, answer):
    assert verdict_on(id, **{function: answer}).status == "passed", said(id, **{function: answer})


LIBRARY = [
    (SIGMOID, "sigmoid", torch.sigmoid),
    (SIGMOID, "sigmoid", lambda x: x.clone().sigmoid_()),
    (SIGMOID, "sigmoid", nn.Sigmoid()),
    (SIGMOID, "sigmoid", torch.special.expit),
    (SIGMOID, "sigmoid", torch.ops.aten.sigmoid.default),
    (SIGMOID, "sigmoid", lambda x: F.logsigmoid(x).exp()),
    (SIGMOID, "sigmoid", lambda x: torch.exp(-F.softplus(-x))),
    (SIGMOID, "sigmoid", lambda x: torch.stack([x, 0 * x]).softmax(dim=0)[0]),
    (SIGMOID, "sigmoid", lambda x: (1 + torch.tanh(x / 2)) / 2),
    (SIGMOID, "dsigmoid", lambda x: torch.sigmoid(x) * torch.sigmoid(-x)),
    (RELU, "relu", torch.relu),
    (RELU, "relu", F.relu),
    (RELU, "relu", nn.ReLU()),
    (RELU, "relu", lambda x: x.clone().relu_()),
    (RELU, "relu", lambda x: F.leaky_relu(x, 0)),
    (RELU, "relu", lambda x: F.threshold(x, 0, 0)),
    (RELU, "drelu", lambda x: torch.relu(x).sign()),
    (TANH, "tanh_from_sigmoid", torch.tanh),
    (TANH, "tanh_from_sigmoid", nn.Tanh()),
    (TANH, "tanh_from_sigmoid", lambda x: x - F.tanhshrink(x)),
    (TANH, "dtanh", lambda x: 1 - x.tanh() ** 2),
    (CHOICE, "leaky_relu", F.leaky_relu),
    (CHOICE, "leaky_relu", lambda x, slope: nn.LeakyReLU(slope)(x)),
    (CHOICE, "leaky_relu", lambda x, slope: F.prelu(x, torch.tensor([slope], dtype=x.dtype))),
    (CHOICE, "elu", F.elu),
    (CHOICE, "elu", lambda x, alpha: nn.ELU(alpha)(x)),
    (CHOICE, "elu", lambda x, alpha: torch.where(x > 0, x, alpha * F.celu(x))),
]


@pytest.mark.parametrize(("id", "function", "answer"), LIBRARY)
def test_the_library_is_no_answer(id, function, answer):
    assert verdict_on(id, **{function: answer}).symptom == "library used"


NAIVE = "1 / (1 + exp(-x)) as it stands, where exp overflows for a large negative x"


def test_a_sigmoid_without_autograd_loses_that_part_alone():
    def in_numpy(x):
        return by_masks(x.detach()).numpy()

    verdict = verdict_on(SIGMOID, sigmoid=in_numpy)
    assert verdict.points == 4 and "autograd cannot follow" in said(SIGMOID, sigmoid=in_numpy)


def test_the_plain_formula_is_right_until_autograd_comes_back():
    def naive(x):
        return 1 / (1 + torch.exp(-x))

    verdict = verdict_on(SIGMOID, sigmoid=naive)
    assert verdict.mistake.name == NAIVE and verdict.points == 4
    assert "your slope found by autograd[0] is NaN" in said(SIGMOID, sigmoid=naive)


@pytest.mark.parametrize("power", [math.exp, lambda x: float(np.exp(x, dtype=np.float64))])
def test_number_by_number_is_refused(power):
    def with_math(x):
        return torch.tensor([1 / (1 + power(-number)) for number in x.flatten().tolist()]).reshape(x.shape)

    assert verdict_on(SIGMOID, sigmoid=with_math).points <= 4


@pytest.mark.parametrize("end", [30, 40, 50, 60])
def test_a_clamp_that_comes_early_is_recognised(end):
    def early(x):
        return 1 / (1 + torch.exp(-x.clamp(-end, end)))

    verdict = verdict_on(SIGMOID, sigmoid=early, dsigmoid=lambda x: early(x) * (1 - early(x)))
    names = [finding.mistake and finding.mistake.name for finding in verdict.findings]
    assert verdict.points == 3 and names[0].startswith("a clamp that comes early")
    assert names[1] == "the slope of a sigmoid whose clamp comes early"


def test_a_detour_through_float32_is_seen():
    assert verdict_on(SIGMOID, sigmoid=lambda x: by_masks(x.float())).points == 4
    assert verdict_on(TANH, tanh_from_sigmoid=lambda x: 2 * torch.sigmoid(2 * x.float()) - 1).points == 3


def test_inputs_stay_as_they_are():
    def in_place(y):
        return y.mul_(1 - y)

    assert "It changes y in place" in said(SIGMOID, dsigmoid_from_output=in_place)


def test_a_slope_by_autograd_has_the_convention_of_what_it_went_through():
    verdict = verdict_on(RELU, drelu=lambda x: followed(lambda x: x.clamp(min=0), x)[SLOPE])
    assert verdict.mistake.name == "a slope of 1 at 0"


def every_output(model, data):
    """What the ReLU layers give for all of the data, read by hooks that are removed."""
    found, handles = {}, []
    for layer in model:
        if isinstance(layer, nn.ReLU):
            found[layer] = []
            handles.append(layer.register_forward_hook(lambda layer, _, output: found[layer].append(output)))
    for x in data:
        model(x)
    for handle in handles:
        handle.remove()
    return [torch.cat(outputs) for outputs in found.values()]


def once_on(model, data):
    on = None
    for x in data:
        fired = [output.any(dim=0) for output in every_output(model, [x])]
        on = fired if on is None else [a | b for a, b in zip(on, fired, strict=True)]
    return [~mask for mask in on]


@pytest.mark.parametrize(
    "dead_units",
    [
        once_on,
        lambda model, data: [(output == 0).all(dim=0) for output in every_output(model, data)],
        lambda model, data: tuple(~output.bool().any(dim=0).numpy() for output in every_output(model, data)),
        lambda model, data: [(output.sum(dim=0) == 0).tolist() for output in every_output(model, data)],
    ],
)
def test_there_is_more_than_one_way_to_find_the_dead(dead_units):
    assert verdict_on(DEAD, dead_units=dead_units).status == "passed", said(DEAD, dead_units=dead_units)


def test_masks_are_told_from_counts_and_numbers():
    def as_numbers(model, data):
        return [(output.sum(dim=0) == 0).float() for output in every_output(model, data)]

    def alone(model, data):
        return as_numbers(model, data)[0]

    assert "a mask holds True and False, and this one holds float32" in said(DEAD, dead_units=as_numbers)
    assert "should return a list of masks, and returned a Tensor" in said(DEAD, dead_units=alone)
    none = said(DEAD, dead_units=lambda model, data: [])
    assert "your list has 0 masks, wanted 1: the model has one nn.ReLU." in none
    assert "Does it end in `return`?" in said(DEAD, dead_units=lambda model, data: None)


def test_a_mask_too_many_is_told_by_its_layer():
    def of_every_activation(model, data):
        masks, x = [], torch.cat(data)
        for layer in model:
            x = layer(x)
            if not isinstance(layer, nn.Linear):
                masks.append((x <= 0).all(dim=0))
        return masks

    told = said(DEAD, dead_units=of_every_activation)
    assert "your list has 2 masks, wanted 1: the model has one nn.ReLU. Which layer did the other come from?" in told
    assert "It behaves like a mask for every activation, Tanh included." in told


def test_a_unit_without_a_gradient_need_not_be_dead():
    """A unit is on, and what listens to it is dead: its weights get no gradient, yet it is not dead itself."""

    def by_gradient(model, data):
        total = sum(model(x).square().sum() for x in data)
        total.backward()
        pairs = zip(model, list(model)[1:], strict=False)
        return [layer.bias.grad == 0 for layer, after in pairs if isinstance(after, nn.ReLU)]

    assert verdict_on(DEAD, dead_units=by_gradient).points < 3


@pytest.mark.parametrize("seed", range(20))
def test_the_planted_units_are_what_they_are_called(seed):
    rng = np.random.default_rng(seed)
    planted = Planted(rng, (6, 6, 5), 4)
    layer, kinds = planted.first()
    second = planted.second(kinds)
    output = (torch.ones(1, 5), torch.zeros(1))
    first_sums, second_sums = sums(network(["ReLU", "ReLU"], [layer, second, output]), planted.batches)
    fired = (first_sums > 0).sum(dim=0).tolist()
    for kind, times in zip(kinds, fired, strict=True):
        assert {"rare": times == 1, "dead": times == 0, "healthy": times >= 1}[kind]
    assert sorted((second_sums > 0).sum(dim=0).tolist()) == [0, 0, 1, 3, 17]
