"""What a learner does to explorers: every explorer, where lessons open it, and moves of its controls."""

import random
from collections.abc import Callable, Iterator

from course_lib.explorers import Explorer, Slider, Text
from course_lib.notebooks.files import right_answer

LEARNERS = {  # explorers that run the learner's code, and an answer
    "AttentionExplorer": ("recurrent.attention", "attend"),
    "GateExplorer": ("recurrent.lstm", "lstm_cell"),
    "GRUExplorer": ("recurrent.gru.reset-gate", "gru_cell"),
    "StateExplorer": ("recurrent.rnn", "rnn_forward"),
}


def openings(kind: type[Explorer]) -> Iterator[tuple[str, Explorer]]:
    """The explorer at each of its presets, where all its controls matter, and with the learner's code beside it."""
    name = kind.__name__
    for number, preset in enumerate(kind.presets, start=1):
        yield f"{name}, preset {number}", kind(**preset)
    if kind.sweep_from:
        yield f"{name}, all in use", kind(**kind.sweep_from)
    if name in LEARNERS:
        exercise, function = LEARNERS[name]
        answers: dict = {}
        exec(right_answer(exercise), answers)
        yield f"{name}, learner=", kind(**kind.sweep_from, learner=answers[function])


def mover(explorer: Explorer) -> Callable[[str], dict]:
    """A function that gives a state in which one control stands elsewhere than where the explorer opened."""
    opened, draw = explorer.state(), random.Random(0)
    return lambda name: opened | {name: _another(explorer.controls[name], opened[name], draw)}


def _another(control, value, draw: random.Random):
    """Another value for a control, as a rule one that was not seen before, so that no cache answers for the model."""
    if isinstance(control, Text) and value.replace(" ", "").isalpha():  # a sentence, not an expression
        return " ".join(draw.sample(value.split(), len(value.split())))
    if isinstance(control, Slider):
        return (draw.randint if isinstance(control.step, int) else draw.uniform)(control.low, control.high)
    return draw.choice([sample for sample in control.samples() if sample != value])
