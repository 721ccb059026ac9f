import numpy as np
import pytest
import torch

from course_lib.datasets.dates import FORMATS, LONGEST, PAD, START, read_date
from course_lib.explorers import LearnerError
from course_lib.figures.attention import ANSWERS
from course_lib.figures.labels import width_of
from course_lib.figures.style import DENSITY
from course_lib.recurrent.alignment import Change, encoded, translate
from course_lib.recurrent.attention import attend as reference
from course_lib.recurrent.explorers.attention import (
    ALWAYS,
    COLUMNS,
    HERE,
    HIDDEN,
    NOTHING,
    ONLY,
    OPENING,
    TRAINED,
    UNIFORM,
    AttentionExplorer,
    attention_prediction,
    attention_state,
)

LONG = "wednesday, the 30th of september, in the year 2026"
OF_ALL_KINDS = [OPENING, LONG, "5.3.1998", "05/03/1998", "mar 5 1998", "in the year 1998 on the 5th of march"]


def data_of(**state):
    explorer = AttentionExplorer(**state)
    explorer.look()
    return explorer.data


# ---- the explorer


def test_it_opens_where_the_attention_translates_rightly():
    data = data_of(**attention_state())
    assert data["truth"] == "2013-10-21" == data["answers"]["as trained"] and not data["changed"]
    assert data["weights"][8].argmax() == OPENING.index("21") and not data["moved"].any()


def test_the_prediction_comes_out_as_it_should():
    prediction = attention_prediction()
    data = data_of(**attention_state() | prediction.then)
    assert prediction.result(data) == prediction.options[0]
    month = slice(5, 7)
    before = data["was"][month]
    assert np.all((before > 0.1).sum(axis=1) > 1), "the question says that they lie on several letters"
    assert np.all(data["weights"][month].max(axis=1) > 0.8)
    assert prediction.result(data_of(attention=HIDDEN, positions=(12, 18))) == prediction.options[1]
    assert prediction.result(data_of(attention=UNIFORM)) == prediction.options[2]


def test_uniform_is_what_a_sharpness_of_0_is():
    uniform, flat = data_of(attention=UNIFORM), data_of(sharpness=0.0)
    assert np.array_equal(uniform["weights"], flat["weights"])
    assert np.allclose(uniform["weights"], 1 / len(OPENING))


def test_only_these_positions_is_hiding_the_others():
    data = data_of(attention=ONLY, positions=(4, 5), step=3)
    assert np.all(data["weights"][:, [*range(4), *range(6, 24)]] == 0)
    assert list(np.flatnonzero(~data["out_of_sight"])) == [4, 5]


def test_at_the_symbol_looked_at_only_that_row_is_changed():
    data = data_of(attention=HIDDEN, positions=(4, 5), when=HERE, step=9)
    assert data["span"] == (4, 5, 8, 8) and data["moved"][8] > 0.1 and not data["moved"][:8].any()
    last = data_of(attention=HIDDEN, positions=(4, 5), when=HERE, step=12)  # the end is symbol 11
    assert last["row"] == 10 and last["span"] == (4, 5, 10, 10) and last["weights"][10, 4] == 0
    assert data_of(when=HERE)["changed"] is False


def test_the_fixed_vector_is_forced_as_well():
    data = data_of(force="1", force_at=1)
    assert data["answers"]["fixed vector"][0] == "1" and data["forced"] == (0, "1") and data["preferred"] == "2"
    assert data["answers"]["fixed vector"] == translate("fixed vector", OPENING, Change(forced=(0, 5))).text


def test_the_context_has_moved_as_far_as_the_weights_say():
    """The context is the weighted sum of the encoder's states."""
    values = encoded("attention", OPENING)[0].values[0].numpy()
    data = data_of(attention=HIDDEN, positions=(4, 5))
    before, after = data["was"] @ values, data["weights"] @ values
    expected = np.linalg.norm(after - before, axis=1) / np.linalg.norm(before, axis=1)
    assert np.allclose(data["moved"], expected, atol=1e-5) and data["moved"].max() > 0.5


@pytest.mark.parametrize("way", FORMATS)
def test_the_truth_is_known_for_every_format(way):
    data = data_of(text=way)
    assert data["truth"] == read_date(way).isoformat() == "1998-03-05"
    assert data["wrong"]["as trained"] == ()


def test_chances_stand_in_the_order_of_the_labels():
    data = data_of()
    assert np.allclose(data["chances"].sum(axis=1), 1, atol=1e-3) and PAD not in COLUMNS and START not in COLUMNS
    assert data["chances"][0].argmax() == 3 and data["chances"][4].argmax() == 0 and data["chances"][10].argmax() == 11


def test_the_words_say_what_the_picture_shows():
    explorer = AttentionExplorer(attention=HIDDEN, step=9, force="1", sharpness=2.0)
    explorer.look()
    for part in ("«21» hidden and scores × 2 and «1» forced as symbol 1 (it prefers «2»)", "wrong at symbols 1, ",
                 "as trained it writes 2013-10-21, which is right", "For symbol 9 the largest weight is",
                 "Its context vector has moved by"):  # fmt: skip
        assert part in explorer.status
    explorer.set(attention=HIDDEN, positions=(0, 23))
    assert "all weights are 0" in explorer.status
    explorer.set(text="the 5th of march in 1998", attention=TRAINED, force=NOTHING, sharpness=1.0)
    assert "none of the formats" in explorer.status and "right." not in explorer.status
    assert explorer.data["truth"] == "" and explorer.data["wrong"]["as trained"] == ()


def test_a_symbol_that_is_never_reached_is_not_forced():
    explorer = AttentionExplorer(sharpness=0.2, force="7", force_at=10, text=LONG)
    runs = [data_of(sharpness=0.05 * n, text=LONG) for n in range(6)]
    short = next(n for n, data in enumerate(runs) if len(data["written"]) < 9)
    explorer.set(sharpness=0.05 * short)
    assert explorer.data["forced"] is None and "Symbol 10 is never written" in explorer.status


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "there is nothing to translate"),
        ("   ", "there is nothing to translate"),
        ("31.2.1998", "february 1998 has 28 days"),
        ("5.13.1998", "there is no month 13"),
        ("5 März 1998", "use small letters and digits"),
        ("on " * 17, "51 signs; the translator learned dates of at most 50"),
    ],
)
def test_a_text_that_cannot_be_read_is_said_and_nothing_is_lost(text, message):
    explorer = AttentionExplorer(attention=HIDDEN, positions=(4, 5))
    picture = explorer.view and explorer._picture.value
    explorer.set(text=text)
    assert message in explorer._words.value and explorer._picture.value == picture
    if not text.strip():
        explorer.set(text=OPENING)
        assert explorer.state()["positions"] == (4, 5)


# ---- the learner's attention


def right_attend(query, keys, values, mask, score):
    context, weights = reference(score(query, keys).unsqueeze(1), values, mask.unsqueeze(1))
    return context.squeeze(1), weights.squeeze(1)


STATES = [{}, {"attention": HIDDEN, "sharpness": 2.0}, {"attention": UNIFORM, "when": HERE, "step": 3},
          {"attention": HIDDEN, "positions": (0, 23), "force": "7", "force_at": 3}]  # fmt: skip


@pytest.mark.parametrize("state", STATES)
def test_the_learners_attention_writes_beside_the_model(state):
    data = data_of(learner=right_attend, **state)
    assert np.allclose(data["yours"], data["weights"], atol=1e-6)
    assert data["answers"]["your attend"] == data["written"]


def test_a_wrong_attention_writes_something_else():
    def unmasked(query, keys, values, mask, score):
        return right_attend(query, keys, values, torch.ones_like(mask), score)

    data = data_of(learner=unmasked, attention=HIDDEN)
    assert np.abs(data["yours"] - data["weights"]).max() > 0.5
    assert data["answers"]["your attend"] == data["truth"] != data["written"]

    def of_keys(query, keys, values, mask, score):
        context, weights = right_attend(query, keys, values, mask, score)
        return torch.zeros_like(context), weights

    explorer = AttentionExplorer(learner=of_keys)
    explorer.look()
    assert explorer.data["answers"]["your attend"] != explorer.data["truth"]
    assert f"it writes {explorer.data['answers']['your attend']};" in explorer.status


def test_an_attention_that_writes_into_its_inputs_does_not_harm_the_model():
    def careless(query, keys, values, mask, score):
        result = right_attend(query, keys, values, mask, score)
        for tensor in (query, keys, values):
            tensor.zero_()
        mask[:] = False
        return result

    data = data_of(learner=careless)
    assert np.allclose(data["yours"], data["weights"], atol=1e-6)
    assert encoded("attention", OPENING)[0].mask.all()


@pytest.mark.parametrize("stub", [lambda *_: None, lambda *_: ..., lambda *_: (..., ...)])
def test_an_attention_that_is_not_started_is_no_error(stub):
    explorer = AttentionExplorer(learner=stub)
    assert explorer.view and "Your attend is not started" in explorer._words.value and not explorer.notice


@pytest.mark.parametrize(
    "attend, message",
    [
        (lambda q, k, v, m, s: s(q, k), r"context torch.float32 \(1, 128\) and weights torch.float32 \(1, 24\); it"),
        (lambda q, k, v, m, s: (v, s(q, k)), r"it returned torch.float32 \(1, 24, 128\), torch.float32 \(1, 24\)"),
        (lambda q, k, v, m, s: (v[:, 0], m), r"it returned torch.float32 \(1, 128\), torch.bool \(1, 24\)"),
        (lambda q, k, v, m, s: (v[:, 0] / 0, s(q, k)), r"returned NaN or an infinite number\."),
        (lambda q, k, v, m, s: 1 / 0, "Your attend raised ZeroDivisionError"),
        (lambda q, k: q, "Your attend raised TypeError"),
    ],
)
def test_an_attention_that_fails_is_shown_as_the_learners(attend, message):
    with pytest.raises(LearnerError, match=message):
        AttentionExplorer(learner=attend).look()


def test_a_softmax_of_nothing_is_said():
    def careless(query, keys, values, mask, score):
        weights = score(query, keys).masked_fill(~mask, -torch.inf).softmax(dim=-1)
        return (weights.unsqueeze(1) @ values).squeeze(1), weights

    assert data_of(learner=careless, attention=HIDDEN)["yours"] is not None
    with pytest.raises(LearnerError, match="NaN or an infinite number: here there is nothing that it may look at"):
        AttentionExplorer(learner=careless, attention=HIDDEN, positions=(0, 23)).look()


# ---- quests

QUESTS = {
    "one-letter": {"attention": HIDDEN, "positions": (24, 31), "text": LONG},
    "flat": {"sharpness": 0.3},
    "recover": {"force": "1", "force_at": 1},
}
NEARLY = {  # the same with one thing wrong
    "one-letter": ({"attention": HIDDEN, "positions": (23, 31), "text": LONG},
                   {"attention": HIDDEN, "positions": (25, 31), "text": LONG},
                   {"attention": HIDDEN, "positions": (24, 31), "text": LONG, "when": HERE}),
    "flat": ({"sharpness": 0.0}, {"sharpness": 0.5}, {"sharpness": 0.3, "force": "9"}, {"sharpness": 0.1}),
    "recover": ({"force": "2", "force_at": 1}, {"force": "1", "force_at": 6},
                {"force": "1", "force_at": 1, "attention": HIDDEN}),
}  # fmt: skip
PLAIN = {name: control.start for name, control in AttentionExplorer.controls.items()}


@pytest.mark.parametrize("quest", QUESTS)
def test_every_quest_can_be_done(quest):
    explorer = AttentionExplorer()
    for state in NEARLY[quest]:
        explorer.set(**PLAIN | state)
        assert quest not in explorer.done, state
    explorer.set(**PLAIN | QUESTS[quest])
    assert quest in explorer.done


def test_every_quest_has_a_way_shown_above():
    assert set(QUESTS) == {quest.id for quest in AttentionExplorer.quests} == set(NEARLY)


def test_a_date_of_no_known_format_does_no_quest():
    explorer = AttentionExplorer(text="say the 5th of march 1998")
    for state in ({"attention": HIDDEN, "positions": (15, 18)}, {"sharpness": 0.3}, {"force": "1"}):
        explorer.set(**PLAIN | {"text": "say the 5th of march 1998"} | state)
    assert not explorer.done and explorer.state()["when"] == ALWAYS


# ---- the pictures


@pytest.mark.parametrize("text", OF_ALL_KINDS)
def test_nothing_is_cut(text):
    """Every label of the full picture stands inside it, with the learner's crosses and a forced symbol."""
    explorer = AttentionExplorer(text=text, attention=HIDDEN, positions=(0, 1), force="7", learner=right_attend)
    explorer.look()
    explorer.canvas.draw_fully()
    width, height = explorer.canvas.figure.canvas.get_width_height(physical=True)
    for label in explorer.canvas.figure.findobj(lambda artist: hasattr(artist, "get_text") and artist.get_text()):
        left, bottom, right, top = label.get_window_extent().extents
        assert min(left, bottom) >= 0 and right <= width and top <= height, label.get_text()
    for label in explorer.canvas.artists["labels"].labels:
        wide = width_of(label.text, label.size, label.bold, label.mono)
        left = label.x - {"left": 0, "center": wide / 2, "right": wide}[label.align]
        assert left >= 0 and left + wide <= width / DENSITY and 0 <= label.y <= height / DENSITY, label.text
    assert len(explorer.png()) <= 150_000


def test_fifty_characters_do_not_touch():
    assert len(LONG) == LONGEST
    explorer = AttentionExplorer(text=LONG, attention=HIDDEN)
    explorer.look()
    row = explorer.canvas.draw()[2 * 117 : 2 * 133, 2 * 70 : 2 * 866, :3].min(axis=(0, 2)) < 128  # dark columns
    runs = np.flatnonzero(np.diff(row.astype(int)) == 1)
    assert len(runs) >= sum(sign not in " " for sign in LONG) - 2  # the hidden ones are pale


def test_every_answer_has_a_line():
    assert list(data_of()["answers"]) == list(ANSWERS)
