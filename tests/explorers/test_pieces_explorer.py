"""The explorer of section 2.6: does the next unit pay more in depth or in width?"""

import numpy as np
import pytest
import torch
from torch import nn

from course_lib.explorers import LearnerError
from course_lib.figures.pieces import APART, DEEPEST, WIDEST
from course_lib.foundations.bends import DEPTHS, SEEDS, UNITS, error_of, trained
from course_lib.foundations.explorers.pieces import (
    ANSWERS,
    ASKED,
    STEPS,
    PiecesExplorer,
    opening_state,
    pieces_prediction,
    read_hinges,
)
from course_lib.foundations.pieces import composed, pieces, random_start, relu_network, tents, zigzag


def seen(**settings):
    explorer = PiecesExplorer(**settings)
    explorer.look()
    return explorer


NETWORKS = [
    ({"kind": "tents"}, lambda depth: tents(depth, 3)),
    ({"kind": "your hinges", "hinges": "0.2 0.6", "height": 0.8},
     lambda depth: relu_network(composed([zigzag([0.2, 0.6], 0.8)] * depth))),
    ({"kind": "random start", "seed": 2}, lambda depth: random_start(depth, 3, 2)),
    ({"kind": "trained", "seed": 1}, lambda depth: trained(depth, 3, 1)),
]  # fmt: skip


@pytest.mark.parametrize("state, network", NETWORKS, ids=[state["kind"] for state, _ in NETWORKS])
def test_it_shows_a_real_network(state, network):
    data, net = seen(depth=4, units=3, **state).data, network(4)
    assert data["path"] == [pieces(network(depth)) for depth in (1, 2, 3, 4)]
    assert data["pieces"] == data["table"][state["kind"]][0] == len(data["x"]) - 1
    assert data["limit"] == [4, 16, 64, 256] and data["table"]["at most"] == (256, 13)
    for shown, layer in zip(data["weights"], net[::2], strict=True):
        assert np.array_equal(shown, layer.weight.detach().numpy())
    x, y = (torch.from_numpy(data[name]) for name in "xy")
    answers = net(x.unsqueeze(1)).detach().squeeze(1)
    if state["kind"] == "random start":
        answers = (answers - answers.min()) / (answers.max() - answers.min()).clamp(min=1e-12)
    assert torch.allclose(answers, y)
    assert data["units"][1].shape == (3, STEPS) and data["hinges"][-1] >= data["pieces"] - 1


def test_the_other_kinds_stand_beside_with_their_own_settings():
    data = seen(depth=3, units=4, hinges="0.5", seed=2).data
    assert data["table"] == {
        "at most": (125, 13),
        "tents": (64, 13),
        "your hinges": (8, 13),
        "random start": (pieces(random_start(3, 4, 2)), pieces(random_start(1, 12, 2))),
        "trained": (pieces(trained(3, 4, 2)), pieces(trained(1, 12, 2))),
    }


def test_what_it_shows_does_not_depend_on_what_was_shown_before():
    moved = seen(depth=3, units=4)
    for kind in ("trained", "your hinges", "random start", "tents"):
        moved.set(kind=kind, depth=6, units=6)
    moved.set(depth=3, units=4)
    assert moved.png() == seen(depth=3, units=4).png()


def test_there_is_room_for_every_shape_that_was_trained():
    assert (max(DEPTHS), max(UNITS)) == (DEEPEST, WIDEST)
    assert PiecesExplorer.controls["seed"].high == SEEDS - 1


@pytest.mark.parametrize("state", [{"units": 6, "depth": 6}, {"units": 4, "depth": 4}, {"units": 6, "depth": 3},
                                   {"kind": "your hinges", "hinges": ".1 .3 .45 .8 .9", "units": 6, "depth": 6},
                                   {"kind": "trained", "units": 6, "depth": 6, "seed": 3}])  # fmt: skip
def test_the_largest_pictures_stay_small(state):
    explorer = seen(**state)
    assert len(explorer.png()) <= 150_000
    assert ("fill a band" in explorer.data["shown"]) == (explorer.data["pieces"] > APART)


def test_hinges_are_read_in_order_and_refused_with_a_remedy():
    assert read_hinges("0.6, 0.25") == (0.25, 0.6) and read_hinges("") == ()
    for text, message in (
        ("0.3 x", "numbers with spaces between"),
        ("0 0.5", "between 0 and 1"),
        ("0.5 0.505", "at least 0.01"),
        ("nan", "between 0 and 1"),
        ("0.1 0.2 0.3 0.4 0.5 0.6", "5 hinges at most"),
    ):
        with pytest.raises(ValueError, match=message):
            read_hinges(text)


def test_the_words_say_what_depth_and_width_bring():
    assert seen(depth=4).status == (
        "Tents composed, 4 layers of 2 units: 16 pieces, from 8 units in all. One layer less makes 8; 2 units more in "
        "a single layer bring 2 at most."
    )
    assert "A single layer makes 3 at most" in seen(depth=1).status
    assert "3 units of each layer found no hinge" in seen(kind="your hinges", units=5, depth=2).status
    shown = seen(kind="trained", depth=3, units=6)
    assert f"It lies {error_of(trained(3, 6)):.2f} off its curve" in shown.status and shown.data["wanted"]


def test_the_prediction_is_open_where_it_is_asked():
    prediction = pieces_prediction()
    assert prediction.result(seen(**opening_state()).data) != ANSWERS[-1]
    assert prediction.result(seen(**opening_state() | prediction.then).data) == ANSWERS[-1]
    asked = PiecesExplorer(**opening_state(), predict=prediction)
    asked.look()
    assert not any("64" in str(asked.data[name]) for name in ("title", "path", "table", "limit"))


# ---- the learner's count ----------------------------------------------------------------------------------------


def test_the_learners_count_stands_beside_ours():
    explorer = seen(learner=pieces, kind="trained", depth=3, units=6)
    assert explorer.status.endswith(f"Your count_pieces finds {explorer.data['pieces']}, too.")
    assert explorer.png() != seen(kind="trained", depth=3, units=6).png()
    wrong = seen(learner=lambda net, lo, hi: sum(layer.out_features for layer in net[:-1:2]) + 1, depth=4)
    assert wrong.status.endswith(
        "Your count_pieces finds 9; ours finds 16. The shortest is 0.062 long, the smallest change of slope 32."
    )


def test_the_learners_function_gets_a_network_of_its_own():
    def spoils(net, lo, hi):
        torch.manual_seed(0)
        nn.init.zeros_(net[0].weight)
        return 1

    state = torch.get_rng_state()
    seen(learner=spoils, depth=3)
    assert torch.equal(torch.get_rng_state(), state) and seen(depth=3).data["pieces"] == 8


def test_a_count_as_a_number_of_torch_or_numpy_counts():
    for made in (torch.tensor(4), np.int64(4)):
        assert "finds 4, too" in seen(learner=lambda net, lo, hi, made=made: made, depth=2).status


def test_a_count_that_is_not_written_is_not_started():
    for stub in (lambda net, lo, hi: None, lambda net, lo, hi: ...):
        explorer = PiecesExplorer(learner=stub)
        assert explorer.view and explorer.status.endswith("Your count_pieces is not started.") and not explorer.notice


def test_nobody_waits_for_a_count_of_too_many_pieces():
    explorer = seen(learner=lambda net, lo, hi: 1 / 0, depth=6, units=4)
    assert explorer.data["pieces"] > ASKED and "is not asked about more than 1,024" in explorer.status


@pytest.mark.parametrize(
    "learner, message",
    [
        (lambda net, lo, hi: 2.5, "returned 2.5; a number of pieces is a whole number"),
        (lambda net, lo, hi: True, "returned True"),
        (lambda net, lo, hi: torch.zeros(3), "whole number"),
        (lambda net, lo, hi: 1 / 0, "Your count_pieces raised ZeroDivisionError"),
    ],
)
def test_a_count_that_fails_is_shown_as_the_learners(learner, message):
    with pytest.raises(LearnerError, match=message):
        PiecesExplorer(learner=learner).look()


# ---- quests -----------------------------------------------------------------------------------------------------

QUESTS = [
    ("twelve", {"units": 3, "depth": 4}),
    ("stuck", {"kind": "your hinges", "hinges": "0.5", "height": 0.4, "depth": 6}),
    ("deeper", {"kind": "trained", "depth": 3, "units": 6, "seed": 0}),
]


@pytest.mark.parametrize("quest, state", QUESTS, ids=[quest for quest, _ in QUESTS])
def test_every_quest_can_be_done(quest, state):
    explorer = PiecesExplorer(**opening_state())
    explorer.look()
    assert quest not in explorer.done
    explorer.set(**state)
    assert quest in explorer.done


def test_every_quest_has_a_way_shown_above():
    assert {quest.id for quest in PiecesExplorer.quests} == {quest for quest, _ in QUESTS}
