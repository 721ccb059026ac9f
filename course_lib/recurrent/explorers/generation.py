"""Section 4.6: where is the trade between repetition and nonsense? The shipped language model writes."""

from itertools import pairwise

import numpy as np

from course_lib.datasets.english import readable
from course_lib.explorers import Choice, Explorer, Place, Prediction, Quest, Slider, Text
from course_lib.figures.generation import HEIGHT, WIDTH, build_generation, percent, update_generation
from course_lib.recurrent.explorers.writing import (
    MOST_WORDS,
    Run,
    after,
    entropy,
    not_known,
    prompt_of,
    real_scores,
    real_texts,
    repeated,
    run_of,
    surprise,
    trade,
    words_at,
)
from course_lib.recurrent.language_model import load_writer

UNITS = 16  # of the hidden state that are shown: those that vary most over real text
MOST_PROBABLE = 10  # words that are listed
CUTS = {"all words": None} | {str(k): k for k in (1, 2, 5, 10, 20, 50, 200)}


class GenerationExplorer(Explorer):
    """The language model writes on from your prompt, greedily or with what you let it draw from."""

    id = "recurrent.generation"
    size = (WIDTH, HEIGHT)
    controls = {
        "prompt": Text(start="the value of the", tries=("", "if the object is", "a zeppelin is")),
        "temperature": Slider(low=0.0, high=2.0, step=0.05, start=1.0),
        "top_k": Choice(options=tuple(CUTS), start="all words", label="top-k"),
        "top_p": Slider(low=0.05, high=1.0, step=0.05, start=1.0, label="top-p"),
        "seed": Slider(low=0, high=99, step=1, start=0),
        "words": Slider(low=8, high=MOST_WORDS, step=1, start=32, label="words to write"),
        "place": Place(start=0, label="look at word", tries=(0, 3, 7)),
    }
    quests = (
        Quest("loop", "at a temperature of 0.5 or more, write 40 words or more of which most repeat: more than half of "
              "the groups of four words stood in the text before",
              lambda data: data["temperature"] >= 0.5 and len(data["written"]) >= 40 and data["repeated"] > 0.5),
        Quest("one-in-a-thousand", "at a temperature of 1 or less, have a word written to which the model gave less "
              "than one chance in a thousand, and look at it",
              lambda data: data["temperature"] <= 1 and data["surprise"][data["place"]] > np.log2(1000)),
        Quest("between", "at a temperature above 1, write 40 words or more that repeat no group of four and have less "
              "than half the perplexity of real text",
              lambda data: data["temperature"] > 1 and len(data["written"]) >= 40 and data["repeated"] == 0
              and data["perplexity"] < data["real"][0] / 2),
    )  # fmt: skip
    presets = (
        {},
        {"prompt": "", "temperature": 0.0, "words": 48, "place": 40},
        {"temperature": 1.8, "place": 9},
        {"temperature": 1.2, "top_k": "20", "top_p": 0.9, "seed": 1, "place": 5},
    )
    sweep_from = {"words": 24, "place": 2}

    def places(self, prompt, temperature, top_k, top_p, seed, words, **_):
        try:
            run = self._run(prompt, temperature, top_k, top_p, seed, words)
        except ValueError:
            return {}  # `compute` says why
        return {"place": [f"{number} {word}" for number, word in enumerate(words_at(run.tokens), start=1)]}

    def compute(self, prompt, temperature, top_k, top_p, seed, words, place):
        said, run = prompt_of(prompt), self._run(prompt, temperature, top_k, top_p, seed, words)
        _, spread = real_texts()
        units = np.sort(np.argsort(-spread, kind="stable")[:UNITS])
        written = words_at(run.tokens)
        bits = surprise(run.model, run.tokens)
        model, drawn_from = run.model[place], run.drawn_from[place]
        can = drawn_from > 0
        return {
            "prompt": said.words,
            "unknown": said.unknown,
            "written": written,
            "gaps": _gaps([*said.words, *written]),
            "place": place,
            "temperature": temperature,
            "greedy": temperature == 0 or top_k == "1",
            "surprise": bits,
            "entropy": entropy(run.model),
            "states": run.hidden[:, units].T,  # (units, written)
            "units": units,
            "choices": _choices(model, drawn_from, int(run.tokens[place])),
            "reshaped": not np.array_equal(model, drawn_from),
            "can": int(can.sum()),
            "words": len(model),
            "share": float(model[can].sum()),
            "entropies": (float(entropy(model)), float(entropy(drawn_from))),
            "perplexity": float(2 ** bits.mean()),
            "repeated": repeated(run.tokens),
            "curve": None if self.asking else trade(words),
            "real": real_scores(words),
        }

    def build(self, figure):
        return build_generation(figure, UNITS, load_writer().model.head.in_features)

    def update(self, artists, data):
        update_generation(artists, data)

    def describe(self, data):
        how = " greedily (the seed changes nothing)" if data["greedy"] else ""
        perplexity, repeated_share = data["real"]
        chosen = next(row for row in data["choices"] if row["written"])
        text = (
            f"{after(data['prompt'])} the model writes{how}: «{readable(data['written'])}». The text's perplexity is "
            f"{data['perplexity']:.3g} (real text: {perplexity:.3g}); {percent(data['repeated'])} of its groups of "
            f"four words stood in it before (real text: {percent(repeated_share)}). Word {data['place'] + 1}, "
            f"«{chosen['word']}», had {percent(chosen['model'])} of the model's probability (rank {chosen['rank']:,})"
        )
        if data["reshaped"]:
            text += f" and {percent(chosen['drawn'])} of what is drawn from"
        return f"{text}; {data['can']:,} of {data['words']:,} words could be drawn.{not_known(data['unknown'])}"

    def _run(self, prompt, temperature, top_k, top_p, seed, words) -> Run:
        return run_of(prompt_of(prompt).ids, words, temperature, CUTS[top_k], top_p, seed)


def _gaps(words: list[str]) -> list[bool]:
    """Whether a space stands before each word, as `readable` sets them."""
    return [False, *(" " in readable(pair) for pair in pairwise(words))]


def _choices(model: np.ndarray, drawn_from: np.ndarray, written: int) -> list[dict]:
    """The model's most probable words, and the written one if it is none of them; model, drawn_from (vocabulary,)."""
    order = np.argsort(-model, kind="stable")
    first = order[:MOST_PROBABLE].tolist()
    shown = first if written in first else [*first, written]
    return [
        {
            "word": word,
            "model": float(model[token]),
            "drawn": float(drawn_from[token]),
            "rank": int(np.flatnonzero(order == token)[0]) + 1,
            "written": token == written,
        }
        for token, word in zip(shown, words_at(shown), strict=True)
    ]


def generation_state() -> dict:
    """Where section 4.6 opens: sampling as the model has it, from the beginning of a paragraph."""
    return {"prompt": "", "temperature": 1.0, "words": 48}


def generation_prediction() -> Prediction:
    """What does the model write when it always takes the most probable word?"""
    best, loops, nonsense = (
        "its best text: likely words and hardly any repetition",
        "a loop: the same words over and over",
        "nonsense: words that even the model finds unlikely",
    )

    def result(data: dict) -> str:
        if data["repeated"] > 0.5:
            return loops
        return nonsense if data["perplexity"] > data["real"][0] else best

    return Prediction(
        question=f"Now the temperature is 0: the model always writes the word it finds most probable, {MOST_WORDS} "
        "times. What comes out?",
        options=(best, loops, nonsense),
        then={"temperature": 0.0, "words": MOST_WORDS, "place": MOST_WORDS - 1},
        result=result,
    )
