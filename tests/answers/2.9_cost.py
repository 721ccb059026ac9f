# exercise: foundations.challenges.efficiency
import torch
from torch.nn import functional as F


def quantise(w, bits):
    step = w.abs().max() / (2 ** (bits - 1) - 1)
    if step == 0:
        return w.clone()
    return torch.round(w / step) * step


def prune(w, fraction):
    left = w.flatten().clone()
    left[left.abs().argsort()[: round(fraction * w.numel())]] = 0
    return left.reshape(w.shape)


def distil_loss(student, teacher, y, T, alpha):
    says, should_say = (student / T).log_softmax(dim=1), (teacher / T).log_softmax(dim=1)
    soft = T**2 * F.kl_div(says, should_say, reduction="batchmean", log_target=True)
    return alpha * soft + (1 - alpha) * F.cross_entropy(student, y)


# exercise: foundations.challenges.fairness
import torch


def gap(rates):
    known = rates[~rates.isnan()]
    return known.max() - known.min()


def group_rates(pred, y, group):
    masks = [group == n for n in range(group.max() + 1)]
    selection = torch.stack([pred[mask].float().mean() for mask in masks])  # the mean of nobody is NaN
    true_positive = torch.stack([pred[mask & (y == 1)].float().mean() for mask in masks])
    return selection, true_positive, gap(selection), gap(true_positive)


def reweigh(y, group):
    weights = torch.zeros(len(y))
    for label in y.unique():
        for n in group.unique():
            cell = (y == label) & (group == n)
            expected = (y == label).sum() * (group == n).sum() / len(y)
            weights[cell] = expected / cell.sum()
    return weights
