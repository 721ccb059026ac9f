"""What the explorers of section 1.2 draw: a graph, what fills its holes, and its nodes' names and numbers as words."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

import torch
from torch import Tensor

from course_lib.figures.dataflow import SIGNS
from course_lib.tensors.digits_network import digits_batch, two_layers
from course_lib.tensors.expressions import parse
from course_lib.tensors.graph import Graph, Node, Session, value_of
from course_lib.tensors.operations import CONSTANT, PLACEHOLDER, VARIABLE

EXPRESSION, DIGITS = "your expression", "two layers on the digits"
LEAVES = (CONSTANT, PLACEHOLDER, VARIABLE)
HIDDEN = 16
SHORT = 9  # numbers of a row that are told one by one


@dataclass(frozen=True, eq=False)
class Scene:
    """A graph that is drawn whole.

    Args:
        graph: may get more nodes, such as gradients, which are not drawn.
        nodes: those that are drawn, in the graph's order; the last is the result.
        names: of the nodes, no two the same.
        inputs: of each node, their numbers.
        feeds: that the scene itself has, by the name of the placeholder.
        made_of: what makes another such scene.
    """

    graph: Graph
    nodes: tuple[Node, ...]
    names: tuple[str, ...]
    inputs: tuple[tuple[int, ...], ...]
    feeds: Mapping[str, Tensor]
    made_of: tuple[str, str]

    @property
    def holes(self) -> list[Node]:
        """The placeholders."""
        return [node for node in self.nodes if node.operation is PLACEHOLDER]

    @property
    def leaves(self) -> list[Node]:
        """What a learner can nudge: placeholders and variables."""
        return [node for node in self.nodes if node.operation in (PLACEHOLDER, VARIABLE)]

    def name(self, node: Node) -> str:
        """Of a node that is drawn."""
        return self.names[self.nodes.index(node)]


def make_scene(which: str, expression: str) -> Scene:
    """The graph of an expression, or of the network on the digits.

    Raises:
        ValueError: the text is no expression.
    """
    feeds = {}
    if which == EXPRESSION:
        graph = parse(expression).graph
    else:
        graph, feeds = Graph(), dict(zip("xt", digits_batch(), strict=True))
        two_layers(graph, graph.placeholder("x", (None, 64)), graph.placeholder("t", (None, 10)), HIDDEN)
    nodes = tuple(graph.nodes)
    return Scene(graph, nodes, tuple(_different([node.name for node in nodes])), inputs_of(nodes), feeds,
                 (which, expression))  # fmt: skip


def scene(which: str, expression: str) -> Scene:
    """What `make_scene` makes, made once; to be looked at, not to be added to."""
    return _expression_scene(expression) if which == EXPRESSION else digits_scene()


@lru_cache(maxsize=20)
def _expression_scene(expression: str) -> Scene:
    return make_scene(EXPRESSION, expression)


@cache
def digits_scene() -> Scene:
    """The network on the digits."""
    return make_scene(DIGITS, "")


def inputs_of(nodes: Sequence[Node]) -> tuple[tuple[int, ...], ...]:
    """Of each node, the numbers of its inputs."""
    numbers = {node: n for n, node in enumerate(nodes)}
    return tuple(tuple(numbers[before] for before in node.inputs) for node in nodes)


def feeds_of(text: str) -> dict[str, Tensor]:
    """Read "a = 1, 2; b = 0.5": a row of numbers for each name; a name with nothing behind it is left empty.

    Raises:
        ValueError: it does not read like that.
    """
    feeds = {}
    for part in filter(None, (part.strip() for part in text.split(";"))):
        name, _, row = part.partition("=")
        try:
            numbers = [float(number) for number in row.replace(",", " ").split()]
        except ValueError:
            numbers = None
        if numbers is None or not name.strip().isidentifier():
            raise ValueError(f"«{part}» is no feed; write a name and a row of numbers, such as a = 1, 2; b = 0.5")
        if numbers:
            feeds[name.strip()] = torch.tensor(numbers)
    return feeds


def run(of: Scene, fetches: Sequence[Node], feeds: Mapping[str, Tensor], nudges: Mapping[str, float]) -> dict:
    """Run nodes in a session: the values of all that they need, node by node in the order of the run.

    Args:
        of: the scene.
        fetches: nodes of its graph.
        feeds: by the name of the placeholder.
        nudges: numbers that are added to placeholders and variables, by name.

    Raises:
        ValueError: the engine refuses, or the rows that meet have different lengths.
    """
    ran: dict[Node, Tensor] = {}

    def keeping(order, known):
        for node in order:
            ran[node] = known[node] if node in known else _value(node, [ran[before] for before in node.inputs])
        return ran

    with Session(of.graph, keeping) as session:
        session.values = {node: node.options["initial"] + nudges.get(node.name, 0.0) for node in of.graph.variables}
        fed = {node: feeds[node.name] + nudges.get(node.name, 0.0) for node in of.holes if node.name in feeds}
        try:
            session.run(list(fetches), fed)
        except ValueError as refused:  # the engine's own words
            raise ValueError(f"{refused}: write it among the feeds, such as x = 1, 2") from None
        except RuntimeError as refused:
            raise ValueError(f"{refused}: rows that meet have the same length, or length 1") from None
    return ran


def _value(node: Node, inputs: Sequence[Tensor]) -> Tensor:
    try:
        return value_of(node, inputs)
    except RuntimeError:  # PyTorch calls any two rows tensor a and tensor b, whatever the learner's are called
        shapes = " and ".join(map(shape_text, inputs))
        raise RuntimeError(f"{node.name} = {formula(node)} is given the shapes {shapes}") from None


def formula(node: Node) -> str:
    """What a node does, by the names of its inputs: "a + b", "tanh(add_0)"."""
    kind, names = node.operation.name, [before.name for before in node.inputs]
    if node.operation in LEAVES:
        return {"constant": "a constant", "placeholder": "a hole, fed", "variable": "a variable, read"}[kind]
    if kind == "negative":
        return f"−{names[0]}"
    if len(names) == 2 and kind in SIGNS:
        return f" {SIGNS[kind]} ".join(names)
    options = [f"{key}={value}" for key, value in node.options.items()]
    return f"{kind}({', '.join([*names, *options])})"


def shape_text(value: Tensor) -> str:
    """ "(32, 16)"."""
    return str(tuple(value.shape))


def pieces(value: Tensor) -> tuple[str, ...]:
    """A value in words: the numbers of a short row one by one, of what is larger the smallest and the largest."""
    if value.ndim > 1 or value.numel() > SHORT:
        low, high = number(value.min().item(), 2), number(value.max().item(), 2)
        return (f"{low}…{high}" if low != high else f"all {low}",)
    return tuple(number(one) for one in value.flatten().tolist())


def largest(value: Tensor) -> tuple[str, ...]:
    """The same in fewer letters: of what is larger than a short row, the largest number, whatever its sign."""
    return (f"±{number(value.abs().max().item(), 2)}",) if value.ndim > 1 or value.numel() > SHORT else pieces(value)


def number(value: float, digits: int = 3) -> str:
    """The first digits of a number."""
    text = f"{value:.0f}" if 100 <= abs(value) < 1e4 else f"{value:.{digits}g}"
    return ("0" if text == "-0" else text).replace("-", "−")


def _different(names: Sequence[str]) -> list[str]:
    """The names, those that come again with a count."""
    seen: Counter[str] = Counter()
    different = []
    for name in names:
        seen[name] += 1
        different.append(name if seen[name] == 1 else f"{name} (no. {seen[name]})")
    return different
