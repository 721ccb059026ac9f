import subprocess
import sys
from collections import Counter

import pytest
import torch

from course_lib.datasets.english import (
    END,
    END_ID,
    UNKNOWN,
    UNKNOWN_ID,
    build_vocabulary,
    encode,
    load_english,
    readable,
    tokenize,
)
from course_lib.recurrent.language_model import load_writer

PARTS = ("train", "valid", "test")


@pytest.fixture(scope="module")
def english():
    return load_english()


@pytest.fixture(scope="module")
def whole():
    """With a vocabulary that holds every word of the training text."""
    return load_english(min_count=1)


def paragraphs(corpus, part: str) -> list[tuple[str, ...]]:
    """The paragraphs of one part, as words."""
    found, words = [], []
    for word in corpus.words(getattr(corpus, part)):
        words.append(word)
        if word == END:
            found.append(tuple(words))
            words = []
    assert not words, "the last paragraph ends too"
    return found


def test_parts_and_vocabulary(english):
    sizes = [len(getattr(english, part)) for part in PARTS]
    assert all(getattr(english, part).dtype == torch.int64 for part in PARTS)
    assert sizes[0] == pytest.approx(0.8 * sum(sizes), rel=0.02)
    assert sizes[1] == pytest.approx(sizes[2], rel=0.1)
    assert sum(sizes) > 50_000
    assert english.vocabulary[UNKNOWN_ID] == UNKNOWN and english.vocabulary[END_ID] == END
    assert len(set(english.vocabulary)) == len(english.vocabulary)
    assert "Python" in english.source


def test_no_paragraph_is_in_two_parts(whole):
    """Two paragraphs with unknown words in them may look alike, and are not compared."""
    parts = {part: {words for words in paragraphs(whole, part) if UNKNOWN not in words} for part in PARTS}
    assert all(len(part) > 50 for part in parts.values())
    for one, other in (("train", "valid"), ("train", "test"), ("valid", "test")):
        assert not parts[one] & parts[other]


def test_the_vocabulary_comes_from_the_training_text_alone(english, whole):
    counts = Counter(word for words in paragraphs(whole, "train") for word in words)
    assert UNKNOWN not in counts  # here every training word is known
    assert set(whole.vocabulary) == set(counts) | {UNKNOWN}
    assert set(english.vocabulary) == {word for word in counts if counts[word] >= 2} | {UNKNOWN, END}
    assert UNKNOWN_ID in whole.test  # and the test has words that it does not know


def test_a_rare_word_is_unknown(english, whole):
    once = (torch.bincount(whole.train)[whole.train] == 1).sum()
    assert once > 0
    assert (english.train == UNKNOWN_ID).sum() == once


def test_a_split_is_the_same_each_time_and_another_one_differs(english):
    again, other = load_english(), load_english(split=1)
    assert all(torch.equal(getattr(again, part), getattr(english, part)) for part in PARTS)
    assert not torch.equal(other.test[:200], english.test[:200])


def test_another_process_makes_the_same_split(english):
    code = "from course_lib.datasets.english import load_english; print(load_english().test[::501].tolist())"
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert made.stdout.strip() == str(english.test[::501].tolist())


def test_tokens():
    assert tokenize("The x_y isn't (yet) 42!") == ["the", "x_y", "isn't", "(", "yet", ")", "42", "!"]
    assert tokenize("a<end> <unk>b") == ["a", END, UNKNOWN, "b"]
    assert tokenize(" \n") == []


def test_words_and_ids_and_back(english):
    tokens = tokenize("the value of a Zeppelin is None.")
    ids = encode(tokens, english.vocabulary)
    assert ids.dtype == torch.int64 and ids.shape == (len(tokens),)
    assert english.words(ids) == ["the", "value", "of", "a", UNKNOWN, "is", "none", "."]


def test_a_vocabulary_has_the_frequent_words_first():
    words = ["b", "a", "b", END, "c", "a", "b", END, UNKNOWN]
    assert build_vocabulary(words) == (UNKNOWN, END, "b", "a", "c")
    assert build_vocabulary(words, min_count=2) == (UNKNOWN, END, "b", "a")
    assert build_vocabulary([]) == (UNKNOWN, END)


def test_a_line_that_reads_well():
    assert readable(["see", "(", "x", ")", ",", "please", "."]) == "see (x), please."


def test_a_count_below_one_is_refused():
    with pytest.raises(ValueError, match="at least 1, not 0"):
        load_english(min_count=0)


def test_it_is_the_text_whose_words_the_shipped_model_has_learned(english):
    """Whatever Python runs; another version's would hold out what the model knows by heart."""
    assert load_writer().vocabulary == english.vocabulary and "Python 3.11.7" in english.source
