"""Choose a model's settings on validation rows, and measure it once on test rows."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from course_lib.exercises import Case, exercise, mistake, part
from course_lib.recurrent.exercises.gru.watch import Watch, fit_polynomial, mean_squared_error

PARTS = ("training", "validation", "test")
DEGREES = ({"degree": 1}, {"degree": 4}, {"degree": 2}, {"degree": 3}, {"degree": 0})


def watched(answer: Callable, configs: list[dict], X: Tensor, y: Tensor) -> dict | None:
    """What the answer returns, and which rows its calls of fit and loss saw for each config."""
    watch = Watch(configs, X, y)
    returned = answer(list(configs), X.clone(), y.clone(), watch.fit, watch.loss)
    if returned is None:
        return None
    if not isinstance(returned, (tuple, list)) or len(returned) != 2:
        raise TypeError("tune should return two things, the best config and its test loss")
    best, test_loss = returned
    return {"best": best, "test_loss": test_loss, "fitted": watch.fitted, "measured": watch.measured}


def cut(rows: int) -> tuple[slice, slice, slice]:
    """The first 60 %, the next 20 % and the last 20 % of so many rows."""
    return slice(0, rows * 3 // 5), slice(rows * 3 // 5, rows * 4 // 5), slice(rows * 4 // 5, rows)


def losses(configs: list[dict], X: Tensor, y: Tensor) -> np.ndarray:
    """The loss of each config, trained on the training rows, on each of PARTS: (configs, 3)."""
    train, _, _ = pieces = cut(len(X))
    models = [fit_polynomial(n, config, X[train], y[train]) for n, config in enumerate(configs)]
    return np.array([[mean_squared_error(model, X[rows], y[rows]) for rows in pieces] for model in models])


def reads(counts: Tensor) -> Tensor:
    """How often each part was read for each config: (configs, 3), the most that any row was."""
    return torch.stack([counts[:, rows].amax(dim=1) for rows in cut(counts.shape[1])], dim=1)


def what_went_wrong(configs: list[dict], table: np.ndarray, run: dict) -> str | None:
    """The first fault of a run, in a sentence.

    Args:
        configs: the choice
        table: their losses, see `losses`
        run: what `watched` gives
    """
    fitted, measured = reads(run["fitted"]), reads(run["measured"])
    train = cut(run["fitted"].shape[1])[0]
    for later, name in ((2, "test"), (1, "validation")):
        if fitted[:, later].any():
            row = int(run["fitted"].any(dim=0).nonzero().max())
            return f"fit saw row {row}, one of the {name} rows: training ends before row {train.stop}."
    for config, seen in zip(configs, run["fitted"][:, train], strict=True):
        if not seen.any():
            return f"fit was not called for {config}."
        if not seen.all():
            return f"fit saw {int(seen.count_nonzero())} of the {train.stop} training rows for {config}."
    for config, counts in zip(configs, run["measured"], strict=True):
        for name, rows in zip(PARTS, cut(len(counts)), strict=True):
            if (counts[rows] != counts[rows.start]).any():
                return f"For {config} the loss was measured on some of the {name} rows, but not on all of them."
    number = int(measured[:, 2].sum())
    if number != 1:
        return f"The loss on the test rows was measured {number} times; wanted once, after the choice."
    if not measured[:, 1].all():
        missing = configs[int((measured[:, 1] == 0).nonzero()[0])]
        return f"The loss on the validation rows was never measured for {missing}."
    if run["best"] not in configs:
        return f"Your best is {run['best']}, which is none of the configs."
    chosen, wanted = configs.index(run["best"]), int(table[:, 1].argmin())
    if chosen != wanted:
        return (
            f"Your best is {run['best']}, with a validation loss of {table[chosen, 1]:.4g}; "
            f"{configs[wanted]} has {table[wanted, 1]:.4g}."
        )
    if not measured[chosen, 2]:
        other = configs[int(measured[:, 2].argmax())]
        return f"Your best is {run['best']}, but the test loss was measured for the model of {other}."
    if not np.isclose(run["test_loss"], table[chosen, 2], rtol=1e-4):
        return f"Your test loss is {run['test_loss']:.4g}; on the test rows it is {table[chosen, 2]:.4g}."
    return None


def traits(run: dict) -> tuple:
    """What marks an answer, whichever rows it has drawn."""
    for seen in run["fitted"]:
        rows = seen.nonzero().flatten()
        if len(rows) and len(rows) <= rows[-1] - rows[0]:  # with gaps in between
            return ("split at random",)
    fitted, measured = reads(run["fitted"]), reads(run["measured"])
    return fitted > 0, measured > 0, int(measured[:, 2].sum()) > 1, run["best"], run["test_loss"]


def rows_of(values) -> tuple[Tensor, Tensor]:
    """X, whose one column is the time, and y: (rows, 1) and (rows,)."""
    y = torch.tensor(np.asarray(values), dtype=torch.float32)
    return torch.arange(len(y), dtype=torch.float32).unsqueeze(1), y


def drifting(rng: np.random.Generator, rows: int) -> tuple[Tensor, Tensor]:
    """A series in which validation, test, training and shuffled rows each speak for another degree."""
    while True:
        X, y = rows_of(np.cumsum(rng.normal(scale=0.5, size=rows)) + rng.normal(size=rows))
        shuffled = torch.from_numpy(rng.permutation(rows))
        table, by_chance = losses(DEGREES, X, y), losses(DEGREES, X[shuffled], y[shuffled])
        training, choice, test = table.argmin(axis=0)
        best, second = np.sort(table[:, 1])[:2]
        others = {training, test, by_chance[:, 1].argmin(), len(DEGREES) - 1}
        if choice not in others and second > 1.2 * best:
            return X, y


@exercise(
    "recurrent.lstm.training-pipeline",
    "tune(configs, X, y, fit, loss) -> best, test_loss",
    level="more",
    minutes=10,
)
def tune(rng):
    """Choose by validation loss, and measure the choice once."""

    def case(configs: list[dict], X: Tensor, y: Tensor, shown: str, because: str) -> Case:
        table = losses(configs, X, y)
        nothing = torch.zeros(len(configs), len(X), dtype=torch.int64)
        return Case(
            (configs, X, y),
            via=watched,
            test=lambda run: what_went_wrong(configs, table, run),
            view=traits,
            form={"best": configs[0], "test_loss": 0.0, "fitted": nothing, "measured": nothing},
            shown=shown,
            because=because,
        )

    with part("by hand", points=1):
        for degrees, y in (
            ((1, 0), (0, 1, 2, 3, 4, 5, 6.5, 7.5, 3, 3)),  # a line, which breaks off where the test begins
            ((0, 1), (0, 2, 0, 2, 0, 2, 1.5, 0.5, 3, 3)),
        ):
            configs = [{"degree": degree} for degree in degrees]
            shown = f"10 rows, y = {', '.join(map(str, y))}, degree {degrees[0]} or {degrees[1]}"
            because = "6 rows train every config, 2 choose among them, and 2 are kept for the one that is chosen"
            yield case(configs, *rows_of(y), shown, because)
    with part("a series that drifts", points=2):
        for rows in (50, 100, 200):
            shown = f"{rows} rows of a series that drifts, 5 configs"
            because = "what comes later must not help what comes earlier, and the test rows must not help to choose"
            yield case(list(DEGREES), *drifting(rng, rows), shown, because)


def in_parts(X: Tensor, y: Tensor) -> list[tuple[Tensor, Tensor]]:
    """X and y of each of PARTS."""
    return [(X[rows], y[rows]) for rows in cut(len(X))]


def choose(configs, models, loss, rows, pick: Callable = min) -> int:
    """The number of the config whose model has the smallest loss on these rows."""
    return pick(range(len(configs)), key=lambda n: loss(models[n], *rows))


@mistake(
    tune,
    "a choice made by the test rows",
    ask="Your best was chosen because it did well on those rows. What is its score on them worth now?",
    look="the rows on which the configs are compared.",
)
def _(configs, X, y, fit, loss):
    train, _, test = in_parts(X, y)
    models = [fit(config, *train) for config in configs]
    best = choose(configs, models, loss, test)
    return configs[best], loss(models[best], *test)


@mistake(
    tune,
    "a run that reads the test loss of every config, though it does not choose by it",
    ask="Who sees five test losses, and may report any of them: can the test still surprise you?",
    look="the loop: what in it is needed for the choice, and what only afterwards?",
)
def _(configs, X, y, fit, loss):
    train, validation, test = in_parts(X, y)
    models = [fit(config, *train) for config in configs]
    on_test = [loss(model, *test) for model in models]
    best = choose(configs, models, loss, validation)
    return configs[best], on_test[best]


@mistake(
    tune,
    "a split at random",
    ask="When you forecast tomorrow, have you seen the day after?",
    look="the split: the rows are in order of time, and the model must be judged on what comes later.",
)
def _(configs, X, y, fit, loss):
    order = torch.randperm(len(X))
    train, validation, test = in_parts(X[order], y[order])
    models = [fit(config, *train) for config in configs]
    best = choose(configs, models, loss, validation)
    return configs[best], loss(models[best], *test)


@mistake(
    tune,
    "a test loss of the model that was trained last, not of the best one",
    ask="When the loop is over, which model does your variable hold?",
    look="the last call of loss: its model has to belong to the config that you return.",
)
def _(configs, X, y, fit, loss):
    train, validation, test = in_parts(X, y)
    models = [fit(config, *train) for config in configs]
    return configs[choose(configs, models, loss, validation)], loss(models[-1], *test)


@mistake(
    tune,
    "a choice made by the training rows",
    ask="Which degree always fits the rows best that it was trained on?",
    look="the rows on which the configs are compared: the model has seen those before.",
)
def _(configs, X, y, fit, loss):
    train, _, test = in_parts(X, y)
    models = [fit(config, *train) for config in configs]
    best = choose(configs, models, loss, train)
    return configs[best], loss(models[best], *test)


@mistake(
    tune,
    "a run that returns the validation loss of the best, and never opens the test",
    ask="The smallest of several validation losses was picked for being small. Is it a fair forecast?",
    look="the number that you return: which rows is it measured on?",
)
def _(configs, X, y, fit, loss):
    train, validation, _ = in_parts(X, y)
    models = [fit(config, *train) for config in configs]
    best = choose(configs, models, loss, validation)
    return configs[best], loss(models[best], *validation)


@mistake(
    tune,
    "a split in two, where the rows that choose are those that judge",
    ask="How many parts do your slices make, and which of them has nothing to do with the choice?",
    look="the split: it takes three parts, one to train, one to choose, one to judge.",
)
def _(configs, X, y, fit, loss):
    end = len(X) * 4 // 5
    models = [fit(config, X[:end], y[:end]) for config in configs]
    best = choose(configs, models, loss, (X[end:], y[end:]))
    return configs[best], loss(models[best], X[end:], y[end:])


@mistake(
    tune,
    "a choice of the largest loss",
    ask="Is a good model one with much loss, or with little?",
    look="the comparison that picks the best.",
)
def _(configs, X, y, fit, loss):
    train, validation, test = in_parts(X, y)
    models = [fit(config, *train) for config in configs]
    best = choose(configs, models, loss, validation, pick=max)
    return configs[best], loss(models[best], *test)


@mistake(
    tune,
    "a run that trains the best once more, with the validation rows",
    ask="How often is fit called for the config that you choose, and on which rows the last time?",
    look="the model that you test: this exercise asks for the one that was chosen, as it was chosen.",
)
def _(configs, X, y, fit, loss):
    train, validation, test = in_parts(X, y)
    models = [fit(config, *train) for config in configs]
    best = choose(configs, models, loss, validation)
    end = len(X) * 4 // 5
    return configs[best], loss(fit(configs[best], X[:end], y[:end]), *test)
