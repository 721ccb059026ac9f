"""English prose and code: Python's documentation of its language."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from course_lib.paths import data_folder

UNKNOWN, END = (
    "<unk>",
    "<end>",
)  # a word that the vocabulary does not hold; the end of a paragraph, which begins the next
UNKNOWN_ID, END_ID = 0, 1
TOPICS = "the language documentation of Python 3.11.7"
TOKEN = re.compile(r"<unk>|<end>|[a-z_]+(?:['’][a-z]+)?|\d+|[^\sa-z\d]")
HELD_OUT = 0.1  # share of the tokens for validation, and again for the test


@dataclass(frozen=True)
class English:
    """A corpus as three streams of tokens; each paragraph ends with `<end>`.

    Attributes:
        train, valid, test: (tokens,) int64, places in `vocabulary`.
        vocabulary: the words of the training text that it holds often enough; `<unk>` and `<end>` come first.
        source: which text this is.
    """

    train: Tensor
    valid: Tensor
    test: Tensor
    vocabulary: tuple[str, ...]
    source: str

    def words(self, ids: Tensor) -> list[str]:
        """The tokens that stand at these places of the vocabulary; ids (tokens,)."""
        return [self.vocabulary[i] for i in ids.tolist()]


def load_english(split: int = 0, min_count: int = 2) -> English:
    """The documentation of the Python language, as `help("topics")` shows it, split by paragraphs.

    A quarter of the text stands in it more than once. Each paragraph is kept once, before they are dealt out: else the
    test would ask for what the training text holds word for word. About 2,000 paragraphs, 93,000 tokens, 2,100 words.

    Source: `pydoc_data.topics` of Python 3.11.7, kept in `data/texts`: other versions have other words, and what the
    shipped model has learned would stand in their test. Licence: PSF License Version 2, which lies beside it.

    Args:
        split: which of the many ways to deal the paragraphs out; training and test text of one never meet.
        min_count: a word that the training text holds less often becomes `<unk>`.

    Raises:
        ValueError: min_count below 1.
    """
    if min_count < 1:
        raise ValueError(f"min_count must be at least 1, not {min_count}: every word is there at least once")
    return dealt_out(_paragraphs(tokenize), split, min_count, TOPICS)


def load_characters(split: int = 0) -> English:
    """The same text letter by letter, capitals, spaces and all: about 350,000 characters. See `load_english`."""
    return dealt_out(_paragraphs(list), split, 2, TOPICS)


def dealt_out(paragraphs: Sequence[list[str]], split: int, min_count: int, source: str) -> English:
    """A corpus of paragraphs that are dealt out in random order: a tenth to the test, a tenth to the validation text.

    Args:
        paragraphs: lists of tokens, no two the same.
        split: seed of the order.
        min_count: a word that the training text holds less often becomes `<unk>`.
        source: which text this is; their number is added.
    """
    order = torch.randperm(len(paragraphs), generator=torch.Generator().manual_seed(split)).tolist()
    held_out = HELD_OUT * sum(len(paragraph) for paragraph in paragraphs)
    parts: dict[str, list[str]] = {"test": [], "valid": [], "train": []}
    for number in order:
        name = next(name for name, part in parts.items() if name == "train" or len(part) < held_out)
        parts[name] += paragraphs[number]
    vocabulary = build_vocabulary(parts["train"], min_count)
    streams = {name: encode(part, vocabulary) for name, part in parts.items()}
    return English(**streams, vocabulary=vocabulary, source=f"{source}, {len(paragraphs):,} paragraphs")


def tokenize(text: str) -> list[str]:
    """Words, numbers and single signs, in lower case."""
    return TOKEN.findall(text.lower())


def build_vocabulary(tokens: list[str], min_count: int = 1) -> tuple[str, ...]:
    """`<unk>`, `<end>`, and the words that stand in the text often enough, the most frequent first."""
    counts = Counter(tokens)
    counts.pop(UNKNOWN, None), counts.pop(END, None)
    frequent = [word for word in counts if counts[word] >= min_count]
    return (UNKNOWN, END, *sorted(frequent, key=lambda word: (-counts[word], word)))


def encode(tokens: list[str], vocabulary: tuple[str, ...]) -> Tensor:
    """The places of the tokens in the vocabulary, (tokens,) int64; `<unk>` for those that it does not hold."""
    places = {word: place for place, word in enumerate(vocabulary)}
    return torch.tensor([places.get(token, UNKNOWN_ID) for token in tokens], dtype=torch.int64)


def readable(tokens: list[str]) -> str:
    """Tokens as a line that reads well: signs stand at their words."""
    line = " ".join(tokens)
    line = re.sub(r" ([.,;:?!)\]}’”])", r"\1", line)
    return re.sub(r"([(\[{“]) ", r"\1", line)


def once(texts: Iterable[str], tokens_of: Callable[[str], list[str]]) -> list[list[str]]:
    """Every paragraph of the texts once, as tokens with `<end>`; white space does not tell paragraphs apart."""
    paragraphs = dict.fromkeys(
        " ".join(paragraph.split()) for text in texts for paragraph in re.split(r"\n\s*\n", text)
    )
    return [[*tokens_of(paragraph), END] for paragraph in paragraphs if paragraph]


@lru_cache(2)
def _paragraphs(tokens_of: Callable[[str], list[str]]) -> list[list[str]]:
    return once([(data_folder() / "texts" / "python_language.txt").read_text(encoding="utf-8")], tokens_of)
