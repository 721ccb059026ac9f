"""Section 2.8: how small a change flips the answer?"""

from copy import deepcopy
from functools import lru_cache, partial

import numpy as np
import torch
from torch import Tensor, nn

from course_lib.explorers import Choice, Explorer, LearnerError, Prediction, Quest, Slider, learners_code
from course_lib.figures.robustness import FARTHEST, HEIGHT, WIDTH, build_robustness, update_robustness
from course_lib.foundations.attacks import (
    ATTACKS,
    accuracy_curve,
    along,
    defended_reader,
    probabilities,
    random_signs,
    smallest,
)
from course_lib.foundations.digit_reader import INK, PAPER, digit_reader, shuffled_digits

STEP, SHOWN = 0.005, 100  # between two sizes; test digits that can be looked at
SIZES = torch.arange(round(FARTHEST / STEP) + 1) * STEP
CURVE_SIZES = np.linspace(0, FARTHEST, 13)
GREY_LEVEL = 1 / 16  # the digits have 17 shades
SIGNED, AWAY = "signed gradient", "away from the truth"
NETWORKS = {"as trained": digit_reader, "trained under attack": defended_reader}
SEED = 0  # of both
LEFT = {"nearly all": 0.95, "about six in ten": 0.6, "about three in ten": 0.3}


def flipped(data: dict) -> bool:
    """The picture was read right, and is not any more."""
    return data["before"].argmax() == data["truth"] != data["after"].argmax()


class RobustnessExplorer(Explorer):
    """A digit of the test set, what an attack adds to it, and what a network of 97 % and more makes of it.

    The network reads 8 × 8 pixels from 0 to 1. Every size from 0 to 0.3, 0.005 apart, is tried on the digit that is
    shown, and 13 sizes on 500 test digits. `learner=` takes the exercise's `fgsm(model, x, y, eps, lo, hi)` and uses it
    wherever the signed gradient is chosen; towards a class it is called with that class and a negative eps.
    """

    id = "foundations.challenges.robustness"
    size = (WIDTH, HEIGHT)
    controls = {
        "image": Slider(low=0, high=SHOWN - 1, step=1, start=9, label="test digit"),
        "eps": Slider(low=0.0, high=FARTHEST, step=STEP, start=0.05, label="ε"),
        "attack": Choice(options=tuple(ATTACKS), start=SIGNED),
        "target": Choice(options=(AWAY, *(f"towards {digit}" for digit in range(10))), start=AWAY, label="lead it"),
        "network": Choice(options=tuple(NETWORKS), start="as trained"),
    }
    quests = (
        Quest("level", "network as trained: flip a digit that was read right by less than one of its 16 grey levels, "
              "ε ≤ 0.06",
              lambda data: data["network"] == "as trained" and data["eps"] <= 0.0601 and flipped(data)),
        Quest("coins", "flip a digit that was read right by random signs",
              lambda data: data["attack"] == "random signs" and flipped(data)),
        Quest("chosen", "have a digit read as another one that you chose, with 90 % or more, at ε ≤ 0.2",
              lambda data: data["aim"] not in (None, data["truth"]) and data["eps"] <= 0.2001
              and data["after"][data["aim"]] >= 0.9),
    )  # fmt: skip
    presets = (
        {},
        {"attack": "random signs", "eps": 0.15},
        {"attack": "5 signed steps", "eps": 0.1, "target": "towards 3"},
        {"network": "trained under attack", "eps": 0.1},
    )
    sweep_from = {"eps": 0.1}

    def __init__(self, **settings):
        self._theirs: dict = {}  # what the learner's function gave, as long as nothing but eps moves
        super().__init__(**settings)

    def compute(self, image, eps, attack, target, network):
        digits, row = shuffled_digits(), round(eps / STEP)
        truth, aim = int(digits.test_y[image]), None if target == AWAY else int(target[-1])
        attacked, shares = path(image, attack, aim, network)
        curves = {name: None if self.asking and name != attack else curve(name, aim, network) for name in ATTACKS}
        yours = self._yours(image, aim, network) if self.learner is not None and attack == SIGNED else None
        if yours:
            attacked, shares, alike = yours["attacked"], yours["shares"], torch.equal(yours["attacked"], attacked)
        others = shares.index_fill(1, torch.tensor([truth]), 0)
        return {
            "image": image, "eps": row * STEP, "attack": attack, "aim": aim, "network": network, "truth": truth,
            "digit": digits.test_x[image, 0].numpy(), "attacked": attacked[row, 0].numpy(),
            "before": shares[0].numpy(), "after": shares[row].numpy(),
            "sizes": SIZES.numpy(), "own": shares[:, truth].numpy(), "other": others.amax(dim=1).numpy(),
            "flips": smallest(shares, SIZES, truth if aim is None else aim, towards=aim is not None),
            "curve_sizes": CURVE_SIZES, "curves": curves, "yours": yours and yours["curve"],
            "reached": float(np.interp(row * STEP, CURVE_SIZES, yours["curve"] if yours else curves[attack])),
            "used": "yours" if yours else "ours", "alike": bool(yours and alike),
            "not started": self.learner is not None and attack == SIGNED and yours is None,
        }  # fmt: skip

    def _yours(self, image: int, aim: int | None, network: str) -> dict | None:
        """The learner's function at every size; None if it is not started. It is called with one size at a time."""
        if (image, aim, network) in self._theirs:
            return self._theirs[image, aim, network]
        model, digits = deepcopy(NETWORKS[network](SEED)), shuffled_digits()  # theirs may leave gradients in it
        x, y = digits.test_x[image : image + 1], digits.test_y[image : image + 1]
        if self._run(model, x, y, 0.0, None) is None:
            return None
        attacked = torch.cat([self._run(model, x, y, size, aim) for size in SIZES.tolist()])
        curves = {key[1:]: made["curve"] for key, made in self._theirs.items()}  # they don't depend on the digit
        if (aim, network) not in curves:
            attack = partial(self._as_an_attack, aim=aim)
            curves[aim, network] = accuracy_curve(attack, model, CURVE_SIZES.tolist())
        made = {"attacked": attacked, "shares": probabilities(model, attacked), "curve": curves[aim, network]}
        self._theirs = {(image, aim, network): made}
        return made

    def _as_an_attack(self, model, x, y, eps, _lo, _hi, aim):
        return self._run(model, x, y, eps, aim)

    def _run(self, model: nn.Module, x: Tensor, y: Tensor, eps: float, aim: int | None) -> Tensor | None:
        """What the learner's function makes of pictures; None if it is not started."""
        led = (y.clone(), eps) if aim is None else (torch.full_like(y, aim), -eps)
        with learners_code("Your fgsm"), torch.enable_grad():
            made = self.learner(model, x.clone(), *led, PAPER, INK)
        if made is None or made is ...:
            return None
        if not isinstance(made, Tensor) or made.shape != x.shape:
            got = tuple(made.shape) if isinstance(made, Tensor) else type(made).__name__
            raise LearnerError(f"Your fgsm was given pictures of shape {tuple(x.shape)}, and returned {got}.")
        if not made.isfinite().all():
            raise LearnerError("Your fgsm returned pixels that are nan or inf.")
        return made.detach()

    def build(self, figure):
        return build_robustness(figure)

    def update(self, artists, data):
        update_robustness(artists, data)

    def describe(self, data):
        before, after = data["before"], data["after"]
        led = "away from its class" if data["aim"] is None else f"towards {data['aim']}"
        text = (
            f"{_a(data['truth']).capitalize()}, read as {before.argmax()} ({before.max():.0%}); with {data['attack']} "
            f"of ε = {data['eps']:.3f}, {led}, as {after.argmax()} ({after.max():.0%}). {needed(data)}; at this ε, "
            f"{data['reached']:.0%} of the 500 test digits are read right."
        )
        if data["not started"]:
            return text + " Your fgsm is not started; this is ours."
        if data["used"] == "ours":
            return text
        return text + f" This is your fgsm, {'the same as' if data['alike'] else 'which differs from'} ours."


def needed(data: dict) -> str:
    """The smallest size that does it, as the beginning of a sentence."""
    what = f"makes {'another digit' if data['aim'] is None else _a(data['aim'])} of it"
    if data["flips"] is None:
        return f"No ε up to {FARTHEST} {what}"
    if not data["flips"]:
        return "It is so without any attack"
    return f"The smallest ε that {what} is {data['flips']:.3f}, {data['flips'] / GREY_LEVEL:.1f} of its grey levels"


def _a(digit: int) -> str:
    return f"{'an' if digit == 8 else 'a'} {digit}"


def robustness_prediction() -> Prediction:
    """How many digits survive the worst signs, where nearly all survive random ones?"""
    return Prediction(
        question="Every pixel goes up or down by 0.15, by the toss of a coin: of 500 test digits, nearly all are still "
        "read right (below). Now each pixel goes up or down by 0.15 as the gradient says. How many are still right?",
        options=tuple(LEFT),
        then={"attack": SIGNED, "eps": 0.15, "target": AWAY, "network": "as trained"},
        result=lambda data: min(LEFT, key=lambda name: abs(LEFT[name] - data["reached"])),
    )


def opening_state() -> dict:
    """Where the prediction is still open: random signs."""
    return {"attack": "random signs", "eps": 0.15}


@lru_cache(maxsize=256)
def path(image: int, attack: str, aim: int | None, network: str) -> tuple[Tensor, Tensor]:
    """A test digit at every size: pictures (sizes, 1, 8, 8), probabilities (sizes, 10)."""
    digits = shuffled_digits()
    x, y = digits.test_x[image : image + 1], digits.test_y[image : image + 1]
    coins = {"seed": image} if ATTACKS[attack] is random_signs else {}
    led = (y, SIZES) if aim is None else (torch.full_like(y, aim), -SIZES)
    return along(ATTACKS[attack], NETWORKS[network](SEED), x, *led, **coins)


@lru_cache(maxsize=128)
def curve(attack: str, aim: int | None, network: str) -> list[float]:
    """The share of test digits that survive, at each of `CURVE_SIZES`."""
    return accuracy_curve(ATTACKS[attack], NETWORKS[network](SEED), CURVE_SIZES.tolist(), aim)
