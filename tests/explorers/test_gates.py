import numpy as np
import pytest
import torch

from course_lib.datasets.english import tokenize
from course_lib.datasets.reviews import encode
from course_lib.explorers import LearnerError
from course_lib.recurrent.explorers.gates import (
    GateExplorer,
    SentenceExplorer,
    opening_prediction,
    opening_state,
)
from course_lib.recurrent.explorers.memory import MemoryExplorer
from course_lib.recurrent.explorers.reading import read, responses
from course_lib.recurrent.language_model import load_writer
from course_lib.recurrent.sentiment import load_reader
from course_lib.start_here.explorers.gate import SingleGate


def data_of(explorer):
    explorer.look()
    return explorer.data


def test_the_opening_flips_by_its_clamp():
    prediction = opening_prediction()
    free, held = data_of(GateExplorer(**opening_state())), data_of(GateExplorer(**opening_state() | prediction.then))
    assert prediction.result(held) == "it flips"
    assert prediction.result(free) == "nothing"
    assert abs(free["free"][-1] - held["held"][-1]) > 0.5


def test_the_equation_is_that_of_the_chosen_cell():
    for state in ({}, {"clamp": "forget", "words": (2, 4)}, {"model": "two layers", "layer": 1, "row": 3}):
        n = data_of(GateExplorer(**state | {"word": 3}))["numbers"]
        assert n["c"] == pytest.approx(n["f"] * n["before"] + n["i"] * n["g"], abs=1e-6)
        assert n["h"] == pytest.approx(n["o"] * n["tanh"], abs=1e-6)


def test_a_clamp_shows_in_the_panel_and_only_where_it_was_set():
    data = data_of(GateExplorer(clamp="write", value=0.25, words=(2, 3), units=(1, 2)))
    held = data["panels"]["write"]
    assert np.all(held[1:3, 2:4] == 0.25)
    free = data_of(GateExplorer(show="unclamped run"))["panels"]["write"]
    assert np.allclose(held[:, :2], free[:, :2], atol=1e-6)
    assert np.allclose(held[0, 2], free[0, 2], atol=1e-6)


def test_the_keys_are_those_of_the_panels():
    explorer = GateExplorer(clamp="forget")
    for show, ends in (("clamped run", ["1 open", "+2", "+1"]), ("difference", ["+1", "+1", "+1"])):
        explorer.set(show=show)
        explorer.look()
        artists = explorer.canvas.artists
        assert [key["above"].get_text() for key in artists["keys"].values()] == ends
        for name, key in artists["keys"].items():
            assert key["heat"].cmap == artists[name]["heat"].cmap


def test_the_pull_is_the_gradient_of_the_answer():
    """Nudge the vector of one word and compare with the slope."""
    reader, sentence = load_reader(), "the film was not good"
    pull = read(reader, sentence).pull
    x = reader.model.embedding(encode([sentence])[0]).double()
    model = load_reader().model.double()
    try:

        def logit(x):
            return model.head(model.recurrent(x)[0][0, -1]).item()

        for word in (0, 3):
            slopes = []
            for feature in range(x.shape[-1]):
                step = torch.zeros_like(x)
                step[0, word, feature] = 1e-4
                slopes.append((logit(x + step) - logit(x - step)) / 2e-4)
            assert np.linalg.norm(slopes) == pytest.approx(pull[word], rel=1e-3)
    finally:
        model.float()


def test_sorting_puts_the_most_responsive_unit_first():
    for sort in ("negation", "praise or blame", "contrast"):
        first = int(data_of(GateExplorer(sort=sort))["where"][1].rsplit(" ", 1)[1]) - 1
        assert first == np.abs(responses("one layer", 0)[sort]).argmax()


@pytest.mark.parametrize(
    "sentence, message",
    [("", "there is no word"), ("...!", "there is no word"), ("so " * 25, "room for 24 words, and these are 25")],
)
@pytest.mark.parametrize("kind", [GateExplorer, SentenceExplorer])
def test_a_text_that_cannot_be_read_is_said_and_nothing_is_lost(kind, sentence, message):
    explorer = kind()
    picture = explorer.view and explorer._picture.value
    explorer.set(sentence=sentence)
    assert message in explorer._words.value and explorer._picture.value == picture


def test_an_empty_text_keeps_the_chosen_words():
    explorer = GateExplorer(clamp="forget", words=(3, 5), word=4)
    _ = explorer.view
    explorer.set(sentence="")
    explorer.set(sentence="i would not say that the film was good")
    assert explorer.state()["words"] == (3, 5) and explorer.state()["word"] == 4


def test_a_cell_that_writes_into_its_weights_does_not_harm_the_model():
    def careless(x, h, c, W_f, b_f, *others):
        b_f += 100
        W_f *= 0
        return h, c

    before = load_reader().model.recurrent.layers[0].gates.bias.clone()
    GateExplorer(learner=careless).look()
    assert torch.equal(load_reader().model.recurrent.layers[0].gates.bias, before)


def test_unknown_words_are_named():
    explorer = SentenceExplorer(sentence="the zeppelin was good")
    explorer.look()
    assert explorer.status.endswith("The model never met «zeppelin»: it reads «<unknown>» there.")


def right_cell(x, h, c, W_f, b_f, W_i, b_i, W_C, b_C, W_o, b_o):
    hx = torch.cat([h, x], dim=-1)
    c = (hx @ W_f.T + b_f).sigmoid() * c + (hx @ W_i.T + b_i).sigmoid() * (hx @ W_C.T + b_C).tanh()
    return (hx @ W_o.T + b_o).sigmoid() * c.tanh(), c


@pytest.mark.parametrize("model", ["one layer", "two layers", "language model"])
def test_the_learners_cell_reads_beside_the_model(model):
    data = data_of(GateExplorer(learner=right_cell, model=model))
    assert np.allclose(data["yours"], data["free"], atol=1e-6, equal_nan=True)

    def no_tanh(x, h, c, *weights):
        h, c = right_cell(x, h, c, *weights)
        return h * 0.5, c

    wrong = data_of(GateExplorer(learner=no_tanh, model=model))
    assert np.nanmax(np.abs(wrong["yours"] - wrong["free"])) > 0.05


def test_a_cell_that_is_not_started_is_no_error():
    for stub in (lambda *_: None, lambda *_: (..., ...)):
        explorer = GateExplorer(learner=stub)
        assert explorer.view and "Your cell is not started" in explorer._words.value and not explorer.notice


@pytest.mark.parametrize(
    "cell, message",
    [
        (lambda x, h, c, *_: h, r"return h and c, each torch.float32 \(1, 8\); it returned torch.float32 \(1, 8\)\."),
        (lambda x, h, c, *_: (h[0], c), r"it returned torch.float32 \(8,\), torch.float32 \(1, 8\)"),
        (lambda x, h, c, *_: (h.int(), c), r"it returned torch.int32 \(1, 8\)"),
        (lambda x, h, c, *_: (h * float("nan"), c), "returned NaN or an infinite number at word 1"),
        (lambda x, h, c, *_: 1 / 0, "Your lstm_cell raised ZeroDivisionError"),
        (lambda x: x, "Your lstm_cell raised TypeError"),
    ],
)
def test_a_cell_that_fails_is_shown_as_the_learners(cell, message):
    with pytest.raises(LearnerError, match=message):
        GateExplorer(learner=cell).look()


QUESTS = {
    (GateExplorer, "write-flip"): [
        {"sentence": "i would not say that the story was bad", "clamp": "write", "value": 0.0, "words": (place, place)}
        for place in range(9)
    ],
    (GateExplorer, "hide"): [{"clamp": "read", "value": 0.0, "words": (8, 8)}],
    (MemoryExplorer, "keep"): [{"forget": 6.0, "write": -7.0}],
    (MemoryExplorer, "show-once"): [
        {"forget": 6.0, "write": -7.0, "read": -6.0, "pulse": "read", "pulse_to": 1.0, "pulse_at": 50}
    ],
    (MemoryExplorer, "erase"): [{"forget": 6.0, "pulse": "forget", "pulse_to": 0.0, "pulse_at": 25}],
    (SingleGate, "ninety"): [{"bias": 6.0, "steps": 20}],
}


@pytest.mark.parametrize("kind, quest", QUESTS, ids=[quest for _, quest in QUESTS])
def test_every_quest_can_be_done(kind, quest):
    explorer = kind()
    for state in QUESTS[kind, quest]:
        explorer.set(**state)
    assert quest in explorer.done


def test_every_quest_has_a_way_shown_above():
    told = {(kind, quest) for kind, quest in QUESTS}
    every = {(cls, quest.id) for cls in (GateExplorer, MemoryExplorer, SingleGate) for quest in cls.quests}
    assert told == every


def test_the_memory_follows_its_equation():
    data = data_of(MemoryExplorer(forget=2.0, write=0.0, pulse="forget", pulse_to=0.3, pulse_at=10))
    for t in range(1, 51):
        assert data["cell"][t] == pytest.approx(
            data["forget"][t] * data["cell"][t - 1] + data["write"][t] * data["candidate"][t]
        )
    assert data["share"][-1] == pytest.approx(np.prod(data["forget"][1:]))
    assert data["gradient"][20] == pytest.approx(np.prod(data["forget"][21:]))


# ---- the language model of section 4.6 under the same gates

WRITTEN = "if the value of the object is not a string, it is converted to a string"


def language(**state):
    return data_of(GateExplorer(**{"model": "language model", "sentence": WRITTEN, "sort": "this sentence"} | state))


def test_the_language_model_reads_with_its_own_vocabulary():
    data, writer = language(), load_writer()
    tokens = writer.tokens(WRITTEN)
    assert data["words"] == ["<end>", *tokenize(WRITTEN)] and not data["unknown"]
    with torch.no_grad():
        shares = writer.model(tokens[None])[0][0].softmax(dim=-1)  # (time, words)
    assert np.isnan(data["free"][0])
    assert np.allclose(data["free"][1:], shares[range(len(tokens) - 1), tokens[1:]], atol=1e-6)
    says, share = data["answers"][0]
    assert (says, share) == (writer.vocabulary[shares[-1].argmax()], pytest.approx(shares[-1].max().item(), abs=1e-6))


def test_all_rows_stand_for_every_unit_of_the_language_model():
    """Without its memory it goes on as if the text had begun at the held word, but for the state it put out before."""
    wiped = {"clamp": "forget", "words": (6, 6)}
    whole, eight = language(**wiped), language(**wiped, units=(0, 6))
    assert whole["clamped_units"] == "every unit" and eight["clamped_units"] == "7 of 128 units"
    free = whole["free"]
    assert np.allclose(whole["held"][1:7], free[1:7], atol=1e-6)

    def changed(data):
        return np.abs(np.log(data["held"] / free))[7:9].max()

    assert changed(whole) > 2 * changed(eight)


def test_the_language_model_has_no_unit_for_praise():
    explorer = GateExplorer(model="language model", sentence=WRITTEN)
    picture = explorer.view and explorer._picture.value
    explorer.set(sort="praise or blame")
    assert explorer.status.endswith("Its text holds no praise or blame: the rows stand by unit number.")
    assert explorer._picture.value == picture
    explorer.set(sort="negation")
    assert "stand by unit number" not in explorer.status and explorer._picture.value != picture


def test_the_language_model_names_what_it_does_not_know():
    explorer = GateExplorer(model="language model", sentence="a zeppelin is not")
    explorer.look()
    assert explorer.status.startswith("After «<end> a zeppelin is not» most likely comes «")
    assert explorer.status.endswith("The model never met «zeppelin»: it reads «<unk>» there.")
