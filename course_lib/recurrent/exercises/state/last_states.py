"""Read the last state of each sequence out of a padded batch."""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from course_lib.exercises import Case, exercise, mistake, part, randn


@torch.no_grad()
def packed_gru(xs: Tensor, lengths: Tensor, hidden_size: int, padding: float) -> tuple[Tensor, Tensor]:
    """A random GRU over sequences that are packed, so that it never reads a padded step.

    Returns:
        its outputs, (batch, time, hidden_size), `padding` at the padded steps; and the state it ends with,
        (batch, hidden_size)
    """
    gru = nn.GRU(xs.shape[2], hidden_size, batch_first=True)
    packed, last = gru(pack_padded_sequence(xs, lengths, batch_first=True, enforce_sorted=False))
    outputs, _ = pad_packed_sequence(packed, batch_first=True, padding_value=padding, total_length=xs.shape[1])
    return outputs, last[0]


def random_lengths(rng: np.random.Generator, batch: int, time: int) -> Tensor:
    """The shortest and the longest length, and others between them, in random order: (batch,), int64."""
    return torch.from_numpy(rng.permutation([1, time, *rng.integers(1, time + 1, size=batch - 2)]))


@exercise("recurrent.sentiment", "last_states(outputs, lengths) -> last", level="core", minutes=4)
def last_states(rng):
    """Take the state after the last word of each sentence, never one at the padding."""
    with part("by hand", points=1):
        for outputs, lengths, last in (
            ([[1, 2, 3]], [3], [3]),
            ([[1, 2, 3], [4, 5, 0]], [3, 2], [3, 5]),
            ([[7, 0, 0], [1, 2, 3]], [1, 3], [7, 3]),
            ([[1, 2, 9, 9], [3, 4, 9, 9]], [2, 2], [2, 4]),
        ):
            yield Case(
                (torch.tensor(outputs).float().unsqueeze(-1), torch.tensor(lengths)),
                expected=torch.tensor(last).float().unsqueeze(-1),
                because="count the words of each row and put a finger on the last one: at which index does it stand?",
            )
    with part("padded batches", points=1):
        for batch, time, hidden_size, padding in ((2, 3, 2, 0.0), (4, 6, 3, 0.0), (3, 3, 3, 1e4), (6, 9, 4, 1e4)):
            lengths = random_lengths(rng, batch, time)
            outputs, last = packed_gru(randn(rng, batch, time, 2), lengths, hidden_size, padding)
            yield Case(
                (outputs, lengths),
                expected=last,
                shown=f"outputs of a GRU, batch {batch}, time {time}, hidden_size {hidden_size}, lengths "
                f"from 1 to {time}, {padding:g} at the padded steps",
                because="each row has an end of its own, and nothing behind that end may count",
            )


@mistake(
    last_states,
    "outputs[:, -1], which is padding in every sentence but the longest",
    ask="A sentence of 2 words stands in a row of 3 steps. What is at its third step?",
    look="the step that you take: lengths must decide it, row by row.",
)
def _(outputs, lengths):
    return outputs[:, -1]


@mistake(
    last_states,
    "a step taken one too late",
    ask="A sentence of one word: at which index does that word stand?",
    look="the index: steps are counted from 0, lengths from 1.",
)
def _(outputs, lengths):
    return outputs[torch.arange(len(outputs)), lengths]


@mistake(
    last_states,
    "a step taken one too early",
    ask="In a row of 3 words, which index has the last one, and which one do you take?",
    look="the index: how much must be taken off a length to get the place of the last word?",
)
def _(outputs, lengths):
    return outputs[torch.arange(len(outputs)), lengths - 2]


@mistake(
    last_states,
    "the mean over all steps, padding included",
    ask="If the padding held other numbers, would your result change?",
    look="what is asked for: one step of each row, not a mixture of them.",
)
def _(outputs, lengths):
    return outputs.mean(dim=1)


@mistake(
    last_states,
    "the mean over the words, where the last one is asked for",
    ask="How many words of the sentence does your result look at? How many should it?",
    look="what is asked for: the state after the last word, which has read all the others already.",
)
def _(outputs, lengths):
    in_sentence = torch.arange(outputs.shape[1]) < lengths.unsqueeze(1)  # (batch, time)
    return (outputs * in_sentence.unsqueeze(-1)).sum(dim=1) / lengths.unsqueeze(-1)


@mistake(
    last_states,
    "one step for all rows: that of the longest sentence",
    ask="Two rows of different length: do they end at the same step?",
    look="the index of the step: it must be another one for each row.",
)
def _(outputs, lengths):
    return outputs[:, lengths.max() - 1]


@mistake(
    last_states,
    "every row read at the ends of all rows",
    ask="What does the shape of your result tell: how many states do you take from each row?",
    look="the first index: a colon takes every row; you need row 0 with the first length, row 1 with the second.",
)
def _(outputs, lengths):
    return outputs[:, lengths - 1]


@mistake(
    last_states,
    "outputs read as (time, batch, hidden_size)",
    ask="Which axis of outputs counts the steps?",
    look="the order of the two indices: the batch is the first axis here.",
)
def _(outputs, lengths):
    return outputs[lengths - 1, torch.arange(len(lengths))]


@mistake(
    last_states,
    "the last step that is not zero",
    ask="Who says that padding holds zeros, and what would you do if it held 9?",
    look="how you find the end of a sentence: lengths says it, outputs need not.",
)
def _(outputs, lengths):
    steps = torch.arange(outputs.shape[1])
    end = (outputs.ne(0).any(dim=-1) * steps).argmax(dim=1)
    return outputs[torch.arange(len(outputs)), end]
