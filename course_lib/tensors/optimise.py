"""Making a graph smaller without changing a bit of what it computes."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch

from course_lib.tensors.graph import Graph, Node, Variable, ancestors
from course_lib.tensors.operations import ASSIGN, CONSTANT, PLACEHOLDER


@dataclass(frozen=True)
class Optimised:
    """A smaller graph, and what became of the nodes of the larger one.

    Args:
        graph: the new one, in which every node is needed.
        nodes: old -> new, for all that was not pruned. What only a folded node needed has no place in the new graph.
        pruned: old nodes that nothing needs.
        folded: old nodes that were computed beforehand, since all of their inputs are constant.
        merged: old node -> the old node whose value it shares.
    """

    graph: Graph
    nodes: dict[Node, Node]
    pruned: tuple[Node, ...]
    folded: tuple[Node, ...]
    merged: dict[Node, Node]


def optimise(graph: Graph, fetches: Iterable[Node]) -> Optimised:
    """A graph that computes the same values for some nodes, with fewer nodes.

    - What the fetches do not need is pruned.
    - What depends on constants alone is folded: computed now, and a constant from then on.
    - Nodes that do the same to the same inputs are merged, a + b with b + a as well: rounding is the same for both.

    Placeholders, variables, assignments and random numbers stay what they are. Nothing is rearranged: (a + b) + c and
    a + (b + c) differ in their last bits.
    """
    new, nodes = Graph(), {}
    folded, merged, first = [], {}, {}
    fetches = list(fetches)
    assigned = [node.options["variable"] for node in ancestors(fetches) if node.operation is ASSIGN]
    for node in ancestors([*assigned, *fetches]):
        key = signature(node, nodes)
        if key in first:
            merged[node] = first[key]
            nodes[node] = nodes[first[key]]
            continue
        nodes[node] = _copy(node, new, nodes)
        if nodes[node].operation is CONSTANT and node.operation is not CONSTANT:
            folded.append(node)
        if key is not None:
            first[key] = node
    left = set(ancestors(nodes[node] for node in (*assigned, *fetches)))
    new.nodes = [node for node in new.nodes if node in left]
    pruned = tuple(node for node in graph.nodes if node not in nodes)
    return Optimised(new, nodes, pruned, tuple(folded), merged)


def signature(node: Node, nodes: dict[Node, Node]) -> tuple | None:
    """What is the same for two nodes exactly if one can stand for the other; None for what cannot be merged."""
    if node.operation is CONSTANT:
        value = node.options["value"]
        return "constant", value.dtype, tuple(value.shape), value.reshape(-1).view(torch.uint8).numpy().tobytes()
    if not node.operation.pure:
        return None
    inputs = [id(nodes[before]) for before in node.inputs]
    inputs = sorted(inputs) if node.operation.commutes else inputs
    return node.operation.name, *inputs, *sorted(node.options.items())


def _copy(node: Node, new: Graph, nodes: dict[Node, Node]) -> Node:
    inputs = [nodes[before] for before in node.inputs]
    if node.operation is CONSTANT:
        return new.constant(node.options["value"], node.name)
    if node.operation is PLACEHOLDER:
        return new.placeholder(node.name, node.options["shape"])
    if isinstance(node, Variable):
        return new.variable(node.name, node.options["initial"])
    if node.operation is ASSIGN:
        return nodes[node.options["variable"]].assign(*inputs)
    if node.operation.pure and inputs and all(before.operation is CONSTANT for before in inputs):
        with torch.no_grad():
            values = [before.options["value"] for before in inputs]
            return new.constant(node.operation.forward(*values, **node.options), node.name)
    return new.add(node.operation, inputs, node.options, node.name)
