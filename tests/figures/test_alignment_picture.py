import io

import numpy as np
import pytest
from PIL import Image

from course_lib.figures.attention import draw_alignment
from course_lib.figures.labels import Label, Labels
from course_lib.figures.style import new_figure, show
from course_lib.recurrent.alignment import translate

LONG = "wednesday, the 30th of september, in the year 2026"


def test_the_static_picture_is_whole_and_repeats():
    run = translate("attention", LONG)
    first, again = (show(draw_alignment(LONG, run.text, run.weights), "an alignment") for _ in range(2))
    assert first.png == again.png and len(first.png) < 150_000
    figure = draw_alignment("5.3.1998", "1998-03-05", translate("attention", "5.3.1998").weights[:10])
    left, bottom, right, top = figure.get_tightbbox().extents
    width, height = figure.get_size_inches()
    assert min(left, bottom) >= 0 and right <= width and top <= height
    with pytest.raises(ValueError, match=r"weights \(11, 50\) do not fit 8 characters and 10 symbols"):
        draw_alignment("5.3.1998", run.text, run.weights)


def test_a_letter_stands_where_it_should():
    figure = new_figure(60, 40)
    Labels(figure).show([Label(20, 10, "x", align="center"), Label(45, 30, "o", "#D55E00", "center")])
    figure.canvas.draw()
    pixels = np.asarray(Image.open(io.BytesIO(show(figure, "letters").png)).convert("RGB")).astype(int)
    for x, y, ink in ((20, 10, (34, 34, 34)), (45, 30, (213, 94, 0))):
        part = pixels[2 * y - 14 : 2 * y + 14, 2 * x - 14 : 2 * x + 14]
        rows, columns = np.nonzero(part.sum(axis=-1) < 500)
        assert abs(columns.mean() - 13.5) < 2 and abs(rows.mean() - 13.5) < 5
        assert np.abs(part.reshape(-1, 3) - ink).sum(axis=1).min() < 12
    assert (pixels.sum(axis=-1) < 700).sum() < 600  # nothing stands elsewhere
