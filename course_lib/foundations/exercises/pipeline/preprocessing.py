"""Prepare data: a scaler that knows the training rows alone, pictures of another size, and pictures moved about."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from course_lib.exercises import Case, exercise, part, randn
from course_lib.foundations.exercises.deep.common import broken

LIBRARY = (
    *("interpolate", "upsample", "upsample_bilinear", "upsample_bilinear2d", "_upsample_bilinear2d_aa"),
    *("grid_sample", "grid_sampler", "grid_sampler_2d", "affine_grid"),
)
PICTURES = 900  # so many are moved where shares are counted: chance moves them by 0.03 or less
SHARES = {
    "share that comes back at the other side": 0.0,
    "share with its edge repeated": 0.0,
    "share that is mirrored": 0.0,
    "share that is another picture": 0.0,
    "share moved by at most 1 pixel, or not at all": 1.0,
    "share moved up or down": 2 / 3,
    "share moved left or right": 2 / 3,
    "share not moved at all": 1 / 9,
    "mean move down": 0.0,
    "mean move to the right": 0.0,
}
MOVES = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1)]
LABELS = "the labels are what they were, in the same order"
SAME_SEED, NEXT_CALL = "the same seed brings the same pictures", "the next call brings other pictures"
ELSEWHERE = "all other random numbers go on as before"


def fitted(answer: Callable, x: Tensor) -> dict[str, Tensor] | None:
    """The scaler's two rows, by name."""
    made = answer(x)
    if made is None:
        return None
    mean, std = made
    return {"mean": mean, "std": std}


def augmented(answer: Callable, images: Tensor, labels: Tensor, training: bool, seed: int) -> dict[str, Tensor] | None:
    """What one call makes of the pictures and their labels."""
    made = answer(images, labels, training, np.random.default_rng(seed))
    if made is None:
        return None
    images, labels = made
    return {"images": images, "labels": labels}


def repeated(answer: Callable, images: Tensor, labels: Tensor, training: bool, seed: int) -> dict[str, bool]:
    """What of the result hangs on the generator, and what hangs on nothing."""
    before = torch.get_rng_state(), np.random.get_state()[1:3]
    rng = np.random.default_rng(seed)
    calls = [answer(images.clone(), labels.clone(), training, generator) for generator in (rng, rng)]
    calls.append(answer(images.clone(), labels.clone(), training, np.random.default_rng(seed)))
    first, second, again = (torch.as_tensor(made) for made, _ in calls)
    after = torch.get_rng_state(), np.random.get_state()[1:3]
    return {
        LABELS: all(torch.equal(torch.as_tensor(kept), labels) for _, kept in calls),
        SAME_SEED: torch.equal(first, again),
        NEXT_CALL: not torch.equal(first, second),
        ELSEWHERE: torch.equal(before[0], after[0]) and repr(before[1]) == repr(after[1]),
    }


def scaler_of(x: Tensor) -> dict[str, Tensor]:
    """Mean and spread of every column, in float64; the spread of a constant one is 1."""
    x = x.double()
    std = x.std(dim=0, correction=0)
    return {"mean": x.mean(dim=0).float(), "std": torch.where(std == 0, 1.0, std).float()}


def moved(images: Tensor, down: int, right: int) -> Tensor:
    """All pictures moved alike, with 0 coming in: the shape of images."""
    height, width = images.shape[-2:]
    return F.pad(images, (1, 1, 1, 1))[..., 1 - down : 1 - down + height, 1 - right : 1 - right + width]


def other_ways() -> dict[str, Callable[[Tensor, int, int], Tensor]]:
    """To move pictures in ways that were not asked for."""

    def edge(images: Tensor, down: int, right: int) -> Tensor:
        padded = F.pad(images if images.ndim == 4 else images[None], (1, 1, 1, 1), mode="replicate")
        return moved(padded, down, right)[..., 1:-1, 1:-1].reshape(images.shape)

    return {
        "round": lambda images, down, right: images.roll((down, right), dims=(-2, -1)),
        "edge": edge,
        "mirrored": lambda images, down, right: moved(images.flip(-1), down, right),
    }


def moves_of(before: Tensor, after: Tensor) -> dict[str, float]:
    """Which share of the pictures went where, in the words of SHARES."""

    def found(move: Callable[[Tensor, int, int], Tensor]) -> Tensor:
        """Whether it was one of the nine moves: (9, pictures)."""
        return torch.stack([(move(before, *way) - after).abs().amax(dim=(1, 2, 3)) < 1e-6 for way in MOVES])

    own = found(moved)
    at_all = own.any(dim=0)
    others = [(found(way).any(dim=0) & ~at_all).double().mean() for way in other_ways().values()]
    others.append(_exchanged(before, after[:20][~at_all[:20]]) / 20)
    down, right = torch.tensor(MOVES)[own.int().argmax(dim=0)].T * at_all  # 0 where it went nowhere
    shares = at_all, down != 0, right != 0, at_all & (down == 0) & (right == 0), down, right
    return dict(zip(SHARES, map(float, [*others, *(share.double().mean() for share in shares)]), strict=True))


def _exchanged(before: Tensor, after: Tensor) -> Tensor:
    """How many of these hold, in their middle, what any of the pictures holds after one of the moves."""

    def middle(images: Tensor) -> Tensor:
        return images[..., 1:-1, 1:-1].flatten(start_dim=1)

    known = torch.cat([middle(moved(before, *move)) for move in MOVES])
    return (torch.cdist(middle(after), known, p=float("inf")) < 1e-6).any(dim=1).sum()


@exercise(
    "foundations.pipeline.preprocessing",
    "fit_scaler(x) -> mean, std",
    "apply_scaler(x, mean, std) -> z",
    "resize_bilinear(images, height, width) -> resized",
    "augment(images, labels, training, rng) -> images, labels",
    level="core",
    minutes=16,
    without=LIBRARY,
    keeps_inputs=True,
)
def preprocessing(rng):
    """Scale by the training rows alone, resize pictures, and move them about in training."""

    def fit(x: Tensor, shown: str | None, because: str) -> Case:
        return Case((x,), via=fitted, call="fit_scaler", expected=scaler_of(x), shown=shown, because=because, atol=1e-7)

    def columns(rows: int, features: int) -> Tensor:
        """Columns of different middles and spreads: (rows, features)."""
        return randn(rng, rows, features) * torch.logspace(-2, 2, features) + torch.linspace(-5, 8, features)

    with part("fit_scaler", points=1):
        column = "every feature has a mean and a spread of its own, over the rows; the spread divides by n"
        for rows in ([[1.0], [3.0]], [[1.0, 10.0], [3.0, 50.0], [8.0, 0.0]]):
            yield fit(torch.tensor(rows), f"x={rows}", column)
        for rows, features in ((20, 3), (5, 6)):
            yield fit(columns(rows, features), f"x of shape ({rows}, {features}), random numbers", column)
        constant = "what never changes has a spread of 0, and nothing can be divided by it: put 1 there"
        yield fit(torch.tensor([[1.0, 5.0], [3.0, 5.0]]), "x=[[1, 5], [3, 5]]", constant)
        x = columns(16, 4)
        x[:, 2] = -0.5
        yield fit(x, "x of shape (16, 4), the third column -0.5 throughout", constant)
    with part("apply_scaler", points=1):
        given = "the scaler was fitted on other rows; these are measured by it, as they will be in use"
        for x, mean, std in (([[5.0]], [1.0], [2.0]), ([[5.0, 0.0], [1.0, 30.0]], [1.0, 10.0], [2.0, 20.0])):
            inputs = tuple(map(torch.tensor, (x, mean, std)))
            yield _apply(inputs, f"x={x}, mean={mean}, std={std}", given)
        for rows, features in ((1, 4), (7, 3)):
            scaler = scaler_of(columns(20, features))
            inputs = (columns(rows, features) + 1, scaler["mean"], scaler["std"])
            yield _apply(inputs, f"x of shape ({rows}, {features}), the scaler of 20 other rows", given)
    with part("resize_bilinear", points=1):
        yield from _resized(rng)
    with part("augment: the moves", points=1):
        for channels, height, width in ((1, 6, 6), (2, 5, 7)):
            images = torch.from_numpy(rng.uniform(0.1, 1, size=(PICTURES, channels, height, width))).float()
            labels = torch.from_numpy(rng.integers(10, size=PICTURES))
            yield Case(
                (images, labels, True, int(rng.integers(1, 10_000))),
                via=augmented,
                call="augment",
                expected=SHARES,
                view=lambda got, before=images: moves_of(before, got["images"].float()),
                form={"images": images, "labels": labels},
                shown=f"{PICTURES} pictures of {channels} × {height} × {width}, in training",
                because="every picture is moved on its own, down by -1, 0 or 1 and right by -1, 0 or 1, all nine alike",
                rtol=0,
                atol=0.15,
            )
    with part("augment: labels, seed, evaluation", points=1):
        for count in (40, 60):
            images = torch.from_numpy(rng.uniform(0.1, 1, size=(count, 1, 4, 4))).float()
            labels = torch.from_numpy(rng.permutation(count))
            yield Case(
                (images, labels, True, int(rng.integers(1, 10_000))),
                via=repeated,
                call="augment",
                expected=dict.fromkeys((LABELS, SAME_SEED, NEXT_CALL, ELSEWHERE), True),
                explain=broken,
                shown=f"{count} pictures of 1 × 4 × 4, in training",
                because="whoever has the seed must get the same pictures, and a picture moved about keeps its label",
            )
            yield Case(
                (images, labels, False, int(rng.integers(1, 10_000))),
                via=augmented,
                call="augment",
                expected={"images": images, "labels": labels},
                shown=f"{count} pictures of 1 × 4 × 4, in evaluation",
                because="what is measured must be the picture itself: in evaluation nothing moves",
            )


def _apply(inputs: tuple[Tensor, Tensor, Tensor], shown: str, because: str) -> Case:
    x, mean, std = (values.double() for values in inputs)
    expected = ((x - mean) / std).float()
    return Case(inputs, call="apply_scaler", expected=expected, shown=shown, because=because, rtol=1e-4)


def _resized(rng: np.random.Generator) -> Iterator[Case]:
    """By hand, and random pictures that grow, shrink, do both, or stay."""

    def case(images: Tensor, height: int, width: int, shown: str, because: str) -> Case:
        expected = F.interpolate(images, size=(height, width), mode="bilinear", align_corners=False)
        return Case((images, height, width), call="resize_bilinear", expected=expected, shown=shown, because=because)

    middle = "a pixel is a small square, and its place is the middle of it: the first one's is 0.5"
    edge = "beyond the middle of the outermost pixel there is nothing to mix it with"
    for rows, height, width, because in (
        ([[0.0, 1.0]], 1, 4, edge),
        ([[0.0, 4.0], [8.0, 12.0]], 1, 1, middle),
        ([[0.0, 1.0, 2.0, 3.0]], 1, 2, middle),
        ([[0.0, 6.0], [12.0, 18.0]], 3, 3, middle),
    ):
        shown = f"one picture {[[round(x) for x in row] for row in rows]}, height={height}, width={width}"
        yield case(torch.tensor([[rows]]), height, width, shown, because)
    for shape, height, width in (
        ((2, 3, 4, 5), 8, 10),
        ((1, 2, 7, 9), 3, 4),
        ((2, 1, 3, 8), 7, 5),
        ((1, 1, 4, 6), 4, 6),
    ):
        shown = f"images of shape {shape}, height={height}, width={width}"
        yield case(randn(rng, *shape), height, width, shown, middle)
