"""Wrong answers to `lm_batches`, of the exercise «From raw text to batches of streams»."""

from torch import Tensor

from course_lib.exercises import mistake
from course_lib.recurrent.exercises.language_model.text import Pairs, cut, text_to_batches


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
    return [(x, x) for x, _ in cut(ids, T, B)]


@mistake(
    text_to_batches,
    "inputs and targets that changed places",
    call="lm_batches",
    ask="Which of x and y comes first in the text?",
    look="the direction of the shift: y is one word ahead of x.",
)
def _(ids, T, B):
    return [(y, x) for x, y in cut(ids, T, B)]


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
    return [(x[:, :-1], x[:, 1:]) for x, _ in cut(ids, T, B)]


@mistake(
    text_to_batches,
    "chunks whose last target is their own first word",
    call="lm_batches",
    ask="What does `roll` put at the end of a chunk?",
    look="the order of the two: shift the whole text first, then cut x and y at the same places.",
)
def _(ids, T, B):
    return [(x, x.roll(-1, dims=1)) for x, _ in cut(ids, T, B)]


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
    return [(x.T, y.T) for x, y in cut(ids, T, B)]


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
    return [(x, y) for x, y in cut(ids, T, B) if x.shape[1] == T]
