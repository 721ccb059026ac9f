"""What the profile `gpu` trains, on the CPU and, where there is one, on a GPU.

The sentiment LSTM of section 4.3 and the larger language model of section 4.6 (650 units, 2 layers, on the docstrings
of the installed packages): words a second through `fit`. Of the language model also the share of what the machine can
do, its peer being one large product of two matrices in the same precision in the same run; and on a GPU the perplexity
that the whole training reaches.

    python benchmarks/gpu.py [--runs 5] [--steps 40] [--packages NAME ...]
"""

import argparse
import os
from collections.abc import Callable

import torch
from timing import load, medians, report, set_apart, timed
from torch.nn.functional import binary_cross_entropy_with_logits

from course_lib.datasets.docstrings import PACKAGES, load_docstrings
from course_lib.datasets.english import English
from course_lib.datasets.reviews import load_reviews, vocabulary
from course_lib.device import use_threads
from course_lib.recurrent.language_model import (
    LARGER,
    LanguageModel,
    Streams,
    cross_entropy,
    logprobs,
    new_language_model,
    perplexity,
    stream_batches,
    train_language_model,
)
from course_lib.recurrent.sentiment import SentimentClassifier
from course_lib.training import Batches, fit

HIDDEN, BATCH, TIME = 256, 64, 35  # the first two as section 4.3 trains it under the profile gpu
SIDE = {"cpu": 1024, "cuda": 8192}  # of the matrices of the large product


def train_sentiment(steps: int) -> None:
    """Train a new model for so many steps."""
    torch.manual_seed(0)
    reviews = load_reviews("train")
    batches = Batches((reviews.tokens, reviews.lengths), reviews.labels, BATCH)
    model = SentimentClassifier(len(vocabulary()), hidden_size=HIDDEN)
    fit(model, batches, binary_cross_entropy_with_logits, steps=steps, learning_rate=1e-2, clip_norm=1.0, cache=False)


def train_larger(corpus: English, steps: int) -> LanguageModel:
    """Train a new large language model for so many steps."""
    sizes = {name: LARGER[name] for name in ("hidden_size", "num_layers", "dropout")}
    model, streams = new_language_model(corpus, **sizes), LARGER["streams"]
    batches = stream_batches(corpus.train, TIME, streams)
    fit(Streams(model, streams), batches, cross_entropy, steps=steps, learning_rate=LARGER["learning_rate"],
        clip_norm=1.0, cache=False)  # fmt: skip
    return model


def operations(corpus: English) -> float:
    """Floating-point operations for a token of training: 2 for each weight that it passes, and twice that backward."""
    model = new_language_model(corpus, hidden_size=LARGER["hidden_size"], num_layers=LARGER["num_layers"])
    return 6 * (sum(weight.numel() for weight in model.recurrent.parameters()) + model.head.weight.numel())


def product_rate(device: str, runs: int = 20) -> float:
    """Operations a second of one large product, in the precision that `fit` trains in there."""
    side, kind = SIDE[device], torch.bfloat16 if device == "cuda" else torch.float32
    a, b = torch.randn(2, side, side, device=device, dtype=kind)

    def multiply() -> None:
        for _ in range(runs):
            a @ b
        if device == "cuda":
            torch.cuda.synchronize()

    multiply()
    return 2 * side**3 * runs / min(timed(multiply) for _ in range(3))


def on(device: str, way: Callable[[], object]) -> Callable[[], None]:
    """The same, with `fit` on that device."""

    def there() -> None:
        os.environ["COURSE_DEVICE"] = device
        way()

    return there


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--runs", type=int, default=5, help="of each, interleaved")
    options.add_argument("--steps", type=int, default=40, help="steps of a run; on the CPU the language model makes 2")
    options.add_argument("--packages", nargs="+", default=PACKAGES, help="whose docstrings the language model reads")
    options = options.parse_args()
    threads, there = use_threads(), ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]
    names = {"cpu": "the CPU"} | ({"cuda": torch.cuda.get_device_name()} if "cuda" in there else {})
    print(f"Medians of {options.runs} runs of {options.steps} steps; {load()}\n")

    taken = medians({device: on(device, lambda: train_sentiment(options.steps)) for device in there}, options.runs)
    words = options.steps * BATCH * load_reviews("train").lengths.float().mean().item()
    for device in there:
        note = f"hidden size {HIDDEN}, " + (f"{threads} thread" if device == "cpu" else "bf16")
        report(f"sentiment on {names[device]}", words / taken[device], "words/s", note=note)

    corpus = load_docstrings(packages=tuple(options.packages))
    each = operations(corpus)
    print(f"\n{corpus.source}: {len(corpus.train):,} tokens to train on, {len(corpus.vocabulary):,} words")
    for device in there:
        steps, runs = (2, 1) if device == "cpu" else (options.steps, options.runs)
        seconds = medians({device: on(device, lambda steps=steps: train_larger(corpus, steps))}, runs)[device]
        rate = steps * LARGER["streams"] * TIME / seconds
        report(f"language model on {names[device]}", rate, "tokens/s", note=f"{each / 1e6:.0f} M operations a token")
        report("  share of the peak", 100 * rate * each / product_rate(device), "%",
               note=f"a product of two {SIDE[device]} × {SIDE[device]} matrices reaches the peak")  # fmt: skip
    if "cuda" in there:
        os.environ["COURSE_DEVICE"] = "cuda"
        model, _ = train_language_model(corpus, **LARGER, cache=False)
        report("  perplexity of the test text", perplexity(logprobs(model, corpus.test)),
               note=f"after {LARGER['epochs']} passes")  # fmt: skip
    else:
        print("There is no GPU here that PyTorch can use, so the CPU stands alone.")


if __name__ == "__main__":
    with set_apart():
        main()
