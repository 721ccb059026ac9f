import numpy as np
import pytest
import torch
from torch import nn

from course_lib.datasets.reviews import encode, load_reviews
from course_lib.explorers import LearnerError
from course_lib.recurrent.explorers.state import ALONE, StateExplorer, nudge_prediction, nudge_state
from course_lib.recurrent.nudges import (
    LIVES,
    Nudge,
    answers,
    known_states,
    life_of,
    life_option,
    principal_axes,
    scaled_cell,
    shares_of_lives,
    states,
    steps_told,
)
from course_lib.recurrent.sentiment import load_reader

LONG = "i would not say that the music with its many songs was really good"


def data_of(**settings):
    explorer = StateExplorer(**settings)
    explorer.look()
    return explorer.data


def test_without_a_nudge_it_is_pytorchs_rnn_with_the_trained_weights():
    reader = load_reader("rnn")
    cell, x = reader.model.recurrent.layers[0], reader.model.embedding(encode([LONG], reader.vocabulary)[0])
    theirs = nn.RNN(x.shape[-1], cell.of_hidden.in_features, batch_first=True)
    theirs.load_state_dict({"weight_ih_l0": cell.of_input.weight, "weight_hh_l0": cell.of_hidden.weight,
                            "bias_ih_l0": cell.of_input.bias, "bias_hh_l0": 0 * cell.of_input.bias})  # fmt: skip
    with torch.no_grad():
        hidden = theirs(x)[0]
        chances = reader.model.head(hidden[0]).sigmoid()[:, 0]
    data = data_of(sentence=LONG, nudge=0.0)
    assert np.allclose(data["panel"], hidden[0].T, atol=1e-4)
    assert np.allclose(data["free"], chances, atol=1e-4)
    assert data["nudged"] is None and data["life"] == "no nudge"


@pytest.mark.parametrize("scale", [0.4, 1.0, 1.7])
def test_the_distance_follows_from_two_real_runs(scale):
    data = data_of(sentence=LONG, nudge=-0.7, nudge_at=4, nudge_unit=6, scale=scale)
    cell = load_reader("rnn").model.recurrent.layers[0]
    W_xh, b = cell.of_input.weight.double().numpy(), cell.of_input.bias.double().numpy()
    W_hh = scale * cell.of_hidden.weight.double().numpy()
    x = load_reader("rnn").model.embedding(encode([LONG])[0])[0].double().numpy()
    runs = {}
    for size in (0.0, -0.7):
        h, seen = np.zeros(8), []
        for step, x_t in enumerate(x):
            h = np.tanh(W_xh @ x_t + W_hh @ h + b)
            if step == 4:
                h[6] += size
            seen.append(h)
        runs[size] = np.array(seen)
    apart = np.linalg.norm(runs[-0.7] - runs[0.0], axis=1)
    assert np.isnan(data["distance"][:4]).all()
    assert data["distance"][4] == pytest.approx(0.7)
    assert np.allclose(data["distance"][4:], apart[4:], rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize(
    "state",
    [{"step": 0}, {"step": 5, "unit": 3}, {"step": 2, "unit": 4, "nudge_unit": 4},
     {"step": 2, "unit": 6, "nudge_unit": 8},
     {"run": ALONE, "step": 20, "unit": 1, "scale": 1.5}, {"step": 3, "unit": 7, "show": "run as it is"}],
)  # fmt: skip
def test_the_equation_is_that_of_the_chosen_cell(state):
    data = data_of(**state)
    numbers, panel = data["numbers"], data["panel"]
    cell = load_reader("rnn").model.recurrent.layers[0]
    step, unit = state["step"], state.get("unit", 0)
    before = panel[:, step - 1] if step else np.zeros(8)
    weights = cell.of_hidden.weight[unit].double().numpy() * state.get("scale", 1.0)
    assert np.allclose(data["parts"], weights * before)
    assert numbers["of_hidden"] == pytest.approx((weights * before).sum(), abs=1e-9)
    assert numbers["bias"] == pytest.approx(cell.of_input.bias[unit].item())
    assert numbers["sum"] == pytest.approx(numbers["of_input"] + numbers["of_hidden"] + numbers["bias"])
    assert numbers["tanh"] == pytest.approx(np.tanh(numbers["sum"]))
    assert numbers["h"] == pytest.approx(numbers["tanh"] + numbers["push"]) == pytest.approx(panel[unit, step])
    assert numbers["push"] == (1.0 if step == 2 and state["nudge_unit"] in (unit, 8) else 0.0)


def test_alone_it_reads_zeros():
    data = data_of(sentence="the film was good", run=ALONE, step=9)
    assert data["words"] == ["the", "film", "was", "good"] + 20 * [""] and data["alone"] == 20
    assert data["numbers"]["of_input"] == 0
    words_only = data_of(sentence="the film was good")
    assert np.allclose(data["panel"][:, :4], words_only["panel"])


def test_the_three_views_of_the_state_agree():
    nudged, free, difference = (
        data_of(show=show, nudge_unit=4)["panel"] for show in ("nudged run", "run as it is", "difference")
    )
    assert np.allclose(difference, nudged - free)
    assert np.all(difference[:, :2] == 0) and np.abs(difference[:, 2:]).max() > 0.5


def test_the_principal_axes_carry_the_most_variance():
    middle, axes, shares = principal_axes()
    assert np.allclose(axes.T @ axes, np.eye(2)) and middle.shape == (8,)
    assert 1 > shares[0] > shares[1] > 1 / 8
    points, praise, _ = known_states()
    assert points.shape == (200, 2) and 60 < praise.sum() < 140


def test_what_became_of_a_nudge_is_said():
    assert life_of(np.array([1.0, 0.6, 0.4, 0.001])) == "halved after 2 steps, 1e-3 at the end"
    assert life_of(np.array([1.0, 0.4, 0.7])) == "halved after 1 step, yet 0.70 at the end"
    assert life_of(np.array([1.0, 0.9])) == "never halved, 0.90 at the end"
    assert life_of(np.array([2.0, 0.0])) == "halved after 1 step, below 1e-12 at the end"
    assert life_of(np.array([1.0])) == "1.00"


def test_the_answer_tells_up_to_its_last_difference():
    moved = np.array([0.0, 0.3, 0.0, -0.06, 0.04, 0.9])
    assert steps_told(moved, at=1, end=4) == 2
    assert steps_told(moved, at=1, end=5) == 4
    assert [life_option(told, 4) for told in (0, 3, 4)] == [LIVES[0], LIVES[0], LIVES[2]]
    assert life_option(5, 9) == LIVES[1]


def test_the_prediction_opens_unanswered_and_comes_out_as_the_lesson_says():
    prediction = nudge_prediction()
    assert prediction.options == LIVES and "After the word «not»" in prediction.question
    assert data_of(**nudge_state())["nudged"] is None
    outcomes = [
        prediction.result(data_of(**nudge_state() | prediction.then | {"nudge_unit": unit})) for unit in range(8)
    ]
    assert outcomes[0] == LIVES[0]
    assert set(outcomes) == set(LIVES)  # the same nudge on another unit has another fate


def test_most_nudges_are_soon_gone_and_few_last():
    shares = shares_of_lives()
    assert sum(shares[life] for life in LIVES) == pytest.approx(1)
    assert shares[LIVES[0]] > 0.75
    assert 0.002 < shares[LIVES[2]] < 0.1 and shares["flips"] <= shares[LIVES[2]]


def test_left_alone_blame_comes_to_rest_and_praise_goes_on_moving():
    reviews, cell = load_reviews("test", 200), scaled_cell(1.0)
    x = load_reader("rnn").model.embedding(reviews.tokens).double()  # (reviews, time, features)
    last = states(cell, x)[torch.arange(len(x)), reviews.lengths - 1]  # (reviews, units)
    alone = states(cell, x.new_zeros(len(x), 300, x.shape[-1]), start=last)  # (reviews, steps, units)
    moved = (alone[:, -1] - alone[:, -2]).abs().amax(dim=-1)  # (reviews,)
    praise = answers(last) > 0.5
    assert (moved[~praise] < 1e-6).double().mean() > 0.95
    assert (moved[praise] > 1e-2).double().mean() > 0.95
    assert ((answers(alone[:, -1]) > 0.5) == praise).double().mean() > 0.95


def test_several_sequences_at_once_are_read_like_one():
    x = torch.randn(3, 6, 16, dtype=torch.float64)
    nudge = Nudge(2, (1, 5), 0.5)
    together = states(scaled_cell(1.0), x, nudge)
    assert torch.allclose(together[1], states(scaled_cell(1.0), x[1], nudge))
    onward = states(scaled_cell(1.0), x[:, 3:], start=together[:, 2])
    assert torch.allclose(onward, together[:, 3:])
    assert answers(together).shape == (3, 6)


def rnn_forward(xs, h0, W_xh, W_hh, W_hy, f, g):
    h, hs, ys = h0, [], []
    for x in xs.unbind(dim=1):
        h = f(x @ W_xh.T + h @ W_hh.T)
        hs.append(h)
        ys.append(g(h @ W_hy.T))
    return torch.stack(hs, dim=1), torch.stack(ys, dim=1)


@pytest.mark.parametrize("state", [{}, {"nudge_unit": 8, "run": ALONE, "scale": 1.3}, {"nudge_at": 8}, {"nudge": 0.0}])
def test_the_learners_function_reads_beside_the_network(state):
    data = data_of(learner=rnn_forward, **state)
    assert np.allclose(data["yours"], data["held"], atol=1e-3)

    def forgets_h0(xs, h0, *rest):
        return rnn_forward(xs, 0 * h0, *rest)

    def state_is_lost(xs, h0, *rest):
        alone = [rnn_forward(x[:, None], h0, *rest) for x in xs.unbind(dim=1)]
        return tuple(torch.cat(parts, dim=1) for parts in zip(*alone, strict=True))

    if state != {"nudge_at": 8}:
        wrong = data_of(learner=forgets_h0, **state)
        assert np.abs(wrong["yours"] - wrong["held"]).max() > 0.05
    wrong = data_of(learner=state_is_lost, **state)
    assert np.abs(wrong["yours"] - wrong["held"]).max() > 0.05


def test_a_function_that_is_not_started_is_no_error():
    for stub in (lambda *_: None, lambda *_: ..., lambda *_: (..., ...)):
        explorer = StateExplorer(learner=stub)
        assert explorer.view and "Your rnn_forward is not started" in explorer._words.value and not explorer.notice


@pytest.mark.parametrize(
    "function, message",
    [
        (lambda xs, h0, *_: h0, r"must return hs, torch.float32 \(1, 3, 8\), and ys, torch.float32 \(1, 3, 1\); "
                                r"it returned torch.float32 \(1, 8\)\."),
        (lambda *given: rnn_forward(*given)[::-1], r"it returned torch.float32 \(1, 3, 1\), torch.float32 \(1, 3, 8\)"),
        (lambda *given: tuple(v * float("nan") for v in rnn_forward(*given)), "returned NaN or an infinite number"),
        (lambda *_: 1 / 0, "Your rnn_forward raised ZeroDivisionError"),
        (lambda xs: xs, "Your rnn_forward raised TypeError"),
    ],
)  # fmt: skip
def test_a_function_that_fails_is_shown_as_the_learners(function, message):
    with pytest.raises(LearnerError, match=message):
        StateExplorer(learner=function).look()


def test_a_function_that_writes_into_its_weights_does_not_harm_the_network():
    def careless(xs, h0, W_xh, W_hh, W_hy, f, g):
        made = rnn_forward(xs, h0, W_xh, W_hh, W_hy, f, g)
        for weight in (W_xh, W_hh, W_hy, xs):
            weight.mul_(0)
        return made

    before = data_of()["free"]
    StateExplorer(learner=careless).look()
    assert np.array_equal(data_of()["free"], before)


@pytest.mark.parametrize(
    "sentence, message",
    [("", "there is no word"), ("...!", "there is no word"), ("so " * 25, "room for 24 words, and these are 25")],
)
def test_a_text_that_cannot_be_read_is_said_and_nothing_is_lost(sentence, message):
    explorer = StateExplorer(run=ALONE, step=12)
    picture = explorer.view and explorer._picture.value
    explorer.set(sentence=sentence)
    assert message in explorer._words.value and explorer._picture.value == picture
    explorer.set(sentence="the film was good")
    assert explorer.state()["step"] == 12 and not explorer.notice


@pytest.mark.parametrize("unit, told", [(0, "2 of 6"), (1, "5 of 6"), (2, "none of 6"), (4, "6 of 6")])
def test_how_long_the_answer_tells_is_said(unit, told):
    explorer = StateExplorer(nudge_unit=unit)
    explorer.look()
    assert f"The answer tells of it for {told} further words." in explorer.status


def test_unknown_words_and_another_scale_are_said():
    explorer = StateExplorer(sentence="the zeppelin was good", scale=0.5)
    explorer.look()
    assert "The model never met «zeppelin»" in explorer.status
    assert "W_hh is multiplied by 0.50: this is no longer the network that was trained." in explorer.status


QUESTS = {
    "flip": {"sentence": LONG, "nudge_at": 2, "nudge_unit": 4, "nudge": 1.0},
    "live": {"sentence": "the film was good", "run": ALONE, "nudge_at": 0, "nudge_unit": 0, "nudge": 1.0},
    "die": {"run": ALONE, "nudge_at": 0, "nudge_unit": 8, "nudge": 2.0, "scale": 0.2},
}


@pytest.mark.parametrize("quest", QUESTS)
def test_every_quest_can_be_done(quest):
    explorer = StateExplorer()
    explorer.set(**QUESTS[quest])
    assert explorer.done == {quest}


def test_every_quest_has_a_way_shown_above():
    assert set(QUESTS) == {quest.id for quest in StateExplorer.quests}
