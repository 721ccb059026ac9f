"""The recurrent chapter's larger figures."""

import math
from dataclasses import asdict

from course_lib.datasets import adding, first_symbol
from course_lib.datasets.reviews import load_reviews, vocabulary
from course_lib.recurrent import explosion, long_term
from course_lib.recurrent.opening import RULES, effect
from course_lib.recurrent.sentiment import Reader, accuracy, train_sentiment
from course_lib.results import result

SEEDS = range(5)
LENGTHS = (5, 20, 50)  # of the rows whose first symbol is recalled
LAYERS = {  # name -> layers and units
    "one layer": (1, 15),  # 1996 weights
    "three layers": (3, 8),  # 1993 weights
    "one layer of 8": (1, 8),
    "two layers of 8": (2, 8),
}
EXPLOSIONS = {  # name -> how clipped, at which limit, learning rate
    "not clipped": ("none", math.inf, 0.1),
    "clipped by value": ("value", 0.01, 0.1),  # limits of 0.03 and 0.003 did worse with seed 0
    "clipped by norm": ("norm", 1.0, 0.1),
    "clipped by norm, rate 1": ("norm", 1.0, 1.0),
    "not clipped, rate 0.001": ("none", math.inf, 0.001),
}


def rounded(value: object) -> object:
    """Lists and dicts with their numbers at four significant digits, so that a file stays small."""
    if isinstance(value, dict):
        return {name: rounded(item) for name, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value


def trained_reader(seed: int, **options) -> Reader:
    """A reader trained on the training reviews, ready to be looked into; options as of `train_sentiment`."""
    model, _ = train_sentiment(load_reviews("train"), seed=seed, **options)
    return Reader(f"seed {seed}", model.readable().eval(), vocabulary(), {})


@result("4.2_exploding")
def exploding() -> dict:
    """A training whose gradients explode, with and without clipping: loss, length of the gradient, angle."""
    steps = [*range(1, 10), 10, *range(20, 801, 20)]

    def run(clip: str, limit: float, learning_rate: float, seed: int) -> dict:
        seen = explosion.explode(clip, limit, learning_rate, seed, steps=steps[-1])
        curves = {name: explosion.at_steps(getattr(seen, name), steps) for name in ("losses", "norms", "cosines")}
        return {
            **curves,
            "largest_norm": seen.largest_norm,
            "smallest_cosine": seen.smallest_cosine,
            "broke_off_at": seen.broke_off_at,
            "accuracy": seen.accuracy,
        }

    runs = {name: [run(*settings, seed) for seed in SEEDS] for name, settings in EXPLOSIONS.items()}
    return rounded({"seeds": list(SEEDS), "chance": first_symbol.CHANCE, "steps": steps, "runs": runs})


@result("4.4_adding")
def add() -> dict:
    """The adding problem over 100 steps, at most 1200 updates: who solves it, and when?"""
    networks = {name: [long_term.learn_adding(name, seed) for seed in SEEDS] for name in long_term.NETWORKS}
    settings = {"length": 100, "updates": 1200, "chance": adding.CHANCE, "solved_below": long_term.SOLVED}
    return rounded({"seeds": list(SEEDS), **settings, "networks": networks})


@result("4.4_first_symbol")
def recall() -> dict:
    """The first of 4 symbols recalled through noise after 200 updates: share of right answers, by length."""
    networks = {
        name: {str(length): [long_term.learn_first_symbol(name, length, seed) for seed in SEEDS] for length in LENGTHS}
        for name in long_term.NETWORKS
    }
    return rounded({"seeds": list(SEEDS), "updates": 200, "chance": first_symbol.CHANCE, "networks": networks})


@result("4.4_layers")
def layers() -> dict:
    """LSTM layers on the reviews: one against three at equal weights (to 3 in 2000), one against two of its width."""
    stacks = {name: [long_term.learn_layers(*sizes, seed) for seed in SEEDS] for name, sizes in LAYERS.items()}
    return rounded({"seeds": list(SEEDS), "stacks": stacks})


@result("4.4_reset")
def reset() -> dict:
    """A GRU whose reset gate acts before or after the candidate's matrix, trained on the reviews."""
    kinds = {where: [long_term.learn_reset(where, seed) for seed in SEEDS] for where in ("after", "before")}
    return rounded({"seeds": list(SEEDS), "kinds": kinds})


@result("4.3_wipe")
def wipe() -> dict:
    """Hold the forget gate at 0 at one word of held-out sentences: which answers flip, by rule and by seed?"""
    test = load_reviews("test")
    readers = {seed: trained_reader(seed) for seed in SEEDS}
    return {
        "accuracy": [accuracy(reader.model, test)["all"] for reader in readers.values()],
        "effects": {rule: [asdict(effect(reader, test, rule)) for reader in readers.values()] for rule in RULES},
    }
