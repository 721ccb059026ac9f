"""The sentiment LSTM at the size of the profile `gpu`: words a second that `fit` trains on, on the CPU and on a GPU.

    python benchmarks/gpu.py [--runs 5] [--steps 40]
"""

import argparse
import os

import torch
from timing import load, medians, report, set_apart
from torch.nn.functional import binary_cross_entropy_with_logits

from course_lib.datasets.reviews import load_reviews, vocabulary
from course_lib.device import use_threads
from course_lib.recurrent.sentiment import SentimentClassifier
from course_lib.training import Batches, fit

HIDDEN, BATCH = 256, 64  # as section 4.3 trains it under the profile gpu


def train(device: str, steps: int) -> None:
    """Train a new model for so many steps."""
    os.environ["COURSE_DEVICE"] = device
    torch.manual_seed(0)
    reviews = load_reviews("train")
    batches = Batches((reviews.tokens, reviews.lengths), reviews.labels, BATCH)
    model = SentimentClassifier(len(vocabulary()), hidden_size=HIDDEN)
    fit(model, batches, binary_cross_entropy_with_logits, steps=steps, learning_rate=1e-2, clip_norm=1.0, cache=False)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--runs", type=int, default=5, help="of each, interleaved")
    options.add_argument("--steps", type=int, default=40, help="steps of a run")
    options = options.parse_args()
    threads = use_threads()
    devices = ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]
    taken = medians({device: lambda device=device: train(device, options.steps) for device in devices}, options.runs)
    words = options.steps * BATCH * load_reviews("train").lengths.float().mean().item()
    print(f"Medians of {options.runs} runs of {options.steps} steps; {load()}\n")
    report("training on the CPU", words / taken["cpu"], "words/s", note=f"{threads} thread, hidden size {HIDDEN}")
    if "cuda" in taken:
        report(f"training on {torch.cuda.get_device_name()}", words / taken["cuda"], "words/s",
               note=f"bf16, {taken['cpu'] / taken['cuda']:.1f} × the CPU")  # fmt: skip
    else:
        print("There is no GPU here that PyTorch can use, so the CPU stands alone.")


if __name__ == "__main__":
    with set_apart():
        main()
