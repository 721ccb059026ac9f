"""Two sides of a line: what the docstring promises."""

import pytest
import torch

from course_lib.datasets.sides import FEWEST, load_sides
from course_lib.foundations.perceptron import margin, with_ones


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("gap", [-0.3, 0.0, 0.2, 1.0])
def test_shapes_types_and_both_classes(gap, seed):
    x, y = load_sides(40, gap, seed)
    assert x.shape == (40, 2) and x.dtype == torch.float32 and x.abs().max() <= 1
    assert y.dtype == torch.int64 and FEWEST <= y.sum() <= 40 - FEWEST
    again = load_sides(40, gap, seed)
    assert torch.equal(x, again[0]) and torch.equal(y, again[1])


@pytest.mark.parametrize("seed", range(5))
def test_the_gap_decides_whether_a_line_separates_them(seed):
    wide, narrow, none = (margin(with_ones(x), y) for x, y in (load_sides(60, gap, seed) for gap in (0.4, 0.02, -0.6)))
    assert wide > 0.2 / 2**0.5 > narrow > 0 == none  # a line's distance shrinks where its bias is counted in


@pytest.mark.parametrize("wrong", [{"n": 7}, {"gap": 1.1}])
def test_what_cannot_be_drawn_is_refused(wrong):
    with pytest.raises(ValueError, match=r"at least 8|1 at most"):
        load_sides(**wrong)
