"""The mistakes that `run_pipeline` is known for: in what is fitted on which rows, in what is saved, and in the mode."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_lib.exercises import mistake
from course_lib.foundations.exercises.pipeline.stages import Config, stages

Rows = tuple[Tensor, Tensor]  # x (rows, features), y (rows,)


class Scaler(nn.Module):
    """Scales raw rows by a mean and a spread that are saved with the model."""

    def __init__(self, x: Tensor):
        super().__init__()
        self.register_buffer("mean", x.mean(dim=0))
        self.register_buffer("std", x.std(dim=0, correction=0))

    def forward(self, x: Tensor) -> Tensor:
        """x: (rows, features), raw; the same shape, scaled."""
        return (x - self.mean) / self.std


class Forgotten(nn.Module):
    """Scales by two tensors that are neither parameters nor buffers."""

    def __init__(self, x: Tensor):
        super().__init__()
        self.mean, self.std = x.mean(dim=0), x.std(dim=0, correction=0)

    def forward(self, x: Tensor) -> Tensor:
        """x: (rows, features), raw; the same shape, scaled."""
        return (x - self.mean) / self.std


class OfWhatComes(Scaler):
    """Scales every batch by its own mean and spread."""

    def forward(self, x: Tensor) -> Tensor:
        """x: (rows, features), raw; the same shape, scaled."""
        return (x - x.mean(dim=0)) / (x.std(dim=0, correction=0) + 1e-8)


def train(model: nn.Module, x: Tensor, y: Tensor, config: Config) -> None:
    """Steps of gradient descent, on all rows at once (PyTorch's optimisers take seconds to import)."""
    parameters = list(model.parameters())
    for _ in range(config["epochs"]):
        slopes = torch.autograd.grad(F.cross_entropy(model(x), y), parameters)
        for parameter, slope in zip(parameters, slopes, strict=True):
            parameter.data -= 5 * config["learning_rate"] * slope


def train_carefully(model: nn.Module, x: Tensor, y: Tensor, config: Config) -> None:
    """Steps that are tiny, however steep the loss: on raw rows others would kill every ReLU."""
    parameters = list(model.parameters())
    for _ in range(config["epochs"]):
        slopes = torch.autograd.grad(F.cross_entropy(model(x), y), parameters)
        for parameter, slope in zip(parameters, slopes, strict=True):
            parameter.data -= 1e-4 * slope.sign()


def probabilities(model: nn.Module, x: Tensor) -> Tensor:
    """In evaluation mode, without a graph: (rows, classes)."""
    with torch.no_grad():
        return model.eval()(x).softmax(dim=1)


def network(config: Config, features: int) -> list[nn.Module]:
    """What comes behind the scaler."""
    hidden = config["hidden_size"]
    return [
        nn.Linear(features, hidden),
        nn.ReLU(),
        nn.Dropout(config["dropout"]),
        nn.Linear(hidden, config["classes"]),
    ]


def pipeline(
    raw: Rows,
    config: Config,
    *,
    fit_on: Callable[[Tensor, int], Tensor] = lambda x, known: x[:known],
    learn_from: Callable[[Tensor, int], Tensor] = lambda rows, known: rows[:known],
    scaler: Callable[[Tensor], nn.Module] = Scaler,
    layers: Callable[[Config, int], list[nn.Module]] = network,
    train: Callable[[nn.Module, Tensor, Tensor, Config], None] = train,
    infer: Callable[[nn.Module, Tensor], Tensor] = probabilities,
    count: Callable[[nn.Module, Tensor], Tensor] = probabilities,
    score: Callable[[Tensor, int], Tensor] = lambda rows, known: rows[known:],
    hand_over: Callable[[nn.Module], nn.Module] = nn.Module.eval,
) -> tuple[nn.Module, dict]:
    """A right answer, for the mistakes to change one thing in."""
    (x, y), known = raw, config["train"]
    fitted = scaler(fit_on(x, known))
    model = nn.Sequential(fitted, *layers(config, x.shape[1]))
    train(model.train(), learn_from(x, known), learn_from(y, known), config)
    right = count(model, score(x, known)).argmax(dim=1) == score(y, known)
    report = {
        "mean": fitted.mean,
        "std": fitted.std,
        "accuracy": right.double().mean().item(),
        "probabilities": infer(model, x[known:]),
    }
    return hand_over(model), report


def changed(name: str, *, ask: str, look: str, **changes: Callable) -> None:
    """Declare a mistake: what is exchanged in `pipeline`."""

    @mistake(stages, name, ask=ask, look=look)
    def _(raw, config):
        return pipeline(raw, config, **changes)


changed(
    "a scaler fitted on all rows",
    ask="The unseen rows stand for those of next year. How do you know their mean today?",
    look="what the scaler is fitted on: the training rows alone.",
    fit_on=lambda x, known: x,
)
changed(
    "a scaler fitted on the unseen rows",
    ask="Which rows are there to be learned from, mean and spread included?",
    look="what the scaler is fitted on: the training rows alone.",
    fit_on=lambda x, known: x[known:],
)
changed(
    "a scaler that takes mean and spread from whatever batch comes",
    ask="One row comes in, alone. What is left of it when its own mean is taken away?",
    look="the model's forward: it should use the training rows' mean and spread.",
    scaler=OfWhatComes,
)
changed(
    "a scaler that is not in the state_dict",
    ask="You send model.state_dict() to a colleague. Which entries of it are the mean and the spread?",
    look="how the model holds them: a buffer is saved, a tensor as an attribute is not, nor is persistent=False.",
    scaler=Forgotten,
)
changed(
    "a model that learns from the unseen rows too",
    ask="On which rows can you tell how good the model is, if it has learned from all of them?",
    look="the rows that your loss is taken of.",
    learn_from=lambda rows, known: rows,
)
changed(
    "an accuracy with training rows in it",
    ask="Who has seen the answers is asked again. What does the result tell you?",
    look="which rows the accuracy is taken of.",
    score=lambda rows, known: rows[:known],
)
changed(
    "a model that has learned nothing",
    ask="What is different about the weights before and after your loop?",
    look="the training: is there a step of the optimiser in it?",
    train=lambda model, x, y, config: None,
)


@torch.no_grad()
def with_dropout(model: nn.Module, x: Tensor) -> Tensor:
    """In training mode: (rows, classes)."""
    made = model.train()(x).softmax(dim=1)
    model.eval()
    return made


def with_graph(model: nn.Module, x: Tensor) -> Tensor:
    """In evaluation mode, and every step noted for a gradient that nobody asks for: (rows, classes)."""
    with torch.enable_grad():
        return model.eval()(x).softmax(dim=1)


@torch.no_grad()
def logits(model: nn.Module, x: Tensor) -> Tensor:
    """What comes out of the last layer: (rows, classes)."""
    return model.eval()(x)


changed(
    "predictions with dropout active",
    ask="You ask twice what the model says of the same row. Do you get the same answer?",
    look="the mode: model.eval() before the model is used.",
    infer=with_dropout,
)
for count in (probabilities, with_dropout):  # of the accuracy
    changed(
        "a model that is never put into evaluation mode",
        ask="You ask twice what the model says of the same row. Do you get the same answer?",
        look="the mode: model.eval() before the model is used, and before it is handed over.",
        infer=with_dropout,
        count=count,
        hand_over=nn.Module.train,
    )
changed(
    "a model that is handed over in training mode",
    ask="Whoever gets your model calls it at once. Is anything dropped?",
    look="the last lines: in which mode do you return the model?",
    hand_over=nn.Module.train,
)
changed(
    "predictions that keep their graph",
    ask="No gradient will ever be asked for here. What does PyTorch keep in memory all the same?",
    look="the inference: torch.no_grad or torch.inference_mode belongs around it.",
    infer=with_graph,
)
changed(
    "logits in place of probabilities",
    ask="What do the numbers of a row add up to?",
    look="the last step: softmax over the classes.",
    infer=logits,
)
changed(
    "a softmax over the rows",
    ask="What do the numbers of a row add up to, and what do those of a column?",
    look="dim: the classes share a 1, not the rows.",
    infer=lambda model, x: logits(model, x).softmax(dim=0),
)
changed(
    "classes in place of probabilities",
    ask="How sure is the model of its first row?",
    look="argmax: the probabilities themselves are asked for.",
    infer=lambda model, x: logits(model, x).argmax(dim=1),
)
changed(
    "a network without dropout",
    ask="What is `config['dropout']` used for in your model?",
    look="the layers: dropout stands behind the ReLU.",
    layers=lambda config, features: [layer for layer in network(config, features) if not isinstance(layer, nn.Dropout)],
)


@mistake(
    stages,
    "a seed of its own",
    ask="Somebody runs your pipeline with five seeds, to see how much the accuracy varies. What do they see?",
    look="torch.manual_seed: whoever calls your function has set it already.",
)
def _(raw, config):
    torch.default_generator.manual_seed(0)
    return pipeline(raw, config)


@mistake(
    stages,
    "a model that wants rows that are scaled already",
    ask="Whoever gets your model has a raw row in hand. Where do they get mean and spread from?",
    look="where the scaling happens: it should be the model's own first step.",
)
def _(raw, config):
    (x, y), known = raw, config["train"]
    scaler = Scaler(x[:known])
    model, report = pipeline((scaler(x), y), config, scaler=lambda x: _Nothing())
    return model, report | {"mean": scaler.mean, "std": scaler.std}


class _Nothing(nn.Identity):
    mean = std = None


@mistake(
    stages,
    "a pipeline that scales nothing",
    ask="One feature counts in thousands, another in thousandths. What does a step of one size do to their weights?",
    look="the first stage: mean and spread are reported, and are they used?",
)
def _(raw, config):
    (x, _), known = raw, config["train"]
    scaler = Scaler(x[:known])
    model, report = pipeline(raw, config, scaler=lambda x: _Nothing(), train=train_carefully)
    return model, report | {"mean": scaler.mean, "std": scaler.std}
