"""Ways to call an answer, found by name from the process in which it runs."""

import torch


def on_a_module(answer, weight):
    """Hand over a module; return what the answer made of it as data."""
    linear = torch.nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        linear.weight.fill_(weight)
    made = answer(linear)
    return made.weight if isinstance(made, torch.nn.Linear) else made


def counting(answer, times):
    """Hand over a function, and say how often it was called."""
    calls = []
    return answer(lambda: calls.append(1) or len(calls), times), len(calls)
