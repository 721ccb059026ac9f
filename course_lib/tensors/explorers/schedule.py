"""Section 1.2: nodes that need not wait for one another can run at the same time. What limits the gain: work, depth?"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from math import isclose

import numpy as np
import torch

from course_lib.explorers import Choice, Explorer, Place, Prediction, Quest, Slider
from course_lib.figures.gantt import HEIGHT, MOST, WIDTH, build_schedule, update_schedule
from course_lib.tensors.digits_network import digits_batch, training_step
from course_lib.tensors.explorers.scene import LEAVES, inputs_of, number
from course_lib.tensors.graph import Graph, Node, Session, ancestors
from course_lib.tensors.operations import GROUP
from course_lib.tensors.schedule import Slot, bounds, schedule, ways_to_the_end
from course_lib.tensors.timing import durations_of

EQUAL, ONE_LONG, MEASURED = "equal", "one long", "measured"
SIDE, ROWS = 160, 128  # of the small graphs' matrices; of the digits' batch
GAINS = {8: "8 times", 6: "about 6 times", 4: "about 4 times", 2: "about 2 times"}


@dataclass(frozen=True, eq=False)
class Made:
    """A graph to schedule.

    Args:
        fetch: the node that is wanted.
        nodes: those that it needs, each after its inputs.
        work: those of them that take time, in the same order.
        measured: seconds that each takes here.
    """

    fetch: Node
    nodes: tuple[Node, ...]
    work: tuple[Node, ...]
    measured: Mapping[Node, float]


def chain(x: Node) -> Node:
    """Ten operations, each on the result of the one before."""
    for _ in range(10):
        x = x.tanh()
    return x


def tree(x: Node) -> Node:
    """Eight operations side by side, and their results added two by two."""
    row = [x.tanh() for _ in range(8)]
    while len(row) > 1:
        row = [a + b for a, b in zip(row[::2], row[1::2], strict=True)]
    return row[0]


def diamond(x: Node) -> Node:
    """Four times over: one, two side by side, one."""
    for _ in range(4):
        x = x.tanh()
        x = x.relu() * x.exp()
    return x


def wide(x: Node) -> Node:
    """Eight branches of three operations, which never meet."""
    return x.graph.group([x.tanh().exp().relu() for _ in range(8)], "all")


SMALL: Mapping[str, Callable[[Node], Node]] = {"chain": chain, "tree": tree, "diamond": diamond, "wide": wide}
TRAINING = "digits, a training step"


@cache
def preset_of(name: str) -> Made:
    """A graph by its name, with the times that its nodes take here."""
    if name == TRAINING:
        made = training_step()
        fetch, feeds = made.step, dict(zip((made.x, made.targets), digits_batch(ROWS), strict=True))
    else:
        x = Graph().placeholder("x", (None, None))
        fetch, feeds = SMALL[name](x), {x: torch.linspace(-1, 1, SIDE * SIDE).reshape(SIDE, SIDE)}
    session = Session(fetch.graph)
    session.values = {node: node.options["initial"] for node in fetch.graph.variables}
    nodes = tuple(ancestors([fetch]))
    work = tuple(node for node in nodes if node.operation not in (*LEAVES, GROUP))
    return Made(fetch, nodes, work, durations_of(session, [fetch], feeds))


class ScheduleExplorer(Explorer):
    """A graph, some workers: who runs what when, and how much faster is it than one worker alone?"""

    id = "tensors.graph.parallelism"
    size = (WIDTH, HEIGHT)
    controls = {
        "preset": Choice(options=(*SMALL, TRAINING), start="tree"),
        "workers": Slider(low=1, high=MOST, step=1, start=2),
        "durations": Choice(options=(EQUAL, ONE_LONG, MEASURED), start=EQUAL),
        "long": Place(start=0, label="the long one", tries=(0, 3, 9)),
        "length": Slider(low=1.0, high=10.0, step=0.5, start=5.0, label="times as long"),
    }
    quests = (
        Quest("depth", "find a graph on which eight workers take as long as one",
              lambda data: data["workers"] == MOST and isclose(data["makespan"], data["work"])),
        Quest("enough", "let three workers run the tree in no more time than its critical path takes",
              lambda data: data["preset"] == "tree" and data["workers"] == 3
              and isclose(data["makespan"], data["path"])),
        Quest("one_long", "make eight workers gain less than 3 × on the wide graph",
              lambda data: data["preset"] == "wide" and data["workers"] == MOST
              and data["makespan"] * 3 > data["work"]),
    )  # fmt: skip
    presets = (
        {},
        {"preset": "chain", "workers": 4},
        {"preset": "diamond", "workers": 3, "durations": ONE_LONG, "long": 4},
        {"preset": "wide", "workers": 5},
        {"preset": "tree", "workers": 8, "durations": MEASURED},
        {"preset": TRAINING, "workers": 2, "durations": MEASURED},
        {"preset": TRAINING, "workers": 8},
    )
    sweep_from = {"durations": ONE_LONG, "workers": 3}

    def places(self, preset, **_):
        return {"long": [node.name for node in preset_of(preset).work]}

    def compute(self, preset, workers, durations, long, length):
        of = preset_of(preset)
        times = _times(of, durations, long, length)
        plan = schedule([of.fetch], times, workers)
        work_bound, path = bounds([of.fetch], times, workers)
        work = sum(times.values())
        critical, takes_time = set() if self.asking else _critical(of, times), set(of.work)
        return {
            "preset": preset,
            "durations": durations,
            "inputs": inputs_of(of.nodes),
            "operations": [node.operation.name for node in of.nodes],
            "names": [node.name for node in of.nodes],
            "critical": [node in critical for node in of.nodes],
            "slots": [(plan[node].worker if node in takes_time else -1, plan[node].start, plan[node].end)
                      for node in of.nodes],
            "workers": workers,
            "work": work,
            "path": path,
            "work_bound": work_bound,
            "makespan": _end(plan),
            "limit": "work" if work_bound > path else "depth",
            "speedup": None if self.asking else _speedups(preset, durations, long, length),
            "unit": "µs" if durations == MEASURED else "turns",
        }  # fmt: skip

    def build(self, figure):
        return build_schedule(figure)

    def update(self, artists, data):
        update_schedule(artists, data)

    def describe(self, data):
        makespan, work, path, shared = (number(data[name]) for name in ("makespan", "work", "path", "work_bound"))
        unit, workers = data["unit"], data["workers"]
        text = f"{data['preset'].capitalize()}: one worker takes {work} {unit}"
        if workers > 1:
            text += f", {workers} take {makespan}, which is {data['work'] / data['makespan']:.2f} × as fast"
        if data["speedup"] is None:
            return f"{text}."
        text += f". No schedule beats work ÷ workers ({shared}), nor the critical path ({path})"
        reached = makespan == (shared if data["limit"] == "work" else path)
        return f"{text}: here {data['limit']} is the limit{'' if reached else ', and this schedule does not reach it'}."


def tree_state() -> dict:
    """The view that the prediction about the tree opens: one worker."""
    return {"preset": "tree", "durations": EQUAL, "workers": 1}


def tree_prediction() -> Prediction:
    """How much do eight workers gain on a tree of 15 operations?"""
    return Prediction(
        question="A tree of 15 operations that last equally long: eight side by side, then their results added two by "
        "two, four, two, one. How many times faster than one worker are eight?",
        options=tuple(GAINS.values()),
        then={"workers": MOST},
        result=lambda data: GAINS[min(GAINS, key=lambda gain: abs(gain - data["work"] / data["makespan"]))],
    )


def _times(of: Made, durations: str, long: int, length: float) -> dict[Node, float]:
    """How long each operation takes: in turns, or in microseconds as measured."""
    if durations == MEASURED:
        return {node: 1e6 * of.measured[node] for node in of.work}
    return dict.fromkeys(of.work, 1.0) | ({of.work[long]: length} if durations == ONE_LONG else {})


@lru_cache(maxsize=100)
def _speedups(preset: str, durations: str, long: int, length: float) -> np.ndarray:
    """How many times faster 1 … MOST workers are than one, (MOST,)."""
    of = preset_of(preset)
    times = _times(of, durations, long, length)
    return np.array([sum(times.values()) / _end(schedule([of.fetch], times, k)) for k in range(1, MOST + 1)])


def _critical(of: Made, times: Mapping[Node, float]) -> set[Node]:
    """The nodes of one longest way to the end; where several are equally long, one of them."""
    left = ways_to_the_end(of.nodes, times)
    way, here = [], max(of.nodes, key=left.get)
    while here is not None:
        way.append(here)
        here = max((node for node in of.nodes if here in node.inputs), key=left.get, default=None)
    return set(way)


def _end(plan: Mapping[Node, Slot]) -> float:
    return max(slot.end for slot in plan.values())
