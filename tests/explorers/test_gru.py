import numpy as np
import pytest
import torch

from course_lib.datasets.reviews import encode, words_of
from course_lib.explorers import LearnerError
from course_lib.recurrent.explorers.gru import BOTH, RESET_LABELS, GRUExplorer, gru_prediction, gru_state
from course_lib.recurrent.explorers.reading import network, read
from course_lib.recurrent.sentiment import load_reader

AFTER, BEFORE = RESET_LABELS
GOOD = "i would not say that the film was good"


def data_of(explorer):
    explorer.look()
    return explorer.data


def test_the_prediction_comes_out_as_it_should():
    """In this convention z = 1 keeps the old state."""
    prediction, opened = gru_prediction(), gru_state()
    held = data_of(GRUExplorer(**opened | prediction.then))
    _, passes, replaces = prediction.options
    assert prediction.result(held) == passes and held["gru"]["flips"]
    assert prediction.result(data_of(GRUExplorer(**opened))) == prediction.options[0]
    assert prediction.result(data_of(GRUExplorer(**opened | prediction.then | {"value": 0.0}))) == replaces


@pytest.mark.parametrize("reset", [AFTER, BEFORE])
@pytest.mark.parametrize("sentence", [GOOD, "nobody could call this film good", "the plot was never boring"])
def test_update_at_1_reads_the_sentence_without_the_word(sentence, reset):
    words = words_of(sentence)
    for place in range(len(words)):
        held = data_of(GRUExplorer(sentence=sentence, gru="update", value=1.0, words=(place, place), reset=reset))
        rest = data_of(GRUExplorer(sentence=" ".join(words[:place] + words[place + 1 :]), reset=reset))
        assert held["gru"]["held"][-1] == pytest.approx(rest["gru"]["free"][-1], abs=1e-6)
        assert held["gru"]["without"] == pytest.approx(rest["gru"]["free"][-1], abs=1e-6) and held["moved"] == 0


def test_tied_gates_carry_the_cell_but_not_the_output():
    """Forget 1 and write 0 are what update 1 is to the cell; the read gate still reads the word."""
    reader, place = load_reader(), 8
    data = data_of(GRUExplorer(lstm=BOTH, value=1.0, words=(place, place), sort="unit number"))
    panels = data["lstm"]["panels"]
    assert np.array_equal(panels["cell"][:, place], panels["cell"][:, place - 1])
    assert np.abs(panels["hidden"][:, place] - panels["hidden"][:, place - 1]).max() > 0.1
    rest = read(reader, " ".join(words_of(GOOD)[:place])).answer.share
    assert data["lstm"]["without"] == pytest.approx(rest, abs=1e-6)
    assert abs(data["lstm"]["held"][-1] - rest) > 0.01


def test_the_equations_are_those_of_the_chosen_units():
    for state in ({}, {"gru": "update", "lstm": BOTH, "value": 0.3, "words": (2, 4)}, {"reset": BEFORE, "row": 3}):
        data = data_of(GRUExplorer(**state | {"word": 3}))
        n, m = data["gru"]["numbers"], data["lstm"]["numbers"]
        assert n["h"] == pytest.approx(n["z"] * n["before"] + n["new"] * n["n"], abs=1e-6)
        assert m["c"] == pytest.approx(m["f"] * m["before"] + m["i"] * m["g"], abs=1e-6)
        assert m["h"] == pytest.approx(m["o"] * m["tanh"], abs=1e-6)


def test_the_share_left_is_the_product_of_the_gates_that_keep():
    data = data_of(GRUExplorer(word=2))
    for net, gate in (("gru", "update"), ("lstm", "forget")):
        of = data[net]
        assert of["kept"].shape == (8, 8) and np.all(of["kept"][:, 0] == 1)
        assert np.allclose(of["kept"][:, -1], of["panels"][gate][:, 2:].prod(axis=1), atol=1e-7)


def test_a_clamp_shows_in_its_panel_and_only_where_it_was_set():
    free = data_of(GRUExplorer())
    held = data_of(GRUExplorer(gru="reset", lstm=BOTH, value=0.25, words=(2, 3), units=(1, 2)))
    for net, gate, value in (("gru", "reset", 0.25), ("lstm", "forget", 0.25), ("lstm", "write", 0.75)):
        panel = held[net]["panels"][gate]
        assert np.all(panel[1:3, 2:4] == value)
        assert np.allclose(panel[:, :2], free[net]["panels"][gate][:, :2], atol=1e-6)
        assert np.allclose(panel[0, 2], free[net]["panels"][gate][0, 2], atol=1e-6)


def test_the_other_reset_is_the_papers_equation_with_the_same_weights():
    cell = network("gru", "before").layers[0]
    x, h = torch.randn(3, 16), torch.randn(3, 8)
    x_r, x_z, x_n = (x @ cell.of_input.weight.T + cell.of_input.bias).chunk(3, dim=-1)
    (W_r, W_z, W_n), (b_r, b_z, b_n) = cell.of_hidden.weight.chunk(3), cell.of_hidden.bias.chunk(3)
    r, z = (x_r + h @ W_r.T + b_r).sigmoid(), (x_z + h @ W_z.T + b_z).sigmoid()
    n = (x_n + (r * h) @ W_n.T + b_n).tanh()
    assert torch.allclose(cell(x, h), z * h + (1 - z) * n, atol=1e-6)
    trained = load_reader("gru").model.recurrent.state_dict()
    assert all(torch.equal(weight, trained[name]) for name, weight in network("gru", "before").state_dict().items())
    assert not network("gru").layers[0].reset_before


def test_a_reset_gate_of_1_makes_both_ways_equal_and_of_0_does_not():
    opened = data_of(GRUExplorer(gru="reset", value=1.0, words=(0, 8)))
    closed = data_of(GRUExplorer(gru="reset", value=0.0, words=(0, 8)))
    assert opened["apart"]["free"] > 0.5 and opened["apart"]["held"] < 1e-6
    assert closed["apart"]["held"] > 1e-4


def test_the_other_way_to_reset_is_told_with_the_same_gate_held():
    state = {"sentence": "we did not stay for the songs but the story was good", "gru": "reset", "words": (0, 11)}
    for value in (1.0, 0.5):
        one, other = (GRUExplorer(**state, value=value, reset=reset) for reset in (AFTER, BEFORE))
        here, there = (data_of(explorer)["gru"]["held"][-1] for explorer in (one, other))
        assert abs(here - there) < 1e-6 if value == 1 else abs(here - there) > 0.01
        for explorer, elsewhere in ((one, there), (other, here)):
            assert f"With the same gate held, the other way to reset says {elsewhere:.0%};" in explorer.status
            assert ("differ by less than 0.001." in explorer.status) == (value == 1)
    free = GRUExplorer(**state | {"gru": "no gate"}, reset=BEFORE)
    trained = data_of(GRUExplorer(**state | {"gru": "no gate"}))["gru"]["free"][-1]
    free.look()
    assert f"The other way to reset says {trained:.0%}" in free.status


def test_the_difference_and_the_free_run_are_shown():
    state = {"gru": "update", "lstm": "read", "value": 0.3, "words": (2, 4)}
    shown = {show: data_of(GRUExplorer(**state, show=show)) for show in GRUExplorer.controls["show"].options}
    held, free, difference = shown.values()
    for net in ("gru", "lstm"):
        for name, panel in difference[net]["panels"].items():
            assert np.allclose(panel, held[net]["panels"][name] - free[net]["panels"][name], atol=1e-6)


def test_the_words_say_what_the_picture_shows():
    explorer = GRUExplorer(**gru_state(), gru="update", lstm=BOTH, reset=BEFORE)
    data = data_of(explorer)
    for part in ("GRU, update gate held at 1 at «not»", "LSTM, forget gate held at 1 and write gate at 0 at «not»",
                 f"it would be {data['gru']['without']:.0%}", "This GRU resets before the matrix"):  # fmt: skip
        assert part in explorer.status
    explorer = GRUExplorer(sentence="the zeppelin was good")
    explorer.look()
    assert explorer.status.endswith("The model never met «zeppelin»: it reads «<unknown>» there.")


@pytest.mark.parametrize(
    "sentence, message",
    [("", "there is no word"), ("...!", "there is no word"), ("so " * 25, "room for 24 words, and these are 25")],
)
def test_a_text_that_cannot_be_read_is_said_and_nothing_is_lost(sentence, message):
    explorer = GRUExplorer(words=(3, 5), word=4)
    picture = explorer.view and explorer._picture.value
    explorer.set(sentence=sentence)
    assert message in explorer._words.value and explorer._picture.value == picture
    if not sentence:
        explorer.set(sentence=GOOD)
        assert explorer.state()["words"] == (3, 5) and explorer.state()["word"] == 4


def right_cell(x, h, W_ih, W_hh, b_ih, b_hh, reset):
    x_r, x_z, x_n = (x @ W_ih.T + b_ih).chunk(3, dim=-1)
    (W_r, W_z, W_n), (b_r, b_z, b_n) = W_hh.chunk(3), b_hh.chunk(3)
    r, z = (x_r + h @ W_r.T + b_r).sigmoid(), (x_z + h @ W_z.T + b_z).sigmoid()
    past = r * (h @ W_n.T + b_n) if reset == "after" else (r * h) @ W_n.T + b_n
    return z * h + (1 - z) * (x_n + past).tanh()


@pytest.mark.parametrize("reset", [AFTER, BEFORE])
def test_the_learners_cell_reads_beside_the_model(reset):
    explorer = GRUExplorer(learner=right_cell, reset=reset)
    data = data_of(explorer)
    assert np.allclose(data["yours"], data["gru"]["free"], atol=1e-6) and "equal the model's" in explorer.status

    def other_way(*arguments):
        return right_cell(*arguments[:-1], "before" if arguments[-1] == "after" else "after")

    explorer = GRUExplorer(learner=other_way, reset=reset)
    wrong = data_of(explorer)
    apart = np.abs(wrong["yours"] - wrong["gru"]["free"]).max()
    assert apart > 0.1 and f"differ from the model's by up to {apart:.1g}." in explorer.status


def test_a_cell_that_writes_into_its_weights_does_not_harm_the_model():
    def careless(x, h, *weights_and_reset):
        for weight in weights_and_reset[:-1]:
            weight *= 0
        return h

    model = load_reader("gru").model
    tokens, lengths = encode([GOOD])
    before = model(tokens, lengths)
    GRUExplorer(learner=careless).look()
    assert torch.equal(model(tokens, lengths), before)


@pytest.mark.parametrize("stub", [lambda *_: None, lambda *_: ...])
def test_a_cell_that_is_not_started_is_no_error(stub):
    explorer = GRUExplorer(learner=stub)
    assert explorer.view and "Your cell is not started" in explorer._words.value and not explorer.notice


@pytest.mark.parametrize(
    "cell, message",
    [
        (lambda x, h, *_: (h, h), r"must return h, torch.float32 \(1, 8\); it returned tuple\."),
        (lambda x, h, *_: h[0], r"it returned torch.float32 \(8,\)"),
        (lambda x, h, *_: h.int(), r"it returned torch.int32 \(1, 8\)"),
        (lambda x, h, *_: h * float("nan"), "returned NaN or an infinite number at word 1"),
        (lambda x, h, *_: 1 / 0, "Your gru_cell raised ZeroDivisionError"),
        (lambda x: x, "Your gru_cell raised TypeError"),
    ],
)
def test_a_cell_that_fails_is_shown_as_the_learners(cell, message):
    with pytest.raises(LearnerError, match=message):
        GRUExplorer(learner=cell).look()


QUESTS = {
    "carry": {"gru": "update", "value": 1.0, "words": (3, 3)},
    "one-of-two": {"gru": "update", "lstm": BOTH, "value": 0.0, "words": (6, 6)},
    "before-after": {"gru": "reset", "value": 1.0, "words": (0, 8)},
}
NEARLY = {  # the same with one thing wrong
    "carry": ({"gru": "update", "value": 1.0, "words": (2, 2)}, {"gru": "update", "value": 0.95, "words": (3, 3)},
              {"gru": "update", "value": 1.0, "words": (3, 4)}),
    "one-of-two": ({"gru": "update", "lstm": "write", "value": 0.0, "words": (6, 6)},
                   {"gru": "update", "lstm": BOTH, "value": 1.0, "words": (2, 2)}),
    "before-after": ({"gru": "reset", "value": 1.0, "words": (0, 3)}, {"gru": "reset", "value": 0.0, "words": (0, 8)},
                     {"gru": "reset", "value": 1.0, "words": (0, 4), "sentence": "the film was good"}),
}  # fmt: skip


@pytest.mark.parametrize("quest", QUESTS)
def test_every_quest_can_be_done(quest):
    explorer = GRUExplorer()
    for state in NEARLY[quest]:
        explorer.set(**{"sentence": GOOD} | state)
        assert quest not in explorer.done, state
    explorer.set(**{"sentence": GOOD} | QUESTS[quest])
    assert quest in explorer.done


def test_every_quest_has_a_way_shown_above():
    assert set(QUESTS) == {quest.id for quest in GRUExplorer.quests} == set(NEARLY)
