from datetime import date

import pytest
import torch

from course_lib.datasets.dates import (
    END,
    FORMATS,
    LONGEST,
    PAD,
    SOURCE_ALPHABET,
    START,
    as_text,
    encode_source,
    load_dates,
    read_date,
    write_dates,
)

PARTS = {"train": 10_000, "valid": 500, "test": 1_000}


@pytest.fixture(scope="module")
def parts():
    return {name: load_dates(name) for name in PARTS}


def test_no_day_stands_in_two_parts(parts):
    days = [as_text(target) for part in parts.values() for target in part.targets]
    assert len(set(days)) == len(days) == sum(PARTS.values())


def test_every_text_is_read_back(parts):
    for part in parts.values():
        read = [read_date(text).isoformat() for text in part.texts]
        assert read == [as_text(target) for target in part.targets]


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_is_named_after_the_day_it_writes(name):
    assert write_dates([date(1998, 3, 5)], [name]).texts == (name,)


def test_every_day_of_a_leap_year_in_every_format():
    for name, write in FORMATS.items():
        for number in range(366):
            day = date.fromordinal(date(2024, 1, 1).toordinal() + number)
            assert read_date(write(day)) == day, name


def test_every_format_is_about_as_frequent_in_every_part(parts):
    for part in parts.values():
        shares = [part.formats.count(name) / len(part.formats) for name in FORMATS]
        assert all(abs(share - 1 / 11) < 0.04 for share in shares)


def test_shapes_and_marks(parts):
    for name, part in parts.items():
        rows = PARTS[name]
        assert len(part.texts) == len(part.formats) == len(part.source) == len(part.lengths) == rows
        assert part.targets.shape == part.previous.shape == (rows, 11)
        assert part.source.dtype == part.targets.dtype == part.previous.dtype == torch.int64
        assert (part.targets[:, -1] == END).all() and (part.targets[:, :-1] > END).all()
        assert (part.previous[:, 0] == START).all()
        assert torch.equal(part.previous[:, 1:], part.targets[:, :-1])
        assert torch.equal((part.source != PAD).sum(dim=1), part.lengths)
        assert part.lengths.max() <= LONGEST
    text, row, length = part.texts[3], part.source[3], part.lengths[3]
    assert "".join(SOURCE_ALPHABET[sign] for sign in row[:length]) == text and (row[length:] == PAD).all()


def test_the_same_seed_draws_the_same(parts):
    few = load_dates("test", rows=7)
    assert few.texts == parts["test"].texts[:7]
    assert load_dates("test", rows=7, seed=1).texts != few.texts


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("30.2.1999", "february 1999 has 28 days"),
        ("29.2.1999", "february 1999 has 28 days"),
        ("the 31st of april 2001", "april 2001 has 30 days"),
        ("0.5.2001", "may 2001 has 31 days"),
        ("5.13.1998", "there is no month 13"),
        ("03/25/1998", "there is no month 25: the day comes first"),
    ],
)
def test_days_that_do_not_exist(text, sentence):
    with pytest.raises(ValueError, match=sentence):
        read_date(text)


def test_a_leap_day_exists():
    assert read_date("29 feb 2000") == date(2000, 2, 29)
    assert read_date("feb 29 2024") == date(2024, 2, 29)


@pytest.mark.parametrize("text", ["5 marchember 1998", "1998-03-05", "5.3.98", "5/3/1998", "", "5.3.1998 "])
def test_what_is_in_no_known_format(text):
    assert read_date(text) is None


def test_a_wrong_weekday_does_not_matter():
    assert read_date("monday, march 5, 1998") == date(1998, 3, 5)


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        (["5 march 1998", " "], "nothing to translate"),
        (["5" * (LONGEST + 1)], "this text has 51 signs; the translator learned dates of at most 50"),
        (["5 März 1998"], "holds 'M'"),
        (["5 märz 1998"], "holds 'ä'"),
        (["5 march\n1998"], r"holds '\\n'"),
        (["5 march\x001998"], r"holds '\\x00'"),  # a mark of the alphabet is no sign that can be written
    ],
)
def test_what_cannot_be_encoded(texts, sentence):
    with pytest.raises(ValueError, match=sentence):
        encode_source(texts)


def test_texts_are_padded_to_the_longest():
    source, lengths = encode_source(["5.3.1998", "5"])
    assert lengths.tolist() == [8, 1] and source.shape == (2, 8)
    assert source[1].tolist() == [SOURCE_ALPHABET.index("5")] + [PAD] * 7
    assert encode_source(["5" * LONGEST])[1].tolist() == [LONGEST]


def test_what_was_written_ends_at_its_end():
    target = load_dates("test", rows=1).targets[0]
    assert as_text(target) == as_text(torch.cat([target, target])) and len(as_text(target)) == 10
    assert as_text(torch.tensor([END])) == "" and as_text(torch.tensor([PAD, START])) == "��"


@pytest.mark.parametrize(("part", "rows"), [("dev", None), ("test", 0), ("test", 1_001)])
def test_what_cannot_be_loaded(part, rows):
    with pytest.raises(ValueError, match=r"no 'dev'|rows is from 1"):
        load_dates(part, rows=rows)


def test_no_text_at_all_is_refused():
    with pytest.raises(ValueError, match="give at least one text"):
        encode_source([])
