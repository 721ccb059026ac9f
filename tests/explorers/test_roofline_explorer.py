import numpy as np
import pytest

from course_lib.tensors import roofline
from course_lib.tensors.explorers import roofline as explorers
from course_lib.tensors.explorers.roofline import (
    BANDWIDTHS,
    BUSES,
    NUMBERS,
    PEAKS,
    SENT,
    SHARES,
    THERE,
    TYPES,
    RooflineExplorer,
    measured,
    share_prediction,
)
from course_lib.tensors.roofline import ADD, CHAIN, H200, OPERATIONS, PRODUCT, Limits

FASTEST = {"bandwidth": len(BANDWIDTHS) - 1, "peak": len(PEAKS) - 1, "bus": len(BUSES) - 1}


def data_of(**state):
    explorer = RooflineExplorer(**state)
    explorer.look()
    return explorer.data


def test_it_measures_once_and_moves_only_read(monkeypatch):
    first = measured()

    def fail(*_arguments, **_options):
        raise AssertionError("a move measures")

    for module, name in ((roofline, "seconds_of"), (explorers, "measure_sizes"), (explorers, "measure_bandwidth")):
        monkeypatch.setattr(module, name, fail)
    explorer = RooflineExplorer()
    explorer.look()
    for operation in OPERATIONS:
        explorer.set(operation=operation.name, size=9, dtype="float64")
    assert measured() is first


def test_the_points_are_those_measured():
    data = data_of(operation=ADD.name, size=3)
    points = measured().points["float32"][ADD.name]
    assert data["measured"] == len(points) >= 1
    assert data["times"]["here"][: len(points)].tolist() == [point.seconds for point in points]
    assert np.allclose(data["points"][:, 0], 1 / 12)
    assert data["rates"]["here"] == points[3].rate == 2**10 / data["seconds"]["here"]


def test_beyond_what_was_measured_times_grow_as_the_roofs_say():
    data = data_of(operation=PRODUCT.name)
    here, shown = data["times"]["here"], data["measured"]
    assert shown < len(NUMBERS) == len(here)
    assert np.allclose(here[shown + 1 :] / here[shown:-1], 8, rtol=0.05)  # twice the side, eight times the FLOPs


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
@pytest.mark.parametrize("dtype", TYPES)
def test_the_cards_time_is_the_cost_model(operation, dtype):
    if operation.name not in measured().points[dtype]:
        pytest.skip("this processor does not run it")
    card = Limits("card", BANDWIDTHS[3], PEAKS[2], H200.call, BUSES[4])
    state = {"operation": operation.name, "dtype": dtype, "bandwidth": 3, "peak": 2, "bus": 4, "size": 5}
    works = [operation.work(operation.size(numbers), TYPES[dtype]) for numbers in NUMBERS]
    alone, sent = data_of(data=THERE, **state), data_of(data=SENT, **state)
    assert np.allclose(alone["times"]["card"], [card.seconds(work) for work in works])
    assert np.allclose(sent["times"]["card"], [card.seconds(work, sent=True) for work in works])
    assert sent["parts"]["card"]["transfer"] == works[5].held / card.bus > 0 == alone["parts"]["card"]["transfer"]
    assert sent["parts"]["card"]["calls"] == pytest.approx(alone["parts"]["card"]["calls"] + 2 * card.call)
    assert sent["parts"]["here"] == alone["parts"]["here"] and sent["parts"]["here"]["transfer"] == 0


def test_it_pays_from_where_the_card_stays_faster():
    for state in ({}, {"operation": ADD.name, "bus": 0}, {"operation": CHAIN.name, "data": THERE}, FASTEST):
        data = data_of(**state)
        faster = data["times"]["card"] < data["times"]["here"]
        if data["pays"] is None:
            assert not faster[-1]
        else:
            assert faster[data["pays"] :].all() and (data["pays"] == 0 or not faster[data["pays"] - 1])


def test_a_large_product_pays_and_a_slow_bus_never_does():
    assert data_of(operation=PRODUCT.name)["pays"] is not None
    assert data_of(operation=ADD.name, bus=0)["pays"] is None


def test_the_prediction_comes_out_as_the_formula_says():
    prediction = share_prediction()
    assert prediction.result(data_of(**prediction.then)) == SHARES[2]
    assert prediction.result({"share": 0.3}) == SHARES[1] and prediction.result({"share": 0.9}) == SHARES[0]


def test_no_point_is_shown_before_the_answer():
    explorer = RooflineExplorer(predict=share_prediction(), with_quests=False)
    _ = explorer.view
    blank = explorer.png()
    explorer.set(operation=ADD.name, size=9)
    assert explorer.png() == blank and "after" in explorer.status
    explorer._unlock(True)
    assert explorer.png() != blank and explorer.data["operation"] == ADD.name


def test_what_does_not_run_here_is_said(monkeypatch):
    found = measured()
    rows = {name: of for name, of in found.points["bfloat16"].items() if name != PRODUCT.name}
    without = found._replace(points=found.points | {"bfloat16": rows})
    monkeypatch.setattr(explorers, "measured", lambda: without)
    with pytest.raises(ValueError, match=r"no matrix · matrix in bfloat16"):
        RooflineExplorer(dtype="bfloat16").look()


def test_the_status_says_what_bounds_it_and_from_where_it_pays():
    explorer = RooflineExplorer(operation=ADD.name, size=9, bus=0)
    explorer.look()
    assert "Elementwise add, 4,194,304, float32: 0.0833 FLOPs a byte" in explorer.status
    assert explorer.status.endswith("mostly transfer. The card never pays.")
    explorer.set(size=0)
    assert "on the card, mostly calls." in explorer.status


def state_of_turn():
    pays = data_of(operation=ADD.name, data=THERE, **FASTEST)["pays"]
    return {"operation": ADD.name, "data": THERE, "size": pays, **FASTEST}


@pytest.mark.parametrize(
    ("quest", "state"),
    [
        ("tenfold", lambda: {"size": len(NUMBERS) - 1, **FASTEST}),
        ("bus", lambda: {"operation": ADD.name, **FASTEST, "bus": 0}),
        ("turn", state_of_turn),
    ],
)
def test_quests_can_be_done(quest, state):
    test = next(one.test for one in RooflineExplorer.quests if one.id == quest)
    assert test(data_of(**state()))
    assert not test(data_of())
