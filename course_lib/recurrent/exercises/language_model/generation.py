"""Write with any next-word model: read the prompt, then draw word by word."""

from collections import Counter
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from course_lib.exercises import Case, exercise, part, randn

RUNS, TOLERANCE = 300, 0.13  # a share of 1/2 is then off by 0.03 on average
PRINTED = 9  # a table of as many logits is printed in full


class Adder(nn.Module):
    """A next-word model that keeps the sum of all tokens it has read; called like `LanguageModel`.

    Args:
        table: (remainders, vocabulary), the logits after a text whose sum leaves this remainder.

    Attributes:
        begun: how often it was called without a state.
        read: how many tokens it was handed.
    """

    def __init__(self, table: Tensor):
        super().__init__()
        self.table, self.begun, self.read = table, 0, 0

    def forward(self, tokens: Tensor, states: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Logits (1, time, vocabulary) for tokens (1, time), and the state.

        Raises:
            ValueError: tokens of another shape or kind.
        """
        if not isinstance(tokens, Tensor) or tokens.dim() != 2 or len(tokens) != 1 or tokens.is_floating_point():
            what = f"a tensor of shape {tuple(tokens.shape)}" if isinstance(tokens, Tensor) else repr(tokens)[:100]
            raise ValueError(f"the model takes whole numbers of shape (1, time), and got {what}")
        self.begun, self.read = self.begun + (states is None), self.read + tokens.shape[1]
        sums = tokens.cumsum(dim=1) + (0 if states is None else states)  # (1, time)
        return self.table[sums % len(self.table)], sums[:, -1:]


def on_a_model(answer: Callable, table: Tensor, prompt: Tensor, n: int, temperature: float, seed: int):
    """What the answer writes with the model of this table, as a list."""
    return as_list(answer(Adder(table), prompt, n, temperature, generator(seed)))


def frequencies(answer: Callable, table: Tensor, prompt: Tensor, n: int, temperature: float, runs: int, seed: int):
    """How often each of the texts of n tokens was written, as a share of the runs: (vocabulary,) * n."""
    model, chance, texts = Adder(table), generator(seed), Counter()
    for _ in range(runs):
        text = as_list(answer(model, prompt.clone(), n, temperature, chance))
        if text is None:
            return None
        if not isinstance(text, list) or len(text) != n:
            raise ValueError(f"generate should return the {n} new tokens, and returned {text!r:.100}")
        texts[tuple(text)] += 1
    shares = torch.zeros([table.shape[1]] * n)
    for text, times in texts.items():
        shares[text] = times / runs
    return shares


def three_times(answer: Callable, table: Tensor, prompt: Tensor, n: int, seeds: tuple[int, int]) -> dict:
    """What the answer writes with a generator of the first seed, with another of the same seed, and of the second."""
    first, second = seeds
    return {
        name: as_list(answer(Adder(table), prompt.clone(), n, 1.0, generator(seed)))
        for name, seed in (("first", first), ("again", first), ("other", second))
    }


def counted(answer: Callable, table: Tensor, prompt: Tensor, n: int, temperature: float, seed: int) -> dict:
    """What the answer writes, and what it had its model do for it."""
    model = Adder(table)
    text = as_list(answer(model, prompt, n, temperature, generator(seed)))
    return {"text": text, "begun": model.begun, "read": model.read}


def generator(seed: int) -> torch.Generator:
    """All that an answer may take its chance from."""
    return torch.Generator().manual_seed(seed)


def as_list(written):
    """Tokens as a list of numbers, where they came as a tensor or as tensors of one number; all else as it is."""
    if isinstance(written, Tensor):
        return written.flatten().tolist()
    if isinstance(written, (list, tuple)):
        return [token.item() if isinstance(token, Tensor) and token.numel() == 1 else token for token in written]
    return written


def greedy(table: Tensor, prompt: list[int], n: int) -> list[int]:
    """The most probable token after the prompt, and so on."""
    text = list(prompt)
    for _ in range(n):
        text.append(int(table[sum(text) % len(table)].argmax()))
    return text[len(prompt) :]


def probabilities(table: Tensor, prompt: list[int], n: int, temperature: float) -> Tensor:
    """P of each text of n tokens after the prompt: (vocabulary,) * n."""
    if n == 0:
        return torch.tensor(1.0)
    probs = (table[sum(prompt) % len(table)] / temperature).softmax(dim=0)  # (vocabulary,)
    rest = [probabilities(table, [*prompt, token], n - 1, temperature) for token in range(len(probs))]
    return torch.stack([p * after for p, after in zip(probs, rest, strict=True)])


def what_repeats(run: dict) -> str | None:
    """What is wrong with the three texts of `three_times`, in a sentence."""
    if run["first"] != run["again"]:
        return f"Two generators with the same seed gave {list(run['first'])} and {list(run['again'])}."
    if run["first"] == run["other"]:
        return f"Generators with two different seeds both gave {list(run['first'])}."
    return None


def what_differs(text: list[int], wanted: list[int]) -> str:
    """The first wrong token, in a sentence."""
    place = next(n for n, pair in enumerate(zip(text, wanted, strict=True)) if pair[0] != pair[1])
    return f"Your token {place}, counted from 0, is {text[place]:g}, wanted {wanted[place]}."


def what_was_read(run: dict, tokens: int) -> str | None:
    """What a model that `counted` read twice, where prompt and text have so many tokens, in a sentence."""
    if run["begun"] > 1:
        return f"You called the model {run['begun']} times without a state, so that it began afresh; wanted once."
    if run["read"] > tokens:
        return f"Your model has read {run['read']} tokens; the prompt and your text have {tokens} together."
    return None


def in_words(table: Tensor, prompt: list[int], n: int, temperature: float) -> str:
    """A case for the learner."""
    logits = [f"({', '.join(f'{number:.3g}' for number in row)})" for row in table.tolist()]
    if table.numel() > PRINTED:
        model = f"a random model of {table.shape[1]} words, a prompt of {len(prompt)}"
    elif len(logits) == 1:
        model = f"a model with the logits {logits[0]} after any text, prompt {prompt}"
    else:
        rows = ", ".join(f"{rest}: {row}" for rest, row in enumerate(logits))
        model = (
            f"a model that adds up all tokens read; the remainder of the sum by {len(logits)} says which logits it "
            f"gives, {rows}; prompt {prompt}"
        )
    return f"{model}, n={n}, temperature={temperature:g}"


TURNS = torch.tensor([[0.0, 2.0, 1.0], [0.0, 1.0, 2.0], [3.0, 0.0, 1.0]])
FOURS = torch.tensor([[1.0, 4.0, 16.0]]).log()  # at temperature 1 one to four to sixteen, at 2 one to two to four
MOODS = torch.tensor([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6]]).log()


@exercise(
    "recurrent.generation",
    "generate(model, prompt, n, temperature, generator) -> tokens",
    level="core",
    minutes=10,
    seconds=10.0,
)
def generate(rng):
    """Write with any next-word model."""

    def seed() -> int:
        return int(rng.integers(2**31))

    def greedy_case(table: Tensor, prompt: list[int], n: int, temperature: float) -> Case:
        wanted = greedy(table, prompt, n)
        return Case(
            (table, torch.tensor(prompt), n, temperature, seed()),
            via=on_a_model,
            expected=wanted,
            explain=lambda text: what_differs(text, wanted),
            shown=in_words(table, prompt, n, temperature),
            because="as the temperature goes to 0, all of the probability goes to the token with the largest logit",
        )

    def counted_case(table: Tensor, prompt: list[int], n: int, temperature: float, because: str) -> Case:
        expected = probabilities(table, prompt, n, temperature)
        what = "token" if n == 1 else "pair of tokens"

        def explain(shares: Tensor) -> str:
            worst = (shares - expected).abs().argmax()
            text = tuple(int(token) for token in torch.unravel_index(worst, expected.shape))
            which = f"token {text[0]}" if n == 1 else f"the text {text}"
            return f"In {RUNS} calls you wrote {which} in {shares[text]:.1%} of them; wanted {expected[text]:.1%}."

        return Case(
            (table, torch.tensor(prompt), n, temperature, RUNS, seed()),
            via=frequencies,
            expected=expected,
            explain=explain,
            shown=f"{in_words(table, prompt, n, temperature)}, share of each {what}",
            because=because,
            rtol=0.0,
            atol=TOLERANCE,
        )

    def seeded_case(table: Tensor, prompt: list[int], n: int) -> Case:
        best = greedy(table, prompt, n)
        return Case(
            (table, torch.tensor(prompt), n, (seed(), seed())),
            via=three_times,
            test=what_repeats,
            view=lambda run: [list(run["first"]) == list(text) for text in (run["again"], run["other"], best)],
            form={name: best for name in ("first", "again", "other")},
            shown=f"a random model of {table.shape[1]} words, n={n}, temperature=1, three generators",
            because="all chance comes from the generator that is handed in",
        )

    def reading_case(table: Tensor, prompt: list[int], n: int) -> Case:
        tokens = len(prompt) + n  # the last of them need not be read
        return Case(
            (table, torch.tensor(prompt), n, 0.0, seed()),
            via=counted,
            test=lambda run: what_was_read(run, tokens),
            view=lambda run: [run["begun"] > 1, run["read"] > tokens],
            form={"text": greedy(table, prompt, n), "begun": 1, "read": tokens},
            shown=in_words(table, prompt, n, 0.0),
            because="the state that comes back holds all that was read: hand it on, with the newest token alone",
        )

    def shuffled_rows(rows: int, words: int) -> Tensor:
        """Logits that differ by 1 at least, so that the largest is clear."""
        return torch.from_numpy(rng.permuted(np.tile(np.arange(words), (rows, 1)), axis=1)).float()

    with part("greedy", points=1):
        for prompt, temperature in (([0], 0.0), ([1, 1], 0.0), ([2, 1], 0.001)):
            yield greedy_case(TURNS, prompt, 4, temperature)
        for temperature in (0.0, 0.001):
            yield greedy_case(shuffled_rows(5, 6), rng.integers(6, size=4).tolist(), 12, temperature)
    with part("reproducible", points=1):
        for words, n in ((4, 20), (6, 30)):
            table, prompt = randn(rng, words, words, scale=0.3), rng.integers(words, size=2)
            yield seeded_case(table, prompt.tolist(), n)
    with part("frequencies", points=1):
        for temperature in (1.0, 2.0):
            because = "the logits are divided by the temperature, and the softmax of that is what you draw from"
            yield counted_case(FOURS, [0], 1, temperature, because)
    with part("state carried over", points=1):
        for table, prompt in ((TURNS, [1, 1]), (shuffled_rows(5, 6), rng.integers(6, size=3).tolist())):
            yield reading_case(table, prompt, 4)
        because = "the model has read the whole prompt and all that you have written, each word once"
        yield counted_case(MOODS, [1, 1], 2, 1.0, because)
        yield counted_case(randn(rng, 4, 3), rng.integers(3, size=3).tolist(), 2, 0.7, because)
