import math

import pytest
import safetensors.torch
import torch
from torch import nn
from torch.testing import assert_close

from course_lib.checkpoints import CheckpointError, load_model, save_model
from course_lib.datasets.english import END_ID, load_english
from course_lib.datasets.grammar import VOCABULARY, load_grammar
from course_lib.paths import data_folder
from course_lib.recurrent import language_model
from course_lib.recurrent.language_model import (
    CHECKPOINT,
    LanguageModel,
    Streams,
    cross_entropy,
    load_writer,
    logprobs,
    perplexity,
    stream_batches,
    train_language_model,
)
from course_lib.training import fit

CELLS = ("rnn", "lstm", "gru")
each_cell = pytest.mark.parametrize("cell", CELLS)


def small(cell: str = "lstm", **options) -> LanguageModel:
    return LanguageModel(11, embedding_size=6, hidden_size=6, cell=cell, **options)


def random_tokens(*shape: int) -> torch.Tensor:
    return torch.randint(11, shape)


@pytest.mark.parametrize("tokens, time, streams", [(9, 2, 2), (100, 7, 3), (101, 10, 10), (61, 5, 4), (50, 99, 1)])
def test_each_stream_goes_on_where_the_batch_before_stopped(tokens, time, streams):
    ids = torch.randperm(tokens)
    batches = stream_batches(ids, time, streams)
    length = (tokens - 1) // streams
    read = torch.cat([x for (x, _), _ in batches], dim=1)  # (streams, length)
    said = torch.cat([y for _, y in batches], dim=1)
    assert torch.equal(read.flatten(), ids[: streams * length])  # row by row, it is the text
    assert torch.equal(said.flatten(), ids[1 : streams * length + 1])  # one word on, at the end of a stream too
    assert [x.shape for (x, _), _ in batches[:-1]] == [(streams, time)] * (len(batches) - 1)
    assert 1 <= batches[-1][1].shape[1] <= time


def test_only_the_first_batch_of_a_pass_is_fresh():
    fresh = [fresh for (_, fresh), _ in stream_batches(torch.arange(40), 4, 3)]
    assert [row.tolist() for row in fresh] == [[[True]] * 3] + [[[False]] * 3] * 3


def test_a_text_too_short_for_its_streams_is_refused():
    assert len(stream_batches(torch.arange(5), 3, 4)) == 1
    with pytest.raises(ValueError, match="4 tokens are too few for 4 streams"):
        stream_batches(torch.arange(4), 3, 4)


@each_cell
def test_in_pieces_a_stream_reads_as_in_one(cell):
    model = small(cell, num_layers=2)
    reader = Streams(model, streams=3)
    ids = random_tokens(61)
    batches = stream_batches(ids, 7, 3)
    whole, _ = model(ids[:60].view(3, 20))
    for _ in range(2):  # the second pass starts fresh: what the first has left behind does not matter
        pieces = [reader(*inputs) for inputs, _ in batches]
        assert_close(torch.cat(pieces, dim=1), whole, atol=1e-6, rtol=0)


@each_cell
def test_a_row_that_is_fresh_forgets_and_another_does_not(cell):
    model = small(cell)
    reader, before, now = Streams(model, streams=2), random_tokens(2, 5), random_tokens(2, 4)
    everyone, nobody = torch.ones(2, 1, dtype=torch.bool), torch.zeros(2, 1, dtype=torch.bool)
    reader(before, everyone)
    logits = reader(now, torch.tensor([[True], [False]]))
    assert_close(logits[0], model(now)[0][0], atol=1e-6, rtol=0)
    assert_close(logits[1], model(torch.cat([before, now], dim=1))[0][1, 5:], atol=1e-6, rtol=0)
    assert not torch.allclose(reader(now, nobody), reader(now, everyone))


@each_cell
def test_the_state_is_carried_and_its_gradient_is_not(cell):
    model = small(cell)
    reader, first, second = Streams(model, streams=2), torch.tensor([[3], [4]]), torch.tensor([[7], [8]])
    reader(first, torch.ones(2, 1, dtype=torch.bool))
    assert not reader.state.requires_grad and reader.state.any()
    reader(second, torch.zeros(2, 1, dtype=torch.bool)).sum().backward()  # with a detached past, no second backward
    moved = model.embedding.weight.grad.abs().sum(dim=1).nonzero().flatten().tolist()
    assert moved == [7, 8]  # the words of this batch, none of the one before


def test_where_a_stream_stands_is_kept_with_the_weights():
    reader = Streams(small(), streams=2)
    reader(random_tokens(2, 3), torch.ones(2, 1, dtype=torch.bool))
    other = Streams(small(), streams=2)
    other.load_state_dict(reader.state_dict())
    now, nobody = random_tokens(2, 3), torch.zeros(2, 1, dtype=torch.bool)
    assert_close(other(now, nobody), reader(now, nobody))


@each_cell
@pytest.mark.parametrize("layers, tied", [(1, False), (1, True), (2, False)])
def test_readable_and_fused_give_the_same_logits(cell, layers, tied):
    fused = small(cell, num_layers=layers, tied=tied, dropout=0.5).eval()
    ours = fused.readable()
    assert ours.tied == tied and ours.readable() is ours
    before, now = random_tokens(3, 4), random_tokens(3, 5)
    (logits, states), (our_logits, our_states) = fused(before), ours(before)
    assert_close(our_logits, logits, atol=1e-6, rtol=0)
    assert_close(ours(now, our_states)[0], fused(now, states)[0], atol=1e-6, rtol=0)  # and when they read on


@each_cell
def test_logprobs_are_those_of_a_step_by_step_run(cell):
    model, tokens = small(cell).eval(), random_tokens(12)
    states, token, by_step = None, END_ID, []
    with torch.no_grad():
        for following in tokens.tolist():
            logits, states = model(torch.tensor([[token]]), states)
            by_step.append(logits[0, 0].log_softmax(dim=0)[following])
            token = following
    assert_close(logprobs(model, tokens).float(), torch.stack(by_step), atol=1e-6, rtol=0)
    assert_close(logprobs(model.readable(), tokens), logprobs(model, tokens), atol=1e-6, rtol=0)
    assert_close(logprobs(model, tokens[:5]), logprobs(model, tokens)[:5], atol=1e-6, rtol=0)  # no look ahead


def test_the_perplexity_of_a_uniform_model_is_its_vocabulary():
    model = small()
    nn.init.zeros_(model.head.weight)
    nn.init.zeros_(model.head.bias)
    assert perplexity(logprobs(model, random_tokens(30))) == pytest.approx(11)
    assert perplexity(torch.zeros(5)) == 1.0
    assert perplexity(torch.tensor([0.5, 0.125]).log()) == pytest.approx(4.0)  # the geometric mean of 2 and 8


def test_the_loss_is_the_log_of_the_perplexity():
    model, tokens = small(), random_tokens(20)
    previous = torch.cat([torch.tensor([END_ID]), tokens[:-1]])
    loss = cross_entropy(model(previous[None])[0], tokens[None])
    assert math.exp(loss.item()) == pytest.approx(perplexity(logprobs(model, tokens)), rel=1e-5)


def test_after_backward_all_three_parts_have_gradients():
    model, tokens = small(), random_tokens(2, 6)
    cross_entropy(model(tokens[:, :-1])[0], tokens[:, 1:]).backward()
    assert all(weight.grad.any() for weight in model.parameters())


def test_tied_weights_are_saved_once_and_loaded(tmp_path):
    config = {"vocabulary_size": 11, "embedding_size": 6, "hidden_size": 6, "tied": True}
    model, path = LanguageModel(**config), tmp_path / "model.safetensors"
    assert model.head.weight is model.embedding.weight
    save_model(path, model, config=config, vocabulary=None, made_by="a test", scores={})
    assert [name for name, tensor in safetensors.torch.load_file(path).items() if tensor.shape == (11, 6)] == [
        "embedding.weight"
    ]
    saved = load_model(path)
    again = LanguageModel(**saved.config)
    again.load_state_dict(saved.state_dict)
    tokens = random_tokens(2, 5)
    assert_close(again(tokens)[0], model(tokens)[0])
    assert again.head.weight is again.embedding.weight


def test_tied_models_begin_near_the_uniform_guess():
    model = LanguageModel(500, 64, 64, tied=True)
    assert perplexity(logprobs(model, torch.randint(500, (200,)))) < 600


def test_no_text_is_refused():
    nothing = torch.tensor([], dtype=torch.int64)
    with pytest.raises(ValueError, match="the stream is empty"):
        logprobs(small(), nothing)
    with pytest.raises(ValueError, match="perplexity of no words"):
        perplexity(nothing.double())
    for time, streams in ((0, 1), (1, 0)):
        with pytest.raises(ValueError, match="at least one stream of at least one word"):
            stream_batches(torch.arange(9), time, streams)


def test_the_logprobs_of_a_long_text_are_those_of_one_reading(monkeypatch):
    model, tokens = small("lstm", num_layers=2), torch.arange(50) % 11
    whole = logprobs(model, tokens)
    monkeypatch.setattr(language_model, "PIECE", 7)
    assert torch.allclose(logprobs(model, tokens), whole, atol=1e-6)


def test_models_that_there_are_not():
    with pytest.raises(ValueError, match="cell is one of rnn, lstm, gru, not 'transformer'"):
        LanguageModel(11, cell="transformer")
    with pytest.raises(ValueError, match="must be at least 1"):
        LanguageModel(0)


def test_tied_needs_equal_sizes():
    with pytest.raises(ValueError, match="tied needs embedding_size = hidden_size, not 5 and 6"):
        LanguageModel(11, embedding_size=5, hidden_size=6, tied=True)


def test_it_learns_to_predict_the_next_word():
    train, test = load_grammar(2000, seed=0), load_grammar(300, seed=1)
    torch.manual_seed(0)
    model = LanguageModel(len(VOCABULARY), embedding_size=16, hidden_size=32)
    batches = stream_batches(train.tokens, time=20, streams=20)
    before = perplexity(logprobs(model, test.tokens))
    fit(Streams(model, 20), batches, cross_entropy, steps=120, learning_rate=0.02, clip_norm=1.0, name="grammar")
    true = perplexity(test.logprobs)
    assert before > 20 and true < perplexity(logprobs(model, test.tokens)) < 1.1 * true


def test_the_shipped_writer_scores_what_it_says():
    writer, corpus = load_writer(), load_english()
    assert writer.vocabulary[:2] == ("<unk>", "<end>") and len(writer.vocabulary) == writer.model.head.out_features
    if writer.sidecar["text"] != corpus.source:
        pytest.skip("another Python, whose documentation is another text")
    saved = load_model(data_folder() / "checkpoints" / CHECKPOINT)
    fused = LanguageModel(**saved.config)  # as `load_writer` makes it, but faster
    fused.load_state_dict(saved.state_dict)
    assert perplexity(logprobs(fused.eval(), corpus.test)) == pytest.approx(writer.sidecar["perplexity"]["test"], 1e-3)
    start = corpus.test[:40]
    assert_close(logprobs(writer.model, start), logprobs(fused, start), atol=1e-4, rtol=0)
    assert writer.ids("The class QQQ").tolist() == [*map(writer.vocabulary.index, ("the", "class")), 0]


@pytest.mark.slow
def test_training_anew_scores_like_the_shipped_writer():
    corpus = load_english()
    if load_writer().sidecar["text"] != corpus.source:
        pytest.skip("another Python, whose documentation is another text")
    model, _ = train_language_model(corpus, cache=False)
    shipped = load_writer().sidecar["perplexity"]["test"]
    assert perplexity(logprobs(model, corpus.test)) == pytest.approx(shipped, rel=0.03)


def test_a_writer_that_is_missing_is_said_in_words(tmp_path, monkeypatch):
    monkeypatch.setattr(language_model, "data_folder", lambda: tmp_path)
    load_writer.cache_clear()
    try:
        with pytest.raises(CheckpointError, match="git"):
            load_writer()
    finally:
        load_writer.cache_clear()
