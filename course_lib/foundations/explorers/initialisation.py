"""Section 2.5: which start keeps signals alive in both directions?"""

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from course_lib.explorers import Choice, Explorer, LearnerError, Prediction, Quest, Slider, learners_code
from course_lib.figures.activations import short
from course_lib.figures.initialisation import (
    BINS,
    DEEPEST,
    HEIGHT,
    WIDTH,
    H,
    build_initialisation,
    update_initialisation,
)
from course_lib.foundations.activations import ACTIVATIONS
from course_lib.foundations.deep import DEFAULT, PIXELS, SCHEMES, DeepNetwork, Journey, journey, standard_digits
from course_lib.foundations.explorers.activations import kindest
from course_lib.seeds import seeded

ROWS = 32  # digits that are sent through
SHORTCUTS = {"none": lambda depth: 0.0, "x + F(x)": lambda depth: 1.0, "x + F(x) / depth": lambda depth: 1 / depth}
LEFT = ("about a tenth", "about a thousandth", "less than a billionth")  # of a distance


def bare(data: dict) -> bool:
    """Nothing helps the start."""
    return not data["batch_norm"] and data["shortcuts"] == "none"


class InitialisationExplorer(Explorer):
    """A deep network before its first step: what its layers give out, and what is left of signal and gradient.

    32 digits go through; the gradient is that of their cross-entropy. `learner=` takes a function that fills a weight
    in place, such as the `he_` of the exercise, and starts the same network with it, biases at 0.
    """

    id = "foundations.initialisation"
    size = (WIDTH, HEIGHT)
    controls = {
        "scheme": Choice(options=tuple(SCHEMES), start=DEFAULT, label="start"),
        "gain": Slider(low=0.1, high=4.0, step=0.05, start=1.0, label="weights times"),
        "activation": Choice(options=tuple(ACTIVATIONS), start="ReLU"),
        "depth": Slider(low=1, high=DEEPEST, step=1, start=30, label="layers"),
        "width": Slider(low=8, high=96, step=8, start=64, label="units of each"),
        "batch_norm": Choice(options=("off", "on"), start="off"),
        "shortcuts": Choice(options=tuple(SHORTCUTS), start="none"),
        "seed": Slider(low=0, high=9, step=1, start=0),
    }
    quests = (
        Quest("gain", "PyTorch's default, 30 layers of ReLU or more, no norm, no shortcuts: find a factor for the "
              "weights that keeps digits and gradient between a tenth and ten times what they were",
              lambda data: bare(data) and data["scheme"] == DEFAULT and data["activation"] == "ReLU"
              and data["depth"] >= 30 and all(0.1 <= share <= 10 for share in data["left"][DEFAULT])),
        Quest("norm", "with batch norm and no shortcuts, make the gradient at the pixels more than 5,000 times what it "
              "was at the last layer",
              lambda data: data["batch_norm"] and data["shortcuts"] == "none" and data["gradient"][0] > 5000),
        Quest("rescue", "a small random start, 30 layers or more, no norm, no weights enlarged: bring more than a "
              "hundredth of the gradient back to the pixels",
              lambda data: data["scheme"] == "small random" and data["depth"] >= 30 and not data["batch_norm"]
              and data["gain"] <= 1 and data["gradient"][0] > 0.01),
    )  # fmt: skip
    presets = (
        {},
        {"scheme": "He"},
        {"scheme": "Xavier", "activation": "tanh"},
        {"batch_norm": "on"},
        {"scheme": "He", "shortcuts": "x + F(x)"},
    )
    sweep_from = {"depth": 6}

    def compute(self, scheme, gain, activation, depth, width, batch_norm, shortcuts, seed):
        normalised, gain = batch_norm == "on", round(gain, 2)  # a slider's 1 may be 1.0000000000000002
        design = (depth, width, activation, normalised, SHORTCUTS[shortcuts](depth))
        journeys = {name: started(design, name, gain, seed) for name in SCHEMES}
        here = journeys[scheme]
        left = {name: ends(made) for name, made in journeys.items()}
        yours = None if self.learner is None else self._yours(design, gain, seed)
        if yours:
            left["yours"] = yours.pop("left")
        helped = ", batch norm" * normalised + f", {shortcuts}" * (shortcuts != "none")
        return {
            "scheme": scheme, "gain": gain, "activation": activation, "depth": depth, "width": width,
            "batch_norm": normalised, "shortcuts": shortcuts,
            "title": f"{depth} × {width} {activation}, {scheme}{f' × {gain:.2f}' * (gain != 1)}{helped}",
            "histograms": histograms(here.outputs),
            "size": here.size.numpy(), "apart": here.apart.numpy(), "gradient": here.gradient.numpy(),
            "left": left, "yours": yours, "not started": self.learner is not None and yours is None,
        }  # fmt: skip

    def _yours(self, design: tuple, gain: float, seed: int) -> dict | None:
        """What is left where the learner's function starts the network; None if it fills no weight."""
        network = built(*design)
        weights = [torch.zeros(linear.weight.shape) for linear in network.linears()]
        with learners_code("Your function"), seeded(seed):
            for weight in weights:
                self.learner(weight)
        if not any(weight.any() for weight in weights):
            return None
        with torch.no_grad():
            for linear, weight in zip(network.linears(), weights, strict=True):
                _check(weight, linear.weight)
                linear.weight.copy_(gain * weight.double())
                linear.bias.zero_()
        made = journey(network, *_digits())
        return {
            "apart": made.apart.numpy(),
            "gradient": made.gradient.numpy(),
            "left": ends(made),
            "spread": [weight.std().item() for weight in weights[:-1][:2]],  # of the first two layers
        }

    def build(self, figure):
        return build_initialisation(figure)

    def update(self, artists, data):
        update_initialisation(artists, data)

    def describe(self, data):
        apart, gradient = data["left"][data["scheme"]]
        text = (
            f"{data['title']}: outputs end up {short(data['size'][-1])} times as large as the pixels, and digits "
            f"{short(apart)} times as far apart; the gradient comes back {short(gradient)} times as large. "
        )
        starts = {name: left for name, left in data["left"].items() if name != "yours"}
        if alike(starts):
            text += "The four starts come out alike."
        else:
            best = kindest(starts)
            apart, gradient = starts[best]
            text += (
                f"Of the four starts, {best} strays least from 1, counting the worse of the two "
                f"({short(apart)} and {short(gradient)})."
            )
        if data["not started"]:
            return text + " Your function is not started."
        return text if data["yours"] is None else f"{text} {compared(data)}"


def initialisation_prediction() -> Prediction:
    """How far apart are two digits after thirty layers that start as PyTorch starts them?"""
    return Prediction(
        question="A network has 30 layers of 64 ReLU units, which start as PyTorch starts its linear layers. "
        "How far apart are two digits at the last layer, compared with their pixels?",
        options=LEFT,
        then={"scheme": DEFAULT, "gain": 1.0, "activation": "ReLU", "depth": 30, "batch_norm": "off",
              "shortcuts": "none"},
        result=lambda data: LEFT[0 if data["apart"][-1] > 0.01 else 1 if data["apart"][-1] > 1e-9 else 2],
    )  # fmt: skip


def opening_state() -> dict:
    """Where the prediction is still open: one layer."""
    return {"depth": 1}


@lru_cache(maxsize=8)
def built(depth: int, width: int, activation: str, batch_norm: bool, branch: float) -> DeepNetwork:
    """A network in double precision whose weights are to be started; kept, since building costs more than starting."""
    network = DeepNetwork(depth, width, activation, batch_norm=batch_norm, branch=branch)
    return network.double().requires_grad_(False)


@lru_cache(maxsize=64)
def started(design: tuple, scheme: str, gain: float, seed: int) -> Journey:
    """What becomes of signal and gradient in a network of this design; kept: a move of the menu needs nothing anew."""
    network = built(*design)
    network.start(scheme, gain, seed)
    return journey(network, *_digits())


def _digits() -> tuple[Tensor, Tensor]:
    """Pixels (rows, 64) in double precision, labels (rows,)."""
    pixels, labels = standard_digits()
    return pixels[:ROWS].double(), labels[:ROWS]


def ends(made: Journey) -> tuple[float, float]:
    """How far apart the rows are at the last layer, and how large the gradient is at the input."""
    return made.apart[-1].item(), made.gradient[0].item()


def alike(left: dict[str, tuple[float, float]]) -> bool:
    """Whether what is left differs less than twofold from start to start, in both directions."""
    both = np.array(list(left.values()))  # (starts, 2)
    return bool((both.max(axis=0) < 2 * both.min(axis=0)).all())


def histograms(outputs: list[Tensor]) -> np.ndarray:
    """Shares of what the input and each layer gives out, (BINS, depth + 1), the largest values first.

    What lies beyond the range counts in its last bin.
    """
    columns = []
    for output in outputs:
        bins = ((H - output.numpy()) / (2 * H) * BINS).clip(0, BINS - 1).astype(int)
        columns.append(np.bincount(bins.ravel(), minlength=BINS) / bins.size)
    return np.stack(columns, axis=1)


def compared(data: dict) -> str:
    """A sentence on the learner's weights beside those of the chosen scheme."""
    scheme, width = data["scheme"], data["width"]
    fans = [(PIXELS, width), (width, width)][: data["depth"]]
    pairs = [
        f"{short(yours)} in layer {layer} ({scheme}: {short(SCHEMES[scheme](*fan))})"
        for layer, (yours, fan) in enumerate(zip(data["yours"]["spread"], fans, strict=True), 1)
    ]
    factor = "" if data["gain"] == 1 else ", before the factor"
    return f"Yours gives the weights a standard deviation of {' and '.join(pairs)}{factor}."


def _check(weight: Tensor, wanted: Tensor) -> None:
    if weight.shape != wanted.shape:
        raise LearnerError(f"Your function was given {tuple(wanted.shape)}, and left {tuple(weight.shape)}.")
    if not weight.isfinite().all():
        raise LearnerError(f"Your function filled a weight of shape {tuple(weight.shape)} with nan or inf.")
