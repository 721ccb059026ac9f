"""The explorer of section 2.9: what can be taken away for free?"""

import numpy as np
import pytest
import torch

from course_lib.explorers import LearnerError
from course_lib.figures.efficiency import BINS, histogram
from course_lib.foundations.compression import FLOAT, TEACHER, compressed, file_bytes, prune, quantise
from course_lib.foundations.deep import accuracy
from course_lib.foundations.explorers.efficiency import (
    AS_TRAINED,
    FEWEST,
    LEVELS,
    NAMES,
    EfficiencyExplorer,
    efficiency_prediction,
)
from course_lib.foundations.tradeoffs import networks


def seen(**settings):
    explorer = EfficiencyExplorer(**settings)
    explorer.look()
    return explorer


@pytest.mark.parametrize(
    "state, size, bits, share",
    [
        ({}, TEACHER, FLOAT, 0.0),
        ({"bits": "3", "pruned": 60}, TEACHER, 3, 0.6),
        ({"units": "25, a student", "bits": "5", "pruned": 35}, 25, 5, 0.35),
    ],
)
def test_it_shows_a_real_network(state, size, bits, share):
    data, model = seen(**state).data, networks()[size]
    made = compressed(model, bits, share)
    assert data["right"] == accuracy(made) and data["bytes"] == file_bytes(made, bits)
    first = model.layers[0].weight
    assert data["before"] * data["largest"] == pytest.approx(first.detach().numpy(), abs=1e-6)
    assert data["after"] * data["largest"] == pytest.approx(made.layers[0].weight.detach().numpy(), abs=1e-6)
    assert np.abs(data["before"]).max() == pytest.approx(1)


def test_time_depends_on_the_units_only():
    times = {seen(**state).data["milliseconds"] for state in ({}, {"bits": "2"}, {"pruned": 95})}
    assert len(times) == 1 and times != {seen(units="8, a student").data["milliseconds"]}


def test_it_opens_as_the_teacher():
    assert "This is the teacher, of 19,210 parameters." in seen().status
    assert "The teacher's file is 7.28 times as large" in seen(bits="4").status
    assert next(iter(NAMES.values())) == TEACHER and LEVELS[AS_TRAINED] == FLOAT


def test_a_histogram_loses_no_weight():
    counts = histogram(np.array([[-1.0, 0.0, 0.0], [1.0, 1.2, 0.001]]))
    assert counts.sum() == 6 and counts[0] == 1 and counts[-1] == 2 and counts[BINS // 2] == 3


def test_the_prediction_comes_true_the_same_way_wherever_it_is_asked():
    prediction = efficiency_prediction()
    assert prediction.result(seen(**prediction.then).data) == FEWEST[2]


# ---- the learner's functions ------------------------------------------------------------------------------------


def test_the_learners_functions_land_where_ours_do():
    explorer = seen(learner={"quantise": quantise, "prune": prune}, bits="4", pruned=30)
    data = explorer.data
    assert (data["yours"]["right"], data["yours"]["bytes"]) == (data["right"], data["bytes"])
    assert "Your quantise and your prune give the same weights as ours" in explorer.status
    assert explorer.png() != seen(bits="4", pruned=30).png()


def test_one_of_them_is_enough():
    explorer = seen(learner={"quantise": lambda w, bits: ..., "prune": lambda w, share: w * (w > 0)}, pruned=30)
    assert explorer.data["yours"]["started"] == ("prune",)
    assert "Your prune gives" in explorer.status and "that differ from ours" in explorer.status


def test_stubs_are_not_started():
    explorer = EfficiencyExplorer(learner={"quantise": lambda w, bits: None, "prune": lambda w, share: ...})
    assert explorer.view and "Your functions are not started." in explorer.status and not explorer.notice


@pytest.mark.parametrize(
    "learner, message",
    [
        ({"quantise": lambda w, bits: w / 0 * 0}, "Your quantise returned nan or inf"),
        ({"prune": lambda w, share: w[w != 0]}, r"Your prune was given \(256, 64\), and returned \(16384,\)"),
        ({"prune": lambda w, share: 1 / 0}, "Your prune raised ZeroDivisionError"),
    ],
)
def test_what_fails_is_shown_as_the_learners(learner, message):
    with pytest.raises(LearnerError, match=message):
        EfficiencyExplorer(learner=learner, bits="4").look()


def test_it_leaves_randomness_and_the_networks_as_they_were():
    before, state = networks()[TEACHER].layers[0].weight.clone(), torch.get_rng_state()
    seen(learner={"prune": lambda w, share: w.zero_()}, pruned=50)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(networks()[TEACHER].layers[0].weight, before)


# ---- quests -----------------------------------------------------------------------------------------------------

QUESTS = [
    ("free", {"units": "128, a student", "bits": "5"}),
    ("tiny", {"units": "25, a student", "bits": "3"}),
    ("wall", {"bits": "4", "pruned": 65}),
]


@pytest.mark.parametrize("quest, state", QUESTS, ids=[quest for quest, _ in QUESTS])
def test_every_quest_can_be_done(quest, state):
    explorer = EfficiencyExplorer()
    explorer.reset()
    assert quest not in explorer.done
    explorer.set(**state)
    assert quest in explorer.done


def test_every_quest_has_a_way_shown_above():
    assert {quest.id for quest in EfficiencyExplorer.quests} == {quest for quest, _ in QUESTS}
