"""A graph before and after its clean-up, as `draw_tidied` takes it."""

from collections.abc import Iterable, Sequence

from course_lib.tensors.graph import Node, ancestors
from course_lib.tensors.optimise import optimise
from course_lib.tensors.schedule import schedule


def before_and_after(fetch: Node, workers: tuple[int, int]) -> tuple[dict, dict]:
    """A node's graph as written and tidied, each with a schedule in which every operation lasts one turn.

    Args:
        fetch: the node that is wanted; all of its graph is shown.
        workers: for the one and for the other.

    Returns:
        two dicts for `course_lib.figures.tidied.draw_tidied`
    """
    nodes, smaller = fetch.graph.nodes, optimise(fetch.graph, [fetch])
    new_fetch = smaller.nodes[fetch]
    left = ancestors([new_fetch])
    became = {node: "kept" if smaller.nodes.get(node) in left else "gone" for node in nodes}
    became |= dict.fromkeys(smaller.merged, "merged") | dict.fromkeys(smaller.folded, "folded")
    status = [became[node] for node in nodes]
    return (
        _shown(nodes, fetch, workers[0], status, smaller.merged.items()),
        _shown(left, new_fetch, workers[1], ["kept"] * len(left)),
    )


def _shown(
    nodes: Sequence[Node], fetch: Node, workers: int, status: Sequence[str], links: Iterable[tuple[Node, Node]] = ()
) -> dict:
    number = {node: n for n, node in enumerate(nodes)}
    turns = {node: 1.0 for node in ancestors([fetch]) if node.inputs}
    plan = schedule([fetch], turns, workers)
    slots = {node: (slot.worker, slot.start, slot.end) for node, slot in plan.items() if node in turns}
    end = max(slot.end for slot in plan.values())
    return {
        "inputs": tuple(tuple(number[before] for before in node.inputs) for node in nodes),
        "signs": [_sign(node) for node in nodes],
        "status": status,
        "links": [(number[one], number[other]) for one, other in links],
        "workers": workers,
        "slots": [slots.get(node) for node in nodes],
        "note": f"{len(turns)} operations, {workers} worker{'s' * (workers > 1)}: {end:.0f} turns",
    }


def _sign(node: Node) -> str:
    if "value" in node.options:  # a constant, which may bear the name of what was folded into it
        return f"{node.options['value'].item():g}"
    return node.operation.name if node.inputs else node.name
