"""`course lab`: the workbook in JupyterLab, with the settings in `jupyter/` and none of them in the user's own."""

import os
import shutil
import sys
from pathlib import Path

import click

from course_lib.notebooks.files import NotebookError, notebooks_folder
from course_lib.paths import repository

START_PAGE = "00_start_here.ipynb"


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("--notebooks", type=click.Path(file_okay=False, path_type=Path), help="Open another folder.")
@click.argument("arguments", nargs=-1, metavar="[-- ARGUMENTS FOR JUPYTERLAB]")
def lab(notebooks: Path | None, arguments: tuple[str, ...]) -> None:
    """Open the workbook in JupyterLab, on its start page.

    Whatever follows -- goes to JupyterLab, for example: course lab -- --no-browser --port 9999
    """
    from jupyterlab.labapp import main  # here, so that the command's help comes at once

    state = repository() / ".jupyter-state"
    try:
        _set_apart(state)
    except OSError as problem:
        raise NotebookError(f"JupyterLab needs to keep its state in {state.name}/: {problem.strerror}.") from problem
    sys.exit(main([*lab_arguments(notebooks or notebooks_folder(), state), *arguments]))


def lab_arguments(notebooks: Path, state: Path) -> list[str]:
    """JupyterLab's arguments: chapters at the left, the start page open, layouts kept in the workbook's own folder."""
    if not notebooks.is_dir():
        raise NotebookError(f"There is no folder {notebooks}.")
    page = f"/tree/{START_PAGE}" if (notebooks / START_PAGE).exists() else ""
    return [
        f"--ServerApp.root_dir={notebooks.resolve()}",
        f"--LabApp.default_url=/lab{page}",
        f"--LabApp.app_settings_dir={repository() / 'jupyter' / 'settings'}",
        f"--LabApp.user_settings_dir={state / 'settings'}",
        f"--LabApp.workspaces_dir={state / 'workspaces'}",
    ]


def _set_apart(state: Path) -> None:
    """Keep what JupyterLab stores here; begin with a copy of the user's own settings, such as a dark theme."""
    from jupyterlab.commands import get_user_settings_dir

    own = Path(get_user_settings_dir())
    if own.is_dir() and not (state / "settings").exists():
        shutil.copytree(own, state / "settings")
    state.mkdir(exist_ok=True)
    paths = [str(repository() / "jupyter"), os.environ.get("JUPYTER_CONFIG_PATH", "")]
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(filter(None, paths))
