"""Wrong answers to the exercise «From hidden states to the probabilities of words, and to the loss»."""

import torch
from torch import Tensor

from course_lib.exercises import mistake
from course_lib.recurrent.exercises.language_model.head import PADDING, lm_head


def logits_of(outputs: Tensor, W: Tensor, b: Tensor) -> Tensor:
    """(time, vocabulary)"""
    return outputs @ W.T + b


def surprises(logp: Tensor, targets: Tensor) -> Tensor:
    """-log P of each true word, without padding: (words,)"""
    words = targets != PADDING
    return -logp[words, targets[words]]


@mistake(
    lm_head,
    "a softmax before the projection",
    ask="Over what does your softmax share out the probability: words, or hidden units?",
    look="the order of the two steps: first one number for each word, then the softmax over these numbers.",
)
def _(outputs, W, b):
    return logits_of(outputs.softmax(dim=-1), W, b)


@mistake(
    lm_head,
    "a log-softmax before the projection",
    ask="Over what does your softmax share out the probability: words, or hidden units?",
    look="the order of the two steps: first one number for each word, then the softmax over these numbers.",
)
def _(outputs, W, b):
    return logits_of(outputs.log_softmax(dim=-1), W, b)


@mistake(
    lm_head,
    "one vector for the whole sequence, made of its last output",
    ask="How many words are to be predicted: one at the end, or one after each position?",
    look="the shape of your result: it keeps the time, (time, vocabulary).",
)
def _(outputs, W, b):
    return logits_of(outputs[-1], W, b).log_softmax(dim=-1)


@mistake(
    lm_head,
    "one vector for the whole sequence, made of the mean of its outputs",
    ask="How many words are to be predicted: one for all positions, or one after each?",
    look="the shape of your result: it keeps the time, (time, vocabulary).",
)
def _(outputs, W, b):
    return logits_of(outputs.mean(dim=0), W, b).log_softmax(dim=-1)


@mistake(
    lm_head,
    "a softmax along time",
    ask="Add up the probabilities of all words at position 0. What is the sum?",
    look="the `dim` of your softmax: (time, vocabulary), and the words compete with each other.",
)
def _(outputs, W, b):
    return logits_of(outputs, W, b).log_softmax(dim=0)


@mistake(
    lm_head,
    "one softmax over all positions together",
    ask="Add up the probabilities of all words at position 0. What is the sum?",
    look="what the exponentials are divided by: a sum for each position.",
)
def _(outputs, W, b):
    z = logits_of(outputs, W, b)
    return z.flatten().log_softmax(dim=0).view_as(z)


@mistake(
    lm_head,
    "the logits themselves",
    ask="Take exp of a row of your result. Does it add up to 1?",
    look="the step after the projection, which turns any numbers into a distribution.",
)
def _(outputs, W, b):
    return logits_of(outputs, W, b)


@mistake(
    lm_head,
    "the probabilities, without a log",
    ask="Can a log-probability be above 0?",
    look="the last step: the loss will want logs.",
)
def _(outputs, W, b):
    return logits_of(outputs, W, b).softmax(dim=-1)


@mistake(
    lm_head,
    "a softmax that has lost what its log would need",
    ask="Which float32 is exp(-200), and what is its log?",
    look="the softmax and the log: PyTorch has one function for both, which never leaves the logs.",
)
def _(outputs, W, b):
    return logits_of(outputs, W, b).softmax(dim=-1).log()


@mistake(
    lm_head,
    "a log of a sum of exponentials that overflow",
    ask="Which float32 is exp(200)?",
    look="the exp: subtract the largest logit of the row first, or use `logsumexp` or `log_softmax`.",
)
def _(outputs, W, b):
    z = logits_of(outputs, W, b)
    return z - z.exp().sum(dim=-1, keepdim=True).log()


@mistake(
    lm_head,
    "a head without its bias",
    ask="With a state of zeros, do all words get the same probability, whatever b is?",
    look="the projection: W h + b.",
)
def _(outputs, W, b):
    return (outputs @ W.T).log_softmax(dim=-1)


@mistake(
    lm_head,
    "a product with W that was not turned",
    ask="W has a row for each word. Along which of its axes does the product with a hidden state add up?",
    look="the shapes: (time, hidden_size) times what gives (time, vocabulary)?",
)
def _(outputs, W, b):
    return (outputs @ W + b).log_softmax(dim=-1)


@mistake(
    lm_head,
    "a mean over all places, padding included",
    call="nll",
    ask="Put ten more places of padding at the end. Does your loss change?",
    look="what you divide by: the number of true words.",
)
def _(logp, targets):
    return surprises(logp, targets).sum() / len(targets)


@mistake(
    lm_head,
    "a loss that looks up word number -100",
    call="nll",
    ask="Which word is number -100?",
    look="the targets: keep those that are words before you pick anything.",
)
def _(logp, targets):
    return -logp[torch.arange(len(targets)), targets].mean()


@mistake(
    lm_head,
    "a loss that takes padding for word 0",
    call="nll",
    ask="Does your loss change when the probability of word 0 changes at a place of padding?",
    look="the places where the target is -100: they are to be left out, not filled in.",
)
def _(logp, targets):
    return -logp[torch.arange(len(targets)), targets.clamp(min=0)].mean()


@mistake(
    lm_head,
    "a sum over the words",
    call="nll",
    ask="Read the same text twice. Is the model twice as bad?",
    look="the last step: sum, or mean?",
)
def _(logp, targets):
    return surprises(logp, targets).sum()


@mistake(
    lm_head,
    "a mean log-probability with its sign",
    call="nll",
    ask="A loss should fall as the model gets better. Does yours?",
    look="the sign: the log of a probability is never above 0.",
)
def _(logp, targets):
    return -surprises(logp, targets).mean()


@mistake(
    lm_head,
    "a mean over all words of the vocabulary",
    call="nll",
    ask="How many numbers do you add up, and by how many do you divide?",
    look="the mean: one number for each position, not one for each word that might have come.",
)
def _(logp, targets):
    return surprises(logp, targets).mean() / logp.shape[1]  # as the mean of a table that is 0 but at the targets


@mistake(
    lm_head,
    "every position paired with every target",
    call="nll",
    ask="What shape has what you take the mean of?",
    look="the indexing: `logp[:, targets]` takes all those columns in every row; you want one a row.",
)
def _(logp, targets):
    words = targets != PADDING
    return -logp[words][:, targets[words]].mean()


@mistake(
    lm_head,
    "the log-probability of the word that the model likes best",
    call="nll",
    ask="Change the targets. Does your loss change?",
    look="which entry of a row you take: that of the true word.",
)
def _(logp, targets):
    return -logp[targets != PADDING].amax(dim=-1).mean()


@mistake(
    lm_head,
    "a share of words that were not predicted",
    call="nll",
    ask="The true word gets 0.4 and then 0.49, another one the rest. Does your loss notice?",
    look="the argmax: it has no gradient. Use the log-probability of the true word.",
)
def _(logp, targets):
    words = targets != PADDING
    return (logp.argmax(dim=-1) != targets)[words].float().mean()


@mistake(
    lm_head,
    "the perplexity",
    call="nll",
    ask="What is your loss for a model that is certain and right: 0 or 1?",
    look="the last step: exp of the loss is for reading, the loss itself is the mean.",
)
def _(logp, targets):
    return surprises(logp, targets).mean().exp()


@mistake(
    lm_head,
    "a loss that is a bare number",
    call="nll",
    ask="Can `backward()` be called on what you return?",
    look="the return: leave it a tensor.",
)
def _(logp, targets):
    return surprises(logp, targets).mean().item()
