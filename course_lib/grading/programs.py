"""The course's own programs that call an answer (`Case(via=)`), as source to be run where the answer runs.

They stand in the modules of the exercises, beside the expected results. A learner's process must not have those, so it
gets of them what a program names and nothing else, found as an answer's own helpers are found.
"""

import ast
import inspect
import re
import sys
from collections.abc import Callable
from functools import cache
from types import ModuleType

from course_lib.exercises.source import Cell, Piece, extract, used_names
from course_lib.paths import repository


@cache
def program(via: Callable) -> tuple[Piece, ...]:
    """The definition of a program and of all that it names in modules of exercises, these first.

    Raises:
        ValueError: the program names what is no import, definition or plain value.
    """
    pieces: dict[Piece, None] = {}
    _gather(sys.modules[via.__module__], [via.__name__], pieces)
    return tuple(pieces)


def hidden_folders() -> tuple[str, ...]:
    """Where expected results and known mistakes stand: the exercises of every chapter's room."""
    return tuple(str(folder) for folder in sorted((repository() / "course_lib").glob("*/exercises")))


def _gather(module: ModuleType, names: list[str], pieces: dict[Piece, None]) -> None:
    cell = Cell.read(module.__name__, inspect.getsource(module))
    found = extract([cell], names, [0])
    if found.missing:
        lacking = ", ".join(found.missing)
        raise ValueError(f"{module.__name__}: {', '.join(names)} needs {lacking}, which cannot be sent")
    for piece in found.pieces:
        statements = {position: cell.statements[position] for position in piece.keep}
        used = set(names).union(*map(used_names, statements.values()))
        for position, statement in list(statements.items()):
            match statement:
                case ast.ImportFrom(module=str(source), names=aliases) if _is_hidden(source):
                    _gather(sys.modules[source], [alias.name for alias in aliases if alias.name in used], pieces)
                    del statements[position]
        # Without the rest of the module, which is long, and would be parsed in every learner's process.
        source = ast.unparse(ast.Module(list(statements.values()), type_ignores=[]))
        pieces[Piece(piece.name, source, tuple(range(len(statements))))] = None


def _is_hidden(module: str) -> bool:
    """Whether a module belongs to a chapter's exercises."""
    return re.match(r"course_lib\.\w+\.exercises\b", module) is not None
