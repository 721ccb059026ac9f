"""Where the nodes of a graph stand in a picture: in layers from left to right, with few crossings."""

from collections.abc import Hashable, Mapping, Sequence

SWEEPS = 8  # after which the order no longer changes in graphs of a picture's size


def layers_of(inputs: Mapping[Hashable, Sequence[Hashable]]) -> list[list[Hashable]]:
    """Nodes in layers, so that each edge goes from a layer to a later one.

    A node stands right behind the last of its inputs; what has no inputs right before the first that uses it. Inside a
    layer, nodes are sorted by the middle of their neighbours', forwards and backwards in turn (Sugiyama, Tagawa and
    Toda 1981).

    Args:
        inputs: of each node, which stand before it in the mapping.
    """
    depth: dict[Hashable, int] = {}
    for node, before in inputs.items():
        depth[node] = 1 + max((depth[other] for other in before), default=-1)
    users: dict[Hashable, list[Hashable]] = {node: [] for node in inputs}
    for node, before in inputs.items():
        for other in before:
            users[other].append(node)
    for node, before in inputs.items():
        if not before and users[node]:
            depth[node] = min(depth[user] for user in users[node]) - 1
    layers: list[list[Hashable]] = [[] for _ in range(1 + max(depth.values(), default=-1))]
    for node in inputs:
        layers[depth[node]].append(node)
    for sweep in range(SWEEPS):
        forwards = sweep % 2 == 0
        neighbours = inputs if forwards else users
        for layer in layers if forwards else layers[::-1]:
            place = {node: (n + 0.5) / len(row) for row in layers for n, node in enumerate(row)}
            layer.sort(key=lambda node: _middle([place[other] for other in neighbours[node]], place[node]))
    return layers


def places_of(inputs: Mapping[Hashable, Sequence[Hashable]]) -> dict[Hashable, tuple[float, float]]:
    """Where each node stands, in a square from (0, 0) to (1, 1)."""
    layers = layers_of(inputs)
    return {
        node: ((column + 0.5) / len(layers), 1 - (row + 0.5) / len(layer))
        for column, layer in enumerate(layers)
        for row, node in enumerate(layer)
    }


def _middle(places: Sequence[float], otherwise: float) -> float:
    return sum(places) / len(places) if places else otherwise
