import numpy as np
import pytest

from course_lib.foundations import regression
from course_lib.foundations.descent import ADAM, DESCENT, METHODS, MOMENTUM
from course_lib.foundations.explorers.batch_size import (
    ALL,
    ONE,
    SIZES,
    BatchSizeExplorer,
    soonest,
    stays_below,
)
from course_lib.foundations.explorers.learning_rate import (
    FATES,
    PARABOLA,
    VALLEY,
    WELL,
    LearningRateExplorer,
    fate,
    rate_prediction,
    rate_state,
)


def look(explorer_class, **state):
    explorer = explorer_class(**state)
    explorer.look()
    return explorer


VALLEYS = {"ratio": 100, "rate": 0.3, "steps": 100, "start_1": -1.8, "start_2": 1.6}  # as the page opens it


def quest_of(explorer_class, name):
    return next(one.test for one in explorer_class.quests if one.id == name)


# ---- the learning rate


@pytest.mark.parametrize(
    ("rate", "manner"),
    [(0.01, "creeps"), (0.2, "converges"), (0.25, "converges"), (0.4, "zigzags"), (0.5, "never settles"),
     (0.51, "blows up")],
)  # fmt: skip
def test_each_rate_is_called_what_it_does(rate, manner):
    explorer = look(LearningRateExplorer, surface=PARABOLA, rate=rate, steps=100)
    assert explorer.data["said"][0].endswith(manner) and f"({manner})" in explorer.status
    losses = explorer.data["losses"]
    if manner == "blows up":
        assert losses[-1] > losses[0]
    elif manner != "never settles":
        assert losses[-1] < losses[0]


def test_in_a_valley_the_steep_direction_bounds_the_rate_and_the_flat_one_is_slow():
    data = look(LearningRateExplorer, ratio=20, rate=0.49).data
    assert data["largest"] == 0.5
    assert data["here"] == pytest.approx([1 - 0.49 * 4, 1 - 0.49 * 0.2])
    distance = np.abs(data["path"])
    assert distance[1:] / distance[:-1] == pytest.approx(np.tile(np.abs(data["here"]), (30, 1)))


@pytest.mark.parametrize("surface", [PARABOLA, VALLEY, WELL])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("rate", [0.005, 0.3, 0.95, 1.0])
def test_every_walk_is_drawn(surface, method, rate):
    explorer = look(LearningRateExplorer, surface=surface, method=method, rate=rate, steps=100, ratio=100)
    assert len(explorer.png()) < 150_000
    assert ("Adam has no" in explorer.status) == (method == ADAM)
    assert "nan" not in explorer.status
    assert explorer.data["blown"] == (len(explorer.data["path"]) < 101) == ("blew up" in explorer.status)


def test_a_factor_that_swings_is_called_a_size():
    explorer = look(LearningRateExplorer, **VALLEYS | {"method": MOMENTUM})
    assert explorer.data["said"] == ["size 0.949, swings"] * 2
    assert "along w₁ in size × 0.949 (swings)" in explorer.status


def test_a_click_sets_the_start():
    explorer = look(LearningRateExplorer)
    plane = explorer.canvas.artists["axes"]["plane"]
    assert explorer.clicked(plane, 0.532, -2.39, False) == {"start_1": 0.5, "start_2": -2.2}
    assert explorer.clicked(explorer.canvas.artists["axes"]["factors"], 0.5, 0.5, False) == {}
    explorer.set(surface=PARABOLA)
    assert explorer.clicked(plane, 1.26, 0.4, False) == {"start_1": 1.3}


def test_what_twice_the_best_rate_does_is_predicted():
    prediction = rate_prediction()
    assert fate(look(LearningRateExplorer, **rate_state()).data) == FATES[0]
    assert prediction.result(look(LearningRateExplorer, **rate_state() | prediction.then).data) == FATES[2]
    for rate, became in ((0.48, FATES[1]), (0.52, FATES[3])):
        assert fate(look(LearningRateExplorer, surface=PARABOLA, rate=rate).data) == became


@pytest.mark.parametrize(
    ("quest", "states"),
    [
        ("forever", [{"surface": PARABOLA, "rate": 0.5}]),
        ("ravine", [{"ratio": 100, "method": method, "rate": 0.3, "steps": 100} for method in (MOMENTUM, ADAM)]),
        ("out", [{"surface": WELL, "start_1": 2.0, "rate": 0.2, "steps": 100},
                 {"surface": WELL, "start_1": 1.5, "rate": 0.03, "method": MOMENTUM, "steps": 100},
                 VALLEYS | {"surface": WELL, "start_1": 1.8}]),
    ],
)  # fmt: skip
def test_quests_of_the_rate_can_be_done(quest, states):
    test = quest_of(LearningRateExplorer, quest)
    assert all(test(look(LearningRateExplorer, **state).data) for state in states)
    opened = ({}, rate_state(), VALLEYS, *LearningRateExplorer.presets)
    assert not any(test(look(LearningRateExplorer, **state).data) for state in opened)


def test_no_rate_of_gradient_descent_gets_through_the_ravine():
    test, explorer = quest_of(LearningRateExplorer, "ravine"), LearningRateExplorer()
    opened = explorer.state() | {"ratio": 100, "steps": 100, "method": DESCENT}
    assert not any(test(explorer.compute(**opened | {"rate": float(rate), "start_1": start, "start_2": 1.0}))
                   for rate in np.arange(0.05, 0.55, 0.005) for start in (-1.0, 2.0))  # fmt: skip


# ---- the batch size


def test_the_cost_of_an_update_is_measured_once(monkeypatch):
    for size in SIZES:
        look(BatchSizeExplorer, batch_size=size)

    def fail(*_arguments, **_options):
        raise AssertionError("a move measures")

    monkeypatch.setattr(regression, "update", fail)
    first, again = (look(BatchSizeExplorer, batch_size="16").png() for _ in range(2))
    assert first == again


def test_the_axes_tell_the_same_runs_by_what_they_cost():
    data = look(BatchSizeExplorer, batch_size="16", updates=1000).data
    updates, samples, seconds = data["costs"]
    assert updates.tolist() == [1, 1, 1] and samples.tolist() == [1, 16, 100_632] and (seconds > 0).all()
    assert data["first"][0] == [1, ALL] and data["first"][1] == [1]
    assert data["settled"][ONE] is None and data["settled"][1:] == [89, 87]


def test_all_at_once_never_rises_and_fewer_samples_make_more_noise():
    data = look(BatchSizeExplorer, batch_size="64", rate=0.5, updates=1000).data
    assert (np.diff(data["losses"][ALL]) <= 1e-12).all()
    floors = [losses[-300:].mean() for losses in data["losses"]]
    assert floors[ONE] > 20 * floors[1] > 400 * floors[ALL]


def test_a_longer_run_begins_as_a_shorter_one():
    short, long = (look(BatchSizeExplorer, updates=updates, seed=4).data for updates in (50, 900))
    assert all(np.array_equal(a, b[:51]) for a, b in zip(short["losses"], long["losses"], strict=True))


def test_staying_below_a_line():
    losses = np.array([5.0, 3, 1, 3, 1, 1, 1, 1, 1, 1, 1])
    assert stays_below(losses, 2.0) == 4
    assert stays_below(losses, 0.5) is None and stays_below(losses[::-1], 2.0) is None
    assert stays_below(np.array([1.0, np.nan, 1.0, 1.0, 1.0]), 2.0) == 2
    assert soonest([None, 100.0, 104.0]) == [1, 2] and soonest([None] * 3) == [] and soonest([3.0, 1.0, 2.0]) == [1]


@pytest.mark.parametrize(
    ("quest", "state"),
    [
        ("apart", {"rate": 1.5}),
        ("thrifty", {"batch_size": "16", "rate": 0.2, "updates": 1000}),
        ("calm", {"rate": 0.02, "updates": 1000}),
    ],
)
def test_quests_of_the_batch_size_can_be_done(quest, state):
    test = quest_of(BatchSizeExplorer, quest)
    assert test(look(BatchSizeExplorer, **state).data)
    assert not any(test(look(BatchSizeExplorer, **opened).data) for opened in ({}, {"updates": 1000}))


def test_the_wildest_runs_are_drawn():
    for rate in (1.0, 1.4, 1.6, 1.8):
        explorer = look(BatchSizeExplorer, rate=rate, batch_size="2", updates=1000)
        assert len(explorer.png()) < 150_000 and "nan" not in explorer.status
