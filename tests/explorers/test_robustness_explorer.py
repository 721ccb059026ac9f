"""The explorer of section 2.8: how small a change flips the answer?"""

import pytest
import torch

from course_lib.explorers import LearnerError
from course_lib.foundations.attacks import ATTACKS, signed_gradient
from course_lib.foundations.digit_reader import digit_reader, share_right, shuffled_digits
from course_lib.foundations.explorers.robustness import (
    AWAY,
    LEFT,
    SIZES,
    STEP,
    RobustnessExplorer,
    opening_state,
    robustness_prediction,
)


def seen(**settings):
    explorer = RobustnessExplorer(**settings)
    explorer.look()
    return explorer


@pytest.mark.parametrize("target, sign", [(AWAY, 1), ("towards 3", -1)])
def test_it_shows_a_real_attack_on_a_real_network(target, sign):
    data, digits, reader = seen(image=17, eps=0.1, target=target).data, shuffled_digits(), digit_reader(0)
    x, y = digits.test_x[17:18], digits.test_y[17:18]
    led = y if target == AWAY else torch.tensor([3])
    attacked = signed_gradient(reader, x, led, sign * 0.1, 0.0, 1.0)
    assert data["attacked"] == pytest.approx(attacked[0, 0].numpy(), abs=1e-6)
    assert data["after"] == pytest.approx(reader(attacked)[0].softmax(0).detach().numpy(), abs=1e-5)
    assert data["before"] == pytest.approx(reader(x)[0].softmax(0).detach().numpy(), abs=1e-5)
    everybody = digits.test_y if target == AWAY else led.expand(500)
    attacked = signed_gradient(reader, digits.test_x, everybody, sign * 0.1, 0.0, 1.0)
    assert data["reached"] == pytest.approx(share_right(reader, attacked, digits.test_y), abs=1e-6)


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_smallest_eps_flips_and_the_one_before_does_not(attack):
    explorer = seen(image=8, attack=attack)
    flips = explorer.data["flips"]
    assert flips is not None and f"another digit of it is {flips:.3f}" in explorer.status
    explorer.set(eps=round(flips, 3))
    assert explorer.data["after"].argmax() != explorer.data["truth"] == explorer.data["before"].argmax()
    explorer.set(eps=round(flips - STEP, 3))
    assert explorer.data["after"].argmax() == explorer.data["truth"]


def test_a_target_that_is_the_truth_needs_no_attack():
    truth = int(shuffled_digits().test_y[9])
    assert "without any attack" in seen(image=9, target=f"towards {truth}").status


def test_what_it_shows_does_not_depend_on_what_was_shown_before():
    moved = seen(learner=signed_gradient)
    moved.set(image=3, eps=0.2, target="towards 8", network="trained under attack")
    moved.set(attack="random signs")
    moved.reset()
    assert moved.png() == seen(learner=signed_gradient).png()


def test_while_it_asks_it_does_not_answer():
    asking = RobustnessExplorer(predict=robustness_prediction(), **opening_state())
    assert asking.view and [shares is None for shares in asking.data["curves"].values()] == [True, False, True]
    assert asking.data["reached"] > 0.9
    asking._unlock(True)
    assert None not in asking.data["curves"].values()
    assert robustness_prediction().result(asking.data) == list(LEFT)[2]


# ---- the learner's attack ---------------------------------------------------------------------------------------


def test_the_learners_attack_takes_the_place_of_ours():
    explorer = seen(learner=signed_gradient, eps=0.1, target="towards 3")
    assert explorer.data["used"] == "yours" and "This is your fgsm, the same as ours." in explorer.status
    assert explorer.data["yours"] == explorer.data["curves"]["signed gradient"]
    explorer.set(attack="random signs")
    assert explorer.data["used"] == "ours" and "your" not in explorer.status


def test_a_wrong_attack_is_shown_as_it_is():
    explorer = seen(learner=lambda model, x, y, eps, lo, hi: (x - eps).clamp(lo, hi), eps=0.1)
    assert "which differs from ours" in explorer.status
    assert (explorer.data["attacked"] <= explorer.data["digit"]).all()
    assert explorer.data["yours"] != explorer.data["curves"]["signed gradient"]


def test_a_careless_attack_leaves_the_reader_as_it_was():
    def careless(model, x, y, eps, lo, hi):
        x.requires_grad_()
        torch.nn.functional.cross_entropy(model(x), y).backward()
        return (x + eps * x.grad.sign()).clamp(lo, hi)

    explorer = seen(learner=careless, eps=0.1)
    assert explorer.data["alike"]
    assert not any(weight.grad is not None for weight in digit_reader(0).parameters())


def test_a_stub_is_not_started_and_ours_is_shown():
    for stub in (lambda *_: None, lambda *_: ...):
        explorer = seen(learner=stub)
        assert "Your fgsm is not started; this is ours." in explorer.status
        assert explorer.png() == seen().png()


@pytest.mark.parametrize(
    "learner, message",
    [
        (lambda model, x, y, eps, lo, hi: x[0], r"of shape \(1, 1, 8, 8\), and returned \(1, 8, 8\)"),
        (lambda model, x, y, eps, lo, hi: x / 0, "nan or inf"),
        (lambda model, x, y, eps, lo, hi: 1 / 0, "Your fgsm raised ZeroDivisionError"),
    ],
)
def test_an_attack_that_fails_is_shown_as_the_learners(learner, message):
    with pytest.raises(LearnerError, match=message):
        RobustnessExplorer(learner=learner).look()


# ---- quests -----------------------------------------------------------------------------------------------------

QUESTS = [
    ("level", {"image": 1, "eps": 0.06}),
    ("coins", {"image": 8, "eps": 0.3, "attack": "random signs"}),
    ("chosen", {"image": 17, "eps": 0.2, "target": "towards 8", "attack": "5 signed steps"}),
]


@pytest.mark.parametrize("quest, state", QUESTS, ids=[quest for quest, _ in QUESTS])
def test_every_quest_can_be_done(quest, state):
    explorer = seen()
    assert quest not in explorer.done
    explorer.set(**state)
    assert quest in explorer.done


def test_every_quest_has_a_way_shown_above():
    assert {quest.id for quest in RobustnessExplorer.quests} == {quest for quest, _ in QUESTS}
    assert SIZES[-1].item() == pytest.approx(0.3)
