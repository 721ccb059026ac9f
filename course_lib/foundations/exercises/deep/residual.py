"""A block and a way around it (He et al. 2016, "Deep residual learning for image recognition", equations 1 and 2)."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.autograd.functional import jacobian

from course_lib.exercises import Case, exercise, part, randn
from course_lib.exercises.compare import describe_kind
from course_lib.exercises.values import with_article
from course_lib.tensors.exercises.eager.common import draw_weights, fill, tensor_from
from course_lib.tensors.exercises.graphs.common import error_of

Pair = tuple[nn.Module, nn.Module | None]  # the block, and what projects x to its shape

PAIRS: dict[str, Callable[[], Pair]] = {
    "one weight": lambda: (nn.Linear(1, 1, bias=False), None),
    "Linear(3, 3)": lambda: (nn.Linear(3, 3), None),
    "Linear(3, 4), Tanh, Linear(4, 3)": lambda: (_tanh_block(3), None),
    "a 3 × 3 convolution of two channels": lambda: (nn.Conv2d(2, 2, 3, padding=1), None),
    "one weight, project one weight": lambda: (nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)),
    "Linear(3, 3), project Linear(3, 3)": lambda: (nn.Linear(3, 3), nn.Linear(3, 3)),
    "Linear(3, 4), Tanh, Linear(4, 2), project Linear(3, 2)": lambda: (_tanh_block(2), nn.Linear(3, 2)),
    "a convolution of 2 to 4 channels with stride 2, project a 1 × 1 one": lambda: (
        nn.Conv2d(2, 4, 3, stride=2, padding=1),
        nn.Conv2d(2, 4, 1, stride=2),
    ),
    "Linear(3, 3), Dropout(1.0)": lambda: (nn.Sequential(nn.Linear(3, 3), nn.Dropout(1.0)), None),
    "Linear(3, 2), Dropout(1.0), project Linear(3, 2)": lambda: (
        nn.Sequential(nn.Linear(3, 2), nn.Dropout(1.0)),
        nn.Linear(3, 2),
    ),
    "Linear(3, 1), no project": lambda: (nn.Linear(3, 1), None),
    "Linear(3, 2), no project": lambda: (nn.Linear(3, 2), None),
    "a convolution of 2 channels to 1, no project": lambda: (nn.Conv2d(2, 1, 3, padding=1), None),
}
ONE, LINEAR, TANH, PICTURES, ONE_ON_ONE, SAME, NARROWER, SMALLER, SILENT, SILENT_NARROWER, *MISFITS = PAIRS


def _tanh_block(outputs: int) -> nn.Module:
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, outputs))


def pair_of(kind: str, weights: list[Tensor]) -> Pair:
    """A block of PAIRS and its projection, with these weights."""
    block, project = PAIRS[kind]()
    fill(nn.ModuleList([block] if project is None else [block, project]), weights)
    return block, project


def made_by(answer: Callable, kind: str, weights: list[Tensor]) -> nn.Module:
    """What the answer makes of a block of PAIRS.

    Raises:
        TypeError: it is no module.
    """
    model = answer(*pair_of(kind, weights))
    if not isinstance(model, nn.Module):
        raise TypeError(f"Residual should make an nn.Module, and made {with_article(type(model).__name__)}")
    return model


def output_of(answer: Callable, kind: str, weights: list[Tensor], x: Tensor) -> Tensor | None:
    """What comes out."""
    return made_by(answer, kind, weights)(x)


def jacobian_of(answer: Callable, kind: str, layers: list[list[Tensor]], x: Tensor) -> Tensor:
    """How each output of some such blocks, one behind the other, moves with each input: (outputs, inputs)."""
    model = nn.Sequential(*(made_by(answer, kind, weights) for weights in layers))
    with torch.enable_grad():  # a notebook may have switched gradients off
        return jacobian(lambda x: tensor_from("forward", model(x)), x)


def as_a_module(answer: Callable, kind: str, weights: list[Tensor], x: Tensor) -> dict:
    """How many numbers an optimiser would find, and what comes out in either mode."""
    model = made_by(answer, kind, weights)
    return {
        "number of parameters": sum(parameter.numel() for parameter in model.parameters()),
        "y in training mode": model.train()(x),
        "y in evaluation mode": model.eval()(x),
    }


def error_for(answer: Callable, kind: str, weights: list[Tensor], x: Tensor) -> dict[str, str]:
    """The kind of error that this block is answered with, at the latest when x comes."""
    made = []
    error, _ = error_of(lambda: made.append(output_of(answer, kind, weights, x)))
    return {"error": error or f"none, but {describe_kind(made[0])}"}


class Shortcut(nn.Module):
    """A right answer, for the expected results, and for the mistakes to change one thing in."""

    def __init__(self, block: nn.Module, project: nn.Module | None = None):
        super().__init__()
        self.block, self.project = block, project

    def around(self, x: Tensor) -> Tensor:
        """What goes past the block."""
        return x if self.project is None else self.project(x)

    def join(self, through: Tensor, around: Tensor) -> Tensor:
        """Both ways together."""
        return through + around

    def misfit(self, through: Tensor, around: Tensor) -> Tensor:
        """What is done with two ways that don't fit together."""
        raise ValueError(f"the block gives {tuple(through.shape)}, the shortcut {tuple(around.shape)}")

    def forward(self, x: Tensor) -> Tensor:
        """x: whatever the block takes."""
        through, around = self.block(x), self.around(x)
        return (self.join if through.shape == around.shape else self.misfit)(through, around)


@exercise("foundations.residual", "Residual(block, project)", level="core", minutes=6, blanks=2, keeps_inputs=True)
def residual(rng):
    """Any block, with a way around it."""

    def weights_of(kind: str) -> list[Tensor]:
        return draw_weights(rng, nn.ModuleList(module for module in PAIRS[kind]() if module is not None))

    def by_hand(kind: str, weights: list[float], x: float, shown: str, because: str) -> Case:
        inputs = (kind, [torch.tensor([[weight]]) for weight in weights], torch.tensor([[x]]))
        return Case(inputs, via=output_of, expected=output_of(Shortcut, *inputs), shown=shown, because=because)

    def of(via: Callable, kind: str, x: Tensor, because: str, shown: str = "", weights: list | None = None) -> Case:
        inputs = (kind, weights_of(kind) if weights is None else weights, x)
        shown = shown or f"block {kind}, x of shape {tuple(x.shape)}"
        return Case(inputs, via=via, expected=via(Shortcut, *inputs), shown=shown, because=because)

    with part("the way around", points=1):
        both = "what the block gives and what came in are added, and nothing happens to the sum"
        for weight, x in ((2.0, 3.0), (0.5, -4.0), (-3.0, 1.0)):
            yield by_hand(ONE, [weight], x, f"a block that gives {weight:g}x, at x = {x:g}", both)
        silent = [torch.zeros_like(weight) for weight in weights_of(TANH)]
        shown = "a block that gives 0 whatever comes, x of shape (4, 3)"
        yield of(output_of, TANH, randn(rng, 4, 3), "a block that has nothing to say lets x through", shown, silent)
        for kind, shape in ((TANH, (5, 3)), (TANH, (2, 4, 3)), (PICTURES, (2, 2, 4, 5))):
            yield of(output_of, kind, randn(rng, *shape), both)
    with part("the Jacobian", points=1):
        for kind, depth in ((LINEAR, 1), (TANH, 1), (TANH, 8)):
            inputs = (kind, [weights_of(kind) for _ in range(depth)], randn(rng, 3))
            shown = f"{depth} such blocks in a row" if depth > 1 else "its Jacobian"
            yield Case(
                inputs,
                via=jacobian_of,
                expected=_product(*inputs),
                shown=f"block {kind}, x of shape (3,): {shown}",
                because="each is I, from the way around, and the block's own",
                rtol=1e-4,
            )
    with part("a projection", points=1):
        always = "a projection that is given takes x to the sum, and the block gets x itself"
        for weights, x in (((2.0, 5.0), 3.0), ((-1.0, 0.5), -2.0)):
            shown = f"a block that gives {weights[0]:g}x, a projection that gives {weights[1]:g}x, at x = {x:g}"
            yield by_hand(ONE_ON_ONE, list(weights), x, shown, always)
        for kind, shape in ((SAME, (4, 3)), (NARROWER, (5, 3)), (SMALLER, (2, 2, 6, 4))):
            yield of(output_of, kind, randn(rng, *shape), always)
        for kind, shape in zip(MISFITS, ((4, 3), (4, 3), (2, 2, 4, 4)), strict=True):
            because = "x + block(x) may go through by broadcasting, and mean something else: compare the shapes first"
            yield of(error_for, kind, randn(rng, *shape), because)
    with part("a module", points=1):
        for kind in (SILENT, SILENT_NARROWER):
            because = "what an nn.Module holds as an attribute of its own is trained, switched and saved with it"
            yield of(as_a_module, kind, randn(rng, 4, 3), because)


def _product(kind: str, layers: list[list[Tensor]], x: Tensor) -> Tensor:
    """(I + J_n) … (I + J_1), every J taken where the signal stands by then."""
    whole = torch.eye(len(x))
    for weights in layers:
        block, _ = pair_of(kind, weights)
        whole = (torch.eye(len(x)) + jacobian(block, x)) @ whole
        x = x + block(x).detach()
    return whole
