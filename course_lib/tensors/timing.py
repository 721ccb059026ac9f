"""How long the nodes of a graph take here."""

import time
from collections.abc import Iterable, Mapping
from statistics import median
from typing import Any

from torch import Tensor

from course_lib.tensors.graph import Node, Session, value_of

REPEATS = 15


def durations_of(session: Session, fetches: Iterable[Node], feeds: Mapping[Node, Any]) -> dict[Node, float]:
    """Run nodes one by one, several times over, and time each: the medians, in seconds.

    Placeholders and variables are there before a run begins, so they take no time and are left out.

    Args:
        session: whose variables have their values; it is left as it was, even where assignments are fetched.
        fetches: they and all that they need are run.
        feeds: as for `Session.run`.
    """
    times: dict[Node, list[float]] = {}

    def timed(order, known: Mapping[Node, Tensor]) -> dict[Node, Tensor | None]:
        values = dict(known)
        for node in order:
            if node not in values:
                inputs = [values[before] for before in node.inputs]
                start = time.perf_counter()
                values[node] = value_of(node, inputs)
                times.setdefault(node, []).append(time.perf_counter() - start)
        return values

    clock = Session(session.graph, timed)
    for _ in range(REPEATS):
        clock.values = dict(session.values)
        clock.run(list(fetches), feeds)
    return {node: median(some) for node, some in times.items()}
