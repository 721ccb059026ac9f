"""What the exercises of 2.5 promise beyond right answers and known mistakes."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.init import kaiming_normal_

from tests.exercises.verdicts import said, verdict_on

START, NORM, RESIDUAL, DROPOUT = (
    f"foundations.{topic}" for topic in ("initialisation", "batch-norm", "residual", "dropout")
)


def assert_passes(id: str, **functions) -> None:
    """Full marks; else what is said is the message."""
    assert verdict_on(id, **functions).status == "passed", said(id, **functions)


# ------------------------------------------------------------------------------------------------- initialisation


def he_deviation(w):
    return math.sqrt(2 / math.prod(w.shape[1:]))


@torch.no_grad()
def he_uniform(w):
    limit = math.sqrt(6 / w[0].numel())
    w.uniform_(-limit, limit)


@torch.no_grad()
def he_by_copying(w):
    return w.copy_(torch.randn_like(w) * he_deviation(w))


def he_by_data(w):
    w.data = torch.randn(w.shape) * he_deviation(w)


def he_past_autograd(w):
    w.detach().normal_(std=he_deviation(w))


def he_by_the_normal_draw_of_the_library(w):
    nn.init.normal_(w, 0.0, he_deviation(w))


@torch.no_grad()
def he_by_numpy(w):
    rng = np.random.default_rng()
    w[...] = torch.from_numpy(rng.normal(scale=he_deviation(w), size=tuple(w.shape))).float()


@torch.no_grad()
def he_from_uniform_numbers_around_a_half(w):
    w.copy_((torch.rand(w.shape) - 0.5) * math.sqrt(12) * he_deviation(w))


@torch.no_grad()
def he_row_by_row(w):
    for row in w:
        row.normal_(0, he_deviation(w))


@pytest.mark.parametrize(
    "he_",
    [
        he_uniform,
        he_by_copying,
        he_by_data,
        he_past_autograd,
        he_by_the_normal_draw_of_the_library,
        he_by_numpy,
        he_from_uniform_numbers_around_a_half,
        he_row_by_row,
    ],
)
def test_every_draw_of_the_right_variance_is_right(he_):
    assert_passes(START, he_=he_)


@torch.no_grad()
def xavier_uniform(w):
    fan_in, fan_out = (math.prod(w.shape[2:]) * size for size in (w.shape[1], w.shape[0]))
    w.uniform_(-1, 1).mul_(math.sqrt(6 / (fan_in + fan_out)))


def test_the_draw_that_xavier_was_published_with():
    assert_passes(START, xavier_=xavier_uniform)


@pytest.mark.parametrize("he_", [kaiming_normal_, lambda w: nn.init.kaiming_uniform_(w, nonlinearity="relu")])
def test_the_librarys_own_is_no_answer(he_):
    assert verdict_on(START, he_=he_).points == 2
    assert "asks you to write yourself" in said(START, he_=he_)
    assert verdict_on(START, xavier_=nn.init.xavier_uniform_).points == 2


def test_the_library_works_again_afterwards():
    said(START, he_=kaiming_normal_)
    assert nn.init.kaiming_normal_(torch.empty(300, 200)).var().item() == pytest.approx(0.01, rel=0.1)


def test_a_gain_that_does_not_belong_is_seen():
    """Xavier with PyTorch's gain for tanh: a variance 2.8 times as large."""

    def with_gain(w):
        with torch.no_grad():
            w.normal_(0, 5 / 3 * math.sqrt(2 / (w[0].numel() + w[:, 0].numel())))

    assert verdict_on(START, xavier_=with_gain).points == 2


def test_no_chance_at_all_is_seen():
    def in_a_row(w):
        limit = math.sqrt(6 / w[0].numel())
        w.data.copy_(torch.linspace(-limit, limit, w.numel()).reshape(w.shape))

    def untouched(w):
        return torch.randn(w.shape) * he_deviation(w)

    assert verdict_on(START, he_=in_a_row).points < 4
    assert "holds the same numbers as before" in said(START, he_=untouched)


def test_a_dense_answer_stops_at_a_kernel():
    def dense(w):
        _, fan_in = w.shape
        w.data.normal_(0, math.sqrt(2 / fan_in))

    assert "too many values to unpack" in said(START, he_=dense)


def test_a_variance_is_told_in_numbers():
    words = said(START, he_=lambda w: w.data.normal_(0, 0.02))
    assert "in this w of shape (300, 200) your numbers have a variance of 0.000" in words
    assert "wanted 0.01 around 0" in words


# -------------------------------------------------------------------------------------------- batch normalisation


def norm_by_var_mean(x, gamma, beta, running, momentum, training):
    mean, var = running
    if not training:
        return F.linear(x - mean, torch.diag(gamma / (var + 1e-5).sqrt()), beta), mean, var
    batch_var, batch_mean = torch.var_mean(x, dim=0, correction=0)
    n = len(x)
    y = (x - batch_mean) * torch.rsqrt(batch_var + 1e-5) * gamma + beta
    return [y, mean.lerp(batch_mean, momentum), var.lerp(batch_var * n / (n - 1), momentum)]


def norm_column_by_column(x, gamma, beta, running, momentum, training):
    columns, means, variances = [], [], []
    for k, (mean, var) in enumerate(zip(*running, strict=True)):
        column, n = x[:, k], len(x)
        m, v = mean, var
        if training:
            m = column.sum() / n
            v = ((column - m) ** 2).sum() / n
            mean, var = mean + momentum * (m - mean), var + momentum * (v * n / (n - 1) - var)
        columns.append((column - m) / (v + 1e-5) ** 0.5 * gamma[k] + beta[k])
        means.append(mean)
        variances.append(var)
    return torch.stack(columns, dim=1), torch.stack(means), torch.stack(variances)


def norm_in_float64(x, gamma, beta, running, momentum, training):
    x, mean, var = x.double(), running[0].double(), running[1].double()
    m, v = (x.mean(0), x.std(0, correction=0) ** 2) if training else (mean, var)
    if training:
        mean, var = (1 - momentum) * mean + momentum * m, (1 - momentum) * var + momentum * x.var(0)
    return gamma * (x - m) / (v + 1e-5).sqrt() + beta, mean, var


@pytest.mark.parametrize("batch_norm", [norm_by_var_mean, norm_column_by_column, norm_in_float64])
def test_there_is_more_than_one_right_normalisation(batch_norm):
    assert_passes(NORM, batch_norm=batch_norm)


def by_function(x, gamma, beta, running, momentum, training):
    mean, var = (statistic.clone() for statistic in running)
    return F.batch_norm(x, mean, var, gamma, beta, training, momentum), mean, var


def by_module(x, gamma, beta, running, momentum, training):
    layer = nn.BatchNorm1d(x.shape[1], momentum=momentum).train(training)
    layer.running_mean, layer.running_var = running[0].clone(), running[1].clone()
    return gamma * layer(x) + beta, layer.running_mean, layer.running_var


def by_layer_norm(x, gamma, beta, running, momentum, training):
    y, *moved = norm_by_var_mean(x, gamma, beta, running, momentum, training)
    return (F.layer_norm(x.T, (len(x),)).T * gamma + beta if training else y), *moved


@pytest.mark.parametrize("batch_norm", [by_function, by_module, by_layer_norm])
def test_a_normalisation_of_the_librarys_is_no_answer(batch_norm):
    assert verdict_on(NORM, batch_norm=batch_norm).symptom == "library used"


def test_a_y_made_in_numpy_loses_the_gradient_alone():
    def in_numpy(x, gamma, beta, *rest):
        return norm_by_var_mean(x.detach(), gamma.detach(), beta.detach(), *rest)

    assert verdict_on(NORM, batch_norm=in_numpy).points == 3
    assert "autograd cannot follow y back to x" in said(NORM, batch_norm=in_numpy)


def test_another_form_of_the_results_is_told():
    def nested(*inputs):
        y, *moved = norm_by_var_mean(*inputs)
        return y, moved

    assert "wanted 3 results (y, running_mean, running_var)" in said(NORM, batch_norm=nested)
    assert "wanted 3 results" in said(NORM, batch_norm=lambda *inputs: norm_by_var_mean(*inputs)[0])
    assert "Does it end in `return`?" in said(NORM, batch_norm=lambda *inputs: None)


def test_a_wrong_y_is_called_y():
    def one_too_many(*inputs):
        y, *moved = norm_by_var_mean(*inputs)
        return y + 1, *moved

    assert "[2]], wanted [[-1], [1]]" in said(NORM, batch_norm=one_too_many)
    assert "your y came out as" in said(NORM, batch_norm=one_too_many)
    assert verdict_on(NORM, batch_norm=one_too_many).points == 2


def test_state_kept_between_calls_is_seen():
    """The running statistics are those that were handed over, not those that the function remembers."""
    memory = {}

    def remembering(x, gamma, beta, running, momentum, training):
        running = memory.get(x.shape[1], running)
        y, *moved = norm_by_var_mean(x, gamma, beta, running, momentum, training)
        memory[x.shape[1]] = tuple(statistic.detach() for statistic in moved)
        return y, *moved

    assert verdict_on(NORM, batch_norm=remembering).points < 4


# ---------------------------------------------------------------------------------------------- residual connections


class ByIdentity(nn.Module):
    def __init__(self, block, project=None):
        super().__init__()
        self.ways = nn.ModuleList([block, project or nn.Identity()])

    def forward(self, x):
        y, shortcut = (way(x) for way in self.ways)
        if y.size() != shortcut.size():
            raise ValueError("the shapes differ")
        return torch.add(y, shortcut)


class Derived(nn.Sequential):
    def __init__(self, block, project=None):
        super().__init__(block)
        self.project = project

    def forward(self, x):
        y = self[0](x)
        shortcut = x if self.project is None else self.project(x)
        if y.shape == shortcut.shape:
            return y.add(shortcut)
        raise ValueError


class OwnError(ValueError):
    pass


class WithOwnError(ByIdentity):
    def forward(self, x):
        try:
            return super().forward(x)
        except ValueError as problem:
            raise OwnError from problem


@pytest.mark.parametrize("Residual", [ByIdentity, Derived, WithOwnError])
def test_there_is_more_than_one_right_class(Residual):
    assert_passes(RESIDUAL, Residual=Residual)


def test_blocks_that_share_what_they_hold_are_seen():
    class Shared(ByIdentity):
        def __init__(self, block, project=None):
            nn.Module.__init__(self)
            type(self).pair = [block, project or nn.Identity()]

        @property
        def ways(self):
            return self.pair

    assert verdict_on(RESIDUAL, Residual=Shared).points < 3


def test_a_function_or_a_plain_class_is_no_module():
    def as_a_function(block, project=None):
        return lambda x: block(x) + (x if project is None else project(x))

    assert "Residual should make an nn.Module, and made a function" in said(RESIDUAL, Residual=as_a_function)


def test_a_forgotten_super_is_told_in_pytorchs_words():
    class Forgetful(nn.Module):
        def __init__(self, block, project=None):
            self.block = block

    assert "before Module.__init__() call" in said(RESIDUAL, Residual=Forgetful)


def test_a_forward_that_returns_nothing():
    class Silent(ByIdentity):
        def forward(self, x):
            super().forward(x)

    assert "Does it end in `return`?" in said(RESIDUAL, Residual=Silent)


def test_broadcasting_is_told_by_the_shape_that_comes_out():
    class Broadcasting(ByIdentity):
        def forward(self, x):
            y, shortcut = (way(x) for way in self.ways)
            return y + shortcut

    assert verdict_on(RESIDUAL, Residual=Broadcasting).mistake.name == "a sum that leaves the shapes to broadcasting"
    words = said(RESIDUAL, Residual=Broadcasting)
    assert "your error came out as 'none, but a tensor of shape (4, 3)', wanted 'ValueError'" in words


def test_x_overwritten_by_its_projection_is_named_without_a_look_at_the_shapes_too():
    class Overwriting(ByIdentity):
        def forward(self, x):
            block, project = self.ways
            x = project(x)
            return x + block(x)

    assert "a block that is given the projected x" in said(RESIDUAL, Residual=Overwriting)


def test_what_is_changed_in_place_has_the_callers_name():
    class InPlace(ByIdentity):
        def forward(self, x):
            x += self.ways[0](x)
            return x

    assert "It changes x in place" in said(RESIDUAL, Residual=InPlace)


# ------------------------------------------------------------------------------------------------------------ dropout


def by_bernoulli(x, p, training, generator):
    if not training or p == 0:
        return x
    if p == 1:
        return x * 0
    return x * torch.bernoulli(torch.full(x.shape, 1 - p), generator=generator) / (1 - p)


def by_filling(x, p, training, generator):
    if not training:
        return x.clone()
    goes = torch.rand(x.shape, generator=generator) < p
    return (x / max(1 - p, 1e-12)).masked_fill(goes, 0)


def by_drawing_in_place(x, p, training, generator):
    keep = 1 - p * training
    mask = torch.empty(x.shape).bernoulli_(keep, generator=generator)
    return mask.div_(keep or 1) * x


def by_double_numbers(x, p, training, generator):
    if not training:
        return x
    stays = torch.rand(x.shape, generator=generator, dtype=torch.float64) > p
    return torch.where(stays, x.double() / (1 - p + (p == 1)), 0.0)


@pytest.mark.parametrize("dropout", [by_bernoulli, by_filling, by_drawing_in_place, by_double_numbers])
def test_there_is_more_than_one_right_dropout(dropout):
    assert_passes(DROPOUT, dropout=dropout)


@pytest.mark.parametrize(
    "dropout",
    [
        lambda x, p, training, generator: F.dropout(x, p, training),
        lambda x, p, training, generator: nn.Dropout(p).train(training)(x),
        lambda x, p, training, generator: torch.native_dropout(x, p, training)[0],
    ],
)
def test_a_dropout_of_the_librarys_is_no_answer(dropout):
    assert verdict_on(DROPOUT, dropout=dropout).symptom == "library used"


def test_a_dropout_in_numpy_loses_the_gradient():
    def in_numpy(x, p, training, generator):
        return by_bernoulli(x.detach(), p, training, generator).numpy()

    assert verdict_on(DROPOUT, dropout=in_numpy).points < 5
    assert "dropout should return a tensor" in said(DROPOUT, dropout=in_numpy)


def test_a_seed_taken_from_the_generator_must_move_it():
    def from_its_seed(x, p, training, generator):
        return by_bernoulli(x, p, training, torch.Generator().manual_seed(generator.initial_seed()))

    assert verdict_on(DROPOUT, dropout=from_its_seed).points == 3


def test_a_dropout_that_seeds_everybody_else_is_seen():
    def seeding(x, p, training, generator):
        seed = int(torch.randint(2**31, (1,), generator=generator))
        torch.manual_seed(seed)
        return by_bernoulli(x, p, training, None)

    assert verdict_on(DROPOUT, dropout=seeding).points == 4
    assert "all other random numbers go on as before" in said(DROPOUT, dropout=seeding)


def test_a_mask_for_every_channel_is_seen():
    def of_whole_columns(x, p, training, generator):
        if not training:
            return x
        mask = (torch.rand(x.shape[-1:], generator=generator) >= p).float()
        return x * mask / (1 - p) if p < 1 else 0 * x

    assert verdict_on(DROPOUT, dropout=of_whole_columns).mistake is not None
