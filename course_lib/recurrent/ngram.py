"""N-gram language models: the next word's probability, counted."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable

import torch
from torch import Tensor

from course_lib.datasets.english import END_ID

SMOOTHINGS = ("none", "add-k", "Kneser-Ney")
History = tuple[int, ...]


class NGram:
    """The next word given the `order` - 1 words before it; a paragraph's beginning is read as a row of `<end>`.

    Args:
        order: words looked at, the next one included: 1 counts words, 2 pairs, 3 triples.
        vocabulary_size: words there are.
        smoothing: "none" is maximum likelihood: what was counted, and 0 for the rest. "add-k" pretends that every word
            was seen k times more after every history. "Kneser-Ney" takes a discount off every count and gives it to the
            order below, which counts in how many different places a word was seen (Kneser & Ney 1995; interpolated:
            Chen & Goodman 1999, section 4.1).
        k: for "add-k".

    Raises:
        ValueError: an order or a vocabulary below 1, an unknown smoothing, or k not above 0.
    """

    def __init__(self, order: int, vocabulary_size: int, smoothing: str = "Kneser-Ney", k: float = 0.01):
        if order < 1 or vocabulary_size < 1:
            raise ValueError(f"order and vocabulary_size must be at least 1, not {order} and {vocabulary_size}")
        if smoothing not in SMOOTHINGS:
            raise ValueError(f"smoothing is one of {', '.join(SMOOTHINGS)}; there is no {smoothing!r}")
        if k <= 0:
            raise ValueError(f"k must be above 0, not {k}")
        self.order, self.vocabulary_size, self.smoothing, self.k = order, vocabulary_size, smoothing, k
        self.counts: list[dict[History, Counter]] = [{} for _ in range(order)]  # by the length of the history
        self.totals: list[dict[History, int]] = []  # of each history's counts
        self.discounts: list[float] = []

    def fit(self, tokens: Tensor) -> "NGram":
        """Count a stream of tokens (time,) in which each paragraph ends with `<end>`.

        Raises:
            ValueError: there is nothing to count, or a token that is no place in the vocabulary.
        """
        if len(tokens) == 0:
            raise ValueError("the corpus is empty: an n-gram model needs at least one token to count")
        if not 0 <= tokens.min() <= tokens.max() < self.vocabulary_size:
            raise ValueError(f"tokens are places from 0 to {self.vocabulary_size - 1}; there are others")
        self.counts = [defaultdict(Counter) for _ in range(self.order)]
        for word, history in self._walk(tokens.tolist()):
            self.counts[-1][history][word] += 1
        for length in range(self.order - 1, 0, -1):
            for history, words in self.counts[length].items():
                for word, count in words.items():
                    # Kneser-Ney counts below the top order how many words stood before, not how often
                    self.counts[length - 1][history[1:]][word] += 1 if self.smoothing == "Kneser-Ney" else count
        self.counts = [dict(histories) for histories in self.counts]
        self.totals = [{h: words.total() for h, words in histories.items()} for histories in self.counts]
        self.discounts = [_discount(histories.values()) for histories in self.counts]
        return self

    def prob(self, word: int, history: Iterable[int] = ()) -> float:
        """P(word | history), of which the last `order` - 1 words are read."""
        history = self._last(history)
        if self.smoothing != "Kneser-Ney":
            k = self.k if self.smoothing == "add-k" else 0.0
            total = self.totals[-1].get(history, 0) + k * self.vocabulary_size
            return (self.counts[-1].get(history, Counter())[word] + k) / total if total else 0.0
        prob = 1 / self.vocabulary_size
        for length in range(self.order):
            suffix = history[self.order - 1 - length :]
            if words := self.counts[length].get(suffix):
                total, discount = self.totals[length][suffix], self.discounts[length]
                prob = max(words[word] - discount, 0) / total + discount * len(words) / total * prob
        return prob

    def distribution(self, history: Iterable[int] = ()) -> Tensor:
        """P(· | history) for every word, (vocabulary_size,); all 0 after a history that was never seen, unsmoothed."""
        history = self._last(history)
        if self.smoothing != "Kneser-Ney":
            probs = torch.full((self.vocabulary_size,), self.k if self.smoothing == "add-k" else 0.0)
            words, counts = _columns(self.counts[-1].get(history, Counter()))
            probs[words] += counts
            return probs / probs.sum() if probs.sum() else probs
        probs = torch.full((self.vocabulary_size,), 1 / self.vocabulary_size)
        for length in range(self.order):
            suffix = history[self.order - 1 - length :]
            if found := self.counts[length].get(suffix):
                total, discount = self.totals[length][suffix], self.discounts[length]
                words, counts = _columns(found)
                probs *= discount * len(found) / total
                probs[words] += (counts - discount).clamp(min=0) / total
        return probs

    def logprobs(self, tokens: Tensor) -> Tensor:
        """log P of each token of a stream given those before it, (time,); -inf for what has no probability.

        Raises:
            ValueError: the stream is empty, or nothing was counted yet.
        """
        if len(tokens) == 0:
            raise ValueError("there is nothing to score: the stream is empty")
        probs = [self.prob(word, history) for word, history in self._walk(tokens.tolist())]
        return torch.tensor([math.log(prob) if prob else -math.inf for prob in probs], dtype=torch.float64)

    def unseen(self, tokens: Tensor) -> float:
        """The share of the n-grams of a stream (time,) that the training text does not hold."""
        seen = [word in self.counts[-1].get(history, ()) for word, history in self._walk(tokens.tolist())]
        return 1 - sum(seen) / len(seen)

    def _walk(self, tokens: list[int]) -> Iterable[tuple[int, History]]:
        """Each word with its history, which does not reach over the border of a paragraph."""
        start = (END_ID,) * (self.order - 1)
        history = start
        for word in tokens:
            yield word, history
            history = start if word == END_ID else (*history, word)[1:]

    def _last(self, history: Iterable[int]) -> History:
        """The part of a history that the model reads, filled up in front with `<end>`; ValueError before `fit`."""
        if not self.totals:
            raise ValueError("this n-gram model has counted nothing yet: call its `fit` with a text")
        history = (*[END_ID] * (self.order - 1), *history)
        return tuple(history[len(history) - self.order + 1 :])


def _discount(counts: Iterable[Counter]) -> float:
    """What Kneser-Ney takes off a count: n1 / (n1 + 2 n2), of the n-grams seen once and twice (Ney et al. 1994)."""
    seen = Counter(count for words in counts for count in words.values())
    return seen[1] / (seen[1] + 2 * seen[2]) if seen[1] else 0.5


def _columns(counts: Counter) -> tuple[Tensor, Tensor]:
    """The words and their counts, as tensors (words,)."""
    return torch.tensor(list(counts), dtype=torch.int64), torch.tensor(list(counts.values()), dtype=torch.float32)
