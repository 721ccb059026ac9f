"""The graph engine: against eager torch, run by run."""

import itertools
from collections import Counter

import pytest
import torch

from course_lib.tensors.autodiff import gradients
from course_lib.tensors.digits_network import digits_batch
from course_lib.tensors.graph import Graph, Session, ancestors, one_by_one
from course_lib.tensors.operations import CONSTANT, OPERATIONS
from course_lib.tensors.optimise import optimise
from course_lib.tensors.schedule import Workers, bounds, schedule


def loss(x, t, W1, b1, W2, b2):
    """Cross-entropy of a network with two layers; written once, for tensors and for nodes."""
    logits = (x @ W1 + b1).tanh() @ W2 + b2  # (batch, 10)
    return -(logits.log_softmax(dim=1) * t).sum(dim=1).mean()


@pytest.fixture(scope="module")
def digits():
    return digits_batch(128)


def weights() -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    shapes = (64, 16), (16,), (16, 10), (10,)
    return [torch.randn(shape, generator=generator) / 8 for shape in shapes]


def training_graph():
    graph = Graph()
    x, t = graph.placeholder("x", (None, 64)), graph.placeholder("t", (None, 10))
    variables = [graph.variable(f"w{n}", value) for n, value in enumerate(weights())]
    value = loss(x, t, *variables)
    steps = [w.assign(w - 0.5 * dw) for w, dw in zip(variables, gradients(value, variables), strict=True)]
    return graph, x, t, variables, value, graph.group(steps, "step")


@pytest.mark.parametrize("run_nodes", [one_by_one, Workers(1), Workers(3)])
def test_training_on_the_digits_is_that_of_eager_torch(digits, run_nodes):
    graph, x, t, variables, value, step = training_graph()
    theirs = [w.requires_grad_() for w in weights()]
    with Session(graph, run_nodes) as session:
        session.run(graph.initializer)
        for _ in range(10):
            ours, nothing = session.run([value, step], {x: digits[0], t: digits[1]})
            expected = loss(*digits, *theirs)
            with torch.no_grad():
                for w, dw in zip(theirs, torch.autograd.grad(expected, theirs), strict=True):
                    w -= 0.5 * dw
            torch.testing.assert_close(ours, expected.detach())
            assert nothing is None
        for variable, w in zip(variables, theirs, strict=True):
            torch.testing.assert_close(session.values[variable], w.detach())


def test_an_eager_graph_has_its_values_at_once(digits):
    graph = Graph(eager=True)
    ours = [graph.constant(value) for value in (*digits, *weights())]
    theirs = [w.requires_grad_() for w in weights()]
    value, expected = loss(*ours), loss(*digits, *theirs)
    assert float(value) == pytest.approx(expected.item())
    for node, dw in zip(gradients(value, ours[2:]), torch.autograd.grad(expected, theirs), strict=True):
        torch.testing.assert_close(node.value, dw)
    with pytest.raises(ValueError, match="has no holes"):
        graph.placeholder("x", ())


INPUTS = {"divide": [(2, 3), (3,)], "matmul": [(2, 3), (3, 4)], "log_softmax": [(2, 3)], "unsqueeze": [(2, 3)]}
OPTIONS = {"log_softmax": {"dim": 1}, "unsqueeze": {"dim": 1}}
TWO = ("add", "subtract", "multiply", "divide", "matmul", "expand_like", "sum_like", "where_positive")
DIFFERENTIABLE = [name for name, operation in OPERATIONS.items() if operation.backward]


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_gradients_are_those_of_autograd(name):
    shapes = INPUTS.get(name) or ([(2, 3), (1, 3)] if name in TWO else [(2, 3)])
    shapes = shapes[::-1] if name == "expand_like" else shapes
    generator = torch.Generator().manual_seed(1)
    values = [torch.rand(shape, generator=generator, dtype=torch.float64) + 0.5 for shape in shapes]
    graph = Graph(eager=True)
    nodes = [graph.constant(value) for value in values]
    y = graph.apply(name, *nodes, **OPTIONS.get(name, {}))
    weight = graph.constant(torch.rand(y.value.shape, generator=generator, dtype=torch.float64))

    def function(*inputs):
        return (OPERATIONS[name].forward(*inputs, **OPTIONS.get(name, {})) * weight.value).sum()

    ours = gradients((y * weight).sum(), nodes)
    theirs = torch.autograd.functional.jacobian(function, tuple(values))
    for node, expected in zip(ours, theirs, strict=True):
        torch.testing.assert_close(node.value, expected)


@pytest.mark.parametrize("name", ["sum", "mean"])
@pytest.mark.parametrize("options", [{}, {"dim": 0}, {"dim": -1}, {"dim": 1, "keepdim": True}])
def test_gradients_along_an_axis_are_those_of_autograd(name, options):
    graph, value = Graph(eager=True), torch.arange(6.0).reshape(2, 3)
    node = graph.constant(value)
    (ours,) = gradients((graph.apply(name, node, **options) * 3.0).sum(), [node])
    theirs = torch.autograd.functional.jacobian(lambda x: (getattr(x, name)(**options) * 3.0).sum(), value)
    torch.testing.assert_close(ours.value, theirs)


def test_a_dimension_goes_to_an_operation_by_name_and_alone():
    node = Graph(eager=True).constant(torch.ones(2, 3))
    with pytest.raises(TypeError, match="by its name, such as dim=1"):
        node.sum(1)
    with pytest.raises(TypeError, match="dim is one axis here"):
        node.mean(dim=(0, 1))


def test_nothing_comes_back_through_a_relu_that_is_shut_not_even_from_infinity():
    graph = Graph(eager=True)
    x = graph.constant([-1.0, 0.0, 2.0])
    assert gradients(x.relu().log().sum(), [x])[0].value.tolist() == [0.0, 0.0, 0.5]


def test_gradients_pass_through_an_assignment():
    graph = Graph()
    a, w = graph.constant(3.0), graph.variable("w", torch.tensor(0.0))
    (da,) = gradients(w.assign(a * a) * 2.0, [a])
    with Session(graph) as session:
        assert session.run(da) == 12
    eager = Graph(eager=True)
    with pytest.raises(ValueError, match="nothing is assigned"):
        eager.variable("w", torch.tensor(0.0)).assign(1.0)


def test_gradients_have_gradients():
    graph = Graph(eager=True)
    x = graph.constant(torch.tensor(0.7, dtype=torch.float64))
    (first,) = gradients(x.tanh(), [x])
    (second,) = gradients(first, [x])
    tanh = torch.tanh(x.value)
    torch.testing.assert_close(second.value, -2 * tanh * (1 - tanh**2))


def test_what_a_result_does_not_depend_on_has_gradient_zero():
    graph = Graph(eager=True)
    a, b = graph.constant([1.0, 2.0]), graph.constant([3.0])
    assert gradients(a.sum(), [b])[0].value.tolist() == [0.0]


def counted(graph) -> Counter:
    """Counts how often each node of a run is computed."""
    counts = Counter()

    def run_nodes(order, known):
        counts.update(order)
        return one_by_one(order, known)

    return counts, Session(graph, run_nodes)


def test_a_run_computes_what_is_needed_once():
    graph = Graph()
    a, b = graph.placeholder("a", ()), graph.placeholder("b", ())
    both = a + b
    square, other = both * both, b * 2
    counts, session = counted(graph)
    assert session.run({"square": square, "again": square}, {a: 1.0, b: 2.0}) == {"square": 9.0, "again": 9.0}
    assert counts[both] == counts[square] == 1 and other not in counts
    assert session.run(a * 2, {a: 4.0}) == 8  # b is not needed, so it is not asked for
    assert session.run((a, other), {a: 1.0, b: 3.0}) == (1, 6)


def test_a_long_chain_runs():
    graph = Graph()
    node = graph.constant(0.0)
    one = graph.constant(1.0)
    for _ in range(3000):
        node = node + one
    with Session(graph) as session:
        assert session.run(node) == 3000


def test_feeds_are_checked_and_not_remembered():
    graph = Graph()
    x = graph.placeholder("x", (None, 3))
    with Session(graph) as session:
        assert session.run(x.sum(), {x: torch.ones(0, 3)}) == 0
        for wrong in (torch.ones(3), torch.ones(2, 4), 1.0):
            with pytest.raises(ValueError, match="'x' takes shape"):
                session.run(x.sum(), {x: wrong})
        with pytest.raises(ValueError, match="'x' needs a value"):
            session.run(x.sum())


def test_variables_belong_to_the_session_and_change_at_the_end_of_a_run():
    graph = Graph()
    start = torch.zeros(())
    n = graph.variable("n", start)
    start += 5  # the graph has a copy
    count = n.assign_add(1.0)
    with Session(graph) as one, Session(graph) as two:
        with pytest.raises(RuntimeError, match="'n' has no value in this session"):
            one.run(n)
        for session in (one, two):
            session.run(graph.initializer)
        assert one.run([n, count]) == [0, 1]
        assert one.run([n, count]) == [1, 2]
        assert one.run(n) == 2 and two.run(n) == 0
    with pytest.raises(RuntimeError, match="closed"):
        one.run(n)


def test_what_becomes_of_a_result_changes_nothing_in_the_session():
    graph = Graph()
    w, c = graph.variable("w", torch.zeros(2)), graph.constant([1.0, 1.0])
    with Session(graph) as session:
        session.run(graph.initializer)
        for value in session.run({"w": w, "c": c}).values():
            value += 5
        assert session.run(w).tolist() == [0, 0] and session.run(c).tolist() == [1, 1]


def test_only_placeholders_are_fed():
    graph = Graph()
    x = graph.placeholder("x", ())
    double, w = x * 2.0, graph.variable("w", torch.tensor(0.0))
    with Session(graph) as session:
        for node in (double, w):
            with pytest.raises(ValueError, match="is no placeholder, so it cannot be fed"):
                session.run(double, {x: 1.0, node: 7.0})


def test_what_has_no_value_says_so():
    graph, other = Graph(), Graph()
    node = graph.constant(1.0) + 1
    with pytest.raises(TypeError, match="run it in a session"):
        float(node)
    with pytest.raises(TypeError, match="no `if`"):
        bool(node)
    with pytest.raises(ValueError, match="another graph"):
        node + other.constant(1.0)
    with pytest.raises(ValueError, match="another graph"):
        Session(other).run(node)
    with pytest.raises(AttributeError, match="its operations are add"):
        _ = node.cosh


def test_a_product_is_one_of_matrices():
    graph = Graph(eager=True)
    matrix, vector = graph.constant(torch.ones(2, 2)), graph.constant(torch.ones(2))
    for a, b in ((matrix, vector), (vector, matrix), (vector, vector)):
        with pytest.raises(ValueError, match="two matrices"):
            a @ b


def test_a_tensor_stands_on_either_side_of_a_node():
    graph, left = Graph(eager=True), torch.arange(6.0).reshape(2, 3)
    node = graph.constant(torch.arange(3.0).reshape(3, 1))
    assert torch.equal((left @ node).value, left @ node.value)
    assert torch.equal((left - node.T).value, left - node.value.T)


def test_a_constant_remembers_nothing_of_what_it_was_made_of():
    weight = torch.ones(2, requires_grad=True)
    assert not Graph().constant(weight * 2).options["value"].requires_grad


def test_asking_for_the_initializer_again_makes_no_more_nodes():
    graph = Graph()
    n = graph.variable("n", torch.tensor(0.0))
    first, own, count = graph.initializer, n.initializer, len(graph.nodes)
    assert graph.initializer is first and n.initializer is own and len(graph.nodes) == count
    graph.variable("m", torch.tensor(0.0))
    assert graph.initializer is not first


def test_a_variable_that_is_only_assigned_is_optimised_along():
    graph = Graph()
    w = graph.variable("w", torch.tensor(1.0))
    for fetch in (w.assign(graph.constant(2.0) + 3.0), w.initializer):
        smaller = optimise(graph, [fetch])
        with Session(smaller.graph) as session:
            wanted = session.run(smaller.nodes[fetch])
            assert session.values[smaller.nodes[w]] == wanted


def test_constants_of_any_dtype_are_merged():
    graph = Graph()
    total = graph.constant(torch.ones(3, dtype=torch.bfloat16)) + graph.constant(torch.ones(3, dtype=torch.bfloat16))
    assert len(optimise(graph, [total]).merged) == 1


def test_optimising_keeps_every_bit_with_fewer_nodes():
    graph = Graph()
    a, b = graph.placeholder("a", (None,)), graph.placeholder("b", (None,))
    result = (a + b) * (b + a) + graph.constant(2.0) * graph.constant(3.0)
    unused = a - b
    smaller = optimise(graph, [result])
    assert unused in smaller.pruned and len(smaller.folded) == 1 and len(smaller.merged) == 1
    assert len(smaller.graph.nodes) == len(ancestors([smaller.nodes[result]])) == 6  # a, b, a + b, its square, 6, +
    feeds = torch.randn(50), torch.randn(50)
    with Session(graph) as before, Session(smaller.graph) as after:
        expected = before.run(result, dict(zip((a, b), feeds, strict=True)))
        found = after.run(smaller.nodes[result], dict(zip((smaller.nodes[a], smaller.nodes[b]), feeds, strict=True)))
    assert torch.equal(found, expected)


def test_optimising_leaves_alone_what_is_not_the_same():
    graph = Graph()
    a, b = graph.placeholder("a", ()), graph.placeholder("b", ())
    n = graph.variable("n", torch.tensor(2.0))
    noise, more = graph.apply("random_normal", shape=(2,)), graph.apply("random_normal", shape=(2,))
    wanted = [a - b, b - a, n * 2, noise, more, a.unsqueeze(dim=0), graph.constant(1), graph.constant(1.0)]
    smaller = optimise(graph, wanted)
    kept = [smaller.nodes[node] for node in wanted]
    assert len(set(kept)) == len(wanted) and not smaller.folded and not smaller.merged
    assert smaller.nodes[wanted[2]].operation is not CONSTANT


def test_optimised_training_is_the_same(digits):
    graph, x, t, variables, value, step = training_graph()
    smaller = optimise(graph, [value, step])
    assert smaller.merged
    ends = []
    for which, of in ((graph, {}), (smaller.graph, smaller.nodes)):
        with Session(which) as session:
            session.run(which.initializer)
            for _ in range(3):
                session.run(of.get(step, step), {of.get(x, x): digits[0], of.get(t, t): digits[1]})
            ends.append([session.values[of.get(w, w)] for w in variables])
    assert all(torch.equal(a, b) for a, b in zip(*ends, strict=True))


def wide_graph(width: int, depth: int):
    graph = Graph()
    ends = []
    for _ in range(width):
        node = graph.placeholder(f"x{len(ends)}", ())
        for _ in range(depth):
            node = node.tanh()
        ends.append(node)
    total = ends[0]
    for end in ends[1:]:
        total = total + end
    return graph, total


@pytest.mark.parametrize("width, depth, workers", list(itertools.product([1, 2, 5], [1, 4], [1, 2, 8])))
def test_a_schedule_keeps_its_rules(width, depth, workers):
    _, total = wide_graph(width, depth)
    order = ancestors([total])
    durations = {node: 1.0 + n % 3 for n, node in enumerate(order)}
    slots = schedule([total], durations, workers)
    assert slots.keys() == set(order)
    for node, slot in slots.items():
        assert slot.start >= max((slots[before].end for before in node.inputs), default=0)
    ends = max(slot.end for slot in slots.values())
    shared, critical = bounds([total], durations, workers)
    assert ends >= max(shared, critical) - 1e-9
    if workers >= len(order):
        assert ends == pytest.approx(critical)
    for moment in {slot.start for slot in slots.values()}:
        busy = [slot.worker for slot in slots.values() if slot.start <= moment < slot.end]
        assert len(set(busy)) == len(busy) <= workers
        ready = [n for n, s in slots.items() if s.start > moment and all(slots[b].end <= moment for b in n.inputs)]
        assert len(busy) == workers or not ready


def test_workers_say_who_did_what_when():
    graph, total = wide_graph(3, 2)
    workers = Workers(2)
    feeds = {node: 0.5 for node in graph.nodes if node.name.startswith("x")}
    with Session(graph, workers) as session:
        assert session.run(total, feeds) == pytest.approx(3 * torch.tensor(0.5).tanh().tanh().item())
    assert {slot.worker for slot in workers.slots.values()} <= {0, 1}
    for node, slot in workers.slots.items():
        assert all(workers.slots[before].end <= slot.start for before in node.inputs if before in workers.slots)


@pytest.mark.parametrize("make", [lambda: Workers(0), lambda: schedule([], {}, 0)])
def test_nobody_to_work_is_refused(make):
    with pytest.raises(ValueError, match="worker"):
        make()
