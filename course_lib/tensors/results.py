"""The tensor chapter's larger figures."""

import platform
from ast import literal_eval
from dataclasses import asdict

from course_lib.results import result
from course_lib.tensors.compiling import WORK, measure_afresh
from course_lib.tensors.tensorflow_runs import (
    PROGRAMS,
    VERSIONS,
    WHEELS,
    holds_keras,
    python_with_tensorflow,
    run_program,
)

REPEATS = 3  # of each start of torch.compile


@result("1.3_compile")
def compile_costs() -> dict:
    """What torch.compile costs at the start and returns with every call, in seconds, on one thread.

    Each piece of work in a Python of its own, where nothing was ever compiled, and again where that work is found.
    """

    def run(name: str) -> dict:
        pairs = [measure_afresh(name) for _ in range(REPEATS)]
        firsts, agains = ([asdict(cost) for cost in costs] for costs in zip(*pairs, strict=True))
        return {"afresh": [_short(cost) for cost in firsts], "again": [_short(cost) for cost in agains]}

    return {"system": platform.system(), "work": {name: run(name) for name in WORK}}


@result("1.3_tensorflow")
def run_tensorflow() -> dict:
    """Small programs run by a real TensorFlow, statement by statement, and which of its packages have Keras in them."""
    python = python_with_tensorflow()
    return {
        "versions": literal_eval(run_program(python, VERSIONS)[-1][2]),
        "programs": {name: run_program(python, source) for name, source in PROGRAMS.items()},
        "holds_keras": {wheel: holds_keras(python, wheel) for wheel in WHEELS},
    }


def _short(numbers: dict[str, float]) -> dict[str, float]:
    return {name: float(f"{number:.3g}") for name, number in numbers.items()}
