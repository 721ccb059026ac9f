"""Writing a date while the attention, or what is written, is changed by hand."""

from collections.abc import Callable
from contextlib import ExitStack
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from course_lib.datasets.dates import END, START, as_text, encode_source
from course_lib.recurrent.seq2seq import Memory, Seq2Seq, load_translator

MAX_LENGTH = 12  # symbols written, as in `greedy_decode`
Attend = Callable[[Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]


class Change(NamedTuple):
    """What is done to a decoder while it writes.

    Attributes:
        hidden: source positions whose keys it does not see; the states beside them have read them all the same.
        factor: what the scores are multiplied by before the softmax; 0 makes the weights uniform.
        step: the only step at which that is so, from 0; None for every step.
        forced: (step, symbol) that is written and read back whatever the decoder prefers; None for nothing.
    """

    hidden: tuple[int, ...] = ()
    factor: float = 1.0
    step: int | None = None
    forced: tuple[int, int] | None = None

    def acts(self, step: int) -> bool:
        """Whether the attention is changed at this step."""
        return self.step in (None, step)


UNCHANGED = Change()


class Translation(NamedTuple):
    """What a decoder wrote, and how.

    Attributes:
        text: up to its end.
        symbols: (steps,), places in `TARGET_ALPHABET`, the last is `END` unless there was no room for it.
        chances: of each symbol at each step, (steps, symbols).
        weights: (steps, source); None without attention.
        contexts: (steps, width).
    """

    text: str
    symbols: np.ndarray
    chances: np.ndarray
    weights: np.ndarray | None
    contexts: np.ndarray


@torch.no_grad()
def decode_with(
    model: Seq2Seq, read: tuple[Memory, Tensor], change: Change = UNCHANGED, attend: Attend | None = None
) -> Translation:
    """Greedy decoding of one source with a change; without one it writes what `greedy_decode` writes.

    Args:
        model: the translator.
        read: what its `encode` made of one source: the memory and the decoder's first state.
        change: what is done to it.
        attend: in place of the model's attention, called (query, keys, values, mask) like it.
    """
    memory, state = read
    in_sight = memory.mask.clone()  # (1, source)
    in_sight[:, list(change.hidden)] = False
    changed_memory = memory._replace(mask=in_sight)
    previous, steps, symbols, contexts = torch.tensor([START]), [], [], []

    def rescaled(_tap, _inputs, scores: Tensor) -> Tensor:
        return scores * change.factor if change.acts(len(steps)) else scores  # as many steps as were made before

    with ExitStack() as hooks:

        def hook(module, function) -> None:
            hooks.callback(module.register_forward_hook(function).remove)

        hook(model.context, lambda _tap, _inputs, context: contexts.append(context[0]))
        if model.attention is not None:
            hook(model.attention.scores, rescaled)
            if attend is not None:
                hook(model.attention, lambda _module, inputs, _output: attend(*inputs))
        for number in range(MAX_LENGTH):
            step = model.step(previous, state, changed_memory if change.acts(number) else memory)
            state, previous = step.state, step.logits.argmax(dim=-1)  # (1, hidden_size), (1,)
            if change.forced and change.forced[0] == number:
                previous = torch.tensor([change.forced[1]])
            steps.append(step)
            symbols.append(previous)
            if previous == END:
                break
    written = torch.cat(symbols)  # (steps,)
    return Translation(
        text=as_text(written),
        symbols=written.numpy(),
        chances=torch.cat([step.logits for step in steps]).softmax(dim=-1).numpy(),
        weights=None if model.attention is None else torch.cat([step.weights for step in steps]).numpy(),
        contexts=torch.stack(contexts).numpy(),
    )


@lru_cache(maxsize=64)
def translate(name: str, text: str, change: Change = UNCHANGED) -> Translation:
    """What a shipped translator ("attention" or "fixed vector") makes of a text; the same question is kept.

    Raises:
        ValueError: the text cannot be read; says why.
        CheckpointError: the model's files are missing or damaged.
    """
    return decode_with(load_translator(name)[0], encoded(name, text), change)


@lru_cache(maxsize=16)
@torch.no_grad()
def encoded(name: str, text: str) -> tuple[Memory, Tensor]:
    """What a shipped translator's encoder makes of a text: its memory and the decoder's first state."""
    return load_translator(name)[0].encode(*encode_source([text]))
