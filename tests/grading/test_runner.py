"""The process in which answers run: what dies or hangs there costs its own exercise and nothing else."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time

import psutil
import pytest
import torch

from course_lib.exercises.run import Call, Outcome, Problem
from course_lib.exercises.source import Cell, extract
from course_lib.grading import children, wire
from course_lib.grading import runner as runner_module
from course_lib.grading.children import ForkServer, StartError, can_fork, spawn
from course_lib.grading.programs import hidden_folders
from course_lib.grading.runner import ChildRunner
from course_lib.grading.sandbox import NAME, Limits
from tests.exercises.verdicts import call_once

WAYS = ["spawned", *(["forked"] if can_fork() else [])]


@pytest.fixture(scope="module", params=WAYS)
def start(request):
    """How children are started: by themselves, or forked by a server and walled in."""
    if request.param == "spawned":
        yield spawn
    else:
        with ForkServer(Limits(), hidden_folders()) as server:
            yield server.start


@pytest.fixture(scope="module")
def child(start):
    with ChildRunner(start) as runner:
        yield runner


def descendants() -> set[int]:
    """The processes below this one that answers run in, whether they were forked or started by themselves."""
    below = psutil.Process().children(recursive=True)
    return {p.pid for p in below if p.name() == NAME or "course_lib.grading.child" in p.cmdline()}


def run(child: ChildRunner, source: str, *inputs, seconds: float = 5.0, imports: str = ""):
    """Load an answer with a function `f` and call it once."""
    cells = [Cell.read("cell 1", imports), Cell.read("cell 2", source)]
    child.load(extract(cells, ["f"], homes=[1]), seconds=seconds)
    return call_once(child, "f", *inputs, seconds=seconds)


def test_values_go_in_and_come_out(child):
    inputs = (torch.arange(6.0).reshape(2, 3).T, "text", [1, (2.5, None)], {"a": True})
    outcome = run(child, "def f(*inputs):\n    return inputs", *inputs)
    assert outcome.problem is None
    assert torch.equal(outcome.value[0], inputs[0]) and outcome.value[1:] == inputs[1:]


def test_the_child_is_another_process_that_takes_no_gradient_and_one_thread(child):
    source = "def f():\n    return os.getpid(), torch.get_num_threads(), os.listdir('.')"
    pid, threads, here = run(child, source, imports="import os, torch").value
    assert pid != os.getpid() and threads == 1 and here == []


def test_what_an_answer_writes_cannot_get_into_the_conversation(child):
    source = (
        "def f():\n    print('said')\n    os.write(1, b'raw' * 10_000)\n    os.write(2, b'raw')\n"
        "    os.system('echo loud; cat')\n    sys.__stdout__.write('more')\n    return os.read(0, 10)"
    )
    outcome = run(child, source + ".decode()", imports="import os, sys")
    assert outcome.value == "" and outcome.printed == "said\n"


def test_what_is_printed_is_cut(child):
    outcome = run(child, "def f():\n    for n in range(100_000): print('x' * 100)")
    assert outcome.value is None and len(outcome.printed) == 2000


@pytest.mark.parametrize(
    ("source", "imports", "message"),
    [
        ("def f(x=1 / 0):\n    return 1", "", "ZeroDivisionError: division by zero (while it was read)"),
        ("def f():\n    return nothing.x", "import nothing", "ModuleNotFoundError: No module named 'nothing' (while"),
        ("f = 3", "", "The notebook defines no function f."),
    ],
)
def test_an_answer_that_cannot_be_loaded(child, source, imports, message):
    outcome = run(child, source, imports=imports)
    assert outcome.problem.message.startswith(message)


def test_a_child_that_dies_is_replaced(child):
    run(child, "def f():\n    return 1")
    before = descendants()
    outcome = run(child, "def f():\n    os._exit(3)", imports="import os")
    assert (outcome.problem.kind, outcome.problem.message) == ("died", "ended the whole process that it ran in")
    assert call_once(child, "f").problem.kind == "died"  # nothing more is asked of this answer
    assert run(child, "def f():\n    return 1").value == 1
    assert descendants().isdisjoint(before)


def test_a_child_that_cannot_be_interrupted_from_inside_is_killed(child, monkeypatch):
    monkeypatch.setattr(runner_module, "GRACE_SECONDS", 0.3)
    source = "def f():\n    signal.signal(signal.SIGALRM, signal.SIG_IGN)\n    while True: pass"
    began = time.monotonic()
    outcome = run(child, source, seconds=0.3, imports="import signal")
    assert outcome.problem.kind == "time" and "had to be killed" in outcome.problem.message
    assert time.monotonic() - began < 5


def test_a_stopped_child_is_killed_too_and_another_asked(child, monkeypatch):
    run(child, "def f():\n    return 1")
    monkeypatch.setattr(runner_module, "GRACE_SECONDS", 2)
    stopped = descendants()
    for process in stopped:
        os.kill(process, signal.SIGSTOP)
    assert call_once(child, "f", seconds=1).value == 1
    assert descendants().isdisjoint(stopped)


DEAF = "signal.signal(signal.SIGALRM, signal.SIG_IGN)\n        while True: pass"


@pytest.mark.parametrize("ending", ["os._exit(0)", DEAF])
def test_what_came_before_an_end_is_known_however_quickly_it_came(child, ending, monkeypatch):
    monkeypatch.setattr(runner_module, "GRACE_SECONDS", 0.3)
    monkeypatch.setattr(runner_module, "PATIENCE", 60)  # no reply leaves the first child
    source = f"seen = []\ndef f(n):\n    seen.append(n)\n    if n == 3:\n        {ending}\n    return len(seen)"
    child.load(extract([Cell.read("cell 1", "import os, signal"), Cell.read("cell 2", source)], ["f"], [1]), seconds=5)
    outcomes = list(child.run(tuple(Call("f", (n,)) for n in range(6)), seconds=0.5, whole=5))
    assert [outcome.value for outcome in outcomes] == [1, 2, 3, None]
    assert outcomes[-1].problem.kind in ("died", "time")


def test_an_end_that_comes_sooner_the_second_time_is_told(child, monkeypatch):
    """As where memory is short: the first child tells two results and dies, the second dies at once."""
    before = iter([2, 0])

    def ends(*_):
        yield from map(Outcome, range(next(before)))
        child._cut_off = True
        yield Outcome(problem=Problem("died", "it is said"))

    monkeypatch.setattr(child, "_run", ends)
    child.load(extract([Cell.read("cell 1", "def f(n):\n    return n")], ["f"], [0]), seconds=5)
    outcomes = list(child.run(tuple(Call("f", (n,)) for n in range(6)), seconds=5, whole=5))
    assert [outcome.value for outcome in outcomes] == [0, 1, None] and outcomes[-1].problem.kind == "died"


def test_the_same_reply_is_the_same_outcome_and_a_long_one_is_not_kept(child):
    source = "def f(n):\n    return torch.zeros(n)"
    first, again = (run(child, source, 3, imports="import torch") for _ in range(2))
    assert first is again
    first, again = (run(child, source, 3000, imports="import torch") for _ in range(2))
    assert first is not again and torch.equal(first.value, again.value)


def test_loading_the_ways_to_start_a_process_loads_no_pytorch():
    """PyTorch takes seconds, which the process that is started early is to spend while this one does."""
    code = "import sys\nimport course_lib.grading.children\nprint('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_an_endless_top_level_definition_is_stopped(child):
    outcome = run(child, "class f:\n    while True: pass", seconds=0.3)
    assert outcome.problem.kind == "time" and outcome.problem.line == 2


@pytest.mark.parametrize(
    "forged",
    [bytes([255] * wire.LENGTHS.size), wire.LENGTHS.pack(2, 0) + b"{}", wire.LENGTHS.pack(12, 0) + b'{"pickle":1}'],
)
def test_a_forged_message_ends_the_child_not_the_judge(child, forged):
    source = (
        "def f():\n    for descriptor in range(3, 20):\n        try:\n"
        f"            os.write(descriptor, {forged!r})\n        except OSError:\n            pass\n    return 1"
    )
    outcome = run(child, source, imports="import os")
    assert outcome.problem and outcome.problem.kind == "died"


def test_each_answer_starts_with_a_fresh_module(child):
    assert run(child, "def f():\n    globals()['left'] = 1\n    return 1").value == 1
    assert "NameError" in run(child, "def f():\n    return left").problem.message


@pytest.mark.skipif(not can_fork(), reason="there is no server here")
def test_what_optimisers_import_is_loaded_once_for_the_answers_after_the_first():
    training = (
        "import sys\nimport torch\n\n\ndef f():\n    there = 'torch._dynamo' in sys.modules\n"
        "    w = torch.ones(1, requires_grad=True)\n    optimiser = torch.optim.SGD([w], lr=0.25)\n"
        "    w.sum().backward()\n    optimiser.step()\n    return there, w.item()"
    )
    with ForkServer(Limits(), hidden_folders()) as server:
        found = []
        for _ in range(2):
            with ChildRunner(server.start) as runner:
                found.append(run(runner, training, seconds=60).value)
    assert [weight for _, weight in found] == [0.75, 0.75]
    assert found[1][0]  # the first may find it loaded too, by an earlier test


def test_closing_leaves_no_process_thread_or_folder_behind(start, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    threads, processes = set(threading.enumerate()), descendants()
    with ChildRunner(start) as runner:
        assert run(runner, "def f():\n    return 1").value == 1
        assert descendants() > processes and len(list(tmp_path.iterdir())) == 1
    assert not list(tmp_path.iterdir())
    for thread in set(threading.enumerate()) - threads:
        thread.join(timeout=5)
        assert not thread.is_alive()
    deadline = time.monotonic() + 5
    while descendants() != processes and time.monotonic() < deadline:
        time.sleep(0.05)
    assert descendants() == processes


@pytest.mark.parametrize("way", WAYS)
def test_a_child_that_cannot_start_says_so(monkeypatch, way):
    monkeypatch.setattr(children.sys, "executable", "/bin/false")
    monkeypatch.setattr(children, "zygote", children.Zygote())
    with ForkServer(Limits()) as server:
        start = server.start if way == "forked" else spawn
        with ChildRunner(start) as runner, pytest.raises(StartError, match="get no process"):
            run(runner, "def f():\n    return 1")
