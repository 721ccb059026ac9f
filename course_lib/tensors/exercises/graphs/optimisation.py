"""Tidying a graph: fewer nodes, and the same value to the last bit."""

import operator
from collections.abc import Callable, Mapping

import numpy as np

from course_lib.exercises import Case, exercise, part
from course_lib.exercises.compare import show_apart
from course_lib.exercises.values import with_article
from course_lib.tensors.exercises.graphs.common import Plan

FUNCTIONS = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "negative": operator.neg,
}
COMMUTE = ("add", "multiply")
HOLES = ("placeholder", "variable", "random")  # their values come with a run
NUMBERED = ("constant", "variable")

A, B = {"a": ("placeholder",)}, {"b": ("placeholder",)}
TWO, THREE = {"two": ("constant", 2.0)}, {"three": ("constant", 3.0)}
W = {"w": ("variable", 2.0)}


def bracketed(operation: str, x: str, y: str, z: str) -> Plan:
    """(x, y), z divided by x, (y, z): in tenths this is not 1, since each sum and each product is rounded."""
    left, right = {"p": (operation, x, y), "left": (operation, "p", z)}, {"q": (operation, y, z)}
    return left | right | {"right": (operation, x, "q"), "y": ("divide", "left", "right")}


PRUNED = (
    (A | B | {"sum": ("add", "a", "b"), "unused": ("multiply", "a", "b"), "y": ("negative", "sum")}, "y"),
    (A | B | W | {"y": ("add", "a", "a"), "p": ("multiply", "y", "b"), "q": ("subtract", "p", "w")}, "y"),
    (A | B | {"p": ("negative", "a"), "q": ("subtract", "p", "b")}, "a"),
)
FOLDED = (
    (A | TWO | THREE | {"six": ("multiply", "two", "three"), "y": ("add", "a", "six")}, "y"),
    (TWO | THREE | {"p": ("divide", "two", "three"), "q": ("negative", "p"), "y": ("subtract", "q", "two")}, "y"),
    (
        A
        | TWO
        | THREE
        | {"p": ("add", "two", "three"), "q": ("multiply", "p", "a"), "r": ("divide", "p", "three")}
        | {"y": ("subtract", "q", "r")},
        "y",
    ),
)
MERGED = (
    (A | B | {"s": ("add", "a", "b"), "t": ("add", "a", "b"), "y": ("multiply", "s", "t")}, "y"),
    (A | B | {"s": ("add", "a", "b"), "t": ("add", "b", "a"), "y": ("multiply", "s", "t")}, "y"),
    (A | B | {"s": ("multiply", "a", "b"), "t": ("multiply", "b", "a"), "y": ("subtract", "s", "t")}, "y"),
    (
        A
        | B
        | {"s": ("divide", "a", "b"), "t": ("divide", "a", "b"), "u": ("negative", "s"), "v": ("negative", "t")}
        | {"y": ("multiply", "u", "v")},
        "y",
    ),
    (
        A
        | TWO
        | {"also": ("constant", 2.0), "s": ("add", "a", "two"), "t": ("add", "a", "also")}
        | {"y": ("multiply", "s", "t")},
        "y",
    ),
    (A | TWO | {"also": ("constant", 2.0), "s": ("multiply", "a", "two"), "y": ("add", "s", "also")}, "y"),
    (A | B | {"s": ("add", "a", "b"), "y": ("add", "b", "a")}, "y"),
    (A | {"s": ("negative", "a"), "y": ("negative", "a"), "t": ("add", "s", "y")}, "y"),
)
LEFT_ALONE = (
    (A | B | {"s": ("subtract", "a", "b"), "t": ("subtract", "b", "a"), "y": ("multiply", "s", "t")}, "y"),
    (A | B | {"s": ("divide", "a", "b"), "t": ("divide", "b", "a"), "y": ("add", "s", "t")}, "y"),
    (A | TWO | {"s": ("subtract", "a", "two"), "t": ("subtract", "two", "a"), "y": ("divide", "s", "t")}, "y"),
    (A | W | TWO | {"p": ("multiply", "w", "two"), "y": ("add", "a", "p")}, "y"),
    (A | W | {"p": ("negative", "w"), "y": ("multiply", "p", "a")}, "y"),
    (W | {"v": ("variable", 2.0), "y": ("subtract", "w", "v")}, "y"),
    (
        W
        | TWO
        | {"v": ("variable", 2.0), "s": ("add", "w", "two"), "t": ("add", "v", "two"), "y": ("divide", "s", "t")},
        "y",
    ),
    ({"r": ("random",), "q": ("random",), "y": ("subtract", "r", "q")}, "y"),
    (
        TWO
        | {"r": ("random",), "q": ("random",), "s": ("add", "r", "two"), "t": ("add", "q", "two")}
        | {"y": ("divide", "s", "t")},
        "y",
    ),
    (A | B | W | bracketed("add", "a", "b", "w"), "y"),
    (A | W | TWO | bracketed("add", "a", "w", "two"), "y"),
    (A | B | W | bracketed("multiply", "a", "b", "w"), "y"),
)
TOGETHER = (
    (
        A
        | TWO
        | THREE
        | {"p": ("add", "two", "three"), "five": ("constant", 5.0), "s": ("subtract", "a", "p")}
        | {"t": ("subtract", "a", "five"), "y": ("divide", "s", "t"), "unused": ("add", "y", "p")},
        "y",
    ),
    (
        A
        | B
        | TWO
        | THREE
        | {"s": ("add", "a", "b"), "t": ("add", "b", "a"), "unused": ("subtract", "s", "t")}
        | {"square": ("multiply", "s", "t"), "six": ("multiply", "two", "three"), "y": ("add", "square", "six")},
        "y",
    ),
    (
        A
        | TWO
        | THREE
        | {"six": ("multiply", "two", "three"), "also": ("constant", 6.0), "s": ("add", "a", "also")}
        | {"t": ("add", "six", "a"), "y": ("multiply", "s", "t"), "unused": ("negative", "t")},
        "y",
    ),
    (
        A
        | TWO
        | THREE
        | {"p": ("add", "two", "three"), "q": ("add", "three", "two"), "s": ("subtract", "a", "p")}
        | {
            "t": ("subtract", "a", "q"),
            "u": ("subtract", "p", "a"),
            "v": ("divide", "s", "u"),
            "y": ("add", "v", "t"),
        },
        "y",
    ),
)


def evaluate(graph: Plan, fetch: str, given: Mapping[str, float]) -> float:
    """The value of a node.

    Args:
        graph: each node behind its inputs.
        fetch: its name.
        given: values of placeholders and variables, and what each random node draws.
    """
    values: dict[str, float] = {}
    for name, (operation, *inputs) in graph.items():
        if operation in HOLES:
            values[name] = given[name]
        elif operation == "constant":
            values[name] = inputs[0]
        else:
            values[name] = FUNCTIONS[operation](*(values[before] for before in inputs))
    return values[fetch]


def cleaned(graph: Plan, fetch: str) -> Plan:
    """The reference: prune, then fold and merge node by node, then prune what folding has left."""
    new: Plan = {}
    same: dict[str, str] = {}  # each node, and the one that stands for it
    first: dict[tuple, str] = {}
    for name, (operation, *inputs) in pruned(graph, fetch).items():
        if operation in FUNCTIONS:
            inputs = [same[before] for before in inputs]
            if all(new[before][0] == "constant" for before in inputs):
                operation, inputs = "constant", [FUNCTIONS[operation](*(new[before][1] for before in inputs))]
        key = (name,) if operation in HOLES else (operation, *(sorted(inputs) if operation in COMMUTE else inputs))
        same[name] = name if name == fetch else first.setdefault(key, name)
        new |= {name: (operation, *inputs)} if same[name] == name else {}
    return pruned(new, fetch)


def pruned(graph: Plan, fetch: str) -> Plan:
    """What a node needs."""
    needed = {fetch}
    for name, (operation, *inputs) in reversed(graph.items()):
        if name in needed and operation in FUNCTIONS:
            needed.update(inputs)
    return {name: node for name, node in graph.items() if name in needed}


def tidied(answer: Callable, graph: Plan, fetch: str, runs: list[Mapping[str, float]]) -> dict:
    """What the answer's graph computes in some runs, and of how many nodes it consists.

    Raises:
        TypeError: what the answer returned is no graph.
        ValueError: it is one that cannot be run.
    """
    new = answer(dict(graph), fetch)
    if new is None:
        return {"value": None, "nodes": 0}
    check_graph(new, graph, fetch)
    return {"value": [evaluate(new, fetch, given) for given in runs], "nodes": len(new)}


def check_graph(new: object, old: Plan, fetch: str) -> None:
    """Raise a TypeError or ValueError, with a sentence, where a result is no graph that can be run."""
    if not isinstance(new, Mapping) or not all(isinstance(node, tuple | list) and node for node in new.values()):
        what = with_article(type(new).__name__)
        raise TypeError(f"tidy should return a dict of nodes such as ('add', 'a', 'b'), and returned {what}")
    if fetch not in new:
        raise ValueError(f"the node {fetch!r}, which is fetched, is not in the graph that tidy returned")
    met = set()
    for name, (operation, *inputs) in new.items():
        if operation not in (*FUNCTIONS, *HOLES, "constant"):
            raise ValueError(f"no operation is called {operation!r}; tidy gave it to the node {name!r}")
        if operation in HOLES:
            if old.get(name, ("",))[0] != operation:
                raise ValueError(f"{name!r} was no {operation} in the graph that tidy was given")
        elif operation == "constant":
            if len(inputs) != 1 or isinstance(inputs[0], bool) or not isinstance(inputs[0], int | float):
                raise ValueError(f"the constant {name!r} should hold one number, and holds {inputs}")
        elif missing := [before for before in inputs if before not in met]:
            raise ValueError(f"{name!r} takes {missing[0]!r}, which does not stand in front of it in tidy's graph")
        met.add(name)


def written(graph: Plan) -> str:
    """A graph in one line: «a: placeholder, two: 2, y: multiply(a, two)»."""

    def node(operation: str, *inputs) -> str:
        if operation in NUMBERED:
            return f"{operation} {inputs[0]:g}"
        return f"{operation}({', '.join(inputs)})" if inputs else operation

    return ", ".join(f"{name}: {node(*parts)}" for name, parts in graph.items())


def random_graph(rng: np.random.Generator, nodes: int) -> Plan:
    """Sums, differences and negatives of all kinds of sources, among them y. No constant is 0, which has two signs."""
    while True:
        graph: Plan = A | B | W | TWO | THREE | {"r": ("random",)}
        for n in range(nodes - len(graph)):
            operation = str(rng.choice(["add", "add", "subtract", "negative"]))
            inputs = rng.choice(list(graph), size=1 if operation == "negative" else 2)
            graph[f"n{n}"] = (operation, *map(str, inputs))
            if n == nodes // 2:
                graph["y"] = ("add", f"n{n}", "a")
        if ("constant", 0.0) not in [cleaned(graph, name)[name] for name in graph]:
            return graph


@exercise("tensors.graph.optimisation", "tidy(graph, fetch) -> graph", level="core", minutes=15)
def optimisation(rng):
    """Fold, merge and prune: a smaller graph with the same value."""

    def case(graph: Plan, fetch: str, because: str, shown: str = "") -> Case:
        holes = [name for name, (operation, *_) in graph.items() if operation in HOLES]
        tenths = {name: n / 10 for n, name in enumerate(holes, start=1)}
        runs = [tenths] + [{name: float(rng.uniform(1.5, 9)) for name in holes} for _ in range(2)]
        wanted = {"value": [evaluate(graph, fetch, given) for given in runs], "nodes": len(cleaned(graph, fetch))}
        return Case(
            (graph, fetch, runs),
            via=tidied,
            test=lambda got: told(got, wanted, len(graph)),
            view=lambda got: [got["nodes"], [a == b for a, b in zip(got["value"], wanted["value"], strict=True)]],
            form=wanted,
            shown=f"{shown or written(graph)}; fetch={fetch}",
            because=because,
        )

    for name, graphs, because in (
        ("pruning", PRUNED, "from the fetch, walk against the edges: what you do not meet is needed by nobody"),
        ("folding", FOLDED, "what was folded is a constant for all that comes behind it, and leaves its inputs behind"),
        ("merging", MERGED, "replace each input by the node that stands for it, and twins look the same"),
        ("left alone", LEFT_ALONE, "two nodes are one only if they are equal in every bit and in every run"),
    ):
        with part(name, points=1):
            for graph, fetch in graphs:
                yield case(graph, fetch, because)
    with part("all together", points=1):
        because = "one clean-up makes work for another: folding makes twins, and both leave nodes behind"
        for graph, fetch in TOGETHER:
            yield case(graph, fetch, because)
        for nodes in (16, 30):
            yield case(random_graph(rng, nodes), "y", because, f"a random graph of {nodes + 1} nodes")


def told(got: dict, wanted: dict, before: int) -> str | None:
    """A sentence for another value or for too many nodes; None if nothing is wrong."""
    for value, right in zip(got["value"], wanted["value"], strict=True):
        if value != right:
            return "The fetched value came out as {} in a run of the new graph, wanted {}.".format(
                *show_apart(value, right)
            )
    if got["nodes"] > wanted["nodes"]:
        return f"Your graph has {got['nodes']} nodes of {before}; the three clean-ups leave {wanted['nodes']}."
    return None
