"""Points of two classes in the plane."""

import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from course_lib.datasets.planes import SHAPES, load_plane


@pytest.mark.parametrize("name", SHAPES)
def test_a_plane_holds_two_equal_classes_that_neighbours_tell_apart(name):
    x, y = load_plane(name, n=400, noise=0.05, seed=3)
    assert x.shape == (400, 2) and x.dtype == torch.float32 and y.dtype == torch.int64
    assert y.sum() == 200 and 0.5 < x.abs().max() < 1.3
    fitted = KNeighborsClassifier(5).fit(x[:200], y[:200])
    assert fitted.score(x[200:], y[200:]) > 0.95
    straight = LogisticRegression(C=1e4).fit(x, y).score(x, y)
    assert straight == 1 if name == "blobs" else straight < 0.95


def test_the_same_seed_draws_the_same_points_and_leaves_randomness_as_it_was():
    state = torch.get_rng_state()
    first, again, other = (load_plane("spirals", seed=seed)[0] for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize(
    "wrong, words", [({"name": "rings"}, "circles"), ({"n": 1}, "2 points"), ({"noise": -1}, "spread")]
)
def test_bad_input_is_refused_with_a_reason(wrong, words):
    with pytest.raises(ValueError, match=words):
        load_plane(**wrong)
