"""Section 2.2: which activation function lets the signal and the gradient through?"""

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from course_lib.explorers import Choice, Explorer, LearnerError, Prediction, Quest, Slider, learners_code
from course_lib.figures.activations import (
    HEIGHT,
    IN_BINS,
    OUT_BINS,
    WIDTH,
    X,
    Y,
    build_activations,
    short,
    update_activations,
)
from course_lib.foundations.activations import ACTIVATIONS, DEEPEST, Passage, signal_through

LEFT = ("about a tenth", "about a thousandth", "less than a billionth")  # of a gradient


class ActivationExplorer(Explorer):
    """An activation function's curve, and what is left of signal and gradient in a deep network built with it.

    The network has up to 30 layers of 64 units with random weights: h = f(W h + b). `learner=` takes an activation
    function of the learner's own, a tensor to a tensor of the same shape, and draws it, its slope by autograd, and
    its gradient in the same network beside the chosen one.
    """

    id = "foundations.activation.sigmoid"
    size = (WIDTH, HEIGHT)
    controls = {
        "function": Choice(options=tuple(ACTIVATIONS), start="sigmoid"),
        "depth": Slider(low=1, high=DEEPEST, step=1, start=10, label="layers"),
        "gain": Slider(low=0.1, high=6.0, step=0.1, start=1.0, label="gain of weights"),
        "scale": Slider(low=0.1, high=10.0, step=0.1, start=1.0, label="spread of input"),
        "shift": Slider(low=-6.0, high=6.0, step=0.1, start=0.0, label="shift: every bias"),
        "seed": Slider(low=0, high=9, step=1, start=0),
    }
    quests = (
        Quest("sigmoid", "sigmoid, 20 layers or more: bring more than a thousandth of the gradient back to the input",
              lambda data: data["function"] == "sigmoid" and data["depth"] >= 20 and 1e-3 < data["gradient"][0] <= 10),
        Quest("explode", "ReLU: make the gradient at the input more than a million times what it was at the end",
              lambda data: data["function"] == "ReLU" and data["gradient"][0] > 1e6),
        Quest("saturate", "tanh, 3 layers at most: leave less than a millionth of the gradient, yet some of it",
              lambda data: data["function"] == "tanh" and data["depth"] <= 3 and 0 < data["gradient"][0] < 1e-6),
    )  # fmt: skip
    presets = ({}, {"function": "ReLU", "depth": 20, "gain": 1.4}, {"function": "tanh", "depth": 3, "shift": 3.0},
               {"function": "GELU", "depth": 20, "gain": 3.0})  # fmt: skip
    sweep_from = {"depth": 4}

    def compute(self, function, depth, gain, scale, shift, seed):
        chosen = ACTIVATIONS[function]
        x = torch.linspace(*X, 241, dtype=torch.double)
        passages = {name: passage(name, depth, gain, scale, shift, seed) for name in ACTIVATIONS}
        here = passages[function]
        into, beyond_in = shares(here.z, X, IN_BINS)
        out, beyond_out = shares(here.h, Y, OUT_BINS)
        yours = None
        if self.learner is not None:
            yours = self._yours(x, depth, gain=gain, scale=scale, shift=shift, seed=seed)
        left = {name: (made.signal[-1].item(), made.gradient[0].item()) for name, made in passages.items()}
        if yours:
            left["yours"] = yours.pop("left")
        return {
            "function": function, "formula": chosen.formula, "depth": depth, "gain": gain,
            "x": x.numpy(), "f": chosen.f(x).numpy(), "slope": chosen.slope(x).numpy(),
            "into": into, "out": out, "beyond": (beyond_in, beyond_out),
            "signal": here.signal.numpy(), "gradient": here.gradient.numpy(),
            "left": left, "yours": yours, "not started": self.learner is not None and yours is None,
        }  # fmt: skip

    def _yours(self, x: Tensor, depth: int, **settings) -> dict | None:
        """The learner's function in the same places; None if it is not started."""
        with learners_code("Your function"):
            leaf = x.clone().requires_grad_()
            made = self.learner(1 * leaf)  # not the leaf itself, which could not be changed in place
            if made is None or made is ...:
                return None
            _check(made, x)
            (slope,) = torch.autograd.grad(made.sum(), leaf)
            through = signal_through(depth, self._in_network, **settings)
        return {
            "f": made.detach().double().numpy(),
            "slope": slope.numpy(),
            "gradient": through.gradient.numpy(),
            "left": (through.signal[-1].item(), through.gradient[0].item()),
        }

    def _in_network(self, z: Tensor) -> Tensor:
        made = self.learner(z.clone())
        _check(made, z)
        return made.double()

    def build(self, figure):
        return build_activations(figure)

    def update(self, artists, data):
        update_activations(artists, data)

    def describe(self, data):
        name, layers = data["function"], f"{data['depth']} layer{'s' * (data['depth'] != 1)}"
        signal, gradient = data["left"][name]
        text = (
            f"{name}, {layers}, gain {data['gain']:.1f}: two inputs end up {short(signal)} times as far apart as they "
            f"were, and the gradient comes back {short(gradient)} times as large. "
        )
        best = kindest({name: left for name, left in data["left"].items() if name != "yours"})
        signal, gradient = data["left"][best]
        text += (
            f"Of the seven, {best} strays least from 1, counting the worse of the two "
            f"({short(signal)} and {short(gradient)})."
        )
        if data["not started"]:
            return text + " Your function is not started."
        return text if data["yours"] is None else f"{text} {compared(data)}"


def activation_prediction() -> Prediction:
    """How much of the gradient comes back through twenty layers of sigmoid?"""
    return Prediction(
        question="A network has 20 layers of 64 sigmoid units, with weights of gain 1: W h is on average as long as h. "
        "How much of the gradient at the last layer reaches the input?",
        options=LEFT,
        then={"function": "sigmoid", "depth": 20, "gain": 1.0, "shift": 0.0},
        result=lambda data: LEFT[0 if data["gradient"][0] > 0.01 else 1 if data["gradient"][0] > 1e-9 else 2],
    )


def opening_state() -> dict:
    """Where the prediction is still open: one layer."""
    return {"depth": 1}


@lru_cache(maxsize=64)  # 36 kB each
def passage(function: str, depth: int, gain: float, scale: float, shift: float, seed: int) -> Passage:
    """`signal_through` of one of the named functions, kept: a move of the menu needs no network anew."""
    return signal_through(depth, ACTIVATIONS[function].f, gain=gain, scale=scale, shift=shift, seed=seed)


def shares(values: Tensor, ends: tuple[float, float], bins: int) -> tuple[np.ndarray, tuple[float, float]]:
    """A histogram over the range `ends` as shares of all values, (bins,), and the shares below and above the range."""
    counts = torch.histc(values, bins, *ends) / values.numel()
    below, above = ((side).double().mean().item() for side in (values < ends[0], values > ends[1]))
    return counts.numpy(), (below, above)


def kindest(left: dict[str, tuple[float, float]]) -> str:
    """The one whose signal and gradient stray least from 1, in powers of ten, counting the worse of the two."""
    tiny = np.finfo(float).tiny
    return min(left, key=lambda name: max(abs(np.log(max(share, tiny))) for share in left[name]))


def compared(data: dict) -> str:
    """A sentence on the learner's function beside the chosen one."""
    name, yours, x = data["function"], data["yours"], data["x"]
    for what, key in (("Yours", "f"), ("The slope of yours", "slope")):
        if not (finite := np.isfinite(yours[key])).all():
            return f"{what} is not finite at x = {_at(x[~finite][0])}."
    if not np.isfinite(yours["gradient"]).all():
        return "In the network the gradient of yours is not finite."
    for what, than, key in (("Yours", name, "f"), ("The slope of yours", f"that of {name}", "slope")):
        apart = np.abs(yours[key] - data[key])
        if apart.max() > 1e-5:
            return f"{what} differs from {than} by up to {short(apart.max())}, at x = {_at(x[apart.argmax()])}."
    return f"Yours is {name} here, slope included."


def _at(x: float) -> str:
    return f"{x:.2f}".replace("-", "−")


def _check(made: object, x: Tensor) -> None:
    if not isinstance(made, Tensor) or not made.is_floating_point() or made.shape != x.shape:
        got = f"{made.dtype} {tuple(made.shape)}" if isinstance(made, Tensor) else type(made).__name__
        raise LearnerError(f"Your function must return a float tensor of the shape it was given, {tuple(x.shape)}; "
                           f"it returned {got}.")  # fmt: skip
    if not made.requires_grad:
        raise LearnerError("What your function returns has no gradient: compute it from x by torch's operations.")
