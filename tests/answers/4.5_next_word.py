# exercise: recurrent.ngram
from collections import Counter, defaultdict

END = "<end>"  # stands behind every sentence, and N - 1 times before it


class NGram:
    def __init__(self, N):
        self.N = N
        self.counts = defaultdict(Counter)  # counts[history][word]; a history is a tuple of N - 1 words

    def last(self, history):
        padded = (END,) * (self.N - 1) + tuple(history)
        return padded[len(padded) - (self.N - 1) :]  # not padded[-(self.N - 1):], which for N = 1 is everything

    def fit(self, sentences):
        for sentence in sentences:
            for n, word in enumerate([*sentence, END]):
                self.counts[self.last(sentence[:n])][word] += 1
        return self

    def prob(self, word, history):
        followers = self.counts.get(self.last(history), Counter())
        return followers[word] / followers.total() if followers else 0.0

    def sample(self, rng):
        words = []
        while True:
            followers = self.counts[self.last(words)]
            word = rng.choices(list(followers), weights=followers.values())[0]
            if word == END:
                return words
            words.append(word)


# exercise: recurrent.perplexity
import torch


def perplexity(logits, targets, mask):
    logp = logits.log_softmax(dim=-1)  # (batch, time, V)
    logp = logp.gather(-1, targets.unsqueeze(-1)).squeeze(-1)  # of the targets: (batch, time)
    return torch.exp(-logp[mask].mean())  # all tokens of all rows, each counted once


# exercise: recurrent.language-model
import torch


def sequence_logprob(model, ids, bos):
    previous = torch.cat([torch.tensor([bos]), ids[:-1]])  # (time,): what is read before each word
    logp = model(previous).log_softmax(dim=-1)  # (time, V)
    return logp[torch.arange(len(ids)), ids].sum()


# exercise: recurrent.neural-lm
import torch
from torch import nn


class FFLM(nn.Module):
    def __init__(self, k, V, d, h):
        super().__init__()
        self.k = k
        self.embedding = nn.Embedding(V, d)  # one table, whichever place a word has in the window
        self.hidden = nn.Linear(k * d, h)
        self.head = nn.Linear(h, V)

    def forward(self, words):
        windows = words.unfold(1, self.k, 1)[:, :-1]  # (batch, time - k, k); behind the last one nothing is left
        x = self.embedding(windows).flatten(-2)  # (batch, time - k, k * d)
        return self.head(torch.tanh(self.hidden(x))).log_softmax(dim=-1)  # (batch, time - k, V)
