"""Modules of exercises without their known mistakes, for a copy that is not to give answers away.

What stays of a module is what its exercises name, directly or through others, also in other modules. So what only the
mistakes use goes with them: it is often the right answer, made to have one thing changed. A function that declares
mistakes for others goes too, and so do its calls. Lines that stay stay as they are.
"""

import ast
import copy
from collections.abc import Iterable
from functools import cached_property

from course_lib.exercises.source import used_names

Name = tuple[str, str]  # of a module, and of what it defines or imports
MARK = "mistake"  # the decorator


def without_mistakes(sources: dict[str, str], wanted: Iterable[Name]) -> dict[str, str]:
    """The sources, reduced.

    Args:
        sources: text of every module of exercises, by the module's name.
        wanted: what must stay: the functions that draw the cases, and what is imported from elsewhere.
    """
    modules = {name: _Module(source) for name, source in sources.items()}
    _mark_helpers(modules)
    used: set[Name] = set()
    waiting = [*wanted, *((module, name) for module in modules for name in modules[module].always())]
    while waiting:
        module, name = waiting.pop()
        if module in modules and (module, name) not in used:
            used.add((module, name))
            waiting += modules[module].needs(module, name, modules)
    return {module: modules[module].text({name for owner, name in used if owner == module}) for module in modules}


def imported_names(source: str, modules: Iterable[str]) -> set[Name]:
    """What a file imports from some modules."""
    modules = set(modules)
    nodes = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom))
    return {(node.module, alias.name) for node in nodes if node.module in modules for alias in node.names}


def _mark_helpers(modules: dict[str, "_Module"]) -> None:
    """Whoever calls a function that declares mistakes declares one, in whatever module."""
    helpers: set[Name] = set()
    while new := {(name, helper) for name, module in modules.items() for helper in module.helpers()} - helpers:
        helpers |= new
        for name, module in modules.items():
            module.marks |= {helper for owner, helper in new if owner == name} | module.imported(new)


class _Module:
    """The statements of a module, and which names they bind.

    Attributes:
        marks: names whose use declares a mistake.
    """

    def __init__(self, source: str):
        self.lines = source.split("\n")
        self.statements = ast.parse(source).body
        aliases = [alias for node in self.statements for alias in _aliases(node)]
        self.marks = {_name_of(alias) for alias in aliases if alias.name == MARK}

    @cached_property
    def gone(self) -> set[ast.stmt]:
        """The statements that declare mistakes, or help to."""
        return {node for node in self.statements if not _aliases(node) and _mentions(node, self.marks)}

    @cached_property
    def bound(self) -> dict[str, list[ast.stmt]]:
        """What gives each name its meaning, of what stays."""
        bound: dict[str, list[ast.stmt]] = {}
        for node in self.statements:
            for name in () if node in self.gone else _bound(node):
                bound.setdefault(name, []).append(node)
        return bound

    def helpers(self) -> set[str]:
        """The functions that declare mistakes when they are called; one that is a mistake itself is none of them."""
        found = set()
        for node in self.statements:
            if isinstance(node, ast.FunctionDef):
                plain = copy.copy(node)
                plain.decorator_list = []
                found |= {node.name} if _mentions(plain, self.marks) else set()
        return found

    def imported(self, names: set[Name]) -> set[str]:
        """What these names of other modules are called here."""
        nodes = [node for node in self.statements if isinstance(node, ast.ImportFrom)]
        return {_name_of(alias) for node in nodes for alias in node.names if (node.module, alias.name) in names}

    def always(self) -> set[str]:
        """The names that statements use which are there for their effect, and so stay."""
        return set().union(*(used_names(node) for node in self.statements if self._is_effect(node)))

    def needs(self, module: str, name: str, modules: dict[str, "_Module"]) -> list[Name]:
        """What this name is made of, and where that stands."""
        found: list[Name] = []
        for node in self.bound.get(name, []):
            if not _aliases(node):
                found += [(module, used) for used in used_names(node)]
            elif isinstance(node, ast.ImportFrom):
                names = [alias.name for alias in node.names if _name_of(alias) == name]
                found += [(node.module, imported) for imported in names]
                whole = [f"{node.module}.{imported}" for imported in names]  # a module may be imported by its name
                found += [(other, inside) for other in whole if other in modules for inside in modules[other].bound]
        return found

    def text(self, used: set[str]) -> str:
        """The source with these names only."""
        kept: list[str] = []
        end = 0
        for node in self.statements:
            if self._stays(node, used):
                names = [alias for alias in _aliases(node) if _name_of(alias) in used]
                whole = len(names) == len(_aliases(node)) or _is_future(node)
                kept += self.lines[end : node.end_lineno if whole else node.lineno - 1]  # with the comments above
                kept += [] if whole else [_import(node, names)]
            end = node.end_lineno
        return "\n".join(kept).strip("\n") + "\n"

    def _stays(self, node: ast.stmt, used: set[str]) -> bool:
        if node in self.gone:
            return False
        is_docstring = node is self.statements[0] and _is_text(node)
        return is_docstring or _is_future(node) or self._is_effect(node) or bool(_bound(node) & used)

    def _is_effect(self, node: ast.stmt) -> bool:
        return node not in self.gone and not _is_text(node) and not _bound(node)


def _bound(node: ast.stmt) -> set[str]:
    """The names that a statement at the top of a module gives a meaning."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return {node.name}
    if _aliases(node):
        return {_name_of(alias) for alias in _aliases(node)}
    return {name.id for name in ast.walk(node) if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)}


def _mentions(node: ast.stmt, marks: set[str]) -> bool:
    """Whether a statement declares a mistake, or helps to."""
    attributes = {inner.attr for inner in ast.walk(node) if isinstance(inner, ast.Attribute)}
    return bool(used_names(node) & marks) or MARK in attributes


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _aliases(node: ast.stmt) -> list[ast.alias]:
    return node.names if isinstance(node, (ast.Import, ast.ImportFrom)) else []


def _name_of(alias: ast.alias) -> str:
    return alias.asname or alias.name.partition(".")[0]


def _is_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _import(node: ast.Import | ast.ImportFrom, names: list[ast.alias]) -> str:
    """An import of these names only."""
    if isinstance(node, ast.Import):
        return ast.unparse(ast.Import(names))
    return ast.unparse(ast.ImportFrom(node.module, names, node.level))
