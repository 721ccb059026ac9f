"""`course doctor`: is everything here that the workbook needs, and if not, what is to be done."""

import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import click
from packaging.requirements import Requirement

from course_lib.notebooks.files import NotebookError, find_notebooks
from course_lib.paths import cache_folder, progress_file, repository

AGAIN = "Remove the folder .venv and run python3 make_env.py."
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROME_ON_MACOS = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"


@dataclass(frozen=True)
class Finding:
    """What one check found: good, or what to do; `needed` is False for what the workbook can do without."""

    good: bool
    says: str
    needed: bool = True


@click.command()
def doctor() -> None:
    """Check that everything the workbook needs is here.

    The exit status is 1 where something is missing that it cannot do without.
    """
    findings = list(examine())
    for finding in findings:
        click.echo(f"{'ok  ' if finding.good else 'FAIL' if finding.needed else 'none'}  {finding.says}")
    if any(finding.needed and not finding.good for finding in findings):
        raise SystemExit(1)


def examine() -> Iterator[Finding]:
    """Each check in turn."""
    checks: tuple[Callable[[], Finding], ...] = (
        check_python, check_versions, check_widgets, check_kernel, check_notebooks,
        lambda: check_writable("progress", progress_file().parent, "COURSE_PROGRESS"),
        lambda: check_writable("trained models", cache_folder(), "COURSE_CACHE"),
        check_device, check_chromium,
    )  # fmt: skip
    for check in checks:
        yield check()


def check_python() -> Finding:
    """The Python is one that the workbook was tested with."""
    here = f"Python {sys.version.split()[0]} in {sys.prefix}"
    good = (3, 11) <= sys.version_info[:2] <= (3, 13)
    return Finding(good, here if good else f"{here}; tested with 3.11 to 3.13: make lab PYTHON=python3.12")


def check_versions() -> Finding:
    """What is installed is what requirements.txt pins."""
    pins = [pin for line in _pins(repository() / "requirements.txt") if _applies(pin := Requirement(line))]
    other = [f"{pin.name} {_installed(pin.name)}" for pin in pins if not _satisfied(pin)]
    if other:
        return Finding(False, f"other versions than in requirements.txt: {', '.join(other)}. {AGAIN}")
    return Finding(True, f"{len(pins)} packages as in requirements.txt, among them torch {version('torch')}")


def check_widgets() -> Finding:
    """JupyterLab has the extension that shows widgets, in the version that ipywidgets asks for."""
    from importlib.metadata import requires

    asked = next(Requirement(line) for line in requires("ipywidgets") or [] if line.startswith("jupyterlab_widgets"))
    there = _installed(asked.name)
    extension = Path(sys.prefix, "share", "jupyter", "labextensions", "@jupyter-widgets", "jupyterlab-manager")
    if not asked.specifier.contains(there) or not (extension / "package.json").exists():
        return Finding(False, f"widgets will not show: {asked} is wanted, {there} is there. {AGAIN}")
    return Finding(True, f"widgets: ipywidgets {version('ipywidgets')} with jupyterlab_widgets {there}")


def check_kernel() -> Finding:
    """The notebooks' kernel is this environment's Python."""
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    try:
        program = KernelSpecManager().get_kernel_spec("python3").argv[0]
    except NoSuchKernel:
        return Finding(False, f"there is no kernel python3. {AGAIN}")
    own = not os.path.isabs(program) or Path(program).parent == Path(sys.executable).parent
    return Finding(own, "kernel python3" if own else f"the kernel python3 is another Python: {program}. {AGAIN}")


def check_notebooks() -> Finding:
    """There are notebooks."""
    try:
        return Finding(True, f"{len(find_notebooks())} notebooks")
    except NotebookError as problem:
        return Finding(False, f"{problem.message} Get the workbook again.")


def check_writable(what: str, folder: Path, variable: str) -> Finding:
    """Something can be kept in this folder."""
    place = next(path for path in (folder, *folder.parents) if path.exists())
    if place.is_dir() and os.access(place, os.W_OK):
        return Finding(True, f"{what} can be kept in {folder}")
    return Finding(False, f"no right to keep {what} in {folder}. Set {variable} to a place of your own.")


def check_device() -> Finding:
    """Where models are trained."""
    from course_lib.device import device

    try:
        kind = device().type
    except ValueError as problem:  # COURSE_DEVICE names what is not here
        return Finding(False, str(problem))
    return Finding(kind != "cpu", f"GPU: {kind}" if kind != "cpu" else "no GPU: everything runs without", needed=False)


def check_chromium() -> Finding:
    """A browser for the browser tests."""
    path = find_chromium()
    return Finding(bool(path), path or "no Chromium: the browser tests are skipped", needed=False)


def find_chromium() -> str | None:
    """Where a Chromium is that playwright can drive."""
    found = (shutil.which(name) for name in CHROMIUM)
    return next(filter(None, found), CHROME_ON_MACOS if os.path.exists(CHROME_ON_MACOS) else None)


def _pins(path: Path) -> list[str]:
    lines = (re.sub(r"\s*#.*", "", line).strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line]


def _applies(pin: Requirement) -> bool:
    return pin.marker is None or pin.marker.evaluate()


def _satisfied(pin: Requirement) -> bool:
    return pin.specifier.contains(_installed(pin.name), prereleases=True)


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "0"  # sorts below every pin
