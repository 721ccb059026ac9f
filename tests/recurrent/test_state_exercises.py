"""What the exercises of 4.1 promise beyond right answers and known mistakes."""

import numpy as np
import pytest
import torch
from torch import nn

from course_lib.exercises import get
from course_lib.exercises.judge import Verdict, judge
from course_lib.exercises.run import HereRunner
from course_lib.notebooks.files import right_answer


def verdict_on(id: str, **functions) -> Verdict:
    """The verdict on these functions, the others of the exercise being right."""
    namespace: dict = {}
    exec(right_answer(id), namespace)
    right = {asked.name: namespace[asked.name] for asked in get(id).asked}
    return judge(get(id), HereRunner(right | functions))


@pytest.mark.parametrize("seed", range(5))
def test_every_random_split_is_the_same_mistake(seed):
    def shuffled(X, y, test):
        order = np.random.default_rng(seed).permutation(len(X))
        train, tested = order[test:], order[:test]
        return X[train], y[train], X[tested], y[tested]

    found = verdict_on("recurrent.sequential-problem", split_in_time=shuffled)
    assert found.symptom == "a random split, which lets the future into the training set"


def test_a_split_must_keep_the_order_and_the_pairs():
    def trained_in_disorder(X, y, test):
        return X[:-test].flip(0), y[:-test].flip(0), X[-test:], y[-test:]

    def pairs_torn(X, y, test):
        return X[:-test], y[:-test].flip(0), X[-test:], y[-test:]

    for wrong in (trained_in_disorder, pairs_torn):
        found = verdict_on("recurrent.sequential-problem", split_in_time=wrong)
        assert (found.points, found.mistake) == (2, None)


def gradients_by(gradient):
    """An answer to bptt that leaves the work to PyTorch; `gradient(loss, weights)` gives its three results."""

    def bptt(xs, targets, *weights):
        def loss(W_xh, W_hh, W_hy):
            h, total = torch.zeros(len(W_hh)), 0.0
            for x, target in zip(xs, targets, strict=True):
                h = torch.tanh(W_xh @ x + W_hh @ h)
                total = total + 0.5 * (W_hy @ h - target).square().sum()
            return total

        with torch.enable_grad():
            return gradient(loss, weights)

    return bptt


def backward(loss, weights):
    weights = [weight.clone().requires_grad_() for weight in weights]
    loss(*weights).backward()
    return tuple(weight.grad for weight in weights)


def autograd(loss, weights):
    weights = [weight.clone().requires_grad_() for weight in weights]
    return torch.autograd.grad(loss(*weights), weights)


def reverse_mode(loss, weights):
    return torch.func.grad(loss, argnums=(0, 1, 2))(*weights)


def forward_mode(loss, weights):
    return torch.func.jacfwd(loss, argnums=(0, 1, 2))(*weights)


@pytest.mark.parametrize("gradient", [backward, autograd, reverse_mode, forward_mode])
def test_bptt_is_not_left_to_pytorch(gradient):
    ones = [torch.ones(1)] * 3
    gradient(lambda *weights: sum(weights).sum(), ones)  # torch.func imports for seconds when it is first called
    found = verdict_on("recurrent.bptt", bptt=gradients_by(gradient))
    assert (found.points, found.symptom) == (0, "library used")


def test_the_states_are_not_left_to_pytorch():
    def by_nn_rnn(xs, h0, W_xh, W_hh, W_hy, f, g):
        kind = "relu" if f(torch.tensor(2.0)) == 2 else "tanh"
        rnn = nn.RNN(W_xh.shape[1], W_xh.shape[0], nonlinearity=kind, bias=False, batch_first=True)
        rnn.load_state_dict({"weight_ih_l0": W_xh, "weight_hh_l0": W_hh})
        hs, _ = rnn(xs, h0.unsqueeze(0))
        return hs, g(hs @ W_hy.T)

    found = verdict_on("recurrent.rnn", rnn_forward=by_nn_rnn)
    assert (found.points, found.symptom) == (0, "library used")


def test_the_first_state_is_not_overwritten():
    def in_place(xs, h0, W_xh, W_hh, W_hy, f, g):
        hs = []
        for x in xs.unbind(dim=1):
            h0.copy_(f(x @ W_xh.T + h0 @ W_hh.T))
            hs.append(h0.clone())
        hs = torch.stack(hs, dim=1)
        return hs, g(hs @ W_hy.T)

    assert verdict_on("recurrent.rnn", rnn_forward=in_place).symptom == "input changed"
