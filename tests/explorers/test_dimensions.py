import math

import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgb

from course_lib.figures.dimensions import BOTTOM, TOP, WIDTH, cells_of
from course_lib.tensors.explorers.broadcasting import IN_PLACE, BroadcastingExplorer, shape_of
from course_lib.tensors.explorers.dimensions import (
    AS_MADE,
    COPIED,
    MOST,
    MOVED,
    REVERSED,
    DimensionsExplorer,
    memory_prediction,
    memory_state,
    tensor_of,
)

SHAPES = [(), (4,), (1, 3), (2, 3, 4), (4, 4, 4), (3, 1, 2, 4), (4, 4, 4, 4)]


def lengths(*shape):
    return {"order": len(shape)} | {f"length_{axis}": length for axis, length in enumerate(shape)}


def data_of(explorer_class, **settings):
    explorer = explorer_class(**settings)
    explorer.look()
    return explorer.data


def brightness(color):
    """From 0 for black to 1 for white, as the eye sees it: the relative luminance of WCAG 2."""
    rgb = np.array(to_rgb(color))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4) @ (0.2126, 0.7152, 0.0722)


# ---- dimensions


@pytest.mark.parametrize("layout", [AS_MADE, REVERSED, COPIED])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_element_lies_where_its_strides_say(shape, layout):
    index = tuple(length - 1 for length in shape)
    data = data_of(DimensionsExplorer, layout=layout, **lengths(*shape),
                   **{f"index_{axis}": n for axis, n in enumerate(index)})  # fmt: skip
    t = tensor_of(shape, layout)
    by_numpy = np.zeros(shape, np.int64)
    assert data["shape"] == t.shape == shape
    assert data["offset"] == sum(n * stride for n, stride in zip(index, t.stride(), strict=True))
    assert len(data["lying"]) == len(data["values"]) == math.prod(shape)
    assert data["value"] == t.numpy()[index] == data["values"].reshape(shape)[index]
    assert data["offset"] == data["offsets"].reshape(shape)[index]
    assert data["lying"][data["offset"]] == data["value"]
    if layout != REVERSED:  # the stride of an axis of length 1 leads nowhere, and may be anything
        theirs = zip(shape, by_numpy.strides, data["strides"], strict=True)
        assert all(8 * ours == stride for length, stride, ours in theirs if length > 1)


def test_reversed_axes_are_a_view_and_contiguous_copies_them():
    made, view, copied = (tensor_of((2, 3, 4), layout) for layout in (AS_MADE, REVERSED, COPIED))
    assert torch.equal(view, copied) and not torch.equal(view, made)
    assert not view.is_contiguous() and copied.is_contiguous()
    assert view.untyped_storage().tolist() == made.untyped_storage().tolist() != copied.untyped_storage().tolist()


@pytest.mark.parametrize("shape", SHAPES)
def test_cells_stay_on_the_page_and_apart(shape):
    cells = cells_of(shape)
    assert len(cells) == math.prod(shape)
    assert cells[..., 0].min() >= 10 and cells[..., 0].max() <= WIDTH - 10
    assert cells[..., 1].min() >= TOP - 1 and cells[..., 1].max() <= BOTTOM + 1
    middles = cells.mean(axis=1)
    apart = np.abs(middles[:, None] - middles).max(axis=-1) + 1e9 * np.eye(len(cells))
    assert apart.min() > 8


def test_what_happens_in_memory_is_predicted():
    prediction = memory_prediction()
    assert data_of(DimensionsExplorer, **memory_state() | prediction.then)["moved"] == MOVED[2]
    assert data_of(DimensionsExplorer, **lengths(2, 3, 4), layout=COPIED)["moved"] == MOVED[1]
    asked, shown = (data_of(DimensionsExplorer, **state) for state in
                    (memory_state(), memory_state() | prediction.then))  # fmt: skip
    assert asked["value"] == shown["value"] and asked["shape"] == shown["shape"][::-1]
    assert set(prediction.options) >= {asked["moved"], shown["moved"]}


@pytest.mark.parametrize(
    ("quest", "state"),
    [
        ("apart", {"layout": REVERSED, "length_0": 4}),
        ("folded", lengths(2, 2, 3, 2)),
        ("moved", {"layout": COPIED}),
    ],
)
def test_quests_of_the_dimensions_can_be_done(quest, state):
    test = next(one.test for one in DimensionsExplorer.quests if one.id == quest)
    assert test(data_of(DimensionsExplorer, **state))
    after = memory_state() | memory_prediction().then
    assert not any(test(data_of(DimensionsExplorer, **opened)) for opened in ({}, memory_state(), after, {"order": 0}))


@pytest.mark.parametrize("shape", [(), (2,), (3,), (4,), (4, 3), (2, 3, 4)])
def test_every_number_can_be_read_on_its_colour(shape):
    explorer = DimensionsExplorer(**lengths(*shape))
    explorer.look()
    cells, strip = (explorer.canvas.artists[name].get_facecolors() for name in ("cells", "memory"))
    numbers = [label for label in explorer.canvas.artists["labels"].labels if label.text.isdigit()]
    assert len(numbers) == 2 * math.prod(shape)
    for paper, label in zip([*cells, *strip], numbers, strict=True):
        dark, light = sorted((brightness(paper), brightness(label.color)))
        assert light + 0.05 > 3 * (dark + 0.05)


def test_an_axis_that_is_not_there_has_no_index():
    explorer = DimensionsExplorer(order=2, index_3=1)
    assert explorer.state()["index_3"] == 0
    assert MOST == 4 and explorer.places(**explorer.state())["index_2"] == ["–"]


# ---- broadcasting


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("3, 1", "4"),
        ("()", "2, 3"),
        ("2, 3, 4", "3, 1"),
        ("5", "5"),
        ("6, 1, 1, 6", "6, 1"),
        ("1", "()"),
        ("1, 1", "3"),
    ],
)
def test_a_sum_is_numpys_and_what_is_stretched_has_stride_0(a, b):
    data = data_of(BroadcastingExplorer, a=a, b=b)
    first, second = (np.arange(math.prod(shape)).reshape(shape) for shape in data["shapes"])
    wanted = first + 10 * second
    assert data["result"] == wanted.shape == data["wanted"]
    assert np.array_equal(data["sheets"][2], wanted[(0,) * max(wanted.ndim - 2, 0)].reshape(data["sheets"][2].shape))
    for shape, fates, strides in zip(data["shapes"], data["fates"], data["strides"], strict=True):
        assert len(fates) == wanted.ndim
        stretched = {axis for axis, fate in enumerate(fates) if fate in ("stretched", "missing")}
        assert {axis for axis, stride in enumerate(strides) if stride == 0} <= stretched
        assert all(strides[axis] == 0 for axis in stretched if data["result"][axis] > 1)
        assert shape == tuple(length for length, fate in zip(
            (0,) * (wanted.ndim - len(shape)) + shape, fates, strict=True) if fate != "missing")  # fmt: skip
    assert not data["error"] and data["own"][2].all()


@pytest.mark.parametrize(
    ("a", "b", "axis", "lengths"), [("3", "4", "−1", "3 and 4"), ("2, 3", "3, 3, 1", "−2", "2 and 3")]
)
def test_a_clash_is_told_as_torch_words_it_and_explained(a, b, axis, lengths):
    explorer = BroadcastingExplorer(a=a, b=b)
    explorer.look()
    with pytest.raises(RuntimeError) as refused:
        torch.zeros(shape_of(a, "a")) + torch.zeros(shape_of(b, "b"))
    assert explorer.data["error"] == f"RuntimeError: {refused.value}"
    assert f"axis {axis}, counted from the right, has the lengths {lengths}" in explorer.status
    assert explorer.data["result"] is None and "clash" in explorer.data["fates"][0]


@pytest.mark.parametrize(("a", "b", "said"), [
    ("1, 1", "1", "nothing is stretched."),
    ("3, 1", "4", "a is read again along axis −1; b is read again along axis −2."),
    ("2, 1, 4", "4", "b is read again along axis −3."),
    ("2, 3, 4", "()", "b is read again along axes −3, −2 and −1."),
    ("1, 3", "3", "nothing is stretched."),
])  # fmt: skip
def test_what_is_read_again_is_told(a, b, said):
    explorer = BroadcastingExplorer(a=a, b=b)
    explorer.look()
    assert explorer.status.endswith(said)


def test_in_place_the_left_side_is_not_stretched():
    explorer = BroadcastingExplorer(a="3, 1", b="3, 4", operation=IN_PLACE)
    explorer.look()
    assert "output with shape [3, 1] doesn't match the broadcast shape [3, 4]" in explorer.data["error"]
    assert "a may not" in explorer.status and explorer.data["fates"][0] == ("there", "clash")
    assert data_of(BroadcastingExplorer, a="3, 4", b="3, 1", operation=IN_PLACE)["result"] == (3, 4)
    assert data_of(BroadcastingExplorer, a="4", b="3, 4", operation=IN_PLACE)["error"]


@pytest.mark.parametrize("text", ["3, 1", "(3, 1)", " 3 1 ", "(3,1,)"])
def test_a_shape_may_be_written_in_several_ways(text):
    assert shape_of(text, "a") == (3, 1)
    assert shape_of("()", "a") == shape_of("", "a") == ()


@pytest.mark.parametrize("text", ["three", "3, -1", "3.5", "7", "0, 2", "1, 1, 1, 1, 1"])
def test_what_is_no_shape_is_refused_in_words(text):
    with pytest.raises(ValueError, match=r"shape of a|picture has room"):
        shape_of(text, "a")


@pytest.mark.parametrize(
    ("quest", "state"),
    [("table", {"a": "5, 1", "b": "3"}), ("clash", {"a": "2, 3", "b": "3, 2"}), ("silent", {"a": "5, 1", "b": "5"})],
)
def test_quests_of_broadcasting_can_be_done(quest, state):
    test = next(one.test for one in BroadcastingExplorer.quests if one.id == quest)
    assert test(data_of(BroadcastingExplorer, **state))
    assert not any(test(data_of(BroadcastingExplorer, **opened)) for opened in ({}, {"a": "3", "b": "4"}))
