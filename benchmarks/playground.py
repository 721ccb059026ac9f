"""The network playground against the same training in bare torch, and how many pictures a second it shows.

    python benchmarks/playground.py [--runs 15]
"""

import argparse
from itertools import pairwise

import torch
from timing import load, medians, report, set_apart
from torch import nn

from course_lib.device import use_threads
from course_lib.foundations.explorers.playground import PlaygroundExplorer
from course_lib.foundations.playground import BATCH, LONGEST, METHODS, Setting, Training

STEPS = 200  # a run; the playground's own tests of its loss and its snapshots are among them
SETTINGS = {
    "3 units": Setting("circles", 0.05, (), ("x", "y"), (3,), "tanh", "SGD", 0.3, 0.0, 0),
    "3 × 6 units, Adam": Setting("spirals", 0.0, (), ("x", "y", "xy"), (6, 6, 6), "tanh", "Adam", 0.03, 0.001, 0),
}


def bare(setting: Setting):
    """The shortest loop that learns the same: a fresh network, and STEPS steps."""
    training = Training(setting)
    x, y = training.inputs, training.labels
    sizes = [x.shape[1], *setting.hidden_sizes, 1]

    def learn() -> None:
        layers = [layer for m, n in pairwise(sizes) for layer in (nn.Linear(m, n), nn.Tanh())]
        model, loss_of = nn.Sequential(*layers[:-1]), nn.BCEWithLogitsLoss()
        optimizer = METHODS[setting.method](model.parameters(), lr=setting.learning_rate)
        for _ in range(STEPS):
            batch = torch.randint(len(y), (BATCH,))
            optimizer.zero_grad()
            loss = loss_of(model(x[batch])[:, 0], y[batch])
            loss.backward()
            optimizer.step()

    return learn


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--runs", type=int, default=15)
    options = options.parse_args()
    use_threads()
    print(f"{STEPS} steps from a fresh network; medians of {options.runs} runs; {load()}\n")
    for name, setting in SETTINGS.items():
        fresh = iter([Training(setting) for _ in range(options.runs + 2)])  # its points are drawn before
        ways = {"ours": lambda fresh=fresh: next(fresh).go_to(STEPS), "bare": bare(setting)}
        taken = medians(ways, options.runs, warm_up=2)
        report(f"{name}: steps a second", STEPS / taken["ours"], note=f"bare torch {STEPS / taken['bare']:.0f}")
        report(f"{name}: time", taken["ours"] / taken["bare"], "× bare torch", target=1.3)
    for preset in PlaygroundExplorer.presets:
        explorer = PlaygroundExplorer(**preset | {"step": 0})
        assert explorer.view is not None
        steps = iter(range(20, LONGEST, 20))
        taken = medians({"tick": lambda explorer=explorer, steps=steps: explorer.set(step=next(steps))}, 21, warm_up=3)
        shown = ", ".join(f"{value}" for value in preset.values())
        report(f"{shown}: 20 steps and a picture", 1e3 * taken["tick"], "ms", target=100)


if __name__ == "__main__":
    with set_apart():
        main()
