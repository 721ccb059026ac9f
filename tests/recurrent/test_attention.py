import math

import pytest
import torch
from torch.testing import assert_close

from course_lib.recording import record
from course_lib.recurrent.attention import SCORES, Attention, attend, masked_softmax, scaled_dot

SHAPES = [(1, 1, 1, 1, 1), (2, 3, 5, 4, 6), (4, 1, 9, 8, 3)]  # batch, steps, source, size, width


def drawn(batch, steps, source, size, width):
    generator = torch.Generator().manual_seed(batch)
    shapes = (batch, steps, size), (batch, source, size), (batch, source, width)
    query, keys, values = (torch.randn(shape, generator=generator) for shape in shapes)
    mask = torch.rand(batch, steps, source, generator=generator) < 0.6
    mask[..., 0] = True  # PyTorch gives NaN for a row without a True
    return query, keys, values, mask


@pytest.mark.parametrize("shape", SHAPES)
def test_scaled_dot_attention_is_pytorchs(shape):
    query, keys, values, mask = drawn(*shape)
    for where in (None, mask):
        context, weights = attend(scaled_dot(query, keys), values, where)
        theirs = torch.nn.functional.scaled_dot_product_attention(query, keys, values, attn_mask=where)
        assert_close(context, theirs, atol=1e-6, rtol=0)
        assert_close(weights.sum(dim=-1), torch.ones(shape[:2]))
    assert (weights[~mask] == 0).all()


def test_a_mask_of_the_batch_serves_all_steps():
    query, keys, values, mask = drawn(2, 3, 5, 4, 6)
    scores = scaled_dot(query, keys)
    _, weights = attend(scores, values, mask[:, :1])
    for step in range(3):
        assert_close(weights[:, step], attend(scores, values, mask[:, [0, 0, 0]])[1][:, step])


def test_a_row_without_anything_to_look_at():
    scores = torch.randn(3, 2, 4, requires_grad=True)
    values = torch.randn(3, 4, 5)
    mask = torch.ones(3, 1, 4, dtype=torch.bool)
    mask[1] = False
    context, weights = attend(scores, values, mask)
    assert (context[1] == 0).all() and (weights[1] == 0).all()
    assert_close(weights[[0, 2]], scores[[0, 2]].softmax(dim=-1))
    context.square().sum().backward()
    assert (scores.grad[1] == 0).all() and scores.grad[[0, 2]].isfinite().all() and scores.grad[[0, 2]].any()


def test_the_order_of_the_source_does_not_matter():
    query, keys, values, mask = drawn(2, 3, 5, 4, 6)
    order = torch.tensor([3, 0, 4, 2, 1])
    context, weights = attend(scaled_dot(query, keys), values, mask)
    again, moved = attend(scaled_dot(query, keys[:, order]), values[:, order], mask[..., order])
    assert_close(again, context)
    assert_close(moved, weights[..., order])


def by_hand(net: Attention, query: torch.Tensor, key: torch.Tensor) -> float:
    """The score of one query and one key, as the papers write it."""
    parameters = dict(net.score.named_parameters())
    if "v.weight" in parameters:
        W, U, b, v = (parameters[name] for name in ("of_query.weight", "of_keys.weight", "of_keys.bias", "v.weight"))
        return float(v[0] @ torch.tanh(W @ query + U @ key + b))
    if parameters:
        return float(query @ parameters["of_keys.weight"] @ key)
    return float(query @ key) / math.sqrt(len(key))


@torch.no_grad()
@pytest.mark.parametrize("score", SCORES)
def test_each_score_against_a_loop(score):
    torch.manual_seed(0)
    key_size = 3 if score == "dot" else 5
    net = Attention(3, key_size, score)
    query, values = torch.randn(4, 3), torch.randn(4, 6, key_size)
    lengths = [6, 1, 4, 2]
    mask = torch.arange(6) < torch.tensor(lengths).unsqueeze(1)
    keys = net.prepare(values)
    run = record(net, query, keys, values, mask)
    context, weights = run.output
    for row, length in enumerate(lengths):
        shares = [math.exp(by_hand(net, query[row], values[row, place])) for place in range(length)]
        wanted = torch.tensor([share / sum(shares) for share in shares] + [0.0] * (6 - length))
        assert_close(weights[row], wanted, atol=1e-6, rtol=0)
        assert_close(context[row], sum(w * value for w, value in zip(wanted, values[row], strict=True)))
        assert_close(run["scores"][0][row, 0].item(), by_hand(net, query[row], values[row, 0]))
    assert_close(run["weights"][0], weights)


def test_many_steps_are_scored_as_one_by_one():
    for score in SCORES:
        net = Attention(4, 4, score)
        query, values = torch.randn(2, 3, 4), torch.randn(2, 5, 4)
        keys = net.prepare(values)
        together = net.score(query, keys)  # (batch, steps, source)
        alone = torch.cat([net.score(query[:, [step]], keys) for step in range(3)], dim=1)
        assert_close(together, alone)


def test_what_cannot_be():
    with pytest.raises(ValueError, match="query and keys of one size, not 3 and 5"):
        Attention(3, 5, "dot")
    with pytest.raises(ValueError, match="one of dot, general, additive; there is no 'cosine'"):
        Attention(3, 5, "cosine")


def test_without_a_mask_it_is_a_softmax():
    scores = torch.tensor([[0.0, math.log(3)]])
    assert_close(masked_softmax(scores), torch.tensor([[0.25, 0.75]]))
