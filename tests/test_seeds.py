import io
import random

import numpy as np
import pytest
import torch

from course_lib.seeds import random_state, seed_everything, seeded, set_random_state


def draw() -> tuple[float, float, float]:
    """One number from each global generator."""
    return random.random(), float(np.random.rand()), torch.rand(()).item()


def test_a_seed_repeats_every_generator():
    own = seed_everything(3)
    first, of_own = draw(), torch.rand((), generator=own)
    own = seed_everything(np.int64(3))
    assert draw() == first
    assert torch.rand((), generator=own) == of_own
    seed_everything(4)
    assert not set(draw()) & set(first)


@pytest.mark.parametrize("seed", [-1, 2**32, 0.5, "0", None, True])
def test_what_is_no_seed_is_refused(seed):
    before = torch.get_rng_state()
    with pytest.raises(ValueError, match="a seed is a whole number"):
        seed_everything(seed)
    assert torch.equal(torch.get_rng_state(), before)


def test_seeded_leaves_no_trace_even_after_an_error():
    seed_everything(0)
    expected = [draw(), draw()]
    seed_everything(0)
    first = draw()
    with pytest.raises(KeyError), seeded(7):
        inside = draw()
        raise KeyError
    assert [first, draw()] == expected
    seed_everything(7)
    assert inside == draw()


def test_the_random_state_survives_a_file_that_is_read_safely():
    seed_everything(5)
    torch.randn(3), np.random.randn()  # a normal number is drawn in pairs: the second one is part of the state
    file = io.BytesIO()
    torch.save(random_state(), file)
    expected = draw(), np.random.randn()
    seed_everything(6)
    set_random_state(torch.load(io.BytesIO(file.getvalue()), weights_only=True))
    assert (draw(), np.random.randn()) == expected
