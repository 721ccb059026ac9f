"""Which global names a statement uses, and to which it gives a value; read from its syntax tree, nothing is run."""

import ast
import re
import symtable
from collections.abc import Iterator
from dataclasses import dataclass

DEFINITIONS = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass(frozen=True)
class Used:
    """The global names that a statement uses: all, those that must be there when it runs, those that it assigns."""

    all: set[str]
    at_once: set[str]
    assigned: set[str]


def names_used(statement: ast.stmt, source: str | None = None) -> Used:
    """The global names that a statement uses, inside its functions too.

    Args:
        statement: at the top level.
        source: that it was parsed from, if that is at hand: to write a statement anew takes longer than all the rest.
    """
    used = Used(set(), set(), set())
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        return used

    def walk(table: symtable.SymbolTable, at_top: bool, at_once: bool) -> None:
        for symbol in table.get_symbols():
            name = symbol.get_name()
            if symbol.is_declared_global() and symbol.is_assigned():  # `global n`, then `n += 1`
                used.assigned.add(name)
                used.all.add(name)
            if symbol.is_referenced() and (at_top or symbol.is_global()):
                used.all.add(name)
                if at_once:
                    used.at_once.add(name)
        for child in table.get_children():
            walk(child, False, at_once and child.get_type() != "function")

    text = ast.unparse(statement) if source is None else _text(statement, source)
    walk(symtable.symtable(text, "<cell>", "exec"), True, True)
    return used


def _text(statement: ast.stmt, source: str) -> str:
    """A statement's source; a definition shares its lines with no other statement, all else may."""
    if not isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return ast.unparse(statement)
    first = min(node.lineno for node in (statement, *statement.decorator_list))
    return "\n".join(re.split("\r\n?|\n", source)[first - 1 : statement.end_lineno])


def bound_names(node: ast.AST) -> Iterator[str]:
    """The global names that a statement gives a value, or whose value it changes."""
    match node:
        case ast.Import(names=names):
            yield from (name.asname or name.name.partition(".")[0] for name in names)
        case ast.ImportFrom(names=names) if not is_future(node):
            yield from (name.asname or name.name for name in names)
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Name(id=name, ctx=ast.Store()):
            yield name
        case ast.Attribute(ctx=ast.Store()) | ast.Subscript(ctx=ast.Store()):
            while isinstance(node, (ast.Attribute, ast.Subscript)):
                node = node.value
            if isinstance(node, ast.Name):
                yield node.id
        case ast.Lambda() | ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
            return
        case ast.AnnAssign(value=None):
            return
        case _:
            for child in ast.iter_child_nodes(node):
                yield from bound_names(child)


def fresh_names(statement: ast.stmt) -> Iterator[str]:
    """Those of them that need no value before."""
    match statement:
        case ast.Assign(targets=targets):
            stored = (node for target in targets for node in ast.walk(target) if isinstance(node, ast.Name))
            yield from (node.id for node in stored if isinstance(node.ctx, ast.Store))
        case ast.AnnAssign(target=ast.Name(id=name)):
            yield name
        case _ if isinstance(statement, DEFINITIONS):
            yield from bound_names(statement)


def is_future(statement: ast.AST) -> bool:
    """Whether this is `from __future__ import ...`."""
    return isinstance(statement, ast.ImportFrom) and statement.module == "__future__"


def is_plain(statement: ast.stmt) -> bool:
    """Whether this is an import, a definition, a plain value, or a choice between such."""
    match statement:
        case ast.Assign(value=value) | ast.AugAssign(value=value) | ast.AnnAssign(value=ast.expr() as value):
            return _is_plain_value(value)
        case ast.If(test=test, body=body, orelse=orelse):
            return _is_plain_value(test) and all(map(is_plain, [*body, *orelse]))
        case ast.Try(body=body, handlers=handlers, orelse=orelse, finalbody=final):
            handled = [inner for handler in handlers for inner in handler.body]
            return all(map(is_plain, [*body, *handled, *orelse, *final]))
    return isinstance(statement, (*DEFINITIONS, ast.Pass))


# Calls that take no time to speak of, by their last names; what they make is as plain as what they are given.
_QUICK = {
    *("bool", "complex", "dict", "enumerate", "float", "frozenset", "int", "len", "list", "max", "min", "range", "set"),
    *("str", "sum", "tuple", "zip", "cos", "exp", "log", "log2", "sin", "sqrt", "tanh", "device", "is_available"),
    *("Counter", "NewType", "Path", "TypeVar", "defaultdict", "deque", "getLogger", "namedtuple", "partial"),
}


def _is_plain_value(node: ast.AST) -> bool:
    """A value that can be made without running anything to speak of; a lambda's body does not run."""
    match node:
        case ast.Lambda():
            return True
        case ast.Await() | ast.Yield() | ast.YieldFrom():
            return False
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name not in _QUICK:
            return False
        case ast.Call(func=ast.Call() | ast.Subscript()):
            return False
    return all(map(_is_plain_value, ast.iter_child_nodes(node)))
