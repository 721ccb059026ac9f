import importlib.util
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from itertools import pairwise

import pytest
import torch
from torch import nn
from torch.nn.functional import mse_loss
from torch.testing import assert_close

from course_lib import processes, training
from course_lib.seeds import seed_everything
from course_lib.training import Batches, History, fit

ROWS, WIDTH = 40, 3


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))


def network(dropout: float = 0.2) -> nn.Module:
    """A model that, with dropout, draws random numbers as it trains."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(WIDTH, 8), nn.Tanh(), nn.Dropout(dropout), nn.Linear(8, 1))


def rows(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Inputs (rows, width), and as targets (rows, 1) their sums."""
    x = torch.randn(ROWS, WIDTH, generator=torch.Generator().manual_seed(seed))
    return x, x.sum(1, keepdim=True)


def train(model: nn.Module, batches=None, loss=mse_loss, **settings) -> History:
    how_long = {} if {"epochs", "steps"} & settings.keys() else {"epochs": 3}
    return fit(model, Batches(*rows(), 8) if batches is None else batches, loss, **how_long, **settings)


def weights(model: nn.Module) -> list[torch.Tensor]:
    return [weight.detach().clone() for weight in model.parameters()]


def same_weights(one: nn.Module, other: nn.Module) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def interrupting(at: int, loss=mse_loss, times: int = 1):
    """A loss during whose `at`-th call somebody presses Ctrl-C."""
    calls = []

    def pressed(outputs, targets):
        calls.append(1)
        if len(calls) == at:
            for _ in range(times):
                os.kill(os.getpid(), signal.SIGINT)
        return loss(outputs, targets)

    return pressed


# The loop


def test_fit_is_the_loop_that_one_would_write():
    x, y = rows()
    bare, ours = network(dropout=0), network(dropout=0)
    optimizer = torch.optim.SGD(bare.parameters(), lr=0.1)
    losses = []
    for begin in list(range(0, ROWS, 16)) * 2:
        loss = mse_loss(bare(x[begin : begin + 16]), y[begin : begin + 16])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(bare.parameters(), 0.5)
        optimizer.step()
        losses.append(loss.item())
    history = train(
        ours, Batches(x, y, 16, shuffle=False), epochs=2, learning_rate=0.1, optimizer=torch.optim.SGD, clip_norm=0.5
    )
    assert history.losses == losses
    assert same_weights(bare, ours)
    assert history.stopped == "finished" and not ours.training


def test_it_learns():
    history = train(network(), epochs=60, learning_rate=1e-2)
    assert sum(history.losses[-5:]) < 0.2 * sum(history.losses[:5])
    assert repr(history).startswith("History(300 steps, loss ") and repr(history).endswith(", finished)")


@pytest.mark.parametrize("of", ["tuples", "lists", "generator", "loader"])
def test_batches_may_be_anything_that_yields_pairs(of):
    x, y = rows()
    pairs = [((x[i : i + 8],), y[i : i + 8]) for i in range(0, ROWS, 8)]
    batches = {
        "tuples": lambda: pairs,
        "lists": lambda: [[inputs[0], targets] for inputs, targets in pairs],
        "generator": lambda: (pair for pair in pairs),
        "loader": lambda: torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=8),
    }[of]
    one, other = network(dropout=0), network(dropout=0)  # a loader draws a random number of its own
    history = train(one, batches(), steps=5)
    assert history.losses == train(other, Batches(x, y, 8, shuffle=False), steps=5).losses
    assert same_weights(one, other)
    assert history.cached == ("not kept: a generator cannot be hashed" if of == "generator" else "kept")


def test_a_model_may_take_several_inputs_and_a_loss_ignore_the_targets():
    class Sum(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(()))

        def forward(self, one, other):
            return self.weight + (one - other).mean()

    history = train(Sum(), [((torch.ones(2), torch.ones(2)), None)] * 4, lambda output, _: output**2)
    assert history.losses == [0.0] * 12


def test_steps_may_end_within_a_pass():
    one, other = network(), network()
    history = train(one, steps=7, validate=Batches(*rows(1), 8))
    assert len(history.losses) == 7
    assert history.validated_at == [5, 7]
    train(other, epochs=1)
    assert not same_weights(one, other)


def test_training_again_starts_the_batches_again():
    batches, first, second = Batches(*rows(), 8), network(), network()
    order = [targets for _, targets in batches.again()]
    train(first, batches, cache=False)
    train(second, batches, cache=False)
    assert same_weights(first, second)
    assert_close([targets for _, targets in batches], order)  # and the batches themselves are as they were


@pytest.mark.parametrize(
    "settings, says",
    [
        ({"epochs": 1, "steps": 1}, "either by epochs=... or by steps=..."),
        ({"epochs": 0}, "epochs must be a whole number from 1, not 0"),
        ({"steps": 2.0}, "steps must be a whole number from 1"),
        ({"learning_rate": 0}, "learning_rate must be a number above 0"),
        ({"learning_rate": float("nan")}, "learning_rate must be a number above 0"),
        ({"clip_norm": -1.0}, "clip_norm must be a number above 0, not -1.0"),
        ({"patience": 1}, "patience needs validate="),
        ({"patience": 0, "validate": lambda model: 0.0}, "patience must be a whole number from 1"),
        ({"stop_below": "x", "validate": lambda model: 0.0}, "stop_below is a number"),
        ({"stop_below": 1.0}, "stop_below is a number .* and needs validate="),
        ({"validate": iter([])}, "validate is a generator"),
        ({"batches": []}, "there are 0 batches"),
        ({"batches": (pair for pair in [])}, "can be read only once: give steps="),
        ({"batches": (pair for pair in []), "steps": 3}, "the batches ran out"),
        ({"batches": [torch.ones(2, 3)]}, r"each batch must be a pair \(inputs, targets\), not a Tensor"),
        ({"batches": [(torch.ones(2, 3), torch.ones(2, 1), 0)]}, "each batch must be a pair"),
        ({"loss": lambda output, target: output - target}, r"loss must return one number.*\(8, 1\)"),
        ({"model": nn.Tanh()}, "Tanh has no weights that can be trained"),
        ({"seed": -1}, "a seed is a whole number"),
    ],
)
def test_what_cannot_be_trained_is_refused_with_a_sentence(settings, says):
    settings = {"model": network()} | settings
    before = torch.get_rng_state()
    with pytest.raises(ValueError, match=says):
        train(**settings)
    assert torch.equal(torch.get_rng_state(), before)


def test_neither_epochs_nor_steps():
    with pytest.raises(ValueError, match="say how long to train"):
        fit(network(), Batches(*rows(), 8), mse_loss)


def test_a_generator_that_runs_dry_leaves_the_weights():
    x, y = rows()
    model, other = network(), network()
    with pytest.raises(ValueError, match="give fewer steps, or a list of batches"):
        train(model, ((x, y) for _ in range(2)), steps=3)
    train(other, [(x, y)] * 2, epochs=1)
    assert same_weights(model, other)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_stops_at_once(value):
    def broken(outputs, targets):
        calls.append(weights(model))
        return mse_loss(outputs, targets) * (value if len(calls) == 4 else 1.0)

    calls, model = [], network()
    with pytest.raises(FloatingPointError, match=f"gone: the loss is {value} at step 4. Try a smaller .* than 0.05"):
        train(model, loss=broken, learning_rate=0.05, name="gone")
    assert_close(weights(model), calls[-1], rtol=0, atol=0)  # as they were before the step that went wrong


@pytest.fixture
def seldom(monkeypatch):
    """Losses are looked at every fourth step, as they are every twentieth on a graphics card."""
    monkeypatch.setitem(processes.READ_EVERY, "cpu", 4)


@pytest.mark.usefixtures("seldom")
def test_losses_that_are_looked_at_seldom_are_the_same(monkeypatch):
    model, other = network(), network()
    history = train(model)
    monkeypatch.setitem(processes.READ_EVERY, "cpu", 1)
    assert history == train(other, cache=False)
    assert same_weights(model, other)


@pytest.mark.usefixtures("seldom")
def test_the_step_that_went_wrong_is_named_all_the_same():
    calls = []

    def broken(outputs, targets):
        calls.append(1)
        return mse_loss(outputs, targets) * (float("nan") if len(calls) >= 6 else 1.0)

    with pytest.raises(FloatingPointError, match="the loss is nan at step 6"):
        train(network(), loss=broken)
    assert len(calls) == 8


# Validation


def test_validation_is_the_mean_over_rows_in_evaluation_mode():
    held_out = Batches(*rows(1), 16)  # the last batch has 8 rows, and counts half
    model = network()
    history = train(model, validate=held_out, epochs=1)
    with torch.no_grad():
        assert history.validation == pytest.approx([mse_loss(model(rows(1)[0]), rows(1)[1]).item()], rel=1e-5)
    assert f"validation {history.validation[0]:.3f}" in repr(history)
    measured = []
    train(network(), validate=lambda model: measured.append(model.training) or 1.0, epochs=2)
    assert measured == [False, False]


def test_validation_does_not_change_the_training():
    one, other = network(), network()
    assert train(one).losses == train(other, validate=Batches(*rows(1), 8)).losses
    assert same_weights(one, other)


def test_patience_stops_and_brings_the_best_weights_back():
    scores, seen = iter([3.0, 2.0, 2.5, float("nan"), 1.0]), []

    def measure(model):
        seen.append(weights(model))
        return next(scores)

    model = network()
    history = train(model, validate=measure, patience=2, epochs=50)
    assert history.validation[:3] == [3.0, 2.0, 2.5] and len(history.validation) == 4
    assert (history.stopped, len(history.losses)) == ("no improvement", 20)
    assert_close(weights(model), seen[1], rtol=0, atol=0)


def test_a_training_stops_as_soon_as_it_is_good_enough():
    scores, seen = iter([3.0, 2.0, 1.9, 1.0]), []
    model = network()
    history = train(model, validate=lambda model: seen.append(weights(model)) or next(scores), stop_below=2.0, epochs=9)
    assert (history.stopped, history.validation, len(history.losses)) == ("good enough", [3.0, 2.0, 1.9], 15)
    assert_close(weights(model), seen[-1], rtol=0, atol=0)


def test_a_training_that_was_good_enough_is_kept():
    settings = {"validate": Batches(*rows(1), 8), "stop_below": 1.0, "learning_rate": 1e-2, "epochs": 90}
    history = train(network(), **settings)
    assert (history.stopped, history.cached) == ("good enough", "kept")
    assert history.validation[-1] < 1.0 <= min(history.validation[:-1])
    again = train(network(), **settings)
    assert again == history and again.cached == "loaded"


def test_the_best_weights_come_back_where_patience_lasts():
    scores, seen = iter([2.0, 1.0, 1.5]), []
    model = network()
    history = train(model, validate=lambda model: seen.append(weights(model)) or next(scores), patience=2, epochs=3)
    assert history.stopped == "finished"
    assert_close(weights(model), seen[1], rtol=0, atol=0)


# Interruptions


def test_ctrl_c_keeps_what_was_done(capsys):
    before = signal.getsignal(signal.SIGINT)
    model, other = network(), network()
    history = train(model, loss=interrupting(7), name="long one")
    assert (history.stopped, len(history.losses)) == ("interrupted", 7)
    assert history.losses == train(other, steps=7).losses
    assert same_weights(model, other)  # the seventh step was made to its end
    assert signal.getsignal(signal.SIGINT) is before
    said = capsys.readouterr().err
    assert said.startswith("long one: interrupted after step 7 of 15; weights and history are kept.")
    assert not model.training


def test_ctrl_c_at_the_last_step_changes_nothing():
    assert train(network(), loss=interrupting(15)).stopped == "finished"


def test_ctrl_c_twice_ends_at_once_and_keeps_no_half_step():
    model = network()
    history = train(model, loss=interrupting(4, times=2))
    assert (history.stopped, len(history.losses), history.cached[:8]) == ("interrupted", 3, "not kept")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_training_in_another_thread_leaves_ctrl_c_alone():
    histories = []
    thread = threading.Thread(target=lambda: histories.append(train(network())))
    thread.start()
    thread.join()
    assert histories[0].stopped == "finished"


@pytest.mark.usefixtures("seldom")
def test_an_interruption_keeps_the_losses_not_looked_at_yet(monkeypatch):
    parts, whole = network(), network()
    with monkeypatch.context() as patch:
        press_after(7, patch)
        assert len(train(parts).losses) == 7
    parts = network()
    assert train(parts) == train(whole, cache=False)
    assert same_weights(parts, whole)


@pytest.mark.parametrize("stops", [(1,), (7,), (5, 10), (14,)])
@pytest.mark.parametrize("source", ["batches", "list", "loader"])
def test_an_interrupted_training_goes_on_as_if_nothing_had_happened(stops, source, monkeypatch):
    def batches():
        x, y = rows()
        if source == "loader":  # draws its order from the global generator, as dropout does
            return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=8, shuffle=True)
        return Batches(x, y, 8) if source == "batches" else [(x[i : i + 8], y[i : i + 8]) for i in range(0, ROWS, 8)]

    settings = {"validate": Batches(*rows(1), 8), "patience": 2, "clip_norm": 1.0, "learning_rate": 0.05}
    whole, parts = network(), network()
    expected = train(whole, batches(), cache=False, **settings)
    for stop in stops:
        parts = network()
        with monkeypatch.context() as patch:
            press_after(stop, patch)
            history = train(parts, batches(), **settings)
        assert (history.stopped, len(history.losses)) == ("interrupted", stop)
        assert history.losses == expected.losses[:stop]
    parts = network()
    assert train(parts, batches(), **settings) == expected
    assert same_weights(parts, whole)
    assert len(list(os.scandir(os.environ["COURSE_CACHE"]))) == 2  # the result and its lock: nothing unfinished is left


def test_patience_goes_on_counting_after_an_interruption(monkeypatch):
    settings = {"validate": lambda model: float(model[0].weight.norm()), "patience": 3, "learning_rate": 0.05}
    whole, parts = network(), network()
    expected = train(whole, epochs=9, cache=False, **settings)
    assert (expected.stopped, len(expected.losses)) == ("no improvement", 20)  # the weights grow from the first pass on
    with monkeypatch.context() as patch:
        press_after(12, patch)
        train(parts, epochs=9, **settings)
    parts = network()
    assert train(parts, epochs=9, **settings) == expected
    assert same_weights(parts, whole)


def press_after(step: int, patch: pytest.MonkeyPatch) -> None:
    """Press Ctrl-C as a step ends; the training itself, and so its fingerprint, stays as it is."""
    unpatched = training.Run.why_stop

    def why_stop(run, *settings):
        if run.step == step:
            os.kill(os.getpid(), signal.SIGINT)
        return unpatched(run, *settings)

    patch.setattr(training.Run, "why_stop", why_stop)


def test_a_killed_training_goes_on_from_its_last_save(tmp_path):
    """Killed hard in a process of its own, it loses only what came after the last save."""
    script = textwrap.dedent("""
        import os, signal, sys
        from course_lib import training
        from tests.test_training import network, train
        training.SAVE_EVERY = 0
        unpatched = training.Run.save_now_and_then
        def save_now_and_then(run, kept):
            if run.step == 9:
                os.kill(os.getpid(), signal.SIGKILL)
            unpatched(run, kept)
        training.Run.save_now_and_then = save_now_and_then
        train(network())
    """)
    killed = subprocess.run([sys.executable, "-c", script], env=os.environ | {"PYTHONPATH": os.getcwd()})
    assert killed.returncode == -signal.SIGKILL
    assert [file.suffix for file in (tmp_path / "cache").iterdir() if file.suffix != ".lock"] == [".unfinished"]
    calls = []
    one, other = network(), network()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training.Run, "note", counting(training.Run.note, calls))
        history = train(one)
    assert len(calls) == 15 - 8
    assert history == train(other, cache=False)
    assert same_weights(one, other)


def counting(function, calls: list):
    def counted(*args):
        calls.append(1)
        return function(*args)

    return counted


# Randomness, the progress bar, the device


def test_randomness_outside_goes_on_the_same_trained_or_loaded():
    drawn = []
    for expected in ("kept", "loaded"):
        model = network()
        seed_everything(3)
        assert train(model).cached == expected
        drawn.append(torch.rand(3))
    assert torch.equal(drawn[0], drawn[1])
    seed_everything(3)
    assert torch.equal(drawn[0], torch.rand(3))


def test_a_network_just_trained_is_as_a_loaded_one():
    for cached in ("kept", "loaded"):
        model = network()
        assert train(model).cached == cached and not model.training
        assert all(weight.grad is None for weight in model.parameters())


def test_batches_that_were_read_before_make_no_other_training():
    batches, held_out = Batches(*rows(), 8), Batches(*rows(1), 8)
    histories = []
    for _ in range(2):
        histories.append(train(network(), batches, validate=held_out))
        list(batches), list(held_out)
    assert [history.cached for history in histories] == ["kept", "loaded"]


def test_the_seed_decides_dropout():
    histories = [train(network(), seed=seed, cache=False).losses for seed in (0, 0, 1)]
    assert histories[0] == histories[1] != histories[2]


def test_the_bar_shows_the_loss_and_leaves_nothing(capsys):
    losses = train(network()).losses
    assert capsys.readouterr().err == ""  # the tests run under TQDM_DISABLE, which tqdm reads when it is imported
    script = "from tests.test_training import network, train; train(network(), cache=False, name='bar')"
    env = {name: value for name, value in os.environ.items() if name != "TQDM_DISABLE"}
    env |= {"PYTHONPATH": os.getcwd(), "TQDM_MININTERVAL": "0", "TQDM_MINITERS": "1"}  # drawn at every step
    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, check=True)
    drawn = [line.strip() for line in done.stderr.decode().split("\r")]
    for loss in losses[:3]:
        assert any(line.startswith("bar: ") and f"loss {loss:.3f}" in line for line in drawn)
    assert drawn[-2:] == ["", ""] and not done.stderr.endswith(b"\n")  # the line was wiped


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_on_cuda_it_trains_in_bf16_and_resumes(monkeypatch):
    monkeypatch.setenv("COURSE_DEVICE", "cuda")
    kinds = []

    def loss(outputs, targets):
        kinds.append(outputs.dtype)
        return mse_loss(outputs, targets)

    one, other = network(), network()
    history = train(one, epochs=60, learning_rate=1e-2, loss=loss)
    assert set(kinds) == {torch.bfloat16} and len(history.losses) == 300
    assert sum(history.losses[-5:]) < 0.3 * sum(history.losses[:5])
    assert {weight.device.type for weight in one.parameters()} == {"cuda"}
    with monkeypatch.context() as patch:
        press_after(30, patch)
        assert train(other, epochs=8).stopped == "interrupted"
    parts, whole = network(), network()
    assert train(parts, epochs=8) == train(whole, epochs=8, cache=False)
    assert same_weights(parts, whole)
    broken = lambda outputs, targets: mse_loss(outputs, targets) * float("nan")  # noqa: E731
    with pytest.raises(FloatingPointError, match="at step 1"):
        train(network(), loss=broken)


# Several processes

SETTINGS = {"learning_rate": 0.1, "optimizer": torch.optim.SGD, "validate": Batches(*rows(1), 8)}
PAIR = """
    import os, sys, torch
    from tests.test_training import SETTINGS, Batches, network, rows, train
    results = []
    for _ in range(2):
        model = network(dropout=0)
        history = train(model, Batches(*rows(), 4, shuffle=False), **SETTINGS)
        results.append([history.cached, history.losses, history.validation, model.state_dict()])
    torch.save(results, f"{sys.argv[1]}/{os.environ['RANK']}.pt")
"""


@pytest.mark.skipif(not importlib.util.find_spec("accelerate"), reason="accelerate is not installed (an extra)")
def test_two_processes_train_one_model(tmp_path):
    """Two processes that take batches of four in turn are one that takes batches of eight."""
    script = tmp_path / "pair.py"
    script.write_text(textwrap.dedent(PAIR))
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", script, tmp_path]
    env = os.environ | {"PYTHONPATH": os.getcwd(), "ACCELERATE_USE_CPU": "true"}
    done = subprocess.run(launch, env=env, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    one = network(dropout=0)
    expected = train(one, Batches(*rows(), 8, shuffle=False), **SETTINGS)
    for rank in range(2):
        trained, loaded = torch.load(tmp_path / f"{rank}.pt")
        assert (trained.pop(0), loaded.pop(0)) == ("kept", "loaded")
        assert_close(trained, [expected.losses, expected.validation, one.state_dict()], rtol=1e-5, atol=1e-6)
        assert_close(loaded, trained, rtol=0, atol=0)


def test_several_processes_without_accelerate_say_what_to_install(monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", "0")
    monkeypatch.setitem(sys.modules, "accelerate", None)
    with pytest.raises(RuntimeError, match="pip install accelerate"):
        train(network())


def test_fit_is_quick_to_load():
    """A training that was kept makes no optimizer: PyTorch takes a second over the first one."""
    train(network())
    script = textwrap.dedent("""
        import sys
        from tests.test_training import network, train
        assert train(network()).cached == "loaded"
        assert "torch._dynamo" not in sys.modules
    """)
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", script], env=os.environ | {"PYTHONPATH": os.getcwd()}, check=True)
    assert time.monotonic() - began < 60


def test_a_schedule_sets_the_learning_rate_of_each_step():
    """Plain gradient descent on a slope of 1 moves by exactly the learning rate."""
    model = nn.Linear(1, 1, bias=False)
    places = [model.weight.item()]

    def note(_model):
        places.append(model.weight.item())
        return 0.0

    batches = [(torch.ones(1, 1), torch.zeros(1, 1))]
    fit(
        model, batches, lambda output, _: output.sum(), steps=4, optimizer=torch.optim.SGD, learning_rate=0.1,
        schedule=lambda done: 1 - done, validate=note, validate_every=1, cache=False,
    )  # fmt: skip
    moved = [before - after for before, after in pairwise(places)]
    assert moved == pytest.approx([0.1, 0.075, 0.05, 0.025], abs=1e-6)


def test_validation_every_few_steps():
    batches = [(torch.ones(1, 1), torch.zeros(1, 1))] * 10
    history = fit(nn.Linear(1, 1), batches, nn.functional.mse_loss, steps=10, validate=batches, validate_every=4)
    assert history.validated_at == [4, 8, 10]
    with pytest.raises(ValueError, match="validate_every needs validate"):
        fit(nn.Linear(1, 1), batches, nn.functional.mse_loss, steps=10, validate_every=4)
