"""The mistakes that `dropout` is known for: in the factor, in the mask, and in what happens when."""

import torch

from course_lib.exercises import mistake
from course_lib.foundations.exercises.deep.dropout import dropout, dropped, mask_of


@mistake(
    dropout,
    "a dropout that leaves the survivors as they are",
    ask="Half of a layer goes. By how much does the sum shrink that the next layer adds up, and who makes up for it?",
    look="what happens to the numbers that are left.",
)
def _(x, p, training, generator):
    return dropped(x, p, training, generator, factor=lambda p: 1)


@mistake(
    dropout,
    "dropout as it was first published, which shrinks x in evaluation",
    ask="In evaluation, what comes out of yours for x = 1? And in training, on average?",
    look="where the factor stands: here the survivors grow in training, so that evaluation has nothing to do.",
)
def _(x, p, training, generator):
    return dropped(x, p, training, generator, factor=lambda p: 1, in_evaluation=lambda x, p: (1 - p) * x)


@mistake(
    dropout,
    "a dropout that shrinks the survivors",
    ask="Half of the numbers is left. Should each of them become larger or smaller, so that the mean stays?",
    look="the factor: multiply or divide?",
)
def _(x, p, training, generator):
    return dropped(x, p, training, generator, factor=lambda p: 1 - p)


@mistake(
    dropout,
    "a dropout whose survivors are divided by p",
    ask="With p = 0.25, which share of the numbers is left?",
    look="the denominator: it is the share that stays.",
)
def _(x, p, training, generator):
    return dropped(x, p, training, generator, factor=lambda p: 1 / p if p else 1)


@mistake(
    dropout,
    "a dropout that keeps a share of p, and grows for a share of 1 - p",
    ask="With p = 0.25, how many zeros come out?",
    look="the comparison that makes the mask: which side of p stays?",
)
def _(x, p, training, generator):
    return dropped(x, p, training, generator, mask=lambda x, p, generator: 1 - mask_of(x, p, generator))


@mistake(
    dropout,
    "a dropout for which p is the chance to stay",
    ask="With p = 0, what should come out?",
    look="the meaning of p, in the mask and in the factor.",
)
def _(x, p, training, generator):
    return dropped(x, 1 - p, training, generator)


@mistake(
    dropout,
    "a dropout that goes on in evaluation",
    ask="Ask the same network twice about the same row. What do you want to get?",
    look="what `training` decides.",
)
def _(x, p, training, generator):
    return dropped(x, p, True, generator)


@mistake(
    dropout,
    "a dropout with one mask for all rows",
    ask="Two samples of a batch: which of their units go?",
    look="the shape of the mask: broadcasting makes one row of it serve for all.",
)
def _(x, p, training, generator):
    return dropped(x, p, training, generator, mask=lambda x, p, generator: mask_of(x[:1], p, generator))


@mistake(
    dropout,
    "a dropout with one mask for all rows, drawn for the last axis",
    ask="Two samples of a batch: which of their units go?",
    look="the shape of the mask: broadcasting makes one row of it serve for all.",
)
def _(x, p, training, generator):
    def of_a_row(x, p, generator):
        return mask_of(x[(0,) * (x.ndim - 1)], p, generator)

    return dropped(x, p, training, generator, mask=of_a_row)


@mistake(
    dropout,
    "a dropout that takes whole rows out",
    ask="One sample is all zeros. What can the next layer learn from it?",
    look="the shape of the mask: every number has a draw of its own.",
)
def _(x, p, training, generator):
    return dropped(x, p, training, generator, mask=lambda x, p, generator: mask_of(x[..., :1], p, generator))


@mistake(
    dropout,
    "a dropout that takes out an exact number, drawn without replacement",
    ask="Ten numbers, p = 0.5, a thousand times: how often should exactly five of them go?",
    look="randperm, or what you draw places with: each number has a draw of its own, and their sum is left to chance.",
)
def _(x, p, training, generator):
    def exact(x, p, generator):
        order = torch.randperm(x.numel(), generator=generator)
        return (order >= round(p * x.numel())).to(x.dtype).reshape(x.shape)

    return dropped(x, p, training, generator, mask=exact)


@mistake(
    dropout,
    "a dropout that draws without the generator",
    ask="Hand over a generator of the same seed again. Does the same mask come out?",
    look="the line that draws: what does it draw from?",
)
def _(x, p, training, generator):
    return dropped(x, p, training, generator, mask=lambda x, p, generator: mask_of(x, p, None))


@mistake(
    dropout,
    "a dropout that sets the seed anew in every call",
    ask="Two batches, one after the other: which units go in the first, and which in the second?",
    look="manual_seed: a generator remembers by itself where it stands.",
)
def _(x, p, training, generator):
    return dropped(x, p, training, generator.manual_seed(0))


@mistake(
    dropout,
    "a dropout that divides by 0 at p = 1",
    ask="With p = 1, what is 0 times 1 / (1 - p)?",
    look="the case p = 1: nothing is left that could grow.",
)
def _(x, p, training, generator):
    if not training:
        return x
    return x * mask_of(x, p, generator) / (1 - p if p < 1 else torch.tensor(0.0))


@mistake(
    dropout,
    "a dropout that stops with an error at p = 1",
    ask="With p = 1, what is 1 - p, and what do you do with it?",
    look="the case p = 1: nothing is left that could grow.",
)
def _(x, p, training, generator):
    return x * mask_of(x, p, generator) * (1 / (1 - p)) if training else x


@mistake(
    dropout,
    "a dropout that writes its zeros into x",
    ask="The caller looks at x again after your function has run. Which numbers are gone?",
    look="x[...] = 0, or a name that ends in _: make a new tensor.",
)
def _(x, p, training, generator):
    if not training:
        return x
    x[mask_of(x, p, generator) == 0] = 0
    return x / (1 - p) if p < 1 else x


@mistake(
    dropout,
    "a dropout whose gradient passes what was dropped",
    ask="A unit was dropped. Which gradient may it get for a batch that it had no part in?",
    look="detach: the mask is a product that autograd has to see.",
)
def _(x, p, training, generator):
    return x + (dropped(x, p, training, generator) - x).detach()


@mistake(
    dropout,
    "a dropout that normal numbers decide",
    ask="What share of normal random numbers lies below 0.5? Below 0?",
    look="randn: which draw lies below p with a chance of p?",
)
def _(x, p, training, generator):
    return dropped(
        x,
        p,
        training,
        generator,
        mask=lambda x, p, generator: (torch.randn(x.shape, generator=generator) >= p).to(x.dtype),
    )
