import pytest
import torch
from torch.testing import assert_close

from course_lib.datasets.adding import CHANCE, draw_adding, load_adding


@pytest.mark.parametrize("length", [2, 7, 100])
def test_two_markers_one_in_each_half_and_their_sum(length):
    inputs, targets = load_adding(300, length)
    assert inputs.shape == (300, length, 2) and targets.shape == (300, 1)
    assert inputs.dtype == targets.dtype == torch.float32
    numbers, markers = inputs.unbind(dim=2)  # (rows, length) each
    assert (markers[:, : length // 2].sum(dim=1) == 1).all() and (markers[:, length // 2 :].sum(dim=1) == 1).all()
    assert ((numbers >= 0) & (numbers < 1)).all() and set(markers.unique().tolist()) <= {0.0, 1.0}
    first, second = numbers[markers == 1].view(300, 2).T
    assert_close(targets.squeeze(1), first + second)


def test_markers_come_to_every_place():
    markers = load_adding(2000, 10)[0][..., 1]
    assert (markers.mean(dim=0) - 0.2).abs().max() < 0.05


def test_always_answering_one_is_chance():
    _, targets = load_adding(50_000, 2)
    assert ((targets - 1) ** 2).mean().item() == pytest.approx(CHANCE, rel=0.03)


def test_the_same_seed_draws_the_same():
    one, again, other = load_adding(5, 8), load_adding(5, 8), load_adding(5, 8, seed=1)
    assert torch.equal(one[0], again[0]) and torch.equal(one[1], again[1])
    assert not torch.equal(one[0], other[0])
    generator = torch.Generator().manual_seed(0)
    assert torch.equal(draw_adding(5, 8, generator)[0], one[0])
    assert not torch.equal(draw_adding(5, 8, generator)[0], one[0])  # the next rows


@pytest.mark.parametrize("sizes", [(0, 10), (5, 1)])
def test_too_small(sizes):
    with pytest.raises(ValueError, match="a length of at least 2, not"):
        load_adding(*sizes)
