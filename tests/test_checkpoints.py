import json
import os
import queue
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
import torch
from jupyter_client.manager import start_new_kernel
from nbclient import NotebookClient
from torch import nn
from torch.nn.functional import mse_loss, smooth_l1_loss
from torch.testing import assert_close

from course_lib import checkpoints
from course_lib.checkpoints import CheckpointError, load_model, save_model
from course_lib.training import Batches, fit


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    """A cache for this one test."""
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    checkpoints._cannot_keep.cache_clear()  # said once a process, and each test is to hear it
    return tmp_path / "cache"


def train(*, seed_of_weights: int = 0, shift: float = 0.0, batch_size: int = 8, loss=mse_loss, epochs=2, **settings):
    """A training in which anything can be changed; returns the model and the history."""
    torch.manual_seed(seed_of_weights)
    model = nn.Linear(3, 1)
    x = torch.linspace(-1, 1, 60).view(20, 3) + shift
    return model, fit(model, Batches(x, x.sum(1, keepdim=True), batch_size), loss, epochs=epochs, **settings)


def kept(folder: Path) -> list[Path]:
    return [file for file in folder.iterdir() if file.suffix != ".lock"]


# Trainings


def test_the_same_training_is_loaded_exactly(folder):
    (trained, first), (loaded, second) = train(name="a fit/of names"), train(name="a fit/of names")
    assert (first.cached, second.cached) == ("kept", "loaded")
    assert first == second and repr(first) == repr(second)
    assert_close(trained.state_dict(), loaded.state_dict(), rtol=0, atol=0)
    assert not loaded.training
    (file,) = kept(folder)
    assert file.name.startswith("a-fit-of-names-") and file.suffix == ".training"


@pytest.mark.parametrize(
    "change",
    [
        {"seed_of_weights": 1},
        {"shift": 1e-6},
        {"batch_size": 9},
        {"loss": smooth_l1_loss},
        {"loss": lambda outputs, targets: mse_loss(outputs, targets)},
        {"epochs": 3},
        {"learning_rate": 2e-3},
        {"clip_norm": 1.0},
        {"optimizer": torch.optim.SGD},
        {"validate": lambda model: 0.0},
        {"validate": lambda model: 0.0, "patience": 9},
        {"seed": 1},
    ],
    ids=lambda change: " ".join(change),
)
def test_another_training_is_trained(change):
    train()
    assert train(**change)[1].cached == "kept"
    assert train()[1].cached == train(**change)[1].cached == "loaded"


def test_another_version_of_torch_or_of_the_course_trains_anew(monkeypatch):
    train()
    with monkeypatch.context() as patch:
        patch.setattr(torch, "__version__", "0.0")
        assert train()[1].cached == "kept"
    with monkeypatch.context() as patch:
        patch.setattr("course_lib.training.__version__", "0.0")
        assert train()[1].cached == "kept"
    assert train()[1].cached == "loaded"


def test_what_was_not_loaded_for_long_is_thrown_away(folder):
    def age(file: Path, days: float) -> None:
        os.utime(file, (time.time() - days * 86400,) * 2)

    train(name="old"), train(name="used"), train(name="young")
    old, used, young = sorted(kept(folder))
    age(old, 91), age(used, 91), age(young, 89)
    assert train(name="used")[1].cached == "loaded"
    train(name="new")
    assert {file.name.partition("-")[0] for file in kept(folder)} == {"used", "young", "new"}


def test_what_cannot_be_hashed_is_trained_each_time_and_says_why(folder):
    source = (number for number in range(3))
    for _ in range(2):
        history = train(loss=lambda outputs, targets: mse_loss(outputs, targets) + 0 * (source is None))[1]
        assert history.cached == "not kept: a generator cannot be hashed"
    assert train(cache=False)[1].cached == "not kept: cache=False"
    assert not folder.exists()


@pytest.mark.parametrize("damage", ["cut", "flipped", "emptied", "foreign"])
def test_a_damaged_entry_is_trained_again_with_a_sentence(damage, folder, capsys):
    expected = train()
    (file,) = kept(folder)
    content = file.read_bytes()
    flipped = content[:-300] + bytes([content[-300] ^ 1]) + content[-299:]
    file.write_bytes({"cut": content[:-20], "flipped": flipped, "emptied": b"", "foreign": b"\x80" * 400}[damage])
    capsys.readouterr()
    _, history = train()
    assert history.cached == "kept" and history == expected[1]
    said = capsys.readouterr().err
    assert said == f"The kept training {file.name} cannot be read (the file is damaged), so it is trained again.\n"
    assert train()[1].cached == "loaded" and capsys.readouterr().err == ""


def test_an_entry_that_would_run_code_is_not_loaded(folder, capsys):
    train()
    (file,) = kept(folder)
    torch.save({"history": os.system}, file)
    content = file.read_bytes()
    file.write_bytes(__import__("hashlib").sha256(content).digest() + content)
    assert train()[1].cached == "kept"
    assert "cannot be read" in capsys.readouterr().err


def test_without_the_right_to_write_it_says_so_once_and_goes_on(tmp_path, monkeypatch, capsys):
    (tmp_path / "a file").write_text("not a folder")
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "a file" / "cache"))
    for _ in range(2):
        history = train()[1]
        assert history.cached == "not kept: the cache cannot be written" and history.stopped == "finished"
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.startswith("Trainings cannot be kept in ") and "COURSE_CACHE names another folder" in said


def test_a_cache_that_can_only_be_read_is_read(folder, monkeypatch):
    train()

    def refused(*_, **__):
        raise PermissionError("read only")

    monkeypatch.setattr("filelock.BaseFileLock.acquire", refused)
    monkeypatch.setattr(checkpoints, "write_atomically", refused)
    assert train()[1].cached == "loaded"
    assert train(seed=1)[1].cached == "not kept: the cache cannot be written"


def test_a_full_disk_costs_only_the_cache(monkeypatch, capsys):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoints, "write_atomically", full)
    history = train()[1]
    assert history.stopped == "finished" and len(history.losses) == 6
    assert "No space left on device" in capsys.readouterr().err


def test_two_processes_train_once():
    """Whoever comes second waits for the first and loads."""
    script = """if True:
        import time
        from tests.test_checkpoints import train
        def slow(model):
            time.sleep(1)
            return 0.0
        print(train(validate=slow)[1].cached)
    """
    env = os.environ | {"PYTHONPATH": os.getcwd()}
    both = [subprocess.Popen([sys.executable, "-c", script], env=env, stdout=subprocess.PIPE, text=True) for _ in "ab"]
    assert sorted(process.communicate(timeout=120)[0].strip() for process in both) == ["kept", "loaded"]


# In a notebook

SETUP = """
import torch
from torch import nn
from course_lib import Batches, fit

class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 1)

    def forward(self, x):
        return self.layer(x).tanh()
"""
TRAIN = """
torch.manual_seed(0)
x = torch.linspace(-1, 1, 60).view(20, 3)
model = Model()
history = fit(model, Batches(x, x.sum(1, keepdim=True), 8), nn.functional.mse_loss, epochs=2, name="of a notebook")
print(history.cached, float(model.layer.weight.detach().sum()))
history
"""


def run_notebook(*cells: str) -> list[list]:
    """The outputs of each cell, run in a kernel of its own."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute(cwd=os.getcwd())
    nbformat.validate(notebook)
    return [cell.outputs for cell in notebook.cells]


def printed(outputs: list) -> list[str]:
    return "".join(output.text for output in outputs if output.output_type == "stream").split()


def result(outputs: list) -> str:
    return next(out.data["text/plain"] for out in outputs if out.output_type == "execute_result")


def transient(outputs: list) -> list[str]:
    """What was said that is no result; the progress bar has become empty."""
    texts = [out.data["text/plain"] for out in outputs if out.get("metadata", {}).get("course") == "transient"]
    return [text for text in texts if text]


def test_an_edited_line_in_a_notebook_retrains(monkeypatch):
    monkeypatch.delenv("TQDM_DISABLE")  # so that the line about loading is shown
    monkeypatch.setenv("PYTHONPATH", os.getcwd())
    patched = "Model.forward = lambda self, x: self.layer(x).relu()\n" + TRAIN
    _, first, at_once, by_patch = run_notebook(SETUP, TRAIN, TRAIN, patched)
    *_, restarted = run_notebook("# a cell before", SETUP + "\n# a comment\n", TRAIN)
    *_, edited = run_notebook(SETUP.replace(".tanh()", ".sigmoid()"), TRAIN)

    runs = first, at_once, restarted, by_patch, edited
    cached, weights = zip(*map(printed, runs), strict=True)
    assert cached == ("kept", "loaded", "loaded", "kept", "kept")
    assert weights[0] == weights[1] == weights[2] and len(set(weights)) == 3
    assert result(first) == result(restarted)  # what is no progress display is the same, trained or loaded

    assert [len(transient(outputs)) for outputs in runs] == [0, 1, 1, 0, 0]
    (line,) = transient(restarted)
    assert line.startswith("of a notebook: loaded, trained on ") and line.endswith(" s")
    assert not [out for out in first if any("widget" in kind for kind in out.get("data", {}))]


def test_interrupting_the_kernel_keeps_what_was_done(monkeypatch):
    monkeypatch.delenv("TQDM_DISABLE")
    monkeypatch.setenv("PYTHONPATH", os.getcwd())
    manager, client = start_new_kernel(cwd=os.getcwd())
    try:
        client.execute_interactive(SETUP, timeout=60)
        long = TRAIN.replace("epochs=2", "steps=10**7, validate=measure").replace("print(", "print(history.stopped, ")
        request = client.execute("def measure(model): print('trains', flush=True); return 0.0\n" + long)
        heard = wait_for(client, request, "trains")
        time.sleep(0.5)  # the bar is drawn ten times a second
        manager.interrupt_kernel()
        heard += wait_for(client, request, None)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    outputs = [message["content"] for message in heard]
    assert not [content for content in outputs if "traceback" in content]
    text = "".join(content.get("text", "") for content in outputs).replace("trains\n", "")
    said = [content["data"]["text/plain"] for content in outputs if content.get("metadata") == {"course": "transient"}]
    assert text.split()[:2] == ["interrupted", "kept"]
    *bars, last_bar, sentence = said
    assert all(bar.startswith("of a notebook:   0%|") for bar in bars if bar)
    assert any("step/s, loss " in bar for bar in bars)
    assert last_bar == ""
    assert sentence.startswith("of a notebook: interrupted after step ") and "it goes on from here" in sentence


def wait_for(client, request: str, text: str | None) -> list[dict]:
    """The messages of a request until a text is printed, or until the cell ends."""
    heard = []
    while True:
        try:
            message = client.get_iopub_msg(timeout=60)
        except queue.Empty:
            raise AssertionError(f"nothing more came; so far: {heard}") from None
        if message["parent_header"].get("msg_id") != request:
            continue
        heard.append(message)
        content = message["content"]
        if content.get("execution_state") == "idle" or (text and text in content.get("text", "")):
            return heard


# Shipped models


def save(path: Path, model: nn.Module | None = None) -> nn.Module:
    torch.manual_seed(0)
    model = model or nn.LSTM(2, 3)
    scores = {"accuracy": 0.975, "steps": 300}
    config = {"input_size": 2, "hidden_size": 3}
    save_model(path, model, config=config, vocabulary=["<pad>", "ça", "not"], made_by="make models", scores=scores)
    return model


def test_a_shipped_model_comes_back_exactly(tmp_path):
    path = tmp_path / "models" / "reader.safetensors"
    model = save(path)
    saved = load_model(path)
    assert_close(saved.state_dict, dict(model.state_dict()), rtol=0, atol=0)
    assert (saved.vocabulary, saved.made_by) == (["<pad>", "ça", "not"], "make models")
    assert (saved.config, saved.scores) == ({"input_size": 2, "hidden_size": 3}, {"accuracy": 0.975, "steps": 300})
    nn.LSTM(**saved.config).load_state_dict(saved.state_dict)
    sidecar = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    assert {"sha256", "made", "course", "torch", "made_by"} <= sidecar.keys()
    assert sorted(file.name for file in path.parent.iterdir()) == ["reader.json", "reader.safetensors"]


def test_transposed_and_shared_weights_are_saved_as_they_are(tmp_path):
    model = nn.Linear(3, 2)
    model.weight = nn.Parameter(torch.arange(6.0).view(3, 2).T)
    model.twin = nn.Parameter(model.weight)
    save(tmp_path / "odd.safetensors", model)
    saved = load_model(str(tmp_path / "odd.safetensors")).state_dict
    assert_close(saved["weight"], torch.tensor([[0.0, 2.0, 4.0], [1.0, 3.0, 5.0]]))
    assert_close(saved["twin"], saved["weight"])


def test_saving_again_gives_the_same_bytes(tmp_path):
    save(tmp_path / "a.safetensors"), save(tmp_path / "b.safetensors")
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def remove(path: Path):
    path.unlink()


def change_a_weight(path: Path):
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


def cut(path: Path):
    path.write_bytes(path.read_bytes()[:-7])


def another_sidecar(path: Path):
    path.write_text(path.read_text().replace('"sha256": "', '"sha256": "0'))


def without_scores(path: Path):
    path.write_text(path.read_text().replace('"scores"', '"points"'))


@pytest.mark.parametrize(
    "file, damage, says",
    [
        ("reader.safetensors", remove, "reader.safetensors cannot be read (No such file or directory)"),
        ("reader.json", remove, "reader.json cannot be read (No such file or directory)"),
        ("reader.safetensors", change_a_weight, "reader.safetensors is not the file that reader.json describes"),
        ("reader.safetensors", cut, "reader.safetensors is not the file that reader.json describes"),
        ("reader.json", another_sidecar, "reader.safetensors is not the file that reader.json describes"),
        ("reader.json", cut, "reader.json is damaged"),
        ("reader.json", without_scores, "reader.json is damaged"),
    ],
)
def test_a_damaged_model_is_not_loaded(file, damage, says, tmp_path):
    save(tmp_path / "reader.safetensors")
    damage(tmp_path / file)
    with pytest.raises(CheckpointError) as caught:
        load_model(tmp_path / "reader.safetensors")
    assert says in str(caught.value) and f"`git checkout -- {tmp_path}` brings the model back" in str(caught.value)
    readable = file.endswith(".safetensors") or damage is another_sidecar
    assert ("`make models` makes it anew" in str(caught.value)) == readable
    assert "\n" not in str(caught.value)


def test_a_model_that_cannot_be_described_leaves_the_old_one(tmp_path):
    path = tmp_path / "reader.safetensors"
    save(path)
    old = path.read_bytes()
    with pytest.raises(TypeError):
        save_model(path, nn.Linear(1, 1), config={"device": object()}, vocabulary=None, made_by="", scores={})
    assert path.read_bytes() == old and load_model(path)
    with pytest.raises(ValueError, match=r"ends in \.safetensors, and 'reader\.pt' does not"):
        save(tmp_path / "reader.pt")
