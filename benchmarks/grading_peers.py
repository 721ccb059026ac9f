"""The same submissions graded by us, by nbgrader 0.9.6 and by otter-grader 7.0.0, each in an environment of its own.

Each grader is given the twelve exercises of grading.py, right answers to them, and the same cases: we judge as
`course grade` does, they compare with the results that the right answers gave before (`torch.testing.assert_close`).
What peers/*.py does is timed inside a process that has started, one learner after the other, the first left out; for
otter that is what `otter run` does, since `otter grade` needs Docker.

    python benchmarks/grading_peers.py [--works 5]

The environments are made once, by venv and pip, in the cache folder under peers/; together they take 2.3 GB where pip
finds a torch without CUDA (set PIP_FIND_LINKS or PIP_EXTRA_INDEX_URL).
"""

import argparse
import copy
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import nbformat
import torch
from grading import SEED, Spent, answers, twelve, warm
from nbformat.v4 import new_code_cell, new_notebook
from timing import load

from course_lib.exercises.model import Exercise
from course_lib.notebooks.files import right_answers
from course_lib.paths import cache_folder

FASTER = 20  # times, at least
SECONDS = 900  # until pip or a grader is given up
KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
COMPARED = """\
for call, inputs, expected, rtol, atol in torch.load("cases.pt")[{id!r}]:
    torch.testing.assert_close({functions}[call](*inputs), expected, rtol=rtol, atol=atol, equal_nan=True)
"""
OTTER_TEST = """\
import torch
from otter.test_files import test_case

OK_FORMAT = False
name, points = {id!r}, {points}

@test_case()
def test_answer(env):
"""


class PeerError(Exception):
    """A peer cannot be measured here; the text says why."""


@dataclass(frozen=True)
class Peer:
    """Another grader.

    Args:
        package, version: that pip installs.
        script: of peers/, which grades with it.
        lay_out: puts an assignment and submissions where the script looks for them.
    """

    package: str
    version: str
    script: str
    lay_out: Callable[[Sequence[Exercise], Path, int], None]

    def python(self) -> Path:
        """The Python of its environment, which is made if it is missing.

        Raises:
            PeerError: it cannot be made.
        """
        place = cache_folder() / "peers" / f"{self.package}-{self.version}"
        python = place / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
        if not (place / "complete").exists():
            print(f"making an environment for {self.package}, which takes minutes ...", file=sys.stderr)
            shutil.rmtree(place, ignore_errors=True)  # what an interrupted run left
            as_here = [f"{name}=={version(name).partition('+')[0]}" for name in ("torch", "numpy", "ipykernel")]
            pip = [python, "-m", "pip", "install", "--quiet", "--retries", "2"]
            run([sys.executable, "-m", "venv", place])
            run([*pip, f"{self.package}=={self.version}", *as_here])
            (place / "complete").touch()
        return python

    def grade(self, exercises: Sequence[Exercise], works: int) -> Spent:
        """Medians over so many submissions and one more, the first, which does not count.

        Raises:
            PeerError: it does not run here, or an answer did not get its points.
        """
        python = self.python()
        with tempfile.TemporaryDirectory(prefix="course-peer-") as folder:
            self.lay_out(exercises, Path(folder), works + 1)
            said = run([python, Path(__file__).parent / "peers" / self.script], folder)
        graded = [json.loads(line) for line in said.splitlines() if line.startswith("[")]
        wrong = [(points, out_of) for _, _, points, out_of in graded if not points == out_of > 0]
        if wrong or len(graded) != works + 1:
            raise PeerError(f"it graded {len(graded)} of {works + 1}, and gave {wrong} where all points were due")
        return Spent.median([Spent(clock, processor) for clock, processor, _, _ in graded[1:]])


def run(command: Sequence[str | Path], folder: str | None = None) -> str:
    """What a command prints.

    Raises:
        PeerError: it failed.
    """
    beside = os.pathsep.join([str(Path(command[0]).parent), os.environ["PATH"]])  # nbgrader starts alembic by its name
    settings = {"cwd": folder, "env": os.environ | {"PATH": beside}, "timeout": SECONDS}
    try:
        return subprocess.run(command, check=True, text=True, capture_output=True, **settings).stdout
    except subprocess.CalledProcessError as problem:
        lines = [line for line in problem.stderr.splitlines() if line.strip()]
        raise PeerError(lines[-1] if lines else f"{command[0]} ended with {problem.returncode}") from problem
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise PeerError(str(problem)) from problem


def save_cases(exercises: Sequence[Exercise], path: Path) -> None:
    """Each exercise's calls, and what the right answers give for them."""
    right, cases = right_answers(), {}
    for exercise in exercises:
        functions: dict = {}
        exec(right[exercise.id], functions)
        cases[exercise.id] = [
            (name, case.inputs, functions[name](*copy.deepcopy(case.inputs)), case.rtol, case.atol)
            for case in exercise.cases(SEED)
            for name in [exercise.function(case).name]
        ]
    torch.save(cases, path)


def learners(works: int) -> list[str]:
    """As many names."""
    return [f"learner{number:03}" for number in range(works)]


def for_nbgrader(exercises: Sequence[Exercise], folder: Path, works: int) -> None:
    """An assignment with a cell of tests after each answer, and submissions made from it."""

    def write(place: Path, sources: Sequence[str]) -> None:
        place.mkdir(parents=True)
        cells = []
        for number, (source, exercise) in enumerate(zip(sources, exercises, strict=True)):
            test = "import torch\n" + COMPARED.format(id=exercise.id, functions="globals()")
            answer, tests = new_code_cell(source), new_code_cell(test)
            shared = {"task": False, "schema_version": 3}
            answer.metadata.nbgrader = shared | {
                "grade": False, "solution": True, "locked": False, "grade_id": f"answer-{number}",
            }  # fmt: skip
            tests.metadata.nbgrader = shared | {
                "grade": True, "solution": False, "locked": True, "grade_id": f"tests-{number}",
                "points": exercise.points,
            }  # fmt: skip
            cells += [answer, tests]
        nbformat.write(new_notebook(cells=cells, metadata=KERNEL), place / "answers.ipynb")

    write(folder / "source" / "week", answers(exercises, "the teacher"))
    save_cases(exercises, folder / "source" / "week" / "cases.pt")
    for learner in learners(works):
        write(folder / "submitted" / learner / "week", answers(exercises, learner))


def for_otter(exercises: Sequence[Exercise], folder: Path, works: int) -> None:
    """A file of tests an exercise, and submissions."""
    (folder / "tests").mkdir()
    for number, exercise in enumerate(exercises):
        compared = COMPARED.format(id=exercise.id, functions="env")
        indented = "".join(f"    {line}\n" for line in compared.splitlines())
        test = OTTER_TEST.format(id=exercise.id, points=exercise.points) + indented
        (folder / "tests" / f"q{number}.py").write_text(test)
    save_cases(exercises, folder / "cases.pt")
    (folder / "submitted").mkdir()
    for learner in learners(works):
        cells = [new_code_cell(source) for source in answers(exercises, learner)]
        nbformat.write(new_notebook(cells=cells, metadata=KERNEL), folder / "submitted" / f"{learner}.ipynb")


PEERS = (
    Peer("nbgrader", "0.9.6", "nbgrader_run.py", for_nbgrader),
    Peer("otter-grader", "7.0.0", "otter_run.py", for_otter),
)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--works", type=int, default=5, help="submissions that count, of each grader")
    options = options.parse_args()
    if options.works < 1:
        raise SystemExit("Give at least 1 of --works.")
    exercises = twelve()
    print(f"A submission of {len(exercises)} exercises; medians of {options.works} submissions; {load()}\n")
    for peer in PEERS:
        try:
            theirs = peer.grade(exercises, options.works)
        except PeerError as problem:
            print(f"{peer.package} {peer.version}: cannot be measured here: {problem}")
            continue
        with tempfile.TemporaryDirectory() as folder:
            _, ours = warm(exercises, Path(folder, "ours"), 3 * options.works)  # beside each, on the same machine
        tell(f"{peer.package} {peer.version}", theirs, ours)


def tell(name: str, theirs: Spent, ours: Spent) -> None:
    """Print a line that `run.py` gathers: how many times as long as we another grader takes."""
    ratio, processor = theirs.clock / ours.clock, theirs.processor / ours.processor
    verdict = "within the target" if ratio >= FASTER else "UNDER"
    print(
        f"{name}: {theirs.clock:.1f} s a submission, {ratio:.0f} × our {1e3 * ours.clock:.0f} ms; of the processors "
        f"{theirs.processor:.1f} s, {processor:.0f} ×  {verdict}  (target at least {FASTER} ×)",
        flush=True,
    )


if __name__ == "__main__":
    main()
