"""Graphs that are run: what the exercises of 1.2 promise beyond right answers and known mistakes."""

import graphlib
from collections import deque

import pytest

from course_lib.exercises import get
from course_lib.exercises.feedback import words
from course_lib.tensors.graph import Session, ancestors, one_by_one, value_of
from course_lib.tensors.operations import PLACEHOLDER
from tests.exercises.verdicts import right_functions, said, verdict_on

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


def test_an_error_that_is_no_alarm_keeps_its_words():
    def unpacks(graph, fetch, feeds):
        if len(fetch.inputs) == 2:
            _first, _between, _last = fetch.inputs
        return by_the_library(graph, fetch, feeds)

    def leaves_holes(fetch, feeds):
        return Session(fetch.graph).run(fetch, dict(list(feeds.items())[1:]))

    assert "not enough values to unpack" in said("tensors.graph", run=unpacks)
    assert "the placeholder 'pixels' needs a value" in said("tensors.graph.placeholders", run_fed=leaves_holes)


def fills(graph, fetch, feeds, path=()):
    """Writes all values into the feeds."""
    if fetch in path:
        raise ValueError("in circles")
    if fetch not in feeds:
        feeds[fetch] = value_of(fetch, [fills(graph, before, feeds, (*path, fetch)) for before in fetch.inputs])
    return feeds[fetch]


def checks_and_fills(fetch, feeds):
    value = right_functions("tensors.graph.placeholders")["run_fed"](fetch, feeds)
    fills(fetch.graph, fetch, feeds)
    return value


@pytest.mark.parametrize(
    ("id", "answer"),
    [("tensors.graph", {"run": fills}), ("tensors.graph.placeholders", {"run_fed": checks_and_fills})],
)
def test_values_that_are_left_in_the_feeds_are_found_by_the_next_run(id, answer):
    assert verdict_on(id, **answer).symptom == "one that leaves its values in the caller's feeds"


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
