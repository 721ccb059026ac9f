"""A recurrent language model, how it is trained on a stream of text, and how it is measured."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor, nn

from course_lib.checkpoints import load_model
from course_lib.datasets.english import END, END_ID, UNKNOWN, English, encode, tokenize
from course_lib.paths import data_folder
from course_lib.recurrent.layers import Layers, State, copy_weights
from course_lib.recurrent.sentiment import CELLS, Answer
from course_lib.seeds import seed_everything, without_trace
from course_lib.training import History, fit

CHECKPOINT = "language_model.safetensors"
LARGER = {  # how the profile `gpu` trains on `load_docstrings`; the «medium» LSTM of Zaremba et al. (2014)
    "hidden_size": 650,
    "num_layers": 2,
    "dropout": 0.5,
    "streams": 64,
    "epochs": 8,
    "learning_rate": 2e-3,
}
PIECE = 2000  # tokens whose logits are held in memory at once


class LanguageModel(nn.Module):
    """Embedding, recurrent network, and a linear map from each hidden state to one logit a word.

    Args:
        vocabulary_size: words known.
        embedding_size: width of a word's vector.
        hidden_size: units of each recurrent layer.
        num_layers: recurrent layers.
        cell: "rnn", "lstm" or "gru".
        dropout: share of the embedding's and of the hidden state's numbers that is set to 0 in training.
        tied: the head uses the embedding's vectors as its weights (Press & Wolf 2017); both sizes must be equal.
        readable: with our own network, whose gates can be seen and clamped, in place of PyTorch's, which is faster.

    Raises:
        ValueError: there is no such cell, a size is below 1, or tied with two different sizes.
    """

    def __init__(
        self,
        vocabulary_size: int,
        embedding_size: int = 128,
        hidden_size: int = 128,
        num_layers: int = 1,
        cell: str = "lstm",
        dropout: float = 0.0,
        tied: bool = False,
        readable: bool = False,
    ):
        super().__init__()
        if cell not in CELLS:
            raise ValueError(f"cell is one of {', '.join(CELLS)}, not {cell!r}")
        if min(vocabulary_size, embedding_size, hidden_size, num_layers) < 1:
            raise ValueError("vocabulary_size, embedding_size, hidden_size and num_layers must be at least 1")
        if tied and embedding_size != hidden_size:
            raise ValueError(f"tied needs embedding_size = hidden_size, not {embedding_size} and {hidden_size}")
        self.embedding = nn.Embedding(vocabulary_size, embedding_size)
        self.dropout = nn.Dropout(dropout)
        theirs, ours = CELLS[cell]
        if readable:
            self.recurrent = ours(embedding_size, hidden_size, num_layers)
        else:
            self.recurrent = theirs(embedding_size, hidden_size, num_layers, batch_first=True)
        self.head = nn.Linear(hidden_size, vocabulary_size)
        if tied:
            nn.init.normal_(self.embedding.weight, std=hidden_size**-0.5)  # else the first logits are far too large
            self.head.weight = self.embedding.weight
        self.tied = tied

    def forward(self, tokens: Tensor, states: State | list[State] | None = None) -> tuple[Tensor, State | list[State]]:
        """The logits of the word after each word.

        Args:
            tokens: (batch, time)
            states: what the recurrent network returned before, to read on from there; zeros if None.

        Returns:
            logits (batch, time, vocabulary_size), and the recurrent network's states after the last word
        """
        x = self.dropout(self.embedding(tokens))  # (batch, time, embedding_size)
        hidden, states = self.recurrent(x, states)  # (batch, time, hidden_size)
        return self.head(self.dropout(hidden)), states

    def readable(self) -> "LanguageModel":
        """The same model with the same weights, around our own recurrent network; itself where that is ours already."""
        theirs = self.recurrent
        if isinstance(theirs, Layers):
            return self
        words, width = self.embedding.weight.shape
        cell = type(theirs).__name__.lower()
        ours = LanguageModel(
            words, width, theirs.hidden_size, theirs.num_layers, cell, tied=self.tied, readable=True
        )  # fmt: skip
        ours.embedding.load_state_dict(self.embedding.state_dict())
        ours.head.load_state_dict(self.head.state_dict())
        copy_weights(theirs, ours.recurrent)
        return ours.eval()


class Streams(nn.Module):
    """A language model that reads each stream on from where the batch before stopped: truncated BPTT.

    The state is carried, its gradient is not. It is a buffer, so that an interrupted training goes on with it.

    Args:
        model: around PyTorch's own network.
        streams: rows of every batch.
    """

    def __init__(self, model: LanguageModel, streams: int):
        super().__init__()
        self.model = model
        theirs = model.recurrent
        parts = 2 if isinstance(theirs, nn.LSTM) else 1
        self.register_buffer("state", torch.zeros(parts, theirs.num_layers, streams, theirs.hidden_size))

    def forward(self, tokens: Tensor, fresh: Tensor) -> Tensor:
        """Logits (batch, time, vocabulary_size) for tokens (batch, time), from zeros where fresh (batch, 1) says so."""
        state = self.state * ~fresh  # (parts, layers, batch, hidden_size)
        logits, state = self.model(tokens, tuple(state) if len(state) == 2 else state[0])
        self.state = torch.stack(state if isinstance(state, tuple) else (state,)).detach()
        return logits


def stream_batches(ids: Tensor, time: int, streams: int) -> list[tuple[tuple[Tensor, Tensor], Tensor]]:
    """Cut a text into streams that are read side by side, `time` words a batch.

    Args:
        ids: (tokens,)
        time: words of a batch; the last batch of a pass is shorter.
        streams: rows of every batch; what is left over at the end of the text is dropped.

    Returns:
        ((tokens (streams, time), fresh (streams, 1) bool: this batch begins a pass), targets (streams, time)) a batch;
        targets are the tokens one place on

    Raises:
        ValueError: no word a batch, no stream, or a text that is too short for so many streams.
    """
    if time < 1 or streams < 1:
        raise ValueError(f"a batch has at least one stream of at least one word, not {streams} of {time}")
    length = (len(ids) - 1) // streams
    if length < 1:
        raise ValueError(f"{len(ids)} tokens are too few for {streams} streams: each needs at least two")
    tokens = ids[: streams * length].view(streams, length)
    targets = ids[1 : streams * length + 1].view(streams, length)
    return [
        ((tokens[:, t : t + time], torch.full((streams, 1), t == 0)), targets[:, t : t + time])
        for t in range(0, length, time)
    ]


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """The mean of -log P(target): logits (batch, time, vocabulary_size), targets (batch, time)."""
    return nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())


def train_language_model(
    corpus: English,
    *,
    cell: str = "lstm",
    hidden_size: int = 128,
    num_layers: int = 1,
    dropout: float = 0.4,
    streams: int = 20,
    epochs: int = 16,
    learning_rate: float = 5e-3,
    validate: Callable[[LanguageModel], float] | None = None,
    seed: int = 0,
    cache: bool = True,
) -> tuple[LanguageModel, History]:
    """Train a tied language model; about 4 s a pass through `load_english` on one CPU thread at the sizes given here.

    Args:
        corpus: its training text is read.
        cell: "rnn", "lstm" or "gru".
        hidden_size: units of each layer, and width of a word's vector.
        num_layers: recurrent layers.
        dropout: see `LanguageModel`.
        streams: rows of a batch, see `stream_batches`.
        epochs: passes through the training text.
        learning_rate: at the start; it falls along a cosine.
        validate: measures the model after each pass; the smaller the better.
        seed: of the initial weights and the dropout.
        cache: see `fit`.
    """
    model = new_language_model(
        corpus, cell=cell, hidden_size=hidden_size, num_layers=num_layers, dropout=dropout, seed=seed
    )
    batches = stream_batches(corpus.train, time=35, streams=streams)
    measure = None if validate is None else (lambda streams: validate(streams.model))
    history = fit(
        Streams(model, streams), batches, cross_entropy,
        epochs=epochs, learning_rate=learning_rate, schedule=cosine, clip_norm=1.0, validate=measure, seed=seed,
        name=f"language model {cell.upper()}", cache=cache,
    )  # fmt: skip
    return model, history


def new_language_model(
    corpus: English,
    *,
    cell: str = "lstm",
    hidden_size: int = 128,
    num_layers: int = 1,
    dropout: float = 0.4,
    seed: int = 0,
) -> LanguageModel:
    """The model that `train_language_model` begins with."""
    seed_everything(seed)
    words = len(corpus.vocabulary)
    return LanguageModel(words, hidden_size, hidden_size, num_layers, cell, dropout, tied=True)


def cosine(done: float) -> float:
    """From 1 down to 0.02 along half a cosine, for `fit(schedule=)`; `done` is the share of the training made."""
    return 0.02 + 0.98 * (1 + math.cos(math.pi * done)) / 2


@torch.no_grad()
def logprobs(model: LanguageModel, tokens: Tensor) -> Tensor:
    """log P of each token of a stream given all those before it, (time,); the stream begins a paragraph.

    Raises:
        ValueError: the stream is empty.
    """
    if len(tokens) == 0:
        raise ValueError("there is nothing to score: the stream is empty")
    tokens = tokens.to(model.head.bias.device)
    previous = torch.cat([tokens.new_tensor([END_ID]), tokens[:-1]])  # (time,)
    found, states = [], None
    for read, then in zip(previous.split(PIECE), tokens.split(PIECE), strict=True):
        logits, states = model(read[None], states)  # (1, piece, vocabulary_size)
        found.append(logits[0].log_softmax(dim=-1).gather(-1, then[:, None])[:, 0])  # (piece,)
    return torch.cat(found).cpu().double()


def perplexity(logprobs: Tensor) -> float:
    """exp of the mean of -log P: among how many words, all alike, the model seems to guess. logprobs (time,)

    Raises:
        ValueError: there is no word.
    """
    if len(logprobs) == 0:
        raise ValueError("the perplexity of no words at all is not defined: give at least one log-probability")
    return math.exp(-logprobs.mean())


def mixed(first: Tensor, second: Tensor, share: float) -> Tensor:
    """log of the mean of two models' probabilities, `share` of it the first's; both (time,) log-probabilities."""
    return (share * first.exp() + (1 - share) * second.exp()).log()


@dataclass(frozen=True)
class Writer:
    """A trained language model with all that is needed to have it read and write.

    Attributes:
        model: around our own recurrent network, so that its gates can be seen and clamped.
        vocabulary: the words it knows; it carries its own.
        sidecar: what the checkpoint says of itself: how it was made, on which text, what it scores.
    """

    model: LanguageModel
    vocabulary: tuple[str, ...]
    sidecar: dict

    name = "language model"  # as the learner sees it
    unknown = UNKNOWN  # what it reads for a word that it does not know

    def ids(self, text: str) -> Tensor:
        """The tokens of a text, (tokens,)."""
        return encode(tokenize(text), self.vocabulary)

    def words(self, text: str) -> list[str]:
        """The words of a paragraph's beginning, as `tokens` numbers them; the `<end>` of the one before comes first."""
        return [END, *tokenize(text)]

    def tokens(self, text: str) -> Tensor:
        """The words' places in the vocabulary, (time,)."""
        return encode(self.words(text), self.vocabulary)

    def follow(self, hidden: Tensor, tokens: Tensor) -> Tensor:
        """P of each word given those before it, (time,), NaN of the first; hidden (time, hidden_size)."""
        shares = self.model.head(hidden[:-1]).softmax(dim=-1).gather(-1, tokens[1:, None])[:, 0]
        return torch.cat([torch.tensor([math.nan]), shares])

    def logit(self, hidden: Tensor) -> Tensor:
        """log P of the most probable next word; hidden (hidden_size,)."""
        return self.model.head(hidden).log_softmax(dim=-1).max()

    def answer(self, hidden: Tensor) -> Answer:
        """The most probable next word and its probability; hidden (hidden_size,)."""
        share, best = self.model.head(hidden).softmax(dim=-1).max(dim=-1)
        return Answer(self.vocabulary[best], share.item())


@lru_cache
@without_trace()  # to make a model is to draw its first weights
def load_writer() -> Writer:
    """The shipped language model.

    Raises:
        CheckpointError: its files are missing or damaged; the text says what to do.
    """
    saved = load_model(data_folder() / "checkpoints" / CHECKPOINT)
    model = LanguageModel(**saved.config)
    model.load_state_dict(saved.state_dict)
    return Writer(model.readable().requires_grad_(False), tuple(saved.vocabulary), saved.scores)
