"""Section 1.2: a dataflow graph, run node by node. What runs, in which order, and what is skipped?"""

from course_lib.explorers import Choice, Explorer, Place, Prediction, Quest, Slider, Text
from course_lib.figures.graph_run import HEIGHT, WIDTH, build_run, update_run
from course_lib.tensors.explorers.graph_views import (
    BACKWARD,
    FORWARD,
    OPTIMISED,
    SKIPPED,
    VIEWS,
    WORKERS,
    Run,
    effect_of,
    order_of,
)
from course_lib.tensors.explorers.scene import (
    DIGITS,
    EXPRESSION,
    feeds_of,
    number,
    pieces,
    run,
    scene,
    shape_text,
)
from course_lib.tensors.operations import CONSTANT

RUNS, REFUSED = "it runs and gives 8", "it is refused, since b is empty"
ALL = 99  # a place behind the end of its list is its last


class GraphExplorer(Explorer):
    """Type an expression, fill its holes, and watch the engine run its graph: forwards, backwards and optimised."""

    id = "tensors.graph"
    size = (WIDTH, HEIGHT)
    controls = {
        "graph": Choice(options=(EXPRESSION, DIGITS), start=EXPRESSION),
        "view": Choice(options=tuple(VIEWS), start=FORWARD),
        "expression": Text(start="(a + b) * tanh(b + a) + 2 * 3",
                           tries=("a * b + c", "relu(a - b) ** 2 / c", "mean((a * b - c) ** 2)")),
        "feeds": Text(start="a = 1, 2; b = 0.5; c = 3", tries=("a = 2; b = 1; c = 1", "a = 0, 1, 2; b = -1; c = 2")),
        "fetch": Place(start=0, tries=(0, 1, 4)),
        "step": Place(start=0, tries=(0, 1, 2, ALL)),
        "nudge": Place(start=0, tries=(0, 1)),
        "nudge_by": Slider(low=-1.0, high=1.0, step=0.05, start=0.0, label="nudge by"),
        "workers": Slider(low=1, high=4, step=1, start=2),
    }  # fmt: skip
    quests = (
        Quest("hole", "in the network on the digits, fetch the node that needs most others and yet not the targets t",
              lambda data: data["names"][data["fetched"]] == "log_softmax_0" and "t" in data["skipped"]),
        Quest("smaller", "write an expression that loses 5 nodes or more when it is optimised, of which one is folded "
              "and one is merged (view «optimised», whole expression fetched)",
              lambda data: data["left"] is not None and data["fetched"] == len(data["names"]) - 1
              and len(data["names"]) - data["left"] >= 5 and bool(data["folded"]) and bool(data["merged"])),
        Quest("still", "nudge a leaf by 1 or −1 so that the result moves, although its derivative promised that it "
              "would not (view «backward»)",
              lambda data: data["view"] == BACKWARD and abs(data["nudged_by"]) == 1 and data["promised"] == 0
              and abs(data["happened"]) > 0.1),
    )  # fmt: skip
    presets = (
        {"step": 4},
        {"view": OPTIMISED, "step": 10},
        {"view": SKIPPED, "expression": "(a + b) * c + exp(a)", "fetch": 4, "step": 3},
        {"view": BACKWARD, "expression": "a * a + tanh(a * b)", "step": 6},
        {"view": WORKERS, "step": 6},
        *({"graph": DIGITS, "view": view, "step": 16} for view in VIEWS),
    )
    sweep_from = {"view": WORKERS, "step": ALL, "nudge_by": 0.5}

    def places(self, graph, expression, fetch, view, workers, **_):
        try:
            of = scene(graph, expression)
        except ValueError:  # compute says so; what was chosen stays
            return {}
        fetched = of.nodes[-1 - min(fetch, len(of.nodes) - 1)]
        order = order_of(of, fetched, view, workers)
        return {
            "fetch": of.names[::-1],
            "step": ["0: nothing yet", *(f"{n}: {of.name(node)}" for n, node in enumerate(order, start=1))],
            "nudge": [node.name for node in of.leaves] or ["–"],
        }

    def compute(self, graph, expression, feeds, view, fetch, step, nudge, nudge_by, workers):
        of = scene(graph, expression)
        fetched, fed = of.nodes[-1 - fetch], of.feeds or feeds_of(feeds)
        nudges = {of.leaves[nudge].name: nudge_by} if of.leaves else {}
        values = run(of, [fetched], fed, nudges)
        order = order_of(of, fetched, view, workers)
        now = Run(of, fetched, values, order[:step], fed, nudges, workers)
        seen = VIEWS[view](now)
        unfed = [node for node in of.holes if node.name not in fed]
        seen.status.update((node, "empty") for node in unfed)
        place = {node: str(n) for n, node in enumerate(order, start=1)}
        return {
            "view": view,
            "inputs": of.inputs,
            "operations": [node.operation.name for node in of.nodes],
            "names": list(of.names),
            "fetched": of.nodes.index(fetched),
            "status": [seen.status[node] for node in of.nodes],
            "numbers": [place.get(node, "") for node in of.nodes],
            "values": [pieces(values[node]) if node in seen.known and node.operation is not CONSTANT else ()
                       for node in of.nodes],
            "shapes": [shape_text(values[node]) if node in seen.known else "" for node in of.nodes],
            "derivatives": [seen.derivatives.get(node, ()) for node in of.nodes],
            "links": [(of.nodes.index(a), of.nodes.index(b)) for a, b in seen.links],
            "title": seen.title,
            "log": [(place[line.node], line.what, line.shape, line.came) for line in seen.log],
            "workers": workers,
            "done": min(step, len(order)),
            "steps": len(order),
            "ran": [of.name(node) for node in order[:step]],
            "skipped": [of.name(node) for node in of.nodes if node not in values],
            "unfed": [node.name for node in unfed],
            "value": values[fetched].tolist(),
            "says": seen.says,
        } | effect_of(now) | {"left": None, "pruned": (), "folded": (), "merged": ()} | seen.facts  # fmt: skip

    def build(self, figure):
        return build_run(figure)

    def update(self, artists, data):
        update_run(artists, data)

    def describe(self, data):
        if not data["nudged_by"]:
            return data["says"]
        text = f"{data['says']} {data['nudged']} is nudged by {number(data['nudged_by'])}"
        if data["promised"] is None:
            return f"{text}: {data['names'][data['fetched']]} does not need it."
        return (f"{text} in all of this; before that, its derivative promised {number(data['promised'])} for "
                f"{data['result']}, which moved by {number(data['happened'])}.")  # fmt: skip


def hole_state() -> dict:
    """The view that section 1.2's prediction opens: a * 2 is fetched, and b is empty."""
    return {"expression": "a * 2 + b", "feeds": "a = 4", "fetch": 2, "step": 0}


def hole_prediction() -> Prediction:
    """Does a run need a feed for every hole?"""
    return Prediction(
        question="The graph of a * 2 + b has two holes. Only a is fed, with 4; b is left empty. The run is asked for "
        "the node a * 2 alone (multiply_0). What happens?",
        options=(RUNS, REFUSED),
        then={"view": SKIPPED, "step": ALL},
        result=lambda data: RUNS if data["value"] == [8.0] else REFUSED,
    )
