import nbformat
import pytest
import torch

from course_lib.claims import CLAIM, settle, settled


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


def test_the_ledger_is_read_from_saved_notebooks(tmp_path):
    claims = [settle("a#1", "it holds", {"x": True}), settle("a#2", "it fails", {"x": False, "y": False})]
    outputs = [nbformat.v4.new_output("execute_result", claim._repr_mimebundle_()) for claim in claims]
    cells = [nbformat.v4.new_markdown_cell("# 1.1 A title"), nbformat.v4.new_code_cell("settle(...)", outputs=outputs)]
    (tmp_path / "01_room").mkdir()
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "01_room" / "1.1.ipynb")
    ledger = settled(tmp_path)
    assert [claim.verdict for _, _, claim in ledger.rows] == ["holds", "fails"]
    (row,) = ledger.only("fails").rows
    assert row == ("01_room/1.1.ipynb", "1.1 A title", claims[1])
    page = ledger.only("fails")._repr_markdown_()
    assert "[1.1 A title](01_room/1.1.ipynb)" in page and "it fails" in page and "it holds" not in page
    assert "None so far" in ledger.only("depends")._repr_markdown_()
