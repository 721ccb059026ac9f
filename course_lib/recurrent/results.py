"""The recurrent chapter's larger figures."""

import math
from dataclasses import asdict
from itertools import pairwise

from course_lib.datasets import adding, first_symbol
from course_lib.datasets.copies import load_copies
from course_lib.datasets.dates import load_dates
from course_lib.datasets.english import English, load_characters, load_english
from course_lib.datasets.reviews import load_reviews, vocabulary
from course_lib.recurrent import explosion, long_term
from course_lib.recurrent.language_model import LanguageModel, logprobs, mixed, perplexity, train_language_model
from course_lib.recurrent.ngram import NGram
from course_lib.recurrent.opening import RULES, effect
from course_lib.recurrent.sentiment import Reader, accuracy, train_sentiment
from course_lib.recurrent.seq2seq import Seq2Seq, exact, right, train_translator
from course_lib.results import result

SEEDS = range(5)
SHARES = [number / 20 for number in range(1, 20)]  # of the LSTM in a mixture
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
    steps = [*range(1, 11), *range(20, 801, 20)]

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
    size = {"length": 100, "updates": 1200}
    networks = {name: [long_term.learn_adding(name, seed, **size) for seed in SEEDS] for name in long_term.NETWORKS}
    levels = {"chance": adding.CHANCE, "solved_below": long_term.SOLVED}
    return rounded({"seeds": list(SEEDS), **size, **levels, "networks": networks})


@result("4.4_first_symbol")
def recall() -> dict:
    """The first of 4 symbols recalled through noise after 200 updates: share of right answers, by length."""
    updates = 200

    def right(name: str, length: int) -> list[float]:
        return [long_term.learn_first_symbol(name, length, seed, updates=updates) for seed in SEEDS]

    networks = {name: {str(length): right(name, length) for length in LENGTHS} for name in long_term.NETWORKS}
    return rounded({"seeds": list(SEEDS), "updates": updates, "chance": first_symbol.CHANCE, "networks": networks})


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


@result("4.5_models")
def compare_language_models() -> dict:
    """N-grams, a plain RNN, an LSTM and a mixture on the same text, in perplexity on the test, for two splits."""
    return rounded({"epochs": 16, "splits": [_compare(load_english(split)) for split in (0, 1)]})


def _compare(corpus: English) -> dict:
    found: dict = {"words": len(corpus.vocabulary), "unseen": {}}
    test, valid = {}, {}  # name -> log-probabilities
    for order in range(1, 6):
        model = _counted(corpus, order, "Kneser-Ney")
        name = f"Kneser-Ney {order}"
        valid[name], test[name] = model.logprobs(corpus.valid), model.logprobs(corpus.test)
        found["unseen"][order] = model.unseen(corpus.test)
        smoothed = {k: _counted(corpus, order, "add-k", k=k) for k in (0.001, 0.003, 0.01, 0.03, 0.1, 1.0)}
        best = min(smoothed, key=lambda k: perplexity(smoothed[k].logprobs(corpus.valid)))
        test[f"add-k {order}"] = smoothed[best].logprobs(corpus.test)
    curves = {}
    for cell in ("rnn", "lstm"):
        model, history = train_language_model(corpus, cell=cell, validate=_valid_perplexity(corpus))
        valid[cell.upper()], test[cell.upper()] = logprobs(model, corpus.valid), logprobs(model, corpus.test)
        curves[cell.upper()] = history.validation
    share = min(SHARES, key=lambda share: perplexity(mixed(valid["LSTM"], valid["Kneser-Ney 3"], share)))
    test["LSTM + Kneser-Ney 3"] = mixed(test["LSTM"], test["Kneser-Ney 3"], share)
    return found | {
        "perplexity": {name: perplexity(values) for name, values in test.items()},
        "validation": curves,
        "share_of_lstm": share,
    }


@result("4.5_characters")
def compare_character_models() -> dict:
    """The same text letter by letter, in bits per character: n-grams against an LSTM of the same kind as for words."""
    corpus = load_characters()

    def bits(logprobs) -> float:
        return math.log2(perplexity(logprobs))

    ngrams = {order: bits(_counted(corpus, order, "Kneser-Ney").logprobs(corpus.test)) for order in range(3, 9)}
    model, _ = train_language_model(corpus, epochs=6, dropout=0.0)
    return rounded({"epochs": 6, "Kneser-Ney": ngrams, "LSTM": bits(logprobs(model, corpus.test))})


@result("4.7_dates")
def translate_dates() -> dict:
    """Dates, with attention and with a fixed vector: learning curves, and what each reaches by length of the input."""
    train, valid, test = (load_dates(part) for part in ("train", "valid", "test"))
    every, limits = 25, (0, 12, 20, 30, 51)  # lengths from one limit to below the next

    def wrong(model: Seq2Seq) -> float:
        return 1 - exact(model, valid).float().mean().item()

    def run(score: str | None, seed: int) -> dict:
        model, history = train_translator(
            train, score=score, steps=400, seed=seed, validate=wrong, validate_every=every
        )  # fmt: skip
        found = exact(model, test).float()
        groups = [(test.lengths >= low) & (test.lengths < high) for low, high in pairwise(limits)]
        return {
            "validated_at": history.validated_at,
            "exact": [1 - value for value in history.validation],
            "test": found.mean().item(),
            "by_length": [found[group].mean().item() for group in groups],
        }

    kinds = {"attention": "additive", "fixed vector": None}
    runs = {name: [run(score, seed) for seed in range(3)] for name, score in kinds.items()}
    return rounded({"seeds": [0, 1, 2], "lengths": list(limits), "runs": runs})


@result("4.7_copies")
def copy_rows() -> dict:
    """Rows of random symbols copied after 250 updates, 32 units: share of symbols right, by length; and the fixed
    vector's after eight times as many."""
    lengths, longer = (3, 5, 10, 15, 20), (10, 20)

    def run(score: str | None, length: int, seed: int, steps: int = 250) -> float:
        model, _ = train_translator(load_copies(4000, length), score=score, hidden_size=32, steps=steps, seed=seed)
        return right(model, load_copies(500, length, seed=1)).float().mean().item()

    kinds = {"attention": "additive", "fixed vector": None}
    runs = {
        name: [[run(score, length, seed) for length in lengths] for seed in range(3)] for name, score in kinds.items()
    }
    later = {str(length): [run(None, length, seed, steps=2000) for seed in range(3)] for length in longer}
    return rounded({"seeds": [0, 1, 2], "lengths": list(lengths), "right": runs, "after 2000 updates": later})


def _counted(corpus: English, order: int, smoothing: str, **options) -> NGram:
    return NGram(order, len(corpus.vocabulary), smoothing, **options).fit(corpus.train)


def _valid_perplexity(corpus: English):
    def measure(model: LanguageModel) -> float:
        return perplexity(logprobs(model, corpus.valid))

    return measure
