"""The gradient of all rows, from chunks that are never in memory together."""

import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence

import torch
from torch import Tensor, nn

from course_lib.exercises import Case, exercise, mistake, part, randn
from course_lib.exercises.values import with_article

UNTOUCHED = "as it was"
Chunk = tuple[Tensor, Tensor]  # x, (rows, inputs), and y, (rows,)


def half_the_squared_error(params: Sequence[Tensor], x: Tensor, y: Tensor) -> Tensor:
    """Of a line without a bias, a mean over the rows."""
    (w,) = params
    return 0.5 * (x @ w - y).square().mean()


def cross_entropy(params: Sequence[Tensor], x: Tensor, y: Tensor) -> Tensor:
    """Of a logistic regression whose labels are 0 and 1, a mean over the rows."""
    w, b = params
    return nn.functional.binary_cross_entropy_with_logits(x @ w + b, (y > 0).to(x.dtype))


def error_of_a_network(params: Sequence[Tensor], x: Tensor, y: Tensor) -> Tensor:
    """Half the squared error of two layers with a tanh between them, a mean over the rows."""
    w1, b1, w2, b2 = params
    return 0.5 * (torch.tanh(x @ w1.T + b1) @ w2 + b2 - y).square().mean()


LOSSES = {
    "half the squared error": half_the_squared_error,
    "cross-entropy": cross_entropy,
    "error of a network": error_of_a_network,
}


def in_chunks(answer: Callable, loss: str, params: list[Tensor], chunks: list[Chunk]) -> dict | None:
    """The answer's gradient, and whether it left the parameters where they were."""
    return gradient_from(answer, loss, [p.clone().requires_grad_() for p in params], chunks)


def beside_a_grad(answer: Callable, loss: str, params: list[Tensor], chunks: list[Chunk]) -> dict | None:
    """The same, where somebody's gradients stand in the parameters already; and whether these are left alone."""
    held = [p.clone().requires_grad_() for p in params]
    for p in held:
        p.grad = torch.full_like(p, 2.0)
    made = gradient_from(answer, loss, held, chunks)
    left = all(p.grad is not None and bool((p.grad == 2).all()) for p in held)
    return made and made | {"p.grad": UNTOUCHED if left else "not as it was"}


@torch.enable_grad()
def gradient_from(answer: Callable, loss: str, params: list[Tensor], chunks: list[Chunk]) -> dict | None:
    """What full_gradient returns for these parameters, and whether they are as they were.

    Raises:
        TypeError: it returned something else than a gradient for each.
    """
    before = [p.detach().clone() for p in params]
    made = answer(LOSSES[loss], list(params), iter(chunks))
    if made is None:
        return None
    if not isinstance(made, tuple | list) or len(made) != len(params):
        what = f"{len(made)}" if isinstance(made, tuple | list) else with_article(type(made).__name__)
        raise TypeError(f"full_gradient should return a list of {len(params)}, one for each parameter; it was {what}")
    left = all(torch.equal(p.detach(), old) for p, old in zip(params, before, strict=True))
    gradient = made if left else [torch.zeros_like(p) for p in params]  # at moving weights it says nothing
    return {"params as they were": left} | {f"gradient[{n}]": g for n, g in enumerate(gradient)}


@torch.enable_grad()
def chunks_at_once(answer: Callable, loss: str, params: list[Tensor], chunks: list[Chunk]) -> dict | None:
    """How many chunks are in memory together while the answer walks over them: one at work, and one that comes."""
    alive: list[weakref.ref] = []
    most = 0

    def fresh(x: Tensor, y: Tensor) -> Chunk:
        """A chunk in memory of its own, which is watched; nothing here holds on to it."""
        memory = x.numpy().copy()
        alive.append(weakref.ref(memory))
        return torch.from_numpy(memory), y.clone()

    def walk() -> Iterator[Chunk]:
        nonlocal most
        for x, y in chunks:
            yield fresh(x, y)
            most = max(most, sum(memory() is not None for memory in alive))

    made = answer(LOSSES[loss], [p.clone().requires_grad_() for p in params], walk())
    return None if made is None else {"number of chunks in memory": "more than two" if most > 2 else "two at most"}


@torch.enable_grad()  # a notebook may have switched gradients off
def at_once(loss: str, params: list[Tensor], chunks: list[Chunk]) -> list[Tensor]:
    """The gradient of the mean loss over all rows, put together in memory."""
    params = [p.clone().requires_grad_() for p in params]
    x, y = (torch.cat(pieces) for pieces in zip(*chunks, strict=True))
    return list(torch.autograd.grad(LOSSES[loss](params, x, y), params))


def case(via: Callable, loss: str, params: list[Tensor], chunks: list[Chunk], shown: str | None, because: str) -> Case:
    """One data set in chunks."""
    expected = {"params as they were": True}
    expected |= {f"gradient[{n}]": g for n, g in enumerate(at_once(loss, params, chunks))}
    expected |= {"p.grad": UNTOUCHED} if via is beside_a_grad else {}
    inputs = (loss, params, chunks)
    return Case(inputs, via=via, expected=expected, shown=shown, because=because, rtol=1e-4, atol=1e-6)


@exercise(
    "foundations.gradient-descent.batch", "full_gradient(loss_fn, params, chunks) -> gradient", level="core", minutes=8
)
def full_gradient(rng):
    """The gradient over all rows, chunk by chunk."""

    def drawn(loss: str, sizes: Sequence[int]) -> tuple[str, list[Tensor], list[Chunk]]:
        shapes = {"half the squared error": [(3,)], "cross-entropy": [(3,), ()]}.get(loss, [(4, 3), (4,), (4,), ()])
        params = [randn(rng, *shape) for shape in shapes]
        return loss, params, [(randn(rng, rows, 3), randn(rng, rows)) for rows in sizes]

    def by_hand(*chunks: tuple[list[float], list[float]]) -> Case:
        tensors = [(torch.tensor(x).unsqueeze(1), torch.tensor(y)) for x, y in chunks]
        because = "at w = 0 each row's gradient is -x * y"
        return case(in_chunks, "half the squared error", [torch.zeros(1)], tensors, None, because)

    losses = list(LOSSES)
    with part("by hand", points=1):
        yield by_hand(([1.0, 2.0], [3.0, 1.0]))
        yield by_hand(([1.0], [8.0]), ([1.0, 1.0, 1.0], [0.0, 0.0, 0.0]))
        yield by_hand(([1.0, 2.0], [2.0, 1.0]), ([1.0, 3.0], [4.0, 0.0]), ([1.0], [2.0]))
    with part("any loss, any chunks", points=1):
        for loss, sizes in zip(losses * 2, ((5, 2), (1, 7, 4), (3, 3, 3, 1), (4, 4), (6,), (2, 9)), strict=True):
            shown = f"{loss}, chunks of {', '.join(map(str, sizes))} random rows"
            yield case(in_chunks, *drawn(loss, sizes), shown, "a chunk counts as often as it has rows")
    with part("whatever was there before", points=1):
        for loss, sizes in zip(losses, ((4, 2), (3, 5, 1), (2, 2, 3)), strict=True):
            shown = f"{loss}, chunks of {', '.join(map(str, sizes))} random rows; a grad of 2 in each parameter"
            because = "these grads are somebody else's, and backward adds to them"
            yield case(beside_a_grad, *drawn(loss, sizes), shown, because)
    with part("one chunk at a time", points=1):
        for loss, sizes in zip(losses, ((3, 2, 4, 1, 3), (2, 2, 2, 2, 1), (4, 1, 3, 2, 2, 3)), strict=True):
            yield Case(
                drawn(loss, sizes),
                via=chunks_at_once,
                expected={"number of chunks in memory": "two at most"},
                shown=f"{loss}, {len(sizes)} chunks that are read from a disk one by one",
                because="a graph holds on to the rows that it was built from, until its gradient is taken",
            )


def chunk_gradients(loss_fn: Callable, params: list[Tensor], chunks: Iterable[Chunk]) -> list[tuple[int, list[Tensor]]]:
    """For each chunk its number of rows and the gradient of its mean loss."""
    return [(len(x), list(torch.autograd.grad(loss_fn(params, x, y), params))) for x, y in chunks]


def weighted(parts: list[tuple[int, list[Tensor]]], weight: Callable[[int], float]) -> list[Tensor]:
    """The chunks' gradients added up, each with a weight that comes of its number of rows."""
    return [sum(weight(rows) * g for (rows, _), g in zip(parts, per_chunk, strict=True)) for per_chunk in turned(parts)]


def turned(parts: list[tuple[int, list[Tensor]]]) -> Iterator[tuple[Tensor, ...]]:
    """For each parameter its gradients, chunk by chunk."""
    return zip(*(gradients for _, gradients in parts), strict=True)


def rows_of(parts: list[tuple[int, list[Tensor]]]) -> int:
    """How many rows there are in all."""
    return sum(rows for rows, _ in parts)


@mistake(
    full_gradient,
    "the mean of the chunks' means, though their sizes differ",
    ask="A chunk of one row and a chunk of three: how much does the one row count in yours, and how much should it?",
    look="the weight of a chunk: it follows from its number of rows.",
)
def _(loss_fn, params, chunks):
    parts = chunk_gradients(loss_fn, params, chunks)
    return weighted(parts, lambda rows: 1 / len(parts))


@mistake(
    full_gradient,
    "a sum over the rows that is never divided by their number",
    ask="All rows twice: does your gradient stay as it was?",
    look="the end of the function: the loss is a mean over all rows.",
)
def _(loss_fn, params, chunks):
    return weighted(chunk_gradients(loss_fn, params, chunks), lambda rows: rows)


@mistake(
    full_gradient,
    "the chunks' means, added up",
    ask="All rows in one chunk, or in ten equal ones: is your gradient the same?",
    look="what you add: the mean gradient of a chunk is to be weighed by its share of the rows.",
)
def _(loss_fn, params, chunks):
    return weighted(chunk_gradients(loss_fn, params, chunks), lambda rows: 1)


@mistake(
    full_gradient,
    "the chunks' means, added up and divided by the number of rows",
    ask="All rows in one chunk of four: by what is your gradient divided, and was the loss no mean already?",
    look="what loss_fn returns: a mean over the chunk, so its gradient is one too.",
)
def _(loss_fn, params, chunks):
    parts = chunk_gradients(loss_fn, params, chunks)
    return weighted(parts, lambda rows: 1 / rows_of(parts))


@mistake(
    full_gradient,
    "the last chunk's gradient alone",
    ask="What becomes of the first chunk's gradient when the second chunk comes?",
    look="= or += in the loop.",
)
def _(loss_fn, params, chunks):
    return chunk_gradients(loss_fn, params, chunks)[-1][1]


@mistake(
    full_gradient,
    "the first chunk's gradient alone",
    ask="How many chunks has your loop seen when it returns?",
    look="how far to the right the `return` stands.",
)
def _(loss_fn, params, chunks):
    return chunk_gradients(loss_fn, params, chunks)[0][1]


@mistake(
    full_gradient,
    "weights that move between the chunks",
    ask="The second chunk's gradient is taken at which weights: those of the first chunk's, or others?",
    look="the step inside the loop: a full gradient is taken at one point, and somebody else steps.",
)
def _(loss_fn, params, chunks):
    parts = []
    for x, y in chunks:
        parts += chunk_gradients(loss_fn, params, [(x, y)])
        with torch.no_grad():
            for p, g in zip(params, parts[-1][1], strict=True):
                p -= 0.1 * g
    return weighted(parts, lambda rows: rows / rows_of(parts))


@mistake(
    full_gradient,
    "a gradient that is added to what p.grad held before",
    ask="Somebody called backward before you did. Is their gradient in yours?",
    look="p.grad: backward adds to what is there; torch.autograd.grad leaves it alone.",
)
def _(loss_fn, params, chunks):
    rows = 0
    before = [None if p.grad is None else p.grad.clone() for p in params]
    for x, y in chunks:
        (len(x) * loss_fn(params, x, y)).backward()
        rows += len(x)
    return [
        p.grad / rows if old is None else old + (p.grad - old) / rows for p, old in zip(params, before, strict=True)
    ]


@mistake(
    full_gradient,
    "a gradient that is added to what p.grad held before, and divided with it",
    ask="Somebody called backward before you did. Is their gradient in yours?",
    look="p.grad: backward adds to what is there; torch.autograd.grad leaves it alone.",
)
def _(loss_fn, params, chunks):
    rows = 0
    for x, y in chunks:
        (len(x) * loss_fn(params, x, y)).backward()
        rows += len(x)
    return [p.grad / rows for p in params]


@mistake(
    full_gradient,
    "a right gradient, for which somebody's p.grad is emptied",
    ask="Somebody called backward before you did, and steps after you. Which gradient do they step along?",
    look="p.grad: torch.autograd.grad returns a gradient and leaves it alone.",
)
def _(loss_fn, params, chunks):
    for p in params:
        p.grad = None
    rows = 0
    for x, y in chunks:
        (len(x) * loss_fn(params, x, y)).backward()
        rows += len(x)
    return [p.grad / rows for p in params]


@mistake(
    full_gradient,
    "all chunks in memory at once",
    ask="A data set of a terabyte in chunks of a gigabyte: how much memory does your function take?",
    look="list, torch.cat, or a loss that is added up over the chunks before its gradient is taken.",
)
def _(loss_fn, params, chunks):
    parts = list(chunks)
    total = sum(len(x) * loss_fn(params, x, y) for x, y in parts)
    return list(torch.autograd.grad(total / sum(len(x) for x, _ in parts), params))
