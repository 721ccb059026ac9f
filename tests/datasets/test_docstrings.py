import textwrap

import pytest

from course_lib.datasets.docstrings import docstrings, load_docstrings


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))


def test_the_docstrings_of_a_module():
    source = '''
    """Of the module."""

    class Thing:
        """Of the class."""

        def method(self):
            """Of the
            method."""
            "no docstring"

    try:
        def tried():
            """Of a function inside try."""
    except ImportError:
        pass

    text = """not a docstring"""
    '''
    found = list(docstrings(textwrap.dedent(source)))
    assert len(found) == 4
    assert set(found) == {"Of the module.", "Of the class.", "Of the\nmethod.", "Of a function inside try."}


@pytest.mark.parametrize("source", ["def broken(:", "\0", ""])
def test_what_is_no_python_has_none(source):
    assert list(docstrings(source)) == []


def test_a_corpus_of_one_package_has_its_words_and_comes_from_the_cache_again(tmp_path):
    corpus = load_docstrings(packages=("joblib",))
    assert "parallel" in corpus.vocabulary and corpus.source.startswith("the docstrings of joblib ")
    assert len(corpus.train) > 5 * len(corpus.test) > 0 and any((tmp_path / "docstrings").rglob("*.pkl"))
    again = load_docstrings(packages=("joblib",))
    assert again.train.equal(corpus.train) and again.vocabulary == corpus.vocabulary
    other = load_docstrings(split=1, packages=("joblib",))
    assert not other.test[:100].equal(corpus.test[:100])


def test_what_cannot_be_read_is_said():
    with pytest.raises(ValueError, match="'no-such-package' is not installed here"):
        load_docstrings(packages=("no-such-package",))
    with pytest.raises(ValueError, match="not one docstring in tzdata"):
        load_docstrings(packages=("tzdata",))
    with pytest.raises(ValueError, match="min_count must be at least 1"):
        load_docstrings(min_count=0)
