"""Showing the code that is the lesson where the lesson is."""

import inspect
from collections.abc import Callable


class Source:
    """Source code as a notebook shows it: highlighted where it can be, plain text otherwise."""

    def __init__(self, code: str):
        self.code = code

    def _repr_markdown_(self) -> str:
        return f"```python\n{self.code}\n```"

    def __repr__(self) -> str:
        return self.code


def show_source(thing: Callable | type, *, docstring: bool = False) -> Source:
    """The source of a class or function of the workbook.

    Args:
        thing: the class or function.
        docstring: with its docstrings, which the text around it often makes superfluous.

    Raises:
        TypeError: it has no Python source.
    """
    code = inspect.getsource(thing).rstrip()
    return Source(code if docstring else _without_docstrings(code))


def _without_docstrings(code: str) -> str:
    """Drop the lines of docstrings; comments and layout stay as they are."""
    import ast
    import textwrap

    code = textwrap.dedent(code)
    lines = code.splitlines()
    drop: set[int] = set()
    for node in ast.walk(ast.parse(code)):
        if (
            isinstance(node, ast.ClassDef | ast.FunctionDef)
            and ast.get_docstring(node) is not None
            and len(node.body) > 1
        ):
            text = node.body[0]
            drop |= set(range(text.lineno - 1, text.end_lineno))
            if not lines[text.end_lineno].strip():  # the blank line below it goes too
                drop.add(text.end_lineno)
    return "\n".join(line for number, line in enumerate(lines) if number not in drop)
