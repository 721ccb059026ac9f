"""The log-probability of a sequence under a next-word model."""

import itertools
import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from course_lib.exercises import Case, exercise, mistake, part, randn
from course_lib.recurrent.exercises.next_word.common import picked
from course_lib.recurrent.language_model import LanguageModel

Model = Callable[[Tensor], Tensor]
Weights = dict[str, Tensor]  # of a LanguageModel around nn.RNN, by PyTorch's names

# P(next | previous), one row a previous word; 0 begins and ends a sequence
BY_HAND = torch.tensor([[0.0625, 0.25, 0.6875], [0.5, 0.125, 0.375], [0.25, 0.5, 0.25]])
SHIFTS = torch.tensor([[1.0], [-2.0], [0.5]])  # what a softmax takes away again


def on_a_table(answer: Callable, table: Tensor, ids: Tensor, bos: int) -> float:
    """Score with a model that looks at one word: its logits stand in the table, one row a previous word."""
    return answer(lambda words: table[words], ids, bos)


def on_a_network(answer: Callable, weights: Weights, ids: Tensor, bos: int) -> float:
    """Score with a recurrent network."""
    return answer(network(weights), ids, bos)


def on_all(answer: Callable, weights: Weights, length: int, bos: int) -> float:
    """The sum of the probabilities of all sequences of this length."""
    model, words = network(weights), len(weights["head.bias"])
    sequences = itertools.product(range(words), repeat=length)
    return sum(math.exp(answer(model, torch.tensor(ids), bos)) for ids in sequences)


def network(weights: Weights) -> Model:
    """A recurrent network that reads (time,) words and returns the logits of the word after each, (time, V)."""
    words, width = weights["embedding.weight"].shape
    model = LanguageModel(words, width, width, cell="rnn")
    model.load_state_dict(weights)
    return lambda ids: model(torch.as_tensor(ids).unsqueeze(0))[0].squeeze(0)


def random_weights(rng: np.random.Generator, words: int) -> Weights:
    """Weights of a network of four units, large enough that its history matters."""
    like = LanguageModel(words, 4, 4, cell="rnn").state_dict()
    return {name: randn(rng, *old.shape) for name, old in like.items()}


def chain_rule(model: Model, ids: Tensor, bos: int) -> float:
    """log P of each word after those before it, one by one, added."""
    total = 0.0
    for place, word in enumerate(ids.tolist()):
        logits = model(torch.tensor([bos, *ids[:place].tolist()]))[-1]  # (V,)
        total += (logits[word] - logits.logsumexp(dim=0)).item()
    return total


@exercise("recurrent.language-model", "sequence_logprob(model, ids, bos) -> logprob", level="more", minutes=6)
def sequence_logprob(rng):
    """Score a sequence of words with a model of the next word."""
    with part("a table by hand", points=1):
        for ids, probs in (
            ([1], [0.25]),
            ([1, 0], [0.25, 0.5]),
            ([2, 2], [0.6875, 0.25]),
            ([1, 2, 1], [0.25, 0.375, 0.5]),
        ):
            pairs = itertools.pairwise([0, *ids])
            factors = [f"P({word} | {before}) = {p:g}" for (before, word), p in zip(pairs, probs, strict=True)]
            product = " · ".join(f"{prob:g}" for prob in probs)
            yield Case(
                (BY_HAND.log() + SHIFTS, torch.tensor(ids), 0),
                via=on_a_table,
                expected=math.log(math.prod(probs)),
                shown=f"bos=0, ids={ids}, and a model that looks at one word: {', '.join(factors)}",
                because=f"the probability of the whole is {product}, and its logarithm is wanted",
                rtol=1e-4,
            )
    with part("a model that remembers", points=1):
        for words, time in ((3, 1), (5, 2), (5, 4), (12, 9)):
            weights, ids = random_weights(rng, words), torch.from_numpy(rng.integers(words, size=time))
            bos = int(rng.integers(words))
            yield Case(
                (weights, ids, bos),
                via=on_a_network,
                expected=chain_rule(network(weights), ids, bos),
                shown=f"a recurrent network with {words} words, {time} random {'word' if time == 1 else 'words'}",
                because="the network has to read bos first, and then each word before the next one is scored",
                rtol=1e-4,
                atol=1e-4,
            )
    with part("a thousand words", points=1):
        for table, model in (
            (torch.zeros(50, 50), "gives each of 50 words the probability 1/50"),
            (randn(rng, 50, 50), "looks at one of 50 words, with random logits"),
        ):
            ids = torch.from_numpy(rng.integers(50, size=1000))
            yield Case(
                (table, ids, 0),
                via=on_a_table,
                expected=table.log_softmax(dim=-1)[read(ids, 0)[:-1], ids].sum().item(),
                shown=f"bos=0, 1000 random words, and a model that {model}",
                because="a product of a thousand probabilities is too small for a computer, its logarithm is not",
                rtol=1e-4,
            )
    with part("sums to one", points=1):
        for words, length in ((4, 1), (3, 2), (3, 3)):
            yield Case(
                (random_weights(rng, words), length, int(rng.integers(words))),
                via=on_all,
                expected=1.0,
                explain=lambda total: f"The probabilities sum to {total:.4g}, wanted 1.",
                shown=f"all {words**length} sequences of {length} out of {words} words, exp of each logprob",
                because="every word but bos is predicted once, by a distribution that sums to 1",
                rtol=1e-4,
                atol=1e-4,
            )


def read(ids: Tensor, bos: int) -> Tensor:
    """bos and the words, (1 + time,)."""
    return torch.cat([torch.tensor([bos]), ids])


def logits_of(model: Model, ids: Tensor, bos: int) -> Tensor:
    """What the model says of each word before it has read it: (time, V)."""
    return model(read(ids, bos)[:-1])


def logprobs(model: Model, ids: Tensor, bos: int) -> Tensor:
    """log P of each word after those before it, (time,): their sum is the right answer."""
    return picked(logits_of(model, ids, bos).log_softmax(dim=-1), ids)


@mistake(
    sequence_logprob,
    "a sum of probabilities",
    ask="Two words of probability 1/2 each, one after the other: how probable are both?",
    look="what you add up: logarithms may be added, since probabilities are multiplied.",
)
def _(model, ids, bos):
    return logprobs(model, ids, bos).exp().sum()


@mistake(
    sequence_logprob,
    "a probability, whose logarithm is wanted",
    ask="What would your result be for a text of a thousand words?",
    look="the last step: a sum of logarithms is what is asked for.",
)
def _(model, ids, bos):
    return logprobs(model, ids, bos).exp().prod()


@mistake(
    sequence_logprob,
    "the logarithm of a product that was rounded to 0",
    ask="With 1000 words of probability 1/50, what is your product?",
    look="what comes first in your function, the product or the logarithm.",
)
def _(model, ids, bos):
    return logprobs(model, ids, bos).exp().prod().log()


@mistake(
    sequence_logprob,
    "math.log of a product that was rounded to 0",
    ask="With 1000 words of probability 1/50, what is your product?",
    look="what comes first in your function, the product or the logarithm.",
)
def _(model, ids, bos):
    return math.log(logprobs(model, ids, bos).exp().prod())


@mistake(
    sequence_logprob,
    "a score in which each word is predicted by a model that has just read it",
    ask="At the row that scores a word, what is the last word that the model has read?",
    look="what the model is given: row t of its logits speaks of the word that comes after the one at place t.",
)
def _(model, ids, bos):
    return picked(model(ids).log_softmax(dim=-1), ids).sum()


@mistake(
    sequence_logprob,
    "a score that is not shifted: the model reads bos too, and each word is looked up one row too late",
    ask="Row 0 belongs to bos. Which word does it predict, bos or the first of ids?",
    look="the rows that you pick: ids[0] is predicted in row 0.",
)
def _(model, ids, bos):
    return picked(model(read(ids, bos)).log_softmax(dim=-1)[1:], ids).sum()


@mistake(
    sequence_logprob,
    "a score in which bos counts as a prediction",
    ask="Is bos a word that the model had to guess?",
    look="the targets: which of your words was given, and not predicted?",
)
def _(model, ids, bos):
    return logprobs(model, read(ids, bos), bos).sum()


@mistake(
    sequence_logprob,
    "a score in which bos is what its own row predicts",
    ask="Is bos a word that the model had to guess?",
    look="the targets: which of your words was given, and not predicted?",
)
def _(model, ids, bos):
    words = read(ids, bos)
    return picked(model(words).log_softmax(dim=-1), words).sum()


@mistake(
    sequence_logprob,
    "a score that leaves out the first word",
    ask="How many predictions does your function make for one word?",
    look="what the model reads first: bos is there so that the first word can be predicted too.",
)
def _(model, ids, bos):
    return picked(model(ids).log_softmax(dim=-1)[:-1], ids[1:]).sum()


@mistake(
    sequence_logprob,
    "a mean over the words",
    ask="If one word more is appended, may a sequence become more probable?",
    look="the last step: the logarithm of a product is a sum.",
)
def _(model, ids, bos):
    return logprobs(model, ids, bos).mean()


@mistake(
    sequence_logprob,
    "logits that are taken for log-probabilities",
    ask="Take exp of one row of the model's result. What does it sum to?",
    look="the model's result: log_softmax makes log-probabilities of it.",
)
def _(model, ids, bos):
    return picked(logits_of(model, ids, bos), ids).sum()


@mistake(
    sequence_logprob,
    "a loss, which is the log-probability with the other sign",
    ask="Can the logarithm of a probability be above 0?",
    look="the sign of your result.",
)
def _(model, ids, bos):
    return -logprobs(model, ids, bos).sum()


@mistake(
    sequence_logprob,
    "a score in which every word is predicted from the one before it alone",
    ask="When the model scores the third word, has it read the first?",
    look="what you hand to the model: the words from bos on, in one call, or again from bos on each time.",
)
def _(model, ids, bos):
    rows = torch.cat([model(word.view(1)) for word in read(ids, bos)[:-1]])
    return picked(rows.log_softmax(dim=-1), ids).sum()


@mistake(
    sequence_logprob,
    "a softmax along the time axis",
    ask="What do the probabilities of all words at one place sum to?",
    look="the dim of the softmax: the words are the last axis of (time, V).",
)
def _(model, ids, bos):
    return picked(logits_of(model, ids, bos).log_softmax(dim=0), ids).sum()
