"""Figures are pure, legible and repeat byte for byte."""

import numpy as np
import pytest

from course_lib.figures.heatmap import HeatMap
from course_lib.figures.lstm_step import draw_lstm_step
from course_lib.figures.style import new_figure, show, style
from course_lib.figures.wipe import draw_wipe

NUMBERS = {"f": 0.1, "before": -0.9, "i": 0.8, "g": 1.0, "c": 0.7, "o": 0.8, "tanh": 0.6, "h": 0.5}
SHARES = {"one rule": np.array([0.1, 0.5]), "another": np.array([1.0, 0.0])}
FIGURES = [lambda: draw_lstm_step(NUMBERS, "not"), lambda: draw_wipe(SHARES, SHARES, "made today")]


@pytest.mark.parametrize("draw", FIGURES)
def test_a_figure_repeats_byte_for_byte(draw):
    first, again = show(draw(), "a figure"), show(draw(), "a figure")
    assert first.png == again.png
    assert len(first.png) < 150_000


@pytest.mark.parametrize("draw", FIGURES)
def test_nothing_is_clipped(draw):
    figure = draw()
    left, bottom, right, top = figure.get_tightbbox().extents  # inches, of all that is visible
    width, height = figure.get_size_inches()
    assert min(left, bottom) >= -0.01 and right <= width + 0.01 and top <= height + 0.01



def test_a_picture_carries_its_words():
    data, metadata = show(new_figure(100, 50), "nothing to see")._repr_mimebundle_()
    assert data["text/plain"] == metadata["image/png"]["alt"] == "nothing to see"
    assert metadata["image/png"]["width"] == 100


def test_a_heat_map_puts_each_value_where_it_belongs():
    figure = new_figure(100, 100)
    with style():
        axes = figure.add_axes((0, 0, 1, 1))
    HeatMap(axes, "gray", 0, 1, lines=False).set_data([[0.0, 1.0], [0.5, 0.25]])
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())[..., 0]
    centres = pixels[[50, 150]][:, [50, 150]]
    assert np.abs(centres - 255 * np.array([[0, 1], [0.5, 0.25]])).max() <= 1
