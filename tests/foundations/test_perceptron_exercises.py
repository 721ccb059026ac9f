"""What the exercises of 2.1 promise beyond right answers and known mistakes."""

from itertools import pairwise

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_lib.exercises import feedback, get
from course_lib.exercises.judge import Verdict, judge
from course_lib.exercises.run import HereRunner
from course_lib.foundations.exercises.perceptron.learning import fit, on_its_side
from course_lib.notebooks.files import right_answer

UNIT, LEARNING, FORWARD, STRUCTURE = (
    f"foundations.{topic}" for topic in ("perceptron", "perceptron.learning", "mlp", "network-structure")
)


def right(id: str) -> dict:
    """The functions of the right answer."""
    namespace: dict = {}
    exec(right_answer(id), namespace)
    return {asked.name: namespace[asked.name] for asked in get(id).asked}


def verdict_on(id: str, seed: int = 0, **functions) -> Verdict:
    """The verdict on these functions, the others of the exercise being right."""
    return judge(get(id), HereRunner(right(id) | functions), seed=seed)


def words(verdict: Verdict) -> str:
    """What the learner is told, in one line."""
    return " ".join(feedback.words(verdict).split())


# the unit


def by_heaviside(x, w, b):
    return torch.heaviside(x @ w + b, torch.tensor(1.0))


def as_bool(x, w, b):
    return x @ w + b >= 0


def by_numpy(x, w, b):
    return np.where(x.numpy().astype(float) @ w.numpy().astype(float) + b >= 0, 1, 0)


def row_by_row(x, w, b):
    return torch.tensor([1 if sum(a * c for a, c in zip(row, w, strict=True)) + b >= 0 else 0 for row in x])


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("perceptron", [by_heaviside, as_bool, by_numpy, row_by_row])
def test_there_is_more_than_one_right_perceptron(perceptron, seed):
    found = verdict_on(UNIT, seed, perceptron=perceptron)
    assert found.status == "passed", words(found)


def test_many_weights_make_the_same_gate():
    def on_the_boundary(gate, n):  # a sum of exactly 0 fires
        return {
            "and": (torch.ones(n), -n),
            "or": (torch.ones(n, dtype=torch.int64), -1),
            "nand": (-torch.ones(n, dtype=torch.float64), torch.tensor(n - 1.0)),
            "not": (np.array([-7.0]), 0),
        }[gate]

    def of_other_sizes(gate, n):
        w = torch.arange(1.0, n + 1)
        return {
            "and": (w, 0.25 - float(w.sum())),
            "or": (w, -1.0),
            "nand": (-w, float(w.sum()) - 0.25),
            "not": (-w, 0.5),
        }[gate]

    for weights_for in (on_the_boundary, of_other_sizes):
        found = verdict_on(UNIT, weights_for=weights_for)
        assert found.status == "passed", words(found)


@pytest.mark.parametrize("kind", [torch.bool, torch.int64, torch.float16])
def test_odd_weights_are_judged_like_others(kind):
    found = verdict_on(UNIT, weights_for=lambda gate, n: (torch.ones(n).to(kind), -0.5))
    assert found.points == 3 and "weights_for" in words(found)


def test_a_wrong_gate_is_told_by_its_row():
    found = verdict_on(UNIT, weights_for=lambda gate, n: (torch.ones(n), -1.5))
    assert "gate='or', n=2): with your w and b the inputs (0, 1) sum to -0.5, which gives 0, wanted 1." in words(found)


def test_the_inputs_are_left_as_they_are():
    def in_place(x, w, b):
        return (x.mul_(w).sum(dim=1) + b >= 0).float()

    assert verdict_on(UNIT, perceptron=in_place).symptom == "input changed"


# the learning rule


def by_labels_of_plus_and_minus_one(X, y, max_epochs):
    w, b = torch.zeros(X.shape[1], dtype=torch.float64), torch.zeros(())
    for _ in range(max_epochs):
        clean = True
        for i in range(len(X)):
            if (X[i].double() @ w + b >= 0) != (y[i] == 1):
                sign = 2 * y[i] - 1
                w, b, clean = w + sign * X[i], b + sign, False
        if clean:
            break
    return w, b, clean


def in_numpy(X, y, max_epochs):
    X, y = np.column_stack([X.numpy(), np.ones(len(X))]), y.numpy()
    w = np.zeros(X.shape[1])
    for _ in range(max_epochs):
        errors = 0
        for x, label in zip(X, y, strict=True):
            error = label - (1 if x @ w >= 0 else 0)
            w += error * x
            errors += error != 0
        if errors == 0:
            return w[:-1], w[-1], True
    return w[:-1], w[-1], False


def judged_at_the_end(X, y, max_epochs):
    w, b, _ = by_labels_of_plus_and_minus_one(X, y, max_epochs)
    return w, b, bool(((X.double() @ w + b >= 0) == y).all())


def looks_at_everything_after_every_row(X, y, max_epochs):
    """Wasteful, and right: no end is claimed inside an epoch."""
    w, b = torch.zeros(X.shape[1]), 0
    for _ in range(max_epochs):
        missed = 0
        for x, label in zip(X, y, strict=True):
            error = label - (x @ w + b >= 0).int()
            w, b, missed = w + error * x, b + error, missed + error.abs()
            wrong = sum(int((row @ w + b >= 0).int() != t) for row, t in zip(X, y, strict=True))
        if missed == 0:
            return w, b, wrong == 0
    return w, b, False


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "fit_perceptron",
    [by_labels_of_plus_and_minus_one, in_numpy, judged_at_the_end, looks_at_everything_after_every_row],
)
def test_there_is_more_than_one_way_to_write_the_rule(fit_perceptron, seed):
    found = verdict_on(LEARNING, seed, fit_perceptron=fit_perceptron)
    assert found.status == "passed", words(found)


@pytest.mark.parametrize("seed", range(20))
def test_the_classes_are_what_their_parts_say(seed):
    for case in get(LEARNING).cases(seed):
        X, y, max_epochs = case.inputs
        w, b, converged = fit(X, y, max_epochs)
        assert converged == bool(on_its_side(X, y, w, b).all()), "no case turns on which of the two was meant"
        if case.part.name == "where a line exists":
            assert converged and fit(X, y, max_epochs // 2)[2]
        if "far from" in (case.shown or ""):
            assert torch.equal(2 * X[0], X[1]) and y[0] != y[1], "without a bias these two can't both be right"


def test_an_answer_without_an_end_is_told_so_at_once():
    def for_ever(X, y, max_epochs):
        w, b, mistakes = torch.zeros(X.shape[1]), 0.0, 1
        while mistakes:
            error = y - (X @ w + b >= 0).int()
            w, b, mistakes = w + error.float() @ X, b + float(error.sum()), int(error.abs().sum())
        return w, b, True

    endless = "a loop that ends only when there are no mistakes left"
    found = verdict_on(LEARNING, fit_perceptron=for_ever)
    assert dict((part.name, part.points) for part in found.parts)["where none exists"] == 0
    row_by_row = verdict_on(LEARNING, fit_perceptron=get(LEARNING).known(endless).run)
    assert row_by_row.symptom == endless


@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
def test_the_step_that_is_left_out_is_recognised_in_every_dtype(kind):
    def by_the_sum(X, y, max_epochs):
        w, b = torch.zeros(X.shape[1], dtype=kind), 0.0
        for _ in range(max_epochs):
            wrong = 0
            for x, label in zip(X.to(kind), y, strict=True):
                error = label - (x @ w + b)
                w, b, wrong = w + error * x, b + error, wrong + int(error != 0)
            if wrong == 0:
                return w, b, True
        return w, b, False

    found = verdict_on(LEARNING, fit_perceptron=by_the_sum)
    assert found.symptom == "an update by label minus weighted sum, without the step"


def test_a_random_order_learns_too_but_not_what_was_worked_out_by_hand():
    def shuffled(X, y, max_epochs):
        order = torch.randperm(len(X))
        return right(LEARNING)["fit_perceptron"](X[order], y[order], max_epochs)

    found = verdict_on(LEARNING, fit_perceptron=shuffled)
    passed = {part.name for part in found.parts if part.status == "passed"}
    assert {"where a line exists", "where none exists"} <= passed and found.status == "failed"


def test_never_converged_earns_nothing_where_no_line_exists():
    def never(X, y, max_epochs):
        w, b, _ = right(LEARNING)["fit_perceptron"](X, y, max_epochs)
        return w, b, False

    assert {part.name: part.points for part in verdict_on(LEARNING, fit_perceptron=never).parts} == {
        "one epoch by hand": 1,
        "to the end by hand": 0,
        "where a line exists": 0,
        "where none exists": 0,
    }


# the multilayer perceptron


def layer_by_index(x, params, act):
    for n, (W, b) in enumerate(params):
        x = torch.matmul(x, W.t()) + b
        if n != len(params) - 1:
            x = act(x)
    return x


def by_einsum(x, params, act):
    *hidden, (V, c) = params
    for W, b in hidden:
        x = act(torch.einsum("ji,ni->nj", W, x) + b)
    return torch.einsum("ji,ni->nj", V, x) + c


def in_float64(x, params, act):
    return layer_by_index(x.double(), [(W.double(), b.double()) for W, b in params], act)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("mlp_forward", [layer_by_index, by_einsum, in_float64])
def test_there_is_more_than_one_right_network(mlp_forward, seed):
    found = verdict_on(FORWARD, seed, mlp_forward=mlp_forward)
    assert found.status == "passed", words(found)


def test_the_layers_are_not_left_to_pytorch():
    def by_sequential(x, params, act):
        for n, (W, b) in enumerate(params, 1):
            layer = nn.Linear(*W.T.shape)
            layer.load_state_dict({"weight": W, "bias": b})
            x = act(layer(x)) if n < len(params) else layer(x)
        return x

    found = verdict_on(FORWARD, mlp_forward=by_sequential)
    assert (found.points, found.symptom) == (0, "library used")


def test_the_weights_are_left_as_they_are():
    def in_place(x, params, act):
        for n, (W, b) in enumerate(params, 1):
            x = b.add_(0 * b) + x @ W.T
            x = act(x) if n < len(params) else x
            W.zero_()
        return x

    assert verdict_on(FORWARD, mlp_forward=in_place).symptom == "input changed"


# the structure of a network


def two_logits_for_two_classes(task, in_features, k):
    if task == "binary":
        return nn.Linear(in_features, 2), nn.Softmax(dim=1), nn.CrossEntropyLoss()
    return right(STRUCTURE)["head_for"](task, in_features, k)


def probabilities_inside(task, in_features, k):
    match task:
        case "binary":
            return nn.Sequential(nn.Linear(in_features, 1), nn.Sigmoid()), nn.Identity(), nn.BCELoss()
        case "multiclass":
            return nn.Sequential(nn.Linear(in_features, k), nn.LogSoftmax(dim=1)), torch.exp, nn.NLLLoss()
        case "multilabel":
            return nn.Sequential(nn.Linear(in_features, k), nn.Sigmoid()), nn.Identity(), F.binary_cross_entropy
    return nn.Sequential(nn.Linear(in_features, k)), lambda z: z, lambda z, t: ((z - t) ** 2).mean()


def by_functions(task, in_features, k):
    layer = nn.LazyLinear(1 if task == "binary" else k)
    match task:
        case "binary" | "multilabel":
            return layer, torch.sigmoid, F.binary_cross_entropy_with_logits
        case "multiclass":
            return layer, lambda z: F.softmax(z, dim=1), F.cross_entropy
    return layer, lambda z: z, F.mse_loss


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("head_for", [two_logits_for_two_classes, probabilities_inside, by_functions])
def test_there_is_more_than_one_right_head(head_for, seed):
    found = verdict_on(STRUCTURE, seed, head_for=head_for)
    assert found.status == "passed", words(found)


@pytest.mark.parametrize(
    "head, said",
    [
        (lambda task, n, k: nn.Linear(n, k), "head_for should return three things"),
        (lambda task, n, k: (nn.ReLU(), torch.exp, F.mse_loss), "with one nn.Linear in it"),
        (lambda task, n, k: (nn.Linear(n, k), None, F.mse_loss), "nn.Identity() changes nothing"),
        (lambda task, n, k: (nn.Linear(n, k), nn.Sigmoid, F.mse_loss), "modules or functions"),
        (lambda task, n, k: (nn.Linear(n, 7), nn.Sigmoid(), F.mse_loss), "7 units cannot answer a binary task"),
    ],
)
def test_what_is_no_head_is_told_what_is_asked_for(head, said):
    assert said in words(verdict_on(STRUCTURE, head_for=head))


def test_a_head_without_a_bias_is_found_out():
    def without_bias(task, in_features, k):
        layer, activation, loss = right(STRUCTURE)["head_for"](task, in_features, k)
        return nn.Linear(in_features, layer.out_features, bias=False), activation, loss

    assert verdict_on(STRUCTURE, head_for=without_bias).points == 2


def test_parameters_are_counted_by_pytorch_too():
    def count_params(widths):
        network = nn.Sequential(*(nn.Linear(n, m) for n, m in pairwise(widths)))
        return sum(weights.numel() for weights in network.parameters())

    assert verdict_on(STRUCTURE, count_params=count_params).status == "passed"
