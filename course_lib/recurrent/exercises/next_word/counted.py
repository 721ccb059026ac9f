"""N-gram models for the exercise: the course's own, asked for words, and one that is easy to get wrong."""

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

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


def walk(N: int, sentences: Sentences) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each word, the end of a sentence included, with the N - 1 words before it."""
    for sentence in sentences:
        padded = (*[END] * (N - 1), *sentence, END)
        for place in range(N - 1, len(padded)):
            yield padded[place], padded[place - N + 1 : place]


def fault(N: int, sentences: Sentences, text: str) -> tuple[str, str] | None:
    """What is wrong with sentences that a model wrote, one a line: the kind of fault, and a sentence."""
    right = Reference(N, sentences)
    seen: dict[tuple[str, ...], Counter] = defaultdict(Counter)
    for line in text.split("\n"):
        words = line.split()
        if END in words:
            return "end", f"Your sentence «{line}» holds {END}, which only says that it is over."
        for word, history in walk(N, [words]):
            if not right.prob(word, history):
                after = " ".join(history)
                return "unseen", f"Your sentence «{line}» has «{word}» after «{after}», which the text never has."
            seen[history][word] += 1
    if len(set(text.split("\n"))) == 1:
        return "same", f"Your model wrote the same {text.count(chr(10)) + 1} times: «{line}»."
    for history, words in seen.items():
        total = words.total()
        for word in right.words:
            prob = right.prob(word, history)
            if abs(words[word] - total * prob) > SURE * (total * prob * (1 - prob)) ** 0.5 + 3:
                return "frequency", (
                    f"After «{' '.join(history)}» your sentences go on with «{word}» in {words[word]} of {total} "
                    f"cases. The model's probability is {prob:.3g}, so about {total * prob:.0f} were to be expected."
                )
    return None
