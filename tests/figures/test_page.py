"""What is laid out in screen pixels stands where it should."""

import numpy as np

from course_lib.figures.labels import Label, Labels
from course_lib.figures.page import add_boxes, add_page, add_panel, boxes, pixels_at, write
from course_lib.figures.style import new_figure, style


def dark(figure) -> np.ndarray:
    """Which screen pixels' rows and columns hold ink, (height, width) bool at double density."""
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., :3].min(axis=-1) < 128


def test_a_panel_lies_between_its_pixels_and_points_in_it_are_found():
    figure = new_figure(200, 100)
    axes = add_panel(figure, 20, 10, 120, 60)
    axes.set(xlim=(0, 10), ylim=(1, 100), yscale="log")
    assert np.allclose(pixels_at(axes, np.array([(0, 100), (10, 1), (5, 10)])), [(20, 10), (120, 60), (70, 35)])
    assert pixels_at(axes, np.zeros((0, 2))).shape == (0, 2)


def test_boxes_on_a_page_fill_their_pixels():
    figure = new_figure(60, 40)
    add_boxes(add_page(figure), fc="black", antialiaseds=False).set_verts(boxes([5, 30], 10, [15, 50], [20, 30]))
    found = dark(figure)
    expected = np.zeros_like(found)
    expected[20:40, 10:30] = expected[20:60, 60:100] = True
    assert (found != expected).mean() < 0.01
    assert boxes([1, 2, 3], 0, 4, 5).shape == (3, 4, 2)


def test_what_is_written_stands_where_a_label_would():
    pictures = []
    for make in (lambda figure: write(figure, 10, 20, "The END", weight="bold"),
                 lambda figure: Labels(figure).show([Label(10, 20, "The END", bold=True)])):  # fmt: skip
        figure = new_figure(100, 40)
        with style():
            make(figure)
        pictures.append(np.argwhere(dark(figure)))
    first, second = pictures
    assert np.abs(first.min(axis=0) - second.min(axis=0)).max() <= 2
    assert np.abs(first.max(axis=0) - second.max(axis=0)).max() <= 3
    assert abs((first[:, 0].min() + first[:, 0].max()) / 2 - 40) <= 2  # the middle of the capitals
