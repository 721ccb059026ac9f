"""Three stages, and a model that can be handed over: prepare, train, infer."""

from collections.abc import Callable
from io import BytesIO

import numpy as np
import torch
from torch import Tensor, nn

from course_lib.exercises import Case, exercise, part
from course_lib.exercises.values import with_article
from course_lib.foundations.exercises.deep.common import broken

Config = dict[str, int | float]

REPORT = ("mean", "std", "accuracy", "probabilities")
REPEATED = "the same seed and the same rows make the same model"
SEEDED = "another seed, set before your function is called, makes another model"
UNITS = "features in other units, grams in place of kilograms, change nothing in what is predicted"
UNSEEN = "other unseen rows change nothing in the model"
HONEST = "the accuracy in the report is the model's on the unseen rows"
LEARNED = "the model tells the classes of new raw rows apart, nine times in ten"
EVALUATION = "the model comes in evaluation mode"
DROPOUT = "in training mode dropout is at work: two calls differ"
RELOADED = "another model, made from other rows, predicts the same to the last bit once it has loaded the state_dict"
SHAPE = "the probabilities have a row for each unseen row, and in it a number for each class"
SHARES = "each of the probabilities lies between 0 and 1"
SUMS = "the probabilities of each row add up to 1"
AGREES = "the probabilities are the softmax of what the model gives, in evaluation mode, for the raw unseen rows"
NO_GRAPH = "the probabilities carry no graph for gradients"
ALONE = "a row that comes alone gets what it gets among others"


def opened(answer: Callable, x: Tensor, y: Tensor, config: Config, seed: int = 1) -> tuple[nn.Module, dict] | None:
    """The model and the report that the answer makes, from this seed on.

    Raises:
        TypeError: it returns something else.
        ValueError: the report lacks an entry.
    """
    torch.default_generator.manual_seed(seed)
    np.random.seed(seed)
    with torch.enable_grad():  # a notebook may have switched gradients off
        made = answer((x.clone(), y.clone()), dict(config))
    if made is None:
        return None
    if not (isinstance(made, tuple | list) and len(made) == 2):
        raise TypeError("run_pipeline should return two things: model, report")
    model, report = made
    if not isinstance(model, nn.Module):
        raise TypeError(f"the model should be an nn.Module, and is {with_article(type(model).__name__)}")
    if not isinstance(report, dict):
        raise TypeError(f"the report should be a dict, and is {with_article(type(report).__name__)}")
    for name in REPORT:
        if name not in report:
            raise ValueError(f"the report has no entry {name!r}; it has {', '.join(map(repr, report)) or 'none'}")
    return model, report


@torch.no_grad()
def logits_of(model: nn.Module, x: Tensor) -> Tensor:
    """What the model gives for these rows in evaluation mode, and back in the mode in which it was."""
    mode = model.training
    made = model.eval()(x)
    model.train(mode)
    return made


def statistics(answer: Callable, x: Tensor, y: Tensor, config: Config) -> dict[str, Tensor] | None:
    """By what the report says that rows are scaled."""
    made = opened(answer, x, y, config)
    return made and {name: torch.as_tensor(made[1][name]).flatten() for name in ("mean", "std")}


def in_other_units(answer: Callable, x: Tensor, y: Tensor, config: Config, factors: Tensor) -> dict[str, bool] | None:
    """Whether it is all the same in which unit a feature is measured, all along.

    Of an answer that trains another model each time this cannot be said, and `on_other_rows` says what is wrong.
    """
    made = [opened(answer, *rows, config) for rows in ((x, y), (x * factors, y), (x, y))]
    if None in made:
        return None
    (model, _), (other, _), (again, _) = made
    logits, others = logits_of(model, x), logits_of(other, x * factors)
    same = bool((logits - others).abs().max() <= 0.01 * logits.abs().max())
    return {UNITS: same or not torch.equal(logits, logits_of(again, x))}


def on_other_rows(
    answer: Callable, x: Tensor, y: Tensor, config: Config, other_x: Tensor, other_y: Tensor
) -> dict[str, bool] | None:
    """Whether the model hangs on the seed and the training rows alone; the other rows differ in the unseen ones."""
    calls = ((x, y, 1), (x, y, 1), (x, y, 2), (other_x, other_y, 1))
    made = [opened(answer, *rows, config, seed) for *rows, seed in calls]
    if None in made:
        return None
    first, again, differs, other = (logits_of(model, x) for model, _ in made)
    return {
        REPEATED: torch.equal(first, again),
        SEEDED: not torch.equal(first, differs),
        UNSEEN: torch.equal(first, other),
    }


def trained(
    answer: Callable, x: Tensor, y: Tensor, config: Config, new_x: Tensor, new_y: Tensor
) -> dict[str, bool] | None:
    """Whether it has learned, and whether the report says how much."""
    made = opened(answer, x, y, config)
    if made is None:
        return None
    model, report = made
    known = config["train"]
    unseen, new = (
        (logits_of(model, rows).argmax(dim=1) == labels).double().mean().item()
        for rows, labels in ((x[known:], y[known:]), (new_x, new_y))
    )
    return {LEARNED: new >= 0.9, HONEST: abs(float(report["accuracy"]) - unseen) < 1e-4}


def handed_over(
    answer: Callable, x: Tensor, y: Tensor, config: Config, other_x: Tensor, other_y: Tensor
) -> dict[str, bool] | None:
    """Whether a model of other rows becomes this one by loading what was saved of it."""
    made = [opened(answer, *rows, config, seed) for seed, rows in enumerate(((x, y), (other_x, other_y)))]
    if None in made:
        return None
    (model, _), (other, _) = made
    evaluation = not any(module.training for module in model.modules())
    file = BytesIO()
    torch.save(model.state_dict(), file)
    file.seek(0)
    other.load_state_dict(torch.load(file, weights_only=True))
    same = torch.equal(logits_of(model, x), logits_of(other, x))
    with torch.no_grad():
        model.train()
        at_work = not torch.equal(model(x), model(x))
    return {EVALUATION: evaluation, DROPOUT: at_work, RELOADED: same}


def inferred(answer: Callable, x: Tensor, y: Tensor, config: Config) -> dict[str, bool] | None:
    """How the probabilities in the report came about."""
    made = opened(answer, x, y, config)
    if made is None:
        return None
    model, report = made
    unseen, given = x[config["train"] :], torch.as_tensor(report["probabilities"])
    wanted = logits_of(model, unseen).softmax(dim=1)
    fits = given.shape == wanted.shape
    alone = torch.cat([logits_of(model, row) for row in unseen[:3].split(1)])
    return {
        SHAPE: fits,
        SHARES: fits and bool(((given >= 0) & (given <= 1)).all()),
        SUMS: fits and bool(((given.sum(dim=1) - 1).abs() < 1e-4).all()),
        AGREES: fits and torch.allclose(given.to(wanted), wanted, atol=1e-5),
        NO_GRAPH: not given.requires_grad,
        ALONE: torch.allclose(alone.softmax(dim=1), wanted[:3], atol=1e-5),
    }


class Blobs:
    """Classes around centres of their own, every feature in its own unit.

    The unseen rows lie three times as far out, three quarters of them in the last class, and one in five has a wrong
    label: who looks at them beforehand has other statistics, and who learns from them another model.

    Args:
        rng: draws everything.
        features: numbers in a row.
        classes: how many.
        units: by which factor the unit of the first feature differs from that of the last.
    """

    def __init__(self, rng: np.random.Generator, features: int, classes: int, units: float):
        self.rng, self.classes = rng, classes
        self.unit = np.logspace(0, np.log10(units), features) * rng.uniform(0.8, 1.25, size=features)
        self.middle = self.unit * rng.uniform(4, 6, size=features)
        angle = rng.uniform(0, 2 * np.pi) + 2 * np.pi * np.arange(classes) / classes
        plane = np.linalg.qr(rng.normal(size=(features, 2)))[0]
        self.centres = np.stack([np.cos(angle), np.sin(angle)], axis=1) @ plane.T * 2  # (classes, features)

    def rows(self, count: int, out: float = 1.0, labels: np.ndarray | None = None) -> tuple[Tensor, Tensor]:
        """x (count, features) in raw units, y (count,) int64."""
        labels = self.rng.permutation(np.arange(count) % self.classes) if labels is None else labels
        x = out * self.centres[labels] + self.rng.normal(scale=0.5, size=(count, len(self.unit)))
        return torch.from_numpy(self.middle + self.unit * x).float(), torch.from_numpy(labels)

    def unseen(self, count: int) -> tuple[Tensor, Tensor]:
        """Rows from further out, most of them of the last class, one in five with a wrong label."""
        rng = self.rng
        labels = np.where(rng.uniform(size=count) < 0.75, self.classes - 1, rng.integers(self.classes, size=count))
        x, y = self.rows(count, out=3.0, labels=labels)
        wrong = torch.from_numpy(rng.permutation(np.arange(count) % 5 == 0))
        return x, torch.where(wrong, (y + 1) % self.classes, y)


def one_after_the_other(*rows: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """All of these rows as one x and one y."""
    x, y = zip(*rows, strict=True)
    return torch.cat(x), torch.cat(y)


@exercise("foundations.pipeline", "run_pipeline(raw, config) -> model, report", level="core", minutes=13, seconds=30)
def stages(rng):
    """Prepare, train, infer: a model that takes raw rows, and can be handed over."""

    def setting(features: int, classes: int, units: float) -> tuple[Blobs, Config, tuple[Tensor, Tensor], str]:
        """Where rows come from, the config, the training rows, and all that in words."""
        train = 45 * classes
        config = {
            "train": train,
            "classes": classes,
            "hidden_size": 16,
            "dropout": 0.5,
            "epochs": 30,
            "learning_rate": 0.1,
        }
        source = Blobs(rng, features, classes, units)
        shown = f"{features} features, the last {units:g} times as large as the first; {classes} classes"
        return source, config, source.rows(train), shown

    def case(via: Callable, rows: tuple, config: Config, more: tuple, expected: dict, shown: str, because: str) -> Case:
        inputs = (*rows, config, *more)
        said = {} if via is statistics else {"explain": broken}
        return Case(inputs, via=via, expected=expected, shown=shown, because=because, rtol=0.02, atol=1e-9, **said)

    settings = [setting(*sizes) for sizes in ((2, 2, 100.0), (3, 3, 1000.0))]
    with part("prepare", points=1):
        for source, config, known, shown in settings:
            x, _ = known
            expected = {"mean": x.mean(dim=0), "std": x.std(dim=0, correction=0)}
            rows = one_after_the_other(known, source.unseen(60))
            because = "rows that come later have no say in how rows are scaled"
            yield case(statistics, rows, config, (), expected, shown, because)
        factors = torch.from_numpy(2.0 ** rng.choice([-5, 5], size=len(source.unit))).float()
        because = "what is scaled by its own mean and spread has no unit any more"
        yield case(in_other_units, rows, config, (factors,), {UNITS: True}, shown, because)
    with part("train", points=1):
        for source, config, known, shown in settings:
            rows = one_after_the_other(known, source.unseen(60))
            because = "what is not learned from tells how good the model is, and only that does"
            expected = {LEARNED: True, HONEST: True}
            yield case(trained, rows, config, source.rows(90), expected, shown, because)
    with part("unseen rows stay unseen", points=1):
        for source, config, known, shown in settings:
            rows, others = (one_after_the_other(known, source.unseen(60)) for _ in range(2))
            because = "mean, spread and weights come from the training rows; the seed is set before each call"
            expected = dict.fromkeys((REPEATED, SEEDED, UNSEEN), True)
            yield case(on_other_rows, rows, config, others, expected, shown, because)
    with part("hand over", points=1):
        for source, config, known, shown in settings:
            rows = one_after_the_other(known, source.unseen(60))
            others = one_after_the_other(source.unseen(config["train"]), source.rows(60))
            because = "what a module holds as parameter or buffer is in its state_dict; nothing else is"
            expected = {EVALUATION: True, DROPOUT: True, RELOADED: True}
            yield case(handed_over, rows, config, others, expected, shown, because)
    with part("infer", points=1):
        for source, config, known, shown in settings:
            rows = one_after_the_other(known, source.unseen(60))
            because = "in use nothing is dropped, nothing is learned, and no row knows of another"
            expected = dict.fromkeys((SHAPE, SHARES, SUMS, AGREES, NO_GRAPH, ALONE), True)
            yield case(inferred, rows, config, (), expected, shown, because)
