"""Smaller networks: what rounding and pruning do, what a file of them takes, what a teacher brings; the frontier."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from course_lib.foundations.compression import (
    FLOAT,
    SMALL,
    TEACHER,
    TENTH,
    compressed,
    file_bytes,
    follow,
    from_bytes,
    matrix_bits,
    parameters,
    prune,
    quantise,
    to_bytes,
    train_small,
)
from course_lib.foundations.deep import accuracy
from course_lib.foundations.mlp import MLP
from course_lib.foundations.tradeoffs import (
    BITS,
    PERCENTS,
    SIZES,
    frontier,
    grid,
    in_csr,
    in_int8,
    milliseconds,
    networks,
)
from course_lib.results import load_result


def weights(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


# ---- fewer bits, fewer weights ----------------------------------------------------------------------------------


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
def test_rounded_weights_lie_on_levels_no_further_than_half_a_step(bits):
    w = weights(40, 30)
    step = w.abs().max() / (2 ** (bits - 1) - 1)
    made = quantise(w, bits)
    assert ((made - w).abs() <= step / 2 + 1e-6).all() and (made / step - (made / step).round()).abs().max() < 1e-4
    assert len(made.unique()) <= 2**bits - 1


def test_nothing_happens_to_what_needs_nothing():
    w = weights(5, 4)
    assert torch.equal(quantise(w, FLOAT), w) and torch.equal(prune(w, 0.0), w)
    assert torch.equal(quantise(torch.zeros(3, 3), 4), torch.zeros(3, 3))


def test_the_smallest_are_pruned():
    w = weights(10, 10)
    left = prune(w, 0.37)
    assert (left == 0).sum() == 37 and w[left == 0].abs().max() <= left[left != 0].abs().min()
    assert torch.equal(left[left != 0], w[left != 0]) and (w != 0).all()


def test_a_copy_is_compressed_and_the_network_stays():
    model = MLP((64, 16, 10))
    before = [weight.clone() for weight in model.parameters()]
    made = compressed(model, 3, 0.5)
    assert all(torch.equal(*pair) for pair in zip(before, model.parameters(), strict=True))
    assert all(torch.equal(a.bias, b.bias) for a, b in zip(made.layers, model.layers, strict=True))
    assert all((layer.weight == 0).float().mean() >= 0.5 for layer in made.layers)


# ---- bytes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hidden", [8, 25, 200])
@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.97, 1.0])
def test_a_file_is_as_large_as_said_and_gives_the_same_network_again(hidden, bits, share):
    made = compressed(MLP((64, hidden, 10), seed=hidden), bits, share)
    file = to_bytes(made, bits)
    assert len(file) == file_bytes(made, bits)
    assert all(torch.equal(*pair) for pair in zip(from_bytes(file).parameters(), made.parameters(), strict=True))


def test_each_way_to_write_a_matrix_is_the_shortest_somewhere():
    shortest = {int(np.argmin(matrix_bits(1000, kept, 8))) for kept in range(0, 1001, 50)}
    assert shortest == {0, 1, 2}
    assert matrix_bits(1000, 100, 8) == [8000, 1800, 1800]


def test_the_teacher_takes_four_bytes_a_weight_and_a_few():
    model = MLP((64, TEACHER, 10))
    assert file_bytes(model, FLOAT) == 4 * parameters(model) + 3 + 2 * 9


# ---- a teacher --------------------------------------------------------------------------------------------------


def test_the_students_are_as_small_as_said():
    small, tenth, teacher = (parameters(MLP((64, units, 10))) for units in (SMALL, TENTH, TEACHER))
    assert tenth / teacher == pytest.approx(0.098, abs=1e-3) and small / teacher == pytest.approx(0.047, abs=1e-3)


def test_a_student_that_says_what_its_teacher_says_has_no_loss():
    student, teacher = weights(6, 10), weights(6, 10, seed=1)
    assert follow(4.0)(teacher, teacher).item() == pytest.approx(0, abs=1e-6)
    p, q = ((logits / 4).softmax(dim=1) for logits in (teacher, student))
    by_hand = 16 * (p * (p / q).log()).sum(dim=1).mean()
    assert follow(4.0)(student, teacher).item() == pytest.approx(by_hand.item(), rel=1e-5)


def test_a_students_gradient_hardly_depends_on_the_temperature():
    teacher, sizes = weights(6, 10, seed=1), []
    for temperature in (20.0, 40.0):
        student = weights(6, 10).requires_grad_()
        follow(temperature)(student, teacher).backward()
        sizes.append(student.grad.norm().item())
    assert sizes[0] == pytest.approx(sizes[1], rel=0.1)


def test_the_recorded_students():
    right = {name: np.array(values) for name, values in load_result("2.9_distillation").values["right"].items()}
    assert abs((right["all, taught"] - right["all, labels"]).mean()) < 0.01
    assert (right["few, taught on all"] - right["few, teacher"]).mean() > -0.01
    assert (right["few, taught on all"] - right["few, labels"]).mean() > 0.03
    assert (right["pictures, taught"] - right["pictures, labels"]).min() > 0.05


@pytest.mark.slow
def test_a_recorded_student_is_trained_again():
    from course_lib.foundations.compression import distillation_runs

    right = load_result("2.9_distillation").values["right"]
    for name, value in distillation_runs(0).items():
        assert value == pytest.approx(right[name][0], abs=0.02)


# ---- every combination ------------------------------------------------------------------------------------------


def test_the_grid_holds_what_each_network_gets_right_and_takes():
    made = grid()
    assert made.right.shape == made.bytes.shape == (len(SIZES), len(BITS), len(PERCENTS))
    for at in ((0, 0, 0), (1, 3, 10), (len(SIZES) - 1, 5, 4)):
        size, bits, percent = SIZES[at[0]], BITS[at[1]], PERCENTS[at[2]]
        model = compressed(networks()[size], bits, percent / 100)
        assert made.right[at] == accuracy(model) and made.bytes[at] == file_bytes(model, bits)
    assert made.milliseconds.shape == (len(SIZES),) and (made.milliseconds > 0).all()


def test_where_accuracy_breaks():
    right = grid().right[0]
    whole = right[0, 0]
    assert whole > 0.9 and (right[:5, 0] > whole - 0.02).all()  # down to 4 bits
    assert right[BITS.index(2), 0] < whole - 0.05 and right[0, PERCENTS.index(90)] < whole - 0.05


def test_the_frontier_is_what_nothing_beats():
    cost, right = np.array([3.0, 1, 2, 2, 5, 4]), np.array([0.5, 0.2, 0.6, 0.7, 0.9, 0.7])
    assert frontier(cost, right).tolist() == [1, 3, 4]
    rng = np.random.default_rng(0)
    cost, right = rng.integers(1, 20, 200), rng.integers(0, 30, 200)
    edge = set(frontier(cost, right).tolist())
    beaten = {
        n for n in range(200) if ((cost <= cost[n]) & (right > right[n]) | (cost < cost[n]) & (right == right[n])).any()
    }
    assert not edge & beaten
    left = {(cost[n], right[n]) for n in range(200) if n not in beaten}
    assert left == {(cost[n], right[n]) for n in edge}


def test_a_sparse_network_is_the_same_network():
    model, x = compressed(MLP((64, 32, 10)), FLOAT, 0.8), weights(7, 64)
    assert torch.allclose(in_csr(model)(x), model(x), atol=1e-5)


def test_eight_bits_multiplied_as_such_are_nearly_the_same_network():
    model, x = MLP((64, 32, 10)), weights(7, 64)
    try:
        small = in_int8(model)
    except (RuntimeError, AttributeError) as reason:
        pytest.skip(f"not offered here: {reason}")
    assert (small(x) - model(x)).abs().max() < 0.1


def test_milliseconds_are_of_a_call():
    calls = []
    assert milliseconds(lambda: calls.append(0), repeats=5) < 5 and len(calls) == 8


def test_training_leaves_randomness_as_it_was():
    x, y = weights(60, 64), torch.arange(60) % 10
    before = torch.get_rng_state()
    model = train_small(4, x, y, F.cross_entropy, steps=3)
    assert torch.equal(torch.get_rng_state(), before) and model(x).shape == (60, 10)
