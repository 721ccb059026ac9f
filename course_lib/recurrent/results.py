"""The recurrent chapter's larger figures."""

from dataclasses import asdict

from course_lib.datasets.reviews import load_reviews, vocabulary
from course_lib.recurrent.opening import RULES, effect
from course_lib.recurrent.sentiment import Reader, accuracy, train_sentiment
from course_lib.results import result

SEEDS = range(5)


def trained_reader(seed: int, **options) -> Reader:
    """A reader trained on the training reviews, ready to be looked into; options as of `train_sentiment`."""
    model, _ = train_sentiment(load_reviews("train"), seed=seed, **options)
    return Reader(f"seed {seed}", model.readable().eval(), vocabulary(), {})


@result("4.3_wipe")
def wipe() -> dict:
    """Hold the forget gate at 0 at one word of held-out sentences: which answers flip, by rule and by seed?"""
    test = load_reviews("test")
    readers = {seed: trained_reader(seed) for seed in SEEDS}
    return {
        "accuracy": [accuracy(reader.model, test)["all"] for reader in readers.values()],
        "effects": {rule: [asdict(effect(reader, test, rule)) for reader in readers.values()] for rule in RULES},
    }
