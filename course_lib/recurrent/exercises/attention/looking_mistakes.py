"""Wrong answers to the exercise «attend»."""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from course_lib.exercises import mistake
from course_lib.recurrent.attention import masked_softmax
from course_lib.recurrent.exercises.attention.looking import Looked, Mask, attend, dot


def look(query: Tensor, keys: Tensor, values: Tensor, mask: Mask, score: Callable, weigh=masked_softmax) -> Looked:
    """A right answer, for the mistakes to change one thing in.

    Args:
        query, keys, values, mask, score: as the exercise hands them over
        weigh: makes weights of scores and a mask, all (batch, source); where no mask is handed over, it is True
    """
    may = torch.ones(keys.shape[:2], dtype=torch.bool) if mask is None else mask
    weights = weigh(score(query, keys), may)
    return (weights.unsqueeze(-1) * values).sum(dim=1), weights


@mistake(
    attend,
    "a softmax over the batch in place of the source",
    ask="Add up your weights of one row of the batch. Is the sum 1?",
    look="the axis of the softmax: one query shares its weights out among the places of its own source.",
)
def _(*inputs):
    return look(*inputs, weigh=lambda scores, mask: masked_softmax(scores.T, mask.T).T)


@mistake(
    attend,
    "a mask that is multiplied in after the softmax",
    ask="Add up the weights of a row with padding. Who has got the rest?",
    look="the order of mask and softmax: padding must be out before the weights are shared out.",
)
def _(*inputs):
    return look(*inputs, weigh=lambda scores, mask: scores.softmax(dim=-1) * mask)


def shared_out_again(scores: Tensor, mask: Tensor) -> Tensor:
    """Weights that were made of all scores, masked, and divided by what is left of their sum."""
    weights = scores.softmax(dim=-1) * mask
    return weights / weights.sum(dim=-1, keepdim=True)


@mistake(
    attend,
    "a mask after the softmax, and NaN where it leaves nothing to share out again",
    ask="You divide by what the mask has left of the sum. What has it left in a row of nothing but padding?",
    look="the order of mask and softmax: with the mask first, only such a row needs a rule of its own.",
)
def _(*inputs):
    return look(*inputs, weigh=shared_out_again)


@mistake(
    attend,
    "a mask after the softmax, and what is left shared out again",
    ask="A hidden place scores 200, two others 0 and 1. What does the softmax leave for those two, in float32?",
    look="the order of mask and softmax: what the softmax has rounded to 0 cannot be shared out again.",
)
def _(*inputs):
    return look(*inputs, weigh=lambda scores, mask: shared_out_again(scores, mask).nan_to_num(0.0))


@mistake(
    attend,
    "NaN for a row that may look nowhere",
    ask="If every score of a row is -inf, what does the softmax divide by?",
    look="the rows whose mask is False everywhere: their weights have to be set to 0.",
)
def _(*inputs):
    return look(*inputs, weigh=lambda scores, mask: scores.masked_fill(~mask, -math.inf).softmax(dim=-1))


@mistake(
    attend,
    "a row that may look nowhere, and looks everywhere",
    ask="If every score of a row is the same -1e9, what does the softmax make of them?",
    look="the rows whose mask is False everywhere: their weights have to be set to 0.",
)
def _(*inputs):
    return look(*inputs, weigh=lambda scores, mask: scores.masked_fill(~mask, -1e9).softmax(dim=-1))


@mistake(
    attend,
    "padding that gets a score of 0",
    ask="What is exp(0), and so which weight has a place with the score 0?",
    look="the number that you write over the scores of padding: which score makes a weight of 0?",
)
def _(*inputs):
    return look(*inputs, weigh=lambda scores, mask: (scores * mask).softmax(dim=-1))


@mistake(
    attend,
    "an attention that looks at padding like at all else",
    ask="Change the keys at the padding. Do your weights change?",
    look="the mask: what does your function do with it?",
)
def _(*inputs):
    return look(*inputs, weigh=lambda scores, mask: scores.softmax(dim=-1))


@mistake(
    attend,
    "a mask that is read the wrong way round",
    ask="The mask is True where a word stands. Which places does yours hide?",
    look="the condition of masked_fill: it overwrites where its mask is True.",
)
def _(query, keys, values, mask, score):
    def hide_words(scores, _):
        return (scores if mask is None else scores.masked_fill(mask, -math.inf)).softmax(dim=-1)

    return look(query, keys, values, mask, score, weigh=hide_words)


@mistake(
    attend,
    "the scores themselves as weights",
    ask="Can a weight be negative, or larger than 1? Can one of yours?",
    look="the step from scores to weights: something has to make shares of them that sum to 1.",
)
def _(*inputs):
    return look(*inputs, weigh=lambda scores, mask: scores * mask)


@mistake(
    attend,
    "scores that are divided by √size once more",
    ask="What does your function do to the scores besides a softmax, and who has asked for it?",
    look="the line between score and softmax: scaling is the score's own business, and another score needs none.",
)
def _(query, keys, values, mask, score):
    return look(query, keys, values, mask, lambda query, keys: score(query, keys) / math.sqrt(keys.shape[-1]))


@mistake(
    attend,
    "a dot product, whichever score is handed in",
    ask="score is an argument. Where does your function call it?",
    look="the line of the scores: how to compare a query with a key is for the caller to say.",
)
def _(query, keys, values, mask, score):
    return look(query, keys, values, mask, dot)


@mistake(
    attend,
    "a weighted sum of the keys",
    ask="Keys say where to look. What is there to be seen?",
    look="the last product: weights times which of the two tensors?",
)
def _(query, keys, values, mask, score):
    return look(query, keys, keys, mask, score)


@mistake(
    attend,
    "a weighted sum that is divided by the number of places",
    ask="With weights of 1/2 and 1/2, what is the context of the values 2 and 4?",
    look="the last line: the weights sum to 1 already, so a sum is a mean.",
)
def _(*inputs):
    context, weights = look(*inputs)
    return context / weights.shape[1], weights


@mistake(
    attend,
    "all the weight on the best place",
    ask="Two places with the scores 0 and log 3: how much of the weight does the first get?",
    look="the step from scores to weights: a softmax leaves every place its share, argmax does not.",
)
def _(*inputs):
    def best(scores, mask):
        places = scores.masked_fill(~mask, -math.inf).argmax(dim=-1)  # (batch,)
        return one_hot(places, scores.shape[1]).float() * mask

    return look(*inputs, weigh=best)
