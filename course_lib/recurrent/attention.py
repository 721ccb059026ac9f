"""Attention: a weighted mean of values, with weights from how well a query fits each key."""

import math

from torch import Tensor, nn

SCORES = ("dot", "general", "additive")


def scaled_dot(query: Tensor, keys: Tensor) -> Tensor:
    """q·k / sqrt(size), the scores of Vaswani et al. (2017), equation 1; Luong et al. (2015) leave out the root.

    Args:
        query: (..., steps, size)
        keys: (..., source, size)

    Returns:
        scores (..., steps, source)
    """
    return query @ keys.transpose(-2, -1) / math.sqrt(keys.shape[-1])


def attend(scores: Tensor, values: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Softmax over the source positions, then the weighted sum of the values.

    Args:
        scores: (..., steps, source)
        values: (..., source, width)
        mask: True where it may look, of a shape that fits the scores; everywhere if None

    Returns:
        contexts (..., steps, width) and weights (..., steps, source); both 0 where nothing may be looked at
    """
    weights = masked_softmax(scores, mask)
    return weights @ values, weights


def masked_softmax(scores: Tensor, mask: Tensor | None = None) -> Tensor:
    """Weights that sum to 1 over the last axis, 0 where the mask is False; all 0 where it is False everywhere."""
    if mask is None:
        return scores.softmax(dim=-1)
    weights = scores.masked_fill(~mask, -math.inf).softmax(dim=-1)
    return weights.masked_fill(~mask.any(dim=-1, keepdim=True), 0.0)  # softmax of nothing but -inf is nan


class Dot(nn.Module):
    """`scaled_dot`, of queries and keys that have one size."""

    def __init__(self, query_size: int, key_size: int):
        super().__init__()
        if query_size != key_size:
            raise ValueError(f"a dot product needs query and keys of one size, not {query_size} and {key_size}")

    def of_keys(self, keys: Tensor) -> Tensor:
        return keys

    def forward(self, query: Tensor, keys: Tensor) -> Tensor:
        return scaled_dot(query, keys)


class General(nn.Module):
    """q·W k, «general» in Luong et al. (2015), equation 8: the matrix learns which numbers to compare."""

    def __init__(self, query_size: int, key_size: int):
        super().__init__()
        self.of_keys = nn.Linear(key_size, query_size, bias=False)

    def forward(self, query: Tensor, keys: Tensor) -> Tensor:
        return query @ keys.transpose(-2, -1)


class Additive(nn.Module):
    """v·tanh(W q + U k), a network of one hidden layer (Bahdanau, Cho & Bengio 2015, appendix A.1.2)."""

    def __init__(self, query_size: int, key_size: int):
        super().__init__()
        self.of_query = nn.Linear(query_size, query_size, bias=False)
        self.of_keys = nn.Linear(key_size, query_size)
        self.v = nn.Linear(query_size, 1, bias=False)

    def forward(self, query: Tensor, keys: Tensor) -> Tensor:
        both = self.of_query(query).unsqueeze(-2) + keys.unsqueeze(-3)  # (..., steps, source, query_size)
        return self.v(both.tanh()).squeeze(-1)  # (..., steps, source)


class Attention(nn.Module):
    """Scores, softmax and weighted sum; the keys are the values. Scores and weights are taps.

    What a score needs of the keys alone is computed once, by `prepare`, and not again at every step.

    Args:
        query_size: width of a query.
        key_size: width of a key.
        score: "dot", "general" or "additive".

    Raises:
        ValueError: an unknown score, or a dot product of different sizes.
    """

    def __init__(self, query_size: int, key_size: int, score: str = "additive"):
        super().__init__()
        kinds = dict(zip(SCORES, (Dot, General, Additive), strict=True))
        if score not in kinds:
            raise ValueError(f"score is one of {', '.join(SCORES)}; there is no {score!r}")
        self.score = kinds[score](query_size, key_size)
        self.scores, self.weights = nn.Identity(), nn.Identity()

    def prepare(self, values: Tensor) -> Tensor:
        """The keys that queries are compared with: from values (batch, source, key_size), of the score's own width."""
        return self.score.of_keys(values)

    def forward(self, query: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Look once.

        Args:
            query: (batch, query_size)
            keys: what `prepare` made of the values, (batch, source, width)
            values: (batch, source, key_size)
            mask: (batch, source), True where it may look

        Returns:
            context (batch, key_size) and weights (batch, source)
        """
        scores = self.scores(self.score(query.unsqueeze(1), keys).squeeze(1))  # (batch, source)
        weights = self.weights(masked_softmax(scores, mask))
        return (weights.unsqueeze(1) @ values).squeeze(1), weights
