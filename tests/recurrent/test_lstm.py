import pytest
import torch
from torch import nn
from torch.testing import assert_close

from course_lib.recording import record
from course_lib.recurrent.explorers.gates import separate_weights
from course_lib.recurrent.layers import copy_weights
from course_lib.recurrent.lstm import LSTM, LSTMCell, LSTMState


def random_shapes(n: int) -> list[tuple[int, int, int, int, int]]:
    generator = torch.Generator().manual_seed(0)
    sizes = torch.randint(1, 24, (n, 4), generator=generator)  # batch, time, input_size, hidden_size
    layers = torch.randint(1, 4, (n, 1), generator=generator)
    return [tuple(row) for row in torch.cat([sizes, layers], dim=1).tolist()]


@pytest.mark.parametrize("batch, time, input_size, hidden_size, layers", random_shapes(6))
def test_our_lstm_is_torch_lstm(batch, time, input_size, hidden_size, layers):
    theirs, ours = nn.LSTM(input_size, hidden_size, layers, batch_first=True), LSTM(input_size, hidden_size, layers)
    copy_weights(theirs, ours)
    x = torch.randn(batch, time, input_size)
    start = [LSTMState(torch.randn(batch, hidden_size), torch.randn(batch, hidden_size)) for _ in range(layers)]
    packed = torch.stack([s.hidden for s in start]), torch.stack([s.cell for s in start])

    hidden, last = ours(x, start)
    their_hidden, (h_n, c_n) = theirs(x, packed)
    assert_close(hidden, their_hidden, atol=1e-6, rtol=0)
    assert_close(torch.stack([s.hidden for s in last]), h_n, atol=1e-6, rtol=0)
    assert_close(torch.stack([s.cell for s in last]), c_n, atol=1e-6, rtol=0)


@pytest.mark.parametrize("bias", [True, False])
def test_our_cell_is_torch_cell(bias):
    theirs, ours = nn.LSTMCell(3, 5, bias=bias), LSTMCell(3, 5)
    copy_weights(theirs, ours)
    x, state = torch.randn(4, 3), LSTMState(torch.randn(4, 5), torch.randn(4, 5))
    h, c = theirs(x, tuple(state))
    assert_close(ours(x, state), LSTMState(h, c), atol=1e-6, rtol=0)


def test_recorded_gates_rebuild_the_output():
    lstm = LSTM(3, 5, num_layers=2)
    x = torch.randn(2, 7, 3)
    run = record(lstm, x)
    hidden, _ = run.output
    for layer in range(2):
        f, i, g, o, c, h = (run[f"{layer}.{tap}"] for tap in ("forget", "write", "candidate", "read", "cell", "hidden"))
        before = torch.cat([torch.zeros_like(c[:1]), c[:-1]])
        assert_close(c, f * before + i * g)
        assert_close(h, o * c.tanh())
    assert_close(run["1.hidden"].transpose(0, 1), hidden)


@pytest.mark.parametrize(
    "theirs, ours",
    [
        (nn.LSTM(3, 4, 2), LSTM(3, 4)),
        (nn.LSTM(3, 4), LSTM(3, 5)),
        (nn.LSTM(3, 4, bidirectional=True), LSTM(3, 4)),
        (nn.GRU(3, 4), LSTM(3, 4)),
        (nn.LSTMCell(3, 4), LSTM(3, 4)),
    ],
)
def test_weights_that_do_not_fit_are_refused(theirs, ours):
    with pytest.raises(ValueError, match=r"layers|do not fit|does not fit|plain LSTM"):
        copy_weights(theirs, ours)


def test_separate_weights_act_on_h_and_x():
    cell = LSTMCell(3, 4)
    w_f, b_f, w_i, b_i, w_c, b_c, w_o, b_o = separate_weights(cell)
    x, h, c = torch.randn(2, 3), torch.randn(2, 4), torch.randn(2, 4)
    hx = torch.cat([h, x], dim=-1)
    new_c = (hx @ w_f.T + b_f).sigmoid() * c + (hx @ w_i.T + b_i).sigmoid() * (hx @ w_c.T + b_c).tanh()
    new_h = (hx @ w_o.T + b_o).sigmoid() * new_c.tanh()
    assert_close(cell(x, LSTMState(h, c)), LSTMState(new_h, new_c))
