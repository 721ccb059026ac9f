"""What of a notebook belongs to an answer, and what of an answer is still to be written."""

import ast

import pytest

from course_lib.exercises.names import names_used
from course_lib.exercises.source import Cell, blank, extract


def taken(sources: list[str], functions: list[str], home: int) -> tuple[list[str], tuple[str, ...]]:
    """The statements that an answer needs, and the names that are missing."""
    answer = extract([Cell.read(f"cell {n}", source) for n, source in enumerate(sources)], functions, homes=[home])
    statements = [ast.unparse(ast.parse(piece.source).body[n]) for piece in answer.pieces for n in piece.keep]
    return statements, answer.missing


def test_what_an_answer_names_comes_along_directly_or_through_others_and_nothing_else():
    cells = [
        "import torch, math\nfrom os import system as run\nimport json",
        "SIZE = 4\nSCALE: float = 2 * 3.5\nUNUSED = 1\nweights = torch.zeros(SIZE)\nrun('ls')",
        "def helper(x):\n    return other(x) * SCALE\nclass Other(Base):\n    pass",
        "class Base:\n    rate = math.pi\ndef other(x): return Other().rate * x",
        "for i in range(10 ** 9): pass",
        "def answer(x, size=SIZE):\n    local = [helper(y) for y in x]\n    return local, len(x)\nprint(answer([1]))",
    ]
    statements, missing = taken(cells, ["answer"], home=5)
    assert [line.splitlines()[0] for line in statements] == [
        "import torch, math",
        "SIZE = 4",
        "SCALE: float = 2 * 3.5",
        "def helper(x):",
        "class Base:",
        "class Other(Base):",
        "def other(x):",
        "def answer(x, size=SIZE):",
    ]
    assert missing == ()


def test_names_that_only_a_run_would_make_are_missing():
    cells = ["w = make()\nfor k in range(3): pass", "def f(x):\n    global w\n    return x * w + k + nowhere + len(x)"]
    assert taken(cells, ["f"], home=1)[1] == ("k", "nowhere", "w")


@pytest.mark.parametrize(
    ("cells", "home", "kept"),
    [
        (["a = 1", "a = 2", "def f(): return a", "a = 3"], 2, "a = 2"),  # the latest before the answer
        (["def f(): return a", "a = 3", "a = 4"], 0, "a = 3"),  # else the first after it
        (["a, b = 1, 2", "def f(): return b"], 1, "a, b = (1, 2)"),
        (["sigmoid = torch.sigmoid\nimport torch", "def f(): return sigmoid"], 1, "sigmoid = torch.sigmoid"),
        (["g = lambda x: x + 1", "def f(): return g(2)"], 1, "g = lambda x: x + 1"),
        (["import os.path\nimport os", "def f(): return os.path.sep"], 1, "import os.path"),
        (["from math import *", "def f(): return pi"], 1, "from math import *"),
        (["%matplotlib inline\nimport math\nfiles = !ls", "def f(): return math"], 1, "import math"),
        (["def broken(:", "import math", "def f(): return math"], 2, "import math"),
    ],
)
def test_which_definition_is_meant(cells, home, kept):
    statements, missing = taken(cells, ["f"], home)
    assert kept in statements and missing == ()


def test_an_import_that_every_cell_repeats_comes_from_one():
    cells = ["import torch\na = 1", "import torch as t, torch\nimport torch", "import torch\ndef f(): return torch, t"]
    definition = "def f():\n    return (torch, t)"
    assert taken(cells, ["f"], home=2)[0] == ["import torch as t, torch", "import torch", definition]


@pytest.mark.parametrize(
    ("source", "used"),
    [
        ("@a\n@b(c)\r\ndef f(x=y):\r\n    'é'; return g(x); z", set("abcygz")),  # two kinds of line ends
        ("class A(B):\n    @p\n    def f(self): return q\n\x0cr", set("Bpq")),
        ("def f(): \\\n  return g\nx = 1; y = h", set("g")),
        ("x = g; y = h", set("g")),  # what shares its line with others
    ],
)
def test_the_names_that_a_statement_uses_are_read_from_its_own_source(source, used):
    cell = Cell.read("cell", source)
    assert names_used(cell.statements[0], cell.source).all == names_used(cell.statements[0]).all == used


def test_reading_a_cell_warns_of_nothing(recwarn):
    assert Cell.read("cell", "pattern = '\\d'\nx = 1 is 1").statements
    assert list(recwarn) == []


def test_an_answer_is_looked_for_in_its_own_cell_first():
    cells = ["def f(): return 1", "def f(): return 2", "def f(): return 3"]
    assert taken(cells, ["f"], home=1)[0] == ["def f():\n    return 2"]
    assert taken([*cells, "pass"], ["f"], home=3)[0] == ["def f():\n    return 3"]
    assert taken(["pass"], ["f"], home=0)[0] == []


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("def f(:\n    pass", "has a syntax error in line 1"),
        ("x = 1\n  y = 2", "has a syntax error in line 2, unexpected indent"),
        ("x = '\0'", "null byte"),
        ("(" * 300 + ")" * 300, "has a syntax error|nested too deep"),
        ("%%bash\nls", ""),
    ],
)
def test_a_cell_that_cannot_be_read_says_why(source, error):
    cell = Cell.read("cell", source)
    if error:
        assert any(part in cell.error for part in error.split("|")) and cell.statements == ()
    else:
        assert cell.error == ""


@pytest.mark.parametrize(
    ("source", "blanks", "expected"),
    [
        ("def f(x):\n    ...", 1, ((2,), True)),
        ("def f(x):\n    '''Doc.'''\n    ...", 1, ((3,), True)),
        ("def f(x):\n    '''Doc.'''", 1, ((), True)),
        ("def f(x): pass", 1, ((), True)),
        ("def f(x):\n    return ...", 1, ((2,), True)),
        ("def f(x):\n    a = ...\n    b: int = ...\n    c, d = ..., ...\n    return a", 4, ((2, 3, 4), True)),
        ("def f(x):\n    a = 1\n    b = ...\n    return a", 2, ((3,), False)),
        ("def f(x):\n    return torch.sigmoid(...)", 1, ((2,), True)),
        ("class C:\n    def step(self):\n        ...", 1, ((3,), True)),
        ("def f(x):\n    return x[..., 0] + x[...]", 1, None),
        ("def f(x: tuple[int, ...]) -> tuple[int, ...]:\n    return x", 1, None),
        ("def f(x):\n    return None", 1, None),
        ("def f(x):\n    x[...] = 0\n    return x", 1, None),
    ],
)
def test_what_is_still_to_be_written(source, blanks, expected):
    found = blank(ast.parse(source).body[0], blanks)
    assert (found and (found.lines, found.untouched)) == expected
