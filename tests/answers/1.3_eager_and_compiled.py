# exercise: tensors.eager
def record(model, x):
    outputs = {}

    def hook_for(name):
        def hook(layer, inputs, output):
            outputs[name] = output.clone()  # a layer in place may come next

        return hook

    layers = [(name, layer) for name, layer in model.named_modules() if not list(layer.children())]
    handles = [layer.register_forward_hook(hook_for(name)) for name, layer in layers]
    try:
        model(x)
    finally:
        for handle in handles:
            handle.remove()
    return outputs


# exercise: tensors.eager.control-flow
def newton_sqrt(x, tol):
    y = x
    while True:
        y = (y + x / y) / 2  # once at least: the derivative comes one step behind
        if ((y * y - x).abs() <= tol * x).all():
            return y


# exercise: tensors.autodiff
import torch


def central(f, x, eps):
    x = x.detach().double()
    gradient = torch.zeros_like(x)
    for place in range(x.numel()):
        step = torch.zeros_like(x)
        step.view(-1)[place] = eps
        gradient.view(-1)[place] = (f(x + step) - f(x - step)) / (2 * eps)
    return gradient


def numeric_grad(f, x, eps):
    return central(f, x, eps)


def agree(f, x, tol):
    x = x.detach().double().clone().requires_grad_()
    (auto,) = torch.autograd.grad(f(x), x)
    return bool((auto - central(f, x, 1e-6)).abs().max() <= tol)


# exercise: tensors.high-level-api
import torch
from torch import nn


class Model:
    def __init__(self, layers):
        self.network = nn.Sequential(*layers)

    def compile(self, loss, optimiser):
        self.loss = loss
        self.optimiser = optimiser(self.network.parameters())

    def fit(self, x, y, epochs, batch_size):
        self.network.train()
        history = []
        for _ in range(epochs):
            total = 0.0
            for begin in range(0, len(x), batch_size):
                rows = slice(begin, begin + batch_size)
                loss = self.loss(self.network(x[rows]), y[rows])
                self.optimiser.zero_grad()
                loss.backward()
                self.optimiser.step()
                total += loss.item() * len(x[rows])
            history.append(total / len(x))
        return history

    def evaluate(self, x, y):
        predictions = self.predict(x)
        return self.loss(predictions, y).item()

    @torch.no_grad()
    def predict(self, x):
        self.network.eval()
        return self.network(x)


# exercise: tensors.eager.migration
def watch(state, reading, keep):
    surprise = reading - state.mean  # before the mean moves
    state.mean = keep * state.mean + (1 - keep) * reading
    state.runs += 1
    return surprise
