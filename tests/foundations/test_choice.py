"""The same network with another activation: what the page of 2.2 says of it, and of what was kept."""

from statistics import median

import pytest
import torch

from course_lib.datasets.digits import load_digits
from course_lib.figures.functions import draw_functions
from course_lib.foundations.activations import ACTIVATIONS
from course_lib.foundations.choice import CURVES, TRAINING, train_on_curve, train_on_digits
from course_lib.results import load_result


@pytest.fixture
def kept():
    return load_result("2.2_choice").values


def test_three_layers_of_sigmoids_learn_nothing_where_tanh_does():
    assert train_on_digits("sigmoid", 3) < 0.2 and train_on_digits("tanh", 3) > 0.7


def test_a_corner_suits_relu():
    corner, _ = CURVES
    assert train_on_curve("ReLU", corner) < train_on_curve("tanh", corner)


def test_it_leaves_randomness_as_it_was():
    before = torch.get_rng_state()
    train_on_digits("ReLU", 1, seed=7)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_test_digits_are_a_third():
    pixels, labels = load_digits()
    assert len(labels) - TRAINING == 597 and pixels.shape == (1797, 64)


def test_the_page_may_say_what_depends_on_the_model(kept):
    assert kept["seeds"] == [0, 1, 2] and set(kept["digits"]) == {"0.1", "0.3"}
    for layers in kept["digits"].values():
        assert set(layers) == {"1", "3", "8"} and all(set(reached) == set(ACTIVATIONS) for reached in layers.values())
        assert max(layers["3"]["sigmoid"]) < 0.2 < 0.5 < min(layers["1"]["sigmoid"])
        assert max(layers["8"]["sigmoid"] + layers["8"]["ReLU"]) < 0.2
    at = kept["digits"]["0.1"]
    assert median(at["1"]["ReLU"]) > median(at["1"]["tanh"]) - 0.05
    assert median(at["8"]["tanh"]) > median(at["8"]["ReLU"]) + 0.05


def test_the_page_may_say_what_depends_on_the_data(kept):
    corner, smooth = (kept["curves"][curve] for curve in CURVES)
    for better, worse, errors in (("ReLU", "GELU", corner), ("GELU", "ReLU", smooth)):
        assert all(a < b for a, b in zip(errors[better], errors[worse], strict=True))


def test_the_functions_stand_side_by_side():
    x = torch.linspace(-3, 3, 31, dtype=torch.double)
    both = {name: (ACTIVATIONS[name].f(x).numpy(), ACTIVATIONS[name].slope(x).numpy()) for name in ("ReLU", "GELU")}
    figure = draw_functions(x.numpy(), both, {"ReLU": "one", "GELU": "other"}, behind=torch.relu(x).numpy())
    assert [axes.get_title("left") for axes in figure.axes] == ["ReLU", "GELU"]


@pytest.mark.slow
def test_the_result_computed_again_is_the_kept_one(kept):
    for name in ("tanh", "ReLU"):
        again = train_on_digits(name, 3, seed=1)
        assert again == pytest.approx(kept["digits"]["0.1"]["3"][name][1], abs=0.05)
