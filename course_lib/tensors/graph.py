"""A dataflow graph as TensorFlow 1 had it, short enough to be read in one sitting.

A graph describes a computation: its nodes are operations, and tensors travel along the edges between them. The
description is written with the operators and methods that PyTorch's tensors have, so that one function serves both:

    graph = Graph()
    x = graph.placeholder("x", (None, 64))
    W = graph.variable("W", torch.zeros(64, 10))
    logits = x @ W                                   # a node, which has no value
    with Session(graph) as session:
        session.run(graph.initializer)
        session.run(logits, {x: torch.ones(3, 64)})  # (3, 10)

With `Graph(eager=True)` each node is computed when it is made, and remembers what it was made of: that is how PyTorch
itself works, and what its automatic differentiation goes back over (see `autodiff`).

Source: Abadi and others, TensorFlow: a system for large-scale machine learning, 2016.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import torch
from torch import Tensor

from course_lib.tensors.operations import ASSIGN, CONSTANT, GROUP, OPERATIONS, PLACEHOLDER, VARIABLE, Operation

Shape = tuple[int | None, ...]  # None is an axis of any length


@dataclass(eq=False)
class Node:
    """An operation in a graph, with edges from the nodes whose values it takes.

    Args:
        graph: that it belongs to.
        operation: what it does.
        inputs: where its values come from, in order.
        options: that are no tensors, such as `dim`.
        name: for people.
        value: in an eager graph.
    """

    graph: "Graph"
    operation: Operation
    inputs: tuple["Node", ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    name: str = ""
    value: Tensor | None = None

    def __repr__(self) -> str:
        return f"<{self.name}: {self.operation.name}({', '.join(node.name for node in self.inputs)})>"

    def __add__(self, other):
        return self.graph.apply("add", self, other)

    def __sub__(self, other):
        return self.graph.apply("subtract", self, other)

    def __mul__(self, other):
        return self.graph.apply("multiply", self, other)

    def __truediv__(self, other):
        return self.graph.apply("divide", self, other)

    def __matmul__(self, other):
        return self.graph.apply("matmul", self, other)

    def __radd__(self, other):
        return self.graph.apply("add", other, self)

    def __rsub__(self, other):
        return self.graph.apply("subtract", other, self)

    def __rmul__(self, other):
        return self.graph.apply("multiply", other, self)

    def __rtruediv__(self, other):
        return self.graph.apply("divide", other, self)

    def __rmatmul__(self, other):
        return self.graph.apply("matmul", other, self)

    def __neg__(self):
        return self.graph.apply("negative", self)

    def __getattr__(self, name: str):
        """Every operation without a sign of its own is a method, as it is of a tensor: `node.tanh()`."""
        if name == "T":
            return self.graph.apply("transpose", self)
        if name in OPERATIONS:
            return partial(self._do, name)
        raise AttributeError(f"a node has no {name!r}; its operations are {', '.join(OPERATIONS)}")

    def _do(self, name: str, *others: "Node | Tensor", **options) -> "Node":
        if any(not isinstance(other, Node | Tensor) for other in others):
            raise TypeError(f"what is no tensor goes to {name} by its name, such as dim=1")
        return self.graph.apply(name, self, *others, **options)

    def __float__(self) -> float:
        if self.value is None:
            raise TypeError(f"{self!r} describes a number and has none: run it in a session")
        return float(self.value)

    def __bool__(self) -> bool:
        if self.value is None:
            raise TypeError(f"{self!r} has no value yet, so no `if` or `while` can depend on it")
        return bool(self.value)


class Graph:
    """Nodes in the order in which they were made, so that each stands behind its inputs.

    Args:
        eager: compute each node when it is made.
    """

    def __init__(self, *, eager: bool = False):
        self.eager, self.nodes = eager, []
        self._initializers: dict[tuple[Variable, ...], Node] = {}
        self._made: Counter[str] = Counter()  # of each kind, for their names

    def constant(self, value: Any, name: str = "") -> Node:
        """A value that never changes; a copy of it."""
        return self._add(Node(self, CONSTANT, options={"value": torch.as_tensor(value).detach().clone()}, name=name))

    def placeholder(self, name: str, shape: Shape) -> Node:
        """A hole that each run has to fill, if it needs it."""
        if self.eager:
            raise ValueError("an eager graph computes each node at once, so it has no holes: give it a constant")
        return self._add(Node(self, PLACEHOLDER, options={"shape": tuple(shape)}, name=name))

    def variable(self, name: str, initial: Tensor) -> "Variable":
        """A value that outlives a run; each session has its own."""
        return self._add(Variable(self, VARIABLE, options={"initial": initial.detach().clone()}, name=name))

    def apply(self, name: str, *inputs: "Node | Tensor | float", **options) -> Node:
        """A node that does the operation of this name.

        Raises:
            ValueError: an input belongs to another graph.
        """
        nodes = tuple(node if isinstance(node, Node) else self.constant(node) for node in inputs)
        for node in nodes:
            if node.graph is not self:
                raise ValueError(f"{node!r} belongs to another graph")
        return self.add(OPERATIONS[name], nodes, options)

    def add(self, operation: Operation, inputs: Iterable[Node] = (), options: dict | None = None, name="") -> Node:
        """A node that does an operation."""
        return self._add(Node(self, operation, tuple(inputs), options or {}, name))

    def group(self, nodes: Iterable[Node], name: str) -> Node:
        """A node that has no value and needs others to be run."""
        return self._add(Node(self, GROUP, tuple(nodes), name=name))

    @property
    def variables(self) -> list["Variable"]:
        """In the order in which they were made."""
        return [node for node in self.nodes if isinstance(node, Variable)]

    @property
    def initializer(self) -> Node:
        """Gives every variable its initial value, when it is run."""
        variables = tuple(self.variables)
        if variables not in self._initializers:
            self._initializers[variables] = self.group([one.initializer for one in variables], "initializer")
        return self._initializers[variables]

    def _add(self, node: Node) -> Node:
        kind = node.operation.name
        node.name = node.name or f"{kind}_{self._made[kind]}"
        self._made[kind] += 1
        self.nodes.append(node)
        if self.eager:
            with torch.no_grad():
                node.value = value_of(node, [other.value for other in node.inputs])
        return node


class Variable(Node):
    """A node whose value is kept by the session, from run to run."""

    @cached_property
    def initializer(self) -> Node:
        """Gives it its initial value."""
        return self.assign(self.options["initial"])

    def assign(self, value: Node | Tensor | float) -> Node:
        """A node that sets the variable at the end of the run; its own value is the new one."""
        graph = self.graph
        if graph.eager:
            raise ValueError("an eager graph has no runs, so nothing is assigned in it: build the next of new values")
        value = value if isinstance(value, Node) else graph.constant(value)
        return graph._add(Node(graph, ASSIGN, (value,), {"variable": self}))

    def assign_add(self, value: Node | Tensor | float) -> Node:
        """A node that adds to the variable at the end of the run; its own value is the new one."""
        return self.assign(self + value)


def ancestors(fetches: Iterable[Node]) -> list[Node]:
    """The nodes that some nodes need, these included, each after its inputs: what a run has to compute, and no more."""
    found: dict[Node, None] = {}
    waiting = [(node, False) for node in fetches][::-1]
    while waiting:
        node, inputs_done = waiting.pop()
        if inputs_done:
            found[node] = None
        elif node not in found:
            waiting.append((node, True))
            waiting += [(before, False) for before in reversed(node.inputs) if before not in found]
    return list(found)


class Session:
    """Runs a graph, and keeps the values of its variables. Use it as a context manager.

    Args:
        graph: to run.
        run_nodes: computes the values of nodes that stand in order; see `schedule.Workers` for another.

    Attributes:
        values: of the variables, at the end of the last run.
    """

    def __init__(self, graph: Graph, run_nodes: "RunNodes | None" = None):
        self.graph, self.values = graph, {}
        self._run_nodes = run_nodes or one_by_one
        self._open = True

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_) -> None:
        self._open = False
        self.values = {}

    def run(self, fetches: Any, feeds: Mapping[Node, Any] | None = None) -> Any:
        """Compute nodes, and those that they need, each once.

        All nodes of a run see the variables as they were when it began; what is assigned holds from its end on.

        Args:
            fetches: a node, or a list, tuple or dict of nodes.
            feeds: values for placeholders; those that this run does not need may be left out.

        Returns:
            the values, in the form of `fetches`; None for a node without a value

        Raises:
            RuntimeError: the session is closed, or a variable has no value yet.
            ValueError: a placeholder is needed and not fed, or fed with another shape; what is fed is no placeholder;
                a node is of another graph.
        """
        if not self._open:
            raise RuntimeError("this session is closed; open another one")
        order = ancestors(_nodes_of(fetches))
        known = {_hole(node): torch.as_tensor(value) for node, value in (feeds or {}).items()}
        for node in order:
            if node.graph is not self.graph:
                raise ValueError(f"{node!r} belongs to another graph than this session")
            if node.operation is PLACEHOLDER:
                _check_feed(node, known.get(node))
            elif node.operation is VARIABLE:
                known[node] = self._read(node)
        with torch.no_grad():
            values = self._run_nodes(order, known)
        for node in order:
            if node.operation is ASSIGN:
                self.values[node.options["variable"]] = values[node].clone()
        return _like(fetches, values)

    def _read(self, variable: Node) -> Tensor:
        if variable not in self.values:
            raise RuntimeError(f"the variable {variable.name!r} has no value in this session: run the initializer")
        return self.values[variable]


RunNodes = Callable[[Sequence[Node], Mapping[Node, Tensor]], dict[Node, Tensor | None]]


def one_by_one(order: Sequence[Node], known: Mapping[Node, Tensor]) -> dict[Node, Tensor | None]:
    """The values of nodes that stand after their inputs, given those of placeholders and variables."""
    values = dict(known)
    for node in order:
        if node not in values:
            values[node] = value_of(node, [values[before] for before in node.inputs])
    return values


def value_of(node: Node, inputs: Sequence[Tensor]) -> Tensor | None:
    """A node's value, given those of its inputs."""
    return node.operation.forward(*inputs, **node.options)


def _nodes_of(fetches: Any) -> list[Node]:
    if isinstance(fetches, Node):
        return [fetches]
    return list(fetches.values() if isinstance(fetches, Mapping) else fetches)


def _like(fetches: Any, values: Mapping[Node, Tensor | None]) -> Any:
    """Copies of values, in the form of the fetches; what becomes of a copy changes no constant and no variable."""
    if isinstance(fetches, Node):
        return None if values[fetches] is None else values[fetches].clone()
    if isinstance(fetches, Mapping):
        return {key: _like(node, values) for key, node in fetches.items()}
    return type(fetches)(_like(node, values) for node in fetches)


def _hole(node: Node) -> Node:
    if node.operation is not PLACEHOLDER:
        raise ValueError(f"{node!r} is no placeholder, so it cannot be fed")
    return node


def _check_feed(placeholder: Node, value: Tensor | None) -> None:
    wanted = placeholder.options["shape"]
    if value is None:
        raise ValueError(f"the placeholder {placeholder.name!r} needs a value of shape {wanted} in this run")
    fits = len(wanted) == value.ndim and all(want in (None, has) for want, has in zip(wanted, value.shape, strict=True))
    if not fits:
        raise ValueError(f"the placeholder {placeholder.name!r} takes shape {wanted}, not {tuple(value.shape)}")
