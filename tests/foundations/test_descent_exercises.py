"""What the exercises of 2.4 promise beyond right answers and known mistakes."""

import random
from functools import partial

import numpy as np
import pytest
import torch
import torch._dynamo  # torch.func and optimisers do at their first use: seconds, of an answer's five
from torch.utils.data import DataLoader

from course_lib.exercises import get
from course_lib.foundations.exercises.descent.batch import chunk_gradients, weighted
from course_lib.foundations.exercises.descent.common import after_each_order, gradient_of
from course_lib.foundations.exercises.descent.learning_rate import edge, loss_after
from course_lib.foundations.exercises.descent.mini_batch import cut
from tests.exercises.verdicts import said, verdict_on

RATE = "foundations.learning-rate"
BATCH, STOCHASTIC, MINI = (f"foundations.gradient-descent.{how}" for how in ("batch", "stochastic", "mini-batch"))


def assert_passes(id: str, **functions) -> None:
    """Full marks, for two seeds; else what is said is the message."""
    for seed in (0, 7):
        assert verdict_on(id, seed=seed, **functions).status == "passed", said(id, **functions)


# ------------------------------------------------------------------------------------------------- the learning rate


@pytest.mark.parametrize("seed", range(3))
def test_just_below_the_edge_the_loss_falls_and_just_above_it_grows(seed):
    for case in get(RATE).cases(seed):
        (H,) = case.inputs
        assert loss_after(H, 0.99 * edge(H)) < 0.1
        assert loss_after(H, 1.01 * edge(H)) > 1


def by_the_spectral_norm(H):
    return 2 / torch.linalg.matrix_norm(H, ord=2)


def by_numpy(H):
    return 2 / np.linalg.eigvals(H.numpy()).real.max()


def by_powers(H):
    v = torch.linspace(1, 2, len(H), dtype=torch.float64)
    for _ in range(500):
        v = H.double() @ v
        v = v / v.norm()
    return (2 / (v @ H.double() @ v)).item()


@pytest.mark.parametrize("max_stable_lr", [by_the_spectral_norm, by_numpy, by_powers])
def test_there_is_more_than_one_way_to_the_edge(max_stable_lr):
    assert_passes(RATE, max_stable_lr=max_stable_lr)


def test_what_a_wrong_rate_does_is_shown():
    assert "still take the loss to" in said(RATE, max_stable_lr=lambda H: 0.9 * edge(H))
    assert "times its start" in said(RATE, max_stable_lr=lambda H: 1.1 * edge(H))
    assert "more than a number can hold" in said(RATE, max_stable_lr=lambda H: 1e9)
    assert "does not go down" in said(RATE, max_stable_lr=lambda H: -1.0)
    assert verdict_on(RATE, max_stable_lr=lambda H: 1.001 * edge(H)).points == 0


def test_the_smallest_eigenvalue_is_recognised_in_numpy_too():
    found = said(RATE, max_stable_lr=lambda H: 2 / np.linalg.eigvalsh(H.numpy())[0])
    assert "behaves like 2 / the smallest eigenvalue." in found


# -------------------------------------------------------------------------------------------- the gradient in chunks


def by_backward(loss_fn, params, chunks):
    rows, before = 0, [p.grad for p in params]
    for p in params:
        p.grad = None
    for x, y in chunks:
        (loss_fn(params, x, y) * len(x)).backward()
        rows += len(x)
    made = tuple(p.grad / rows for p in params)
    for p, old in zip(params, before, strict=True):
        p.grad = old
    return made


def by_a_running_mean(loss_fn, params, chunks):
    seen, mean = 0, [0.0] * len(params)
    for x, y in chunks:
        seen += x.size(0)
        new = torch.autograd.grad(loss_fn(params, x, y), params)
        mean = [old + x.size(0) / seen * (g - old) for old, g in zip(mean, new, strict=True)]
    return mean


def on_detached_copies(loss_fn, params, chunks):
    ours = [p.detach().clone().requires_grad_() for p in params]
    return weighted_by_rows(chunk_gradients(loss_fn, ours, chunks))


def weighted_by_rows(parts):
    total = sum(rows for rows, _ in parts)
    return weighted(parts, lambda rows: rows / total)


def by_func(loss_fn, params, chunks):
    total, rows = None, 0
    for x, y in chunks:
        detached = tuple(p.detach() for p in params)
        gradients = torch.func.grad(lambda params, x=x, y=y: loss_fn(params, x, y))(detached)
        new = [len(x) * g for g in gradients]
        total = new if total is None else [a + b for a, b in zip(total, new, strict=True)]
        rows += len(x)
    return [t / rows for t in total]


@pytest.mark.parametrize("full_gradient", [by_backward, by_a_running_mean, on_detached_copies, by_func])
def test_there_is_more_than_one_right_sum(full_gradient):
    assert_passes(BATCH, full_gradient=full_gradient)


def test_what_holds_on_to_all_chunks_costs_one_part():
    def all_at_once(loss_fn, params, chunks):
        x, y = map(torch.cat, zip(*chunks, strict=True))
        return torch.autograd.grad(loss_fn(params, x, y), params)

    def one_graph(loss_fn, params, chunks):
        total, rows = 0, 0
        for x, y in chunks:
            total, rows = total + len(x) * loss_fn(params, x, y), rows + len(x)
        return torch.autograd.grad(total / rows, params)

    for full_gradient in (all_at_once, one_graph):
        assert verdict_on(BATCH, full_gradient=full_gradient).points == 3
        assert "all chunks in memory at once" in said(BATCH, full_gradient=full_gradient)


def test_weights_that_move_are_seen_whatever_the_rate():
    def stepping(loss_fn, params, chunks):
        for x, y in chunks:
            gradient = torch.autograd.grad(loss_fn(params, x, y), params)
            for p, g in zip(params, gradient, strict=True):
                p.data -= 0.37 * g
        return gradient

    assert "weights that move between the chunks" in said(BATCH, full_gradient=stepping)


def test_somebodys_gradients_are_left_alone():
    def zeroing(loss_fn, params, chunks):
        rows = 0
        for p in params:
            if p.grad is not None:
                p.grad.zero_()
        for x, y in chunks:
            (loss_fn(params, x, y) * len(x)).backward()
            rows += len(x)
        return [p.grad / rows for p in params]

    assert verdict_on(BATCH, full_gradient=zeroing).points == 3
    assert "for which somebody's p.grad is emptied" in said(BATCH, full_gradient=zeroing)


def test_chunks_are_walked_once_and_a_list_comes_back():
    assert "has no len()" in said(BATCH, full_gradient=lambda loss_fn, params, chunks: [len(chunks)])
    assert "a list of 1, one for each" in said(BATCH, full_gradient=lambda loss_fn, params, chunks: torch.zeros(1))


# ---------------------------------------------------------------------------------------------- one sample, one step


def test_each_order_ends_where_its_steps_lead():
    X, y, w = torch.randn(3, 2), torch.randn(3), torch.randn(2)
    for order, after in zip(((0, 1, 2), (0, 2, 1)), after_each_order(X, y, w, 0.1), strict=False):
        theirs = w.double()
        for i in order:
            theirs = theirs - 0.1 * (X[i].double() @ theirs - y[i].double()) * X[i].double()
        torch.testing.assert_close(after, theirs)


def steps(X, y, w, lr, order):
    for i in order:
        w = w - lr * (X[i] @ w - y[i]) * X[i]
    return w


def by_shuffle(X, y, w, lr, rng):
    order = list(range(len(y)))
    rng.shuffle(order)
    return steps(X, y, w, lr, order)


def by_sorting(X, y, w, lr, rng):
    return steps(X, y, w, lr, np.argsort(rng.random(len(y))))


def by_choice(X, y, w, lr, rng):
    return steps(X, y, w, lr, rng.choice(len(y), size=len(y), replace=False))


def on_shuffled_rows(X, y, w, lr, rng):
    order = torch.from_numpy(rng.permutation(len(y)))
    w = w.clone()
    for x, target in zip(X[order], y[order], strict=True):
        w -= lr * (x @ w - target) * x
    return w


def in_numpy(X, y, w, lr, rng):
    return steps(X.numpy(), y.numpy(), w.numpy(), lr, rng.permutation(len(y)))


def by_autograd(X, y, w, lr, rng):
    w = w.clone().requires_grad_()
    for i in rng.permutation(len(y)):
        (gradient,) = torch.autograd.grad(0.5 * (X[i] @ w - y[i]) ** 2, w)
        w = (w - lr * gradient).detach().requires_grad_()
    return w


@pytest.mark.parametrize("sgd_epoch", [by_shuffle, by_sorting, by_choice, on_shuffled_rows, in_numpy, by_autograd])
def test_there_is_more_than_one_random_order(sgd_epoch):
    assert_passes(STOCHASTIC, sgd_epoch=sgd_epoch)


def by_pythons_random(X, y, w, lr, rng):
    return steps(X, y, w, lr, random.sample(range(len(y)), len(y)))


def by_numpys_random(X, y, w, lr, rng):
    return steps(X, y, w, lr, np.random.permutation(len(y)))


@pytest.mark.parametrize("sgd_epoch", [by_pythons_random, by_numpys_random])
def test_randomness_of_ones_own_is_recognised(sgd_epoch):
    assert "the same seed gave two different epochs" in said(STOCHASTIC, sgd_epoch=sgd_epoch)
    assert "an order that rng does not draw" in said(STOCHASTIC, sgd_epoch=sgd_epoch)


def test_one_order_for_ever_is_recognised_whichever_it_is():
    def seeded_anew(X, y, w, lr, rng):
        return by_shuffle(X, y, w, lr, np.random.default_rng(42))

    def backwards(X, y, w, lr, rng):
        return steps(X, y, w, lr, range(len(y))[::-1])

    for sgd_epoch in (seeded_anew, backwards):
        assert "the same order in every epoch" in said(STOCHASTIC, sgd_epoch=sgd_epoch)


def test_an_order_that_is_remembered_is_refused():
    kept: dict[int, np.ndarray] = {}

    def remembering(X, y, w, lr, rng):
        return steps(X, y, w, lr, kept.setdefault(len(y), rng.permutation(len(y))))

    assert "number of orders in 200 epochs came out as 1, wanted 6" in said(STOCHASTIC, sgd_epoch=remembering)


def test_weights_changed_in_place_are_seen():
    def in_place(X, y, w, lr, rng):
        for i in rng.permutation(len(y)):
            w -= lr * (X[i] @ w - y[i]) * X[i]
        return w

    assert "It changes w in place" in said(STOCHASTIC, sgd_epoch=in_place)
    assert "Does it end in `return`?" in said(STOCHASTIC, sgd_epoch=lambda X, y, w, lr, rng: None)
    assert "should return the weights" in said(STOCHASTIC, sgd_epoch=lambda X, y, w, lr, rng: [w])


# ------------------------------------------------------------------------------------------------------- mini-batches


def as_a_list(n, m, rng):
    return list(cut(rng.permutation(n), m))


def by_array_split(n, m, rng):
    return np.array_split(rng.permutation(n), range(m, n, m))


def by_torch_split(n, m, rng):
    yield from torch.from_numpy(rng.permutation(n)).split(m)


def by_a_loader(n, m, rng):
    return DataLoader(rng.permutation(n), batch_size=m)


def by_taking_away(n, m, rng):
    left = list(range(n))
    rng.shuffle(left)
    while left:
        batch, left = left[:m], left[m:]
        yield batch


def a_short_batch_first_in_the_making(n, m, rng):
    order = rng.permutation(n).tolist()
    return iter([order[k * m : min((k + 1) * m, n)] for k in range(-(-n // m))])


@pytest.mark.parametrize(
    "minibatches",
    [as_a_list, by_array_split, by_torch_split, by_a_loader, by_taking_away, a_short_batch_first_in_the_making],
)
def test_there_is_more_than_one_way_to_cut_an_epoch(minibatches):
    assert_passes(MINI, minibatches=minibatches)


def by_rows(X, y, w, batch):
    return torch.stack([(X[i] @ w - y[i]) * X[i] for i in batch]).mean(dim=0)


def of_the_mean_loss(X, y, w, batch):
    w = w.clone().requires_grad_()
    return torch.autograd.grad(0.5 * (X[batch] @ w - y[batch]).square().mean(), w)[0]


@pytest.mark.parametrize("batch_gradient", [by_rows, of_the_mean_loss])
def test_there_is_more_than_one_mean(batch_gradient):
    assert_passes(MINI, batch_gradient=batch_gradient)


def test_a_short_batch_that_is_filled_up_is_named():
    def filled_up(n, m, rng):
        order = rng.permutation(n)
        for start in range(0, n, m):
            yield np.resize(order[start:], m) if start + m > n else order[start : start + m]

    assert "sizes of the batches came out as '2, 2, 2', wanted '2, 2, 1'" in said(MINI, minibatches=filled_up)


@pytest.mark.parametrize(
    "draw",
    [
        lambda n, m, left, rng: rng.choice(n, left),
        lambda n, m, left, rng: rng.integers(n, size=left),
        lambda n, m, left, rng: [rng.integers(n) for _ in range(m)],
        lambda n, m, left, rng: rng.choice(n, m),
        lambda n, m, left, rng: rng.choice(n, m, replace=False),
        lambda n, m, left, rng: rng.choice(n, left, replace=False),
    ],
)
def test_rows_that_are_put_back_are_named(draw):
    def minibatches(n, m, rng):
        for start in range(0, n, m):
            yield draw(n, m, min(m, n - start), rng)

    assert "row 0 never comes. It behaves like rows that are drawn anew" in said(MINI, minibatches=minibatches)


def test_an_order_with_rows_put_back_is_named():
    assert "rows that are drawn anew" in said(MINI, minibatches=lambda n, m, rng: cut(rng.integers(n, size=n), m))


def test_an_endless_row_of_batches_is_not_waited_for():
    def endless(n, m, rng):
        while True:
            yield rng.permutation(n)[:m]

    assert verdict_on(MINI, minibatches=endless).points == 1


def test_what_is_no_batch_is_named():
    assert "each an array of row numbers" in said(MINI, minibatches=lambda n, m, rng: rng.permutation(n))
    assert "returned a single thing" in said(MINI, minibatches=lambda n, m, rng: n)
    assert "rows that do not exist" in said(MINI, minibatches=lambda n, m, rng: [b + 1 for b in cut(np.arange(n), m)])


def test_a_mean_over_m_differs_for_the_last_batch():
    X, y, w = torch.randn(5, 2), torch.randn(5), torch.randn(2)
    batch = np.array([4])
    torch.testing.assert_close(gradient_of(X[batch], y[batch], w), by_rows(X, y, w, batch))
    assert verdict_on(MINI, batch_gradient=partial(lambda X, y, w, b: by_rows(X, y, w, b) * len(b) / 4)).points == 3
