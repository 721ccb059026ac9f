"""A real browser before a real JupyterLab, started as `course lab` starts it, on a copy of the notebooks."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress

import pytest

from course_lib.notebooks.doctor import find_chromium
from course_lib.notebooks.files import notebooks_folder
from course_lib.paths import repository

SWITCHES = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
SECONDS_TO_START = 90
HARMLESS = "Could not restore the debugger state"  # said when a page is closed before its kernel has answered


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """The address of a JupyterLab that `course lab` has opened."""
    folder, state = tmp_path_factory.mktemp("workbook") / "notebooks", tmp_path_factory.mktemp("state")
    shutil.copytree(notebooks_folder(), folder, ignore=shutil.ignore_patterns(".*"))
    port, log = free_port(), state / "log"
    env = os.environ | {
        "COURSE_PROGRESS": str(state / "progress.json"),
        "JUPYTERLAB_SETTINGS_DIR": str(state / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(state / "workspaces"),
    }
    command = [sys.executable, "-m", "course_lib.cli", "lab", "--notebooks", str(folder), "--", "--no-browser"]
    command += [f"--port={port}", "--ServerApp.port_retries=0", "--IdentityProvider.token=", "--allow-root"]
    command += ["--LabApp.expose_app_in_browser=True"]  # so that a test can wait for the end of a command
    with open(log, "wb") as file:
        server = subprocess.Popen(command, env=env, stdout=file, stderr=subprocess.STDOUT)
    address, deadline = f"http://127.0.0.1:{port}", time.monotonic() + SECONDS_TO_START
    try:
        while time.monotonic() < deadline and server.poll() is None:
            with suppress(OSError):
                urllib.request.urlopen(f"{address}/api", timeout=1).read()
                break
            time.sleep(0.2)
        else:
            pytest.fail(f"JupyterLab did not start:\n{log.read_text()}")
        yield address
    finally:
        server.terminate()  # it ends its kernels
        with suppress(subprocess.TimeoutExpired):
            server.wait(20)


@pytest.fixture(scope="session")
def browser():
    """Chromium, without a window."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = find_chromium()
    if not chromium:
        pytest.skip("no Chromium here")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=chromium, args=SWITCHES)
        yield browser
        browser.close()


@pytest.fixture
def page(browser, request):
    """A page; whatever its console calls an error fails the test, and its last sight is kept in build/browser."""
    page = browser.new_page(viewport={"width": 1300, "height": 1250}, device_scale_factor=2)
    errors = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    page.screenshot(path=repository() / "build" / "browser" / f"{request.node.name}.png")
    page.close()
    assert [error for error in errors if HARMLESS not in error] == []
