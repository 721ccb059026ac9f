"""Section 2.1: a network that trains under the learner's hand. What does each unit contribute to the boundary?"""

import numpy as np
import torch

from course_lib.datasets.planes import SHAPES
from course_lib.explorers import Choice, Explorer, LearnerError, Points, Quest, Slider, Steps, learners_code
from course_lib.figures.playground import EDGE, HEIGHT, TILE, WIDTH, build_playground, update_playground
from course_lib.foundations.activations import ACTIVATIONS
from course_lib.foundations.playground import (
    FEATURES,
    LONGEST,
    METHODS,
    NO_ACTIVATION,
    NO_DATA,
    TESTED,
    Setting,
    Training,
    features_of,
    function_of,
    loss_of,
    training,
)

SEEN = {"x, y": ("x", "y"), "x, y, xy": ("x", "y", "xy"), "x, y, squares": ("x", "y", "x²", "y²"),
        "x², y²": ("x²", "y²"), "all seven": tuple(FEATURES)}  # fmt: skip
RATES = ("0.001", "0.003", "0.01", "0.03", "0.1", "0.3", "1", "3", "10")
DECAYS = ("0", "0.001", "0.003", "0.01", "0.03", "0.1")
WEIGHTS, GRADIENTS = "weights", "gradients"
FINE = 2 * TILE  # cells of the large map along each side; every other one makes a tile
SMOOTH = 10  # steps whose losses are shown as one, their mean


class PlaygroundExplorer(Explorer):
    """Train a small network on points of the plane, watch every unit, and set points of your own by a click."""

    id = "foundations.mlp"
    size = (WIDTH, HEIGHT)
    controls = {
        "data": Choice(options=(*SHAPES, NO_DATA), start="circles"),
        "noise": Slider(low=0.0, high=0.3, step=0.05, start=0.05),
        "features": Choice(options=tuple(SEEN), start="x, y"),
        "layers": Slider(low=0, high=3, step=1, start=1, label="hidden layers"),
        "units": Slider(low=1, high=6, step=1, start=3, label="units each"),
        "activation": Choice(options=(*ACTIVATIONS, NO_ACTIVATION), start="tanh"),
        "method": Choice(options=tuple(METHODS), start="SGD"),
        "learning_rate": Choice(options=RATES, start="0.3", label="learning rate"),
        "weight_decay": Choice(options=DECAYS, start="0", label="weight decay"),
        "edges": Choice(options=(WEIGHTS, GRADIENTS), start=WEIGHTS, label="lines show"),
        "seed": Slider(low=0, high=9, step=1, start=0),
        "own": Points(start="", tries=("0 0 1; 0.1 0 1; 0 0.1 1; -0.1 0 0", "1 1 0"), label="your points"),
        "step": Steps(high=LONGEST, start=0, run=20),
    }  # fmt: skip
    quests = (
        Quest("xor", "separate xor from x and y alone with one hidden layer of 4 units or fewer: 95 % of the unseen "
              "points right",
              lambda data: data["data"] == "xor" and data["features"] == ("x", "y") and len(data["dead"]) == 1
              and len(data["dead"][0]) <= 4 and data["test_accuracy"] >= 0.95),
        Quest("straight", "show that depth alone is not enough: three hidden layers, after 500 steps or more, "
              "and a boundary that is still one straight line",
              lambda data: len(data["dead"]) == 3 and data["step"] >= 500 and data["activation"] == NO_ACTIVATION),
        Quest("dead", "kill half of a hidden layer's ReLU units or more by training",
              lambda data: data["activation"] == "ReLU" and data["step"] > 0
              and any(dead.mean() >= 0.5 for dead in data["dead"])),
    )  # fmt: skip
    presets = (
        {"step": 300},
        {"data": "xor", "units": 4, "step": 400},
        {"data": "spirals", "noise": 0.0, "features": "all seven", "layers": 3, "units": 6, "activation": "ReLU",
         "method": "Adam", "learning_rate": "0.03", "step": 400},
        {"data": "moons", "activation": NO_ACTIVATION, "layers": 3, "step": 500},
        {"data": "blobs", "layers": 0, "edges": GRADIENTS, "step": 5},
    )  # fmt: skip
    sweep_from = {"step": 60, "layers": 1}

    def setting(self) -> Setting:
        """What decides the training that is shown."""
        return _setting(**self._state)

    def parameters(self) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Copies of what the network has learned so far: (weight, bias) of each layer, shaped (out, in) and (out,)."""
        now = _trained(self.setting(), self._state["step"])
        return [(layer.weight.detach().clone(), layer.bias.detach().clone()) for layer in now.model.layers]

    def compute(self, edges, step, **controls):
        setting = _setting(**controls)
        now = _trained(setting, step)
        with torch.no_grad():
            every = now.model.every_layer(features_of(GRID, setting.features))
            hidden = [_as_maps(layer) for layer in every[:-1]]
            yours, answer = self._learners_logits(now, setting), every[-1]
            logits, test_logits = now.model(now.inputs), now.model(now.test_inputs)
            train_loss = loss_of(logits, now.labels).item()
            test_loss = loss_of(test_logits, now.test_labels).item() if len(now.test_labels) else None
        gradients = now.gradients()
        wrong = (logits[:, 0] >= 0) != (now.labels == 1)
        shown = [weight for weight, _ in gradients] if edges == GRADIENTS else [
            layer.weight.detach() for layer in now.model.layers
        ]  # fmt: skip
        most = max(weight.abs().max().item() for weight in shown) or 1.0
        done = len(now.losses[:step]) // SMOOTH
        return {
            "data": controls["data"],
            "features": setting.features,
            "activation": setting.activation,
            "learning_rate": setting.learning_rate,
            "edges": edges,
            "step": step,
            "maps": [_as_maps(features_of(GRID, setting.features)), *hidden],
            "strengths": [weight.numpy() / most for weight in shown],
            "dead": [((weight == 0).all(dim=1) & (bias == 0)).numpy() for weight, bias in gradients[:-1]],
            "gradient_norms": [torch.cat([weight.ravel(), bias]).norm().item() for weight, bias in gradients],
            "answer": (answer if yours is None else yours).sigmoid().reshape(FINE, FINE).numpy(),
            "off": None if yours is None else (yours - answer).abs().max().item(),
            "points": now.points.numpy(),
            "labels": now.labels.numpy(),
            "wrong": wrong.numpy(),
            "own": np.arange(len(now.labels)) >= len(now.labels) - len(setting.own),
            "losses": np.array(now.losses[: done * SMOOTH]).reshape(done, SMOOTH).mean(axis=1),
            "loss_steps": SMOOTH * (np.arange(done) + 0.5),
            "test_losses": np.array(now.test_losses[: -(-step // TESTED)]) if test_loss is not None else np.zeros(0),
            "test_steps": TESTED * np.arange(-(-step // TESTED) if test_loss is not None else 0),
            "train_loss": train_loss,
            "test_loss": test_loss,
            "test_accuracy": ((test_logits[:, 0] >= 0) == (now.test_labels == 1)).float().mean().item(),
        }

    def _learners_logits(self, now: Training, setting: Setting) -> torch.Tensor | None:
        """What the learner's `mlp_forward(x, params, act)` makes of the grid, (cells, 1); None if it is not written.

        Raises:
            LearnerError: it fails, or returns something else.
        """
        if self.learner is None:
            return None
        with learners_code("Your mlp_forward"):
            made = self.learner(features_of(GRID, setting.features), self.parameters(), function_of(setting.activation))
        if made is None or made is ...:
            return None
        logits = torch.as_tensor(made)
        if logits.shape != (len(GRID), 1):
            raise LearnerError(f"Your mlp_forward returned shape {tuple(logits.shape)}, wanted {(len(GRID), 1)}")
        return logits.detach().float()

    def build(self, figure):
        return build_playground(figure)

    def update(self, artists, data):
        update_playground(artists, data)

    def describe(self, data):
        n, wrong, dead = len(data["labels"]), int(data["wrong"].sum()), sum(int(d.sum()) for d in data["dead"])
        if not n:
            return "There is nothing to learn from: click into the plane to set points, or choose data."
        units = sum(len(d) for d in data["dead"])
        network = f"{units} hidden units" if units else "no hidden unit"
        unseen = "" if data["test_loss"] is None else f", and {1 - data['test_accuracy']:.0%} of those it never saw"
        dying = f" {dead} of its units get no gradient from any point: they are dead." if dead else ""
        yours = ""
        if data["off"] is not None:
            same = "gives the network's own numbers" if data["off"] < 1e-4 else f"is off by up to {data['off']:.2g}"
            yours = f" The large map is drawn by your mlp_forward, which {same}."
        return (f"After {data['step']} steps a network with {network} has {wrong} of {n} points wrong"
                f"{unseen}.{dying}{yours}")  # fmt: skip

    def clicked(self, axes, x, y, other):
        if axes is not self.canvas.artists["plane"]:
            return {}
        return {"own": Points.with_point(self.state()["own"], x, y, 0 if other else 1)}


def _grid() -> torch.Tensor:
    """Points of the plane, row by row from the top: (FINE · FINE, 2)."""
    steps = EDGE * (2 * (torch.arange(FINE) + 0.5) / FINE - 1)
    y, x = torch.meshgrid(-steps, steps, indexing="ij")
    return torch.stack([x.ravel(), y.ravel()], dim=1)


GRID = _grid()


def _as_maps(values: torch.Tensor) -> np.ndarray:
    """What each unit gives over GRID, (FINE · FINE, units), as tiles from -1 to 1: (units, FINE / 2, FINE / 2)."""
    tiles = values.T.reshape(-1, FINE, FINE)[:, ::2, ::2]
    most = tiles.abs().amax(dim=(1, 2), keepdim=True)
    return (tiles / most.clamp(min=1e-12)).numpy()


def _setting(*, data, noise, features, layers, units, activation, method, learning_rate, weight_decay, seed, own, **_):
    x, y = Points.read(own)
    points = tuple((*map(float, at), int(label)) for at, label in zip(x, y, strict=True))
    return Setting(data, noise, points, SEEN[features], (units,) * layers, activation, method, float(learning_rate),
                   float(weight_decay), seed)  # fmt: skip


def _trained(setting: Setting, step: int) -> Training:
    now = training(setting)
    now.go_to(step)
    return now
