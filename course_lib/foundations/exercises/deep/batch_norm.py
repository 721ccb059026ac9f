"""Batch normalisation in both of its modes (Ioffe & Szegedy 2015, algorithms 1 and 2)."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from course_lib.exercises import Case, exercise, part, randn
from course_lib.exercises.compare import difference
from course_lib.tensors.exercises.eager.common import tensor_from

EPS = 1e-5
Running = tuple[Tensor, Tensor]  # mean and variance, (features,) each
Results = tuple[Tensor, Tensor, Tensor]

RESULTS = ("y", "running_mean", "running_var")
OF_Y, OF_RUNNING = slice(0, 1), slice(1, 3)
LIBRARY = (  # and its kin that become it once rows and columns are exchanged
    *("batch_norm", "native_batch_norm", "_native_batch_norm_legit", "_native_batch_norm_legit_no_training"),
    *("instance_norm", "layer_norm", "native_layer_norm", "group_norm", "native_group_norm"),
)


def gradients(
    answer: Callable, x: Tensor, gamma: Tensor, beta: Tensor, running: Running, momentum: float, weight: Tensor
) -> dict[str, Tensor] | None:
    """What autograd finds for (weight * y).sum(), in training.

    Raises:
        TypeError: it finds no way back.
    """
    with torch.enable_grad():  # a notebook may have switched gradients off
        sources = [source.clone().requires_grad_() for source in (x, gamma, beta)]
        made = answer(*sources, running, momentum, True)
        if made is None:
            return None
        y = tensor_from("batch_norm: y", made[0])
        if not y.requires_grad:
            raise TypeError("autograd cannot follow y back to x: make it of x by PyTorch's operations alone")
        found = torch.autograd.grad((weight * y).sum(), sources, materialize_grads=True)
    return dict(zip(("gradient by x", "gradient by gamma", "gradient by beta"), found, strict=True))


def batch_after_batch(
    answer: Callable, xs: list[Tensor], gamma: Tensor, beta: Tensor, running: Running, momentum: float
) -> dict[str, Tensor] | None:
    """The running statistics after these batches in training, each handed those of the last one."""
    for x in xs:
        made = answer(x, gamma, beta, running, momentum, True)
        if made is None:
            return None
        _, *running = made
        running = tuple(running)
    return dict(zip(("running_mean", "running_var"), running, strict=True))


def torch_norm(x: Tensor, gamma: Tensor, beta: Tensor, running: Running, momentum: float, training: bool) -> Results:
    """PyTorch's own, which writes into its running statistics; in float64, for in float32 it rounds off a lot."""
    mean, var = (statistic.to(torch.float64, copy=True) for statistic in running)
    y = F.batch_norm(x.double(), mean, var, gamma.double(), beta.double(), training, momentum, EPS)
    return y.float(), mean.float(), var.float()


@exercise(
    "foundations.batch-norm",
    f"batch_norm(x, gamma, beta, running, momentum, training) -> {', '.join(RESULTS)}",
    level="core",
    minutes=9,
    without=LIBRARY,
    keeps_inputs=True,
)
def batch_norm(rng):
    """Normalise a batch, and what stands in for the batch once training is over."""

    def case(inputs: tuple, shown: str, because: str, of: slice = slice(None)) -> Case:
        """One call; `of` says which of the three results count."""
        form = torch_norm(*inputs)

        def explain(got: Results) -> str:
            return difference(got[of], form[of], rtol=1e-5, atol=1e-5, names=RESULTS[of]).sentence

        return Case(
            inputs,
            expected=form[of],
            view=lambda got: got[of],
            form=form,
            explain=explain,
            shown=shown,
            because=because,
        )

    def by_hand(rows: list[list[float]], training: bool, gamma: float = 1.0, beta: float = 0.0) -> tuple[tuple, str]:
        """Inputs with running means of 0, running variances of 4 and a momentum of 0.5, and what is shown of them."""
        x = torch.tensor(rows)
        zeros = torch.zeros(x.shape[1])
        given = f"x={rows}, gamma {gamma:g}, beta {beta:g}, running mean 0 and variance 4"
        shown = f"{given}, momentum 0.5, {_mode(training)}"
        return (x, zeros + gamma, zeros + beta, (zeros, zeros + 4), 0.5, training), shown

    def affine(features: int) -> tuple[Tensor, Tensor]:
        return randn(rng, features), randn(rng, features)

    def statistics(features: int) -> Running:
        return randn(rng, features), torch.from_numpy(rng.uniform(0.5, 3, size=features)).float()

    def drawn(batch: int, features: int, momentum: float, training: bool) -> tuple[tuple, str]:
        x = randn(rng, batch, features) * torch.linspace(1, 3, features) + 2
        shown = f"x of shape ({batch}, {features}), random numbers, momentum {momentum}, {_mode(training)}"
        return (x, *affine(features), statistics(features), momentum, training), shown

    with part("a batch in training", points=1):
        by_feature = "every feature gets the mean and the variance of its own column, over the batch"
        yield case(*by_hand([[1.0], [3.0]], True), by_feature, OF_Y)
        yield case(*by_hand([[1.0, 10.0], [3.0, 50.0]], True, gamma=2, beta=5), by_feature, OF_Y)
        tiny = "1e-5 is added to the variance, under the root, so that a column without any spread divides by no 0"
        yield case(*by_hand([[0.002, 7.0], [-0.002, 7.0]], True), tiny, OF_Y)
        yield case(*by_hand([[0.004], [0.0], [-0.004]], True), tiny, OF_Y)
        for batch, features in ((4, 3), (2, 5), (6, 4)):
            yield case(*drawn(batch, features, 0.1, True), by_feature, OF_Y)
    with part("the running statistics", points=1):
        moving = "each moves by the share `momentum` towards the batch's; the variance is the one that divides by n - 1"
        yield case(*by_hand([[1.0], [3.0]], True), moving, OF_RUNNING)
        for batch, features, momentum in ((5, 3, 0.1), (3, 4, 0.75)):
            yield case(*drawn(batch, features, momentum, True), moving, OF_RUNNING)
        for batches in (2, 6):
            xs = [randn(rng, 4, 3, scale=2.0) + 1 for _ in range(batches)]
            inputs = (xs, *affine(3), statistics(3), 0.3)
            yield Case(
                inputs,
                via=batch_after_batch,
                expected=batch_after_batch(torch_norm, *inputs),
                shown=f"{batches} batches of shape (4, 3) in training, one after the other",
                because="what one call returns as running statistics, the next one is handed",
            )
    with part("evaluation", points=1):
        alone = "in evaluation a row's result depends on no other row, and nothing moves"
        yield case(*by_hand([[6.0]], False), alone)
        yield case(*by_hand([[6.0, -2.0], [0.0, 4.0]], False, gamma=3, beta=1), alone)
        for batch, features in ((1, 4), (5, 3)):
            yield case(*drawn(batch, features, 0.1, False), alone)
    with part("the gradient", points=1):
        for batch, features in ((2, 1), (4, 3), (3, 5)):
            inputs, _ = drawn(batch, features, 0.1, True)
            inputs = (*inputs[:-1], randn(rng, batch, features))
            yield Case(
                inputs,
                via=gradients,
                expected=gradients(torch_norm, *inputs),
                shown=f"x of shape ({batch}, {features}), the gradient of a weighted sum of y, in training",
                because="x moves its column's mean and variance too, and these move every row of the column",
                atol=1e-4,
            )


def _mode(training: bool) -> str:
    return "in training" if training else "in evaluation"
