"""Pictures changed at random while a network learns from them."""

import torch
from torch.nn.functional import pad

from course_lib.foundations.augmentation import Augmented, half_turned, shifted


def pictures(n=500, height=5, width=7):
    return torch.rand(n, height, width, generator=torch.Generator().manual_seed(8)) + 0.1


def of(seed):
    return torch.Generator().manual_seed(seed)


def test_each_picture_goes_its_own_way_and_all_ways_are_taken():
    images = pictures()
    made = shifted(images, of(0), most=2)
    ways = {
        (down, right): pad(images, (2,) * 4)[:, 2 - down : 7 - down, 2 - right : 9 - right]
        for down in range(-2, 3)
        for right in range(-2, 3)
    }
    went = {way: (moved == made).all(dim=(1, 2)) for way, moved in ways.items()}
    assert torch.equal(sum(found.int() for found in went.values()), torch.ones(500, dtype=torch.int32))
    assert all(5 <= found.sum() <= 40 for found in went.values())  # 20 each, on average


def test_a_half_turn_is_a_half_turn_and_half_of_them_are_turned():
    images = pictures()
    made = half_turned(images, of(0))
    turned = (made == images.rot90(2, dims=(1, 2))).all(dim=(1, 2))
    assert torch.equal(~turned, (made == images).all(dim=(1, 2))) and 200 < turned.sum() < 300


def test_batches_are_changed_anew_in_each_pass_and_alike_for_each_seed():
    images, labels = pictures(30), torch.arange(30)
    before = images.clone()
    batches = Augmented(images, labels, shifted, 30, seed=3)
    (((first,), order),) = batches
    (((second,), other_order),) = batches
    assert first.shape == (30, 35) and torch.equal(order.sort().values, labels)
    assert not torch.equal(first[order.argsort()], second[other_order.argsort()]) and torch.equal(images, before)
    (((again,), same_order),) = batches.again()
    assert torch.equal(first, again) and torch.equal(order, same_order)


def test_without_a_change_the_pictures_are_what_they_were():
    images, labels = pictures(30), torch.arange(30)
    for (made,), which in Augmented(images, labels, None, 8):
        assert torch.equal(made, images[which].flatten(start_dim=1))
