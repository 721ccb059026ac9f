"""Randomness that repeats: one call seeds everything, and a context that leaves no trace."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


def seed_everything(seed: int) -> torch.Generator:
    """Seed Python's, NumPy's and PyTorch's global randomness, on every device.

    Args:
        seed: a whole number from 0 to 2**32 - 1, the range that NumPy takes.

    Returns:
        a generator of its own with the same seed, on the CPU, for code that takes one.

    Raises:
        ValueError: the seed is no such number.
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**32:
        raise ValueError(f"a seed is a whole number from 0 to {2**32 - 1}, not {seed!r}")
    seed = int(seed)
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)  # CUDA and MPS too
    return torch.Generator().manual_seed(seed)


@contextmanager
def without_trace() -> Iterator[None]:
    """Whatever is drawn inside, outside randomness goes on as if nothing had been. Also a decorator."""
    before = random_state()
    try:
        yield
    finally:
        set_random_state(before)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed everything inside, without a trace outside."""
    with without_trace():
        seed_everything(seed)
        yield


def random_state() -> dict[str, object]:
    """Where all global randomness stands, in tensors, lists and numbers that `torch.load` reads back safely."""
    kind, keys, *rest = np.random.get_state()
    state = {"python": random.getstate(), "numpy": [kind, keys.tolist(), *rest], "torch": torch.get_rng_state()}
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state_all()
    if torch.backends.mps.is_available():
        state["mps"] = torch.mps.get_rng_state()
    return state


def set_random_state(state: dict[str, object]) -> None:
    """Go back to where `random_state` stood."""
    random.setstate(state["python"])
    kind, keys, *rest = state["numpy"]
    np.random.set_state((kind, np.array(keys, dtype=np.uint32), *rest))
    torch.set_rng_state(state["torch"])
    if "cuda" in state:
        torch.cuda.set_rng_state_all(state["cuda"])
    if "mps" in state:
        torch.mps.set_rng_state(state["mps"])
