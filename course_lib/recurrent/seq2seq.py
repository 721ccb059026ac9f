"""Sequence to sequence: an encoder reads, a decoder writes, with one fixed vector or with attention between them."""

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor, nn

from course_lib.checkpoints import load_model
from course_lib.datasets.dates import END, PAD, START, Pairs
from course_lib.paths import data_folder
from course_lib.recurrent.attention import Attention
from course_lib.seeds import seed_everything, without_trace
from course_lib.training import Batches, History, fit

CHECKPOINTS = {"attention": "dates_attention.safetensors", "fixed vector": "dates_fixed.safetensors"}


class Memory(NamedTuple):
    """What the encoder hands to the decoder.

    Attributes:
        values: a state of the encoder for each source position, (batch, source, 2 * hidden_size).
        keys: what attention compares with, made of the values; None without attention.
        mask: True where there is a symbol and no padding, (batch, source).
        fixed: the encoder's last states, one vector for all of the source, (batch, 2 * hidden_size).
    """

    values: Tensor
    keys: Tensor | None
    mask: Tensor
    fixed: Tensor


class Step(NamedTuple):
    """One step of the decoder: logits (batch, symbols), state (batch, hidden_size), weights (batch, source) or None."""

    logits: Tensor
    state: Tensor
    weights: Tensor | None


class Seq2Seq(nn.Module):
    """Encoder and decoder of one GRU each (Cho et al. 2014); with attention, of Bahdanau, Cho & Bengio (2015).

    The decoder is s_t = f(s_{t-1}, y_{t-1}, c_t), logits = g(s_t, c_t). With attention, c_t comes from the query
    s_{t-1}; without, c is the encoder's last state at every step. Nothing else differs.

    Args:
        source_size: symbols of the source.
        target_size: symbols of the target.
        embedding_size: width of a symbol's vector.
        hidden_size: units of the encoder in each direction, and of the decoder.
        score: "general" or "additive" attention; None for the fixed vector.

    Raises:
        ValueError: an unknown score, or "dot": the encoder's states, of both directions, are twice as wide as a query.
    """

    def __init__(
        self,
        source_size: int,
        target_size: int,
        embedding_size: int = 32,
        hidden_size: int = 64,
        score: str | None = "additive",
    ):
        super().__init__()
        self.of_source = nn.Embedding(source_size, embedding_size, padding_idx=PAD)
        self.of_target = nn.Embedding(target_size, embedding_size, padding_idx=PAD)
        self.encoder = nn.GRU(embedding_size, hidden_size, batch_first=True, bidirectional=True)
        self.bridge = nn.Linear(2 * hidden_size, hidden_size)
        self.attention = None if score is None else Attention(hidden_size, 2 * hidden_size, score)
        self.decoder = nn.GRUCell(embedding_size + 2 * hidden_size, hidden_size)
        self.head = nn.Linear(3 * hidden_size, target_size)
        self.context = nn.Identity()  # tap

    def encode(self, source: Tensor, lengths: Tensor) -> tuple[Memory, Tensor]:
        """Read the source in both directions.

        Args:
            source: (batch, source)
            lengths: (batch,) symbols of each; what comes after is padding

        Returns:
            the memory, and the decoder's first state (batch, hidden_size)
        """
        packed = nn.utils.rnn.pack_padded_sequence(
            self.of_source(source), lengths.cpu(), batch_first=True, enforce_sorted=False
        )  # else the way back would begin in the padding
        hidden, last = self.encoder(packed)
        values, _ = nn.utils.rnn.pad_packed_sequence(hidden, batch_first=True, total_length=source.shape[1])
        fixed = torch.cat(tuple(last), dim=-1)  # (2, batch, hidden_size) -> (batch, 2 * hidden_size)
        keys = None if self.attention is None else self.attention.prepare(values)
        return Memory(values, keys, source != PAD, fixed), self.bridge(fixed).tanh()

    def step(self, previous: Tensor, state: Tensor, memory: Memory) -> Step:
        """Write one symbol: previous (batch,), the symbol written before; state (batch, hidden_size)."""
        context, weights = memory.fixed, None
        if self.attention is not None:
            context, weights = self.attention(state, memory.keys, memory.values, memory.mask)
        context = self.context(context)  # (batch, 2 * hidden_size)
        state = self.decoder(torch.cat([self.of_target(previous), context], dim=-1), state)
        return Step(self.head(torch.cat([state, context], dim=-1)), state, weights)

    def forward(self, source: Tensor, lengths: Tensor, previous: Tensor) -> Tensor:
        """Teacher forcing: at every step the true symbol before is given.

        Args:
            source: (batch, source)
            lengths: (batch,)
            previous: (batch, steps), the target moved on by one, `START` first

        Returns:
            logits (batch, steps, target_size)
        """
        memory, state = self.encode(source, lengths)
        logits = []
        for symbol in previous.unbind(dim=1):  # (batch,)
            step = self.step(symbol, state, memory)
            state = step.state
            logits.append(step.logits)
        return torch.stack(logits, dim=1)


@torch.no_grad()
def greedy_decode(model: Seq2Seq, source: Tensor, lengths: Tensor, max_length: int = 12) -> Tensor:
    """Write the most probable symbol at every step and read it back: (batch, steps), padding after `END`."""
    memory, state = model.encode(source, lengths)
    previous = torch.full((len(source),), START, device=source.device)
    ended, written = torch.zeros_like(previous, dtype=torch.bool), []
    for _ in range(max_length):
        step = model.step(previous, state, memory)
        state, previous = step.state, step.logits.argmax(dim=-1).masked_fill(ended, PAD)
        written.append(previous)
        ended = ended | (previous == END)
        if ended.all():
            break
    return torch.stack(written, dim=1)


def train_translator(
    pairs: Pairs,
    *,
    score: str | None = "additive",
    hidden_size: int = 64,
    steps: int = 300,
    learning_rate: float = 5e-3,
    validate: Callable[[Seq2Seq], float] | None = None,
    validate_every: int | None = None,
    seed: int = 0,
) -> tuple[Seq2Seq, History]:
    """Train a translator; teacher forcing, batches of 64.

    Args:
        pairs: what it learns from.
        score: of the attention; None for the fixed vector.
        hidden_size: see `Seq2Seq`.
        steps: batches.
        learning_rate: of Adam.
        validate, validate_every: see `fit`.
        seed: of the initial weights and the order of the pairs.
    """
    seed_everything(seed)
    model = Seq2Seq(pairs.source_size, pairs.target_size, hidden_size=hidden_size, score=score)
    batches = Batches((pairs.source, pairs.lengths, pairs.previous), pairs.targets, batch_size=64, seed=seed)
    history = fit(
        model, batches, cross_entropy,
        steps=steps, learning_rate=learning_rate, clip_norm=1.0, seed=seed,
        validate=validate, validate_every=validate_every, name=f"translator, {score or 'fixed vector'}",
    )  # fmt: skip
    return model, history


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """The mean of -log P(target), padding left out: logits (batch, steps, symbols), targets (batch, steps)."""
    return nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=PAD)


def right(model: Seq2Seq, pairs: Pairs) -> Tensor:
    """Which symbols are right, own outputs fed back: (pairs, steps) bool; what follows an end too early is wrong."""
    device = model.head.bias.device
    written = greedy_decode(model, pairs.source.to(device), pairs.lengths, pairs.targets.shape[1]).cpu()
    short = pairs.targets.shape[1] - written.shape[1]
    return nn.functional.pad(written, (0, short), value=PAD) == pairs.targets


def exact(model: Seq2Seq, pairs: Pairs) -> Tensor:
    """Which pairs are translated without a mistake: (pairs,) bool."""
    return right(model, pairs).all(dim=1)


@lru_cache
@without_trace()  # to make a model is to draw its first weights
def load_translator(name: str = "attention") -> tuple[Seq2Seq, dict]:
    """A shipped translator of dates, with "attention" or with a "fixed vector", and what its checkpoint says of itself.

    Raises:
        ValueError: there is no such model.
        CheckpointError: its files are missing or damaged; the text says what to do.
    """
    if name not in CHECKPOINTS:
        raise ValueError(f"the translators are {', '.join(CHECKPOINTS)}; there is no {name!r}")
    saved = load_model(data_folder() / "checkpoints" / CHECKPOINTS[name])
    model = Seq2Seq(**saved.config)
    model.load_state_dict(saved.state_dict)
    return model.eval().requires_grad_(False), saved.scores
