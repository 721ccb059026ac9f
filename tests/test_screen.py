import sys
from types import SimpleNamespace

import IPython
import pytest

from course_lib import screen


def shown(monkeypatch, **attributes) -> None:
    """Let IPython run, with these attributes."""
    monkeypatch.setattr(IPython, "get_ipython", lambda: SimpleNamespace(**attributes))


def test_on_a_terminal_sentences_go_to_standard_error(monkeypatch, capsys):
    screen.say("one")
    screen.say("two", progress=True)  # a terminal needs no line about loading
    shown(monkeypatch)  # IPython on a terminal
    screen.say("three")
    assert capsys.readouterr() == ("", "one\nthree\n")


def test_without_ipython_it_works_too(monkeypatch, capsys):
    monkeypatch.delitem(sys.modules, "IPython")
    screen.say("one")
    assert capsys.readouterr().err == "one\n" and not screen.in_notebook()


@pytest.mark.parametrize("hidden", ["1", ""])
def test_in_a_notebook_what_is_said_is_marked(hidden, monkeypatch):
    outputs = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw, metadata: outputs.append((data, metadata)))
    monkeypatch.setenv("TQDM_DISABLE", hidden)
    shown(monkeypatch, kernel=None)
    screen.say("one")
    screen.say("two", progress=True)
    texts = ["one"] if hidden else ["one", "two"]
    assert outputs == [({"text/plain": text}, {"course": "transient"}) for text in texts]
