"""Deep networks: how weights start, batch normalisation, shortcuts, dropout, and what these do to thirty layers."""

import math
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor, nn

from course_lib.batches import Batches
from course_lib.datasets.digits import load_digits
from course_lib.foundations.activations import ACTIVATIONS
from course_lib.foundations.choice import TRAINING
from course_lib.seeds import seeded
from course_lib.training import History, fit

PIXELS, DIGITS = 64, 10  # numbers that go in; classes

DEFAULT = "PyTorch's default"
SCHEMES = {  # standard deviation of the weights by fan_in and fan_out: what a unit adds up, where an input goes
    "small random": lambda fan_in, fan_out: 0.01,  # whatever the layer's size
    DEFAULT: lambda fan_in, fan_out: math.sqrt(1 / (3 * fan_in)),  # of nn.Linear; LeCun et al. 1998 have three times it
    "Xavier": lambda fan_in, fan_out: math.sqrt(2 / (fan_in + fan_out)),  # Glorot & Bengio 2010, equation 12
    "He": lambda fan_in, fan_out: math.sqrt(2 / fan_in),  # He et al. 2015, equation 10
}

REMEDIES = {  # what is done to a network of 30 layers that does not train, each alone
    "as it is": {},
    "He start": {"scheme": "He"},
    "batch norm": {"batch_norm": True},
    "shortcuts": {"branch": 1 / 30},
}


class Layer(nn.Module):
    """One hidden layer: F(x) = dropout(f(norm(W x + b))), and with a shortcut x + branch · F(x).

    Args:
        fan_in, width: numbers that go in, units.
        activation: of `ACTIVATIONS`.
        batch_norm: whether there is a norm.
        branch: the share of F that is added to the shortcut; 0 for no shortcut.
        dropout: the chance of each output to become 0 in training.
    """

    def __init__(self, fan_in: int, width: int, activation: str, batch_norm: bool, branch: float, dropout: float):
        super().__init__()
        self.linear = nn.Linear(fan_in, width)
        self.norm = nn.BatchNorm1d(width) if batch_norm else nn.Identity()
        self.f = ACTIVATIONS[activation].f
        self.dropout = nn.Dropout(dropout) if dropout else nn.Identity()
        self.branch = branch

    def forward(self, x: Tensor) -> Tensor:
        """What the units give out, (rows, width), of inputs (rows, fan_in)."""
        F = self.dropout(self.f(self.norm(self.linear(x))))
        return x + self.branch * F if self.branch else F


class DeepNetwork(nn.Module):
    """A classifier with `depth` hidden layers of the same width and a linear layer on top.

    The first hidden layer never has a shortcut, since it changes the number of numbers. The branches of shortcuts are
    scaled: the Jacobian of a layer, I + branch · J, grows with every layer, and where the branches add up to 1 at most
    it stays bounded however many layers there are.

    Args:
        depth: hidden layers.
        width: units of each.
        activation: of `ACTIVATIONS`.
        scheme: how the weights start, of `SCHEMES`.
        gain: what the starting weights are multiplied with.
        batch_norm: whether each hidden layer normalises what its units take in.
        branch: the share of a layer that is added to its shortcut; 0 for no shortcuts.
        dropout: the chance of each hidden unit to be left out, at each training step anew.
        inputs, outputs: numbers that go in, logits that come out.
        seed: draws the starting weights, without a trace in the randomness outside.
    """

    def __init__(
        self,
        depth: int = 30,
        width: int = 64,
        activation: str = "ReLU",
        *,
        scheme: str = DEFAULT,
        gain: float = 1.0,
        batch_norm: bool = False,
        branch: float = 0.0,
        dropout: float = 0.0,
        inputs: int = PIXELS,
        outputs: int = DIGITS,
        seed: int = 0,
    ):
        super().__init__()
        with seeded(seed):
            layers = [Layer(inputs, width, activation, batch_norm, 0, dropout)]
            layers += [Layer(width, width, activation, batch_norm, branch, dropout) for _ in range(depth - 1)]
            self.layers = nn.ModuleList(layers)
            self.head = nn.Linear(width, outputs)
        self.start(scheme, gain, seed)

    def linears(self) -> list[nn.Linear]:
        """The layers that have weights, from the first to the head."""
        return [*(layer.linear for layer in self.layers), self.head]

    @torch.no_grad()
    def start(self, scheme: str, gain: float = 1.0, seed: int = 0) -> None:
        """Draw the weights anew, uniformly between two ends that give them the scheme's standard deviation.

        One seed draws the same numbers for every scheme, stretched, in every precision, and the same first layers at
        every depth. PyTorch's default draws the biases too, as `nn.Linear` does; in the other schemes they start at 0.
        """
        drawn = torch.Generator().manual_seed(seed)
        for linear in self.linears():
            fan_out, fan_in = linear.weight.shape
            end = gain * math.sqrt(3) * SCHEMES[scheme](fan_in, fan_out)
            bias_end = math.sqrt(1 / fan_in) if scheme == DEFAULT else 0.0
            linear.weight.copy_(torch.empty(fan_out, fan_in).uniform_(-end, end, generator=drawn))
            linear.bias.copy_(torch.empty(fan_out).uniform_(-bias_end, bias_end, generator=drawn))

    def every_layer(self, x: Tensor) -> list[Tensor]:
        """What each hidden layer gives out, (rows, width) each."""
        outputs = []
        for layer in self.layers:
            x = layer(x)
            outputs.append(x)
        return outputs

    def forward(self, x: Tensor) -> Tensor:
        """Logits (rows, outputs) of inputs (rows, inputs)."""
        return self.head(self.every_layer(x)[-1])


class Journey(NamedTuple):
    """What became of a signal and of a gradient in a deep network; places count from the input, 0, to `depth`.

    Attributes:
        outputs: the inputs, and what each hidden layer gives out; (rows, width) each.
        size: root mean square of all of them at each place, as a multiple of the inputs', (depth + 1,).
        apart: root mean square of what differs from row to row, as a multiple of the inputs', (depth + 1,). A signal
            may keep its size and tell nothing: biases give the same to every row.
        gradient: root mean square of the loss's gradient at each place, as a multiple of what it is at the last hidden
            layer, (depth + 1,).
    """

    outputs: list[Tensor]
    size: Tensor
    apart: Tensor
    gradient: Tensor


def journey(network: DeepNetwork, x: Tensor, labels: Tensor) -> Journey:
    """Send inputs through a network as it stands, and the gradient of their mean cross-entropy back.

    Args:
        network: in training mode batch normalisation takes the statistics of `x`.
        x: (rows, inputs), of the type of the network's weights. In double precision small gradients don't become 0.
        labels: (rows,)
    """
    places = [x.clone().requires_grad_()]
    for layer in network.layers:
        places.append(layer(places[-1]))
    loss = nn.functional.cross_entropy(network.head(places[-1]), labels)
    gradients = torch.autograd.grad(loss, places)
    outputs = [place.detach() for place in places]
    size, apart, back = _roots(outputs), _roots(outputs, from_mean=True), _roots(gradients)
    return Journey(outputs, size / size[0], apart / apart[0], back / back[-1])


def _roots(places: Sequence[Tensor], from_mean: bool = False) -> Tensor:
    """The root mean square at the input and at each hidden layer, of what differs from the rows' mean if asked for."""
    blocks = places[0][None], torch.stack(tuple(places[1:]))  # (1, rows, inputs), (depth, rows, width)
    if from_mean:
        blocks = [block - block.mean(dim=1, keepdim=True) for block in blocks]
    return torch.cat([block.square().mean(dim=(1, 2)).sqrt() for block in blocks])


@cache
def standard_digits() -> tuple[Tensor, Tensor]:
    """`load_digits`, with pixels of mean 0 and standard deviation 1 over all pixels of the 1,200 training digits.

    Returns:
        pixels (1797, 64), labels (1797,). Read once: to be copied before they are changed.
    """
    pixels, labels = load_digits()
    return (pixels - pixels[:TRAINING].mean()) / pixels[:TRAINING].std(), labels


def train_deep(network: DeepNetwork, *, epochs: int = 10, learning_rate: float = 0.005, seed: int = 0) -> History:
    """Train on the 1,200 training digits, 50 at a time: Adam with a learning rate that falls to 0 in a straight line.

    Args:
        network: is trained in place.
        epochs: passes through the digits.
        learning_rate: at the beginning.
        seed: of the order of the digits, and of dropout.
    """
    pixels, labels = standard_digits()
    batches = Batches(pixels[:TRAINING], labels[:TRAINING], 50, seed)
    return fit(
        network,
        batches,
        nn.functional.cross_entropy,
        epochs=epochs,
        learning_rate=learning_rate,
        schedule=falling,
        seed=seed,
        name=f"{len(network.layers)} layers",
    )


def falling(share: float) -> float:
    """The share of the learning rate to use when a share of all steps is made: all at first, nothing at the end."""
    return 1 - share


@torch.no_grad()
def accuracy(network: nn.Module) -> float:
    """The share of the 597 test digits that a network gets right, in evaluation mode."""
    pixels, labels = standard_digits()
    network.cpu().eval()
    return (network(pixels[TRAINING:]).argmax(dim=1) == labels[TRAINING:]).float().mean().item()
