"""Honest but odd submissions: each gets what its answer deserves, and where that is nothing, a sentence that helps."""

import json

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_raw_cell

from course_lib.exercises import Case, exercise, model, part
from course_lib.grading.children import ForkServer, can_fork
from course_lib.grading.grade import Row, grade_notebook
from course_lib.grading.programs import hidden_folders
from course_lib.grading.runner import ChildRunner
from course_lib.grading.sandbox import Limits
from course_lib.notebooks.files import right_answers

RIGHT = right_answers()
GATE = RIGHT["start.gate"]
MARK, TORCH = "# exercise: start.gate\n", "import torch\n"
DEF, SUM = "def gate(x, weight, bias):\n    return ", "weight * x + bias"
PLAIN = f"{DEF}torch.sigmoid({SUM})"
TOP = MARK + TORCH

pytestmark = pytest.mark.skipif(not can_fork(), reason="one server for all of these needs Linux")


@pytest.fixture(scope="module")
def runner():
    limits = Limits(seconds=60, memory=2**30, file_bytes=16 * 2**20)
    with ForkServer(limits, hidden_folders()) as server, ChildRunner(server.start) as runner:
        yield runner


@pytest.fixture
def grade(tmp_path, runner):
    """Write a notebook with these code cells, or this one, or these bytes, and grade one exercise of it."""

    def grade(*cells, id: str = "start.gate", notebook: dict | None = None, content: bytes = b"") -> Row:
        code = [new_code_cell(cell) if isinstance(cell, str) else cell for cell in cells]
        path = tmp_path / "answers.ipynb"
        path.write_bytes(content or json.dumps(notebook or new_notebook(cells=code)).encode())
        report = grade_notebook(path, runner, seed=3, only=[id])
        assert not report.problem
        return next(row for row in report.rows if row.exercise == id)

    return grade


def says(row: Row) -> str:
    return " ".join(row.feedback.split())


def body(lines: str, head: str = "") -> str:
    """An answer that does this, and then answers rightly."""
    return f"{TOP}{head}\ndef gate(x, weight, bias):\n    {lines}\n    return torch.sigmoid({SUM})"


def makes(expression: str, head: str = "") -> str:
    """An answer that returns what it makes of the right result, `y`."""
    return f"{TOP}{head}\ndef gate(x, weight, bias):\n    y = torch.sigmoid({SUM})\n    return {expression}"


DESERVES_ALL = {  # name: the code cells
    # what it prints and warns of
    "warnings": [body("import warnings; warnings.warn('hm'); x.T if x.ndim == 3 else 0")],
    "warnings as errors": [body("warnings.warn('hm')", "import warnings\nwarnings.simplefilter('error')")],
    "thousands of lines": [body("for n in range(5000): print(n); print(n, file=sys.stderr)", "import sys")],
    "lines past Python": [body("os.write(1, b'x' * 9999); os.write(2, b'x' * 9999)", "import os")],
    "a log": [body("log.warning('x')", "import logging\nlog = logging.getLogger(__name__)\nlogging.basicConfig()")],
    "a progress bar": [body("for _ in tqdm(range(3)): pass", "from tqdm.auto import tqdm")],
    "IPython's display": [body("display(x)")],
    "a shell's line and a magic inside": [body("!ls\n    %matplotlib inline")],
    # cells in odd places
    "reordered": ["def h(z: Tensor, k=ONE): return k * s(z)", "ONE = TWO / 2", f"{MARK}{DEF}h({SUM})",
                  "TWO = 2\nfrom torch import sigmoid as s, Tensor"],
    "a base class in a later cell": [f"{TOP}class B(A):\n    pass\n{DEF}B().f({SUM})",
                                     "class A:\n    def f(self, z): return torch.sigmoid(z)"],
    "duplicated": [GATE, GATE],
    "split": [f"{MARK}{DEF}s({SUM})", f"{TORCH}def s(z): return ONE * torch.sigmoid(z)", "ONE = 1.0"],
    "the marker cut off": [MARK, PLAIN, TORCH],
    "written in a cell of its own": [f"{MARK}def gate(x, weight, bias):\n    ...", TORCH + PLAIN],
    "extra cells": ["raise SystemExit", "while True: pass", "input()", GATE, "del gate", "1/0"],
    "text turned to code": ["# Gates\nA gate *is* a share, isn't it?", GATE],
    "tried below": [f"{TOP}{PLAIN}\nif __name__ == '__main__':\n    print(gate(torch.ones(2), 1, 1))\nassert False"],
    "defined again without a marker": [GATE, f"{DEF}0"],
    # markers
    "a comment above": ["# my first answer\n\n" + GATE],
    "imports above": [TORCH + MARK + PLAIN],
    "a coding line above": ["# -*- coding: utf-8 -*-\n" + GATE],
    "a marker in capitals": [f"# Exercise : start.gate\n{TORCH}{PLAIN}"],
    "a marker with a full stop": [f"## exercise: start.gate.\n{TORCH}{PLAIN}"],
    "a marker with a remark": [f"#exercise: start.gate  (done)\n{TORCH}{PLAIN}"],
    # characters
    "Windows line ends": [GATE.replace("\n", "\r\n")],
    "old line ends": [GATE.replace("\n", "\r")],
    "a byte order mark": ["\ufeff" + GATE],
    "tabs": [GATE.replace("    ", "\t")],
    "an indented cell": ["    " + GATE.strip().replace("\n", "\n    ")],
    "names of any letters": [f"{TOP}def σ(ζ): return torch.sigmoid(ζ)\n{DEF}σ({SUM})  # größer, 門"],
    # helpers
    "a class": [f"{TORCH}class G:\n    def __call__(self, z): return torch.sigmoid(z)", f"{MARK}{DEF}G()({SUM})"],
    "a module": [f"{TOP}from torch import nn\nclass G(nn.Module):\n    def __init__(self):\n"
                 f"        super().__init__()\n        self.s = nn.Sigmoid()\n"
                 "    def forward(self, z): return self.s(z)\n"
                 f"{DEF}G()({SUM})"],
    "a dataclass": ["from dataclasses import dataclass, field\n@dataclass\nclass P:\n    w: float\n    b: float = 0.0\n"
                    "    seen: list = field(default_factory=list)", f"{TOP}{DEF}torch.sigmoid(P(weight).w * x + bias)"],
    "a named tuple": ["from collections import namedtuple\nP = namedtuple('P', 'w b')",
                      f"{TOP}{DEF}torch.sigmoid(P(weight, bias).w * x + bias)"],
    "a decorator": ["import functools\ndef log(f):\n    @functools.wraps(f)\n    def g(*a): return f(*a)\n    return g",
                    f"{TOP}@log\n{PLAIN}"],
    "torch.no_grad": [f"{TOP}@torch.no_grad()\n{PLAIN}"],
    "torch.jit.script": [f"{TOP}@torch.jit.script\n{PLAIN.replace('weight, bias', 'weight: float, bias: float')}"],
    "a helper called like a built-in one": [f"{TOP}def round(z): return torch.sigmoid(z)\n{DEF}round({SUM})"],
    "a built-in name forgotten": ["sum = 3\nlist = [1]", makes("y + sum(list([0]))")],
    "recursion": [f"{TOP}def rep(n, z): return z if n == 0 else rep(n - 1, z)\n{DEF}rep(99, torch.sigmoid({SUM}))"],
    "a nested function": [
        f"{TOP}def gate(x, weight, bias):\n    def s(z): return torch.sigmoid(z)\n    return s({SUM})"],
    "annotations from another cell": ["from torch import Tensor",
                                      TOP + PLAIN.replace("x,", "x: Tensor,").replace("):", ") -> Tensor:")],
    "annotations from the future": [f"{MARK}from __future__ import annotations\n{TORCH}"
                                    + PLAIN.replace("x,", "x: Tensor,").replace("):", ") -> np.ndarray:")],
    "a type variable": [f"{TOP}from typing import TypeVar\nT = TypeVar('T')\n{PLAIN.replace('x,', 'x: T,')}"],
    # ways to give a function its name
    "a lambda": [f"{TOP}gate = lambda x, weight, bias: torch.sigmoid({SUM})"],
    "an annotated lambda": [f"{TOP}from typing import Callable\ngate: Callable = lambda x, weight, bias: "
                            f"torch.sigmoid({SUM})"],
    "partial": [f"{TOP}from functools import partial\ndef g(f, x, weight, bias): return f({SUM})\n"
                "gate = partial(g, torch.sigmoid)"],
    "an alias": [f"{TOP}{PLAIN.replace('gate', 'my_gate')}\ngate = my_gate"],
    "one of two names": [f"{TOP}{PLAIN.replace('gate', 'my_gate')}\nother, gate = 1, my_gate"],
    "a bound method": [f"{TOP}class G:\n    def forward(self, x, weight, bias):\n        return torch.sigmoid({SUM})\n"
                       "made = G()\ngate = made.forward"],
    "an object that is called": [f"{TOP}class G:\n    def __call__(self, x, weight, bias):\n"
                                 f"        return torch.sigmoid({SUM})\ngate = G()"],
    "made by a function": [f"{TOP}def outer():\n    def gate(x, weight, bias):\n        return torch.sigmoid({SUM})\n"
                           "    return gate\ngate = outer()"],
    "with an attribute": [f"{TOP}{DEF}gate.f({SUM})\ngate.f = torch.sigmoid"],
    "behind an if": [f"{TOP}if torch.cuda.is_available() or True:\n    {PLAIN.replace(chr(10), chr(10) + '    ')}"],
    # values outside the function
    "a counter": [body("global n; n += 1", "n = 0")],
    "a list of calls": [body("calls.append(1)", "calls = []")],
    "a global that it makes": [body("global made; made = 1")],
    "a value changed": [makes("y * k / 2 + t['b']", "k = 1\nk += 1\nt = {'a': 1}\nt['b'] = 0")],
    "a constant made by a call": [makes("y * ONE", "ONE = torch.tensor([1.0]).sum()")],
    "a module made outside": [f"{TOP}s = torch.nn.Sigmoid()\n{DEF}s({SUM})"],
    "plain values of many kinds, in another cell": [
        "import math\nK = [2 ** n for n in range(3)]\nD = {**{'a': 1}}\nF = f'{K}'\nQ = 1 if K[0:1] and 1 < 2 else 0\n"
        "PI = math.sqrt(4)", makes("y * K[0] * D['a'] * Q * (PI - 1) * (1 if F else 0)")],
    "the usual choice of a device": [
        "import torch\ndevice = torch.device('cuda' if torch.cuda.is_available() else 'cpu')",
                                     makes("y.to(device)")],
    "an import that may fail": ["try:\n    import torch, nothing_like_it\nexcept ImportError:\n    import torch",
                                MARK + PLAIN],
    "a seed set at the top": [TORCH + "torch.manual_seed(0)", MARK + PLAIN],
    "the default type changed": [body("torch.set_default_dtype(torch.float64)")],
    # kinds of result
    "NumPy": [f"{MARK}import numpy as np\n{DEF}1 / (1 + np.exp(-({SUM.replace('x', 'x.numpy()')})))"],
    "NumPy on tensors": [f"{MARK}import numpy as np\n{DEF}1 / (1 + np.exp(-({SUM.replace('x', 'np.asarray(x)')})))"],
    "float64": [makes("y.double()")],
    "float64 of NumPy": [makes("y.numpy().astype('>f8')")],
    "a gradient": [makes("y * torch.ones(1, requires_grad=True)")],
    "a parameter": [makes("torch.nn.Parameter(y)")],
    "not contiguous": [
        makes("torch.stack([y, y], -1)[..., 0].mT.contiguous().mT if y.ndim > 1 else y.flip(0).flip(0)")],
    "expanded": [makes("y.expand(2, *y.shape)[1]")],
    "sparse": [makes("y.to_sparse()")],
    "float32 in another order": [makes("((y + 1000) - 1000 + y * 2047) / 2048")],
    "inference mode": [f"{TOP}@torch.inference_mode()\n{PLAIN}"],
    # editors' own lines
    "Colab's form": ["#@title An answer\n#@markdown Run me\n" + GATE + "\nSIZE = 3 #@param {type:'integer'}"],
    "Colab's set-up": [
        "from google.colab import drive\ndrive.mount('/content/drive')\n!pip install torch\n%cd /content",
                       "%load_ext autoreload\n" + GATE],
    "time above": ["%%time\n" + GATE],
    "time below the marker": [GATE.replace("\n", "\n%%time\n", 1)],
    "captured": ["%%capture out\n" + GATE],
    "an installation in the cell": [GATE.replace("\n", "\n!pip install -q torch\n%matplotlib inline\n", 1)],
    "help in the cell": [GATE.replace("\n", "\ntorch.sigmoid?\n", 1)],
}  # fmt: skip


@pytest.mark.parametrize("cells", DESERVES_ALL.values(), ids=DESERVES_ALL)
def test_a_right_answer_earns_its_points_however_odd_it_looks(grade, cells):
    row = grade(*cells)
    assert (row.status, row.points) == ("passed", 2), row.feedback


DESERVES_A_SENTENCE = {  # name: the code cells, what is said
    "a value from another cell's call": (
        ["import torch\nw = torch.ones(1)", f"{MARK}{DEF}torch.sigmoid(w * ({SUM}))"],
        "Your answer uses `w`. `course grade` takes imports, definitions and plain values"),
    "async": ([f"{TOP}async {PLAIN}"],
              "returned a coroutine. A function with `async` in front of it does that; take the word away."),
    "a comma too many": (
        [makes("y,")], "your gate is 1 result in a tuple, wanted a tensor of shape (1,). Is there a comma"),
    "a list": ([makes("y.tolist()")], "your gate is a list of 1, wanted a tensor of shape (1,)"),
    "an annotation that nothing imports": ([TOP + PLAIN.replace("x,", "x: Tensor,")], "name 'Tensor' is not defined"),
    "a helper in a cell that cannot be read": (
        ["import torch\nx = = 1", MARK + PLAIN],
        "Code cell 1 has a syntax error in line 2, invalid syntax: x = = 1. Nothing that it defines was found."),
    "a syntax error": ([f"{TOP}def gate(x, weight, bias):\nreturn 1"],
                       "The answer cell has a syntax error in line 4, expected an indented block"),
    "tabs and spaces mixed": ([f"{TOP}def gate(x, weight, bias):\n\tz = 1\n        return z"],
                              "inconsistent use of tabs and spaces"),
    "a space that is none": ([TOP + PLAIN.replace("    ", "\u00a0")], "non-printable character U+00A0"),
    "a question to the learner": ([body("input('?')")], "EOFError"),
    "half of the precision": ([makes("y.bfloat16()")], "wanted [0.04743, 0.2689, 0.7311]"),
    "a file instead of a definition": ([f"%%writefile answer.py\n{GATE}"], "The answer cell does not define gate."),
    "a name that is not the wanted one": ([GATE.replace("def gate", "def Gate")],
                                          "The answer cell does not define gate."),
}  # fmt: skip


@pytest.mark.parametrize(("cells", "sentence"), DESERVES_A_SENTENCE.values(), ids=DESERVES_A_SENTENCE)
def test_what_cannot_count_is_explained(grade, cells, sentence):
    row = grade(*cells)
    assert (row.status, row.points) == ("failed", 0)
    assert sentence in says(row)


@pytest.mark.parametrize("make", [new_markdown_cell, new_raw_cell])
def test_an_answer_in_a_cell_that_does_not_run_is_explained(grade, make):
    row = grade(make(GATE))
    assert (row.status, row.points) == ("no answer cell", 0)
    assert "Make it a code cell again." in says(row)


def test_a_later_definition_without_a_marker_is_named(grade):
    row = grade(f"{MARK}{DEF}x", "1", TORCH + PLAIN)
    assert row.status == "failed"
    wanted = "It is defined again in code cell 3, without the line `# exercise: start.gate`; code cell 1 counts."
    assert row.note == wanted


def test_merged_cells_answer_all_of_their_exercises(grade):
    ids = [id for id in RIGHT if id.startswith("recurrent.lstm.") and "pipeline" not in id and "stacked" not in id]
    merged = "\n".join(RIGHT[id] for id in ids)
    assert [grade(merged, id=id).status for id in ids] == ["passed"] * len(ids)


def test_a_syntax_error_costs_one_exercise(grade):
    cells = [RIGHT["recurrent.lstm.cell-state"], RIGHT["recurrent.lstm.forget-gate"] + "\n  )", RIGHT["recurrent.lstm"]]
    statuses = [grade(*cells, id=f"recurrent.lstm{end}").status for end in (".cell-state", ".forget-gate", "")]
    assert statuses == ["passed", "failed", "passed"]


def test_an_answer_may_call_an_earlier_one_with_what_that_needs(grade):
    earlier = RIGHT["recurrent.lstm.forget-gate"].replace("math.log", "LOG") + "\nLOG = getattr(math, 'log')\n"
    call = "    forget_bias_for(2, 0.5)\n    cells = []"
    later = RIGHT["recurrent.lstm.cell-state"].replace("    cells = []", call)
    assert grade(earlier, later, id="recurrent.lstm.cell-state").status == "passed"
    assert "Your answer uses `forget_bias_for`" in says(grade(later, id="recurrent.lstm.cell-state"))


# --- what editors save ---------------------------------------------------------------------------------------------


def saved(source=GATE, *, minor: int = 5, metadata: dict | None = None, **cell) -> dict:
    """A notebook's JSON with one answer."""
    cell = {"cell_type": "code", "metadata": {}, "source": source, "outputs": [], "execution_count": 1} | cell
    return {"nbformat": 4, "nbformat_minor": minor, "metadata": metadata or {}, "cells": [cell]}


LINES = GATE.splitlines(keepends=True)
SAVES = {
    "a list of lines": saved(LINES, id="a"),
    "a list of lines with Windows line ends": saved([line.replace("\n", "\r\n") for line in LINES], id="a"),
    "Colab": saved(
        LINES, minor=0, outputs=[{"output_type": "stream", "name": "stdout", "text": ["x\n"]},
                                 {"output_type": "display_data", "data": {"application/vnd.google": "?"}}],
        metadata={"colab": {"provenance": [], "toc_visible": True}, "accelerator": "GPU",
                  "kernelspec": {"name": "python3", "display_name": "Python 3"}},
    ) | {"cells": [saved(LINES)["cells"][0] | {"metadata": {"id": "Xy-1", "colab": {"base_uri": "https://x/"},
                                                              "outputId": "f", "cellView": "form"}}]},
    "VS Code": saved(
        LINES, minor=2, execution_count=None,
        metadata={"kernelspec": {"display_name": ".venv", "name": ".venv"}, "orig_nbformat": 4,
                  "vscode": {"interpreter": {"hash": "0" * 64}}},
    ) | {"cells": [saved(LINES)["cells"][0] | {"metadata": {"vscode": {"languageId": "python"}}}]},
    **{f"nbformat 4.{minor}, without ids": saved(minor=minor) for minor in range(6)},
    "a minor format to come": saved(minor=9, id="a"),
    "tags null": saved(metadata={}, id="a") | {"cells": [saved()["cells"][0] | {"metadata": {"tags": None}}]},
    "tags that are no texts": saved() | {"cells": [saved()["cells"][0] | {"metadata": {"tags": [3, "x"]}}]},
    "nbformat 3": {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""},
                   "worksheets": [{"metadata": {}, "cells": [
        {"cell_type": "heading", "level": 1, "metadata": {}, "source": ["Gates"]},
        {"cell_type": "code", "language": "python", "collapsed": False, "metadata": {}, "outputs": [],
         "input": LINES, "prompt_number": 1}]}]},
}  # fmt: skip


@pytest.mark.parametrize("notebook", SAVES.values(), ids=SAVES)
def test_every_editors_save_is_read(grade, notebook):
    row = grade(notebook=notebook)
    assert row.status == "passed", row.feedback


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(saved(), indent=1).replace("\n", "\r\n").encode(),
        b"\xef\xbb\xbf" + json.dumps(saved()).encode(),
        json.dumps(saved(GATE + "# größer, 門"), ensure_ascii=False).encode(),
    ],
    ids=["Windows line ends", "a byte order mark", "letters of any kind"],
)
def test_every_way_to_write_the_file_is_read(grade, content):
    assert grade(content=content).status == "passed"


# --- kinds of results, with exercises made for this ----------------------------------------------------------------


@pytest.fixture(scope="module")
def wanted():
    """Exercises that want a value of each kind."""
    import numpy as np
    import torch

    kinds = {"number": 2.5, "count": 3, "flag": True, "numbers": [1, 2, 3], "pair": (1.0, torch.ones(2)), "text": "a"}
    kinds |= {"scalar": torch.tensor(2.5), "yes": torch.tensor(True), "array": np.arange(3.0), "table": {"a": 1.5}}
    for name, value in kinds.items():
        _declare(name, value)
    yield
    for name in kinds:
        del model._exercises[f"samples.odd-{name}"]


def _declare(name: str, value) -> None:
    @exercise(f"samples.odd-{name}", f"f() -> {name}", level="core", minutes=1)
    def f(rng):
        """Return this."""
        with part("all", points=1):
            yield Case((), expected=value)


KINDS = [  # what is wanted, an expression, what is said; nothing where it serves
    ("number", "np.float32(2.5)", ""), ("number", "torch.tensor(2.5)", ""), ("number", "np.array(2.5)", ""),
    ("number", "fractions.Fraction(5, 2)", ""), ("number", "torch.tensor(2.5, requires_grad=True)", ""),
    ("number", "torch.tensor([2.5])", "your number is a tensor of shape (1,), wanted a number"),
    ("number", "'2.5'", "your number is a text, wanted a number"),
    ("count", "3.0", ""), ("count", "np.int64(3)", ""), ("count", "torch.tensor(3)", ""),
    ("count", "True", "your count is True, wanted a number"),
    ("flag", "np.bool_(True)", ""), ("flag", "torch.tensor(True)", ""), ("flag", "torch.ones(2).all()", ""),
    ("flag", "1", "your flag is 1, wanted True or False"),
    ("scalar", "2.5", ""), ("scalar", "np.float64(2.5)", ""), ("scalar", "torch.tensor(2.5).double()", ""),
    ("yes", "True", ""), ("yes", "np.bool_(True)", ""),
    ("numbers", "(1, 2, 3)", ""), ("numbers", "range(1, 4)", ""), ("numbers", "collections.deque([1, 2, 3])", ""),
    ("numbers", "[torch.tensor(1), np.int8(2), 3.0]", ""), ("numbers", "list(np.arange(1, 4))", ""),
    ("numbers", "torch.arange(1, 4)", "your numbers is a tensor of shape (3,), wanted a list of 3"),
    ("pair", "[1, torch.ones(2)]", ""), ("pair", "collections.namedtuple('P', 'a b')(1, np.ones(2))", ""),
    ("array", "torch.arange(3)", ""), ("array", "np.arange(3)", ""),
    ("array", "torch.arange(3.0).requires_grad_()", ""),
    ("array", "np.arange(6.0)[:3]", ""), ("array", "[0, 1, 2]", "your array is a list of 3, wanted an array of shape"),
    ("table", "collections.defaultdict(int, a=1.5)", ""), ("table", "collections.OrderedDict(a=np.float32(1.5))", ""),
    ("text", "np.str_('a')", ""),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "expression", "sentence"), KINDS, ids=[f"{k}: {e}" for k, e, _ in KINDS])
def test_a_result_of_another_kind_serves_where_nothing_is_lost(wanted, grade, kind, expression, sentence):
    head = f"# exercise: samples.odd-{kind}\nimport collections, fractions\nimport numpy as np\nimport torch\n"
    row = grade(f"{head}def f():\n    return {expression}", id=f"samples.odd-{kind}")
    assert (row.status == "passed") == (not sentence), row.feedback
    assert sentence.lower() in says(row).lower()


def test_a_slow_answer_counts_until_its_limit(grade):
    @exercise("samples.odd-slow", "f() -> number", level="core", minutes=1, seconds=1.0)
    def slow(rng):
        """Return this, in a second."""
        with part("all", points=1):
            yield Case((), expected=1)

    try:
        answer = "# exercise: samples.odd-slow\nimport time\ndef f():\n    time.sleep({})\n    return 1"
        assert grade(answer.format(0.8), id="samples.odd-slow").status == "passed"
        late = grade(answer.format(3), id="samples.odd-slow")
        assert late.status == "failed" and "your function was still running after 1 s" in says(late).lower()
    finally:
        del model._exercises["samples.odd-slow"]
