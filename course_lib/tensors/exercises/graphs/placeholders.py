"""Placeholders: holes that each run has to fill, if it needs them, with what fits."""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from course_lib.exercises import Case, exercise, mistake, part, randn
from course_lib.exercises.values import with_article
from course_lib.tensors.exercises.graphs.common import (
    Plan,
    build,
    computed,
    error_of,
    feed_anew,
    feeds_of,
    never,
    written,
)
from course_lib.tensors.graph import Node, Shape, ancestors, one_by_one
from course_lib.tensors.operations import PLACEHOLDER

ENOUGH = "all that is needed is fed, and fits"
MISSING, MISSHAPEN = "needs a value", "has another shape"

NETWORK = {
    "pixels": ("placeholder", (None, 3)),
    "weights": ("placeholder", (3, 2)),
    "targets": ("placeholder", (None, 2)),
    "scores": ("matmul", "pixels", "weights"),
    "errors": ("subtract", "scores", "targets"),
    "scale": ("constant", 0.5),
    "steps": ("multiply", "weights", "scale"),
}


def plan_for(shape: Shape) -> Plan:
    """A graph of one hole, and what is computed of it."""
    return {"hole": ("placeholder", shape), "exponential": ("exp", "hole")}


def fed(answer: Callable, plan: Plan, fetch: str, feeds: Mapping[str, Tensor]) -> Tensor:
    """What the answer computes from feeds that are enough."""
    _, nodes, _ = build(plan)
    with never(ValueError, ENOUGH):
        return answer(nodes[fetch], feeds_of(nodes, feeds))


def fed_anew(answer: Callable, plan: Plan, fetch: str, feeds: Mapping, others: Mapping, same_dict: bool) -> Tensor:
    """The same, in a second run of the graph with other feeds, which may lie in the first run's dict."""
    _, nodes, _ = build(plan)
    first, second = feeds_of(nodes, feeds), feeds_of(nodes, others)
    with never(ValueError, ENOUGH):
        answer(nodes[fetch], first)
        return answer(nodes[fetch], feed_anew(first, second, same_dict=same_dict))


def refused(answer: Callable, plan: Plan, fetch: str, runs: Sequence[Mapping[str, Tensor]]) -> str:
    """How the answer refuses the last of some runs' feeds; those of the runs before are enough."""
    _, nodes, _ = build(plan)
    *before, last = (feeds_of(nodes, feeds) for feeds in runs)
    with never(ValueError, ENOUGH):
        for feeds in before:
            answer(nodes[fetch], feeds)
    kind, words = error_of(lambda: answer(nodes[fetch], last))
    if not kind:
        return "no error"
    named = [name for name, (operation, *_) in plan.items() if operation == "placeholder" and name in words]
    return f"{with_article(kind)} that names {' and '.join(named) or 'no placeholder'}"


def naming(*names: str) -> Callable[[str], str | None]:
    """A test: it was a ValueError, and it names one of these placeholders."""

    def test(said: str) -> str | None:
        kind, _, named = said.partition(" that names ")
        if kind == "a ValueError" and set(names) & set(named.split(" and ")):
            return None
        return f"Here {said} came, wanted a ValueError that names {' or '.join(names)}."

    return test


@exercise("tensors.graph.placeholders", "run_fed(fetch, feeds) -> value", level="more", minutes=8)
def placeholders(rng):
    """Fill the holes of a graph: what is needed, in this run, with tensors that fit."""

    def drawn(rows: int = 4, **others: tuple[int, ...]) -> dict[str, Tensor]:
        shapes = {"pixels": (rows, 3), "weights": (3, 2)} | others
        return {name: randn(rng, *shape) for name, shape in shapes.items()}

    def without(feeds: dict, name: str) -> dict:
        return {key: value for key, value in feeds.items() if key != name}

    def runs(plan: Plan, fetch: str, feeds: dict, value: Tensor, because: str) -> Case:
        shapes = ", ".join(f"{name} {tuple(tensor.shape)}" for name, tensor in feeds.items())
        shown = f"{written(plan)}; fetch={fetch}, fed {shapes or 'with nothing'}{asked_for(plan)}"
        return Case((plan, fetch, feeds), via=fed, expected=value, shown=shown, because=because)

    def refuses(plan: Plan, fetch: str, runs: list[dict], names: str, what: str, because: str) -> Case:
        return Case(
            (plan, fetch, runs),
            via=refused,
            test=naming(*names.split()),
            form="",
            shown=f"{written(plan)}; fetch={fetch}, {what}{asked_for(plan)}",
            because=because,
        )

    def asked_for(plan: Plan) -> str:
        return f", where {plan['hole'][1]} is asked for" if "hole" in plan else ""

    with part("what is needed is fed", points=1):
        because = "only what the fetched node needs has to be fed, and ancestors([fetch]) says what that is"
        feeds = drawn()
        yield runs(NETWORK, "scores", feeds, feeds["pixels"] @ feeds["weights"], because)
        feeds = {"weights": randn(rng, 3, 2)}
        yield runs(NETWORK, "steps", feeds, feeds["weights"] * 0.5, because)
        feeds = {"pixels": randn(rng, 2, 3)}
        yield runs(NETWORK, "pixels", feeds, feeds["pixels"], because)
        yield runs(NETWORK, "scale", {}, torch.tensor(0.5), because)
        for fetch, left_out, needed in (
            ("scores", "weights", "weights"),
            ("errors", "targets", "targets"),
            ("targets", "targets", "targets"),
            ("errors", "pixels", "pixels"),
        ):
            runs_here = [without(drawn(targets=(4, 2)), left_out)]
            yield refuses(NETWORK, fetch, runs_here, needed, f"{left_out} not fed", "say which hole is empty")
    with part("shapes", points=1):
        because = "as many axes as are asked for, and each of its length, where None takes any length: 0, 1 or 1000"
        for shape, given in (
            ((None, 3), (5, 3)),
            ((None, 3), (1, 3)),
            ((None, 3), (0, 3)),
            ((2, None), (2, 4)),
            ((), ()),
            ((None, None), (0, 1)),
        ):
            value = randn(rng, *given)
            yield runs(plan_for(shape), "exponential", {"hole": value}, value.exp(), because)
        for shape, given in (
            ((None, 3), (5, 4)),
            ((None, 3), (3,)),
            ((None, 3), (2, 3, 1)),
            ((None, 3), ()),
            ((2, None), (3, 2)),
            ((3, 2), (2, 3)),
            ((3,), (1,)),
            ((), (1,)),
            ((None,), (4, 1)),
        ):
            feeds = {"hole": randn(rng, *given)}
            yield refuses(plan_for(shape), "exponential", [feeds], "hole", f"hole fed with {given}", because)
        feeds = drawn() | {"pixels": randn(rng, 4, 2)}
        yield refuses(NETWORK, "scores", [feeds], "pixels", "pixels fed with (4, 2)", because)
    with part("nothing is remembered", points=1):
        because = "a run knows nothing of the runs before it"
        for name, rows in (("pixels", 3), ("weights", 2)):
            feeds = drawn(rows)
            what = f"{name} fed in the first run and not in the second"
            yield refuses(NETWORK, "scores", [feeds, without(feeds, name)], name, what, because)
        for rows, same_dict in ((5, False), (5, True), (1, True)):
            first, second = drawn(3), drawn(rows)
            again = f"the second run fed with rows={rows}, the first with rows=3{', in the same dict' * same_dict}"
            yield Case(
                (NETWORK, "scores", first, second, same_dict),
                via=fed_anew,
                expected=second["pixels"] @ second["weights"],
                shown=f"{written(NETWORK)}; fetch=scores, {again}",
                because=because,
            )


def fits(value: Tensor, wanted: Shape) -> bool:
    """Whether a tensor has the shape that a placeholder asks for."""
    shape = tuple(value.shape)
    return len(shape) == len(wanted) and all(want in (None, has) for want, has in zip(wanted, shape, strict=True))


def checked(fetch: Node, feeds: Mapping[Node, Tensor], fits: Callable = fits, nodes=None, name: bool = True) -> Tensor:
    """The right answer, but for what is given."""
    for node in ancestors([fetch]) if nodes is None else nodes:
        if node.operation is PLACEHOLDER:
            if node not in feeds:
                raise ValueError(f"{node.name} {MISSING}" if name else MISSING)
            if not fits(feeds[node], node.options["shape"]):
                raise ValueError(f"{node.name} {MISSHAPEN}" if name else MISSHAPEN)
    return computed(fetch, feeds)


def remembered(fetch: Node, feeds: Mapping[Node, Tensor]) -> dict[Node, Tensor]:
    """Feeds, and for holes that are left empty what they were fed last."""
    for node, value in feeds.items():
        node.value = value
    return {node: node.value for node in fetch.graph.nodes if node.value is not None}


@mistake(
    placeholders,
    "one that takes the last feed where none comes",
    ask="Yesterday's run was fed with pixels, today's was not. Where do today's pixels come from?",
    look="what outlives a run: a default argument, a global dict, an attribute of the node.",
)
def _(fetch, feeds):
    return checked(fetch, remembered(fetch, feeds))


@mistake(
    placeholders,
    "one that leaves its values in the caller's feeds",
    ask="Whoever called you fills the dict of feeds with other tensors and calls again. What else is in it by then?",
    look="`values = feeds`: a second name for a dict is no second dict, so what you add to it stays there.",
)
def _(fetch, feeds):
    value = checked(fetch, feeds)
    feeds.update(one_by_one(ancestors([fetch]), feeds))
    return value


@mistake(
    placeholders,
    "one that demands a feed for every placeholder of the graph",
    ask="Which placeholders can change the value of the node that is fetched?",
    look="the nodes that you go through: those of the graph are more than those of ancestors([fetch]).",
)
def _(fetch, feeds):
    return checked(fetch, feeds, nodes=fetch.graph.nodes)


@mistake(
    placeholders,
    "one that takes None for a length of 1",
    ask="A placeholder of shape (None, 3): how many rows may it be fed with?",
    look="the comparison of lengths, where the one that is asked for is None.",
)
def _(fetch, feeds):
    return checked(fetch, feeds, lambda value, wanted: tuple(value.shape) == tuple(want or 1 for want in wanted))


@mistake(
    placeholders,
    "one that takes None for a length of 0",
    ask="A placeholder of shape (None, 3): how many rows may it be fed with?",
    look="the comparison of lengths, where the one that is asked for is None.",
)
def _(fetch, feeds):
    return checked(fetch, feeds, lambda value, wanted: tuple(value.shape) == tuple(want or 0 for want in wanted))


@mistake(
    placeholders,
    "one that compares None with a length as if it were one",
    ask="Is (5, 3) == (None, 3)? And does a feed of shape (5, 3) fit?",
    look="the comparison of the two shapes as wholes.",
)
def _(fetch, feeds):
    return checked(fetch, feeds, lambda value, wanted: tuple(value.shape) == tuple(wanted))


@mistake(
    placeholders,
    "one that refuses an axis of length 0",
    ask="No rows at all are a number of rows too. What does `if length` say to 0?",
    look="where you ask whether a length is there: 0 counts as False, and so does a tensor without elements.",
)
def _(fetch, feeds):
    return checked(fetch, feeds, lambda value, wanted: fits(value, wanted) and value.numel() > 0)


@mistake(
    placeholders,
    "one that compares lengths only as far as both shapes reach",
    ask="zip((None, 3), (5,)) makes how many pairs? And which lengths does it never look at?",
    look="the zip: what is longer is cut off, so the number of axes is to be compared too.",
)
def _(fetch, feeds):
    def fits(value, wanted):
        return all(want in (None, has) for want, has in zip(wanted, value.shape, strict=False))

    return checked(fetch, feeds, fits)


@mistake(
    placeholders,
    "one that compares only how many axes there are",
    ask="(5, 4) and (5, 3) have as many axes. May both be fed where (None, 3) is asked for?",
    look="the comparison of the lengths, axis by axis.",
)
def _(fetch, feeds):
    return checked(fetch, feeds, lambda value, wanted: value.ndim == len(wanted))


@mistake(
    placeholders,
    "one that lets any shape through where a None stands in the one that is asked for",
    ask="In (None, 3), which of the two lengths is free, and which is not?",
    look="the test for None: it belongs to one axis, not to the whole shape.",
)
def _(fetch, feeds):
    return checked(fetch, feeds, lambda value, wanted: None in wanted or tuple(value.shape) == tuple(wanted))


@mistake(
    placeholders,
    "one that looks whether there is a feed, and not at its shape",
    ask="Your function gets a feed of the wrong shape. Who notices, and whom does the message name?",
    look="what you know of each feed before anything is computed: value.shape.",
)
def _(fetch, feeds):
    return checked(fetch, feeds, lambda value, wanted: True)


@mistake(
    placeholders,
    "one that does not say which placeholder it is about",
    ask="A graph has forty placeholders, and your message arrives. Which of them is to be fed?",
    look="the text of the ValueError: a node has a name.",
)
def _(fetch, feeds):
    return checked(fetch, feeds, name=False)


@mistake(
    placeholders,
    "one that leaves an empty hole to Python, which raises a KeyError",
    ask="Which error does a dict raise for a key that it has not got, and which one is asked for here?",
    look="feeds[node]: before you read it, ask whether it is there.",
)
def _(fetch, feeds):
    for node in ancestors([fetch]):
        if node.operation is PLACEHOLDER and not fits(feeds[node], node.options["shape"]):
            raise ValueError(f"{node.name} {MISSHAPEN}")
    return computed(fetch, feeds)
