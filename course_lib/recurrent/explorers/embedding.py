"""Section 4.6: where words are, which are close, and how they got there."""

from functools import lru_cache

import numpy as np

from course_lib.explorers import Choice, Explorer, Quest, Slider, Steps, Text
from course_lib.figures.embedding import HEIGHT, MOST, WIDTH, build_embedding, update_embedding
from course_lib.recurrent.film import load_film

PASSES = 16  # of the shipped film
OPPOSITES = frozenset(
    frozenset(pair.split())
    for pair in (
        "true false", "left right", "global local", "mutable immutable", "start end", "before after", "first last",
        "positive negative", "can cannot", "all no", "other same",
    )
)  # fmt: skip
DIRECTIONS = {"the widest two": (0, 1), "the next two": (2, 3), "two that suit the word": None}


class EmbeddingExplorer(Explorer):
    """The vectors of the shipped language model's most frequent words, as they stood after each pass."""

    id = "recurrent.embedding"
    size = (WIDTH, HEIGHT)
    controls = {
        "word": Text(start="true", tries=("list", "must", "left")),
        "neighbours": Slider(low=3, high=MOST, step=1, start=7),
        "passes": Steps(high=PASSES, start=PASSES, label="passes made"),
        "directions": Choice(options=tuple(DIRECTIONS), start="the widest two"),
    }
    quests = (
        Quest("opposite", "find a word whose closest neighbour is its opposite (not «true»)",
              lambda data: frozenset((data["word"], data["words"][data["near"][0]])) in OPPOSITES
              and data["word"] not in ("true", "false") and data["frame"] == PASSES),
        Quest("false-plane", "find a view in which no word that is close in the picture is close in all directions",
              lambda data: not set(data["near"]) & set(data["near_in_plane"]) and len(data["near"]) >= 5),
        Quest("settled", "stop at the pass after which a word's closest neighbour never changes again (not «true»)",
              lambda data: data["frame"] == data["settled"] > 1 and data["word"] != "true"),
    )  # fmt: skip
    presets = ({}, {"word": "must", "passes": 4, "directions": "two that suit the word"})

    def compute(self, word, neighbours, passes, directions):
        vectors, words = _film()  # (frames, words, width), each of length 1
        place = _place(word, words)
        cosines = np.einsum("fnw,fw->fn", vectors, vectors[:, place])  # (frames, words)
        near = _closest(cosines[passes], place, neighbours)
        plane = _plane(passes, DIRECTIONS[directions], (place, *near))
        distances = np.linalg.norm(plane - plane[place], axis=1)
        favourites = [_closest(frame, place, 1) for frame in cosines]
        changed = [number for number in range(PASSES) if favourites[number] != favourites[-1]]
        return {
            "words": words,
            "word": words[place],
            "place": place,
            "frame": passes,
            "near": near,
            "near_in_plane": _closest(-distances, place, neighbours),
            "cosines": cosines[passes, near],
            "plane": plane,
            "film": cosines[:, near],
            "stayed": vectors[:, place] @ vectors[0, place],
            "settled": changed[-1] + 1 if changed else 0,
        }

    def build(self, figure):
        vectors, words = _film()
        return build_embedding(figure, len(words), vectors.shape[2])

    def update(self, artists, data):
        update_embedding(artists, data)

    def describe(self, data):
        names = [
            f"{data['words'][place]} ({value:.2f})" for place, value in zip(data["near"], data["cosines"], strict=True)
        ]
        both = len(set(data["near"]) & set(data["near_in_plane"]))
        return (
            f"After {data['frame']} passes the words closest to «{data['word']}» are {', '.join(names[:3])}. Of its "
            f"{len(names)} neighbours, the picture shows {both} close by too. Its closest one is the final one from "
            f"pass {data['settled']} on."
        )


@lru_cache
def _film() -> tuple[np.ndarray, tuple[str, ...]]:
    """The film with every vector brought to length 1, and the words."""
    vectors, words = load_film()
    return (vectors / vectors.norm(dim=2, keepdim=True)).numpy(), words


def _place(word: str, words: tuple[str, ...]) -> int:
    word = word.strip().lower()
    if not word:
        raise ValueError("write one of the words in the picture, such as list or must")
    if word not in words:
        begin_alike = [other for other in words if other[0] == word[0] and other.isalpha()][:6]
        those = f"; those are, for example: {', '.join(begin_alike)}" if begin_alike else " of the text"
        raise ValueError(f"«{word}» is not among the {len(words)} most frequent words{those}")
    return words.index(word)


def _closest(closeness: np.ndarray, place: int, number: int) -> list[int]:
    """The places of the closest words, the word itself left out."""
    order = np.argsort(-closeness, kind="stable")
    return [int(other) for other in order[: number + 1] if other != place][:number]


@lru_cache(maxsize=64)
def _plane(frame: int, directions: tuple[int, int] | None, chosen: tuple[int, ...]) -> np.ndarray:
    """All words in two directions, (words, 2), scaled to fit into a square from -1 to 1.

    The directions are principal ones: of all words as they end up, so that the film has one stage; or, without numbers,
    of the chosen words as they are.
    """
    vectors, _ = _film()
    of = vectors[-1] if directions else vectors[frame][list(chosen)]
    middle = of.mean(axis=0)
    _, _, axes = np.linalg.svd(of - middle, full_matrices=False)  # (directions, width), the widest first
    first, second = directions or (0, 1)
    plane = (vectors[frame] - middle) @ axes[[first, second]].T
    return plane / np.abs(plane).max()
