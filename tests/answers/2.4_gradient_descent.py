# exercise: foundations.learning-rate
import torch


def max_stable_lr(H):
    return 2 / torch.linalg.eigvalsh(H)[-1]  # the steepest direction decides


# exercise: foundations.gradient-descent.batch
import torch


def full_gradient(loss_fn, params, chunks):
    total, rows = [torch.zeros_like(p) for p in params], 0
    for x, y in chunks:
        gradients = torch.autograd.grad(loss_fn(params, x, y), params)  # of the chunk's mean
        total = [so_far + len(x) * g for so_far, g in zip(total, gradients, strict=True)]
        rows += len(x)
    return [g / rows for g in total]


# exercise: foundations.gradient-descent.stochastic
def sgd_epoch(X, y, w, lr, rng):
    for i in rng.permutation(len(X)):
        w = w - lr * (X[i] @ w - y[i]) * X[i]  # at the weights that the last step left
    return w


# exercise: foundations.gradient-descent.mini-batch
def minibatches(n, m, rng):
    order = rng.permutation(n)
    for start in range(0, n, m):
        yield order[start : start + m]  # the last one has what is left


def batch_gradient(X, y, w, batch):
    x = X[batch]  # (rows, inputs)
    return x.T @ (x @ w - y[batch]) / len(batch)
