"""Wrong answers to the exercise «From raw text to batches of streams»."""

import torch
from torch import Tensor

from course_lib.datasets.english import UNKNOWN, encode
from course_lib.exercises import mistake
from course_lib.recurrent.exercises.language_model.text import Pairs, batches_of, numbers_of, text_to_batches, words_of


@mistake(
    text_to_batches,
    "a vocabulary of words that come more often than min_count",
    ask="With min_count = 2, is a word that comes twice often enough?",
    look="the comparison with min_count: at least so often.",
)
def _(tokens, min_count):
    return words_of(tokens, min_count + 1)


@mistake(
    text_to_batches,
    "a vocabulary without a place for unknown words",
    ask="Which number will a word get that your list does not hold?",
    look="the beginning of the list: `<unk>` is number 0.",
)
def _(tokens, min_count):
    return words_of(tokens, min_count)[1:]


@mistake(
    text_to_batches,
    "a vocabulary whose last word is the unknown one",
    ask="Which number does `<unk>` have in your list, and would it stay the same with another text?",
    look="the beginning of the list: `<unk>` is number 0.",
)
def _(tokens, min_count):
    unknown, *words = words_of(tokens, min_count)
    return [*words, unknown]


@mistake(
    text_to_batches,
    "a vocabulary of all words, however rare",
    ask="Does your list become shorter when min_count grows?",
    look="the counts: which words come at least min_count times?",
)
def _(tokens, min_count):
    return words_of(tokens, 1)


@mistake(
    text_to_batches,
    "a vocabulary in which words stand several times",
    ask="How many numbers does the word «the» have in your list?",
    look="what you loop over: the tokens, or the words that differ?",
)
def _(tokens, min_count):
    frequent = words_of(tokens, min_count)
    return [UNKNOWN, *(token for token in tokens if token in frequent)]


@mistake(
    text_to_batches,
    "a vocabulary built with the test text",
    call="encode_texts",
    ask="A word stands in the test text alone. Can a model that never read it know it?",
    look="what you hand to build_vocab: the training text, and nothing else.",
)
def _(train, test, min_count):
    return numbers_of(train, test, words_of(train + test, min_count))


@mistake(
    text_to_batches,
    "two vocabularies, one for each text",
    call="encode_texts",
    ask="Number 1 is one word in the training text. Is it the same word in the test text?",
    look="how often you call build_vocab: once, with the training text.",
)
def _(train, test, min_count):
    return encode(train, words_of(train, min_count)), encode(test, words_of(test, min_count))


@mistake(
    text_to_batches,
    "unknown words that are left out",
    call="encode_texts",
    ask="How many tokens has the text, and how many numbers do you return?",
    look="the words that the vocabulary does not hold: they become number 0.",
)
def _(train, test, min_count):
    vocabulary = words_of(train, min_count)
    return tuple(encode([token for token in text if token in vocabulary], vocabulary) for text in (train, test))


@mistake(
    text_to_batches,
    "a dictionary that is asked for words it does not hold",
    call="encode_texts",
    ask="What does `places[word]` do where there is no such word?",
    look="the look-up: `get` takes a second argument, for what is not there.",
)
def _(train, test, min_count):
    places = {word: place for place, word in enumerate(words_of(train, min_count))}
    return tuple(torch.tensor([places[token] for token in text]) for text in (train, test))


@mistake(
    text_to_batches,
    "unknown words with the number -1",
    call="encode_texts",
    ask="Which row of the embedding does number -1 pick?",
    look="the number of an unknown word: the place of `<unk>` in the vocabulary.",
)
def _(train, test, min_count):
    texts = numbers_of(train, test, words_of(train, min_count))
    return tuple(ids.masked_fill(ids == 0, -1) for ids in texts)


@mistake(
    text_to_batches,
    "an encoding in which rare words keep a number",
    call="encode_texts",
    ask="Does any word of the training text become 0?",
    look="min_count: is it handed on to build_vocab?",
)
def _(train, test, min_count):
    return numbers_of(train, test, words_of(train, 1))


def in_steps(x: Tensor, y: Tensor, T: int) -> Pairs:
    """Cut what the streams read and what they should say, (B, length) each, from left to right."""
    return [(x[:, t : t + T], y[:, t : t + T]) for t in range(0, x.shape[1], T)]


def streams(ids: Tensor, B: int, start: int) -> Tensor:
    """The streams, if the text began at word `start`: (B, length)"""
    length = (len(ids) - 1) // B
    return ids[start : start + B * length].view(B, length)


@mistake(
    text_to_batches,
    "targets equal to the inputs",
    call="lm_batches",
    ask="At place 0 the model reads x[:, 0]. Which word should it say, the one it has just read?",
    look="the targets: one word further on in the text.",
)
def _(ids, T, B):
    return [(x, x) for x, _ in batches_of(ids, T, B)]


@mistake(
    text_to_batches,
    "inputs and targets that changed places",
    call="lm_batches",
    ask="Which of x and y comes first in the text?",
    look="the direction of the shift: y is one word ahead of x.",
)
def _(ids, T, B):
    return [(y, x) for x, y in batches_of(ids, T, B)]


@mistake(
    text_to_batches,
    "targets two words ahead",
    call="lm_batches",
    ask="The model reads ids[0]. At which place of ids stands your first target?",
    look="the start of the targets: was it shifted twice?",
)
def _(ids, T, B):
    ahead = streams(ids.roll(-1), B, start=1)
    return in_steps(streams(ids, B, start=0), ahead, T)


@mistake(
    text_to_batches,
    "chunks that were shifted inside, one off at their borders",
    call="lm_batches",
    ask="The last word of a chunk: what comes after it in the text, and do you use that as its target?",
    look="the order of the two: shift the whole text first, then cut x and y at the same places.",
)
def _(ids, T, B):
    return [(x[:, :-1], x[:, 1:]) for x, _ in batches_of(ids, T, B)]


@mistake(
    text_to_batches,
    "chunks whose last target is their own first word",
    call="lm_batches",
    ask="What does `roll` put at the end of a chunk?",
    look="the order of the two: shift the whole text first, then cut x and y at the same places.",
)
def _(ids, T, B):
    return [(x, x.roll(-1, dims=1)) for x, _ in batches_of(ids, T, B)]


@mistake(
    text_to_batches,
    "streams that were shifted inside, so that their last word has no target",
    call="lm_batches",
    ask="The last word of a stream: is there no word after it in the text?",
    look="where you shift: the targets are the text from word 1 on, cut into streams in the same way.",
)
def _(ids, T, B):
    length = len(ids) // B
    text = ids[: B * length].view(B, length)
    return in_steps(text[:, :-1], text[:, 1:], T)


@mistake(
    text_to_batches,
    "rows that follow each other within a batch",
    call="lm_batches",
    ask="Row 0 of one batch ends with a word. Does row 0 of the next batch begin with the one after it?",
    look="the way you cut: first into B long streams, then every T words.",
)
def _(ids, T, B):
    batches = (len(ids) - 1) // (B * T)
    x, y = ids[: batches * B * T], ids[1 : batches * B * T + 1]
    return list(zip(x.view(batches, B, T), y.view(batches, B, T), strict=True))


@mistake(
    text_to_batches,
    "streams that take every B-th word",
    call="lm_batches",
    ask="Read row 0 of your first batch. Is that how the text goes?",
    look="the `view`: (B, length), a row for each stream; (length, B) deals the words out.",
)
def _(ids, T, B):
    length = (len(ids) - 1) // B
    x, y = ids[: B * length].view(length, B).T, ids[1 : B * length + 1].view(length, B).T
    return in_steps(x, y, T)


@mistake(
    text_to_batches,
    "batches of (T, B)",
    call="lm_batches",
    ask="Which axis of your batches is time?",
    look="the shapes: (B, T), a row for each stream.",
)
def _(ids, T, B):
    return [(x.T, y.T) for x, y in batches_of(ids, T, B)]


@mistake(
    text_to_batches,
    "windows that overlap",
    call="lm_batches",
    ask="How often does your model read the third word of a stream in one pass?",
    look="the step of your loop: from one batch to the next it is T words.",
)
def _(ids, T, B):
    x, y = streams(ids, B, start=0), streams(ids, B, start=1)
    return [(x[:, t : t + T], y[:, t : t + T]) for t in range(max(x.shape[1] - T + 1, 1))]


@mistake(
    text_to_batches,
    "batches of which the last, shorter one was dropped",
    call="lm_batches",
    ask="How many words of a stream come after the last whole batch, and what becomes of them?",
    look="the end of your loop: the last batch may be shorter than T.",
)
def _(ids, T, B):
    return [(x, y) for x, y in batches_of(ids, T, B) if x.shape[1] == T]
