"""Section 2.9: what can be taken away from a network for free?"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from course_lib.explorers import Choice, Explorer, LearnerError, Prediction, Quest, Slider, learners_code
from course_lib.figures.efficiency import HEIGHT, WIDTH, build_efficiency, update_efficiency
from course_lib.foundations.compression import FLOAT, TEACHER, compressed, file_bytes, parameters, prune, quantise
from course_lib.foundations.deep import accuracy
from course_lib.foundations.tradeoffs import BITS, PERCENTS, SIZES, frontier, grid, networks

NAMES = {f"{size}, {'the teacher' if size == TEACHER else 'a student'}": size for size in SIZES}
AS_TRAINED = f"{FLOAT}, as trained"
LEVELS = {AS_TRAINED if bits == FLOAT else str(bits): bits for bits in BITS}
FREE = 0.0101  # what may be lost: 6 of the 597 test digits
FEWEST = ("8 of 32", "5 or 6", "3 or 4", "2")  # bits that are enough


class EfficiencyExplorer(Explorer):
    """A trained network, a student of it if asked for, with weights pruned and then rounded to few levels.

    All combinations are worked out when the explorer is made; the milliseconds are measured then, once for each number
    of units. `learner=` takes the functions of the exercise by their names, `{"quantise": …, "prune": …}`, and
    compresses the same network with them; ours do the work of those that are not started.
    """

    id = "foundations.challenges.efficiency"
    size = (WIDTH, HEIGHT)
    controls = {
        "units": Choice(options=tuple(NAMES), start=next(iter(NAMES)), label="hidden units"),
        "bits": Choice(options=tuple(LEVELS), start=AS_TRAINED, label="bits a weight"),
        "pruned": Slider(low=0, high=95, step=5, start=0, label="% pruned"),
    }
    quests = (
        Quest("free", "less than a tenth of the teacher's bytes, and at most two digits in a hundred lost",
              lambda data: data["bytes"] < data["teacher"]["bytes"] / 10 and data["lost"] <= 2 * FREE),
        Quest("tiny", "fewer than 1,000 bytes, and still 85 % of the digits",
              lambda data: data["bytes"] < 1000 and data["right"] >= 0.85),
        Quest("wall", "all of the teacher's units, fewer bytes than a student of 25 units as trained, and more than "
              "80 % of the digits",
              lambda data: data["units"] == TEACHER and data["bytes"] < data["tenth"] and data["right"] > 0.8),
    )  # fmt: skip
    presets = (
        {},
        {"bits": "4"},
        {"bits": "3", "pruned": 60},
        {"units": "25, a student", "bits": "5"},
        {"units": "8, a student", "bits": "2", "pruned": 90},
    )

    def compute(self, units, bits, pruned):
        hidden, levels = NAMES[units], LEVELS[bits]
        percent = 5 * round(pruned / 5)
        worth, model = grid(), networks()[hidden]
        at = SIZES.index(hidden), BITS.index(levels), PERCENTS.index(percent)
        made = compressed(model, levels, percent / 100)
        before = model.layers[0].weight.detach().numpy()
        largest = float(np.abs(before).max())
        lean = worth.right[0, :, 0] >= worth.right[0, 0, 0] - FREE  # numbers of bits that are enough for the teacher
        return {
            "units": hidden, "bits": levels, "pruned": percent, "parameters": parameters(model),
            "right": float(worth.right[at]), "bytes": int(worth.bytes[at]),
            "milliseconds": float(worth.milliseconds[at[0]]),
            "teacher": {"right": float(worth.right[0, 0, 0]), "bytes": int(worth.bytes[0, 0, 0]),
                        "milliseconds": float(worth.milliseconds[0])},
            "lost": float(worth.right[0, 0, 0] - worth.right[at]),
            "tenth": int(worth.bytes[SIZES.index(25), 0, 0]),
            "enough": int(np.array(BITS)[lean].min()),
            "kept": float(np.mean([float((layer.weight != 0).float().mean()) for layer in made.layers[:1]])),
            "levels": int(made.layers[0].weight.unique().numel()),
            "title": f"{hidden} units, {levels} bits" + f", {percent} % pruned" * (percent > 0),
            "before": before / largest, "after": made.layers[0].weight.detach().numpy() / largest, "largest": largest,
            "yours": None if self.learner is None else self._yours(model, levels, percent),
            "learner": self.learner is not None,
        }  # fmt: skip

    def _yours(self, model, bits: int, percent: int) -> dict | None:
        """What the learner's functions make of the same network; None where neither is started."""
        w = torch.linspace(-1, 1, 7)
        started = {}
        for name, arguments in (("quantise", (w, 3)), ("prune", (w, 0.5))):
            with learners_code(f"Your {name}"):
                if self.learner.get(name) and isinstance(self.learner[name](w.clone(), *arguments[1:]), Tensor):
                    started[name] = self.learner[name]
        if not started:
            return None
        steps = {"quantise": quantise, "prune": prune}
        for name, function in started.items():
            steps[name] = _guarded(name, function)
        made = compressed(model, bits, percent / 100, **steps)
        ours = compressed(model, bits, percent / 100)
        pairs = zip(made.layers, ours.layers, strict=True)
        differ = sum(int((~torch.isclose(one.weight, other.weight, atol=1e-6)).sum()) for one, other in pairs)
        return {"right": accuracy(made), "bytes": file_bytes(made, bits), "started": tuple(started), "differ": differ}

    def build(self, figure):
        worth = grid()
        times = np.broadcast_to(worth.milliseconds[:, None, None], worth.right.shape)
        right, sizes, times = (values.ravel() for values in (worth.right, worth.bytes, times))
        edges = frontier(sizes, right), frontier(times, right)
        return build_efficiency(figure, right, sizes, times, worth.milliseconds, edges)

    def update(self, artists, data):
        update_efficiency(artists, data)

    def describe(self, data):
        teacher = data["teacher"]
        text = (
            f"{data['title']}: {data['right']:.1%} of the test digits, {data['bytes']:,} bytes, "
            f"{data['milliseconds']:.2f} ms. "
        )
        if data["right"] == teacher["right"] and data["bytes"] == teacher["bytes"]:
            text += f"This is the teacher, of {data['parameters']:,} parameters."
        else:
            lost = round(597 * data["lost"])
            gone = f"{lost} of 597 digits lost" if lost > 0 else f"{-lost} digits more" if lost else "no digit lost"
            text += f"The teacher's file is {teacher['bytes'] / data['bytes']:.3g} times as large; {gone}."
        if not data["learner"]:
            return text
        return f"{text} {compared(data['yours'])}"


def _guarded(name: str, function: Callable) -> Callable:
    """The learner's function, whose failures are told as theirs."""

    def run(w: Tensor, amount: float) -> Tensor:
        with learners_code(f"Your {name}"):
            made = function(w.clone(), amount)
        if not isinstance(made, Tensor) or made.shape != w.shape:
            shape = tuple(made.shape) if isinstance(made, Tensor) else type(made).__name__
            raise LearnerError(f"Your {name} was given {tuple(w.shape)}, and returned {shape}.")
        if not made.isfinite().all():
            raise LearnerError(f"Your {name} returned nan or inf.")
        return made

    return run


def compared(yours: dict | None) -> str:
    """A sentence on what the learner's functions do, beside ours."""
    if yours is None:
        return "Your functions are not started."
    names = " and ".join(f"your {name}" for name in yours["started"])
    same = "the same weights as ours" if not yours["differ"] else f"{yours['differ']:,} weights that differ from ours"
    verb = "give" if len(yours["started"]) > 1 else "gives"
    return f"{names[0].upper()}{names[1:]} {verb} {same}: {yours['right']:.1%}, {yours['bytes']:,} bytes."


def efficiency_prediction() -> Prediction:
    """How few bits a weight are enough for the teacher?"""
    return Prediction(
        question="A weight is trained as a float of 32 bits. How many of them must it keep, so that the network loses "
        "at most one test digit in a hundred?",
        options=FEWEST,
        then={"units": next(iter(NAMES)), "bits": "4", "pruned": 0},
        result=lambda data: FEWEST[0 if data["enough"] >= 8 else 1 if data["enough"] >= 5 else 2
                                   if data["enough"] >= 3 else 3],
    )  # fmt: skip
