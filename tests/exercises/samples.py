"""A small exercise, and answers to it that go wrong in every way we know of."""

from collections.abc import Iterator
from contextlib import contextmanager

from course_lib.exercises import Case, Exercise, exercise, mistake, model, part
from course_lib.exercises.source import Answer, Cell, extract

ID = "samples.scale"


@contextmanager
def declared() -> Iterator[Exercise]:
    """The exercise, known to the registry for a while."""
    import torch

    @exercise(ID, "scale(x, factor) -> scaled", level="core", minutes=1, seconds=0.3, without=["lstm_cell", "lstm"])
    def scale(rng):
        """Multiply every number by a factor."""
        with part("small", points=1):
            yield Case((torch.tensor([1.0, 2.0, 4.0]), 2.0), expected=torch.tensor([2.0, 4.0, 8.0]))
        with part("large", points=2):
            for factor in rng.uniform(2, 5, size=2).tolist():
                x = torch.arange(12.0).reshape(3, 4)
                yield Case((x, factor), expected=factor * x, because="the factor meets every number")

    @mistake(scale, "a sum instead of a product", ask="What does scaling 0 give?", look="the operation.")
    def _(x, factor):
        return x + factor

    @mistake(scale, "an index out of range", ask="How many numbers are there?", look="the index.")
    def _(x, factor):
        return x[7] * factor

    try:
        yield scale
    finally:
        del model._exercises[ID]


def answer(source: str, imports: str = "import torch") -> Answer:
    """The answer in a cell with this source, below a cell of imports."""
    cells = [Cell.read("cell 1", imports), Cell.read("cell 2", source)]
    return extract(cells, ["scale"], homes=[1])


# name: source of the answer cell, points, what the feedback must say, word for word
ANSWERS: dict[str, tuple[str, float, list[str]]] = {
    "right": ("def scale(x, factor):\n    return factor * x", 3, ["scale   3 of 3 points · small ✓ · large ✓"]),
    "right, as an array": ("def scale(x, factor):\n    return (factor * x).numpy()", 3, ["small ✓"]),
    "right, with prints and a warning": (
        "import warnings\ndef scale(x, factor):\n    print('hm'); warnings.warn('so')\n    return factor * x",
        3,
        ["scale   3 of 3 points · small ✓ · large ✓"],
    ),
    "known": (
        "def scale(x, factor):\n    return x + factor",
        0,
        [
            "scale   0 of 3 points · small ✗ · large ✗",
            "x=[1, 2, 4], factor=2: your scaled came out as [3, 4, 6], wanted [2, 4, 8].",
            "It behaves like a sum instead of a product. What does scaling 0 give?",
        ],
    ),
    "known by its exception": (
        "def scale(x, factor):\n    y = x[7]\n    return y * factor",
        0,
        [
            "your code raised IndexError: index 7 is out of bounds for dimension 0 with size 3",
            "    line 2, in scale:  y = x[7]",
            "It behaves like an index out of range. How many numbers are there?",
        ],
    ),
    "None": ("def scale(x, factor):\n    factor * x", 0, ["your function returned None. Does it end in `return`?"]),
    "printed": (
        "def scale(x, factor):\n    print(factor * x)",
        0,
        ["It printed: tensor([2., 4., 8.])", "`print` shows a value; `return` hands it back."],
    ),
    "generator": ("def scale(x, factor):\n    yield factor * x", 0, ["your function returned a generator."]),
    "other kind": (
        "def scale(x, factor):\n    return object()",
        0,
        ["your function returned an object, wanted a tensor of shape (3,)."],
    ),
    "list": (
        "def scale(x, factor):\n    return [1.0, 2.0]",
        0,
        ["your scaled is a list of 2, wanted a tensor of shape (3,)."],
    ),
    "tuple": (
        "def scale(x, factor):\n    return x, factor",
        0,
        ["your scaled is 2 results, wanted a tensor of shape (3,)."],
    ),
    "shape": ("def scale(x, factor):\n    return factor * x[None]", 0, ["your scaled has shape (1, 3), wanted (3,)."]),
    "NaN": (
        "def scale(x, factor):\n    return factor * x / (x - 2) * (x - 2)",
        0,
        ["your scaled[1] is NaN, which is not a number."],
    ),
    "infinite": ("def scale(x, factor):\n    return factor * x / (x - 2)", 0, ["your scaled[1] is infinite."]),
    "sign": ("def scale(x, factor):\n    return -factor * x", 0, ["wanted [2, 4, 8].", "Right but for the sign."]),
    "twice": (
        "def scale(x, factor):\n    return 2 * factor * x",
        0,
        ["your scaled came out as [4, 8, 16], wanted [2, 4, 8].", "Every number is 2 times what is wanted."],
    ),
    "in reverse": ("def scale(x, factor):\n    return factor * x.flip(0)", 0, ["Right but in reverse."]),
    "late": ("def scale(x, factor):\n    return factor * x.roll(1, 0)", 0, ["Right but one step late."]),
    "cut off": (
        "def scale(x, factor):\n    return (factor * x).int()",
        1,
        [
            "small ✓ · large ✗",
            "x of shape (3, 4), factor=3.911:",
            "in your scaled 11 of 12 numbers are off, first at [0, 1]: 3, wanted 3.911.",
            "Your numbers are whole: were the decimals cut off?",
        ],
    ),
    "raises": (
        "def halve(z):\n    return z / None\n\ndef scale(x, factor):\n    return halve(factor * x)",
        0,
        ["your code raised TypeError: unsupported operand type(s)", "    line 2, in halve:  return z / None"],
    ),
    "an exception that cannot be printed": (
        "class Sad(Exception):\n    def __str__(self): return None\n\ndef scale(x, factor):\n    raise Sad",
        0,
        ["your code raised Sad", "    line 5, in scale:  raise Sad"],
    ),
    "recursion": (
        "def scale(x, factor):\n    return scale(x, factor)",
        0,
        ["your code raised RecursionError: it calls itself again and again, without an end", "line 2, in scale"],
    ),
    "too few arguments": (
        "def scale(x):\n    return x",
        0,
        ["your function takes (x), but is called with 2 arguments: x, factor."],
    ),
    "exits": (
        "def scale(x, factor):\n    raise SystemExit(1)",
        0,
        ["your code raised SystemExit: 1", "line 2, in scale"],
    ),
    "never returns": (
        "def scale(x, factor):\n    while True: pass",
        0,
        [
            "small ✗ · large: not run",
            "your function was still running after 0.3 s.",
            "line 2, in scale:  while True: pass",
        ],
    ),
    "never returns, and catches everything": (
        "def scale(x, factor):\n    try:\n        while True: pass\n    except:\n        while True: pass",
        0,
        ["your function was still running after 0.3 s."],
    ),
    "slow at the second part": (
        "def scale(x, factor):\n    while x.dim() == 2: pass\n    return factor * x",
        1,
        ["scale   1 of 3 points · small ✓ · large ✗"],
    ),
    "library": (
        "def scale(x, factor):\n    torch.nn.LSTMCell(1, 1)(x[None, :1])\n    return factor * x",
        0,
        ["your answer uses lstm_cell, which this exercise asks you to write yourself."],
    ),
    "in place, and wrong": (
        "def scale(x, factor):\n    x *= factor\n    return x + 1",
        0,
        [
            "your scaled came out as [3, 5, 9], wanted [2, 4, 8].",
            "It changes x in place: whoever called it still needs the old values.",
        ],
    ),
    "a missing name": (
        "def scale(x, factor):\n    return undefined * x",
        0,
        ["your code raised NameError: name 'undefined' is not defined", "line 2, in scale:  return undefined * x"],
    ),
    "huge": (
        "def scale(x, factor):\n    return torch.empty(70, 1024, 1024, dtype=torch.uint8)",
        0,
        ["your function returned a result of more than 64 MB, wanted a tensor of shape (3,)."],
    ),
    "endless list": (
        "def scale(x, factor):\n    loop = []\n    loop.append(loop)\n    return loop",
        0,
        ["your function returned a result nested more than 16 deep"],
    ),
}
