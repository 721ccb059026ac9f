"""The foundations chapter's larger figures."""

from course_lib.foundations.activations import ACTIVATIONS
from course_lib.foundations.choice import CURVES, train_on_curve, train_on_digits
from course_lib.foundations.compression import distillation_runs
from course_lib.foundations.learning_curves import (
    DESIGNS,
    as_they_come,
    ask_round_by_round,
    least_sure,
    transferred,
    with_labels,
    with_neighbours,
)
from course_lib.foundations.probes import NETWORKS, placed_accuracy, placed_network, steadiness, train_on_placed
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


@result("2.8_labels")
def labels() -> dict:
    """Test digits right by number of labels: three classifiers, ten draws of the labelled digits."""
    return {
        name: {
            str(count): [round(with_labels(count, name, seed), 3) for seed in range(10)]
            for count in (30, 100, 300, 1000)
        }
        for name in DESIGNS
    }


@result("2.8_fewer_labels")
def fewer_labels() -> dict:
    """Three ways to get by with fewer labels, each beside doing without it, ten draws of the labelled digits."""
    seeds = range(10)
    orders = {"least sure first": least_sure, "as they come": as_they_come}
    transfers = [transferred(3, seed) for seed in seeds]
    return {
        "active": {
            name: [[round(right, 3) for right in ask_round_by_round(order, seed)] for seed in seeds]
            for name, order in orders.items()
        },
        "spread": {str(count): [round(with_neighbours(count, seed), 3) for seed in seeds] for count in (30, 100)},
        "transfer": {way: [round(made[way], 3) for made in transfers] for way in transfers[0]},
    }


@result("2.6_sharing")
def sharing() -> dict:
    """Digits anywhere on a canvas, four networks: shallow or deep, dense or with kernels that all places share."""
    seeds = range(3)
    values = {"seeds": list(seeds), "accuracy": {}, "steadiness": {}, "parameters": {}}
    for name in NETWORKS:
        networks = [placed_network(name, seed) for seed in seeds]
        for seed, network in zip(seeds, networks, strict=True):
            train_on_placed(network, seed=seed)
        values["parameters"][name] = sum(weights.numel() for weights in networks[0].parameters())
        measured = zip(seeds, networks, strict=True)
        values["accuracy"][name] = [round(placed_accuracy(network, seed), 4) for seed, network in measured]
        values["steadiness"][name] = [round(steadiness(network), 4) for network in networks]
    return values


@result("2.9_distillation")
def distillation() -> dict:
    """What a small network has of a large teacher: with all labels, with 100, with 60 pictures; test digits right."""
    seeds = range(10)
    runs = [distillation_runs(seed) for seed in seeds]
    return {"right": {name: [round(run[name], 4) for run in runs] for name in runs[0]}, "seeds": list(seeds)}
