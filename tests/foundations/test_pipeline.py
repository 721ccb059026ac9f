"""From a raw table to a model in one file, which another process reads."""

import subprocess
import sys

import pytest
import safetensors.torch
import torch
from torch import nn

from course_lib.checkpoints import CheckpointError
from course_lib.datasets.wine import load_wine
from course_lib.foundations.pipeline import (
    Classifier,
    Scaler,
    accuracy,
    hand_over,
    predict,
    split,
    take_over,
    train,
)


@pytest.fixture(scope="module")
def wine():
    return load_wine()


@pytest.fixture(scope="module")
def data(wine):
    return split(wine, seed=1)


@pytest.fixture(scope="module")
def model(data):
    model = Classifier(13, 3, seed=1)
    train(model, data, seed=1)
    return model


# ---- split and scale --------------------------------------------------------------------------------------------


def test_each_row_stands_on_one_side(wine):
    numbered = wine._replace(x=torch.arange(178))
    one, again, other = split(numbered, 60), split(numbered, 60), split(numbered, 60, seed=5)
    assert len(one.x) == 118 and torch.equal(torch.cat([one.x, one.unseen_x]).sort().values, torch.arange(178))
    assert torch.equal(one.x, again.x) and not torch.equal(one.x, other.x)
    assert torch.equal(one.unseen_y, wine.y[one.unseen_x])
    assert torch.equal(split(numbered, 60, shuffle=False).unseen_x, torch.arange(118, 178))


def test_a_scaler_knows_its_rows_alone_and_spares_what_never_changes():
    rows = torch.tensor([[1.0, 5.0], [3.0, 5.0]])
    scaler = Scaler(2)
    assert torch.equal(scaler(rows), rows)  # until it is fitted
    scaler.fit(rows)
    assert scaler.mean.tolist() == [2, 5] and scaler.std.tolist() == [1, 1]
    assert scaler(torch.tensor([[9.0, 6.0]])).tolist() == [[7, 1]]
    assert set(scaler.state_dict()) == {"mean", "std"} and not list(scaler.parameters())


def test_the_scaler_is_fitted_on_the_rows_to_learn_from(wine, data, model):
    assert torch.equal(model.scaler.mean, data.x.mean(dim=0))
    raw = Classifier(13, 3)
    train(raw, data, fit_scaler_on=wine.x[:0], epochs=1)
    assert not raw.scaler.mean.any() and (raw.scaler.std == 1).all()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_what_the_page_says_of_order_and_scale(wine, seed):
    def reached(data, **scale):
        model = Classifier(13, 3, seed=seed)
        train(model, data, seed=seed, **scale)
        return accuracy(model, data.unseen_x, data.unseen_y)

    drawn, raw = split(wine, seed=seed), {"fit_scaler_on": wine.x[:0]}
    honest = reached(drawn)
    assert honest > 0.9 and abs(reached(drawn, fit_scaler_on=wine.x) - honest) < 2.5 / 60
    assert reached(drawn, **raw) < honest - 0.05 and reached(split(wine, shuffle=False), **raw) < 1 / 3


# ---- train, predict ---------------------------------------------------------------------------------------------


def test_prediction_drops_nothing_and_keeps_no_graph(data, model):
    model.train()
    first, second = predict(model, data.unseen_x), predict(model, data.unseen_x)
    assert not model.training and torch.equal(first, second) and first.is_inference()
    assert torch.allclose(first.sum(dim=1), torch.ones(60))


def test_the_model_takes_raw_rows(data, model):
    bare = nn.Sequential(model.hidden, nn.ReLU(), model.head)
    with torch.no_grad():
        assert torch.allclose(model(data.x), bare((data.x - data.x.mean(dim=0)) / data.x.std(dim=0, correction=0)))


def test_it_leaves_randomness_as_it_was(data):
    before = torch.get_rng_state()
    train(Classifier(13, 3, seed=4), data, epochs=1, seed=4)
    assert torch.equal(torch.get_rng_state(), before)


# ---- hand over --------------------------------------------------------------------------------------------------


def test_it_comes_back_bit_by_bit_with_all_it_needs(tmp_path, wine, data, model):
    file = tmp_path / "wine.safetensors"
    hand_over(file, model, wine, accuracy=0.97)
    other, config = take_over(file)
    assert not other.training and torch.equal(predict(other, data.unseen_x), predict(model, data.unseen_x))
    assert config["features"] == list(wine.features) and config["classes"] == ["A", "B", "C"]
    assert config["about"] == {"accuracy": 0.97} and [path.name for path in tmp_path.iterdir()] == [file.name]


def test_another_process_predicts_the_same_bits(tmp_path, wine, data, model):
    file = tmp_path / "wine.safetensors"
    hand_over(file, model, wine)
    code = (
        "import sys, torch; from course_lib.foundations.pipeline import predict, take_over; torch.set_num_threads(1);"
        "rows = torch.frombuffer(bytearray(sys.stdin.buffer.read()), dtype=torch.float32).view(-1, 13);"
        "sys.stdout.buffer.write(predict(take_over(sys.argv[1])[0], rows).numpy().tobytes())"
    )
    rows = data.unseen_x.numpy().tobytes()
    done = subprocess.run([sys.executable, "-c", code, file], input=rows, capture_output=True, check=True)
    assert done.stdout == predict(model, data.unseen_x).numpy().tobytes()


def test_a_file_that_cannot_be_read_is_named(tmp_path, wine, model):
    file = tmp_path / "wine.safetensors"
    with pytest.raises(CheckpointError, match=r"wine\.safetensors is no model"):
        take_over(file)
    safetensors.torch.save_file(model.state_dict(), file)  # without its configuration
    with pytest.raises(CheckpointError, match=r"wine\.safetensors is no model"):
        take_over(file)
    hand_over(file, model, wine)
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(CheckpointError, match=r"wine\.safetensors is no model"):
        take_over(file)
