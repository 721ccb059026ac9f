"""An error that only a widget's callback meets is silent under papermill: we must notice it all the same."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from course_lib.notebooks.execute import execute

EXPLORER = """
from course_lib.explorers import Explorer, Slider

class Fragile(Explorer):
    controls = {"x": Slider(low=0, high=3, step=1, start=0)}
    size = (200, 100)

    def compute(self, x):
        if x == 2:
            raise RuntimeError("planted < 3")
        return {"x": x}

    def build(self, figure):
        return figure.subplots().plot([0, 1], [0, 1])

    def update(self, artists, data):
        artists[0].set_ydata([0, data["x"]])

    def describe(self, data):
        return f"x is {data['x']}"

explorer = Fragile()
explorer
"""
MOVE = "explorer.view.children[0].children[0].value = {value}  # as the front end does"


@pytest.fixture
def problems(tmp_path, monkeypatch):
    """What is found in a notebook that moves the explorer's slider."""
    monkeypatch.delenv("COURSE_STRICT")  # as the learner has it: shown in the widget, not raised

    def run(*sources):
        path = tmp_path / "planted.ipynb"
        nbformat.write(new_notebook(cells=[new_code_cell(source) for source in sources]), path)
        return execute(path, tmp_path / "build" / "planted.ipynb", timeout=60).problems

    return run


def test_no_error_no_problem(problems):
    assert problems(EXPLORER, MOVE.format(value=1)) == []


def test_an_error_in_a_widget_is_found(problems):
    found = problems(EXPLORER, MOVE.format(value=2))
    assert any(problem.startswith("widget") and "RuntimeError: planted < 3" in problem for problem in found)


def test_an_error_captured_by_an_output_widget_is_found(problems):
    found = problems("import ipywidgets\nout = ipywidgets.Output()\nwith out:\n    1 / 0\nout")
    assert any("ZeroDivisionError" in problem for problem in found)


def test_an_error_in_a_cell_is_found(problems):
    assert any("ZeroDivisionError" in problem for problem in problems("1 / 0"))
