"""One step of an LSTM unit as a diagram with its numbers: the recap of section 4.3."""

from matplotlib.figure import Figure

from course_lib.figures.diagram import Diagram
from course_lib.figures.style import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, new_figure, style

CELL_LINE, OUTPUT_LINE = 2.35, 0.55


def draw_lstm_step(numbers: dict[str, float], word: str) -> Figure:
    """Draw how one unit's cell and output came about.

    Args:
        numbers: the unit's `f`, `i`, `g`, `o`, its cell `before` and after, `c`, `tanh` of it, and its output `h`.
        word: what was read at this step.
    """
    figure = new_figure(880, 330)
    with style():
        diagram = Diagram(figure)
        write, arrow, joint = diagram.write, diagram.arrow, diagram.joint
        arrow((1.55, CELL_LINE), (2.8, CELL_LINE))
        arrow((3.2, CELL_LINE), (4.8, CELL_LINE))
        arrow((5.2, CELL_LINE), (8.5, CELL_LINE))
        joint(3, CELL_LINE, "×", BLUE)
        joint(5, CELL_LINE, "+", INK)
        joint(5, 1.4, "×", ORANGE)
        arrow((5, 1.6), (5, CELL_LINE - 0.2))
        joint(7, OUTPUT_LINE, "×", PURPLE)
        arrow((7, CELL_LINE), (7, OUTPUT_LINE + 0.2))
        arrow((7.2, OUTPUT_LINE), (8.5, OUTPUT_LINE))
        arrow((3, 1.4), (3, CELL_LINE - 0.2), BLUE)
        arrow((4, 1.4), (4.8, 1.4), ORANGE)
        arrow((5, 0.55), (5, 1.2), GREEN)
        arrow((6.1, OUTPUT_LINE), (6.8, OUTPUT_LINE), PURPLE)

        write(0.85, CELL_LINE, f"cell before\n{numbers['before']:+.2f}")
        write(9.2, CELL_LINE, f"cell\n{numbers['c']:+.2f}", weight="bold")
        write(9.2, OUTPUT_LINE, f"output\n{numbers['h']:+.2f}", weight="bold")
        write(2.35, 1.08, f"forget gate {numbers['f']:.2f}:\nwhat share to keep", BLUE)
        write(3.95, 1.0, f"write gate {numbers['i']:.2f}\n(input gate):\nwhat share to add", ORANGE)
        write(4.5, 0.22, f"candidate {numbers['g']:+.2f}\nwhat could be added", GREEN)
        write(6.25, 0.03, f"read gate {numbers['o']:.2f}\n(output gate):\nwhat share to show", PURPLE)
        write(7.15, 1.45, f"tanh {numbers['tanh']:+.2f}", ha="left")
        write(4.0, 2.72, "kept", GREY)
        write(5.95, 2.72, "kept + added", GREY)
        write(0.85, 0.3, f"at the word\n«{word}»", weight="bold")
    return figure
