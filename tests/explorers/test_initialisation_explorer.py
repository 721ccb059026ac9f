"""The explorer of section 2.5: which start keeps signals alive in both directions?"""

import numpy as np
import pytest
import torch
from torch import nn

from course_lib.explorers import LearnerError
from course_lib.figures.initialisation import BINS, DEEPEST, H
from course_lib.foundations.deep import DEFAULT, SCHEMES, DeepNetwork, journey, standard_digits
from course_lib.foundations.explorers.initialisation import (
    LEFT,
    ROWS,
    InitialisationExplorer,
    alike,
    histograms,
    initialisation_prediction,
    opening_state,
)


def seen(**settings):
    explorer = InitialisationExplorer(**settings)
    explorer.look()
    return explorer


@pytest.mark.parametrize(
    "state, design",
    [
        ({"batch_norm": "on"}, {"batch_norm": True}),
        ({"shortcuts": "x + F(x)"}, {"branch": 1.0}),
        ({"shortcuts": "x + F(x) / depth"}, {"branch": 1 / 7}),
    ],
)
def test_it_shows_a_real_network(state, design):
    explorer = seen(scheme="He", gain=1.5, activation="GELU", depth=7, width=24, seed=4, **state)
    data, (pixels, labels) = explorer.data, standard_digits()
    network = DeepNetwork(7, 24, "GELU", scheme="He", gain=1.5, seed=4, **design)
    made = journey(network.double(), pixels[:ROWS].double(), labels[:ROWS])
    for name in ("size", "apart", "gradient"):
        assert data[name] == pytest.approx(getattr(made, name).detach().numpy(), rel=1e-4)
    assert data["left"]["He"] == (data["apart"][-1], data["gradient"][0])
    assert list(data["left"]) == list(SCHEMES) and data["yours"] is None


def test_what_it_shows_does_not_depend_on_what_was_shown_before():
    moved = seen(depth=5, scheme="He")
    for scheme, gain, batch_norm in (("Xavier", 2.0, "on"), ("small random", 0.5, "off"), ("He", 1.0, "off")):
        moved.set(scheme=scheme, gain=gain, batch_norm=batch_norm)
    assert moved.png() == seen(depth=5, scheme="He").png()


def test_a_histogram_loses_no_value():
    output = torch.tensor([[-99.0, -H, 0.0], [0.01, 2.99, 1e30]])
    counts = histograms([output, output[:, :2]])
    assert counts.shape == (BINS, 2) and counts.sum(axis=0) == pytest.approx([1, 1])
    assert counts[0].tolist() == [2 / 6, 1 / 4] and counts[-1].tolist() == [2 / 6, 2 / 4]
    assert counts[BINS // 2].tolist() == [2 / 6, 1 / 4]
    assert seen(depth=DEEPEST, gain=4.0).data["histograms"].shape == (BINS, DEEPEST + 1)


def test_the_words_name_the_best_start_where_there_is_one():
    assert "Of the four starts, He strays least from 1, counting the worse of the two" in seen().status
    assert "The four starts come out alike." in seen(batch_norm="on").status
    assert alike({"a": (1.0, 2.0), "b": (1.9, 1.1)}) and not alike({"a": (1.0, 2.0), "b": (1.9, 0.9)})


def test_the_prediction_is_open_where_it_is_asked():
    prediction = initialisation_prediction()
    assert prediction.result(seen(**opening_state()).data) != LEFT[2]
    for seed in range(10):
        assert prediction.result(seen(**opening_state() | prediction.then | {"seed": seed}).data) == LEFT[2]


# ---- the learner's start ----------------------------------------------------------------------------------------


def he_(w):
    return w.normal_(0, (2 / w[0].numel()) ** 0.5)


def test_the_learners_start_stands_beside_the_others():
    explorer = seen(learner=he_, scheme="He", width=96)
    left = explorer.data["left"]
    assert list(left)[-1] == "yours" and left["yours"][0] > 0.02 and left["yours"][1] < 20
    assert "Yours gives the weights a standard deviation of 0.18 in layer 1 (He: 0.18) and 0.1" in explorer.status
    assert explorer.png() != seen(scheme="He", width=96).png()
    assert explorer.png() == seen(learner=he_, scheme="He", width=96).png()  # it draws the same again


def test_the_learners_start_leaves_ours_and_randomness_as_they_were():
    before, state = seen(scheme="He", depth=4).data, torch.get_rng_state()
    seen(scheme="He", depth=4, learner=lambda w: w.fill_(0.1))
    assert torch.equal(torch.get_rng_state(), state)
    assert np.array_equal(seen(scheme="He", depth=4, seed=0).data["gradient"], before["gradient"])


def test_a_start_that_fills_nothing_is_not_started():
    for stub in (lambda w: None, lambda w: ..., lambda w: torch.randn(w.shape)):
        explorer = InitialisationExplorer(learner=stub)
        assert explorer.view and "Your function is not started." in explorer.status and not explorer.notice


def test_a_parameters_own_function_works():
    assert "yours" in seen(learner=nn.init.xavier_uniform_, depth=3).data["left"]


@pytest.mark.parametrize(
    "learner, message",
    [
        (lambda w: w.fill_(float("nan")), "with nan or inf"),
        (lambda w: w.fill_(1).resize_(3, 3), r"was given \(64, 64\), and left \(3, 3\)"),
        (lambda w: 1 / 0, "Your function raised ZeroDivisionError"),
    ],
)
def test_a_start_that_fails_is_shown_as_the_learners(learner, message):
    with pytest.raises(LearnerError, match=message):
        InitialisationExplorer(learner=learner).look()


# ---- quests -----------------------------------------------------------------------------------------------------

QUESTS = [
    ("gain", {"gain": 2.45, "depth": 30}),
    ("norm", {"batch_norm": "on", "depth": 50}),
    ("rescue", {"scheme": "small random", "shortcuts": "x + F(x) / depth"}),
]


@pytest.mark.parametrize("quest, state", QUESTS, ids=[quest for quest, _ in QUESTS])
@pytest.mark.parametrize("seed", range(3))
def test_every_quest_can_be_done(quest, state, seed):
    explorer = InitialisationExplorer()
    explorer.set(scheme=state.get("scheme", DEFAULT), seed=seed)
    assert quest not in explorer.done
    explorer.set(**state)
    assert quest in explorer.done


def test_a_factor_that_a_slider_left_beside_1_is_1():
    beside = seen(gain=1.0000000000000002)
    assert beside.data["title"] == "30 × 64 ReLU, PyTorch's default" and beside.data["gain"] == 1


def test_every_quest_has_a_way_shown_above():
    assert {quest.id for quest in InitialisationExplorer.quests} == {quest for quest, _ in QUESTS}
