import pytest
import torch

from course_lib.claims import CLAIM, settle


@pytest.mark.parametrize(
    "found, verdict",
    [((True, True), "holds"), ((False, False), "fails"), ((True, False), "depends"), ((True,), "holds")],
)
def test_the_verdict_is_computed(found, verdict):
    claim = settle("topic#1", "it is so", {f"condition {n}": value for n, value in enumerate(found)})
    assert claim.verdict == verdict
    assert str(claim).endswith(f"→ {verdict}")
    assert claim._repr_mimebundle_()[CLAIM]["verdict"] == verdict


def test_tensors_of_one_bool_count():
    assert settle("topic#1", "it is so", {"x": torch.tensor(3.0) > 2}).verdict == "holds"


def test_a_claim_needs_a_condition():
    with pytest.raises(ValueError, match="at least one condition"):
        settle("topic#1", "it is so", {})


@pytest.mark.parametrize("value", [1, 0.5, "yes", None])
def test_a_condition_is_true_or_false(value):
    with pytest.raises(TypeError, match="true or false"):
        settle("topic#1", "it is so", {"x": value})
