"""The look of every figure: one style sheet, colours that colour-blind people can tell apart, a size in screen
pixels."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from io import BytesIO

from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

# Okabe & Ito's palette, which survives the common kinds of colour blindness
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#555555")
BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, GREY = COLORS
INK = "#222222"
SHARE = "cividis"  # colour map of what lies between 0 and 1
SIGNED = "PuOr"  # colour map of what has a sign: orange below zero, white at it, purple above
SCREEN_DPI = 100
DENSITY = 2  # picture pixels a screen pixel, so that text is sharp on dense screens


@contextmanager
def style() -> Iterator[None]:
    """The workbook's style for whatever is made inside the context."""
    with rc_context(fname=str(files("course_lib.figures") / "course.mplstyle")):
        yield


def new_figure(width: int = 880, height: int = 320) -> Figure:
    """An empty figure of so many screen pixels, drawn at double density; make its axes within `style()`."""
    figure = Figure(figsize=(width / SCREEN_DPI, height / SCREEN_DPI), dpi=SCREEN_DPI * DENSITY)
    FigureCanvasAgg(figure)
    return figure


class Picture:
    """A picture that a notebook shows at its right size, with a sentence for who cannot see it.

    Args:
        png: the picture's bytes, at `DENSITY` pixels a screen pixel.
        width: in screen pixels.
        describe: the sentence that says what the picture shows.
    """

    def __init__(self, png: bytes, width: int, describe: str):
        self.png, self.width, self.describe = png, width, describe

    def _repr_mimebundle_(self, include=None, exclude=None):
        return (
            {"image/png": self.png, "text/plain": self.describe},
            {"image/png": {"width": self.width, "alt": self.describe}},
        )


def show(figure: Figure, describe: str) -> Picture:
    """A figure as a notebook shows it; the same figure gives the same bytes."""
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=figure.dpi, metadata={"Software": None})
    return Picture(buffer.getvalue(), round(figure.get_figwidth() * SCREEN_DPI), describe)
