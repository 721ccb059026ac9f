"""What the exercises of 1.1 promise beyond right answers and known mistakes."""

import numpy as np
import pytest
import torch

from tests.exercises.verdicts import said, verdict_on


def shares_nothing_of_what_runs_backwards(a):
    if any(stride < 0 for stride in a.strides):
        return None, torch.tensor(a.copy())
    return torch.from_numpy(a), torch.tensor(a)


def refuses_in_its_own_words(a):
    if any(stride < 0 for stride in a.strides):
        raise ValueError("a negative stride cannot be shared")
    return torch.from_numpy(a), torch.from_numpy(a.copy())


def by_as_tensor(a):
    return [torch.as_tensor(a), torch.from_numpy(a).clone()]


@pytest.mark.parametrize("bridge", [shares_nothing_of_what_runs_backwards, refuses_in_its_own_words, by_as_tensor])
def test_there_is_more_than_one_right_bridge(bridge):
    assert verdict_on("tensors.framework", bridge=bridge).status == "passed", said("tensors.framework", bridge=bridge)


def test_a_bridge_to_numpy_is_told_what_is_asked_for():
    assert "bridge should return two tensors" in said("tensors.framework", bridge=lambda a: (a, a.copy()))
    assert "Does it end in `return`?" in said("tensors.framework", bridge=lambda a: None)


WRONG_BESIDE_NOTHING_SHARED = {
    "copied holds other numbers": lambda a: torch.from_numpy(a[::-1].copy()),
    "copied is float32, where a is int64": lambda a: torch.from_numpy(a.copy()).float(),
}


@pytest.mark.parametrize("told", WRONG_BESIDE_NOTHING_SHARED)
def test_a_wrong_copy_beside_nothing_shared_is_refused(told):
    def bridge(a):
        if any(stride < 0 for stride in a.strides):
            return None, WRONG_BESIDE_NOTHING_SHARED[told](a)
        return torch.from_numpy(a), torch.tensor(a)

    assert verdict_on("tensors.framework", bridge=bridge).points == 2
    assert told in said("tensors.framework", bridge=bridge)


def by_way_of_dlpack(a):
    return torch.utils.dlpack.from_dlpack(a), torch.from_dlpack(a).clone()


def test_what_would_end_python_is_told():
    found = verdict_on("tensors.framework", bridge=by_way_of_dlpack)
    assert found.points == 2 and found.symptom.startswith("torch.from_dlpack")
    assert "torch.from_dlpack ends the whole of Python" in said("tensors.framework", bridge=by_way_of_dlpack)

    def asks_first(a):
        shared = None if any(stride < 0 for stride in a.strides) else torch.from_dlpack(a)
        return shared, torch.from_dlpack(a.copy())

    assert verdict_on("tensors.framework", bridge=asks_first).status == "passed"


def test_a_capital_t_is_recognised():
    found = said("tensors.framework", bridge=lambda a: (torch.as_tensor(a), torch.Tensor(a)))
    assert "torch.tensor, with a small t, always copies and keeps the type." in found


def test_stacking_needs_no_memory():
    def as_views(x, sizes):
        return x.expand(*reversed(sizes), *x.shape)

    def by_unsqueeze(x, sizes):
        for size in sizes:
            x = x.unsqueeze(0).repeat_interleave(size, dim=0)
        return x

    for stack_up in (as_views, by_unsqueeze):
        assert verdict_on("tensors.dimensions", stack_up=stack_up).status == "passed"


def test_the_shape_may_be_a_list():
    def describe(t):
        return np.ndim(t.numpy()), list(t.shape), t.numel(), ["scalar", "vector", "matrix", *["tensor"] * 9][t.dim()]

    assert verdict_on("tensors.dimensions", describe=describe).status == "passed"


def test_the_shape_of_a_row_is_no_number():
    def describe(t):
        return t.ndim, t.shape if t.ndim != 1 else len(t), t.numel(), "scalar"

    assert "your shape is a number" in said("tensors.dimensions", describe=describe)
