"""Section 4.6: is the text of the most probable words the most probable text? A beam search with the language model."""

import math
from dataclasses import asdict, replace
from functools import lru_cache

import torch

from course_lib.datasets.english import END_ID, readable
from course_lib.explorers import Explorer, Quest, Slider, Text
from course_lib.figures.beam import HEIGHT, WIDTH, build_beam, times, update_beam
from course_lib.recurrent.explorers.writing import after, not_known, prompt_of, words_at
from course_lib.recurrent.generation import Beam, Node, beam_search, next_of, path
from course_lib.recurrent.language_model import load_writer

STOP = "."  # a text ends at its full stop
SHOWN = "this method"  # a prompt after which the greedy text is not the most probable one


class BeamExplorer(Explorer):
    """A beam search goes on from your prompt, up to a full stop or so many words, beside the greedy choice."""

    id = "recurrent.generation.beam"
    size = (WIDTH, HEIGHT)
    controls = {
        "prompt": Text(start="the value of the", tries=("", SHOWN, "a zeppelin is")),
        "width": Slider(low=1, high=5, step=1, start=3),
        "length": Slider(low=2, high=6, step=1, start=5, label="most words"),
        "length_penalty": Slider(low=0.0, high=2.0, step=0.1, start=0.0, label="length penalty"),
    }
    quests = (
        Quest("greedy-loses", f"find another prompt than «{SHOWN}», of words that the model knows, after which the "
              "search finds a text as long as the greedy one and at least ten times as probable",
              lambda data: " ".join(data["prompt"]) != SHOWN and not data["unknown"] and data["best_as_long"] >= 10),
        Quest("longer", "set a length penalty of 1 or less that makes a text the result which is not the most probable "
              "one found",
              lambda data: data["length_penalty"] <= 1
              and data["found"][0]["logprob"] < max(row["logprob"] for row in data["found"])),
    )  # fmt: skip
    presets = (
        {},
        {"prompt": SHOWN},
        {"prompt": "string literals", "width": 4, "length": 6},
        {"prompt": "a function", "width": 5, "length": 6, "length_penalty": 1.0},
    )
    sweep_from = {"prompt": "a function", "width": 4}

    def compute(self, prompt, width, length, length_penalty):
        said = prompt_of(prompt)
        beam = search(said.ids, width, length, length_penalty)
        greedy = search(said.ids, 1, length, length_penalty)
        nodes, on_greedy = with_greedy(beam.nodes, greedy)
        on_results = [places_of(nodes, tokens) for tokens, _, _ in beam.results]
        ranks = {places[-1]: rank for rank, places in enumerate(on_results)}
        words = ["", *words_at(node.token for node in nodes[1:])]
        greedy_tokens, greedy_logprob, _ = greedy.results[0]

        def row(tokens: list[int], logprob: float, score: float) -> dict:
            return {"text": readable(words_at(tokens)), "words": len(tokens), "logprob": logprob, "score": score,
                    "ratio": math.exp(logprob - greedy_logprob)}  # fmt: skip

        found = [row(*result) for result in beam.results]
        as_long = [row["ratio"] for row in found if row["words"] == len(greedy_tokens)]
        return {
            "prompt": said.words,
            "unknown": said.unknown,
            "length": length,
            "length_penalty": length_penalty,
            "nodes": [
                asdict(node)
                | {
                    "word": word,
                    "on_result": place in on_results[0],
                    "on_greedy": place in on_greedy,
                    "rank": ranks.get(place),
                }
                for place, (node, word) in enumerate(zip(nodes, words, strict=True))
            ],
            "tried": len(beam.nodes) - 1,
            "found": found,
            "greedy": row(*greedy.results[0]),
            "best_as_long": max(as_long, default=0.0),  # times as probable as the greedy text
        }

    def build(self, figure):
        return build_beam(figure)

    def update(self, artists, data):
        update_beam(artists, data)

    def describe(self, data):
        best, greedy, tried = data["found"][0], data["greedy"], data["tried"]
        text = f"{after(data['prompt'])} the search finds «{best['text']}» (log P {log_p(best)})"
        if best["text"] == greedy["text"]:
            text += f", which is the greedy text too; it looked at {tried} places."
        else:
            ratio = times(best["ratio"]).removesuffix(" ×")
            text += (
                f"; the greedy text is «{greedy['text']}» ({log_p(greedy)}). The search looked at {tried} places, and "
                f"the probability of what it found is {ratio} times the greedy text's."
            )
            if best["words"] != greedy["words"]:
                text += f" They are {best['words']} and {greedy['words']} words long: each word more costs probability."
        likely = max(data["found"], key=lambda row: row["logprob"])
        if likely["logprob"] > best["logprob"]:
            text += f" The length penalty puts it before the more probable «{likely['text']}»."
        return text + not_known(data["unknown"])


def log_p(row: dict) -> str:
    return f"{row['logprob']:.2f}".replace("-", "−")


@lru_cache(maxsize=64)
def search(ids: tuple[int, ...], width: int, length: int, length_penalty: float) -> Beam:
    """A beam search with the shipped model after a prompt; a text ends at a full stop or at its last word."""
    writer = load_writer()
    *before, last = (END_ID, *ids)
    with torch.inference_mode():
        state = writer.model(torch.tensor([before]))[1] if before else None
        return beam_search(next_of(writer.model), last, state, end=writer.vocabulary.index(STOP), width=width,
                           max_length=length, length_penalty=length_penalty)  # fmt: skip


def with_greedy(nodes: list[Node], greedy: Beam) -> tuple[list[Node], set[int]]:
    """The tree with the greedy path in it, also where the search left it, and the places of that path."""
    nodes, places, place = list(nodes), set(), 0
    for node in (node for node in greedy.nodes[1:] if node.kept):
        children = (n for n, child in enumerate(nodes) if child.parent == place and child.token == node.token)
        in_tree = next(children, None)
        if in_tree is None:
            in_tree = len(nodes)
            nodes.append(replace(node, parent=place, kept=False))
        place = in_tree
        places.add(place)
    return nodes, places


def places_of(nodes: list[Node], tokens: list[int]) -> list[int]:
    """The places of a text's words in the tree, from the first to the last."""
    places = [next(n for n, node in enumerate(nodes) if node.depth == len(tokens) and path(nodes, n) == tokens)]
    while nodes[places[0]].depth > 1:
        places.insert(0, nodes[places[0]].parent)
    return places
