"""The smallest network with two layers, every number of it by name: two inputs, two hidden units, one output.

What the textbook calls w_2 and b_2, the output's weights and its bias, are v1, v2 and c here, so that a name says which
number of a layer is meant.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

INPUTS = ("x1", "x2")
WEIGHTS = ("w11", "w12", "b1", "w21", "w22", "b2", "v1", "v2", "c")  # w21: of hidden unit 2, from input 1
ORDER = (("u1", "u2"), ("h1", "h2"), ("z",), ("y",), ("L",))  # in which the values come about
Values = Mapping[str, Tensor]
Link = tuple[str, str]  # from a value back to one that it was made of


def forward(given: Values, f: Callable[[Tensor], Tensor]) -> dict[str, Tensor]:
    """Compute the network's values, from the inputs to the loss.

    Args:
        given: the inputs x1 and x2, the target t, and all of `WEIGHTS`: tensors of one shape, or nodes of a graph.
        f: the activation, of the hidden units and of the output.

    Returns:
        what was given, and the sums u1, u2 and z, the outputs h1, h2 and y, and the loss L
    """
    x1, x2, t, w11, w12, b1, w21, w22, b2, v1, v2, c = (given[name] for name in (*INPUTS, "t", *WEIGHTS))
    u1 = w11 * x1 + w12 * x2 + b1
    u2 = w21 * x1 + w22 * x2 + b2
    h1, h2 = f(u1), f(u2)
    z = v1 * h1 + v2 * h2 + c
    y = f(z)
    error = y - t
    L = error * error / 2  # with the signs that the nodes of a graph have, too
    return {**given, "u1": u1, "u2": u2, "h1": h1, "h2": h2, "z": z, "y": y, "L": L}


def local_slopes(values: Values, slope: Callable[[Tensor], Tensor]) -> dict[Link, Tensor]:
    """Compute the derivative of every value by each of those that it is made of directly.

    Args:
        values: what `forward` returned.
        slope: the activation's derivative.

    Returns:
        (value, what it is made of) -> derivative, from the loss back to the inputs
    """
    one = torch.ones_like(values["L"])
    slopes = {("L", "y"): values["y"] - values["t"], ("y", "z"): slope(values["z"])}
    for i in "12":
        slopes |= {("z", f"h{i}"): values[f"v{i}"], ("z", f"v{i}"): values[f"h{i}"]}
    slopes["z", "c"] = one
    for i in "12":
        slopes[f"h{i}", f"u{i}"] = slope(values[f"u{i}"])
        for j in "12":
            slopes |= {(f"u{i}", f"w{i}{j}"): values[f"x{j}"], (f"u{i}", f"x{j}"): values[f"w{i}{j}"]}
        slopes[f"u{i}", f"b{i}"] = one
    return slopes


def backward(slopes: Mapping[Link, Tensor]) -> dict[str, Tensor]:
    """Carry the derivative of the loss back: each value passes on its own, times the local slope; what comes to a value
    from two sides is added.

    Args:
        slopes: in an order in which every value stands before those that it is made of.

    Returns:
        name -> the loss's derivative by it
    """
    gradient = {"L": torch.ones_like(next(iter(slopes.values())))}
    for (value, made_of), slope in slopes.items():
        gradient[made_of] = gradient.get(made_of, 0) + gradient[value] * slope
    return gradient


def paths(slopes: Mapping[Link, Tensor], name: str) -> list[list[Link]]:
    """Every way from the loss back to a value, link by link. Its gradient is the sum over them of the products along
    each (Werbos, 1974; Rumelhart, Hinton and Williams, 1986)."""
    if name == "L":
        return [[]]
    return [[*path, (value, made_of)] for value, made_of in slopes if made_of == name for path in paths(slopes, value)]
