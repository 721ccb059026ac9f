"""Sessions: first the graph is built, and then it is run, once for all that is fetched together."""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import torch
from torch import Tensor

from course_lib.exercises import Case, exercise, part, randn
from course_lib.exercises.compare import show_apart
from course_lib.exercises.values import with_article
from course_lib.tensors.exercises.graphs.common import (
    TIMES,
    Plan,
    build,
    error_of,
    feed_anew,
    feeds_of,
    never,
    told,
    written,
)
from course_lib.tensors.graph import Graph, Node, Session
from course_lib.tensors.operations import CONSTANT

Fetches = str | list[str] | dict[str, str]

TO_BE_RUN, THERE_ALREADY = "a node that a run computes", "a constant, which has its value before any run"
ELSEWHERE = "a node of another graph than the one that it was given"
OTHER, ERROR, BEHIND = "result of another session", "error inside", "run behind the block"

X = {"x": ("placeholder", (None,))}
FORK = X | {
    "shared": ("exp", "x"),
    "left": ("add", "shared", "x"),
    "right": ("multiply", "shared", "shared"),
    "unused": ("negative", "x"),
}
LISTING = {"a": ("constant", 2.0), "b": ("constant", 5.0), "c": ("multiply", "a", "b"), "d": ("subtract", "c", "a")}
AGAIN = (", once more with other feeds", ", once more with other feeds in the same dict")


def multiplied(answer: Callable, a: list[float], b: list[float]) -> dict:
    """What `product` returns: its value in a session of ours, and whether it had that value before."""
    graph = Graph()
    node = answer(graph, list(a), list(b))
    if not isinstance(node, Node):
        return {"value": node, "kind": with_article(type(node).__name__)}
    kind = THERE_ALREADY if node.operation is CONSTANT else TO_BE_RUN
    with Session(node.graph) as session:
        return {"value": session.run(node), "kind": kind if node.graph is graph else ELSEWHERE}


def fetched(answer: Callable, plan: Plan, fetches: Fetches, feeds: Mapping[str, Tensor]) -> dict:
    """What a run of a session gives, and how often it computed each node."""
    graph, nodes, counts = build(plan)
    wanted = _nodes(nodes, fetches)
    with answer(graph) as session:
        value = session.run(wanted, feeds_of(nodes, feeds)) if feeds else session.run(wanted)
    return {"result": value, TIMES: counts}


def fetched_again(
    answer: Callable, plan: Plan, fetches: Fetches, feeds: Mapping, others: Mapping, same_dict: bool
) -> dict:
    """The same for a second run of the session, with other feeds, which may lie in the first run's dict."""
    graph, nodes, counts = build(plan)
    first, second = feeds_of(nodes, feeds), feeds_of(nodes, others)
    with answer(graph) as session:
        session.run(_nodes(nodes, fetches), first)
        counts.update(dict.fromkeys(counts, 0))
        value = session.run(_nodes(nodes, fetches), feed_anew(first, second, same_dict=same_dict))
    return {"result": value, TIMES: counts}


def fetched_late(answer: Callable, plan: Plan, feeds: Mapping[str, Tensor]) -> Tensor:
    """Half of a node that is made when the session is open already."""
    graph, nodes, _ = build(plan)
    with answer(graph) as session:
        late = nodes["left"] * 0.5
        return session.run(late, feeds_of(nodes, feeds))


class _Inside(Exception):
    """An error in a `with` block, which no answer raises by itself."""


def closed(answer: Callable, plan: Plan, fetch: str, how: str) -> dict:
    """What becomes of a run behind the `with` block, of one in another session, and of an error inside the block."""
    graph, nodes, _ = build(plan)
    session, other = answer(graph), answer(graph)
    try:
        with session as opened:
            opened.run(nodes[fetch])
            if how == "by an error":
                raise _Inside
            if how == "by an interruption":
                raise KeyboardInterrupt
    except (_Inside, KeyboardInterrupt):
        went_on = "went on to whoever wrote the block"
    else:
        went_on = "no error inside" if how == "at the end" else "was swallowed"
    with other as still_open, never(RuntimeError, "this session is open, and another one is closed"):
        value = still_open.run(nodes[fetch])
    kind = error_of(lambda: session.run(nodes[fetch]))[0] or "no error"
    return {OTHER: value, ERROR: went_on, BEHIND: kind}


def _nodes(nodes: Mapping[str, Node], fetches: Fetches) -> Node | list[Node] | dict[str, Node]:
    if isinstance(fetches, str):
        return nodes[fetches]
    if isinstance(fetches, Mapping):
        return {key: nodes[name] for key, name in fetches.items()}
    return [nodes[name] for name in fetches]


def of_product(got: dict) -> str:
    """The sentence for a wrong product."""
    if got["kind"] == ELSEWHERE:
        return f"What product returns is {ELSEWHERE}."
    if got["kind"] != TO_BE_RUN:
        return f"What product returns is {got['kind']}, wanted {TO_BE_RUN}."
    return f"Your product came out as {got['value'].tolist()} when it was run."


def of_closing(got: dict, wanted: dict) -> str:
    """The sentence for a session that does not close as it should."""
    if got[ERROR] != wanted[ERROR]:
        return "An error inside the block never reached whoever wrote the block."
    if got[BEHIND] != wanted[BEHIND]:
        came = got[BEHIND] if got[BEHIND] == "no error" else with_article(got[BEHIND])
        return f"A run behind the block ended with {came}, wanted a RuntimeError."
    value, right = show_apart(got[OTHER], wanted[OTHER])
    return f"The other session, which is open, gave {value}, wanted {right}."


@exercise(
    "tensors.graph.sessions", "product(graph, a, b) -> node", "MySession(graph)", level="more", minutes=12, blanks=4
)
def sessions(rng):
    """Build a graph, and write the session that runs it."""

    def listing(a: list[float], b: list[float], shown: str) -> Case:
        return Case(
            (a, b),
            via=multiplied,
            call="product",
            expected={"value": torch.from_numpy(np.multiply(a, b)), "kind": TO_BE_RUN},
            explain=of_product,
            shown=shown,
            because="while a graph is built, nothing is computed: a node is made of nodes",
        )

    def run(plan: Plan, fetches: Fetches, values: Callable, needs: str, because: str, again: str = "") -> Case:
        feeds = {"x": randn(rng, 3)} if "x" in plan else {}
        inputs = (feeds, {"x": randn(rng, 3)}, "same dict" in again) if again else (feeds,)
        every = values(**inputs[1 if again else 0])
        wanted = (
            every[fetches]
            if isinstance(fetches, str)
            else {key: every[name] for key, name in fetches.items()}
            if isinstance(fetches, Mapping)
            else [every[name] for name in fetches]
        )
        counts = {name: int(name in needs.split()) for name in build(plan)[2]}
        expected = {"result": wanted, TIMES: counts}
        return Case(
            (plan, fetches, *inputs),
            via=fetched_again if again else fetched,
            call="MySession",
            expected=expected,
            explain=lambda got: told(got, expected),
            shown=f"{written(plan)}; run({_shown(fetches)}){again}",
            because=because,
        )

    def fork(x: Tensor) -> dict[str, Tensor]:
        return {"x": x, "shared": x.exp(), "left": x.exp() + x, "right": x.exp() * x.exp()}

    def numbers() -> dict[str, Tensor]:
        return {name: torch.tensor(number) for name, number in {"a": 2.0, "b": 5.0, "c": 10.0, "d": 8.0}.items()}

    with part("the listing", points=1):
        yield listing([1.0, 2.0, 3.0], [4.0, 5.0, 6.0], "graph, [1, 2, 3], [4, 5, 6]")
        for length in (1, 4):
            a, b = rng.integers(2, 9, size=(2, length)).astype(float).tolist()
            yield listing(a, b, f"graph, and two random lists of {length}")
    with part("one node", points=1):
        because = "run goes through ancestors([fetch]) and keeps each value until the run ends"
        yield run(LISTING, "c", numbers, "c", because)
        yield run(LISTING, "d", numbers, "c d", because)
        yield run(FORK, "right", fork, "shared right", because)
        for again in AGAIN:
            yield run(FORK, "left", fork, "shared left", because, again)
        x = randn(rng, 3)
        yield Case(
            (FORK, {"x": x}),
            via=fetched_late,
            call="MySession",
            expected=(x.exp() + x) / 2,
            shown=f"{written(FORK)}; with the session open, late = left * 0.5; run(late)",
            because="a session runs the graph as it is when it runs",
        )
    with part("several at once", points=2):
        because = "all that is fetched together is one run: put the needs of all of them together first"
        yield run(LISTING, ["a", "c"], numbers, "c", because)
        yield run(LISTING, {"product": "c", "less": "d"}, numbers, "c d", because)
        yield run(FORK, ["left", "right"], fork, "shared left right", because)
        yield run(FORK, {"one": "right", "two": "right", "three": "x"}, fork, "shared right", because)
        for again in AGAIN:
            yield run(FORK, ["right", "shared", "left"], fork, "shared left right", because, again)
        yield run(FORK, ["left"], fork, "shared left", "a list of one node is a list")
        yield run(FORK, [], fork, "", "a list of no nodes is a list too")
    with part("closing", points=1):
        for how in ("at the end", "by an error", "by an interruption"):
            error = how != "at the end"
            plan = LISTING | {"b": ("constant", float(rng.integers(2, 9)))}
            wanted = {
                OTHER: torch.tensor(2 * plan["b"][1]),
                ERROR: "went on to whoever wrote the block" if error else "no error inside",
                BEHIND: "RuntimeError",
            }
            yield Case(
                (plan, "c", how),
                via=closed,
                call="MySession",
                expected=wanted,
                explain=partial(of_closing, wanted=wanted),
                shown=f"one session closed {how} {'in' if error else 'of'} its block, another one open",
                because="what is closed is this one session, however its block was left",
            )


def _shown(fetches: Fetches) -> str:
    if isinstance(fetches, str):
        return fetches
    if isinstance(fetches, Mapping):
        return "{" + ", ".join(f'"{key}": {name}' for key, name in fetches.items()) + "}"
    return f"[{', '.join(fetches)}]"
