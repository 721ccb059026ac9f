"""What the exercises of this section share: graphs as data, and graphs of our engine made of them, which count."""

import dis
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import torch
from torch import Tensor

from course_lib.exercises.compare import difference
from course_lib.tensors.graph import Graph, Node, ancestors, one_by_one
from course_lib.tensors.operations import OPERATIONS

Plan = Mapping[str, tuple]  # name -> operation and its inputs; placeholders: shape; constants, variables: number
Counts = dict[str, int]  # how often each operation was done, by the node's name

TIMES = "times computed"
SOURCES = ("placeholder", "constant")
ENGINE = ("course_lib.tensors.graph", "course_lib.tensors.operations")
_SIGNS = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/", "matmul": "@"}


def build(plan: Plan) -> tuple[Graph, dict[str, Node], Counts]:
    """A graph of our engine, its nodes by name, and the counts that its operations keep.

    The graph's list of nodes has the plan's order, whatever that is, and a node may need one that stands behind it.
    """
    graph, counts = Graph(), {name: 0 for name, (operation, *_) in plan.items() if operation not in SOURCES}
    nodes = {}
    for name, parts in plan.items():
        source = parts[0] in SOURCES
        nodes[name] = _source(graph, name, *parts) if source else _counting(graph, name, parts[0], counts)
    for name in counts:
        nodes[name].inputs = tuple(nodes[before] for before in plan[name][1:])
    return graph, nodes, counts


def _source(graph: Graph, name: str, operation: str, shape_or_number) -> Node:
    if operation == "placeholder":
        return graph.placeholder(name, shape_or_number)
    return graph.constant(shape_or_number, name)


def _counting(graph: Graph, name: str, operation: str, counts: Counts) -> Node:
    kind = OPERATIONS[operation]

    def forward(*values, **options):
        counts[name] += 1
        return kind.forward(*values, **options)

    return graph.add(replace(kind, forward=forward), name=name)


def feed_anew(feeds: dict[Node, Tensor], others: dict[Node, Tensor], *, same_dict: bool) -> dict[Node, Tensor]:
    """The feeds of the next run; in the same dict, the caller keeps one and fills it with other numbers."""
    if not same_dict:
        return others
    feeds.update(others)
    return feeds


def feeds_of(nodes: Mapping[str, Node], feeds: Mapping[str, Tensor | float]) -> dict[Node, Tensor]:
    """Feeds by node, from feeds by name; a copy of each."""
    return {nodes[name]: torch.as_tensor(value).clone() for name, value in feeds.items()}


def computed(fetch: Node, feeds: Mapping[Node, Tensor]) -> Tensor:
    """The value of a node, each node computed once: what a mistake does where it makes none."""
    return one_by_one(ancestors([fetch]), feeds)[fetch]


def written(plan: Plan) -> str:
    """The plan's operations in its order: «both = a + b, square = both * both»."""
    return ", ".join(f"{name} = {_formula(*parts)}" for name, parts in plan.items() if parts[0] != "placeholder")


def _formula(operation: str, *inputs) -> str:
    if operation == "constant":
        return f"{inputs[0]:g}"
    if operation in _SIGNS:
        return f" {_SIGNS[operation]} ".join(inputs)
    return f"{operation}({', '.join(inputs)})"


def told(got: dict, wanted: dict) -> str:
    """The sentence for a wrong result of a run: its values, or else what stands under `TIMES`."""
    got, wanted = dict(got), dict(wanted)
    counts = got.pop(TIMES), wanted.pop(TIMES)
    symptom = difference(got, wanted, rtol=1e-5, atol=1e-5)
    return symptom.sentence if symptom else _count_sentence(*counts)


def _count_sentence(got: Counts, wanted: Counts) -> str:
    for name, times in got.items():
        if times > wanted[name]:
            often = "once" if times == 1 else f"{times} times"
            return f"{name} is computed {often}; {'once is enough' if wanted[name] else 'nothing here needs it'}."
    name = next(name for name, times in got.items() if times < wanted[name])
    return f"{name} is never computed by value_of, and its value is needed."


@contextmanager
def never(kind: type[Exception], words: str) -> Iterator[None]:
    """An alarm that there is no reason for is told in the exercise's words, at the learner's own line.

    An alarm is an error that somebody raises on purpose. One of Python's own, or of our engine's, keeps its words.
    """
    try:
        yield
    except kind as error:
        if not _is_alarm(error):
            raise
        raise kind(f"there is no reason for one here, {words}").with_traceback(error.__traceback__) from None


def _is_alarm(error: Exception) -> bool:
    """Whether a `raise` made the error, outside of our engine: int("a") and PyTorch's operations need none."""
    end = error.__traceback__
    while end.tb_next:
        end = end.tb_next
    raised = dis.opname[end.tb_frame.f_code.co_code[end.tb_lasti]] == "RAISE_VARARGS"
    return raised and end.tb_frame.f_globals.get("__name__") not in ENGINE


def error_of(program: Callable[[], object]) -> tuple[str, str]:
    """The kind and the words of the error that a program raises; two empty texts if it raises none."""
    try:
        program()
    except RecursionError:
        raise  # it has a sentence of its own
    except Exception as error:
        for kind in (ValueError, RuntimeError):  # what is derived from the kind that was asked for will do
            if isinstance(error, kind):
                return kind.__name__, str(error)
        return type(error).__name__, str(error)
    return "", ""
