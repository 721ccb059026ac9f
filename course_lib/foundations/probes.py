"""What each layer makes easy to read, and what each channel answers to, in networks for digits that may stand anywhere.

Linear probes: Alain and Bengio 2017, "Understanding intermediate layers using linear classifier probes".
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from course_lib.batches import Batches
from course_lib.datasets.placed_digits import PlacedDigits, load_placed_digits
from course_lib.foundations.choice import TRAINING
from course_lib.foundations.deep import falling
from course_lib.seeds import seeded
from course_lib.training import History, fit

SIDE, CHANNELS = 16, 24  # of a canvas, in pixels; of each layer of the deep convolutional network
UNSEEN = 1000  # added to a seed for places that no network was trained on
SEVERAL = 5  # places at which the same digit is asked for

DEEP, FLAT = "three convolutions", "one convolution, 8 × 8"
DENSE_DEEP, DENSE_FLAT = "three dense layers", "one dense layer"


def _flat_convolution() -> list[nn.Module]:
    """64 kernels as large as a digit; a border so wide that each is laid on every place of a digit."""
    return [nn.Conv2d(1, 64, 8, padding=4), nn.ReLU(), nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(64, 10)]


def _deep_convolutions() -> list[nn.Module]:
    """Three layers of 3 × 3 kernels; between them every second row and column goes."""
    modules = []
    for inputs in (1, CHANNELS, CHANNELS):
        modules += [nn.Conv2d(inputs, CHANNELS, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    return [*modules[:-1], nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(CHANNELS, 10)]


def _dense(*widths: int) -> list[nn.Module]:
    modules, inputs = [nn.Flatten()], SIDE**2
    for width in widths:
        modules += [nn.Linear(inputs, width), nn.ReLU()]
        inputs = width
    return [*modules, nn.Linear(inputs, 10)]


NETWORKS: dict[str, Callable[[], list[nn.Module]]] = {
    DENSE_FLAT: lambda: _dense(96),  # about as many parameters as the next
    DENSE_DEEP: lambda: _dense(64, 64, 64),
    FLAT: _flat_convolution,
    DEEP: _deep_convolutions,
}


def placed_network(name: str = DEEP, seed: int = 0) -> nn.Sequential:
    """A network of `NETWORKS` as it starts: canvases (n, 1, 16, 16) to logits (n, 10)."""
    with seeded(seed):
        return nn.Sequential(*NETWORKS[name]())


def train_on_placed(network: nn.Module, *, epochs: int = 12, seed: int = 0) -> History:
    """Train on the 1,200 training digits, each at one random place, 50 at a time.

    Args:
        network: is trained in place.
        epochs: passes through the digits.
        seed: of the places and of the digits' order.
    """
    pictures, labels, _ = load_placed_digits(SIDE, seed=seed)
    return fit(
        network,
        Batches(pictures[:TRAINING], labels[:TRAINING], 50, seed),
        nn.functional.cross_entropy,
        epochs=epochs,
        learning_rate=0.005,
        schedule=falling,
        seed=seed,
        name=f"placed digits, {len(list(network.parameters())) // 2} layers",
    )


def unseen_digits(seed: int = 0) -> PlacedDigits:
    """The 597 test digits, each at a place that the seed draws; no network is trained on the same places."""
    placed = load_placed_digits(SIDE, seed=seed + UNSEEN)
    return PlacedDigits(*(values[TRAINING:] for values in placed))


@torch.no_grad()
def answers(network: nn.Module, seed: int = 0) -> Tensor:
    """What a network takes each of the test digits for, (597,)."""
    network.cpu().eval()
    return network(unseen_digits(seed).pictures).argmax(dim=1)


def placed_accuracy(network: nn.Module, seed: int = 0) -> float:
    """The share of test digits, each at a place of its own, that a network gets right."""
    return (answers(network, seed) == unseen_digits(seed).labels).float().mean().item()


def steadiness(network: nn.Module) -> float:
    """The share of test digits for which a network gives the same answer, right or wrong, at five random places."""
    at_places = torch.stack([answers(network, seed) for seed in range(SEVERAL)])
    return (at_places == at_places[0]).all(dim=0).float().mean().item()


# ---- linear probes ----------------------------------------------------------------------------------------------


@torch.no_grad()
def features(network: nn.Sequential, x: Tensor) -> list[Tensor]:
    """x, and what comes out of each `nn.ReLU`; of pictures the largest value of each channel: (rows, features) each."""
    seen = [x]
    for layer in network:
        x = layer(x)
        if isinstance(layer, nn.ReLU):
            seen.append(x)
    return [h.amax(dim=(2, 3)) if h.ndim == 4 else h for h in seen]


def probe(h: Tensor, labels: Tensor, rows: int) -> float:
    """How many of the labels a linear layer reads: fitted by least squares on the first rows, scored on the others.

    Args:
        h: features, (n, features)
        labels: classes from 0, (n,)
        rows: to fit on.
    """
    h = torch.cat([h, torch.ones(len(h), 1)], dim=1).double()
    one_hot = nn.functional.one_hot(labels).double()
    weight = torch.linalg.lstsq(h[:rows], one_hot[:rows], driver="gelsd").solution
    return ((h[rows:] @ weight).argmax(dim=1) == labels[rows:]).double().mean().item()


def readable(network: nn.Sequential, seed: int = 0) -> list[float]:
    """What a probe reads of the test digits from the pixels, and behind each ReLU; fitted on the training digits."""
    placed = load_placed_digits(SIDE, seed=seed + UNSEEN)
    network.cpu().eval()
    return [probe(h, placed.labels, TRAINING) for h in features(network, placed.pictures)]


# ---- what a channel answers to ----------------------------------------------------------------------------------


class Exciting(NamedTuple):
    """The pieces of pictures that excite the channels of a layer most, the strongest first.

    Attributes:
        patches: what the unit sees there, (channels, best, window, window); beyond the canvas there is 0.
        labels: of the digits that they come from, (channels, best).
        values: of the channel there, (channels, best).
    """

    patches: Tensor
    labels: Tensor
    values: Tensor

    def awake(self) -> Tensor:
        """The numbers of the channels that are on in all of their pieces."""
        return (self.values[:, -1] > 0).nonzero()[:, 0]

    def first(self, channels: int) -> tuple[np.ndarray, np.ndarray]:
        """Pieces and digits of the first so many of these, for a figure."""
        on = self.awake()[:channels]
        return self.patches[on].numpy(), self.labels[on].numpy()


def window(modules: list[nn.Module]) -> tuple[int, int, int]:
    """What a unit behind these layers sees: pixels a side, from one unit to the next, and where the first one begins.

    Each convolution or pooling with kernel k adds k - 1 of the present steps; its stride makes the steps longer, its
    padding moves the first window out of the picture.
    """
    side, step, first = 1, 1, 0
    for layer in modules:
        if isinstance(layer, (nn.Conv2d, nn.MaxPool2d)):
            kernel, stride, padding = (
                n if isinstance(n, int) else n[0] for n in (layer.kernel_size, layer.stride, layer.padding)
            )
            side, first = side + (kernel - 1) * step, first - padding * step
            step *= stride
    return side, step, first


@torch.no_grad()
def exciting(network: nn.Sequential, layer: int, placed: PlacedDigits, best: int = 8) -> Exciting:
    """Which piece of which picture excites each channel most; one piece a picture at most.

    Args:
        network: convolutions, ReLUs and pooling.
        layer: behind which ReLU, from 1.
        placed: the pictures to look through.
        best: how many pieces.
    """
    ends = [n + 1 for n, module in enumerate(network) if isinstance(module, nn.ReLU)]
    modules = list(network)[: ends[layer - 1]]
    h = nn.Sequential(*modules)(placed.pictures)  # (n, channels, rows, columns)
    strongest, where = h.flatten(2).max(dim=2)  # (n, channels) each
    values, which = strongest.topk(best, dim=0)  # (best, channels)
    row, column = (where.gather(0, which) // h.shape[3], where.gather(0, which) % h.shape[3])

    side, step, first = window(modules)
    padded = nn.functional.pad(placed.pictures[:, 0], (side,) * 4)
    rows, columns = (at * step + first + side for at in (row, column))  # in the padded picture, (best, channels)
    span = torch.arange(side)
    patches = padded[
        which[..., None, None], (rows[..., None] + span)[..., :, None], (columns[..., None] + span)[..., None, :]
    ]  # (best, channels, side, side)
    return Exciting(patches.transpose(0, 1), placed.labels[which].T, values.T)


def same_digit(found: Exciting) -> float:
    """The share of a channel's pieces that come from its commonest digit: the mean over channels that are on."""
    labels = found.labels[found.awake()]
    return (labels == labels.mode(dim=1, keepdim=True).values).double().mean().item()
