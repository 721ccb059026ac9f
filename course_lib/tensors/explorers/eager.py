"""Section 1.3: the way back through a graph. What is a derivative's promise worth?"""

from course_lib.explorers import Choice, Prediction, Text
from course_lib.tensors.explorers.graph import ALL, GraphExplorer
from course_lib.tensors.explorers.graph_views import BACKWARD, VIEWS
from course_lib.tensors.explorers.scene import DIGITS

LESS, EXACTLY, MORE = "by less than 7", "by exactly 7", "by more than 7"


class WayBackExplorer(GraphExplorer):
    """Go back through the graph of an expression, then move a leaf: does the result move as the derivative says?"""

    id = "tensors.autodiff"
    controls = GraphExplorer.controls | {
        "view": Choice(options=tuple(VIEWS), start=BACKWARD),
        "expression": Text(start="a * a + a", tries=("a * b + tanh(a)", "relu(a - b) ** 2 / c")),
        "feeds": Text(start="a = 3; b = 0.5; c = 1", tries=("a = 2; b = 1; c = 1", "a = 0, 1, 2; b = -1; c = 2")),
    }
    presets = ({}, {"step": 3}, {"expression": "a * b + tanh(a)", "step": 4}, {"graph": DIGITS, "step": 16})
    sweep_from = GraphExplorer.sweep_from | {"expression": "a * b + tanh(a)"}
    quests = tuple(quest for quest in GraphExplorer.quests if quest.id == "still")


def way_back_state() -> dict:
    """The view that the prediction opens: a * a + a at 3, the way back done."""
    return {"view": BACKWARD, "expression": "a * a + a", "feeds": "a = 3", "step": ALL}


def way_back_prediction() -> Prediction:
    """Does the result move as far as the derivative says?"""

    def result(data: dict) -> str:
        if data["happened"] == data["promised"]:
            return EXACTLY
        return MORE if data["happened"] > data["promised"] else LESS

    return Prediction(
        question="At a = 3 the result of a * a + a is 12, and its derivative is 7: that is what comes back to a along "
        "three edges, 3 + 3 + 1. Now a is moved by 1, from 3 to 4. By how much does the result move?",
        options=(LESS, EXACTLY, MORE),
        then=way_back_state() | {"nudge_by": 1.0},
        result=result,
    )
