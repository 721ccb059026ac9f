import numpy as np
import pytest
import torch

from course_lib.datasets.dates import END, START, as_text, encode_source, load_dates
from course_lib.recording import record
from course_lib.recurrent.alignment import Change, decode_with, encoded, translate
from course_lib.recurrent.seq2seq import greedy_decode, load_translator

OPENING, LONG = "the 21st of october 2013", "wednesday, the 30th of september, in the year 2026"
OF_ALL_KINDS = [OPENING, LONG, "5.3.1998", "05/03/1998", "mar 5 1998", "in the year 1998 on the 5th of march"]


@pytest.mark.parametrize("name", ["attention", "fixed vector"])
def test_without_a_change_it_writes_what_greedy_decode_writes(name):
    dates, model = load_dates("test", 24), load_translator(name)[0]
    for text, written in zip(dates.texts, greedy_decode(model, dates.source, dates.lengths), strict=True):
        assert translate(name, text).text == as_text(written)


def test_chances_weights_and_contexts_are_those_of_teacher_forcing():
    """The recorder's own run, given what was written."""
    model = load_translator()[0]
    for text in OF_ALL_KINDS:
        ours, (source, lengths) = translate("attention", text), encode_source([text])
        previous = torch.tensor([[START, *ours.symbols[:-1]]])
        run = record(model, source, lengths, previous)
        assert np.allclose(ours.chances, run.output[0].softmax(dim=-1), atol=1e-5)
        assert np.allclose(ours.weights, run["attention.weights"][:, 0], atol=1e-5)
        assert np.allclose(ours.contexts, run["context"][:, 0], atol=1e-5)
        assert ours.symbols[-1] == END


def test_scores_times_a_factor_raise_the_weights_to_its_power():
    """softmax(f · s) is softmax(s) to the power f, normalised; only the first step has the same query."""
    before = translate("attention", LONG).weights[0].astype(float)
    for factor in (0.0, 0.3, 2.5, 8.0):
        power = before**factor
        assert np.allclose(
            translate("attention", LONG, Change(factor=factor)).weights[0], power / power.sum(), atol=1e-5
        )


def test_what_is_hidden_has_no_weight_and_the_rest_is_shared_out():
    before = translate("attention", OPENING).weights[0]
    hidden = translate("attention", OPENING, Change(hidden=(20, 21)))
    assert np.all(hidden.weights[:, 20:22] == 0) and np.allclose(hidden.weights.sum(axis=1), 1)
    rest = np.delete(before, [20, 21])
    assert np.allclose(np.delete(hidden.weights[0], [20, 21]), rest / rest.sum(), atol=1e-5)
    nothing = translate("attention", OPENING, Change(hidden=tuple(range(len(OPENING)))))
    assert not nothing.weights.any() and not nothing.contexts.any()


def test_a_change_at_one_step_leaves_those_before_as_they_are():
    before, after = translate("attention", OPENING), translate("attention", OPENING, Change(hidden=(4, 5), step=8))
    assert np.array_equal(before.weights[:8], after.weights[:8])
    assert np.all(after.weights[8, 4:6] == 0) and after.weights[9, 5] > 0
    assert np.array_equal(before.symbols[:8], after.symbols[:8]) and before.symbols[8] != after.symbols[8]


@pytest.mark.parametrize("name", ["attention", "fixed vector"])
def test_a_forced_symbol_is_written_and_read_back(name):
    forced = translate(name, OPENING, Change(forced=(0, 4)))
    free = translate(name, OPENING)
    assert forced.symbols[0] == 4 != free.symbols[0] and np.array_equal(forced.chances[0], free.chances[0])
    assert not np.allclose(forced.chances[1], free.chances[1], atol=1e-6)


def test_no_hook_stays_behind_even_when_it_fails():
    model = load_translator()[0]

    def fails(*_):
        raise RuntimeError

    with pytest.raises(RuntimeError):
        decode_with(model, encoded("attention", OPENING), Change(factor=2.0), fails)
    assert not any(module._forward_hooks for module in model.modules())
