import subprocess
import sys

import pytest
import torch

from course_lib.datasets.reviews import encode, load_reviews, vocabulary, with_unknowns, words_of


def test_shapes_and_labels():
    reviews = load_reviews("train", 500)
    assert len(reviews) == 500
    assert reviews.tokens.shape == (500, reviews.lengths.max()) and reviews.tokens.dtype == torch.int64
    assert set(reviews.labels.tolist()) == {0.0, 1.0}
    assert ((reviews.tokens > 0).sum(dim=1) == reviews.lengths).all()
    assert (reviews.tokens != 1).all()  # every word of the grammar is in the vocabulary
    for row, length, text in zip(reviews.tokens[:20], reviews.lengths, reviews.texts, strict=False):
        assert " ".join(vocabulary()[token] for token in row[:length]) == text


def test_no_sentence_is_in_both_splits():
    train, test = load_reviews("train"), load_reviews("test")
    assert len(set(train.texts)) == 6000 and len(set(test.texts)) == 1000
    assert not set(train.texts) & set(test.texts)


def test_labels_are_balanced_with_and_without_negation():
    for split in ("train", "test"):
        reviews = load_reviews(split)
        for rows in (reviews.negated, ~reviews.negated):
            assert 0.4 < reviews.labels[rows].mean() < 0.6


def test_meaning_follows_the_grammar():
    meanings = dict(zip(load_reviews("train").texts, load_reviews("train").labels.tolist(), strict=True))
    pairs = [(text, text.replace(" was ", " was not ")) for text in meanings if text.count(" was ") == 1]
    found = [(meanings[text], meanings[negated]) for text, negated in pairs if negated in meanings]
    assert len(found) >= 5
    assert all(plain != negated for plain, negated in found)



def test_another_process_makes_the_same_reviews():
    code = "from course_lib.datasets.reviews import load_reviews; print(load_reviews('test').texts[::97])"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert other.stdout.strip() == str(load_reviews("test").texts[::97])


def test_typed_text_is_read_as_words():
    assert words_of("I didn’t LIKE it — really!") == ["i", "did", "not", "like", "it", "really"]
    assert words_of("can't won't isn't") == ["can", "not", "will", "not", "is", "not"]
    tokens, lengths = encode(["good", "a Zeppelin flew"])
    assert lengths.tolist() == [1, 3]
    assert tokens[0, 1:].tolist() == [0, 0] and tokens[1, 1] == 1


@pytest.mark.parametrize("text", ["", "   ", "!?", "123"])
def test_a_text_without_words_is_refused(text):
    with pytest.raises(ValueError, match=r"there is no word in .* write at least one"):
        encode(["good", text])


@pytest.mark.parametrize(
    "arguments, message", [(("validation",), "train and test"), (("test", 1001), "has 1000"), (("test", 0), "0 were")]
)
def test_reviews_that_there_are_not(arguments, message):
    with pytest.raises(ValueError, match=message):
        load_reviews(*arguments)


def test_unknowns_replace_words_and_never_padding():
    tokens = load_reviews("train").tokens
    hidden = with_unknowns(tokens, share=0.1)
    changed = hidden != tokens
    assert (hidden[changed] == 1).all() and (tokens[changed] > 0).all()
    assert changed[tokens > 0].float().mean() == pytest.approx(0.1, abs=0.01)


def test_no_text_is_refused():
    with pytest.raises(ValueError, match="give at least one text"):
        encode([])
