"""What several workers gain on this machine, and what limits it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from course_lib.tensors.graph import Node, RunNodes, Session
from course_lib.tensors.schedule import Workers


@dataclass(frozen=True)
class Gain:
    """A run by several workers, against the same run one by one; medians of several tries.

    In each try, the speed-up is what is done at once, divided by how much longer it takes.

    Args:
        speed_up: how many times faster it is.
        at_once: how many nodes are under way, on average over the run.
        longer: how many times as long the nodes take, added up, as the run one by one.
    """

    speed_up: float
    at_once: float
    longer: float


def gain_of_workers(fetch: Node, feeds: Mapping[Node, Any] | None = None, workers: int = 2, tries: int = 9) -> Gain:
    """Run a node one by one and by several workers, in turns, and time both.

    Args:
        fetch: what is run, with all that it needs; its graph's variables have their initial values.
        feeds: as for `Session.run`.
        workers: how many.
        tries: after one to warm up.
    """
    several, tried = Workers(workers), []
    for _ in range(tries + 1):
        one_by_one, by_several = _seconds(None, fetch, feeds), _seconds(several, fetch, feeds)
        taken = sum(slot.end - slot.start for slot in several.slots.values())
        tried.append((one_by_one / by_several, taken / by_several, taken / one_by_one))
    return Gain(*(median(column) for column in zip(*tried[1:], strict=True)))


def _seconds(way: RunNodes | None, fetch: Node, feeds: Mapping[Node, Any] | None) -> float:
    session = Session(fetch.graph, way)
    session.values = {variable: variable.options["initial"] for variable in fetch.graph.variables}
    began = time.perf_counter()
    session.run(fetch, feeds)
    return time.perf_counter() - began
