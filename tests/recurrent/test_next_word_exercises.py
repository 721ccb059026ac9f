"""What the exercises of 4.5 say to answers that are right in another way, or wrong in a way without a name."""

import math
from collections import Counter

import pytest
import torch
from torch import nn

from course_lib.exercises.feedback import words
from course_lib.recurrent.exercises.next_word.counted import Counted, walk
from course_lib.recurrent.exercises.next_word.feed_forward import Bengio
from tests.exercises.verdicts import said, verdict_on


class WithAList:
    """No table of counts: every window is looked through again; draws by the distribution of prob itself."""

    def __init__(self, N):
        self.N = N

    def fit(self, sentences):
        self.windows = list(walk(self.N, sentences))
        return self

    def prob(self, word, history):
        history = (("<end>",) * self.N + tuple(history))[len(history) + 1 :]
        followed = [found for found, before in self.windows if before == history]
        return torch.tensor(followed.count(word) / max(len(followed), 1))

    def sample(self, rng):
        words = []
        while True:
            at, known = rng.random(), sorted({word for word, _ in self.windows})
            for word in known:
                at -= self.prob(word, words).item()
                if at < 0:
                    break
            if word == "<end>":
                return tuple(words)
            words.append(word)


def test_a_model_without_a_table_is_right_too():
    verdict = verdict_on("recurrent.ngram", NGram=WithAList)
    assert verdict.status == "passed", words(verdict)


class Forgetful(Counted):
    def fit(self, sentences):
        super().fit(sentences)


class Shouting(Counted):
    def sample(self, rng):
        return " ".join(super().sample(rng))


class Numbering(Counted):
    def sample(self, rng):
        return [len(word) for word in super().sample(rng)]


class Endless(Counted):
    def sample(self, rng):
        while True:
            self.draw(Counter("a"), rng)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (Forgetful, "fit should return the model itself (`return self`), and returned None"),
        (Shouting, "sample should return a list of words, and returned a str"),
        (Numbering, "sample should return a list of words, and returned a list of other things"),
        (Endless, "has not come to the end of its sentences"),
    ],
)
def test_what_a_counted_model_returns_is_looked_at(answer, sentence):
    assert sentence in said("recurrent.ngram", NGram=answer)


def test_a_perplexity_by_loops_is_right_too():
    def perplexity(logits, targets, mask):
        losses = [
            nn.functional.cross_entropy(row[place].double(), target[place])
            for row, target, kept in zip(logits, targets, mask, strict=True)
            for place in kept.nonzero().flatten()
        ]
        return float(torch.exp(sum(losses) / len(losses)))

    assert verdict_on("recurrent.perplexity", perplexity=perplexity).status == "passed"


def test_a_score_word_by_word_is_right_too():
    def sequence_logprob(model, ids, bos):
        read, total = [bos], 0.0
        for word in ids.tolist():
            total += model(torch.tensor(read))[-1].log_softmax(dim=-1)[word].item()
            read.append(word)
        return total

    assert verdict_on("recurrent.language-model", sequence_logprob=sequence_logprob).status == "passed"


@pytest.mark.parametrize("of_product", [torch.log, math.log])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_logarithm_of_a_product_fails_on_a_thousand_words(of_product, dtype):
    def sequence_logprob(model, ids, bos):
        rows = model(torch.cat([torch.tensor([bos]), ids[:-1]])).to(dtype).softmax(dim=-1)
        return of_product(rows.gather(1, ids.unsqueeze(1)).prod())

    feedback = said("recurrent.language-model", sequence_logprob=sequence_logprob)
    assert "a thousand words ✗" in feedback and "a table by hand ✓" in feedback
    assert "With 1000 words of probability 1/50, what is your product?" in feedback


class Loop(Bengio):
    def forward(self, words):
        rows = []
        for end in range(self.k, words.shape[1]):
            x = self.embedding(words[:, end - self.k : end]).reshape(len(words), -1)
            rows.append(self.head(torch.tanh(self.hidden(x))).log_softmax(dim=-1))
        return torch.stack(rows, dim=1)


def test_a_window_in_a_loop_is_right_too():
    assert verdict_on("recurrent.neural-lm", FFLM=Loop).status == "passed"


class Leaking(Bengio):
    """The right numbers, and a trace of the last word in each of them."""

    def forward(self, words):
        return super().forward(words) + 1e-5 * words[:, -1, None, None] / (1 + words.amax())


class Remembering(Bengio):
    """The right numbers, and a trace of the first word in each of them."""

    def forward(self, words):
        return super().forward(words) + 1e-6 * words[:, :1, None]


class WithoutBias(Bengio):
    def __init__(self, k, V, d, h):
        super().__init__(k, V, d, h)
        self.head = nn.Linear(h, V, bias=False)


class Renamed(Bengio):
    def __init__(self, k, V, d, h):
        super().__init__(k, V, d, h)
        del self.head


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (Leaking, "Word 2 changes prediction 0, which is of word 1 and sees word 0."),
        (Remembering, "Word 0 changes prediction 1, which is of word 2 and sees word 1."),
        (WithoutBias, "self.head.bias is missing, wanted (2,)"),
        (Renamed, "self.head should be one nn.Linear, and is nothing"),
    ],
)
def test_the_window_and_the_layers_are_looked_at(answer, sentence):
    assert sentence.lower() in said("recurrent.neural-lm", FFLM=answer).lower()
