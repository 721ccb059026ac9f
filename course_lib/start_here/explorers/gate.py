"""The first explorer: one gate under your hand."""

import numpy as np

from course_lib.explorers import Explorer, Quest, Slider
from course_lib.figures.single_gate import INPUTS, MOST_STEPS, build_single_gate, update_single_gate


class SingleGate(Explorer):
    """A gate is sigmoid(weight * x + bias), a share between 0 and 1. How much is left of something that passes it
    often?"""

    id = "start.gate"
    size = (880, 300)
    controls = {
        "x": Slider(low=-6.0, high=6.0, step=0.1, start=1.0, label="input x"),
        "weight": Slider(low=-3.0, high=3.0, step=0.1, start=1.0),
        "bias": Slider(low=-6.0, high=6.0, step=0.1, start=0.0),
        "steps": Slider(low=1, high=MOST_STEPS, step=1, start=10),
    }
    quests = (
        Quest(
            "ninety",
            "keep at least 90 % for 20 steps",
            lambda data: len(data["shares"]) > 20 and data["shares"][20] >= 0.9,
        ),
    )

    def compute(self, x, weight, bias, steps):
        gate = 1 / (1 + np.exp(-(weight * x + bias)))
        return {
            "x": x,
            "gate": gate,
            "curve": 1 / (1 + np.exp(-(weight * INPUTS + bias))),
            "shares": gate ** np.arange(steps + 1),
        }

    def build(self, figure):
        return build_single_gate(figure)

    def update(self, artists, data):
        update_single_gate(artists, data)

    def describe(self, data):
        return (
            f"The gate is {data['gate']:.3f}: each step keeps {data['gate']:.1%} of what was there. "
            f"After {len(data['shares']) - 1} steps {data['shares'][-1]:.1%} is left."
        )
