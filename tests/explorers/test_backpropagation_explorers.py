import math

import numpy as np
import pytest

from course_lib.figures.backpropagation import BIASES, NODES, WIRES, nearest, short
from course_lib.foundations.explorers.backpropagation import (
    BLAMED,
    INPUTS,
    STEPS,
    WEIGHTS,
    BackpropExplorer,
    factor_prediction,
    factor_state,
)


def look(**state):
    explorer = BackpropExplorer(**state)
    explorer.look()
    return explorer


@pytest.mark.parametrize("chosen", [*WEIGHTS, *INPUTS])
@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "ReLU", "leaky ReLU"])
def test_product_autograd_and_difference_agree(chosen, activation):
    explorer = look(chosen=chosen, activation=activation, b2=0.5, c=1.5)
    data = explorer.data
    assert sum(data["products"]) == pytest.approx(data["gradient"], abs=1e-14)
    assert data["autograd"] == pytest.approx(data["gradient"], abs=1e-14)
    assert data["quotient"] == pytest.approx(data["gradient"], abs=1e-5)
    assert "torch.autograd says the same" in explorer.status
    for path, factors in zip(data["paths"], data["factors"], strict=True):
        assert [value for _, value in path["factors"]] == factors


def test_the_names_of_the_factors_are_those_of_their_values():
    for chosen in (*WEIGHTS, *INPUTS):
        data = look(chosen=chosen).data
        values = {"y − t": data["values"]["y"] - data["values"]["t"], "1": 1.0}
        values |= {f"f′({name})": data["slopes"][key] for name, key in (("z", "z"), ("u₁", "u1"), ("u₂", "u2"))}
        values |= {name.translate(str.maketrans("12", "₁₂")): of for name, of in data["values"].items()}
        for path in data["paths"]:
            for name, value in path["factors"]:
                assert values[name] == pytest.approx(value), (chosen, name)


def test_each_step_shows_more_and_the_way_back_comes_last():
    before = -1
    for step in range(STEPS + 1):
        data = look(step=step).data
        shown = len(data["values"]) + len(data["gradients"])
        assert shown > before
        assert not data["gradients"] or "L" in data["values"]
        before = shown
    assert set(data["gradients"]) == {*NODES, *WEIGHTS}


def test_a_click_chooses_what_lies_there():
    explorer = look()
    page = explorer.canvas.figure.axes[0]
    for name, (x, y) in {**BIASES, "x1": NODES["x1"], "x2": NODES["x2"]}.items():
        assert nearest(x, y) == name
        assert explorer.clicked(page, x, y, False) == {"chosen": name}
    for name, (start, end) in WIRES.items():
        x, y = (np.array(NODES[start]) * 0.3 + np.array(NODES[end]) * 0.7).tolist()
        assert nearest(x, y) == name
    assert explorer.clicked(page, 450, 420, False) == {}


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (-0.02481, "−0.0248"), (1.0, "1"), (4.2e-6, "4e−6"), (1730.2, "1,730"), (-99999.6, "−100,000")],
)
def test_numbers_are_short(value, text):
    assert short(value) == text


def test_the_smallest_factor_is_predicted():
    prediction, explorer = factor_prediction(), look(**factor_state())
    assert explorer.data["gradient"] is None and not explorer.data["gradients"]
    assert f"{explorer.data['values']['h1']:.3f}" == "0.997"
    data = look(**factor_state() | prediction.then).data
    assert prediction.result(data) == BLAMED["f′(u₁)"] in prediction.options
    assert prediction.result(look(**factor_state() | prediction.then | {"x1": 0.0}).data) == BLAMED["x₁"]


@pytest.mark.parametrize(
    ("quest", "state"),
    [
        ("guilty", {"w11": 5.0, "x1": 2.0, "t": -1.0}),
        ("dead", {"activation": "ReLU", "b1": -2.0, "b2": 2.0, "v2": 1.0, "t": -1.0}),
        ("cancel", {"chosen": "x1", "w21": 0.7, "b2": 0.0}),
    ],
)
def test_quests_can_be_done(quest, state):
    test = next(one.test for one in BackpropExplorer.quests if one.id == quest)
    assert test(look(**state).data)
    opened = ({}, factor_state(), factor_state() | factor_prediction().then)
    assert not any(test(look(**of).data) for of in opened)


def test_no_state_at_the_ends_of_the_sliders_fails():
    low, high = ({name: getattr(control, end) for name, control in BackpropExplorer.controls.items()
                  if hasattr(control, end)} for end in ("low", "high"))  # fmt: skip
    for activation in ("sigmoid", "tanh", "ReLU", "leaky ReLU"):
        for state in (low | {"step": STEPS}, high):
            data = look(**state, activation=activation).data
            assert math.isfinite(data["gradient"]) and np.isfinite(data["losses"]).all()
