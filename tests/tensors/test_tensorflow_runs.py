"""Programs run by another Python, statement by statement; and what was recorded of a real TensorFlow."""

import sys
from ast import literal_eval
from pathlib import Path

import pytest

from course_lib.results import load_result
from course_lib.tensors.statements import first_line, run_statements
from course_lib.tensors.tensorflow_runs import GONE, PROGRAMS, WHEELS, run_program


def test_each_statement_is_told_up_to_the_first_error():
    told = run_program(Path(sys.executable), "x = [1, 2]\nx + [3]\nx.push(4)\nprint('never')")
    assert told == [
        ["x = [1, 2]", "done", ""],
        ["x + [3]", "value", "[1, 2, 3]"],
        ["x.push(4)", "error", "AttributeError: 'list' object has no attribute 'push'"],
    ]


def test_a_program_finds_its_own_source(tmp_path):
    program = tmp_path / "program.py"
    program.write_text("from inspect import getsource\n@staticmethod\ndef f():\n    return 1\ngetsource(f)\n")
    told = run_statements(str(program))
    assert told[1][0].startswith("@staticmethod\ndef f")
    assert "return 1" in literal_eval(told[2][2])


def test_of_an_error_what_says_something_is_kept():
    message = "Graph execution error:\n\nDetected at node 'x' defined at (last call):\n  File 1\nNode: 'x'\nFeed x"
    assert first_line(message) == "Feed x"
    assert first_line("plain\nmore") == "plain" and first_line("") == "" and first_line("only:") == "only:"


@pytest.fixture(scope="module")
def recorded():
    return load_result("1.3_tensorflow").values


def test_the_record_is_of_these_programs(recorded):
    assert recorded["programs"].keys() == PROGRAMS.keys() and recorded["holds_keras"].keys() == set(WHEELS)
    for name, told in recorded["programs"].items():
        said = [statement for statement, _, _ in told if "\n" not in statement]
        assert "import tensorflow as tf" in said and all(statement in PROGRAMS[name] for statement in said)
    assert set(literal_eval(recorded["programs"]["names of TensorFlow 1"][-1][2])) == set(GONE)


def test_the_record_holds_what_the_page_says(recorded):
    def last(name):
        return recorded["programs"][name][-1][1:]

    assert last("session, as in the notes")[1].startswith("AttributeError")
    assert last("eager, as in the notes")[1].startswith("AttributeError")
    assert last("placeholder, in eager mode")[1].startswith("RuntimeError")
    assert last("placeholder, half of them fed")[1].startswith("InvalidArgumentError: You must feed")
    assert last("variable, in two sessions")[1].startswith("FailedPreconditionError")
    assert last("branch, by tf.cond") == last("branch, rewritten by AutoGraph") == ["value", "[-1.0, 2.0]"]
