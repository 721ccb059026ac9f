"""All benchmarks, one after the other, each in a process of its own; at the end every figure beside its target.

    make bench
    python benchmarks/run.py [NAME ...]     some of them, for example: explorers browser
    python benchmarks/run.py --record       and keep the figures in benchmarks/latest-<machine>.md
"""

import argparse
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import torch
from timing import load, machine

from course_lib import __version__

HERE = Path(__file__).resolve().parent
SCRIPTS = (
    "imports", "engine", "playground", "lstm", "explorers", "memory", "browser", "execution", "fit_overhead",
    "language_model", "grading", "grading_peers", "gpu",
)  # fmt: skip
FIGURE = re.compile(r"\((no )?target\b")  # a line with a figure and its target; the others explain


def run(name: str) -> list[str]:
    """The lines with figures that a script prints, shown as they come.

    Its progress bars go straight to the terminal.
    """
    print(f"\n──── {name} " + "─" * (100 - len(name)), flush=True)
    figures = []
    with subprocess.Popen([sys.executable, "-u", HERE / f"{name}.py"], stdout=subprocess.PIPE, text=True) as script:
        for line in script.stdout:
            print(line, end="", flush=True)
            if FIGURE.search(line):
                figures.append(line.rstrip())
    return figures if script.returncode == 0 else [*figures, f"{name}.py failed; what it said stands above"]


def record(summary: str) -> Path:
    """Keep the figures beside this file, under the kind of machine."""
    kind = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    path = HERE / f"latest-{re.sub('[^a-z0-9]+', '-', kind.lower())}.md"
    command = "`python benchmarks/run.py --record`"
    path.write_text(f"# What {command} measured last\n\n```\n{summary}\n```\n", encoding="utf-8")
    return path


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(SCRIPTS)}")
    options.add_argument("--record", action="store_true", help="keep the figures in a file")
    options = options.parse_args()
    if unknown := set(options.names) - set(SCRIPTS):
        raise SystemExit(f"There is no benchmark {min(unknown)!r}. There are: {', '.join(SCRIPTS)}.")
    before = load()
    print(f"{machine()}; {before}. Medians; read the ratios where the machine was busy.")
    found = {name: run(name) for name in SCRIPTS if name in (options.names or SCRIPTS)}
    lines = [f"course_lib {__version__}, {datetime.now(UTC).date()}; {machine()}", f"before: {before}; after: {load()}"]
    for name, figures in found.items():
        lines += ["", name, *(f"  {figure}" for figure in figures or ["nothing could be measured here"])]
    summary = "\n".join(lines)
    print(f"\n{'═' * 106}\n{summary}")
    if options.record:
        print(f"\nkept in {record(summary).relative_to(HERE.parent)}")
    if any("failed" in figures[-1] for figures in found.values() if figures):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
