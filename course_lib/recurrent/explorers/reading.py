"""How the explorers have a trained model read a sentence: with gates held, or by the learner's own cell."""

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from course_lib.datasets.english import encode, load_english
from course_lib.datasets.reviews import CONTRASTS, NEGATIVE, NEGATORS, POSITIVE, UNKNOWN, load_reviews
from course_lib.explorers import LearnerError, learners_code
from course_lib.figures.gates import LONGEST
from course_lib.recording import Clamp, Recording, record
from course_lib.recurrent.gru import GRU_GATES
from course_lib.recurrent.language_model import Writer, load_writer
from course_lib.recurrent.layers import State, hidden_of
from course_lib.recurrent.lstm import GATES, LSTM
from course_lib.recurrent.sentiment import Answer, Reader, load_reader

RESPONSES = ("negation", "praise or blame", "contrast")
SORTS = ("unit number", *RESPONSES, "this sentence")
ROUNDING = 1e-5  # what two cells that compute the same may differ by


def reader_named(name: str) -> Reader | Writer:
    """One of the shipped models that read a sentence: a sentiment model, or the language model."""
    return load_writer() if name == Writer.name else load_reader(name)


class Reading(NamedTuple):
    """What passed through a model while it read."""

    taps: dict[str, np.ndarray]  # "layer.tap" -> (time, units)
    trace: np.ndarray  # the chance of praise after each word, or how probable each word was when it came, (time,)
    pull: np.ndarray | None  # how hard each word pulls at the answer: the norm of its gradient by the word's vector
    answer: Answer


def read(reader: Reader | Writer, sentence: str, *clamps: Clamp, reset: str = "after", pull: bool = True) -> Reading:
    """One reading of a sentence.

    Args:
        reader: a shipped model.
        sentence: what it reads.
        clamps: gates to hold.
        reset: of a GRU: where its reset gate acts, "after" the candidate's matrix or "before" it.
        pull: False leaves the pull out, which halves the time.

    Raises:
        ValueError: there is no word to read, or there are too many for a picture.
    """
    return _read_tokens(reader.name, tuple(tokens_of(reader, sentence).tolist()), clamps, reset, pull)


def tokens_of(reader: Reader | Writer, sentence: str) -> Tensor:
    """The sentence's words as the reader's tokens, (time,).

    Raises:
        ValueError: there is no word to read, or there are too many for a picture.
    """
    tokens = reader.tokens(sentence)
    if len(tokens) > LONGEST:
        raise ValueError(f"the picture has room for {LONGEST} words, and these are {len(tokens)}: shorten the sentence")
    return tokens


@lru_cache(maxsize=64)
def _read_tokens(name: str, tokens: tuple[int, ...], clamps: tuple[Clamp, ...], reset: str, pull: bool) -> Reading:
    reader, tokens = reader_named(name), torch.tensor(tokens)
    x = reader.model.embedding(tokens[None]).requires_grad_(pull)  # (1, time, features)
    run: Recording = record(network(name, reset), x, clamps=clamps)
    hidden = run.output[0][0]  # (time, hidden_size)
    pulls = torch.autograd.grad(reader.logit(hidden[-1]), x)[0][0].norm(dim=-1).numpy() if pull else None  # (time,)
    taps = {tap.removeprefix("layers."): values[:, 0].detach().numpy() for tap, values in run.taps.items()}
    hidden = hidden.detach()
    return Reading(taps, reader.follow(hidden, tokens).numpy(), pulls, reader.answer(hidden[-1]))


@lru_cache
def network(name: str, reset: str = "after") -> nn.Module:
    """A reader's recurrent network; with `reset="before"`, a GRU of the same weights that resets before the matrix."""
    trained = reader_named(name).model.recurrent
    return trained if reset == "after" else trained.with_reset(reset).eval().requires_grad_(False)


def state_tap(reader: Reader | Writer) -> str:
    """The tap that a network of this kind carries from word to word and changes by shares."""
    return "cell" if isinstance(reader.model.recurrent, LSTM) else "hidden"


def order_of_units(reader: Reader | Writer, sentence: str, layer: int, sort: str) -> np.ndarray:
    """The units of a layer from top to bottom, (units,), sorted by one of `SORTS`, as far as it can be (`can_sort`)."""
    if sort == "unit number" or not reader.words(sentence) or not can_sort(reader, sort):
        return np.arange(reader.model.head.in_features)
    if sort == "this sentence":
        state = read(reader, sentence).taps[f"{layer}.{state_tap(reader)}"]  # (time, units)
        return np.argsort(-np.ptp(state, axis=0), kind="stable")
    return np.argsort(-np.abs(responses(reader.name, layer)[sort]), kind="stable")


def can_sort(reader: Reader | Writer, sort: str) -> bool:
    """Whether the reader's text tells what its units respond to: the language model's praises and blames nothing."""
    return not (isinstance(reader, Writer) and sort == "praise or blame")


@lru_cache
def responses(name: str, layer: int) -> dict[str, np.ndarray]:
    """What each unit's state responds to: how differently it moves at such words, in text that it was not trained on.

    Returns:
        kind of word -> (units,), signed
    """
    reader, tokens = reader_named(name), held_out(name)  # (texts, time)
    with torch.no_grad():
        run = record(reader.model.recurrent, reader.model.embedding(tokens))
    state = run[f"{layer}.{state_tap(reader)}"]  # (time, texts, units)
    change = torch.diff(state, dim=0, prepend=torch.zeros_like(state[:1])).transpose(0, 1)  # (texts, time, units)
    index = {word: number for number, word in enumerate(reader.vocabulary)}

    def mean_change(words: list[str]) -> Tensor:
        ids = torch.tensor([index[word] for word in words if word in index])
        return change[torch.isin(tokens, ids)].mean(dim=0)  # (units,)

    others = change[tokens > 0].mean(dim=0)  # 0 is padding, or a word that the language model does not know
    found = {
        "negation": mean_change(NEGATORS) - others,
        "contrast": mean_change(CONTRASTS) - others,
    }
    if can_sort(reader, "praise or blame"):
        found["praise or blame"] = mean_change(POSITIVE) - mean_change(NEGATIVE)
    return {kind: change.numpy() for kind, change in found.items()}


def held_out(name: str) -> Tensor:
    """Texts to measure a reader on, (texts, time): 200 test reviews, or 100 pieces of the validation text."""
    if name != Writer.name:
        return load_reviews("test", 200).tokens
    corpus = load_english()
    return encode(corpus.words(corpus.valid[: 100 * LONGEST]), load_writer().vocabulary).view(100, LONGEST)


def state_before(run: dict[str, np.ndarray], tap: str, word: int) -> np.ndarray:
    """The values that a word finds at a tap, (units,): zeros at the first word."""
    return run[tap][word - 1] if word else np.zeros_like(run[tap][0])


def lstm_numbers(run: dict[str, np.ndarray], layer: int, word: int, unit: int) -> dict[str, float]:
    """The equation of an LSTM's unit at one word: its gates, its cell before and after, its output."""
    at = {name: run[f"{layer}.{name}"][word, unit] for name in (*GATES, "candidate", "cell", "hidden")}
    return {"f": at["forget"], "before": state_before(run, f"{layer}.cell", word)[unit], "i": at["write"],
            "g": at["candidate"], "c": at["cell"], "o": at["read"], "tanh": np.tanh(at["cell"]),
            "h": at["hidden"]}  # fmt: skip


def gru_numbers(run: dict[str, np.ndarray], layer: int, word: int, unit: int) -> dict[str, float]:
    """The equation of a GRU's unit at one word: its gates, its candidate, its state before and after."""
    at = {name: run[f"{layer}.{name}"][word, unit] for name in (*GRU_GATES, "candidate", "hidden")}
    return {"before": state_before(run, f"{layer}.hidden", word)[unit], "r": at["reset"], "z": at["update"],
            "new": 1 - at["update"], "n": at["candidate"], "h": at["hidden"]}  # fmt: skip


# ---- the learner's own cell


def read_with(reader: Reader | Writer, sentence: str, called: str, step_of: Callable) -> np.ndarray | None:
    """The trace of a reading by the learner's own cell, (time,); None while it is not written.

    Args:
        reader: whose embedding, weights and answer are used.
        sentence: what is read.
        called: the name of the learner's function.
        step_of: takes one of the reader's cells and returns `step(x, state)`, which calls the learner's function.

    Raises:
        LearnerError: the learner's function fails, or does not return the next state.
    """
    tokens = reader.tokens(sentence)
    x = reader.model.embedding(tokens)  # (time, features)
    with learners_code(f"Your {called}"):
        for cell in reader.model.recurrent.layers:
            step, state, outputs = step_of(cell), cell.start(x[:1]), []
            for place, x_t in enumerate(x):
                returned = step(x_t[None], state)
                if not written(returned):
                    return None
                state = _next_state(returned, state, called, place)
                outputs.append(hidden_of(state)[0])
            x = torch.stack(outputs)  # (time, hidden_size)
    return reader.follow(x.detach(), tokens).numpy()


def written(returned) -> bool:
    """Whether the learner's function is more than the stub that it began as."""
    values = returned if isinstance(returned, tuple) else (returned,)
    return not any(value is None or value is ... for value in values)


def _next_state(returned, state: State, called: str, place: int) -> State:
    """What the learner's cell returned at a word, if it is a state like the one before."""
    pair, kind = isinstance(state, tuple), kind_of(hidden_of(state))
    values = tuple(returned) if pair and isinstance(returned, tuple | list) else (returned,)
    if [kind_of(value) for value in values] != [kind] * (2 if pair else 1):
        wanted, found = "h and c, each" if pair else "h,", ", ".join(map(kind_of, values))
        raise LearnerError(f"Your {called} must return {wanted} {kind}; it returned {found}.")
    if not all(value.isfinite().all() for value in values):
        raise LearnerError(f"Your {called} returned NaN or an infinite number at word {place + 1}.")
    return values if pair else returned


def kind_of(value) -> str:
    """What a value is, in words: a tensor's dtype and shape, of anything else the type."""
    return f"{value.dtype} {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__


# ---- in words


def names_of(words: list[str]) -> list[str]:
    """The words as a control offers them, with their numbers, so that no two are the same."""
    return [f"{place + 1} {word}" for place, word in enumerate(words[:LONGEST])]


def at_words(words: list[str], first: int, last: int) -> str:
    """Where a gate is held: at one word, or from one to another."""
    return f"at «{words[first]}»" if first == last else f"from «{words[first]}» to «{words[last]}»"


def unknown_words(reader: Reader | Writer, sentence: str) -> list[str]:
    """The words of the sentence that the reader was never shown."""
    return sorted(set(reader.words(sentence)) - set(reader.vocabulary))


def never_met(words: list[str], unknown: str = UNKNOWN) -> str:
    """A sentence on words that the reader was never shown, for which it reads `unknown`; empty if there are none."""
    named = ", ".join(f"«{word}»" for word in words)
    return f" The model never met {named}: it reads «{unknown}» there." if words else ""


def beside_yours(yours: np.ndarray | None, free: np.ndarray) -> str:
    """A sentence on how far the learner's cell is from the model's."""
    if yours is None:
        return " Your cell is not started: the model reads alone until it is written."
    return f" Your cell's answers (green crosses) {how_far(yours, free)}."


def how_far(yours: np.ndarray, theirs: np.ndarray) -> str:
    """«equal the model's», or by how much they differ; rounding does not count."""
    apart = np.nanmax(np.abs(yours - theirs))
    return "equal the model's" if apart < ROUNDING else f"differ from the model's by up to {max(apart, 1e-4):.1g}"
