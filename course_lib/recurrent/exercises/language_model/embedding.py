"""Look up the nearest neighbours of a word in an embedding table."""

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity, normalize

from course_lib.exercises import Case, exercise, mistake, part, randn


def cosines(E: Tensor, index: int) -> Tensor:
    """The cosines with vector `index`, in float64, 0 for a vector of zeros: (words,)"""
    E = E.double()
    return cosine_similarity(E, E[index : index + 1], dim=1)


def best(scores: Tensor, index: int, k: int) -> Tensor:
    """The places of the k largest scores, that of `index` left out: (k,)"""
    scores = scores.clone()
    scores[index] = -torch.inf
    return scores.topk(k).indices


def what_differs(E: Tensor, index: int, order: Tensor, wanted: Tensor) -> str:
    """The first wrong neighbour, in a sentence."""
    place = int((order != wanted).nonzero()[0])
    mine, right = order[place].item(), int(wanted[place])
    if mine not in range(len(E)):
        return f"Your list has {mine:.4g} at place {place}, which is not the number of a word."
    scores = cosines(E, index)
    which = "the word itself" if mine == index else f"whose cosine is {scores[int(mine)]:.3f}"
    return (
        f"Your list has word {mine:g} at place {place}, {which}; wanted word {right}, "
        f"whose cosine is {scores[right]:.3f}."
    )


def table(*rows: tuple[float, float]) -> Tensor:
    """Vectors in the plane, (words, 2)."""
    return torch.tensor(rows)


FAN = table((1.0, 0.0), (6.0, 8.0), (20.0, 2.0), (0.5, 0.5), (-1.0, 0.0))
TWINS = table((0.0, 1.0), (2.0, 4.0), (3.0, 0.0), (1.0, 2.0))  # 1 and 3 point the same way
WITH_ZEROS = table((1.0, 0.0), (0.0, 0.0), (1.0, 2.0), (2.0, 1.0), (-1.0, 1.0))


@exercise(
    "recurrent.embedding",
    "nearest(E, index, k) -> order",
    level="more",
    minutes=6,
    keeps_inputs=True,
)
def nearest(rng):
    """The nearest neighbours of a word."""

    def case(E: Tensor, index: int, k: int, because: str, shown: str | None = None) -> Case:
        wanted = best(cosines(E, index), index, k)
        return Case(
            (E, index, k),
            expected=wanted,
            explain=lambda order: what_differs(E, index, order, wanted),
            shown=shown,
            because=because,
        )

    with part("by hand", points=1):
        angle = "the cosine compares directions: the dot product of two vectors that were brought to length 1"
        for index, k in ((0, 1), (0, 4), (3, 2)):
            yield case(FAN, index, k, angle, f"E = {FAN.tolist()}, index={index}, k={k}")
        for index in (3, 1):
            itself = "a word is not its own neighbour, and another word may point exactly its way"
            yield case(TWINS, index, 2, itself, f"E = {TWINS.tolist()}, index={index}, k=2")
    with part("any length", points=1):
        for words, size, k in ((12, 3, 5), (40, 8, 10)):
            lengths = torch.from_numpy(10 ** rng.uniform(-2, 2, size=(words, 1))).float()
            shown = f"{words} random vectors of width {size}, from very short to very long, k={k}"
            because = "frequent words often have longer vectors, and length says nothing about use"
            yield case(randn(rng, words, size) * lengths, int(rng.integers(words)), k, because, shown)
    with part("a vector of zeros", points=1):
        none = "a vector of zeros points nowhere: its cosine with all others is 0, neither NaN nor large"
        for index in (0, 2):
            yield case(WITH_ZEROS, index, 4, none, f"E = {WITH_ZEROS.tolist()}, index={index}, k=4")
        E = randn(rng, 10, 4)
        E[6] = 0.0
        yield case(E, 2, 9, none, "10 random vectors of width 4, vector 6 all zeros, index=2, k=9")
        E = randn(rng, 4, 3)
        E[2] = 0.0
        yield Case(
            (E, 2, 3),
            view=lambda order: sorted(order.tolist()),
            form=torch.arange(3),
            expected=[0, 1, 3],
            shown="4 random vectors, vector 2 all zeros, index=2, k=3, in any order",
            because=none,
        )
    with part("whole tables", points=1):
        for words, size, k in ((30, 8, 29), (300, 16, 10)):
            shown = f"{words} random vectors of width {size}, k={k}"
            yield case(randn(rng, words, size), int(rng.integers(words)), k, "the most similar first", shown)


@mistake(
    nearest,
    "the dot product, without normalising",
    ask="Make one vector ten times as long. Does it become a nearer neighbour?",
    look="the lengths: divide each vector by its own before the product.",
)
def _(E, index, k):
    return best(E @ E[index], index, k)


@mistake(
    nearest,
    "a list with the word itself in it",
    ask="Which vector has the largest cosine with E[index] of all?",
    look="the word itself: its own score has to go before you choose.",
)
def _(E, index, k):
    return cosines(E, index).topk(k).indices


@mistake(
    nearest,
    "Euclidean distance",
    ask="How far is a vector from the same vector made ten times as long, and what is the cosine of the two?",
    look="what you compare: directions, not points.",
)
def _(E, index, k):
    return best(-(E - E[index]).norm(dim=1), index, k)


@mistake(
    nearest,
    "Euclidean distance between vectors of length 1, which a vector of zeros is not",
    ask="What is your distance to a vector of zeros, and to a vector at a right angle?",
    look="the vector of zeros: its cosine is 0, so it belongs where right angles are.",
)
def _(E, index, k):
    unit = normalize(E, dim=1)
    return best(-(unit - unit[index]).norm(dim=1), index, k)


@mistake(
    nearest,
    "the words that are furthest away",
    ask="Is the cosine of similar vectors large or small?",
    look="the direction of your sort.",
)
def _(E, index, k):
    return best(-cosines(E, index), index, k)


@mistake(
    nearest,
    "0/0 for a vector of zeros",
    ask="What is the length of a vector of zeros, and what do you divide by?",
    look="the division: keep the length above some tiny number, or use `normalize`, which does.",
)
def _(E, index, k):
    unit = E / E.norm(dim=1, keepdim=True)
    return best(unit @ unit[index], index, k)


@mistake(
    nearest,
    "the best k + 1 without the first of them",
    ask="Where two vectors point the same way, which of them comes first: is it always the word itself?",
    look="how you leave the word out: by its place, `index`, not by its rank.",
)
def _(E, index, k):
    return cosines(E, index).argsort(descending=True, stable=True)[1 : k + 1]


@mistake(
    nearest,
    "places in a table from which the word was taken out",
    ask="Which word stands at place `index` of your shorter table?",
    look="the places: after a row is taken out, all later rows move up by one.",
)
def _(E, index, k):
    scores = cosines(E, index)
    return torch.cat([scores[:index], scores[index + 1 :]]).topk(k).indices


@mistake(
    nearest,
    "a word itself whose score was set to 0",
    ask="Is 0 the smallest cosine there is?",
    look="the score that you give to the word itself: below -1.",
)
def _(E, index, k):
    scores = cosines(E, index)
    scores[index] = 0.0
    return scores.argsort(descending=True, stable=True)[:k]


@mistake(
    nearest,
    "cosines without their sign",
    ask="Which is nearer to a word: a vector at a right angle, or its exact opposite?",
    look="a square or an absolute value: opposites have the cosine -1.",
)
def _(E, index, k):
    return best(cosines(E, index).abs(), index, k)


@mistake(
    nearest,
    "the cosines in place of the words",
    ask="`topk` returns two things. Which of them says where a word stands in E?",
    look="the values and the indices: the places are wanted.",
)
def _(E, index, k):
    scores = cosines(E, index)
    return scores[best(scores, index, k)]


@mistake(
    nearest,
    "columns brought to length 1, not rows",
    ask="What is the length of each word's vector after your division?",
    look="the `dim` of the norm: E is (words, size), and a word's vector is a row.",
)
def _(E, index, k):
    unit = normalize(E, dim=0)
    return best(unit @ unit[index], index, k)
