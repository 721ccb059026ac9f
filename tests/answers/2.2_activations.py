# exercise: foundations.activation.sigmoid
import torch


def sigmoid(x):
    return 1 / (1 + torch.exp(-x.clamp(min=-80)))  # exp(89) is too large for float32


def dsigmoid_from_output(y):
    return y * (1 - y)


def dsigmoid(x):
    y = 1 / (1 + torch.exp(-x.clamp(min=-80)))  # sigmoid(x), and then dsigmoid_from_output(y)
    return y * (1 - y)


# exercise: foundations.activation.relu
import torch


def relu(x):
    return torch.where(x < 0, 0, x)  # NaN < 0 is false, so a NaN stays to be seen


def drelu(x):
    return (x > 0).to(x.dtype)


# exercise: foundations.activation.dead-neurons
import torch
from torch import nn


@torch.no_grad()
def dead_units(model, data):
    largest = {}  # of each ReLU: the largest output of every unit so far, (units,)
    for x in data:
        for n, layer in enumerate(model):
            x = layer(x)
            if isinstance(layer, nn.ReLU):
                top = x.amax(dim=0)
                largest[n] = torch.maximum(largest.get(n, top), top)
    return [top == 0 for top in largest.values()]


# exercise: foundations.activation.tanh
import torch


def tanh_from_sigmoid(x):
    return 2 * torch.sigmoid(2 * x) - 1


def dtanh_from_output(y):
    return 1 - y**2


def dtanh(x):
    y = 2 * torch.sigmoid(2 * x) - 1  # tanh_from_sigmoid(x), and then dtanh_from_output(y)
    return 1 - y**2


# exercise: foundations.activation.choice
import torch


def leaky_relu(x, slope):
    return torch.where(x > 0, x, slope * x)


def elu(x, alpha):
    left = x.clamp(max=0)  # exp never sees a large number, on the way back neither
    return torch.where(x > 0, x, alpha * (torch.exp(left) - 1))
