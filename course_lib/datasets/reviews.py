"""Film reviews of one sentence, made by a small grammar, in which negation decides.

Real reviews are long, licensed and mostly settled by their adjectives. These are built so that word counts are not
enough: what is said of the film depends on a negator that may stand ten words before the adjective, on which half of a
contrast counts, and on telling a negator that matters («nobody could call the film good») from one that does not («we
did not stay for the songs»). A sentence is positive (1) or negative (0) by construction; nothing is labelled by hand.
"""

import random
import re
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

PAD, UNKNOWN = "<pad>", "<unknown>"

POSITIVE = ["good", "great", "funny", "moving", "clever", "beautiful", "brilliant", "charming", "fresh", "warm"]
NEGATIVE = ["bad", "dull", "boring", "weak", "silly", "ugly", "awful", "clumsy", "stale", "cold"]
NEGATORS = ["not", "never", "nobody"]
CONTRASTS = ["but", "although"]
NOUNS = ["film", "plot", "story", "acting", "music", "ending", "script", "cast", "camera", "dialogue"]
DEGREES = ["", "", "", "very", "really", "quite"]

# between a negator and its adjective: the longer, the more there is to carry
DETOURS = [
    "",
    "",
    "",
    "of this film",
    "with its many songs",
    "that we saw last night",
    "in the second half",
    "by the young director",
]
PLAIN = ["the {noun} was {quality}", "i found the {noun} {quality}", "i would say that the {noun} was {quality}",
         "everybody could call the {noun} {quality}"]  # fmt: skip
NEGATED = ["the {noun} was not {quality}", "the {noun} was never {quality}", "i did not find the {noun} {quality}",
           "i would not say that the {noun} was {quality}", "nobody could call the {noun} {quality}"]  # fmt: skip
OPENINGS = [
    "",
    "",
    "",
    "",
    "to be honest",
    "last night",
    "we did not know the director but",
    "we had not read the book and",
]
CLOSINGS = ["", "", "", "", "in the end", "for two hours", "and we did not stay for the songs", "and nobody left early"]


@dataclass(frozen=True)
class Reviews:
    """Reviews, padded at the end to one length.

    Attributes:
        texts: the sentences, lower case, words separated by single spaces.
        tokens: (reviews, time) int64, places in `vocabulary`; 0 is padding.
        lengths: (reviews,) int64, the words of each review.
        labels: (reviews,) float32, 1 for positive, 0 for negative.
        negated: (reviews,) bool, whether the clause that decides holds a negator.
    """

    texts: list[str]
    tokens: Tensor
    lengths: Tensor
    labels: Tensor
    negated: Tensor

    def __len__(self) -> int:
        return len(self.texts)


def load_reviews(split: str = "train", size: int | None = None) -> Reviews:
    """Generated reviews; no sentence is in both splits. Takes about 0.2 s the first time.

    Source: the grammar in this file, seed 0. Licence: that of the workbook's data (CC BY 4.0).

    Args:
        split: "train" (6000 reviews) or "test" (1000).
        size: only so many, from the first.

    Raises:
        ValueError: there is no such split, or it does not have that many reviews.
    """
    sizes = {"train": slice(0, 6000), "test": slice(6000, 7000)}
    if split not in sizes:
        raise ValueError(f"reviews have the splits train and test, not {split!r}")
    written = _written()[sizes[split]]
    if size is not None and not 0 < size <= len(written):
        raise ValueError(f"the {split} split has {len(written)} reviews; {size} were asked for")
    written = written[:size]
    texts = [text for text, _, _ in written]
    tokens, lengths = encode(texts)
    labels = torch.tensor([float(label) for _, label, _ in written])
    return Reviews(texts, tokens, lengths, labels, torch.tensor([negated for _, _, negated in written]))


@lru_cache
def vocabulary() -> tuple[str, ...]:
    """Every word that the grammar can write, in alphabetical order after padding and the unknown word."""
    parts = [*POSITIVE, *NEGATIVE, *NOUNS, *DEGREES, *DETOURS, *PLAIN, *NEGATED, *OPENINGS, *CLOSINGS, *CONTRASTS]
    words = {word for part in parts for word in part.split() if not word.startswith("{")}
    return (PAD, UNKNOWN, *sorted(words))


def words_of(text: str) -> list[str]:
    """The words of a text, lower case; punctuation falls away, `n't` becomes `not`."""
    text = text.lower().replace("’", "'").replace("can't", "can not").replace("won't", "will not")
    text = re.sub(r"n't\b", " not", text)
    return re.findall(r"[a-z]+", text)


def encode(texts: list[str], known: tuple[str, ...] | None = None) -> tuple[Tensor, Tensor]:
    """Words to numbers.

    Args:
        texts: at least one text, each with at least one word.
        known: the vocabulary; by default that of the grammar.

    Returns:
        tokens (texts, time), padded at the end with 0, and lengths (texts,)

    Raises:
        ValueError: there is no text, or a text holds no word.
    """
    if not texts:
        raise ValueError("there is nothing to encode: give at least one text")
    known = known or vocabulary()
    index = {word: number for number, word in enumerate(known)}
    rows = [[index.get(word, 1) for word in words_of(text)] for text in texts]
    for text, row in zip(texts, rows, strict=True):
        if not row:
            raise ValueError(f"there is no word in {text!r}: write at least one, in Latin letters")
    lengths = torch.tensor([len(row) for row in rows])
    tokens = torch.zeros(len(rows), int(lengths.max()), dtype=torch.long)
    for number, row in enumerate(rows):
        tokens[number, : len(row)] = torch.tensor(row)
    return tokens, lengths


def with_unknowns(tokens: Tensor, share: float = 0.02, seed: int = 0) -> Tensor:
    """A copy in which that share of the words has become `<unknown>`, so that a model learns to read on past such a
    word.

    Args:
        tokens: (reviews, time), padded with 0.
        share: of the words, 0 to 1.
        seed: of the choice.
    """
    chosen = torch.rand(tokens.shape, generator=torch.Generator().manual_seed(seed)) < share
    return tokens.masked_fill(chosen & (tokens > 0), 1)


@lru_cache
def _written(count: int = 7000, longest: int = 24) -> list[tuple[str, bool, bool]]:
    """Different sentences in random order: (text, positive, negated)."""
    rng = random.Random(0)
    sentences: dict[str, tuple[bool, bool]] = {}
    while len(sentences) < count:
        text, positive, negated = _sentence(rng)
        if len(text.split()) <= longest:
            sentences[text] = positive, negated
    return [(text, *meaning) for text, meaning in sentences.items()]


def _sentence(rng: random.Random) -> tuple[str, bool, bool]:
    decides, positive, negated = _clause(rng)
    if rng.random() < 0.4:  # a contrast: which half counts is said by its conjunction
        other, _, _ = _clause(rng)
        pattern = rng.choice(["{other} but {decides}", "although {other} {decides}", "{decides} although {other}"])
        decides = pattern.format(other=other, decides=decides)
    text = f"{rng.choice(OPENINGS)} {decides} {rng.choice(CLOSINGS)}"
    return " ".join(text.split()), positive, negated


def _clause(rng: random.Random) -> tuple[str, bool, bool]:
    """A statement about the film: its text, whether it is praise, whether it is negated."""
    praised, negated = rng.random() < 0.5, rng.random() < 0.5
    noun = f"{rng.choice(NOUNS)} {rng.choice(DETOURS)}"
    quality = f"{rng.choice(DEGREES)} {rng.choice(POSITIVE if praised else NEGATIVE)}"
    return rng.choice(NEGATED if negated else PLAIN).format(noun=noun, quality=quality), praised != negated, negated
