"""What can be read from each layer by a linear probe (Alain & Bengio 2017, "Understanding intermediate layers")."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from course_lib.exercises import Case, exercise, part, randn

Layer = tuple[Tensor, Tensor]  # bias, and weight: (units, inputs), or (channels, channels, k, k) of kernels

ROWS = 600  # half of them to score on: chance moves a share of 300 by 0.03
NEAR = 0.15  # by which an accuracy may differ, for a probe may be fitted in more than one way
SAY_NEAR = 2 / 3  # the accuracy of who cannot read whether a number is near or far (see Planted)
UNTOUCHED = "the model's parameters and buffers are as before"
READABLE = "what is on one side of a plane in these features can be read; more than one plane is more than linear"


@torch.no_grad()
def backbone(layers: Sequence[Layer]) -> nn.Sequential:
    """Layers with these weights, a ReLU between each and the next; pictures are pooled before a dense layer."""
    modules, pictures = [], False
    for weight, bias in layers:
        if pictures and weight.ndim == 2:
            modules += [nn.AdaptiveMaxPool2d(1), nn.Flatten()]
        pictures = weight.ndim == 4
        outputs, inputs, *kernel = weight.shape
        layer = nn.Conv2d(inputs, outputs, kernel) if kernel else nn.Linear(inputs, outputs)
        layer.weight.copy_(weight)
        layer.bias.copy_(bias)
        modules += [layer, nn.ReLU()]
    return nn.Sequential(*modules[:-1])


def probed(answer: Callable, layers: list[Layer], x: Tensor, y: Tensor) -> dict[str, float] | None:
    """The accuracies that the answer finds, by name.

    Raises:
        ValueError: they are too many, or too few.
    """
    made = answer(backbone(layers), x, y)
    if made is None:
        return None
    names = ["accuracy on x"] + [f"accuracy behind ReLU {n}" for n in range(1, len(layers))]
    made = made.flatten().tolist() if isinstance(made, torch.Tensor) else list(made)
    if len(made) != len(names):
        relus = "1 ReLU" if len(layers) == 2 else f"{len(layers) - 1} ReLUs"
        raise ValueError(f"x and {relus} make {len(names)} accuracies, and there are {len(made)}")
    return {name: float(accuracy) for name, accuracy in zip(names, made, strict=True)}


def left_behind(answer: Callable, layers: list[Layer], x: Tensor, y: Tensor) -> dict[str, bool] | None:
    """Whether the model is what it was before."""
    model = backbone(layers)
    before = {name: values.clone() for name, values in model.state_dict().items()}
    if answer(model, x, y) is None:
        return None
    after = model.state_dict()
    same = after.keys() == before.keys() and all(torch.equal(after[name], before[name]) for name in before)
    return {UNTOUCHED: same}


class Planted:
    """Data and layers of which it is known what can be read where.

    A number is *near* 0 (about 0.5 away from it) or, one time in three, *far* (about 1.5), on either side: no threshold
    on the number tells near from far, so that a probe can do no better than to say near, and one on its size does. A
    layer that unfolds it has a unit for either side; one that folds it back adds both up again, with their signs.

    Args:
        rng: draws everything.
        coded: numbers that carry the class, each one bit of it.
        others: numbers beside them that carry nothing.
    """

    def __init__(self, rng: np.random.Generator, coded: int, others: int):
        self.rng, self.coded, self.features = rng, coded, coded + others
        self.classes = 2**coded

    def data(self) -> tuple[Tensor, Tensor]:
        """x (ROWS, features), y (ROWS,) int64."""
        rng = self.rng
        far = rng.integers(3, size=(ROWS, self.coded)) // 2
        x = rng.uniform(-1, 1, size=(ROWS, self.features))
        size = far + rng.uniform(0.45, 0.55, size=far.shape)
        x[:, : self.coded] = size * rng.choice([-1, 1], size=far.shape)
        return torch.from_numpy(x).float(), torch.from_numpy(far @ 2 ** np.arange(self.coded))

    def kept(self) -> list[Layer]:
        """A layer that hands every number on, 2 higher, so that its ReLU changes nothing."""
        return [(torch.eye(self.features), torch.full((self.features,), 2.0))]

    def unfolded(self, lifted: float = 0.0) -> list[Layer]:
        """A layer with a unit for either side of every coded number, which comes `lifted`; the others stay above 0."""
        eye = torch.eye(self.features)
        weight = torch.cat([eye[: self.coded], -eye[: self.coded], eye[self.coded :]])
        bias = torch.tensor([-lifted] * self.coded + [lifted] * self.coded)
        return [(weight, torch.cat([bias, torch.full((self.features - self.coded,), 2.0)]))]

    def folded(self, numbers: int) -> list[Layer]:
        """Behind an unfolded layer, one that folds the first of the coded numbers back, and hands on all else."""
        weight = torch.eye(self.features + self.coded)
        weight[:numbers, self.coded : self.coded + numbers] = -torch.eye(numbers)
        weight = torch.cat([weight[: self.coded], weight[self.coded + numbers :]])
        return [(weight, torch.full((len(weight),), 2.0))]

    def shuffled(self, layers: list[Layer]) -> list[Layer]:
        """The same network with the units of every hidden layer in another order, and a head of random weights."""
        made, order = [], np.arange(self.features)
        for weight, bias in layers:
            weight = weight[:, order]
            order = self.rng.permutation(len(weight))
            made.append((weight[order], bias[order]))
        return [*made, self.head(len(order))]

    def head(self, units: int) -> Layer:
        """Random weights from so many units to the classes."""
        return randn(self.rng, self.classes, units), randn(self.rng, self.classes)


def noise(rng: np.random.Generator, rows: int, features: int) -> tuple[Tensor, Tensor]:
    """x (rows, features) and y (rows,) of two classes that have nothing to do with each other."""
    return randn(rng, rows, features), torch.from_numpy(rng.permutation(np.arange(rows) % 2))


CROSSES = torch.tensor([[[0, 1, 0], [1, 1, 1], [0, 1, 0]], [[1, 0, 1], [0, 1, 0], [1, 0, 1]]]).float()  # + and ×


def pictures(rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """A + or a × somewhere on a picture: x (ROWS, 1, 8, 8), y (ROWS,) int64."""
    x, y = rng.uniform(0, 0.2, size=(ROWS, 1, 8, 8)), rng.integers(2, size=ROWS)
    for picture, which, (top, left) in zip(x[:, 0], y, rng.integers(6, size=(ROWS, 2)), strict=True):
        picture[top : top + 3, left : left + 3] += 0.8 * CROSSES[which].numpy()
    return torch.from_numpy(x).float(), torch.from_numpy(y)


def finders(rng: np.random.Generator) -> list[Layer]:
    """A kernel for + and one for ×, a layer that no longer says which of both it was, and a head."""
    kernels = 2 * CROSSES.unsqueeze(1) - 1  # (2, 1, 3, 3)
    blurred = torch.ones(2, 2, 1, 1)
    head = (randn(rng, 2, 2), randn(rng, 2))
    return [(kernels, torch.tensor([-1.0, -1.0])), (blurred, torch.tensor([0.5, 1.0])), head]


@exercise(
    "foundations.hierarchy",
    "layer_probe(model, x, y) -> accuracies",
    level="core",
    minutes=10,
    keeps_inputs=True,
    seconds=20,
)
def probes(rng):
    """How much of the class can a linear probe read from each layer?"""

    def case(layers: list[Layer], data: tuple[Tensor, Tensor], wanted: list[float], shown: str, because: str) -> Case:
        names = ["accuracy on x"] + [f"accuracy behind ReLU {n}" for n in range(1, len(layers))]
        expected = dict(zip(names, wanted, strict=True))

        def explain(got: dict[str, float]) -> str:
            name = next(name for name in names if not abs(got[name] - expected[name]) <= NEAR)
            return f"Your {name} is {got[name]:.2f}, wanted about {expected[name]:.2f}."

        return Case(
            (layers, *data),
            via=probed,
            expected=expected,
            explain=explain,
            shown=shown,
            because=because,
            rtol=0,
            atol=NEAR,
        )

    with part("behind one ReLU", points=1):
        for others in (0, 3):
            made = Planted(rng, 1, others)
            shown = f"class 1 where |x1| > 1; units ReLU(x1) and ReLU(-x1){' and 3 that carry nothing' * (others > 0)}"
            yield case(made.shuffled(made.unfolded()), made.data(), [SAY_NEAR, 1.0], shown, READABLE)
    with part("layer by layer", points=1):
        made = Planted(rng, 1, 2)
        shown = "class 1 where |x1| > 1; layer 1 unfolds x1, layer 2 folds it back"
        layers = made.shuffled(made.unfolded() + made.folded(1))
        because = "a layer may lose what the one before had made readable"
        yield case(layers, made.data(), [SAY_NEAR, 1.0, SAY_NEAR], shown, because)
        shown = "class 1 where |x1| > 1; layer 1 hands x on, layer 2 unfolds x1"
        layers = made.shuffled(made.kept() + made.unfolded(lifted=2.0))
        because = "a layer may hand on what only the next one makes readable"
        yield case(layers, made.data(), [SAY_NEAR, SAY_NEAR, 1.0], shown, because)
        made = Planted(rng, 2, 1)
        shown = "4 classes by |x1| > 1 and |x2| > 1; layer 1 unfolds both numbers, layer 2 folds x1 back"
        layers = made.shuffled(made.unfolded() + made.folded(1))
        yield case(layers, made.data(), [SAY_NEAR**2, 1.0, SAY_NEAR], shown, "of two bits one is left")
    with part("held-out rows", points=1):
        for features in (240, 280):
            x, y = noise(rng, 400, features)
            made = Planted(rng, 1, features - 1)
            shown = f"labels that have nothing to do with the {features} features; 400 rows"
            because = "with more features than rows a probe gets everything right that it was fitted on"
            yield case(made.shuffled(made.kept()), (x, y), [0.5, 0.5], shown, because)
    with part("pictures", points=1):
        for _ in range(2):
            shown = "a + or a × somewhere on the picture; kernels that find them, then a layer that adds both up"
            because = "the largest value of each channel says whether the pattern is anywhere on the picture"
            yield case(finders(rng), pictures(rng), [0.5, 1.0, 0.5], shown, because)
    with part("the model stays as it is", points=1):
        for others in (1, 4):
            made = Planted(rng, 1, others)
            layers = made.shuffled(made.unfolded() + made.folded(1))
            yield Case(
                (layers, *made.data()),
                via=left_behind,
                expected={UNTOUCHED: True},
                explain=lambda _: f"Wanted, and not so: {UNTOUCHED}.",
                shown=f"two hidden layers over {others + 1} numbers",
                because="a probe looks; what trains along is no longer the model that was asked about",
            )
