"""What section 1.2 measures and draws of the engine."""

import os
import subprocess
import sys

import pytest
import torch

from course_lib.figures.tidied import draw_tidied
from course_lib.tensors.digits_network import digits_batch, training_step
from course_lib.tensors.graph import Graph
from course_lib.tensors.parallel import gain_of_workers
from course_lib.tensors.tidying import before_and_after


@pytest.fixture
def result():
    graph = Graph()
    a, b = graph.placeholder("a", (None,)), graph.placeholder("b", (None,))
    result = (a + b) * (a + b) + graph.constant(2.0, "2") * graph.constant(3.0, "3")
    _ = a - b
    return result


def test_a_graph_before_and_after_its_clean_up(result):
    before, after = before_and_after(result, (2, 1))
    assert before["status"] == ["kept"] * 3 + ["merged", "kept", "gone", "gone", "folded", "kept", "gone"]
    assert before["links"] == [(3, 2)] and after["links"] == []
    assert before["note"] == "5 operations, 2 workers: 3 turns"
    assert after["note"] == "3 operations, 1 worker: 3 turns"
    assert after["signs"] == ["a", "b", "add", "multiply", "6", "add"]
    assert before["slots"][9] is None and after["slots"][:2] == [None, None]


def test_it_can_be_drawn(result):
    figure = draw_tidied(("as written", "tidied"), before_and_after(result, (2, 1)), turn=90)
    words = {text.get_text() for text in figure.texts}
    assert {"as written", "tidied", "worker 2", "merged with its twin", "3 operations, 1 worker: 3 turns"} <= words


def test_the_gain_of_workers_on_a_chain():
    node = Graph().constant(torch.randn(60, 60))
    for _ in range(4):
        node = node @ node
    gain = gain_of_workers(node, tries=3)
    assert 0 < gain.at_once <= 1 and gain.speed_up > 0 and gain.longer > 0


def test_the_gain_of_workers_on_a_training_step():
    made = training_step()
    gain = gain_of_workers(made.step, dict(zip((made.x, made.targets), digits_batch(4), strict=True)), tries=1)
    assert 0 < gain.at_once <= 2
    assert torch.equal(made.graph.variables[1].options["initial"], torch.zeros(16))


THREADS_OF_WORKERS = """
import psutil, torch
from course_lib.tensors import schedule
from course_lib.tensors.graph import Graph, Session

torch.set_num_threads(1)
graph, counts, compute = Graph(), [], schedule.value_of
x = graph.constant(torch.randn(300, 300))
schedule.value_of = lambda *what: (compute(*what), counts.append(psutil.Process().num_threads()))[0]
before = psutil.Process().num_threads()
with Session(graph, schedule.Workers(2)) as session:
    session.run(graph.group([x @ x for _ in range(4)], "all"))
print(max(counts) - before)
"""


def test_a_worker_starts_no_threads_of_its_own():
    """Each would otherwise compute with as many threads as there are cores, whatever PyTorch was told."""
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    ran = subprocess.run([sys.executable, "-c", THREADS_OF_WORKERS], env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert int(ran.stdout) <= 2
