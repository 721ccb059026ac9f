"""make_env.py: when it does nothing, what it repairs, and the sentence for everything that can be in the way."""

import ast
import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import make_env

SOURCE = Path(make_env.__file__)


@pytest.fixture
def workbook(tmp_path, monkeypatch):
    """A folder with a workbook's two files; commands are recorded instead of run, and `venv` makes an empty one."""
    for name in ("requirements.txt", "pyproject.toml"):
        shutil.copy(SOURCE.with_name(name), tmp_path / name)
    monkeypatch.delenv("TORCH", raising=False)
    commands = []

    def run(command, quiet=False):
        commands.append(command)
        if command[1:3] == ["-m", "venv"]:
            python = Path(make_env.python_in(command[3]))
            python.parent.mkdir(parents=True)
            python.touch()
        return workbook.answers.pop(0) if workbook.answers and "install" in command else (0, "")

    workbook = SimpleNamespace(root=str(tmp_path), venv=tmp_path / ".venv", commands=commands, answers=[])
    monkeypatch.setattr(make_env, "run", run)
    return workbook


def installs(workbook):
    return [command for command in workbook.commands if "install" in command]


def test_the_second_start_runs_nothing(workbook):
    make_env.make(workbook.root)
    assert len(installs(workbook)) == 2
    workbook.commands.clear()
    make_env.make(workbook.root)
    assert workbook.commands == []
    assert make_env.check(workbook.root) == "The environment in .venv is complete."


def test_a_second_start_for_real_says_nothing(workbook, monkeypatch):
    make_env.make(workbook.root)
    script = shutil.copy(SOURCE, workbook.root)
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_changed_requirements_are_installed_into_the_same_environment(workbook):
    make_env.make(workbook.root)
    workbook.commands.clear()
    with open(os.path.join(workbook.root, "requirements.txt"), "a") as file:
        file.write("# another line\n")
    make_env.make(workbook.root)
    assert len(installs(workbook)) == 2
    assert not any("venv" in command for command in workbook.commands)


def test_an_install_that_was_cut_off_starts_anew_and_remembers_torch(workbook, monkeypatch):
    def cut_off(command, quiet=False):
        raise KeyboardInterrupt

    monkeypatch.setenv("TORCH", "cpu")
    whole_run = make_env.run
    make_env.create(str(workbook.venv))
    monkeypatch.setattr(make_env, "usable", lambda venv: True)
    monkeypatch.setattr(make_env, "run", cut_off)
    with pytest.raises(KeyboardInterrupt):
        make_env.make(workbook.root)
    monkeypatch.undo()
    monkeypatch.delenv("TORCH", raising=False)
    monkeypatch.setattr(make_env, "run", whole_run)
    left_over = workbook.venv / "half-installed"
    left_over.touch()

    make_env.make(workbook.root)

    assert not left_over.exists()
    assert json.loads((workbook.venv / "course-stamp.json").read_text())["torch"] == "cpu"


def test_torch_for_the_cpu_comes_from_its_own_index_and_stays(workbook, monkeypatch):
    monkeypatch.setenv("TORCH", "cpu")
    make_env.make(workbook.root)
    first = installs(workbook)[0]
    if sys.platform != "darwin":
        assert first[-1].startswith("torch==")
        assert make_env.CPU_INDEX in first
    monkeypatch.delenv("TORCH")
    workbook.commands.clear()
    make_env.make(workbook.root)
    assert workbook.commands == []


def test_a_moved_workbook_gets_a_new_environment(workbook, tmp_path):
    make_env.make(workbook.root)
    moved = tmp_path.with_name(tmp_path.name + "-moved")
    shutil.copytree(tmp_path, moved)
    workbook.commands.clear()
    make_env.make(str(moved))
    assert any(command[1:3] == ["-m", "venv"] for command in workbook.commands)


def test_another_python_asked_for_by_name_gets_a_new_environment(workbook, monkeypatch):
    make_env.make(workbook.root)
    monkeypatch.setattr(sys, "version_info", (3, 12, 1) if sys.version_info[:2] != (3, 12) else (3, 13, 0))
    workbook.commands.clear()
    make_env.make(workbook.root)
    assert workbook.commands == []  # not asked for: what is there will do
    make_env.make(workbook.root, this_python=True)
    assert any(command[1:3] == ["-m", "venv"] for command in workbook.commands)


def failure(workbook):
    with pytest.raises(make_env.Failure) as caught:
        make_env.make(workbook.root)
    return str(caught.value)


def test_a_python_too_old(workbook, monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 9, 18))
    monkeypatch.setattr(make_env, "find", lambda name: name if name == "python3.12" else None)
    said = failure(workbook)
    assert "needs Python 3.11, 3.12 or 3.13; this is 3.9.18" in said
    assert "make lab PYTHON=python3.12" in said
    monkeypatch.setattr(make_env, "find", lambda name: None)
    assert "python.org" in failure(workbook)
    assert not workbook.venv.exists()


def test_a_python_too_new_is_tried_with_a_warning(workbook, monkeypatch, capsys):
    monkeypatch.setattr(sys, "version_info", (3, 15, 0))
    make_env.make(workbook.root)
    assert "tested with Python 3.11 to 3.13" in capsys.readouterr().out


def test_no_venv_module(workbook, monkeypatch):
    monkeypatch.setitem(sys.modules, "ensurepip", None)  # what Debian's python3 without python3-venv looks like
    assert "sudo apt install python3." in failure(workbook)


def test_a_full_disk_before_the_install(workbook, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1.2e9))
    said = failure(workbook)
    assert "needs 2.5 GB" in said
    assert "1.2 GB are free" in said
    assert workbook.commands == []


@pytest.mark.parametrize(
    "pip_says, we_say",
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "The disk is full"),
        ("NewConnectionError(...)\nERROR: No matching distribution found for numpy==2.4.6", "Connect to the network"),
        ("WARNING: Connection timed out while downloading.", "Connect to the network"),
        ("ERROR: No matching distribution found for torch==2.13.0", "There is no torch==2.13.0 for Python"),
        ("ERROR: something never seen before", "the lines above say why"),
    ],
)
def test_what_stops_pip(workbook, pip_says, we_say):
    workbook.answers = [(1, pip_says)]
    said = failure(workbook)
    assert we_say in said
    workbook.answers = []
    make_env.make(workbook.root)  # the same command again mends it
    assert json.loads((workbook.venv / "course-stamp.json").read_text())["hash"]


def test_no_network_for_real(tmp_path, monkeypatch):
    """The real pip, and an index that refuses the connection."""
    (tmp_path / "requirements.txt").write_text("a-package-that-we-need==1.0\ntorch==2.13.0\n")
    (tmp_path / "pyproject.toml").write_text("")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("TORCH", "default")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1e12))
    with pytest.raises(make_env.Failure, match="Connect to the network"):
        make_env.make(str(tmp_path))
    assert not Path(make_env.unfinished_mark(str(tmp_path / ".venv"))).exists()  # pip had changed nothing yet


def test_an_unknown_torch(workbook, monkeypatch):
    monkeypatch.setenv("TORCH", "gpu")
    assert "only TORCH=cpu and TORCH=default" in failure(workbook)


@pytest.mark.parametrize("number, says", [(errno.EACCES, "No right to write"), (errno.ENOSPC, "The disk is full")])
def test_files_that_cannot_be_written(monkeypatch, capsys, number, says):
    def make(root, this_python):
        raise OSError(number, "no", "somewhere/.venv")

    monkeypatch.setattr(make_env, "make", make)
    assert make_env.main([]) == 1
    assert says in capsys.readouterr().err


def test_ctrl_c(monkeypatch, capsys):
    def make(root, this_python):
        raise KeyboardInterrupt

    monkeypatch.setattr(make_env, "make", make)
    assert make_env.main([]) == 130
    assert "Run the same command again" in capsys.readouterr().err


def test_an_old_python_gets_as_far_as_being_told():
    """Its grammar must take the file; a real old Python is asked where there is one."""
    ast.parse(SOURCE.read_text(), feature_version=(3, 4))
    for name in ("python3.9", "python3.8", "python2.7"):
        if shutil.which(name):
            done = subprocess.run([name, str(SOURCE), "--check"], capture_output=True, text=True)
            if done.returncode == 1:  # another status is that of a launcher without a Python behind it
                assert "needs Python 3.11" in done.stderr
