"""The perceptron in the plane: a training that is a function of its state, and a picture that tells the truth."""

import math

import numpy as np
import pytest
import torch

from course_lib.figures.perceptron import EDGE
from course_lib.foundations.explorers.perceptron import (
    HELD,
    RATES,
    SETTLES,
    PerceptronExplorer,
    outlier_prediction,
    outlier_state,
)


def looked(**state):
    explorer = PerceptronExplorer(**state)
    explorer.look()
    return explorer


def right(X, y, max_epochs):
    w, b = torch.zeros(X.shape[1]), 0.0
    for _ in range(max_epochs):
        mistakes = 0
        for x, label in zip(X, y, strict=True):
            error = int(label) - int(x @ w + b >= 0)
            w, b, mistakes = w + error * x, b + error, mistakes + abs(error)
        if not mistakes:
            return w, b, True
    return w, b, False


@pytest.mark.parametrize("state", [{"step": 4}, {"data": "XOR", "step": 23}, {"step": 9, "learning_rate": "8"}])
def test_the_last_correction_is_the_row_that_is_ringed(state):
    data = looked(**state).data
    (w, b), (before, _) = ((path[:2], path[2]) for path in (data["path"][-1], data["path"][-2]))
    row, rate = data["row"], float(state.get("learning_rate", 1))
    sign = 2 * data["labels"][row] - 1
    assert w - before == pytest.approx(rate * sign * data["points"][row], abs=1e-5)
    assert np.array_equal(data["wrong"], (data["points"] @ w + b >= 0) != data["labels"])
    assert data["mistakes"].sum() == data["step"] == state["step"]


def test_a_slider_drawn_back_shows_what_it_showed():
    straight, drawn = looked(step=7), looked(step=60)
    drawn.set(step=7)
    assert straight.status == drawn.status and np.array_equal(straight.data["path"], drawn.data["path"])


def test_it_settles_where_a_line_exists_and_stays_there():
    explorer = looked(step=300)
    data = explorer.data
    assert data["settled"] and not data["wrong"].any() and data["mistakes"][-1] == 0
    assert data["step"] <= data["most"] < math.inf and "It has settled." in explorer.status


def test_xor_goes_round_for_ever():
    data = looked(data="XOR", step=300).data
    assert not data["settled"] and data["most"] == math.inf and not data["separable"]
    assert (data["mistakes"][:-1] > 0).all() and len({tuple(path) for path in data["path"][9:].tolist()}) < 10


def test_a_learning_rate_moves_no_line_unless_the_first_weights_are_drawn():
    rows = {looked(step=9, learning_rate=rate).data["row"] for rate in RATES}
    lines = [looked(step=9, learning_rate=rate).data["path"][-1] for rate in RATES]
    assert len(rows) == 1 and all(np.allclose(line / lines[0], line[0] / lines[0][0]) for line in lines)
    drawn = [looked(step=9, learning_rate=rate, begin="drawn").data["path"][-1] for rate in ("0.125", "8")]
    assert not np.allclose(drawn[0] / drawn[0][0], drawn[1] / drawn[1][0])


def test_what_the_picture_draws_is_what_was_computed():
    explorer = looked(step=8)
    artists, now = explorer.canvas.artists, explorer.data["path"][-1]
    x, y = artists["line"].get_data()
    assert now[0] * x + now[1] * y + now[2] == pytest.approx(np.zeros(2), abs=1e-5)
    below, above = (path.vertices for path in artists["sides"].get_paths())
    for corners, sign in ((below, -1), (above, 1)):
        assert np.abs(corners).max() <= EDGE + 1e-9 and (sign * (corners @ now[:2] + now[2]) >= -1e-5).all()
    assert artists["marks"]["wrong"].get_xydata().shape[0] == explorer.data["wrong"].sum()
    assert artists["marks"]["last"].get_xydata().tolist() == [explorer.data["points"][explorer.data["row"]].tolist()]


def test_without_weights_all_of_the_plane_is_class_1():
    explorer = looked()
    nothing, everything = explorer.canvas.artists["sides"].get_paths()
    assert not len(nothing.vertices) and len(everything.vertices) >= 4
    assert np.array_equal(explorer.data["wrong"], explorer.data["labels"] == 0)


@pytest.mark.parametrize(
    "quest, state",
    [
        ("hard", {"gap": 0.0, "step": 300}),
        ("lucky", {"data": "none", "own": "-1 -1 0; -0.9 -1 0; 1 1 1; 0.9 1 1", "step": 1}),
        ("tied", {"data": "OR", "bias": HELD, "step": 20}),
    ],
)
def test_quests_can_be_fulfilled_and_are_not_at_the_start(quest, state):
    test = {quest.id: quest.test for quest in PerceptronExplorer.quests}[quest]
    assert test(looked(**state).data) and not test(looked().data) and not test(looked(step=300).data)


def test_no_quest_is_won_without_points():
    data = looked(data="none", step=1).data
    assert not any(quest.test(data) for quest in PerceptronExplorer.quests)


def test_clicks_set_points_of_either_class():
    explorer = looked(data="none", step=20)
    assert "click into the plane" in explorer.status
    plane = explorer.canvas.artists["plane"]
    explorer.set(**explorer.clicked(plane, 0.5, -0.25, False))
    assert "No epoch has a mistake" in explorer.status
    explorer.set(**explorer.clicked(plane, -0.5, 0.25, True))
    assert explorer.state()["own"] == "0.50 -0.25 1; -0.50 0.25 0" and explorer.data["own"].all()
    assert explorer.data["settled"] and explorer.data["step"] == 2
    assert explorer.clicked(explorer.canvas.figure.axes[0], 0, 0, False) == {}


@pytest.mark.parametrize("seed", range(10))
def test_the_prediction_comes_true_whatever_the_points(seed):
    asked = outlier_prediction()
    assert looked(**outlier_state()).data["settled"]
    x = looked(**outlier_state() | {"seed": seed}).data
    middle = x["points"][x["labels"] == 1].mean(axis=0)
    data = looked(**outlier_state() | {"seed": seed, "own": "{:.2f} {:.2f} 0".format(*middle)}).data
    assert not data["separable"] and asked.result(data) == SETTLES[2]
    assert asked.result(looked(**outlier_state() | dict(asked.then)).data) == SETTLES[2]


@pytest.mark.parametrize("state", [{"step": 4}, {"step": 40}, {"data": "XOR", "step": 31}, {"gap": -0.4, "step": 50}])
def test_the_learners_rule_is_ours(state):
    explorer = PerceptronExplorer(learner=right, **state)
    explorer.look()
    if explorer.data["mistakes"].size - explorer.data["unfinished"] == 0:
        assert explorer.data["yours"] is None
    else:
        assert explorer.data["same"] and explorer.data["converged"] == explorer.data["settled"]
        assert "which are ours" in explorer.status


def test_another_rule_is_told_apart_and_a_wrong_one_is_named():
    def backwards(X, y, max_epochs):
        return right(X, 1 - y, max_epochs)

    explorer = PerceptronExplorer(learner=backwards, step=40)
    explorer.look()
    assert "which are not ours" in explorer.status
    for wrong, words in ((lambda X, y, n: X[0], "should return w"), (lambda X, y, n: 1 / 0, "ZeroDivisionError")):
        explorer = PerceptronExplorer(learner=wrong, step=40)
        assert explorer.view and words in explorer.notice
    explorer = PerceptronExplorer(learner=lambda X, y, n: None, step=40)
    explorer.look()
    assert "dotted" not in explorer.status
