"""What of a notebook belongs to an answer, read from its syntax tree; nothing is run.

`check` and `grade` use the same reading, so that `check` can warn of what `grade` would not find.
"""

import ast
import builtins
import re
import symtable
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass


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
        try:
            return cls(name, source, tuple(parse(source).body))
        except (SyntaxError, ValueError) as problem:  # ValueError: a null byte
            error = _syntax_error(problem)
        except (RecursionError, MemoryError):
            error = "is nested too deep to be read"
        if not re.search(r"^\s*[%!?]|\?\s*$|=\s*[%!]", source, re.MULTILINE):
            return cls(name, source, error=error)
        from IPython.core.inputtransformer2 import TransformerManager  # slow to import, and seldom needed

        try:
            translated = TransformerManager().transform_cell(source)
            return cls(name, translated, tuple(parse(translated).body))
        except (SyntaxError, ValueError) as problem:
            return cls(name, source, error=_syntax_error(problem))


@dataclass(frozen=True)
class Piece:
    """The statements of one cell that an answer needs, by their positions; lines keep their numbers."""

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
        pieces: in the notebook's order.
        nodes: the definition of each function that was found, by name.
        missing: names that are used but are no import, definition or plain value of the notebook.
    """

    pieces: tuple[Piece, ...]
    nodes: dict[str, ast.stmt]
    missing: tuple[str, ...]


def extract(cells: Sequence[Cell], functions: Sequence[str], homes: Sequence[int]) -> Answer:
    """Take the definitions of some functions, and what they name, directly or through others.

    Args:
        cells: the notebook's code cells, in order.
        functions: names of the functions that the exercise asks for.
        homes: positions of the answer's own cells. A function is looked for there first, and then everywhere.
    """
    index = _Index(cells)
    needed: set[tuple[int, int]] = set(index.stars)
    missing: set[str] = set()
    nodes: dict[str, ast.stmt] = {}
    last_home = max(homes, default=len(cells) - 1)
    waiting: list[str] = []
    for name in functions:
        places = index.places.get(name, [])
        places = [place for place in places if place[0] in homes] or places
        if places:
            nodes[name] = index.statement(places[-1])
            needed.add(places[-1])
            waiting += used_names(nodes[name])
    seen = set(nodes)
    while waiting:
        name = waiting.pop()
        if name in seen or hasattr(builtins, name):
            continue
        seen.add(name)
        places = index.meant(name, last_home)
        if not places and not index.stars:
            missing.add(name)
        for place in places:
            needed.add(place)
            waiting += used_names(index.statement(place))
    pieces = []
    for n, cell in enumerate(cells):
        if keep := tuple(sorted(s for c, s in needed if c == n)):
            pieces.append(Piece(cell.name, cell.source, keep))
    return Answer(tuple(pieces), nodes, tuple(sorted(missing)))


def used_names(statement: ast.stmt) -> set[str]:
    """The global names that a statement uses, inside its functions too."""
    used: set[str] = set()

    def walk(table: symtable.SymbolTable) -> None:
        at_top = table.get_type() == "module"
        used.update(s.get_name() for s in table.get_symbols() if s.is_referenced() and (at_top or s.is_global()))
        for child in table.get_children():
            walk(child)

    walk(symtable.symtable(ast.unparse(statement), "<cell>", "exec"))
    return used


def blank(node: ast.stmt, blanks: int = 1) -> Blank | None:
    """What is still to be written in a function's definition; None if nothing is.

    A `...` counts wherever it is no index: alone in its line, after an equals sign, or inside a call.

    Args:
        node: the definition.
        blanks: how many `...` it holds untouched.
    """
    lines = tuple(_dots(node))
    does_nothing = isinstance(node, ast.FunctionDef) and all(map(_is_idle, node.body))
    if not lines and not does_nothing:
        return None
    return Blank(tuple(sorted(set(lines))), untouched=does_nothing or len(lines) >= blanks)


class _Index:
    """Which statement of which cell defines which name; only imports, definitions and plain values count."""

    def __init__(self, cells: Sequence[Cell]):
        self.cells = cells
        self.places: dict[str, list[tuple[int, int]]] = {}
        self.stars: list[tuple[int, int]] = []
        for c, cell in enumerate(cells):
            for s, statement in enumerate(cell.statements):
                for name in _defined_names(statement):
                    if name == "*":
                        self.stars.append((c, s))
                    else:
                        self.places.setdefault(name, []).append((c, s))

    def statement(self, place: tuple[int, int]) -> ast.stmt:
        return self.cells[place[0]].statements[place[1]]

    def meant(self, name: str, last: int) -> list[tuple[int, int]]:
        """The definition that the answer sees: the latest up to its cell, else the first after it."""
        places = self.places.get(name, [])
        before = [place for place in places if place[0] <= last]
        chosen = before[-1:] or places[:1]
        if chosen and isinstance(self.statement(chosen[0]), ast.Import):  # `import a.b` goes with `import a.c`
            return [place for place in before or places if isinstance(self.statement(place), ast.Import)]
        return chosen


def _defined_names(statement: ast.stmt) -> Iterator[str]:
    match statement:
        case ast.Import(names=names):
            yield from (name.asname or name.name.partition(".")[0] for name in names)
        case ast.ImportFrom(module=module, names=names) if module != "__future__":
            yield from (name.asname or name.name for name in names)
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Assign(targets=targets, value=value) if _is_plain(value):
            for target in targets:
                yield from (node.id for node in ast.walk(target) if isinstance(node, ast.Name))
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value) if _is_plain(value):
            yield name


def _is_plain(node: ast.expr) -> bool:
    """A value that can be made without running anything to speak of: a literal, another name, a lambda."""
    match node:
        case ast.Constant() | ast.Name() | ast.Lambda():
            return True
        case ast.Attribute(value=value) | ast.UnaryOp(operand=value):
            return _is_plain(value)
        case ast.BinOp(left=left, right=right) | ast.Subscript(value=left, slice=right):
            return _is_plain(left) and _is_plain(right)  # a type such as `dict[str, Tensor]` is one too
        case ast.Tuple(elts=items) | ast.List(elts=items) | ast.Set(elts=items):
            return all(map(_is_plain, items))
        case ast.Dict(keys=keys, values=values):
            return all(key is not None and _is_plain(key) for key in keys) and all(map(_is_plain, values))
    return False


def _dots(node: ast.AST) -> Iterator[int]:
    """The lines of each `...` that is no index and no annotation."""
    for field, value in ast.iter_fields(node):
        if (isinstance(node, ast.Subscript) and field == "slice") or field in ("annotation", "returns"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.Constant) and child.value is ...:
                yield child.lineno
            elif isinstance(child, ast.AST):
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
