"""Our networks are PyTorch's, number by number; the GRU's other variant is the textbook's."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from course_lib.recording import record
from course_lib.recurrent.gru import GRU, GRUCell
from course_lib.recurrent.layers import copy_weights
from course_lib.recurrent.rnn import RNN, RNNCell

PAIRS = {
    "rnn": (nn.RNN, RNN, {}, {}),
    "relu": (nn.RNN, RNN, {"nonlinearity": "relu"}, {"activation": "relu"}),
    "gru": (nn.GRU, GRU, {}, {}),
}


def random_shapes(n: int) -> list[tuple[int, ...]]:
    generator = torch.Generator().manual_seed(0)
    sizes = torch.randint(1, 24, (n, 4), generator=generator)  # batch, time, input_size, hidden_size
    layers = torch.randint(1, 4, (n, 1), generator=generator)
    return [tuple(row) for row in torch.cat([sizes, layers], dim=1).tolist()]


@pytest.mark.parametrize("kind", PAIRS)
@pytest.mark.parametrize("batch, time, input_size, hidden_size, layers", random_shapes(5))
def test_ours_is_torchs(kind, batch, time, input_size, hidden_size, layers):
    of_torch, of_course, theirs_with, ours_with = PAIRS[kind]
    theirs = of_torch(input_size, hidden_size, layers, batch_first=True, **theirs_with)
    ours = of_course(input_size, hidden_size, layers, **ours_with)
    copy_weights(theirs, ours)
    x, start = torch.randn(batch, time, input_size), torch.randn(layers, batch, hidden_size)
    hidden, last = ours(x, list(start))
    their_hidden, their_last = theirs(x, start)
    assert_close(hidden, their_hidden, atol=1e-6, rtol=0)
    assert_close(torch.stack(last), their_last, atol=1e-6, rtol=0)
    assert_close(ours(x)[0], theirs(x)[0], atol=1e-6, rtol=0)  # from zeros


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("of_torch, of_course", [(nn.RNNCell, RNNCell), (nn.GRUCell, GRUCell)])
def test_our_cell_is_torchs(of_torch, of_course, bias):
    theirs, ours = of_torch(3, 5, bias=bias), of_course(3, 5)
    copy_weights(theirs, ours)
    x, h = torch.randn(4, 3), torch.randn(4, 5)
    assert_close(ours(x, h), theirs(x, h), atol=1e-6, rtol=0)


def test_reset_before_the_matrix_is_the_textbooks():
    cell = GRUCell(3, 5, reset="before")
    x, h = torch.randn(4, 3), torch.randn(4, 5)
    (w_r, w_z, w_n), (u_r, u_z, u_n) = cell.of_input.weight.chunk(3), cell.of_hidden.weight.chunk(3)
    b_r, b_z, b_n = (cell.of_input.bias + cell.of_hidden.bias).chunk(3)
    r, z = (x @ w_r.T + h @ u_r.T + b_r).sigmoid(), (x @ w_z.T + h @ u_z.T + b_z).sigmoid()
    n = (x @ w_n.T + (r * h) @ u_n.T + b_n).tanh()
    assert_close(cell(x, h), z * h + (1 - z) * n)


def test_the_variants_agree_where_the_matrix_is_diagonal_and_only_there():
    after, before = GRUCell(3, 5), GRUCell(3, 5, reset="before")
    before.load_state_dict(after.state_dict())
    x, h = torch.randn(4, 3), torch.randn(4, 5)
    assert (after(x, h) - before(x, h)).abs().max() > 1e-3
    with torch.no_grad():
        for cell in (after, before):
            cell.of_hidden.weight[10:] = torch.eye(5) * 0.7
            cell.of_hidden.bias[10:] = 0
    assert_close(after(x, h), before(x, h))


def test_recorded_gates_rebuild_the_grus_state():
    gru = GRU(3, 5, num_layers=2)
    run = record(gru, torch.randn(2, 7, 3))
    for layer in range(2):
        z, n, h = (run[f"{layer}.{tap}"] for tap in ("update", "candidate", "hidden"))  # (time, batch, units)
        before = torch.cat([torch.zeros_like(h[:1]), h[:-1]])
        assert_close(h, z * before + (1 - z) * n)


@pytest.mark.parametrize(
    "theirs, ours", [(nn.RNN(3, 4, 2), RNN(3, 4)), (nn.GRU(3, 4), GRU(3, 5)), (nn.GRU(3, 4), RNN(3, 4))]
)
def test_weights_that_do_not_fit_are_refused(theirs, ours):
    with pytest.raises(ValueError, match=r"layers|do not fit|does not fit"):
        copy_weights(theirs, ours)


def test_weights_for_another_activation_are_refused():
    with pytest.raises(ValueError, match="has the activation relu, ours tanh"):
        copy_weights(nn.RNN(3, 4, nonlinearity="relu"), RNN(3, 4))


@pytest.mark.parametrize("theirs, ours", [(nn.GRU, GRU), (nn.GRUCell, GRUCell)])
def test_weights_for_the_other_reset_are_refused(theirs, ours):
    with pytest.raises(ValueError, match=r'take reset="after"; GRU.with_reset\("before"\)'):
        copy_weights(theirs(3, 4), ours(3, 4, reset="before"))


@pytest.mark.parametrize("layers", [0, -1, 1.5])
def test_there_is_at_least_one_layer(layers):
    with pytest.raises(ValueError, match="num_layers must be a whole number from 1"):
        RNN(3, 4, num_layers=layers)


def test_each_layer_wants_a_state():
    with pytest.raises(ValueError, match="one state a layer: there are 2 layers, not 1"):
        RNN(3, 4, 2)(torch.zeros(1, 5, 3), [torch.zeros(1, 4)])


def test_other_settings_are_refused_in_words():
    with pytest.raises(ValueError, match="activation is one of tanh, relu, identity, not 'sine'"):
        RNNCell(3, 4, activation="sine")
    with pytest.raises(ValueError, match="reset is one of after, before, not 'never'"):
        GRUCell(3, 4, reset="never")
