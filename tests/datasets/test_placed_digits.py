"""Digits somewhere on a canvas."""

import pytest
import torch

from course_lib.datasets.digits import load_digits
from course_lib.datasets.placed_digits import DIGIT, load_placed_digits


@pytest.mark.parametrize("side, copies", [(16, 1), (8, 1), (11, 2)])
def test_each_canvas_holds_its_digit_where_the_corner_says_and_nothing_else(side, copies):
    pixels, labels = load_digits()
    placed = load_placed_digits(side, copies, seed=1)
    assert placed.pictures.shape == (1797 * copies, 1, side, side) and placed.pictures.dtype == torch.float32
    assert torch.equal(placed.labels, labels.repeat_interleave(copies)) and placed.corners.shape == (1797 * copies, 2)
    for n in range(0, 1797 * copies, 97):
        top, left = placed.corners[n]
        digit = pixels[n // copies].reshape(DIGIT, DIGIT)
        assert torch.equal(placed.pictures[n, 0, top : top + DIGIT, left : left + DIGIT], digit)
        assert placed.pictures[n].sum() == digit.sum()


def test_all_places_are_equally_likely_and_each_copy_has_its_own():
    corners = load_placed_digits(12, copies=4, seed=3).corners
    counts = torch.bincount(corners[:, 0] * 5 + corners[:, 1])
    assert len(counts) == 25 and counts.min() > 220 and counts.max() < 360  # 1797 · 4 / 25 = 288
    assert not torch.equal(corners[::4], corners[1::4])


def test_the_same_seed_draws_the_same_places_and_leaves_randomness_as_it_was():
    state = torch.get_rng_state()
    first, again, other = (load_placed_digits(seed=seed).pictures for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert torch.equal(state, torch.get_rng_state())


def test_no_digit_is_changed_by_what_becomes_of_a_canvas():
    load_placed_digits(8).pictures.zero_()
    assert load_digits()[0].max() == 1


@pytest.mark.parametrize("wrong, words", [({"side": 7}, "does not fit"), ({"copies": 0}, "1 or more")])
def test_bad_input_is_refused_with_a_reason(wrong, words):
    with pytest.raises(ValueError, match=words):
        load_placed_digits(**wrong)
