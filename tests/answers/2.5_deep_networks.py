# exercise: foundations.initialisation
import torch


@torch.no_grad()
def xavier_(w):
    fan_out, fan_in = len(w) * w[0, 0].numel(), w[0].numel()
    w.normal_(0, (2 / (fan_in + fan_out)) ** 0.5)


@torch.no_grad()
def he_(w):
    fan_in = w[0].numel()  # all that one unit adds up
    w.normal_(0, (2 / fan_in) ** 0.5)


# exercise: foundations.batch-norm
import torch


def batch_norm(x, gamma, beta, running, momentum, training):
    running_mean, running_var = running
    mean, var = running
    if training:
        mean, var = x.mean(dim=0), x.var(dim=0, correction=0)
        unbiased = x.detach().var(dim=0, correction=1)
        running_mean = (1 - momentum) * running_mean + momentum * mean.detach()
        running_var = (1 - momentum) * running_var + momentum * unbiased
    y = gamma * (x - mean) / torch.sqrt(var + 1e-5) + beta
    return y, running_mean, running_var


# exercise: foundations.residual
from torch import nn


class Residual(nn.Module):
    def __init__(self, block, project=None):
        super().__init__()
        self.block, self.project = block, project

    def forward(self, x):
        through = self.block(x)
        around = x if self.project is None else self.project(x)
        if through.shape != around.shape:
            raise ValueError(f"the block gives {tuple(through.shape)}, the shortcut {tuple(around.shape)}")
        return through + around


# exercise: foundations.dropout
import torch


def dropout(x, p, training, generator):
    if not training:
        return x
    stays = torch.rand(x.shape, generator=generator) >= p
    return torch.where(stays, x / (1 - p) if p < 1 else x, 0)
