"""From a text to a vocabulary, to numbers, and to batches of streams."""

from collections import Counter
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from course_lib.datasets.english import UNKNOWN, tokenize
from course_lib.exercises import Case, exercise, mistake, part
from course_lib.exercises.compare import show
from course_lib.exercises.values import alike, with_article
from course_lib.recurrent.language_model import stream_batches

Pairs = list[tuple[Tensor, Tensor]]  # x and y of each batch, (B, T) each
RARE = ("owl", "elk", "yak")  # words of test texts alone


def as_text(answer: Callable, tokens: list[str], min_count: int) -> dict[str, str] | None:
    """The answer's vocabulary, whose words but the first may come in any order."""
    vocabulary = answer(tokens, min_count)
    if vocabulary is None:
        return None
    if not isinstance(vocabulary, (list, tuple)) or not all(isinstance(word, str) for word in vocabulary):
        raise TypeError(f"build_vocab should return a list of words, and returned {with_article(_kind(vocabulary))}")
    first, *others = vocabulary or [""]
    return {"first word": first, "list of other words, sorted,": " ".join(sorted(others))}


def _kind(value) -> str:
    return "list of other things" if isinstance(value, (list, tuple)) else type(value).__name__


def words_of(tokens: list[str], min_count: int) -> list[str]:
    """The reference: `<unk>`, then each word that is frequent enough."""
    return [UNKNOWN, *(word for word, count in Counter(tokens).items() if count >= min_count)]


def numbers_of(tokens: list[str], vocabulary: list[str]) -> Tensor:
    """(tokens,), 0 for a word that the vocabulary does not hold."""
    places = {word: place for place, word in enumerate(vocabulary)}
    return torch.tensor([places.get(token, 0) for token in tokens])


def renumbered(texts: tuple[Tensor, Tensor]) -> list[list[int]]:
    """Other numbers for the same words, in the order in which they come; 0 stays 0."""
    seen = {0: 0}
    return [[seen.setdefault(number, len(seen)) for number in text.tolist()] for text in texts]


def cut(ids: Tensor, T: int, B: int) -> Pairs:
    """The reference."""
    return [(x, y) for (x, _), y in stream_batches(ids, T, B)]


def what_differs(train: list[str], test: list[str], got: tuple[Tensor, Tensor], wanted: tuple[Tensor, Tensor]) -> str:
    """The first word that has the wrong number, in a sentence."""
    counts = Counter(train)
    for name, words, ids, a, b in zip(
        ("training", "test"), (train, test), got, renumbered(got), renumbered(wanted), strict=True
    ):
        for word, number, mine, right in zip(words, ids.tolist(), a, b, strict=True):
            if mine == right:
                continue
            times = f"its count in the training text is {counts[word]}"
            if right == 0:
                return f"In the {name} text «{word}» became {number}, wanted 0: {times}."
            if mine == 0:
                return f"In the {name} text «{word}» became 0, wanted a number of its own: {times}."
            return f"In the {name} text «{word}» became {number}: each word has one number, and no other word has it."
    raise AssertionError("two pairs of texts differ, but none of their words does")


def first_wrong_row(got: Pairs, wanted: Pairs) -> str:
    """The first row of a batch that is not as it should be, in a sentence."""
    for batch, (mine, right) in enumerate(zip(got, wanted, strict=True)):
        for name, a, b in zip("xy", mine, right, strict=True):
            for row, (here, there) in enumerate(zip(a.tolist(), b.tolist(), strict=True)):
                if not alike(here, there):
                    return f"In batch {batch}, row {row} of {name} is {show(here)}, wanted {show(there)}."
    raise AssertionError("two lists of batches differ, but none of their rows does")


@exercise(
    "recurrent.lstm-lm",
    "build_vocab(tokens, min_count) -> vocabulary",
    "encode_texts(train, test, min_count) -> train_ids, test_ids",
    "lm_batches(ids, T, B) -> batches",
    level="more",
    minutes=15,
)
def text_to_batches(rng):
    """From raw text to batches of streams."""

    def random_text(length: int, *more: str) -> list[str]:
        """Words of which the first are frequent, and the last are rare."""
        words = ["a", "bee", "can", "do", "eat", "fig", "gum", "hay"]
        shares = 1 / np.arange(1, 9)
        return [*rng.choice(words, size=length, p=shares / shares.sum()).tolist(), *more]

    def vocabulary_case(tokens: list[str], min_count: int, shown: str | None = None) -> Case:
        first, *others = words_of(tokens, min_count)
        return Case(
            (tokens, min_count),
            call="build_vocab",
            via=as_text,
            expected={"first word": first, "list of other words, sorted,": " ".join(sorted(others))},
            shown=shown,
            because="`<unk>` stands for all words that are too rare, and each other word is there once",
        )

    def encoding_case(train: list[str], test: list[str], min_count: int, shown: str | None = None) -> Case:
        vocabulary = words_of(train, min_count)
        wanted = numbers_of(train, vocabulary), numbers_of(test, vocabulary)
        return Case(
            (train, test, min_count),
            call="encode_texts",
            expected=renumbered(wanted),
            view=renumbered,
            form=wanted,
            explain=lambda got: what_differs(train, test, got, wanted),
            shown=shown,
            because="a test text stands for texts that nobody has seen: its words may not decide what the model knows",
        )

    def batches_case(ids: Tensor, T: int, B: int, shown: str | None = None) -> Case:
        wanted = cut(ids, T, B)
        return Case(
            (ids, T, B),
            call="lm_batches",
            expected=wanted,
            explain=lambda got: first_wrong_row(got, wanted),
            rtol=0.0,
            atol=0.0,
            shown=shown,
            because="write the B streams below each other, and cut them from left to right every T words",
        )

    with part("vocabulary", points=1):
        for min_count in (1, 2, 3):
            yield vocabulary_case(tokenize("the cat and the dog and the bird"), min_count)
        for length, min_count in ((40, 4), (100, 8)):
            shown = f"{length} random words and twice {min_count} others, min_count={min_count}"
            others = [word for word in RARE[:2] for _ in range(min_count)]  # exactly often enough
            yield vocabulary_case(random_text(length, *others), min_count, shown)
    with part("unknown words", points=1):
        yield encoding_case(tokenize("the cat and the dog"), tokenize("the owl and the cat"), 1)
        yield encoding_case(tokenize("the cat and the dog and"), tokenize("the dog the dog and owl owl"), 2)
        for length in (30, 80):
            train, test = random_text(length, "hay"), random_text(20, *RARE, *RARE, "a", *RARE)
            yield encoding_case(train, test, 3, f"{length + 1} random training words, 30 test words, min_count=3")
    with part("whole batches", points=1):
        yield batches_case(torch.arange(9), 2, 2, "ids = 0, 1, …, 8, T=2, B=2")
        for length, T, B in ((13, 3, 1), (61, 5, 3), (161, 8, 5)):
            yield batches_case(torch.from_numpy(rng.integers(100, size=length)), T, B)
    with part("what is left over", points=1):
        yield batches_case(torch.arange(12), 2, 2, "ids = 0, 1, …, 11, T=2, B=2")
        for length, T, B in ((40, 5, 2), (50, 3, 4), (9, 20, 2)):
            yield batches_case(torch.from_numpy(rng.integers(100, size=length)), T, B)


@mistake(
    text_to_batches,
    "a vocabulary of words that come more often than min_count",
    ask="With min_count = 2, is a word that comes twice often enough?",
    look="the comparison with min_count: at least so often.",
)
def _(tokens, min_count):
    return words_of(tokens, min_count + 1)


@mistake(
    text_to_batches,
    "a vocabulary without a place for unknown words",
    ask="Which number will a word get that your list does not hold?",
    look="the beginning of the list: `<unk>` is number 0.",
)
def _(tokens, min_count):
    return words_of(tokens, min_count)[1:]


@mistake(
    text_to_batches,
    "a vocabulary whose last word is the unknown one",
    ask="Which number does `<unk>` have in your list, and would it stay the same with another text?",
    look="the beginning of the list: `<unk>` is number 0.",
)
def _(tokens, min_count):
    unknown, *words = words_of(tokens, min_count)
    return [*words, unknown]


@mistake(
    text_to_batches,
    "a vocabulary of all words, however rare",
    ask="Does your list become shorter when min_count grows?",
    look="the counts: which words come at least min_count times?",
)
def _(tokens, min_count):
    return words_of(tokens, 1)


@mistake(
    text_to_batches,
    "a vocabulary in which words stand several times",
    ask="How many numbers does the word «the» have in your list?",
    look="what you loop over: the tokens, or the words that differ?",
)
def _(tokens, min_count):
    frequent = words_of(tokens, min_count)
    return [UNKNOWN, *(token for token in tokens if token in frequent)]


@mistake(
    text_to_batches,
    "a vocabulary built with the test text",
    call="encode_texts",
    ask="A word stands in the test text alone. Can a model that never read it know it?",
    look="what you hand to build_vocab: the training text, and nothing else.",
)
def _(train, test, min_count):
    vocabulary = words_of(train + test, min_count)
    return numbers_of(train, vocabulary), numbers_of(test, vocabulary)


@mistake(
    text_to_batches,
    "two vocabularies, one for each text",
    call="encode_texts",
    ask="Number 1 is one word in the training text. Is it the same word in the test text?",
    look="how often you call build_vocab: once, with the training text.",
)
def _(train, test, min_count):
    return numbers_of(train, words_of(train, min_count)), numbers_of(test, words_of(test, min_count))


@mistake(
    text_to_batches,
    "unknown words that are left out",
    call="encode_texts",
    ask="How many tokens has the text, and how many numbers do you return?",
    look="the words that the vocabulary does not hold: they become number 0.",
)
def _(train, test, min_count):
    vocabulary = words_of(train, min_count)
    return tuple(numbers_of([token for token in text if token in vocabulary], vocabulary) for text in (train, test))


@mistake(
    text_to_batches,
    "a dictionary that is asked for words it does not hold",
    call="encode_texts",
    ask="What does `places[word]` do where there is no such word?",
    look="the look-up: `get` takes a second argument, for what is not there.",
)
def _(train, test, min_count):
    places = {word: place for place, word in enumerate(words_of(train, min_count))}
    return tuple(torch.tensor([places[token] for token in text]) for text in (train, test))


@mistake(
    text_to_batches,
    "unknown words with the number -1",
    call="encode_texts",
    ask="Which row of the embedding does number -1 pick?",
    look="the number of an unknown word: the place of `<unk>` in the vocabulary.",
)
def _(train, test, min_count):
    vocabulary = words_of(train, min_count)
    places = {word: place for place, word in enumerate(vocabulary)}
    return tuple(torch.tensor([places.get(token, -1) for token in text]) for text in (train, test))


@mistake(
    text_to_batches,
    "an encoding in which rare words keep a number",
    call="encode_texts",
    ask="Does any word of the training text become 0?",
    look="min_count: is it handed on to build_vocab?",
)
def _(train, test, min_count):
    vocabulary = words_of(train, 1)
    return numbers_of(train, vocabulary), numbers_of(test, vocabulary)
