"""A small recurrent network that reads a sentence and says whether it praises."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor, nn

from course_lib.checkpoints import load_model
from course_lib.datasets.reviews import UNKNOWN, Reviews, encode, vocabulary, with_unknowns, words_of
from course_lib.paths import data_folder
from course_lib.recurrent.gru import GRU
from course_lib.recurrent.layers import Layers, copy_weights
from course_lib.recurrent.lstm import LSTM
from course_lib.recurrent.rnn import RNN
from course_lib.seeds import seed_everything, without_trace
from course_lib.training import Batches, History, fit

CELLS = {"rnn": (nn.RNN, RNN), "lstm": (nn.LSTM, LSTM), "gru": (nn.GRU, GRU)}  # name -> PyTorch's, ours
READERS = {
    "one layer": "sentiment_1_layer.safetensors",
    "two layers": "sentiment_2_layers.safetensors",
    "rnn": "sentiment_rnn.safetensors",
    "gru": "sentiment_gru.safetensors",
}


class SentimentClassifier(nn.Module):
    """Embedding, recurrent network, one logit read off the last word's hidden state.

    Args:
        vocabulary_size: words known, padding (0) included.
        embedding_size: width of a word's vector.
        hidden_size: units of each recurrent layer.
        num_layers: recurrent layers.
        cell: "rnn", "lstm" or "gru".
        readable: with our own network, whose gates can be seen and clamped, in place of PyTorch's, which is faster.

    Raises:
        ValueError: there is no such cell.
    """

    def __init__(
        self,
        vocabulary_size: int,
        embedding_size: int = 16,
        hidden_size: int = 16,
        num_layers: int = 1,
        cell: str = "lstm",
        readable: bool = False,
    ):
        super().__init__()
        if cell not in CELLS:
            raise ValueError(f"cell is one of {', '.join(CELLS)}, not {cell!r}")
        self.embedding = nn.Embedding(vocabulary_size, embedding_size, padding_idx=0)
        theirs, ours = CELLS[cell]
        if readable:
            self.recurrent = ours(embedding_size, hidden_size, num_layers)
        else:
            self.recurrent = theirs(embedding_size, hidden_size, num_layers, batch_first=True)
        self.head = nn.Linear(hidden_size, 1)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """The logit of «this is praise».

        Args:
            tokens: (batch, time)
            lengths: (batch,) words of each sentence; what comes after is padding

        Returns:
            logits (batch,)
        """
        hidden, _ = self.recurrent(self.embedding(tokens))  # (batch, time, hidden_size)
        last = hidden[torch.arange(len(hidden)), lengths - 1]  # (batch, hidden_size)
        return self.head(last).squeeze(-1)

    def readable(self) -> "SentimentClassifier":
        """The same model with the same weights, around our own recurrent network; itself where that is ours already."""
        theirs = self.recurrent
        if isinstance(theirs, Layers):
            return self
        words, width = self.embedding.weight.shape
        cell = type(theirs).__name__.lower()
        ours = SentimentClassifier(words, width, theirs.hidden_size, theirs.num_layers, cell, readable=True)
        ours.embedding.load_state_dict(self.embedding.state_dict())
        ours.head.load_state_dict(self.head.state_dict())
        copy_weights(theirs, ours.recurrent)
        return ours


class Answer(NamedTuple):
    """What a model makes of a text: its verdict in a word, and a probability."""

    says: str
    share: float


@dataclass(frozen=True)
class Reader:
    """A trained sentiment model with all that is needed to have it read a sentence.

    Attributes:
        name: as the learner sees it.
        model: around our own recurrent network, so that its gates can be seen and clamped.
        vocabulary: the words it knows; it carries its own.
        sidecar: what the checkpoint says of itself: how it was made, when, what it scores.
    """

    name: str
    model: SentimentClassifier
    vocabulary: tuple[str, ...]
    sidecar: dict
    unknown = UNKNOWN  # what it reads for a word that it does not know

    def words(self, text: str) -> list[str]:
        """The words of a text, as `tokens` numbers them."""
        return words_of(text)

    def tokens(self, text: str) -> Tensor:
        """The words' places in the vocabulary, (time,); ValueError if there is none."""
        return encode([text], self.vocabulary)[0][0]

    def follow(self, hidden: Tensor, _tokens: Tensor) -> Tensor:
        """The chance of praise after each word, (time,); hidden (time, hidden_size)."""
        return self.model.head(hidden).squeeze(-1).sigmoid()

    def logit(self, hidden: Tensor) -> Tensor:
        """Of praise; hidden (hidden_size,)."""
        return self.model.head(hidden).squeeze(-1)

    def answer(self, hidden: Tensor) -> Answer:
        """The verdict and the chance of praise; hidden (hidden_size,)."""
        chance = self.logit(hidden).sigmoid().item()
        return Answer("praise" if chance > 0.5 else "blame", chance)


def train_sentiment(
    reviews: Reviews, *, cell: str = "lstm", hidden_size: int = 8, num_layers: int = 1, epochs: int = 12, seed: int = 0
) -> tuple[SentimentClassifier, History]:
    """Train a sentiment classifier with the recipe that section 4.3 shows; about 4 s on one CPU thread.

    Args:
        reviews: what it learns from; 2 % of the words are hidden from it, so that it can read past words it doesn't
            know.
        cell: "rnn", "lstm" or "gru".
        hidden_size, num_layers: of the recurrent network.
        epochs: passes through the reviews.
        seed: of the initial weights and the order of the reviews.
    """
    seed_everything(seed)
    model = SentimentClassifier(len(vocabulary()), hidden_size=hidden_size, num_layers=num_layers, cell=cell)
    return model, fit_reviews(model, reviews, epochs=epochs, seed=seed, name=f"sentiment {cell.upper()}")


def fit_reviews(
    model: SentimentClassifier, reviews: Reviews, *, epochs: int, seed: int, name: str, validate: Callable | None = None
) -> History:
    """The recipe itself, for a model at hand; name and validate as for `fit`."""
    batches = Batches((with_unknowns(reviews.tokens), reviews.lengths), reviews.labels, batch_size=64, seed=seed)
    return fit(
        model, batches, nn.functional.binary_cross_entropy_with_logits,
        epochs=epochs, learning_rate=1e-2, clip_norm=1.0, validate=validate, seed=seed, name=name,
    )  # fmt: skip


@torch.no_grad()
def accuracy(model: SentimentClassifier, reviews: Reviews) -> dict[str, float]:
    """The share of reviews that the model gets right: of all, of those with a negator that counts, of the others."""
    place = next(model.parameters()).device  # `fit` leaves a model where it was trained
    praise = model(reviews.tokens.to(place), reviews.lengths.to(place)).cpu() > 0  # (reviews,)
    right = praise == (reviews.labels > 0.5)
    groups = {"all": torch.ones_like(right), "negated": reviews.negated, "plain": ~reviews.negated}
    return {name: right[rows].float().mean().item() for name, rows in groups.items()}


@lru_cache
@without_trace()  # to make a model is to draw its first weights
def load_reader(name: str = "one layer") -> Reader:
    """One of the shipped sentiment models: LSTMs of "one layer" and "two layers", a plain "rnn" and a "gru".

    Raises:
        ValueError: there is no such model.
        CheckpointError: its files are missing or damaged; the text says what to do.
    """
    if name not in READERS:
        raise ValueError(f"the sentiment models are {', '.join(READERS)}; there is no {name!r}")
    saved = load_model(data_folder() / "checkpoints" / READERS[name])
    model = SentimentClassifier(**saved.config, readable=True)
    model.load_state_dict(saved.state_dict)
    return Reader(name, model.eval().requires_grad_(False), tuple(saved.vocabulary), saved.scores)
