"""The n-gram model: its probabilities against their formulas, written out once more on a text of a few words."""

import math
from itertools import pairwise

import pytest
import torch

from course_lib.datasets.english import END_ID, load_english
from course_lib.recurrent.language_model import perplexity
from course_lib.recurrent.ngram import SMOOTHINGS, NGram

A, B, C, D = 2, 3, 4, 5
WORDS = 6
PARAGRAPHS = [[A, B, A, B, C], [C, A], [A, B, C], [A, D]]
TEXT = torch.tensor([word for paragraph in PARAGRAPHS for word in (*paragraph, END_ID)])

every_smoothing = pytest.mark.parametrize("smoothing", SMOOTHINGS)
every_order = pytest.mark.parametrize("order", [1, 2, 3, 4])


def windows(size: int) -> list[tuple[int, ...]]:
    """The n-grams of the text with <end> in front of each paragraph, in tuples of this size."""
    found = []
    for paragraph in PARAGRAPHS:
        padded = [END_ID] * (size - 1) + paragraph + [END_ID]
        found += [tuple(padded[i : i + size]) for i in range(len(padded) - size + 1)]
    return found


def histories(order: int) -> set[tuple[int, ...]]:
    return {window[:-1] for window in windows(order)}


@every_order
def test_maximum_likelihood_is_the_ratio_of_counts(order):
    model, found = NGram(order, WORDS, smoothing="none").fit(TEXT), windows(order)
    for history in histories(order):
        followed = [window for window in found if window[:-1] == history]
        for word in range(WORDS):
            assert model.prob(word, history) == followed.count((*history, word)) / len(followed)


def test_counts_by_hand():
    bigram = NGram(2, WORDS, smoothing="none").fit(TEXT)
    assert bigram.prob(B, [A]) == 3 / 5  # a comes before b three times, once before d, once at the end
    assert bigram.prob(A) == 3 / 4  # three of four paragraphs begin with a
    assert bigram.prob(C, [C]) == 0  # one paragraph ends with c and the next begins with it
    assert NGram(1, WORDS, smoothing="none").fit(TEXT).prob(D, [A]) == 1 / 16
    assert NGram(3, WORDS, smoothing="none").fit(TEXT).prob(D, [A]) == 1 / 3  # what is missing in front is <end>


def test_add_k_pretends_k_more_of_every_word():
    model = NGram(2, WORDS, smoothing="add-k", k=0.5).fit(TEXT)
    assert model.prob(B, [A]) == pytest.approx((3 + 0.5) / (5 + 0.5 * WORDS))
    assert model.prob(D, [0]) == pytest.approx(1 / WORDS)  # never seen: all alike


def kneser_ney(order: int, top: int, word: int, history: tuple[int, ...]) -> float:
    """Interpolated Kneser-Ney (Chen & Goodman 1999, section 4.1) of one order, in a model whose top order this is."""
    if order == top:
        seen = windows(top)
    else:  # each different n-gram of the order above says once that the shorter one stands behind its first word
        above = {window[top - order - 1 :] for window in windows(top)}
        seen = [window[1:] for window in above]
    kinds = set(seen)
    once, twice = (sum(seen.count(window) == times for window in kinds) for times in (1, 2))
    discount = once / (once + 2 * twice) if once else 0.5
    below = 1 / WORDS if order == 1 else kneser_ney(order - 1, top, word, history[1:])
    total = sum(window[:-1] == history for window in seen)
    if not total:
        return below
    followers = sum(window[:-1] == history for window in kinds)
    kept = max(seen.count((*history, word)) - discount, 0)
    return kept / total + discount * followers / total * below


@pytest.mark.parametrize("order", [1, 2, 3])
def test_kneser_ney_is_its_formula(order):
    model = NGram(order, WORDS).fit(TEXT)
    for history in [*histories(order), (B, D)[: order - 1], (D, 0)[: order - 1]]:  # seen, and not
        for word in range(WORDS):
            assert model.prob(word, history) == pytest.approx(kneser_ney(order, order, word, history), abs=1e-12)


@every_smoothing
@every_order
def test_every_distribution_sums_to_one_and_holds_the_probabilities(order, smoothing):
    model = NGram(order, WORDS, smoothing).fit(TEXT)
    for history in histories(order):
        distribution = model.distribution(history)
        assert distribution.sum().item() == pytest.approx(1, abs=1e-6)
        assert distribution.tolist() == pytest.approx([model.prob(word, history) for word in range(WORDS)], abs=1e-6)


@every_smoothing
def test_a_history_never_seen(smoothing):
    model = NGram(3, WORDS, smoothing).fit(TEXT)
    probs = [model.prob(word, [D, D]) for word in range(WORDS)]
    assert sum(probs) == pytest.approx(0 if smoothing == "none" else 1)
    assert model.distribution([D, D]).tolist() == pytest.approx(probs)


@every_smoothing
@every_order
def test_only_the_last_words_of_a_history_are_read(order, smoothing):
    model = NGram(order, WORDS, smoothing).fit(TEXT)
    for word in range(WORDS):
        short, long = [B, A, B][4 - order :], [D, C, B, A, B]
        assert model.prob(word, long) == model.prob(word, short)
        assert model.prob(word, [A]) == model.prob(word, [END_ID] * order + [A])


@every_smoothing
def test_no_history_reaches_over_the_border_of_a_paragraph(smoothing):
    model = NGram(3, WORDS, smoothing).fit(TEXT)
    logprobs = model.logprobs(TEXT)
    first = [0, *(n + 1 for n, word in enumerate(TEXT.tolist()) if word == END_ID)][:-1]
    for place in first:
        assert logprobs[place].item() == pytest.approx(math.log(model.prob(TEXT[place].item())))
    parts = [model.logprobs(torch.tensor([*paragraph, END_ID])) for paragraph in PARAGRAPHS]
    assert torch.equal(torch.cat(parts), logprobs)


def test_a_stream_is_scored_word_by_word():
    model = NGram(2, WORDS).fit(TEXT)
    stream = [A, B, D, END_ID]
    expected = [math.log(model.prob(word, [before])) for before, word in pairwise([END_ID, *stream])]
    assert model.logprobs(torch.tensor(stream)).tolist() == pytest.approx(expected)
    unsmoothed = NGram(2, WORDS, smoothing="none").fit(TEXT).logprobs(torch.tensor(stream))
    assert unsmoothed.isinf().tolist() == [False, False, True, False]


@every_smoothing
def test_the_share_of_unseen_ngrams(smoothing):
    model = NGram(2, WORDS, smoothing).fit(TEXT)
    assert model.unseen(TEXT) == 0
    assert model.unseen(torch.tensor([A, B, D, END_ID])) == pytest.approx(1 / 4)  # b d
    assert NGram(1, WORDS, smoothing).fit(TEXT).unseen(torch.tensor([A, 0])) == pytest.approx(1 / 2)


def test_a_model_that_knows_nothing_is_as_uncertain_as_there_are_words():
    uniform = NGram(2, 50, smoothing="add-k", k=1.0).fit(torch.tensor([END_ID]))
    stream = torch.arange(2, 50)  # no word of it follows one that was counted
    assert perplexity(uniform.logprobs(stream)[1:]) == pytest.approx(50)
    assert perplexity(torch.full((7,), -math.log(50))) == pytest.approx(50)
    assert perplexity(torch.zeros(3)) == 1


def test_maximum_likelihood_is_best_on_its_own_text_and_worthless_on_another():
    english = load_english()
    train, test = english.train[:4000], english.test[:1000]
    fitted = {name: NGram(2, len(english.vocabulary), name).fit(train) for name in SMOOTHINGS}
    on_train = {name: perplexity(model.logprobs(train)) for name, model in fitted.items()}
    on_test = {name: perplexity(model.logprobs(test)) for name, model in fitted.items()}
    assert min(on_train, key=on_train.get) == "none"
    assert min(on_test, key=on_test.get) == "Kneser-Ney"
    assert math.isinf(on_test["none"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 5), "at least 1, not 0 and 5"),
        ((2, 0), "at least 1, not 2 and 0"),
        ((2, 5, "Laplace"), "there is no 'Laplace'"),
        ((2, 5, "add-k", 0.0), "k must be above 0"),
    ],
)
def test_models_that_there_are_not(arguments, message):
    with pytest.raises(ValueError, match=message):
        NGram(*arguments)


def test_nothing_to_count_is_refused():
    with pytest.raises(ValueError, match="the corpus is empty"):
        NGram(2, WORDS).fit(torch.tensor([], dtype=torch.int64))


def test_what_cannot_be_counted_or_scored_is_refused():
    with pytest.raises(ValueError, match="tokens are places from 0 to 2"):
        NGram(2, 3).fit(torch.tensor([1, 2, 3]))
    with pytest.raises(ValueError, match="counted nothing yet"):
        NGram(2, 3).prob(1)
    with pytest.raises(ValueError, match="the stream is empty"):
        NGram(2, 3).fit(torch.tensor([1, 2])).logprobs(torch.tensor([], dtype=torch.int64))
