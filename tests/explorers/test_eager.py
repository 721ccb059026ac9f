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


def test_each_of_its_controls_moves_the_picture():
    assert set(WayBackExplorer().sweep()) == set(WayBackExplorer.controls)
