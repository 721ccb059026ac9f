"""What the exercises of 4.7 say to answers that are right in another way, or wrong in a way without a name."""

import pytest
import torch

from course_lib.exercises import get
from tests.exercises.verdicts import said, verdict_on


@pytest.mark.parametrize("id", ["recurrent.seq2seq", "recurrent.attention"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_whatever_is_drawn_tells_the_known_mistakes_apart(id, seed):
    assert verdict_on(id, seed=seed).status == "passed"
    for known in get(id).mistakes:
        assert verdict_on(id, seed=seed, **{known.call: known.run}).symptom == known.name


def row_after_row(encoder, decoder, src, bos, eos, max_len):
    """Decodes all rows to the last column, and blanks what stands after an end."""
    state, previous = encoder(src), torch.full((src.shape[0],), bos)
    tokens = torch.zeros(len(src), max_len, dtype=torch.int64)
    for step in range(max_len):
        logits, state = decoder(previous, state)
        tokens[:, step] = previous = logits.softmax(dim=-1).max(dim=-1).indices
    for row in tokens:
        ends = (row == eos).nonzero().flatten()
        if len(ends):
            row[ends[0] + 1 :] = 0
    return tokens


def test_rows_may_be_filled_to_the_last_column():
    assert verdict_on("recurrent.seq2seq", greedy_decode=row_after_row).status == "passed"


def test_rows_may_be_decoded_one_at_a_time():
    def one_at_a_time(encoder, decoder, src, *others):
        return torch.cat([row_after_row(encoder, decoder, row, *others) for row in src.split(1)])

    assert verdict_on("recurrent.seq2seq", greedy_decode=one_at_a_time).status == "passed"


def with_start(start):
    """The same, but the decoder is first handed what `start` makes of the sources and the state."""

    def decode(encoder, decoder, src, bos, eos, max_len):
        def once(previous, state):
            nonlocal decoder_is_new
            if decoder_is_new:
                decoder_is_new = False
                return decoder(*start(previous, state))
            return decoder(previous, state)

        decoder_is_new = True
        return row_after_row(encoder, once, src, bos, eos, max_len)

    return decode


@pytest.mark.parametrize(
    ("start", "sentence"),
    [
        (
            lambda previous, state: (previous.unsqueeze(1), state),
            "one token a row, int64 of shape (1,), and got int64 of",
        ),
        (lambda previous, state: (previous.float(), state), "int64 of shape (1,), and got float32 of shape (1,)"),
        (lambda previous, state: (previous, state[:, 0]), "takes states of shape (1, 1), and got (1,)"),
    ],
)
def test_the_decoder_says_what_it_takes(start, sentence):
    assert sentence in said("recurrent.seq2seq", greedy_decode=with_start(start))


def masked_with(number, nowhere=0.0):
    """An answer that hides padding behind this score."""

    def attend(query, keys, values, mask, score):
        mask = torch.ones(keys.shape[:2], dtype=torch.bool) if mask is None else mask
        weights = torch.where(mask, score(query, keys), number).softmax(dim=-1)
        weights = weights.masked_fill(~mask.any(dim=-1, keepdim=True), nowhere)
        return torch.einsum("bs,bsw->bw", weights, values), weights

    return attend


def test_a_score_far_below_all_others_hides_too():
    assert verdict_on("recurrent.attention", attend=masked_with(-1e9)).status == "passed"


def test_padding_must_have_no_weight_at_all():
    text = said("recurrent.attention", attend=masked_with(-80.0))
    assert "it is padding, so wanted exactly 0" in text and "padding ✗" in text and "three scores ✓" in text


def test_shared_out_again_after_the_mask_fails_where_the_softmax_has_left_nothing():
    def shared_out_again(query, keys, values, mask, score):
        weights = score(query, keys).softmax(dim=-1)
        if mask is not None:
            weights = weights * mask
            weights = weights / weights.sum(dim=-1, keepdim=True).clamp(min=1e-12)
        return (weights.unsqueeze(1) @ values).squeeze(1), weights

    text = said("recurrent.attention", attend=shared_out_again)
    assert "behaves like a mask after the softmax, and what is left shared out again" in text
    assert "[200]" in text and "wanted [[7]]" in text


def test_an_attention_that_counts_on_padding_at_the_end():
    def by_lengths(query, keys, values, mask, score):
        ends = None if mask is None else torch.arange(keys.shape[1]) < mask.sum(dim=1, keepdim=True)
        return masked_with(-torch.inf)(query, keys, values, ends, score)

    assert "shuffled: your" in said("recurrent.attention", attend=by_lengths)


def test_the_score_gets_what_it_takes():
    def of_steps(query, keys, values, mask, score):
        return masked_with(-torch.inf)(query.unsqueeze(1), keys, values, mask, score)

    assert "score takes a query (batch, size) and keys" in said("recurrent.attention", attend=of_steps)


@pytest.mark.parametrize(
    ("returned", "sentence"),
    [
        (lambda context, weights: context, "wanted 2 results (context, weights)"),
        (lambda context, weights: None, "returned None"),
        (lambda context, weights: (context, weights.unsqueeze(1)), "has shape (1, 1, 2), wanted (1, 2)"),
    ],
)
def test_the_form_of_the_result_is_looked_at(returned, sentence):
    assert sentence in said("recurrent.attention", attend=lambda *inputs: returned(*masked_with(-torch.inf)(*inputs)))


def test_the_sources_stay_as_they_are():
    def in_place(query, keys, values, mask, score):
        values.mul_(1 if mask is None else mask.unsqueeze(-1))
        return masked_with(-torch.inf)(query, keys, values, mask, score)

    assert verdict_on("recurrent.attention", attend=in_place).symptom == "input changed"
