"""Section 4.3 executed under `quick`, as `make run` does: with an empty training cache, and again.

    python benchmarks/execution.py [--runs 3] [--notebook NOTEBOOK]
"""

import argparse
import os
import tempfile
from pathlib import Path
from statistics import median

from timing import load, report, set_apart

from course_lib.notebooks.execute import execute
from course_lib.notebooks.files import notebooks_folder


def seconds(notebook: Path, build: Path) -> float:
    """How long one execution takes, the kernel's start included.

    Raises:
        SystemExit: a cell or a widget failed.
    """
    outcome = execute(notebook, build / notebook.name, "quick")
    if outcome.problems:
        raise SystemExit(f"{notebook.name} failed, so its time means nothing: {outcome.problems[0]}")
    return outcome.seconds


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--runs", type=int, default=3, help="of each kind")
    options.add_argument("--notebook", type=Path, default=notebooks_folder() / "04_recurrent" / "4.3_lstm_gates.ipynb")
    options = options.parse_args()
    cold, again = [], []
    with tempfile.TemporaryDirectory() as folder:
        for run in range(options.runs):
            os.environ["COURSE_CACHE"] = str(Path(folder, f"cache-{run}"))
            cold.append(seconds(options.notebook, Path(folder)))
            again.append(seconds(options.notebook, Path(folder)))
    name = options.notebook.stem
    print(f"Medians of {options.runs} runs; {load()}\n")
    report(f"{name}, nothing cached", median(cold), "s", target=40)
    report(f"{name}, again", median(again), "s", target=15, note=f"{median(again) / median(cold):.2f} × the first time")


if __name__ == "__main__":
    with set_apart():
        main()
