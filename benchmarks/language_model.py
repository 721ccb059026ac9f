"""Training the language model of section 4.6, in tokens per second, on real batches of the English corpus.

Three ways take turns: `fit`; the same model in a bare loop; and a model as PyTorch's word-language-model example builds
it (github.com/pytorch/examples, word_language_model: an encoder, an `nn.LSTM` over (time, batch), a tied decoder, a
hidden state that is detached before each batch) in a loop of its own, with the same optimizer.

    python benchmarks/language_model.py [--runs 5] [--steps 30]
"""

import argparse
from collections.abc import Callable

import torch
from timing import load, medians, report
from torch import Tensor, nn

from course_lib.datasets.english import load_english
from course_lib.device import use_threads
from course_lib.recurrent.language_model import LanguageModel, Streams, cross_entropy, stream_batches
from course_lib.training import fit

SIZE, TIME, STREAMS = 128, 35, 20


class Example(nn.Module):
    """The example's model: tokens (time, batch) and a state -> logits (time, batch, words) and the next state."""

    def __init__(self, words: int):
        super().__init__()
        self.drop = nn.Dropout(0.4)
        self.encoder = nn.Embedding(words, SIZE)
        self.rnn = nn.LSTM(SIZE, SIZE)
        self.decoder = nn.Linear(SIZE, words)
        self.decoder.weight = self.encoder.weight

    def forward(self, tokens: Tensor, hidden: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        output, hidden = self.rnn(self.drop(self.encoder(tokens)), hidden)
        return self.decoder(self.drop(output)), hidden


def new_model(words: int) -> Streams:
    torch.manual_seed(0)
    return Streams(LanguageModel(words, SIZE, SIZE, dropout=0.4, tied=True), STREAMS)


def step(model: nn.Module, loss: Tensor, optimizer: torch.optim.Optimizer) -> float:
    """One update, and the loss as the loops keep it."""
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return loss.item()


def bare(model: Streams, batches: list) -> list[float]:
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    model.train()
    return [step(model, cross_entropy(model(*inputs), targets), optimizer) for inputs, targets in batches]


def as_the_example(model: Example, batches: list) -> list[float]:
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    model.train()
    hidden = (torch.zeros(1, STREAMS, SIZE), torch.zeros(1, STREAMS, SIZE))
    losses = []
    for (tokens, _), targets in batches:
        hidden = tuple(part.detach() for part in hidden)
        logits, hidden = model(tokens.T, hidden)  # (time, batch, words)
        losses.append(step(model, nn.functional.cross_entropy(logits.flatten(0, 1), targets.T.flatten()), optimizer))
    return losses


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--runs", type=int, default=5, help="of each way")
    options.add_argument("--steps", type=int, default=30, help="updates of a run")
    options = options.parse_args()
    use_threads()
    corpus = load_english()
    words = len(corpus.vocabulary)
    batches = stream_batches(corpus.train, TIME, STREAMS)[: options.steps]
    tokens = sum(targets.numel() for _, targets in batches)
    ways: dict[str, Callable[[], object]] = {
        "fit": lambda: fit(new_model(words), batches, cross_entropy, epochs=1, learning_rate=5e-3, clip_norm=1.0,
                           cache=False),
        "a bare loop": lambda: bare(new_model(words), batches),
        "PyTorch's example": lambda: as_the_example(Example(words), batches),
    }  # fmt: skip
    seconds = medians(ways, options.runs)
    for name, taken in seconds.items():
        report(f"language model, {name}", tokens / taken / 1e3, "k tokens/s", note=f"{words:,} words, {SIZE} units")
    note = f"medians of {options.runs} runs of {options.steps} steps each; {load()}"
    report("fit / a bare loop", seconds["fit"] / seconds["a bare loop"], "×", target=1.1, aim=1.03, note=note)
    report("fit / PyTorch's example", seconds["fit"] / seconds["PyTorch's example"], "×", target=1.2)


if __name__ == "__main__":
    main()
