"""What recurrent networks learn over long lags, and whether depth or the place of the reset gate matters: experiments.

Each function trains once and returns plain numbers; `results.py` calls them over several seeds.
"""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, mse_loss

from course_lib.datasets.adding import draw_adding, load_adding
from course_lib.datasets.first_symbol import SYMBOLS, draw_first_symbol, load_first_symbol
from course_lib.datasets.reviews import load_reviews, vocabulary
from course_lib.recurrent.gradients import set_forget_bias
from course_lib.recurrent.sentiment import SentimentClassifier, accuracy, fit_reviews
from course_lib.seeds import seed_everything
from course_lib.training import Batches, fit

HELD_OUT_SEED = 1_000_000  # of the held-out rows: no training draws from it
SOLVED = 0.01  # mean squared error below which the adding problem counts as solved


def _remembering_lstm(*sizes: int, batch_first: bool) -> nn.LSTM:
    lstm = nn.LSTM(*sizes, batch_first=batch_first)
    set_forget_bias(lstm, 3.0)
    return lstm


NETWORKS: dict[str, Callable[..., nn.RNNBase]] = {
    "plain RNN": nn.RNN,
    "LSTM": nn.LSTM,  # as PyTorch starts it
    "LSTM, forget bias 3": _remembering_lstm,
    "GRU": nn.GRU,
}


class ReadLast(nn.Module):
    """A recurrent network whose last hidden state goes through a linear layer.

    Args:
        recurrent: one of PyTorch's networks, with `batch_first=True`.
        outputs: numbers that are read off.
    """

    def __init__(self, recurrent: nn.RNNBase, outputs: int):
        super().__init__()
        self.recurrent = recurrent
        self.head = nn.Linear(recurrent.hidden_size, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """x: (batch, time, input_size); returns (batch, outputs)."""
        hidden, _ = self.recurrent(x)  # (batch, time, hidden_size)
        return self.head(hidden[:, -1])


class Fresh:
    """Batches of rows that the network has never seen, drawn anew in every pass from PyTorch's own generator.

    `fit` seeds that generator before each pass, so a training repeats itself.

    Args:
        draw: `draw(rows, length)` returns inputs and targets.
        length: steps of each row.
        batches: in a pass.
        batch_size: rows in a batch.
    """

    def __init__(self, draw: Callable[[int, int], tuple[Tensor, Tensor]], length: int, batches: int, batch_size: int):
        self.draw, self.length, self.batches, self.batch_size = draw, length, batches, batch_size

    def __len__(self) -> int:
        return self.batches

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for _ in range(self.batches):
            yield self.draw(self.batch_size, self.length)


def build(network: str, input_size: int, outputs: int, hidden_size: int = 64, seed: int = 0) -> ReadLast:
    """One of `NETWORKS`, freshly started from a seed.

    Raises:
        ValueError: there is no such network.
    """
    if network not in NETWORKS:
        raise ValueError(f"the networks are {'; '.join(NETWORKS)}; there is no {network!r}")
    seed_everything(seed)
    return ReadLast(NETWORKS[network](input_size, hidden_size, batch_first=True), outputs)


def learn_adding(
    network: str, seed: int, *, length: int = 100, updates: int = 1200, every: int = 50, hidden_size: int = 64
) -> dict:
    """Train on the adding problem until it is solved (held-out error below `SOLVED`), or the updates are used up.

    Args:
        network: one of `NETWORKS`.
        seed: of the initial weights and the rows.
        length: steps of each row.
        updates: at most.
        every: updates from one measurement of the held-out error to the next.
        hidden_size: units.

    Returns:
        validated_at (measurements,) in updates; validation (measurements,), the mean squared error of 1000 held-out
        rows; solved_at, the update at which it was solved, or None
    """
    model = build(network, 2, 1, hidden_size, seed)
    held_out = Batches(*load_adding(1000, length, HELD_OUT_SEED), 500, shuffle=False)
    history = fit(
        model, Fresh(draw_adding, length, every, batch_size=64), mse_loss,
        steps=updates, learning_rate=1e-2, clip_norm=1.0, validate=held_out, stop_below=SOLVED, seed=seed,
        name=f"adding, {network}, seed {seed}",
    )  # fmt: skip
    solved = history.validated_at[-1] if history.stopped == "good enough" else None
    return {"validated_at": history.validated_at, "validation": history.validation, "solved_at": solved}


def learn_first_symbol(network: str, length: int, seed: int, *, updates: int = 200, hidden_size: int = 64) -> float:
    """Train to recall the first symbol through noise; returns the share of 1000 held-out rows that come out right."""
    model = build(network, SYMBOLS, SYMBOLS, hidden_size, seed)
    fit(
        model, Fresh(draw_first_symbol, length, updates, batch_size=64), cross_entropy,
        steps=updates, learning_rate=1e-2, clip_norm=1.0, seed=seed, name=f"first of {length}, {network}, seed {seed}",
    )  # fmt: skip
    return share_right(model, *load_first_symbol(1000, length, HELD_OUT_SEED))


@torch.no_grad()
def share_right(model: nn.Module, inputs: Tensor, targets: Tensor) -> float:
    """The share of rows whose largest logit is the target's; inputs (rows, time, features), targets (rows,)."""
    place = next(model.parameters()).device
    right = model(inputs.to(place)).argmax(dim=1) == targets.to(place)  # (rows,)
    return right.float().mean().item()


def share_wrong(model: SentimentClassifier) -> float:
    """The share of the held-out reviews that a sentiment model gets wrong."""
    return 1 - accuracy(model, load_reviews("test"))["all"]


def learn_layers(num_layers: int, hidden_size: int, seed: int, *, epochs: int = 8) -> dict:
    """Train an LSTM of so many layers on the reviews.

    Returns:
        weights, how many it has; accuracy (epochs,), on the held-out reviews after each pass
    """
    seed_everything(seed)
    model = SentimentClassifier(len(vocabulary()), hidden_size=hidden_size, num_layers=num_layers)
    history = fit_reviews(
        model, load_reviews("train"), epochs=epochs, seed=seed, name=f"{num_layers} layers, seed {seed}",
        validate=share_wrong,
    )  # fmt: skip
    weights = sum(weight.numel() for weight in [*model.recurrent.parameters(), *model.head.parameters()])
    return {"weights": weights, "accuracy": [1 - wrong for wrong in history.validation]}


def gru_reader(reset: str, seed: int, hidden_size: int = 8) -> SentimentClassifier:
    """A sentiment model around our own GRU, whose reset gate acts "before" or "after" the candidate's matrix.

    The same seed gives both the same initial weights.
    """
    seed_everything(seed)
    model = SentimentClassifier(len(vocabulary()), hidden_size=hidden_size, cell="gru", readable=True)
    model.recurrent = model.recurrent.with_reset(reset)
    return model


def learn_reset(reset: str, seed: int, *, epochs: int = 8) -> dict:
    """Train a GRU with one kind of reset on the reviews, then put the other kind in its place, weights unchanged.

    Returns:
        accuracy (epochs,), on the held-out reviews after each pass; apart_at_start and apart, the largest difference
        between the hidden states of the two kinds with equal weights, before and after the training; swapped, the
        accuracy with the other kind in place
    """
    model, other_kind = gru_reader(reset, seed), {"before": "after", "after": "before"}[reset]
    apart_at_start = _apart(model, other_kind)
    history = fit_reviews(
        model, load_reviews("train"), epochs=epochs, seed=seed, name=f"reset {reset}, seed {seed}", validate=share_wrong
    )
    model.cpu()
    apart = _apart(model, other_kind)
    model.recurrent = model.recurrent.with_reset(other_kind)
    return {
        "accuracy": [1 - wrong for wrong in history.validation],
        "apart_at_start": apart_at_start,
        "apart": apart,
        "swapped": 1 - share_wrong(model),
    }


@torch.no_grad()
def _apart(model: SentimentClassifier, other_kind: str) -> float:
    """The largest difference between hidden states over the words of the held-out reviews."""
    reviews = load_reviews("test")
    vectors = model.embedding(reviews.tokens)  # (reviews, time, embedding)
    one, _ = model.recurrent(vectors)  # (reviews, time, hidden_size)
    other, _ = model.recurrent.with_reset(other_kind)(vectors)
    words = reviews.tokens > 0  # (reviews, time)
    return (one - other).abs().amax(dim=2)[words].max().item()
