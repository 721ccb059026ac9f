"""What outlives a run, and who runs: what the exercises on variables and sessions promise beyond right answers."""

from functools import partial

import pytest
import torch

from course_lib.exercises.feedback import words
from course_lib.tensors.exercises.graphs.variables import refusal
from course_lib.tensors.graph import Graph, Node, Session, value_of
from tests.exercises.verdicts import said, verdict_on

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


class ReadsCopies(InPlaceButAlone):
    """What adding returns is the very tensor that the next addition changes."""

    def assign_add(self, value):
        def operation(memory):
            self.read()(memory)
            memory[self] += value
            return memory[self]

        return operation


class HandsOutTheFirst(InPlaceButAlone):
    """The same, of what initialising returns."""

    def initialise(self):
        def operation(memory):
            memory[self] = self.initial.clone()
            return memory[self]

        return operation


def test_what_an_operation_has_returned_does_not_change_later():
    for answer in (ReadsCopies, HandsOutTheFirst):
        assert verdict_on("tensors.graph.variables", MyVariable=answer).points == 3


class AddsInPlace(ReadsCopies):
    """Only what is read is a copy."""

    def initialise(self):
        return self.assign(self.initial)

    def assign(self, value):
        def operation(memory):
            memory[self] = torch.as_tensor(value).clone()
            return memory[self]

        return operation


def test_copies_only_for_who_reads_are_too_few():
    found = verdict_on("tensors.graph.variables", MyVariable=AddsInPlace)
    assert (found.points, found.symptom) == (3, "one whose additions all return one tensor, which each of them changes")


def test_another_error_has_the_article_that_it_needs():
    assert "an AttributeError came" in refusal("AttributeError") and "a KeyError came" in refusal("KeyError")


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
        values = {} if feed_dict is None else self.own(feed_dict)

        def value(node):
            if node not in values:
                values[node] = value_of(node, [value(before) for before in node.inputs])
            return values[node]

        if isinstance(fetches, Node):
            return value(fetches)
        if hasattr(fetches, "items"):
            return {key: value(node) for key, node in fetches.items()}
        return tuple(map(value, fetches))

    def own(self, feeds):
        return dict(feeds)


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


def test_a_product_belongs_to_the_graph_that_it_is_given():
    def on_its_own(graph, a, b):
        mine = Graph()
        return mine.constant(a) * mine.constant(b)

    found = verdict_on("tensors.graph.sessions", product=on_its_own)
    assert (found.points, found.symptom) == (4, "one that builds the product in a graph of its own")
    told = said("tensors.graph.sessions", product=on_its_own)
    assert "what product returns is a node of another graph than the one that it was given" in told


class Fills(CallingItself):
    """Writes its values into the feeds."""

    def own(self, feeds):
        return feeds


def test_values_that_are_left_in_the_feeds_are_found_by_the_next_run():
    found = verdict_on("tensors.graph.sessions", MySession=Fills)
    assert found.symptom == "one that leaves its values in the caller's feeds", words(found)


def test_a_session_that_is_open_is_told_of_its_wrong_value():
    class Halved(CallingItself):
        """The second session of a graph."""

        def __init__(self, graph):
            super().__init__(graph)
            self.second, graph.met = hasattr(graph, "met"), True

        def run(self, fetches, feed_dict=None):
            value = super().run(fetches, feed_dict)
            return value / 2 if self.second else value

    told = said("tensors.graph.sessions", MySession=Halved)
    assert "wanted a RuntimeError" not in told
    assert "the other session, which is open, gave 6, wanted 12" in told
