import itertools
from itertools import pairwise

import numpy as np
import pytest
import torch

from course_lib.figures.gantt import MOST
from course_lib.figures.labels import SHARES, width_of
from course_lib.figures.page import pixels_at
from course_lib.tensors.explorers.schedule import (
    EQUAL,
    GAINS,
    MEASURED,
    ONE_LONG,
    SMALL,
    TRAINING,
    ScheduleExplorer,
    preset_of,
    tree_prediction,
    tree_state,
)

PRESETS = (*SMALL, TRAINING)


def data_of(**state):
    explorer = ScheduleExplorer(**state)
    explorer.look()
    return explorer.data


@pytest.mark.parametrize("durations", [EQUAL, ONE_LONG, MEASURED])
@pytest.mark.parametrize("preset", PRESETS)
def test_no_schedule_beats_a_bound_and_one_worker_takes_all_the_work(preset, durations):
    for workers in (1, 2, 3, MOST):
        data = data_of(preset=preset, durations=durations, workers=workers, long=2)
        assert data["makespan"] >= max(data["work_bound"], data["path"]) * (1 - 1e-9)
        assert data["makespan"] <= data["work_bound"] + data["path"]  # Graham's bound
        assert data["speedup"][workers - 1] == pytest.approx(data["work"] / data["makespan"])
        assert data["speedup"][0] == pytest.approx(1) and (data["speedup"] <= np.arange(1, MOST + 1) + 1e-9).all()
        assert data["limit"] == ("work" if data["work"] / workers > data["path"] else "depth")


def test_a_chain_gains_nothing_and_the_wide_graph_as_much_as_it_is_wide():
    assert data_of(preset="chain", workers=MOST)["speedup"].tolist() == [1] * MOST
    assert data_of(preset="wide", workers=MOST)["speedup"][-1] == 8
    assert data_of(preset="diamond", workers=MOST)["speedup"][1:].tolist() == [pytest.approx(16 / 12)] * (MOST - 1)
    assert data_of(preset="tree", workers=MOST)["speedup"][-1] == 15 / 4


@pytest.mark.parametrize("preset", PRESETS)
def test_the_critical_path_is_a_way_through_the_graph_and_takes_as_long_as_it_says(preset):
    data = data_of(preset=preset, durations=ONE_LONG, long=3)
    way = [n for n, on in enumerate(data["critical"]) if on]
    assert all(before in data["inputs"][after] for before, after in pairwise(way))
    lasted = sum(data["slots"][n][2] - data["slots"][n][1] for n in way)
    assert lasted == pytest.approx(data["path"])


@pytest.mark.parametrize("preset", PRESETS)
def test_nobody_does_two_things_at_a_time_or_begins_too_early(preset):
    data = data_of(preset=preset, workers=3, durations=MEASURED)
    for n, (worker, start, _) in enumerate(data["slots"]):
        if worker >= 0:
            assert all(data["slots"][before][2] <= start + 1e-9 for before in data["inputs"][n])
    for worker in range(3):
        turns = sorted((start, end) for who, start, end in data["slots"] if who == worker)
        assert all(one[1] <= other[0] + 1e-9 for one, other in pairwise(turns))


def test_times_are_measured_once_and_leave_everything_as_it_was():
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    preset_of.cache_clear()
    first = data_of(preset=TRAINING, durations=MEASURED)
    assert torch.equal(torch.rand(2), expected)
    of = preset_of(TRAINING)
    assert all(of.measured[node] > 0 for node in of.work) and len(of.work) > 40
    assert data_of(preset=TRAINING, durations=MEASURED)["makespan"] == first["makespan"] and first["unit"] == "µs"


@pytest.mark.parametrize("quest, state", [
    ("depth", {"preset": "chain", "workers": MOST}),
    ("enough", {"workers": 3, "durations": ONE_LONG, "long": 0, "length": 5.0}),
    ("one_long", {"preset": "wide", "workers": MOST, "durations": ONE_LONG, "length": 10.0}),
])  # fmt: skip
def test_quests_can_be_done(quest, state):
    test = next(one.test for one in ScheduleExplorer.quests if one.id == quest)
    assert test(data_of(**state))
    assert not any(test(data_of(**opened)) for opened in (*ScheduleExplorer.presets, tree_state()))


def test_what_eight_workers_gain_on_a_tree_is_predicted_and_the_curve_hidden_until_then():
    prediction = tree_prediction()
    explorer = ScheduleExplorer(**tree_state(), predict=prediction)
    _ = explorer.view
    assert explorer.data["speedup"] is None and not any(explorer.data["critical"]) and "path" not in explorer.status
    data = explorer._unlock(True)
    assert data["speedup"] is not None and data["workers"] == MOST
    assert prediction.result(data) == GAINS[4] in prediction.options


@pytest.mark.parametrize("state, says", [
    ({}, "here work is the limit, and this schedule does not reach it."),  # 8 turns; 15 ÷ 2 are 7.5
    ({"preset": "chain", "workers": 4}, "here depth is the limit."),
    ({"preset": "wide", "workers": 4}, "here work is the limit."),
])  # fmt: skip
def test_a_limit_that_the_schedule_does_not_reach_is_told(state, says):
    explorer = ScheduleExplorer(**state)
    explorer.look()
    assert explorer.status.endswith(says)


def distances(label, points):
    """How far points (points, 2) lie outside the box of a label, in pixels; negative inside."""
    angle = np.radians(label.turn)
    along, up = np.array([np.cos(angle), -np.sin(angle)]), np.array([-np.sin(angle), -np.cos(angle)])
    wide = width_of(label.text, label.size, label.bold)
    middle = [label.x, label.y] + (0.5 - SHARES[label.align]) * wide * along
    away = np.abs((points - middle) @ np.stack([along, up], axis=1)) - [wide / 2, 4]  # half the height of a capital
    return away.max(axis=1)


@pytest.mark.parametrize("preset", SMALL)
def test_no_label_stands_on_a_line(preset):
    for workers, (durations, length) in itertools.product((1, 2, 4, 5, MOST), ((EQUAL, 2.0), (ONE_LONG, 3.0),
                                                                               (ONE_LONG, 4.5))):  # fmt: skip
        explorer = ScheduleExplorer(preset=preset, workers=workers, durations=durations, length=length)
        explorer.look()
        moving = explorer.canvas.artists["moving"]
        lines = [*moving["curve"][0].axes.lines, *moving["bounds"]]
        ends = [pixels_at(line.axes, line.get_xydata()) for line in lines]
        fine = np.concatenate([np.linspace(*two, 60) for line in ends for two in pairwise(line)])
        for label in moving["labels"].labels:
            assert distances(label, fine[~np.isnan(fine).any(axis=1)]).min() > 0, (label, explorer.state())
        ring = pixels_at(lines[0].axes, moving["curve"][1].get_xydata())
        assert all(distances(label, ring).min() > 7 for label in moving["labels"].labels)
