"""Where tensors live and how many threads work on them; the profile that a notebook runs under."""

import os
import platform
from dataclasses import dataclass
from pathlib import Path

import torch
from joblib import cpu_count

from course_lib.seeds import seed_everything

PROFILES = {
    "quick": "small trainings, seconds each",
    "study": "longer trainings, minutes each",
    "gpu": "the larger models",
}
_profile = "quick"


def device() -> torch.device:
    """The best device there is: cuda, else mps, else cpu; the environment variable COURSE_DEVICE names another.

    Raises:
        ValueError: COURSE_DEVICE names no device, or one that is not there.
    """
    there = ["cpu"]
    if torch.backends.mps.is_available():
        there.insert(0, "mps")
    if torch.cuda.is_available():
        there.insert(0, "cuda")
    wanted = os.environ.get("COURSE_DEVICE") or there[0]
    kind, _, index = wanted.partition(":")
    if kind not in there or (index and not index.isdecimal()) or int(index or 0) >= _count(kind):
        raise ValueError(f"COURSE_DEVICE is {wanted!r}, but there is only: {', '.join(there)}. Change or unset it.")
    return torch.device(wanted)


def profile() -> str:
    """The profile that `start` was called with: quick, study or gpu."""
    return _profile


def use_threads() -> int:
    """Give PyTorch one thread, or as many as the environment variable COURSE_THREADS says.

    The models here are small. On an idle machine a second thread gains little, on a busy one it costs a lot.

    Returns:
        the number of threads

    Raises:
        ValueError: COURSE_THREADS is not a whole number from 1.
    """
    text = os.environ.get("COURSE_THREADS") or "1"
    if not text.isdecimal() or int(text) < 1:
        raise ValueError(f"COURSE_THREADS must be a whole number from 1, not {text!r}")
    torch.set_num_threads(int(text))
    return int(text)


@dataclass(frozen=True)
class Machine:
    """What a notebook runs on.

    Attributes:
        device: where tensors live.
        name: the processor or the graphics card.
        memory: of that device, in bytes.
        cores: processor cores that this process may use.
        threads: threads that PyTorch uses on the processor.
        profile: quick, study or gpu.
        seed: of all randomness.
        torch: PyTorch's version.
    """

    device: torch.device
    name: str
    memory: int
    cores: int
    threads: int
    profile: str
    seed: int
    torch: str

    def __str__(self) -> str:
        slow = ", which will be slow without a GPU" if self.profile == "gpu" and self.device.type == "cpu" else ""
        return "\n".join(
            [
                f"device   {self.device}: {self.name}, {self.memory / 2**30:.0f} GiB",
                f"threads  {self.threads}, on {self.cores} cores",
                f"profile  {self.profile}: {PROFILES[self.profile]}{slow}; seed {self.seed}",
                f"torch    {self.torch}",
            ]
        )

    __repr__ = __str__


def start(profile: str = "quick", seed: int = 0) -> Machine:
    """Begin a notebook: set the profile, the threads and the seed, and say what it runs on.

    Args:
        profile: quick (seconds), study (minutes) or gpu (the larger models).
        seed: of all randomness, see `seed_everything`.

    Raises:
        ValueError: an unknown profile, an impossible seed, or environment variables that say what cannot be.
    """
    global _profile
    if profile not in PROFILES:
        known = "; ".join(f"{name!r}: {meaning}" for name, meaning in PROFILES.items())
        raise ValueError(f"there is no profile {profile!r}. Choose one of these: {known}.")
    place, threads = device(), use_threads()
    seed_everything(seed)
    _profile = profile
    name, memory = _describe(place)
    return Machine(place, name, memory, cpu_count(), threads, profile, int(seed), torch.__version__)


def _count(kind: str) -> int:
    return torch.cuda.device_count() if kind == "cuda" else 1


def _describe(place: torch.device) -> tuple[str, int]:
    """A device's name, and its memory in bytes."""
    if place.type == "cuda":
        card = torch.cuda.get_device_properties(place)
        return card.name, card.total_memory
    if place.type == "mps":
        return "Apple GPU", torch.mps.recommended_max_memory()
    import psutil  # comes with ipykernel

    return _processor(), psutil.virtual_memory().total


def _processor() -> str:
    """The processor's name; Linux keeps it in a file, elsewhere Python knows it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
