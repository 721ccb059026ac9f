"""Section 2.3: a network of two layers, forwards and backwards. Which factor makes this gradient small?"""

import math

import torch

from course_lib.explorers import Choice, Explorer, Prediction, Quest, Slider, Steps
from course_lib.figures.backpropagation import (
    HEIGHT,
    SPAN,
    WIDTH,
    build_backpropagation,
    nearest,
    pretty,
    short,
    update_backpropagation,
)
from course_lib.foundations.activations import ACTIVATIONS
from course_lib.foundations.two_layer import INPUTS, ORDER, WEIGHTS, backward, forward, local_slopes, paths

NUMBERS = (*INPUTS, "t", *WEIGHTS)
BACK = (("L", "y"), ("z",), ("h1", "h2", "v1", "v2", "c"), ("u1", "u2"), (*WEIGHTS[:6], *INPUTS))  # in which order
STEPS = len(ORDER) + len(BACK)
NUDGE = 1e-3
MOVED = torch.linspace(*SPAN, 121, dtype=torch.float64)
STARTS = {"x1": 1.0, "x2": 0.5, "w11": 0.8, "w12": -0.4, "b1": 0.1, "w21": -0.6, "w22": 1.2, "b2": -0.2,
          "v1": 1.0, "v2": -1.5, "c": 0.2}  # fmt: skip
BLAMED = {"y − t": "y − t, the error", "f′(z)": "f′(z), the output's slope", "v₁": "v₁, the weight behind the unit",
          "f′(u₁)": "f′(u₁), the hidden unit's slope", "x₁": "x₁, the input"}  # fmt: skip


def _number(name: str, reach: float) -> Slider:
    return Slider(low=-reach, high=reach, step=0.1, start=STARTS[name], label=pretty(name))


class BackpropExplorer(Explorer):
    """Every value and every gradient of a small network. Which factor makes this gradient small?"""

    id = "foundations.backprop.gradient"
    size = (WIDTH, HEIGHT)
    controls = {
        "chosen": Choice(options=(*WEIGHTS, *INPUTS), start="w11", label="gradient of"),
        "step": Steps(high=STEPS, start=STEPS),
        "activation": Choice(options=("sigmoid", "tanh", "ReLU", "leaky ReLU"), start="sigmoid"),
        "t": Slider(low=-1.0, high=2.0, step=0.1, start=1.0, label="target t"),
        **{name: _number(name, 3.0) for name in INPUTS},
        **{name: _number(name, 5.0) for name in ("w11", "w21", "w12", "w22", "b1", "b2", "v1", "v2", "c")},
    }  # fmt: skip
    quests = (
        Quest("guilty", "with the sigmoid, bring the gradient of w₁₁ below 0.001 in size by one factor alone: each of "
              "the others stays at 0.2 or more",
              lambda data: data["activation"] == "sigmoid" and data["chosen"] == "w11" and data["gradient"] is not None
              and abs(data["gradient"]) < 1e-3 and sum(abs(of) < 0.2 for of in data["factors"][0]) == 1),
        Quest("dead", "with ReLU, make the gradients of w₁₁, w₁₂ and b₁ exactly 0 while the error is 0.5 or more and "
              "the gradient of w₂₁ is not 0",
              lambda data: data["activation"] == "ReLU" and data["all"]["u1"] == 0 and abs(data["all"]["y"]) >= 0.5
              and data["all"]["w21"] != 0),
        Quest("cancel", "let the two paths to x₁ cancel: each product 0.01 or more in size, their sum below 0.001",
              lambda data: data["chosen"] == "x1" and data["gradient"] is not None
              and min(map(abs, data["products"])) >= 0.01 and abs(data["gradient"]) < 1e-3),
    )  # fmt: skip
    presets = (
        {},
        {"chosen": "x1", "activation": "tanh"},
        {"chosen": "w22", "activation": "ReLU"},
        {"chosen": "v2", "step": 7},
        {"w11": 5.0, "x1": 2.0, "t": 0.0},
    )
    sweep_from = {"activation": "tanh", "chosen": "x1"}

    def compute(self, chosen, step, activation, **given):
        f = ACTIVATIONS[activation]
        numbers = {name: torch.tensor(given[name], dtype=torch.float64) for name in NUMBERS}
        values = forward(numbers, f.f)
        slopes = local_slopes(values, f.slope)
        gradient = {name: of.item() for name, of in backward(slopes).items()}
        shown = [name for level in ORDER[:step] for name in level]
        back = {name for level in BACK[: max(step - len(ORDER), 0)] for name in level}
        ways = paths(slopes, chosen)
        factors = [[slopes[link].item() for link in way] for way in ways]
        done = chosen in back
        losses = forward({**numbers, chosen: MOVED}, f.f)["L"]
        nudged = (forward({**numbers, chosen: numbers[chosen] + by}, f.f)["L"].item() for by in (NUDGE, -NUDGE))
        quotient = (next(nudged) - next(nudged)) / (2 * NUDGE)
        return {
            "chosen": chosen,
            "step": step,
            "activation": activation,
            "values": {name: values[name].item() for name in (*NUMBERS, *shown)},
            "gradients": {name: gradient[name] for name in back},
            "slopes": {s: slopes[o, s].item() for s, o in (("u1", "h1"), ("u2", "h2"), ("z", "y")) if s in back},
            "paths": [
                {
                    "names": ["L", *(link[1] for link in way)],
                    "factors": [(_name(link), of if link[1] in back else None)
                                for link, of in zip(way, some, strict=True)],
                    "smallest": min(range(len(some)), key=lambda k: abs(some[k])),
                }
                for way, some in zip(ways, factors, strict=True)
            ],
            "factors": factors,
            "products": [math.prod(some) for some in factors],
            "gradient": gradient[chosen] if done else None,
            "all": gradient,
            "autograd": _by_autograd(numbers, chosen, f.f),
            "quotient": quotient,
            "moved": MOVED.numpy(),
            "losses": losses.numpy(),
        }  # fmt: skip

    def build(self, figure):
        return build_backpropagation(figure)

    def update(self, artists, data):
        update_backpropagation(artists, data)

    def clicked(self, axes, x, y, other):
        name = nearest(x, y)
        return {"chosen": name} if name else {}

    def describe(self, data):
        step, name = data["step"], pretty(data["chosen"])
        if step < len(ORDER):
            return f"Forwards, step {step} of {len(ORDER)}: each value is made of those to its left."
        if data["gradient"] is None:
            at = f" at step {step - len(ORDER)} of {len(BACK)}" if step > len(ORDER) else " not yet begun"
            return f"The loss is {short(data['values']['L'])}. The way back is{at}; it has not come to {name}."
        text = f"dL/d{name} = {short(data['gradient'])}"
        if len(data["products"]) == 1:
            path = data["paths"][0]
            label, least = path["factors"][path["smallest"]]
            text += f": the product of {len(path['factors'])} local factors, of which {label} = {short(least)} is the "
            text += "smallest in size."
        else:
            first, second = map(short, data["products"])
            text += f": two paths lead back to {name}, and their products {first} and {second} are added."
        theirs = data["autograd"]
        same = "the same" if math.isclose(theirs, data["gradient"], abs_tol=1e-12) else short(theirs)
        text += f" torch.autograd says {same}; {name} moved by ±{NUDGE} changes the loss by "
        return f"{text}{short(data['quotient'])} a unit."


def factor_state() -> dict:
    """The view that section 2.3's prediction opens: all values are there, and no gradient yet."""
    return {"x1": 2.0, "w11": 3.0, "v1": 2.0, "t": 0.0, "step": len(ORDER)}


def factor_prediction() -> Prediction:
    """Why is the gradient small at a unit that is fully on?"""
    return Prediction(
        question="The first hidden unit is as good as fully on: h₁ is 0.997. The output y should be 0 and is far from "
        "it. How much would a change of w₁₁ help? Of the five factors of dL/dw₁₁, which is the smallest?",
        options=tuple(BLAMED.values()),
        then={"step": STEPS},
        result=lambda data: BLAMED[data["paths"][0]["factors"][data["paths"][0]["smallest"]][0]],
    )


def _name(link: tuple[str, str]) -> str:
    """How a local slope is written: of a product it is the other factor."""
    value, made_of = link
    if value == "L":
        return "y − t"
    if value in ("y", "h1", "h2"):
        return f"f′({pretty(made_of)})"
    if made_of in ("b1", "b2", "c"):
        return "1"
    other = {"h": "v", "v": "h"} if value == "z" else {"w": "x", "x": f"w{value[1]}"}
    return pretty(other[made_of[0]] + made_of[-1])


def _by_autograd(numbers: dict, chosen: str, f) -> float:
    leaf = numbers[chosen].clone().requires_grad_()
    forward({**numbers, chosen: leaf}, f)["L"].backward()
    return leaf.grad.item()
