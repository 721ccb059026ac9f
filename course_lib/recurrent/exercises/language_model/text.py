"""From a text to a vocabulary, to numbers, and to batches of streams."""

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from course_lib.datasets.english import UNKNOWN, encode, tokenize
from course_lib.exercises import Case, exercise, part
from course_lib.exercises.compare import show
from course_lib.exercises.values import alike
from course_lib.recurrent.exercises.next_word.common import list_of_words
from course_lib.recurrent.language_model import stream_batches

Texts = tuple[Tensor, Tensor]  # the words of a training and of a test text by their numbers, (tokens,) each
Pairs = list[tuple[Tensor, Tensor]]  # x and y of each batch, (B, T) each
WORDS = ("a", "bee", "can", "do", "eat", "fig", "gum", "hay")
OTHERS = ("owl", "elk", "yak")  # words that a random text does not hold


def as_text(answer: Callable, tokens: list[str], min_count: int) -> dict[str, str] | None:
    """The answer's vocabulary."""
    vocabulary = answer(tokens, min_count)
    return None if vocabulary is None else sorted_but_first(list_of_words(vocabulary, "build_vocab"))


def sorted_but_first(vocabulary: Sequence[str]) -> dict[str, str]:
    """What counts of a vocabulary: its words but the first may come in any order. The keys are for the learner."""
    first, *others = vocabulary or [""]
    return {"first word": first, "list of other words, sorted,": " ".join(sorted(others))}


def words_of(tokens: list[str], min_count: int) -> tuple[str, ...]:
    """The reference: `<unk>`, then each word that is frequent enough."""
    return (UNKNOWN, *(word for word, count in Counter(tokens).items() if count >= min_count))


def numbers_of(train: list[str], test: list[str], vocabulary: tuple[str, ...]) -> Texts:
    """The reference: both texts by one vocabulary."""
    return encode(train, vocabulary), encode(test, vocabulary)


def batches_of(ids: Tensor, T: int, B: int) -> Pairs:
    """The reference."""
    return [(x, y) for (x, _), y in stream_batches(ids, T, B)]


def renumbered(texts: Texts) -> list[list[int]]:
    """Other numbers for the same words, in the order in which they come; 0 stays 0."""
    seen = {0: 0}
    return [[seen.setdefault(number, len(seen)) for number in text.tolist()] for text in texts]


def what_differs(train: list[str], test: list[str], got: Texts, wanted: Texts) -> str:
    """The first word that has the wrong number, in a sentence."""
    counts = Counter(train)
    texts = zip(("training", "test"), (train, test), got, renumbered(got), renumbered(wanted), strict=True)
    for name, words, ids, got_ids, wanted_ids in texts:
        for word, number, mine, right in zip(words, ids.tolist(), got_ids, wanted_ids, strict=True):
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
        """Draw from WORDS, of which the first are frequent and the last are rare; `more` come at the end."""
        shares = 1 / np.arange(1, len(WORDS) + 1)
        return [*rng.choice(WORDS, size=length, p=shares / shares.sum()).tolist(), *more]

    def vocabulary_case(tokens: list[str], min_count: int, shown: str | None = None) -> Case:
        return Case(
            (tokens, min_count),
            call="build_vocab",
            via=as_text,
            expected=sorted_but_first(words_of(tokens, min_count)),
            shown=shown,
            because="`<unk>` stands for all words that are too rare, and each other word is there once",
        )

    def encoding_case(train: list[str], test: list[str], min_count: int, shown: str | None = None) -> Case:
        wanted = numbers_of(train, test, words_of(train, min_count))
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
        wanted = batches_of(ids, T, B)
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
            others = [word for word in OTHERS[:2] for _ in range(min_count)]  # exactly often enough
            yield vocabulary_case(random_text(length, *others), min_count, shown)
    with part("unknown words", points=1):
        yield encoding_case(tokenize("the cat and the dog"), tokenize("the owl and the cat"), 1)
        yield encoding_case(tokenize("the cat and the dog and"), tokenize("the dog the dog and owl owl"), 2)
        for length in (30, 80):
            train, test = random_text(length, "hay"), random_text(20, *OTHERS, *OTHERS, "a", *OTHERS)
            yield encoding_case(train, test, 3, f"{length + 1} random training words, 30 test words, min_count=3")
    with part("whole batches", points=1):
        yield batches_case(torch.arange(9), 2, 2, "ids = 0, 1, …, 8, T=2, B=2")
        for length, T, B in ((13, 3, 1), (61, 5, 3), (161, 8, 5)):
            yield batches_case(torch.from_numpy(rng.integers(100, size=length)), T, B)
    with part("what is left over", points=1):
        yield batches_case(torch.arange(12), 2, 2, "ids = 0, 1, …, 11, T=2, B=2")
        for length, T, B in ((40, 5, 2), (50, 3, 4), (9, 20, 2)):
            yield batches_case(torch.from_numpy(rng.integers(100, size=length)), T, B)
