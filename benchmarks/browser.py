"""From a key pressed on the gate explorer's slider to the new picture, in JupyterLab in headless Chromium.

The peer stands in the same notebook: a bare ipywidgets slider that writes its value into a label, which is what the
front end, the server and the kernel take without any picture.

    python benchmarks/browser.py
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median

import nbformat
from timing import load, report, set_apart

MOVES = 20  # the slider's steps from 0 to 1: each a clamp that was not seen before
CELL = """
import ipywidgets
from course_lib import start
from course_lib.recurrent.explorers.gates import GateExplorer, opening_state
start()
slider, label = ipywidgets.IntSlider(), ipywidgets.HTML("<b>0</b>")
slider.add_class("bare-slider"), label.add_class("bare-label")
slider.observe(lambda change: setattr(label, "value", f"<b>{change['new']}</b>"), "value")
display(ipywidgets.VBox([slider, label]), GateExplorer(**opening_state(), clamp="forget", value=0.0))
"""
WATCH = """([slider, shown]) => {
    const times = [], watched = document.querySelector(shown);
    let pressed = null;
    document.querySelector(slider).addEventListener('keydown', () => { pressed = performance.now(); }, true);
    new MutationObserver(() => {
        if (pressed === null) return;
        const from = pressed, changed = performance.now() - from;
        pressed = null;
        Promise.resolve(watched.decode?.()).then(() => times.push([changed, performance.now() - from]));
    }).observe(watched, {attributes: true, attributeFilter: ['src'], childList: true, subtree: true});
    (window.waits ??= {})[slider] = times;
}"""


@contextmanager
def jupyterlab(folder: Path) -> Iterator[str]:
    """JupyterLab as `course lab` opens it, on `folder/notebooks`; yields its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = ["--no-browser", "--allow-root", f"--port={port}", "--ServerApp.port_retries=0",
                 "--IdentityProvider.token=", "--LabApp.expose_app_in_browser=True"]  # fmt: skip
    command = [Path(sys.executable).with_name("course"), "lab", "--notebooks", folder / "notebooks", "--", *arguments]
    os.environ["JUPYTERLAB_SETTINGS_DIR"] = os.environ["JUPYTERLAB_WORKSPACES_DIR"] = str(folder)
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        for _ in range(120):
            with suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/api", timeout=1).read()
                break
            time.sleep(0.5)
        else:
            raise SystemExit("JupyterLab did not start within a minute, so nothing was measured in the browser.")
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(server.pid, signal.SIGTERM)  # the server and the kernels it started
        with suppress(subprocess.TimeoutExpired):
            server.wait(10)


def measure(page) -> dict[str, list[tuple[float, float]]]:
    """Milliseconds until the change, and until it is decoded, of each move of each slider; the two take turns."""
    sliders = {".course-control-value .noUi-handle": "img.course-picture", ".bare-slider .noUi-handle": ".bare-label"}
    for slider, shown in sliders.items():
        page.wait_for_selector(slider, timeout=120_000)
        page.evaluate(WATCH, [slider, shown])
    page.wait_for_timeout(1000)
    for move in range(MOVES):
        for slider in sliders:
            page.focus(slider)
            page.keyboard.press("ArrowRight")
            page.wait_for_function("([slider, n]) => window.waits[slider].length > n", arg=[slider, move])
            page.wait_for_timeout(100)
    return page.evaluate("window.waits")


def main() -> None:
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if not chromium:
        print("There is no Chromium on the PATH, so nothing was measured in the browser.")
        return
    from playwright.sync_api import sync_playwright

    with set_apart() as folder:
        (folder / "notebooks").mkdir()
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
        nbformat.write(notebook, folder / "notebooks" / "moves.ipynb")
        with jupyterlab(folder) as url, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
            page = browser.new_page(viewport={"width": 1200, "height": 1000})
            page.goto(f"{url}/doc/tree/moves.ipynb", wait_until="domcontentloaded")
            page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
            page.wait_for_timeout(3000)
            page.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells')")
            times = measure(page)
    (changed, decoded), (bare, _) = ([median(each) for each in zip(*moves, strict=True)] for moves in times.values())
    print(f"Medians of {MOVES} keys pressed; {load()}\n")
    report("slider to new picture in JupyterLab", changed, "ms", target=120, aim=60,
           note=f"{changed / bare:.1f} × a bare slider and label, which take {bare:.0f} ms")  # fmt: skip
    report("slider to picture decoded", decoded, "ms", note="ready to be painted")


if __name__ == "__main__":
    main()
