"""The n-gram models and the LSTM of the explorer of section 4.5: fitted once, cached, measured on the same text."""

from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from course_lib.datasets.english import END_ID, encode, load_english
from course_lib.recurrent.generation import next_of
from course_lib.recurrent.language_model import load_writer, logprobs, mixed, perplexity
from course_lib.recurrent.ngram import NGram

ORDERS = (1, 2, 3, 4, 5)
SIZES = {"1/16": 16, "1/4": 4, "all": 1}
WRITTEN = 12  # words that a model writes on


class Texts(NamedTuple):
    """Training and validation text (tokens,) in the LSTM's vocabulary, and whether they are the LSTM's own."""

    train: Tensor
    valid: Tensor
    same: bool


@lru_cache(1)
def texts() -> Texts:
    """The text that this Python holds; another one's differs a little from that which the LSTM was trained on."""
    corpus, vocabulary = load_english(), load_writer().vocabulary
    if corpus.vocabulary == vocabulary:
        return Texts(corpus.train, corpus.valid, True)
    return Texts(*(encode(corpus.words(part), vocabulary) for part in (corpus.train, corpus.valid)), False)


def part_of(size: str) -> Tensor:
    """The first sixteenth, quarter or all of the training text; its paragraphs stand in random order."""
    train = texts().train
    return train[: len(train) // SIZES[size]]


def in_paragraph(ids: tuple[int, ...]) -> tuple[int, ...]:
    """What stands after the last end of a paragraph."""
    return ids[len(ids) - ids[::-1].index(END_ID) :] if END_ID in ids else ids


def padded(history: tuple[int, ...], length: int) -> tuple[int, ...]:
    """The last `length` words of a paragraph's beginning, filled up in front as `NGram` does."""
    history = (*[END_ID] * length, *history)
    return history[len(history) - length :]


# ---- the models -----------------------------------------------------------------------------------------------------


@lru_cache(None)
def longest(size: str, smoothing: str) -> NGram:
    """A model of the highest order; the others are cut out of it."""
    return NGram(ORDERS[-1], len(load_writer().vocabulary), smoothing).fit(part_of(size))


@lru_cache(None)
def ngram(order: int, size: str, smoothing: str) -> NGram:
    """The fitted model of an order, without counting again: what a shorter model counts, the longest one has counted.

    Below its highest order a Kneser-Ney model counts the different words in front, so the highest of a shorter one
    comes from the plain counts.
    """
    plain = longest(size, "none")
    lower = longest(size, smoothing) if smoothing == "Kneser-Ney" else plain
    model, top = NGram(order, plain.vocabulary_size, smoothing), order - 1
    model.counts = [*lower.counts[:top], plain.counts[top]]
    model.totals = [*lower.totals[:top], plain.totals[top]]
    model.discounts = [*lower.discounts[:top], plain.discounts[top]]
    return model


def seen(ids: tuple[int, ...], size: str) -> list[int]:
    """How often the training text holds the last word, the last two, and so on, the paragraph's beginning included."""
    totals, paragraph = longest(size, "none").totals, in_paragraph(ids)
    lengths = range(1, min(ORDERS[-1] - 1, len(paragraph) + 1) + 1)
    return [totals[length].get(padded(paragraph, length), 0) for length in lengths]


@lru_cache(64)
def lstm_next(ids: tuple[int, ...]) -> Tensor:
    """What the LSTM expects after these words, (vocabulary,)."""
    return lstm_reads(ids)[0].exp()


@torch.no_grad()
def lstm_reads(ids: tuple[int, ...]) -> tuple[Tensor, list]:
    """The log-probabilities after these words, which begin a paragraph, and the state to go on from."""
    logits, states = load_writer().model(torch.tensor([[END_ID, *ids]]))
    return logits[0, -1].log_softmax(dim=-1), states


def blended(counted: Tensor, learned: Tensor, share: float = 0.5) -> Tensor:
    """Both distributions mixed, (vocabulary,); where nothing was counted the LSTM answers alone."""
    return (1 - share) * counted + share * learned if counted.any() else learned


@lru_cache(128)
@torch.no_grad()
def written(ids: tuple[int, ...], order: int, size: str, smoothing: str, seed: int, share: float) -> tuple[int, ...]:
    """Words drawn one after the other, from the LSTM with weight `share` and the n-gram with the rest.

    Stops at the end of a paragraph, and where an unsmoothed model has no answer.
    """
    generator, model = torch.Generator().manual_seed(seed), ngram(order, size, smoothing)
    step = next_of(load_writer().model)
    logprobs, states = lstm_reads(ids) if share else (None, None)
    words: list[int] = []
    while len(words) < WRITTEN:
        probs = model.distribution(in_paragraph((*ids, *words))) if share < 1 else logprobs.exp()
        if 0 < share < 1:
            probs = blended(probs, logprobs.exp(), share)
        if not probs.any():
            break
        words.append(int(torch.multinomial(probs, 1, generator=generator)))
        if words[-1] == END_ID:
            break
        if share and len(words) < WRITTEN:
            logprobs, states = step(words[-1], states)
    return tuple(words)


@lru_cache(None)
def letters(size: str) -> str:
    """The training text with one letter a word, in which runs of words are found fast."""
    return "".join(map(chr, part_of(size).tolist()))


def copied(words: tuple[int, ...], size: str) -> int:
    """The longest run of these words that stands in the training text as it is."""
    run, text, most = "".join(map(chr, words)), letters(size), 0
    for start in range(len(run)):
        while start + most < len(run) and run[start : start + most + 1] in text:
            most += 1
    return most


# ---- what they score ------------------------------------------------------------------------------------------------


class Measured(NamedTuple):
    """On the validation text, one entry an order: log P of each token (time,), and the perplexity."""

    logprobs: list[Tensor]
    perplexity: list[float]


@lru_cache(None)
def measured(size: str, smoothing: str) -> Measured:
    """The n-gram models of all orders on the validation text."""
    found = [ngram(order, size, smoothing).logprobs(texts().valid) for order in ORDERS]
    return Measured(found, [perplexity(each) for each in found])


@lru_cache(None)
def unseen(size: str) -> list[float]:
    """The share of the validation text's n-grams that the training text does not hold, one entry an order."""
    return [ngram(order, size, "none").unseen(texts().valid) for order in ORDERS]


@lru_cache(1)
def lstm_logprobs() -> Tensor:
    """The LSTM on the validation text: log P of each token, (time,)."""
    return logprobs(load_writer().model, texts().valid)


def lstm_perplexity() -> float:
    """The LSTM's perplexity on the validation text, from its checkpoint where that is its own text."""
    return load_writer().sidecar["perplexity"]["valid"] if texts().same else perplexity(lstm_logprobs())


@lru_cache(None)
def mixed_perplexity(size: str, smoothing: str) -> list[float]:
    """Half n-gram, half LSTM, word by word; the LSTM alone where an unsmoothed model has no answer. One an order."""
    valid, learned, values = texts().valid, lstm_logprobs(), []
    for order, counted in zip(ORDERS, measured(size, smoothing).logprobs, strict=True):  # (time,)
        answers = has_answer(ngram(order, size, smoothing), valid)
        values.append(perplexity(torch.where(answers, mixed(counted, learned, 0.5), learned)))
    return values


def has_answer(model: NGram, tokens: Tensor) -> Tensor:
    """Whether a model has a distribution for each token, (time,) bool; unsmoothed only if its history was seen."""
    if model.smoothing != "none":
        return torch.ones(len(tokens), dtype=torch.bool)
    history, known = (), []
    for token in tokens.tolist():
        known.append(padded(history, model.order - 1) in model.totals[-1])
        history = () if token == END_ID else (*history, token)[-ORDERS[-1] :]
    return torch.tensor(known)
