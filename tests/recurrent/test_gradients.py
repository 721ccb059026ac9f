"""Gradients against the lag, compared with products of Jacobians."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from course_lib.recurrent.gradients import gradient_by_lag, orthogonal_recurrent, set_forget_bias, spectral_radius
from course_lib.recurrent.layers import copy_weights
from course_lib.recurrent.lstm import LSTM


def test_lag_gradients_are_products_of_jacobians():
    rnn = nn.RNN(2, 4, batch_first=True).double()
    x = torch.randn(1, 6, 2, dtype=torch.double)
    states = rnn(x)[0][0]  # (time, hidden_size)
    row = torch.ones(4, dtype=torch.double)
    for lag, norm in enumerate(gradient_by_lag(rnn, x)):
        slope = 1 - states[-1 - lag] ** 2  # of tanh
        assert_close(norm, (row * slope @ rnn.weight_ih_l0).norm())
        row = row * slope @ rnn.weight_hh_l0


def test_lag_gradients_of_ours_and_of_torchs_agree():
    theirs, ours = nn.LSTM(3, 5, batch_first=True), LSTM(3, 5)
    copy_weights(theirs, ours)
    x = torch.randn(3, 8, 3)
    assert_close(gradient_by_lag(theirs, x), gradient_by_lag(ours, x))
    assert not x.requires_grad


def test_spectral_radius():
    assert spectral_radius(torch.tensor([[0.0, -2.0], [2.0, 0.0]])) == pytest.approx(2)  # a rotation, eigenvalues ±2i
    assert spectral_radius(torch.tensor([[0.5, 100.0], [0.0, -0.75]])) == pytest.approx(0.75)


@pytest.mark.parametrize("network, blocks", [(nn.RNN(3, 6), 1), (nn.LSTM(3, 6, 2), 4), (nn.GRU(3, 6), 3)])
def test_each_block_is_made_orthogonal(network, blocks):
    orthogonal_recurrent(network, gain=0.5)
    for layer in range(network.num_layers):
        for block in getattr(network, f"weight_hh_l{layer}").detach().chunk(blocks):
            assert_close(block @ block.T, 0.25 * torch.eye(6), atol=1e-6, rtol=0)


def test_the_forget_bias_alone_is_set():
    lstm = nn.LSTM(3, 4, 2)
    before = {name: weight.clone() for name, weight in lstm.named_parameters()}
    set_forget_bias(lstm, 3.0)
    for layer in range(2):
        total = getattr(lstm, f"bias_ih_l{layer}") + getattr(lstm, f"bias_hh_l{layer}")
        assert_close(total[4:8], torch.full((4,), 3.0))
    for name, weight in lstm.named_parameters():
        others = torch.ones(len(weight), dtype=bool)
        others[4:8] = "bias" not in name
        assert torch.equal(weight[others], before[name][others])


def test_a_network_that_reads_time_first_is_refused():
    with pytest.raises(ValueError, match="make the network with batch_first=True"):
        gradient_by_lag(nn.LSTM(2, 4), torch.randn(3, 6, 2))


@pytest.mark.parametrize("options", [{"bias": False}, {"bidirectional": True}])
def test_a_forget_bias_that_cannot_be_set_everywhere_is_refused(options):
    with pytest.raises(ValueError, match="bias=True and one direction"):
        set_forget_bias(nn.LSTM(3, 4, **options), 3.0)
