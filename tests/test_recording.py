import pytest
import torch
from torch import nn
from torch.testing import assert_close

from course_lib.recording import Clamp, record
from course_lib.recurrent.lstm import LSTM


@pytest.fixture
def lstm() -> LSTM:
    torch.manual_seed(0)
    return LSTM(3, 4, num_layers=2)


X = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(1))


def test_recording_changes_nothing(lstm):
    assert_close(record(lstm, X).output[0], lstm(X)[0], atol=0, rtol=0)
    assert not any(tap._forward_hooks for tap in lstm.modules())  # and leaves no hook behind


def test_a_clamp_acts_before_the_value_is_used(lstm):
    held = record(lstm, X, clamps=[Clamp("0.forget", 0.0, steps=(2,), units=(1, 3))])
    free = record(lstm, X)
    assert (held["0.forget"][2][:, [1, 3]] == 0).all()
    assert_close(held["0.forget"][2][:, [0, 2]], free["0.forget"][2][:, [0, 2]])  # other units of that step
    assert_close(held["0.cell"][:2], free["0.cell"][:2])  # what came before
    wiped = held["0.write"][2] * held["0.candidate"][2]
    assert_close(held["0.cell"][2][:, [1, 3]], wiped[:, [1, 3]])  # nothing is left of the old cell
    assert not torch.allclose(held.output[0][:, -1], free.output[0][:, -1])


def test_a_clamp_without_a_layer_holds_every_layer(lstm):
    held = record(lstm, X, clamps=[Clamp("read", 0.0)])
    assert (held.output[0] == 0).all()
    assert (held["0.read"] == 0).all() and (held["1.read"] == 0).all()


def test_the_last_of_two_clamps_counts(lstm):
    held = record(lstm, X, clamps=[Clamp("read", 0.0), Clamp("1.read", 1.0, steps=(4,))])
    assert (held["1.read"][4] == 1).all() and (held["1.read"][3] == 0).all()


def test_gradients_flow_through_a_recording(lstm):
    x = X.clone().requires_grad_()
    hidden, _ = record(lstm, x, clamps=[Clamp("0.forget", 0.0, steps=(3,))]).output
    hidden.sum().backward()
    assert x.grad.abs().sum() > 0


@pytest.mark.parametrize("value", [-0.1, 1.5, float("nan"), "open", None])
def test_a_clamp_outside_of_a_gate_is_refused(value):
    with pytest.raises(ValueError, match=r"between 0 \(closed\) and 1 \(open\)"):
        Clamp("forget", value)


@pytest.mark.parametrize(
    "clamp, problem, message",
    [
        (Clamp("forgte", 0.0), ValueError, "no tap is called 'forgte'; there are: layers.0.write"),
        (Clamp("forget", 0.0, steps=(5,)), IndexError, "step 5 cannot be clamped: the run had 5 steps, from 0"),
        (Clamp("forget", 0.0, units=(4,)), IndexError, "unit 4 cannot be clamped: there are 4, from 0"),
    ],
)
def test_a_clamp_on_what_is_not_there_is_refused(lstm, clamp, problem, message):
    with pytest.raises(problem, match=message):
        record(lstm, X, clamps=[clamp])
    assert not any(tap._forward_hooks for tap in lstm.modules())


def test_a_model_without_taps_is_refused():
    with pytest.raises(ValueError, match="Linear exposes no taps"):
        record(nn.Linear(2, 2), torch.randn(1, 2))


def test_an_ambiguous_tap_is_refused(lstm):
    with pytest.raises(KeyError, match="names 2 taps"):
        record(lstm, X)["forget"]
