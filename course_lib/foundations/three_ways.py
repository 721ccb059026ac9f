"""One encoder, trained with labels, with labels and pictures, or with pictures alone: one code path, three losses."""

from functools import partial

import torch
from torch import Tensor, nn

from course_lib.batches import Batches
from course_lib.datasets.digits import load_digits
from course_lib.foundations.choice import TRAINING
from course_lib.foundations.probes import probe
from course_lib.seeds import seeded
from course_lib.training import fit

CODE, NO_LABEL = 16, -1  # numbers that stand for a picture; in the place of a label that is not known


class ThreeWays(nn.Module):
    """64 pixels → 16 numbers, and from these both the digit's logits and the picture again."""

    def __init__(self, seed: int = 0):
        super().__init__()
        with seeded(seed):
            self.encoder = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, CODE), nn.ReLU())
            self.head = nn.Linear(CODE, 10)
            self.decoder = nn.Sequential(nn.Linear(CODE, 64), nn.ReLU(), nn.Linear(64, 64))

    def forward(self, pixels: Tensor) -> Tensor:
        """Logits and picture in one row, (n, 10 + 64), of pixels (n, 64)."""
        code = self.encoder(pixels)
        return torch.cat([self.head(code), self.decoder(code)], dim=1)


def two_losses(made: Tensor, targets: Tensor, *, labels: float, pictures: float) -> Tensor:
    """labels · cross-entropy of the rows whose label is known + pictures · mean squared error of all pixels.

    Args:
        made: logits and pictures, (n, 74).
        targets: label, or -1 where there is none, and pixels, (n, 65).
        labels, pictures: how much each of the losses counts; 0 leaves it out.
    """
    known, wanted = targets[:, 0] != NO_LABEL, targets[:, 0].long()
    entropy = nn.functional.cross_entropy(made[:, :10], wanted, ignore_index=NO_LABEL, reduction="sum")
    error = nn.functional.mse_loss(made[:, 10:], targets[:, 1:])
    return labels * entropy / known.sum().clamp(min=1) + pictures * error


def train_one_way(labelled: int, *, labels: float, pictures: float, seed: int = 0) -> ThreeWays:
    """Train on the 1,200 training digits, of which the first so many have a label.

    Args:
        labelled: digits whose label may be used.
        labels, pictures: the weights of `two_losses`.
        seed: of the start and of the digits' order.
    """
    pixels, digits = load_digits()
    known = torch.where(torch.arange(TRAINING) < labelled, digits[:TRAINING], NO_LABEL)
    targets = torch.cat([known[:, None].float(), pixels[:TRAINING]], dim=1)
    network = ThreeWays(seed)
    loss = partial(two_losses, labels=labels, pictures=pictures)
    batches = Batches(pixels[:TRAINING], targets, 100, seed)
    fit(network, batches, loss, epochs=12, learning_rate=0.005, seed=seed, name="one encoder")
    return network.cpu()


@torch.no_grad()
def found_out(network: ThreeWays, labelled: int) -> tuple[float, float, float]:
    """Of the 597 test digits: the share that the head gets right, the share that a linear probe reads from the code,
    fitted on so many labelled training digits, and the error of the pictures as a share of what the mean picture has.
    """
    pixels, digits = load_digits()
    unseen, labels = pixels[TRAINING:], digits[TRAINING:]
    made = network(unseen)
    rows = torch.cat([torch.arange(labelled), torch.arange(TRAINING, len(digits))])
    right = (made[:, :10].argmax(dim=1) == labels).float().mean().item()
    read = probe(network.encoder(pixels[rows]), digits[rows], labelled)
    error = (made[:, 10:] - unseen).square().mean() / (unseen - pixels[:TRAINING].mean(dim=0)).square().mean()
    return right, read, error.item()
