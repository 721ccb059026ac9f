"""What compressed networks are worth: accuracy, bytes and milliseconds of each combination, and their frontier."""

import time
import warnings
from collections.abc import Callable
from functools import cache
from statistics import median
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from course_lib.foundations.choice import TRAINING
from course_lib.foundations.compression import (
    FLOAT,
    TEACHER,
    TEMPERATURE,
    compressed,
    file_bytes,
    follow,
    says,
    train_small,
    train_teacher,
)
from course_lib.foundations.deep import accuracy, standard_digits
from course_lib.foundations.mlp import MLP

SIZES = (TEACHER, 128, 64, 25, 16, 8)  # hidden units; all but the first are students
BITS = (FLOAT, 8, 6, 5, 4, 3, 2)
PERCENTS = tuple(range(0, 100, 5))  # of the weights, pruned
REPEATS = 51  # of a timed call


@cache
def networks() -> dict[int, MLP]:
    """A teacher trained on labels, and students on what it says of the 1,200 training digits, by their units."""
    pixels, _ = standard_digits()
    teacher, x = train_teacher(), pixels[:TRAINING]
    told = says(teacher, x)
    students = {units: train_small(units, x, told, follow(TEMPERATURE)) for units in SIZES[1:]}
    return {TEACHER: teacher} | students


class Grid(NamedTuple):
    """What every combination is worth, in the order of `SIZES`, `BITS` and `PERCENTS`.

    Attributes:
        right: share of test digits, (sizes, bits, percents).
        bytes: of the file, of the same shape.
        milliseconds: for all test digits at once, (sizes,). Measured on the dense matrices of floats, which neither
            pruning nor rounding makes any faster.
    """

    right: np.ndarray
    bytes: np.ndarray
    milliseconds: np.ndarray


@cache
def grid() -> Grid:
    """Every student, and the teacher, at every number of bits and every share pruned; made once."""
    right, sizes = np.empty((2, len(SIZES), len(BITS), len(PERCENTS)))
    for i, model in enumerate(networks().values()):
        for k, percent in enumerate(PERCENTS):
            pruned = compressed(model, FLOAT, percent / 100)
            for j, bits in enumerate(BITS):
                made = compressed(pruned, bits, 0)
                right[i, j, k], sizes[i, j, k] = accuracy(made), file_bytes(made, bits)
    pixels, _ = standard_digits()
    times = [milliseconds(lambda model=model: model(pixels[TRAINING:])) for model in networks().values()]
    return Grid(right, sizes, np.array(times))


@torch.inference_mode()
def milliseconds(call: Callable[[], object], repeats: int = REPEATS) -> float:
    """How long a call takes: the median of several, after three that don't count."""
    times = []
    for _ in range(repeats + 3):
        start = time.perf_counter()
        call()
        times.append(1000 * (time.perf_counter() - start))
    return median(times[3:])


def frontier(cost: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The places of what nothing else beats, the cheapest first: whatever costs no more gets fewer right.

    Args:
        cost, right: of each network, (networks,).
    """
    order = np.lexsort((-right, cost))
    best = np.maximum.accumulate(right[order])
    return order[np.r_[True, best[1:] > best[:-1]]]


def in_int8(model: nn.Module) -> nn.Module:
    """The network with weights of 8 bits that PyTorch multiplies as such, on a CPU: dynamic quantisation.

    PyTorch means to move it into a package of its own, torchao, and warns of that.

    Raises:
        RuntimeError: this PyTorch, or this machine, does not offer it.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.ao.quantization.quantize_dynamic(model, {nn.Linear}, dtype=torch.qint8)


def in_csr(model: MLP) -> Callable[[torch.Tensor], torch.Tensor]:
    """The network on matrices that hold only the weights that are not 0, by rows (CSR): inputs (rows, 64) → logits."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch calls its sparse matrices a beta
        matrices = [layer.weight.detach().to_sparse_csr() for layer in model.layers]
    biases = [layer.bias.detach()[:, None] for layer in model.layers]

    def forward(x: torch.Tensor) -> torch.Tensor:
        hidden = torch.relu(matrices[0] @ x.T + biases[0])
        return (matrices[1] @ hidden + biases[1]).T

    return forward
