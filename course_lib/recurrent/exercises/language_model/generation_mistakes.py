"""Wrong answers to the exercise «generate»."""

import torch

from course_lib.exercises import mistake
from course_lib.recurrent.exercises.language_model.generation import choice, generate, right_choice, write


@mistake(
    generate,
    "a draw by the logits themselves",
    ask="Which share should a token with the logit 0 get when the others have -1 and -2, and which does it get?",
    look="what you hand to multinomial: it takes probabilities, so a softmax has to come first.",
)
def _(model, prompt, n, temperature, generator):
    return write(model, prompt, n, choice(temperature, generator, lambda logits: logits / temperature))


@mistake(
    generate,
    "logits multiplied by the temperature",
    ask="As the temperature goes to 0, what do your logits go to, and what is their softmax?",
    look="the temperature: does it multiply or divide?",
)
def _(model, prompt, n, temperature, generator):
    return write(model, prompt, n, choice(temperature, generator, lambda logits: (logits * temperature).softmax(dim=0)))


@mistake(
    generate,
    "a temperature that changes nothing, as after the softmax",
    ask="Multinomial scales its weights to a sum of 1. Divide all of them by 2: do you draw from other probabilities?",
    look="the temperature: it divides the logits, in front of the softmax.",
)
def _(model, prompt, n, temperature, generator):
    return write(model, prompt, n, choice(temperature, generator, lambda logits: logits.softmax(dim=0) / temperature))


@mistake(
    generate,
    "powers of probabilities that underflow at low temperatures",
    ask="What is 0.6 ** 1000 in float32?",
    look="the power 1 / temperature: in front of the softmax it is a division of logits, which cannot underflow.",
)
def _(model, prompt, n, temperature, generator):
    return write(
        model, prompt, n, choice(temperature, generator, lambda logits: logits.softmax(dim=0) ** (1 / temperature))
    )


@mistake(
    generate,
    "a right draw that divides by 0 at temperature 0",
    ask="What are logits / 0, and what is the softmax of infinities?",
    look="temperature 0: there is nothing to draw, the token with the largest logit is the one.",
)
def _(model, prompt, n, temperature, generator):
    return write(
        model,
        prompt,
        n,
        lambda logits: int(torch.multinomial((logits / temperature).softmax(dim=0), 1, generator=generator)),
    )


@mistake(
    generate,
    "the most probable token at every temperature",
    ask="Does your text change with the temperature, or with the generator?",
    look="the argmax: that is temperature 0. Above it the token is drawn.",
)
def _(model, prompt, n, temperature, generator):
    return write(model, prompt, n, lambda logits: int(logits.argmax()))


@mistake(
    generate,
    "a softmax along another axis than the words",
    ask="What do your probabilities add up to over all tokens?",
    look="the `dim` of the softmax: logits are (1, time, vocabulary), and the last axis holds the tokens.",
)
def _(model, prompt, n, temperature, generator):
    along_batch = choice(temperature, generator, lambda logits: (logits.unsqueeze(0) / temperature).softmax(dim=0)[0])
    return write(model, prompt, n, along_batch)


@mistake(
    generate,
    "a state reset at each word",
    ask="At the third word, what does your model still know of the prompt?",
    look="the call of the model inside the loop: what does it need besides the last token?",
)
def _(model, prompt, n, temperature, generator):
    def forget(model, prompt, tokens, states):
        return model(torch.tensor([tokens[-1:]]))

    return write(model, prompt, n, right_choice(temperature, generator), then=forget)


@mistake(
    generate,
    "the state after the prompt, used for every word",
    ask="At the third word, what does your model know of the first one it wrote?",
    look="the second thing that the model returns inside the loop: where do you keep it?",
)
def _(model, prompt, n, temperature, generator):
    _, after_prompt = model(prompt.unsqueeze(0))

    def go_back(model, prompt, tokens, states):
        return model(torch.tensor([tokens[-1:]]), after_prompt)

    return write(model, prompt, n, right_choice(temperature, generator), then=go_back)


@mistake(
    generate,
    "the whole text read again, on top of a state that knows it",
    ask="How often has your model read the first word of the prompt by the end?",
    look="what the model reads inside the loop: with the state carried over, only the newest token is new.",
)
def _(model, prompt, n, temperature, generator):
    def read_all(model, prompt, tokens, states):
        return model(torch.tensor([[*prompt.tolist(), *tokens]]), states)

    return write(model, prompt, n, right_choice(temperature, generator), then=read_all)


@mistake(
    generate,
    "a prompt whose last word is read twice",
    ask="The first call reads the whole prompt. Which token does your second call read, and has it been read before?",
    look="the step from the prompt to the loop: the logits of the first new token are there already.",
)
def _(model, prompt, n, temperature, generator):
    def twice(tokens):
        _, states = model(tokens)
        return model(tokens[:, -1:], states)

    return write(model, prompt, n, right_choice(temperature, generator), first=twice)


@mistake(
    generate,
    "a prompt of which only the last word is read",
    ask="Change the first word of the prompt. Does your text change?",
    look="what the first call of the model is handed: all of the prompt, as (1, time).",
)
def _(model, prompt, n, temperature, generator):
    return write(model, prompt, n, right_choice(temperature, generator), first=lambda tokens: model(tokens[:, -1:]))


@mistake(
    generate,
    "the logits after the first word of the prompt",
    ask="The model returns logits for each position. Which of them belong to the word after the prompt?",
    look="the index along time: the last position has read everything.",
)
def _(model, prompt, n, temperature, generator):
    def first_position(tokens):
        logits, states = model(tokens)
        return logits[:, :1], states

    return write(model, prompt, n, right_choice(temperature, generator), first=first_position)


@mistake(
    generate,
    "a text that begins with the prompt",
    ask="How many tokens were asked for, and how many are in your list?",
    look="the list that you start with: only new tokens belong in it.",
)
def _(model, prompt, n, temperature, generator):
    return prompt.tolist() + write(model, prompt, n, right_choice(temperature, generator))


@mistake(
    generate,
    "a draw that does not use the generator",
    ask="Where does your chance come from: from the generator handed in, or from PyTorch's own?",
    look="the call of multinomial: it takes `generator=`.",
)
def _(model, prompt, n, temperature, generator):
    return write(model, prompt, n, right_choice(temperature, None))


@mistake(
    generate,
    "a generator that starts anew at each call",
    ask="Call your function twice with one generator. Should the second text be the first one again?",
    look="the generator: it is seeded already. Draw from it, and leave its seed alone.",
)
def _(model, prompt, n, temperature, generator):
    generator = torch.Generator().manual_seed(0)
    return write(model, prompt, n, right_choice(temperature, generator))
