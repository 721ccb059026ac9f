"""Wrong answers to the exercise «generate»."""

from collections.abc import Callable

import torch
from torch import Tensor

from course_lib.exercises import mistake
from course_lib.recurrent.exercises.language_model.generation import generate


def softmax(logits: Tensor, temperature: float) -> Tensor:
    """The right weights of the tokens, (vocabulary,)."""
    return (logits / temperature).softmax(dim=0)


def write(
    model: Callable,
    prompt: Tensor,
    n: int,
    temperature: float,
    generator: torch.Generator | None,
    *,
    weights: Callable[[Tensor, float], Tensor] = softmax,
    greedy_at_zero: bool = True,
    read_prompt: Callable | None = None,
    read_on: Callable | None = None,
) -> list[int]:
    """A right answer, for the mistakes to change one thing in.

    Args:
        model, prompt, n, temperature, generator: as the exercise hands them over
        weights: what each token is drawn by, (vocabulary,), from the last logits (vocabulary,) and the temperature
        greedy_at_zero: whether temperature 0 takes the token with the largest logit
        read_prompt: the model's logits and states, from the prompt (1, time)
        read_on: the same after a new token, from all new tokens (1, written) and the states
    """

    def choose(logits: Tensor) -> int:
        if temperature == 0 and greedy_at_zero:
            return int(logits.argmax())
        return int(torch.multinomial(weights(logits, temperature), 1, generator=generator))

    read_prompt = read_prompt or model
    read_on = read_on or (lambda tokens, states: model(tokens[:, -1:], states))
    logits, states = read_prompt(prompt.unsqueeze(0))  # (1, time, vocabulary)
    tokens = [choose(logits[0, -1])]
    while len(tokens) < n:
        logits, states = read_on(torch.tensor([tokens]), states)
        tokens.append(choose(logits[0, -1]))
    return tokens


@mistake(
    generate,
    "a draw by the logits themselves",
    ask="Which share should a token with the logit 0 get when the others have -1 and -2, and which does it get?",
    look="what you hand to multinomial: it takes probabilities, so a softmax has to come first.",
)
def _(*inputs):
    return write(*inputs, weights=lambda logits, temperature: logits / temperature)


@mistake(
    generate,
    "logits multiplied by the temperature",
    ask="As the temperature goes to 0, what do your logits go to, and what is their softmax?",
    look="the temperature: does it multiply or divide?",
)
def _(*inputs):
    return write(*inputs, weights=lambda logits, temperature: (logits * temperature).softmax(dim=0))


@mistake(
    generate,
    "a temperature that changes nothing, as after the softmax",
    ask="Multinomial scales its weights to a sum of 1. Divide all of them by 2: do you draw from other probabilities?",
    look="the temperature: it divides the logits, in front of the softmax.",
)
def _(*inputs):
    return write(*inputs, weights=lambda logits, temperature: logits.softmax(dim=0) / temperature)


@mistake(
    generate,
    "powers of probabilities that underflow at low temperatures",
    ask="What is 0.6 ** 1000 in float32?",
    look="the power 1 / temperature: in front of the softmax it is a division of logits, which cannot underflow.",
)
def _(*inputs):
    return write(*inputs, weights=lambda logits, temperature: logits.softmax(dim=0) ** (1 / temperature))


@mistake(
    generate,
    "a right draw that divides by 0 at temperature 0",
    ask="What are logits / 0, and what is the softmax of infinities?",
    look="temperature 0: there is nothing to draw, the token with the largest logit is the one.",
)
def _(*inputs):
    return write(*inputs, greedy_at_zero=False)


@mistake(
    generate,
    "the most probable token at every temperature",
    ask="Does your text change with the temperature, or with the generator?",
    look="the argmax: that is temperature 0. Above it the token is drawn.",
)
def _(model, prompt, n, temperature, generator):
    return write(model, prompt, n, 0, generator)


@mistake(
    generate,
    "a softmax along another axis than the words",
    ask="What do your probabilities add up to over all tokens?",
    look="the `dim` of the softmax: logits are (1, time, vocabulary), and the last axis holds the tokens.",
)
def _(*inputs):
    return write(*inputs, weights=lambda logits, temperature: softmax(logits.unsqueeze(0), temperature)[0])


@mistake(
    generate,
    "a state reset at each word",
    ask="At the third word, what does your model still know of the prompt?",
    look="the call of the model inside the loop: what does it need besides the last token?",
)
def _(model, *others):
    return write(model, *others, read_on=lambda tokens, states: model(tokens[:, -1:]))


@mistake(
    generate,
    "the state after the prompt, used for every word",
    ask="At the third word, what does your model know of the first one it wrote?",
    look="the second thing that the model returns inside the loop: where do you keep it?",
)
def _(model, prompt, *others):
    _, after_prompt = model(prompt.unsqueeze(0))
    return write(model, prompt, *others, read_on=lambda tokens, states: model(tokens[:, -1:], after_prompt))


@mistake(
    generate,
    "the whole text read again, on top of a state that knows it",
    ask="How often has your model read the first word of the prompt by the end?",
    look="what the model reads inside the loop: with the state carried over, only the newest token is new.",
)
def _(model, prompt, *others):
    def read_all(tokens, states):
        return model(torch.cat([prompt.unsqueeze(0), tokens], dim=1), states)

    return write(model, prompt, *others, read_on=read_all)


@mistake(
    generate,
    "a model that reads the whole text anew at each word",
    ask="To write the hundredth word, how many does your model read, and how many of them for the first time?",
    look="the call of the model inside the loop: hand it the newest token, and the state that came back before.",
)
def _(model, prompt, *others):
    def read_all(tokens, states):
        return model(torch.cat([prompt.unsqueeze(0), tokens], dim=1))

    return write(model, prompt, *others, read_on=read_all)


@mistake(
    generate,
    "a prompt whose last word is read twice",
    ask="The first call reads the whole prompt. Which token does your second call read, and has it been read before?",
    look="the step from the prompt to the loop: the logits of the first new token are there already.",
)
def _(model, *others):
    def read_last_twice(prompt):
        _, states = model(prompt)
        return model(prompt[:, -1:], states)

    return write(model, *others, read_prompt=read_last_twice)


@mistake(
    generate,
    "a prompt of which only the last word is read",
    ask="Change the first word of the prompt. Does your text change?",
    look="what the first call of the model is handed: all of the prompt, as (1, time).",
)
def _(model, *others):
    return write(model, *others, read_prompt=lambda prompt: model(prompt[:, -1:]))


@mistake(
    generate,
    "the logits after the first word of the prompt",
    ask="The model returns logits for each position. Which of them belong to the word after the prompt?",
    look="the index along time: the last position has read everything.",
)
def _(model, *others):
    def first_position(prompt):
        logits, states = model(prompt)
        return logits[:, :1], states

    return write(model, *others, read_prompt=first_position)


@mistake(
    generate,
    "a text that begins with the prompt",
    ask="How many tokens were asked for, and how many are in your list?",
    look="the list that you start with: only new tokens belong in it.",
)
def _(model, prompt, *others):
    return prompt.tolist() + write(model, prompt, *others)


@mistake(
    generate,
    "a draw that does not use the generator",
    ask="Where does your chance come from: from the generator handed in, or from PyTorch's own?",
    look="the call of multinomial: it takes `generator=`.",
)
def _(model, prompt, n, temperature, generator):
    return write(model, prompt, n, temperature, None)


@mistake(
    generate,
    "a generator that starts anew at each call",
    ask="Call your function twice with one generator. Should the second text be the first one again?",
    look="the generator: it is seeded already. Draw from it, and leave its seed alone.",
)
def _(model, prompt, n, temperature, generator):
    return write(model, prompt, n, temperature, torch.Generator().manual_seed(0))
