"""What torch.compile costs: the arithmetic, and the record that section 1.3 plots."""

import math

import pytest
import torch

from course_lib.results import load_result
from course_lib.tensors.compiling import WORK, Cost, cpp_compiler, measure, measure_afresh, record_graphs


def test_compiling_pays_after_what_it_cost_is_saved():
    assert Cost(first_eager=1.0, first_compiled=11.0, eager=0.3, compiled=0.1).pays_after == pytest.approx(51)
    assert Cost(first_eager=1.0, first_compiled=11.0, eager=0.1, compiled=0.3).pays_after == math.inf
    assert Cost(first_eager=1.0, first_compiled=0.5, eager=0.2, compiled=0.1).pays_after == 1
    cost = Cost(first_eager=1.0, first_compiled=11.0, eager=0.3, compiled=0.1)
    later = cost.pays_after - 1  # calls after the first
    assert cost.first_eager + later * cost.eager == pytest.approx(cost.first_compiled + later * cost.compiled)


@pytest.mark.parametrize("name", WORK)
def test_each_piece_of_work_can_be_compiled_whole(name):
    function, inputs = WORK[name]()
    torch._dynamo.reset()
    compiled = torch.compile(function, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(*inputs), function(*inputs))


def branch(x):
    return 2 * x if x.sum() > 0 else -x


def test_a_branch_breaks_the_graph():
    up, down = torch.ones(2), -torch.ones(2)
    results, counts, graphs = record_graphs(branch, [up, down, up])
    assert counts == [2, 3, 3] and graphs[1:] == ["mul", "neg"]
    assert all(torch.equal(y, branch(x)) for y, x in zip(results, [up, down, up], strict=True))
    with pytest.raises(torch._dynamo.exc.Unsupported, match="Data-dependent branching"):
        record_graphs(branch, [up], fullgraph=True)
    assert not [name for name in globals() if name.startswith("__builtins_dict")], "names are left behind"


def test_the_first_call_is_the_long_one():
    torch._dynamo.reset()
    cost = measure(lambda x: x.sin() + 1, (torch.ones(3),), backend="eager", rounds=2)
    assert cost.first_compiled > cost.compiled > 0 and cost.eager > 0


def test_the_compiler_is_the_one_that_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    assert cpp_compiler() is None
    mine = tmp_path / "my-c++"
    mine.touch(mode=0o755)
    monkeypatch.setenv("CXX", str(mine))
    assert cpp_compiler() == str(mine)


def test_the_record_is_of_this_work():
    work = load_result("1.3_compile").values["work"]
    assert list(work) == list(WORK)
    runs = [run for kinds in work.values() for kind in kinds.values() for run in kind]
    assert all(set(run) == set(Cost.__annotations__) for run in runs)


@pytest.mark.slow
def test_one_pass_over_memory_gains_again():
    if not cpp_compiler():
        pytest.skip("torch.compile needs a C++ compiler")
    afresh, again = measure_afresh("twenty operations in a row")
    assert afresh.eager > 2 * afresh.compiled
    assert afresh.first_compiled > 10 * afresh.first_eager and again.eager > 2 * again.compiled
