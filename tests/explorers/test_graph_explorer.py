import itertools

import numpy as np
import pytest
import torch

from course_lib.figures.dataflow import Box, Dataflow
from course_lib.figures.graph_run import GRAPH_BOTTOM, GRAPH_TOP, HEIGHT, WIDTH
from course_lib.figures.layering import layered
from course_lib.figures.page import add_page
from course_lib.figures.style import new_figure
from course_lib.tensors.digits_network import digits_batch, training_step, two_layers
from course_lib.tensors.explorers import graph_views
from course_lib.tensors.explorers.graph import ALL, RUNS, GraphExplorer, hole_prediction, hole_state
from course_lib.tensors.explorers.graph_views import BACKWARD, OPTIMISED, SKIPPED, VIEWS, WORKERS
from course_lib.tensors.explorers.scene import DIGITS, feeds_of, inputs_of, number, scene
from course_lib.tensors.graph import Graph, Session, ancestors
from course_lib.tensors.timing import durations_of

FEEDS = "a = 0.5, 2; b = 1.5; c = 3"
EXPRESSIONS = (
    "(a + b) * tanh(b + a) + 2 * 3",
    "relu(a - b) ** 2 / c",
    "mean((a * b - c) ** 2)",
    "-exp(-a) + log(b + c) * sum(a)",
    "sigmoid(a) / (1 + sigmoid(a * c)) - b",
)
CROWDED = (
    "+".join(["tanh(a)*b"] * 12),
    "*".join("abcdefghijklmnopqrst"),
    "a*(b+a*(b+a*(b+a*(b+a*(b+a*(b+a*(b+a)))))))",
    "((a+b)*(c+a)-(b+a)/(c*c))*(tanh(a*b)+sigmoid(c/a))-exp(a)",
)


def data_of(**state):
    explorer = GraphExplorer(**state)
    explorer.look()
    return explorer.data


def by_torch(expression: str) -> torch.Tensor:
    functions = {name: getattr(torch, name) for name in ("exp", "log", "relu", "sigmoid", "sum", "mean", "tanh")}
    return eval(expression, functions, feeds_of(FEEDS))


# ---- what is computed


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_the_value_is_that_of_torch_and_the_derivatives_are_autograds(expression):
    data = data_of(expression=expression, feeds=FEEDS, view=BACKWARD, step=ALL)
    assert np.allclose(data["value"], by_torch(expression).tolist(), rtol=1e-6)
    assert data["autograd_gap"] < 1e-5 and data["done"] == data["steps"] == len(data["names"])
    assert set(data["gradients"]) == set(expression) & set("abc")


def test_a_run_goes_from_the_inputs_on_and_takes_each_node_once():
    for expression in EXPRESSIONS:
        data = data_of(expression=expression, feeds=FEEDS, step=ALL)
        assert len(set(data["ran"])) == len(data["ran"]) == data["steps"]
        place = {name: n for n, name in enumerate(data["ran"])}
        for name, taken in zip(data["names"], data["inputs"], strict=True):
            assert all(place[data["names"][before]] < place[name] for before in taken)
        assert [line[0] for line in data["log"]] == [str(n) for n in range(1, data["steps"] + 1)]


def test_a_step_shows_what_has_run_and_no_more():
    for step in range(4):
        data = data_of(step=step)
        assert sum(bool(shape) for shape in data["shapes"]) == len(data["log"]) == step
        assert data["status"].count("now") == min(step, 1)


def test_what_the_fetched_node_does_not_need_is_skipped_and_may_stay_empty():
    state = {"expression": "(a + b) * c + exp(a)", "feeds": "a = 1, 2; b = 3", "fetch": 4}
    explorer = GraphExplorer(view=SKIPPED, step=ALL, **state)
    explorer.look()
    data = explorer.data
    assert data["ran"] == ["a", "b", "add_0"] and data["unfed"] == ["c"] and data["value"] == [4.0, 5.0]
    assert data["skipped"] == ["c", "multiply_0", "exp_0", "add_1"] and "c may be left empty" in explorer.status
    explorer.set(fetch=0)
    assert "'c'" in explorer.notice.replace("&#x27;", "'") and explorer.data is data  # the last picture stays


def test_the_optimiser_folds_merges_and_prunes():
    data = data_of(view=OPTIMISED, step=ALL)
    assert (len(data["names"]), data["left"]) == (10, 7)
    assert data["folded"] == ["multiply_1"] and data["merged"] == ["add_1"] and data["pruned"] == []
    assert data["links"] == [(data["names"].index("add_1"), data["names"].index("add_0"))]
    part = data_of(view=OPTIMISED, fetch=1, step=ALL)  # 2 * 3 alone
    assert len(part["pruned"]) == 7 and part["left"] == 1
    assert data_of(view=OPTIMISED, expression="a", step=ALL)["says"].startswith("1 node becomes 1,")


def test_a_derivative_is_the_sum_of_what_comes_from_its_users():
    data = data_of(view=BACKWARD, expression="a * a + tanh(a * b)", feeds="a = 1; b = 0.5", step=ALL)
    last = data["log"][-1]
    slope = 0.5 * (1 - np.tanh(0.5) ** 2)
    assert last[1] == f"dL/da = {number(2 + slope)}"
    assert last[3] == f"1 from multiply_0 + 1 from multiply_0 + {number(slope)} from multiply_1"


@pytest.mark.parametrize("nudge, by", [(0, 0.05), (1, -0.05)])
def test_a_small_nudge_moves_the_result_as_the_derivative_promised(nudge, by):
    data = data_of(expression="a * a + tanh(a * b)", feeds="a = 1, 2; b = 0.5", nudge=nudge, nudge_by=by)
    assert data["happened"] == pytest.approx(data["promised"], rel=0.1) and data["promised"] != 0


def test_without_a_leaf_there_is_nothing_to_nudge():
    data = data_of(expression="2 * 3", nudge_by=0.5, step=ALL)
    assert data["value"] == 6 and data["promised"] == data["happened"] == 0
    explorer = GraphExplorer(expression="a * 2 + b", fetch=1, nudge_by=0.5)  # b alone
    explorer.look()
    assert "b does not need it" in explorer.status


def test_workers_share_the_operations():
    for workers in (1, 2, 3):
        data = data_of(view=WORKERS, workers=workers, step=ALL)
        who = [status for status in data["status"] if isinstance(status, int)]
        assert len(who) == 6 and set(who) == set(range(min(workers, 3)))


# ---- the network on the digits


def test_the_digits_network_is_that_of_eager_torch():
    x, targets = digits_batch(32)
    data = data_of(graph=DIGITS, view=BACKWARD, step=ALL)
    graph = Graph(eager=True)
    logits, loss = two_layers(graph, graph.constant(x), graph.constant(targets), 16)
    expected = torch.nn.functional.cross_entropy(logits.value, targets.argmax(dim=1))
    assert float(loss) == pytest.approx(expected.item()) == pytest.approx(data["value"])
    assert data["autograd_gap"] < 1e-6 and set(data["gradients"]) == {"x", "t", "W1", "b1", "W2", "b2"}
    assert data["names"][-1] == "loss" and logits.name == "logits" in data["names"]


def test_a_training_step_learns():
    made = training_step()
    feeds = dict(zip((made.x, made.targets), digits_batch(64), strict=True))
    with Session(made.graph) as session:
        session.run(made.graph.initializer)
        losses = [session.run([made.loss, made.step], feeds)[0].item() for _ in range(20)]
    assert losses[-1] < losses[0] / 2


# ---- the picture


@pytest.mark.parametrize("inputs", [
    *(scene("your expression", text).inputs for text in (*EXPRESSIONS, *CROWDED)),
    scene(DIGITS, "").inputs,
    inputs_of(ancestors([training_step().step])),
])  # fmt: skip
def test_no_edge_runs_through_a_node_and_none_leaves_the_page(inputs):
    figure = new_figure(WIDTH, HEIGHT)
    place = Dataflow(figure, add_page(figure), 10, GRAPH_TOP, WIDTH - 10, GRAPH_BOTTOM)
    place.show(inputs, [Box("+")] * len(inputs), [["#555555"] * len(taken) for taken in inputs])
    boxes = np.array([(*outline.min(axis=0), *outline.max(axis=0)) for outline in place.sheet.outlines()])
    assert boxes[:, :2].min() >= 10 - 1 and boxes[:, 2].max() <= WIDTH - 9 and boxes[:, 3].max() <= GRAPH_BOTTOM + 1
    for a, b in itertools.combinations(boxes, 2):
        assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
    for (n, k), route in place.sheet.routes.items():
        fine = np.concatenate([np.linspace(p, q, 8) for p, q in itertools.pairwise(route)])
        assert fine[:, 1].min() >= 0 and fine[:, 1].max() <= GRAPH_BOTTOM + 8
        for other, (left, top, right, bottom) in enumerate(boxes):
            if other not in (n, inputs[n][k]):
                inside = (fine > [left + 1, top + 1]).all(axis=1) & (fine < [right - 1, bottom - 1]).all(axis=1)
                assert not inside.any(), f"the edge into {n} runs through {other}"


def test_each_node_stands_to_the_right_of_its_inputs():
    for text in (*EXPRESSIONS, *CROWDED):
        inputs = scene("your expression", text).inputs
        columns = layered(inputs).columns
        assert all(columns[before] < columns[n] for n, taken in enumerate(inputs) for before in taken)


@pytest.mark.parametrize("view", VIEWS)
def test_every_crowd_opens_in_every_view(view):
    for text in CROWDED:
        names = sorted({letter for letter in text if letter.islower()})
        feeds = "; ".join(f"{name} = 0.5" for name in names)
        explorer = GraphExplorer(expression=text, feeds=feeds, view=view, step=ALL)
        assert len(explorer.png()) <= 150_000


# ---- what is refused, and what is left alone


@pytest.mark.parametrize("state, says", [
    ({"expression": "a +"}, "no expression"),
    ({"expression": "x * y"}, "among the feeds"),
    ({"expression": "a @ b"}, "needs matrices"),
    ({"feeds": "a = one"}, "no feed"),
    ({"feeds": "a = 1, 2; b = 1, 2, 3"}, "add_0 = a + b is given the shapes (2,) and (3,): rows that meet"),
    ({"expression": "b * (a + c)", "feeds": "a = 1, 2; b = 1; c = 1, 2, 3"}, "add_0 = a + c is given the shapes"),
    ({"expression": "-a / b", "feeds": "a = 1, 2; b = 1, 2, 3"}, "divide_0 = negative_0 ÷ b is given"),
])  # fmt: skip
def test_what_cannot_run_is_told_and_the_last_picture_stays(state, says):
    explorer = GraphExplorer(step=3)
    _ = explorer.view
    before = explorer._picture.value
    explorer.set(**state)
    assert says in explorer.notice and explorer._picture.value == before
    explorer.reset()
    assert not explorer.notice


@pytest.mark.parametrize("text, feeds", [
    ("a = 1, 2; b = 0.5", {"a": [1, 2], "b": [0.5]}), ("a=1 2", {"a": [1, 2]}), ("a = 1; b =", {"a": [1]}), ("", {}),
])  # fmt: skip
def test_feeds_are_read(text, feeds):
    assert {name: row.tolist() for name, row in feeds_of(text).items()} == feeds


def test_the_digits_are_measured_once_whatever_the_expression_says(monkeypatch):
    times = []
    monkeypatch.setattr(graph_views, "durations_of", lambda *what: times.append(what) or durations_of(*what))
    graph_views._measured.cache_clear()
    for count in range(22):  # more than there is room for in the cache of expressions
        data_of(view=WORKERS, expression=f"a + {count}")
        data_of(graph=DIGITS, view=WORKERS, expression=f"a + {count}", step=ALL)
    assert len(times) == 1 and scene(DIGITS, "a") is scene(DIGITS, "b")


def test_randomness_is_left_as_it_was():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    GraphExplorer(graph=DIGITS, view=WORKERS, step=ALL).look()
    assert torch.equal(torch.rand(3), expected)


# ---- quests and the prediction


@pytest.mark.parametrize("quest, state", [
    ("hole", {"graph": DIGITS, "fetch": 4}),
    ("smaller", {"view": OPTIMISED, "expression": "(a + b) * (b + a) * (a + b) * (b + a) + 2 * 3"}),
    ("still", {"view": BACKWARD, "expression": "relu(a)", "feeds": "a = -0.5", "nudge_by": 1.0}),
])  # fmt: skip
def test_quests_can_be_done(quest, state):
    test = next(one.test for one in GraphExplorer.quests if one.id == quest)
    assert test(data_of(**state))
    assert not any(test(data_of(**opened)) for opened in (*GraphExplorer.presets, hole_state()))


def test_whether_an_empty_hole_stops_a_run_is_predicted():
    prediction = hole_prediction()
    explorer = GraphExplorer(**hole_state(), predict=prediction)
    _ = explorer.view
    assert not explorer.notice and "8" not in explorer.status and "skipped" not in explorer.data["status"]
    assert prediction.result(data_of(**hole_state() | dict(prediction.then))) == RUNS in prediction.options
