import numpy as np
import pytest
import torch

from course_lib.datasets.english import END_ID, UNKNOWN_ID
from course_lib.figures.generation import percent
from course_lib.recurrent.explorers.generation import (
    CUTS,
    UNITS,
    GenerationExplorer,
    generation_prediction,
    generation_state,
)
from course_lib.recurrent.explorers.writing import (
    LONGEST_PROMPT,
    MOST_WORDS,
    TEMPERATURES,
    entropy,
    prompt_of,
    real_scores,
    real_texts,
    repeated,
    run_of,
    texts_by_temperature,
    trade,
)
from course_lib.recurrent.generation import reshape
from course_lib.recurrent.language_model import load_writer


def data_of(explorer):
    explorer.look()
    return explorer.data


def test_the_prediction_comes_out_as_it_should():
    """The greedy choice runs into a loop."""
    prediction, opened = generation_prediction(), generation_state()
    greedy = data_of(GenerationExplorer(**opened | prediction.then))
    _, loops, _ = prediction.options
    assert prediction.result(greedy) == loops and greedy["repeated"] > 0.6
    assert prediction.result(data_of(GenerationExplorer(**opened))) != loops
    wild = data_of(GenerationExplorer(**opened | {"temperature": 2.0}))
    assert prediction.result(wild) == prediction.options[2]


def test_the_numbers_are_those_of_the_model_reading_the_text_at_once():
    """Word by word and all at once, our network gives the same distributions and states."""
    prompt, words, place = "if the object is", 12, 5
    data = data_of(GenerationExplorer(prompt=prompt, words=words, place=place, seed=3))
    writer = load_writer()
    before = writer.ids(prompt).tolist()
    written = [writer.vocabulary.index(word) for word in data["written"]]
    tokens = torch.tensor([[END_ID, *before, *written]])
    hidden, _ = writer.model.recurrent(writer.model.embedding(tokens))
    logprobs = writer.model(tokens)[0][0].log_softmax(dim=-1)[len(before) : -1]  # (words, vocabulary)
    bits = -logprobs[torch.arange(words), torch.tensor(written)] / np.log(2)
    assert np.allclose(data["surprise"], bits, atol=1e-3)
    assert np.allclose(data["states"], hidden[0, -words:, data["units"]].T, atol=1e-5)
    assert np.allclose(data["entropy"], torch.special.entr(logprobs.exp()).sum(dim=-1) / np.log(2), atol=1e-3)
    assert data["perplexity"] == pytest.approx(2 ** bits.mean().item(), rel=1e-3)
    assert data["states"].shape == (UNITS, words) and len(set(data["units"])) == UNITS


def test_what_is_drawn_from_is_the_reshaped_distribution():
    state = {"temperature": 0.7, "top_k": "20", "top_p": 0.8, "place": 2}
    data = data_of(GenerationExplorer(**state))
    run = run_of(prompt_of("the value of the").ids, 32, 0.7, 20, 0.8, 0)
    probs = reshape(torch.from_numpy(run.model[2]).log(), 0.7, 20, 0.8).numpy()
    assert data["can"] == (probs > 0).sum() <= 20
    assert data["share"] == pytest.approx(run.model[2][probs > 0].sum(), abs=1e-5)
    assert data["entropies"][1] == pytest.approx(entropy(probs), abs=1e-3)
    order = np.argsort(-run.model[2], kind="stable")
    for row in data["choices"]:
        token = order[row["rank"] - 1]
        assert load_writer().vocabulary[token] == row["word"]
        assert row["drawn"] == pytest.approx(probs[token], abs=1e-5)
    assert sum(row["written"] for row in data["choices"]) == 1


def test_a_written_word_far_down_the_list_is_shown_too():
    data = data_of(GenerationExplorer(temperature=1.8, place=9))
    *first, last = data["choices"]
    assert len(first) == 10 and last["written"] and last["rank"] > 10
    assert data["written"][9] == last["word"]


def test_greedy_has_one_word_to_draw_from_whatever_the_rest_says():
    texts = {
        tuple(data_of(GenerationExplorer(**state))["written"])
        for state in ({"temperature": 0.0}, {"temperature": 0.0, "seed": 7, "top_p": 0.3}, {"top_k": "1", "seed": 9})
    }
    assert len(texts) == 1
    explorer = GenerationExplorer(temperature=0.0)
    data = data_of(explorer)
    assert data["can"] == 1 and data["entropies"][1] == 0 and "greedily (the seed changes nothing)" in explorer.status


def test_the_same_seed_writes_the_same_words_and_more_words_go_on_from_there():
    short, long = (data_of(GenerationExplorer(words=words, seed=5))["written"] for words in (16, 24))
    assert long[:16] == short
    assert data_of(GenerationExplorer(words=16, seed=6))["written"] != short


def test_the_share_of_repeated_groups():
    assert repeated(np.arange(10)) == 0
    assert repeated(np.array([1, 2, 3, 4, 1, 2, 3, 4])) == pytest.approx(1 / 5)
    assert repeated(np.zeros(13, dtype=int)) == pytest.approx(0.9)


def test_temperature_trades_repetition_for_perplexity():
    """A higher temperature repeats less and surprises more; real text lies where the model samples at about 1."""
    temperatures, perplexities, shares = trade(48)
    assert temperatures == TEMPERATURES and len(texts_by_temperature()) == len(TEMPERATURES)
    assert np.all(np.diff(perplexities) > 0)
    assert shares[0] > 0.5 and np.all(shares[-4:] < 0.05) and shares[0] > shares[3] > shares[-1]
    perplexity, share = real_scores(48)
    assert perplexities[3] < perplexity < perplexities[7] and share < 0.1


def test_real_texts_are_beginnings_of_paragraphs():
    texts, spread = real_texts()
    assert texts.tokens.shape == texts.bits.shape == (len(texts.tokens), MOST_WORDS) and len(texts.tokens) > 20
    assert not (texts.tokens == END_ID).any() and spread.shape == (load_writer().model.head.in_features,)


def test_unknown_words_and_an_empty_prompt_are_said():
    explorer = GenerationExplorer(prompt="a Zeppelin is <unk>")
    data = data_of(explorer)
    assert data["prompt"] == ("a", "<unk>", "is", "<unk>") and prompt_of("a zeppelin").ids[1] == UNKNOWN_ID
    assert explorer.status.endswith("The model does not know «zeppelin»: it reads «<unk>» there.")
    explorer = GenerationExplorer(prompt=" ")
    assert data_of(explorer)["prompt"] == () and explorer.status.startswith("At the beginning of a paragraph")


def test_a_prompt_that_is_too_long_is_said_and_nothing_is_lost():
    explorer = GenerationExplorer(place=11)
    picture = explorer.view and explorer._picture.value
    explorer.set(prompt="the " * (LONGEST_PROMPT + 1))
    assert "room for a prompt of 24 words and signs, and these are 25" in explorer._words.value
    assert explorer._picture.value == picture
    explorer.set(prompt="the " * LONGEST_PROMPT)
    assert explorer.state()["place"] == 11 and not explorer.notice


@pytest.mark.parametrize("value", [{"top_p": 0.0}, {"top_p": 1.1}, {"temperature": -0.1}, {"top_k": "3000"}])
def test_what_makes_no_distribution_cannot_be_set(value):
    with pytest.raises(ValueError, match=next(iter(value))):
        GenerationExplorer(**value)
    assert all(k is None or k < len(load_writer().vocabulary) for k in CUTS.values())


def test_long_words_leave_no_room_and_the_first_lines_go():
    explorer = GenerationExplorer(prompt="positional_arguments " * LONGEST_PROMPT, words=64, seed=1, place=63)
    explorer.look()
    shown = [label for label in explorer.canvas.artists["labels"].labels if label.x < 580 and label.y < 190]
    assert any(label.text == "…" for label in shown) and all(label.y < 175 for label in shown)


def test_small_shares_are_not_called_nothing():
    assert [percent(share) for share in (0.0, 1e-6, 0.004, 0.05, 0.31, 1.0)] == [
        "0.0 %", "< 0.1 %", "0.4 %", "5.0 %", "31 %", "100 %",
    ]  # fmt: skip


def rare(seed):
    """A place at which the default prompt's text at temperature 1 surprises most."""
    return int(data_of(GenerationExplorer(seed=seed))["surprise"].argmax())


QUESTS = {
    "loop": lambda: {"top_k": "1", "words": 48},
    "one-in-a-thousand": lambda: {"seed": 5, "place": rare(5)},
    "between": lambda: {"temperature": 1.2, "top_k": "10", "seed": 2, "words": 40},
}
NEARLY = {  # the same with one thing wrong
    "loop": ({"temperature": 0.0, "words": 48}, {"words": 48}),
    "one-in-a-thousand": ({"seed": 5, "place": 0}, {"temperature": 1.8, "place": 9}),
    "between": ({"temperature": 1.2, "words": 40}, {"temperature": 0.0, "words": 40}),
}


@pytest.mark.parametrize("quest", QUESTS)
def test_every_quest_can_be_done(quest):
    explorer = GenerationExplorer()
    opened = explorer.state()
    for state in NEARLY[quest]:
        explorer.set(**opened | state)
        assert quest not in explorer.done, state
    explorer.set(**opened | QUESTS[quest]())
    assert quest in explorer.done


def test_every_quest_has_a_way_shown_above():
    assert set(QUESTS) == {quest.id for quest in GenerationExplorer.quests} == set(NEARLY)


@pytest.mark.parametrize("shown", [True, False])
def test_the_balance_is_not_drawn_before_the_prediction_is_answered(shown):
    explorer = GenerationExplorer(**generation_state(), predict=generation_prediction())
    explorer.look()
    assert explorer.data["curve"] is None
    assert explorer.view is not None  # as it stands in a notebook, with its buttons
    explorer._unlock(shown)
    assert explorer.data["curve"] is not None
