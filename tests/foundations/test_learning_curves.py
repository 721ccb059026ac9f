"""How many labels a classifier needs, and three ways to get by with fewer."""

import pytest
import torch

from course_lib.foundations.learning_curves import (
    DESIGNS,
    FIRST,
    LAST,
    ask_round_by_round,
    drawn,
    least_sure,
    spread_labels,
    transferred,
    with_labels,
    with_neighbours,
)
from course_lib.results import load_result


def test_a_larger_draw_holds_the_smaller_one():
    few, many = drawn(30, seed=4), drawn(300, seed=4)
    assert torch.equal(many[:30], few) and len(many.unique()) == 300 and not torch.equal(drawn(30, seed=5), few)


def test_more_labels_more_right():
    assert with_labels(30, "logistic", 0) < with_labels(1000, "logistic", 0) - 0.1


def test_the_least_sure_come_first():
    probabilities = torch.tensor([[0.9, 0.1], [0.5, 0.5], [1.0, 0.0], [0.5, 0.5]])
    assert least_sure(probabilities).tolist() == [1, 3, 0, 2]


def test_nobody_is_asked_twice(monkeypatch):
    seen = []

    def from_the_end(probabilities):
        seen.append(len(probabilities))
        return torch.arange(len(probabilities)).flip(0)

    monkeypatch.setattr("course_lib.foundations.learning_curves.STEPS", 2)
    rights = ask_round_by_round(from_the_end, seed=0)
    assert seen == list(range(1297 - FIRST, 1297 - LAST, -10)) and len(rights) == len(seen) + 1


def test_labels_spread_among_neighbours():
    drawn_ = torch.Generator().manual_seed(0)
    x = torch.randn(60, 2, generator=drawn_) + torch.tensor([0.0, 9.0]).repeat_interleave(30)[:, None]
    y = torch.zeros(60, dtype=torch.long)
    y[30:] = 1
    known = torch.tensor([3, 40])
    hidden = torch.full_like(y, 7).index_copy(0, known, y[known])  # it may read only what is known
    assert torch.equal(spread_labels(x, hidden, known), y)


def test_neighbours_help_where_labels_are_few():
    assert with_neighbours(30, 0) > with_labels(30, "ReLU network", 0) + 0.05


def test_a_transfer_is_judged_on_the_new_digits():
    made = transferred(3, seed=0)
    assert set(made) == {"from nothing", "its features", "fine-tuned"}
    assert all(0.4 < right < 1 for right in made.values())


def test_what_is_kept_says_what_the_page_says():
    labels, fewer = load_result("2.8_labels").values, load_result("2.8_fewer_labels").values
    assert set(labels) == set(DESIGNS) and all(len(runs) == 10 for runs in labels["logistic"].values())
    assert all(len(run) == (LAST - FIRST) // 10 + 1 for run in fewer["active"]["least sure first"])


@pytest.mark.slow
def test_a_kept_run_comes_out_again():
    assert with_labels(300, "ReLU network", 0) == pytest.approx(
        load_result("2.8_labels").values["ReLU network"]["300"][0], abs=0.02
    )
