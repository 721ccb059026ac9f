"""Controls that are more than one of ipywidgets' own."""

import pytest

from course_lib.explorers import Explorer, Steps


class Walk(Explorer):
    id = "test.walk"
    size = (200, 100)
    controls = {"steps": Steps(high=3, start=1)}

    def compute(self, steps):
        return {"steps": steps}

    def build(self, figure):
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, 4), ylim=(0, 1))
        return axes.bar([0], [1], width=0.5)[0]

    def update(self, bar, data):
        bar.set_x(data["steps"])

    def describe(self, data):
        return f"The walker has made {data['steps']} steps."


def box_of(explorer):
    return explorer.view and explorer._inputs["steps"]


def test_the_button_adds_one_until_the_end():
    explorer = Walk()
    box = box_of(explorer)
    before = explorer._picture.value
    box.button.click()
    assert explorer.state()["steps"] == box.value == box.slider.value == 2
    assert explorer._picture.value != before
    box.button.click()
    assert box.value == 3 and box.button.disabled
    box.button.click()
    assert explorer.state()["steps"] == 3


def test_the_slider_and_the_button_agree():
    explorer = Walk()
    box = box_of(explorer)
    box.slider.value = 3
    assert explorer.state()["steps"] == 3 and box.button.disabled
    explorer.set(steps=0)
    assert box.slider.value == 0 and not box.button.disabled
    explorer.reset()
    assert box.slider.value == box.value == 1


def test_the_whole_is_labelled_and_locks():
    box = box_of(Walk())
    assert box.slider.description == box.description == "steps"
    box.disabled = True
    assert box.slider.disabled and box.button.disabled
    box.disabled = False
    assert not box.slider.disabled and not box.button.disabled


def test_every_step_gives_a_picture_of_its_own():
    assert Walk().sweep() == {"steps": 4}


@pytest.mark.parametrize("value", [1.5, -1, 4, True])
def test_what_is_no_number_of_steps_is_refused(value):
    with pytest.raises(ValueError, match="steps "):
        Walk(steps=value)
