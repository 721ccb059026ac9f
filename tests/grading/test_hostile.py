"""Submissions that attack the grader: each gets nothing, harms nothing, and leaves the other exercises their points.

Every attack is bounded by itself (a few processes, some seconds, loopback only), so that a guard that fails cannot take
the machine along.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from course_lib.exercises.source import Cell, extract
from course_lib.grading import runner as runner_module
from course_lib.grading.children import ForkServer, can_fork
from course_lib.grading.grade import grade_notebook
from course_lib.grading.programs import hidden_folders
from course_lib.grading.runner import ChildRunner, guards_of
from course_lib.grading.sandbox import GUARDS, NAME, Limits, missing
from course_lib.notebooks.files import right_answers
from course_lib.paths import repository
from tests.exercises.verdicts import call_once

RIGHT = right_answers()
OTHER = "recurrent.lstm.cell-state"  # right, in the same notebook, after the attack
SMALL = Limits(seconds=20, memory=512 * 2**20, file_bytes=16 * 2**20)

pytestmark = pytest.mark.skipif(not can_fork(), reason="children are walled in on Linux only")


@pytest.fixture(scope="module")
def server():
    with ForkServer(SMALL, hidden_folders()) as server:
        yield server


@pytest.fixture(scope="module")
def walled(server):
    """All guards are in force; else what is tested here cannot hold."""
    if lacking := missing(guards_of(server.start)):
        pytest.skip(lacking)
    return server


@pytest.fixture(autouse=True)
def short_grace(monkeypatch):
    monkeypatch.setattr(runner_module, "GRACE_SECONDS", 1.0)


def attack(body: str, *, head: str = "") -> str:
    """An answer to `start.gate` that does this, and then answers rightly."""
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    return (
        f"# exercise: start.gate\nimport os, sys, time, signal, socket, gc, builtins\nimport torch\n{head}\n"
        f"def gate(x, weight, bias):\n{lines}\n    return torch.sigmoid(weight * x + bias)"
    )


def grade(tmp_path: Path, server: ForkServer, answer: str) -> tuple:
    """The rows of the attacked exercise and of the right one beside it."""
    notebook = tmp_path / "answers.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell(answer), new_code_cell(RIGHT[OTHER])]), notebook)
    with ChildRunner(server.start) as runner:
        rows = {row.exercise: row for row in grade_notebook(notebook, runner, seed=3).rows}
    return rows["start.gate"], rows[OTHER]


HARMFUL = {  # what costs its own exercise the points
    "an endless loop": ("while True: pass", "still running"),
    "an endless loop that hides from alarms": (
        "signal.signal(signal.SIGALRM, signal.SIG_IGN)\nwhile True: pass", "had to be killed"),
    "sleeping": ("time.sleep(60)", "still running"),
    "all memory in one piece": ("torch.zeros(4 * 2**30).sum()", "allocate memory"),
    "all memory in many pieces": ("kept = [bytearray(2**26) for _ in range(60)]", "MemoryError"),
    "leaving by the back door": ("os._exit(0)", "ended the whole process"),
    "killing everything in reach": (
        "for pid in (os.getppid(), 1, -1):\n    try: os.kill(pid, 9)\n    except OSError: pass\nos.abort()",
        "ended the whole process"),
    "a file that fills the disk": (
        "with open('big', 'wb') as file:\n    for _ in range(64): file.write(b'x' * 2**20)", "OSError"),
    "many files that fill the disk": (
        "for n in range(64):\n    with open(f'{n}', 'wb') as file: file.write(b'x' * 2**20)", "OSError"),
    "too many open files": ("kept = [open('/dev/null') for _ in range(400)]", "Too many open files"),
    "a message of its own": (
        "for descriptor in range(3, 64):\n    try: os.write(descriptor, b'\\xff' * 64)\n    except OSError: pass",
        "sent a"),
    "a forged verdict": (
        "for descriptor in range(3, 64):\n    try: os.write(descriptor, b'\\x0d\\0\\0\\0{\"value\": 1.0}')\n"
        "    except OSError: pass", ""),
    "an exception that nobody should catch": ("raise SystemExit", "SystemExit"),
    "a crash": ("import ctypes\nctypes.string_at(0)", "ended the whole process"),
    "recursion": ("return gate(x, weight, bias)", "RecursionError"),
}  # fmt: skip


@pytest.mark.parametrize(("body", "reason"), HARMFUL.values(), ids=HARMFUL)
def test_an_attack_costs_its_own_points_and_no_others(tmp_path, walled, body, reason):
    attacked, other = grade(tmp_path, walled, attack(body))
    assert (attacked.status, attacked.points) == ("failed", 0), attacked.feedback
    assert reason in " ".join(attacked.feedback.split())
    assert other.status == "passed", other.feedback


USELESS = {  # what gains nothing: the value that comes back says whether it got in
    "the grader's folder": f"os.listdir({str(repository() / 'tests')!r})",
    "the right answers": f"open({str(repository() / 'tests/answers/4.3_lstm_gates.py')!r}).read()",
    "the exercises' own module": "__import__('course_lib.start_here.exercises.gate')",
    "the exercises' files": f"open({str(repository() / 'course_lib/start_here/exercises/gate.py')!r}).read()",
    "/etc/passwd": "open('/etc/passwd').read()",
    "/proc": "os.listdir('/proc')[0]",
    "the parent's memory": "open(f'/proc/{os.getppid()}/mem')",
    "the environment": "os.environ['COURSE_KEY']",
    "a file of the teacher's": "open('SECRET').read()",
    "writing into the libraries": "open(torch.__file__, 'a')",
    "writing at the root": "open('/left', 'w')",
    "becoming root": "os.setuid(0)",
    "another root": "os.chroot('/tmp')",
    "the network": "socket.create_connection(('127.0.0.1', PORT), timeout=1)",
    "another machine": "socket.create_connection(('10.0.0.1', 80), timeout=1)",
    "a program": "__import__('subprocess').run(['/bin/sh', '-c', 'true'], check=True)",
}  # fmt: skip


@pytest.mark.parametrize("expression", USELESS.values(), ids=USELESS)
def test_nothing_is_in_reach(walled, monkeypatch, expression, tmp_path):
    monkeypatch.setenv("COURSE_KEY", "a key")
    (tmp_path / "secret").write_text("a key")
    with socket.create_server(("127.0.0.1", 0)) as listener, ChildRunner(walled.start) as runner:
        listener.settimeout(0.1)
        expression = expression.replace("PORT", str(listener.getsockname()[1]))
        expression = expression.replace("SECRET", str(tmp_path / "secret"))
        source = f"import os, socket\nimport torch\ndef gate(x, weight, bias):\n    return str({expression})"
        runner.load(extract([Cell.read("cell 1", source)], ["gate"], [0]), seconds=5)
        outcome = call_once(runner, "gate", 1.0, 1.0, 1.0)
        assert outcome.value is None and outcome.problem.kind == "raised", outcome.value
        with pytest.raises(TimeoutError):
            listener.accept()


def test_processes_are_bounded_and_none_is_left_behind(tmp_path, walled):
    body = (
        "for _ in range(40):\n    try:\n        if os.fork() == 0:\n"
        "            os.setsid(); time.sleep(20); os._exit(0)\n    except OSError: break"
    )
    before = set(psutil.pids())
    _, other = grade(tmp_path, walled, attack(body))
    assert other.status == "passed"
    deadline = time.monotonic() + 5
    while (left := {pid for pid in set(psutil.pids()) - before if _is_left(pid)}) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not left, "processes outlive the submission that started them"


def _is_left(pid: int) -> bool:
    """Whether a process of an answer's is below this one, or below none any more; other tests have theirs."""
    try:
        process = psutil.Process(pid)
        return process.name() == NAME and (process.ppid() == 1 or os.getpid() in [p.pid for p in process.parents()])
    except psutil.Error:
        return False


FORGERIES = {  # what makes a wrong answer look right in a careless grader
    "an object that equals everything": (
        "class Yes:\n    def __eq__(self, other): return True\n    def __getattr__(self, name): return self\n"
        "    def __array__(self, *a, **k): raise SystemExit\n"
        "def gate(x, weight, bias):\n    return Yes()"
    ),
    "a tensor that equals everything": (
        "class Yes(torch.Tensor):\n    def __eq__(self, other): return torch.tensor(True)\n"
        "def gate(x, weight, bias):\n    return torch.zeros_like(x).as_subclass(Yes)"
    ),
    "torch's comparisons replaced": (
        "def gate(x, weight, bias):\n    torch.allclose = torch.equal = torch.isclose = lambda *a, **k: True\n"
        "    return torch.zeros_like(x)"
    ),
    "our comparisons replaced": (
        "def gate(x, weight, bias):\n    from course_lib.exercises import compare, judge, values\n"
        "    values.alike = values.close = judge.alike = compare.alike = lambda *a, **k: True\n"
        "    return torch.zeros_like(x)"
    ),
    "the expected results searched for in memory": (
        "def gate(x, weight, bias):\n"
        "    found = [o for o in gc.get_objects() if type(o).__name__ in ('Case', 'Exercise')]\n"
        "    return found[0].expected if found else torch.zeros_like(x)"
    ),
    "the points rewritten": (
        "def gate(x, weight, bias):\n    frame = sys._getframe()\n"
        "    while frame:\n        frame.f_globals['points'] = 1000; frame = frame.f_back\n"
        "    return torch.zeros_like(x)"
    ),
}


@pytest.mark.parametrize("answer", FORGERIES.values(), ids=FORGERIES)
def test_a_wrong_answer_stays_wrong(tmp_path, walled, answer):
    answer = f"# exercise: start.gate\nimport gc, sys\nimport torch\n{answer}"
    attacked, other = grade(tmp_path, walled, answer)
    assert (attacked.status, attacked.points) == ("failed", 0), attacked.feedback
    assert other.status == "passed", other.feedback


def test_gigabytes_of_output_are_cut(tmp_path, walled):
    attacked, other = grade(tmp_path, walled, attack("for _ in range(2000): print('x' * 100_000)"))
    assert attacked.status == "passed" and other.status == "passed"  # it printed much, and answered rightly
    assert len(attacked.feedback) < 5000


def test_a_check_cell_that_was_rewritten_changes_nothing(tmp_path, walled):
    notebook = tmp_path / "answers.ipynb"
    cells = [
        "# exercise: start.gate\ndef gate(x, weight, bias):\n    return 0",
        "def check(*_): return 'passed, 100 points'",
        "check('start.gate', gate)",
        "raise SystemExit('graded')",
    ]
    nbformat.write(new_notebook(cells=list(map(new_code_cell, cells))), notebook)
    with ChildRunner(walled.start) as runner:
        (row,) = grade_notebook(notebook, runner, seed=3).rows
    assert (row.status, row.points) == ("failed", 0)


def test_a_notebook_of_500_mb_is_a_row_with_a_reason(tmp_path, walled):
    notebook = tmp_path / "answers.ipynb"
    with notebook.open("wb") as file:
        file.truncate(500 * 2**20)  # a file with a hole takes no room
    with ChildRunner(walled.start) as runner:
        report = grade_notebook(notebook, runner, seed=3)
    assert not report.rows and "answers.ipynb has 500 MB, and at most 64 are read" in report.problem


def test_without_root_the_walls_stand_as_well():
    """A user who may make namespaces gets the same guards as root."""
    script = (
        "from course_lib.grading.children import ForkServer\n"
        "from course_lib.grading.runner import guards_of\n"
        "from course_lib.grading.sandbox import Limits\n"
        "with ForkServer(Limits()) as server: print(*guards_of(server.start))"
    )
    another_user = ["unshare", "--user", "--map-user=1234", "--map-group=1234"] if os.geteuid() == 0 else []
    command = [*another_user, sys.executable, "-c", script]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=repository(), check=False)
    if "unshare" in ran.stderr:
        pytest.skip("no namespaces of users here")
    assert ran.stdout.split() == list(GUARDS), ran.stderr


def test_a_machine_that_forbids_half_of_a_wall_grades_without_it(tmp_path):
    """As Ubuntu 24.04, and so GitHub's runners: namespaces may be made, and then nothing may be mounted in them."""
    script = (
        "import os, sys\n"
        "from course_lib.grading import sandbox\n"
        "def forbidden(*_, **__): raise PermissionError\n"
        "sandbox._mount = forbidden\n"
        "walls = sandbox.Walls(sys.argv[1], sandbox.Limits())\n"
        "for _ in range(2):\n"  # the second found no process to be had
        "    number = walls.fork()\n"
        "    if number == 0:\n"
        "        print(*walls.enter(sys.argv[1]), flush=True)\n"
        "        os._exit(0)\n"
        "    assert os.waitpid(number, 0)[1] == 0"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=repository(), check=False)
    first, second = ran.stdout.splitlines()
    assert ran.returncode == 0 and first == second, ran.stderr
    assert first in ("limits", "limits user")  # root stays root where another user could not read Python's libraries


def test_what_is_missing_is_said():
    assert missing(GUARDS) == ""
    assert "network, user" in missing(("limits", "processes", "files"))


def test_signals_reach_no_further_than_the_submission(tmp_path, walled):
    """The test's own process lives on, and so does the server."""
    seen, pids = [], (os.getpid(), os.getppid(), 1, -1)
    before = signal.signal(signal.SIGTERM, lambda *_: seen.append("SIGTERM"))
    try:
        grade(tmp_path, walled, attack(f"for pid in {pids}:\n    try: os.kill(pid, 15)\n    except OSError: pass"))
    finally:
        signal.signal(signal.SIGTERM, before)
    assert not seen and not walled._has_ended()
