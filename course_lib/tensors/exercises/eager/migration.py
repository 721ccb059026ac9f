"""Out of the session: a build-then-run program becomes a plain function."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import torch

from course_lib.exercises import Case, exercise, mistake, part
from course_lib.exercises.values import with_article
from course_lib.tensors.graph import Graph, Session

Watched = tuple[int, float, float]  # which state, reading, keep


@dataclass
class State:
    """What the session kept from run to run."""

    mean: float = 0.0
    runs: int = 0


def given_program(readings: Sequence[float], keeps: Sequence[float], start: float = 0.0) -> list:
    """For each reading, how far it is from the running mean of those before; then the mean and the runs so far."""
    graph = Graph()
    keep, reading = graph.placeholder("keep", ()), graph.placeholder("reading", ())
    mean, runs = graph.variable("mean", torch.tensor(start)), graph.variable("runs", torch.tensor(0))
    new_mean = mean.assign(keep * mean + (1 - keep) * reading)
    new_runs = runs.assign_add(1)
    surprise = reading - mean
    results = []
    with Session(graph) as session:
        session.run(graph.initializer)
        for value, share in zip(readings, keeps, strict=True):
            results.append(session.run([surprise, new_mean, new_runs], {reading: value, keep: share}))
    return results


def watched(answer: Callable, means: list[float], calls: list[Watched]) -> dict | None:
    """Call the answer, each time with one of several states, and say what it returned and what the states held then."""
    states = [State(mean) for mean in means]
    surprises, after = [], []
    with _counting() as counts:
        for which, reading, keep in calls:
            surprise = answer(states[which], reading, keep)
            if surprise is None:
                return None
            surprises.append(_number(surprise, "surprise"))
            after.append(_number(states[which].mean, "state.mean"))
    runs = [_number(state.runs, "state.runs") for state in states]
    return _table(surprises, after, runs) | counts


def _table(surprises: list[float], after: list[float], runs: list[float]) -> dict:
    """What came of the calls, and of the states."""
    found = {"surprise": surprises, "state.mean after each call": after, "state.runs at the end": runs}
    return {name: torch.tensor(values) for name, values in found.items()}


@contextmanager
def _counting() -> Iterator[dict[str, int]]:
    """Counts the graphs that are made inside, and the runs of sessions."""
    counts = {"graphs made": 0, "runs of a session": 0}

    def counting(key: str, function: Callable) -> Callable:
        def counted(*args, **kwargs):
            counts[key] += 1
            return function(*args, **kwargs)

        return counted

    with ExitStack() as stack:
        for key, owner, name in (("graphs made", Graph, "__init__"), ("runs of a session", Session, "run")):
            stack.enter_context(patch.object(owner, name, counting(key, getattr(owner, name))))
        yield counts


def _number(value: Any, name: str) -> float:
    """A number, or a tensor that holds one.

    Raises:
        TypeError: it is something else.
    """
    if isinstance(value, int | float) or (isinstance(value, torch.Tensor) and value.numel() == 1):
        return float(value)
    raise TypeError(f"{name} should be a number, and is {with_article(type(value).__name__)}")


def by_the_program(means: list[float], calls: list[Watched]) -> dict:
    """What `watched` gives for the right answer: each state is a session of its own."""
    rows, runs = [None] * len(calls), []
    for which, mean in enumerate(means):
        places = [place for place, call in enumerate(calls) if call[0] == which]
        results = given_program([calls[n][1] for n in places], [calls[n][2] for n in places], mean)
        runs.append(float(len(results)))
        for place, result in zip(places, results, strict=True):
            rows[place] = [float(value) for value in result]
    surprises, after = [row[0] for row in rows], [row[1] for row in rows]
    return _table(surprises, after, runs) | {"graphs made": 0, "runs of a session": 0}


FORGETS = (0.0, 0.0)  # a reading of 0 of which all is kept: whatever an answer hides, it is 0 in the next case


@exercise("tensors.eager.migration", "watch(state, reading, keep) -> surprise", level="more", minutes=7)
def watch(rng):
    """A build-then-run program, rewritten as a plain function."""

    def case(means: list[float], calls: list[Watched], shown: str, because: str) -> Case:
        last = [(which, *FORGETS) for which in range(len(means))]
        inputs = (means, [*calls, *last])
        expected = by_the_program(*inputs)
        return Case(inputs, via=watched, expected=expected, shown=shown, because=because, rtol=1e-4, atol=1e-4)

    def draw(states: int, calls: int) -> tuple[list[float], list[Watched]]:
        """Starts, and calls with states in turn."""
        means = rng.uniform(10, 20, size=states).tolist()
        readings, keeps = rng.uniform(0, 30, size=calls).tolist(), rng.uniform(0.3, 0.9, size=calls).tolist()
        return means, [(n % states, *pair) for n, pair in enumerate(zip(readings, keeps, strict=True))]

    then = "then once with a reading of 0 and keep=0"
    with part("one run", points=1):
        for mean, reading, keep in ((20.0, 24.0, 0.75), (0.0, 8.0, 0.5)):
            yield case(
                [mean],
                [(0, reading, keep)],
                f"state.mean={mean:g}, reading={reading:g}, keep={keep:g}, {then}",
                "all nodes of one run see the variables as they were when it began",
            )
    with part("run after run", points=1):
        for calls in (3, 6):
            yield case(*draw(1, calls), f"{calls} random readings, {then}", "what a run assigns, the next one finds")
    with part("two states", points=1):
        for calls in (4, 7):
            shown = f"{calls} random readings for two states in turn, {then} for each"
            yield case(*draw(2, calls), shown, "two sessions know nothing of each other, and two states do not either")


def mean_of(mean: float, reading: float, keep: float) -> float:
    """The running mean after one more reading."""
    return keep * mean + (1 - keep) * reading


def move(state: State, reading: float, keep: float) -> float:
    """A right answer, for the mistakes to change one thing in."""
    surprise = reading - state.mean
    state.mean, state.runs = mean_of(state.mean, reading, keep), state.runs + 1
    return surprise


@mistake(
    watch,
    "a graph that is built and run anew in every call",
    ask="How many graphs are there once your function has been called a thousand times?",
    look="Graph() and Session() inside the function: with eager numbers, what do you still need them for?",
)
def _(state, reading, keep):
    ((surprise, mean, _),) = given_program([reading], [keep], state.mean)
    state.mean, state.runs = float(mean), state.runs + 1
    return surprise


_hidden = {"mean": 0.0}


@mistake(
    watch,
    "a mean that the function keeps for itself, one for all who call it",
    ask="Two instruments, two states: whose mean does your function remember?",
    look="where the mean lives between two calls: a default argument `kept={}` and a global name are made only once.",
)
def _(state, reading, keep):
    surprise = reading - _hidden["mean"]
    _hidden["mean"] = mean_of(_hidden["mean"], reading, keep)
    return surprise


@mistake(
    watch,
    "a mean that the function keeps for itself, and the runs in the state",
    ask="Two instruments, two states: whose mean does your function remember?",
    look="where the mean lives between two calls: a default argument `kept={}` and a global name are made only once.",
)
def _(state, reading, keep):
    surprise = reading - _hidden["mean"]
    _hidden["mean"] = mean_of(_hidden["mean"], reading, keep)
    state.runs += 1
    return surprise


@mistake(
    watch,
    "the two feeds in each other's place",
    ask="Which of your two numbers, 24 and 0.75, is the reading? And which placeholder was made first in the program?",
    look="the order of the arguments: a session is fed by name, a function by place.",
)
def _(state, reading, keep):
    return move(state, keep, reading)


@mistake(
    watch,
    "keep and 1 - keep exchanged",
    ask="With keep = 0.75, how much of the old mean is kept?",
    look="the line of the new mean: which of the two is multiplied by keep?",
)
def _(state, reading, keep):
    return move(state, reading, 1 - keep)


@mistake(
    watch,
    "a surprise that is measured from the new mean",
    ask="The mean is 20 and the reading is 24: how far is it from the mean of the readings before?",
    look="the order of your lines: in eager code, a line sees what the lines above it have changed.",
)
def _(state, reading, keep):
    move(state, reading, keep)
    return reading - state.mean


@mistake(
    watch,
    "a surprise with the sign turned round",
    ask="The mean is 20 and the reading is 24: is the surprise 4 or -4?",
    look="the difference: reading minus mean.",
)
def _(state, reading, keep):
    return -move(state, reading, keep)


@mistake(
    watch,
    "a new mean that nobody keeps",
    ask="Print state.mean before the call and after it. What did your function change?",
    look="the line that computes the new mean: is it the state's own, or a name inside the function?",
)
def _(state, reading, keep):
    return reading - state.mean


@mistake(
    watch,
    "a new mean that nobody keeps, and runs that are counted",
    ask="Print state.mean before the call and after it. What did your function change?",
    look="the line that computes the new mean: is it the state's own, or a name inside the function?",
)
def _(state, reading, keep):
    state.runs += 1
    return reading - state.mean


@mistake(
    watch,
    "a state that begins anew in every call",
    ask="The initializer ran once in the program. How often does yours?",
    look="state.mean = 0 at the top of the function: the state comes with what it holds already.",
)
def _(state, reading, keep):
    state.mean = 0.0
    return move(state, reading, keep)


@mistake(
    watch,
    "runs that are never counted",
    ask="The program has two variables. Which of them does your function change?",
    look="state.runs.",
)
def _(state, reading, keep):
    surprise = move(state, reading, keep)
    state.runs -= 1
    return surprise


@mistake(
    watch,
    "the new mean returned in place of the surprise",
    ask="The mean is 20 and the reading is 24. Which number do you return?",
    look="the `return`.",
)
def _(state, reading, keep):
    move(state, reading, keep)
    return state.mean
