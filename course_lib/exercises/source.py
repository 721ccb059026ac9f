"""What of a notebook belongs to an answer, read from its syntax tree; nothing is run.

`check` and `grade` use the same reading, so that `check` can warn of what `grade` would not find.
"""

import ast
import builtins
import functools
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from course_lib.exercises.names import DEFINITIONS, Used, bound_names, fresh_names, is_future, is_plain, names_used

Place = tuple[int, int]  # a cell and a statement in it, by their positions

# What IPython gives to every notebook, made from what is there without it.
_IPYTHON = {
    "display": "from IPython.display import display",
    "get_ipython": "from unittest.mock import MagicMock as get_ipython",  # `!ls` inside a function does nothing
}
# Cell magics that run the Python below them; below all others stands something else.
_RUNS_PYTHON = re.compile(r"\A\s*%%(?:time|timeit|capture|prun)\b.*")
# IPython takes more than Python does: magics, help, a cell that is indented as a whole, prompts.
_IPYTHON_LINE = re.compile(r"\A[ \t]+\S|^\s*(?:[%!?]|>>> )|\?\s*$|=\s*[%!]", re.MULTILINE)


def parse(source: str) -> ast.Module:
    """The syntax tree, without the warnings that the notebook has shown already.

    Raises:
        SyntaxError: this is not Python.
        ValueError: there is a null byte in it.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(source)


@dataclass(frozen=True)
class Cell:
    """A code cell.

    Args:
        name: what a traceback calls it: "cell 7".
        source: Python; lines that are IPython's own (`%time`, `!ls`) are already translated.
        statements: its top level; none if it cannot be read.
        error: why it cannot be read.
    """

    name: str
    source: str
    statements: tuple[ast.stmt, ...] = ()
    error: str = ""

    @classmethod
    def read(cls, name: str, source: str) -> "Cell":
        """Parse a cell's source, IPython's own lines included."""
        source = _RUNS_PYTHON.sub("", source)
        try:
            return cls(name, source, tuple(parse(source).body))
        except (SyntaxError, ValueError) as problem:  # ValueError: a null byte
            error = _syntax_error(problem)
        except (RecursionError, MemoryError):
            error = "is nested too deep to be read"
        if not _IPYTHON_LINE.search(source):
            return cls(name, source, error=error)
        from IPython.core.inputtransformer2 import TransformerManager  # slow to import, and seldom needed

        try:
            translated = TransformerManager().transform_cell(source)
            return cls(name, translated, tuple(parse(translated).body))
        except (SyntaxError, ValueError) as problem:
            return cls(name, source, error=_syntax_error(problem))


@dataclass(frozen=True)
class Piece:
    """Statements of one cell that an answer needs, by their positions; lines keep their numbers."""

    name: str
    source: str
    keep: tuple[int, ...]


@dataclass(frozen=True)
class Blank:
    """What is still to be written in a function.

    Args:
        lines: those that hold `...`, counted from 1 in the cell.
        untouched: nothing has been written yet.
    """

    lines: tuple[int, ...]
    untouched: bool


@dataclass(frozen=True)
class Answer:
    """An answer with all that it names.

    Args:
        pieces: in the notebook's order, but for what is needed before it stands there.
        nodes: the definition of each function that was found, by name.
        missing: names that are used but are no import, definition or plain value of the notebook.
    """

    pieces: tuple[Piece, ...]
    nodes: dict[str, ast.stmt]
    missing: tuple[str, ...]


def extract(cells: Sequence[Cell], functions: Sequence[str], homes: Sequence[int]) -> Answer:
    """Take the definitions of some functions, and what they name, directly or through others.

    Imports, definitions and plain values come along from any cell, and what a call has made from the cell that uses it.

    Args:
        cells: the notebook's code cells, in order.
        functions: names of the functions that the exercise asks for.
        homes: positions of the answer's own cells. A function is looked for there first, and then everywhere.
    """
    index = _index(tuple(cells))
    needed: set[Place] = set(index.stars)
    missing: set[str] = set()
    nodes: dict[str, ast.stmt] = {}
    last_home = max(homes, default=len(cells) - 1)
    waiting: list[tuple[str, int]] = []  # names, each with the cell that uses it

    def take(places: Sequence[Place]) -> None:
        needed.update(places)
        waiting.extend((name, place[0]) for place in places for name in index.used(place).all)

    for name in functions:
        if places := index.answering(name, homes):
            nodes[name] = index.statement(places[0])
            take(places)
    seen = set()
    while waiting:
        name, cell = use = waiting.pop()
        if name in nodes or use in seen:
            continue
        seen.add(use)
        places = index.meant(name, last_home, cell)
        take([place for place in places if place not in needed])
        if not places and not index.stars and not hasattr(builtins, name):
            missing.add(name)
    order = _in_order(index, needed)
    missing -= {name for place in needed for name in index.used(place).assigned}
    missing -= {name for place in needed for name in bound_names(index.statement(place))}
    from_ipython = [Piece("IPython", _IPYTHON[name], (0,)) for name in sorted(missing & _IPYTHON.keys())]
    missing -= _IPYTHON.keys()
    pieces = [index.piece(c, [s for _, s in places]) for c, places in groupby(order, key=lambda place: place[0])]
    return Answer((*from_ipython, *pieces), nodes, tuple(sorted(missing)))


def used_names(statement: ast.stmt) -> set[str]:
    """The global names that a statement uses, inside its functions too."""
    return names_used(statement).all


def blank(node: ast.stmt, blanks: int = 1, source: str | None = None) -> Blank | None:
    """What is still to be written in a function's definition; None if nothing is.

    A `...` counts wherever it is no index: alone in its line, after an equals sign, or inside a call.

    Args:
        node: the definition.
        blanks: how many `...` it holds untouched.
        source: that it was parsed from, if that is at hand: without a `...` in it there is nothing to look for.
    """
    lines = _dotted(node) if source is None or "..." in source else ()
    does_nothing = isinstance(node, ast.FunctionDef) and all(map(_is_idle, node.body))
    if not lines and not does_nothing:
        return None
    return Blank(tuple(sorted(set(lines))), untouched=does_nothing or len(lines) >= blanks)


@dataclass(frozen=True)
class _Binding:
    """A statement that gives a name its value.

    Args:
        place: where it stands.
        fresh: the name needs no value before.
        plain: it is an import, a definition or a plain value.
    """

    place: Place
    fresh: bool
    plain: bool


class _Index:
    """Which statement of which cell gives which name its value."""

    def __init__(self, cells: Sequence[Cell]):
        self.cells = cells
        self.bindings: dict[str, list[_Binding]] = {}
        self.stars: list[Place] = []
        self._used: dict[Place, Used] = {}
        for c, cell in enumerate(cells):
            for s, statement in enumerate(cell.statements):
                fresh, plain = set(fresh_names(statement)), is_plain(statement)
                for name in dict.fromkeys(bound_names(statement)):
                    if name == "*":
                        self.stars.append((c, s))
                    else:
                        self.bindings.setdefault(name, []).append(_Binding((c, s), name in fresh, plain))

    def statement(self, place: Place) -> ast.stmt:
        return self.cells[place[0]].statements[place[1]]

    def is_blank(self, place: Place) -> bool:
        return bool(blank(self.statement(place), source=self.cells[place[0]].source))

    def used(self, place: Place) -> Used:
        if place not in self._used:
            self._used[place] = names_used(self.statement(place), self.cells[place[0]].source)
        return self._used[place]

    def piece(self, position: int, keep: Sequence[int]) -> Piece:
        """Some statements of a cell, with the cell's imports from `__future__`."""
        cell = self.cells[position]
        return Piece(cell.name, cell.source, (*(n for n, s in enumerate(cell.statements) if is_future(s)), *keep))

    def answering(self, name: str, homes: Sequence[int]) -> list[Place]:
        """The definition that answers: the last in the answer's own cells, or anywhere if nothing is written there."""
        everywhere = self.bindings.get(name, [])
        own = [binding for binding in everywhere if binding.place[0] in homes]
        anywhere = [binding for binding in everywhere if binding.plain]
        for bindings in (own, anywhere):
            if written := _latest([b for b in bindings if not self.is_blank(b.place)]):
                return written
        return _latest(own) or _latest(anywhere)

    def meant(self, name: str, last: int, cell: int) -> list[Place]:
        """The definition that the answer sees: the latest up to its cell, else that of the first cell after it.

        Args:
            name: what is looked for.
            last: position of the answer's last cell.
            cell: the one that uses the name, where also values count that a call has made.
        """
        usable = [b for b in self.bindings.get(name, []) if b.plain or b.place[0] == cell]
        if hasattr(builtins, name):  # `from torch import abs` is meant, a forgotten `list = [1]` is not
            usable = [b for b in usable if isinstance(self.statement(b.place), DEFINITIONS)]
        before = [b for b in usable if b.place[0] <= last]
        places = _latest(before or [b for b in usable if b.place[0] == usable[0].place[0]])
        if places and isinstance(self.statement(places[0]), ast.Import):  # `import a.b` goes with `import a.c`
            imports = [b.place for b in before or usable if isinstance(self.statement(b.place), ast.Import)]
            return list({ast.unparse(self.statement(place)): place for place in imports}.values())  # each the last time
        return places


def _latest(bindings: Sequence[_Binding]) -> list[Place]:
    """The last statement that needs no value before, and what changes its name's value after that."""
    start = max((n for n, binding in enumerate(bindings) if binding.fresh), default=0)
    return [binding.place for binding in bindings[start:]]


def _in_order(index: _Index, needed: set[Place]) -> list[Place]:
    """In the notebook's order, but each after what must be there when it runs."""
    order: dict[Place, None] = {}
    begun: set[Place] = set()
    binding: dict[str, list[Place]] = {}
    for place in sorted(needed):
        for name in bound_names(index.statement(place)):
            binding.setdefault(name, []).append(place)

    def put(place: Place, running: bool) -> None:
        if place in begun:
            return
        begun.add(place)
        running = running or not isinstance(index.statement(place), DEFINITIONS)  # which may call what it names
        for name in index.used(place).all if running else index.used(place).at_once:
            for other in binding.get(name, []):
                put(other, running)
        order[place] = None

    for place in sorted(needed):
        put(place, False)
    return list(order)


@functools.lru_cache(maxsize=8)  # a notebook's exercises come one after the other
def _index(cells: tuple[Cell, ...]) -> _Index:
    return _Index(cells)


@functools.lru_cache(maxsize=100)
def _dotted(node: ast.AST) -> tuple[int, ...]:
    return tuple(_dots(node))


def _dots(node: ast.AST) -> Iterator[int]:
    """The lines of each `...` that is no index and no annotation."""
    for field in node._fields:
        if (field == "slice" and isinstance(node, ast.Subscript)) or field in ("annotation", "returns", "ctx"):
            continue
        value = getattr(node, field, None)
        for child in value if isinstance(value, list) else (value,):
            if isinstance(child, ast.Constant):
                if child.value is ...:
                    yield child.lineno
            elif isinstance(child, ast.AST) and child._fields:
                yield from _dots(child)


def _is_idle(statement: ast.stmt) -> bool:
    """`pass`, a docstring, `...`, or `return` without a value."""
    match statement:
        case ast.Pass() | ast.Expr(value=ast.Constant()) | ast.Return(value=None):
            return True
    return False


def _syntax_error(problem: SyntaxError | ValueError) -> str:
    if not isinstance(problem, SyntaxError):
        return f"cannot be read: {problem}"
    text = f": {problem.text.strip()}" if problem.text and problem.text.strip() else ""
    return f"has a syntax error in line {problem.lineno}, {problem.msg}{text}"
