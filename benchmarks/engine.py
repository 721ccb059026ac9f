"""Our graph engine against eager PyTorch: a training step of the digits' network, and what each node costs on top.

    python benchmarks/engine.py [--runs 300]
"""

import argparse

import torch
from timing import load, medians, report, set_apart
from torch.nn.functional import cross_entropy

from course_lib.device import use_threads
from course_lib.tensors.digits_network import digits_batch, training_step
from course_lib.tensors.graph import Session, ancestors

BATCH, RATE = 64, 0.1


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--runs", type=int, default=300)
    options = options.parse_args()
    use_threads()
    x, targets = digits_batch(BATCH)
    training = training_step()
    feeds, step = {training.x: x, training.targets: targets}, [training.loss, training.step]
    nodes = sum(bool(node.inputs) for node in ancestors(step))
    weights = [variable.options["initial"].clone().requires_grad_() for variable in training.graph.variables]

    def eager() -> None:
        W1, b1, W2, b2 = weights
        loss = cross_entropy((x @ W1 + b1).tanh() @ W2 + b2, targets)
        with torch.no_grad():
            for weight, gradient in zip(weights, torch.autograd.grad(loss, weights), strict=True):
                weight -= RATE * gradient

    with Session(training.graph) as session:
        session.run(training.graph.initializer)
        order = [node for node in ancestors(step) if node.inputs and node.operation.name not in ("assign", "group")]
        values = dict(session.values) | feeds
        for node in ancestors(step):  # the same operations without an engine, their inputs at hand
            if node not in values:
                values[node] = node.operation.forward(*(values[before] for before in node.inputs), **node.options)
        calls = [(n.operation.forward, [values[before] for before in n.inputs], n.options) for n in order]

        def bare() -> None:
            for forward, inputs, kept in calls:
                forward(*inputs, **kept)

        ways = {
            "eager": eager,
            "ours": lambda: session.run(step, feeds),
            "bare": torch.no_grad()(bare),
        }
        taken = medians(ways, options.runs, warm_up=20)
    each = 1e6 * (taken["ours"] - taken["bare"]) / nodes
    print(f"A training step of the digits' network, {BATCH} images; medians of {options.runs} runs; {load()}\n")
    report("eager PyTorch, autograd", 1e3 * taken["eager"], "ms")
    report("our engine", 1e3 * taken["ours"], "ms", note=f"{taken['ours'] / taken['eager']:.1f} × eager PyTorch")
    share = taken["bare"] / taken["ours"]
    report("its operations alone, in a row", 1e3 * taken["bare"], "ms", note=f"{share:.2f} × our engine")
    report("what a node costs on top of its operation", each, "µs", note=f"{nodes} nodes")


if __name__ == "__main__":
    with set_apart():
        main()
