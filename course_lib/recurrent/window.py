"""A neural language model with a window: it sees the last few words and nothing else (Bengio et al. 2003)."""

import torch
from torch import Tensor, nn

from course_lib.datasets.english import END_ID


class WindowModel(nn.Module):
    """The vectors of the last words side by side, one hidden layer, one logit a word.

    Args:
        window: words it sees.
        vocabulary_size: words known.
        embedding_size: width of a word's vector; the same table serves every place of the window.
        hidden_size: units of the hidden layer.
    """

    def __init__(self, window: int, vocabulary_size: int, embedding_size: int = 32, hidden_size: int = 128):
        super().__init__()
        self.window = window
        self.embedding = nn.Embedding(vocabulary_size, embedding_size)
        self.hidden = nn.Linear(window * embedding_size, hidden_size)
        self.head = nn.Linear(hidden_size, vocabulary_size)

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits (batch, vocabulary_size) of the word after tokens (batch, time), of which the last `window` count."""
        x = self.embedding(tokens[:, -self.window :])  # (batch, window, embedding_size)
        return self.head(self.hidden(x.flatten(1)).tanh())


def windows(tokens: Tensor, window: int) -> Tensor:
    """The words before each token of a stream, (time, window); before the first one stands `<end>`."""
    padded = torch.cat([torch.full((window,), END_ID), tokens[:-1]])
    return padded.unfold(0, window, 1)


@torch.no_grad()
def logprobs(model: WindowModel, tokens: Tensor) -> Tensor:
    """log P of each token of a stream given the window before it, (time,)."""
    place = model.head.bias.device
    parts = zip(windows(tokens, model.window).split(1000), tokens.split(1000), strict=True)
    found = [model(rows.to(place)).log_softmax(dim=-1).cpu()[torch.arange(len(words)), words] for rows, words in parts]
    return torch.cat(found).double()
