"""What goes wrong with sessions, as code that runs."""

from collections.abc import Mapping

import torch

from course_lib.exercises import mistake
from course_lib.tensors.exercises.graphs.sessions import sessions
from course_lib.tensors.graph import Graph, Node, ancestors, one_by_one, value_of


@mistake(
    sessions,
    "one that has the product while the graph is built",
    ask="Which line multiplies the numbers: one of `product`, or the one with session.run?",
    look="what you multiply: numbers and tensors are multiplied at once, nodes of the graph later.",
)
def _(graph, a, b):
    return graph.constant(torch.tensor(a) * torch.tensor(b))


@mistake(
    sessions,
    "one that returns numbers instead of a node",
    ask="What does session.run take: three numbers, or a node that stands for them?",
    look="what you multiply: make nodes of the two lists first.",
)
def _(graph, a, b):
    return torch.tensor(a) * torch.tensor(b)


@mistake(
    sessions,
    "one that sums the products up, which makes the dot product of them",
    ask="[1, 2, 3] times [4, 5, 6], element by element: how many numbers come out?",
    look="the operation: @ and .sum() make one number of many.",
)
def _(graph, a, b):
    return graph.constant(a) @ graph.constant(b)


@mistake(
    sessions,
    "one that adds",
    ask="1 and 4 make 4 in the listing. Which operation is that?",
    look="the operation between the two constants.",
)
def _(graph, a, b):
    return graph.constant(a) + graph.constant(b)


@mistake(
    sessions,
    "one that has the sum of the products while the graph is built",
    ask="[1, 2, 3] times [4, 5, 6], element by element: how many numbers come out, and when?",
    look="what you multiply: lists and tensors are multiplied at once, nodes of the graph later.",
)
def _(graph, a, b):
    return graph.constant(sum(x * y for x, y in zip(a, b, strict=True)))


@mistake(
    sessions,
    "one that builds the product in a graph of its own",
    ask="Two graphs are there now. Which of them was the session opened with?",
    look="Graph(): whoever calls `product` has made a graph already, and hands it over.",
)
def _(graph, a, b):
    mine = Graph()
    return mine.constant(a) * mine.constant(b)


class Almost:
    """The right session, cut up so that each mistake changes one method."""

    def __init__(self, graph):
        self.graph, self.open = graph, True

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.open = False

    def run(self, fetches, feed_dict=None):
        if not self.open:
            raise RuntimeError("this session is closed")
        many = list(fetches.values()) if isinstance(fetches, Mapping) else fetches
        return self.like(fetches, self.compute([many] if isinstance(many, Node) else many, self.own(feed_dict)))

    def own(self, feeds):
        return dict(feeds or {})

    def compute(self, nodes, values):
        values.update(one_by_one(ancestors(nodes), values))
        return [values[node] for node in nodes]

    def like(self, fetches, values):
        if isinstance(fetches, Mapping):
            return dict(zip(fetches, values, strict=True))
        return values[0] if isinstance(fetches, Node) else values


class OneByOne(Almost):
    def compute(self, nodes, values):
        return [Almost.compute(self, [node], dict(values))[0] for node in nodes]


@mistake(
    sessions,
    "one that runs the graph once for each node of a list",
    call="MySession",
    ask="Two fetched nodes share a node. How often is that one computed, and who tells the second about it?",
    look="where the values are kept: for one node of the list, or for the whole run?",
)
def _(graph):
    return OneByOne(graph)


class WithoutMemory(Almost):
    def compute(self, nodes, values):
        def value(node):
            return values[node] if node in values else value_of(node, [value(before) for before in node.inputs])

        return [value(node) for node in nodes]


@mistake(
    sessions,
    "one that computes a node anew for everyone who takes its value",
    call="MySession",
    ask="In (a + b) * (a + b), how often is the sum worked out on paper, and how often by your session?",
    look="the call for each input: a node that has a value already is asked to find it again.",
)
def _(graph):
    return WithoutMemory(graph)


class Whole(Almost):
    def compute(self, nodes, values):
        Almost.compute(self, self.graph.nodes, values)
        return [values[node] for node in nodes]


@mistake(
    sessions,
    "one that computes the whole graph",
    call="MySession",
    ask="Which nodes does a run need that fetches only one of them?",
    look="the loop's list: graph.nodes holds also what nothing here asks for.",
)
def _(graph):
    return Whole(graph)


class Remembering(Almost):
    def __init__(self, graph):
        super().__init__(graph)
        self.values = {}

    def compute(self, nodes, values):
        self.values.update(values)
        return Almost.compute(self, nodes, self.values)


@mistake(
    sessions,
    "one whose second run finds the values of the first",
    call="MySession",
    ask="The session runs once more, with other feeds. Which values are still lying about, and where?",
    look="where the values are kept: on self, or on the nodes, they outlive the run.",
)
def _(graph):
    return Remembering(graph)


class InTheFeeds(Almost):
    def own(self, feeds):
        return {} if feeds is None else feeds


@mistake(
    sessions,
    "one that leaves its values in the caller's feeds",
    call="MySession",
    ask="Whoever called run fills feed_dict with other tensors and calls again. What else is in it by then?",
    look="`values = feed_dict`: a second name for a dict is no second dict, so what you add to it stays there.",
)
def _(graph):
    return InTheFeeds(graph)


class Hidden(Almost):
    def __enter__(self):
        return None


@mistake(
    sessions,
    "one that hands nothing to the name behind `as`",
    call="MySession",
    ask="with MySession(graph) as session: whose result is `session`?",
    look="__enter__: it has to return something.",
)
def _(graph):
    return Hidden(graph)


class NeverClosed(Almost):
    def __exit__(self, *_):
        pass


@mistake(
    sessions,
    "one that runs on behind its block",
    call="MySession",
    ask="How does run know that the block is over?",
    look="__exit__, which can note something down, and run, which can read it.",
)
def _(graph):
    return NeverClosed(graph)


class Swallowing(Almost):
    def __exit__(self, *_):
        self.open = False
        return True


@mistake(
    sessions,
    "one that swallows every error inside its block",
    call="MySession",
    ask="What does Python do with an error in a `with` block when __exit__ returns True?",
    look="what __exit__ returns.",
)
def _(graph):
    return Swallowing(graph)


class Together(Almost):
    """Notes on the graph that a session is closed, where all of its sessions read it."""

    def __init__(self, graph):
        self.graph = graph

    @property
    def open(self):
        return not getattr(self.graph, "closed", False)

    def __exit__(self, *_):
        self.graph.closed = True


@mistake(
    sessions,
    "one that closes all sessions at once",
    call="MySession",
    ask="Two sessions are open and you close one. Where is it written down which of them is closed?",
    look="where you note it: the class and the graph are there once for all sessions, self once for each.",
)
def _(graph):
    return Together(graph)


class Listed(Almost):
    def like(self, fetches, values):
        return super().like(fetches, values) if isinstance(fetches, Mapping) else values


@mistake(
    sessions,
    "one that returns a list for a single node",
    call="MySession",
    ask="session.run(c): is what comes back the value, or a list with the value in it?",
    look="the `return`: a single node was made into a list, and its value has to come out of it again.",
)
def _(graph):
    return Listed(graph)


class ByName(Almost):
    def like(self, fetches, values):
        if isinstance(fetches, Mapping):
            return {node.name: value for node, value in zip(fetches.values(), values, strict=True)}
        return super().like(fetches, values)


@mistake(
    sessions,
    "one that names the results after the nodes, not after the keys",
    call="MySession",
    ask='You ask for {"product": c}. Under which name do you look the result up?',
    look="the dict that you return: its keys are those of `fetches`.",
)
def _(graph):
    return ByName(graph)


class ValuesOnly(Almost):
    def like(self, fetches, values):
        return values[0] if isinstance(fetches, Node) else values


@mistake(
    sessions,
    "one that returns a list for a dict",
    call="MySession",
    ask='You ask for {"product": c}. Under which name do you look the result up?',
    look="the `return` for a dict of nodes.",
)
def _(graph):
    return ValuesOnly(graph)


class Early(Almost):
    """Computes what it can when it is made, and looks the rest up."""

    def __init__(self, graph):
        super().__init__(graph)
        self.nodes = list(graph.nodes)
        fed = [node for node in self.nodes if all(one.operation.forward for one in ancestors([node]))]
        self.known = dict(zip(fed, Almost.compute(self, fed, {}), strict=True))

    def compute(self, nodes, values):
        return Almost.compute(self, nodes, values | self.known)


@mistake(
    sessions,
    "one that computes when it is made, and not when it runs",
    call="MySession",
    ask="You open a session and run nothing. What should have been computed by then?",
    look="__init__: at that moment nobody has said what is to be fetched.",
)
def _(graph):
    return Early(graph)
