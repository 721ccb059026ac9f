"""The `course` command: it starts at once, explains itself, and says what went wrong."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from course_lib import cli
from course_lib.notebooks import doctor, lab
from course_lib.notebooks.files import NotebookError, answers_in, right_answers
from tests.notebooks.making import code, course, save


def test_help_names_every_command_and_imports_nothing_heavy():
    show_loaded = (
        "import sys, course_lib.cli as cli; cli.main(['-h'], standalone_mode=False); sys.exit(str([*sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", show_loaded], capture_output=True, text=True)
    loaded = set(ast.literal_eval(done.stderr))
    assert "click" in loaded
    assert not loaded & {"torch", "numpy", "matplotlib", "jupyterlab", "papermill", "nbformat", "ipywidgets"}
    assert all(f"  {name} " in done.stdout for name in cli.COMMANDS)


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_each_command_explains_itself(name):
    said = course(name, "--help")
    assert said.exit_code == 0, said.output
    assert "Usage:" in said.output


def test_an_unknown_command():
    assert "No such command 'gade'" in course("gade").output


def test_solution_shows_the_right_answer():
    exercise, answer = next(iter(right_answers().items()))
    assert course("solution", exercise).output == answer
    wrong = course("solution", exercise[:-1])
    assert wrong.exit_code == 1
    assert f"Did you mean {exercise}" in wrong.output


def test_blocks_of_answers():
    text = "# exercise: a.b\nx = 1\n\n\n# exercise: a.c\n# a comment\ny = 2\n"
    assert answers_in(text) == {"a.b": "# exercise: a.b\nx = 1\n", "a.c": "# exercise: a.c\n# a comment\ny = 2\n"}


def test_progress(progress_path):
    assert "Nothing done yet" in course("progress").output


def test_doctor_finds_this_environment_fit():
    assert [finding.says for finding in doctor.examine() if finding.needed and not finding.good] == []
    assert course("doctor").exit_code == 0


def test_doctor_says_what_to_do(monkeypatch, tmp_path):
    pins = "torch==1.0.0\nnot-there==2.0  # a comment\nabsent==1.0; python_version < '3'\n"
    (tmp_path / "requirements.txt").write_text(pins)
    monkeypatch.setattr(doctor, "repository", lambda: tmp_path)
    finding = doctor.check_versions()
    assert not finding.good
    assert "torch 2" in finding.says
    assert "not-there 0" in finding.says
    assert "absent" not in finding.says
    assert "make_env.py" in finding.says
    blocked = tmp_path / "a-file"
    blocked.touch()
    assert "Set COURSE_CACHE" in doctor.check_writable("trained models", blocked / "cache", "COURSE_CACHE").says


def test_lab_keeps_to_its_own_folder(tmp_path, monkeypatch):
    for name in ("JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR", "JUPYTER_CONFIG_PATH"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    state = tmp_path / "state"
    lab.set_apart(state)
    assert os.environ["JUPYTERLAB_SETTINGS_DIR"] == str(state / "settings")
    assert os.environ["JUPYTERLAB_WORKSPACES_DIR"] == str(state / "workspaces")
    assert Path(os.environ["JUPYTER_CONFIG_PATH"], "jupyter_lab_config.json").exists()


def test_lab_without_the_right_to_write(tmp_path, monkeypatch):
    (tmp_path / "a-file").touch()
    monkeypatch.setattr(lab, "repository", lambda: tmp_path / "a-file")
    monkeypatch.setenv("JUPYTERLAB_SETTINGS_DIR", str(tmp_path / "a-file" / "settings"))
    done = course("lab", "--notebooks", tmp_path)
    assert done.exit_code == 1
    assert "JupyterLab cannot keep its state" in done.output


def test_lab_opens_the_start_page(tmp_path):
    save(tmp_path / lab.START_PAGE, code("1", id="a"))
    arguments = lab.lab_arguments(tmp_path)
    assert f"--ServerApp.root_dir={tmp_path}" in arguments
    assert "--LabApp.default_url=/lab/tree/00_start_here.ipynb" in arguments
    with pytest.raises(NotebookError, match="There is no folder"):
        lab.lab_arguments(tmp_path / "nowhere")


def test_jupyters_configuration_is_json():
    folder = Path(cli.__file__).parents[1] / "jupyter"
    overrides = json.loads((folder / "settings" / "overrides.json").read_text())
    assert overrides["@jupyterlab/apputils-extension:notification"]["fetchNews"] == "false"
    assert json.loads((folder / "jupyter_lab_config.json").read_text())["LabApp"]["news_url"] == ""
