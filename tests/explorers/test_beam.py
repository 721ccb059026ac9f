import itertools

import pytest
import torch

from course_lib.datasets.english import END_ID
from course_lib.figures.beam import times
from course_lib.recurrent.explorers.beam import SHOWN, BeamExplorer, search, with_greedy
from course_lib.recurrent.explorers.writing import prompt_of
from course_lib.recurrent.language_model import load_writer


def data_of(explorer):
    explorer.look()
    return explorer.data


def logprob_of(prompt, text):
    """Read the whole text at once."""
    ids, tokens = load_writer().ids(prompt).tolist(), load_writer().ids(text).tolist()
    logits, _ = load_writer().model(torch.tensor([[END_ID, *ids, *tokens[:-1]]]))
    logprobs = logits[0, len(ids) :].log_softmax(dim=-1)  # (tokens, vocabulary)
    return logprobs[torch.arange(len(tokens)), torch.tensor(tokens)].sum().item()


def test_after_the_shown_prompt_greedy_is_not_the_best():
    explorer = BeamExplorer(prompt=SHOWN)
    data = data_of(explorer)
    best, greedy = data["found"][0], data["greedy"]
    assert best["words"] == greedy["words"] and data["best_as_long"] == best["ratio"] > 10
    for row in (best, greedy):
        assert logprob_of(SHOWN, row["text"]) == pytest.approx(row["logprob"], abs=1e-3)
    assert f"«{best['text']}»" in explorer.status and f"the greedy text is «{greedy['text']}»" in explorer.status


def test_width_1_is_the_greedy_choice():
    for prompt in ("", SHOWN, "a function"):
        data = data_of(BeamExplorer(prompt=prompt, width=1))
        assert [row["text"] for row in data["found"]] == [data["greedy"]["text"]]
        assert all(node["on_greedy"] and node["on_result"] for node in data["nodes"] if node["kept"] and node["depth"])


def test_at_length_2_a_wide_search_finds_the_best_of_the_pairs_it_can_reach():
    """By hand: the five most probable first words, and after each its five most probable second words."""
    data = data_of(BeamExplorer(prompt=SHOWN, width=5, length=2))
    model, ids = load_writer().model, load_writer().ids(SHOWN).tolist()

    def after(*tokens):
        return model(torch.tensor([[END_ID, *ids, *tokens]]))[0][0, -1].log_softmax(dim=-1).topk(5)

    first = after()
    pairs = [
        value + more
        for value, token in zip(first.values.tolist(), first.indices.tolist(), strict=True)
        for more in after(token).values.tolist()
    ]
    pairs.sort(reverse=True)
    found = [row["logprob"] for row in data["found"] if row["words"] == 2]
    assert found == pytest.approx(pairs[: len(found)], abs=1e-4) and len(found) >= 4


def test_the_tree_holds_the_search_and_the_greedy_path():
    for prompt, width in itertools.product((SHOWN, "a function"), (2, 5)):
        data = data_of(BeamExplorer(prompt=prompt, width=width))
        nodes = data["nodes"]
        for node in nodes[1:]:
            parent = nodes[node["parent"]]
            assert node["depth"] == parent["depth"] + 1 and node["logprob"] <= parent["logprob"]
        for depth in range(1, 6):
            column = [node for node in nodes if node["depth"] == depth]
            assert sum(node["kept"] for node in column) <= width
            assert sum(node["on_greedy"] for node in column) <= 1 and sum(node["on_result"] for node in column) <= 1
        ends = {node["rank"]: node for node in nodes if node["rank"] is not None}
        assert [ends[rank]["logprob"] for rank in range(len(ends))] == [row["logprob"] for row in data["found"]]
        assert ends[0]["on_result"]
        deepest = max((node for node in nodes if node["on_greedy"]), key=lambda node: node["depth"])
        assert deepest["logprob"] == pytest.approx(data["greedy"]["logprob"], abs=1e-5)


def test_the_greedy_path_goes_on_where_the_search_left_it():
    ids = prompt_of(SHOWN).ids
    beam, greedy = search(ids, 3, 5, 0.0), search(ids, 1, 5, 0.0)
    nodes, places = with_greedy(beam.nodes, greedy)
    assert nodes[: len(beam.nodes)] == beam.nodes and len(places) == 5
    added = nodes[len(beam.nodes) :]
    assert added and not any(node.kept for node in added)


def test_the_greedy_path_beside_the_search_is_not_what_the_search_looked_at():
    explorer = BeamExplorer(prompt=SHOWN)
    data = data_of(explorer)
    looked_at = len(search(prompt_of(SHOWN).ids, 3, 5, 0.0).nodes) - 1
    assert f"The search looked at {looked_at} places" in explorer.status and len(data["nodes"]) > looked_at + 1


def test_a_hyphen_stays_a_hyphen():
    explorer = BeamExplorer(prompt="x - y")
    explorer.look()
    assert explorer.status.startswith("After «x - y» the search") and "(log P −" in explorer.status


def test_a_penalty_of_0_ranks_by_probability_and_a_larger_one_by_the_published_formula():
    plain, penal = (data_of(BeamExplorer(prompt="raises a", length_penalty=value)) for value in (0.0, 1.0))
    assert all(row["score"] == row["logprob"] for row in plain["found"])
    for row in penal["found"]:
        assert row["score"] == pytest.approx(row["logprob"] / ((5 + row["words"]) / 6))
    assert penal["found"][0]["words"] > plain["found"][0]["words"]
    explorer = BeamExplorer(prompt="raises a", length_penalty=1.0)
    explorer.look()
    assert f"puts it before the more probable «{plain['found'][0]['text']}»" in explorer.status


def test_no_line_of_the_tree_runs_through_a_word():
    """Lines leave a column past all of its words, and arrive before the next one's."""
    explorer = BeamExplorer(prompt="a function", width=5, length=6)
    explorer.look()
    artists = explorer.canvas.artists
    lines = [line for kind in ("pruned", "kept", "result") for line in artists[kind].get_segments()]
    assert len(lines) == len(explorer.data["nodes"]) - 1
    starts = sorted({round(line[2][0], 3) for line in lines})  # of each column's words
    assert len(starts) == 6
    for line in lines:
        (x0, y0), (fork, y1), (x2, _) = line
        assert x0 <= fork < x2 and y0 == y1
    for column in starts[:-1]:
        forks = {round(line[1][0], 3) for line in lines if round(line[2][0], 3) > column}
        assert min(forks) > column


@pytest.mark.parametrize("prompt", ["", SHOWN, "the value of the", "positional_arguments " * 8])
def test_the_widest_tree_stays_small(prompt):
    assert len(BeamExplorer(prompt=prompt, width=5, length=6).png()) <= 150_000


def test_unknown_words_and_an_empty_prompt_are_said():
    explorer = BeamExplorer(prompt="a Zeppelin is")
    explorer.look()
    assert explorer.status.endswith("The model does not know «zeppelin»: it reads «<unk>» there.")
    explorer = BeamExplorer(prompt="")
    explorer.look()
    assert explorer.status.startswith("At the beginning of a paragraph")


def test_a_prompt_that_is_too_long_is_said_and_nothing_is_lost():
    explorer = BeamExplorer()
    picture = explorer.view and explorer._picture.value
    explorer.set(prompt="the " * 25)
    assert "shorten it" in explorer._words.value and explorer._picture.value == picture


def test_ratios_are_short():
    assert [times(ratio) for ratio in (2215.3, 31.4, 8.94, 1.0, 0.05)] == [
        "2,215 ×",
        "31 ×",
        "8.9 ×",
        "1.0 ×",
        "0.05 ×",
    ]


QUESTS = {
    "greedy-loses": {"prompt": "this class"},
    "longer": {"prompt": "raises a", "length_penalty": 1.0},
}
NEARLY = {  # the same with one thing wrong
    "greedy-loses": ({"prompt": SHOWN}, {"prompt": "this class", "width": 1}, {"prompt": "the name of the"}),
    "longer": ({"prompt": "raises a"}, {"prompt": "raises a", "length_penalty": 2.0}),
}


@pytest.mark.parametrize("quest", QUESTS)
def test_every_quest_can_be_done(quest):
    explorer = BeamExplorer()
    opened = explorer.state()
    for state in NEARLY[quest]:
        explorer.set(**opened | state)
        assert quest not in explorer.done, state
    explorer.set(**opened | QUESTS[quest])
    assert quest in explorer.done


def test_every_quest_has_a_way_shown_above():
    assert set(QUESTS) == {quest.id for quest in BeamExplorer.quests} == set(NEARLY)
