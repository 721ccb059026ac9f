"""Executing notebooks with papermill, and finding every error that this leaves, those inside widgets included."""

import contextlib
import html
import multiprocessing
import os
import re
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import nbconvert
import papermill
from nbformat import NotebookNode
from tqdm import tqdm
from traitlets.config import Config

from course_lib.notebooks.files import NotebookError, notebooks_folder, read_notebook
from course_lib.notebooks.kernel import path_with_commands
from course_lib.notebooks.tidy import tidy
from course_lib.paths import write_atomically

WIDGET_STATE = "application/vnd.jupyter.widget-state+json"
ERROR_IN_HTML = re.compile(r"""<(\w+)[^>]*\bclass=["'][^"']*\bcourse-error\b[^>]*>(.*?)</\1>""", re.DOTALL)


@dataclass
class Outcome:
    """What became of one notebook.

    Attributes:
        notebook: the file that was executed.
        seconds: how long that took, the kernel's start included.
        problems: what failed, one sentence each; empty if nothing did.
        executed: the notebook with its new outputs; None where it could not be read.
    """

    notebook: Path
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)
    executed: NotebookNode | None = None


def execute_all(
    notebooks: list[Path], build: Path, profile: str = "quick", seed: int = 0, jobs: int = 1
) -> Iterator[Outcome]:
    """Execute notebooks in their order, going on after one that fails.

    Args:
        notebooks: the files; they are not changed.
        build: a folder; each notebook is left there executed, in its chapter, with an HTML page beside it.
        profile: quick, study or gpu.
        seed: of all randomness.
        jobs: notebooks at a time; several run in processes of their own.
    """
    outputs = [build / _chapter(path) / path.name for path in notebooks]
    jobs = min(jobs, len(notebooks))
    work = partial(execute, profile=profile, seed=seed, cells_bar=jobs == 1)
    with contextlib.ExitStack() as stack:
        run = map  # a second process takes seconds to start
        if jobs > 1:
            run = stack.enter_context(ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"))).map
        yield from tqdm(run(work, notebooks, outputs), total=len(notebooks), unit="notebook", dynamic_ncols=True)


def _chapter(notebook: Path) -> str:
    """The folder that holds this notebook's chapter; none for those that belong to no chapter."""
    return "" if notebook.parent == notebooks_folder() else notebook.resolve().parent.name


def execute(
    notebook: Path,
    output: Path,
    profile: str = "quick",
    seed: int = 0,
    timeout: int | None = None,
    folder: Path | None = None,
    cells_bar: bool = True,
) -> Outcome:
    """Execute one notebook, apart from the learner's progress.

    Args:
        notebook: the file; it is not changed.
        output: where the executed notebook goes; an HTML page goes beside it.
        profile: quick, study or gpu.
        seed: of all randomness.
        timeout: seconds that one cell may take.
        folder: where the kernel runs, by default the notebook's own folder.
        cells_bar: show how many cells are done.
    """
    outcome, started = Outcome(notebook), time.perf_counter()
    output.parent.mkdir(parents=True, exist_ok=True)
    output.unlink(missing_ok=True)
    try:
        source = read_notebook(notebook)
        with _kernel_surroundings():
            papermill.execute_notebook(
                source,
                _literal(output),
                {"profile": profile, "seed": seed},
                cwd=str((folder or notebook.parent).resolve()),
                kernel_name="python3",
                language="python",
                progress_bar=cells_bar and {"desc": "  cells", "leave": False, "position": 1, "dynamic_ncols": True},
                execution_timeout=timeout,
                config=Config(KernelManager={"transport_encryption": "auto"}),  # else the kernel warns on the terminal
            )
    except NotebookError as problem:
        outcome.problems.append(problem.message)
        return outcome
    except papermill.PapermillExecutionError:
        pass  # it stands in the outputs, where `problems_in` finds it
    except Exception as problem:  # a kernel that died or a cell past its time: the notebooks after this one still run
        outcome.problems.append(f"{type(problem).__name__}: {problem}".strip().partition("\n")[0])
    outcome.seconds = time.perf_counter() - started
    if not output.exists():
        return outcome
    outcome.executed = read_notebook(output)
    outcome.problems += problems_in(outcome.executed)
    write_atomically(output.with_suffix(".html"), _page(outcome.executed, notebook.stem))
    return outcome


def problems_in(notebook: NotebookNode) -> list[str]:
    """Every error in the outputs of an executed notebook or in the last state of its widgets.

    What a widget's callback raises appears in no output: explorers put it into their HTML, and it is found there.
    """
    problems = []
    for cell in notebook.cells:
        name = cell.source.strip().partition("\n")[0]
        problems += [f"cell «{name}»: {problem}" for problem in _errors(cell.get("outputs", []))]
    for widget in notebook.metadata.get("widgets", {}).get(WIDGET_STATE, {}).get("state", {}).values():
        kind = widget.get("model_name", "widget").removesuffix("Model")
        problems += [f"widget «{kind}»: {problem}" for problem in _errors(widget.get("state", {}))]
    return problems


def _errors(found: object) -> Iterator[str]:
    """The errors in outputs or in a widget's state, however deep they lie."""
    if isinstance(found, dict):
        if found.get("output_type") == "error":
            yield f"{found['ename']}: {found['evalue']}".partition("\n")[0]
        else:
            for value in found.values():
                yield from _errors(value)
    elif isinstance(found, list | tuple):
        for value in found:
            yield from _errors(value)
    elif isinstance(found, str):
        for match in ERROR_IN_HTML.finditer(found):
            yield html.unescape(re.sub(r"<[^>]+>", "", match[2])).strip()


@contextlib.contextmanager
def _kernel_surroundings() -> Iterator[None]:
    """What the kernel inherits: our commands, a progress file that is thrown away, no progress bars in the outputs."""
    with tempfile.TemporaryDirectory() as folder:
        ours = {
            "COURSE_PROGRESS": str(Path(folder, "progress.json")),
            "PATH": path_with_commands(),
            "TQDM_DISABLE": "1",
        }
        before = {name: os.environ.get(name) for name in ours}
        os.environ.update(ours)
        try:
            yield
        finally:
            for name, value in before.items():
                os.environ.pop(name)
                if value is not None:
                    os.environ[name] = value


def _literal(path: Path) -> str:
    """A path that papermill takes as it is: it fills in whatever stands in braces."""
    return str(path.resolve()).replace("{", "{{").replace("}", "}}")


def _page(notebook: NotebookNode, title: str) -> str:
    """The notebook as one HTML page that needs no kernel; formulas are set by MathJax, where there is a network."""
    page = tidy(notebook)
    page.metadata.title = title
    text = nbconvert.HTMLExporter().from_notebook_node(page)[0]
    return re.sub(r'href="(?!\w+:)([^"#]+)\.ipynb\b', r'href="\1.html', text)  # links lead to the other pages
