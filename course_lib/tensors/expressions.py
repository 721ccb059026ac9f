"""A graph from an expression as people write it: `(a + b) * tanh(a + b)`."""

import ast
import operator
from dataclasses import dataclass

from course_lib.tensors.graph import Graph, Node

FUNCTIONS = ("exp", "log", "relu", "sigmoid", "sum", "mean", "tanh")
LONGEST, MOST_NODES = 200, 60  # letters, and nodes that a picture has room for
_SIGNS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}


@dataclass(frozen=True)
class Expression:
    """An expression as a graph.

    Args:
        graph: its nodes, one for every operation that is written, so that what is written twice is there twice.
        result: the node of the whole.
        holes: the placeholders, by name, in the order in which they are written.
    """

    graph: Graph
    result: Node
    holes: dict[str, Node]


def parse(text: str) -> Expression:
    """Read an expression: names are placeholders of any length, numbers are constants.

    Raises:
        ValueError: it is no expression, or holds what no node can do; says what to write.
    """
    if len(text) > LONGEST:
        raise ValueError(f"that is {len(text)} letters long; {LONGEST} is the most")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ValueError(f"«{text}» is no expression; write one such as (a + b) * tanh(a)") from None
    reader = _Reader()
    result = reader.node(tree)
    if len(reader.graph.nodes) > MOST_NODES:
        raise ValueError(f"that makes {len(reader.graph.nodes)} nodes; {MOST_NODES} is the most")
    return Expression(reader.graph, result, reader.holes)


class _Reader:
    def __init__(self):
        self.graph, self.holes = Graph(), {}

    def node(self, tree: ast.expr) -> Node:
        match tree:
            case ast.Name(id=name) if name not in FUNCTIONS:
                if name not in self.holes:
                    self.holes[name] = self.graph.placeholder(name, (None,))
                return self.holes[name]
            case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
                return self.graph.constant(float(number), f"{number:g}")
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self.node(operand)
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.node(operand)
            case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _SIGNS:
                return _SIGNS[type(sign)](self.node(left), self.node(right))
            case ast.BinOp(op=ast.MatMult()):
                raise ValueError("a @ b needs matrices, and these are rows of numbers; write sum(a * b)")
            case ast.BinOp(left=left, op=ast.Pow(), right=ast.Constant(value=2)):
                base = self.node(left)
                return base * base
            case ast.Call(func=ast.Name(id=name), args=[inside], keywords=[]) if name in FUNCTIONS:
                return self.graph.apply(name, self.node(inside))
        raise ValueError(
            f"«{ast.unparse(tree)}» cannot be a node; there are names, numbers, + - * / and ** 2, and "
            f"{', '.join(FUNCTIONS)} of one thing"
        )
