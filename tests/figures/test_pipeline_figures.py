"""The figures of 2.7: what a scaler does, pictures in rows, the stages."""

import numpy as np
import pytest

from course_lib.figures.pipeline import draw_pictures, draw_scaler, draw_stages
from course_lib.figures.style import show


def texts(figure):
    return [text.get_text() for text in figure.texts]


def test_a_scalers_rows_stand_at_what_was_measured():
    before = np.array([[1.0, 500.0], [3.0, 900.0]]), np.array([[9.0, 700.0]])
    figure = draw_scaler(("hue", "proline"), before, tuple(x / 100 for x in before))
    raw, scaled = figure.axes
    known, aside = raw.lines
    assert known.get_xdata().tolist() == [1, 500, 3, 900] and aside.get_xdata().tolist() == [9, 700]
    assert scaled.lines[0].get_xdata() == pytest.approx([0.01, 5, 0.03, 9])
    assert [label.get_text() for label in raw.get_yticklabels()] == ["hue", "proline"]
    assert "▎2 rows to learn from" in texts(figure)


def test_pictures_keep_their_pixels_and_their_words():
    rows = {"small": [np.zeros((4, 4)), np.ones((8, 8))], "large": [np.eye(48)]}
    figure = draw_pictures(rows, {"large": ["48 × 48"]})
    (page,) = figure.axes
    assert [image.get_array().shape for image in page.images] == [(4, 4), (8, 8), (48, 48)]
    assert texts(figure) == ["small", "large", "48 × 48"]
    bottom, top = page.get_ylim()
    assert page.get_xlim() == (0, 880) and top == 0
    for image in page.images:  # none stands on its head, none leaves the page
        left, right, low, high = image.get_extent()
        assert 0 < left < right < 880 and 0 < high < low < bottom


def test_stages_say_what_comes_out_and_what_spoils_it():
    figure = draw_stages({"split": ("rows", "copies"), "train": ("weights", "noise")})
    assert texts(figure) == ["split", "rows", "copies", "train", "weights", "noise"]
    assert show(figure, "two stages").png.startswith(b"\x89PNG")
