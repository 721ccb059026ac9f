import math

import pytest
import torch
from torch.testing import assert_close

from course_lib.datasets.english import UNKNOWN
from course_lib.datasets.grammar import RULES, VOCABULARY, is_grammatical, load_grammar, true_logprobs
from course_lib.recurrent.language_model import perplexity

WORDS = VOCABULARY[2:]  # after <unk> and <end>


def next_probabilities(begun: tuple[str, ...]) -> list[float]:
    """P of each word, and of the end, after the beginning of a sentence."""
    words = [math.exp(true_logprobs((*begun, word))[-2]) for word in WORDS]
    return [*words, math.exp(true_logprobs(begun)[-1])]


def test_after_every_beginning_the_probabilities_of_what_comes_next_sum_to_one():
    sentences = load_grammar(300, seed=1).sentences
    beginnings = {sentence[:words] for sentence in sentences for words in range(len(sentence) + 1)}
    assert len(beginnings) > 100
    for begun in beginnings:
        assert sum(next_probabilities(begun)) == pytest.approx(1.0)


def test_all_sentences_of_the_grammar_together_have_probability_one():
    shapes = [groups for _, groups in RULES]
    assert sum(share for share, _ in RULES) == pytest.approx(1.0)
    total = 0.0
    for groups in shapes:  # each sentence of this shape is as probable as the first, and no other shape makes it
        first = tuple(group[0] for group in groups)
        total += math.exp(sum(true_logprobs(first))) * math.prod(len(group) for group in groups)
    assert total == pytest.approx(1.0)


def test_a_sentence_worked_out_by_hand():
    # 0.8 of all sentences have an animal, 0.5 a verb of eating, and 3 of 5 of those no second «the»
    logprobs = true_logprobs(("the", "cat", "eats", "fish"))
    by_hand = [1.0, 0.8 / 5, 0.5 / 0.8 / 3, 0.6 / 5, 1.0]
    assert_close(torch.tensor(logprobs).exp(), torch.tensor(by_hand))


@pytest.mark.parametrize("sentence", ["the fish eats cat", "cat sleeps", "the cat", "the cat sleeps here here", ""])
def test_what_the_grammar_does_not_make(sentence):
    words = tuple(sentence.split())
    assert not is_grammatical(words)
    assert -math.inf in true_logprobs(words)


def test_every_drawn_sentence_is_grammatical():
    grammar = load_grammar(1000, seed=2)
    assert len(grammar.sentences) == 1000
    assert all(is_grammatical(sentence) for sentence in grammar.sentences)
    assert is_grammatical(list(grammar.sentences[0]))


def test_tokens_are_the_sentences_with_their_ends():
    grammar = load_grammar(50, seed=3)
    words = [word for sentence in grammar.sentences for word in (*sentence, "<end>")]
    assert [VOCABULARY[token] for token in grammar.tokens] == words
    assert grammar.tokens.dtype == torch.int64 and grammar.logprobs.shape == grammar.tokens.shape
    assert UNKNOWN not in words and len(set(VOCABULARY)) == len(VOCABULARY)


def test_words_come_as_often_as_their_probability_says():
    grammar = load_grammar(4000, seed=4)
    ends = (grammar.tokens == VOCABULARY.index("<end>")).float().mean().item()
    mean_length = sum(share * (len(groups) + 1) for share, groups in RULES)
    assert ends == pytest.approx(1 / mean_length, abs=0.005)
    eating = sum(sentence[2] in ("eats", "wants", "finds") for sentence in grammar.sentences) / 4000
    assert eating == pytest.approx(0.5, abs=0.04)  # five standard errors


def test_perplexity_of_the_true_source():
    entropy = 0.0  # of a sentence
    for share, groups in RULES:
        first = tuple(group[0] for group in groups)
        entropy -= share * sum(true_logprobs(first))  # all sentences of a shape are equally probable
    words = sum(share * (len(groups) + 1) for share, groups in RULES)
    measured = perplexity(load_grammar(4000, seed=5).logprobs)
    assert measured == pytest.approx(math.exp(entropy / words), rel=0.02)
    assert round(measured, 1) == 2.9


def test_a_seed_draws_the_same_text_again_and_another_seed_another():
    assert load_grammar(20, seed=6).sentences == load_grammar(20, seed=6).sentences
    assert load_grammar(20, seed=6).sentences != load_grammar(20, seed=7).sentences


def test_a_text_without_sentences_is_refused():
    with pytest.raises(ValueError, match="at least one sentence, not 0"):
        load_grammar(0)
