"""One step of a GRU unit as a diagram with its numbers: the recap of section 4.4."""

from matplotlib.figure import Figure

from course_lib.figures.diagram import Diagram
from course_lib.figures.style import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, new_figure, style

STATE_LINE, CANDIDATE_LINE = 2.35, 0.75


def draw_gru_step(numbers: dict[str, float], word: str, reset: str = "after") -> Figure:
    """Draw how one unit's state came about.

    Args:
        numbers: the unit's gates `r` and `z`, its candidate `n`, its state `before` and after, `h`.
        word: what was read at this step.
        reset: where the reset gate acts, "after" the matrix or "before" it.
    """
    figure = new_figure(880, 330)
    with style():
        diagram = Diagram(figure)
        write, arrow, joint = diagram.write, diagram.arrow, diagram.joint
        arrow((1.55, STATE_LINE), (4.8, STATE_LINE))
        arrow((5.2, STATE_LINE), (7.1, STATE_LINE))
        arrow((7.5, STATE_LINE), (8.5, STATE_LINE))
        joint(5, STATE_LINE, "×", BLUE)
        joint(7.3, STATE_LINE, "+", INK)
        arrow((2.3, STATE_LINE), (2.3, CANDIDATE_LINE + 0.2))
        joint(2.3, CANDIDATE_LINE, "×", PURPLE)
        arrow((1.55, CANDIDATE_LINE), (2.1, CANDIDATE_LINE), PURPLE)
        arrow((2.5, CANDIDATE_LINE), (3.6, CANDIDATE_LINE))
        arrow((5.0, CANDIDATE_LINE), (7.1, CANDIDATE_LINE), GREEN)
        joint(7.3, CANDIDATE_LINE, "×", ORANGE)
        arrow((7.3, CANDIDATE_LINE + 0.2), (7.3, STATE_LINE - 0.2))
        arrow((5, 1.75), (5, STATE_LINE - 0.2), BLUE)
        arrow((8.3, CANDIDATE_LINE), (7.5, CANDIDATE_LINE), ORANGE)

        write(0.85, STATE_LINE, f"state before\n{numbers['before']:+.3f}")
        write(9.2, STATE_LINE, f"state\n{numbers['h']:+.3f}", weight="bold")
        write(5, 1.45, f"update gate {numbers['z']:.3f}:\nwhat share to keep", BLUE)
        write(0.85, CANDIDATE_LINE, f"reset gate\n{numbers['r']:.3f}: what\nshare to use", PURPLE)
        write(4.3, CANDIDATE_LINE, f"candidate\n{numbers['n']:+.3f}", GREEN)
        write(9.1, CANDIDATE_LINE, f"1 − update {1 - numbers['z']:.3f}:\nwhat share\nto replace", ORANGE)
        write(3.05, CANDIDATE_LINE + 0.25, "past", GREY)
        if reset == "after":
            write(2.42, 1.6, "matrix", GREY, ha="left")
        else:
            write(3.05, CANDIDATE_LINE - 0.25, "matrix", GREY)
        write(6.1, 2.72, "kept", GREY)
        write(8.0, 2.72, "kept + new", GREY)
        write(4.3, -0.05, f"the word «{word}»", weight="bold")
        arrow((4.3, 0.15), (4.3, CANDIDATE_LINE - 0.35))
    return figure
