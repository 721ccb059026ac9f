"""The judge: everything that an answer can do gets its points and a clear sentence, the same in both processes."""

import contextlib
import dataclasses
import math
import signal
import warnings
from functools import partial

import numpy as np
import pytest
import torch

from course_lib.exercises import Case, exercise, get, model, part
from course_lib.exercises.compare import difference
from course_lib.exercises.feedback import words, wrap
from course_lib.exercises.judge import judge
from course_lib.exercises.run import Call, HereRunner, call
from course_lib.exercises.source import Cell, extract
from course_lib.exercises.values import alike
from course_lib.grading.child import load
from course_lib.grading.runner import ChildRunner, starter
from course_lib.tensors.exercises.dimensions.bridge import after_writing
from tests.exercises import programs
from tests.exercises.samples import ANSWERS, answer, declared
from tests.exercises.verdicts import call_once


@pytest.fixture(scope="module")
def scale():
    with declared() as sample:
        yield sample


@pytest.fixture(scope="module")
def child():
    with starter() as start, ChildRunner(start) as runner:
        yield runner


def judge_here(sample, source: str):
    """Judge an answer cell in this process, as `check` does."""
    module, problem = load(tuple(map(dataclasses.astuple, answer(source).pieces)), seconds=5)
    assert problem is None
    return judge(sample, HereRunner({"scale": module.scale}))


@pytest.mark.parametrize("name", ANSWERS)
def test_what_an_answer_does_is_said_alike_in_both_processes(scale, child, name):
    source, points, sentences = ANSWERS[name]
    here = judge_here(scale, source)
    child.load(answer(source), seconds=5)
    there = judge(scale, child)

    text = " ".join(words(here).split())
    for sentence in sentences:
        assert " ".join(sentence.split()) in text
    assert here.points == there.points == points
    if name.startswith("never"):  # which line a loop was interrupted at is chance
        assert there.symptom == here.symptom == "too slow"
    else:
        assert words(there) == words(here)


def test_feedback_grows_with_the_times_a_mistake_is_made(scale):
    known = judge_here(scale, ANSWERS["known"][0])
    first, second, third = (words(known, times=times).splitlines() for times in (1, 2, 3))
    assert second == [*first, "Look at the operation."]
    assert third[:-1] == second and "`!course solution samples.scale`" in third[-1]

    unknown = judge_here(scale, ANSWERS["sign"][0])
    assert "Right but for the sign." in words(unknown) and "The factor meets" not in words(unknown, times=2)
    source = "def scale(x, factor):\n    y = factor * x\n    return y if x.dim() == 1 else {}"
    late = judge_here(scale, source.format("y + (x > 5)"))  # fails where the case says why it matters
    assert words(late, times=2).endswith("The factor meets every number.")
    for wrong_form in ("y.int()", "y[None]", "y.tolist()", "None"):
        verdict = judge_here(scale, source.format(wrong_form))
        assert verdict.points == 1 and "The factor meets" not in words(verdict, times=2)


def test_each_function_that_fails_is_explained():
    cells = get("recurrent.lstm.cell-state")
    functions = {known.call: known.run for known in reversed(cells.mistakes)}
    verdict = judge(cells, HereRunner(functions))
    first, second = verdict.findings
    assert (first.mistake.call, second.mistake.call) == ("cell_trace", "half_life")
    text = " ".join(words(verdict, times=3).split())
    assert first.mistake.ask in text and second.mistake.ask in text
    assert first.mistake.look in text and second.mistake.look not in text  # only the first is counted
    assert text.count("!course solution") == 1 and "half_life(f=0.5): your" in text
    assert verdict.symptom == first.mistake.name


@pytest.mark.parametrize("words_before", range(20))
def test_lines_never_break_inside_a_shape_or_a_short_list(words_before):
    numbers = "shape (1, 1), wanted [[0.5, nan], [1e-05, 2]]."
    lines = wrap("four " * 10 + "a " * words_before + numbers).splitlines()
    assert all(any(piece in line for line in lines) for piece in ("shape (1, 1),", "[[0.5, nan], [1e-05, 2]]."))
    assert max(map(len, lines)) <= 110 and "\u00a0" not in "".join(lines)


def test_a_long_list_may_break():
    numbers = f"[{', '.join(['0.123456789'] * 12)}]"
    assert wrap(numbers).replace("\n", " ") == numbers and max(map(len, wrap(numbers).splitlines())) <= 110


@pytest.mark.parametrize(("count", "shown", "more"), [(1, 1, False), (10, 10, False), (11, 10, True), (900, 10, True)])
def test_what_the_explained_case_printed_is_shown(scale, count, shown, more):
    prints = f"    for n in range({count}):\n        print('h =', n)\n"
    text = words(judge_here(scale, f"def scale(x, factor):\n{prints}    return x"))
    assert text.count("h =") == shown and ("    and more" in text.splitlines()) == more
    assert ("It printed: h = 0" in text) == (count == 1)


def test_a_mistake_is_recognised_by_two_inputs_at_least_and_by_all_of_them(scale):
    once = "def scale(x, factor):\n    return x + factor if x.dim() == 1 else x * factor"
    assert judge_here(scale, once).mistake is None
    mixed = "def scale(x, factor):\n    return x + factor if x.dim() == 1 else x - factor"
    assert judge_here(scale, mixed).mistake is None
    assert judge_here(scale, ANSWERS["known"][0]).mistake.name == "a sum instead of a product"


@pytest.mark.parametrize(
    "route",
    [
        "torch.nn.LSTMCell(1, 1)(one)",
        "torch.nn.LSTM(1, 1)(one[None])",
        "torch.lstm_cell(one, (one, one), *weights)",
        "torch._VF.lstm_cell(one, (one, one), *weights)",
        "torch.ops.aten.lstm_cell(one, (one, one), *weights)",
        "torch.ops.aten.lstm_cell.default(one, (one, one), *weights)",
    ],
)
def test_a_forbidden_operation_is_seen_whatever_the_route(scale, route):
    setup = "one, weights = torch.ones(1, 1), (torch.ones(4, 1), torch.ones(4, 1), torch.ones(4), torch.ones(4))"
    verdict = judge_here(scale, f"def scale(x, factor):\n    {setup}\n    {route}\n    return factor * x")
    assert verdict.points == 0 and verdict.symptom == "library used"


def test_inputs_are_copies_and_changing_them_is_noticed():
    x = torch.ones(3)
    outcome = call(lambda x, n: x.mul_(2), (x, 1), seconds=1)
    assert outcome.changed == (0,) and x.tolist() == [1, 1, 1] and outcome.value.tolist() == [2, 2, 2]

    @exercise("samples.keep", "double(x) -> doubled", level="core", minutes=1, keeps_inputs=True)
    def double(rng):
        """Double the numbers and leave the old ones alone."""
        with part("all", points=1):
            yield Case((torch.ones(2),), expected=torch.full((2,), 2.0))

    del model._exercises["samples.keep"]
    verdict = judge(double, HereRunner({"double": lambda x: x.mul_(2)}))
    assert verdict.symptom == "input changed" and verdict.points == 0
    assert "the result is right. It changes x in place" in " ".join(words(verdict).split())
    assert judge(double, HereRunner({"double": lambda x: 2 * x})).status == "passed"


def test_a_copy_of_inputs_that_was_made_before_is_handed_over_once():
    asked = Call("f", (torch.ones(3),), copies=[(torch.zeros(3),)])
    found = [next(HereRunner({"f": lambda x: x.add_(1)}).run((asked,), seconds=5, whole=5)).value for _ in range(2)]
    assert [one.tolist() for one in found] == [[1, 1, 1], [2, 2, 2]] and asked.inputs[0].tolist() == [1, 1, 1]


def test_judging_leaves_random_numbers_and_timers_alone(scale):
    old = signal.setitimer(signal.ITIMER_REAL, 50)  # as a test runner's own time limit
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    judge_here(scale, "def scale(x, factor):\n    return torch.rand(3)")
    judge_here(scale, ANSWERS["never returns"][0])
    remaining, _ = signal.setitimer(signal.ITIMER_REAL, *old)
    assert torch.equal(torch.rand(1), expected)
    assert 45 < remaining < 50


MODES = {  # what a function may set, and how it is read
    "gradients": (lambda: torch.set_grad_enabled(False), torch.is_grad_enabled),
    "inference mode": (lambda: STAYING.enter_context(torch.inference_mode()), torch.is_inference_mode_enabled),
    "the default type": (lambda: torch.set_default_dtype(torch.float64), torch.get_default_dtype),
    "the default device": (lambda: torch.set_default_device("meta"), torch.get_default_device),
    "deterministic algorithms": (
        lambda: torch.use_deterministic_algorithms(True),
        torch.are_deterministic_algorithms_enabled,
    ),
    "anomalies": (lambda: torch.autograd.set_detect_anomaly(True), torch.is_anomaly_enabled),
    "threads": (lambda: torch.set_num_threads(torch.get_num_threads() + 1), torch.get_num_threads),
}
STAYING = contextlib.ExitStack()  # what is entered here is never left


def test_to_copy_a_result_is_no_operation_of_the_answers():
    watched = {"seconds": 5, "without": ("clone", "detach")}
    assert call(lambda x: x, (torch.ones(2),), **watched).used == ()
    assert call(lambda x: x.clone(), (torch.ones(2),), **watched).used == ("clone",)


@pytest.mark.parametrize("without", [(), ("lstm",)], ids=["", "watched"])
@pytest.mark.parametrize("name", MODES)
def test_no_mode_that_an_answer_sets_outlives_its_call(name, without):
    put, read = MODES[name]
    before = read()

    def set_and_fail():
        put()
        raise ValueError(f"it is {read()} now")

    outcome = call(set_and_fail, (), seconds=5, without=without)
    assert read() == before and torch.is_grad_enabled()
    assert outcome.problem.message != f"ValueError: it is {before} now", "it was set in between"
    assert call(lambda: torch.ones(1).numpy(), (), seconds=5, without=without).value.dtype == "float32"


def test_modes_that_were_set_before_a_call_stay():
    for set_before in (torch.no_grad(), torch.inference_mode(), torch.device("meta")):
        with set_before:
            modes = [read() for _, read in MODES.values()]
            call(lambda: [torch.set_grad_enabled(True), torch.set_default_device("cpu")], (), seconds=5)
            assert [read() for _, read in MODES.values()] == modes
    assert torch.get_default_device() == torch.device("cpu") and torch.is_grad_enabled()


def test_property_cases_show_the_sentence_and_need_a_form():
    @exercise("samples.unit", "direction() -> direction", level="core", minutes=1)
    def direction(rng):
        """A vector of length one; several are right."""

        def too_long(v):
            return None if math.isclose(v.norm(), 1, rel_tol=1e-5) else f"Your vector is {v.norm():.3g} long, wanted 1."

        with part("all", points=1):
            yield Case((), test=too_long, form=torch.zeros(2))

    del model._exercises["samples.unit"]
    assert judge(direction, HereRunner({"direction": lambda: torch.tensor([0.6, 0.8])})).status == "passed"
    wrong = judge(direction, HereRunner({"direction": lambda: torch.tensor([3.0, 4.0])}))
    assert "Your vector is 5 long, wanted 1." in words(wrong) and wrong.symptom == "property violated"
    assert "shape (3,), wanted (2,)" in words(judge(direction, HereRunner({"direction": lambda: torch.zeros(3)})))
    with pytest.raises(ValueError, match="needs `form`"), part("all", points=1):
        Case((), test=lambda _: None)
    with pytest.raises(ValueError, match="inside `with part"):
        Case((), expected=1)


VIA = {  # an answer -> what its call by way of a program gives
    "def f(linear):\n    linear.weight.data *= 2\n    return linear": ("on_a_module", torch.tensor([[6.0]]), ""),
    "def f(linear):\n    return 7": ("on_a_module", 7, ""),
    "def f(step, times):\n    return [step() for _ in range(times)]": ("counting", ([1, 2, 3], 3), ""),
    "def f(step):\n    return 1": ("counting", None, "takes (step), but is called with 2 arguments"),
    "def f(step, times):\n    return 1 / 0": ("counting", None, "ZeroDivisionError: division by zero"),
}


@pytest.mark.parametrize("source", VIA)
def test_inputs_that_are_no_data_are_built_where_the_answer_runs(child, source):
    name, expected, problem = VIA[source]
    pieces = extract([Cell.read("cell 1", "import torch"), Cell.read("cell 2", source)], ["f"], homes=[1])
    child.load(pieces, seconds=5)
    module, _ = load(tuple(map(dataclasses.astuple, pieces.pieces)), seconds=5)
    for runner in (HereRunner({"f": module.f}), child):
        outcome = call_once(runner, "f", 3, via=getattr(programs, name))
        assert alike(outcome.value, expected)
        assert problem in (outcome.problem.message if outcome.problem else "")
        assert not outcome.problem or outcome.problem.kind == ("arguments" if "takes" in problem else "raised")


def test_a_line_of_our_own_programs_is_never_shown_as_theirs(child):
    pieces = extract([Cell.read("cell 1", "def bridge(a):\n    return a")], ["bridge"], homes=[0])
    child.load(pieces, seconds=5)
    module, _ = load(tuple(map(dataclasses.astuple, pieces.pieces)), seconds=5)
    for runner in (HereRunner({"bridge": module.bridge}), child):
        problem = call_once(runner, "bridge", np.ones(2), "as it is", via=after_writing).problem
        assert "bridge should return two tensors" in problem.message and (problem.line, problem.text) == (0, "")


def test_an_input_that_was_made_to_take_a_gradient_is_judged():
    outcome = call(lambda x: x.requires_grad_().sum(), (torch.ones(3),), seconds=5)
    assert outcome.value == 3 and outcome.changed == ()


def test_a_result_without_memory_of_its_own_travels(child):
    child.load(answer("def scale(x, factor):\n    return torch.ones(()).expand(1)"), seconds=5)
    assert torch.equal(call_once(child, "scale", 1, 2).value, torch.ones(1))


@pytest.mark.parametrize("via", [lambda answer: 1, Case.__post_init__, partial(programs.counting)])
def test_a_program_is_found_by_its_name_or_refused(via):
    with pytest.raises(ValueError, match="top level of its module"), part("all", points=1):
        Case((), expected=1, via=via)


@pytest.mark.parametrize("text", ["f", "f(x", "f(x) -> ", "(x)", "f(x) > y"])
def test_a_signature_that_cannot_be_read(text):
    with pytest.raises(ValueError, match="does not read like"):
        model.Asked.parse(text)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs timers")
def test_a_clock_that_strikes_while_it_is_put_away_does_no_harm(monkeypatch):
    put, strikes = signal.setitimer, [True]

    def busy(which, seconds, interval=0.0):
        if not seconds and strikes and strikes.pop():
            signal.raise_signal(signal.SIGALRM)
        return put(which, seconds, interval)

    before = signal.getsignal(signal.SIGALRM)
    with monkeypatch.context() as patched:
        patched.setattr(signal, "setitimer", busy)
        assert call(lambda: 7, (), seconds=5).value == 7
    assert not strikes and signal.getsignal(signal.SIGALRM) is before


def test_numbers_that_are_infinite_are_compared_without_a_warning():
    wrong, right = torch.tensor([np.inf, 1.0, 2.0, 3.0]), torch.tensor([np.inf, 2.0, 3.0, 4.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert difference(wrong, right, rtol=1e-5, atol=1e-6).kind == "other numbers"
