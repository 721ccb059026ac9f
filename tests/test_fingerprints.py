import functools
import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import torch
from torch import nn

from course_lib.fingerprints import CannotHash, fingerprint

NOTEBOOK = """
import math
import torch
from torch import nn

SCALE = 2.0
TABLE = torch.arange(3.0)

def squash(x):
    return x.tanh() * SCALE

class Model(nn.Module):
    limit = 5

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 2)
        self.parts = {"a", "b", "c", "d"}

    @property
    def width(self):
        return 2

    def forward(self, x):
        def inner(x):
            return [squash(row) for row in x if row.sum() > math.pi]
        if x in {"one", "two", "three"}:
            return inner(x)
        return self.layer(x) + TABLE[:2]

torch.manual_seed(0)
model = Model()
"""


def typed(source: str) -> dict:
    """The names that a notebook with this source holds; their classes and functions stand in no file."""
    names = {"__name__": "__main__"}
    exec(compile(source, "<cell>", "exec"), names)
    return names


def of_notebook(*edits: tuple[str, str]) -> str:
    source = NOTEBOOK
    for old, new in edits:
        assert old in source
        source = source.replace(old, new)
    return fingerprint(typed(source)["model"])


@pytest.mark.parametrize(
    "old, new",
    [
        ("self.layer(x) + TABLE", "self.layer(x) - TABLE"),
        ("x.tanh()", "x.sigmoid()"),
        ("SCALE = 2.0", "SCALE = 2.5"),
        ("arange(3.0)", "arange(4.0)"),
        ("limit = 5", "limit = 6"),
        ("return 2\n", "return 3\n"),
        ("math.pi", "math.e"),
        ("row.sum()", "row.prod()"),
        ('"three"', '"four"'),
        ('{"a", ', '{"z", '),
        ("manual_seed(0)", "manual_seed(1)"),
        ("nn.Linear(3, 2)", "nn.Linear(3, 2, bias=False)"),
        ("class Model(nn.Module)", "class Model(nn.Sequential)"),
    ],
)
def test_every_edit_of_a_notebook_model_is_seen(old, new):
    assert of_notebook((old, new)) != of_notebook()


@pytest.mark.parametrize(
    "old, new",
    [
        ("    limit = 5", "    # a comment\n\n    limit = 5"),
        ("import math", "\n\n\nimport math"),
        ("x.tanh() * SCALE", "(x.tanh()  *  SCALE)"),
        ("SCALE = 2.0", "SCALE = 2.0\nUNUSED = object()"),
    ],
)
def test_edits_that_change_nothing_are_not(old, new):
    assert of_notebook((old, new)) == of_notebook()


def test_the_same_in_every_process(tmp_path):
    """Sets are ordered differently under another hash seed; the fingerprint must not be."""
    script = tmp_path / "script.py"
    script.write_text(NOTEBOOK + "\nfrom course_lib.fingerprints import fingerprint\nprint(fingerprint(model))\n")
    found = {
        subprocess.run(
            [sys.executable, script],
            env=os.environ | {"PYTHONHASHSEED": str(seed), "PYTHONPATH": os.getcwd()},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in (1, 2)
    }
    assert len(found) == 1


def values() -> list:
    """Things that differ in one respect each."""
    shared = torch.ones(2)
    return [
        *(0, 0.0, -0.0, False, None, "", b"", (), [], {}, set(), "0", 1, True, 1.0, (1,), [1], {1}, frozenset({1})),
        *({"a": 1, "b": 2}, {"b": 2, "a": 1}, {"a": (1, 2)}, ["ab"], ["a", "b"], range(3), slice(1), 1j),
        *(torch.zeros(2), torch.zeros(2, 1), torch.zeros(2).double(), torch.zeros(2).half(), torch.zeros(0)),
        *(torch.zeros(2).bfloat16(), torch.zeros(2).int(), torch.tensor(True), torch.zeros(2).requires_grad_()),
        *(torch.arange(6).view(2, 3), torch.arange(6).view(2, 3).T, torch.arange(6).view(3, 2)),
        *(np.zeros(2), np.zeros(2, np.float32), np.zeros((2, 1)), np.array(["a"]), np.array([None]), np.float32(1)),
        *([shared, shared], [torch.ones(2), torch.ones(2)]),
        *(torch.float32, torch.device("cpu"), torch.Generator(), torch.Generator().manual_seed(1), torch.Size([1])),
        *(len, math_like := str.upper, "x".upper, "y".upper, int, nn.Linear, torch.tanh, torch.sigmoid, np.sin, np.cos),
        *(nn.ReLU(), nn.GELU(), nn.Dropout(0.1), nn.Dropout(0.2), nn.CrossEntropyLoss(), nn.MSELoss()),
        *(nn.functional.relu, torch.optim.Adam, torch.optim.AdamW, os, sys, functools.partial(int, base=2)),
        *(functools.partial(int, base=3), functools.partial(math_like, "a"), os.environ.__class__, ...),
        *(lambda x: x + 1, lambda x: x + 2, lambda x, y=1: x + 1, lambda x, *, y=1: x + 1, lambda x: (lambda: x + 1)),
    ]


def test_different_things_differ_and_equal_things_agree():
    first = [fingerprint(value) for value in values()]
    assert len(set(first)) == len(first)
    assert [fingerprint(value) for value in values()] == first


def adder(amount):
    def add(x):
        return x + amount

    return add


class Changed:
    def __init__(self, amount):
        self.amount = amount

    def __call__(self, x):
        return x + self.amount


@pytest.mark.parametrize("make", [adder, Changed, lambda amount: Changed(amount).__call__, functools.cache(adder)])
def test_what_a_function_closes_over_counts(make):
    assert fingerprint(make(1)) == fingerprint(make(1)) != fingerprint(make(torch.ones(1)))


def test_hooks_and_frozen_weights_count():
    def model():
        torch.manual_seed(0)
        return nn.LSTM(2, 3)

    plain, hooked, frozen = model(), model(), model()
    hooked.register_forward_hook(lambda *_: None)
    frozen.weight_ih_l0.requires_grad_(False)
    assert fingerprint(plain) == fingerprint(model())
    assert len({fingerprint(plain), fingerprint(hooked), fingerprint(frozen)}) == 3


@pytest.mark.parametrize(
    "thing",
    [(i for i in range(3)), open(os.devnull), sys._getframe(), torch.zeros(2, device="meta"), torch.eye(2).to_sparse()],  # noqa: SIM115
    ids=lambda thing: type(thing).__name__,
)
def test_what_cannot_be_hashed_says_so(thing):
    with pytest.raises(CannotHash, match="cannot be hashed"):
        fingerprint({"deep": [inside := thing]})
    with pytest.raises(CannotHash):
        fingerprint(lambda: inside)


def test_what_contains_itself_has_a_fingerprint():
    def ring(size):
        first = node = {}
        for _ in range(size - 1):
            node["next"] = {}
            node = node["next"]
        node["next"] = first
        return first

    assert fingerprint(ring(2)) == fingerprint(ring(2)) != fingerprint(ring(3))


def test_what_is_nested_too_deeply_cannot_be_hashed():
    deep = []
    for _ in range(10_000):
        deep = [deep]
    with pytest.raises(CannotHash, match="too deeply"):
        fingerprint(deep)


def of_module(folder, statements="") -> str:
    """The fingerprint of `net.Model` in a process of its own, or the reason why there is none."""
    program = f"""
        import net
        {statements}
        from course_lib.fingerprints import CannotHash, fingerprint
        try:
            print(fingerprint(net.Model()))
        except CannotHash as reason:
            print(reason)
    """
    paths = os.pathsep.join([str(folder), os.getcwd()])
    found = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        env=os.environ | {"PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    return found.stdout.strip()


@pytest.fixture
def module(tmp_path):
    """A module of ours that imports another one, and that another one; all a minute old."""
    write(tmp_path / "net.py", "from helpers import double\nclass Model:\n    def step(self, x): return double(x)\n")
    write(tmp_path / "helpers.py", "def double(x):\n    import numbers_of_ours\n    return numbers_of_ours.TWO * x\n")
    write(tmp_path / "numbers_of_ours.py", "TWO = 2\n")
    write(tmp_path / "unused.py", "")
    return tmp_path


def write(file, text):
    file.write_text(text)
    a_minute_ago = file.stat().st_mtime - 60
    os.utime(file, (a_minute_ago, a_minute_ago))


def test_sources_count_and_those_they_import(module):
    found = [of_module(module)]
    write(module / "unused.py", "THREE = 3\n")
    assert of_module(module) == found[0]
    write(module / "numbers_of_ours.py", "TWO = 2.0\n")
    found.append(of_module(module))
    write(module / "net.py", (module / "net.py").read_text().replace("double(x)", "double(x) + 1"))
    found.append(of_module(module))
    assert len(set(found)) == 3


def test_a_source_that_changed_after_the_start_cannot_be_hashed(module):
    """The process may run the older source, and its result would be kept under the newer one's name."""
    change = "import os, time; os.utime(net.__file__, (time.time() + 2,) * 2)"
    assert of_module(module, change) == "net.py changed while Python ran; restart the kernel"
