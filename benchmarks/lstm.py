"""Our readable LSTM, with and without recording, against PyTorch's fused one, on one sentence of 12 words.

    python benchmarks/lstm.py [--runs 300]
"""

import argparse

import torch
from timing import load, medians, report, set_apart
from torch import nn

from course_lib.device import use_threads
from course_lib.recording import Clamp, record
from course_lib.recurrent.explorers.gates import GateExplorer
from course_lib.recurrent.layers import copy_weights
from course_lib.recurrent.lstm import LSTM

WORDS, FEATURES, HIDDEN = 12, 16, 8  # as in the sentiment model of section 4.3


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--runs", type=int, default=300)
    options = options.parse_args()
    use_threads()
    torch.manual_seed(0)
    theirs, ours = nn.LSTM(FEATURES, HIDDEN, batch_first=True), LSTM(FEATURES, HIDDEN)
    copy_weights(theirs, ours)
    x = torch.randn(1, WORDS, FEATURES)
    torch.testing.assert_close(ours(x)[0], theirs(x)[0], atol=1e-6, rtol=0)
    clamp = Clamp("forget", 0.0, steps=(5,))

    def differentiated() -> None:
        """What the explorer does for each run: record, clamp, and ask how hard each word pulls."""
        vectors = x.clone().requires_grad_()
        hidden, _ = record(ours, vectors, clamps=[clamp]).output
        torch.autograd.grad(hidden[0, -1].sum(), vectors)

    readings = {
        "nn.LSTM": torch.no_grad()(lambda: theirs(x)),
        "ours": torch.no_grad()(lambda: ours(x)),
        "ours, recorded": torch.no_grad()(lambda: record(ours, x)),
        "ours, recorded and clamped": torch.no_grad()(lambda: record(ours, x, clamps=[clamp])),
        "ours, all that and the gradient": differentiated,
    }
    taken = medians(readings, options.runs, warm_up=20)
    explorer, values = GateExplorer(clamp="forget"), iter(torch.linspace(0, 1, 100).tolist())  # clamps not seen before
    assert explorer.view is not None
    move = medians({"move": lambda: explorer.set(value=next(values))}, runs=41)["move"]
    print(f"Medians of {options.runs} readings of {WORDS} words; {load()}\n")
    for name, seconds in taken.items():
        note = f"{seconds / taken['nn.LSTM']:.1f} × nn.LSTM" if name != "nn.LSTM" else ""
        report(name, 1e3 * seconds, "ms", note=note)
    share = taken["ours, all that and the gradient"] / move
    print(f"\nFast enough: the last is {share:.0%} of a move of the gate explorer ({1e3 * move:.0f} ms). A faster LSTM "
          "could save no more than that, and the gates of nn.LSTM cannot be seen.")  # fmt: skip


if __name__ == "__main__":
    with set_apart():
        main()
