import pytest
import torch
from torch.testing import assert_close

from course_lib.batches import Batches


def test_a_pass_reads_every_row_once_in_an_order_of_its_own():
    batches = Batches(torch.arange(10), torch.arange(10) * 2, 4, seed=1)
    passes = [[(inputs, targets) for (inputs,), targets in batches] for _ in range(3)]
    assert len(batches) == 3
    for one in passes:
        assert [len(inputs) for inputs, _ in one] == [4, 4, 2]
        assert sorted(torch.cat([inputs for inputs, _ in one]).tolist()) == list(range(10))
        assert all(torch.equal(inputs * 2, targets) for inputs, targets in one)
    orders = [torch.cat([inputs for inputs, _ in one]).tolist() for one in passes]
    assert len(set(map(tuple, orders))) == 3
    again = [torch.cat([inputs for (inputs,), _ in batches.again()]).tolist() for _ in range(2)]
    assert again == [orders[0], orders[0]]


def test_rows_stay_as_they_stand_without_shuffling():
    inputs = torch.arange(5), torch.arange(5) + 1
    (first, second), targets = next(iter(Batches(inputs, torch.arange(5), 3, shuffle=False)))
    assert_close([first, second, targets], [torch.arange(3), torch.arange(3) + 1, torch.arange(3)])


@pytest.mark.parametrize(
    "inputs, targets, size, says",
    [
        (torch.ones(3), torch.ones(4), 1, r"the same number of rows, at least one, not \[3, 4\]"),
        ((torch.ones(3), torch.ones(2)), torch.ones(3), 1, "the same number of rows"),
        (torch.ones(0), torch.ones(0), 1, "at least one"),
        (torch.ones(3), torch.ones(3), 0, "batch_size must be a whole number from 1, not 0"),
        (torch.ones(3), torch.ones(3), 1.5, "batch_size must be a whole number from 1"),
    ],
)
def test_batches_that_cannot_be_are_refused(inputs, targets, size, says):
    with pytest.raises(ValueError, match=says):
        Batches(inputs, targets, size)
