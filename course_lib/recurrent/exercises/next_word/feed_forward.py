"""A feed-forward language model: a window of words, one table of word vectors, one hidden layer."""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from course_lib.exercises import Case, exercise, mistake, part, randn
from course_lib.exercises.values import with_article

Sizes = tuple[int, int, int, int]  # k, V, d, h
Weights = dict[str, Tensor]  # embedding.weight, hidden.weight, hidden.bias, head.weight, head.bias


def predictions(answer: Callable, sizes: Sizes, weights: Weights, words: Tensor) -> Tensor:
    """What the answer's model says with these weights, (batch, time - k, V)."""
    return _model(answer, sizes, weights)(words)


def row_sums(answer: Callable, sizes: Sizes, words: Tensor) -> Tensor:
    """What the probabilities of an untrained model sum to: (batch, predictions)."""
    log_probs = answer(*sizes)(words)
    return log_probs if log_probs is None else log_probs.exp().sum(dim=-1)


def influence(answer: Callable, sizes: Sizes, weights: Weights, words: Tensor) -> Tensor:
    """Whether a word changes a prediction, in any bit of any of its numbers: (time, predictions)."""
    model = _model(answer, sizes, weights)
    before, changed = model(words), []
    for place in range(words.shape[1]):
        others = words.clone()
        others[:, place] = (others[:, place] + 1) % sizes[1]
        changed.append((model(others) != before).any(dim=-1).any(dim=0))  # (predictions,)
    return torch.stack(changed)


@torch.no_grad()
def _model(answer: Callable, sizes: Sizes, weights: Weights) -> nn.Module:
    """The answer's model with these weights."""
    model = answer(*sizes)
    for name, value in weights.items():
        _parameter(model, name, value.shape).copy_(value)
    return model


def _parameter(model: nn.Module, name: str, shape: torch.Size) -> nn.Parameter:
    """The parameter of this name, if it is there, in the right kind of layer and of this shape."""
    layer, kind = name.split(".")
    wanted = nn.Embedding if layer == "embedding" else nn.Linear
    found = getattr(model, layer, None)
    if not isinstance(found, wanted):
        what = "nothing" if found is None else with_article(type(found).__name__)
        raise TypeError(f"self.{layer} should be one nn.{wanted.__name__}, and is {what}")
    parameter = getattr(found, kind)
    if parameter is None or parameter.shape != shape:
        what = "missing" if parameter is None else f"of shape {tuple(parameter.shape)}"
        raise ValueError(f"self.{name} is {what}, wanted {tuple(shape)}")
    return parameter


def weights_for(rng: np.random.Generator, k: int, V: int, d: int, h: int) -> Weights:
    """Weights large enough that every word of the window matters."""
    shapes = {
        "embedding.weight": (V, d), "hidden.weight": (h, k * d), "hidden.bias": (h,),
        "head.weight": (V, h), "head.bias": (V,),
    }  # fmt: skip
    return {name: randn(rng, *shape, scale=0.7) for name, shape in shapes.items()}


def by_loop(sizes: Sizes, weights: Weights, words: Tensor) -> Tensor:
    """log P of every word at each place from k on, prediction by prediction: (batch, time - k, V)."""
    k = sizes[0]
    rows = []
    for place in range(k, words.shape[1]):
        x = torch.cat([weights["embedding.weight"][words[:, t]] for t in range(place - k, place)], dim=-1)
        hidden = torch.tanh(x @ weights["hidden.weight"].T + weights["hidden.bias"])  # (batch, h)
        rows.append((hidden @ weights["head.weight"].T + weights["head.bias"]).log_softmax(dim=-1))
    return torch.stack(rows, dim=1)  # (batch, time - k, V)


def first_wrong(k: int, expected: Tensor, got: Tensor) -> str:
    """The first place at which a word reaches a prediction that it should not, or fails to."""
    place, number = (got != expected).nonzero()[0].tolist()
    window = f"word {number}" if k == 1 else f"words {number} to {number + k - 1}"
    change = "does not change" if expected[place, number] else "changes"
    return f"Word {place} {change} prediction {number}, which is of word {number + k} and sees {window}."


@exercise("recurrent.neural-lm", "FFLM(k, V, d, h)", level="more", minutes=10, blanks=4)
def fflm(rng):
    """A language model with a window of k words."""

    def shown(sizes: Sizes, batch: int, time: int) -> str:
        k, V, d, h = sizes
        return f"k={k}, V={V}, d={d}, h={h}, {batch} {'row' if batch == 1 else 'rows'} of {time} words"

    def random_words(sizes: Sizes, batch: int, time: int) -> Tensor:
        return torch.from_numpy(rng.integers(sizes[1], size=(batch, time)))

    def window_case(sizes: Sizes, time: int) -> Case:
        k, *_ = sizes
        place, number = torch.arange(time).unsqueeze(1), torch.arange(time - k)
        inside = (number <= place) & (place < number + k)  # (time, predictions)
        return Case(
            (sizes, weights_for(rng, *sizes), random_words(sizes, 2, time)),
            via=influence,
            expected=inside,
            explain=lambda got: first_wrong(k, inside, got),
            shown=f"{shown(sizes, 2, time)}, one of them changed after the other",
            because="prediction n speaks of word n + k, and has seen words n to n + k - 1",
        )

    with part("by hand", points=1):
        half = {  # word 0 makes the hidden unit 0, and word 1 makes it 1/2
            "embedding.weight": torch.tensor([[0.0], [math.atanh(0.5)]]),
            "hidden.bias": torch.zeros(1),
            "head.weight": torch.tensor([[0.0], [2 * math.log(3)]]),
            "head.bias": torch.zeros(2),
        }
        one = half | {"hidden.weight": torch.ones(1, 1)}
        two = half | {"hidden.weight": torch.tensor([[1.0, 0.0]])}
        for k, weights, words, probs, because in (
            (1, one, [[0, 0]], [[[0.5, 0.5]]], "one word is read, and one predicted"),
            (1, one, [[1, 0]], [[[0.25, 0.75]]], "the logits are 0 and log 3, so the probabilities 1/4 and 3/4"),
            (1, one, [[0, 1, 0]], [[[0.5, 0.5], [0.25, 0.75]]], "word 0 predicts word 1, and word 1 predicts word 2"),
            (2, two, [[1, 0, 0]], [[[0.25, 0.75]]], "the older word of the window comes first"),
            (2, two, [[0, 1, 0, 0]], [[[0.5, 0.5], [0.25, 0.75]]], "two windows have a word behind them"),
        ):
            says = "word 0 leads to probabilities 1/2 and 1/2, word 1 to 1/4 and 3/4"
            says += "; the older word of the window decides" if k == 2 else ""
            yield Case(
                ((k, 2, 1, 1), weights, torch.tensor(words)),
                via=predictions,
                expected=torch.tensor(probs).log(),
                shown=f"k={k}, V=2, d=1, h=1, words={words}, with weights by which {says}",
                because=because,
                rtol=1e-4,
            )
    with part("random weights", points=1):
        for sizes, batch, time in (((1, 4, 2, 3), 1, 3), ((2, 5, 3, 4), 2, 4), ((3, 9, 4, 6), 3, 8)):
            weights, words = weights_for(rng, *sizes), random_words(sizes, batch, time)
            yield Case(
                (sizes, weights, words),
                via=predictions,
                expected=by_loop(sizes, weights, words),
                shown=f"{shown(sizes, batch, time)}, random weights",
                because="write the shape beside each line: windows, their vectors, side by side, hidden, logits",
                rtol=1e-4,
                atol=1e-4,
            )
        for sizes, batch, time in (((2, 5, 3, 4), 2, 4), ((4, 12, 3, 8), 5, 9)):
            words = random_words(sizes, batch, time)
            yield Case(
                (sizes, words),
                via=row_sums,
                expected=torch.ones(batch, time - sizes[0]),
                shown=f"{shown(sizes, batch, time)}, weights as PyTorch draws them, exp and sum of each row",
                because="the log-softmax goes along the words, the last axis",
            )
    with part("a window, and nothing else", points=1):
        for sizes, time in (((1, 5, 3, 8), 3), ((2, 7, 4, 16), 6), ((3, 7, 4, 16), 7)):
            yield window_case(sizes, time)


class Bengio(nn.Module):
    """A right answer (Bengio et al. 2003), for the mistakes to change one thing in."""

    def __init__(self, k: int, V: int, d: int, h: int):
        super().__init__()
        self.k = k
        self.embedding, self.hidden, self.head = nn.Embedding(V, d), nn.Linear(k * d, h), nn.Linear(h, V)

    def windows(self, words: Tensor) -> Tensor:
        """(batch, time - k, k)"""
        return words.unfold(1, self.k, 1)[:, :-1]

    def side_by_side(self, windows: Tensor) -> Tensor:
        """The vectors of each window in one row, (batch, time - k, k * d)."""
        return self.embedding(windows).flatten(-2)

    def hidden_layer(self, x: Tensor) -> Tensor:
        """(batch, time - k, h)"""
        return torch.tanh(self.hidden(x))

    def log_probs(self, logits: Tensor) -> Tensor:
        """(batch, time - k, V)"""
        return logits.log_softmax(dim=-1)

    def forward(self, words: Tensor) -> Tensor:
        """log P of every word at each place from k on."""
        x = self.side_by_side(self.windows(words))
        return self.log_probs(self.head(self.hidden_layer(x)))


@mistake(
    fflm,
    "a model with an embedding of its own for each position",
    ask="Is «cat» another word when it stands one place further left?",
    look="__init__: how many tables of word vectors does it make?",
)
class _(Bengio):
    def __init__(self, k: int, V: int, d: int, h: int):
        super().__init__(k, V, d, h)
        self.embedding = nn.ModuleList(nn.Embedding(V, d) for _ in range(k))

    def side_by_side(self, windows: Tensor) -> Tensor:
        return torch.cat([table(windows[..., n]) for n, table in enumerate(self.embedding)], dim=-1)


@mistake(
    fflm,
    "a model whose softmax runs along the batch",
    ask="What do the probabilities of one prediction sum to?",
    look="the dim of the softmax: which axis of (batch, time - k, V) are the words?",
)
class _(Bengio):
    def log_probs(self, logits: Tensor) -> Tensor:
        return logits.log_softmax(dim=0)


@mistake(
    fflm,
    "a model whose softmax runs along the predictions",
    ask="What do the probabilities of one prediction sum to?",
    look="the dim of the softmax: which axis of (batch, time - k, V) are the words?",
)
class _(Bengio):
    def log_probs(self, logits: Tensor) -> Tensor:
        return logits.log_softmax(dim=1)


@mistake(
    fflm,
    "a model that has the word to be predicted in its window",
    ask="With k = 1, which word does your model read to predict word 1?",
    look="the windows: the one for word n + k ends at word n + k - 1.",
)
class _(Bengio):
    def windows(self, words: Tensor) -> Tensor:
        return words.unfold(1, self.k, 1)[:, 1:]


@mistake(
    fflm,
    "a model that also predicts the word after the last one",
    ask="With k = 1 and three words, how many of them have another one before them?",
    look="the last window: the word behind it is not among those that were handed in.",
)
class _(Bengio):
    def windows(self, words: Tensor) -> Tensor:
        return words.unfold(1, self.k, 1)


@mistake(
    fflm,
    "a model that predicts from its first window only",
    ask="With k = 1 and three words, how many predictions should come back?",
    look="the windows: there is one for each word from place k on.",
)
class _(Bengio):
    def windows(self, words: Tensor) -> Tensor:
        return words[:, None, : self.k]


@mistake(
    fflm,
    "a model that returns probabilities",
    ask="Can a log-probability be above 0?",
    look="the last line of forward: softmax or log_softmax?",
)
class _(Bengio):
    def log_probs(self, logits: Tensor) -> Tensor:
        return logits.softmax(dim=-1)


@mistake(
    fflm,
    "a model that returns logits",
    ask="Take exp of one row of your result. What does it sum to?",
    look="the last line of forward: what makes log-probabilities of logits?",
)
class _(Bengio):
    def log_probs(self, logits: Tensor) -> Tensor:
        return logits


@mistake(
    fflm,
    "a model without a tanh in its hidden layer",
    ask="What is a linear map of a linear map?",
    look="forward, between hidden and head.",
)
class _(Bengio):
    def hidden_layer(self, x: Tensor) -> Tensor:
        return self.hidden(x)


@mistake(
    fflm,
    "a model that takes the mean of its word vectors",
    ask="Does your model tell «dog bites man» from «man bites dog»?",
    look="the line after the embedding: the k vectors stand side by side, so that each place has its own weights.",
)
class _(Bengio):
    def __init__(self, k: int, V: int, d: int, h: int):
        super().__init__(k, V, d, h)
        self.hidden = nn.Linear(d, h)

    def side_by_side(self, windows: Tensor) -> Tensor:
        return self.embedding(windows).mean(dim=-2)


@mistake(
    fflm,
    "a model that has the newest word of its window first",
    ask="Which of the k words does the first column of hidden.weight act on?",
    look="the order in a window: oldest first, as a sentence is read.",
)
class _(Bengio):
    def windows(self, words: Tensor) -> Tensor:
        return super().windows(words).flip(dims=[-1])


@mistake(
    fflm,
    "a model that mixes the vectors of a window, number by number",
    ask="In a row of k * d numbers, which are the first d?",
    look="the reshape: after the embedding the axes are (batch, time - k, k, d), in this order.",
)
class _(Bengio):
    def side_by_side(self, windows: Tensor) -> Tensor:
        return self.embedding(windows).mT.flatten(-2)
