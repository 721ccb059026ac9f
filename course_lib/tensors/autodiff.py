"""Reverse-mode automatic differentiation: the way back through a graph, as more nodes of it."""

from collections.abc import Sequence

from course_lib.tensors.graph import Node, ancestors


def gradients(y: Node, xs: Sequence[Node]) -> list[Node]:
    """Nodes for the derivative of y by each of some nodes.

    Goes through the graph from y against its edges, each node once, when all that depends on it is done: the chain rule
    says what each node passes on to its inputs, and what comes to a node from several sides is added up. Nothing is
    computed here: the gradients are nodes like all others, so a session runs them, and they have gradients in turn.

    Args:
        y: a single number, or the sum of its numbers is meant.
        xs: nodes; one that y does not depend on gets zeros.

    Source: Griewank and Walther, Evaluating Derivatives, 2nd edition 2008, chapter 3.
    """
    gradient: dict[Node, Node] = {y: y.ones_like()}
    for node in reversed(ancestors([y])):
        if node not in gradient or node.operation.backward is None:
            continue
        passed_on = node.operation.backward(gradient[node], node, *node.inputs, **node.options)
        for before, share in zip(node.inputs, passed_on, strict=True):
            if share is not None:
                gradient[before] = gradient[before] + share if before in gradient else share
    return [gradient[x] if x in gradient else x.zeros_like() for x in xs]
