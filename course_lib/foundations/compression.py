"""Three ways to a smaller network, fewer bits, fewer weights, fewer units, and what each leaves: accuracy and bytes."""

import math
import struct
from collections.abc import Callable
from copy import deepcopy

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.batches import Batches
from course_lib.foundations.choice import TRAINING
from course_lib.foundations.deep import DIGITS, PIXELS, accuracy, falling, standard_digits
from course_lib.foundations.mlp import MLP
from course_lib.training import fit

TEACHER = 256  # hidden units of the large network
STEPS = 300  # updates of every training, 50 digits each
FLOAT = 32  # bits of a weight as it was trained
TENTH, SMALL = 25, 12  # of students: 9.8 % and 4.7 % of the teacher's parameters
TEMPERATURE = 4.0
FEW_LABELS, FEW_PICTURES = 100, 60
DENSE, MASKED, LISTED = 0, 1, 2  # ways to store a matrix
FILE_HEAD, LAYER_HEAD = "<HB", "<BIf"  # hidden units, bits; way to store, weights that are not 0, step


# ---- fewer bits, fewer weights ----------------------------------------------------------------------------------


def codes(w: Tensor, bits: int) -> tuple[Tensor, float]:
    """The whole multiple of one step that is nearest to each weight, and the step: max |w| / (2^(bits - 1) - 1)."""
    step = (w.abs().max() / (2 ** (bits - 1) - 1)).item()
    return (torch.round(w / step) if step else torch.zeros_like(w)), step


def quantise(w: Tensor, bits: int) -> Tensor:
    """Each weight at the nearest of 2^bits - 1 levels; as it is if the bits are those that it was trained with."""
    if bits == FLOAT:
        return w.clone()
    nearest, step = codes(w, bits)
    return nearest * step


def prune(w: Tensor, fraction: float) -> Tensor:
    """The share of weights nearest to 0 set to 0 (Han et al. 2015)."""
    left, count = w.flatten().clone(), round(fraction * w.numel())
    if count:
        left[left.abs().argsort()[:count]] = 0
    return left.reshape(w.shape)


@torch.no_grad()
def compressed(model: MLP, bits: int, fraction: float, quantise=quantise, prune=prune) -> MLP:
    """A copy whose weight matrices were pruned and then quantised, each for itself; biases stay as they are."""
    copy = deepcopy(model)
    for layer in copy.layers:
        layer.weight.copy_(quantise(prune(layer.weight, fraction), bits))
    return copy.eval()


def parameters(model: nn.Module) -> int:
    """How many weights and biases a model has."""
    return sum(weight.numel() for weight in model.parameters())


# ---- bytes ------------------------------------------------------------------------------------------------------


def matrix_bits(n: int, kept: int, bits: int) -> list[int]:
    """What a matrix of n weights takes, of which `kept` are not 0: dense, with a mask, with a list of places.

    Dense: all weights. With a mask: one bit for each place, which says whether a weight is there, and the weights that
    are. With a list: for each weight that is there its place, in ⌈log₂ n⌉ bits.
    """
    return [n * bits, n + kept * bits, kept * (_place_bits(n) + bits)]


def file_bytes(model: MLP, bits: int) -> int:
    """How many bytes `to_bytes` needs, without writing them.

    For the whole file 3, and for each layer 9, four for each bias, and the shortest of the three ways for its weights.
    """
    total = struct.calcsize(FILE_HEAD)
    for layer in model.layers:
        shortest = min(matrix_bits(layer.weight.numel(), int(layer.weight.count_nonzero()), bits))
        total += struct.calcsize(LAYER_HEAD) + math.ceil(shortest / 8) + 4 * layer.out_features
    return total


def to_bytes(model: MLP, bits: int) -> bytes:
    """A network of one hidden layer whose weights lie on `bits` bits' levels, as a file holds it."""
    parts = [struct.pack(FILE_HEAD, model.layers[0].out_features, bits)]
    for layer in model.layers:
        w = layer.weight.detach().flatten()
        numbers, step = _numbers(w, bits)
        there = (w != 0).numpy()
        ways = matrix_bits(len(w), int(there.sum()), bits)
        way = ways.index(min(ways))
        if way == DENSE:
            stream = [_to_bits(numbers, bits)]
        elif way == MASKED:
            stream = [there, _to_bits(numbers[there], bits)]
        else:
            stream = [_to_bits(np.flatnonzero(there), _place_bits(len(w))), _to_bits(numbers[there], bits)]
        parts.append(struct.pack(LAYER_HEAD, way, int(there.sum()), step))
        parts.append(np.packbits(np.concatenate(stream).astype(np.uint8)).tobytes())
        parts.append(layer.bias.detach().numpy().astype("<f4").tobytes())
    return b"".join(parts)


def from_bytes(data: bytes) -> MLP:
    """The network that `to_bytes` wrote, weight by weight."""
    hidden, bits = struct.unpack_from(FILE_HEAD, data)
    model, at = MLP((PIXELS, hidden, DIGITS)), struct.calcsize(FILE_HEAD)
    for layer in model.layers:
        way, kept, step = struct.unpack_from(LAYER_HEAD, data, at)
        at += struct.calcsize(LAYER_HEAD)
        n, units = layer.weight.numel(), layer.out_features
        size = math.ceil(matrix_bits(n, kept, bits)[way] / 8)
        stream = np.unpackbits(np.frombuffer(data, np.uint8, size, at))
        if way == DENSE:
            places, stream = np.arange(n), stream[: n * bits]
        elif way == MASKED:
            places, stream = np.flatnonzero(stream[:n]), stream[n : n + kept * bits]
        else:
            split = kept * _place_bits(n)
            places, stream = _from_bits(stream[:split], _place_bits(n)), stream[split : split + kept * bits]
        w = torch.zeros(n)
        w[torch.from_numpy(places.astype(np.int64))] = _weights(_from_bits(stream, bits), bits, step)
        bias = np.frombuffer(data, "<f4", units, at + size).astype(np.float32)
        with torch.no_grad():
            layer.weight.copy_(w.reshape(layer.weight.shape))
            layer.bias.copy_(torch.from_numpy(bias))
        at += size + 4 * units
    return model.eval()


def _place_bits(n: int) -> int:
    return math.ceil(math.log2(n))


def _numbers(w: Tensor, bits: int) -> tuple[np.ndarray, float]:
    """Weights as whole numbers from 0 that fit into so many bits, and the step; floats as the bits that they are."""
    if bits == FLOAT:
        return w.numpy().view(np.uint32).astype(np.int64), 0.0
    nearest, step = codes(w, bits)
    return nearest.numpy().astype(np.int64) + 2 ** (bits - 1) - 1, step


def _weights(numbers: np.ndarray, bits: int, step: float) -> Tensor:
    """The weights that `_numbers` took apart."""
    if bits == FLOAT:
        return torch.from_numpy(numbers.astype(np.uint32).view(np.float32))
    return torch.from_numpy(numbers - (2 ** (bits - 1) - 1)).float() * step


def _to_bits(numbers: np.ndarray, width: int) -> np.ndarray:
    """Whole numbers as bits one after another, the highest first: (numbers,) → (numbers · width,)."""
    return (numbers[:, None] >> np.arange(width)[::-1] & 1).ravel()


def _from_bits(stream: np.ndarray, width: int) -> np.ndarray:
    """The whole numbers that `_to_bits` took apart."""
    return stream.reshape(-1, width).astype(np.int64) @ (1 << np.arange(width, dtype=np.int64)[::-1])


# ---- fewer units ------------------------------------------------------------------------------------------------


def follow(temperature: float) -> Callable[[Tensor, Tensor], Tensor]:
    """The loss of a student that listens to its teacher alone: T² KL(teacher, student), Hinton et al. 2015.

    It is called with the student's logits and the teacher's, (rows, classes) each.
    """

    def loss(student: Tensor, teacher: Tensor) -> Tensor:
        student, teacher = ((logits / temperature).log_softmax(dim=1) for logits in (student, teacher))
        return temperature**2 * F.kl_div(student, teacher, reduction="batchmean", log_target=True)

    return loss


def train_small(
    hidden: int, x: Tensor, targets: Tensor, loss: Callable = F.cross_entropy, *, steps: int = STEPS, seed: int = 0
) -> MLP:
    """A network of one hidden layer, trained with Adam on batches of 50 and a rate that falls from 0.005 to 0.

    Args:
        hidden: units.
        x: pictures, (rows, 64).
        targets: labels (rows,), or for `follow` the teacher's logits, (rows, 10).
        loss: of logits and targets.
        steps: updates.
        seed: of the starting weights and the order of the pictures.
    """
    model = MLP((PIXELS, hidden, DIGITS), seed=seed)
    batches = Batches(x, targets, 50, seed)
    fit(model, batches, loss, steps=steps, learning_rate=0.005, schedule=falling, seed=seed, name=f"{hidden} units")
    return model.cpu()


def train_teacher(seed: int = 0) -> MLP:
    """256 hidden units, trained on the labels of the 1,200 training digits."""
    pixels, labels = standard_digits()
    return train_small(TEACHER, pixels[:TRAINING], labels[:TRAINING], seed=seed)


def distillation_runs(seed: int) -> dict[str, float]:
    """The share of test digits that teachers and students get right, by what they learned from.

    Three settings: all 1,200 digits have labels; only the first 100 do, and there are pictures of all; there are only
    the first 60 pictures, and a teacher who knows more.
    """
    pixels, labels = standard_digits()
    x, y = pixels[:TRAINING], labels[:TRAINING]
    few, pictures = FEW_LABELS, FEW_PICTURES
    well = train_teacher(seed)
    ill = train_small(TEACHER, x[:few], y[:few], seed=seed)
    told, guessed, listen = says(well, x), says(ill, x), follow(TEMPERATURE)
    made = {
        "all, teacher": well,
        "all, labels": train_small(TENTH, x, y, seed=seed),
        "all, taught": train_small(TENTH, x, told, listen, seed=seed),
        "few, teacher": ill,
        "few, labels": train_small(SMALL, x[:few], y[:few], seed=seed),
        "few, taught on these": train_small(SMALL, x[:few], guessed[:few], listen, seed=seed),
        "few, taught on all": train_small(SMALL, x, guessed, listen, seed=seed),
        "few, teacher's choices": train_small(SMALL, x, guessed.argmax(dim=1), seed=seed),
        "pictures, labels": train_small(TENTH, x[:pictures], y[:pictures], seed=seed),
        "pictures, taught": train_small(TENTH, x[:pictures], told[:pictures], listen, seed=seed),
    }
    return {name: accuracy(model) for name, model in made.items()}


@torch.no_grad()
def says(model: MLP, x: Tensor) -> Tensor:
    """A network's logits, (rows, 10), free of its graph."""
    return model(x)
