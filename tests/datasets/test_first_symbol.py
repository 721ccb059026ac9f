import pytest
import torch

from course_lib.datasets.first_symbol import CHANCE, SYMBOLS, draw_first_symbol, load_first_symbol


@pytest.mark.parametrize("length", [1, 20])
def test_the_symbol_stands_first_and_nowhere_else(length):
    inputs, targets = load_first_symbol(4000, length)
    assert inputs.shape == (4000, length, SYMBOLS) and inputs.dtype == torch.float32
    assert targets.shape == (4000,) and targets.dtype == torch.int64
    assert torch.equal(inputs[:, 0].argmax(dim=1), targets)
    assert (inputs[:, 0].sum(dim=1) == 1).all() and set(inputs[:, 0].unique().tolist()) == {0.0, 1.0}
    noise = inputs[:, 1:]
    if length > 1:
        assert noise.mean().abs() < 0.01 and abs(noise.std() - 1) < 0.01
        assert (noise[:, -1].argmax(dim=1) == targets).float().mean().item() == pytest.approx(CHANCE, abs=0.03)


def test_symbols_are_equally_likely():
    counts = load_first_symbol(4000, 2)[1].bincount(minlength=SYMBOLS)
    assert (counts / 4000 - CHANCE).abs().max() < 0.03


def test_the_same_seed_draws_the_same():
    one, again, other = load_first_symbol(50, 8), load_first_symbol(50, 8), load_first_symbol(50, 8, seed=1)
    assert torch.equal(one[0], again[0]) and torch.equal(one[1], again[1])
    assert not torch.equal(one[1], other[1])
    assert torch.equal(draw_first_symbol(50, 8, torch.Generator().manual_seed(0))[0], one[0])


@pytest.mark.parametrize("sizes", [(0, 10), (5, 0)])
def test_too_small(sizes):
    with pytest.raises(ValueError, match="at least one row and one step"):
        load_first_symbol(*sizes)
