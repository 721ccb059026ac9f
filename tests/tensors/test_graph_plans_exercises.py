"""Schedules and tidied graphs of 1.2: what its exercises promise beyond right answers and known mistakes."""

import pytest

from course_lib.exercises import get
from course_lib.exercises.feedback import words
from course_lib.tensors.exercises.graphs.optimisation import COMMUTE, FUNCTIONS, cleaned, evaluate
from course_lib.tensors.exercises.graphs.parallelism import fault
from tests.exercises.verdicts import said, verdict_on

# schedules


def shortest_first(graph, durations, k):
    """Of the nodes that are ready, the one goes first that takes least; the clock goes on by tenths."""
    starts, ends, tenths = {}, {}, 0
    while len(starts) < len(graph):
        done = {node for node, end in ends.items() if end <= tenths}
        ready = [node for node in graph if node not in starts and done.issuperset(graph[node])]
        for node in sorted(ready, key=durations.get)[: k - (len(starts) - len(done))]:
            starts[node], ends[node] = tenths / 10, tenths + round(10 * durations[node])
        tenths += 1
    return starts


def last_first(graph, durations, k):
    """Of the nodes that are ready, the one goes first that was listed last."""
    starts, running, now = {}, {}, 0.0
    done = set()
    while len(done) < len(graph):
        for node in reversed(graph):
            if node not in starts and len(running) < k and set(graph[node]) <= done:
                starts[node], running[node] = now, now + durations[node]
        now = min(running.values())
        done |= {node for node, end in running.items() if end == now}
        running = {node: end for node, end in running.items() if end > now}
    return starts


@pytest.mark.parametrize("start_times", [shortest_first, last_first])
def test_there_is_more_than_one_schedule(start_times):
    found = verdict_on("tensors.graph.parallelism", start_times=start_times)
    assert found.status == "passed", words(found)


def tick_by_tick(graph, durations, k):
    """Looks only at whole moments for who can start."""
    starts, ends, now = {}, {}, 0
    while len(starts) < len(graph):
        done = {node for node, end in ends.items() if end <= now}
        ready = [node for node in graph if node not in starts and done.issuperset(graph[node])]
        for node in ready[: k - (len(starts) - len(done))]:
            starts[node], ends[node] = now, now + durations[node]
        now += 1
    return starts


@pytest.mark.parametrize("seed", [0, 1])
def test_a_clock_of_whole_ticks_is_too_coarse(seed):
    found = verdict_on("tensors.graph.parallelism", start_times=tick_by_tick, seed=seed)
    assert found.symptom == "one whose clock knows whole moments only", words(found)


def test_each_fault_of_a_schedule_has_a_sentence():
    graph, durations = {"a": (), "b": (), "c": ("a", "b")}, {"a": 1.0, "b": 3.0, "c": 2.0}
    assert fault(graph, durations, 2, {"a": 0.0, "b": 0.0, "c": 3.0}) == ("", "")
    for k, starts, kind in (
        (2, (0.0, 0.0, 1.0), "too early"),
        (1, (0.0, 0.0, 3.0), "too many"),
        (2, (0.0, 1.0, 4.0), "idle"),
        (2, (0.0, 0.0, 4.0), "idle"),
        (2, (1.0, 1.0, 4.0), "idle"),
        (2, (-1.0, 0.0, 3.0), "before 0"),
    ):
        assert fault(graph, durations, k, dict(zip("abc", starts, strict=True)))[0] == kind
    told = said("tensors.graph.parallelism", start_times=lambda graph, durations, k: {"a": 0})
    assert "has the keys ['a'], wanted ['a', 'b', 'c', 'd']" in told


# tidying


def from_the_fetch(graph, fetch):
    """Visit what is needed, and note each kind of node once; a fetch that is folded is done at once."""
    new, known = {}, {}

    def visit(name):
        kind, *inputs = graph[name]
        if kind in FUNCTIONS:
            inputs = [visit(before) for before in inputs]
            numbers = [new[before][1] for before in inputs if new[before][0] == "constant"]
            if len(numbers) == len(inputs):
                kind, inputs = "constant", [FUNCTIONS[kind](*numbers)]
        key = frozenset([kind, *inputs]) if kind in COMMUTE else (kind, *inputs)
        key = name if kind in ("placeholder", "variable", "random") or name == fetch else key
        if key not in known:
            known[key] = name
            new[name] = [kind, *inputs]
        return known[key]

    visit(fetch)
    used = {before for kind, *inputs in new.values() if kind in FUNCTIONS for before in inputs}
    return {name: node for name, node in new.items() if name in used or name == fetch}


def by_formula(graph, fetch):
    """Write each node out as a formula; of those with the same formula the one that was listed last is kept."""
    formulas, numbers, kept = {}, {}, {}
    for name, (kind, *inputs) in graph.items():
        if kind == "constant" or (kind in FUNCTIONS and all(before in numbers for before in inputs)):
            numbers[name] = inputs[0] if kind == "constant" else FUNCTIONS[kind](*(numbers[n] for n in inputs))
            formulas[name] = repr(numbers[name])
        elif kind in FUNCTIONS:
            parts = [formulas[before] for before in inputs]
            formulas[name] = f"{kind}({sorted(parts) if kind in ('add', 'multiply') else parts})"
        else:
            formulas[name] = name
        kept[formulas[name]] = name
    kept[formulas[fetch]] = fetch
    new = {}

    def write(name):
        if name not in new:
            kind, *inputs = ("constant", numbers[name]) if name in numbers else graph[name]
            if kind in FUNCTIONS:
                inputs = [write(kept[formulas[before]]) for before in inputs]
            new[name] = (kind, *inputs)
        return name

    write(fetch)
    return new


@pytest.mark.parametrize("tidy", [from_the_fetch, by_formula])
def test_there_is_more_than_one_way_to_tidy(tidy):
    for seed in range(5):
        found = verdict_on("tensors.graph.optimisation", seed=seed, tidy=tidy)
        assert found.status == "passed", words(found)


def without_brackets(graph, fetch):
    """Takes sums of the same numbers for the same, whatever comes first; everything else is right."""
    terms, first, renamed, new = {}, {}, {}, {}
    for name, (kind, *inputs) in from_the_fetch(graph, fetch).items():
        if kind in FUNCTIONS:
            inputs = [renamed[before] for before in inputs]
        terms[name] = sorted(term for before in inputs for term in terms[before]) if kind == "add" else [name]
        key = ("add", *terms[name]) if kind == "add" and name != fetch else name
        renamed[name] = first.setdefault(key, name)
        new |= {name: (kind, *inputs)} if renamed[name] == name else {}
    return from_the_fetch(new, fetch)


@pytest.mark.parametrize("seed", range(10))
def test_sums_are_kept_apart_that_round_in_another_order(seed):
    found = verdict_on("tensors.graph.optimisation", seed=seed, tidy=without_brackets)
    assert "left alone" in [part.name for part in found.parts if part.status == "failed"]
    assert "merges sums that add the same numbers in another order" in found.symptom, words(found)


def test_the_reference_keeps_every_bit_and_is_done_in_one_go():
    for seed in range(20):
        for case in get("tensors.graph.optimisation").cases(seed):
            graph, fetch, runs = case.inputs
            smaller = cleaned(graph, fetch)
            assert cleaned(smaller, fetch) == smaller
            assert [evaluate(smaller, fetch, given) for given in runs] == [
                evaluate(graph, fetch, given) for given in runs
            ]
            assert fetch in by_formula(graph, fetch) and len(by_formula(graph, fetch)) == len(smaller)


@pytest.mark.parametrize(
    ("returned", "sentence"),
    [
        (lambda graph: None, "Does it end in `return`?"),
        (lambda graph: list(graph), "tidy should return a dict of nodes"),
        (lambda graph: {}, "which is fetched, is not in the graph"),
        (lambda graph: dict(reversed(graph.items())), "does not stand in front of it"),
        (lambda graph: graph | {"q": ("placeholder",)}, "'q' was no placeholder"),
        (lambda graph: graph | {"q": ("power", "a", "a")}, "no operation is called 'power'"),
        (lambda graph: graph | {"q": ("constant", "a")}, "should hold one number"),
        (lambda graph: {name: node[0] for name, node in graph.items()}, "tidy should return a dict of nodes"),
    ],
)
def test_what_is_no_tidy_graph_is_told_so(returned, sentence):
    told = said("tensors.graph.optimisation", tidy=lambda graph, fetch: returned(graph))
    assert sentence in told and "0 of 5 points" in told
