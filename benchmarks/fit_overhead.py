"""What `fit` costs: training through it against the same loop in bare PyTorch.

The model is as small as the sentiment LSTM of section 4.3, where a step is short and any overhead shows. Both train the
same model on the same batches in turn, run after run, so that a busy moment of the machine hits both.

    python benchmarks/fit_overhead.py [--runs 15] [--steps 300]
"""

import argparse
from collections.abc import Callable
from functools import partial

import torch
from timing import load, medians, report
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from course_lib.device import use_threads
from course_lib.training import Batches, fit

VOCABULARY, LENGTH, EMBEDDING, HIDDEN, BATCH, ROWS = 80, 14, 16, 24, 32, 3200


class Reader(nn.Module):
    """One number for each row of tokens: (batch, time) -> (batch,)"""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(VOCABULARY, EMBEDDING)
        self.lstm = nn.LSTM(EMBEDDING, HIDDEN, batch_first=True)
        self.score = nn.Linear(HIDDEN, 1)

    def forward(self, tokens: Tensor) -> Tensor:
        hidden, _ = self.lstm(self.embed(tokens))  # (batch, time, hidden)
        return self.score(hidden[:, -1]).squeeze(-1)


def data() -> tuple[Tensor, Tensor]:
    """Random tokens (rows, time), and as target (rows,) whether the first one is of the upper half."""
    tokens = torch.randint(VOCABULARY, (ROWS, LENGTH), generator=torch.Generator().manual_seed(0))
    return tokens, (tokens[:, 0] >= VOCABULARY // 2).float()


def bare(model: nn.Module, inputs: Tensor, targets: Tensor, steps: int) -> list[float]:
    """The loop as a tutorial writes it: shuffle, step, and keep each loss."""
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    model.train()
    losses = []
    while True:
        for rows in torch.randperm(len(inputs)).split(BATCH):
            loss = binary_cross_entropy_with_logits(model(inputs[rows]), targets[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            if len(losses) == steps:
                return losses


def through_fit(model: nn.Module, inputs: Tensor, targets: Tensor, steps: int) -> list[float]:
    batches = Batches(inputs, targets, BATCH)
    return fit(model, batches, binary_cross_entropy_with_logits, steps=steps, learning_rate=1e-3, cache=False).losses


def train(way: Callable, steps: int) -> None:
    """Train a new model."""
    torch.manual_seed(0)
    losses = way(Reader(), *data(), steps)
    assert len(losses) == steps


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--runs", type=int, default=15, help="runs of each, interleaved")
    options.add_argument("--steps", type=int, default=300, help="steps of a run")
    options = options.parse_args()
    use_threads()
    ways = {"bare": partial(train, bare, options.steps), "fit": partial(train, through_fit, options.steps)}
    taken = medians(ways, options.runs)
    for name, seconds in taken.items():
        report(f"one step, {name}", 1e3 * seconds / options.steps, "ms")
    note = f"medians of {options.runs} runs of {options.steps} steps each; {load()}"
    report("training through fit / bare PyTorch", taken["fit"] / taken["bare"], "×", target=1.1, aim=1.03, note=note)


if __name__ == "__main__":
    main()
