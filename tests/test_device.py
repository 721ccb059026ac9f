import pytest
import torch

from course_lib import device as machine
from course_lib.device import Machine, device, profile, start, use_threads


@pytest.fixture(autouse=True)
def as_before(monkeypatch):
    """The profile and the threads are the process's own: put them back."""
    monkeypatch.setattr(machine, "_profile", "quick")
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def test_the_best_device_is_taken_unless_another_is_named(monkeypatch):
    monkeypatch.delenv("COURSE_DEVICE", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert device() == torch.device("cpu")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert device() == torch.device("mps")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert device() == torch.device("cuda")
    monkeypatch.setenv("COURSE_DEVICE", "cuda:1")
    assert device() == torch.device("cuda", 1)
    monkeypatch.setenv("COURSE_DEVICE", "cpu")
    assert device() == torch.device("cpu")


@pytest.mark.parametrize("name", ["cuda", "gpu", "cpu:1", "cuda:0", "cpu:x"])
def test_a_device_that_is_not_there_is_named_in_a_sentence(name, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setenv("COURSE_DEVICE", name)
    with pytest.raises(ValueError, match=f"COURSE_DEVICE is '{name}', but there is only: cpu"):
        device()


def test_one_thread_unless_told_otherwise(monkeypatch):
    monkeypatch.delenv("COURSE_THREADS", raising=False)
    assert use_threads() == torch.get_num_threads() == 1
    monkeypatch.setenv("COURSE_THREADS", "2")
    assert use_threads() == torch.get_num_threads() == 2


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5"])
def test_threads_that_cannot_be_are_refused(text, monkeypatch):
    monkeypatch.setenv("COURSE_THREADS", text)
    with pytest.raises(ValueError, match="COURSE_THREADS must be a whole number from 1"):
        use_threads()


def test_start_seeds_and_remembers_the_profile(monkeypatch):
    monkeypatch.setenv("COURSE_DEVICE", "cpu")
    assert profile() == "quick"
    found = start("study", seed=4)
    assert (profile(), found.profile, found.seed, found.device.type) == ("study", "study", 4, "cpu")
    drawn = torch.rand(2)
    assert torch.equal(torch.rand(2, generator=torch.Generator().manual_seed(4)), drawn)


@pytest.mark.parametrize("wrong", [{"profile": "huge"}, {"profile": None}, {"seed": -1}])
def test_a_start_that_fails_changes_nothing(wrong):
    before = torch.get_rng_state()
    with pytest.raises(ValueError, match=r"there is no profile|a seed is"):
        start(**{"profile": "study", "seed": 0} | wrong)
    assert profile() == "quick"
    assert torch.equal(torch.get_rng_state(), before)


def test_an_unknown_profile_is_told_which_there_are():
    with pytest.raises(ValueError, match=r"no profile 'huge'.*'quick'.*'study'.*'gpu'"):
        start("huge")


def test_the_machine_describes_itself_in_four_lines(monkeypatch):
    monkeypatch.setenv("COURSE_DEVICE", "cpu")
    text = repr(start())
    assert [line.split()[0] for line in text.splitlines()] == ["device", "threads", "profile", "torch"]
    assert "cpu: " in text and " GiB" in text and torch.__version__ in text
    card = Machine(torch.device("cuda"), "A card", 16 * 2**30, 8, 1, "gpu", 0, "2.6")
    assert "cuda: A card, 16 GiB" in str(card) and "slow" not in str(card)
    without = Machine(torch.device("cpu"), "A processor", 8 * 2**30, 8, 1, "gpu", 0, "2.6")
    assert "slow without a GPU" in str(without)
