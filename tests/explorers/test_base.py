"""The base class, on a small explorer that shows one bar."""

import pytest
import torch

from course_lib import progress
from course_lib.explorers import Choice, Explorer, LearnerError, Place, Prediction, Quest, Slider, Span, learners_code


class Bar(Explorer):
    id = "test.bar"
    size = (200, 100)
    controls = {
        "height": Slider(low=0.0, high=1.0, step=0.1, start=0.5),
        "kind": Choice(options=("plain", "bad input", "bug", "yours"), start="plain"),
        "among": Choice(options=("three", "two"), start="three"),
        "which": Place(start=2),
        "some": Span(start=(0, 2)),
    }
    quests = (Quest("full", "fill the bar", lambda data: data["height"] == 1.0),)

    def places(self, among, **_):
        return {name: ["a", "b", "c"][: 3 if among == "three" else 2] for name in ("which", "some")}

    def compute(self, height, kind, among, which, some):
        if kind == "bad input":
            raise ValueError("that <is> not possible: lower the bar")
        if kind == "bug":
            raise ZeroDivisionError("oops")
        if kind == "yours":
            with learners_code("Your code"):
                height = self.learner(height)
        return {"height": height, "which": which}

    def build(self, figure):
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, 2), ylim=(0, 1))
        return axes.bar([1], [0])[0]

    def update(self, bar, data):
        bar.set_height(data["height"])

    def describe(self, data):
        return f"The bar is at {data['height']:.0%}."


def shown(explorer: Explorer) -> str:
    return explorer._words.value


def test_moving_a_widget_moves_the_picture():
    explorer = Bar()
    before = explorer.view and explorer._picture.value
    explorer._inputs["height"].value = 0.9
    assert explorer._picture.value != before
    assert explorer.state()["height"] == 0.9
    assert "The bar is at 90%." in shown(explorer) and 'role="status"' in shown(explorer)


def test_what_an_explorer_draws_at_random_changes_nothing_below_it():
    class Noisy(Bar):
        def compute(self, **values):
            return super().compute(**values) | {"noise": torch.rand(3)}

    before = torch.get_rng_state()
    Noisy().look()
    assert torch.equal(torch.get_rng_state(), before)


def test_what_finding_the_places_draws_and_computes_is_no_exception(monkeypatch):
    now, seen = [2], []
    monkeypatch.setattr(torch, "get_num_threads", lambda: now[0])
    monkeypatch.setattr(torch, "set_num_threads", lambda threads: now.__setitem__(0, threads))

    class Measuring(Bar):
        def places(self, **values):
            torch.rand(3)
            seen.append(torch.get_num_threads())
            return super().places(**values)

    before = torch.get_rng_state()
    explorer = Measuring()
    _ = explorer.view
    explorer.set(among="two")
    assert torch.equal(torch.get_rng_state(), before)
    assert set(seen) == {1} and now == [2]


def test_reset_goes_back_to_where_it_was_opened():
    explorer = Bar(height=0.3)
    opened = explorer.png()
    explorer.set(height=1.0)
    explorer.reset()
    assert explorer.state()["height"] == 0.3 and explorer.png() == opened


def test_bad_input_is_said_and_the_last_picture_stays():
    explorer = Bar()
    picture = explorer.view and explorer._picture.value
    explorer.set(kind="bad input", height=0.8)
    assert "that &lt;is&gt; not possible: lower the bar" in shown(explorer)
    assert explorer._picture.value == picture
    explorer.set(kind="plain")
    assert "The bar is at 80%." in shown(explorer)


def test_a_bug_is_said_and_raised():
    explorer = Bar()
    _ = explorer.view
    with pytest.raises(ZeroDivisionError):
        explorer.set(kind="bug")
    assert "course-error" in shown(explorer) and "ZeroDivisionError: oops" in shown(explorer)


def test_a_bug_is_only_said_where_a_learner_works(monkeypatch):
    monkeypatch.delenv("COURSE_STRICT")
    explorer = Bar(kind="bug")
    assert explorer.view and "course-error" in shown(explorer)


def test_an_error_of_the_learner_is_shown_as_theirs():
    def half(height):
        return height / nothing  # noqa: F821

    explorer = Bar(kind="yours", learner=half)
    assert explorer.view and "Your code raised NameError" in shown(explorer)
    assert "return height / nothing" in shown(explorer)
    assert "course-error" not in shown(explorer)


def test_an_endless_loop_of_the_learner_is_stopped():
    def forever():
        while True:
            pass

    with pytest.raises(LearnerError, match=r"Your code was still running after 0\.2 s \(line \d+: .*\)"):  # noqa: SIM117
        with learners_code("Your code", seconds=0.2):
            forever()


@pytest.mark.parametrize(
    "state, message",
    [
        ({"height": 1.2}, "height can be set from 0.0 to 1.0, not to 1.2"),
        ({"height": True}, "not to True"),
        ({"kind": "loud"}, "kind is one of 'plain'"),
        ({"which": -1}, "which is a place counted from 0"),
        ({"some": (2, 1)}, "some is a pair of places"),
    ],
)
def test_what_cannot_be_set_is_refused(state, message):
    with pytest.raises(ValueError, match=message):
        Bar(**state)
    explorer = Bar()
    with pytest.raises(ValueError, match=message):
        explorer.set(**state)
    assert explorer.state() == Bar().state()


def test_places_stay_inside_a_list_that_shrinks():
    explorer = Bar(which=2, some=(1, 2))
    _ = explorer.view
    explorer.set(among="two")
    assert explorer.state()["which"] == 1 and explorer.state()["some"] == (1, 1)
    assert explorer._inputs["which"].value == 1 and len(explorer._inputs["which"].options) == 2
    explorer._inputs["which"].value = 0
    assert explorer.state()["which"] == 0


def test_a_quest_is_ticked_and_stays():
    explorer = Bar()
    assert explorer.view and "☐" in explorer._list.value
    explorer.set(height=1.0)
    explorer.set(height=0.2)
    assert "☑ <b>Quest, done</b>" in explorer._list.value
    assert progress.quests_done("test.bar") == {"full"}
    assert Bar().done == {"full"}
    assert Bar(with_quests=False).view and not Bar(with_quests=False).done


def test_a_lesson_shows_the_quests_that_it_names():
    names = [quest.id for quest in Bar.quests]
    assert f"<b>Quest</b>: {Bar.quests[0].text}" in Bar(with_quests=names[:1]).view.children[-1].value
    assert not Bar(with_quests=()).view.children[-1].value
    with pytest.raises(ValueError, match=f"no quest 'elsewhere'; it has {', '.join(names)}"):
        Bar(with_quests=("elsewhere",))


PREDICTION = Prediction(
    question="How high will it be?",
    options=("low", "high"),
    then={"height": 1.0},
    result=lambda data: "high" if data["height"] > 0.5 else "low",
)


def test_controls_unlock_after_a_prediction():
    explorer = Bar(predict=PREDICTION)
    box = explorer.view.children[0]
    assert all(widget.disabled for widget in explorer._inputs.values())
    assert box.go.disabled
    box.pick.value, box.sure.value = "low", True
    box.go.click()
    assert not any(widget.disabled for widget in explorer._inputs.values())
    assert explorer.state()["height"] == 1.0
    assert "You said «low» (sure). What happened: «high»" in box.verdict.value
    (surprise,) = progress.surprises()
    assert surprise["picked"] == "low" and surprise["result"] == "high" and surprise["sure"]


def test_a_prediction_can_be_skipped():
    explorer = Bar(predict=PREDICTION)
    explorer.view.children[0].skip.click()
    assert not any(widget.disabled for widget in explorer._inputs.values())
    assert explorer.state()["height"] == 0.5
    assert progress.prediction("test.bar") is None


def test_a_control_without_effect_fails_the_sweep():
    with pytest.raises(AssertionError, match="which does not change the picture"):
        Bar(hide=("kind", "among", "some")).sweep()


def test_without_a_picture_the_words_say_why():
    data, _ = Bar(kind="bad input")._repr_mimebundle_()
    assert "image/png" not in data and data["text/plain"] == "that <is> not possible: lower the bar"
