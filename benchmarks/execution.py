"""Notebooks executed under `quick`, as `make run` does: with an empty training cache, and again.

Chapters 1 and 2; section 4.3 alone, sections 4.1 to 4.4, and all of chapter 4; one section a core.

    python benchmarks/execution.py [--runs 3]
"""

import argparse
import os
import tempfile
from pathlib import Path
from statistics import median

from joblib import cpu_count
from timing import load, report, set_apart, timed

from course_lib.notebooks.execute import execute_all
from course_lib.notebooks.files import find_notebooks


def run(notebooks: list[Path], build: Path) -> None:
    """Execute them all.

    Raises:
        SystemExit: a cell or a widget failed, so that the time would mean nothing.
    """
    for outcome in execute_all(notebooks, build, jobs=cpu_count()):
        if outcome.problems:
            raise SystemExit(f"{outcome.notebook.name} failed: {outcome.problems[0]}")


def measure(name: str, notebooks: list[Path], runs: int, cold_target: float, warm_target: float | None = None) -> None:
    """Report the median seconds of both kinds of run, the kernels' starts included."""
    cold, again = [], []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(runs):
            os.environ["COURSE_CACHE"] = str(Path(folder, f"cache-{number}"))
            cold.append(timed(lambda: run(notebooks, Path(folder))))
            again.append(timed(lambda: run(notebooks, Path(folder))))
    report(f"{name}, nothing cached", median(cold), "s", target=cold_target)
    note = f"{median(again) / median(cold):.2f} × the first time"
    report(f"{name}, again", median(again), "s", target=warm_target, note=note)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--runs", type=int, default=3, help="of each kind")
    options = options.parse_args()
    chapter = find_notebooks(("04_recurrent",))
    print(f"Medians of {options.runs} runs; {load()}\n")
    measure("chapter 1, one section a core", find_notebooks(("01_tensors",)), options.runs, cold_target=90)
    measure("chapter 2, one section a core", find_notebooks(("02_foundations",)), options.runs, cold_target=180)
    measure("4.3_lstm_gates", chapter[2:3], options.runs, cold_target=40, warm_target=15)
    measure("4.1 to 4.4, one a core", chapter[:4], options.runs, cold_target=120, warm_target=50)
    measure("chapter 4, one section a core", chapter, options.runs, cold_target=150)


if __name__ == "__main__":
    with set_apart():
        main()
