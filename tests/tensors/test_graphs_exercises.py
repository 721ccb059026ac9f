"""Graphs that are run: what the exercises of 1.2 promise beyond right answers and known mistakes."""

import graphlib
from collections import deque
from functools import partial

import pytest
import torch

from course_lib.exercises import get
from course_lib.exercises.feedback import words
from course_lib.tensors.graph import Node, Session, ancestors, one_by_one, value_of
from course_lib.tensors.operations import PLACEHOLDER
from tests.exercises.verdicts import said, verdict_on

# running a graph


def by_the_library(graph, fetch, feeds):
    met, waiting = {}, deque([fetch])
    while waiting:
        node = waiting.popleft()
        met[node] = node.inputs
        waiting += [before for before in node.inputs if before not in met]
    values = dict(feeds)
    for node in graphlib.TopologicalSorter(met).static_order():  # its CycleError is a ValueError
        if node not in values:
            values[node] = value_of(node, [values[before] for before in node.inputs])
    return values[fetch]


def round_after_round(graph, fetch, feeds):
    needed = {fetch}
    while more := {before for node in needed for before in node.inputs} - needed:
        needed |= more
    values = dict(feeds)
    while len(missing := [node for node in needed if node not in values]):
        ready = [node for node in missing if all(before in values for before in node.inputs)]
        if not ready:
            raise ValueError("nothing can go on")
        for node in ready:
            values[node] = value_of(node, [values[before] for before in node.inputs])
    return values[fetch]


def with_a_stack(graph, fetch, feeds):
    values, at_work, stack = dict(feeds), [], [fetch]
    while stack:
        node = stack[-1]
        missing = [before for before in node.inputs if before not in values]
        if node in values:
            stack.pop()
        elif missing:
            if node in at_work:
                raise ValueError("in circles")
            at_work.append(node)
            stack += missing
        else:
            values[node] = node.operation.forward(*[values[n] for n in node.inputs], **node.options)
    return float(values[fetch])


@pytest.mark.parametrize("run", [by_the_library, round_after_round, with_a_stack])
def test_there_is_more_than_one_way_to_run_a_graph(run):
    found = verdict_on("tensors.graph", run=run)
    assert found.status == "passed", words(found)


def test_a_run_is_told_what_it_computed_in_vain():
    def all_of_it(graph, fetch, feeds):
        for node in graph.nodes:
            if node not in feeds and all(before in feeds for before in node.inputs):
                value_of(node, [feeds[before] for before in node.inputs])
        return by_the_library(graph, fetch, feeds)

    told = said("tensors.graph", run=all_of_it)
    assert "both is computed 2 times; once is enough" in told
    assert "does it end in `return`" in said("tensors.graph", run=lambda graph, fetch, feeds: None).lower()
    assert "a Node" in said("tensors.graph", run=lambda graph, fetch, feeds: fetch)


def test_a_false_alarm_shows_the_line_that_gave_it():
    def run(graph, fetch, feeds):
        raise ValueError("circles everywhere")

    told = said("tensors.graph", run=run)
    assert "there is no reason for one here, of the nodes that are needed, none needs its own value" in told
    assert "circles everywhere" in told


def without_end(*inputs):
    while True:
        pass


@pytest.mark.parametrize(
    ("id", "name"),
    [("tensors.graph", "run"), ("tensors.graph.parallelism", "start_times"), ("tensors.graph.sessions", "product")],
)
def test_an_answer_without_an_end_is_stopped(id, name, monkeypatch):
    monkeypatch.setattr(get(id), "seconds", 0.2)
    found = verdict_on(id, **{name: without_end})
    assert not found.points and "still running" in words(found)


# placeholders


def checks_first(fetch, feeds):
    holes = [node for node in ancestors([fetch]) if node.operation is PLACEHOLDER]
    for hole in holes:
        if (value := feeds.get(hole)) is None:
            raise ValueError(f"Please feed {hole!r}; you fed {[node.name for node in feeds]}")
        wanted = hole.options["shape"]
        if value.dim() != len(wanted):
            raise ValueError(hole.name)
        for axis, length in enumerate(wanted):
            if length is not None and value.shape[axis] != length:
                raise ValueError(f"{hole.name}: axis {axis}")
    return one_by_one(ancestors([fetch]), feeds)[fetch]


def leaves_it_to_the_engine(fetch, feeds):
    return Session(fetch.graph).run(fetch, feeds)


@pytest.mark.parametrize("run_fed", [checks_first, leaves_it_to_the_engine])
def test_there_is_more_than_one_way_to_check_feeds(run_fed):
    found = verdict_on("tensors.graph.placeholders", run_fed=run_fed)
    assert found.status == "passed", words(found)


def test_a_placeholder_is_named():
    def names_the_wrong_one(fetch, feeds):
        try:
            return checks_first(fetch, feeds)
        except ValueError:
            raise ValueError("the fetched node cannot be computed") from None

    found = verdict_on("tensors.graph.placeholders", run_fed=names_the_wrong_one)
    assert "a ValueError that names no placeholder came, wanted a" in said(
        "tensors.graph.placeholders", run_fed=names_the_wrong_one
    )
    assert found.symptom == "one that does not say which placeholder it is about"


# variables


class ByIdentity:
    """Keeps numbers under its own id, and writes them into an entry of the memory's."""

    def __init__(self, initial):
        self.initial = initial.tolist()

    def initialise(self):
        return self.assign(torch.tensor(self.initial))

    def read(self):
        return self._read

    def _read(self, memory):
        try:
            return memory["variables"][id(self)].clone()
        except KeyError:
            raise RuntimeError("initialise first") from None

    def assign(self, value):
        return partial(self._set, value=value)

    def _set(self, memory, value):
        memory.setdefault("variables", {})[id(self)] = torch.tensor(value.tolist() if torch.is_tensor(value) else value)
        return self._read(memory)

    def assign_add(self, value):
        return lambda memory: self._set(memory, self._read(memory) + value)


class InPlaceButAlone:
    """Adds in place, to a tensor that nobody else has."""

    def __init__(self, initial):
        self.initial = initial.detach().clone()

    def initialise(self):
        def operation(memory):
            memory[self] = self.initial.clone()
            return memory[self].clone()

        return operation

    def read(self):
        def operation(memory):
            if self not in memory:
                raise RuntimeError
            return memory[self].clone()

        return operation

    def assign(self, value):
        def operation(memory):
            memory[self] = torch.as_tensor(value).clone()
            return memory[self].clone()

        return operation

    def assign_add(self, value):
        def operation(memory):
            self.read()(memory)
            memory[self] += value
            return memory[self].clone()

        return operation


@pytest.mark.parametrize("MyVariable", [ByIdentity, InPlaceButAlone])
def test_there_is_more_than_one_way_to_keep_a_value(MyVariable):
    found = verdict_on("tensors.graph.variables", MyVariable=MyVariable)
    assert found.status == "passed", words(found)


class AssignsWhenWritten:
    """Keeps its value itself; `assign`, `assign_add` or both act when they are written."""

    hasty = ()

    def __init__(self, initial):
        self.initial, self.value = initial.clone(), None

    def _set(self, value):
        self.value = value
        return value

    def _timed(self, name, act):
        if name in self.hasty:
            value = act()
            return lambda memory: value
        return lambda memory: act()

    def initialise(self):
        return lambda memory: self._set(self.initial)

    def read(self):
        return lambda memory: self._now()

    def _now(self):
        if self.value is None:
            raise RuntimeError("no value")
        return self.value

    def assign(self, value):
        return self._timed("assign", lambda: self._set(torch.as_tensor(value).clone()))

    def assign_add(self, value):
        return self._timed("assign_add", lambda: self._set(self._now() + value))


@pytest.mark.parametrize("hasty", [("assign",), ("assign_add",), ("assign", "assign_add")])
def test_what_acts_when_it_is_written_is_recognised(hasty):
    answer = type("Hasty", (AssignsWhenWritten,), {"hasty": hasty})
    told = said("tensors.graph.variables", MyVariable=answer)
    assert f"one that acts when the operation is written ({' and '.join(hasty)})" in told
    assert "Which line runs three times, and which once?" in told


def test_an_operation_that_is_none_is_told_so():
    class NoOperation(ByIdentity):
        def assign_add(self, value):
            pass

    assert "'NoneType' object is not callable" in said("tensors.graph.variables", MyVariable=NoOperation)


# sessions


class OfTheEngine:
    """Leaves the work to our own session."""

    def __init__(self, graph):
        self.session = Session(graph)

    def __enter__(self):
        self.session.__enter__()
        return self

    def __exit__(self, *problem):
        return self.session.__exit__(*problem)

    def run(self, fetches, feed_dict=None):
        return self.session.run(fetches, feed_dict)


class CallingItself:
    """Looks values up in a dict that belongs to one run, and returns tuples for lists."""

    def __init__(self, graph):
        self.closed = False

    def __enter__(self):
        return self

    def __exit__(self, *problem):
        self.closed = True
        return False

    def run(self, fetches, feed_dict=None):
        if self.closed:
            raise RuntimeError("closed")
        values = {} if feed_dict is None else dict(feed_dict)

        def value(node):
            if node not in values:
                values[node] = value_of(node, [value(before) for before in node.inputs])
            return values[node]

        if isinstance(fetches, Node):
            return value(fetches)
        if hasattr(fetches, "items"):
            return {key: value(node) for key, node in fetches.items()}
        return tuple(map(value, fetches))


@pytest.mark.parametrize("MySession", [OfTheEngine, CallingItself])
def test_there_is_more_than_one_session(MySession):
    found = verdict_on("tensors.graph.sessions", MySession=MySession)
    assert found.status == "passed", words(found)


@pytest.mark.parametrize(
    "product",
    [
        lambda graph, a, b: graph.apply("multiply", graph.constant(a), graph.constant(b)),
        lambda graph, a, b: graph.constant(torch.tensor(a), "a") * torch.tensor(b),
        lambda graph, a, b: graph.constant(a) * graph.constant(b) * 1,
    ],
)
def test_there_is_more_than_one_product(product):
    assert verdict_on("tensors.graph.sessions", product=product).status == "passed"


def test_a_product_says_what_it_is():
    def by_hand(graph, a, b):
        return torch.tensor([x * y for x, y in zip(a, b, strict=True)])

    told = said("tensors.graph.sessions", product=by_hand)
    assert "what product returns is a Tensor, wanted a node that a run computes" in told and "4 of 5 points" in told
