"""Sentences from a grammar so small that the true probability of every word is known."""

import math
import random
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from course_lib.datasets.english import END, UNKNOWN, encode

ANIMALS = ("cat", "dog", "bird", "mouse", "horse")
FOODS = ("bread", "fish", "corn", "cheese", "rice")
EATING = ("eats", "wants", "finds")
MOVING = ("sleeps", "runs", "sings")
BEING = ("smells", "falls")
PLACES = ("here", "outside", "today")

# what a sentence is made of: (probability, groups of words, each equally likely)
RULES: tuple[tuple[float, tuple[tuple[str, ...], ...]], ...] = (
    (0.3, (("the",), ANIMALS, EATING, FOODS)),
    (0.2, (("the",), ANIMALS, EATING, ("the",), FOODS)),
    (0.2, (("the",), ANIMALS, MOVING)),
    (0.1, (("the",), ANIMALS, MOVING, PLACES)),
    (0.2, (("the",), FOODS, BEING, PLACES)),
)
VOCABULARY = (UNKNOWN, END, "the", *ANIMALS, *FOODS, *EATING, *MOVING, *BEING, *PLACES)


@dataclass(frozen=True)
class Grammar:
    """Sentences as one stream.

    Attributes:
        sentences: the words of each, without the end.
        tokens: (time,) int64, places in `VOCABULARY`; each sentence ends with `<end>`.
        logprobs: (time,) log of the true probability of each token given those before it.
    """

    sentences: tuple[tuple[str, ...], ...]
    tokens: Tensor
    logprobs: Tensor


def load_grammar(sentences: int = 2000, seed: int = 0) -> Grammar:
    """Sentences such as «the cat eats fish»: five animals, five foods, eight verbs, five ways to make a sentence.

    Source: generated here. Licence: that of the workbook's data (CC BY 4.0).

    Args:
        sentences: how many.
        seed: of all that is drawn.

    Raises:
        ValueError: no sentence.
    """
    if sentences < 1:
        raise ValueError(f"a text needs at least one sentence, not {sentences}")
    draw = random.Random(seed)
    drawn = []
    for _ in range(sentences):
        (_, groups), *_ = draw.choices(RULES, weights=[share for share, _ in RULES])
        drawn.append(tuple(draw.choice(group) for group in groups))
    logprobs = [logprob for sentence in drawn for logprob in true_logprobs(sentence)]
    tokens = encode([word for sentence in drawn for word in (*sentence, END)], VOCABULARY)
    return Grammar(tuple(drawn), tokens, torch.tensor(logprobs))


def true_logprobs(sentence: tuple[str, ...]) -> list[float]:
    """log P of each word of a sentence and of its end, given those before; -inf for what the grammar forbids."""
    begun = [_probability(sentence[:words], whole=False) for words in range(len(sentence) + 1)]
    begun.append(_probability(sentence, whole=True))
    return [_log(now / before) if before else -math.inf for before, now in pairwise(begun)]


def is_grammatical(sentence: tuple[str, ...] | list[str]) -> bool:
    """Whether the grammar makes this sentence."""
    return _probability(tuple(sentence), whole=True) > 0


def _probability(words: tuple[str, ...], whole: bool) -> float:
    """P of a sentence, or of all sentences that begin with these words."""
    total = 0.0
    for share, groups in RULES:
        fits = len(words) == len(groups) if whole else len(words) <= len(groups)
        if fits and all(word in group for word, group in zip(words, groups, strict=False)):
            for group in groups[: len(words)]:
                share /= len(group)
            total += share
    return total


def _log(probability: float) -> float:
    return math.log(probability) if probability else -math.inf
