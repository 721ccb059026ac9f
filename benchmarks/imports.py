"""What a learner waits for before anything happens: importing PyTorch, then the package, then a section's first cell.

Each run is a process of its own, with the modules loaded that a notebook's kernel has loaded before its first cell.

    python benchmarks/imports.py [--runs 7]
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median

from timing import load, report, set_apart

from course_lib.notebooks.files import find_notebooks, read_notebook

IN_A_KERNEL = """
import json, sys, time
import ipykernel.ipkernel
times = [time.perf_counter()]
import torch
times.append(time.perf_counter())
import course_lib
times.append(time.perf_counter())
exec(sys.stdin.read())
times.append(time.perf_counter())
print(json.dumps([end - begin for begin, end in zip(times, times[1:])]))
"""


def first_cells(notebook: Path) -> str:
    """The notebook's parameters, and the first cell of code after them."""
    cells = [cell for cell in read_notebook(notebook).cells if cell.cell_type == "code"]
    after = next(n for n, cell in enumerate(cells) if "parameters" not in cell.metadata.get("tags", []))
    return "\n".join(cell.source for cell in cells[: after + 1])


def seconds(code: str) -> list[float]:
    """Of `import torch`, of `import course_lib` after it, and of `code` after both, in a new process."""
    # compiled modules are kept, as they are for a learner
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    child = [sys.executable, "-c", IN_A_KERNEL]
    done = subprocess.run(child, input=code, text=True, check=True, stdout=subprocess.PIPE, env=env)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--runs", type=int, default=7, help="processes a notebook")
    options = options.parse_args()
    cells = {notebook.stem: first_cells(notebook) for notebook in find_notebooks()}
    runs = [{name: seconds(code) for name, code in cells.items()} for _ in range(1 + options.runs)][1:]  # one warms up
    taken = {name: [median(times) for times in zip(*(run[name] for run in runs), strict=True)] for name in cells}
    torch, course, _ = (median(times) for times in zip(*taken.values(), strict=True))
    print(f"Medians of {options.runs} processes; {load()}\n")
    report("import torch", torch, "s")
    report("import course_lib", course, "s", target=0.3, note=f"on top; {course / torch:.2g} × import torch")
    for name, (_, _, cell) in taken.items():
        note = f"on top of both; {cell / torch:.2g} × import torch"
        report(f"first cell of {name}", cell, "s", target=1.5, note=note)


if __name__ == "__main__":
    with set_apart():
        main()
