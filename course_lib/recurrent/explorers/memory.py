"""Section 4.3: the cell that must keep one bit for 50 steps."""

import numpy as np

from course_lib.explorers import Choice, Explorer, Quest, Slider
from course_lib.figures.memory import STEPS, build_memory, update_memory
from course_lib.recurrent.lstm import GATES


def kept(data: dict) -> bool:
    """Half of the bit is left, and what the cell holds is the bit and not what was written since."""
    share = data["share"][-1]
    return share >= 0.5 and abs(data["cell"][-1] - data["bit"] * share) <= 0.5


class MemoryExplorer(Explorer):
    """One memory cell in plain numbers: a bit is written at step 0, then 50 steps offer it something else.

    The sliders set each gate's input, from which the sigmoid makes the gate; a pulse sets one gate at one step.
    """

    id = "recurrent.lstm.cell-state"
    size = (880, 520)
    controls = {
        "forget": Slider(low=-4.0, high=8.0, step=0.1, start=1.0, label="forget input"),
        "write": Slider(low=-10.0, high=4.0, step=0.1, start=-1.0, label="write input"),
        "read": Slider(low=-10.0, high=8.0, step=0.1, start=3.0, label="read input"),
        "pulse": Choice(options=("no gate", *GATES), start="no gate", label="pulse of"),
        "pulse_to": Slider(low=0.0, high=1.0, step=0.05, start=0.0, label="pulse to"),
        "pulse_at": Slider(low=1, high=STEPS, step=1, start=25, label="at step"),
        "bit": Choice(options=("+1", "-1"), start="+1", label="the bit"),
        "seed": Slider(low=0, high=9, step=1, start=0, label="what is offered"),
    }
    quests = (
        Quest("keep", f"keep the bit for {STEPS} steps: half of it is left, and the cell holds little else",
              lambda data: kept(data) and data["cell"][-1] * data["bit"] >= 0.5),
        Quest("show-once", "keep it, show nothing (output within 0.05 of 0 from step 1 to 49), then show it at step 50",
              lambda data: kept(data) and np.abs(data["hidden"][1:-1]).max() <= 0.05
              and data["hidden"][-1] * data["bit"] >= 0.4),
        Quest("erase", "keep it until step 24, then erase it at once: at least half is left before, nothing after",
              lambda data: data["share"][24] >= 0.5 and data["share"][25] <= 0.01),
    )  # fmt: skip
    presets = ({}, {"forget": 6.0, "write": -7.0, "read": -6.0, "pulse": "read", "pulse_to": 1.0, "pulse_at": 50})
    sweep_from = {"pulse": "forget", "forget": 4.0, "write": -2.0}

    def compute(self, forget, write, read, pulse, pulse_to, pulse_at, bit, seed):
        gates = {
            name: np.full(STEPS + 1, sigmoid(x)) for name, x in (("forget", forget), ("write", write), ("read", read))
        }
        gates["write"][0], gates["forget"][0] = 1.0, 0.0  # step 0 writes the bit over whatever was there
        if pulse != "no gate":
            gates[pulse][pulse_at] = pulse_to
        candidate = np.random.default_rng(seed).uniform(-1, 1, STEPS + 1)
        candidate[0] = float(bit)
        cell = np.empty(STEPS + 1)
        c = 0.0
        for t in range(STEPS + 1):
            c = gates["forget"][t] * c + gates["write"][t] * candidate[t]  # keep a share, add a share
            cell[t] = c
        after = np.append(gates["forget"][1:], 1.0)  # the factor from step t to t + 1
        return gates | {
            "candidate": candidate,
            "cell": cell,
            "hidden": gates["read"] * np.tanh(cell),
            "share": np.cumprod(np.append(1.0, gates["forget"][1:])),
            "gradient": np.cumprod(after[::-1])[::-1],
            "bit": int(bit),
        }

    def build(self, figure):
        return build_memory(figure)

    def update(self, artists, data):
        update_memory(artists, data)

    def describe(self, data):
        side = "on the side of" if data["cell"][-1] * data["bit"] > 0 else "against"
        return (
            f"After {STEPS} steps {data['share'][-1]:.1%} of the bit is left; the cell holds {data['cell'][-1]:+.2f} "
            f"and shows {data['hidden'][-1]:+.2f}, {side} the bit {data['bit']:+d}."
        )


def sigmoid(x: float) -> float:
    return 1 / (1 + np.exp(-x))
