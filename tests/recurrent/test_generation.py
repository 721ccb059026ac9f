import math
from itertools import product

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from course_lib.datasets.english import END_ID
from course_lib.recurrent.generation import Node, beam_search, next_of, path, reshape, write, write_side_by_side
from course_lib.recurrent.language_model import LanguageModel, logprobs

LOGITS = torch.tensor([1.0, 3.0, 2.0, -1.0, 0.5])


def test_without_arguments_it_is_the_softmax():
    for logits in (LOGITS, torch.randn(2, 3, 7), torch.tensor([30.0, 0.0, 0.0]), 8 * torch.randn(2000)):
        assert_close(reshape(logits), logits.softmax(dim=-1), atol=1e-7, rtol=1e-5)
        assert (reshape(logits) > 0).all()


def test_temperature():
    cold, hot = reshape(LOGITS, 0.5), reshape(LOGITS, 2.0)
    plain = LOGITS.softmax(dim=-1)
    assert_close(cold, plain**2 / (plain**2).sum())
    assert_close(hot, plain**0.5 / (plain**0.5).sum())
    assert_close(reshape(LOGITS, 1e6), torch.full((5,), 0.2), atol=1e-5, rtol=0)


def test_temperature_0_is_the_greedy_choice():
    logits = torch.randn(4, 6)
    assert torch.equal(reshape(logits, 0).argmax(dim=-1), logits.argmax(dim=-1))
    assert torch.equal(reshape(logits, 0).sort(dim=-1).values, torch.eye(6)[[5] * 4])
    assert_close(reshape(logits, 1e-4), reshape(logits, 0))
    assert torch.equal(reshape(torch.ones(3), 0), torch.tensor([1.0, 0.0, 0.0]))  # the first of equals


@pytest.mark.parametrize("k", [1, 2, 5])
def test_top_k(k):
    probs, plain = reshape(LOGITS, top_k=k), LOGITS.softmax(dim=-1)
    kept = plain.topk(k).indices
    assert set(probs.nonzero().flatten().tolist()) == set(kept.tolist())
    assert_close(probs[kept], plain[kept] / plain[kept].sum())


@pytest.mark.parametrize("logits", [[0.0] * 6, [30.0, 0.0, 0.0]])  # equals; a first one whose share rounds to 1
def test_top_k_keeps_k(logits):
    assert (reshape(torch.tensor(logits), top_k=2) > 0).sum() == 2


@pytest.mark.parametrize(
    ("top_p", "kept"), [(0.01, [1]), (0.5, [1]), (0.51, [1, 2]), (0.8, [1, 2]), (0.81, [0, 1, 2]), (1.0, [0, 1, 2, 3])]
)
def test_top_p_keeps_the_fewest_words_that_reach_the_share(top_p, kept):
    shares = torch.tensor([0.15, 0.5, 0.3, 0.05])
    probs = reshape(shares.log(), top_p=top_p)
    assert probs.nonzero().flatten().tolist() == kept
    assert_close(probs[kept], shares[kept] / shares[kept].sum())


def test_top_p_in_rows_that_are_sorted_differently():
    logits = torch.randn(3, 4, 9)
    probs = reshape(logits, 0.8, top_p=0.7)
    for row, kept in zip((logits / 0.8).softmax(dim=-1).flatten(0, 1), probs.flatten(0, 1) > 0, strict=True):
        assert row[kept].sum() >= 0.7 and row[kept].sum() - row[kept].min() < 0.7
        assert row[kept].min() > row[~kept].max()
    assert_close(probs.sum(dim=-1), torch.ones(3, 4))


def test_both_cuts_at_once():
    shares = torch.tensor([0.4, 0.3, 0.2, 0.1])
    assert_close(reshape(shares.log(), top_k=2, top_p=0.9), torch.tensor([4, 3, 0, 0]) / 7)
    assert_close(reshape(shares.log(), top_k=3, top_p=0.5), torch.tensor([4, 3, 0, 0]) / 7)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"temperature": -0.1}, "temperature must be 0"),
        ({"temperature": float("nan")}, "temperature must be 0"),
        ({"temperature": float("inf")}, "temperature must be 0"),
        ({"top_k": 0}, "top_k must be from 1 to 5, the words there are, not 0"),
        ({"top_k": 6}, "not 6"),
        ({"top_p": 0.0}, "top_p is a share above 0"),
        ({"top_p": 1.01}, "not 1.01"),
    ],
)
def test_what_cannot_be(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        reshape(LOGITS, **arguments)


def model_of(logits: Tensor) -> LanguageModel:
    """Writes each word with these logits, whatever stands before it."""
    model = LanguageModel(len(logits), 2, 2).requires_grad_(False)
    model.head.weight.zero_()
    model.head.bias.copy_(logits)
    return model


@pytest.mark.parametrize("arguments", [{}, {"temperature": 2.0}, {"top_k": 3}, {"temperature": 0.7, "top_p": 0.9}])
def test_words_are_as_frequent_as_they_are_probable(arguments):
    words, probs = 1500, reshape(LOGITS, **arguments)
    tokens = torch.tensor([written.token for written in write(model_of(LOGITS), [2], words, **arguments)])
    counts, kept = tokens.bincount(minlength=5), probs > 0
    assert (counts[~kept] == 0).all()
    expected = words * probs[kept]
    chi_squared = ((counts[kept] - expected) ** 2 / expected).sum()
    assert chi_squared < 18.5  # four degrees of freedom or fewer: one seed in a thousand is above


def random_model(seed: int = 0) -> LanguageModel:
    torch.manual_seed(seed)
    model = LanguageModel(6, 4, 5).requires_grad_(False)
    for weight in model.parameters():
        weight.normal_()
    return model


@torch.no_grad()
def test_writing_carries_the_state_on():
    model, prompt = random_model(), [3, 4]
    written = write(model, prompt, 8, temperature=0)
    text = [END_ID, *prompt]
    for word in written:
        logits, _ = model(torch.tensor([text]))  # all of it read anew
        assert word.token == logits[0, -1].argmax()
        assert_close(word.model, logits[0, -1].softmax(dim=-1))
        assert_close(word.drawn_from, reshape(logits[0, -1], 0))
        text.append(word.token)


def test_a_seed_writes_the_same_again():
    def tokens(seed: int) -> list[int]:
        return [word.token for word in write(random_model(), [], 20, temperature=3.0, seed=seed)]

    assert tokens(0) == tokens(0) != tokens(1)


def test_texts_side_by_side_are_those_written_one_by_one():
    model = random_model()
    greedy = [word.token for word in write(model, [], 12, temperature=0)]
    tokens, found = write_side_by_side(model, [0.0, 1.0], 3, 12)
    assert tokens.shape == found.shape == (2, 3, 12) and tokens[0].tolist() == [greedy] * 3
    assert len(set(map(tuple, tokens[1].tolist()))) == 3
    for text, logp in zip(tokens.flatten(0, 1), found.flatten(0, 1), strict=True):
        assert_close(logp.double(), logprobs(model, text))
    assert torch.equal(tokens, write_side_by_side(model, [0.0, 1.0], 3, 12)[0])


def test_texts_side_by_side_are_as_frequent_as_they_are_probable():
    temperatures = [1.0, 2.0]
    tokens, _ = write_side_by_side(model_of(LOGITS), temperatures, 10, 300)
    for text, temperature in zip(tokens.flatten(1), temperatures, strict=True):
        shares = text.bincount(minlength=5) / text.numel()
        assert_close(shares, reshape(LOGITS, temperature), atol=0.03, rtol=0)


def test_a_text_may_stop_at_its_end():
    model = model_of(torch.zeros(4))
    through = [word.token for word in write(model, [2], 60)]
    until = [word.token for word in write(model, [2], 60, stop=True)]
    assert len(through) == 60 and END_ID in through[:-1]
    assert until == through[: through.index(END_ID) + 1]


WORDS, END, LONGEST = 4, 3, 4


def random_step(seed: int):
    """A model of four words: what comes next depends on the last word and on how many were written."""
    logprobs = torch.randn(LONGEST, WORDS, WORDS, generator=torch.Generator().manual_seed(seed)).log_softmax(dim=-1)
    return lambda token, written: (logprobs[written, token], written + 1)


def every_text(step) -> list[tuple[list[int], float]]:
    """All texts that end, or are as long as may be, with their log-probabilities, best first."""
    texts = []
    for length in range(1, LONGEST + 1):
        for words in product(range(WORDS), repeat=length):
            if END in words[:-1] or (words[-1] != END and length < LONGEST):
                continue
            pairs = zip((0, *words[:-1]), words, strict=True)  # each word, and the one before it
            total = sum(float(step(last, n)[0][word]) for n, (last, word) in enumerate(pairs))
            texts.append((list(words), total))
    return sorted(texts, key=lambda text: text[1], reverse=True)


def search(step, width, **more):
    return beam_search(step, 0, 0, end=END, width=width, max_length=LONGEST, **more)


@pytest.mark.parametrize("seed", range(4))
def test_a_beam_that_is_wide_enough_finds_every_text(seed):
    step = random_step(seed)
    found, texts = search(step, WORDS**LONGEST).results, every_text(step)
    assert [tokens for tokens, _, _ in found] == [tokens for tokens, _ in texts]
    assert [logprob for _, logprob, _ in found] == pytest.approx([logprob for _, logprob in texts], abs=1e-5)
    assert sum(math.exp(logprob) for _, logprob, _ in found) == pytest.approx(1, abs=1e-5)


def greedy(step) -> list[int]:
    token, written, tokens = 0, 0, []
    while token != END and len(tokens) < LONGEST:
        logprobs, written = step(token, written)
        token = int(logprobs.argmax())
        tokens.append(token)
    return tokens


@pytest.mark.parametrize("seed", range(4))
def test_a_beam_of_one_is_the_greedy_choice(seed):
    step = random_step(seed)
    [(tokens, _, _)] = search(step, 1).results
    assert tokens == greedy(step)


def test_a_wider_beam_finds_what_the_greedy_choice_misses():
    ahead = sum(search(random_step(n), 3).results[0][1] > search(random_step(n), 1).results[0][1] for n in range(20))
    assert ahead >= 5


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_nodes_tell_the_whole_search(seed):
    step, width = random_step(seed), 3
    beam = search(step, width)
    assert not all(node.kept for node in beam.nodes)
    assert beam.nodes[0] == Node(None, None, 0.0, 0, kept=True)
    for place, node in enumerate(beam.nodes[1:], start=1):
        before = beam.nodes[node.parent]
        assert before.kept and not before.ended
        assert node.depth == before.depth + 1 == len(path(beam.nodes, place))
        last = 0 if before.token is None else before.token
        assert node.logprob == pytest.approx(before.logprob + float(step(last, before.depth)[0][node.token]), abs=1e-5)
    for depth in range(1, LONGEST + 1):
        at = [node for node in beam.nodes if node.depth == depth]
        kept, dropped = [n.logprob for n in at if n.kept], [n.logprob for n in at if not n.kept]
        assert len(kept) <= width and (not dropped or min(kept) >= max(dropped))
    ends = [
        path(beam.nodes, place)
        for place, node in enumerate(beam.nodes)
        if node.kept and node.depth and (node.ended or node.depth == LONGEST)
    ]
    assert sorted(ends) == sorted(tokens for tokens, _, _ in beam.results)


def scripted(token: int, state: None) -> tuple[Tensor, None]:
    """From the start: the end 0.4, word 1 0.6. From word 1: word 2 0.6. From word 2: the end 1."""
    shares = {0: [0.0, 0.6, 0.0, 0.4], 1: [0.2, 0.2, 0.6, 0.0], 2: [0.0, 0.0, 0.0, 1.0]}[token]
    return torch.tensor(shares).log(), state


def test_a_length_penalty_changes_the_winner():
    short, long = ([END], 0.4), ([1, 2, END], 0.36)
    for penalty, (tokens, share), divided_by in ((0.0, short, 1.0), (1.0, long, 8 / 6)):
        best = search(scripted, 2, length_penalty=penalty).results[0]
        assert best[0] == tokens
        assert best[1:] == pytest.approx((math.log(share), math.log(share) / divided_by))


@torch.no_grad()
def test_a_language_model_as_a_step():
    model, step = random_model(), next_of(random_model())
    [(tokens, logprob, _)] = beam_search(step, END_ID, None, end=END_ID, width=1, max_length=5).results
    assert tokens == [word.token for word in write(model, [], 5, temperature=0, stop=True)]
    logits, _ = model(torch.tensor([[END_ID, *tokens[:-1]]]))
    assert logprob == pytest.approx(logits[0].log_softmax(-1)[range(len(tokens)), tokens].sum().item(), abs=1e-4)


@pytest.mark.parametrize("sizes", [{"width": 0, "max_length": 3}, {"width": 3, "max_length": 0}])
def test_a_search_needs_a_width_and_a_length(sizes):
    with pytest.raises(ValueError, match="width and max_length must be at least 1"):
        beam_search(scripted, 0, None, end=END, **sizes)


def test_a_prompt_of_another_vocabulary_is_refused():
    with pytest.raises(ValueError, match="no word of this model"):
        write(LanguageModel(5, 4, 4), [7], 3)
