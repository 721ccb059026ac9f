"""Runs a program statement by statement, and prints what each gave: for programs that need another Python than ours.

    some/python statements.py program.py

Stops at the first error, as Python does. Prints a JSON list with one [statement, kind, text] for each that was run; the
kind is "value", "error" or, for what gives nothing, "done". Uses nothing but the standard library.
"""

import ast
import json
import sys

LONGEST = 200  # letters of what an error says


def run_statements(path: str) -> list[tuple[str, str, str]]:
    """What each statement of a program gave.

    Args:
        path: of the program, a file, so that libraries that read a function's source find it.
    """
    with open(path, encoding="utf-8") as file:
        source = file.read()
    names, told = {"__name__": "__main__"}, []
    kept = []  # the code, since TensorFlow points into it when it explains an error, and crashes where it is gone
    for statement in ast.parse(source).body:
        text = ast.get_source_segment(source, statement)
        decorators = getattr(statement, "decorator_list", [])
        text = "".join(f"@{ast.get_source_segment(source, each)}\n" for each in decorators) + text
        try:
            if isinstance(statement, ast.Expr):
                kept.append(compile(ast.Expression(statement.value), path, "eval"))
                told.append((text, "value", repr(eval(kept[-1], names))))
            else:
                kept.append(compile(ast.Module([statement], []), path, "exec"))
                exec(kept[-1], names)
                told.append((text, "done", ""))
        except Exception as error:
            told.append((text, "error", f"{type(error).__name__}: {first_line(str(error))}"[:LONGEST]))
            break
    return told


def first_line(message: str) -> str:
    """The first line that says something: no heading, no indented place in a program."""
    lines = [line for line in message.splitlines() if line and not line.startswith((" ", "Node:")) and line[-1] != ":"]
    return (lines or message.splitlines() or [""])[0]


if __name__ == "__main__":
    print(json.dumps(run_statements(sys.argv[1])))
