"""The mistakes that `layer_probe` is known for: in what is frozen, what is scored on, and what is looked at."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_lib.exercises import mistake
from course_lib.foundations.exercises.depth.probes import probes

Probe = Callable[[Tensor, Tensor, slice, slice], float]  # features, labels, rows to fit on, rows to score on


@torch.no_grad()
def features(model: nn.Sequential, x: Tensor, of: type[nn.Module] | tuple = nn.ReLU) -> list[Tensor]:
    """x, and what comes out of each layer of this kind; of pictures the largest value of each channel."""
    seen = [x]
    for layer in model:
        x = layer(x)
        if isinstance(layer, of):
            seen.append(x)
    return [h.amax(dim=(2, 3)) if h.ndim == 4 else h for h in seen]


def with_bias(h: Tensor) -> Tensor:
    """The features, and a 1: (rows, features + 1)."""
    return torch.cat([h, torch.ones(len(h), 1)], dim=1)


def least_squares(
    h: Tensor, y: Tensor, fit: slice, score: slice, *, made: Callable[[Tensor], Tensor] = with_bias
) -> float:
    """The accuracy of the probe that least squares finds, its weights held back a little where rows are few."""
    h = made(h).double()
    known, targets = h[fit], F.one_hot(y)[fit].double()
    weight = torch.linalg.solve(known.T @ known + 1e-6 * torch.eye(h.shape[1]).double(), known.T @ targets)
    return ((h[score] @ weight).argmax(dim=1) == y[score]).double().mean().item()


def halves(x: Tensor) -> tuple[slice, slice]:
    """The rows to fit on, and those to score on."""
    return slice(len(x) // 2), slice(len(x) // 2, None)


def layer_probe(model: nn.Sequential, x: Tensor, y: Tensor) -> list[float]:
    """A right answer."""
    return [least_squares(h, y, *halves(x)) for h in features(model, x)]


@mistake(
    probes,
    "probes that are scored on the rows they were fitted on",
    ask="With 240 features for 200 rows a probe can learn any labels by heart. How would you notice?",
    look="which rows the accuracy is taken of: none of them may have been used before.",
)
def _(model, x, y):
    fit, _ = halves(x)
    return [least_squares(h, y, fit, fit) for h in features(model, x)]


@mistake(
    probes,
    "probes that are scored on all rows, those of the fit included",
    ask="Half of your score is of rows that the probe was fitted on. What do these say?",
    look="which rows the accuracy is taken of.",
)
def _(model, x, y):
    return [least_squares(h, y, halves(x)[0], slice(None)) for h in features(model, x)]


@mistake(
    probes,
    "a backbone that is trained along with its probes",
    ask="You ask what a layer has made readable. What do you learn when the layer changes while you ask?",
    look="the parameters that your optimiser is given: those of the probe, and no others.",
)
@torch.enable_grad()
def _(model, x, y):
    fit, score = halves(x)
    ends = [n + 1 for n, layer in enumerate(model) if isinstance(layer, nn.ReLU)]
    accuracies = []
    for end in (0, *ends):
        probe = nn.LazyLinear(int(y.max()) + 1)
        pool = nn.AdaptiveMaxPool2d(1) if x.ndim == 4 else nn.Identity()
        both = nn.Sequential(model[:end], pool, nn.Flatten(), probe)
        for _ in range(30):  # by hand: PyTorch's optimisers take seconds to import
            loss = F.cross_entropy(both(x[fit]), y[fit])
            parameters = list(both.parameters())
            for parameter, slope in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
                parameter.data -= 0.3 * slope
        accuracies.append((both(x[score]).argmax(dim=1) == y[score]).float().mean().item())
    return accuracies


@mistake(
    probes,
    "features taken before the ReLU",
    ask="W x + b is linear in x. What can be read from it that cannot be read from x?",
    look="the layer behind which you look: it should be the ReLU.",
)
def _(model, x, y):
    layers = (nn.Linear, nn.Conv2d)
    return [least_squares(h, y, *halves(x)) for h in features(model, x, layers)[:-1]]


@mistake(
    probes,
    "features taken before the ReLU of the layer after",
    ask="Behind ReLU 1, or behind what the next layer makes of it: which of the two do you hand to your probe?",
    look="the layer behind which you look: one step too far, and the next layer's weights are in.",
)
def _(model, x, y):
    seen = features(model, x, (nn.Linear, nn.Conv2d))
    return [least_squares(h, y, *halves(x)) for h in [x.amax(dim=(2, 3)) if x.ndim == 4 else x, *seen[2:]]]


@mistake(
    probes,
    "accuracies one layer late",
    ask="Which is the first of your accuracies: that of x, or that behind the first ReLU?",
    look="the order within the loop: is x probed before the first layer has run?",
)
def _(model, x, y):
    accuracies = layer_probe(model, x, y)
    return [*accuracies[1:], accuracies[-1]]


@mistake(
    probes,
    "accuracies without that of x",
    ask="How much could be read before the first layer?",
    look="the beginning of your list.",
)
def _(model, x, y):
    return layer_probe(model, x, y)[1:]


@mistake(
    probes,
    "accuracies of every layer, ReLU or not",
    ask="How many ReLUs has the model, and how many accuracies have you?",
    look="the layers behind which you look: x, and then each ReLU.",
)
def _(model, x, y):
    return [least_squares(h.flatten(1), y, *halves(x)) for h in features(model, x, nn.Module)]


@mistake(
    probes,
    "probes without a bias",
    ask="Class 1 lies where |x| is above 1, class 0 where it is below. Can a weight of |x| alone tell them apart?",
    look="the features that you hand to least squares: a column of ones is the bias.",
)
def _(model, x, y):
    return [least_squares(h, y, *halves(x), made=lambda h: h) for h in features(model, x)]


@mistake(
    probes,
    "probes that are not linear",
    ask="Does your probe find more in x than a plane can part, and whose merit is that?",
    look="the probe: one linear layer, no activation, no powers.",
)
def _(model, x, y):
    return [
        least_squares(h, y, *halves(x), made=lambda h: with_bias(torch.cat([h, h**2], dim=1)))
        for h in features(model, x)
    ]


@mistake(
    probes,
    "shares of errors, not of right answers",
    ask="A probe that is always right: which number do you give it?",
    look="the comparison with y: == or != ?",
)
def _(model, x, y):
    return [1 - accuracy for accuracy in layer_probe(model, x, y)]


@mistake(
    probes,
    "accuracies in per cent",
    ask="Half of the rows right: is that 0.5 or 50?",
    look="the last step: a share between 0 and 1 is asked for.",
)
def _(model, x, y):
    return [100 * accuracy for accuracy in layer_probe(model, x, y)]


@mistake(
    probes,
    "counts of right answers, not shares of them",
    ask="120 right ones: is that many?",
    look="the last step: mean, not sum.",
)
def _(model, x, y):
    return [accuracy * (len(x) - len(x) // 2) for accuracy in layer_probe(model, x, y)]
