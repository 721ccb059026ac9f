"""Section 4.2: what does each kind of gradient clipping keep?"""

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np

from course_lib.explorers import Choice, Explorer, Quest, Slider, Steps
from course_lib.figures.clipping import LONGEST, MOST_STEPS, build_clipping, update_clipping

UNROLLED, FIRST, TARGET = 50, 0.5, 0.7  # steps of the recurrence, its start, what its output should be
MAP = ((4.0, 6.0), (-3.2, -1.4))  # w and b from, to
STARTS = {"on the cliff": (4.9, -2.55), "right of it": (5.2, -2.4), "left of it": (4.9, -2.8)}
MODES = ("none", "by value", "by norm")


def turned(data: dict) -> bool:
    return data["mode"] == "by value" and data["angle"] > 30


def came_down(data: dict) -> bool:
    """From the cliff, with steps that throw the unclipped walk off the map, to the valley floor."""
    steps = len(data["losses"]) - 1
    return data["on_cliff"] and data["free_off"] and 10 <= steps <= 30 and data["losses"][-1] < 0.005


def fell(data: dict) -> bool:
    return data["on_cliff"] and data["mode"] == "by norm" and data["losses"][-1] > 0.3


class ClippingExplorer(Explorer):
    """Clip a gradient by value or by norm, and walk down a cliff with it.

    The loss is that of one recurrent unit, h = w · sigmoid(h) + b, run for 50 steps from h = 0.5:
    (sigmoid(h_50) − 0.7)². Where h tips over to its other fixed point, the loss has a cliff (Pascanu, Mikolov & Bengio
    2013). The cliff's start, (4.9, −2.55), is the steepest point of a grid 0.05 wide in w and b.
    """

    id = "recurrent.clipping"
    size = (880, 400)
    controls = {
        "g1": Slider(low=-float(LONGEST), high=float(LONGEST), step=0.5, start=1.5, label="gradient g1"),
        "g2": Slider(low=-float(LONGEST), high=float(LONGEST), step=0.5, start=-4.0, label="gradient g2"),
        "mode": Choice(options=MODES, start="by norm", label="clip"),
        "theta": Slider(low=0.1, high=5.0, step=0.1, start=1.0, label="threshold θ"),
        "start": Choice(options=tuple(STARTS), start="on the cliff", label="walk starts"),
        "rate": Slider(low=0.01, high=0.5, step=0.01, start=0.05, label="learning rate"),
        "steps": Steps(high=MOST_STEPS, start=1),
    }
    quests = (
        Quest("turn", "find a gradient that clipping by value turns by more than 30 degrees", turned),
        Quest("come-down", "from the cliff, reach the valley floor (loss below 0.005) after 10 to 30 steps, at a rate "
              "that throws the unclipped walk off the map", came_down),
        Quest("fall", "clip by norm, start on the cliff, and still end on the high side, at a loss above 0.3", fell),
    )  # fmt: skip
    presets = (
        {},
        {"mode": "none"},
        {"mode": "by value", "rate": 0.2, "steps": 60},
        {"start": "right of it", "rate": 0.3, "theta": 0.5, "steps": 60},
    )
    sweep_from = {"mode": "by value", "start": "on the cliff", "rate": 0.1, "steps": 20}

    def compute(self, g1, g2, mode, theta, start, rate, steps):
        gradient = np.array([g1, g2])
        clipped = np.array(clip(g1, g2, mode, theta))
        path, losses = descend(STARTS[start], rate, steps, mode, theta)
        free, free_losses = descend(STARTS[start], rate, steps, "none", theta)
        return {
            "gradient": gradient,
            "clipped": clipped,
            "norms": (float(np.hypot(*gradient)), float(np.hypot(*clipped))),
            "angle": angle(gradient, clipped),
            "mode": mode,
            "theta": theta,
            "path": path,
            "free": free,
            "losses": losses,
            "free_losses": free_losses,
            "off": off_the_map(*path[-1]),
            "free_off": off_the_map(*free[-1]),
            "start": start,
            "on_cliff": start == "on the cliff",
            "rate": rate,
        }

    def build(self, figure):
        return build_clipping(figure, surface())

    def update(self, artists, data):
        update_clipping(artists, data)

    def describe(self, data):
        before, after = data["norms"]
        first, second = data["gradient"]
        text = f"The gradient ({first:g}, {second:g}) has norm {before:.2f}"
        if data["mode"] != "none":
            how = f"{data['mode']} at {data['theta']:.1f}"
            text += f"; clipped {how} it has norm {after:.2f} and is turned by {data['angle']:.0f}°"
        steps = len(data["losses"]) - 1
        text += (
            f". Starting {data['start'].replace(' it', ' the cliff')}, {steps} step{'s' * (steps != 1)} of rate "
            f"{data['rate']:.2f} {'change' if steps != 1 else 'changes'} the loss from {_short(data['losses'][0])} to "
            f"{_short(data['losses'][-1])}, {_where(data['path'][-1], data['off'])}"
        )
        if data["mode"] != "none":
            end = _where(data["free"][-1], data["free_off"])
            text += f"; without clipping to {_short(data['free_losses'][-1])}, {end}"
        return (text + ".").replace("-", "−")


def _where(point: np.ndarray, off: bool) -> str:
    w, b = point
    return f"{'off the map ' if off else ''}at w = {w:.2f}, b = {b:.2f}"


def _short(loss: float) -> str:
    return f"{loss:.5f}" if loss < 1e-3 else f"{loss:.4f}" if loss < 0.1 else f"{loss:.3f}"


def clip(g1: float, g2: float, mode: str, theta: float) -> tuple[float, float]:
    """The gradient (g1, g2), clipped at the threshold theta: each entry by itself, or its norm."""
    if mode == "by value":
        return min(max(g1, -theta), theta), min(max(g2, -theta), theta)
    norm = math.hypot(g1, g2)
    if mode == "by norm" and norm > theta:
        return g1 * theta / norm, g2 * theta / norm
    return g1, g2


def angle(one: np.ndarray, other: np.ndarray) -> float:
    """Degrees between two vectors; 0 if one of them is zero."""
    cross, dot = one[0] * other[1] - one[1] * other[0], one @ other
    return abs(math.degrees(math.atan2(cross, dot)))


def off_the_map(w: float, b: float) -> bool:
    (w_from, w_to), (b_from, b_to) = MAP
    return not (w_from <= w <= w_to and b_from <= b <= b_to)


def cliff(w, b, tanh: Callable = np.tanh):
    """The loss of the unrolled unit at (w, b), and its gradient, carried forward beside the state.

    Args:
        w, b: numbers, or arrays of one shape.
        tanh: `math.tanh` is faster for numbers.

    Returns:
        the loss and its derivatives by w and by b, each of that shape
    """

    def sigmoid(x):
        return (1 + tanh(x / 2)) / 2  # cannot overflow

    h, h_w, h_b = FIRST + 0 * w, 0 * w, 0 * b
    for _ in range(UNROLLED):
        s = sigmoid(h)
        slope = w * s * (1 - s)
        h, h_w, h_b = w * s + b, s + slope * h_w, 1 + slope * h_b
    s = sigmoid(h)
    by_h = 2 * (s - TARGET) * s * (1 - s)
    return (s - TARGET) ** 2, by_h * h_w, by_h * h_b


def descend(start: tuple[float, float], rate: float, steps: int, mode: str, theta: float):
    """Gradient descent on `cliff` with clipped gradients.

    Returns:
        (w, b) after each step, the start included, (steps + 1, 2); the losses there, (steps + 1,)
    """
    w, b = start
    path, losses = [], []
    for _ in range(steps + 1):
        loss, g_w, g_b = cliff(w, b, math.tanh)
        path.append((w, b))
        losses.append(loss)
        g_w, g_b = clip(g_w, g_b, mode, theta)
        w, b = w - rate * g_w, b - rate * g_b
    return np.array(path), np.array(losses)


@lru_cache
def surface() -> dict:
    """The loss all over the map: `w` (columns,), `b` (rows,), `loss` (rows, columns)."""
    w, b = (np.linspace(*ends, 241) for ends in MAP)
    loss, _, _ = cliff(*np.meshgrid(w, b))
    return {"w": w, "b": b, "loss": loss}
