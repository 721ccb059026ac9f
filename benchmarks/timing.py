"""What the benchmarks share: medians of runs that take turns, and lines that put a figure beside its target."""

import os
import platform
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter

import psutil
import torch


def medians(ways: Mapping[str, Callable[[], object]], runs: int, warm_up: int = 1) -> dict[str, float]:
    """The median seconds that each way takes.

    The ways take turns, each second round in the opposite order, so that a busy moment of the machine hits them all.

    Args:
        ways: name -> what is timed.
        runs: of each way.
        warm_up: runs of each way before the first that counts.
    """
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for run in range(-warm_up, runs):
        for name, way in list(ways.items())[:: -1 if run % 2 else 1]:
            seconds = timed(way)
            if run >= 0:
                taken[name].append(seconds)
    return {name: median(times) for name, times in taken.items()}


def timed(way: Callable[[], object]) -> float:
    """The seconds that one call takes."""
    began = perf_counter()
    way()
    return perf_counter() - began


def report(what: str, value: float, unit: str = "", *, target: float | None = None, aim: float | None = None,
           note: str = "") -> None:  # fmt: skip
    """Print one figure and, in brackets, its target: `run.py` gathers the lines that have one.

    Args:
        what: was measured.
        value: the smaller the better, where there is a target.
        unit: of the value.
        target, aim: what it must and what it should not exceed.
        note: how it was measured, or what it was compared with.
    """
    meant = [f"target {target:g}"] if target is not None else ["no target"]
    meant += [f"aim {aim:g}"] if aim is not None else []
    aimed = aim is not None and value <= aim
    verdict = "" if target is None else "as aimed for" if aimed else "within the target" if value <= target else "OVER"
    number = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}" if abs(value) >= 1e-3 else "below 0.001"
    about = f"({', '.join(meant)}{'; ' + note if note else ''})"
    print(f"{what:44}  {number + ' ' + unit:>16}  {verdict:17}  {about}", flush=True)


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows in columns, the first to the left and the others to the right."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    for row in (header, *rows):
        columns = (text.rjust(width) for text, width in zip(row[1:], widths[1:], strict=True))
        print("  ".join([row[0].ljust(widths[0]), *columns]), flush=True)
    print()


@contextmanager
def set_apart() -> Iterator[Path]:
    """An empty folder for the training cache and the progress file, instead of the learner's own.

    What is started inside inherits it. Yields the folder.
    """
    before = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="course-bench-") as folder:
        os.environ["COURSE_CACHE"] = str(Path(folder, "cache"))
        os.environ["COURSE_PROGRESS"] = str(Path(folder, "progress.json"))
        try:
            yield Path(folder)
        finally:
            os.environ.clear()
            os.environ.update(before)


def load() -> str:
    """How busy the machine is: on a busy one read the ratios, not the seconds."""
    busy, cores = psutil.getloadavg()[0], psutil.cpu_count()
    return f"load {busy:.1f} on {cores} cores{', BUSY' if busy > cores else ''}"


def machine() -> str:
    """The kind of machine, its processor too, for one kind takes twice the time of another, and what runs on it."""
    cpuinfo = Path("/proc/cpuinfo")
    named = re.search(r"model name\s*: (.*)", cpuinfo.read_text()) if cpuinfo.exists() else None
    processor = f"{named[1] if named else platform.processor()} ({torch.backends.cpu.get_cpu_capability()})"
    card = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    versions = f"Python {platform.python_version()}, torch {torch.__version__.partition('+')[0]}"
    return f"{platform.system()} {platform.machine()}, {psutil.cpu_count()} cores of {processor}, {card}; {versions}"
