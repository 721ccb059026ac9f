"""How the explorers have the shipped language model write: its prompt, its state as it goes, what a text is worth."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from course_lib.datasets.english import END, END_ID, UNKNOWN, encode, load_english, readable, tokenize
from course_lib.recurrent.generation import write, write_side_by_side
from course_lib.recurrent.language_model import load_writer

LONGEST_PROMPT = 24  # words that fit into the pictures
MOST_WORDS = 64  # that are written
GROUP = 4  # words of a group, of which those are counted that stood in the text before
TEXTS, TEMPERATURES = 8, tuple(round(0.2 * n, 1) for n in range(10))  # that show the trade


class Prompt(NamedTuple):
    """A prompt as the model reads it."""

    words: tuple[str, ...]  # `<unk>` for those it does not know
    ids: tuple[int, ...]
    unknown: tuple[str, ...]  # what the learner had typed there


@lru_cache(maxsize=64)
def prompt_of(text: str) -> Prompt:
    """What the shipped model makes of a prompt; no word at all begins a paragraph.

    Raises:
        ValueError: it is too long for a picture.
    """
    tokens = tokenize(text)
    if len(tokens) > LONGEST_PROMPT:
        raise ValueError(
            f"the picture has room for a prompt of {LONGEST_PROMPT} words and signs, and these are {len(tokens)}: "
            "shorten it"
        )
    ids = tuple(encode(tokens, load_writer().vocabulary).tolist())
    return Prompt(tuple(words_at(ids)), ids, unknown_of(tokens))


def words_at(ids: Iterable[int]) -> list[str]:
    """The words at these places of the shipped model's vocabulary."""
    vocabulary = load_writer().vocabulary
    return [vocabulary[number] for number in ids]


def unknown_of(tokens: list[str]) -> tuple[str, ...]:
    """The words that the shipped model reads as `<unk>`, each once."""
    vocabulary = load_writer().vocabulary
    return tuple(dict.fromkeys(token for token in tokens if token not in vocabulary))


def after(words: Sequence[str]) -> str:
    """What comes before the text, as a sentence begins."""
    return f"After «{readable(words)}»" if words else "At the beginning of a paragraph"


def not_known(unknown: tuple[str, ...]) -> str:
    """A sentence on the words that became `<unk>`; empty if there are none."""
    named = ", ".join(f"«{word}»" for word in unknown)
    return f" The model does not know {named}: it reads «{UNKNOWN}» there." if unknown else ""


class Listening:
    """The shipped model for `write`, which keeps the hidden states that it passes through.

    Attributes:
        hidden: of each call, (batch, time, units).
    """

    def __init__(self):
        self.model, self.hidden = load_writer().model, []

    def __call__(self, tokens: Tensor, states=None) -> tuple[Tensor, list]:
        """As `LanguageModel.forward`."""
        hidden, states = self.model.recurrent(self.model.embedding(tokens), states)
        self.hidden.append(hidden)
        return self.model.head(hidden), states


class Run(NamedTuple):
    """A text that the model wrote, word by word."""

    tokens: np.ndarray  # (words,)
    model: np.ndarray  # the model's distributions, (words, vocabulary)
    drawn_from: np.ndarray  # likewise, after temperature, top-k and top-p
    hidden: np.ndarray  # the state after reading each written word, (words, units)


@lru_cache(maxsize=4)  # a megabyte each
def run_of(ids: tuple[int, ...], words: int, temperature: float, top_k: int | None, top_p: float, seed: int) -> Run:
    """Write on from a prompt; see `write`."""
    listening = Listening()
    with torch.inference_mode():
        written = write(listening, ids, words, temperature=temperature, top_k=top_k, top_p=top_p, seed=seed)
    return Run(
        np.array([word.token for word in written]),
        torch.stack([word.model for word in written]).numpy(),
        torch.stack([word.drawn_from for word in written]).numpy(),
        torch.cat([hidden[0] for hidden in listening.hidden[1:]]).numpy(),
    )


def surprise(probs: np.ndarray, tokens: np.ndarray) -> np.ndarray:
    """-log2 of each token's probability in bits, (words,): probs (words, vocabulary), tokens (words,)."""
    return -np.log2(probs[np.arange(len(tokens)), tokens])


def entropy(probs: np.ndarray) -> np.ndarray:
    """The expected surprise in bits, (...,): probs (..., vocabulary)."""
    return 0.0 - np.sum(probs * np.log2(np.where(probs > 0, probs, 1)), axis=-1)


def repeated(tokens: np.ndarray) -> float:
    """The share of groups of four words that stood in the text before (seq-rep-4 of Welleck et al. 2020).

    tokens (words,), at least four.
    """
    groups = [tuple(tokens[place : place + GROUP].tolist()) for place in range(len(tokens) - GROUP + 1)]
    return 1 - len(set(groups)) / len(groups)


# ---- what a text is compared with -----------------------------------------------------------------------------------


class Texts(NamedTuple):
    """Texts of equal length."""

    tokens: np.ndarray  # (texts, words)
    bits: np.ndarray  # the surprise of each word, (texts, words)

    def scores(self, words: int) -> tuple[float, float]:
        """Perplexity of their first words, all together, and the mean share of repeated groups."""
        shares = [repeated(text) for text in self.tokens[:, :words]]
        return float(2 ** self.bits[:, :words].mean()), float(np.mean(shares))


@lru_cache
@torch.inference_mode()
def real_texts() -> tuple[Texts, np.ndarray]:
    """The beginnings of the longer paragraphs of the test text, and how much each unit varies over them, (units,)."""
    corpus, writer = load_english(), load_writer()
    paragraphs = map(str.split, " ".join(corpus.words(corpus.test)).split(END))
    long = [words[:MOST_WORDS] for words in paragraphs if len(words) >= MOST_WORDS]
    tokens = torch.stack([encode(words, writer.vocabulary) for words in long])  # (texts, words)
    listening = Listening()
    logits, _ = listening(torch.cat([torch.full((len(tokens), 1), END_ID), tokens[:, :-1]], dim=1))
    picked = logits.log_softmax(dim=-1).gather(-1, tokens[..., None])[..., 0]  # (texts, words)
    spread = listening.hidden[0].flatten(0, 1).std(dim=0)
    return Texts(tokens.numpy(), -picked.numpy() / np.log(2)), spread.numpy()


@lru_cache
@torch.inference_mode()
def texts_by_temperature() -> tuple[Texts, ...]:
    """Eight texts at each of `TEMPERATURES`, without a prompt and without a cut, all written side by side."""
    tokens, logprobs = write_side_by_side(load_writer().model, TEMPERATURES, TEXTS, MOST_WORDS)
    every = zip(tokens, -logprobs / np.log(2), strict=True)
    return tuple(Texts(of_one.numpy(), their_bits.numpy()) for of_one, their_bits in every)


@lru_cache
def trade(words: int) -> tuple[tuple[float, ...], np.ndarray, np.ndarray]:
    """Temperatures, and of the texts at each, cut to so many words, perplexity and repeated share, (temperatures,)."""
    scores = np.array([texts.scores(words) for texts in texts_by_temperature()])
    return TEMPERATURES, *scores.T


@lru_cache
def real_scores(words: int) -> tuple[float, float]:
    """Perplexity and repeated share of the real texts, cut to so many words."""
    return real_texts()[0].scores(words)
