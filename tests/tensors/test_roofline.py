import math
from itertools import pairwise

import numpy as np
import pytest
import torch

from course_lib.figures.roofline import with_prefix
from course_lib.tensors import roofline
from course_lib.tensors.roofline import (
    ADD,
    CHAIN,
    DOT,
    H200,
    MATRIX_VECTOR,
    OPERATIONS,
    PRODUCT,
    STEPS,
    Limits,
    Point,
    Work,
    attainable,
    measure,
    measure_bandwidth,
    measure_bus,
    measure_limits,
    measure_peak,
    measure_sizes,
    memory_of,
    seconds_of,
    with_cache,
)

CPU = torch.device("cpu")


def results(operation, n, memory):
    """What one call leaves behind: its result, and all of the memory."""
    return operation.prepare(n, memory)(), memory


# ---- the formulas


def test_below_the_slope_left_of_the_ridge_and_below_the_peak_right_of_it():
    assert attainable(0.5, bandwidth=20.0, peak=100.0) == 10
    assert attainable(5.0, bandwidth=20.0, peak=100.0) == attainable(50.0, bandwidth=20.0, peak=100.0) == 100
    assert attainable(np.array([0.1, 1, 10]), 10.0, 30.0).tolist() == [1, 10, 30]


@pytest.mark.parametrize(
    ("operation", "n", "flops", "numbers", "calls"),
    [
        (ADD, 1000, 1000, 3000, 1),
        (CHAIN, 1000, STEPS * 1000, 3000, STEPS),
        (DOT, 1000, 2000, 2001, 1),
        (MATRIX_VECTOR, 10, 200, 120, 1),
        (PRODUCT, 10, 2000, 300, 1),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_work_is_counted(operation, n, flops, numbers, calls, dtype):
    work = operation.work(n, dtype)
    assert (work.flops, work.held, work.calls) == (flops, numbers * dtype.itemsize, calls)
    assert work.moved == calls * work.held
    assert work.intensity == flops / work.moved


def test_only_the_products_intensity_grows_with_its_size():
    for operation in OPERATIONS:
        small, large = (operation.work(operation.size(numbers)).intensity for numbers in (2**12, 2**20))
        assert large / small == pytest.approx(16 if operation is PRODUCT else 1, rel=0.05)
    assert PRODUCT.work(600).intensity == 100  # n / 6 in float32
    assert CHAIN.work(600).intensity == ADD.work(600).intensity == 1 / 12


def test_a_size_is_the_side_of_a_square_or_the_length_of_a_vector():
    assert PRODUCT.size(4096) == MATRIX_VECTOR.size(4096) == 64
    assert ADD.size(4096) == 4096


def test_each_operation_computes_what_its_name_says():
    n, memory = 6, memory_of(40, torch.float64)
    a, b, _ = memory[:, :n].clone()
    squares = memory[:, : n * n].clone().view(3, n, n)
    assert torch.equal(results(ADD, n, memory.clone())[1][2, :n], a + b)
    assert torch.equal(results(DOT, n, memory.clone())[0], a @ b)
    torch.testing.assert_close(results(PRODUCT, n, memory.clone())[1][2, : n * n].view(n, n), squares[0] @ squares[1])
    torch.testing.assert_close(results(MATRIX_VECTOR, n, memory.clone())[1][2, :n], squares[0] @ b)
    x = a
    for _ in range(STEPS // 2):
        x = x * a + b
    torch.testing.assert_close(results(CHAIN, n, memory.clone())[1][2, :n], x)


def test_a_chain_calls_as_often_as_it_says():
    called = []

    class Counting(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            called.append(func)
            return func(*args, **(kwargs or {}))

    run = CHAIN.prepare(4, memory_of(4))
    with Counting():
        run()
    assert len(called) == STEPS == CHAIN.calls


# ---- the cost model


def test_time_is_calls_and_the_longer_of_memory_and_arithmetic():
    card = Limits("a card", bandwidth=100.0, peak=1000.0, call=2.0, bus=10.0)
    bound_by_memory, bound_by_arithmetic = Work(1000, 500, 300, calls=3), Work(9000, 500, 300)
    assert card.parts(bound_by_memory) == {"calls": 6, "memory": 5, "arithmetic": 1, "transfer": 0}
    assert card.seconds(bound_by_memory) == 6 + 5
    assert card.seconds(bound_by_arithmetic) == 2 + 9


def test_to_send_and_to_fetch_are_a_call_each_and_the_rest_is_the_bus():
    work = Work(1000, 500, 300, calls=3)
    card, here = Limits("a card", 100.0, 1000.0, call=2.0, bus=10.0), Limits("here", 100.0, 1000.0)
    sent = card.parts(work, sent=True)
    assert sent == {"calls": 6 + 2 * 2, "memory": 5, "arithmetic": 1, "transfer": 300 / 10}  # once for all calls
    assert card.seconds(work, sent=True) == 10 + 5 + 30
    assert here.parts(work, sent=True)["transfer"] == 0


def test_what_fits_in_the_cache_is_read_from_it():
    limits = Limits("here", bandwidth=10.0, peak=1e9, cache=40.0, fits=100)
    assert limits.parts(Work(1, 80, 80))["memory"] == 2
    assert limits.parts(Work(1, 120, 120))["memory"] == 12


def test_a_cache_is_seen_in_measurements_that_show_one():
    def points(*bandwidths):
        works = [Work(n, 12 * n, 12 * n) for n in (1, 2, 4, 8)]
        return [Point(work.flops, work, work.moved / speed) for work, speed in zip(works, bandwidths, strict=True)]

    limits = Limits("here", bandwidth=10.0, peak=100.0)
    found = with_cache(limits, points(5, 90, 80, 11))
    assert (found.cache, found.fits) == (pytest.approx(90), 48)
    assert with_cache(limits, points(5, 8, 12, 10)) == limits


def test_the_data_sheet_card_loses_the_small_and_wins_the_large():
    small = H200.parts(ADD.work(1000), sent=True)
    assert small["calls"] == pytest.approx(3e-5) and small["calls"] > 0.99 * H200.seconds(ADD.work(1000), sent=True)
    assert H200.seconds(PRODUCT.work(4096), sent=True) < 0.01
    assert H200.peak / H200.bandwidth == pytest.approx(14, rel=0.01)


# ---- measured: only what no busy machine can turn round


def test_all_measurements_are_positive_and_finite():
    memory = memory_of(2**12)
    for operation in OPERATIONS:
        points = measure_sizes(operation, [operation.size(numbers) for numbers in (16, 256, 4096)], memory)
        assert [point.size for point in points] == [operation.size(numbers) for numbers in (16, 256, 4096)]
        assert all(0 < point.seconds < math.inf and point.rate > 0 and point.bandwidth > 0 for point in points)


def test_a_product_does_more_arithmetic_a_second_than_an_addition():
    memory = memory_of(2**16)
    assert measure(PRODUCT, 256, memory).rate > 2 * measure(ADD, 2**16, memory).rate


def test_measuring_draws_nothing_from_the_randomness_of_the_page():
    before = torch.get_rng_state()
    memory = memory_of(2**12)
    assert torch.equal(torch.get_rng_state(), before) and torch.equal(memory, memory_of(2**12))


def test_limits_are_measured():
    limits = measure_limits("cpu", "here")
    assert limits.name == "here" and limits.bus == math.inf
    assert limits.peak > limits.bandwidth * ADD.work(1).intensity
    assert 0 < limits.call < 0.01
    for value in (measure_bandwidth(numbers=2**16), measure_bus("cpu", numbers=2**16), measure_peak(side=32)):
        assert 0 < value < math.inf


def test_no_patience_for_what_takes_too_long(monkeypatch):
    monkeypatch.setattr(roofline, "PATIENCE", 0.0)
    assert [point.size for point in measure_sizes(PRODUCT, [4, 8, 16], memory_of(256))] == [4]


def test_the_fastest_run_counts(monkeypatch):
    monkeypatch.setattr(roofline, "LEAST", 0.0)  # each run is one call
    clock = iter([0.0, 5.0, 10.0, 13.0, 20.0, 24.0])  # runs of 5, 3 and 4 seconds
    monkeypatch.setattr(roofline, "perf_counter", lambda: next(clock))
    assert seconds_of(lambda: None, CPU, runs=2) == 3


def test_a_card_is_waited_for(monkeypatch):
    """Without this, a clock would measure how fast Python asks."""
    waited = []
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: waited.append("cuda"))
    monkeypatch.setattr(torch.mps, "synchronize", lambda: waited.append("mps"))
    for kind in ("cpu", "cuda", "mps"):
        seconds_of(lambda: None, torch.device(kind), runs=1)
    assert waited.count("cuda") == waited.count("mps") == 4  # before and after each of two runs


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_card_is_measured():
    card = measure_limits("cuda")
    assert 0 < card.bus < math.inf and card.peak > 0 and card.bandwidth > card.bus


def test_memory_is_as_large_as_asked_for():
    for numbers in (1, 1000, 2**16, 2**16 + 5):
        memory = memory_of(numbers, torch.float64)
        assert memory.shape == (3, numbers) and memory.dtype == torch.float64
        assert memory.min() >= 0 and memory.max() <= 1
        assert not torch.equal(memory[0], memory[1]) or numbers == 1


# ---- in words


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (8.2e10, "82 GFLOP/s"),
        (1e12, "1 TFLOP/s"),
        (999.7e9, "1 TFLOP/s"),
        (2.34e6, "2.3 MFLOP/s"),
        (1.5e-6, "1.5 µFLOP/s"),
        (205, "205 FLOP/s"),
        (0, "0 FLOP/s"),
        (3e-10, "0.3 nFLOP/s"),
        (4e15, "4,000 TFLOP/s"),
    ],
)
def test_a_quantity_is_said_with_a_prefix(value, said):
    assert with_prefix(value, "FLOP/s") == said


def test_prefixes_keep_order():
    values = np.geomspace(1e-8, 1e14, 200)
    scales = dict(zip(("n", "µ", "m", "", "k", "M", "G", "T"), 10.0 ** np.arange(-9, 15, 3), strict=True))

    def read(text):
        number, unit = text.split(" ")
        return float(number.replace(",", "")) * scales[unit.removesuffix("s")]

    said = [read(with_prefix(value, "s")) for value in values]
    assert all(before <= after for before, after in pairwise(said))
    assert np.allclose(said, values, rtol=0.06)
