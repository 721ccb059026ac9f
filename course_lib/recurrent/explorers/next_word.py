"""Section 4.5: when does longer context stop helping? Counted and learned next words, while you type."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import ipywidgets as widgets
from torch import Tensor

from course_lib.datasets.english import END, UNKNOWN, encode, readable, tokenize
from course_lib.explorers import Choice, Explorer, Prediction, Quest, Slider, Text
from course_lib.figures.next_word import HEIGHT, ROWS, WIDTH, build_next_word, update_next_word
from course_lib.recurrent.explorers.next_word_models import (
    ORDERS,
    SIZES,
    WRITTEN,
    blended,
    copied,
    in_paragraph,
    lstm_next,
    lstm_perplexity,
    measured,
    mixed_perplexity,
    ngram,
    seen,
    texts,
    unseen,
    written,
)
from course_lib.recurrent.explorers.writing import unknown_of, words_at
from course_lib.recurrent.language_model import load_writer
from course_lib.recurrent.ngram import SMOOTHINGS

ALONE, BESIDE, MIXED = "n-gram alone", "beside the LSTM", "mixture of both"
TOP = 10  # rows that belong to the n-gram; what is left of the table is for words that the LSTM bets on more
LEAST_BET, MORE = 0.01, 2  # what the LSTM must give such a word, and how many times the n-gram's share
HELPS = 0.95  # a longer context helps if the perplexity falls to this share of what it was, or lower
LONGEST = 60  # words that are read
OPENING = "this method takes a single integer argument * length"


@dataclass(frozen=True, kw_only=True)
class LiveText(Text):
    """Words that are taken over with every key."""

    def _make(self, **common) -> widgets.Widget:
        made = super()._make(**common)
        made.continuous_update = True
        return made


class NextWordExplorer(Explorer):
    """Type, and see what may come next: counted by an n-gram model, learned by an LSTM, or half of each.

    Perplexities are those of the whole validation text: to choose an order by the test text would spoil the test.
    """

    id = "recurrent.ngram"
    size = (WIDTH, HEIGHT)
    controls = {
        "text": LiveText(start=OPENING, tries=("if the", "the value of the zebra", "for example, ")),
        "order": Slider(low=ORDERS[0], high=ORDERS[-1], step=1, start=3),
        "size": Choice(options=tuple(SIZES), start="all", label="training text"),
        "smoothing": Choice(options=SMOOTHINGS, start="Kneser-Ney"),
        "compare": Choice(options=(ALONE, BESIDE, MIXED), start=BESIDE, label="show"),
        "seed": Slider(low=0, high=9, step=1, start=0, label="seed of writing"),
    }
    quests = (
        Quest("worse", "find a training text and a smoothing for which order 5 has at least twice the perplexity of "
              "order 2, and neither is infinite",
              lambda data: 2 * data["perplexity"][1] <= data["perplexity"][4] < math.inf),
        Quest("parrot", f"make the n-gram write {WRITTEN} words, at least {WRITTEN - 2} of them in a row as they stand "
              "in its training text",
              lambda data: len(data["written"]) == WRITTEN and data["copied"] >= WRITTEN - 2),
        Quest("counts-win", "type a text after which the n-gram gives some word at least 80 %, and the LSTM gives the "
              "same word at most 20 %",
              lambda data: data["lead"] is not None and data["lead"][0] >= 0.8 and data["lead"][1] <= 0.2),
    )  # fmt: skip
    presets = ({}, {"order": 5, "smoothing": "none"}, {"compare": MIXED, "size": "1/4"}, {"text": "", "order": 1},
               {"smoothing": "add-k", "order": 2, "compare": ALONE, "text": "a function is a"})  # fmt: skip
    sweep_from = {"order": 2, "size": "1/4", "text": "for example , if the"}

    def compute(self, text, order, size, smoothing, compare, seed):
        typed = read_typed(text)
        ids = typed.ids
        counted = ngram(order, size, smoothing).distribution(in_paragraph(ids))  # (vocabulary,)
        learned = None if compare == ALONE else lstm_next(ids)
        blend = blended(counted, learned) if compare == MIXED else None
        best = counted.argmax().item()
        perplexities = {part: measured(part, smoothing).perplexity for part in SIZES}
        words = written(ids, order, size, smoothing, seed, 0.0)
        lines = {"n-gram": words}
        if compare != ALONE:
            share, name = (1.0, "LSTM") if compare == BESIDE else (0.5, "mixture")
            lines[name] = written(ids, order, size, smoothing, seed, share)
        return table(counted, learned, blend) | {
            "order": order,
            "size": size,
            "smoothing": smoothing,
            "tokens": [END, *typed.tokens],
            "unfinished": typed.unfinished,
            "unknown": typed.unknown,
            "seen": seen(ids, size),
            "reads": min(order - 1, len(in_paragraph(ids)) + 1),
            "known": bool(counted.any()),
            "alike": bool(counted.any()) and counted.min().item() == counted.max().item(),
            "bet": (words_at([best])[0], counted[best].item()),
            "lead": None if learned is None else (counted[best].item(), learned[best].item()),
            "unseen": {part: unseen(part) for part in SIZES},
            "perplexities": perplexities,
            "perplexity": perplexities[size],
            "mixed": mixed_perplexity(size, smoothing) if compare == MIXED else None,
            "lstm": None if compare == ALONE else lstm_perplexity(),
            "stops": stops(perplexities[size]),
            "written": words,
            "copied": copied(words, size),
            "lines": {name: readable(words_at(found)) for name, found in lines.items()},
        }

    def build(self, figure):
        return build_next_word(figure, tuple(SIZES), ORDERS)

    def update(self, artists, data):
        update_next_word(artists, data)

    def describe(self, data):
        parts = (what_is_read(data), *what_is_bet(data), what_it_scores(data), verdict(data["perplexity"]))
        return " ".join([*parts, *remarks(data)])


# ---- what the section asks ------------------------------------------------------------------------------------------


def next_word_state() -> dict:
    """The opening: four words of context that were never seen, where the LSTM is sure of itself."""
    return {"text": OPENING, "order": 5, "smoothing": "none", "size": "all", "compare": BESIDE}


def next_word_prediction() -> Prediction:
    """From which order on does one word more hardly help?"""
    return Prediction(
        question="An n-gram model of order N reads N − 1 words. Smoothed by Kneser-Ney and counted on "
        f"{len(texts().train):,} tokens: from which order on does one more word of context lower the perplexity of new "
        f"text by less than {1 - HELPS:.0%}?",
        options=tuple(verdict_option(order) for order in ORDERS[1:]),
        then={"smoothing": "Kneser-Ney", "size": "all"},
        result=lambda data: verdict_option(max(data["stops"], 2)),
    )


def stops(values: list[float]) -> int | None:
    """The order after which one word more does not lower these perplexities, one an order, by 5 %; None if there are
    infinite ones."""
    if math.inf in values:
        return None
    pairs = zip(ORDERS, values, values[1:], strict=False)
    return next((order for order, now, longer in pairs if longer > HELPS * now), ORDERS[-1])


def verdict(values: list[float]) -> str:
    """What `stops` finds, in a sentence."""
    order = stops(values)
    if order is None:
        return "Without smoothing one count of 0 makes a perplexity infinite."
    if order == ORDERS[-1]:
        return f"Longer context helps up to order {order}."
    if values[order] > values[order - 1]:
        return f"Beyond order {order} longer context makes it worse."
    return f"Beyond order {order} longer context hardly helps: one word more lowers it by less than {1 - HELPS:.0%}."


def verdict_option(order: int) -> str:
    return f"order {order}" if order < ORDERS[-1] else f"it helps up to order {order}"


# ---- the texts ------------------------------------------------------------------------------------------------------


class Typed(NamedTuple):
    """What was typed: its tokens, their places in the vocabulary, those it does not hold, a word not yet whole."""

    tokens: list[str]
    ids: tuple[int, ...]
    unknown: tuple[str, ...]
    unfinished: str


def read_typed(text: str) -> Typed:
    """The words of a text that is still being typed.

    Raises:
        ValueError: more words than are read.
    """
    vocabulary = load_writer().vocabulary
    tokens, unfinished = tokenize(text), ""
    if len(tokens) > LONGEST:
        raise ValueError(f"That text has {len(tokens)} words and signs; at most {LONGEST} are read. Take some away.")
    if tokens and tokens[-1] not in vocabulary and text == text.rstrip() and begins_a_word(tokens[-1]):
        unfinished = tokens.pop()
    return Typed(tokens, tuple(encode(tokens, vocabulary).tolist()), unknown_of(tokens), unfinished)


def begins_a_word(start: str) -> bool:
    return any(word.startswith(start) for word in load_writer().vocabulary)


# ---- the table ------------------------------------------------------------------------------------------------------


def table(counted: Tensor, learned: Tensor | None, blend: Tensor | None) -> dict:
    """The rows of the next-word table.

    Returns:
        `words`, `counted`, `learned` and `blend` (the latter two None if not shown), one entry a row; `only`, the
        number of the first row of what the LSTM bets on more; `favourite`, the LSTM's first word and its share, or None
    """
    first = counted if blend is None else blend
    count = ROWS if learned is None or blend is not None else TOP
    rows = [place for place in first.argsort(descending=True, stable=True)[:count].tolist() if first[place] > 0]
    only = len(rows)
    if learned is not None and blend is None:
        order = learned.argsort(descending=True)[: 2 * ROWS].tolist()
        more = (learned >= LEAST_BET) & (learned >= MORE * counted)
        rows += [place for place in order if place not in rows and more[place]][: ROWS - only]
    best = None if learned is None else learned.argmax().item()
    return {
        "words": words_at(rows),
        "counted": counted[rows].tolist(),
        "learned": None if learned is None else learned[rows].tolist(),
        "blend": None if blend is None else blend[rows].tolist(),
        "only": only,
        "favourite": None if best is None else (words_at([best])[0], learned[best].item()),
    }


# ---- in words -------------------------------------------------------------------------------------------------------


def what_is_read(data: dict) -> str:
    """What the n-gram reads, and how often its training text holds that."""
    if not data["reads"]:
        return "The n-gram of order 1 reads no word at all."
    times = often(data["seen"][data["reads"] - 1])
    read = as_read(data, data["reads"])
    return f"The n-gram of order {data['order']} reads «{read}», which its training text holds {times}."


def as_read(data: dict, count: int) -> str:
    """The last words and signs, as the models read them."""
    return " ".join(UNKNOWN if token in data["unknown"] else token for token in data["tokens"][-count:])


def often(times: int) -> str:
    return {0: "nowhere", 1: "once"}.get(times, f"{times:,} times")


def what_is_bet(data: dict) -> list[str]:
    """Which word each model finds most probable."""
    word, share = data["bet"]
    if not data["known"]:
        bets = ["Without smoothing it has no answer: 0 divided by 0."]
    elif data["alike"]:
        bets = ["After a history never seen, add-k gives every word the same share."]
    else:
        beside = f", which the LSTM gives {percent(data['lead'][1])}" if data["lead"] else ""
        bets = [f"{fallen_back(data)} bets on «{word}» ({percent(share)}){beside}."]
    if data["favourite"]:
        word, share = data["favourite"]
        bets.append(f"The LSTM bets on «{word}» ({percent(share)}).")
    return bets


def fallen_back(data: dict) -> str:
    """Who bets: Kneser-Ney answers for a history that was never seen with what it knows of the rest of it."""
    if data["smoothing"] != "Kneser-Ney" or not data["reads"] or data["seen"][data["reads"] - 1]:
        return "It"
    rest = next((back for back in range(data["reads"] - 1, 0, -1) if data["seen"][back - 1]), 0)
    return f"It falls back on «{as_read(data, rest)}» and" if rest else "It falls back on single words and"


def what_it_scores(data: dict) -> str:
    """The chosen order on the validation text, and what stands beside it."""
    place = data["order"] - 1
    text = f"Of the validation text's {data['order']}-grams {data['unseen'][data['size']][place]:.0%} were never seen; "
    text += f"perplexity {figure_of(data['perplexity'][place])}"
    if data["lstm"]:
        text += f", LSTM {figure_of(data['lstm'])}"
    if data["mixed"]:
        text += f", half of each {figure_of(data['mixed'][place])}"
    return f"{text}."


def remarks(data: dict) -> list[str]:
    """What else must be said of the words and of the models."""
    said = [f"«{word}» is not in the vocabulary: both models read {UNKNOWN}." for word in data["unknown"]]
    if data["unfinished"]:
        said.append(f"«{data['unfinished']}» is the beginning of a word; it is read once it is whole.")
    if not texts().same:
        said.append("The LSTM was trained on another Python's text, part of which is here.")
    return said


def percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.01 or share == 0 else "less than 1%"


def figure_of(value: float) -> str:
    return "infinite" if value == math.inf else f"{value:.1f}" if value < 100 else f"{value:,.0f}"
