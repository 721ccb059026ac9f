"""The foundations chapter's larger figures."""

from course_lib.foundations.activations import ACTIVATIONS
from course_lib.foundations.choice import CURVES, train_on_curve, train_on_digits
from course_lib.results import result


@result("2.2_choice")
def choice() -> dict:
    """Which activation learns what: the digits with 1, 3 and 8 hidden layers at two rates, two curves."""
    seeds, curve_seeds, rates = range(3), range(5), (0.1, 0.3)
    digits = {
        str(rate): {
            str(layers): {
                name: [round(train_on_digits(name, layers, learning_rate=rate, seed=seed), 4) for seed in seeds]
                for name in ACTIVATIONS
            }
            for layers in (1, 3, 8)
        }
        for rate in rates
    }
    shown = ("tanh", "ReLU", "GELU")
    curves = {
        curve: {name: [float(f"{train_on_curve(name, curve, seed):.3g}") for seed in curve_seeds] for name in shown}
        for curve in CURVES
    }
    return {"digits": digits, "curves": curves, "seeds": list(seeds)}
