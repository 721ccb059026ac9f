"""Attend: weights from a score and a softmax over the source, then the weighted sum of the values."""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from course_lib.exercises import Case, exercise, mistake, part, randn
from course_lib.exercises.compare import show
from course_lib.recurrent.attention import masked_softmax


def dot(query: Tensor, keys: Tensor) -> Tensor:
    """q·k: query (batch, size), keys (batch, source, size), scores (batch, source)."""
    return (keys @ query.unsqueeze(-1)).squeeze(-1)


def general(query: Tensor, keys: Tensor, W: Tensor) -> Tensor:
    """q·W k, W (size, size); shapes as in `dot`."""
    return dot(query @ W, keys)


def additive(query: Tensor, keys: Tensor, W: Tensor, U: Tensor, v: Tensor) -> Tensor:
    """v·tanh(W q + U k), W and U (hidden, size), v (hidden,); shapes as in `dot`."""
    return ((query @ W.T).unsqueeze(1) + keys @ U.T).tanh() @ v


SCORES = {"dot": dot, "general": general, "additive": additive}


def score_of(kind: str, parameters: tuple) -> Callable[[Tensor, Tensor], Tensor]:
    """The score function of this name, with its matrices in it."""

    def score(query: Tensor, keys: Tensor) -> Tensor:
        if query.ndim != 2 or keys.ndim != 3:
            got = f"{tuple(query.shape)} and {tuple(keys.shape)}"
            raise ValueError(f"score takes a query (batch, size) and keys (batch, source, size), and got shapes {got}")
        return SCORES[kind](query, keys, *parameters)

    return score


def with_score(answer: Callable, query: Tensor, keys: Tensor, values: Tensor, mask, kind: str, parameters: tuple):
    """Hand the score over as a function: it stands in the inputs by name."""
    return answer(query, keys, values, mask, score_of(kind, parameters))


def in_another_order(answer: Callable, query, keys, values, mask, kind: str, parameters: tuple, order: Tensor):
    """Put keys, values and mask in this order, and the weights back."""
    shuffled = None if mask is None else mask[:, order]
    result = answer(query, keys[:, order], values[:, order], shuffled, score_of(kind, parameters))
    if not isinstance(result, (tuple, list)) or len(result) != 2 or getattr(result[1], "shape", None) != keys.shape[:2]:
        return result  # of the wrong form, which the judge says
    context, weights = result
    return context, weights[:, order.argsort()]


def by_loop(query: Tensor, keys: Tensor, values: Tensor, mask, kind: str, parameters: tuple) -> tuple[Tensor, Tensor]:
    """Row by row and place by place: context (batch, width) and weights (batch, source)."""
    score, (batch, source, _) = score_of(kind, parameters), keys.shape
    context, weights = torch.zeros(batch, values.shape[-1]), torch.zeros(batch, source)
    for row in range(batch):
        places = [place for place in range(source) if mask is None or mask[row, place]]
        shares = [math.exp(score(query[[row]], keys[[row]][:, [place]]).item()) for place in places]
        for place, share in zip(places, shares, strict=True):
            weights[row, place] = share / sum(shares)
            context[row] += weights[row, place] * values[row, place]
    return context, weights


def violated(result: tuple[Tensor, Tensor], mask: Tensor) -> str | None:
    """Which rule the weights (batch, source) break, in a sentence: padding has none of them, and a row has 1 in all."""
    _, weights = result
    for row, place in (~mask).nonzero().tolist():
        if weights[row, place] != 0:
            return f"Your weights[{row}, {place}] is {weights[row, place]:.4g}; it is padding, so wanted exactly 0."
    for row in mask.any(dim=1).nonzero().flatten().tolist():
        if not math.isclose(weights[row].sum(), 1, abs_tol=1e-5):
            return f"Your weights of row {row} have the sum {weights[row].sum():.4g}, wanted 1."
    return None


def random_inputs(rng: np.random.Generator, batch: int, source: int, size: int, width: int, kind: str) -> tuple:
    """Query, keys, values, no mask, the score's name and its matrices."""
    spread, hidden = size**-0.5, size + 1
    parameters = {
        "dot": (),
        "general": (randn(rng, size, size, scale=spread),),
        "additive": (randn(rng, hidden, size), randn(rng, hidden, size), randn(rng, hidden)),
    }
    vectors = randn(rng, batch, size), randn(rng, batch, source, size), randn(rng, batch, source, width)
    return (*vectors, None, kind, parameters[kind])


def padded(rng: np.random.Generator, inputs: tuple, empty: int | None = None) -> tuple:
    """The same, each row with padding at its end: large keys, and values of 1e4; a row may be nothing but padding."""
    query, keys, values, _, *rest = inputs
    batch, source, _ = keys.shape
    lengths = torch.from_numpy(rng.integers(1, source, size=batch))
    if empty is not None:
        lengths[empty] = 0
    mask = torch.arange(source) < lengths.unsqueeze(1)  # (batch, source)
    padding = ~mask.unsqueeze(-1)
    return (query, keys.where(~padding, 3 * keys), values.masked_fill(padding, 1e4), mask, *rest)


@exercise(
    "recurrent.attention",
    "attend(query, keys, values, mask, score) -> context, weights",
    level="core",
    minutes=8,
    keeps_inputs=True,
)
def attend(rng):
    """Attend: look at the source with weights that sum to 1, and never at its padding."""

    def by_hand(query: list, keys: list, values: list, mask: list | None, because: str) -> Case:
        numbers = {"query": query, "keys": keys, "values": values, "mask": mask}
        shown = ", ".join(f"{name}={show(value)}" for name, value in numbers.items())
        tensors = (torch.tensor(rows) for rows in (query, keys, values))
        inputs = (*tensors, None if mask is None else torch.tensor(mask), "dot", ())
        return Case(inputs, via=with_score, expected=by_loop(*inputs), shown=f"score q·k, {shown}", because=because)

    def case(inputs: tuple, because: str, notes: str = "", order: bool = False) -> Case:
        _, keys, values, _, kind, _ = inputs
        batch, source, size = keys.shape
        shown = f"{kind} score, batch {batch}, source {source}, size {size}, width {values.shape[-1]}, random numbers"
        way, moved = with_score, ()
        if order:
            way, moved, notes = in_another_order, (torch.from_numpy(rng.permutation(source)),), notes + ", shuffled"
        return Case((*inputs, *moved), via=way, expected=by_loop(*inputs), shown=f"{shown}{notes}", because=because)

    log3 = math.log(3)  # beside a score of 0 the weights are 1/4 and 3/4
    with part("by hand", points=1):
        because = "exp of each score, divided by the sum of its row: what are the weights on paper?"
        yield by_hand([[1.0, 0.0]], [[[0.0, 2.0], [0.0, -1.0]]], [[[2.0], [4.0]]], None, because)
        yield by_hand([[1.0, 0.0]], [[[0.0, 2.0], [log3, -1.0]]], [[[4.0, 0.0], [8.0, 4.0]]], None, because)
        yield by_hand(
            [[1.0], [2.0]], [[[0.0], [log3]], [[log3], [log3]]], [[[4.0], [8.0]], [[1.0], [3.0]]], None, because
        )
    with part("three scores", points=1):
        because = "the softmax runs over the source, for each row of the batch by itself"
        for batch, source, size, width, kind in (
            (1, 3, 2, 1, "general"),
            (2, 3, 2, 3, "additive"),
            (3, 5, 4, 2, "dot"),
            (4, 7, 3, 5, "general"),
        ):
            yield case(random_inputs(rng, batch, source, size, width, kind), because)
        order = "in another order of the source the same places get the same weights, and the context stays as it is"
        yield case(random_inputs(rng, 2, 6, 3, 2, "additive"), order, order=True)
    with part("padding", points=2):
        because = "what is left of padding in the sum of the row, by which all weights are divided?"
        nothing = "a row of nothing but padding has nothing to look at: weights of 0, and a context of 0"
        keys, values = [[[0.0], [log3], [9.0]]], [[[4.0], [8.0], [100.0]]]
        yield by_hand([[1.0]], keys, values, [[True, True, False]], because)
        yield by_hand([[1.0]], keys, values, [[False, False, False]], nothing)
        yield case(padded(rng, random_inputs(rng, 3, 4, 2, 2, "dot")), because, ", padding")
        for batch, source, size, width, kind, empty in ((4, 6, 3, 2, "general", 1), (5, 9, 4, 3, "additive", 0)):
            inputs = padded(rng, random_inputs(rng, batch, source, size, width, kind), empty)
            yield case(inputs, nothing, f", padding, nothing else in row {empty}")
        yield case(padded(rng, random_inputs(rng, 3, 5, 2, 2, "dot")), order, ", padding", order=True)
        inputs = padded(rng, random_inputs(rng, 3, 5, 3, 2, "general"), empty=2)
        yield Case(
            inputs,
            via=with_score,
            test=lambda result: violated(result, inputs[3]),
            form=by_loop(*inputs),
            shown="general score, batch 3, source 5, size 3, width 2, random numbers, padding, nothing else in row 2",
            because=because,
        )


def context_of(weights: Tensor, values: Tensor) -> Tensor:
    """The weighted sum of the values: (batch, width)."""
    return (weights.unsqueeze(-1) * values).sum(dim=1)


def looked(weights: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
    """What the exercise asks for, with these weights."""
    return context_of(weights, values), weights


def allowed(mask: Tensor | None, keys: Tensor) -> Tensor:
    """The mask, True everywhere if there is none: (batch, source)."""
    return torch.ones(keys.shape[:2], dtype=torch.bool) if mask is None else mask


@mistake(
    attend,
    "a softmax over the batch in place of the source",
    ask="Add up your weights of one row of the batch. Is the sum 1?",
    look="the axis of the softmax: one query shares its weights out among the places of its own source.",
)
def _(query, keys, values, mask, score):
    may = allowed(mask, keys)
    weights = score(query, keys).masked_fill(~may, -math.inf).softmax(dim=0)
    return looked(weights.masked_fill(~may.any(dim=0), 0.0), values)


@mistake(
    attend,
    "a mask that is multiplied in after the softmax",
    ask="Add up the weights of a row with padding. Who has got the rest?",
    look="the order of mask and softmax: padding must be out before the weights are shared out.",
)
def _(query, keys, values, mask, score):
    return looked(score(query, keys).softmax(dim=-1) * allowed(mask, keys), values)


@mistake(
    attend,
    "NaN for a row that may look nowhere",
    ask="If every score of a row is -inf, what does the softmax divide by?",
    look="the rows whose mask is False everywhere: their weights have to be set to 0.",
)
def _(query, keys, values, mask, score):
    return looked(score(query, keys).masked_fill(~allowed(mask, keys), -math.inf).softmax(dim=-1), values)


@mistake(
    attend,
    "a row that may look nowhere, and looks everywhere",
    ask="If every score of a row is the same -1e9, what does the softmax make of them?",
    look="the rows whose mask is False everywhere: their weights have to be set to 0.",
)
def _(query, keys, values, mask, score):
    return looked(score(query, keys).masked_fill(~allowed(mask, keys), -1e9).softmax(dim=-1), values)


@mistake(
    attend,
    "padding that gets a score of 0",
    ask="What is exp(0), and so which weight has a place with the score 0?",
    look="the number that you write over the scores of padding: which score makes a weight of 0?",
)
def _(query, keys, values, mask, score):
    return looked((score(query, keys) * allowed(mask, keys)).softmax(dim=-1), values)


@mistake(
    attend,
    "an attention that looks at padding like at all else",
    ask="Change the keys at the padding. Do your weights change?",
    look="the mask: what does your function do with it?",
)
def _(query, keys, values, mask, score):
    return looked(score(query, keys).softmax(dim=-1), values)


@mistake(
    attend,
    "a mask that is read the wrong way round",
    ask="The mask is True where a word stands. Which places does yours hide?",
    look="the condition of masked_fill: it overwrites where its mask is True.",
)
def _(query, keys, values, mask, score):
    scores = score(query, keys)
    return looked((scores if mask is None else scores.masked_fill(mask, -math.inf)).softmax(dim=-1), values)


@mistake(
    attend,
    "the scores themselves as weights",
    ask="Can a weight be negative, or larger than 1? Can one of yours?",
    look="the step from scores to weights: something has to make shares of them that sum to 1.",
)
def _(query, keys, values, mask, score):
    return looked(score(query, keys).masked_fill(~allowed(mask, keys), 0.0), values)


@mistake(
    attend,
    "scores that are divided by √size once more",
    ask="What does your function do to the scores besides a softmax, and who has asked for it?",
    look="the line between score and softmax: scaling is the score's own business, and another score needs none.",
)
def _(query, keys, values, mask, score):
    return looked(masked_softmax(score(query, keys) / math.sqrt(keys.shape[-1]), allowed(mask, keys)), values)


@mistake(
    attend,
    "a dot product, whichever score is handed in",
    ask="score is an argument. Where does your function call it?",
    look="the line of the scores: how to compare a query with a key is for the caller to say.",
)
def _(query, keys, values, mask, score):
    return looked(masked_softmax(dot(query, keys), allowed(mask, keys)), values)


@mistake(
    attend,
    "a weighted sum of the keys",
    ask="Keys say where to look. What is there to be seen?",
    look="the last product: weights times which of the two tensors?",
)
def _(query, keys, values, mask, score):
    return looked(masked_softmax(score(query, keys), allowed(mask, keys)), keys)


@mistake(
    attend,
    "a weighted sum that is divided by the number of places",
    ask="With weights of 1/2 and 1/2, what is the context of the values 2 and 4?",
    look="the last line: the weights sum to 1 already, so a sum is a mean.",
)
def _(query, keys, values, mask, score):
    context, weights = looked(masked_softmax(score(query, keys), allowed(mask, keys)), values)
    return context / keys.shape[1], weights


@mistake(
    attend,
    "all the weight on the best place",
    ask="Two places with the scores 0 and log 3: how much of the weight does the first get?",
    look="the step from scores to weights: a softmax leaves every place its share, argmax does not.",
)
def _(query, keys, values, mask, score):
    may = allowed(mask, keys)
    scores = score(query, keys).masked_fill(~may, -math.inf)
    best = torch.nn.functional.one_hot(scores.argmax(dim=-1), keys.shape[1]).float()
    return looked(best * may, values)
