"""Controls that are more than one of ipywidgets' own."""

import pytest

from course_lib.explorers import Explorer, Points, Steps


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


def test_a_run_goes_on_from_where_the_slider_stands():
    box = Steps(high=90, start=10, run=5).widget("steps")
    assert box.runner.step == 5 and box.runner.interval == 100 and not box.runner.playing
    box.runner.value = 15  # what the browser does at each tick
    assert box.value == box.slider.value == 15
    box.slider.value = 40
    assert box.runner.value == 40
    box.disabled = True
    assert box.runner.disabled


class Plane(Explorer):
    id = "test.plane"
    size = (200, 100)
    controls = {"points": Points(start="0 0 0; 1 1 1", tries=("0.5 0.5 1",))}

    def compute(self, points):
        x, y = Points.read(points)
        return {"x": x, "y": y}

    def build(self, figure):
        self.plane = figure.add_axes((0.5, 0, 0.5, 1), xlim=(-1, 1), ylim=(-1, 1))
        self.aside = figure.add_axes((0, 0, 0.4, 1))
        return self.plane.scatter([], [])

    def update(self, dots, data):
        dots.set_offsets(data["x"])

    def describe(self, data):
        return f"There are {len(data['y'])} points."

    def clicked(self, axes, x, y, other):
        return {"points": Points.with_point(self.state()["points"], x, y, int(other))} if axes is self.plane else {}


def pressed(explorer, **said):
    assert explorer.view
    explorer._picture._handle_custom_msg({"other": False} | said, [])


def test_a_click_adds_a_point_where_it_fell():
    explorer = Plane()
    pressed(explorer, x=0.75, y=0.25)
    pressed(explorer, x=0.5, y=1.0 - 1e-9, other=True)
    assert explorer.state()["points"] == "0 0 0; 1 1 1; 0.00 0.50 0; -1.00 -1.00 1"
    pressed(explorer, x=0.45, y=0.5)  # beside both axes
    pressed(explorer, x=0.1, y=0.5)  # the explorer makes nothing of it
    assert len(explorer.data["y"]) == 4


def test_points_that_cannot_be_read_are_refused_and_the_picture_stays():
    explorer = Plane()
    for wrong, words in (("0 0 2", "class 0 or 1"), ("0 nan 1", "x y class"), ("0 1", "x y class")):
        with pytest.raises(ValueError, match=words):
            explorer.set(points=wrong)
    with pytest.raises(ValueError, match="200 points at most"):
        explorer.set(points="0 0 1;" * 201)
    assert explorer.view
    explorer._inputs["points"].value = "0 0 red"  # typed by a learner
    assert "class 0 or 1" in explorer.notice and len(explorer.data["y"]) == 2
    explorer.set(points="")
    assert explorer.data["x"].shape == (0, 2) and not explorer.notice


def test_a_click_too_many_is_answered_with_a_sentence():
    explorer = Plane(points="0 0 1;" * 200)
    pressed(explorer, x=0.75, y=0.25)
    assert "200 points at most" in explorer.notice
