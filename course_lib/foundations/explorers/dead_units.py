"""Section 2.2: what kills a unit, and can it come back?"""

import numpy as np
import torch
from torch import Tensor, nn

from course_lib.datasets.planes import SHAPES
from course_lib.exercises.values import with_article
from course_lib.explorers import Choice, Explorer, LearnerError, Quest, Slider, Steps, learners_code
from course_lib.figures.dead_units import (
    BINS,
    HEIGHT,
    MOST_STEPS,
    REACH,
    WIDTH,
    Z,
    build_dead_units,
    update_dead_units,
)
from course_lib.foundations.activations import ACTIVATIONS
from course_lib.foundations.dead_units import LAYERS, UNITS, Setting, Step, training

GRID = 40  # cells along each side of the plane
BATCH = 25  # points in each batch that the learner's function gets


def killed(data: dict) -> bool:
    return not data["shifted"] and data["dead"].all(axis=1).any()


def came_back(data: dict) -> bool:
    return data["activation"] == "ReLU" and data["shifted"] and data["back"][1] >= 3


def starved(data: dict) -> bool:
    """Layer 1 is alive, and no gradient reaches it."""
    return data["activation"] == "ReLU" and data["starved"] and (~data["dead"][0]).sum() >= UNITS // 2


class DeadUnitsExplorer(Explorer):
    """A network with two hidden layers of 16 units learns a plane, and one layer's biases can be shifted on the way.

    It learns from 100 points by gradient descent on all of them. A unit is dead when its slope is exactly 0 at every
    point, in float32. `learner=` takes a `dead_units(model, batches)` that returns a bool mask for each ReLU of an
    `nn.Sequential`, and marks what it finds; it runs where the activation is ReLU.
    """

    id = "foundations.activation.dead-neurons"
    size = (WIDTH, HEIGHT)
    controls = {
        "step": Steps(high=MOST_STEPS, start=10, run=3),
        "activation": Choice(options=tuple(ACTIVATIONS), start="ReLU"),
        "learning_rate": Slider(low=0.1, high=6.0, step=0.1, start=1.0),
        "shift": Slider(low=-12.0, high=4.0, step=0.25, start=-0.5, label="shift biases by"),
        "layer": Choice(options=("layer 1", "layer 2"), start="layer 2", label="of"),
        "at": Slider(low=0, high=100, step=5, start=20, label="before step"),
        "plane": Choice(options=SHAPES, start="moons", label="points"),
        "seed": Slider(low=0, high=9, step=1, start=0),
    }
    quests = (
        Quest("kill", "kill all units of a layer without a shift", killed),
        Quest("back", "ReLU: bring back at least three units of layer 2 that were dead after the shift", came_back),
        Quest("starve", "ReLU: let no gradient reach layer 1 although at least half of its units are alive", starved),
    )
    presets = (
        {},
        {"step": 40, "shift": 0.0, "learning_rate": 5.0},
        {"step": 40, "shift": -2.0, "layer": "layer 1"},
        {"step": 40, "activation": "leaky ReLU", "shift": -2.0},
        {"step": 40, "activation": "tanh", "shift": -11.0},
    )
    sweep_from = {"step": 30, "at": 10}

    def compute(self, step, activation, learning_rate, shift, layer, at, plane, seed):
        shifted = int(layer[-1])
        run = training(Setting(plane, activation, learning_rate, shift, shifted, at, seed))
        steps = run.upto(step)
        now = steps[-1]
        passed = run.run(now.parameters)
        dead = np.stack([torch.stack(layers) for layers in zip(*(made.dead for made in steps), strict=True)], axis=1)
        # (steps + 1, layers, units) bool
        reached = shift != 0 and len(steps) > at  # the shift has happened
        since = dead[at if reached else 0 :]
        norms = np.stack([incoming(*passed.gradients[2 * n : 2 * n + 2]) for n in range(LAYERS)])
        runs = self.learner is not None and activation == "ReLU"
        return {
            "activation": activation, "step": len(steps) - 1, "blew_up": run.blew_up and len(steps) <= step,
            "points": run.x.numpy(), "classes": run.y.numpy(), "answer": answers(now, activation),
            "hinges": hinges(*now.parameters[:2]), "into": [histogram(z) for z in passed.z],
            "gradients": norms, "dead": dead[-1], "shares": dead.mean(axis=2),
            "losses": np.array([made.loss for made in steps]),
            "back": (since.any(axis=0) & ~dead[-1]).sum(axis=1), "starved": not norms[0].any(),
            "shift": (at, shifted, shift) if shift else None, "shifted": reached,
            "yours": self._yours(now, run.x) if runs else None, "asked": runs,
        }  # fmt: skip

    def _yours(self, now: Step, x: Tensor) -> np.ndarray | None:
        """Which units the learner's function calls dead, (layers, units) bool; None if it is not started.

        The batches come from left to right, so that one alone does not show what the others do.
        """
        batches = x[x[:, 0].argsort()].split(BATCH)
        with learners_code("Your dead_units"):
            made = self.learner(sequential(now), [batch.clone() for batch in batches])
            return None if made is None or made is ... else masks(made)

    def build(self, figure):
        return build_dead_units(figure)

    def update(self, artists, data):
        update_dead_units(artists, data)

    def describe(self, data):
        first, second = data["dead"].sum(axis=1)
        text = (
            f"{data['activation']}, step {data['step']}: loss {data['losses'][-1]:.3g}; dead are {first} of {UNITS} "
            f"units in layer 1 and {second} of {UNITS} in layer 2."
        )
        if data["blew_up"]:
            text += " There the training blew up: the next loss is not finite."
        if data["starved"]:
            text += " No gradient reaches layer 1."
        since = "the shift" if data["shifted"] else "the start"
        back = [f"{count} of layer {layer}" for layer, count in enumerate(data["back"], 1) if count]
        if back:
            text += f" Dead after {since} and alive again: {' and '.join(back)}."
        if data["asked"] and data["yours"] is None:
            text += " Your dead_units is not started."
        elif data["asked"]:
            other = int((data["yours"] != data["dead"]).sum())
            text += (f" Your dead_units differs at {other} unit{'s' * (other != 1)}." if other
                     else " Your dead_units finds the same.")  # fmt: skip
        return text


def incoming(weight: Tensor, bias: Tensor) -> Tensor:
    """The norm of what belongs to each unit, its weights (units, inputs) and its bias (units,): (units,)."""
    return torch.cat([weight, bias[:, None]], dim=1).norm(dim=1)


def histogram(z: Tensor) -> np.ndarray:
    """For each unit, which share of the points it takes in at each height of z, (bins, units), the largest z first.

    What lies beyond the range counts in its last bin.
    """
    points, units = z.shape
    rows = ((Z - z.numpy()) / (2 * Z) * BINS).clip(0, BINS - 1).astype(int)
    counts = np.bincount((rows * units + np.arange(units)).ravel(), minlength=BINS * units)
    return counts.reshape(BINS, units) / points


def hinges(W: Tensor, b: Tensor) -> np.ndarray:
    """The line w · x + b = 0 of each unit, long enough to cross the plane from side to side: (units, 2 ends, 2)."""
    w, b = W.numpy(), b.numpy()[:, None]  # (units, 2), (units, 1)
    square = np.maximum((w**2).sum(axis=1, keepdims=True), 1e-12)
    foot, along = -b * w / square, np.stack([-w[:, 1], w[:, 0]], axis=1) / np.sqrt(square)
    return np.stack([foot - 4 * REACH * along, foot + 4 * REACH * along], axis=1)


def answers(now: Step, activation: str) -> np.ndarray:
    """The network's chance of class 1 at the middle of each cell of the plane, (GRID, GRID), from the top left."""
    W1, b1, W2, b2, W3, b3 = now.parameters
    f = ACTIVATIONS[activation].f
    h = f(torch.addmm(b2, f(torch.addmm(b1, _cells(), W1.T)), W2.T))
    return torch.addmm(b3, h, W3.T).sigmoid().nan_to_num(0.5).reshape(GRID, GRID).numpy()


def _cells() -> Tensor:
    """The middles of the plane's cells, (GRID², 2)."""
    middles = (torch.arange(GRID) + 0.5) / GRID * 2 * REACH - REACH
    y, x = torch.meshgrid(-middles, middles, indexing="ij")
    return torch.stack([x, y], dim=-1).reshape(-1, 2)


def sequential(now: Step) -> nn.Sequential:
    """The network as modules: three linear layers, and a ReLU behind the first two."""
    modules = []
    for weight, bias in zip(now.parameters[::2], now.parameters[1::2], strict=True):
        linear = nn.utils.skip_init(nn.Linear, *reversed(weight.shape))
        linear.load_state_dict({"weight": weight, "bias": bias})
        modules += [linear, nn.ReLU()]
    return nn.Sequential(*modules[:-1])


def masks(made: object) -> np.ndarray:
    """What the learner's function returned, (layers, units) bool.

    Raises:
        LearnerError: it is no list of such masks.
    """
    if not isinstance(made, list | tuple) or len(made) != LAYERS:
        what = f"{len(made)} of them" if isinstance(made, list | tuple) else with_article(type(made).__name__)
        raise LearnerError(f"Your dead_units must return a list of {LAYERS} masks, one for each ReLU, not {what}.")
    found = [torch.as_tensor(mask) for mask in made]
    for mask in found:
        if mask.dtype != torch.bool or mask.shape != (UNITS,):
            raise LearnerError(f"Your dead_units must return masks of True and False, ({UNITS},) each; one of them is "
                               f"{mask.dtype} {tuple(mask.shape)}.")  # fmt: skip
    return torch.stack(found).numpy()
