"""What the exercise of 1.4 promises beyond right answers and known mistakes."""

import pytest
import torch

from course_lib.device import device as our_device
from course_lib.tensors.exercises.devices.machines import MACHINES, found_on
from tests.exercises.verdicts import said, verdict_on


def by_kind(obj, device):
    match obj:
        case torch.Tensor():
            return torch.empty_like(obj, device=device).copy_(obj)
        case dict():
            return dict(zip(obj, map(lambda item: by_kind(item, device), obj.values()), strict=True))
        case list():
            return [by_kind(item, device) for item in obj]
        case tuple():
            return tuple([by_kind(item, device) for item in obj])
        case _:
            return obj


def by_pytorchs_own_trees(obj, device):
    from torch.utils._pytree import tree_map

    return tree_map(lambda leaf: leaf.to(device) if isinstance(leaf, torch.Tensor) else leaf, obj)


@pytest.mark.parametrize("to_device", [by_kind, by_pytorchs_own_trees])
def test_there_is_more_than_one_way_to_pack(to_device):
    found = verdict_on("tensors.devices", to_device=to_device)
    assert found.status == "passed", said("tensors.devices", to_device=to_device)


def by_counting():
    if torch.cuda.device_count():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def by_the_accelerator():
    found = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    return found or torch.device("cpu")


def by_what_it_was_built_for():
    if torch.backends.cuda.is_built() and torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_built() and torch.mps.device_count() else "cpu")


def with_a_number():
    if torch.cuda.is_available():
        return torch.device("cuda:0")
    return torch.device("mps", 0) if torch.mps.is_available() else torch.device("cpu")


@pytest.mark.parametrize("best_device", [by_counting, by_the_accelerator, by_what_it_was_built_for, with_a_number])
def test_there_is_more_than_one_way_to_ask(best_device):
    if best_device is with_a_number and not hasattr(torch.mps, "is_available"):
        pytest.skip("an older PyTorch")
    found = verdict_on("tensors.devices", best_device=best_device)
    assert found.status == "passed", said("tensors.devices", best_device=best_device)


def test_ours_finds_the_device_too(monkeypatch):
    monkeypatch.delenv("COURSE_DEVICE", raising=False)
    found = [found_on(our_device, machine) for machine in MACHINES]
    assert [one["kind of device"] for one in found] == ["cpu", "cuda", "mps", "cuda"]
    assert not any(one["use of a card"] for one in found)


def by_sending(kind):
    """Whether something can be put there."""
    try:
        torch.zeros(1).to(kind)
    except Exception:
        return False
    return True


def by_trying_one_after_the_other():
    return torch.device(next(kind for kind in ("cuda", "mps", "cpu") if by_sending(kind)))


def by_trying_cuda_alone():
    try:
        torch.zeros(1).cuda()
    except (RuntimeError, AssertionError):
        return torch.device("cpu")
    return torch.device("cuda")


def by_trying_a_layer():
    try:
        return next(torch.nn.Linear(1, 1).to("cuda:0").parameters()).device
    except (RuntimeError, AssertionError):
        return torch.device("cpu")


@pytest.mark.parametrize("best_device", [by_trying_one_after_the_other, by_trying_cuda_alone, by_trying_a_layer])
def test_to_try_is_told_apart_from_not_to_ask(best_device):
    told = said("tensors.devices", best_device=best_device)
    assert "Do you ask what PyTorch says is available, or try it out?" in told


def test_what_pytorch_was_built_for_says_nothing_of_a_card():
    def best_device():
        return torch.device("cuda" if torch.backends.cuda.is_built() else "mps")

    told = said("tensors.devices", best_device=best_device)
    assert "no graphics card" in told and "your kind of device came out as 'cuda', wanted 'cpu'" in told


def test_a_text_is_no_device():
    told = said("tensors.devices", best_device=lambda: "cuda" if torch.cuda.is_available() else "cpu")
    assert "best_device should return a torch.device, and returned a text: torch.device('cpu') is one" in told


def test_one_machine_forgotten_is_told_by_its_device():
    told = said("tensors.devices", best_device=lambda: torch.device("cuda" if torch.cuda.is_available() else "cpu"))
    assert "an Apple GPU" in told and "'mps'" in told


def test_a_number_is_no_device():
    assert "best_device should return a torch.device, and returned an int" in said(
        "tensors.devices", best_device=lambda: 0
    )


def test_a_container_may_come_back_only_anew():
    def lazy(obj, device):
        moved = by_kind(obj, device)
        return moved if isinstance(obj, torch.Tensor) or "meta" not in str(moved) else {**moved, "x": obj["x"]}

    def keeps_what_has_no_tensor(obj, device):
        if isinstance(obj, list | dict) and not obj:
            return obj
        if isinstance(obj, list):
            return [keeps_what_has_no_tensor(item, device) for item in obj]
        return by_kind(obj, device)

    assert verdict_on("tensors.devices", to_device=lazy).status == "failed"
    assert "your use of the old containers came out as True" in said(
        "tensors.devices", to_device=keeps_what_has_no_tensor
    )
