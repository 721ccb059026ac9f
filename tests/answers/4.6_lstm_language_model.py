# exercise: recurrent.lstm-lm.softmax
import torch


def lm_head(outputs, W, b):
    logits = outputs @ W.T + b  # (time, vocabulary)
    return torch.log_softmax(logits, dim=-1)  # over the words, at each position for itself


def nll(logp, targets):
    words = targets != -100  # (time,): padding has no word to predict
    return -logp[words, targets[words]].mean()


# exercise: recurrent.generation
import torch


def generate(model, prompt, n, temperature, generator):
    tokens = []
    new, states = prompt.unsqueeze(0), None  # (1, time): at first the whole prompt, then one word at a time
    for _ in range(n):
        logits, states = model(new, states)  # (1, time, vocabulary)
        last = logits[0, -1]  # (vocabulary,)
        if temperature == 0:
            token = last.argmax().view(1)
        else:
            token = torch.multinomial(torch.softmax(last / temperature, dim=-1), 1, generator=generator)
        tokens.append(token.item())
        new = token.view(1, 1)  # only the new word: the state knows the rest
    return tokens


# exercise: recurrent.embedding
import torch


def nearest(E, index, k):
    unit = E / E.norm(dim=1, keepdim=True).clamp(min=1e-8)  # (words, size); a vector of zeros stays one
    cosines = unit @ unit[index]  # (words,)
    cosines[index] = -2.0  # below all others
    return cosines.topk(k).indices


# exercise: recurrent.lstm-lm
from collections import Counter

import torch


def frequent(tokens, min_count):
    return [word for word, count in Counter(tokens).items() if count >= min_count]


def build_vocab(tokens, min_count):
    return ["<unk>", *frequent(tokens, min_count)]


def encode_texts(train, test, min_count):
    places = {word: place for place, word in enumerate(frequent(train, min_count), start=1)}  # training text only
    train_ids = torch.tensor([places.get(word, 0) for word in train])
    test_ids = torch.tensor([places.get(word, 0) for word in test])
    return train_ids, test_ids


def lm_batches(ids, T, B):
    length = (len(ids) - 1) // B
    x = ids[: B * length].view(B, length)  # B streams
    y = ids[1 : B * length + 1].view(B, length)  # the text one word on, cut at the same places
    return [(x[:, t : t + T], y[:, t : t + T]) for t in range(0, length, T)]
