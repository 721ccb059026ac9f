"""The network playground: a training that is a function of its state, and pictures that tell the truth about it."""

import numpy as np
import pytest
import torch
from torch import nn

from course_lib.foundations.explorers.playground import PlaygroundExplorer
from course_lib.foundations.playground import BATCH, FEATURES, POINTS, Setting, Training

MOONS = Setting("moons", 0.1, (), ("x", "y"), (5, 4), "tanh", "Adam", 0.03, 0.01, 3)


def looked(**state):
    explorer = PlaygroundExplorer(**state)
    explorer.look()
    return explorer


@pytest.mark.parametrize("method, decay", [("SGD", 0.0), ("SGD", 0.1), ("Adam", 0.0)])
def test_it_trains_as_bare_torch_does(method, decay):
    ours = Training(Setting("moons", 0.1, (), ("x", "y", "xy"), (4,), "ReLU", method, 0.1, decay, 0))
    bare = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
    bare.load_state_dict(dict(zip(bare.state_dict(), ours.model.state_dict().values(), strict=True)))
    optimizer = {"SGD": torch.optim.SGD, "Adam": torch.optim.Adam}[method](bare.parameters(), lr=0.1)
    ours.go_to(30)
    for batch, loss in zip(ours.batches[:30], ours.losses, strict=True):
        x, y = ours.points[batch], ours.labels[batch]
        x = torch.stack([x[:, 0], x[:, 1], x[:, 0] * x[:, 1]], dim=1)
        expected = nn.functional.binary_cross_entropy_with_logits(bare(x)[:, 0], y)
        assert loss == pytest.approx(expected.item(), abs=1e-5)
        optimizer.zero_grad()
        (expected + decay / 2 * sum((layer.weight**2).sum() for layer in bare[::2])).backward()
        optimizer.step()
    for one, other in zip(ours.model.parameters(), bare.parameters(), strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)


def test_a_slider_drawn_back_shows_what_it_showed():
    there_and_back, straight = Training(MOONS), Training(MOONS)
    there_and_back.go_to(320)
    for step in (130, 40, 205):
        there_and_back.go_to(step)
    straight.go_to(205)
    for one, other in zip(there_and_back.model.parameters(), straight.model.parameters(), strict=True):
        assert torch.equal(one, other)
    assert there_and_back.losses == straight.losses and there_and_back.test_losses == straight.test_losses


def test_all_points_are_learned_from_and_unseen_ones_are_not():
    training = Training(MOONS)
    assert training.batches.shape[1] == BATCH and set(training.batches.ravel().tolist()) == set(range(POINTS))
    assert not (training.points[:, None] == training.test_points).all(dim=2).any()


def test_randomness_outside_goes_on_as_if_nothing_had_been():
    before = torch.get_rng_state()
    looked(step=5)
    assert torch.equal(before, torch.get_rng_state())


def test_the_map_is_the_networks_answer_and_the_tiles_are_its_units():
    explorer = looked(data="xor", step=40, seed=2)
    (W1, b1), (W2, b2) = explorer.parameters()
    training = Training(explorer.setting())
    hidden = torch.tanh(training.points @ W1.T + b1)
    logits = hidden @ W2.T + b2
    assert np.array_equal(explorer.data["wrong"], ((logits[:, 0] >= 0) != (training.labels == 1)).numpy())
    corner = torch.tensor([[-1.2 * (1 - 1 / 72), 1.2 * (1 - 1 / 72)]])  # the middle of the upper left cell
    answer = (torch.tanh(corner @ W1.T + b1) @ W2.T + b2).sigmoid()
    assert explorer.data["answer"][0, 0] == pytest.approx(answer.item(), abs=1e-5)
    tiles = explorer.data["maps"][1]
    assert np.abs(tiles).max(axis=(1, 2)) == pytest.approx(np.ones(3))
    assert np.sign(tiles[:, 0, 0]).tolist() == torch.tanh(corner @ W1.T + b1)[0].sign().tolist()


def test_the_boundary_lies_where_the_answer_is_a_half():
    explorer = looked(data="blobs", layers=0, step=100)
    (W, b), = explorer.parameters()
    segments = explorer.canvas.artists["boundary"].get_segments()
    assert segments
    logits = torch.tensor(np.concatenate(segments)).float() @ W.T + b
    assert logits.abs().max() < 0.1


def test_gradients_are_those_of_the_loss_on_all_points():
    explorer = looked(data="moons", edges="gradients", step=20)
    training = Training(explorer.setting())
    training.go_to(20)
    loss = nn.functional.binary_cross_entropy_with_logits(training.model(training.inputs)[:, 0], training.labels)
    training.model.zero_grad()
    loss.backward()
    first = training.model.layers[0]
    norm = torch.cat([first.weight.grad.ravel(), first.bias.grad]).norm()
    assert explorer.data["gradient_norms"][0] == pytest.approx(norm.item(), rel=1e-5)
    most = max(layer.weight.grad.abs().max() for layer in training.model.layers)
    assert explorer.data["strengths"][0] == pytest.approx((first.weight.grad / most).numpy(), abs=1e-6)


def test_dead_units_are_those_that_no_point_moves():
    explorer = looked(activation="ReLU", learning_rate="10", data="circles", units=6, step=40)
    (dead,) = explorer.data["dead"]
    (W, b), _ = explorer.parameters()
    silent = (Training(explorer.setting()).points @ W.T + b <= 0).all(dim=0)
    assert dead.any() and np.array_equal(dead, silent.numpy())
    assert "they are dead" in explorer.status


@pytest.mark.parametrize(
    "quest, state",
    [
        ("xor", {"data": "xor", "units": 4, "noise": 0.0, "step": 1500, "learning_rate": "1", "seed": 1}),
        ("straight", {"layers": 3, "activation": "none", "step": 500}),
        ("dead", {"activation": "ReLU", "learning_rate": "10", "units": 6, "step": 40}),
    ],
)
def test_quests_can_be_fulfilled_and_are_not_at_the_start(quest, state):
    test = {quest.id: quest.test for quest in PlaygroundExplorer.quests}[quest]
    assert test(looked(**state).data) and not test(looked().data)


def test_clicks_set_points_of_either_class():
    explorer = looked(data="none")
    assert "click into the plane" in explorer.status
    plane = explorer.canvas.artists["plane"]
    explorer.set(**explorer.clicked(plane, 0.5, -0.25, False))
    explorer.set(**explorer.clicked(plane, -0.5, 0.25, True))
    assert explorer.state()["own"] == "0.50 -0.25 1; -0.50 0.25 0"
    assert explorer.data["own"].all() and explorer.data["labels"].tolist() == [1, 0]
    explorer.set(step=60)
    assert not explorer.data["wrong"].any()
    assert explorer.clicked(explorer.canvas.artists["losses"], 0, 0, False) == {}


def test_a_click_falls_where_the_picture_shows_it():
    explorer = looked(data="none")
    explorer._pressed(x=716 / 880, y=186 / 436, other=False)  # the middle of the plane, as it is drawn
    assert explorer.state()["own"] == "0.00 0.00 1"
    for x, y in ((0.1, 0.5), (0.8, 0.92)):  # the network, the losses
        explorer._pressed(x=x, y=y, other=False)
    assert explorer.state()["own"] == "0.00 0.00 1"


def test_the_learners_forward_draws_the_map():
    def right(x, params, act):
        for n, (W, b) in enumerate(params, 1):
            x = x @ W.T + b
            x = act(x) if n < len(params) else x
        return x

    explorer = PlaygroundExplorer(learner=right, step=50)
    explorer.look()
    assert "gives the network's own numbers" in explorer.status
    explorer = PlaygroundExplorer(learner=lambda x, params, act: right(x, params, act) + 0.5, step=50)
    explorer.look()
    assert "is off by up to 0.5" in explorer.status
    explorer = PlaygroundExplorer(learner=lambda x, params, act: None, step=50)
    explorer.look()
    assert "your" not in explorer.status
    explorer = PlaygroundExplorer(learner=lambda x, params, act: x)
    assert explorer.view and "returned shape" in explorer.notice


def test_every_feature_is_what_its_name_says():
    points = torch.tensor([[0.5, -0.25]])
    values = {name: feature(points).item() for name, feature in FEATURES.items()}
    assert values == pytest.approx({"x": 0.5, "y": -0.25, "x²": 0.25, "y²": 0.0625, "xy": -0.125, "sin πx": 1.0,
                                    "sin πy": -(0.5**0.5)}, abs=1e-6)  # fmt: skip
