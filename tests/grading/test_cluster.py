"""A class on a Dask cluster, and in parts: the same grades as on one machine, and nothing lost with a worker."""

import csv
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path

import cloudpickle
import nbformat
import pytest
from click.testing import CliRunner
from nbformat.v4 import new_code_cell, new_notebook

from course_lib.grading import class_command, cluster, cohort, worker
from course_lib.grading.class_command import Shard
from course_lib.grading.cluster import ClusterError, connect, grade_on_cluster
from course_lib.grading.cohort import Judge, Terms
from course_lib.grading.command import grade
from course_lib.grading.roster import Roster
from course_lib.grading.runner import guards_of, starter
from course_lib.grading.sandbox import missing
from course_lib.grading.store import Store
from course_lib.grading.submissions import Work, find_work
from course_lib.notebooks.files import right_answers

distributed = pytest.importorskip("distributed")
dask = pytest.importorskip("dask")

RIGHT = right_answers()["start.gate"]
WRONG = "# exercise: start.gate\ndef gate(x, weight, bias):\n    return weight * x + bias  # {}"
SLOW = "# exercise: start.gate\nimport time\ndef gate(x, weight, bias):\n    time.sleep(0.1)\n    return x * {}"
TERMS = Terms(seed=1)


@pytest.fixture(scope="module")
def address() -> str:
    """A cluster of two workers; a work whose worker dies is handed back at once."""
    cloudpickle.register_pickle_by_value(sys.modules[__name__])  # the workers cannot import a test
    settings = {"distributed.scheduler.allowed-failures": 0}
    with dask.config.set(settings), distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
    ) as two:
        yield two.scheduler_address


@pytest.fixture
def client(address):
    with connect(address) as client:
        yield client


def notebook(path: Path, *answers: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=[new_code_cell(answer) for answer in answers]), path)
    return path


def works_in(place: Path) -> list[Work]:
    return find_work(place, place.parent / "unpacked")


def course_grade(*arguments) -> tuple[int, str]:
    result = CliRunner().invoke(grade, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def grades(folder: Path) -> str:
    return (folder / "grades.csv").read_text()


def learners(folder: Path) -> list[str]:
    with (folder / "grades.csv").open(encoding="utf-8", newline="") as file:
        return [row["learner"] for row in csv.DictReader(file)]


# ---- a cluster


def test_a_cluster_gives_the_grades_of_this_machine(address, tmp_path, monkeypatch):
    place = tmp_path / "submissions"
    notebook(place / "a1.ipynb", RIGHT)
    notebook(place / "a2.ipynb", WRONG)
    notebook(place / "a3" / "one.ipynb", RIGHT)
    notebook(place / "a3" / "two.ipynb", WRONG)
    (place / "a3" / "three.ipynb").write_text("{ this is no notebook")
    (place / "a4.rar").touch()
    (place / "a5.ipynb").write_text(" " * 3000)
    monkeypatch.setattr(cluster, "LARGEST", 2000)  # what is larger is not sent; its own reader refuses it
    common = (place, "--seed", 1, "--out")
    here, there = tmp_path / "here", tmp_path / "there"
    assert course_grade(*common, here, "--jobs", 1)[0] == 0
    code, said = course_grade(*common, there, "--scheduler", address)
    assert code == 0, said
    assert grades(there) == grades(here)
    for name in ("report.md", "report.json", "feedback/a3.md"):
        assert (there / name).read_text() == (here / name).read_text()
    assert Store(there / "graded.sqlite").rows() == Store(here / "graded.sqlite").rows()


def test_what_is_known_is_not_sent(client, tmp_path, monkeypatch):
    place, sent = tmp_path / "submissions", []
    for name in ("a1", "a2"):
        notebook(place / name / "first.ipynb", WRONG.format(name))
    store = Store(tmp_path / "graded.sqlite")
    list(grade_on_cluster(works_in(place), store, TERMS, client=client))
    notebook(place / "a2" / "second.ipynb", RIGHT)
    submit = client.submit
    monkeypatch.setattr(client, "submit", lambda *given, **more: sent.append(given) or submit(*given, **more))
    again = {one.work.learner: one for one in grade_on_cluster(works_in(place), store, TERMS, client=client)}
    parcels = [given[1] for given in sent if given[0] is worker.grade]
    assert [[name for files, _ in parcel for name, _ in files] for parcel in parcels] == [["second.ipynb"]]
    assert [report.notebook.name for report in again["a2"].reports] == ["first.ipynb", "second.ipynb"]
    assert again["a2"].score.points == 2 and again["a1"].score.points == 0
    assert again["a1"].guards == again["a2"].guards


def test_a_worker_that_is_killed_costs_a_retry(client, tmp_path):
    place = tmp_path / "submissions"
    for n in range(8):
        notebook(place / f"a{n}.ipynb", RIGHT if n % 3 else SLOW.format(n))
    run = grade_on_cluster(works_in(place), Store(tmp_path / "graded.sqlite"), TERMS, client=client)
    graded = [next(run)]
    workers = client.run(os.getpid)
    os.kill(next(iter(workers.values())), signal.SIGKILL)
    graded += run
    assert _points(graded) == {f"a{n}": 2 if n % 3 else 0 for n in range(8)} and len(graded) == 8
    assert not any(one.problem for one in graded)


def _points(graded) -> dict[str, float]:
    return {one.work.learner: one.score.points for one in graded}


def test_walls_are_asked_for_where_the_answers_run(client, address, tmp_path, monkeypatch):
    place = tmp_path / "submissions"
    notebook(place / "a1.ipynb", RIGHT)
    monkeypatch.setattr(class_command, "guards_of", lambda start: ())  # none here: it does not matter
    common = (place, "--scheduler", address, "--untrusted", "--seed", 1, "--out")
    with starter() as start:
        if not missing(guards_of(start)):
            assert course_grade(*common, tmp_path / "walled")[0] == 0
    client.run(_lower_walls)
    try:
        code, said = course_grade(*common, tmp_path / "open")
    finally:
        client.run(_raise_walls)
    assert code == 1 and "Not graded: on the worker" in said and "cannot shut a learner's process off from" in said
    assert not (tmp_path / "open" / "grades.csv").exists()


def _lower_walls():
    from course_lib.grading import worker

    weak = Judge(start=None)
    weak.__dict__["guards"] = ("limits",)  # as if they had been asked for
    worker.judge_of_before, worker._judge = worker._judge, weak


def _raise_walls():
    from course_lib.grading import worker

    worker._judge = worker.judge_of_before


def test_a_worker_with_another_workbook_does_not_grade(client, tmp_path, monkeypatch):
    monkeypatch.setattr(worker, "workbook_key", lambda: "another")
    works = [Work("a1", "a1.ipynb", 0.0, (notebook(tmp_path / "a1.ipynb", RIGHT),))]
    with pytest.raises(ClusterError, match=r"another version of the workbook.*Install the same"):
        list(grade_on_cluster(works, Store(tmp_path / "graded.sqlite"), TERMS, client=client))


def test_what_fails_on_a_worker_is_said(client, tmp_path, monkeypatch):
    monkeypatch.setattr(worker, "grade", _broken)
    works = [Work("a1", "a1.ipynb", 0.0, (notebook(tmp_path / "a1.ipynb", RIGHT),))]
    with pytest.raises(ClusterError, match=r"cannot grade: ModuleNotFoundError: No module named 'x'\. Scheduler and"):
        list(grade_on_cluster(works, Store(tmp_path / "graded.sqlite"), TERMS, client=client))


def _broken(*_):
    raise ModuleNotFoundError("No module named 'x'")


class Deadly(distributed.WorkerPlugin):
    """Lets a worker die of notebooks called bad.ipynb, also one that was started again."""

    name = "deadly"

    def setup(self, worker):
        from course_lib.grading import cohort

        harmless = cohort.grade_notebook

        def deadly(path, *given, **more):
            return os.kill(os.getpid(), signal.SIGKILL) if path.name == "bad.ipynb" else harmless(path, *given, **more)

        cohort.grade_notebook = deadly


def test_a_work_that_kills_its_workers_is_found(client, tmp_path):
    """The last one here: workers that are starting again take seconds."""
    works = [Work(name, name, 0.0, (notebook(tmp_path / f"{name}.ipynb", RIGHT),)) for name in ("a1", "bad", "a2")]
    client.register_plugin(Deadly())
    run = grade_on_cluster(works, Store(tmp_path / "graded.sqlite"), TERMS, client=client)
    graded = {one.work.learner: one for one in run}
    assert _points(graded.values()) == {"a1": 2, "a2": 2, "bad": 0}
    assert "the judge's own process ended" in graded["bad"].problem


def test_a_cluster_without_workers(tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "WORKERS_SECONDS", 0.5)
    with (
        distributed.LocalCluster(n_workers=0, processes=True, dashboard_address=":0") as empty,
        pytest.raises(ClusterError, match=r"has had no workers for 0.5 s. Start some .*: dask worker tcp://"),
        connect(empty.scheduler_address),
    ):
        raise AssertionError("connected")


def test_a_cluster_that_goes_away(tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "GLANCE_SECONDS", 0.2)
    works = [Work("a1", "a1.ipynb", 0.0, (notebook(tmp_path / "a1.ipynb", RIGHT),))]
    store = Store(tmp_path / "graded.sqlite")
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "1s"}),  # a client tries for so long to come back
        distributed.LocalCluster(n_workers=0, dashboard_address=":0") as empty,
        distributed.Client(empty) as client,
    ):
        with monkeypatch.context() as patched, pytest.raises(ClusterError, match="has had no workers"):
            patched.setattr(cluster, "WORKERS_SECONDS", 0.5)
            next(grade_on_cluster(works, store, TERMS, client=client))
        going = threading.Timer(0.5, lambda: empty.sync(empty.scheduler.close))
        going.start()
        with pytest.raises(ClusterError, match=r"scheduler is gone\. What was graded is kept"):
            next(grade_on_cluster(works, store, TERMS, client=client))
        going.join()


@pytest.mark.parametrize("wrong", ["", "nonsense", "xyz://a:1", "tcp://127.0.0.1:99999", "127.0.0.1:{}"])
def test_no_scheduler_there(wrong, tmp_path):
    notebook(tmp_path / "submissions" / "a1.ipynb", RIGHT)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = taken.getsockname()[1]
    began = time.monotonic()
    arguments = (tmp_path / "submissions", "--out", tmp_path / "out", "--scheduler", wrong.format(free))
    code, said = course_grade(*arguments)
    assert code and "No Dask scheduler answers at" in said and "Traceback" not in said
    assert time.monotonic() - began < 8


def test_without_dask(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    notebook(tmp_path / "submissions" / "a1.ipynb", RIGHT)
    arguments = (tmp_path / "submissions", "--out", tmp_path / "out")
    code, said = course_grade(*arguments, "--scheduler", "tcp://127.0.0.1:8786")
    assert code == 1 and "needs Dask, which is not installed here" in said and "[cluster]" in said


# ---- parts


def test_parts_are_the_class():
    names = [f"a{n}" for n in range(10)]
    works = [Work(name, f"{name}--{n}.zip", 0.0, ()) for name in reversed(names[:8]) for n in (1, 2)]
    roster = Roster(("id",), {name: {"id": name} for name in names[1:]})
    parts = [Shard(number, 4).part(works, roster) for number in (1, 2, 3, 4)]
    assert sorted(work.name for part, _ in parts for work in part) == sorted(work.name for work in works)
    assert sorted(name for _, part in parts for name in part.rows) == names[1:]
    for part, some in parts:
        here = {work.learner for work in part} | set(some.rows)
        assert len(here) in (2, 3) and all(work in part for work in works if work.learner in here)
    assert Shard(2, 4).part(list(reversed(works)), roster)[0] == list(reversed(parts[1][0]))


@pytest.mark.parametrize("wrong", ["5/4", "0/4", "1", "1/", "a/b", "1/0", "-1/4", "1.0/4", "1/4/2"])
def test_a_part_that_is_none(wrong, tmp_path):
    code, said = course_grade(tmp_path, "--seed", 1, f"--shard={wrong}")
    assert code == 2 and "names no part. Of four parts, the first is 1/4" in said


def test_parts_draw_the_same_cases(tmp_path):
    notebook(tmp_path / "a1.ipynb", RIGHT)
    code, said = course_grade(tmp_path, "--shard", "1/2")
    assert code == 2 and "--shard needs --seed" in said


def test_parts_are_put_together(tmp_path, monkeypatch):
    place, roster = tmp_path / "submissions", tmp_path / "class.csv"
    for n in range(3):
        notebook(place / f"a{n}.ipynb", RIGHT if n else WRONG)
    roster.write_text("id\na0\na1\na2\na3\n")
    common = (place, "--roster", roster, "--jobs", 1, "--out")
    for n in (1, 2):
        assert course_grade(*common, tmp_path / f"part{n}", "--seed", 7, "--shard", f"{n}/2")[0] == 0
    assert [learners(tmp_path / f"part{n}") for n in (1, 2)] == [["a0", "a2"], ["a1", "a3"]]
    monkeypatch.setattr(cohort.ChildRunner, "load", _not_again)
    monkeypatch.setattr(cohort, "guards_of", lambda start: ())
    code, said = course_grade(*common, tmp_path / "all", "--from", tmp_path / "part1", "--from", tmp_path / "part2")
    assert code == 0, said
    with (tmp_path / "all" / "grades.csv").open(encoding="utf-8", newline="") as file:
        together = {row["learner"]: row["start.gate"] for row in csv.DictReader(file)}
    assert together == {"a0": "0", "a1": "2", "a2": "2", "a3": ""} and "handed in nothing: 1" in said


def _not_again(*_, **__):
    raise AssertionError("an answer is run though its row is known")


def test_parts_that_do_not_go_together(tmp_path):
    notebook(tmp_path / "submissions" / "a1.ipynb", RIGHT)
    for seed in (1, 2):
        Store(tmp_path / f"part{seed}" / "graded.sqlite").seed(seed)
    both = ("--from", tmp_path / "part1", "--from", tmp_path / "part2")
    code, said = course_grade(tmp_path / "submissions", "--out", tmp_path / "out", *both)
    assert code == 1 and "do not have one seed (1, 2)" in said
    code, said = course_grade(tmp_path / "submissions", "--out", tmp_path / "out", "--seed", 3, *both[:2])
    assert code == 1 and "do not have one seed (1, 3)" in said
    code, said = course_grade(tmp_path / "submissions", "--out", tmp_path / "out", "--from", tmp_path)
    assert code == 1 and "There is no graded.sqlite in" in said


def test_a_notebook_of_the_workbook_is_no_class(tmp_path):
    one = notebook(tmp_path / "a1.ipynb", RIGHT)
    for option in (("--scheduler", "tcp://a:1"), ("--shard", "1/2"), ("--from", tmp_path)):
        code, said = course_grade(one, *option)
        assert code == 2 and "are for a class" in said
