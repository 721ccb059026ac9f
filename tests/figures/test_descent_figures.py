import pytest

from course_lib.figures.blame import draw_blame
from course_lib.figures.rates import draw_rates
from course_lib.figures.style import show

ERRORS = {"one-sided": ([0.1, 1e-3, 1e-6], [1e-2, 1e-4, 1e-7]), "central": ([0.1, 1e-3, 1e-6], [1e-3, 1e-7, 1e-10])}
COSTS = {name: ([36, 136, 2080], [n, 10 * n, 200 * n]) for n, name in ((2000, "differences"), (80, "backwards"))}
WALKS = {name: (range(9), [5.0 - end] + [end] * 8) for end, name in ((0.3, "from the right"), (-0.3, "from the left"))}
LOSSES = {"plain": [[2.3, 2.0, 0.5, 9.0], [2.3, 1.9, 0.4, 2.3]], "Adam": [[0.5, 0.4, 2.0, 2.4]]}
FIGURES = [
    lambda: draw_blame(ERRORS, COSTS, WALKS),
    lambda: draw_rates([0.01, 0.1, 1.0, 3.0], LOSSES, 2.3, [0, 100, 200], {0.1: [1, 1.0, 1.1], 0.4: [3.8, 2.4, 2.0]}),
]


@pytest.mark.parametrize("draw", FIGURES)
def test_a_figure_repeats_byte_for_byte_and_is_small(draw):
    first, again = show(draw(), "a figure"), show(draw(), "a figure")
    assert first.png == again.png
    assert len(first.png) < 150_000


@pytest.mark.parametrize("draw", FIGURES)
def test_nothing_is_clipped(draw):
    figure = draw()
    left, bottom, right, top = figure.get_tightbbox().extents  # inches
    width, height = figure.get_size_inches()
    assert min(left, bottom) >= -0.01 and right <= width + 0.01 and top <= height + 0.01


def test_every_line_is_named():
    blame, rates = FIGURES[0](), FIGURES[1]()
    said = {text.get_text() for figure in (blame, rates) for axes in figure.axes for text in axes.texts}
    assert {*ERRORS, *COSTS, *WALKS, *LOSSES, "rate 0.1", "rate 0.4", "chance"} <= said
