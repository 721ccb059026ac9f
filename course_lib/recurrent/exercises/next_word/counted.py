"""N-gram models for the exercise: the course's own, asked for words, and one that is easy to get wrong."""

import math
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from course_lib.datasets.english import END, UNKNOWN_ID, build_vocabulary, encode
from course_lib.recurrent import ngram

Sentences = list[list[str]]
History = tuple[str, ...]

SURE = 5  # standard deviations: chance alone goes so far once in a million times


class Reference:
    """The course's own model, asked for words in place of numbers."""

    def __init__(self, N: int, sentences: Sentences):
        stream = [word for sentence in sentences for word in (*sentence, END)]
        self.words = build_vocabulary(stream)
        self.places = {word: place for place, word in enumerate(self.words)}
        self.model = ngram.NGram(N, len(self.words), smoothing="none").fit(encode(stream, self.words))

    def prob(self, word: str, history: Iterable[str]) -> float:
        """P(word | history); 0 for words that it does not know."""
        word, *history = (self.places.get(known, UNKNOWN_ID) for known in (word, *history))
        return self.model.prob(word, history)

    def histories(self) -> list[list[str]]:
        """All that a word was seen after, N - 1 words each."""
        return [[self.words[place] for place in history] for history in sorted(self.model.counts[-1])]


class Counted:
    """A right answer, for the mistakes to change one thing in."""

    def __init__(self, N: int):
        self.N = N
        self.counts: dict[History, Counter] = defaultdict(Counter)

    def fit(self, sentences: Sentences) -> "Counted":
        """Count every word after its history."""
        for word, history in walk(self.N, sentences):
            self.counts[history][word] += 1
        return self

    def read(self, history: History) -> History:
        """The part of a history that prob looks up."""
        return last(self.N, history)

    def prob(self, word: str, history: Iterable[str]) -> float:
        """P(word | history)."""
        followers = self.counts.get(self.read(tuple(history)), Counter())
        return self.share(word, followers)

    def share(self, word: str, followers: Counter) -> float:
        """The share of a word among those that followed a history."""
        return followers[word] / followers.total() if followers else 0.0

    def sample(self, rng: random.Random) -> list[str]:
        """Words, up to the end of a sentence."""
        words: list[str] = []
        while (word := self.draw(self.counts[last(self.N, words)], rng)) != END:
            words.append(word)
        return words

    def draw(self, followers: Counter, rng: random.Random) -> str:
        """One of those that followed a history."""
        return rng.choices(list(followers), weights=followers.values())[0]


def last(N: int, history: Iterable[str]) -> History:
    """The last N - 1 words of a history, filled up in front with the end of a sentence before."""
    padded = (*[END] * (N - 1), *history)
    return padded[len(padded) - N + 1 :]


def walk(N: int, sentences: Sentences) -> Iterator[tuple[str, History]]:
    """Each word, the end of a sentence included, with the N - 1 words before it."""
    for sentence in sentences:
        for place, word in enumerate((*sentence, END)):
            yield word, last(N, sentence[:place])


class Fault(NamedTuple):
    """What is wrong with the sentences that a model wrote: the kind of fault, and a sentence; empty if nothing is."""

    kind: str = ""
    sentence: str | None = None


def fault(N: int, sentences: Sentences, text: str) -> Fault:
    """Look at what a model wrote, one sentence a line, that was fitted to these sentences."""
    right, lines = Reference(N, sentences), text.split("\n")
    for line in lines:
        words = line.split()
        if END in words:
            return Fault("end", f"Your sentence «{line}» holds {END}, which only says that it is over.")
        for word, history in walk(N, [words]):
            if not right.prob(word, history):
                after = f"«{word}» after «{' '.join(history)}»"
                return Fault("unseen", f"Your sentence «{line}» has {after}, which the text never has.")
    if len(set(lines)) == 1:
        return Fault("same", f"Your model wrote the same {len(lines)} times: «{lines[0]}».")
    return wrong_frequency(right, Counted(N).fit([line.split() for line in lines]))


def wrong_frequency(right: Reference, written: Counted) -> Fault:
    """The first word that comes too often or too seldom after its history."""
    for history, followers in written.counts.items():
        total = followers.total()
        for word in right.words:
            prob, count = right.prob(word, history), followers[word]
            expected, deviation = total * prob, math.sqrt(total * prob * (1 - prob))
            if abs(count - expected) > SURE * deviation + 3:  # 3 more, for counts too small for a bell curve
                sentence = (
                    f"After «{' '.join(history)}» your sentences go on with «{word}» in {count} of {total} "
                    f"cases. The model's probability is {prob:.3g}, so about {expected:.0f} were to be expected."
                )
                return Fault("frequency", sentence)
    return Fault()
