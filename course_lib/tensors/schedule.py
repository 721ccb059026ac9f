"""Which worker runs which node when: planned from durations, and measured."""

import heapq
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass

import torch
from torch import Tensor

from course_lib.tensors.graph import Node, ancestors, value_of


@dataclass(frozen=True)
class Slot:
    """A node's place in a schedule.

    Args:
        worker: counted from 0.
        start, end: in seconds, or in the unit of the durations.
    """

    worker: int
    start: float
    end: float


def schedule(fetches: Iterable[Node], durations: Mapping[Node, float], workers: int) -> dict[Node, Slot]:
    """When each node runs if no worker is idle while a node is ready (list scheduling, Graham 1966).

    Of several that are ready, the one goes first from which the longest way leads to the end.

    Args:
        fetches: what is wanted; it and all that it needs is run.
        durations: of each node; 0 where it is missing.
        workers: nodes at a time.

    Returns:
        the slot of each node
    """
    if workers < 1:
        raise ValueError(f"a schedule needs a worker, not {workers}")
    order = ancestors(fetches)
    urgency, users = ways_to_the_end(order, durations), _users(order)
    missing = {node: len(set(node.inputs)) for node in order}
    place = {node: n for n, node in enumerate(order)}
    ready = [(-urgency[node], place[node]) for node in order if not missing[node]]
    heapq.heapify(ready)
    running: list[tuple[float, int, int]] = []  # end, place, worker
    idle, now, slots = list(range(workers)), 0.0, {}
    while ready or running:
        while ready and idle:
            _, n = heapq.heappop(ready)
            worker, node = heapq.heappop(idle), order[n]
            slots[node] = Slot(worker, now, now + durations.get(node, 0.0))
            heapq.heappush(running, (slots[node].end, n, worker))
        now = running[0][0]
        while running and running[0][0] == now:
            _, n, worker = heapq.heappop(running)
            heapq.heappush(idle, worker)
            for user in users[order[n]]:
                missing[user] -= 1
                if not missing[user]:
                    heapq.heappush(ready, (-urgency[user], place[user]))
    return slots


def ways_to_the_end(order: Sequence[Node], durations: Mapping[Node, float]) -> dict[Node, float]:
    """For each node, how long the longest way from its beginning to the end takes; the largest is the critical path."""
    longest: dict[Node, float] = {}
    users = _users(order)
    for node in reversed(order):
        longest[node] = durations.get(node, 0.0) + max((longest[user] for user in users[node]), default=0.0)
    return longest


def bounds(fetches: Iterable[Node], durations: Mapping[Node, float], workers: int) -> tuple[float, float]:
    """What no schedule can beat: all work shared among the workers, and the critical path."""
    order = ancestors(fetches)
    work = sum(durations.get(node, 0.0) for node in order)
    return work / workers, max(ways_to_the_end(order, durations).values(), default=0.0)


class Workers:
    """Computes independent nodes at the same time, in threads: PyTorch lets go of Python's lock while it computes.

    Hand it to a session: `Session(graph, Workers(2))`.

    Args:
        count: of threads.

    Attributes:
        slots: which thread computed which node when, in the last run; seconds from its beginning.
    """

    def __init__(self, count: int):
        if count < 1:
            raise ValueError(f"a run needs a worker, not {count}")
        self.count, self.slots = count, {}

    def __call__(self, order: Sequence[Node], known: Mapping[Node, Tensor]) -> dict[Node, Tensor | None]:
        values, users = dict(known), _users(order)
        to_run = [node for node in order if node not in values]
        missing = {node: len({before for before in node.inputs if before not in values}) for node in to_run}
        began, idle = time.perf_counter(), list(range(self.count))
        self.slots, running = {}, {}

        def compute(node: Node) -> tuple[Tensor | None, float, float]:
            with torch.no_grad():  # which holds for one thread
                start = time.perf_counter()
                value = value_of(node, [values[before] for before in node.inputs])
                return value, start - began, time.perf_counter() - began

        # A new thread takes over how many threads PyTorch may use when it asks for it; else it starts more by itself.
        with ThreadPoolExecutor(self.count, initializer=torch.get_num_threads) as threads:
            ready = [node for node in to_run if not missing[node]]
            while ready or running:
                while ready and idle:
                    node = ready.pop(0)
                    running[threads.submit(compute, node)] = node, heapq.heappop(idle)
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    node, worker = running.pop(future)
                    values[node], start, end = future.result()
                    self.slots[node] = Slot(worker, start, end)
                    heapq.heappush(idle, worker)
                    for user in users[node]:
                        if user in missing:
                            missing[user] -= 1
                            if not missing[user]:
                                ready.append(user)
        return values


def _users(order: Sequence[Node]) -> dict[Node, list[Node]]:
    """For each node those that take its value, each once."""
    users: dict[Node, list[Node]] = {node: [] for node in order}
    for node in order:
        for before in dict.fromkeys(node.inputs):
            users[before].append(node)
    return users
