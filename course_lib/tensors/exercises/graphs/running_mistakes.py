"""What goes wrong when a graph is run, as code that runs."""

from collections.abc import Callable, Mapping

from torch import Tensor

from course_lib.exercises import mistake
from course_lib.tensors.exercises.graphs.common import computed
from course_lib.tensors.exercises.graphs.running import graph as running
from course_lib.tensors.graph import Graph, Node, one_by_one, value_of


def in_order(graph: Graph, fetch: Node) -> list[Node]:
    """What a node needs, each after its inputs.

    Raises:
        ValueError: there is a cycle.
    """
    begun, done = set(), {}

    def visit(node: Node) -> None:
        if node in done:
            return
        if node in begun:
            raise ValueError("a cycle")
        begun.add(node)
        for before in node.inputs:
            visit(before)
        done[node] = None

    visit(fetch)
    return list(done)


def one_after_the_other(nodes, feeds: Mapping[Node, Tensor]) -> dict[Node, Tensor]:
    """Values of nodes, computed in the order in which they stand here."""
    return one_by_one([node for node in nodes if node.operation.forward], feeds)  # a hole has nothing to compute


def by_calling_itself(fetch: Node, feeds: Mapping[Node, Tensor], path: tuple[Node, ...] | None) -> Tensor:
    """Compute the inputs and then the node, and keep nothing; `path` leads from the fetch, if cycles are looked for."""
    if fetch in feeds:
        return feeds[fetch]
    if path is not None:
        if fetch in path:
            raise ValueError("a cycle")
        path = (*path, fetch)
    return value_of(fetch, [by_calling_itself(before, feeds, path) for before in fetch.inputs])


@mistake(
    running,
    "one that computes what two nodes share twice",
    ask="In (a + b) * (a + b), how often is the sum worked out on paper, and how often by your function?",
    look="the call for each input: a node that has a value already is asked to find it again.",
)
def _(graph, fetch, feeds):
    return by_calling_itself(fetch, feeds, ())


@mistake(
    running,
    "one that keeps no values, neither for a second user nor to notice that it walks in circles",
    ask="In (a + b) * (a + b), how often is the sum worked out on paper, and how often by your function?",
    look="the call for each input: note which nodes are begun and which are done.",
)
def _(graph, fetch, feeds):
    return by_calling_itself(fetch, feeds, None)


@mistake(
    running,
    "one that begins a node anew while it is still at work on it",
    ask="If y = a + y, what does your function do first when it is asked for y, and what after that?",
    look="the moment before a node's inputs are computed: nothing is noted down there yet.",
)
def _(graph, fetch, feeds):
    values = dict(feeds)

    def visit(node):
        if node not in values:
            values[node] = value_of(node, [visit(before) for before in node.inputs])
        return values[node]

    return visit(fetch)


@mistake(
    running,
    "one that computes the whole graph",
    ask="Of all the nodes of the graph, from which can you walk along the edges to the node that is fetched?",
    look="the loop's list: graph.nodes holds also what nothing here asks for.",
)
def _(graph, fetch, feeds):
    in_order(graph, fetch)  # for cycles
    nodes = dict.fromkeys(needed for node in graph.nodes for needed in in_order(graph, node))
    fed = [node for node in nodes if all(one in feeds or one.operation.forward for one in in_order(graph, node))]
    return one_after_the_other(fed, feeds)[fetch]


@mistake(
    running,
    "one that computes all nodes in the order of the list",
    ask="Who says that a node's inputs stand in front of it in graph.nodes?",
    look="the loop's order, and its length: edges decide which node comes next, and which are needed at all.",
)
def _(graph, fetch, feeds):
    return one_after_the_other(graph.nodes, feeds)[fetch]


@mistake(
    running,
    "one that computes all nodes in the order of the list, empty placeholders too",
    ask="Who says that a node's inputs stand in front of it in graph.nodes, and that every node there is needed?",
    look="the loop's order, and its length: edges decide which node comes next, and which are needed at all.",
)
def _(graph, fetch, feeds):
    values = {}
    for node in graph.nodes:
        given = node in feeds
        values[node] = feeds[node] if given else value_of(node, [values[before] for before in node.inputs])
    return values[fetch]


@mistake(
    running,
    "one that takes the nodes it needs in the order of the list",
    ask="Who says that a node's inputs stand in front of it in graph.nodes?",
    look="the order in which the needed nodes are computed: only the edges decide it.",
)
def _(graph, fetch, feeds):
    needed = in_order(graph, fetch)
    return one_after_the_other([node for node in graph.nodes if node in needed], feeds)[fetch]


def nearest_last(fetch: Node) -> list[Node]:
    """What a node needs, met in widening circles around it, and then turned round."""
    met = [fetch]
    for node in met:
        met += [before for before in dict.fromkeys(node.inputs) if before not in met]
    return met[::-1]


@mistake(
    running,
    "one that orders nodes by the shortest way to the fetched one",
    ask="If y takes q and a, and q takes p and a: is `a` one step away from y, or two? Which of the two counts?",
    look="the list that grows from the fetch backwards: a node that is met early may still be needed earlier.",
)
def _(graph, fetch, feeds):
    in_order(graph, fetch)  # for cycles
    return one_after_the_other(nearest_last(fetch), feeds)[fetch]


@mistake(
    running,
    "one that orders nodes by the shortest way to the fetched one, and sees no cycle",
    ask="If y takes q and a, and q takes p and a: is `a` one step away from y, or two? Which of the two counts?",
    look="the list that grows from the fetch backwards: a node that is met early may still be needed earlier.",
)
def _(graph, fetch, feeds):
    return one_after_the_other(nearest_last(fetch), feeds)[fetch]


@mistake(
    running,
    "one that takes a shared node for a cycle",
    ask="Two roads lead from a to y. Can you walk from a back to a on them?",
    look="the set of nodes that you have met: one that is done may be met again, one that is at work may not.",
)
def _(graph, fetch, feeds):
    met = set()

    def visit(node):
        if node in feeds:
            return feeds[node]
        if node in met:
            raise ValueError("a cycle")
        met.add(node)
        return value_of(node, [visit(before) for before in node.inputs])

    return visit(fetch)


def remembering(graph: Graph, fetch: Node, feeds: Mapping, keep: Callable[[Node], bool]) -> Tensor:
    """Write values on the nodes themselves, where the next run finds them; of `keep`, and of no others."""
    for node in in_order(graph, fetch):
        if node.value is None or not keep(node):
            given = node in feeds
            node.value = feeds[node] if given else value_of(node, [before.value for before in node.inputs])
    return fetch.value


@mistake(
    running,
    "one whose second run finds the values of the first",
    ask="You run the graph once more with other numbers. Which values are still lying about, and where?",
    look="where values are kept: on the nodes, or in a default argument, they outlive the run.",
)
def _(graph, fetch, feeds):
    return remembering(graph, fetch, feeds, keep=lambda node: node not in feeds)


@mistake(
    running,
    "one that leaves its values in the caller's feeds",
    ask="Whoever called you fills the dict of feeds with other numbers and calls again. What else is in it by then?",
    look="`values = feeds`: a second name for a dict is no second dict, so what you add to it stays there.",
)
def _(graph, fetch, feeds):
    feeds.update(one_after_the_other(in_order(graph, fetch), feeds))
    return feeds[fetch]


@mistake(
    running,
    "one that hands over the inputs in reverse",
    ask="For b - a, which of the two does your function hand to value_of first?",
    look="the list of the inputs' values: its order is that of node.inputs.",
)
def _(graph, fetch, feeds):
    values = dict(feeds)
    for node in in_order(graph, fetch):
        if node not in values:
            values[node] = value_of(node, [values[before] for before in reversed(node.inputs)])
    return values[fetch]


@mistake(
    running,
    "one that returns the values of all the nodes it has met",
    ask="How many numbers does whoever fetches one node want back?",
    look="the `return`: one value is asked for, not the whole dict.",
)
def _(graph, fetch, feeds):
    return {node.name: value for node, value in one_after_the_other(in_order(graph, fetch), feeds).items()}


@mistake(
    running,
    "one that refuses a graph for a cycle that is not needed",
    ask="A node that the fetch does not need can never be computed. Does the fetch mind?",
    look="where you look for cycles: in all of graph.nodes, or in what the fetch needs?",
)
def _(graph, fetch, feeds):
    for node in graph.nodes:
        in_order(graph, node)
    return computed(fetch, feeds)


@mistake(
    running,
    "one that answers without looking for cycles",
    ask="If y = a + y, which number did you take for the y on the right?",
    look="nodes that are not done yet: a missing value is a reason to stop, not a 0.",
)
def _(graph, fetch, feeds):
    try:
        in_order(graph, fetch)
    except ValueError:
        return 0.0
    return computed(fetch, feeds)
