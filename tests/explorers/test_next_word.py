"""The explorer of section 4.5: counted and learned next words while you type."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch

from course_lib.datasets.english import END_ID
from course_lib.recurrent.explorers import next_word_models as models
from course_lib.recurrent.explorers.next_word import (
    ALONE,
    BESIDE,
    HELPS,
    LONGEST,
    MIXED,
    NextWordExplorer,
    next_word_prediction,
    next_word_state,
    read_typed,
    stops,
    verdict,
)
from course_lib.recurrent.language_model import load_writer, perplexity
from course_lib.recurrent.ngram import SMOOTHINGS, NGram

SIZE = "1/16"  # the quick one


def data_of(**state) -> dict:
    explorer = NextWordExplorer(**state)
    explorer.look()
    return explorer.data | {"status": explorer.status}


# ---- the models -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
@pytest.mark.parametrize("order", [1, 2, 4, 5])
def test_a_model_cut_out_of_the_longest_is_the_one_fitted_alone(smoothing, order):
    alone = NGram(order, len(load_writer().vocabulary), smoothing).fit(models.part_of(SIZE))
    cut, tokens = models.ngram(order, SIZE, smoothing), models.texts().valid[:300]
    assert torch.equal(cut.logprobs(tokens), alone.logprobs(tokens))
    assert cut.unseen(tokens) == alone.unseen(tokens)
    history = tokens[20:24].tolist()
    assert torch.equal(cut.distribution(history), alone.distribution(history))


def test_longer_histories_are_never_seen_more_often():
    ids = read_typed("the value of the ").ids
    counts, text = models.seen(ids, "all"), models.part_of("all").tolist()
    assert counts == sorted(counts, reverse=True) and len(counts) == 4
    by_hand = [sum(text[at : at + n] == list(ids[-n:]) for at in range(len(text))) for n in (1, 2, 3, 4)]
    assert counts == by_hand and counts[0] > 1000


def test_the_paragraphs_beginning_is_read_as_its_end():
    text = models.part_of("all").tolist()
    paragraphs = text.count(END_ID)
    assert models.seen((), "all") == [paragraphs]
    assert models.in_paragraph((5, END_ID, 7, 8)) == (7, 8) and models.in_paragraph((5, END_ID)) == ()


def test_the_mixture_is_half_of_each_and_the_lstm_where_nothing_was_counted():
    ids = read_typed("the value of ").ids
    counted, learned = models.ngram(3, SIZE, "Kneser-Ney").distribution(ids), models.lstm_next(ids)
    assert models.blended(counted, learned).sum().item() == pytest.approx(1, abs=1e-4)
    assert torch.equal(models.blended(torch.zeros_like(learned), learned), learned)


@pytest.mark.parametrize("smoothing", ["none", "Kneser-Ney"])
def test_the_mixtures_perplexity_is_that_of_its_words(smoothing, monkeypatch):
    for order in models.ORDERS:
        models.ngram(order, SIZE, smoothing)  # counted before the texts are cut short
    valid, learned = models.texts().valid[:400], models.lstm_logprobs()[:400]
    monkeypatch.setattr(models, "texts", lambda: models.Texts(torch.tensor([0]), valid, True))
    monkeypatch.setattr(models, "lstm_logprobs", lambda: learned)
    monkeypatch.setattr(models, "measured", models.measured.__wrapped__)
    for order, value in zip(models.ORDERS, models.mixed_perplexity.__wrapped__(SIZE, smoothing), strict=True):
        model, history, total = models.ngram(order, SIZE, smoothing), (), 0.0
        for token, share in zip(valid.tolist(), learned.exp().tolist(), strict=True):
            counted = model.distribution(history)
            total -= math.log((counted[token] + share) / 2 if counted.any() else share)
            history = () if token == END_ID else (*history, token)
        assert value == pytest.approx(math.exp(total / len(valid)), rel=1e-4)


def test_the_checkpoint_says_what_the_lstm_scores_here():
    if not models.texts().same:
        pytest.skip("this Python's documentation is another text than the checkpoint's")
    assert models.lstm_perplexity() == pytest.approx(perplexity(models.lstm_logprobs()), rel=1e-3)


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
def test_smoothing_does_not_change_what_was_never_seen(smoothing):
    valid = models.texts().valid
    assert models.unseen(SIZE) == [models.ngram(order, SIZE, smoothing).unseen(valid) for order in models.ORDERS]


def test_half_of_each_beats_both_on_the_whole_text():
    mixed = models.mixed_perplexity("all", "Kneser-Ney")
    assert mixed[2] < min(models.measured("all", "Kneser-Ney").perplexity[2], models.lstm_perplexity())


def test_a_run_of_words_is_found_in_the_text():
    text = models.part_of(SIZE).tolist()
    assert models.copied(tuple(text[100:112]), SIZE) == 12
    assert models.copied((), SIZE) == 0
    assert models.copied((*text[100:105], 0, 0, 0, 0, *text[100:107]), SIZE) >= 7


# ---- what is typed ----------------------------------------------------------------------------------------------


def test_a_word_is_read_once_it_is_whole():
    assert read_typed("the argu").unfinished == "argu" and read_typed("the argu").tokens == ["the"]
    assert read_typed("the argument").unfinished == "" and read_typed("the argument").tokens == ["the", "argument"]
    assert read_typed("the argu ").unknown == ("argu",)
    assert read_typed("").ids == ()


def test_unknown_words_are_named():
    data = data_of(text="zzyzx qqqq ", size=SIZE)
    assert "«zzyzx» is not in the vocabulary" in data["status"] and "«qqqq»" in data["status"]
    assert data["seen"][0] == models.seen((0,), SIZE)[0]


def test_a_count_is_said_of_what_the_models_read():
    times = models.seen(read_typed("the zebra ").ids, SIZE)
    said = data_of(text="the zebra ", size=SIZE)["status"]
    assert f"reads «the <unk>», which its training text holds {times[1]} times" in said and times[2] == 0
    assert "falls back on «the <unk>»" in data_of(text="the zebra ", size=SIZE, order=5)["status"]


def test_the_sign_for_an_unknown_word_is_in_the_vocabulary():
    data = data_of(text="the <unk> is", size=SIZE)
    assert data["unknown"] == () and "is not in the vocabulary" not in data["status"]


def test_a_text_too_long_is_refused_in_words():
    explorer = NextWordExplorer(size=SIZE)
    assert explorer.view is not None
    before = explorer.status
    explorer.set(text="the " * (LONGEST + 1))
    assert f"at most {LONGEST} are read" in explorer.notice and explorer.status == before


def test_words_before_the_window_change_the_lstm_and_not_the_ngram():
    one, other = (data_of(text=f"{word} value of the ", order=3, size=SIZE) for word in ("this", "return"))
    assert one["words"][: one["only"]] == other["words"][: other["only"]]
    assert one["counted"][: one["only"]] == other["counted"][: other["only"]]
    assert one["favourite"] != other["favourite"]


# ---- what is shown ----------------------------------------------------------------------------------------------


def test_the_opening_has_no_answer_where_the_lstm_is_sure():
    data = data_of(**next_word_state())
    assert not data["known"] and data["seen"][3] == 0 and data["written"] == ()
    assert data["favourite"][1] > 0.9
    assert "0 divided by 0" in data["status"] and "infinite" in data["status"]


def test_rows_are_ordered_and_never_shown_twice():
    for compare in (ALONE, BESIDE, MIXED):
        data = data_of(text="if the ", compare=compare, size=SIZE)
        first = data["blend"] or data["counted"][: data["only"]]
        assert first == sorted(first, reverse=True)
        assert len(set(data["words"])) == len(data["words"])
        assert (data["learned"] is None) == (compare == ALONE)
    extra = data_of(text="if the ", size=SIZE)
    for counted, learned in list(zip(extra["counted"], extra["learned"], strict=True))[extra["only"] :]:
        assert learned >= 2 * counted and learned >= 0.01


def test_a_seed_writes_the_same_words_again():
    first = models.written((5, 6), 3, SIZE, "Kneser-Ney", 4, 0.5)
    models.written.cache_clear()
    assert models.written((5, 6), 3, SIZE, "Kneser-Ney", 4, 0.5) == first
    assert models.written((5, 6), 3, SIZE, "Kneser-Ney", 5, 0.5) != first


def test_add_k_gives_all_words_the_same_after_what_it_never_saw():
    data = data_of(order=5, smoothing="add-k", size=SIZE)
    assert data["alike"] and "every word the same share" in data["status"]
    assert np.ptp(data["counted"]) == 0


def test_the_sentence_names_what_the_ngram_itself_bets_on():
    data = data_of(compare=MIXED, size=SIZE)
    best = models.ngram(3, SIZE, "Kneser-Ney").distribution(read_typed(NextWordExplorer().state()["text"]).ids).argmax()
    word, share = data["bet"]
    assert word == load_writer().vocabulary[best] != data["words"][0]
    assert f"bets on «{word}»" in data["status"]
    row = data["words"].index(word)
    assert (share, data["lead"][1]) == (data["counted"][row], data["learned"][row])


def test_kneser_ney_says_what_it_falls_back_on():
    assert "It falls back on «length»" in data_of(order=5)["status"]


def test_context_stops_helping_where_the_next_word_gains_less_than_five_percent():
    assert stops([100.0, 50.0, 40.0, 39.0, 30.0]) == 3
    assert stops([100.0, 50.0, 40.0, 30.0, 20.0]) == 5
    assert stops([100.0, 120.0, 130.0, 140.0, 150.0]) == 1
    assert stops([100.0, math.inf, math.inf, math.inf, math.inf]) is None
    assert "makes it worse" in verdict([100.0, 120.0, 130.0, 140.0, 150.0])


def test_the_prediction_asks_for_what_the_models_score():
    prediction = next_word_prediction()
    explorer = NextWordExplorer(**next_word_state() | prediction.then)
    explorer.look()
    values = explorer.data["perplexity"]
    answer = prediction.result(explorer.data)
    assert answer in prediction.options
    order = prediction.options.index(answer) + 2
    assert all(longer <= HELPS * now for now, longer in pairwise(values[:order]))
    assert order == 5 or values[order] > HELPS * values[order - 1]


QUESTS = {
    "worse": {"smoothing": "add-k", "size": "1/4"},
    "parrot": {"text": "if the ", "order": 5, "smoothing": "none", "seed": 1},
    "counts-win": {"text": "names listed in a ", "order": 5},
}


@pytest.mark.parametrize("quest", QUESTS)
def test_every_quest_can_be_done(quest):
    explorer = NextWordExplorer()
    explorer.look()
    explorer.set(**QUESTS[quest])
    assert quest in explorer.done


def test_every_quest_has_a_way_shown_above():
    assert set(QUESTS) == {quest.id for quest in NextWordExplorer.quests}
