# exercise: recurrent.vanishing
import torch


def lag_gradients(cell, xs):
    xs = xs.clone().requires_grad_()  # (time, input_size): one leaf, whose gradient holds all the lags
    state = None
    for x in xs:
        state = cell(x, state)

    h = state[0] if isinstance(state, tuple) else state  # an LSTM hands back (h, c)
    (gradient,) = torch.autograd.grad(h.sum(), xs)  # (time, input_size)
    return gradient.norm(dim=-1).flip(0)  # (time,), the last step first


# exercise: recurrent.clipping
import torch


def factor(grads, theta):
    """What brings the norm of all of them together down to theta, and leaves a smaller one alone."""
    norm = torch.stack([g.norm() for g in grads]).norm()
    return theta / norm if norm > theta else 1.0


def clip_value(grads, theta):
    return [g.clamp(-theta, theta) for g in grads]


def clip_norm(grads, theta):
    return [factor(grads, theta) * g for g in grads]


def clipped_step(weights, grads, learning_rate, theta):
    scale = factor(grads, theta)  # first the clipping, then the learning rate
    return [w - learning_rate * scale * g for w, g in zip(weights, grads, strict=True)]


# exercise: recurrent.exploding
import torch


def growth_rate(W):
    # W^k stretches by the largest |λ| a step in the long run; eigenvalues may be negative or complex
    return torch.linalg.eigvals(W).abs().max().log().item()
