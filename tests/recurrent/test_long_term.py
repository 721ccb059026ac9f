"""The experiments over long lags: their parts, short real runs, and what the kept results say."""

import math
from statistics import median

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from course_lib.datasets.adding import draw_adding
from course_lib.datasets.first_symbol import draw_first_symbol
from course_lib.processes import READ_EVERY
from course_lib.recurrent.explosion import ClippedSGD, Explosion, at_steps, explode, exploding_network
from course_lib.recurrent.gru import GRU
from course_lib.recurrent.long_term import (
    NETWORKS,
    SOLVED,
    Fresh,
    build,
    gru_reader,
    learn_adding,
    learn_first_symbol,
    learn_layers,
    learn_reset,
)
from course_lib.recurrent.results import EXPLOSIONS, LAYERS, SEEDS, rounded
from course_lib.results import load_result


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize("network", NETWORKS)
def test_the_answer_is_read_off_the_last_step(network):
    model = build(network, 2, 3, hidden_size=5)
    x = torch.randn(4, 6, 2)
    output = model(x)
    assert output.shape == (4, 3)
    hidden, _ = model.recurrent(x)
    assert_close(output, model.head(hidden[:, -1]))


def test_only_the_forget_bias_differs_between_the_two_lstms():
    plain, remembering = (dict(build(name, 2, 1, 5).named_parameters()) for name in ("LSTM", "LSTM, forget bias 3"))
    changed = [name for name in plain if not torch.equal(plain[name], remembering[name])]
    assert changed == ["recurrent.bias_ih_l0", "recurrent.bias_hh_l0"]
    total = remembering[changed[0]] + remembering[changed[1]]
    assert (total[5:10] == 3).all()
    assert torch.equal(total[:5], (plain[changed[0]] + plain[changed[1]])[:5])


def test_batches_are_fresh_and_repeat_with_the_seed():
    batches = Fresh(draw_adding, length=6, batches=3, batch_size=4)
    torch.manual_seed(0)
    one, two = list(batches), list(batches)
    torch.manual_seed(0)
    again = list(batches)
    assert len(one) == len(batches) == 3 and one[0][0].shape == (4, 6, 2)
    assert torch.equal(one[2][0], again[2][0])
    seen = [inputs for inputs, _ in one + two]
    assert not any(torch.equal(a, b) for i, a in enumerate(seen) for b in seen[:i])


def test_a_short_adding_problem_is_solved_and_then_left():
    found = learn_adding("GRU", 0, length=3, updates=2000, every=25, hidden_size=16)
    assert found["solved_at"] == found["validated_at"][-1] < 2000
    assert found["validation"][-1] < SOLVED <= min(found["validation"][:-1])
    unsolved = learn_adding("GRU", 0, length=4, updates=20, every=10, hidden_size=4)
    assert unsolved["solved_at"] is None and unsolved["validated_at"] == [10, 20]


def test_a_short_lag_is_recalled():
    assert learn_first_symbol("plain RNN", 2, 0, updates=60, hidden_size=16) > 0.95


def test_one_and_three_layers_have_as_many_weights():
    counts = {}
    for name, (layers, units) in LAYERS.items():
        recurrent = nn.LSTM(16, units, layers)
        counts[name] = sum(weight.numel() for weight in recurrent.parameters()) + units + 1
    assert counts["one layer"] == pytest.approx(counts["three layers"], rel=0.002)
    assert LAYERS["two layers of 8"][1] == LAYERS["one layer of 8"][1]


def test_readers_with_either_reset_start_from_the_same_weights():
    after, before = gru_reader("after", 3), gru_reader("before", 3)
    assert all(torch.equal(a, b) for a, b in zip(after.parameters(), before.parameters(), strict=True))
    assert not after.recurrent.layers[0].reset_before and before.recurrent.layers[0].reset_before


def test_the_place_of_the_reset_matters_unless_the_matrix_is_diagonal():
    torch.manual_seed(0)
    gru, x = GRU(3, 4), torch.randn(2, 5, 3)
    assert (gru(x)[0] - gru.with_reset("before")(x)[0]).abs().max() > 1e-3
    with torch.no_grad():
        hidden = gru.layers[0].of_hidden
        hidden.weight[8:] = torch.diag(torch.randn(4))
        hidden.bias[8:] = 0
    assert_close(gru(x)[0], gru.with_reset("before")(x)[0])


# Clipping


@pytest.mark.parametrize("limit, cosine", [(100.0, 1.0), (1.0, 13.25 / math.sqrt(2.25 * 109.25))])  # to (1, 0.5, -1)
def test_what_clipping_does_to_a_gradient_is_taken_down(limit, cosine):
    weight, seen = nn.Parameter(torch.zeros(3)), Explosion()
    optimizer = ClippedSGD([weight], 0.1, lambda weights: nn.utils.clip_grad_value_(weights, limit), seen)
    weight.grad = torch.tensor([3.0, 0.5, -10.0])
    optimizer.step()
    raw = torch.tensor([3.0, 0.5, -10.0])
    assert_close(weight.data, -0.1 * raw.clamp(-limit, limit))
    assert seen.norms == pytest.approx([math.sqrt(109.25)])
    assert seen.cosines == pytest.approx([cosine])


@pytest.mark.parametrize("read_every", [1, 20], ids=["as on a CPU", "as on a GPU"])
def test_a_run_that_breaks_off_says_where(read_every, monkeypatch):
    monkeypatch.setitem(READ_EVERY, "cpu", read_every)
    seen = explode("none", math.inf, 1e6, seed=0, steps=20)
    assert 1 < seen.broke_off_at < 20 and seen.accuracy is None
    assert [math.isfinite(loss) for loss in seen.losses].index(False) == seen.broke_off_at - 1
    assert len(seen.losses) == seen.broke_off_at == len(seen.norms) + 1
    assert seen.largest_norm > 100


def test_names_that_do_not_exist_are_refused():
    with pytest.raises(ValueError, match="clip is one of none, value, norm, not 'both'"):
        explode("both", 1.0, 0.1, seed=0)
    with pytest.raises(ValueError, match=r"plain RNN; LSTM; .* there is no 'LSTM2'"):
        build("LSTM2", 2, 1)


def test_clipping_by_norm_keeps_the_direction_and_by_value_does_not():
    by_norm, by_value = explode("norm", 1.0, 0.1, 0, steps=15), explode("value", 0.01, 0.1, 0, steps=15)
    assert by_norm.losses[0] == by_value.losses[0] and by_norm.losses[5] != by_value.losses[5]
    assert by_norm.smallest_cosine == pytest.approx(1.0, abs=1e-6)
    assert by_value.smallest_cosine < 0.9
    assert by_norm.largest_norm > 10


def test_the_gradient_of_the_exploding_network_grows_with_the_lag():
    model = exploding_network(0)
    x = draw_first_symbol(32, 15)[0].requires_grad_()
    model(x).logsumexp(dim=1).sum().backward()
    sizes = x.grad.norm(dim=(0, 2))  # (time,)
    assert sizes[0] > 10 * sizes[-1]


def test_numbers_are_rounded_and_steps_picked():
    assert rounded({"a": [1.23456, None, 3], "b": 1 / 3e9}) == {"a": [1.235, None, 3], "b": 3.333e-10}
    assert at_steps([5.0, math.inf, 2.0], [1, 2, 3, 9]) == [5.0, None, 2.0]


# The kept results


def test_the_page_may_say_who_solves_the_adding_problem():
    networks = load_result("4.4_adding").values["networks"]
    for runs in networks.values():
        assert len(runs) == len(SEEDS)
        for run in runs:
            assert (run["solved_at"] is not None) == (run["validation"][-1] < SOLVED)
    assert all(run["solved_at"] for run in networks["GRU"])
    assert all(run["solved_at"] is None for run in networks["plain RNN"])


def test_the_page_may_say_that_clipping_by_norm_decides():
    runs = load_result("4.2_exploding").values["runs"]
    assert set(runs) == set(EXPLOSIONS)
    assert min(run["accuracy"] for run in runs["clipped by norm"]) > 0.9
    assert max(run["accuracy"] or 0 for run in runs["not clipped"]) < 0.35
    assert max(run["accuracy"] or 0 for run in runs["clipped by norm, rate 1"]) < 0.35
    assert min(run["smallest_cosine"] for run in runs["clipped by norm"]) > 0.999


def test_the_page_may_say_who_recalls_the_first_symbol():
    kept = load_result("4.4_first_symbol").values["networks"]
    assert min(right for lengths in kept.values() for right in lengths["5"]) > 0.99
    assert min(kept["LSTM, forget bias 3"]["20"]) > 0.99
    assert max(right for name in ("LSTM", "GRU") for right in kept[name]["20"] + kept[name]["50"]) < 0.35
    assert median(kept["plain RNN"]["20"]) > 0.5 > median(kept["plain RNN"]["50"])


def test_the_page_may_say_that_more_layers_and_the_place_of_the_reset_gain_nothing():
    stacks, kinds = load_result("4.4_layers").values["stacks"], load_result("4.4_reset").values["kinds"]
    one, three, after, before = (
        median(run["accuracy"][-1] for run in runs)
        for runs in (stacks["one layer"], stacks["three layers"], kinds["after"], kinds["before"])
    )
    assert three < one
    assert after == pytest.approx(before, abs=0.02)
    for runs in kinds.values():
        assert min(run["apart"] for run in runs) > 1.5  # of at most 2: weights fit only the kind they were trained in
        assert all(run["swapped"] < run["accuracy"][-1] - 0.03 for run in runs)


# Computed again


@pytest.mark.slow
def test_clipping_still_decides_when_computed_again():
    kept = load_result("4.2_exploding").values["runs"]
    again = explode("norm", 1.0, 0.1, seed=0)
    assert again.accuracy == pytest.approx(kept["clipped by norm"][0]["accuracy"], abs=0.05)
    alone = explode("none", math.inf, 0.1, seed=0)
    assert (alone.accuracy or 0) < 0.35


@pytest.mark.slow
def test_the_other_results_computed_again_are_the_kept_ones():
    adding, first = (load_result(f"4.4_{name}").values["networks"] for name in ("adding", "first_symbol"))
    assert learn_adding("GRU", 0)["solved_at"] == pytest.approx(adding["GRU"][0]["solved_at"], abs=100)
    assert learn_first_symbol("LSTM, forget bias 3", 20, 0) == pytest.approx(
        first["LSTM, forget bias 3"]["20"][0], abs=0.1
    )
    layers, reset = load_result("4.4_layers").values["stacks"], load_result("4.4_reset").values["kinds"]
    again = learn_layers(*LAYERS["one layer"], seed=0)["accuracy"][-1]
    assert again == pytest.approx(layers["one layer"][0]["accuracy"][-1], abs=0.03)
    last = learn_reset("before", 0)["accuracy"][-1]
    assert last == pytest.approx(median(run["accuracy"][-1] for run in reset["before"]), abs=0.05)
