"""Grading: one submission, a class on two cores, how soon the first result is there, a second run, and a Dask cluster.

A submission holds the right answers to twelve exercises: the first twelve of the workbook that are answered with torch,
called directly and compared with an expected result, so that other graders can be given the same ones (see
grading_peers.py). A class's copies differ in a comment in each answer, so that no answer is known from another; their
results are the same to the last bit, and the judge knows a result that it has judged. What that saves is measured.

    python benchmarks/grading.py [--runs 15] [--works 60 | --full]
"""

import argparse
import contextlib
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from statistics import median

import nbformat
import psutil
from nbformat.v4 import new_code_cell, new_notebook
from timing import load, report, set_apart

from course_lib.device import use_threads
from course_lib.exercises.model import Exercise, registry
from course_lib.grading.grade import grade_notebook
from course_lib.grading.runner import ChildRunner, known_outcome, starter
from course_lib.notebooks.files import right_answers

EXERCISES, CLASS, CORES, SEED = 12, 500, 2, 5


@dataclass(frozen=True)
class Spent:
    """What grading one submission took, in seconds: by the clock, and of the processors."""

    clock: float
    processor: float

    @classmethod
    def median(cls, runs: Sequence["Spent"]) -> "Spent":
        """Both medians."""
        return cls(median(run.clock for run in runs), median(run.processor for run in runs))


def twelve() -> list[Exercise]:
    """The exercises of a submission, in the workbook's order.

    Raises:
        SystemExit: the workbook has too few that fit.
    """
    answers = right_answers()
    chosen = [
        exercise
        for exercise in registry()
        if "import torch" in answers[exercise.id] and not any(case.via or case.test for case in exercise.cases(SEED))
    ]
    if len(chosen) < EXERCISES:
        raise SystemExit(f"Only {len(chosen)} exercises are answered with torch and compared with a result.")
    return chosen[:EXERCISES]


def answers(exercises: Sequence[Exercise], learner: str) -> list[str]:
    """The cells of a learner's right answers."""
    right = right_answers()
    return [f"{right[exercise.id].rstrip()}\n# written by {learner}\n" for exercise in exercises]


def hand_in(exercises: Sequence[Exercise], folder: Path, works: int) -> None:
    """Write a class's notebooks, one a learner."""
    folder.mkdir()
    for number in range(works):
        learner = f"learner{number:03}"
        cells = [new_code_cell(source) for source in answers(exercises, learner)]
        nbformat.write(new_notebook(cells=cells), folder / f"{learner}.ipynb")


def warm(exercises: Sequence[Exercise], folder: Path, runs: int) -> tuple[Spent, Spent]:
    """Medians of grading a submission where the server has started and the cases are drawn, on one core at a time:
    where the same results were judged before, and where all of them are new.

    Raises:
        SystemExit: an answer did not get its points, so that the time would mean nothing.
    """
    use_threads()
    hand_in(exercises, folder, 1)
    known, new = [], []
    with starter() as start:
        for _ in range(runs + 2):
            known_outcome.cache_clear()
            new.append(_graded_once(exercises, next(folder.iterdir()), start))
            known.append(_graded_once(exercises, next(folder.iterdir()), start))
    return Spent.median(known[2:]), Spent.median(new[2:])


def _graded_once(exercises: Sequence[Exercise], notebook: Path, start) -> Spent:
    ids = [exercise.id for exercise in exercises]
    before, began = processor_seconds(), time.perf_counter()
    with ChildRunner(start) as runner:
        graded = grade_notebook(notebook, runner, seed=SEED, only=ids)
        after = processor_seconds()  # while the child is there to be asked
    clock = time.perf_counter() - began
    processor = sum(spent - before.get(pid, 0) for pid, spent in after.items())  # a child of before may have ended
    if [row.status for row in graded.rows] != ["passed"] * len(exercises):
        raise SystemExit(f"Not all answers passed: {[(row.exercise, row.status) for row in graded.rows]}")
    return Spent(clock, processor)


def processor_seconds() -> dict[int, float]:
    """Of this process and of all that it has started and that still runs, by process id."""
    spent = {}
    for one in (psutil.Process(), *psutil.Process().children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess, OSError):  # it has ended meanwhile
            if sys.platform == "linux":  # as glibc's clock_getcpuclockid, to the nanosecond; psutil's are hundredths
                spent[one.pid] = time.clock_gettime(~one.pid << 3 | 2)
            else:
                spent[one.pid] = sum(one.cpu_times()[:2])
    return spent


@dataclass(frozen=True)
class Class:
    """A class's notebooks, and the command that grades them.

    Args:
        place: an empty folder.
        exercises: that each learner has answered.
        works: how many learners there are.
    """

    place: Path
    exercises: Sequence[Exercise]
    works: int

    def __post_init__(self):
        self.place.mkdir()
        hand_in(self.exercises, self.place / "works", self.works)
        chosen = "".join(f"  {exercise.id}:\n" for exercise in self.exercises)
        (self.place / "assignment.yaml").write_text(f"exercises:\n{chosen}")

    def grade(self, out: str = "out", *more: str) -> tuple[float, float]:
        """Run `course grade`; the seconds until the first work's rows are kept, and until it has ended.

        Args:
            out: folder of the reports and of what is kept.
            more: of the command line.

        Raises:
            SystemExit: not every answer got its points, so that the times would mean nothing.
        """
        folder, assignment = self.place / out, self.place / "assignment.yaml"
        command = ["-m", "course_lib.cli", "grade", self.place / "works", "--assignment", assignment, "--out", folder]
        command += ["--jobs", str(CORES), "--seed", str(SEED), *more]
        began = time.perf_counter()
        with subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE, text=True) as running:
            while running.poll() is None and not self.kept(folder):
                time.sleep(0.01)
            first = time.perf_counter() - began
            said, _ = running.communicate()
        whole = time.perf_counter() - began
        if f"{self.works} graded, 100 %" not in said or self.kept(folder) != self.works * len(self.exercises):
            raise SystemExit(f"Not everything was graded and right: {said.strip()}")
        return first, whole

    def kept(self, folder: Path) -> int:
        """How many rows the command has kept so far."""
        with contextlib.suppress(sqlite3.Error):
            store = sqlite3.connect(f"{(folder / 'graded.sqlite').as_uri()}?mode=ro", uri=True)
            with contextlib.closing(store):
                return store.execute("SELECT count(*) FROM rows").fetchone()[0]
        return 0


def cluster_ratio(graded: Class, rounds: int) -> float:
    """How many times as long `course grade` takes with --scheduler, on a local cluster of as many workers as the pool.

    Each command begins with processes that have nothing loaded; that the cluster's own are started does not count.
    """
    from distributed import LocalCluster

    ratios = []
    for number in range(rounds):
        with LocalCluster(n_workers=CORES, threads_per_worker=1, dashboard_address=None) as cluster:
            _, there = graded.grade(f"there{number}", "--scheduler", cluster.scheduler_address)
        _, here = graded.grade(f"here{number}")
        ratios.append(there / here)
    return median(ratios)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--runs", type=int, default=15, help="of one submission; the first result takes a third")
    options.add_argument("--works", type=int, default=60, help=f"from which {CLASS} are extrapolated")
    options.add_argument("--full", action="store_true", help=f"grade all {CLASS}")
    options = options.parse_args()
    works = CLASS if options.full else options.works
    if works < 2 or options.runs < 3:
        raise SystemExit("Give at least 3 --runs and 2 --works.")
    exercises, place = twelve(), Path(os.environ["COURSE_CACHE"]).parent
    print(f"Right answers to {EXERCISES} exercises; medians of {options.runs} runs; {load()}\n")

    known, new = warm(exercises, place / "one", options.runs)
    same, none = "the judge and the child; results that others had", "results that nobody had"
    report("a submission, warm", 1e3 * known.clock, "ms", target=100)
    report("a submission, warm: processor", 1e3 * known.processor, "ms", target=100, note=same)
    report("a submission, warm, all new", 1e3 * new.clock, "ms", target=100)
    report("a submission, warm, all new: processor", 1e3 * new.processor, "ms", target=100, note=none)

    few = Class(place / "few", exercises, 4)
    firsts = [few.grade(f"out{run}")[0] for run in range(options.runs // 3)]
    report("the first result of a class", median(firsts), "s", target=5, note=f"median of {len(firsts)} commands")

    many = Class(place / "many", exercises, works)
    first, whole = many.grade()
    all_of_them = first + (whole - first) * (CLASS - 1) / (works - 1)
    how = "one run" if works == CLASS else f"from one run of {works}: {whole:.1f} s, the first after {first:.1f} s"
    report(f"{CLASS} submissions on {CORES} cores", all_of_them, "s", target=60, note=how)
    again = median(many.grade()[1] for _ in range(3))
    report(f"{works} unchanged submissions again", again, "s", note="median of 3 commands; nothing is run")

    if find_spec("distributed"):
        # The whole class: of a small one, most of the time is that PyTorch is loaded by four processes instead of two.
        note = f"a cluster of {CORES} workers against the pool, {CLASS} submissions, median of 3"
        ratio = cluster_ratio(Class(place / "cluster", exercises, CLASS), rounds=3)
        report("--scheduler", ratio, "×", target=1.3, note=note)
    else:
        print("--scheduler: Dask is not installed here; .venv/bin/pip install -e '.[cluster]'")


if __name__ == "__main__":
    with set_apart():
        main()
