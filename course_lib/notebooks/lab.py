"""`course lab`: the workbook in JupyterLab, by the configuration in `jupyter/`, apart from the user's own settings."""

import os
import sys
from pathlib import Path

import click

from course_lib.notebooks.files import NotebookError, notebooks_folder
from course_lib.notebooks.kernel import path_with_commands
from course_lib.paths import repository

START_PAGE = "00_start_here.ipynb"


@click.command()
@click.option("--notebooks", type=click.Path(file_okay=False, path_type=Path), help="Open another folder.")
@click.argument("arguments", nargs=-1, metavar="[-- ARGUMENTS FOR JUPYTERLAB]")
def lab(notebooks: Path | None, arguments: tuple[str, ...]) -> None:
    """Open the workbook in JupyterLab, on its start page.

    Whatever follows -- goes to JupyterLab, for example: course lab -- --no-browser --port 9999
    """
    configuration = lab_arguments(notebooks or notebooks_folder())
    state = repository() / ".jupyter-state"
    try:
        set_apart(state)
    except OSError as problem:
        raise NotebookError(f"JupyterLab cannot keep its state in {state}: {problem.strerror}.") from problem
    os.environ["PATH"] = path_with_commands()
    from jupyterlab.labapp import main  # only now: it reads where settings are kept when it is imported

    sys.exit(main([*configuration, *arguments]))


def lab_arguments(notebooks: Path) -> list[str]:
    """JupyterLab's arguments: the chapters at the left, the start page open, the workbook's own default settings.

    Raises:
        NotebookError: there is no such folder.
    """
    if not notebooks.is_dir():
        raise NotebookError(f"There is no folder {notebooks}.")
    page = f"/tree/{START_PAGE}" if (notebooks / START_PAGE).exists() else ""
    return [
        f"--ServerApp.root_dir={notebooks.resolve()}",
        f"--LabApp.default_url=/lab{page}",
        f"--LabApp.app_settings_dir={repository() / 'jupyter' / 'settings'}",
    ]


def set_apart(state: Path) -> None:
    """Let JupyterLab keep settings and layouts in this folder, unless the environment names others.

    Raises:
        OSError: nothing can be written there.
    """
    for variable, name in (("JUPYTERLAB_SETTINGS_DIR", "settings"), ("JUPYTERLAB_WORKSPACES_DIR", "workspaces")):
        folder = Path(os.environ.setdefault(variable, str(state / name)))
        folder.mkdir(parents=True, exist_ok=True)
    configurations = [str(repository() / "jupyter"), os.environ.get("JUPYTER_CONFIG_PATH", "")]
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(filter(None, configurations))
