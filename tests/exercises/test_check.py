"""`check` as a learner meets it: in this process, and in a real notebook's kernel."""

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from course_lib import progress
from course_lib.exercises import UnknownExerciseError, check, get
from course_lib.notebooks.files import right_answers


def define(source: str) -> dict:
    """Functions without source, as after `exec`."""
    namespace: dict = {}
    exec("import torch\n" + source, namespace)
    return namespace


def said(capsys) -> str:
    return " ".join(capsys.readouterr().out.split())


def test_right_answers_pass_and_are_kept(progress_path, capsys):
    gate = define(right_answers()["start.gate"])["gate"]
    assert check("start.gate", gate) is None
    assert said(capsys) == "gate 2 of 2 points · numbers by hand ✓ · random shapes ✓"
    assert progress.load()["exercises"]["start.gate"]["points"] == 2


def test_the_same_mistake_again_brings_the_place_and_then_the_solution(progress_path, capsys):
    def gate(x, weight, bias):
        return weight * x + bias

    known = get("start.gate").mistakes[0]
    texts = []
    for _ in range(3):
        check("start.gate", gate)
        texts.append(said(capsys))
    assert known.ask in texts[0] and known.look not in texts[0]
    assert known.look in texts[1] and "course solution" not in texts[1]
    assert "`!course solution start.gate`" in texts[2]
    assert progress.load()["exercises"]["start.gate"]["mistakes"] == {known.name: 3}


@pytest.mark.parametrize(
    "body", ["...", "return ...", "pass", '"""Doc."""', "z = ...", '"""Doc."""\n    ...', "a = ...\n    return a"]
)
def test_an_untouched_answer_is_not_started_with_source_and_without(progress_path, capsys, tmp_path, body):
    source = f"def gate(x, weight, bias):\n    {body}\n"
    check("start.gate", define(source)["gate"])
    path = tmp_path / "cell.py"
    path.write_text(source)
    namespace: dict = {}
    exec(compile(source, path, "exec"), namespace)
    check("start.gate", namespace["gate"])
    assert capsys.readouterr().out == 2 * "gate   not started\n"
    assert not progress_path.exists()


def test_an_index_of_dots_is_no_blank(progress_path, capsys):
    check(
        "start.gate", define("def gate(x, w, b):\n    y = x[...]\n    return torch.sigmoid(w * y[..., :] + b)")["gate"]
    )
    assert said(capsys).startswith("gate 2 of 2")


def test_one_of_two_functions_is_written(progress_path, capsys):
    functions = define(right_answers()["recurrent.lstm.cell-state"])
    check("recurrent.lstm.cell-state", functions["cell_trace"], define("def half_life(f):\n    ...")["half_life"])
    assert said(capsys) == "cell_trace, half_life 2 of 3 points · by hand ✓ · several units ✓ · half-life: not started"


@pytest.mark.parametrize(
    ("id", "answers", "error", "sentence"),
    [
        ("start.gat", [print], UnknownExerciseError, "There is no exercise 'start.gat'. Did you mean start.gate"),
        ("../x", [print], UnknownExerciseError, "There is no exercise '../x'."),
        ("recurrent.lstm.cell-state", [print], TypeError, 'check("recurrent.lstm.cell-state", cell_trace, half_life)'),
    ],
)
def test_a_call_that_cannot_be_meant(id, answers, error, sentence):
    with pytest.raises(error) as raised:
        check(id, *answers)
    assert sentence in str(raised.value)


def test_ctrl_c_stops_the_answer_and_costs_nothing(progress_path, capsys):
    def gate(x, weight, bias):
        raise KeyboardInterrupt

    check("start.gate", gate)
    assert "your function was stopped by Ctrl-C." in said(capsys)
    assert not progress_path.exists()


def test_a_result_in_place_of_the_function(progress_path, capsys):
    check("start.gate", None)
    check("start.gate", 0.5)
    assert said(capsys) == (
        "gate is None, not a function. Hand over the function itself, without brackets. "
        "gate is a number, not a function. Hand over the function itself, without brackets."
    )


CELLS = {
    "untouched": '# exercise: start.gate\ndef gate(x, weight, bias):\n    """A share."""\n    ...',
    "half done": (
        "# exercise: recurrent.lstm\ndef lstm_cell(x, h, c, W_f, b_f, W_i, b_i, W_C, b_C, W_o, b_o):\n"
        "    z = torch.cat([h, x], dim=-1)\n    f = z\n    i = z\n    g = ...\n    o = ...\n    return h, c"
    ),
    "uses a value that only a run makes": (
        "# exercise: start.gate\ndef gate(x, weight, bias):\n"  # `scale` is made in the cell of imports
        "    return torch.sigmoid(weight * x + bias) * scale"
    ),
    "raises in a helper": (
        "def helper(z):\n    return z.sigmoid() @ None\n\ndef gate(x, weight, bias):\n"
        "    return helper(weight * x + bias)"
    ),
    "never returns": "def gate(x, weight, bias):\n    while True:\n        pass",
}
SAID = {
    "untouched": ["gate   not started"],
    "half done": ["lstm_cell   not finished", "lstm_cell: still to be written where `...` stands, in lines 6, 7"],
    "uses a value that only a run makes": [
        "gate   2 of 2 points · numbers by hand ✓ · random shapes ✓",
        "Your answer uses `scale`. `course grade` takes imports, definitions and plain values",
    ],
    "raises in a helper": ["your code raised TypeError:", "    line 2, in helper:  return z.sigmoid() @ None"],
    "never returns": [
        "your function was still running after 0.5 s.",
        "line 2, in gate:  while True:|line 3, in gate:  pass",
    ],
}


@pytest.fixture(scope="module")
def executed(tmp_path_factory) -> dict[str, nbformat.NotebookNode]:
    """The check cell below each of CELLS, from one kernel."""
    setup = "import torch\nfrom course_lib import check\nfrom course_lib.exercises import get\nscale = torch.ones(1)"
    cells = [new_code_cell(f"%matplotlib inline\n{setup}\nget('start.gate').seconds = 0.5")]
    for source in CELLS.values():
        answer = 'check("recurrent.lstm", lstm_cell)' if "lstm" in source else 'check("start.gate", gate)'
        cells += [new_code_cell(source), new_code_cell(answer)]
    notebook = new_notebook(cells=cells)
    NotebookClient(
        notebook, timeout=60, resources={"metadata": {"path": str(tmp_path_factory.mktemp("here"))}}
    ).execute()
    return dict(zip(CELLS, notebook.cells[2::2], strict=True))


@pytest.mark.parametrize("name", CELLS)
def test_in_a_real_kernel(executed, name):
    (output,) = executed[name].outputs  # the text, and nothing else
    assert (output.output_type, output.name) == ("stream", "stdout")
    for sentence in SAID[name]:
        assert any(choice in output.text for choice in sentence.split("|")), output.text
    assert ("not started" in output.text or "not finished" in output.text) or "of 2" in output.text
