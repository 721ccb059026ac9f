"""The explorer of word vectors: what it says is close is close, and its quests can be fulfilled."""

import numpy as np
import pytest

from course_lib.figures.embedding import BARS, MOST
from course_lib.figures.page import pixels_at
from course_lib.recurrent.explorers.embedding import PASSES, EmbeddingExplorer
from course_lib.recurrent.film import load_film

FULFILLED = {
    "opposite": {"word": "left"},
    "false-plane": {"word": "list", "neighbours": 5, "passes": 0},
    "settled": {"word": "left", "passes": 4},
}


def computed(**state) -> dict:
    explorer = EmbeddingExplorer(**state)
    return explorer.compute(**explorer.state())


@pytest.mark.parametrize("name", FULFILLED)
def test_quests_can_be_fulfilled_and_are_open_at_first(name):
    quest = next(quest for quest in EmbeddingExplorer.quests if quest.id == name)
    assert quest.test(computed(**FULFILLED[name]))
    assert not quest.test(computed())


def test_neighbours_are_those_of_the_cosine():
    vectors, words = load_film()
    data = computed(word="must", passes=4, neighbours=5)
    now = vectors[4].numpy()
    cosines = now @ now[words.index("must")] / np.linalg.norm(now, axis=1) / np.linalg.norm(now[words.index("must")])
    order = np.argsort(-cosines)[1:6]
    assert data["near"] == order.tolist()
    assert data["cosines"] == pytest.approx(cosines[order], abs=1e-5)
    assert data["film"][4] == pytest.approx(data["cosines"], abs=1e-5)
    assert data["stayed"][0] == pytest.approx(1)


def test_the_closest_word_stays_the_same_once_it_is_settled():
    settled = computed(word="left")["settled"]
    final = computed(word="left", passes=PASSES)["near"][0]
    assert all(computed(word="left", passes=passed)["near"][0] == final for passed in range(settled, PASSES + 1))
    assert computed(word="left", passes=settled - 1)["near"][0] != final


def test_each_bar_has_its_name_beside_it():
    explorer = EmbeddingExplorer(neighbours=MOST)
    explorer.look()
    bars, data = explorer.canvas.artists["bars"], explorer.data
    middles = pixels_at(bars.axes, np.array([path.vertices[:4].mean(axis=0) for path in bars.get_paths()]))[:, 1]
    names = [label for label in explorer.canvas.artists["labels"].labels if label.x == BARS[0] - 8]
    assert [label.text for label in names] == [data["words"][place] for place in data["near"]]
    assert [label.y for label in names] == pytest.approx(middles)


def test_a_word_that_is_not_there():
    with pytest.raises(ValueError, match="«zebra» is not among the 350 most frequent words"):
        computed(word="zebra")
    with pytest.raises(ValueError, match="write one of the words"):
        computed(word="  ")
