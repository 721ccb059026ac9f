"""Decode greedily: write the most probable token, read it back, and stop each row at its end."""

import itertools
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import one_hot, pad

from course_lib.exercises import Case, exercise, mistake, part
from course_lib.exercises.compare import show

PAD = 0  # in this exercise as in the course's data
Tables = tuple[Tensor, Tensor]  # (states, symbols) each: what is written in this state after this token, the next state


def with_tables(answer: Callable, src: Tensor, bos: int, eos: int, max_len: int, tables: Tables):
    """Hand the answer an encoder and a decoder that look everything up.

    The encoder's state is a sum over the source, (batch, 1). An answer may go through the batch row by row, and may
    leave out columns of padding.
    """
    tokens, states = tables
    symbols = tokens.shape[1]

    def encoder(src: Tensor) -> Tensor:
        return (src.sum(dim=1, keepdim=True) % len(tokens)).float()  # (batch, 1)

    def decoder(previous: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        rows = len(state) if state.ndim == 2 else len(src)
        if previous.shape != (rows,) or previous.dtype != torch.int64:
            got = f"{str(previous.dtype).removeprefix('torch.')} of shape {tuple(previous.shape)}"
            raise ValueError(f"the decoder takes one token a row, int64 of shape ({rows},), and got {got}")
        if state.shape != (rows, 1):
            raise ValueError(f"the decoder takes states of shape ({rows}, 1), and got {tuple(state.shape)}")
        place = state[:, 0].long(), previous
        logits = one_hot(tokens[place], symbols).float()  # (batch, symbols)
        return logits, states[place].unsqueeze(1).float()

    return with_width(answer(encoder, decoder, src, bos, eos, max_len), len(src), max_len)


def with_width(written, batch: int, max_len: int):
    """The tokens with max_len columns, if no more than padding is missing or too much."""
    if not isinstance(written, Tensor) or written.ndim != 2 or len(written) != batch:
        return written
    if written.shape[1] < max_len:
        return pad(written, (0, max_len - written.shape[1]), value=PAD)
    return written if written[:, max_len:].any() else written[:, :max_len]


def row_by_row(src: Tensor, bos: int, eos: int, max_len: int, tables: Tables) -> Tensor:
    """What is to be written, one row after the other: (batch, max_len)."""
    tokens, states = (table.tolist() for table in tables)
    rows = []
    for source in src.tolist():
        state, token, row = sum(source) % len(tokens), bos, []
        while len(row) < max_len and token != eos:
            token, state = tokens[state][token], states[state][token]
            row.append(token)
        rows.append(row + [PAD] * (max_len - len(row)))
    return torch.tensor(rows)


def staircase() -> Tables:
    """Ten symbols: the decoder writes previous + state, at most 9, and its state grows by 1."""
    state, previous = torch.arange(10).unsqueeze(1), torch.arange(10)
    return (previous + state).clamp(max=9), (state + 1).clamp(max=9).expand(10, 10)


def random_inputs(rng: np.random.Generator, batch: int, source: int, symbols: int, bos: int, eos: int, max_len: int):
    """The inputs with tables in which the rows end at different steps, and one of them not before max_len.

    That one holds three different tokens at least.
    """
    while True:
        src = torch.from_numpy(rng.integers(1, symbols, size=(batch, source)))
        tables = torch.from_numpy(rng.integers((1, 0), (symbols, 7), size=(7, symbols, 2))).unbind(dim=-1)
        inputs = src, bos, eos, max_len, tables
        written = row_by_row(*inputs)  # (batch, max_len)
        lengths = written.ne(PAD).sum(dim=1)
        endless = written[~written.eq(eos).any(dim=1)]
        if len(endless) and len(lengths.unique()) >= min(batch, 3) and len(endless[0].unique()) >= 3:
            return inputs


@exercise(
    "recurrent.seq2seq",
    "greedy_decode(encoder, decoder, src, bos, eos, max_len) -> tokens",
    level="core",
    minutes=8,
    keeps_inputs=True,
)
def greedy_decode(rng):
    """Decode greedily: feed back what was written, and stop each row at its end."""

    def case(src: Tensor, bos: int, eos: int, max_len: int, tables: Tables, shown: str, because: str) -> Case:
        inputs = src, bos, eos, max_len, tables
        return Case(inputs, via=with_tables, expected=row_by_row(*inputs), shown=shown, because=because)

    def by_hand(src: list, max_len: int) -> Case:
        shown = (
            f"src={show(src)}, bos=1, eos=9, max_len={max_len}; the encoder's state is the sum of a row, the decoder "
            "writes previous + state, at most 9, and its state grows by 1"
        )
        because = "write down previous, state and token at each step, and print yours beside them"
        return case(torch.tensor(src), 1, 9, max_len, staircase(), shown, because)

    def at_random(batch: int, source: int, symbols: int, bos: int, eos: int, max_len: int) -> Case:
        inputs = random_inputs(rng, batch, source, symbols, bos, eos, max_len)
        shown = (
            f"batch {batch}, source {source}, {symbols} symbols, bos={bos}, eos={eos}, max_len={max_len}, "
            "a random decoder"
        )
        because = "each row must come out as it does alone: which token and which state does a step get, row by row?"
        return case(*inputs, shown, because)

    with part("one row", points=1):
        for src, max_len in (([[2]], 6), ([[3, 1]], 5), ([[1]], 3)):
            yield by_hand(src, max_len)
        yield at_random(1, 2, 6, bos=1, eos=2, max_len=4)
        yield at_random(1, 3, 9, bos=8, eos=7, max_len=7)
    with part("batches", points=2):
        yield by_hand([[1, 1], [4, 1]], 4)
        yield at_random(3, 2, 6, bos=1, eos=2, max_len=5)
        yield at_random(4, 3, 5, bos=4, eos=1, max_len=8)
        yield at_random(6, 5, 8, bos=2, eos=5, max_len=10)


def run_on(encoder: Callable, decoder: Callable, src: Tensor, bos: int, max_len: int) -> Tensor:
    """max_len tokens for each row, whatever it writes: (batch, max_len)."""
    state, previous, written = encoder(src), torch.full((len(src),), bos), []
    for _ in range(max_len):
        logits, state = decoder(previous, state)
        previous = logits.argmax(dim=-1)  # (batch,)
        written.append(previous)
    return torch.stack(written, dim=1)


def stopped(written: Tensor, eos: int, filler: int = PAD) -> Tensor:
    """The tokens of each row up to its end, the filler after it."""
    ends = written == eos
    ended_before = ends.cumsum(dim=1) > ends.long()
    return written.masked_fill(ended_before, filler)


def decode(encoder: Callable, decoder: Callable, src: Tensor, bos: int, eos: int, max_len: int) -> Tensor:
    """A right answer, for the mistakes to hand it something else, or to change what comes out."""
    return stopped(run_on(encoder, decoder, src, bos, max_len), eos)


def up_to_first(stops: Tensor, written: Tensor) -> Tensor:
    """The tokens up to the first of the stops, (steps,) bool; all of them if there is none."""
    places = stops.nonzero().flatten().tolist()
    return written[:, : places[0] + 1] if places else written


@mistake(
    greedy_decode,
    "a decoder that reads the source, token by token, in place of what it wrote",
    ask="At the second step the decoder should know what it wrote at the first. Who tells it?",
    look="what becomes `previous`: in training a given sequence may stand there, here only your own tokens can.",
)
def _(encoder, decoder, src, bos, eos, max_len):
    given = itertools.chain([torch.full((len(src),), bos)], src.T, itertools.repeat(src[:, -1]))
    return decode(encoder, lambda _, state: decoder(next(given), state), src, bos, eos, max_len)


@mistake(
    greedy_decode,
    "a decoder that reads bos at every step",
    ask="What does your decoder read at the second step?",
    look="`previous`: it is set before the loop, and must be set again inside it.",
)
def _(encoder, decoder, src, bos, *others):
    always = torch.full((len(src),), bos)
    return decode(encoder, lambda _, state: decoder(always, state), src, bos, *others)


@mistake(
    greedy_decode,
    "a decoder that starts from a state of zeros",
    ask="Give your function two different sources. Can it write two different texts?",
    look="the state before the loop: it is all that the decoder ever learns of the source.",
)
def _(encoder, *others):
    return decode(lambda src: torch.zeros_like(encoder(src)), *others)


@mistake(
    greedy_decode,
    "a decoder that gets the encoder's state at every step, and loses its own",
    ask="A decoder step returns two things. What do you do with the second?",
    look="the state: which step made the one that the next step gets?",
)
def _(encoder, decoder, src, *others):
    state = encoder(src)
    return decode(encoder, lambda previous, _: decoder(previous, state), src, *others)


@mistake(
    greedy_decode,
    "rows that go on after their eos",
    ask="A text is over when eos is written. What stands behind it in your rows?",
    look="the rows that have ended: something must remember them, and write 0 from then on.",
)
def _(encoder, decoder, src, bos, eos, max_len):
    return run_on(encoder, decoder, src, bos, max_len)


@mistake(
    greedy_decode,
    "a batch that ends when its first row does",
    ask="One row is at its end after one token. Has every row had its say by then?",
    look="the condition that leaves the loop: any, or all?",
)
def _(encoder, decoder, src, bos, eos, max_len):
    written = run_on(encoder, decoder, src, bos, max_len)
    return up_to_first((written == eos).any(dim=0), written)


@mistake(
    greedy_decode,
    "a batch that goes on until all rows write eos at one and the same step",
    ask="Row 0 ends at step 2, row 1 at step 4. At which step do you see that both have ended?",
    look="the condition that leaves the loop: an end must be remembered, for it does not come again.",
)
def _(encoder, decoder, src, bos, eos, max_len):
    written = run_on(encoder, decoder, src, bos, max_len)
    return up_to_first((written == eos).all(dim=0), written)


@mistake(
    greedy_decode,
    "rows whose eos was cut off",
    ask="How does a reader of your rows tell a text that ended from one that max_len cut?",
    look="the order inside the loop: first the token is kept, then the row counts as ended.",
)
def _(encoder, decoder, src, bos, eos, max_len):
    tokens = decode(encoder, decoder, src, bos, eos, max_len)
    return tokens.masked_fill(tokens == eos, PAD)


@mistake(
    greedy_decode,
    "rows that are filled up with eos",
    ask="How many tokens eos does a text need?",
    look="what you write in a row that has ended: 0, which is padding, and not eos again.",
)
def _(encoder, decoder, src, bos, eos, max_len):
    return stopped(run_on(encoder, decoder, src, bos, max_len), eos, filler=eos)


@mistake(
    greedy_decode,
    "rows that begin with bos",
    ask="Who wrote your first token, the decoder or you?",
    look="the list in which you keep the tokens: what is in it before the loop begins?",
)
def _(encoder, decoder, src, bos, eos, max_len):
    tokens = decode(encoder, decoder, src, bos, eos, max_len)
    return torch.cat([torch.full_like(tokens[:, :1], bos), tokens], dim=1)


@mistake(
    greedy_decode,
    "a loop of one step too few",
    ask="With max_len=1, how many tokens may you write, and how many do you?",
    look="the range of the loop: bos is read, it does not count as written.",
)
def _(encoder, decoder, src, bos, eos, max_len):
    return decode(encoder, decoder, src, bos, eos, max_len - 1)


@mistake(
    greedy_decode,
    "tokens stacked as (steps, batch)",
    ask="Which is your first axis, the rows of the batch or the steps?",
    look="the line that stacks: torch.stack puts the new axis first unless it is told another place with dim.",
)
def _(*inputs):
    tokens = decode(*inputs)
    return tokens[:, tokens.ne(PAD).any(dim=0)].T
