"""Attend: weights from a score and a softmax over the source, then the weighted sum of the values."""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from course_lib.exercises import Case, exercise, part, randn
from course_lib.exercises.compare import show

Mask = Tensor | None  # (batch, source), True where it may look; everywhere if None
Looked = tuple[Tensor, Tensor]  # context (batch, width) and weights (batch, source)
Inputs = tuple  # query (batch, size), keys (batch, source, size), values (batch, source, width), mask, score, matrices


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


def with_score(answer: Callable, query: Tensor, keys: Tensor, values: Tensor, mask: Mask, kind: str, parameters: tuple):
    """Hand the score over as a function: it stands in the inputs by name."""
    return answer(query, keys, values, mask, score_of(kind, parameters))


def in_another_order(answer: Callable, query, keys, values, mask: Mask, kind: str, parameters: tuple, order: Tensor):
    """Put keys, values and mask in this order (source,), and the weights back."""
    shuffled = None if mask is None else mask[:, order]
    result = with_score(answer, query, keys[:, order], values[:, order], shuffled, kind, parameters)
    if not isinstance(result, (tuple, list)) or len(result) != 2 or getattr(result[1], "shape", None) != keys.shape[:2]:
        return result  # of the wrong form, which the judge says
    context, weights = result
    return context, weights[:, order.argsort()]


def by_loop(query: Tensor, keys: Tensor, values: Tensor, mask: Mask, kind: str, parameters: tuple) -> Looked:
    """What is wanted, row by row and place by place."""
    score, (batch, source, _) = score_of(kind, parameters), keys.shape
    context, weights = torch.zeros(batch, values.shape[-1]), torch.zeros(batch, source)
    for row in range(batch):
        places = [place for place in range(source) if mask is None or mask[row, place]]
        shares = [math.exp(score(query[[row]], keys[[row]][:, [place]]).item()) for place in places]
        for place, share in zip(places, shares, strict=True):
            weights[row, place] = share / sum(shares)
            context[row] += weights[row, place] * values[row, place]
    return context, weights


def violated(result: Looked, mask: Tensor) -> str | None:
    """Which rule the weights break, in a sentence: padding has none of them, and a row has 1 in all."""
    _, weights = result
    for row, place in (~mask).nonzero().tolist():
        if weights[row, place] != 0:
            return f"Your weights[{row}, {place}] is {weights[row, place]:.4g}; it is padding, so wanted exactly 0."
    for row in mask.any(dim=1).nonzero().flatten().tolist():
        if not math.isclose(weights[row].sum(), 1, abs_tol=1e-5):
            return f"Your weights of row {row} have the sum {weights[row].sum():.4g}, wanted 1."
    return None


def random_inputs(rng: np.random.Generator, batch: int, source: int, size: int, width: int, kind: str) -> Inputs:
    """Without a mask."""
    spread, hidden = size**-0.5, size + 1
    parameters = {
        "dot": (),
        "general": (randn(rng, size, size, scale=spread),),
        "additive": (randn(rng, hidden, size), randn(rng, hidden, size), randn(rng, hidden)),
    }
    vectors = randn(rng, batch, size), randn(rng, batch, source, size), randn(rng, batch, source, width)
    return (*vectors, None, kind, parameters[kind])


def padded(rng: np.random.Generator, inputs: Inputs, empty: int | None = None) -> Inputs:
    """The same, each row with padding at its end: large keys, and values of 1e4; a row may be nothing but padding."""
    query, keys, values, _, *rest = inputs
    batch, source, _ = keys.shape
    lengths = torch.from_numpy(rng.integers(1, source, size=batch))
    if empty is not None:
        lengths[empty] = 0
    mask = torch.arange(source) < lengths.unsqueeze(1)  # (batch, source)
    kept = mask.unsqueeze(-1)
    return (query, keys.where(kept, 3 * keys), values.where(kept, 1e4), mask, *rest)


def in_words(inputs: Inputs) -> str:
    """Inputs for the learner."""
    _, keys, values, _, kind, _ = inputs
    batch, source, size = keys.shape
    return f"{kind} score, batch {batch}, source {source}, size {size}, width {values.shape[-1]}, random numbers"


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

    def case(inputs: Inputs, because: str, notes: str = "") -> Case:
        shown = in_words(inputs) + notes
        return Case(inputs, via=with_score, expected=by_loop(*inputs), shown=shown, because=because)

    def shuffled(inputs: Inputs, notes: str = "") -> Case:
        _, keys, *_ = inputs
        order = torch.from_numpy(rng.permutation(keys.shape[1]))
        shown = f"{in_words(inputs)}{notes}, shuffled"
        same = "in another order of the source the same places get the same weights, and the context stays as it is"
        return Case((*inputs, order), via=in_another_order, expected=by_loop(*inputs), shown=shown, because=same)

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
        yield shuffled(random_inputs(rng, 2, 6, 3, 2, "additive"))
    with part("padding", points=2):
        because = "what is left of padding in the sum of the row, by which all weights are divided?"
        nothing = "a row of nothing but padding has nothing to look at: weights of 0, and a context of 0"
        keys, values = [[[0.0], [log3], [9.0]]], [[[4.0], [8.0], [100.0]]]
        yield by_hand([[1.0]], keys, values, [[True, True, False]], because)
        yield by_hand([[1.0]], keys, values, [[False, False, False]], nothing)
        left = "beside a score of 200, what does a softmax leave for all others?"
        yield by_hand([[1.0]], [[[0.0], [log3], [200.0]]], values, [[True, True, False]], left)
        yield by_hand([[2.0]], [[[0.0], [100.0], [-1.0]]], values, [[True, False, False]], left)
        yield case(padded(rng, random_inputs(rng, 3, 4, 2, 2, "dot")), because, ", padding")
        for batch, source, size, width, kind, empty in ((4, 6, 3, 2, "general", 1), (5, 9, 4, 3, "additive", 0)):
            inputs = padded(rng, random_inputs(rng, batch, source, size, width, kind), empty)
            yield case(inputs, nothing, f", padding, nothing else in row {empty}")
        yield shuffled(padded(rng, random_inputs(rng, 3, 5, 2, 2, "dot")), ", padding")
        inputs = padded(rng, random_inputs(rng, 3, 5, 3, 2, "general"), empty=2)
        yield Case(
            inputs,
            via=with_score,
            test=lambda result: violated(result, inputs[3]),
            form=by_loop(*inputs),
            shown=f"{in_words(inputs)}, padding, nothing else in row 2",
            because=because,
        )
