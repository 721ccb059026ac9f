"""What torch.compile costs at the start and returns with every call, each piece of work measured in a fresh Python.

`python -m course_lib.tensors.compiling "twenty operations in a row"` measures one of them here.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from types import FunctionType
from typing import NamedTuple

import torch
from torch import Tensor, fx, nn
from torch.nn.functional import cross_entropy

from course_lib.figures.break_even import pays_after

Call = Callable[[], object]
CALLS = 20  # of one round


@dataclass(frozen=True)
class Cost:
    """Of one piece of work, in seconds; medians of the calls after the first.

    Args:
        first_eager, first_compiled: the first call, compiling included.
        eager, compiled: a later call.
    """

    first_eager: float
    first_compiled: float
    eager: float
    compiled: float

    @property
    def pays_after(self) -> float:
        """Calls after which compiling has paid, the first one included; infinite where it never does."""
        return pays_after(**asdict(self))


def small_operations() -> tuple[Callable, tuple]:
    """Three operations on ten numbers: next to nothing to compute."""
    return lambda x: (x * x + 1).tanh(), (torch.randn(10),)


def many_operations() -> tuple[Callable, tuple]:
    """Twenty operations, one after another, on a million numbers: much to read and write, little to compute."""

    def chain(x: Tensor) -> Tensor:
        for _ in range(10):
            x = (x + 0.5) * 0.9
        return x

    return chain, (torch.randn(1_000_000),)


def matrix_product() -> tuple[Callable, tuple]:
    """One product of two matrices: 0.27 billion multiplications and additions in one operation."""
    return torch.matmul, (torch.randn(512, 512), torch.randn(512, 512))


def training_step() -> tuple[Callable, tuple]:
    """Loss and gradients of the digits' network, 64 images: small operations there and back."""
    model = nn.Sequential(nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 10))
    return lambda x, labels: cross_entropy(model(x), labels), (torch.randn(64, 64), torch.randint(0, 10, (64,)))


WORK = {
    "three operations on ten numbers": small_operations,
    "a training step of a small network": training_step,
    "a product of two matrices": matrix_product,
    "twenty operations in a row": many_operations,
}


class Recorded(NamedTuple):
    """What torch.compile recorded.

    Args:
        results: of each call.
        counts: how many graphs there were after each call.
        graphs: the operations of each graph.
    """

    results: list[Tensor]
    counts: list[int]
    graphs: list[str]


def record_graphs(function: Callable, inputs: Sequence[Tensor], **options) -> Recorded:
    """Have torch.compile record a function, and make nothing of what it records.

    Args:
        function: of one tensor.
        inputs: one call each.
        options: of `torch.compile`.
    """
    graphs, results, counts = [], [], []

    def only_look(graph: fx.GraphModule, example_inputs: list[Tensor]) -> Callable:
        """A back end: takes a graph, gives back what is run in its place."""
        graphs.append(graph)
        return graph.forward

    torch._dynamo.reset()  # forget what was recorded before
    compiled = torch.compile(_with_globals_of_its_own(function), backend=only_look, **options)
    for x in inputs:
        results.append(compiled(x))
        counts.append(len(graphs))
    operations = [[node.name for node in graph.graph.nodes if node.op.startswith("call")] for graph in graphs]
    return Recorded(results, counts, [" → ".join(names) for names in operations])


def _with_globals_of_its_own(function: Callable) -> Callable:
    """torch.compile puts names among a function's globals; in IPython, which clears those first, it then fails to take
    them out when Python ends, and says so."""
    copied = dict(function.__globals__)
    return FunctionType(function.__code__, copied, function.__name__, function.__defaults__, function.__closure__)


def cpp_compiler() -> str | None:
    """The C++ compiler with which torch.compile would build its code here, or None."""
    names = (os.environ.get("CXX"), "g++", "clang++", "cl")
    return next((path for name in names if name and (path := shutil.which(name))), None)


def measure(function: Callable, inputs: tuple, backend: str = "inductor", rounds: int = 15) -> Cost:
    """Time a function as it is and compiled, the way back included where it has weights.

    Args:
        function: of tensors.
        inputs: that it takes.
        backend: what makes code of the graph: "inductor" writes C++, "aot_eager" none.
        rounds: of calls, eager and compiled in turn, so that both meet the same noise.
    """

    def call(function: Callable) -> Call:
        def once() -> None:
            value = function(*inputs)
            if value.requires_grad:
                value.backward()

        return once

    eager, compiled = call(function), call(torch.compile(function, backend=backend))
    first_eager, first_compiled = _seconds(eager), _seconds(compiled)
    times: dict[Call, list[float]] = {eager: [], compiled: []}
    for _ in range(rounds):
        for which, seconds in times.items():
            seconds += [_seconds(which) for _ in range(CALLS)]
    return Cost(first_eager, first_compiled, statistics.median(times[eager]), statistics.median(times[compiled]))


def measure_afresh(name: str) -> tuple[Cost, Cost]:
    """Measure a piece of `WORK` in a new Python where nothing was ever compiled, and in another that finds its work."""
    with tempfile.TemporaryDirectory() as cache:
        environment = os.environ | {"TORCHINDUCTOR_CACHE_DIR": cache, "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "course_lib.tensors.compiling", name]
        runs = [subprocess.run(command, env=environment, check=True, capture_output=True, text=True) for _ in range(2)]
    first, again = (Cost(**json.loads(run.stdout.splitlines()[-1])) for run in runs)
    return first, again


def _seconds(call: Call) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


if __name__ == "__main__":
    torch.manual_seed(0)
    torch.set_num_threads(1)
    print(json.dumps(asdict(measure(*WORK[sys.argv[1]]()))))
