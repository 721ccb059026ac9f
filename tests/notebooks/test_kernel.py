"""Commands in cells: `!course` is found although the environment was never activated."""

import os
import sys
from pathlib import Path
from types import SimpleNamespace

from course_lib import __version__
from course_lib.notebooks.files import read_notebook
from course_lib.notebooks.kernel import path_with_commands
from tests.notebooks.making import code, course, save

OURS = str(Path(sys.executable).parent)
BARE = os.pathsep.join(folder for folder in os.defpath.split(os.pathsep) if folder != OURS)


def test_our_commands_come_first_and_once(monkeypatch):
    monkeypatch.setenv("PATH", BARE)
    once = path_with_commands()
    assert once == os.pathsep.join([OURS, BARE])
    monkeypatch.setenv("PATH", once)
    assert path_with_commands() == once
    monkeypatch.delenv("PATH")
    assert path_with_commands().split(os.pathsep)[0] == OURS


def test_course_is_found_in_a_cell(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", BARE)
    path = save(tmp_path / "01_small" / "1.1_command.ipynb", code("!course --version", id="a"))
    done = course("run", path, "--build", tmp_path / "build")
    assert done.exit_code == 0, done.output
    (output,) = read_notebook(tmp_path / "build" / "01_small" / "1.1_command.ipynb").cells[-1].outputs
    assert output.text.strip() == f"course, version {__version__}"
    assert os.environ["PATH"] == BARE


def test_lab_hands_our_commands_to_its_kernels(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", BARE)
    for name in ("JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR", "JUPYTER_CONFIG_PATH"):
        monkeypatch.setenv(name, str(tmp_path / name))
    seen = []
    server = SimpleNamespace(main=lambda arguments: seen.append(os.environ["PATH"]))
    monkeypatch.setitem(sys.modules, "jupyterlab.labapp", server)
    course("lab", "--notebooks", tmp_path)
    assert seen == [os.pathsep.join([OURS, BARE])]
