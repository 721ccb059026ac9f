"""From hidden states to log-probabilities, and from those to a loss."""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import linear, log_softmax, nll_loss

from course_lib.exercises import Case, exercise, part, randn

PADDING = -100  # the target that PyTorch's own loss skips too


def gradient_of(answer: Callable, logp: Tensor, targets: Tensor) -> Tensor | None:
    """The gradient of the answer's loss by logp, (time, vocabulary)."""
    loss = answer(logp.requires_grad_(), targets)
    if loss is None:
        return None
    if not isinstance(loss, Tensor) or not loss.requires_grad:
        raise TypeError("nll should return a tensor that carries a gradient; `item`, `float` and argmax cut it off")
    return torch.autograd.grad(loss.sum(), logp)[0]


def gradient_by_hand(logp: Tensor, targets: Tensor) -> Tensor:
    """The gradient of the mean of -logp at the targets: -1 / words at each, 0 elsewhere; (time, vocabulary)."""
    words = targets != PADDING
    gradient = torch.zeros_like(logp)
    gradient[words, targets[words]] = -1 / int(words.sum())
    return gradient


def logs_of(*rows: tuple[float, ...]) -> Tensor:
    """The logs of these probabilities, (time, vocabulary)."""
    return torch.tensor(rows).log()


TWO = logs_of((0.5, 0.25, 0.25), (0.1, 0.8, 0.1))
THREE = logs_of((0.5, 0.25, 0.25), (0.25, 0.25, 0.5), (0.0625, 0.9, 0.0375))


@exercise(
    "recurrent.lstm-lm.softmax",
    "lm_head(outputs, W, b) -> logp",
    "nll(logp, targets) -> loss",
    level="core",
    minutes=8,
    without=["nll_loss", "nll_loss_nd", "cross_entropy", "cross_entropy_loss"],
)
def lm_head(rng):
    """From hidden states to the probabilities of words, and to the loss."""

    def head(outputs: Tensor, W: Tensor, b: Tensor, because: str, shown: str | None = None) -> Case:
        expected = log_softmax(linear(outputs, W, b), dim=-1)
        return Case((outputs, W, b), call="lm_head", expected=expected, shown=shown, because=because)

    def random_case(time: int, hidden_size: int, words: int) -> Case:
        outputs, W, b = randn(rng, time, hidden_size), randn(rng, words, hidden_size, scale=0.5), randn(rng, words)
        shown = f"time {time}, hidden_size {hidden_size}, {words} words, random numbers"
        return head(outputs, W, b, "W turns hidden_size numbers into one for each word, at each position", shown)

    def loss(logp: Tensor, targets: list[int], because: str, shown: str | None = None) -> Case:
        inputs = logp, torch.tensor(targets)
        expected = nll_loss(*inputs, ignore_index=PADDING)
        return Case(inputs, call="nll", expected=expected, shown=shown, because=because)

    def random_text(time: int, words: int, padding: int) -> tuple[Tensor, list[int], str]:
        targets = [*rng.integers(words, size=time - padding).tolist(), *[PADDING] * padding]
        end = f", the last {padding} targets {PADDING}" if padding else ""
        shown = f"time {time}, {words} words{end}, random numbers"
        return log_softmax(randn(rng, time, words, scale=2.0), dim=-1), targets, shown

    with part("one distribution a position", points=1):
        to_words = torch.tensor([[0.0], [math.log(3)]])  # logits 0 and h * log 3
        for states, b in (((0.0, 1.0), (0.0, 0.0)), ((1.0, 0.0, 2.0), (math.log(2), 0.0))):
            outputs = torch.tensor(states).unsqueeze(1)  # (time, 1)
            because = "exp of each row must add up to 1: a distribution over the words, for each position one"
            yield head(outputs, to_words, torch.tensor(b), because)
    with part("20 × 128", points=1):
        for time, hidden_size, words in ((3, 2, 2), (4, 3, 5), (20, 128, 50)):
            yield random_case(time, hidden_size, words)
    with part("large logits", points=1):
        far = torch.tensor([[0.0], [200.0]])
        for states in ((1.0,), (1.0, -1.0)):
            outputs = torch.tensor(states).unsqueeze(1)  # (time, 1)
            because = "exp(-200) is 0 and exp(200) is infinite in float32: take the log of a softmax in one step"
            yield head(outputs, far, torch.zeros(2), because)
    with part("loss", points=1):
        picked = "each position counts with the log-probability of its own true word"
        yield loss(TWO, [0, 1], picked)
        yield loss(THREE, [1, 2, 0], picked)
        logp, targets, shown = random_text(20, 50, 0)
        yield loss(logp, targets, picked, shown)
    with part("padding", points=1):
        skipped = "where the target is -100 there is no word: such a position adds nothing, and is not counted"
        yield loss(TWO, [0, PADDING], skipped)
        yield loss(THREE, [PADDING, 2, PADDING], skipped)
        for time, words, padding in ((6, 4, 2), (20, 50, 5)):
            logp, targets, shown = random_text(time, words, padding)
            yield loss(logp, targets, skipped, shown)
    with part("a gradient", points=1):
        by_hand = TWO, [0, PADDING], "time 2, targets 0 and -100"
        for logp, targets, shown in (by_hand, random_text(6, 4, 2)):
            inputs = logp, torch.tensor(targets)
            yield Case(
                inputs,
                call="nll",
                via=gradient_of,
                expected=gradient_by_hand(*inputs),
                shown=f"the loss's gradient by logp, {shown}",
                because="training needs a loss that changes a little when the probabilities change a little",
            )
