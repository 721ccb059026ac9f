"""The progress file: what is noted comes back, two processes lose nothing, a damaged or locked file costs nothing."""

import json
import os
import subprocess
import sys

import pytest
from filelock import FileLock

from course_lib import progress


@pytest.fixture(autouse=True)
def fresh(progress_path):
    """A file of its own for each test, and a module that has said and kept nothing yet."""
    progress._pending.clear()
    progress._said.clear()
    yield
    progress._pending.clear()


def test_the_same_mistake_is_counted_in_a_row():
    seen = [progress.attempt("a", 0, 2, mistake) for mistake in ("x", "x", "y", "x", None, "x")]
    assert seen == [1, 2, 1, 1, 0, 1]
    assert progress.load()["exercises"]["a"]["mistakes"] == {"x": 4, "y": 1}


def test_the_best_points_stay_but_never_exceed_what_can_be_had():
    progress.attempt("a", 3, 3)
    progress.attempt("a", 1, 3, "x")
    assert progress.load()["exercises"]["a"]["points"] == 3
    progress.attempt("a", 2, 2)  # a later version of the exercise gives fewer points
    assert progress.load()["exercises"]["a"]["points"] == 2


def test_predictions_and_quests_come_back():
    progress.note_prediction("gates", "Does it flip?", "flips", sure=False, result="fades")
    progress.note_prediction("bit", "How long?", "50", sure=True, result="7")
    progress.note_prediction("first", "Up?", "up", sure=True, result="up")
    progress.note_quest("gates", "hide")
    progress.note_quest("gates", "hide")
    assert progress.prediction("gates")["picked"] == "flips" and progress.prediction("none") is None
    assert [said["explorer"] for said in progress.surprises()] == ["bit", "gates"]  # the sure one first
    assert progress.quests_done("gates") == {"hide"} and progress.quests_done("none") == set()


def test_summary_reads_well():
    assert progress.summary().startswith("Nothing done yet.")
    progress.attempt("recurrent.lstm", 4, 4)
    progress.attempt("start.gate", 1, 2, "the sigmoid left out")
    progress.note_prediction("gates", "Does it flip?", "flips", sure=True, result="fades")
    progress.note_quest("gates", "hide the memory")
    assert progress.summary().splitlines() == [
        "Exercises tried: 2, with 5 of 6 points",
        "  ✓ recurrent.lstm   4 of 4",
        "    start.gate       1 of 2 · last time: the sigmoid left out",
        "Predictions: 1, of which 1 came out otherwise",
        "    Does it flip? You said flips (sure); it was fades.",
        "Quests done: 1",
        "    gates: hide the memory",
    ]


def test_two_processes_at_once_lose_nothing():
    write_fifty = (
        "import sys; from course_lib import progress\n"
        "for n in range(50): progress.note_quest('shared', f'{sys.argv[1]}-{n}'); progress.attempt('a', 0, 1, 'x')"
    )
    writers = [subprocess.Popen([sys.executable, "-c", write_fifty, name]) for name in ("one", "two")]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0]
    assert progress.quests_done("shared") == {f"{name}-{n}" for name in ("one", "two") for n in range(50)}
    assert progress.load()["exercises"]["a"]["attempts"] == 100


@pytest.mark.parametrize(
    "content", [b"{not json", b"\xff\xfe", b"[]", b"{}", b'{"exercises": {"a": 3}, "predictions": {}, "quests": {}}']
)
@pytest.mark.parametrize("first", [progress.load, lambda: progress.attempt("a", 1, 1)])
def test_a_damaged_file_is_put_aside(progress_path, capsys, content, first):
    progress_path.write_bytes(content)
    first()
    assert (progress_path.parent / "progress.damaged-1.json").read_bytes() == content
    assert "was damaged. It is kept beside it as progress.damaged-1.json" in capsys.readouterr().err
    assert progress.attempt("a", 1, 1, "x") == 1 and json.loads(progress_path.read_text())["exercises"]["a"]


def test_a_place_that_cannot_be_written_is_said_once_and_nothing_is_lost(tmp_path, monkeypatch, capsys):
    blocker = tmp_path / "blocker"
    blocker.write_text("a file where a folder should be")
    monkeypatch.setenv("COURSE_PROGRESS", str(blocker / "progress.json"))
    assert [progress.attempt("a", 0, 1, "x") for _ in range(2)] == [1, 2]
    progress.note_quest("gates", "hide")
    assert progress.quests_done("gates") == {"hide"}
    assert capsys.readouterr().err.count("cannot be kept in") == 1

    blocker.unlink()  # now it can be written: what was kept in memory reaches the file
    progress.note_quest("gates", "flip")
    data = json.loads((blocker / "progress.json").read_text())
    assert data["exercises"]["a"]["in_a_row"] == 2 and data["quests"]["gates"] == ["hide", "flip"]


def test_a_lock_that_is_never_released(progress_path, monkeypatch, capsys):
    monkeypatch.setattr(progress, "SECONDS_TO_WAIT", 0.1)
    with FileLock(f"{progress_path}.lock"):
        assert progress.attempt("a", 1, 1) == 0
    assert "another program holds its lock" in capsys.readouterr().err
    assert progress.load()["exercises"]["a"]["points"] == 1


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs a user whom file permissions bind")
def test_a_damaged_file_in_a_read_only_folder(progress_path, capsys):
    progress_path.write_text("{not json")
    progress_path.parent.chmod(0o500)
    try:
        assert progress.load()["exercises"] == {} and progress.attempt("a", 1, 1, "x") == 1
    finally:
        progress_path.parent.chmod(0o700)
    assert "cannot be kept in" in capsys.readouterr().err
