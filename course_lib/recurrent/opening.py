"""How section 4.3 found its opening: which one word's forget gate, held at 0, makes a reader lose a negation?

Nothing is picked by taste: rules of where to clamp compete on training sentences, and what they do on held-out
sentences is reported beside it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch

from course_lib.datasets.reviews import CONTRASTS, NEGATIVE, NEGATORS, NOUNS, POSITIVE, Reviews, encode
from course_lib.recording import Clamp, record
from course_lib.recurrent.sentiment import Reader

RULES: dict[
    str, Callable[[list[str], int, int], int]
] = {  # words, negator's place, adjective's place -> the place to clamp
    "the word after the negator": lambda words, negator, adjective: negator + 1,
    "the word before the noun": lambda words, negator, adjective: _noun(words, negator) - 1,
    "the noun": lambda words, negator, adjective: _noun(words, negator),
    "the word before the adjective": lambda words, negator, adjective: adjective - 1,
}


@dataclass(frozen=True)
class Effect:
    """What a clamp by a rule does to the answers.

    Attributes:
        flipped: the share of answers that it flips, where the sentence negates its adjective.
        negated: how many such sentences there were.
        plain_flipped: the share that it flips where the sentence negates nothing.
        plain: how many of those there were.
    """

    flipped: float
    negated: int
    plain_flipped: float
    plain: int


def find_opening(reader: Reader, reviews: Reviews, most: int = 200) -> tuple[str, str, int]:
    """The rule that flips most answers on these reviews, and the shortest sentence on which it swings the answer most.

    Args:
        reader: a trained model.
        reviews: those that it was trained on, so that the held-out ones stay a test.
        most: so many sentences at most.

    Returns:
        the rule, the sentence, the place of the clamped word
    """
    rule = max(RULES, key=lambda rule: effect(reader, reviews, rule, most).flipped)
    swings = []
    for words, negator, adjective in _simple(reviews, negated=True, most=5 * most):
        place = RULES[rule](words, negator, adjective)
        if adjective - place >= 2 and len(words) == adjective + 1 <= 9:  # something in between, nothing after
            free, held = _answers(reader, words, place)
            swings.append((abs(held - free), " ".join(words), place))
    if not swings:
        raise ValueError(f"no short sentence among {len(reviews)} reviews to open with; give more of them")
    _, sentence, place = max(swings)
    return rule, sentence, place


def effect(reader: Reader, reviews: Reviews, rule: str, most: int = 200) -> Effect:
    """Clamp the forget gate at 0 at the one word that the rule names, in sentences of one clause."""
    flips: dict[bool, list[bool]] = {True: [], False: []}
    for negated, found in flips.items():
        for words, negator, adjective in _simple(reviews, negated, most):
            free, held = _answers(reader, words, RULES[rule](words, negator, adjective))
            found.append((free > 0.5) != (held > 0.5))
    return Effect(_share(flips[True]), len(flips[True]), _share(flips[False]), len(flips[False]))


def _share(found: list[bool]) -> float:
    return sum(found) / len(found) if found else 0.0


def _simple(reviews: Reviews, negated: bool, most: int) -> Iterator[tuple[list[str], int, int]]:
    """Reviews of one clause: the words, the places of the negator (in plain ones: the first word) and of the
    adjective."""
    for text, is_negated in zip(reviews.texts, reviews.negated.tolist(), strict=True):
        words = text.split()
        places = [place for place, word in enumerate(words) if word in POSITIVE + NEGATIVE]
        if is_negated != negated or len(places) != 1 or set(words) & {*CONTRASTS, "and"}:
            continue
        negators = [place for place, word in enumerate(words) if word in NEGATORS]
        start = negators[0] if negated else 0
        if _noun(words, start) is None or _noun(words, start) < 1 or places[0] - start < 3:
            continue
        yield words, start, places[0]
        most -= 1
        if not most:
            return


def _noun(words: list[str], start: int) -> int | None:
    return next((place for place in range(start, len(words)) if words[place] in NOUNS), None)


@torch.no_grad()
def _answers(reader: Reader, words: list[str], place: int) -> tuple[float, float]:
    """The chance of praise, free and with the forget gate held at 0 at that word."""
    tokens, lengths = encode([" ".join(words)], reader.vocabulary)
    held = record(reader.model, tokens, lengths, clamps=[Clamp("forget", 0.0, steps=(place,))])
    return reader.model(tokens, lengths).sigmoid().item(), held.output.sigmoid().item()
