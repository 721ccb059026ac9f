"""What the exercises of 4.6 say to answers that are right in another way, or wrong in a way without a name."""

import pytest
import torch
from torch import nn

from course_lib.datasets.english import END_ID
from course_lib.exercises.feedback import words
from course_lib.recurrent.generation import write
from course_lib.recurrent.language_model import LanguageModel
from tests.exercises.verdicts import right_functions, said, verdict_on


def read_one_by_one(model, tokens, states):
    for token in tokens:
        logits, states = model(token.view(1, 1), states)
    return logits[0, -1], states


def by_inverse(model, prompt, n, temperature, generator):
    text, states = prompt, None
    for place in range(n):
        logits, states = read_one_by_one(model, text[0 if place == 0 else -1 :], states)
        shares = (logits / (temperature or 1e-4)).softmax(dim=0).cumsum(dim=0)
        token = (torch.rand(1, generator=generator) > shares).sum().clamp(max=len(shares) - 1)
        text = torch.cat([text, token.view(1)])
    return text[len(prompt) :]


def by_gumbel(model, prompt, n, temperature, generator):
    tokens, (logits, states) = [], read_one_by_one(model, prompt, None)
    for _ in range(n):  # the last token is read too
        noise = -torch.log(-torch.log(torch.rand(len(logits), generator=generator)))
        tokens.append((logits + temperature * noise).argmax())
        logits, states = read_one_by_one(model, tokens[-1:], states)
    return tokens


@pytest.mark.parametrize("answer", [by_inverse, by_gumbel])
def test_there_are_other_ways_to_draw(answer):
    verdict = verdict_on("recurrent.generation", generate=answer)
    assert verdict.status == "passed", words(verdict)


def test_a_text_that_is_read_again_is_not_carried_over():
    def generate(model, prompt, n, temperature, generator):
        text = prompt.tolist()
        for _ in range(n):
            logits, _ = model(torch.tensor([text]))
            probs = (logits[0, -1] / max(temperature, 1e-4)).softmax(dim=0)
            text.append(int(torch.multinomial(probs, 1, generator=generator)))
        return text[len(prompt) :]

    text = said("recurrent.generation", generate=generate)
    assert "frequencies ✓ · state carried over ✗" in text
    assert "you called the model 4 times without a state" in text
    assert "behaves like a model that reads the whole text anew" in text


def test_the_first_wrong_token_is_named():
    def generate(*inputs):
        tokens = by_gumbel(*inputs)
        return [*tokens[:-1], 0] if len(tokens) > 2 else tokens

    text = said("recurrent.generation", generate=generate)
    assert "the remainder of the sum by 3 says which logits it gives, 0: (0, 2, 1), 1:" in text
    assert "your token 3, counted from 0, is 0, wanted " in text


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_an_answer_writes_with_the_courses_models(cell):
    generate = right_functions("recurrent.generation")["generate"]
    fused = LanguageModel(11, embedding_size=6, hidden_size=6, cell=cell).eval()
    prompt = torch.randint(11, (4,))
    after_end = torch.cat([torch.tensor([END_ID]), prompt])  # where `write` begins
    for model in (fused, fused.readable()):
        wanted = [written.token for written in write(model, prompt.tolist(), 6, temperature=0.0)]
        assert generate(model, after_end, 6, 0, torch.Generator()) == wanted


def test_a_model_says_which_tokens_it_takes():
    text = said("recurrent.generation", generate=lambda model, prompt, *rest: model(prompt))
    assert "whole numbers of shape (1, time), and got a tensor of shape (1,)" in text


def test_a_vocabulary_may_stand_in_any_order():
    def sorted_vocabulary(tokens, min_count):
        return ("<unk>", *sorted({token for token in tokens if tokens.count(token) >= min_count}))

    def encode_texts(train, test, min_count):
        vocabulary = sorted_vocabulary(train, min_count)
        ids = [[vocabulary.index(word) if word in vocabulary else 0 for word in text] for text in (train, test)]
        return tuple(map(torch.tensor, ids))

    verdict = verdict_on("recurrent.lstm-lm", build_vocab=sorted_vocabulary, encode_texts=encode_texts)
    assert verdict.status == "passed", words(verdict)


@pytest.mark.parametrize(
    ("vocabulary", "sentence"),
    [(lambda tokens, min_count: {"<unk>": 0}, "should return a list of words, and returned a dict"),
     (lambda tokens, min_count: [0], "should return a list of words, and returned a list of other things"),
     (lambda tokens, min_count: [], "wanted '<unk>'"),
     (lambda tokens, min_count: None, "returned None")],
)  # fmt: skip
def test_what_is_no_vocabulary_is_said(vocabulary, sentence):
    assert sentence in said("recurrent.lstm-lm", build_vocab=vocabulary)


def test_a_head_by_hand_is_right_and_the_table_may_not_be_changed():
    def lm_head(outputs, W, b):
        z = torch.stack([W @ h + b for h in outputs])
        z = z - z.amax(dim=1, keepdim=True)
        return z - z.exp().sum(dim=1, keepdim=True).log()

    assert verdict_on("recurrent.lstm-lm.softmax", lm_head=lm_head).status == "passed"

    def nearest(E, index, k):
        E /= E.norm(dim=1, keepdim=True).clamp(min=1e-8)
        scores = E @ E[index]
        scores[index] = -2
        return scores.topk(k).indices

    assert "It changes E in place" in said("recurrent.embedding", nearest=nearest)


def test_pytorchs_own_loss_is_not_allowed():
    for loss in (nn.functional.nll_loss, nn.functional.cross_entropy, nn.NLLLoss(), nn.CrossEntropyLoss()):
        verdict = verdict_on("recurrent.lstm-lm.softmax", nll=lambda logp, targets, loss=loss: loss(logp, targets))
        assert verdict.symptom == "library used"
