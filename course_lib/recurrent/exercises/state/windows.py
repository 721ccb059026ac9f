"""Turn a series into windows with targets, and split them in time."""

from collections.abc import Callable

import torch
from torch import Tensor

from course_lib.exercises import Case, exercise, mistake, part, randn

Split = tuple[Tensor, Tensor, Tensor, Tensor]  # X_train, y_train, X_test, y_test


def cut(series: Tensor, k: int, at: int, count: int) -> tuple[Tensor, Tensor]:
    """The first `count` windows of k values, (count, k), and as many targets, the first at place `at`, (count,)."""
    return series.unfold(0, k, 1)[:count], series[at : at + count]


def as_many_as_fit(series: Tensor, k: int, at: int) -> tuple[Tensor, Tensor]:
    """The windows whose targets lie in the series, when the first window's target stands at place `at`."""
    return cut(series, k, at, count=len(series) - at)


def shared_out(X: Tensor, y: Tensor, train, test) -> Split:
    """The windows of these numbers, (a slice or a tensor each), with their targets."""
    return X[train], y[train], X[test], y[test]


def split_in_order(X: Tensor, y: Tensor, test: int) -> Split:
    """The last `test` windows are the test set."""
    return shared_out(X, y, slice(len(X) - test), slice(len(X) - test, None))


def numbers_of(X: Tensor, y: Tensor) -> Callable[[Split], tuple[list[int], list[int]]]:
    """Tells which windows a split holds, training and test, counted from 0; -1: no window with its own target."""
    whole = torch.cat([X, y.unsqueeze(1)], dim=1)  # (windows, k + 1)

    def of(X: Tensor, y: Tensor) -> list[int]:
        rows = torch.cat([X, y.unsqueeze(1)], dim=1)  # (rows, k + 1)
        same = (rows.unsqueeze(1) == whole).all(dim=-1)  # (rows, windows)
        return torch.where(same.any(dim=1), same.int().argmax(dim=1), -1).tolist()

    return lambda split: (of(*split[:2]), of(*split[2:]))


def split_case(X: Tensor, y: Tensor, test: int) -> Case:
    """One split. What counts is which windows stand where, so that every random order is the same mistake."""
    numbers = numbers_of(X, y)
    right = numbers(split_in_order(X, y, test))

    def view(split: Split) -> tuple[bool, ...]:
        train, tested = numbers(split)
        paired = -1 not in train + tested
        in_order = train == sorted(train) and tested == sorted(tested)
        return train == right[0], tested == right[1], paired, in_order

    def explain(split: Split) -> str:
        for name, got, wanted in zip(("training", "test"), numbers(split), right, strict=True):
            for row, (a, b) in enumerate(zip(got, wanted, strict=True)):
                if a != b:
                    found = f"window {a}" if a >= 0 else "no window with its own target"
                    return f"Row {row} of your {name} set is {found}, wanted window {b}."
        raise AssertionError("a split that holds the right windows in the right order needs no explanation")

    return Case(
        (X, y, test),
        call="split_in_time",
        expected=(True, True, True, True),
        view=view,
        form=split_in_order(X, y, test),
        explain=explain,
        shown=f"windows 0 to {len(X) - 1} of {X.shape[1]} values, test={test}",
        because="a forecast is tested on what comes after everything that it has learned from",
    )


@exercise(
    "recurrent.sequential-problem",
    "make_windows(series, k, horizon) -> X, y",
    "split_in_time(X, y, test) -> X_train, y_train, X_test, y_test",
    level="core",
    minutes=7,
)
def sequential_problem(rng):
    """Set up a forecast: windows of the past, targets in the future, and a split in time."""
    with part("windows by hand", points=1):
        for length, k, horizon, X, y in (
            (5, 2, 1, [[10, 20], [20, 30], [30, 40]], [30, 40, 50]),
            (5, 2, 2, [[10, 20], [20, 30]], [40, 50]),
            (4, 1, 1, [[10], [20], [30]], [20, 30, 40]),
            (5, 3, 2, [[10, 20, 30]], [50]),
        ):
            yield Case(
                (torch.arange(1.0, length + 1) * 10, k, horizon),
                expected=(torch.tensor(X).float(), torch.tensor(y).float()),
                because="write the series down, draw a box round a window and an arrow to its target, and move both",
            )
    with part("any length, window and horizon", points=1):
        for length, k, horizon in ((12, 3, 1), (20, 4, 3), (30, 1, 5), (9, 6, 3), (100, 24, 1)):
            series = randn(rng, length)
            yield Case(
                (series, k, horizon),
                expected=as_many_as_fit(series, k, at=k - 1 + horizon),
                shown=f"series of {length} random numbers, k={k}, horizon={horizon}",
                because="take the first and the last window of a short series: where does each begin and end?",
            )
    with part("split in time", points=1):
        for length, test in ((8, 3), (12, 4), (40, 10), (60, 45)):
            yield split_case(*as_many_as_fit(randn(rng, length + 2), k=2, at=2), test)


@mistake(
    sequential_problem,
    "targets that stand inside their own windows, because the horizon is counted from the window's first value",
    ask="With k = 3 the first window is series[0:3]. Which place of the series is one step after its end?",
    look="where you start to count the horizon: at the window's last value, not at its first.",
)
def _(series, k, horizon):
    return cut(series, k, at=horizon, count=len(series) - k - horizon + 1)


@mistake(
    sequential_problem,
    "targets that come one step too late",
    ask="With k = 2 and horizon 1, which value comes right after the window 10, 20? And which one is your target?",
    look="the target's index: i + k is already the place after the window, so it is one step ahead.",
)
def _(series, k, horizon):
    return as_many_as_fit(series, k, at=k + horizon)


@mistake(
    sequential_problem,
    "targets that come one step too early, so that horizon 1 asks for a value that the window holds already",
    ask="Could a network that copies the last value of its window be perfect on your targets with horizon 1?",
    look="the target's index: a window that begins at i has its last value at i + k - 1; add horizon to that.",
)
def _(series, k, horizon):
    return as_many_as_fit(series, k, at=k + horizon - 2)


@mistake(
    sequential_problem,
    "targets that are always the next value, whatever the horizon",
    ask="Does another horizon change any of your targets?",
    look="the target's index: where does horizon stand in it?",
)
def _(series, k, horizon):
    return as_many_as_fit(series, k, at=k)


@mistake(
    sequential_problem,
    "windows of which the last one is missing",
    ask="Which value of the series is your last target? Is there a later one that could be a target too?",
    look="how far the loop or the slice goes: range(n) ends at n - 1, and the series' last value can be a target.",
)
def _(series, k, horizon):
    return cut(series, k, at=k - 1 + horizon, count=len(series) - k - horizon)


@mistake(
    sequential_problem,
    "windows up to the end of the series, the last of which have no target",
    ask="How many rows has your X, and how many targets has your y?",
    look="the number of windows: one fits only where its target lies in the series as well.",
)
def _(series, k, horizon):
    return series.unfold(0, k, 1), series[k - 1 + horizon :]


@mistake(
    sequential_problem,
    "windows with the newest value first",
    ask="Which of 10 and 20 is older, and which one stands at the left in your first row?",
    look="the order inside a row: oldest first, as a sentence is read.",
)
def _(series, k, horizon):
    X, y = as_many_as_fit(series, k, at=k - 1 + horizon)
    return X.flip(dims=[1]), y


@mistake(
    sequential_problem,
    "a random split, which lets the future into the training set",
    call="split_in_time",
    ask="Which is the latest window that you train on? Would you have had it on the day of the first test forecast?",
    look="how the windows are shared out: no chance is needed, the place in time decides.",
)
def _(X, y, test):
    order = torch.randperm(len(X))
    return shared_out(X, y, order[:-test], order[-test:])


@mistake(
    sequential_problem,
    "a split that tests on the past and trains on the future",
    call="split_in_time",
    ask="Which comes first in time, your training set or your test set?",
    look="the end of the series from which the test windows are taken.",
)
def _(X, y, test):
    return shared_out(X, y, slice(test, None), slice(test))


@mistake(
    sequential_problem,
    "a split that takes test for the number of training windows",
    call="split_in_time",
    ask="How many rows should X_test have, and how many has yours?",
    look="the place of the cut: test windows lie behind it, not before it.",
)
def _(X, y, test):
    return shared_out(X, y, slice(test), slice(test, None))


@mistake(
    sequential_problem,
    "a split returned as X_train, X_test, y_train, y_test",
    call="split_in_time",
    ask="scikit-learn's order is another one than ours: in which order are the four results asked for?",
    look="the last line.",
)
def _(X, y, test):
    X_train, y_train, X_test, y_test = split_in_order(X, y, test)
    return X_train, X_test, y_train, y_test
