"""Figures are pure, legible and repeat byte for byte."""

import numpy as np
import pytest

from course_lib.figures.break_even import draw_break_even
from course_lib.figures.differences import draw_difference_errors
from course_lib.figures.gru_step import draw_gru_step
from course_lib.figures.heatmap import HeatMap
from course_lib.figures.lag_curves import draw_lag_curves
from course_lib.figures.learning import describe_dots, draw_curves, draw_dots
from course_lib.figures.lstm_step import draw_lstm_step
from course_lib.figures.now_or_later import draw_now_or_later
from course_lib.figures.roofline import draw_against_roofs
from course_lib.figures.style import new_figure, show, style
from course_lib.figures.trade import draw_trade
from course_lib.figures.unrolled_steps import draw_unrolled_steps
from course_lib.figures.views import draw_views
from course_lib.figures.wipe import draw_wipe

NUMBERS = {"f": 0.1, "before": -0.9, "i": 0.8, "g": 1.0, "c": 0.7, "o": 0.8, "tanh": 0.6, "h": 0.5}
SHARES = {"one rule": np.array([0.1, 0.5]), "another": np.array([1.0, 0.0])}
STEPS = [1, 10, 100]
CURVES = {"not clipped": [(STEPS, [1.0, 50.0, None])], "clipped": [(STEPS, [1.0, 0.5, 0.01]), (STEPS, [2.0, 0.4, 0.1])]}
DOTS = {"length 5": {"plain RNN": [1.0, 0.9], "GRU": [1.0]}, "length 50": {"plain RNN": [0.2, None], "GRU": [0.3]}}
VIEWS = {f"t[:, {n}:{n + 1}].expand(3, 4)": (np.full((3, 4), 4 * n), (3, 4), (4, 0)) for n in range(3)}
SPOTS = {"elementwise add": np.full((12, 2), [0.083, 2e9]), "matrix · matrix": np.full((12, 2), [50, 7e10])}
HERE = {"bandwidth": 2e10, "peak": 8e10, "held": np.geomspace(1e2, 1e8, 12), "moved": np.linspace(1e8, 7e10, 12),
        "spots": SPOTS}  # fmt: skip
FIGURES = [
    lambda: draw_lstm_step(NUMBERS, "not"),
    lambda: draw_gru_step({"r": 0.4, "z": 0.1, "n": -0.9, "before": 0.9, "h": -0.7}, "not"),
    lambda: draw_wipe(SHARES, SHARES, "made today"),
    lambda: draw_curves(CURVES, "made today", ylabel="loss", log="xy", levels={"chance": 1.4},
                        broke_off={"not clipped": [60]}),
    lambda: draw_lag_curves({"RNN, as PyTorch starts it": np.geomspace(1, 1e-30, 50), "LSTM": np.ones(50)}),
    lambda: draw_unrolled_steps(["the", "film", "was", "not", "good"], np.zeros((5, 8)), np.ones(5), 0.2),
    lambda: draw_trade([0.0, 0.5, 1.5], [[1, 0.9], [0.4, 0.6], [0, 0]], [[1, 1.1], [12, 9], [600, 500]], "made today"),
    lambda: draw_dots(DOTS, "made today", xlabel="right answers", levels={"chance": 0.25}, xlim=(0, 1.02)),
    lambda: draw_views(12, VIEWS),
    lambda: draw_break_even({"a training step of a network": (1e-3, 20, 1e-3, 1e-4), "another": (1, 9, 1, 2)}, "here"),
    lambda: draw_difference_errors({"float64": (STEPS, {"central": [1e-9, 0, 1], "one-sided": [1e-4, 1e-2, 1]})}),
    lambda: draw_now_or_later({"torch.compile": [("rewrite", "record, write code", 17.3), ("compute", "run", 2e-7)],
                               "eager": [("go back", "there, and then back", 3e-3)]}),
    lambda: draw_against_roofs({"here": HERE}, "elementwise add", "made today"),
    lambda: draw_against_roofs({"here": HERE, "H200": {"bandwidth": 4.8e12, "peak": 6.7e13}}, "elementwise add", "now"),
    lambda: draw_against_roofs({"here": HERE, "on cuda": HERE | {"bandwidth": 8e12, "peak": 1e14}}, "adding", "now"),
]  # fmt: skip


MANY = {f"network {number}": [1.0, 0.9] for number in range(9)}  # more than there are colours


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


def test_more_networks_than_colours_are_all_drawn():
    (dots,) = draw_dots({"length 5": MANY}, "made today", xlabel="right answers").axes
    assert len(dots.lines) == len(MANY)
    panels = draw_curves({name: [(STEPS, [1.0, 0.5, 0.2])] for name in MANY}, "made today", ylabel="loss").axes
    assert [panel.get_title(loc="left") or panel.get_title() for panel in panels] == list(MANY)
    assert all(len(panel.lines) == 1 for panel in panels)


def test_a_level_is_named_in_the_panel_that_has_room():
    figure = draw_curves(CURVES, "made today", ylabel="loss", levels={"chance": 1.4}, named_in=0)
    assert [[text.get_text() for text in panel.texts] for panel in figure.axes] == [["chance"], []]


def test_the_medians_are_said_and_where_there_is_none():
    words = describe_dots({"length 5": {"plain RNN": [None, float("nan")], "GRU": [1.0, 0.5, None]}})
    assert words == "Medians. length 5: plain RNN none, GRU 0.75."


@pytest.mark.parametrize("card", [{}, {"H200": {"bandwidth": 4.8e12, "peak": 6.7e13}}, {"on cuda": HERE}])
def test_roofs_are_named_with_what_they_reach(card):
    figure = draw_against_roofs({"here": HERE} | card, "elementwise add", "made today")
    said = {text.get_text() for axes in figure.axes for text in axes.texts}
    assert {"here: memory 20 GB/s", "here: 80 GFLOP/s"} <= said
    assert all(any(text.startswith(name) for text in said) for name in card)
