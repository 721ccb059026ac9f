"""What the exercises of 2.8 share: classifiers of pictures by name, and a look at what an answer leaves in one."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from course_lib.exercises import randn
from course_lib.exercises.values import alike, plain
from course_lib.tensors.exercises.eager.common import fill

Built = tuple[str, list[Tensor]]  # a name of MODELS, and the numbers for its parameters

MODELS = {
    "a linear model of 1 × 3 pixels": lambda: nn.Sequential(nn.Flatten(), nn.Linear(3, 2, bias=False)),
    "a linear model of 3 × 4 pixels": lambda: nn.Sequential(nn.Flatten(), nn.Linear(12, 3)),
    "a ReLU network on 3 × 4 pixels": lambda: nn.Sequential(
        nn.Flatten(), nn.Linear(12, 10), nn.ReLU(), nn.Linear(10, 3)
    ),
    "a convolutional network on 2 channels of 5 × 4 pixels": lambda: nn.Sequential(
        nn.Conv2d(2, 3, 3, padding=1), nn.Tanh(), nn.Flatten(), nn.Linear(60, 3)
    ),
    "a network with dropout, which rests, on 3 × 4 pixels": lambda: nn.Sequential(
        nn.Flatten(), nn.Linear(12, 10), nn.Tanh(), nn.Dropout(0.5), nn.Linear(10, 3)
    ),
}
SMALL, LINEAR, RELU, CONVOLUTION, DROPOUT = MODELS
SHAPES = {  # of one picture
    SMALL: (1, 1, 3),
    LINEAR: (1, 3, 4),
    RELU: (1, 3, 4),
    CONVOLUTION: (2, 5, 4),
    DROPOUT: (1, 3, 4),
}
CLASSES = 3  # of all of them but the smallest

GIVEN = "a parameter that had a gradient before the call has the same one after it"
NONE = "a parameter that had no gradient before the call has none after it"
PARAMETERS = "the model's parameters are what they were, and ask for gradients"
MODE = "the model is in evaluation mode"
PICTURES = "x is what it was, asks for no gradient and holds none"
AGAIN = "a second call with the same x gives what the first gave"


def model_of(built: Built) -> nn.Module:
    """The model, in evaluation mode."""
    kind, weights = built
    return fill(MODELS[kind](), weights).eval()


def weights_for(rng: np.random.Generator, kind: str) -> list[Tensor]:
    """Random numbers for a model's parameters, such that its logits are about 1."""
    return [
        randn(rng, *parameter.shape, scale=parameter[0].numel() ** -0.5) for parameter in MODELS[kind]().parameters()
    ]


def by_hand(*rows: list[float]) -> Built:
    """The smallest model, with these weights: three for each of the two classes."""
    return SMALL, [torch.tensor(rows)]


def row(*pixels: float) -> Tensor:
    """A batch of one picture of one row: (1, 1, 1, pixels)."""
    return torch.tensor(pixels).reshape(1, 1, 1, -1)


def answered(answer: Callable, built: Built, x: Tensor, *rest):
    """What the answer makes of a model and x."""
    with torch.enable_grad():  # a notebook may have switched gradients off
        return answer(model_of(built), x, *rest)


def left_behind(answer: Callable, built: Built, x: Tensor, *rest) -> dict[str, bool]:
    """Which promises hold after two calls with one model and one x; its first parameter has a gradient already."""
    model = model_of(built)
    first, *others = model.parameters()
    first.grad = torch.ones_like(first)
    before, numbers = x.clone(), [parameter.detach().clone() for parameter in model.parameters()]
    with torch.enable_grad():
        results = [plain(answer(model, x, *rest)) for _ in range(2)]
    kept = all(map(torch.equal, model.parameters(), numbers))
    return {
        AGAIN: alike(*results, rtol=1e-5, atol=1e-6),
        GIVEN: first.grad is not None and bool((first.grad == 1).all()),
        NONE: not any(parameter.grad is not None and parameter.grad.any() for parameter in others),
        PARAMETERS: kept and all(parameter.requires_grad for parameter in model.parameters()),
        MODE: not any(module.training for module in model.modules()),
        PICTURES: torch.equal(x, before) and not x.requires_grad and x.grad is None,
    }


def clean_gradient(score: Callable[[Tensor], Tensor], model: nn.Module, x: Tensor) -> Tensor:
    """The gradient of a score by x: (shape of x). Nothing else gets one."""
    x = x.clone().requires_grad_()
    return torch.autograd.grad(score(model(x)), x)[0]


def careless_gradient(score: Callable[[Tensor], Tensor], model: nn.Module, x: Tensor) -> Tensor:
    """The same by `backward`, which adds to the gradients of the model's parameters too."""
    x = x.clone().requires_grad_()
    score(model(x)).backward()
    return x.grad


def clearing_gradient(score: Callable[[Tensor], Tensor], model: nn.Module, x: Tensor) -> Tensor:
    """The same, and then all of the model's gradients are cleared away."""
    found = careless_gradient(score, model, x)
    model.zero_grad()
    return found


def piling_gradient(score: Callable[[Tensor], Tensor], model: nn.Module, x: Tensor) -> Tensor:
    """The same, in the x that was lent: a second call adds to the first one's."""
    x.requires_grad_()
    score(model(x)).backward()
    return x.grad


def lent_gradient(score: Callable[[Tensor], Tensor], model: nn.Module, x: Tensor) -> Tensor:
    """The right gradient, but the x that was lent asks for gradients from now on."""
    return torch.autograd.grad(score(model(x.requires_grad_())), x)[0]


def unasked_gradient(score: Callable[[Tensor], Tensor], model: nn.Module, x: Tensor) -> Tensor:
    """A gradient by an x that autograd has not followed: it raises."""
    return torch.autograd.grad(score(model(x)), x)[0]


def unasked_backward(score: Callable[[Tensor], Tensor], model: nn.Module, x: Tensor) -> None:
    """The same by `backward`: there is none."""
    score(model(x)).backward()
    return x.grad
