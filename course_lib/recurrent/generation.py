"""Writing with a next-word model: choose greedily, sample from a reshaped distribution, or search with a beam."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from course_lib.datasets.english import END_ID
from course_lib.recurrent.language_model import LanguageModel

State = Any  # whatever the model carries from step to step
Next = Callable[[int, State], tuple[Tensor, State]]  # token, state -> log-probabilities (vocabulary,), next state


def reshape(logits: Tensor, temperature: float = 1.0, top_k: int | None = None, top_p: float = 1.0) -> Tensor:
    """The distribution that is sampled from: sharpened or flattened, then cut, then scaled up to 1 again.

    Args:
        logits: (..., vocabulary)
        temperature: below 1 sharpens, above 1 flattens; 0 is the greedy choice.
        top_k: only the k most probable words (Fan, Lewis & Dauphin 2018); all if None.
        top_p: only the most probable words that together reach this share (Holtzman et al. 2020, «nucleus»).

    Returns:
        probabilities (..., vocabulary)

    Raises:
        ValueError: a negative temperature, a top_k that is not from 1 to the vocabulary's size, a top_p outside (0, 1].
    """
    size = logits.shape[-1]
    _check(temperature, top_k, top_p, size)
    if temperature == 0:
        return torch.nn.functional.one_hot(logits.argmax(dim=-1), size).to(logits.dtype)
    probs = (logits / temperature).softmax(dim=-1)
    if top_k is None and top_p == 1:
        return probs  # nothing is cut
    ordered, order = probs.topk(top_k or size)  # (..., top_k), the most probable word first
    before = ordered.cumsum(dim=-1) - ordered  # the share of the words that are more probable
    kept = (before < top_p) | (top_p == 1)  # the first one always is; by rounding, a share before may be 1
    probs = torch.zeros_like(probs).scatter(-1, order, ordered * kept)
    return probs / probs.sum(dim=-1, keepdim=True)


def _check(temperature: float, top_k: int | None, top_p: float, size: int) -> None:
    """Raises what `reshape` says."""
    if not (math.isfinite(temperature) and temperature >= 0):
        raise ValueError(f"temperature must be 0 (greedy) or above, not {temperature}")
    if top_k is not None and not 1 <= top_k <= size:
        raise ValueError(f"top_k must be from 1 to {size}, the words there are, not {top_k}")
    if not 0 < top_p <= 1:
        raise ValueError(f"top_p is a share above 0 and at most 1, not {top_p}")


class Written(NamedTuple):
    """One word that was written: the token, and the distributions before and after `reshape`, (vocabulary,) each."""

    token: int
    model: Tensor
    drawn_from: Tensor


@torch.no_grad()
def write(
    model: LanguageModel,
    prompt: Sequence[int],
    words: int,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float = 1.0,
    seed: int = 0,
    stop: bool = False,
) -> list[Written]:
    """Read a prompt, which begins a paragraph, and write on.

    Args:
        model: its state is carried from word to word.
        prompt: tokens; none begins a paragraph.
        words: to write.
        temperature, top_k, top_p: see `reshape`.
        seed: of what is drawn.
        stop: end with the first `<end>`.

    Raises:
        ValueError: a token that the model does not have, or settings that `reshape` refuses.
    """
    generator = torch.Generator().manual_seed(seed)
    try:
        logits, states = model(torch.tensor([[END_ID, *prompt]]))  # (1, time, vocabulary)
    except IndexError as error:
        raise ValueError("the prompt holds a token that is no word of this model: use its own vocabulary") from error
    written: list[Written] = []
    while len(written) < words:
        probs = reshape(logits[0, -1], temperature, top_k, top_p)  # (vocabulary,)
        token = int(torch.multinomial(probs, 1, generator=generator))
        written.append(Written(token, logits[0, -1].softmax(dim=-1), probs))
        if stop and token == END_ID:
            break
        logits, states = model(torch.tensor([[token]]), states)
    return written


@torch.no_grad()
def write_side_by_side(
    model: LanguageModel, temperatures: Sequence[float], texts: int, words: int, *, seed: int = 0
) -> tuple[Tensor, Tensor]:
    """Write several texts at each temperature, without a prompt; much faster than one text after the other.

    Args:
        model, words, seed: see `write`.
        temperatures: see `reshape`.
        texts: at each temperature.

    Returns:
        tokens (temperatures, texts, words), and log P of each by the model, likewise
    """
    generator = torch.Generator().manual_seed(seed)
    logits, states = model(torch.full((len(temperatures) * texts, 1), END_ID))  # (rows, 1, vocabulary)
    tokens, found = [], []
    for _ in range(words):
        of_each = zip(logits[:, 0].split(texts), temperatures, strict=True)
        probs = torch.cat([reshape(part, temperature) for part, temperature in of_each])  # (rows, vocabulary)
        tokens.append(torch.multinomial(probs, 1, generator=generator))  # (rows, 1)
        found.append(logits[:, 0].log_softmax(dim=-1).gather(-1, tokens[-1]))
        logits, states = model(tokens[-1], states)
    shape = len(temperatures), texts, words
    return torch.cat(tokens, dim=1).view(shape), torch.cat(found, dim=1).view(shape)


@dataclass(frozen=True)
class Node:
    """A place in the tree of a beam search.

    Attributes:
        parent: the node before it in the list that `beam_search` returns; None for the root.
        token: written here; None for the root.
        logprob: of all tokens from the root to here, given what was read.
        depth: tokens from the root to here.
        kept: whether the search went on from here, or ended here in one of its results.
        ended: whether the token is the end.
    """

    parent: int | None
    token: int | None
    logprob: float
    depth: int
    kept: bool = False
    ended: bool = False


class Beam(NamedTuple):
    """What a beam search found: results, best first, as (tokens, logprob, score), and every node it looked at."""

    results: list[tuple[list[int], float, float]]
    nodes: list[Node]


@torch.no_grad()
def beam_search(
    step: Next, start: int, state: State, *, end: int, width: int, max_length: int, length_penalty: float = 0.0
) -> Beam:
    """Keep the `width` most probable beginnings at every step.

    A finished text competes by logprob / ((5 + length) / 6) ** length_penalty, as in Wu et al. (2016), equation 14.

    Args:
        step: the model: (token, state) -> (log-probabilities (vocabulary,), next state).
        start: the token that comes before the first.
        state: of the model before it reads `start`.
        end: the token that ends a text.
        width: beginnings that are kept; 1 is the greedy choice.
        max_length: tokens of a text, its end included; what is not ended by then ends there.
        length_penalty: 0 compares logprobs, which favours short texts; 1 nearly their means.

    Raises:
        ValueError: a width or a max_length below 1.
    """
    if width < 1 or max_length < 1:
        raise ValueError(f"width and max_length must be at least 1, not {width} and {max_length}")
    nodes = [Node(None, None, 0.0, 0, kept=True)]
    alive, ended = [(0, start, state)], []  # (node, token, state before the token is read)
    for depth in range(1, max_length + 1):
        grown = []
        for parent, token, before in alive:
            logprobs, after = step(token, before)
            best = logprobs.topk(min(width, len(logprobs)))
            for value, word in zip(best.values.tolist(), best.indices.tolist(), strict=True):
                nodes.append(Node(parent, word, nodes[parent].logprob + value, depth, ended=word == end))
                grown.append((len(nodes) - 1, word, after))
        grown.sort(key=lambda entry: nodes[entry[0]].logprob, reverse=True)
        alive = []
        for entry in grown[:width]:
            place, word, _ = entry
            nodes[place] = replace(nodes[place], kept=True)
            (ended if word == end or depth == max_length else alive).append(entry)
        if not alive:
            break
    results = [
        (
            path(nodes, place),
            nodes[place].logprob,
            nodes[place].logprob / ((5 + nodes[place].depth) / 6) ** length_penalty,
        )
        for place, _, _ in ended
    ]
    return Beam(sorted(results, key=lambda result: result[2], reverse=True), nodes)


def path(nodes: list[Node], place: int) -> list[int]:
    """The tokens from the root to a node."""
    tokens: list[int] = []
    node = nodes[place]
    while node.parent is not None:
        tokens.append(node.token)
        node = nodes[node.parent]
    return tokens[::-1]


def next_of(model: LanguageModel) -> Next:
    """A language model as `beam_search` takes it; the state before the first token is None."""

    def step(token: int, states: State) -> tuple[Tensor, State]:
        logits, states = model(torch.tensor([[token]]), states)  # (1, 1, vocabulary)
        return logits[0, -1].log_softmax(dim=-1), states

    return step
