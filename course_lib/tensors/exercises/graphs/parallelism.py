"""Schedules: when each node starts if several workers share a graph."""

import heapq
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from course_lib.exercises import Case, exercise, mistake, part

Edges = Mapping[str, Sequence[str]]  # name -> its inputs
Starts = dict[str, float]

NEAR = 1e-6  # sums of durations are the same only up to rounding

HAND = {"a": (), "b": (), "c": ("a", "b"), "d": ("a",)}
CHAIN = {"a": (), "b": ("a",), "c": ("b",), "d": ("c",)}
WIDE = {name: () for name in "abcdef"}
DIAMOND = {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c")}
TREE = {"a": (), "b": (), "c": (), "d": (), "ab": ("a", "b"), "cd": ("c", "d"), "all": ("ab", "cd")}
TWO_LANES = {"p": (), "q": (), "p2": ("p",), "q2": ("q",), "p3": ("p2",), "q3": ("q2",), "end": ("p3", "q3")}
LATE = {"long": (), "after": ("long",), "short": (), "next": ("short",), "last": ("next",)}


def fault(graph: Edges, durations: Mapping[str, float], k: int, starts: Starts) -> tuple[str, str]:
    """What is wrong with a schedule: the kind of fault and a sentence; two empty texts if nothing is."""
    ends = {node: start + durations[node] for node, start in starts.items()}
    for node, start in starts.items():
        if start < -NEAR:
            return "before 0", f"{node} starts at {start:g}, before anything begins."
        late = max(graph[node], key=ends.get, default=None)
        if late is not None and start < ends[late] - NEAR:
            return "too early", f"{node} starts at {start:g}, and its input {late} ends only at {ends[late]:g}."
    moments = sorted({*starts.values(), *ends.values(), 0.0})

    def running(now: float) -> list[str]:
        return [node for node in starts if starts[node] <= now + NEAR and now + NEAR < ends[node]]

    for now in moments:
        at_work = running(now)
        if len(at_work) > k:
            return "too many", f"At {now:g}, {' and '.join(at_work)} run at once, on {_workers(k)}."
        for node, start in starts.items():
            ready = max((ends[before] for before in graph[node]), default=0.0)
            if len(at_work) < k and ready <= now + NEAR and now + NEAR < start:
                return "idle", f"{node} is ready at {now:g} and starts at {start:g}, though a worker is free."
    return "", ""


def _workers(k: int) -> str:
    return f"{k} worker{'s' * (k > 1)}"


def random_graph(rng: np.random.Generator, nodes: int) -> dict[str, tuple[str, ...]]:
    """Nodes with up to two inputs each, among the four before it."""
    names = [f"n{n}" for n in range(nodes)]
    return {
        name: tuple(sorted(rng.choice(names[max(0, n - 4) : n], size=min(n, int(rng.integers(0, 3))), replace=False)))
        for n, name in enumerate(names)
    }


@exercise("tensors.graph.parallelism", "start_times(graph, durations, k) -> starts", level="more", minutes=12)
def parallelism(rng):
    """A schedule: no node before its inputs, no more than k at once, no worker idle while a node is ready."""

    def case(graph: Edges, durations: Sequence[float], k: int, shown: str, because: str) -> Case:
        lasts = dict(zip(graph, map(float, durations), strict=True))
        return Case(
            (graph, lasts, k),
            test=lambda starts: fault(graph, lasts, k, starts)[1] or None,
            view=lambda starts: seen(graph, lasts, k, starts),
            form=dict.fromkeys(graph, 0.0),
            shown=shown,
            because=because,
        )

    def drawn(graph: Edges, k: int, shown: str, because: str) -> Case:
        return case(graph, rng.integers(1, 10, size=len(graph)), k, f"{shown}, durations from 1 to 9, k={k}", because)

    def by_hand(graph: Edges, durations: Sequence[float], k: int, because: str) -> Case:
        inputs = ", ".join(f"{node}({', '.join(before)})" for node, before in graph.items())
        lasts = ", ".join(f"{duration:g}" for duration in durations)
        return case(graph, durations, k, f"{inputs}, durations {lasts}, k={k}", because)

    with part("a worker for each", points=1):
        because = "with a worker for every node, it starts the moment the last of its inputs ends"
        yield by_hand(HAND, (1, 3, 2, 2), 4, because)
        yield by_hand(DIAMOND, (2, 1, 4, 1), 4, because)
        yield by_hand(DIAMOND, (2, 4, 1, 1), 4, because)
        yield by_hand(DIAMOND, (0.5, 1.5, 0.5, 1), 4, because)
        yield drawn(TREE, 7, "a tree of 7 nodes", because)
    with part("one worker", points=1):
        because = "one worker does one node after the other, and never rests"
        yield by_hand(HAND, (1, 3, 2, 2), 1, because)
        yield drawn(CHAIN, 1, "a chain of 4 nodes", because)
        yield drawn(TREE, 1, "a tree of 7 nodes", because)
    with part("two workers", points=1):
        because = "each time a node ends, a worker is free and others may have become ready"
        yield by_hand(HAND, (1, 3, 2, 2), 2, because)
        yield by_hand(WIDE, (1, 2, 3, 1, 2, 3), 2, because)
        yield by_hand(TWO_LANES, (1, 5, 6, 2, 1, 1, 1), 2, because)
        yield by_hand(LATE, (4, 1, 1, 1, 1), 2, because)
        yield by_hand(LATE, (2, 0.5, 1.5, 0.5, 1), 2, because)
        yield drawn(DIAMOND, 2, "a diamond of 4 nodes", because)
    with part("any graph", points=1):
        because = "go from event to event: who ends next, who is ready then, how many workers are free"
        for nodes, k in ((10, 2), (12, 3), (20, 3), (20, 20)):
            yield drawn(random_graph(rng, nodes), k, f"a random graph of {nodes} nodes", because)


def seen(graph: Edges, durations: Mapping[str, float], k: int, starts: Starts) -> str:
    """What counts of a schedule: the kind of its fault, since there are many right ones, and as many wrong ones."""
    return fault(graph, durations, k, starts)[0]


def in_turn(graph: Edges, durations: Mapping[str, float], k: int, enough: Callable = all, tick: float = 0) -> Starts:
    """The right answer, but that `enough` of a node's inputs have to be there, or that a clock goes on by ticks."""
    starts, ends, now = {}, {}, 0.0
    while True:
        for node, inputs in graph.items():
            done = [before in ends and ends[before] <= now for before in inputs]
            free = sum(end > now for end in ends.values()) < k
            if node not in starts and free and (enough(done) or not inputs):
                starts[node], ends[node] = now, now + durations[node]
        if len(starts) == len(graph):
            return starts
        now = now + tick if tick else min(end for end in ends.values() if end > now)


def levels(graph: Edges) -> dict[str, int]:
    """How many nodes stand before a node on the longest way to it."""
    depth: dict[str, int] = {}
    for node, inputs in graph.items():
        depth[node] = max((depth[before] + 1 for before in inputs), default=0)
    return depth


def level_by_level(graph: Edges, durations: Mapping[str, float], k: int) -> Starts:
    """All of a level, and only then the next."""
    starts, now, depth = {}, 0.0, levels(graph)
    for level in range(max(depth.values()) + 1):
        free = [now] * k
        for node in (node for node in graph if depth[node] == level):
            starts[node] = heapq.heappop(free)
            heapq.heappush(free, starts[node] + durations[node])
        now = max(free)
    return starts


@mistake(
    parallelism,
    "one that waits at the end of each level until all of it is done",
    ask="A node's only input has ended, and a worker is free. What is the node waiting for?",
    look="the loop over levels: a node has to wait for its own inputs, and for no others.",
)
def _(graph, durations, k):
    return level_by_level(graph, durations, k)


@mistake(
    parallelism,
    "one that sends k nodes of a level off together, and waits for all of them",
    ask="Two nodes are sent off, and one of them is done early. What does its worker do then?",
    look="the clock: how far does it go on, and whom does it leave waiting?",
)
def _(graph, durations, k):
    starts, now, depth = {}, 0.0, levels(graph)
    for level in range(max(depth.values()) + 1):
        nodes = [node for node in graph if depth[node] == level]
        for together in (nodes[n : n + k] for n in range(0, len(nodes), k)):
            starts |= dict.fromkeys(together, now)
            now += max(durations[node] for node in together)
    return starts


@mistake(
    parallelism,
    "one that waits at the end of each level, whatever the number of workers",
    ask="A node's only input has ended. What is the node waiting for? And who is there to run it?",
    look="the loop over levels: a node has to wait for its own inputs, and for a free worker.",
)
def _(graph, durations, k):
    return level_by_level(graph, durations, len(graph))


@mistake(
    parallelism,
    "one in which every node takes as long as the others",
    ask="One input takes 1 and the other 4. When can the node start that needs both?",
    look="where the time goes on: by how much, and does `durations` say so?",
)
def _(graph, durations, k):
    return in_turn(graph, dict.fromkeys(graph, 1.0), k)


@mistake(
    parallelism,
    "one whose clock knows whole moments only",
    ask="A node ends at 0.5. When do you look next for who can start?",
    look="how far the clock goes on: by 1 each time, or to the moment when the next node ends?",
)
def _(graph, durations, k):
    return in_turn(graph, durations, k, tick=1.0)


@mistake(
    parallelism,
    "one that cuts the decimals off the durations",
    ask="A node takes 1.5. When does it end if it starts at 0?",
    look="int(…) and //: a duration need not be whole.",
)
def _(graph, durations, k):
    return in_turn(graph, {node: float(int(lasts)) for node, lasts in durations.items()}, k)


@mistake(
    parallelism,
    "one that starts a node when the first of its inputs is done",
    ask="A node takes two values, and one has arrived. What does it compute with?",
    look="min, any, or the first item of the inputs: how many of them have to be there?",
)
def _(graph, durations, k):
    return in_turn(graph, durations, k, enough=any)


@mistake(
    parallelism,
    "one that looks only at a node's first input",
    ask="A node takes two values. Whose end do you ask for?",
    look="inputs[0]: there may be others behind it.",
)
def _(graph, durations, k):
    return in_turn({node: inputs[:1] for node, inputs in graph.items()}, durations, k)


@mistake(
    parallelism,
    "one with as many workers as there are nodes",
    ask="Count the nodes that run at the same moment in your schedule. Who runs them?",
    look="k: does your function read it?",
)
def _(graph, durations, k):
    return in_turn(graph, durations, len(graph))


@mistake(
    parallelism,
    "one with a single worker",
    ask="Two nodes are ready and two workers are there. What does the second one do?",
    look="the clock: does it go on after each node, even while somebody else could start?",
)
def _(graph, durations, k):
    return in_turn(graph, durations, 1)


@mistake(
    parallelism,
    "one that gives each node a worker in the order of the list, and goes back to no gap",
    ask="A worker waits for its next node's inputs. What else could it run meanwhile?",
    look="the loop over the graph: the next node in the list need not be the next one that is ready.",
)
def _(graph, durations, k):
    starts, ends, free = {}, {}, [0.0] * k
    for node, inputs in graph.items():
        starts[node] = max([heapq.heappop(free), *(ends[before] for before in inputs)])
        ends[node] = starts[node] + durations[node]
        heapq.heappush(free, ends[node])
    return starts


@mistake(
    parallelism,
    "one that says when each node ends",
    ask="When does a node without inputs start, if a worker is free for it?",
    look="the number that you put down: a moment before the duration is added, or after?",
)
def _(graph, durations, k):
    return {node: start + durations[node] for node, start in in_turn(graph, durations, k).items()}
