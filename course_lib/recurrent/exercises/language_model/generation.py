"""Write with any next-word model: read the prompt, then draw word by word."""

from collections import Counter
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from course_lib.exercises import Case, exercise, part, randn

RUNS, TOLERANCE = 300, 0.13  # a share of 1/2 is then off by 0.03 on average


class Adder(nn.Module):
    """A next-word model that keeps the sum of all tokens it has read; called like `LanguageModel`.

    Args:
        table: (remainders, vocabulary), the logits after a text whose sum leaves this remainder.
    """

    def __init__(self, table: Tensor):
        super().__init__()
        self.table = table

    def forward(self, tokens: Tensor, states: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Logits (1, time, vocabulary) for tokens (1, time), and the state.

        Raises:
            ValueError: tokens of another shape or kind.
        """
        if not isinstance(tokens, Tensor) or tokens.dim() != 2 or len(tokens) != 1 or tokens.is_floating_point():
            what = f"a tensor of shape {tuple(tokens.shape)}" if isinstance(tokens, Tensor) else repr(tokens)[:100]
            raise ValueError(f"the model takes whole numbers of shape (1, time), and got {what}")
        sums = tokens.cumsum(dim=1) + (0 if states is None else states)  # (1, time)
        return self.table[sums % len(self.table)], sums[:, -1:]


def on_a_model(answer: Callable, table: Tensor, prompt: Tensor, n: int, temperature: float, seed: int):
    """What the answer writes with the model of this table."""
    return as_list(answer(Adder(table), prompt, n, temperature, generator(seed)))


def frequencies(answer: Callable, table: Tensor, prompt: Tensor, n: int, temperature: float, runs: int, seed: int):
    """How often each of the texts of n tokens was written, as a share of the runs: (vocabulary,) * n."""
    model, drawn = Adder(table), generator(seed)
    texts = Counter()
    for _ in range(runs):
        text = as_list(answer(model, prompt.clone(), n, temperature, drawn))
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


def generator(seed: int) -> torch.Generator:
    """Seeded."""
    return torch.Generator().manual_seed(seed)


def as_list(written):
    """Tokens as a list of numbers, where they came as a tensor or as tensors of one number."""
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


def in_words(table: Tensor, prompt: list[int], n: int, temperature: float) -> str:
    """A case for the learner."""
    if table.numel() > 9:
        model = f"a random model of {table.shape[1]} words, a prompt of {len(prompt)}"
    else:
        rows = [f"({', '.join(f'{number:.3g}' for number in row)})" for row in table.tolist()]
        model = f"a model with the logits {rows[0]} after any text, prompt {prompt}"
        if len(rows) > 1:
            rests = ", ".join(map(str, range(len(rows))))
            model = (
                f"a model with the logits {', '.join(rows)} where the sum of all tokens read so far, divided by "
                f"{len(rows)}, leaves {rests}; prompt {prompt}"
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
        return Case(
            (table, torch.tensor(prompt), n, temperature, seed()),
            via=on_a_model,
            expected=greedy(table, prompt, n),
            shown=in_words(table, prompt, n, temperature),
            because="as the temperature goes to 0, all of the probability goes to the token with the largest logit",
        )

    def counted_case(table: Tensor, prompt: list[int], n: int, temperature: float, because: str) -> Case:
        expected = probabilities(table, prompt, n, temperature)
        what = "token" if n == 1 else "pair of tokens"

        def explain(shares: Tensor) -> str:
            text = np.unravel_index(int((shares - expected).abs().argmax()), expected.shape)
            place = tuple(int(token) for token in text)
            which = f"token {place[0]}" if n == 1 else f"the text {place}"
            return f"In {RUNS} calls you wrote {which} in {shares[place]:.1%} of them; wanted {expected[place]:.1%}."

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
        because = "the model has read the whole prompt and all that you have written, each word once"
        yield counted_case(MOODS, [1, 1], 2, 1.0, because)
        yield counted_case(randn(rng, 4, 3), rng.integers(3, size=3).tolist(), 2, 0.7, because)


Choose = Callable[[Tensor], int]  # logits (vocabulary,) -> token


def drawn(weights: Tensor, generator: torch.Generator | None) -> int:
    """A token, each with a probability in proportion to its weight."""
    return int(torch.multinomial(weights, 1, generator=generator))


def choice(temperature: float, generator: torch.Generator | None, weights: Callable[[Tensor], Tensor]) -> Choose:
    """Draw by these weights of the logits, but at temperature 0 take the best."""
    return lambda logits: int(logits.argmax()) if temperature == 0 else drawn(weights(logits), generator)


def right_choice(temperature: float, generator: torch.Generator | None) -> Choose:
    """As it should be."""
    return choice(temperature, generator, lambda logits: (logits / temperature).softmax(dim=0))


def read_on(model, prompt, tokens, states):
    """As it should be: the last token, and the state from before it."""
    return model(torch.tensor([tokens[-1:]]), states)


def write(model, prompt, n: int, choose: Choose, then=read_on, first: Callable | None = None) -> list[int]:
    """Read the prompt and write n tokens; `first` reads the prompt, `then` reads on after each token."""
    logits, states = (first or model)(prompt.unsqueeze(0))
    tokens = [choose(logits[0, -1])]
    while len(tokens) < n:
        logits, states = then(model, prompt, tokens, states)
        tokens.append(choose(logits[0, -1]))
    return tokens
