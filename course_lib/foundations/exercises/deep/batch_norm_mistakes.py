"""The mistakes that `batch_norm` is known for: over what is averaged, and what is used in which mode."""

from collections.abc import Callable

import torch
from torch import Tensor

from course_lib.exercises import mistake
from course_lib.foundations.exercises.deep.batch_norm import EPS, Results, Running, batch_norm


def over_batch(x: Tensor, correction: int = 0) -> Running:
    """Mean and variance of every feature."""
    return x.mean(dim=0), x.var(dim=0, correction=correction)


def with_root(x: Tensor, mean: Tensor, var: Tensor) -> Tensor:
    """x on the scale of this mean and this variance."""
    return (x - mean) / torch.sqrt(var + EPS)


def towards(old: Tensor, new: Tensor, momentum: float) -> Tensor:
    """The running statistic, moved."""
    return (1 - momentum) * old + momentum * new.detach()


def normed(
    x: Tensor,
    gamma: Tensor,
    beta: Tensor,
    running: Running,
    momentum: float,
    training: bool,
    *,
    of_batch: Callable[[Tensor], Running] = over_batch,
    kept: Callable[[Tensor], Running] = lambda x: over_batch(x, correction=1),
    move: Callable[[Tensor, Tensor, float], Tensor] = towards,
    scale: Callable[[Tensor, Tensor, Tensor], Tensor] = with_root,
    affine: Callable[[Tensor, Tensor, Tensor], Tensor] = lambda x, gamma, beta: gamma * x + beta,
) -> Results:
    """A right answer, for the mistakes to change one thing in."""
    statistics = running
    if training:
        statistics = of_batch(x)
        running = tuple(move(old, new, momentum) for old, new in zip(running, kept(x), strict=True))
    return affine(scale(x, *statistics), gamma, beta), *running


@mistake(
    batch_norm,
    "a function that uses the batch's statistics in evaluation too",
    ask="One row in evaluation: what is its mean over the batch, and what is left of it when that is taken away?",
    look="what `training` decides: which mean and which variance are used.",
)
def _(x, gamma, beta, running, momentum, training):
    y, *moved = normed(x, gamma, beta, running, momentum, True)
    return (y, *moved) if training else (y, *running)


@mistake(
    batch_norm,
    "a function that knows only training, whatever `training` says",
    ask="Which of your lines asks what `training` is?",
    look="the evaluation: other statistics are used there, and none moves.",
)
def _(x, gamma, beta, running, momentum, training):
    return normed(x, gamma, beta, running, momentum, True)


@mistake(
    batch_norm,
    "a function that normalises every row over its features, which is layer normalisation",
    ask="Two rows, three features: how many means should there be?",
    look="dim: over which of the two axes of x is the mean taken?",
)
def _(x, gamma, beta, running, momentum, training):
    def over_features(x, correction=0):
        return x.mean(dim=1, keepdim=True), x.var(dim=1, correction=correction, keepdim=True)

    return normed(
        x, gamma, beta, running, momentum, training, of_batch=over_features, kept=lambda x: over_features(x, 1)
    )


@mistake(
    batch_norm,
    "a function that normalises rows over their features, and keeps running statistics of the columns",
    ask="Two rows, three features: how many means should there be?",
    look="dim: over which of the two axes of x are the mean and the variance for y taken?",
)
def _(x, gamma, beta, running, momentum, training):
    def over_features(x):
        return x.mean(dim=1, keepdim=True), x.var(dim=1, correction=0, keepdim=True)

    return normed(x, gamma, beta, running, momentum, training, of_batch=over_features)


@mistake(
    batch_norm,
    "a function that takes one mean and one variance over all of x",
    ask="One feature is a length in metres, another a weight in grams. What does their common mean say?",
    look="mean and var without a dim: every feature needs its own.",
)
def _(x, gamma, beta, running, momentum, training):
    def over_all(x, correction=0):
        return x.mean(), x.var(correction=correction)

    return normed(x, gamma, beta, running, momentum, training, of_batch=over_all, kept=lambda x: over_all(x, 1))


@mistake(
    batch_norm,
    "a function that normalises by the unbiased variance",
    ask="A column of 1 and 3: its squares differ from the mean by 1 each. By what do you divide their sum?",
    look="x.var(dim=0): which correction has it by default, and which of the two variances wants that?",
)
def _(x, gamma, beta, running, momentum, training):
    return normed(x, gamma, beta, running, momentum, training, of_batch=lambda x: over_batch(x, correction=1))


@mistake(
    batch_norm,
    "a function that keeps the biased variance",
    ask="The running variance stands for all data, and a batch is a sample of them. Which estimate is unbiased?",
    look="the variance that moves the running one: it divides by n - 1.",
)
def _(x, gamma, beta, running, momentum, training):
    return normed(x, gamma, beta, running, momentum, training, kept=over_batch)


@mistake(
    batch_norm,
    "a function with the two variances exchanged",
    ask="A column of 1 and 3, n = 2: which of your two variances divides by 2, and which by 1?",
    look="where each variance goes: n for this batch, n - 1 for what stands for all data.",
)
def _(x, gamma, beta, running, momentum, training):
    return normed(
        x,
        gamma,
        beta,
        running,
        momentum,
        training,
        of_batch=lambda x: over_batch(x, correction=1),
        kept=over_batch,
    )


@mistake(
    batch_norm,
    "a function whose momentum is the share that stays",
    ask="With a momentum of 0.1, how much of the old running mean should be left after one batch?",
    look="the two shares: here, as in PyTorch, `momentum` is that of the new batch.",
)
def _(x, gamma, beta, running, momentum, training):
    return normed(
        x, gamma, beta, running, momentum, training, move=lambda old, new, share: towards(old, new, 1 - share)
    )


@mistake(
    batch_norm,
    "a function whose running statistics are those of the last batch",
    ask="A thousand batches, and then an odd one. What should the running mean remember?",
    look="where `momentum` comes in.",
)
def _(x, gamma, beta, running, momentum, training):
    return normed(x, gamma, beta, running, momentum, training, move=lambda old, new, share: new.detach())


@mistake(
    batch_norm,
    "a function whose running statistics grow with every batch",
    ask="The running mean is 2 and every batch has the mean 2. What should it become, and what does yours?",
    look="the share of the old value: both shares together are 1.",
)
def _(x, gamma, beta, running, momentum, training):
    return normed(x, gamma, beta, running, momentum, training, move=lambda old, new, share: old + share * new.detach())


@mistake(
    batch_norm,
    "a function that keeps the running statistics as they are",
    ask="After a thousand batches, what do your running statistics know of the data?",
    look="what you return second and third in training.",
)
def _(x, gamma, beta, running, momentum, training):
    return normed(x, gamma, beta, running, momentum, training, move=lambda old, new, share: old)


@mistake(
    batch_norm,
    "a function that writes into the running statistics that it is handed",
    ask="Who else holds the tensors in `running`, and what do they find there afterwards?",
    look="mul_, add_, lerp_ or +=: the moved statistics are new tensors.",
)
def _(x, gamma, beta, running, momentum, training):
    return normed(
        x, gamma, beta, running, momentum, training, move=lambda old, new, share: old.lerp_(new.detach(), share)
    )


@mistake(
    batch_norm,
    "a function that normalises by the running statistics in training too",
    ask="A batch goes through in training. What are the mean and the spread of a column of y before gamma and beta?",
    look="what `training` decides: which mean and which variance are used.",
)
def _(x, gamma, beta, running, momentum, training):
    def attached(old, new, share):
        return (1 - share) * old + share * new

    _, *moved = normed(x, gamma, beta, running, momentum, training, move=attached)
    return normed(x, gamma, beta, moved, momentum, False)


@mistake(
    batch_norm,
    "a function that normalises by the running statistics in training too, before they move",
    ask="A batch goes through in training. What are the mean and the spread of a column of y before gamma and beta?",
    look="what `training` decides: which mean and which variance are used.",
)
def _(x, gamma, beta, running, momentum, training):
    _, *moved = normed(x, gamma, beta, running, momentum, training)
    y, *_ = normed(x, gamma, beta, running, momentum, False)
    return y, *moved


@mistake(
    batch_norm,
    "a function that adds 1e-5 behind the root",
    ask="For a variance of 0.000004, what is the root of variance and 1e-5 together, and what is root and 1e-5?",
    look="where 1e-5 is added: before the root is taken.",
)
def _(x, gamma, beta, running, momentum, training):
    return normed(
        x, gamma, beta, running, momentum, training, scale=lambda x, mean, var: (x - mean) / (var.sqrt() + EPS)
    )


@mistake(
    batch_norm,
    "a function that forgets the 1e-5",
    ask="A column that is 7 in every row: what do you divide by what?",
    look="the root: something small is added to the variance.",
)
def _(x, gamma, beta, running, momentum, training):
    return normed(x, gamma, beta, running, momentum, training, scale=lambda x, mean, var: (x - mean) / var.sqrt())


@mistake(
    batch_norm,
    "a function that divides by the variance",
    ask="A length in metres, less its mean: what is its variance measured in, and what is left after your division?",
    look="the denominator: a root is missing.",
)
def _(x, gamma, beta, running, momentum, training):
    return normed(x, gamma, beta, running, momentum, training, scale=lambda x, mean, var: (x - mean) / (var + EPS))


@mistake(
    batch_norm,
    "a function without gamma and beta",
    ask="What does your function do with gamma and beta?",
    look="the last step: the network may choose another scale and another middle.",
)
def _(x, gamma, beta, running, momentum, training):
    return normed(x, gamma, beta, running, momentum, training, affine=lambda x, gamma, beta: x)


@mistake(
    batch_norm,
    "a function with gamma and beta exchanged",
    ask="With gamma 2 and beta 5, what becomes of a normalised 1?",
    look="the last step: gamma multiplies, beta is added.",
)
def _(x, gamma, beta, running, momentum, training):
    return normed(x, beta, gamma, running, momentum, training)


@mistake(
    batch_norm,
    "a function whose mean and variance are cut off from autograd",
    ask="Raise every number of a column by 1. How does y change, and what does your gradient by x add up to?",
    look="detach, item or no_grad: only the running statistics may be cut off.",
)
def _(x, gamma, beta, running, momentum, training):
    return normed(x, gamma, beta, running, momentum, training, of_batch=lambda x: over_batch(x.detach()))
