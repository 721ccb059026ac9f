import torch

from course_lib.datasets.digits import load_digits
from course_lib.tensors.digits_network import digits_batch


def test_the_digits_are_pixels_from_0_to_1_and_what_they_are():
    pixels, labels = load_digits()
    assert (pixels.shape, labels.shape) == ((1797, 64), (1797,))
    assert (pixels.min(), pixels.max()) == (0, 1) and sorted(labels.unique().tolist()) == list(range(10))
    assert load_digits()[0] is pixels, "they are read once"


def test_what_becomes_of_a_batch_changes_no_digit():
    first, targets = digits_batch(2)
    assert targets.argmax(dim=1).tolist() == [0, 1]
    wanted = first.clone()
    first.zero_()
    assert torch.equal(digits_batch(2)[0], wanted)
