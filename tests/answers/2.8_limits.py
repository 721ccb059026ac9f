# exercise: foundations.challenges.data
import torch


def most_uncertain(probs, k):
    entropy = -torch.xlogy(probs, probs).sum(dim=1)  # xlogy(0, 0) is 0
    return entropy.argsort(descending=True, stable=True)[:k]


# exercise: foundations.challenges.interpretability
import torch


def saliency(model, x, target):
    x = x.clone().requires_grad_()
    logits = model(x)[torch.arange(len(x)), target]  # one for each picture
    return torch.autograd.grad(logits.sum(), x)[0]


@torch.no_grad()
def occlusion(model, x, patch, target):
    batch, _, height, width = x.shape
    each, half = torch.arange(batch), patch // 2
    whole = model(x)[each, target]
    falls = torch.zeros(batch, height, width)
    for i in range(height):
        for j in range(width):
            blank = x.clone()
            blank[:, :, max(i - half, 0) : i + half + 1, max(j - half, 0) : j + half + 1] = 0
            falls[:, i, j] = whole - model(blank)[each, target]
    return falls


# exercise: foundations.challenges.robustness
import torch
from torch.nn import functional as F


def fgsm(model, x, y, eps, lo, hi):
    leaf = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(F.cross_entropy(model(leaf), y), leaf)
    return (x + eps * gradient.sign()).clamp(lo, hi)
