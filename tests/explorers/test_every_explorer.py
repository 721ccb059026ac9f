"""What holds for every explorer of the book."""

import io

import numpy as np
import pytest
from PIL import Image

from course_lib.explorers.canvas import to_png
from course_lib.explorers.rooms import every_explorer
from course_lib.tensors.explorers.eager import WayBackExplorer
from course_lib.tensors.explorers.graph import GraphExplorer


def test_an_explorer_made_of_another_is_found_too():
    found = every_explorer()
    assert {GraphExplorer, WayBackExplorer} <= set(found) and len(set(found)) == len(found)


def test_every_control_changes_the_data_and_the_picture(explorer_class):
    pictures = explorer_class().sweep()
    assert set(pictures) == set(explorer_class.controls)


def test_blitting_draws_what_a_full_draw_draws(explorer_class):
    explorer = explorer_class(**explorer_class.sweep_from)
    explorer.look()
    blitted = explorer.canvas.draw().astype(int)
    difference = np.abs(blitted - explorer.canvas.draw_fully().astype(int)).max(axis=-1)
    assert (difference > 32).mean() < 1e-3, f"{(difference > 32).sum()} pixels differ"


def test_the_palette_loses_little(explorer_class):
    explorer = explorer_class(**explorer_class.sweep_from)
    explorer.look()
    pixels = explorer.canvas.draw()[..., :3].astype(int)
    packed = np.asarray(Image.open(io.BytesIO(to_png(explorer.canvas.draw()))).convert("RGB")).astype(int)
    assert np.abs(pixels - packed).mean() < 2
    assert (np.abs(pixels - packed).max(axis=-1) > 40).mean() < 1e-3


def test_the_picture_is_small_and_sharp(explorer_class):
    explorer = explorer_class(**explorer_class.sweep_from)
    png = explorer.png()
    assert len(png) <= 150_000
    assert Image.open(io.BytesIO(png)).width == 2 * explorer.size[0]


def test_the_status_is_a_sentence(explorer_class):
    explorer = explorer_class()
    explorer.look()
    assert explorer.status.endswith((".", "?")) and len(explorer.status) > 20


def test_a_view_opens_again_at_its_state(explorer_class):
    first = explorer_class(**explorer_class.sweep_from)
    again = explorer_class(**first.state())
    assert first.png() == again.png()


def test_every_preset_opens(explorer_class):
    for preset in explorer_class.presets:
        explorer = explorer_class(**preset)
        assert len(explorer.png()) <= 150_000
        assert explorer.state().items() >= preset.items()


def test_an_unknown_control_is_refused(explorer_class):
    with pytest.raises(ValueError, match="has no control 'colour'"):
        explorer_class(colour="red")


def test_it_shows_without_a_kernel(explorer_class):
    data, metadata = explorer_class()._repr_mimebundle_()
    assert {"image/png", "text/plain", "application/vnd.jupyter.widget-view+json"} <= set(data)
    assert metadata["image/png"]["alt"] == data["text/plain"]


def test_every_quest_starts_open(explorer_class):
    explorer = explorer_class()
    _ = explorer.view
    assert not explorer.done
