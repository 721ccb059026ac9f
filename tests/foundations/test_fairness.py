"""People of two groups: what leans, what a model takes over, and what each remedy does."""

import pytest
import torch

from course_lib.foundations.exercises.cost.fairness import rates_of, weights_of
from course_lib.foundations.fairness import (
    BLIND,
    balanced_weights,
    chances,
    draw_people,
    rates,
    select,
    thresholds_for,
    trade,
    train_selector,
)

SEEDS = range(3)


def judged(model, people, thresholds=(0.5, 0.5)):
    return rates(select(chances(model, people), people.group, thresholds), people.worthy, people.group)


def share(values, who):
    return values[who].float().mean().item()


@pytest.mark.parametrize("seed", SEEDS)
def test_the_groups_are_equal_and_their_records_are_not(seed):
    people = draw_people(seed)
    for number in (0, 1):
        assert share(people.worthy, people.group == number) == pytest.approx(0.5, abs=0.04)
    assert share(people.label, people.group == 1) == pytest.approx(0.3, abs=0.04)
    first = people.group == 0
    assert torch.equal(people.label[first], people.worthy[first]) and (people.label <= people.worthy).all()
    scores = [people.x[(people.group == number) & (people.worthy == 1), :2].mean().item() for number in (0, 1)]
    assert scores == pytest.approx([0.75, 0.75], abs=0.07)


def test_drawing_repeats_itself_and_leaves_no_trace():
    before = torch.get_rng_state()
    assert torch.equal(draw_people(3).x, draw_people(3).x)
    assert torch.equal(torch.get_rng_state(), before) and not torch.equal(draw_people(3).x, draw_people(4).x)


def test_rates_and_weights_are_those_of_the_exercise():
    drawn = torch.Generator().manual_seed(0)
    chosen, truth, group = (torch.randint(2, (60,), generator=drawn) for _ in range(3))
    made = rates(chosen, truth, group)
    selection, found, selection_gap, found_gap = rates_of(chosen, truth, group)
    assert torch.allclose(made.selected, selection.float()) and torch.allclose(made.found, found.float())
    assert [abs(gap) for gap in made.gaps()] == pytest.approx([float(selection_gap), float(found_gap)], abs=1e-6)
    assert made.right == pytest.approx(share(chosen == truth, truth >= 0))
    assert torch.allclose(balanced_weights(truth, group), weights_of(truth, group).float())


def test_an_empty_cell_has_nobody_to_weigh():
    weights = balanced_weights(torch.tensor([1, 1, 0]), torch.tensor([0, 0, 1]))
    assert weights.isfinite().all()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_model_takes_over_what_the_records_lean_to(seed):
    learn, judge = draw_people(seed), draw_people(seed + 100)
    leaning, right = train_selector(learn), train_selector(learn._replace(label=learn.worthy))
    assert min(judged(leaning, judge).gaps()) > 0.15 and max(map(abs, judged(right, judge).gaps())) < 0.1
    assert judged(right, judge).right > judged(leaning, judge).right + 0.03


@pytest.mark.parametrize("seed", SEEDS)
def test_what_each_remedy_does_to_leaning_records(seed):
    learn, judge = draw_people(seed), draw_people(seed + 100)
    model, weights = train_selector(learn), balanced_weights(learn.label, learn.group)
    nothing, blind = judged(model, judge), judged(train_selector(learn, BLIND), judge)
    reweighed = judged(train_selector(learn, BLIND, weights), judge)
    penalty = judged(train_selector(learn, penalty=5.0), judge)
    assert nothing.gaps()[1] > blind.gaps()[1] + 0.1 > reweighed.gaps()[1] + 0.1
    assert reweighed.selected.max() < 0.47 and abs(penalty.gaps()[0]) < nothing.gaps()[0] / 2
    assert min(one.right for one in (blind, reweighed, penalty)) > nothing.right


@pytest.mark.parametrize("seed", SEEDS)
def test_the_two_notions_conflict_where_base_rates_differ(seed):
    learn, judge = (draw_people(seed + more, base_rates=(0.6, 0.3), overlooked=0.0) for more in (0, 100))
    model = train_selector(learn)
    known = chances(model, learn)
    by_selection = judged(model, judge, thresholds_for(known, torch.ones_like(learn.group), learn.group, 0.45))
    by_found = judged(model, judge, thresholds_for(known, learn.worthy, learn.group, 0.8))
    assert abs(by_selection.gaps()[0]) < 0.1 and by_selection.gaps()[1] < -0.1
    assert abs(by_found.gaps()[1]) < 0.1 and by_found.gaps()[0] > 0.1


def test_a_threshold_a_group_gives_the_shares_asked_for():
    people = draw_people(0)
    known = chances(train_selector(people), people)
    thresholds = thresholds_for(known, people.worthy, people.group, 0.7)
    assert rates(select(known, people.group, thresholds), people.worthy, people.group).found.tolist() == pytest.approx(
        [0.7, 0.7], abs=0.01
    )


def test_the_line_of_thresholds_runs_through_both_gaps():
    people = draw_people(0)
    known = chances(train_selector(people), people)
    line = trade(known, people.worthy, people.group, torch.linspace(0.1, 0.9, 9))
    assert line.shape == (9, 3)
    assert (line[1:, :2] >= line[:-1, :2] - 1e-6).all()  # the higher the threshold, the larger both gaps
    middle = rates(select(known, people.group), people.worthy, people.group)
    assert line[4, :2].tolist() == pytest.approx(middle.gaps(), abs=1e-5)
