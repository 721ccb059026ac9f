import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from course_lib.datasets.dates import END, PAD, START, as_text, encode_source, load_dates
from course_lib.recording import record
from course_lib.recurrent.seq2seq import (
    CHECKPOINTS,
    Seq2Seq,
    cross_entropy,
    exact,
    greedy_decode,
    load_translator,
    train_translator,
)

SYMBOLS = 6
each_score = pytest.mark.parametrize("score", ["general", "additive", None])


def small(score: str | None, seed: int = 0) -> Seq2Seq:
    """A translator whose weights are random, and large, so that it writes all kinds of things."""
    torch.manual_seed(seed)
    model = Seq2Seq(9, SYMBOLS, embedding_size=4, hidden_size=5, score=score)
    for weight in model.parameters():
        weight.data.normal_()
    return model.eval().requires_grad_(False)


def sources(*lengths: int) -> tuple[Tensor, Tensor]:
    """Random sources of these lengths, padded."""
    torch.manual_seed(len(lengths))
    source = torch.randint(3, 9, (len(lengths), max(lengths)))
    padding = torch.arange(max(lengths)) >= torch.tensor(lengths).unsqueeze(1)
    return source.masked_fill(padding, PAD), torch.tensor(lengths)


@each_score
def test_a_batch_is_read_as_one_by_one(score):
    model, (source, lengths) = small(score), sources(4, 1, 7, 2)
    memory, state = model.encode(source, lengths)
    assert memory.values.shape == (4, 7, 10) and memory.fixed.shape == (4, 10) and state.shape == (4, 5)
    assert (memory.keys is None) == (score is None)
    for row, length in enumerate(lengths):
        alone, its_state = model.encode(source[[row], :length], lengths[[row]])
        assert_close(memory.values[[row], :length], alone.values)
        assert (memory.values[row, length:] == 0).all()
        assert memory.mask[row].tolist() == [place < length for place in range(7)]
        assert_close((memory.fixed[[row]], state[[row]]), (alone.fixed, its_state))
        if score:
            assert_close(memory.keys[[row], :length], alone.keys)


@each_score
def test_more_padding_changes_nothing(score):
    model, (source, lengths) = small(score), sources(4, 1, 7, 2)
    wider = torch.nn.functional.pad(source, (0, 3), value=PAD)
    previous = torch.randint(0, SYMBOLS, (4, 5))
    assert_close(model(wider, lengths, previous), model(source, lengths, previous))


@each_score
def test_teacher_forcing_is_step_by_step(score):
    model, (source, lengths) = small(score), sources(4, 1, 7)
    previous = torch.randint(0, SYMBOLS, (3, 6))
    logits = model(source, lengths, previous)
    assert logits.shape == (3, 6, SYMBOLS)
    for row, length in enumerate(lengths):
        memory, state = model.encode(source[[row], :length], lengths[[row]])
        for step, symbol in enumerate(previous[row]):
            made = model.step(symbol.unsqueeze(0), state, memory)
            state = made.state
            assert_close(logits[row, step], made.logits[0], rtol=1e-5, atol=1e-5)


def test_attention_looks_anew_at_every_step_and_never_at_padding():
    model, (source, lengths) = small("additive"), sources(4, 1, 7)
    run = record(model, source, lengths, torch.randint(0, SYMBOLS, (3, 6)))
    weights = torch.stack(list(run["attention.weights"]), dim=1)  # (batch, steps, source)
    assert_close(weights.sum(dim=-1), torch.ones(3, 6))
    assert (weights[(source == PAD).unsqueeze(1).expand_as(weights)] == 0).all()
    assert (weights[0, 1:] - weights[0, :-1]).abs().max() > 0.01
    contexts = torch.stack(list(record(small(None), source, lengths, torch.zeros(3, 6, dtype=int))["context"]), dim=1)
    assert torch.equal(contexts, contexts[:, :1].expand_as(contexts))  # the fixed vector is one for all steps


def written_alone(model: Seq2Seq, source: Tensor, max_length: int) -> list[int]:
    """What one source is translated to, without a batch."""
    memory, state = model.encode(source.unsqueeze(0), torch.tensor([len(source)]))
    symbols = [START]
    while symbols[-1] != END and len(symbols) <= max_length:
        step = model.step(torch.tensor(symbols[-1:]), state, memory)
        state = step.state
        symbols.append(int(step.logits.argmax()))
    return symbols[1:]


@each_score
def test_each_row_stops_at_its_own_end(score):
    source, lengths = sources(4, 1, 7, 2, 5, 6, 3, 3)
    ends = set()
    for seed in range(5):
        model = small(score, seed)
        written = greedy_decode(model, source, lengths, max_length=9)
        alone = [written_alone(model, row[:length], 9) for row, length in zip(source, lengths, strict=True)]
        assert written.shape[1] == max(map(len, alone))
        assert written.tolist() == [row + [PAD] * (written.shape[1] - len(row)) for row in alone]
        ends |= {len(row) for row in alone if row[-1] == END}
    assert len(ends) >= 2  # else nothing has been shown


def test_the_loss_leaves_padding_out():
    logits, targets = torch.randn(2, 3, SYMBOLS), torch.tensor([[3, 4, END], [5, END, PAD]])
    logprobs = logits.log_softmax(dim=-1)
    places = [(0, 0, 3), (0, 1, 4), (0, 2, END), (1, 0, 5), (1, 1, END)]
    assert_close(cross_entropy(logits, targets), -sum(logprobs[place] for place in places) / 5)


def test_training_lowers_the_loss_and_is_repeatable():
    dates = load_dates("train", rows=64)
    model, history = train_translator(dates, hidden_size=8, steps=12, seed=1)
    again, _ = train_translator(dates, hidden_size=8, steps=12, seed=1)
    assert history.losses[-1] < 0.9 * history.losses[0]
    assert_close(dict(again.named_parameters()), dict(model.named_parameters()), atol=0, rtol=0)
    assert not exact(model, dates).any()  # twelve steps are not enough, and no row is right by its padding


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_shipped_translators_score_what_they_say(name):
    model, scores = load_translator(name)
    assert exact(model, load_dates("test")).float().mean().item() == pytest.approx(scores["exact"], abs=0.005)


def test_attention_is_ahead_after_as_many_steps():
    (_, attention), (_, fixed) = map(load_translator, CHECKPOINTS)
    assert attention["steps"] == fixed["steps"] and attention["exact"] > 0.99 and attention["exact"] > fixed["exact"]


def test_a_date_is_translated():
    model, _ = load_translator()
    source, lengths = encode_source(["thursday, the 5th of march, in the year 1998", "5.3.1998"])
    assert [as_text(row) for row in greedy_decode(model, source, lengths)] == ["1998-03-05"] * 2


def test_what_cannot_be():
    with pytest.raises(ValueError, match="the translators are attention, fixed vector; there is no 'dot'"):
        load_translator("dot")
    with pytest.raises(ValueError, match="query and keys of one size"):
        Seq2Seq(9, SYMBOLS, score="dot")
