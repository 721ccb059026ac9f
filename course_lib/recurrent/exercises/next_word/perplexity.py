"""The perplexity of a batch of sentences of different lengths."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from course_lib.exercises import Case, exercise, mistake, part, randn
from course_lib.recurrent.exercises.next_word.common import picked

PADDING = 0  # also a word of the vocabulary, so that it can be looked up


def token_losses(logits: Tensor, targets: Tensor) -> Tensor:
    """-log P(target) at every place: (batch, time)."""
    return -picked(logits.log_softmax(dim=-1), targets)


def mask_of(lengths: Sequence[int]) -> Tensor:
    """True where rows of these lengths have a token: (batch, time)."""
    return torch.arange(max(lengths)) < torch.tensor(lengths).unsqueeze(1)


def with_padding(rows: Sequence[Sequence[float]]) -> tuple[Tensor, Tensor, Tensor]:
    """Logits (batch, time, 3), targets and mask (batch, time): the right words have these probabilities.

    At the padding the logits are large and all wrong, as those of a real model may be.
    """
    mask = mask_of([len(row) for row in rows])  # (batch, time)
    logits = torch.tensor([-5.0, 5.0, 5.0]).repeat(*mask.shape, 1)  # (batch, time, 3)
    targets = torch.full(mask.shape, PADDING)
    for n, row in enumerate(rows):
        for t, prob in enumerate(row):
            word = t % 3
            probs = torch.full((3,), (1 - prob) / 2)
            probs[word] = prob
            targets[n, t] = word
            logits[n, t] = probs.clamp(min=1e-30).log() + n  # a shift that a softmax takes away
    return logits, targets, mask


def random_batch(rng: np.random.Generator, lengths: Sequence[int], words: int) -> tuple[Tensor, Tensor, Tensor]:
    """Logits (batch, time, words), targets and mask (batch, time); at the padding the logits are larger still."""
    mask = mask_of(lengths)
    targets = torch.from_numpy(rng.integers(words, size=mask.shape)) * mask
    logits = randn(rng, *mask.shape, words, scale=2.0) * torch.where(mask, 1, 3).unsqueeze(-1)
    return logits, targets, mask


def improbable(logits: Tensor, targets: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The same, but the first word of each row has a logit of -150."""
    logits = logits.clone()
    logits[torch.arange(len(logits)), 0, targets[:, 0]] = -150.0
    return logits, targets, mask


@exercise("recurrent.perplexity", "perplexity(logits, targets, mask) -> perplexity", level="core", minutes=6)
def perplexity(rng):
    """The perplexity of a batch, counted by tokens, without the padding."""

    def by_hand(rows: list[list[float]], expected: float, shown: str, because: str) -> Case:
        return Case(with_padding(rows), expected=expected, shown=shown, because=because, rtol=1e-4)

    def drawn(inputs: tuple[Tensor, Tensor, Tensor], shown: str, because: str) -> Case:
        logits, targets, mask = inputs
        losses = torch.nn.functional.cross_entropy(logits[mask].double(), targets[mask])
        lengths = ", ".join(map(str, mask.sum(dim=1).tolist()))
        shown = f"rows of {lengths} tokens, {logits.shape[-1]} words, {shown}"
        return Case(inputs, expected=losses.exp().item(), shown=shown, because=because, rtol=1e-3)

    with part("one row", points=1):
        for words in (2, 50):
            uniform = torch.zeros(1, 3, words), torch.arange(3).unsqueeze(0) % words, mask_of([3])
            yield Case(
                uniform,
                expected=float(words),
                shown=f"1 row of 3 tokens, all logits 0, {words} words",
                because="a model for which all words are equally likely has their number as its perplexity",
            )
        yield by_hand(
            [[0.5, 0.125]],
            4.0,
            "1 row of 2 tokens, whose probabilities are 1/2 and 1/8",
            "(log 2 + log 8) / 2 = log 4: the mean is taken of the logarithms",
        )
        yield by_hand(
            [[1.0, 1.0, 1.0]],
            1.0,
            "1 row of 3 tokens, all certain",
            "who is always certain, and right, has perplexity 1",
        )
        yield by_hand(
            [[0.25]],
            4.0,
            "1 row of 1 token, whose probability is 1/4",
            "exp(-log(1/4)) = 4, with the natural logarithm",
        )
    with part("rows of different lengths", points=1):
        yield by_hand(
            [[0.5], [0.25, 0.25, 0.25]],
            2**1.75,
            "rows of 1 and 3 tokens, whose probabilities are 1/2 in the first row and 1/4 in the second",
            "four tokens, four equal shares: (log 2 + 3 log 4) / 4",
        )
        yield by_hand(
            [[0.5, 0.5, 0.5, 0.5], [0.125]],
            2**1.4,
            "rows of 4 and 1 tokens, whose probabilities are 1/2 in the first row and 1/8 in the second",
            "five tokens, five equal shares: (4 log 2 + log 8) / 5",
        )
    with part("random batches", points=1):
        for lengths, words in (([2], 3), ([4, 2], 5), ([1, 6, 3], 10), ([9, 2, 5, 1, 7], 40)):
            because = "take the log-probabilities of the targets that the mask holds, their mean, and exp of minus that"
            yield drawn(random_batch(rng, lengths, words), "random logits", because)
        for lengths in ([5, 12], [30, 20, 25]):
            shown = "random logits, but the first word of each row has a logit of -150"
            because = "e ** -150 is too small for a float32; log_softmax never makes it"
            yield drawn(improbable(*random_batch(rng, lengths, words=20)), shown, because)


def mean_of(values: Tensor, mask: Tensor) -> Tensor:
    """The mean of the values that the mask holds, of each row: (batch,)."""
    return (values * mask).sum(dim=1) / mask.sum(dim=1)


@mistake(
    perplexity,
    "the mean of the rows' perplexities",
    ask="A row of one token and a row of three: how much does each token count in your result?",
    look="the order of mean and exp: the mean comes first, over all tokens of all rows.",
)
def _(logits, targets, mask):
    return mean_of(token_losses(logits, targets), mask).exp().mean()


@mistake(
    perplexity,
    "exp of the mean of the rows' means, in which a short row counts as much as a long one",
    ask="A row of one token and a row of three: how much does each token count in your result?",
    look="the mean: sum over all tokens of all rows, and divide once, by their number.",
)
def _(logits, targets, mask):
    return mean_of(token_losses(logits, targets), mask).mean().exp()


@mistake(
    perplexity,
    "2 to the power of a mean that was taken with natural logarithms",
    ask="With all logits 0 and 50 words, what is your result, and what should it be?",
    look="the two bases: if log is the natural one, the way back is exp.",
)
def _(logits, targets, mask):
    return 2 ** token_losses(logits, targets)[mask].mean()


@mistake(
    perplexity,
    "a perplexity that counts the padding as well",
    ask="Change a logit where the mask is False. May the perplexity change? Does yours?",
    look="the mean: which places of the batch go into it?",
)
def _(logits, targets, mask):
    return token_losses(logits, targets).mean().exp()


@mistake(
    perplexity,
    "a sum without the padding, divided by the number of all places",
    ask="How many tokens does the mask hold, and by which number do you divide?",
    look="the denominator: multiplying by the mask makes zeros, and mean() counts those too.",
)
def _(logits, targets, mask):
    return (token_losses(logits, targets) * mask).mean().exp()


@mistake(
    perplexity,
    "a perplexity that leaves out the tokens whose id is 0, and not those that the mask leaves out",
    ask="Can a word of a sentence have the id 0?",
    look="the condition that chooses the tokens: mask says it, not the ids.",
)
def _(logits, targets, mask):
    return token_losses(logits, targets)[targets != PADDING].mean().exp()


@mistake(
    perplexity,
    "the mean of 1 / P over the tokens",
    ask="For probabilities of 1/2 and 1/8, is your result 5 or 4?",
    look="the order of mean and exp: the mean is taken of the logarithms.",
)
def _(logits, targets, mask):
    return token_losses(logits, targets)[mask].exp().mean()


@mistake(
    perplexity,
    "the mean loss, before it is turned into a number of words",
    ask="With all logits 0 and 50 words, is your result 50?",
    look="the last step: exp turns a mean of logarithms back.",
)
def _(logits, targets, mask):
    return token_losses(logits, targets)[mask].mean()


@mistake(
    perplexity,
    "1 divided by the perplexity",
    ask="Can a perplexity be below 1?",
    look="the sign: the logarithm of a probability is negative.",
)
def _(logits, targets, mask):
    return (-token_losses(logits, targets)[mask].mean()).exp()


@mistake(
    perplexity,
    "exp of the sum, where the mean is wanted",
    ask="If the same sentence is twice as long, should its perplexity grow?",
    look="the sum over the tokens: by what is it divided?",
)
def _(logits, targets, mask):
    return token_losses(logits, targets)[mask].sum().exp()


@mistake(
    perplexity,
    "logits that are taken for log-probabilities",
    ask="Add 1 to all logits. Do the probabilities change? Does your result?",
    look="what you do with the logits first: exp of them does not sum to 1 yet.",
)
def _(logits, targets, mask):
    return (-picked(logits, targets)[mask].mean()).exp()


@mistake(
    perplexity,
    "a softmax along the time axis",
    ask="For one place of the batch, what do your probabilities of all words sum to?",
    look="the dim of the softmax: which axis of (batch, time, V) are the words?",
)
def _(logits, targets, mask):
    return (-picked(logits.log_softmax(dim=1), targets)[mask].mean()).exp()


@mistake(
    perplexity,
    "targets that are shifted by one place, though they are the next words already",
    ask="Which word do the logits at place 0 speak of: targets[:, 0] or targets[:, 1]?",
    look="the slices of logits and targets: here both begin at the same place.",
)
def _(logits, targets, mask):
    return token_losses(logits[:, :-1], targets[:, 1:])[mask[:, 1:]].mean().exp()


@mistake(
    perplexity,
    "the perplexity of the word that the model thinks most likely, whichever word came",
    ask="A model is certain, and wrong. What is its perplexity to you?",
    look="the probability that you pick: it belongs to the target.",
)
def _(logits, targets, mask):
    return (-logits.log_softmax(dim=-1).amax(dim=-1)[mask].mean()).exp()


@mistake(
    perplexity,
    "the logarithm of a softmax that has rounded small probabilities to 0",
    ask="With logits of 0 and 200, what is the softmax in your computer, and what is its logarithm?",
    look="softmax followed by log: log_softmax does both in one step, without the 0 in between.",
)
def _(logits, targets, mask):
    return (-picked(logits.softmax(dim=-1).log(), targets)[mask].mean()).exp()
