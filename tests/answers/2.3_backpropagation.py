# exercise: foundations.backprop.chain-rule
def chain_derivative(fs, dfs, x):
    slope, u = 1.0, x
    for f, df in zip(fs, dfs, strict=True):
        slope *= df(u)  # the slope at what f takes in
        u = f(u)
    return slope


def chain_slopes(fs, dfs, x):
    values = [x]
    for f in fs[:-1]:
        values.append(f(values[-1]))  # what each function takes in
    slopes = [1.0]  # y moves with itself one for one
    for df, u in zip(reversed(dfs), reversed(values), strict=True):
        slopes.append(slopes[-1] * df(u))
    return slopes[::-1]


# exercise: foundations.backprop.gradient
def backprop_two_layer(x, t, params, f, df):
    w1, b1, w2, b2 = params
    u1 = x @ w1.T + b1  # (batch, hidden_size)
    h = f(u1)
    u2 = h @ w2.T + b2  # (batch, output_size)
    y = f(u2)

    dy = (y - t) / len(x)  # of the mean over the batch
    du2 = dy * df(u2)
    dh = du2 @ w2
    du1 = dh * df(u1)
    return du1.T @ x, du1.sum(dim=0), du2.T @ h, du2.sum(dim=0)


# exercise: foundations.backprop.weight-update
import torch


@torch.no_grad()
def sgd_step(params, grads, lr):
    for p, g in zip(params, grads, strict=True):
        p -= lr * g


def descend(params, gradients, lr, steps):
    for _ in range(steps):
        grads = gradients(params)  # all of them at the same point
        with torch.no_grad():
            for p, g in zip(params, grads, strict=True):
                p -= lr * g
