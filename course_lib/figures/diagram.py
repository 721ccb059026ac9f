"""What the diagrams of one step of a cell are drawn with: words, arrows and the circles where they meet."""

from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch

from course_lib.figures.style import GREY, INK

Point = tuple[float, float]


class Diagram:
    """A drawing area that fills a figure, 10 units wide and 3.75 high.

    Args:
        figure: an empty one, 880 × 330.
    """

    def __init__(self, figure: Figure):
        self.axes = figure.add_axes((0, 0, 1, 1))
        self.axes.set(xlim=(0, 10), ylim=(-0.55, 3.2))
        self.axes.axis("off")

    def write(self, x: float, y: float, text: str, color: str = INK, **style) -> None:
        """Words around a point."""
        self.axes.text(x, y, text.replace("-", "−"), color=color, **{"ha": "center", "va": "center"} | style)

    def arrow(self, start: Point, end: Point, color: str = GREY) -> None:
        """An arrow from point to point."""
        look = {"arrowstyle": "-|>", "mutation_scale": 13, "lw": 1.6, "shrinkA": 0, "shrinkB": 0}
        self.axes.add_patch(FancyArrowPatch(start, end, color=color, **look))

    def joint(self, x: float, y: float, sign: str, color: str) -> None:
        """A circle where two numbers are added or multiplied."""
        self.axes.add_patch(Circle((x, y), 0.2, fc="white", ec=color, lw=2))
        self.write(x, y, sign, color, fontsize=13)
