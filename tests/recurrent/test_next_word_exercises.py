"""What the exercises of 4.5 say to answers that are right in another way, or wrong in a way without a name."""

from collections import Counter

import pytest
import torch
from torch import nn

from course_lib.exercises import get
from course_lib.exercises.feedback import words
from course_lib.exercises.judge import judge
from course_lib.exercises.run import HereRunner
from course_lib.recurrent.exercises.next_word.counted import Counted, walk
from course_lib.recurrent.exercises.next_word.feed_forward import Bengio


def verdict(id: str, answer):
    exercise = get(id)
    return judge(exercise, HereRunner({exercise.asked[0].name: answer}))


def said(id: str, answer) -> str:
    """All that is said about an answer, in one line."""
    return " ".join(words(verdict(id, answer), times=2).split())


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
    found = verdict("recurrent.ngram", WithAList)
    assert found.status == "passed", words(found)


class Forgetful(Counted):
    def fit(self, sentences):
        super().fit(sentences)


class Shouting(Counted):
    def sample(self, rng):
        return " ".join(super().sample(rng))


class Endless(Counted):
    def sample(self, rng):
        while True:
            self.draw(Counter("a"), rng)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (Forgetful, "fit should return the model itself (`return self`), and returned None"),
        (Shouting, "sample should return a list of words, and returned a str"),
        (Endless, "has not come to the end of its sentences"),
    ],
)
def test_what_a_counted_model_returns_is_looked_at(answer, sentence):
    assert sentence in said("recurrent.ngram", answer)


def test_a_perplexity_by_loops_is_right_too():
    def perplexity(logits, targets, mask):
        losses = [
            nn.functional.cross_entropy(row[place].double(), target[place])
            for row, target, kept in zip(logits, targets, mask, strict=True)
            for place in kept.nonzero().flatten()
        ]
        return float(torch.exp(sum(losses) / len(losses)))

    assert verdict("recurrent.perplexity", perplexity).status == "passed"


def test_a_score_word_by_word_is_right_too():
    def sequence_logprob(model, ids, bos):
        read, total = [bos], 0.0
        for word in ids.tolist():
            total += model(torch.tensor(read))[-1].log_softmax(dim=-1)[word].item()
            read.append(word)
        return total

    assert verdict("recurrent.language-model", sequence_logprob).status == "passed"


class Loop(Bengio):
    def forward(self, words):
        rows = []
        for end in range(self.k, words.shape[1]):
            x = self.embedding(words[:, end - self.k : end]).reshape(len(words), -1)
            rows.append(self.head(torch.tanh(self.hidden(x))).log_softmax(dim=-1))
        return torch.stack(rows, dim=1)


def test_a_window_in_a_loop_is_right_too():
    assert verdict("recurrent.neural-lm", Loop).status == "passed"


class Leaking(Bengio):
    """The right numbers, and a trace of the last word in each of them."""

    def forward(self, words):
        return super().forward(words) + 1e-5 * words[:, -1, None, None] / (1 + words.amax())


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
        (WithoutBias, "self.head.bias is missing, wanted (2,)"),
        (Renamed, "self.head should be one nn.Linear, and is nothing"),
    ],
)
def test_the_window_and_the_layers_are_looked_at(answer, sentence):
    assert sentence.lower() in said("recurrent.neural-lm", answer).lower()
