"""A grader that is killed at any moment, or runs out of disk, loses nothing and leaves nothing behind."""

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import nbformat
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from course_lib.grading import scratch
from course_lib.grading.children import can_fork
from course_lib.paths import remove_half_written, repository, write_atomically

ANSWER = "# exercise: start.gate\nimport torch\ndef gate(x, weight, bias):\n    return {}  # {}"
SEED = 11  # of the moments
linux = pytest.mark.skipif(not can_fork(), reason="the processes of Linux")


def hand_in(place: Path, count: int, *, zipped: bool = False) -> Path:
    """Works that all differ: two of three right, and of ten one zipped or, if asked for, all."""
    place.mkdir()
    for n in range(count):
        answer = ANSWER.format("torch.sigmoid(weight * x + bias)" if n % 3 else f"x * {n}", n)
        notebook = nbformat.writes(new_notebook(cells=[new_code_cell(answer)]))
        if zipped or n % 10 == 0:
            with zipfile.ZipFile(place / f"a{n:03}.zip", "w") as archive:
                archive.writestr("answers.ipynb", notebook)
        else:
            (place / f"a{n:03}.ipynb").write_text(notebook)
    return place


def command(place: Path, out: Path, jobs: int) -> list[str]:
    options = ("--out", str(out), "--jobs", str(jobs), "--seed", "1")
    return [sys.executable, "-m", "course_lib.cli", "grade", str(place), *options]


def start(place: Path, out: Path, jobs: int, temporary: Path) -> subprocess.Popen:
    return subprocess.Popen(
        command(place, out, jobs),
        cwd=repository(),
        env=os.environ | {"TMPDIR": str(temporary), "TQDM_DISABLE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def rows(out: Path) -> tuple[int, int]:
    """Rows that are kept, and rows that were ever put: a row put again gets a new number."""
    try:
        with sqlite3.connect(f"{(out / 'graded.sqlite').as_uri()}?mode=ro", uri=True) as base:
            return base.execute("SELECT count(*), coalesce(max(rowid), 0) FROM rows").fetchone()
    except sqlite3.Error:
        return 0, 0


def pages(out: Path) -> int:
    return len(list((out / "feedback").glob("*.md")))


def kill(run: subprocess.Popen) -> None:
    """As the system does when memory runs out: this process alone. All that it started must end by itself."""
    started = psutil.Process(run.pid).children(recursive=True)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    run.stdout.close()
    _, alive = psutil.wait_procs(started, timeout=20)
    commands = [process.cmdline() for process in alive if process.status() != psutil.STATUS_ZOMBIE]
    for process in alive:
        process.kill()
    assert commands == [], "left behind by a grader that was killed"


def grow_old(folder: Path) -> None:
    """A folder that was made a moment ago may be one that is about to be locked."""
    for path in folder.glob("course-*"):
        os.utime(path, (0, 0))


@linux
@pytest.mark.timeout(300)
def test_a_run_that_is_killed_again_and_again_ends_with_the_grades_of_an_undisturbed_one(tmp_path):
    place, out, temporary = hand_in(tmp_path / "class", 200), tmp_path / "out", tmp_path / "temporary"
    temporary.mkdir()
    undisturbed = start(place, tmp_path / "undisturbed", 1, tmp_path)
    draw = random.Random(SEED)
    awaited = draw.uniform(0, 5), draw.randint(1, 150), draw.randint(1, 150)
    began = time.monotonic()
    moments = {
        f"{awaited[0]:.1f} s after the start": (1, lambda: time.monotonic() - began > awaited[0]),
        f"{awaited[1]} graded": (2, lambda: rows(out)[0] >= awaited[1]),
        f"{awaited[2]} pages written": (1, lambda: pages(out) >= awaited[2]),
    }
    for moment, (jobs, has_come) in moments.items():
        run = start(place, out, jobs, temporary)
        while not has_come():
            assert run.poll() is None, f"ended before {moment}: {run.stdout.read()}"
            time.sleep(0.002)
        kill(run)
        grow_old(temporary)
    assert pages(out) < 200, "the run was not interrupted while it wrote"
    last = start(place, out, 1, temporary)
    assert "200 graded" in last.communicate()[0] and "200 graded" in undisturbed.communicate()[0]
    assert (out / "grades.csv").read_bytes() == (tmp_path / "undisturbed" / "grades.csv").read_bytes()
    assert rows(out) == (200, 200), "what was kept was graded again"
    assert list(temporary.glob("course-*")) == []
    assert [path.name for path in out.rglob(".*")] == [] and pages(out) == 200


@linux
@pytest.mark.timeout(120)
def test_an_answer_that_sleeps_ends_with_the_grader(tmp_path):
    """Its own limit on time is far away, and it heeds no signal that it can refuse."""
    place = tmp_path / "class"
    place.mkdir()
    answer = "# exercise: start.gate\nimport signal, time\ndef gate(x, weight, bias):\n"
    answer += "    for n in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}: signal.signal(n, signal.SIG_IGN)\n"
    answer += "    while True: time.sleep(1)"
    nbformat.write(new_notebook(cells=[new_code_cell(answer)]), place / "a1.ipynb")
    run = start(place, tmp_path / "out", 1, tmp_path)

    def asleep() -> bool:  # server, outer and inner process of the answer, which ignores the signal to end
        found = [Path(f"/proc/{process.pid}/status") for process in psutil.Process(run.pid).children(recursive=True)]
        ignored = [int(path.read_text().split("SigIgn:")[1].split()[0], 16) for path in found if path.exists()]
        return any(mask >> signal.SIGTERM - 1 & 1 for mask in ignored)

    while not asleep():
        assert run.poll() is None, run.stdout.read()
        time.sleep(0.05)
    kill(run)


# ---- temporary files


def test_what_a_killed_run_left_is_removed_and_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with scratch.scratch_folder("works") as used:
        left, fresh, foreign = (tmp_path / f"course-{name}" for name in ("works-abcd1234", "answer-abcd1234", "notes"))
        for folder in (left, fresh, foreign):
            folder.mkdir()
            (folder / "file").touch()
        (tmp_path / "course-works-00000000").symlink_to(foreign)
        for folder in (left, foreign, used):
            os.utime(folder, (0, 0))
        os.utime(tmp_path / "course-works-00000000", (0, 0), follow_symlinks=False)
        scratch.remove_leftovers()
        gone = left.exists() if scratch.fcntl is None else not left.exists()
        assert gone and used.exists() and (fresh / "file").exists() and (foreign / "file").exists()
    assert not used.exists()


def test_half_written_files_are_removed_and_nothing_else(tmp_path):
    for name in (".grades.csv.0123abcd", ".gitignore", ".notes.backup", "report.md"):
        write_atomically(tmp_path / name, "text")
    remove_half_written(tmp_path)
    remove_half_written(tmp_path / "nowhere")
    assert {path.name for path in tmp_path.iterdir()} == {".gitignore", ".notes.backup", "report.md"}


# ---- a full disk

SCENARIO = """
import json, os, shutil, subprocess, sys
small, options, whole, first, again = json.loads(sys.argv[1])
def mount(*arguments):
    subprocess.run(["mount", *arguments, small], check=True, stdout=sys.stderr)
def said(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout
mount("-t", "tmpfs", "-o", options, "tmpfs")
os.environ["TQDM_DISABLE"] = "1"
found = [said(first)]
mount("-o", f"remount,{whole}")
found.append(said(again))
shutil.copytree(small, sys.argv[2], dirs_exist_ok=True)
print(json.dumps(found))
"""


@pytest.fixture
def on_a_small_disk(tmp_path):
    """Run a command with a small disk at a folder, then another with room on it; all of it is copied out at the end."""
    apart = ["unshare", "-m"] if hasattr(os, "geteuid") and os.geteuid() == 0 else ["unshare", "-rm"]
    if not shutil.which("unshare") or subprocess.run([*apart, "true"], capture_output=True).returncode:
        pytest.skip("nothing can be mounted here: it takes root, or a namespace of users")

    def on_a_small_disk(small, options, whole, first, again, environment=None) -> list[tuple[int, str]]:
        small.mkdir(exist_ok=True)
        orders = json.dumps([str(small), options, whole, first, again])
        environment = os.environ | (environment or {})
        scenario = [*apart, sys.executable, "-c", SCENARIO, orders, str(tmp_path / "copied")]
        done = subprocess.run(scenario, cwd=repository(), env=environment, capture_output=True, text=True)
        if "mount" in done.stderr and not done.stdout:
            pytest.skip(f"nothing can be mounted here: {done.stderr}")
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    return on_a_small_disk


@linux
@pytest.mark.timeout(120)
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_full_disk_for_the_grades(on_a_small_disk, tmp_path, jobs):
    place, small = hand_in(tmp_path / "class", 30), tmp_path / "small"
    grade = command(place, small, jobs)
    (code, said), (again, whole) = on_a_small_disk(small, "size=160k", "size=16m", grade, grade)
    assert code == 1 and "Traceback" not in said
    assert "The disk is full: make room, or name another folder with --out. What was graded is kept." in said
    assert again == 0 and "30 graded" in whole, whole
    assert rows(tmp_path / "copied") == (30, 30), "what was kept was graded again"
    assert (tmp_path / "copied" / "grades.csv").read_text().count("\n") == 31


@linux
@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("zipped", "small", "sentence"),
    [
        (False, "nr_inodes=2", "There is no place for temporary files in {}: No space left on device. Make room there"),
        (True, "nr_inodes=8", "The works cannot be unpacked or written: {}"),
    ],
)
def test_a_full_disk_for_temporary_files(on_a_small_disk, tmp_path, zipped, small, sentence):
    """An answer that found no room is graded when there is some, not given up."""
    place, disk, out = hand_in(tmp_path / "class", 4, zipped=zipped), tmp_path / "small", tmp_path / "out"
    if not zipped:
        (place / "a000.zip").unlink()
    grade = command(place, out, 1)
    environment = {"TMPDIR": str(disk)}
    (code, said), (again, whole) = on_a_small_disk(disk, small, "nr_inodes=1000", grade, grade, environment)
    assert code == 1 and "Traceback" not in said and sentence.format(disk) in said, said
    assert again == 0 and f"{3 + zipped} graded" in whole, whole
    assert rows(out)[0] == 3 + zipped and not list((tmp_path / "copied").iterdir())
