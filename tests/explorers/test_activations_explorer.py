"""The two explorers of section 2.2: activation functions, and the units that they let die."""

import numpy as np
import pytest
import torch
from torch import nn

from course_lib.explorers import LearnerError
from course_lib.figures.dead_units import BINS, UNITS, Z
from course_lib.foundations.activations import ACTIVATIONS, signal_through
from course_lib.foundations.dead_units import Setting, Training
from course_lib.foundations.explorers.activations import (
    LEFT,
    ActivationExplorer,
    activation_prediction,
    kindest,
    opening_state,
    shares,
)
from course_lib.foundations.explorers.dead_units import (
    DeadUnitsExplorer,
    hinges,
    histogram,
    sequential,
)


def seen(kind, **settings):
    explorer = kind(**settings)
    explorer.look()
    return explorer


# ---- activation functions ---------------------------------------------------------------------------------------


def test_it_shows_the_chosen_function_in_a_real_network():
    data = seen(ActivationExplorer, function="GELU", depth=7, gain=1.6, scale=2.0, shift=0.5, seed=4).data
    x = torch.from_numpy(data["x"])
    through = signal_through(7, nn.functional.gelu, gain=1.6, scale=2.0, shift=0.5, seed=4)
    assert np.array_equal(data["f"], nn.functional.gelu(x).numpy())
    assert np.array_equal(data["gradient"], through.gradient.numpy())
    assert data["left"]["GELU"] == (through.signal[-1].item(), through.gradient[0].item())
    assert list(data["left"]) == list(ACTIVATIONS) and data["yours"] is None


def test_a_histogram_loses_no_value():
    values = torch.tensor([-9.0, -1.0, -0.9, 0.0, 1.0, 2.4, 2.6, 7.0])
    inside, (below, above) = shares(values, (-1.5, 2.5), 4)
    assert inside.tolist() == [0.25, 0.125, 0.125, 0.125] and (below, above) == (0.125, 0.25)
    for state in ({}, {"function": "ReLU", "gain": 6.0, "depth": 30}, {"shift": -6.0, "function": "ReLU"}):
        data = seen(ActivationExplorer, **state).data
        for kept, beyond in zip((data["into"], data["out"]), data["beyond"], strict=True):
            assert kept.sum() + sum(beyond) == pytest.approx(1)


def test_the_kindest_strays_least_from_one_where_it_strays_most():
    assert kindest({"a": (1e-3, 1.0), "b": (0.1, 9.0), "c": (1e3, 1e3), "d": (0.0, 0.0)}) == "b"
    assert kindest({"a": (1e-4, 1e-4), "b": (0.9, 1e5)}) == "a"  # both far off beats one further off
    assert "Of the seven, tanh strays least from 1" in seen(ActivationExplorer, depth=30, gain=3.0).status


def test_the_prediction_is_open_where_it_is_asked():
    prediction = activation_prediction()
    opened = seen(ActivationExplorer, **opening_state())
    assert prediction.result(opened.data) != prediction.result(
        seen(ActivationExplorer, **opening_state() | prediction.then).data
    )
    for seed in range(10):
        state = opening_state() | prediction.then | {"seed": seed}
        assert prediction.result(seen(ActivationExplorer, **state).data) == LEFT[2]


def your_elu(x):
    return torch.where(x > 0, x, x.clamp(max=0).exp() - 1)


@pytest.mark.parametrize(
    "function, learner, sentence",
    [
        ("ELU", your_elu, "Yours is ELU here, slope included."),
        ("sigmoid", lambda x: 1 / (1 + (-x).exp()), "Yours is sigmoid here, slope included."),
        ("tanh", lambda x: 2 * (2 * x).sigmoid() - 1, "Yours is tanh here, slope included."),
        ("tanh", lambda x: 2 * x.sigmoid() - 1, "Yours differs from tanh by up to 0.3"),
        ("ReLU", lambda x: x.clamp(min=0).clamp(max=5), "Yours differs from ReLU by up to 1, at x = 6.00."),
        ("ELU", lambda x: torch.where(x > 0, x, (200 * x).exp() - 1), "The slope of yours is not finite at x = 3.55."),
        ("ReLU", lambda x: x.relu().detach() + 0 * x, "The slope of yours differs from that of ReLU by up to 1"),
    ],
)
def test_the_learners_function_stands_beside_the_chosen_one(function, learner, sentence):
    explorer = seen(ActivationExplorer, function=function, learner=learner, depth=3)
    assert sentence in explorer.status and explorer.png()
    assert list(explorer.data["left"])[-1] == "yours"


def test_the_learners_function_is_measured_in_the_same_network():
    data = seen(ActivationExplorer, function="ELU", learner=your_elu, depth=12, gain=1.5).data
    assert data["yours"]["gradient"] == pytest.approx(data["gradient"])
    assert data["left"]["yours"] == pytest.approx(data["left"]["ELU"])


def test_a_function_that_is_not_started_is_no_error():
    for stub in (lambda x: None, lambda x: ...):
        explorer = ActivationExplorer(learner=stub)
        assert explorer.view and "Your function is not started." in explorer.status and not explorer.notice


@pytest.mark.parametrize(
    "learner, message",
    [
        (lambda x: x.sum(), r"of the shape it was given, \(241,\); it returned torch.float64 \(\)"),
        (lambda x: x > 0, r"must return a float tensor .* it returned torch.bool"),
        (lambda x: x.detach().relu(), "has no gradient"),
        (lambda x: x.detach().numpy(), "it returned ndarray"),
        (lambda x: 1 / 0, "Your function raised ZeroDivisionError"),
    ],
)
def test_a_function_that_fails_is_shown_as_the_learners(learner, message):
    with pytest.raises(LearnerError, match=message):
        ActivationExplorer(learner=learner).look()


def test_a_function_may_work_in_place():
    def in_place(x):
        x[x < 0] = 0
        return x

    explorer = seen(ActivationExplorer, function="ReLU", learner=in_place, depth=6)
    assert explorer.data["left"]["yours"] == pytest.approx(explorer.data["left"]["ReLU"])


# ---- dead units -------------------------------------------------------------------------------------------------


def test_it_shows_the_training_at_its_step():
    data = seen(DeadUnitsExplorer, step=30, learning_rate=0.5, shift=-1.0, layer="layer 1", at=20, seed=3).data
    steps = Training(Setting(learning_rate=0.5, shift=-1.0, shifted=1, at=20, seed=3)).upto(30)
    assert data["losses"] == pytest.approx([step.loss for step in steps])
    assert np.array_equal(data["dead"], np.stack([dead.numpy() for dead in steps[-1].dead]))
    assert data["shares"].shape == (31, 2) and data["shares"][20, 0] > data["shares"][19, 0]
    model = sequential(steps[-1])
    x = torch.from_numpy(data["points"])
    loss = nn.functional.binary_cross_entropy_with_logits(model(x)[:, 0], torch.from_numpy(data["classes"]))
    loss.backward()
    assert loss.item() == pytest.approx(steps[-1].loss, abs=1e-5)
    for norms, layer in zip(data["gradients"], (model[0], model[2]), strict=True):
        both = torch.cat([layer.weight.grad, layer.bias.grad[:, None]], dim=1)
        assert np.allclose(norms, both.norm(dim=1).numpy(), atol=1e-6)


def test_a_dead_unit_gets_no_gradient_and_its_line_has_left_the_points():
    explorer = seen(DeadUnitsExplorer, step=60, shift=-1.0, layer="layer 1", seed=1)
    data = explorer.data
    assert data["dead"][0].any() and not data["gradients"][data["dead"]].any()
    for (one, other), dead in zip(data["hinges"], data["dead"][0], strict=True):
        normal = np.array([one[1] - other[1], other[0] - one[0]])
        sides = np.sign((data["points"] - one) @ normal)
        assert not dead or len(set(sides)) == 1


def test_a_hinge_is_where_the_unit_takes_in_zero():
    W, b = torch.tensor([[1.0, 2.0], [-3.0, 0.5]]), torch.tensor([0.5, -1.0])
    ends = torch.from_numpy(hinges(W, b))
    assert torch.allclose((ends * W[:, None]).sum(-1) + b[:, None], torch.zeros(2, 2), atol=1e-5)


def test_the_histogram_of_each_unit_holds_every_point():
    z = torch.tensor([[-99.0, 0.05], [0.05, 0.05], [3.99, -0.05], [99.0, float("1e30")]])
    counts = histogram(z)
    assert counts.shape == (BINS, 2) and counts.sum(axis=0).tolist() == [1, 1]
    assert counts[0].tolist() == [0.5, 0.25] and counts[-1].tolist() == [0.25, 0]
    assert counts[BINS // 2 - 1, 1] == 0.5 and counts[BINS // 2, 1] == 0.25 and Z == 4


def test_a_training_that_blew_up_is_said():
    explorer = DeadUnitsExplorer(step=200)
    broken = {"plane": "xor", "activation": "GELU", "learning_rate": 6.0, "shift": 4.0, "at": 0}
    for seed in range(10):
        explorer.set(seed=seed, **broken)
        assert np.isfinite(explorer.data["losses"]).all() and explorer.png()
        said = "the training blew up" in explorer.status
        assert said == (explorer.data["step"] < 200)


def find_dead(model, batches):
    masks, x = [], torch.cat(list(batches))
    for module in model:
        x = module(x)
        if isinstance(module, nn.ReLU):
            masks.append((x == 0).all(dim=0))
    return masks


def test_the_learners_count_stands_beside_ours():
    explorer = seen(DeadUnitsExplorer, step=40, learner=find_dead)
    assert "Your dead_units finds the same." in explorer.status
    assert np.array_equal(explorer.data["yours"], explorer.data["dead"])
    one_batch = seen(DeadUnitsExplorer, step=40, learner=lambda model, batches: find_dead(model, batches[:1]))
    assert "Your dead_units differs at" in one_batch.status and one_batch.png() != explorer.png()
    assert "dead_units" not in seen(DeadUnitsExplorer, activation="tanh", learner=find_dead).status
    for stub in (lambda *_: None, lambda *_: ...):
        assert "Your dead_units is not started." in seen(DeadUnitsExplorer, learner=stub).status


@pytest.mark.parametrize(
    "learner, message",
    [
        (lambda model, batches: find_dead(model, batches)[0], "must return a list of 2 masks, .* not a Tensor"),
        (lambda model, batches: find_dead(model, batches)[:1], "not 1 of them"),
        (lambda model, batches: [mask.float() for mask in find_dead(model, batches)], r"is torch.float32 \(16,\)"),
        (lambda model, batches: 1 / 0, "Your dead_units raised ZeroDivisionError"),
    ],
)
def test_a_count_that_fails_is_shown_as_the_learners(learner, message):
    with pytest.raises(LearnerError, match=message):
        DeadUnitsExplorer(learner=learner).look()


def test_a_count_that_writes_into_the_network_does_no_harm():
    def careless(model, batches):
        found = find_dead(model, batches)
        with torch.no_grad():
            for parameter in [*model.parameters(), *batches]:
                parameter.zero_()
        return found

    before = seen(DeadUnitsExplorer, step=25).data
    seen(DeadUnitsExplorer, step=25, learner=careless)
    after = seen(DeadUnitsExplorer, step=25).data
    assert np.array_equal(before["losses"], after["losses"]) and np.array_equal(before["answer"], after["answer"])


# ---- quests -----------------------------------------------------------------------------------------------------

QUESTS = [
    (ActivationExplorer, "sigmoid", [{"depth": 20, "gain": 6.0}]),
    (ActivationExplorer, "explode", [{"function": "ReLU", "depth": 20, "gain": 3.0}]),
    (ActivationExplorer, "saturate", [{"function": "tanh", "depth": 3, "shift": 5.0}]),
    # large steps are chaotic, and may end otherwise on another machine: one of several seeds will do
    (DeadUnitsExplorer, "kill", [{"shift": 0.0, "learning_rate": 6.0, "step": 200, "seed": seed} for seed in range(5)]),
    (DeadUnitsExplorer, "back", [{"learning_rate": 1.0, "step": 200, "seed": seed} for seed in range(9)]),
    (DeadUnitsExplorer, "starve", [{"shift": -4.0, "step": 30}]),
]


@pytest.mark.parametrize("kind, quest, states", QUESTS, ids=[quest for _, quest, _ in QUESTS])
def test_every_quest_can_be_done(kind, quest, states):
    explorer = kind()
    for state in states:
        explorer.set(**state)
    assert quest in explorer.done


def test_every_quest_has_a_way_shown_above():
    for kind in (ActivationExplorer, DeadUnitsExplorer):
        assert {quest.id for quest in kind.quests} == {quest for shown, quest, _ in QUESTS if shown is kind}


def test_each_layer_has_a_column_for_every_unit():
    data = seen(DeadUnitsExplorer).data
    assert [into.shape for into in data["into"]] == [(BINS, UNITS)] * 2 and data["gradients"].shape == (2, UNITS)
