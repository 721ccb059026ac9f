"""Running a graph: what one node needs, each node once, in an order that the edges decide."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from course_lib.exercises import Case, exercise, part
from course_lib.tensors.exercises.graphs.common import TIMES, Plan, build, feed_anew, feeds_of, never, told, written

NO_CYCLE = "of the nodes that are needed, none needs its own value"

A, B = {"a": ("placeholder", ())}, {"b": ("placeholder", ())}
SQUARE = A | B | {"both": ("add", "a", "b"), "square": ("multiply", "both", "both"), "other": ("subtract", "b", "a")}
DOUBLED = {"x0": ("placeholder", ())} | {f"x{n}": ("add", f"x{n - 1}", f"x{n - 1}") for n in range(1, 9)}
# Two ways of unlike length lead from each placeholder to y.
DETOUR = A | B | {"p": ("multiply", "a", "b"), "q": ("subtract", "p", "b"), "y": ("subtract", "a", "q")}
LADDER = A | {
    "one": ("constant", 1.0),
    "p": ("add", "a", "one"),
    "q": ("multiply", "p", "p"),
    "r": ("subtract", "q", "a"),
    "y": ("divide", "r", "p"),
    "z": ("negative", "q"),
}
ROUND = {"a": ("add", "one", "c"), "one": ("constant", 1.0), "b": ("negative", "a"), "c": ("add", "b", "one")}
INWARD = A | {"p": ("add", "a", "q"), "q": ("multiply", "p", "a"), "y": ("negative", "q")}
ITSELF = A | {"y": ("add", "a", "y")}
BESIDE = {"p": ("add", "a", "q"), "q": ("multiply", "p", "a")}  # a cycle that nothing else needs


def listed(plan: Plan, order: str) -> Plan:
    """The same graph, its nodes listed in another order."""
    return {name: plan[name] for name in order.split()}


def run_counted(answer: Callable, plan: Plan, fetch: str, feeds: Mapping[str, Tensor]) -> dict:
    """The value that the answer gives, and how often it computed each node."""
    graph, nodes, counts = build(plan)
    with never(ValueError, NO_CYCLE):
        value = answer(graph, nodes[fetch], feeds_of(nodes, feeds))
    return {"value": value, TIMES: counts}


def run_again(answer: Callable, plan: Plan, fetch: str, feeds: Mapping, others: Mapping, same_dict: bool) -> dict:
    """The same for a second run of the graph, with other feeds, which may lie in the first run's dict."""
    graph, nodes, counts = build(plan)
    first, second = feeds_of(nodes, feeds), feeds_of(nodes, others)
    with never(ValueError, NO_CYCLE):
        answer(graph, nodes[fetch], first)
        counts.update(dict.fromkeys(counts, 0))
        value = answer(graph, nodes[fetch], feed_anew(first, second, same_dict=same_dict))
    return {"value": value, TIMES: counts}


def run_in_circles(answer: Callable, plan: Plan, fetch: str, feeds: Mapping[str, Tensor]) -> str:
    """Whether the answer sees that a node needs its own value: "ValueError", or "a value"."""
    graph, nodes, _ = build(plan)
    try:
        answer(graph, nodes[fetch], feeds_of(nodes, feeds))
    except ValueError:
        return "ValueError"
    return "a value"


def unseen(said: str) -> str | None:
    """A sentence where a cycle went unnoticed."""
    return None if said == "ValueError" else "A node here needs its own value, and your run returned something."


@exercise("tensors.graph", "run(graph, fetch, feeds) -> value", level="core", minutes=10)
def graph(rng):
    """Run a graph: the nodes that one result needs, each once, each after its inputs."""

    def drawn(*names: str) -> dict[str, Tensor]:
        return {name: torch.tensor(float(rng.uniform(1, 4))) for name in names}

    def case(
        plan: Plan, fetch: str, needs: str, value: Callable, feeds: dict, because: str, before=None, same_dict=False
    ) -> Case:
        """A run; `needs` names the nodes to be computed, and `value` says it in plain Python."""
        counts = {name: int(name in needs.split()) for name in build(plan)[2]}
        wanted = {"value": torch.as_tensor(value(**feeds), dtype=torch.float32), TIMES: counts}
        again = ", with other numbers than in the run before" if before else ""
        again += ", in the same dict" if same_dict else ""
        return Case(
            (plan, fetch, before, feeds, same_dict) if before else (plan, fetch, feeds),
            via=run_again if before else run_counted,
            expected=wanted,
            explain=lambda got: told(got, wanted),
            shown=f"{written(plan)}; fetch={fetch}{again}",
            because=because,
        )

    hand = {"a": torch.tensor(2.0), "b": torch.tensor(3.0)}
    with part("what is needed", points=1):
        because = "begin at the node that is fetched, and walk against the edges: only what you meet is needed"
        yield case(SQUARE, "square", "both square", lambda a, b: (a + b) ** 2, hand, because)
        yield case(SQUARE, "other", "other", lambda a, b: b - a, drawn("a", "b"), because)
        yield case(LADDER, "p", "p", lambda a: a + 1, drawn("a"), because)
        yield case(SQUARE | {"c": ("negative", "a")}, "c", "c", lambda a: -a, drawn("a"), because)
        yield case(SQUARE, "a", "", lambda a, b: a, drawn("a", "b"), "what is fed needs no computing")
    with part("each once", points=1):
        because = "a value that several nodes take has to be kept somewhere, for the length of one run"
        names = " ".join(f"x{n}" for n in range(1, 9))
        yield case(DOUBLED, "x8", names, lambda x0: 256 * x0, drawn("x0"), because)
        yield case(LADDER, "y", "p q r y", lambda a: ((a + 1) ** 2 - a) / (a + 1), drawn("a"), because)
        for same_dict in (False, True):
            again = {"before": drawn("a", "b"), "same_dict": same_dict}
            yield case(SQUARE, "square", "both square", lambda a, b: (a + b) ** 2, drawn("a", "b"), because, **again)
            again = {"before": drawn("a"), "same_dict": same_dict}
            yield case(LADDER, "r", "p q r", lambda a: (a + 1) ** 2 - a, drawn("a"), because, **again)
    with part("listed in any order", points=1):
        because = "an order that fits: every node behind all of its inputs, however many steps away from the end it is"
        for plan in (
            DETOUR,
            listed(DETOUR, "y q p b a"),
            listed(DETOUR, "a q y p b"),
        ):
            yield case(plan, "y", "p q y", lambda a, b: a - (a * b - b), drawn("a", "b"), because)
        shuffled = listed(LADDER, "z r a q y one p")
        yield case(shuffled, "y", "p q r y", lambda a: ((a + 1) ** 2 - a) / (a + 1), drawn("a"), because)
    with part("a cycle", points=1):
        for plan, fetch, feeds in ((ROUND, "c", {}), (INWARD, "y", drawn("a")), (ITSELF, "y", drawn("a"))):
            yield Case(
                (plan, fetch, feeds),
                via=run_in_circles,
                test=unseen,
                form="ValueError",
                shown=f"{written(plan)}; fetch={fetch}",
                because="a node that is begun and not yet done must not be begun again",
            )
        because = "a cycle that the fetch does not need is left out, as all that it does not need"
        yield case(SQUARE | BESIDE, "square", "both square", lambda a, b: (a + b) ** 2, drawn("a", "b"), because)
        yield case(BESIDE | SQUARE, "other", "other", lambda a, b: b - a, drawn("a", "b"), because)
