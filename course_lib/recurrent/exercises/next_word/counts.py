"""Count an n-gram model, ask it for probabilities, and let it write."""

import json
import random
from collections import Counter
from collections.abc import Callable

import numpy as np

from course_lib.datasets.english import END
from course_lib.exercises import Case, exercise, mistake, part
from course_lib.recurrent.exercises.next_word.common import list_of_words
from course_lib.recurrent.exercises.next_word.counted import Counted, History, Reference, Sentences, fault, walk

LETTERS = list("abcde")  # the words of random sentences
BY_HAND = [["a", "b", "a", "b", "c"], ["c", "a"]]
WRITTEN = 400  # sentences that a model is asked to write
PATIENCE = 50 * WRITTEN  # draws; a right model needs a tenth


def probability(answer: Callable, N: int, sentences: Sentences, word: str, history: list[str]) -> float:
    """One probability of the answer's model."""
    return _fitted(answer, N, sentences).prob(word, history)


def rows(answer: Callable, N: int, sentences: Sentences, histories: list[list[str]], words: list[str]) -> list:
    """The probability of each word after each history: a list for each history."""
    model = _fitted(answer, N, sentences)
    return [[model.prob(word, history) for word in words] for history in histories]


def written(answer: Callable, N: int, sentences: Sentences, number: int, seed: int) -> str | None:
    """What the answer's model writes, one sentence a line."""
    model, rng, lines = _fitted(answer, N, sentences), Impatient(seed), []
    for _ in range(number):
        words = model.sample(rng)
        if words is None:
            return None
        lines.append(" ".join(list_of_words(words, "sample")))
    return "\n".join(lines)


class Impatient(random.Random):
    """A generator that does not let a model write for ever."""

    drawn = 0

    def random(self) -> float:
        """A number from 0 to 1."""
        self.drawn += 1
        if self.drawn > PATIENCE:
            raise RuntimeError(f"sample has drawn {PATIENCE:,} words, and has not come to the end of its sentences")
        return super().random()


def _fitted(answer: Callable, N: int, sentences: Sentences):
    model = answer(N).fit(sentences)
    if not hasattr(model, "prob"):
        returned = ", and returned None" if model is None else ""
        raise TypeError(f"fit should return the model itself (`return self`){returned}")
    return model


def sum_or_entry(histories: list[list[str]], words: list[str], expected: list, got: list) -> str:
    """The first row that is wrong: what it sums to, or the first wrong number in it."""
    for history, row, right in zip(histories, got, expected, strict=True):
        after = f"after «{' '.join(history)}»" if history else "without a history"
        if not np.isclose(sum(row), sum(right), atol=1e-4):
            return f"The probabilities of all words {after} sum to {sum(row):.4g}, wanted {sum(right):.4g}."
        for word, a, b in zip(words, row, right, strict=True):
            if not np.isclose(a, b, rtol=1e-4, atol=1e-5):
                return f"The probability of «{word}» {after} is {a:.4g}, wanted {b:.4g}."
    raise AssertionError("rows that are right need no explanation")


def random_sentences(rng: np.random.Generator, number: int) -> Sentences:
    """Sentences of one to six LETTERS, the first of which are far more frequent than the last."""
    weights = 1 / np.arange(1, len(LETTERS) + 1)
    lengths = rng.integers(1, 7, size=number)
    return [rng.choice(LETTERS, size=length, p=weights / weights.sum()).tolist() for length in lengths]


def tales(rng: np.random.Generator, number: int) -> Sentences:
    """Sentences in which no word comes back, so that no model can run in circles: "the old cat sleeps here"."""
    places = (("the", "a"), ("old", "small", ""), ("cat", "dog", "bird"), ("sleeps", "sings"), ("", "here", "there"))
    weights = {2: (0.8, 0.2), 3: (0.7, 0.2, 0.1)}
    return [" ".join(str(rng.choice(words, p=weights[len(words)])) for words in places).split() for _ in range(number)]


@exercise("recurrent.ngram", "NGram(N)", level="core", minutes=12, blanks=3)
def n_gram(rng):
    """An n-gram model: count, divide, and draw."""

    def by_hand(N: int, word: str, history: list[str], expected: float, because: str) -> Case:
        call = f"prob({json.dumps(word)}, {json.dumps(history)})"  # with double quotes, as the lesson writes it
        shown = f"N={N}, fitted to the sentences «a b a b c» and «c a», {call}"
        return Case(
            (N, BY_HAND, word, history), via=probability, expected=expected, shown=shown, because=because, rtol=1e-4
        )

    def table(N: int, number: int) -> Case:
        sentences = random_sentences(rng, number)
        right = Reference(N, sentences)
        histories, words = right.histories(), [*LETTERS, END]
        expected = [[right.prob(word, history) for word in words] for history in histories]
        return Case(
            (N, sentences, histories, words),
            via=rows,
            expected=expected,
            explain=lambda got: sum_or_entry(histories, words, expected, got),
            shown=f"N={N}, fitted to {number} sentences of random letters, every row of it",
            because="write down the windows of N words that two short sentences hold, <end> included, and count",
            rtol=1e-4,
        )

    def sampled(N: int) -> Case:
        sentences = tales(rng, 60)
        return Case(
            (N, sentences, WRITTEN, int(rng.integers(1000))),
            via=written,
            test=lambda text: fault(N, sentences, text).sentence,
            view=lambda text: fault(N, sentences, text).kind,
            form="the old cat sleeps here",
            shown=f"N={N}, fitted to 60 sentences such as «the old cat sleeps here», sample called {WRITTEN} times",
            because="draw each word by its count after the N - 1 words before it, until <end> is drawn",
        )

    with part("pairs by hand", points=1):
        yield by_hand(2, "b", ["a"], 2 / 3, "a was seen three times: twice before b, once at the end")
        yield by_hand(2, "c", ["b"], 1 / 2, "b was seen twice: once before a, once before c")
        yield by_hand(2, END, ["a"], 1 / 3, "the end is counted like a word: one sentence ends after a")
        yield by_hand(2, "c", ["c"], 0, "the first sentence ends with c, and another one begins with it")
        yield by_hand(2, "z", ["a"], 0, "what was never counted has probability 0")
        yield by_hand(2, "b", ["z"], 0, "a history that was never seen has no row: say 0")
        yield by_hand(2, END, ["c", "a"], 1 / 3, "with N = 2 one word of the history counts: the last")
    with part("where sentences begin", points=1):
        yield by_hand(2, "a", [], 1 / 2, "one of two sentences begins with a: that is a after <end>")
        yield by_hand(2, "c", [], 1 / 2, "one of two sentences begins with c: that is c after <end>")
        yield by_hand(3, "c", ["a", "b"], 1 / 2, "«a b» was seen twice: once before a, once before c")
        yield by_hand(3, "c", ["c", "a", "b"], 1 / 2, "with N = 3 two words of the history count: the last two")
        yield by_hand(3, "a", [], 1 / 2, "with N = 3 a sentence begins after two <end>")
        yield by_hand(3, "c", [], 1 / 2, "with N = 3 a sentence begins after two <end>")
        yield by_hand(3, "b", ["a"], 1, "a history that is too short begins a sentence: here «<end> a»")
    with part("any order", points=1):
        yield by_hand(1, "a", [], 1 / 3, "nine words were read, counting two ends, and three of them were a")
        yield by_hand(1, "a", ["b"], 1 / 3, "with N = 1 no word of the history counts: is history[-0:] empty?")
        yield by_hand(1, "c", ["a", "b"], 2 / 9, "with N = 1 no word of the history counts: is history[-0:] empty?")
        for N, number in ((1, 10), (2, 20), (3, 30), (4, 30)):
            yield table(N, number)
    with part("sample", points=1):
        for N in (2, 3):
            yield sampled(N)


@mistake(
    n_gram,
    "a model with a history of N words",
    ask="A bigram is a pair. With N = 2, how many words of history go with the word that you count?",
    look="the length of your histories: N words are the history and the next word together.",
)
class _(Counted):
    def __init__(self, N: int):
        super().__init__(N + 1)


@mistake(
    n_gram,
    "a ratio whose denominator also counts the history that a sentence ends with, though nothing follows it",
    ask="Add up a row of yours, the one after <end>. What does it sum to?",
    look="the denominator: it is the number of times that the history was followed by something.",
)
class _(Counted):
    def fit(self, sentences: Sentences) -> Counted:
        padded = [(*[END] * (self.N - 1), *sentence, END) for sentence in sentences]
        size = self.N - 1
        self.seen = Counter(words[i : i + size] for words in padded for i in range(len(words) - size + 1))
        return super().fit(sentences)

    def prob(self, word: str, history: list[str]) -> float:
        history = self.read(tuple(history))
        return self.counts[history][word] / self.seen[history] if self.seen[history] else 0.0


@mistake(
    n_gram,
    "a model whose histories reach back over the end of a sentence",
    ask="With N = 3, which two words stand before the first word of the second sentence in your count?",
    look="the place where a new sentence begins: there the history is N - 1 times <end> again.",
)
class _(Counted):
    def fit(self, sentences: Sentences) -> Counted:
        stream = [word for sentence in sentences for word in (*sentence, END)][:-1]
        return super().fit([stream])


@mistake(
    n_gram,
    "a model that reads all sentences as one",
    ask="How likely is it to you that a sentence ends after c?",
    look="the way from one sentence to the next: each has its own beginning, and <end> behind it.",
)
class _(Counted):
    def fit(self, sentences: Sentences) -> Counted:
        return super().fit([[word for sentence in sentences for word in sentence]])


@mistake(
    n_gram,
    "a model that never counts the end of a sentence",
    ask="How would a sentence that your model writes come to its end?",
    look="the last window of a sentence: the word that comes next there is <end>.",
)
class _(Counted):
    def fit(self, sentences: Sentences) -> Counted:
        for word, history in walk(self.N, sentences):
            if word != END:
                self.counts[history][word] += 1
        return self


@mistake(
    n_gram,
    "a model that, for N = 1, takes history[-0:] for an empty history",
    ask="Print [1, 2, 3][-0:]. Is it what you expected?",
    look="the slice that cuts the history down: for N = 1 nothing may be left of it.",
)
class _(Counted):
    def read(self, history: History) -> History:
        return (*[END] * (self.N - 1), *history)[-(self.N - 1) :]


@mistake(
    n_gram,
    "a model that looks the whole history up, however long it is",
    ask="Hand prob the two words c and a as a history, with N = 2. Which of them may count?",
    look="the line in prob where the history becomes a key of your counts.",
)
class _(Counted):
    def read(self, history: History) -> History:
        return (*[END] * (self.N - 1 - len(history)), *history)


@mistake(
    n_gram,
    "a model that keeps the first words of a history, not the last",
    ask="In «c a», which word stands next to the word that is to come?",
    look="the slice that cuts the history down: which end of it is kept?",
)
class _(Counted):
    def read(self, history: History) -> History:
        return (*[END] * (self.N - 1 - len(history)), *history[: self.N - 1])


@mistake(
    n_gram,
    "a model that does not fill up a history that is too short",
    ask="With N = 3, which history stands before the first word of a sentence, and which before the second?",
    look="prob, for a history of less than N - 1 words: fit has put <end> in front.",
)
class _(Counted):
    def read(self, history: History) -> History:
        return history[max(len(history) - self.N + 1, 0) :]


@mistake(
    n_gram,
    "a share of all windows, where a share of those with this history is wanted",
    ask="Add up all words after one history. What does your row sum to?",
    look="the denominator: after which words does it count?",
)
class _(Counted):
    def share(self, word: str, followers: Counter) -> float:
        return followers[word] / sum(words.total() for words in self.counts.values())


@mistake(
    n_gram,
    "a model that adds one to every count",
    ask="What is the probability of a word that was never seen, if you only count?",
    look="prob: this exercise asks for the counts as they are, without smoothing.",
)
class _(Counted):
    def share(self, word: str, followers: Counter) -> float:
        known = {word for words in self.counts.values() for word in words}
        return (followers[word] + 1) / (followers.total() + len(known))


@mistake(
    n_gram,
    "a model that always writes the most frequent word",
    ask="Let your model write three sentences. In what do they differ?",
    look="the draw in sample: a word of probability 0.3 has to come in three of ten cases.",
)
class _(Counted):
    def draw(self, followers: Counter, rng: random.Random) -> str:
        return max(followers, key=followers.get)


@mistake(
    n_gram,
    "a model that draws from the words seen after a history as if all were equally likely",
    ask="Which comes more often after <end> in the text, and which in what your model writes?",
    look="the draw in sample: rng.choices takes weights.",
)
class _(Counted):
    def draw(self, followers: Counter, rng: random.Random) -> str:
        return rng.choice(list(followers))


@mistake(
    n_gram,
    "a model that hands <end> out as the last word of its sentence",
    ask="Which word of yours is none that a reader should see?",
    look="the loop of sample: is the word kept before it is known whether it is <end>, or after?",
)
class _(Counted):
    def sample(self, rng: random.Random) -> list[str]:
        return [*super().sample(rng), END]


@mistake(
    n_gram,
    "a model that draws every word without its history",
    ask="Which words does your text have after «the», and which come after it in what your model writes?",
    look="the draw in sample: whose counts are its weights, after the first word?",
)
class _(Counted):
    def fit(self, sentences: Sentences) -> Counted:
        self.all = Counter(word for word, _ in walk(self.N, sentences))
        return super().fit(sentences)

    def draw(self, followers: Counter, rng: random.Random) -> str:
        return super().draw(self.all, rng)
