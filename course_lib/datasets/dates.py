"""Dates as people write them, and the same day as 1998-03-05: a small translation, made here."""

import calendar
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

import torch
from torch import Tensor

MONTHS = [name.lower() for name in calendar.month_name[1:]]
PAD, START, END = 0, 1, 2  # in both alphabets
SOURCE_ALPHABET = "\0\1\2" + " ,./-0123456789abcdefghijklmnopqrstuvwxyz"
TARGET_ALPHABET = "\0\1\2" + "-0123456789"
FIRST, LAST = date(1950, 1, 1), date(2049, 12, 31)
LONGEST = 50  # symbols of a source that the translators are meant for
DAYS = {
    day: f"{day}{'th' if 11 <= day <= 13 else {1: 'st', 2: 'nd', 3: 'rd'}.get(day % 10, 'th')}" for day in range(1, 32)
}


def _month(day: date) -> str:
    return MONTHS[day.month - 1]


def _weekday(day: date) -> str:
    return calendar.day_name[day.weekday()].lower()


FORMATS: dict[str, Callable[[date], str]] = {
    "5.3.1998": lambda d: f"{d.day}.{d.month}.{d.year}",
    "05/03/1998": lambda d: f"{d.day:02}/{d.month:02}/{d.year}",
    "5 mar 1998": lambda d: f"{d.day} {_month(d)[:3]} {d.year}",
    "mar 5 1998": lambda d: f"{_month(d)[:3]} {d.day} {d.year}",
    "5 march 1998": lambda d: f"{d.day} {_month(d)} {d.year}",
    "march 5, 1998": lambda d: f"{_month(d)} {d.day}, {d.year}",
    "1998, march 5th": lambda d: f"{d.year}, {_month(d)} {DAYS[d.day]}",
    "the 5th of march 1998": lambda d: f"the {DAYS[d.day]} of {_month(d)} {d.year}",
    "thursday, march 5, 1998": lambda d: f"{_weekday(d)}, {_month(d)} {d.day}, {d.year}",
    "in the year 1998 on the 5th of march": lambda d: f"in the year {d.year} on the {DAYS[d.day]} of {_month(d)}",
    "thursday, the 5th of march, in the year 1998": (
        lambda d: f"{_weekday(d)}, the {DAYS[d.day]} of {_month(d)}, in the year {d.year}"
    ),
}


@dataclass(frozen=True)
class Pairs:
    """Sources with their targets, padded at the end with `PAD`.

    Attributes:
        source: (pairs, source) int64.
        lengths: (pairs,) symbols of each source.
        previous: (pairs, steps) int64, the decoder's inputs: `START`, then the target but for its end.
        targets: (pairs, steps) int64, `END` last.
        source_size, target_size: symbols that there are, padding, start and end included.
    """

    source: Tensor
    lengths: Tensor
    previous: Tensor
    targets: Tensor
    source_size: int
    target_size: int


@dataclass(frozen=True)
class Dates(Pairs):
    """Dates with their translations: places in `SOURCE_ALPHABET` and, 11 steps each, in `TARGET_ALPHABET`.

    Attributes:
        texts: the dates as people write them.
        formats: which of `FORMATS` each was written in.
    """

    texts: tuple[str, ...]
    formats: tuple[str, ...]


def load_dates(part: str = "train", rows: int | None = None, seed: int = 0) -> Dates:
    """Dates between 1950 and 2049 in eleven ways of writing; no day of one part stands in another.

    Source: generated here. Licence: that of the workbook's data (CC BY 4.0).

    Args:
        part: "train" (10,000), "valid" (500) or "test" (1,000).
        rows: the first so many of them; all if None.
        seed: of the days, their parts and the ways they are written.

    Raises:
        ValueError: there is no such part, or not so many rows.
    """
    sizes = {"train": 10_000, "valid": 500, "test": 1_000}
    if part not in sizes:
        raise ValueError(f"the parts are {', '.join(sizes)}; there is no {part!r}")
    if rows is not None and not 1 <= rows <= sizes[part]:
        raise ValueError(f"{part} has {sizes[part]:,} dates, so rows is from 1 to that, not {rows}")
    draw = random.Random(seed)
    days = draw.sample([FIRST + timedelta(days) for days in range((LAST - FIRST).days + 1)], sum(sizes.values()))
    formats = draw.choices(list(FORMATS), k=len(days))
    first = sum(list(sizes.values())[: list(sizes).index(part)])
    chosen = slice(first, first + (rows or sizes[part]))
    return write_dates(days[chosen], formats[chosen])


def write_dates(days: list[date], formats: list[str]) -> Dates:
    """Days written in these formats, with their translations."""
    texts = tuple(FORMATS[name](day) for day, name in zip(days, formats, strict=True))
    source, lengths = encode_source(texts)
    targets = torch.tensor([[*(TARGET_ALPHABET.index(sign) for sign in day.isoformat()), END] for day in days])
    sizes = len(SOURCE_ALPHABET), len(TARGET_ALPHABET)
    return Dates(source, lengths, moved_on(targets), targets, *sizes, texts, tuple(formats))


def moved_on(targets: Tensor) -> Tensor:
    """What the decoder is given in training: the symbol before each target, `START` first; both (pairs, steps)."""
    return torch.cat([torch.full((len(targets), 1), START), targets[:, :-1]], dim=1)


def encode_source(texts: tuple[str, ...] | list[str]) -> tuple[Tensor, Tensor]:
    """Texts as padded places in `SOURCE_ALPHABET`, (texts, source), and their lengths (texts,).

    Raises:
        ValueError: no text, an empty one, one longer than any of the data, or a sign that no date holds; says which.
    """
    if not texts:
        raise ValueError("there is nothing to translate: give at least one text")
    for text in texts:
        if not text.strip():
            raise ValueError("there is nothing to translate: write a date, such as 5 march 1998")
        if len(text) > LONGEST:
            raise ValueError(f"this text has {len(text)} signs; the translator learned dates of at most {LONGEST}")
        if strange := sorted(set(text) - set(SOURCE_ALPHABET[3:])):
            raise ValueError(f"no date that the translator learned holds {strange[0]!r}: use small letters and digits")
    lengths = torch.tensor([len(text) for text in texts])
    rows = [[SOURCE_ALPHABET.index(sign) for sign in text] + [PAD] * (int(lengths.max()) - len(text)) for text in texts]
    return torch.tensor(rows), lengths


def as_text(targets: Tensor) -> str:
    """What a decoder wrote, (steps,), up to its `END`."""
    signs = []
    for sign in targets.tolist():
        if sign == END:
            break
        signs.append(TARGET_ALPHABET[sign] if sign > END else "�")
    return "".join(signs)


def read_date(text: str) -> date | None:
    """The day that a text means if it is written in one of `FORMATS`, whatever weekday it names; None if it is not.

    Raises:
        ValueError: there is no such day; says why.
    """
    for pattern in _patterns():
        if found := re.fullmatch(pattern, text):
            year, day, month = int(found["year"]), int(found["day"]), found["month"]
            number = int(month) if month.isdigit() else 1 + [name[:3] for name in MONTHS].index(month[:3])
            if not 1 <= number <= 12:
                raise ValueError(f"there is no month {number}: the day comes first, then the month from 1 to 12")
            if not 1 <= day <= calendar.monthrange(year, number)[1]:
                last = calendar.monthrange(year, number)[1]
                raise ValueError(f"there is no such day: {MONTHS[number - 1]} {year} has {last} days")
            return date(year, number, day)
    return None


@cache
def _patterns() -> list[str]:
    """One regular expression a format, made from the format's own writing of one day."""
    sample = date(1998, 3, 5)  # a thursday
    groups = {
        "thursday": "(?:" + "|".join(name.lower() for name in calendar.day_name) + ")",
        "1998": r"(?P<year>\d{4})",
        "march": f"(?P<month>{'|'.join(MONTHS)})",
        "mar": f"(?P<month>{'|'.join(name[:3] for name in MONTHS)})",
        "03": r"(?P<month>\d{2})",
        "3": r"(?P<month>\d{1,2})",
        "05": r"(?P<day>\d{2})",
        "5th": r"(?P<day>\d{1,2})(?:st|nd|rd|th)",
        "5": r"(?P<day>\d{1,2})",
    }
    pieces = re.compile("|".join(groups))
    return [
        "".join(groups.get(part, re.escape(part)) for part in re.split(f"({pieces.pattern})", write(sample)))
        for write in FORMATS.values()
    ]
