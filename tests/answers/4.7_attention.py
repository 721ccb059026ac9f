# exercise: recurrent.seq2seq
import torch


def greedy_decode(encoder, decoder, src, bos, eos, max_len):
    state = encoder(src)  # all that the decoder learns of the source
    previous = torch.full((len(src),), bos)  # (batch,)
    ended = torch.zeros(len(src), dtype=torch.bool)
    tokens = []
    for _ in range(max_len):
        logits, state = decoder(previous, state)  # (batch, symbols)
        previous = logits.argmax(dim=-1).masked_fill(ended, 0)  # what is written now is read at the next step
        tokens.append(previous)
        ended = ended | (previous == eos)
        if ended.all():
            break
    return torch.stack(tokens, dim=1)  # (batch, steps)


# exercise: recurrent.attention
import torch


def attend(query, keys, values, mask, score):
    scores = score(query, keys)  # (batch, source)
    if mask is None:
        weights = scores.softmax(dim=-1)
    else:
        weights = scores.masked_fill(~mask, -torch.inf).softmax(dim=-1)
        weights = weights.masked_fill(~mask.any(dim=-1, keepdim=True), 0.0)  # a softmax of nothing is NaN
    context = (weights.unsqueeze(1) @ values).squeeze(1)  # (batch, 1, source) @ (batch, source, width)
    return context, weights
