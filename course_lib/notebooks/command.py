"""`course run` and `course tidy`."""

import ast
from pathlib import Path

import click
from joblib import cpu_count
from nbformat import NotebookNode

from course_lib.notebooks.execute import Outcome, execute_all
from course_lib.notebooks.files import NotebookError, exercise_of, find_notebooks, read_notebook
from course_lib.notebooks.tidy import as_text, mark_released
from course_lib.notebooks.tidy import tidy as tidied
from course_lib.paths import repository, write_atomically


@click.command()
@click.argument("chapters", nargs=-1, metavar="[CHAPTER]...")
@click.option("--profile", type=click.Choice(["quick", "study", "gpu"]), default="quick", show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--in-place", is_flag=True, help="Also write the notebooks back, ready to be committed.")
@click.option("--build", type=click.Path(file_okay=False, path_type=Path), help="Where results go.  [default: build]")
@click.option("--jobs", type=click.IntRange(min=1), help="Notebooks at a time.  [default: one a core]")
def run(
    chapters: tuple[str, ...], profile: str, seed: int, in_place: bool, build: Path | None, jobs: int | None
) -> None:
    """Execute the notebooks of CHAPTERs, or of all.

    A chapter is named by its folder (04_recurrent, or 04), a notebook by its path. Executed notebooks, and an HTML page
    of each, go to build. A notebook that fails does not stop those after it; the exit status is then 1. On a GPU and
    in place, one runs at a time.
    """
    notebooks = find_notebooks(chapters)
    if in_place:
        if (profile, seed) != ("quick", 0):
            raise NotebookError("Committed notebooks are executed in profile quick with seed 0. Leave these out.")
        _refuse_answers(notebooks)
    outcomes = []
    jobs = jobs or (1 if profile == "gpu" or in_place else cpu_count())  # one page reads those that were written back
    for outcome in execute_all(notebooks, build or repository() / "build", profile, seed, jobs):
        outcomes.append(outcome)
        if in_place and not outcome.problems:
            mark_released(outcome.executed)
            write_atomically(outcome.notebook, as_text(tidied(outcome.executed)))
    click.echo(_table(outcomes))
    if any(outcome.problems for outcome in outcomes):
        raise SystemExit(1)


@click.command()
@click.argument("chapters", nargs=-1, metavar="[CHAPTER]...")
def tidy(chapters: tuple[str, ...]) -> None:
    """Take out of executed notebooks what must not be committed.

    Execution times, the state of widgets, versions, display-only outputs. Sources, answers and pictures stay.
    """
    for path in find_notebooks(chapters):
        text = as_text(tidied(read_notebook(path)))
        if text != path.read_text(encoding="utf-8"):
            write_atomically(path, text)
            click.echo(f"tidied {path.name}")


def _refuse_answers(notebooks: list[Path]) -> None:
    """Notebooks are committed as learners get them: each answer cell still has a gap (`...`) to fill in."""
    for path in notebooks:
        for cell in read_notebook(path).cells:
            if (exercise := exercise_of(cell)) and not has_gap(cell):
                raise NotebookError(
                    f"{path.name} holds an answer to {exercise}: no ... is left in its cell. "
                    "--in-place is for notebooks as learners get them; without it, results go to build."
                )


def has_gap(cell: NotebookNode) -> bool:
    """Whether this answer cell still has a `...` where the learner is to write something."""
    try:
        tree = ast.parse(cell.source)
    except SyntaxError:
        return False
    return any(isinstance(node, ast.Constant) and node.value is ... for node in ast.walk(tree))


def _table(outcomes: list[Outcome]) -> str:
    width = max(len(outcome.notebook.stem) for outcome in outcomes)
    lines = []
    for outcome in outcomes:
        verdict = f"{len(outcome.problems)} failed" if outcome.problems else "passed"
        lines.append(f"{outcome.notebook.stem:{width}}  {outcome.seconds:6.1f} s  {verdict}")
        lines += [f"    {problem}" for problem in outcome.problems]
    return "\n".join(lines)
