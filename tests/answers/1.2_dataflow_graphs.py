# exercise: tensors.graph
from course_lib.tensors.graph import value_of


def run(graph, fetch, feeds):
    values, begun = dict(feeds), set()

    def value(node):
        if node not in values:
            if node in begun:  # and not done: the way has come back to it
                raise ValueError(f"{node.name} needs its own value")
            begun.add(node)
            values[node] = value_of(node, [value(before) for before in node.inputs])
        return values[node]

    return value(fetch)


# exercise: tensors.graph.placeholders
from course_lib.tensors.graph import ancestors, value_of
from course_lib.tensors.operations import PLACEHOLDER


def run_fed(fetch, feeds):
    values = dict(feeds)
    for node in ancestors([fetch]):
        if node.operation is PLACEHOLDER:
            wanted = node.options["shape"]
            if node not in values:
                raise ValueError(f"{node.name} is not fed")
            shape = tuple(values[node].shape)
            same_order = len(shape) == len(wanted)
            if not same_order or any(want not in (None, has) for want, has in zip(wanted, shape, strict=False)):
                raise ValueError(f"{node.name} takes {wanted}, not {shape}")
        elif node not in values:
            values[node] = value_of(node, [values[before] for before in node.inputs])
    return values[fetch]


# exercise: tensors.graph.variables
import torch


class MyVariable:
    def __init__(self, initial):
        self.initial = initial.clone()

    def initialise(self):
        return self.assign(self.initial)

    def read(self):
        def operation(memory):
            if self not in memory:
                raise RuntimeError("the variable has no value in this session")
            return memory[self]

        return operation

    def assign(self, value):
        def operation(memory):
            memory[self] = torch.as_tensor(value).clone()
            return memory[self]

        return operation

    def assign_add(self, value):
        def operation(memory):
            memory[self] = self.read()(memory) + value  # a new tensor; += would change the old one
            return memory[self]

        return operation


# exercise: tensors.graph.sessions
from course_lib.tensors.graph import Node, ancestors, value_of


def product(graph, a, b):
    return graph.constant(a) * graph.constant(b)


class MySession:
    def __init__(self, graph):
        self.graph = graph
        self.open = True

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        self.open = False

    def run(self, fetches, feed_dict=None):
        if not self.open:
            raise RuntimeError("this session is closed")
        if isinstance(fetches, dict):
            return dict(zip(fetches, self.run(list(fetches.values()), feed_dict), strict=True))
        if isinstance(fetches, Node):
            return self.run([fetches], feed_dict)[0]
        values = dict(feed_dict or {})
        for node in ancestors(fetches):
            if node not in values:
                values[node] = value_of(node, [values[before] for before in node.inputs])
        return [values[node] for node in fetches]


# exercise: tensors.graph.parallelism
def start_times(graph, durations, k):
    starts, ends, now = {}, {}, 0
    while True:
        for node, inputs in graph.items():
            ready = all(ends.get(before, float("inf")) <= now for before in inputs)
            at_work = sum(end > now for end in ends.values())
            if node not in starts and ready and at_work < k:
                starts[node], ends[node] = now, now + durations[node]
        if len(starts) == len(graph):
            return starts
        now = min(end for end in ends.values() if end > now)  # the next moment at which anything changes


# exercise: tensors.graph.optimisation
import operator

FUNCTIONS = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "negative": operator.neg,
}


def needed(graph, fetch):
    keep = {fetch}
    for name, (operation, *inputs) in reversed(graph.items()):
        if name in keep and operation in FUNCTIONS:
            keep.update(inputs)
    return {name: node for name, node in graph.items() if name in keep}


def tidy(graph, fetch):
    new, stands_for, first = {}, {}, {}
    for name, (operation, *inputs) in needed(graph, fetch).items():
        if operation in FUNCTIONS:
            inputs = [stands_for[before] for before in inputs]
            if all(new[before][0] == "constant" for before in inputs):
                operation, inputs = "constant", [FUNCTIONS[operation](*(new[before][1] for before in inputs))]
        key = (operation, *inputs)
        if operation in ("add", "multiply"):
            key = (operation, *sorted(inputs))
        elif operation in ("placeholder", "variable", "random"):
            key = name  # each is one of its own
        stands_for[name] = first.setdefault(key, name)
        new[name] = (operation, *inputs)
    return needed(new, fetch)
