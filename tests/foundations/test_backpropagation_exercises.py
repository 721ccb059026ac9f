"""What the exercises of 2.3 promise beyond right answers and known mistakes."""

import math

import numpy as np
import pytest
import torch
import torch._dynamo  # torch.func and optimisers do at their first use: seconds, of an answer's five

from course_lib.exercises import get
from course_lib.foundations.exercises.backpropagation.chain_rule import DERIVATIVE_OF, DERIVATIVES, FUNCTIONS
from course_lib.foundations.exercises.backpropagation.steps import by_formula, leaves, loss_of
from tests.exercises.verdicts import said, verdict_on

CHAIN, TWO_LAYERS, UPDATE = (f"foundations.backprop.{topic}" for topic in ("chain-rule", "gradient", "weight-update"))


def assert_passes(id: str, **functions) -> None:
    """Full marks; else what is said is the message."""
    assert verdict_on(id, **functions).status == "passed", said(id, **functions)


# --------------------------------------------------------------------------------------------------- the chain rule


@pytest.mark.parametrize("f", FUNCTIONS)
def test_the_derivatives_are_those_of_the_functions(f):
    df = DERIVATIVES[DERIVATIVE_OF[f]]
    for u in (-1.7, -0.3, 0.4, 2.2):
        difference = (FUNCTIONS[f](u + 1e-5) - FUNCTIONS[f](u - 1e-5)) / 2e-5
        assert df(u) == pytest.approx(difference, rel=1e-6)


def by_recursion(fs, dfs, x):
    if not fs:
        return 1
    return by_recursion(fs[1:], dfs[1:], fs[0](x)) * dfs[0](x)


def by_numpy(fs, dfs, x):
    us = [x]
    for f in fs:
        us.append(f(us[-1]))
    return np.prod([df(u) for df, u in zip(dfs, us[:-1], strict=True)])


def by_torch(fs, dfs, x):
    slope = torch.ones((), dtype=torch.float64)
    for f, df in zip(fs, dfs, strict=True):
        slope, x = slope * df(x), f(x)
    return slope


@pytest.mark.parametrize("chain_derivative", [by_recursion, by_numpy, by_torch])
def test_there_is_more_than_one_right_product(chain_derivative):
    assert_passes(CHAIN, chain_derivative=chain_derivative)


def slopes_in_place(fs, dfs, x):
    values = [x]
    for f in fs:
        values += [f(values[-1])]
    slopes = np.ones(len(values))
    for n in range(len(fs) - 1, -1, -1):
        slopes[n] = slopes[n + 1] * dfs[n](values[n])
    return slopes


def slopes_by_recursion(fs, dfs, x):
    if not fs:
        return (1.0,)
    behind = slopes_by_recursion(fs[1:], dfs[1:], fs[0](x))
    return (dfs[0](x) * behind[0], *behind)


def slopes_by_cumprod(fs, dfs, x):
    local = []
    for f, df in zip(fs, dfs, strict=True):
        local.append(df(x))
        x = f(x)
    return torch.tensor([1.0, *local[::-1]], dtype=torch.float64).cumprod(0).flip(0)


@pytest.mark.parametrize("chain_slopes", [slopes_in_place, slopes_by_recursion, slopes_by_cumprod])
def test_there_is_more_than_one_right_walk_back(chain_slopes):
    assert_passes(CHAIN, chain_slopes=chain_slopes)


def test_a_product_is_not_divided_by_a_slope_of_0():
    def dividing(fs, dfs, x):
        local = []
        for f, df in zip(fs, dfs, strict=True):
            local, x = [*local, df(x)], f(x)
        slopes = [math.prod(local)]
        for slope in local:
            slopes += [slopes[-1] / slope]
        return slopes

    assert "divided by one local slope after the other" in said(CHAIN, chain_slopes=dividing)


def test_a_one_sided_difference_is_no_chain_rule():
    def quotient(fs, dfs, x):
        def y(x):
            for f in fs:
                x = f(x)
            return x

        return (y(x + 1e-7) - y(x)) / 1e-7

    assert verdict_on(CHAIN, chain_derivative=quotient).points == 2


def test_a_derivative_of_one_function_too_few_is_told_by_its_numbers():
    def all_but_the_first(fs, dfs, x):
        return math.prod(by_recursion([f], [df], x) for f, df in zip(fs[1:], dfs[1:], strict=True))

    assert "your dy/dx came out as 1, wanted 6" in said(CHAIN, chain_derivative=all_but_the_first)
    assert "Does it end in `return`?" in said(CHAIN, chain_derivative=lambda fs, dfs, x: None)
    assert "Does it end in `return`?" in said(CHAIN, chain_slopes=lambda fs, dfs, x: None)
    assert "your slopes is a number" in said(CHAIN, chain_slopes=lambda fs, dfs, x: 6.0)


# ---------------------------------------------------------------------------------------------------- two layers


def row_by_row(x, t, params, f, df):
    w1, b1, w2, b2 = params
    sums = [torch.zeros_like(p) for p in params]
    for row, target in zip(x, t, strict=True):
        u1 = w1 @ row + b1
        u2 = w2 @ f(u1) + b2
        du2 = (f(u2) - target) * df(u2)
        du1 = (w2.T @ du2) * df(u1)
        for total, term in zip(sums, (torch.outer(du1, row), du1, torch.outer(du2, f(u1)), du2), strict=True):
            total += term
    return [total / len(x) for total in sums]


def in_double_by_einsum(x, t, params, f, df):
    x, t, (w1, b1, w2, b2) = x.double(), t.double(), [p.double() for p in params]
    u1 = torch.einsum("ni,hi->nh", x, w1) + b1
    h = f(u1)
    u2 = torch.einsum("nh,oh->no", h, w2) + b2
    du2 = (f(u2) - t) * df(u2)
    du1 = torch.einsum("no,oh->nh", du2, w2) * df(u1)
    by_rows = torch.einsum("nh,ni->nhi", du1, x), du1, torch.einsum("no,nh->noh", du2, h), du2
    return tuple(gradient.mean(dim=0) for gradient in by_rows)


def in_numpy(x, t, params, f, df):
    def of(function, u):
        return function(torch.from_numpy(u)).numpy()

    x, t, w1, b1, w2, b2 = (a.numpy() for a in (x, t, *params))
    u1 = x @ w1.T + b1
    h = of(f, u1)
    u2 = h @ w2.T + b2
    du2 = (of(f, u2) - t) / len(x) * of(df, u2)
    du1 = du2 @ w2 * of(df, u1)
    return du1.T @ x, du1.sum(0), du2.T @ h, du2.sum(0)


@pytest.mark.parametrize("backprop_two_layer", [row_by_row, in_double_by_einsum, in_numpy])
def test_there_is_more_than_one_right_way_back(backprop_two_layer):
    assert_passes(TWO_LAYERS, backprop_two_layer=backprop_two_layer)


def half_the_squared_error(params, x, t, f):
    w1, b1, w2, b2 = params
    return 0.5 * (f(f(x @ w1.T + b1) @ w2.T + b2) - t).square().sum(1).mean()


def by_backward(x, t, params, f, df):
    params = [p.clone().requires_grad_() for p in params]
    half_the_squared_error(params, x, t, f).backward()
    return [p.grad for p in params]


def by_func(x, t, params, f, df):
    return torch.func.grad(half_the_squared_error)(list(params), x, t, f)


@pytest.mark.parametrize("backprop_two_layer", [by_backward, by_func])
def test_autograd_is_told_from_a_walk_back(backprop_two_layer):
    assert verdict_on(TWO_LAYERS, backprop_two_layer=backprop_two_layer).points == 0
    assert "which this exercise asks you to write yourself" in said(TWO_LAYERS, backprop_two_layer=backprop_two_layer)


def test_a_missing_w2_is_recognised_however_it_is_written():
    def without_w2(x, t, params, f, df):
        w1, b1, w2, b2 = params
        u1 = x @ w1.T + b1
        u2 = f(u1) @ w2.T + b2
        du2 = (f(u2) - t) * df(u2) / x.shape[0]
        du1 = df(u1) * du2
        return du1.T @ x, du1.sum(0), du2.T @ f(u1), du2.sum(0)

    assert "without passing w2" in said(TWO_LAYERS, backprop_two_layer=without_w2)


def test_a_mean_over_the_outputs_too_is_recognised():
    def over_every_number(x, t, params, f, df):
        return [gradient / t.shape[1] for gradient in row_by_row(x, t, params, f, df)]

    assert "a mean over every number of the batch" in said(TWO_LAYERS, backprop_two_layer=over_every_number)


def test_weights_that_change_and_results_that_lack_are_named():
    def in_place(x, t, params, f, df):
        gradients = row_by_row(x, t, params, f, df)
        params[0] -= gradients[0]
        return gradients

    assert "It changes params in place" in said(TWO_LAYERS, backprop_two_layer=in_place)
    assert "should return four gradients" in said(TWO_LAYERS, backprop_two_layer=lambda *inputs: inputs[:2])
    flat = said(TWO_LAYERS, backprop_two_layer=lambda *inputs: [g.reshape(-1) for g in row_by_row(*inputs)])
    assert "your dw1 has shape (1,), wanted (1, 1)" in flat


# -------------------------------------------------------------------------------------------------- the weight update


@pytest.mark.parametrize("lr", [0.05, 0.5])
def test_ten_steps_are_those_of_torch_sgd(lr):
    draw = torch.Generator().manual_seed(0)
    params = [torch.randn(shape, generator=draw) for shape in ((4, 3), (4,), (2, 4), (2,))]
    x, t = torch.randn(8, 3, generator=draw), torch.randn(8, 2, generator=draw)
    ours = by_formula(params, lr, 10, lambda held: torch.autograd.grad(loss_of(held, x, t), held))
    theirs = leaves(params)
    optimiser = torch.optim.SGD(theirs, lr=lr)
    for _ in range(10):
        optimiser.zero_grad()
        loss_of(theirs, x, t).backward()
        optimiser.step()
    torch.testing.assert_close(ours, [p.detach() for p in theirs])


def through_data(params, grads, lr):
    for p, g in zip(params, grads, strict=True):
        p.data -= lr * g


def by_new_data(params, grads, lr):
    for p, g in zip(params, grads, strict=True):
        p.data = p.data - lr * g


@torch.no_grad()
def by_copy(params, grads, lr):
    for n in range(len(params)):
        params[n].copy_(params[n] - grads[n] * lr)


def by_foreach(params, grads, lr):
    with torch.no_grad():
        torch._foreach_add_(params, grads, alpha=-lr)
    return params


def into_the_whole_of_it(params, grads, lr):
    with torch.inference_mode(False), torch.no_grad():
        for p, g in zip(params, grads, strict=True):
            p[:] = p - lr * g


@pytest.mark.parametrize("sgd_step", [through_data, by_new_data, by_copy, by_foreach, into_the_whole_of_it])
def test_there_is_more_than_one_right_step(sgd_step):
    def descend(params, gradients, lr, steps):
        for _ in range(steps):
            with torch.no_grad():
                sgd_step(params, gradients(params), lr)

    assert_passes(UPDATE, sgd_step=sgd_step, descend=descend)


def test_pytorchs_own_optimiser_is_told_from_a_step():
    def by_optimiser(params, grads, lr):
        for p, g in zip(params, grads, strict=True):
            p.grad = g
        torch.optim.SGD(params, lr=lr).step()

    assert "behaves like an optimiser of PyTorch's" in said(UPDATE, sgd_step=by_optimiser)


def test_gradients_are_asked_for_once_a_step():
    def twice(params, gradients, lr, steps):
        for _ in range(steps):
            gradients(params)
            by_copy(params, gradients(params), lr)

    assert "your number of calls of gradients came out as 2, wanted 1" in said(UPDATE, descend=twice)


def test_the_first_look_shows_both_gradients_at_one_point():
    """The case that tells a simultaneous step from two steps in turn can be worked out in the head."""
    case = next(case for case in get(UPDATE).cases(0) if case.call == "descend")
    assert [case.expected[f"params[{n}]"].item() for n in (0, 1)] == [1.5, 0.0]
