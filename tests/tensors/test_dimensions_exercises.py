"""What the exercises of 1.1 promise beyond right answers and known mistakes."""

import numpy as np
import pytest
import torch

from course_lib.exercises import feedback, get
from course_lib.exercises.judge import Verdict, judge
from course_lib.exercises.run import HereRunner
from course_lib.notebooks.files import right_answer


def verdict_on(id: str, **functions) -> Verdict:
    """The verdict on these functions, the others of the exercise being right."""
    namespace: dict = {}
    exec(right_answer(id), namespace)
    right = {asked.name: namespace[asked.name] for asked in get(id).asked}
    return judge(get(id), HereRunner(right | functions))


def words(verdict: Verdict) -> str:
    """What the learner is told, in one line."""
    return " ".join(feedback.words(verdict).split())


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
    found = verdict_on("tensors.framework", bridge=bridge)
    assert found.status == "passed", words(found)


def test_a_bridge_to_numpy_is_told_what_is_asked_for():
    found = verdict_on("tensors.framework", bridge=lambda a: (a, a.copy()))
    assert "bridge should return two tensors" in words(found)
    assert "Does it end in `return`?" in words(verdict_on("tensors.framework", bridge=lambda a: None))


def test_a_wrong_copy_beside_nothing_shared_is_refused():
    def flipped_back(a):
        if any(stride < 0 for stride in a.strides):
            return None, torch.from_numpy(a[::-1].copy())
        return torch.from_numpy(a), torch.tensor(a)

    found = verdict_on("tensors.framework", bridge=flipped_back)
    assert found.points == 2 and "copied holds other numbers" in words(found)


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

    assert "your shape is a number" in words(verdict_on("tensors.dimensions", describe=describe))
