"""The way back of section 1.3."""

from course_lib.tensors.explorers.eager import MORE, WayBackExplorer, way_back_prediction, way_back_state


def data_of(**state):
    explorer = WayBackExplorer(**state)
    explorer.look()
    return explorer.data


def test_the_prediction_is_answered_by_the_run():
    prediction = way_back_prediction()
    assert data_of(**way_back_state())["gradients"]["a"] == [7.0]
    data = data_of(**prediction.then)
    assert (data["promised"], data["happened"]) == (7.0, 8.0)
    assert prediction.result(data) == MORE and MORE in prediction.options


def test_its_quest_can_be_done_and_is_open_at_first():
    (quest,) = WayBackExplorer.quests
    assert not quest.test(data_of(**way_back_state()))
    assert quest.test(data_of(expression="a * a", feeds="a = 0", step=99, nudge_by=1.0))


def test_it_says_that_the_promise_is_that_of_before_the_nudge():
    explorer = WayBackExplorer(**way_back_prediction().then)
    explorer.look()
    assert "dL/da = 9" in explorer.status
    assert explorer.status.endswith(
        "a is nudged by 1 in all of this; before that, its derivative promised 7 for add_0, which moved by 8."
    )
    explorer.set(feeds="a = 3, 0")
    assert explorer.status.endswith("its derivative promised 8 for the sum of add_0, which moved by 10.")


def test_one_derivative_alone_is_told_as_one():
    explorer = WayBackExplorer(expression="a", feeds="a = 3", step=99)
    explorer.look()
    assert "The 1 derivative is that of torch.autograd" in explorer.status
