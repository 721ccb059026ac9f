"""How the explorers have a trained model read a sentence: with gates held, or by the learner's own cell."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor, nn

from course_lib.datasets.reviews import CONTRASTS, NEGATIVE, NEGATORS, POSITIVE, encode, load_reviews, words_of
from course_lib.explorers import LearnerError, learners_code
from course_lib.figures.gates import LONGEST
from course_lib.recording import Clamp, Recording, record
from course_lib.recurrent.gru import GRU_GATES
from course_lib.recurrent.layers import State, hidden_of
from course_lib.recurrent.lstm import GATES, LSTM
from course_lib.recurrent.sentiment import Reader, load_reader

RESPONSES = ("negation", "praise or blame", "contrast")
SORTS = ("unit number", *RESPONSES, "this sentence")


def read(
    reader: Reader, sentence: str, *clamps: Clamp, reset: str = "after", pull: bool = True
) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray | None]:
    """One reading of a sentence.

    Args:
        reader: a shipped model.
        sentence: what it reads.
        clamps: gates to hold.
        reset: of a GRU: where its reset gate acts, "after" the candidate's matrix or "before" it.
        pull: False leaves the pull out, which halves the time.

    Returns:
        "layer.tap" -> (time, units); the chance of praise after each word, (time,); how hard each word pulls at the
        answer: the norm of the last logit's gradient by the word's vector, (time,)

    Raises:
        ValueError: there is no word to read, or there are too many for a picture.
    """
    return _read_tokens(reader.name, tuple(tokens_of(reader, sentence).tolist()), clamps, reset, pull)


def tokens_of(reader: Reader, sentence: str) -> Tensor:
    """The sentence's words as the reader's tokens, (time,).

    Raises:
        ValueError: there is no word to read, or there are too many for a picture.
    """
    tokens, lengths = encode([sentence], reader.vocabulary)
    if lengths[0] > LONGEST:
        raise ValueError(f"the picture has room for {LONGEST} words, and these are {lengths[0]}: shorten the sentence")
    return tokens[0]


@lru_cache(maxsize=64)
def _read_tokens(name: str, tokens: tuple[int, ...], clamps: tuple[Clamp, ...], reset: str, pull: bool):
    model = load_reader(name).model
    x = model.embedding(torch.tensor([tokens])).requires_grad_(pull)  # (1, time, features)
    run: Recording = record(network(name, reset), x, clamps=clamps)
    hidden, _ = run.output  # (1, time, hidden_size)
    logits = model.head(hidden[0]).squeeze(-1)  # (time,)
    pulls = torch.autograd.grad(logits[-1], x)[0][0].norm(dim=-1).numpy() if pull else None  # (time,)
    taps = {tap.removeprefix("layers."): values[:, 0].detach().numpy() for tap, values in run.taps.items()}
    return taps, logits.detach().sigmoid().numpy(), pulls


@lru_cache
def network(name: str, reset: str = "after") -> nn.Module:
    """A reader's recurrent network; with `reset="before"`, a GRU of the same weights that resets before the matrix."""
    trained = load_reader(name).model.recurrent
    return trained if reset == "after" else trained.with_reset(reset).eval().requires_grad_(False)


def state_tap(reader: Reader) -> str:
    """The tap that a network of this kind carries from word to word and changes by shares."""
    return "cell" if isinstance(reader.model.recurrent, LSTM) else "hidden"


def order_of_units(reader: Reader, sentence: str, layer: int, sort: str) -> np.ndarray:
    """The units of a layer from top to bottom, (units,), sorted by one of `SORTS`."""
    if sort == "unit number" or not words_of(sentence):
        return np.arange(reader.model.head.in_features)
    if sort == "this sentence":
        state = read(reader, sentence)[0][f"{layer}.{state_tap(reader)}"]  # (time, units)
        return np.argsort(-np.ptp(state, axis=0), kind="stable")
    return np.argsort(-np.abs(responses(reader.name, layer)[sort]), kind="stable")


@lru_cache
def responses(name: str, layer: int) -> dict[str, np.ndarray]:
    """What each unit's state responds to, measured on 200 test reviews: how differently it moves at such words.

    Returns:
        kind of word -> (units,), signed
    """
    reader, reviews = load_reader(name), load_reviews("test", 200)
    with torch.no_grad():
        run = record(reader.model, reviews.tokens, reviews.lengths)
    state = run[f"{layer}.{state_tap(reader)}"]  # (time, reviews, units)
    change = torch.diff(state, dim=0, prepend=torch.zeros_like(state[:1])).transpose(0, 1)  # (reviews, time, units)
    index = {word: number for number, word in enumerate(reader.vocabulary)}

    def mean_change(words: list[str]) -> Tensor:
        return change[torch.isin(reviews.tokens, torch.tensor([index[word] for word in words]))].mean(dim=0)  # (units,)

    others = change[reviews.tokens > 0].mean(dim=0)
    return {
        "negation": (mean_change(NEGATORS) - others).numpy(),
        "praise or blame": (mean_change(POSITIVE) - mean_change(NEGATIVE)).numpy(),
        "contrast": (mean_change(CONTRASTS) - others).numpy(),
    }


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


def read_with(reader: Reader, sentence: str, called: str, step_of: Callable) -> np.ndarray | None:
    """The chance of praise after each word, read by the learner's own cell, (time,); None while it is not written.

    Args:
        reader: whose embedding, weights and answer are used.
        sentence: what is read.
        called: the name of the learner's function.
        step_of: takes one of the reader's cells and returns `step(x, state)`, which calls the learner's function.

    Raises:
        LearnerError: the learner's function fails, or does not return the next state.
    """
    tokens, _ = encode([sentence], reader.vocabulary)
    x = reader.model.embedding(tokens)[0]  # (time, features)
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
    return reader.model.head(x).sigmoid().squeeze(-1).detach().numpy()


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


def names_of(sentence: str) -> list[str]:
    """The words as a control offers them, with their numbers, so that no two are the same."""
    return [f"{place + 1} {word}" for place, word in enumerate(words_of(sentence)[:LONGEST])]


def at_words(words: list[str], first: int, last: int) -> str:
    """Where a gate is held: at one word, or from one to another."""
    return f"at «{words[first]}»" if first == last else f"from «{words[first]}» to «{words[last]}»"


def unknown_words(reader: Reader, sentence: str) -> list[str]:
    """The words of the sentence that the reader was never shown."""
    return sorted(set(words_of(sentence)) - set(reader.vocabulary))


def never_met(words: list[str]) -> str:
    """A sentence on the words that the reader was never shown; empty if there are none."""
    named = ", ".join(f"«{word}»" for word in words)
    return f" The model never met {named}: it reads «<unknown>» there." if words else ""


def beside_yours(yours: np.ndarray | None, free: np.ndarray) -> str:
    """A sentence on how far the learner's cell is from the model's."""
    if yours is None:
        return " Your cell is not started: the model reads alone until it is written."
    return f" Your cell's answers (green crosses) are at most {np.abs(yours - free).max():.0e} from the model's."
