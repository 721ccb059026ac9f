"""Attacks on the reader of digits: what they may do, how far they must go, and what a defence is worth."""

import pytest
import torch
from torch import nn

from course_lib.foundations.attacks import (
    ATTACKS,
    accuracy_curve,
    along,
    defended_reader,
    iterated,
    random_signs,
    signed_gradient,
    slope,
    smallest,
)
from course_lib.foundations.digit_reader import (
    TESTING,
    TRAINING,
    digit_reader,
    new_reader,
    share_right,
    shuffled_digits,
)

LINEAR = torch.tensor([[1.0, 2.0, 0.0], [-1.0, 0.0, 0.0]])


def linear():
    model = nn.Sequential(nn.Flatten(), nn.Linear(3, 2, bias=False))
    model[1].weight.data = LINEAR.clone()
    return model


def some(count=40):
    digits = shuffled_digits()
    return digits.test_x[:count], digits.test_y[:count]


# ---- the reader -------------------------------------------------------------------------------------------------


def test_no_digit_is_on_both_sides():
    digits = shuffled_digits()
    assert len(digits.x) == TRAINING and len(digits.test_x) == TESTING and TRAINING + TESTING == 1797
    both = torch.cat([digits.x, digits.test_x])
    assert both.shape == (1797, 1, 8, 8) and both.min() == 0 and both.max() == 1
    assert not torch.equal(digits.x[0], shuffled_digits(1).x[0])


def test_the_reader_is_trained_and_at_rest():
    reader, (x, y) = digit_reader(0), some(TESTING)
    assert share_right(reader, x, y) >= 0.97 and not reader.training
    assert share_right(new_reader().eval(), x, y) < 0.3
    assert digit_reader(0) is reader


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_what_the_page_says_holds_for_other_starts(seed):
    x, y = some(TESTING)
    reader, defended = digit_reader(seed), defended_reader(seed)
    assert share_right(reader, x, y) >= 0.97 and share_right(defended, x, y) >= 0.965
    none, tenth, fifth = accuracy_curve(signed_gradient, reader, (0.0, 0.1, 0.2))
    assert none == pytest.approx(share_right(reader, x, y)) and tenth < 0.75 and fifth < 0.2
    assert accuracy_curve(random_signs, reader, (0.2,))[0] > 0.85
    assert accuracy_curve(signed_gradient, defended, (0.1,))[0] > tenth + 0.1
    assert share_right(reader, 1 - x, y) < 0.15
    right = nn.functional.pad(x, (1, 0))[..., :-1]
    assert share_right(reader, right, y) < 0.9 * none


# ---- the attacks ------------------------------------------------------------------------------------------------


def test_a_signed_step_by_hand():
    x, y = torch.tensor([[[[0.5, 0.4, 0.6]]], [[[0.05, 0.95, 0.5]]]]), torch.tensor([0, 0])
    made = signed_gradient(linear(), x, y, 0.25, 0.0, 1.0).flatten(1)
    assert torch.allclose(made, torch.tensor([[0.25, 0.15, 0.6], [0.0, 0.7, 0.5]]))


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
@pytest.mark.parametrize("eps", [0.07, -0.07])
def test_an_attack_keeps_its_limits_and_leaves_nothing_behind(attack, eps):
    reader, (x, y) = digit_reader(0), some()
    before = x.clone()
    made = attack(reader, x, y, eps, 0.0, 1.0)
    assert made.shape == x.shape and (made - x).abs().max() <= 0.07 + 1e-6
    assert made.min() >= 0 and made.max() <= 1 and not made.requires_grad
    assert torch.equal(x, before) and all(weight.grad is None for weight in reader.parameters())
    assert torch.equal(attack(reader, x, y, 0.0, 0.0, 1.0), x)


def test_the_slope_is_that_of_each_pictures_own_loss():
    reader, (x, y) = digit_reader(0), some(3)
    alone = torch.cat([slope(reader, x[i : i + 1], y[i : i + 1]) for i in range(3)])
    assert torch.allclose(slope(reader, x, y), alone, atol=1e-6)


@pytest.mark.parametrize("attack", [signed_gradient, iterated])
def test_away_raises_the_loss_and_towards_lowers_it(attack):
    reader, (x, y) = digit_reader(0), some()

    def loss(pictures):
        return nn.functional.cross_entropy(reader(pictures), y).item()

    assert loss(attack(reader, x, y, 0.05, 0.0, 1.0)) > loss(x) > loss(attack(reader, x, y, -0.05, 0.0, 1.0))


def test_several_steps_go_further_than_one():
    reader, (x, y) = digit_reader(0), some(TESTING)
    one, five = (share_right(reader, attack(reader, x, y, 0.15, 0.0, 1.0), y) for attack in (signed_gradient, iterated))
    assert five < one


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
@pytest.mark.parametrize("sign", [1, -1])
def test_every_size_at_once_is_each_size_alone(attack, sign):
    reader, (x, y) = digit_reader(0), some(1)
    sizes = torch.tensor([0.0, 0.03, 0.2])
    attacked, shares = along(attack, reader, x, y, sign * sizes)
    for row, size in enumerate(sizes.tolist()):
        assert torch.allclose(attacked[row], attack(reader, x, y, sign * size, 0.0, 1.0)[0], atol=1e-6)
    assert torch.allclose(shares, reader(attacked).softmax(dim=1), atol=1e-6)


def test_the_smallest_size_is_the_first_that_does_it():
    shares = torch.tensor([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.7, 0.3]])
    sizes = torch.tensor([0.0, 0.25, 0.5, 0.75])
    assert smallest(shares, sizes, 0, towards=False) == 0.5 and smallest(shares, sizes, 1, towards=True) == 0.5
    assert smallest(shares, sizes, 1, towards=False) == 0 and smallest(shares[:2], sizes, 0, towards=False) is None


def test_towards_a_class_more_are_read_as_it():
    reader, (x, y) = digit_reader(0), some(TESTING)
    threes = torch.full_like(y, 3)
    led = signed_gradient(reader, x, threes, -0.2, 0.0, 1.0)
    assert share_right(reader, led, threes) > 2 * share_right(reader, x, threes)
    assert accuracy_curve(signed_gradient, reader, (0.2,), towards=3)[0] == pytest.approx(share_right(reader, led, y))
