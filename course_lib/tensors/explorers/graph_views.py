"""The views of section 1.2's graph: what became of each node, and what the log says of the steps that are done."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache

import torch
from torch import Tensor

from course_lib.tensors.autodiff import gradients
from course_lib.tensors.explorers.scene import (
    LEAVES,
    Scene,
    digits_scene,
    formula,
    largest,
    make_scene,
    number,
    pieces,
    run,
    shape_text,
)
from course_lib.tensors.graph import Node, Session, ancestors, value_of
from course_lib.tensors.optimise import optimise
from course_lib.tensors.schedule import Slot, schedule
from course_lib.tensors.timing import durations_of


@dataclass(frozen=True)
class Run:
    """A run, as far as the learner has stepped through it.

    Args:
        of: the scene.
        fetched: the node that is asked for.
        values: of the nodes that it needs, in the order of the run.
        done: the nodes that the learner has stepped through, in the view's order.
        fed, nudges: the feeds, and what is added to them and to variables, by name.
        workers: how many.
    """

    of: Scene
    fetched: Node
    values: Mapping[Node, Tensor]
    done: Sequence[Node]
    fed: Mapping[str, Tensor]
    nudges: Mapping[str, float]
    workers: int

    @property
    def result(self) -> str:
        """What is differentiated, in words: one number."""
        return f"{'the sum of ' * (self.values[self.fetched].numel() > 1)}{self.of.name(self.fetched)}"


@dataclass(frozen=True)
class Line:
    """A line of the log: `node` does `what`, and of that `came` a value of some shape, or a decision."""

    node: Node
    what: str
    shape: str
    came: str


@dataclass(frozen=True)
class Seen:
    """What a view shows.

    Args:
        status: of each node, as the picture names it, or the worker who ran it.
        says: the sentence.
        title: over the log's columns.
        log: a line for each step that is done.
        known: the nodes whose values are shown.
        derivatives: of the nodes, in pieces.
        links: pairs of nodes.
        facts: for quests and predictions.
    """

    status: dict[Node, str | int]
    says: str
    title: tuple[str, str, str]
    log: Sequence[Line]
    known: set[Node]
    derivatives: Mapping[Node, tuple[str, ...]] = field(default_factory=dict)
    links: Sequence[tuple[Node, Node]] = ()
    facts: Mapping = field(default_factory=dict)


def order_of(of: Scene, fetched: Node, view: str, workers: int) -> list[Node]:
    """The nodes in the order in which a view steps through them."""
    order = ancestors([fetched])
    if view == BACKWARD:
        return order[::-1]
    if view == WORKERS:
        slots = _plan(of, fetched, workers)
        leaves = [node for node in order if node.operation in LEAVES]
        return leaves + sorted((node for node in order if node.operation not in LEAVES),
                               key=lambda node: (slots[node].start, slots[node].worker))  # fmt: skip
    return order


def forward(now: Run) -> Seen:
    """Every node that is needed runs once, after its inputs."""
    of, values, done = now.of, now.values, now.done
    status = dict.fromkeys(of.nodes, "waiting")
    if done:
        status |= {node: "skipped" for node in of.nodes if node not in values}
        status |= dict.fromkeys(done, "ran") | {done[-1]: "now"}
    if not done:
        says = f"Nothing has run yet: {of.name(now.fetched)} is asked for."
    elif len(done) == len(values):
        says = f"{of.name(now.fetched)} is {_words(values[now.fetched])}. "
        says += f"{_count(values, 'node')} ran for it, each once."
    else:
        says = f"Step {len(done)} of {len(values)}: {_told(done[-1], values[done[-1]])}."
    return Seen(status, says, ("ran", "shape", "value"), _run_log(now), set(done))


def skipped(now: Run) -> Seen:
    """What the fetched node needs, and what it does not."""
    of, values = now.of, now.values
    status = {node: "skipped" if node not in values else "ran" if node in now.done else "waiting" for node in of.nodes}
    names = [of.name(node) for node in of.nodes if node not in values]
    holes = [node.name for node in of.holes if node not in values]
    says = f"{of.name(now.fetched)} needs {len(values)} of {_count(of.nodes, 'node')}; "
    says += f"skipped: {', '.join(names)}." if names else "nothing is skipped."
    says += f" So {' and '.join(holes)} may be left empty." if holes else ""
    return Seen(status, says, ("ran", "shape", "value"), _run_log(now), set(now.done))


def optimised(now: Run) -> Seen:
    """What becomes of each node in the smaller graph."""
    of, done = now.of, now.done
    smaller = optimise(of.graph, [now.fetched])
    left = ancestors([smaller.nodes[now.fetched]])
    fates = {node: _fate(node, smaller, left) for node in now.values}
    status = {node: fates[node] if node in done else "waiting" if node in fates else "pruned" for node in of.nodes}
    came = {"kept": "kept", "unused": "folded into its users: nothing needs it any more"}
    log = []
    for node in done:
        told = came.get(fates[node]) or (
            f"merged: the same as {of.name(smaller.merged[node])}" if fates[node] == "merged"
            else f"folded: now the constant {_words(smaller.nodes[node].options['value'])}")  # fmt: skip
        log.append(Line(node, _step(node), shape_text(now.values[node]), told))
    facts = {"left": len(left)} | {
        name: [of.name(node) for node in nodes]
        for name, nodes in (("pruned", smaller.pruned), ("folded", smaller.folded), ("merged", smaller.merged))
    }
    says = f"{len(done)} of {_count(fates, 'node')} are looked at: each is kept, folded, or merged with an earlier one."
    if len(done) == len(fates):
        words = {"pruned": "pruned", "folded": "folded", "merged": "merged", "unused": "inside what is folded"}
        fell = [f"{count} {words[fate]}" for fate, count in Counter(status.values()).items() if fate in words]
        verb = "becomes" if len(of.nodes) == 1 else "become"
        says = f"{_count(of.nodes, 'node')} {verb} {len(left)}, and the result keeps every bit"
        says += f": {', '.join(fell)}." if fell else "."
    known = {node for node in done if fates[node] == "folded"}
    links = [(node, smaller.merged[node]) for node in done if fates[node] == "merged"]
    return Seen(status, says, ("looked at", "shape", "what becomes of it"), log, known, links=links, facts=facts)


def backward(now: Run) -> Seen:
    """The derivative of the fetched node by each node, from it back to the leaves."""
    of, values, done = now.of, now.values, now.done
    found, shares = _derivatives(now, now.nudges)
    status = {node: "ran" if node in values else "skipped" for node in of.nodes} | dict.fromkeys(done, "back")
    status |= {done[-1]: "now"} if done else {}
    derivatives, log = {node: largest(found[node]) for node in done}, []
    L = f"L is {now.result}"
    for node in done:
        parts = [f"{_short(share)} from {of.name(user)}" for user, share in shares[node]]
        came = " + ".join(parts) or ("1: the way back begins" if node is now.fetched else "0: it plays no part")
        log.append(Line(node, f"dL/d{of.name(node)} = {_short(found[node])}", shape_text(found[node]), came))
    theirs = _by_autograd(now.fetched, values)
    gap = max(_gap(found[node], theirs[node]) for node in values)
    leaves = [f"dL/d{node.name} = {_short(found[node])}" for node in of.leaves if node in found and node in done]
    says = f"{L}. The way back has come to {len(done)} of {_count(values, 'node')}."
    if len(done) == len(values):
        same = "to the last bit" if gap == 0 else f"but for {number(gap)} at most"
        says = f"{L}{''.join(f', {leaf}' for leaf in leaves if all(found[n].ndim < 2 for n in found))}. "
        says += f"The {_count(found, 'derivative')} {'are those' if len(found) > 1 else 'is that'} of torch.autograd, "
        added = _way_back(*of.made_of, of.nodes.index(now.fetched)).added
        says += f"{same}; the way back added {_count(added, 'node')}."
    facts = {"autograd_gap": gap, "gradients": {node.name: found[node].tolist() for node in of.leaves if node in found}}
    return Seen(status, says, ("on the way back", "shape", "the sum of what comes from its users"), log, set(values),
                derivatives, facts=facts)  # fmt: skip


def workers(now: Run) -> Seen:
    """Who runs what, by the plan of `schedule`."""
    of, done, durations = now.of, now.done, _durations(now.of)
    slots = _plan(of, now.fetched, now.workers)
    status = {node: "waiting" if node in now.values else "skipped" for node in of.nodes}
    status |= {node: slots[node].worker if node in durations else "there" for node in done}
    scale, unit = (1e6, " µs") if of.feeds else (1, "")
    log = []
    for node in done:
        slot = slots[node]
        when = f"worker {slot.worker + 1}, from {slot.start * scale:.0f} to {slot.end * scale:.0f}{unit}"
        log.append(Line(node, _step(node), shape_text(now.values[node]),
                        when if node in durations else "there from the beginning"))  # fmt: skip
    ends = max(slot.end for slot in slots.values()) * scale
    work = sum(durations.get(node, 0) for node in now.values) * scale
    took = "µs, by the times measured here" if of.feeds else "turns, if every operation takes one"
    says = f"Planned for {now.workers} worker{'s' * (now.workers > 1)}: {ends:.0f} {took}; one alone takes {work:.0f}."
    return Seen(status, says, ("started", "shape", "by whom and when"), log, set(done))


FORWARD, SKIPPED, OPTIMISED, BACKWARD, WORKERS = "forward", "what is skipped", "optimised", "backward", "workers"
VIEWS = {FORWARD: forward, SKIPPED: skipped, OPTIMISED: optimised, BACKWARD: backward, WORKERS: workers}


def effect_of(now: Run) -> dict:
    """What the derivative promised for a nudge, and what happened: both sums over the numbers of the fetched node."""
    name, by = next(iter(now.nudges.items()), ("", 0.0))
    leaf = next((node for node in now.values if node.name == name and node in now.of.leaves), None)
    promised = happened = None if by and leaf is None else 0.0
    if by and leaf is not None:
        found, _ = _derivatives(now, {})
        before = run(now.of, [now.fetched], now.fed, {})[now.fetched]
        promised = by * found[leaf].sum().item()
        happened = (now.values[now.fetched].sum() - before.sum()).item()
    return {"result": now.result, "nudged": name, "nudged_by": by, "promised": promised, "happened": happened}


# ---- what the views are made of


@dataclass(frozen=True)
class _WayBack:
    """A scene with the derivatives of one node: for each node it needs, by number, the derivative and its summands."""

    scene: Scene
    derivatives: dict[int, Node]
    shares: dict[int, list[tuple[int, Node]]]  # the number of the user, and what comes from it
    added: range


@lru_cache(maxsize=50)
def _way_back(which: str, expression: str, fetched: int) -> _WayBack:
    of = make_scene(which, expression)
    y, numbers = of.nodes[fetched], {node: n for n, node in enumerate(of.nodes)}
    needed = ancestors([y])
    found = dict(zip(needed, gradients(y, needed), strict=True))
    added = range(len(of.nodes), len(of.graph.nodes))
    shares: dict[int, list[tuple[int, Node]]] = {numbers[node]: [] for node in needed}
    for user in needed:
        if user.operation.backward:
            passed_on = user.operation.backward(found[user], user, *user.inputs, **user.options)
            for before, share in zip(user.inputs, passed_on, strict=True):
                if share is not None:
                    shares[numbers[before]].append((numbers[user], share))
    return _WayBack(of, {numbers[node]: found[node] for node in needed}, shares, added)


def _derivatives(now: Run, nudges: Mapping[str, float]):
    """For each node that is needed its derivative, and the summands of it with the users they come from."""
    back, nodes = _way_back(*now.of.made_of, now.of.nodes.index(now.fetched)), now.of.nodes
    wanted = [*back.derivatives.values(), *(share for shares in back.shares.values() for _, share in shares)]
    values = run(back.scene, wanted, now.fed, nudges)
    shares = {nodes[n]: [(nodes[user], values[share]) for user, share in some] for n, some in back.shares.items()}
    return {nodes[n]: values[node] for n, node in back.derivatives.items()}, shares


def _by_autograd(fetched: Node, values: Mapping[Node, Tensor]) -> dict[Node, Tensor]:
    """The same derivatives by PyTorch."""
    again: dict[Node, Tensor] = {}
    with torch.enable_grad():
        for node in values:
            again[node] = (values[node].clone().requires_grad_() if node.operation in LEAVES
                           else value_of(node, [again[before] for before in node.inputs]))  # fmt: skip
        y, xs = again[fetched].sum(), list(again.values())
        found = torch.autograd.grad(y, xs, allow_unused=True, materialize_grads=True)
    return dict(zip(again, found, strict=True))


def _gap(ours: Tensor, theirs: Tensor) -> float:
    """The largest difference; none between what is the same, be it infinite or no number at all."""
    same = (ours == theirs) | (ours.isnan() & theirs.isnan())
    return (ours - theirs).abs().masked_fill(same, 0.0).max().item()


def _durations(of: Scene) -> dict[Node, float]:
    """One turn for each operation of an expression; seconds, as measured here, for those of the network."""
    if of is digits_scene():
        return _measured()
    return dict.fromkeys((node for node in of.nodes if node.operation not in LEAVES), 1.0)


@cache
def _measured() -> dict[Node, float]:
    of = digits_scene()
    session = Session(of.graph)
    session.values = {node: node.options["initial"] for node in of.graph.variables}
    return durations_of(session, [of.nodes[-1]], {node: of.feeds[node.name] for node in of.holes})


@lru_cache(maxsize=50)
def _plan(of: Scene, fetched: Node, workers: int) -> dict[Node, Slot]:
    return schedule([fetched], _durations(of), workers)


def _fate(node: Node, smaller, left) -> str:
    if node in smaller.merged:
        return "merged"
    if smaller.nodes[node] not in left:
        return "unused"
    return "folded" if node in smaller.folded else "kept"


def _run_log(now: Run) -> list[Line]:
    values = now.values
    return [Line(node, _step(node), shape_text(values[node]), ", ".join(pieces(values[node]))) for node in now.done]


def _step(node: Node) -> str:
    """ "add_0 = a + b", or "a: a hole, fed"."""
    return f"{node.name}{': ' if node.operation in LEAVES else ' = '}{formula(node)}"


def _told(node: Node, value: Tensor) -> str:
    """What a step did, in a sentence."""
    begins = {"constant": f"the constant {node.name}", "placeholder": f"the hole {node.name} is fed with",
              "variable": f"the variable {node.name} is read:"}  # fmt: skip
    kind = node.operation.name
    if kind == "constant":
        return begins[kind]
    return f"{begins.get(kind, f'{node.name} = {formula(node)} =')} {_words(value)}"


def _words(value: Tensor) -> str:
    """A value in a sentence, with its shape where it is a row or more."""
    return f"{', '.join(pieces(value))}{f', shape {shape_text(value)}' if value.ndim else ''}"


def _short(value: Tensor) -> str:
    """At most three numbers of a value."""
    some = pieces(value)
    text = ", ".join(some[:3]) + (" …" if len(some) > 3 else "")
    return f"({text})" if len(some) > 1 else text


def _count(things, noun: str) -> str:
    return f"{len(things)} {noun}{'s' * (len(things) != 1)}"
