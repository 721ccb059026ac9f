import torch

from course_lib.datasets.wine import load_wine


def test_it_is_scikit_learns_wine_in_its_order():
    wine = load_wine()
    assert wine.x.shape == (178, 13) and wine.x.dtype == torch.float32 and wine.x.isfinite().all()
    assert wine.y.bincount().tolist() == [59, 71, 48] and torch.equal(wine.y, wine.y.sort().values)
    assert wine.x[0, 0].item() == torch.tensor(14.23).item() and wine.x[0, -1] == 1065
    assert len(wine.features) == len(set(wine.features)) == 13 and wine.features[-1] == "proline"
    assert wine.classes == ("A", "B", "C")
