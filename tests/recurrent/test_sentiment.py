import dataclasses
import json

import pytest
import torch
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from torch.testing import assert_close

from course_lib.checkpoints import CheckpointError
from course_lib.datasets.reviews import encode, load_reviews
from course_lib.recurrent import sentiment
from course_lib.recurrent.opening import effect
from course_lib.recurrent.results import trained_reader
from course_lib.recurrent.sentiment import READERS, SentimentClassifier, accuracy, load_reader, train_sentiment
from course_lib.results import load_result


def test_readable_and_fused_give_the_same_logits():
    for cell, layers in (("lstm", 1), ("lstm", 2), ("rnn", 1), ("gru", 2)):
        fused = SentimentClassifier(30, embedding_size=5, hidden_size=6, num_layers=layers, cell=cell)
        tokens, lengths = torch.randint(1, 30, (7, 9)), torch.randint(1, 10, (7,))
        ours = fused.readable()
        assert_close(ours(tokens, lengths), fused(tokens, lengths), atol=1e-6, rtol=0)
        assert ours.readable() is ours


def test_padding_does_not_matter():
    model = SentimentClassifier(30)
    tokens, lengths = torch.randint(1, 30, (4, 6)), torch.tensor([6, 3, 1, 5])
    longer = torch.nn.functional.pad(tokens, (0, 5))
    assert_close(model(longer, lengths), model(tokens, lengths))


@pytest.mark.parametrize("seed", [0, 1])
def test_a_trained_lstm_is_ahead_of_word_counts(seed):
    train, test = load_reviews("train"), load_reviews("test")
    model, _ = train_sentiment(train, seed=seed)
    lstm = accuracy(model, test)
    count = CountVectorizer(token_pattern=r"[a-z]+")
    bag = LogisticRegression(max_iter=1000).fit(count.fit_transform(train.texts), train.labels)
    right = torch.tensor(bag.predict(count.transform(test.texts))) == test.labels
    assert min(lstm.values()) > 0.95
    for rows in (test.negated, ~test.negated):
        assert right[rows].float().mean() < 0.65


def test_the_opening_flips_on_held_out_sentences():
    reader, test = load_reader(), load_reviews("test")
    opening = reader.sidecar["opening"]
    found = effect(reader, test, opening["rule"])
    assert found.negated >= 100 and found.plain >= 100
    assert found.flipped >= 0.9
    assert found.plain_flipped <= 0.05
    assert dataclasses.asdict(found) == pytest.approx(opening["held_out"])  # what the page says


def test_the_opening_rule_works_in_other_networks():
    effects = load_result("4.3_wipe").values["effects"]
    chosen = effects[load_reader().sidecar["opening"]["rule"]]
    assert min(network["flipped"] for network in chosen) > 0.6
    assert max(network["plain_flipped"] for network in chosen) < 0.05


@pytest.mark.parametrize("name", READERS)
def test_shipped_readers_score_what_they_say(name):
    reader = load_reader(name)
    assert accuracy(reader.model, load_reviews("test")) == pytest.approx(reader.sidecar["accuracy"], abs=0.003)
    tokens, lengths = encode(["the film was good", "the film was bad"], reader.vocabulary)
    good, bad = reader.model(tokens, lengths).sigmoid()
    assert good > 0.8 and bad < 0.2


def test_there_is_no_other_cell():
    with pytest.raises(ValueError, match="cell is one of rnn, lstm, gru, not 'LSTM'"):
        SentimentClassifier(30, cell="LSTM")


def test_there_is_no_other_reader():
    with pytest.raises(ValueError, match="one layer, two layers, rnn, gru; there is no 'three layers'"):
        load_reader("three layers")


@pytest.mark.parametrize("damage", ["missing", "cut", "sidecar"])
def test_a_damaged_reader_is_refused_in_words(damage, tmp_path, monkeypatch):
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    for path in (sentiment.data_folder() / "checkpoints").glob("sentiment_1_layer.*"):
        (folder / path.name).write_bytes(path.read_bytes())
    weights, sidecar = folder / "sentiment_1_layer.safetensors", folder / "sentiment_1_layer.json"
    if damage == "missing":
        weights.unlink()
    elif damage == "cut":
        weights.write_bytes(weights.read_bytes()[:-40])
    else:
        sidecar.write_text(json.dumps({"made_by": "nobody"}))
    monkeypatch.setattr(sentiment, "data_folder", lambda: tmp_path)
    load_reader.cache_clear()
    try:
        with pytest.raises(CheckpointError, match="git"):
            load_reader()
    finally:
        load_reader.cache_clear()


@pytest.mark.slow
def test_a_reader_trained_again_behaves_like_the_shipped_one():
    """Not its weights: another kind of processor rounds in another way, and ends elsewhere."""
    shipped, test = load_reader(), load_reviews("test")
    again = trained_reader(shipped.sidecar["seed"])
    assert accuracy(again.model, test)["all"] == pytest.approx(shipped.sidecar["accuracy"]["all"], abs=0.02)
    assert effect(again, test, shipped.sidecar["opening"]["rule"]).flipped > 0.6


@pytest.mark.slow
def test_computing_a_result_again_gives_the_kept_one():
    """Rounding sends a training elsewhere, so not each number: which rule flips most and which harms most, and whether
    the former spares the other sentences."""
    kept = {rule: networks[0] for rule, networks in load_result("4.3_wipe").values["effects"].items()}
    reader, test = trained_reader(0), load_reviews("test")
    again = {rule: dataclasses.asdict(effect(reader, test, rule)) for rule in kept}
    for share in ("flipped", "plain_flipped"):
        most_kept, most_again = (max(effects, key=lambda rule: effects[rule][share]) for effects in (kept, again))
        assert most_again == most_kept, share
    best = max(kept, key=lambda rule: kept[rule]["flipped"])
    assert again[best]["flipped"] == pytest.approx(kept[best]["flipped"], abs=0.15)
    assert again[best]["plain_flipped"] < 0.05
